#include "sim/memory/guard.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/diag.h"
#include "sim/memory/context.h"
#include "sim/memory/dispatch.h"
#include "sim/memory/regions.h"
#include "sim/memory/step.h"

/*
 * What the fault handlers ask. Global, because they have no argument; one atomic word, set when the machine is up and
 * cleared before it goes down.
 */
static struct mvs_memory *_Atomic watched;

/* Is the lock this thread's? Then a fault is one of the copies that it makes with it. */
static __thread volatile sig_atomic_t holding __attribute__((tls_model("initial-exec")));

/* Pages that were open when this thread looked at them, though it had faulted there: see was_opened(). */
static __thread unsigned seen_openings __attribute__((tls_model("initial-exec")));

/* A system call of the host's that this thread has under way. */
static __thread volatile enum { NO_CALL, CALL, CALL_WITH_PAGES } call __attribute__((tls_model("initial-exec")));

/* Handlers of faults that run on this thread. */
static __thread volatile int handlers __attribute__((tls_model("initial-exec")));

void mvs_guard_watch(struct mvs_memory *memory)
{
        atomic_store(&watched, memory);
}

/* ---- the lock ---- */

static void spin(struct mvs_guard *guard)
{
        while (atomic_exchange(&guard->lock, 1) != 0)
                sched_yield();
        holding = 1;
}

static void release(struct mvs_guard *guard)
{
        holding = 0;
        atomic_store(&guard->lock, 0);
}

/* Pages of the loan that have neighbours, at its start and its end. */
static bool has_first(const struct mvs_lent *lent)
{
        return lent->held_start < lent->held_end && lent->held_start < lent->start;
}

static bool has_last(const struct mvs_lent *lent)
{
        return lent->held_start < lent->held_end && lent->held_end > lent->end;
}

static void count_edges(struct mvs_memory *memory)
{
        unsigned edges = 0;
        for (unsigned i = 0; i < memory->lent_count; i++)
                edges += has_first(&memory->lent[i]) + has_last(&memory->lent[i]);
        atomic_store(&memory->guard.edges, edges);
}

static void rearm(void)
{
        const struct mvs_memory *memory = atomic_load(&watched);
        mvs_dispatch_switch(memory != NULL && handlers == 0 && call == NO_CALL &&
                            atomic_load(&memory->guard.edges) > 0);
}

void mvs_guard_enter(void)
{
        mvs_dispatch_switch(false);
        handlers++;
}

void mvs_guard_leave(void)
{
        handlers--;
        rearm();
}

void mvs_guard_lock(struct mvs_memory *memory, sigset_t *ret_before)
{
        sigset_t deaf;
        mvs_dispatch_switch(false);
        mvs_step_mask(&deaf);
        pthread_sigmask(SIG_SETMASK, &deaf, ret_before);
        spin(&memory->guard);
}

void mvs_guard_unlock(struct mvs_memory *memory, const sigset_t *before)
{
        count_edges(memory);
        release(&memory->guard);
        pthread_sigmask(SIG_SETMASK, before, NULL);
        rearm();
}

/* ---- pages ---- */

static uintptr_t page_of(const struct mvs_guard *guard, uintptr_t address)
{
        return address & ~(guard->page_size - 1);
}

static bool is_held(const struct mvs_memory *memory, uintptr_t page)
{
        for (unsigned i = 0; i < memory->lent_count; i++) {
                if (page >= memory->lent[i].held_start && page < memory->lent[i].held_end)
                        return true;
        }
        return false;
}

static struct mvs_guarded_page *find_page(struct mvs_guard *guard, uintptr_t page)
{
        for (unsigned i = 0; i < MVS_GUARD_PAGES; i++) {
                if (guard->pages[i].at == page)
                        return &guard->pages[i];
        }
        return NULL;
}

static bool is_in_use(const struct mvs_memory *memory, const struct mvs_guarded_page *entry)
{
        return entry->open > 0 || (entry->at != 0 && is_held(memory, entry->at));
}

/* There are as many entries as there can be pages that are lent in part; should all be in use nevertheless, an account
 * is lost. */
static struct mvs_guarded_page *new_page(struct mvs_memory *memory, uintptr_t page)
{
        struct mvs_guard *guard = &memory->guard;
        struct mvs_guarded_page *entry;
        unsigned tried = 0;
        do {
                entry = &guard->pages[guard->next];
                guard->next = (guard->next + 1) % MVS_GUARD_PAGES;
        } while (is_in_use(memory, entry) && ++tried < MVS_GUARD_PAGES);
        *entry = (struct mvs_guarded_page){.at = page};
        return entry;
}

/* The account of the page; a new one where there is none. */
static struct mvs_guarded_page *page_at(struct mvs_memory *memory, uintptr_t page)
{
        struct mvs_guarded_page *entry = find_page(&memory->guard, page);
        return entry != NULL ? entry : new_page(memory, page);
}

static bool is_edge(const struct mvs_memory *memory, uintptr_t page)
{
        for (unsigned i = 0; i < memory->lent_count; i++) {
                const struct mvs_lent *lent = &memory->lent[i];
                if ((has_first(lent) && page == lent->held_start) ||
                    (has_last(lent) && page == lent->held_end - memory->guard.page_size))
                        return true;
        }
        return false;
}

static bool is_open(struct mvs_memory *memory, uintptr_t page)
{
        const struct mvs_guarded_page *entry = find_page(&memory->guard, page);
        return (entry != NULL && entry->open > 0) || (memory->guard.calls > 0 && is_edge(memory, page));
}

/* Runs of pages that are held: one system call each. */
static void set_access(struct mvs_memory *memory, uintptr_t start, uintptr_t end, int protection)
{
        struct mvs_guard *guard = &memory->guard;
        uintptr_t size = guard->page_size;
        if (memory->mode != MVS_LENT_TRAP)
                return;
        for (uintptr_t page = page_of(guard, start); page < end; page += size) {
                uintptr_t run = page;
                while (page < end && is_held(memory, page) && !is_open(memory, page))
                        page += size;
                if (page > run)
                        mprotect((void *)run, page - run, protection);
        }
}

void mvs_guard_open(struct mvs_memory *memory, uintptr_t start, uintptr_t end)
{
        set_access(memory, start, end, PROT_READ | PROT_WRITE);
        atomic_fetch_add(&memory->guard.openings, 1);
}

void mvs_guard_close(struct mvs_memory *memory, uintptr_t start, uintptr_t end)
{
        set_access(memory, start, end, PROT_NONE);
}

typedef void visit_fn(struct mvs_memory *memory, uintptr_t page, void *context);

static void visit_edges(struct mvs_memory *memory, visit_fn *visit, void *context)
{
        for (unsigned i = 0; i < memory->lent_count; i++) {
                const struct mvs_lent lent = memory->lent[i];
                if (has_first(&lent))
                        visit(memory, lent.held_start, context);
                if (has_last(&lent))
                        visit(memory, lent.held_end - memory->guard.page_size, context);
        }
}

static void open_edge(struct mvs_memory *memory, uintptr_t page, void *context)
{
        (void)context;
        mprotect((void *)page, memory->guard.page_size, PROT_READ | PROT_WRITE);
}

static void open_edges(struct mvs_memory *memory)
{
        visit_edges(memory, open_edge, NULL);
}

/* ---- which pages ---- */

static bool may_be_shared(struct mvs_memory *memory, uintptr_t page)
{
        const struct mvs_guarded_page *entry = find_page(&memory->guard, page);
        return entry == NULL || !entry->hot;
}

/* A page that an instruction or a call is under way in, because of another loan on it. */
static void open_if_used(struct mvs_memory *memory, uintptr_t page)
{
        if (is_open(memory, page))
                mprotect((void *)page, memory->guard.page_size, PROT_READ | PROT_WRITE);
}

void mvs_guard_choose(struct mvs_memory *memory, struct mvs_lent *lent, const sigset_t *mask)
{
        struct mvs_guard *guard = &memory->guard;
        lent->held_start = lent->held_end = 0;
        lent->compared = true;
        if (memory->mode != MVS_LENT_TRAP || lent->end > UINTPTR_MAX - guard->page_size)
                return;
        uintptr_t start = page_of(guard, lent->start);
        uintptr_t end = page_of(guard, lent->end + guard->page_size - 1);
        struct mvs_survey survey;
        if (mvs_maps_survey(memory, start, end, (uintptr_t)__builtin_frame_address(0), &survey) < 0 || !survey.plain ||
            survey.stack)
                return;
        bool shares = guard->steps && !survey.heap && !mvs_maps_has_own_data(start, end) && mvs_step_possible(mask);
        if (start < lent->start && !(shares && may_be_shared(memory, start)))
                start += guard->page_size;
        if (start < end && end > lent->end && !(shares && may_be_shared(memory, end - guard->page_size)))
                end -= guard->page_size;
        if (start >= end || mprotect((void *)start, end - start, PROT_NONE) < 0)
                return;
        lent->held_start = start;
        lent->held_end = end;
        lent->compared = start > lent->start || end < lent->end;
        open_if_used(memory, start);
        open_if_used(memory, end - guard->page_size);
}

/* ---- faults ---- */

static const struct mvs_lent *lent_at(const struct mvs_memory *memory, uintptr_t address)
{
        return mvs_lent_secret(memory, address, address);
}

static void enter_page(struct mvs_memory *memory, uintptr_t page)
{
        struct mvs_guarded_page *entry = page_at(memory, page);
        if (entry->open++ == 0)
                mprotect((void *)page, memory->guard.page_size, PROT_READ | PROT_WRITE);
}

/* The first lent byte of the page that has changed, or 0. */
static uintptr_t changed_in(const struct mvs_memory *memory, uintptr_t page)
{
        uintptr_t last = page + (memory->guard.page_size - 1);
        for (unsigned i = 0; i < memory->lent_count; i++) {
                const struct mvs_lent *lent = &memory->lent[i];
                uintptr_t start = lent->start > page ? lent->start : page;
                uintptr_t end = lent->end <= last ? lent->end : last + 1;
                uintptr_t changed = lent->secret && start < end ? mvs_guard_changed(start, end) : 0;
                if (changed != 0)
                        return changed;
        }
        return 0;
}

static uintptr_t leave_page(struct mvs_memory *memory, uintptr_t page)
{
        struct mvs_guarded_page *entry = find_page(&memory->guard, page);
        uintptr_t changed = is_held(memory, page) ? changed_in(memory, page) : 0;
        if (entry != NULL && entry->open > 0 && --entry->open == 0)
                mvs_guard_close(memory, page, page + memory->guard.page_size);
        return changed;
}

/* The loans on this page let it go; what is lent of it is compared from now on. */
static void give_page_up(struct mvs_memory *memory, uintptr_t page)
{
        uintptr_t size = memory->guard.page_size;
        mvs_guard_open(memory, page, page + size);
        for (unsigned i = 0; i < memory->lent_count; i++) {
                struct mvs_lent *lent = &memory->lent[i];
                if (page < lent->held_start || page >= lent->held_end)
                        continue;
                if (page == lent->held_start)
                        lent->held_start += size;
                else
                        lent->held_end = page; /* it is the last: pages in between have no neighbours */
                lent->compared = true;
        }
        memory->watchful = true;
        count_edges(memory);
}

static const struct mvs_lent *lent_in(const struct mvs_memory *memory, uintptr_t page)
{
        return mvs_lent_secret(memory, page, page + (memory->guard.page_size - 1));
}

static void say_hot(const struct mvs_memory *memory, uintptr_t page)
{
        const struct mvs_lent *lent = lent_in(memory, page);
        mvs_diag(
                MVS_LOG_INFO,
                "the page of the %s at %p, which is lent, holds other data that is in steady use: from now on the lent "
                "bytes in it are only compared at each call (give the buffer pages of its own on the host: "
                "__attribute__((aligned(4096))) and a size that is a multiple of 4096)",
                lent ? lent->what : "buffer", (void *)(lent ? lent->start : page));
}

static void make_hot(struct mvs_memory *memory, struct mvs_guarded_page *entry)
{
        entry->hot = true;
        say_hot(memory, entry->at);
        give_page_up(memory, entry->at);
}

/* Lets the neighbour be accessed: for one instruction, or for good. */
static void let_through(struct mvs_memory *memory, uintptr_t page, void *context)
{
        struct mvs_guarded_page *entry = page_at(memory, page);
        atomic_fetch_add(&memory->guard.passes, 1);
        if (++entry->accesses >= MVS_GUARD_HOT) {
                make_hot(memory, entry);
        } else if ((mvs_dispatch_is_enrolled() || mvs_dispatch_enrol()) && mvs_step_begin(page, context)) {
                enter_page(memory, page);
        } else {
                entry->hot = true;
                give_page_up(memory, page);
        }
}

/* Another thread may have opened the page between the fault and the look at it: then the access is tried once more. */
static bool was_opened(const struct mvs_guard *guard, uintptr_t address)
{
        struct mvs_segment segment;
        unsigned openings = atomic_load(&guard->openings);
        if (openings == seen_openings || !mvs_maps_find(address, &segment) || !segment.readable || !segment.writable)
                return false;
        seen_openings = openings;
        return true;
}

static void end_step(struct mvs_memory *memory, void *context, uintptr_t *ret_changed)
{
        uintptr_t pages[MVS_STEP_PAGES];
        unsigned count = mvs_step_end(context, pages);
        *ret_changed = 0;
        for (unsigned i = 0; i < count; i++) {
                uintptr_t changed = leave_page(memory, pages[i]);
                if (*ret_changed == 0)
                        *ret_changed = changed;
        }
}

enum mvs_guard_answer mvs_guard_fault(uintptr_t address, void *context)
{
        struct mvs_memory *memory = atomic_load(&watched);
        if (memory == NULL || holding)
                return MVS_GUARD_FOREIGN;
        enum mvs_guard_answer answer;
        uintptr_t page = page_of(&memory->guard, address);
        spin(&memory->guard);
        if (!is_held(memory, page))
                answer = was_opened(&memory->guard, address) ? MVS_GUARD_RESOLVED : MVS_GUARD_FOREIGN;
        else
                answer = lent_at(memory, address) != NULL ? MVS_GUARD_LENT : MVS_GUARD_RESOLVED;
        if (answer == MVS_GUARD_RESOLVED && is_held(memory, page))
                let_through(memory, page, context);
        if (answer != MVS_GUARD_RESOLVED && mvs_step_active()) {
                uintptr_t ignored;
                end_step(memory, context, &ignored);
        }
        release(&memory->guard);
        return answer;
}

/* ---- system calls of the host's ---- */

#define LEAST_LENGTH 4096 /* of what an argument may point to: a path, a structure */
#define MOST_LENGTH  ((uintptr_t)1 << 30)

/* What the arguments may point to: a pointer, and often the next argument is its length. */
struct touch {
        uintptr_t arguments[MVS_DISPATCH_ARGS + 1];
        bool all;
        bool found;
};

static bool may_touch(const struct touch *touch, uintptr_t start, uintptr_t last)
{
        for (unsigned i = 0; i < MVS_DISPATCH_ARGS; i++) {
                uintptr_t at = touch->arguments[i];
                uintptr_t len = touch->arguments[i + 1];
                if (len < LEAST_LENGTH || len > MOST_LENGTH)
                        len = LEAST_LENGTH;
                if (at <= last && start - at < len)
                        return true;
                if (at >= start && at <= last)
                        return true;
        }
        return false;
}

static void look_for_touch(struct mvs_memory *memory, uintptr_t page, void *context)
{
        struct touch *touch = context;
        if (!may_touch(touch, page, page + (memory->guard.page_size - 1)))
                return;
        struct mvs_guarded_page *entry = page_at(memory, page);
        if (++entry->accesses >= MVS_GUARD_HOT)
                make_hot(memory, entry);
        else
                touch->found = true;
}

static void give_up_edge(struct mvs_memory *memory, uintptr_t page, void *context)
{
        (void)context;
        page_at(memory, page)->hot = true;
        give_page_up(memory, page);
}

static bool open_for_call(struct mvs_memory *memory, struct touch *touch)
{
        visit_edges(memory, look_for_touch, touch);
        if (!touch->all && !touch->found)
                return false;
        if (memory->guard.calls++ == 0)
                open_edges(memory);
        return true;
}

/* Under the lock: opens what the call needs. True if it may run with nothing open. */
static bool is_uninvolved(struct mvs_memory *memory, enum mvs_dispatch_answer answer, struct touch *touch)
{
        touch->all = answer == MVS_DISPATCH_ALL || answer == MVS_DISPATCH_START;
        if (answer == MVS_DISPATCH_YIELD)
                visit_edges(memory, give_up_edge, NULL);
        else if (open_for_call(memory, touch))
                call = CALL_WITH_PAGES;
        return call == NO_CALL;
}

void mvs_guard_call(void *context)
{
        struct mvs_memory *memory = atomic_load(&watched);
        struct touch touch = {.found = false};
        enum mvs_dispatch_answer answer = mvs_dispatch_prepare(context, touch.arguments);
        if (answer == MVS_DISPATCH_DONE || memory == NULL)
                return;
        if (answer == MVS_DISPATCH_LAST) {
                call = CALL;
                return;
        }
        spin(&memory->guard);
        bool uninvolved = is_uninvolved(memory, answer, &touch);
        release(&memory->guard);
        if (uninvolved && mvs_dispatch_divert(context))
                return;
        if (call == NO_CALL)
                call = CALL;
        mvs_step_set_flag(context, true);
}

struct change {
        uintptr_t first;
};

static void look_for_change(struct mvs_memory *memory, uintptr_t page, void *context)
{
        struct change *change = context;
        if (change->first == 0)
                change->first = changed_in(memory, page);
}

static void close_edge(struct mvs_memory *memory, uintptr_t page, void *context)
{
        (void)context;
        mvs_guard_close(memory, page, page + memory->guard.page_size);
}

/* Returns the first lent byte that the call, or something meanwhile, has changed. */
static uintptr_t end_call(struct mvs_memory *memory)
{
        struct change change = {0};
        bool with_pages = call == CALL_WITH_PAGES;
        call = NO_CALL;
        if (!with_pages)
                return 0;
        visit_edges(memory, look_for_change, &change);
        if (--memory->guard.calls == 0)
                visit_edges(memory, close_edge, NULL);
        return change.first;
}

/* A trap that belongs to nothing: a thread, or a process that shares the memory, was started by a call that was
 * stepped, and has the flag from there. A breakpoint does not have it. */
static bool is_stray(void *context)
{
        if (!mvs_step_has_flag(context))
                return false;
        mvs_step_set_flag(context, false);
        return true;
}

bool mvs_guard_trap(void *context, uintptr_t *ret_changed)
{
        struct mvs_memory *memory = atomic_load(&watched);
        *ret_changed = 0;
        if (memory == NULL || (!mvs_step_active() && call == NO_CALL))
                return is_stray(context);
        spin(&memory->guard);
        if (mvs_step_active()) {
                end_step(memory, context, ret_changed);
        } else {
                mvs_step_set_flag(context, false);
                *ret_changed = end_call(memory);
        }
        release(&memory->guard);
        return true;
}

/* ---- copies, and questions ---- */

bool mvs_guard_admit(uintptr_t address, uintptr_t *ret_page)
{
        struct mvs_memory *memory = atomic_load(&watched);
        if (memory == NULL || holding)
                return false;
        uintptr_t page = page_of(&memory->guard, address);
        spin(&memory->guard);
        bool admitted = is_held(memory, page) && lent_at(memory, address) == NULL;
        if (admitted)
                enter_page(memory, page);
        release(&memory->guard);
        *ret_page = page;
        return admitted;
}

void mvs_guard_copied(uintptr_t page)
{
        struct mvs_memory *memory = atomic_load(&watched);
        if (memory == NULL)
                return;
        sigset_t before;
        mvs_guard_lock(memory, &before);
        leave_page(memory, page);
        mvs_guard_unlock(memory, &before);
}

bool mvs_guard_find(uintptr_t address, struct mvs_lent *ret_lent)
{
        struct mvs_memory *memory = atomic_load(&watched);
        if (memory == NULL || holding)
                return false;
        sigset_t before;
        mvs_guard_lock(memory, &before);
        const struct mvs_lent *lent = lent_at(memory, address);
        if (lent != NULL)
                *ret_lent = *lent;
        mvs_guard_unlock(memory, &before);
        return lent != NULL;
}

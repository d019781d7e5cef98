#include "sim/memory/guard.h"

#include <sched.h>

#include "sim/memory/dispatch.h"
#include "sim/memory/guard_calls.h"
#include "sim/memory/guard_pages.h"
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

static void rearm(void)
{
        const struct mvs_memory *memory = atomic_load(&watched);
        mvs_dispatch_switch(memory != NULL && handlers == 0 && !mvs_guard_has_call() &&
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
        mvs_guard_count_edges(memory);
        release(&memory->guard);
        pthread_sigmask(SIG_SETMASK, before, NULL);
        rearm();
}

/* ---- faults ---- */

static const struct mvs_lent *lent_at(const struct mvs_memory *memory, uintptr_t address)
{
        return mvs_lent_secret(memory, address, address);
}

/* Lets the neighbour be accessed: for one instruction, or for good. */
static void let_through(struct mvs_memory *memory, uintptr_t page, void *context)
{
        struct mvs_guarded_page *entry = mvs_guard_page_at(memory, page);
        atomic_fetch_add(&memory->guard.passes, 1);
        if (++entry->accesses >= MVS_GUARD_HOT) {
                mvs_guard_make_hot(memory, entry);
        } else if ((mvs_dispatch_is_enrolled() || mvs_dispatch_enrol()) && mvs_step_begin(page, context)) {
                mvs_guard_enter_page(memory, page);
        } else {
                entry->hot = true;
                mvs_guard_give_up(memory, page);
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
                uintptr_t changed = mvs_guard_leave_page(memory, pages[i]);
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
        uintptr_t page = mvs_guard_page_of(&memory->guard, address);
        spin(&memory->guard);
        if (!mvs_guard_is_held(memory, page))
                answer = was_opened(&memory->guard, address) ? MVS_GUARD_RESOLVED : MVS_GUARD_FOREIGN;
        else
                answer = lent_at(memory, address) != NULL ? MVS_GUARD_LENT : MVS_GUARD_RESOLVED;
        if (answer == MVS_GUARD_RESOLVED && mvs_guard_is_held(memory, page))
                let_through(memory, page, context);
        if (answer != MVS_GUARD_RESOLVED && mvs_step_active()) {
                uintptr_t ignored;
                end_step(memory, context, &ignored);
        }
        release(&memory->guard);
        return answer;
}

/* ---- system calls of the host's ---- */

void mvs_guard_call(void *context)
{
        struct mvs_memory *memory = atomic_load(&watched);
        uintptr_t arguments[MVS_DISPATCH_ARGS];
        enum mvs_dispatch_answer answer = mvs_dispatch_prepare(context, arguments);
        if (answer == MVS_DISPATCH_DONE || memory == NULL)
                return;
        if (answer == MVS_DISPATCH_LAST) {
                mvs_guard_begin_call();
                return;
        }
        spin(&memory->guard);
        bool opened = mvs_guard_open_for_call(memory, answer, arguments);
        release(&memory->guard);
        if (!opened && mvs_dispatch_divert(context))
                return;
        mvs_guard_begin_call();
        mvs_step_set_flag(context, true);
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
        if (memory == NULL || (!mvs_step_active() && !mvs_guard_has_call()))
                return is_stray(context);
        spin(&memory->guard);
        if (mvs_step_active()) {
                end_step(memory, context, ret_changed);
        } else {
                mvs_step_set_flag(context, false);
                *ret_changed = mvs_guard_end_call(memory);
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
        uintptr_t page = mvs_guard_page_of(&memory->guard, address);
        spin(&memory->guard);
        bool admitted = mvs_guard_is_held(memory, page) && lent_at(memory, address) == NULL;
        if (admitted)
                mvs_guard_enter_page(memory, page);
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
        mvs_guard_leave_page(memory, page);
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

#include "sim/memory/guard_pages.h"

#include <sys/mman.h>

#include "sim/diag.h"
#include "sim/memory/regions.h"
#include "sim/memory/step.h"

/* ---- neighbours ---- */

/* Pages of the loan that have neighbours, at its start and its end. */
static bool has_first(const struct mvs_lent *lent)
{
        return lent->held_start < lent->held_end && lent->held_start < lent->start;
}

static bool has_last(const struct mvs_lent *lent)
{
        return lent->held_start < lent->held_end && lent->held_end > lent->end;
}

void mvs_guard_count_edges(struct mvs_memory *memory)
{
        unsigned edges = 0;
        for (unsigned i = 0; i < memory->lent_count; i++)
                edges += has_first(&memory->lent[i]) + has_last(&memory->lent[i]);
        atomic_store(&memory->guard.edges, edges);
}

/* ---- the accounts ---- */

uintptr_t mvs_guard_page_of(const struct mvs_guard *guard, uintptr_t address)
{
        return address & ~(guard->page_size - 1);
}

bool mvs_guard_is_held(const struct mvs_memory *memory, uintptr_t page)
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
        return entry->open > 0 || (entry->at != 0 && mvs_guard_is_held(memory, entry->at));
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
struct mvs_guarded_page *mvs_guard_page_at(struct mvs_memory *memory, uintptr_t page)
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
        for (uintptr_t page = mvs_guard_page_of(guard, start); page < end; page += size) {
                uintptr_t run = page;
                while (page < end && mvs_guard_is_held(memory, page) && !is_open(memory, page))
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

void mvs_guard_visit_edges(struct mvs_memory *memory, mvs_guard_visit_fn *visit, void *context)
{
        for (unsigned i = 0; i < memory->lent_count; i++) {
                const struct mvs_lent lent = memory->lent[i];
                if (has_first(&lent))
                        visit(memory, lent.held_start, context);
                if (has_last(&lent))
                        visit(memory, lent.held_end - memory->guard.page_size, context);
        }
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
        uintptr_t start = mvs_guard_page_of(guard, lent->start);
        uintptr_t end = mvs_guard_page_of(guard, lent->end + guard->page_size - 1);
        struct mvs_survey survey;
        if (mvs_maps_survey(memory, start, end, (uintptr_t)__builtin_frame_address(0), &survey) < 0 || !survey.plain ||
            survey.stack)
                return;
        bool has_neighbours = start < lent->start || end > lent->end;
        bool shares = has_neighbours && guard->steps && !survey.heap && !mvs_maps_has_own_data(start, end) &&
                      mvs_step_possible(mask);
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

/* ---- instructions and copies ---- */

void mvs_guard_enter_page(struct mvs_memory *memory, uintptr_t page)
{
        struct mvs_guarded_page *entry = mvs_guard_page_at(memory, page);
        if (entry->open++ == 0)
                mprotect((void *)page, memory->guard.page_size, PROT_READ | PROT_WRITE);
}

/* The first lent byte of the page that has changed, or 0. */
uintptr_t mvs_guard_changed_in(const struct mvs_memory *memory, uintptr_t page)
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

uintptr_t mvs_guard_leave_page(struct mvs_memory *memory, uintptr_t page)
{
        struct mvs_guarded_page *entry = find_page(&memory->guard, page);
        uintptr_t changed = mvs_guard_is_held(memory, page) ? mvs_guard_changed_in(memory, page) : 0;
        if (entry != NULL && entry->open > 0 && --entry->open == 0)
                mvs_guard_close(memory, page, page + memory->guard.page_size);
        return changed;
}

/* ---- pages that are opened for good ---- */

/* The loans on this page let it go; what is lent of it is compared from now on. */
void mvs_guard_give_up(struct mvs_memory *memory, uintptr_t page)
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
        mvs_guard_count_edges(memory);
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

void mvs_guard_make_hot(struct mvs_memory *memory, struct mvs_guarded_page *entry)
{
        entry->hot = true;
        say_hot(memory, entry->at);
        mvs_guard_give_up(memory, entry->at);
}

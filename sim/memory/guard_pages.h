/*
 * The pages of loans: which are protected, which of them are open at the moment, and the account that is kept of those
 * with neighbours. For the files of the guard; everything here is done under the guard's lock, which guard.c takes.
 */
#ifndef MVS_GUARD_PAGES_H
#define MVS_GUARD_PAGES_H

#include "sim/memory/memory.h"

uintptr_t mvs_guard_page_of(const struct mvs_guard *guard, uintptr_t address);

/* Is the page in the protected range of a loan? */
bool mvs_guard_is_held(const struct mvs_memory *memory, uintptr_t page);

/* The account of the page; a new one where there is none. */
struct mvs_guarded_page *mvs_guard_page_at(struct mvs_memory *memory, uintptr_t page);

/* Writes down how many protected pages have neighbours, for those who ask without the lock. */
void mvs_guard_count_edges(struct mvs_memory *memory);

/* Calls `visit` for each protected page that has neighbours. It may take the page from its loan. */
typedef void mvs_guard_visit_fn(struct mvs_memory *memory, uintptr_t page, void *context);
void mvs_guard_visit_edges(struct mvs_memory *memory, mvs_guard_visit_fn *visit, void *context);

/* An instruction or a copy needs the page open, / is done with it. Leaving returns what mvs_guard_changed_in() says. */
void mvs_guard_enter_page(struct mvs_memory *memory, uintptr_t page);
uintptr_t mvs_guard_leave_page(struct mvs_memory *memory, uintptr_t page);

/* The first lent byte of the page that has changed, or 0. */
uintptr_t mvs_guard_changed_in(const struct mvs_memory *memory, uintptr_t page);

/* The loans on this page let it go; what is lent of it is compared from now on. */
void mvs_guard_give_up(struct mvs_memory *memory, uintptr_t page);

/* The same for a page whose neighbours are in steady use, which is said. */
void mvs_guard_make_hot(struct mvs_memory *memory, struct mvs_guarded_page *entry);

#endif

/*
 * Lent pages without access, and the way through for what lies beside the lent bytes.
 *
 * A page of a secret loan is protected. An access to it faults; the handler looks whether the byte is lent. If it is,
 * the application has made a mistake. If it is a neighbour, the page is opened, the one instruction is run by the
 * processor's trap flag with every other signal blocked, and the trap closes the page again. An instruction that
 * reached from the neighbour into lent bytes has changed the pattern in them, which is looked at before the page is
 * closed. A page whose neighbours are used some thousands of times is opened for good; its lent bytes are compared
 * instead.
 *
 * Whoever changes loans or the protection of their pages holds the guard's lock, and has every signal blocked that
 * could interrupt him: so no handler can find the lock held by its own thread.
 */
#ifndef MVS_GUARD_H
#define MVS_GUARD_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MVS_GUARD_PAGES 96   /* pages with neighbours that are kept account of: two for each loan */
#define MVS_GUARD_HOT   4000 /* accesses to a page's neighbours after which it is opened for good */

struct mvs_memory;
struct mvs_lent;

/* A page that is lent in part. */
struct mvs_guarded_page {
        uintptr_t at;
        unsigned open; /* instructions and copies that are under way in it */
        unsigned accesses;
        bool hot;
};

struct mvs_guard {
        atomic_int lock;
        atomic_uint openings; /* how often pages were opened for good */
        atomic_ulong passes;  /* neighbours that were let through: an application that uses them does not spin */
        atomic_uint edges;    /* protected pages with neighbours */
        unsigned calls;       /* system calls of the host's that are under way with all of those open */
        bool steps;           /* neighbours can be let through here, one instruction at a time */
        uintptr_t page_size;
        struct mvs_guarded_page pages[MVS_GUARD_PAGES];
        unsigned next; /* which entry of `pages` is looked at first for a new one */
};

enum mvs_guard_answer {
        MVS_GUARD_FOREIGN,  /* nothing to do with lent memory */
        MVS_GUARD_RESOLVED, /* the interrupted instruction may be run again */
        MVS_GUARD_LENT,     /* the byte is lent */
};

/* ---- under the guard's lock, by lent.c ---- */

/* Takes the lock with every signal blocked but those of faults; gives it back, with the signals as they were. */
void mvs_guard_lock(struct mvs_memory *memory, sigset_t *ret_before);
void mvs_guard_unlock(struct mvs_memory *memory, const sigset_t *before);

/* Decides which pages of the loan, an entry of memory->lent, can be protected, and protects them. `mask` is the set of
 * signals that the application has blocked. */
void mvs_guard_choose(struct mvs_memory *memory, struct mvs_lent *lent, const sigset_t *mask);

/* Opens / protects those pages of [start, end) that belong to the protected range of any loan. */
void mvs_guard_open(struct mvs_memory *memory, uintptr_t start, uintptr_t end);
void mvs_guard_close(struct mvs_memory *memory, uintptr_t start, uintptr_t end);

/* ---- without it ---- */

/* The guard of this memory is the one that the fault handlers ask. One at a time; NULL: none. */
void mvs_guard_watch(struct mvs_memory *memory);

/* From the fault handler: an access to `address` faulted. */
enum mvs_guard_answer mvs_guard_fault(uintptr_t address, void *context);

/* From the fault handler: a copy of the simulator's was stopped at `address`. True if its page is open now; the copy
 * says mvs_guard_copied() with the page when it is done. */
bool mvs_guard_admit(uintptr_t address, uintptr_t *ret_page);
void mvs_guard_copied(uintptr_t page);

/* From the handler of SIGSYS: a system call of the host's, to be looked at before it runs. */
void mvs_guard_call(void *context);

/* A handler of a fault begins / ends, or is left for good: its own system calls are not dispatched, those of the code
 * that it interrupted are, if need be. */
void mvs_guard_enter(void);
void mvs_guard_leave(void);

/* From the trap's handler: true if the trap ended a step or a system call. Then *ret_changed is the first lent byte
 * that the instruction has changed, or 0. */
bool mvs_guard_trap(void *context, uintptr_t *ret_changed);

/* The loan that holds this byte, if it is a secret one of the memory that is watched. */
bool mvs_guard_find(uintptr_t address, struct mvs_lent *ret_lent);

/* The first byte of [start, end) that does not hold the pattern, or 0. A byte that cannot be read holds it. */
uintptr_t mvs_guard_changed(uintptr_t start, uintptr_t end);

#endif

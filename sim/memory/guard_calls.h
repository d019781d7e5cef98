/*
 * System calls of the host's that may be given a neighbour of lent bytes: which pages they may touch, and those pages
 * open while they run. Each thread has at most one under way. For guard.c, which takes the lock.
 */
#ifndef MVS_GUARD_CALLS_H
#define MVS_GUARD_CALLS_H

#include "sim/memory/dispatch.h"
#include "sim/memory/memory.h"

/* Has the calling thread a call under way? Then its calls are not dispatched. */
bool mvs_guard_has_call(void);

/* It has one from now on, with nothing opened for it if nothing was. */
void mvs_guard_begin_call(void);

/* Under the lock: opens what the call needs, and then it is under way. False if it may run with nothing open. */
bool mvs_guard_open_for_call(struct mvs_memory *memory, enum mvs_dispatch_answer answer,
                             const uintptr_t arguments[MVS_DISPATCH_ARGS]);

/* Under the lock: the thread's call is done. Returns the first lent byte that it, or something meanwhile, has changed;
 * or 0. */
uintptr_t mvs_guard_end_call(struct mvs_memory *memory);

#endif

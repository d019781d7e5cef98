/* Threads of the simulator. */
#ifndef MVS_THREAD_H
#define MVS_THREAD_H

#include <pthread.h>

/* What the names of the simulator's threads begin with, and those of threads that a library starts from one. */
#define MVS_THREAD_PREFIX "mvsim:"

/*
 * Starts a thread that takes no signal meant for the application: everything is blocked but the faults of its own
 * instructions, which the fault-catching copies need. `name` begins with
 * MVS_THREAD_PREFIX. 0 or a negative errno.
 */
int mvs_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *argument), void *argument)
        __attribute__((warn_unused_result));

#endif

/* Threads of the simulator. */
#ifndef MVS_THREAD_H
#define MVS_THREAD_H

#include <pthread.h>

/*
 * Starts a thread that takes no signal meant for the application: everything is blocked but the faults of its own
 * instructions, which the fault-catching copies need. 0 or a negative errno.
 */
int mvs_thread_start(pthread_t *ret_thread, void *(*run)(void *argument), void *argument)
        __attribute__((warn_unused_result));

#endif

/* The threads of the process. */
#ifndef MVS_THREADS_H
#define MVS_THREADS_H

#include <stdbool.h>
#include <sys/types.h>

/* Whether a thread besides the calling one and the simulator's own is there, which could do something for it. True
 * when that cannot be found out. */
bool mvs_threads_others(void);

/* Whether the thread sleeps in the kernel, as opposed to running, or wanting to. */
bool mvs_thread_sleeps(pid_t tid);

/* Whether it sleeps there for a lock. */
bool mvs_thread_waits_for_lock(pid_t tid);

#endif

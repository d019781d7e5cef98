/*
 * The IRQ thread, and the signal with which it interrupts an application that does not come to the simulator.
 */
#ifndef MVS_PREEMPT_H
#define MVS_PREEMPT_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

struct mvs_machine;

/* Interrupts the application (process-directed, so that it reaches a thread that does not mask it). */
#define MVS_SIGNAL_PREEMPT (SIGRTMIN)
/* Wakes the IRQ thread (thread-directed). */
#define MVS_SIGNAL_WAKE (SIGRTMIN + 1)

struct mvs_preempt {
        pthread_t thread;
        bool running;
        atomic_bool stop;
        struct sigaction previous; /* what MVS_SIGNAL_PREEMPT did before */
};

/* Starts the IRQ thread and installs the signal's handler. 0 or a negative errno. */
int mvs_preempt_start(struct mvs_machine *machine) __attribute__((warn_unused_result));
void mvs_preempt_stop(struct mvs_machine *machine);

/* Any thread: the IRQ thread looks again at what is due. Safe in signal handlers. */
void mvs_preempt_wake(struct mvs_machine *machine);

/* Sends the preemption signal unless one is on its way. */
void mvs_preempt_signal(struct mvs_machine *machine);

/* True when the calling thread masks the preemption signal: the application's critical section. */
bool mvs_preempt_masked(void);

#endif

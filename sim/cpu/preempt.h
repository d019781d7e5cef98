/*
 * The IRQ thread, and the signal with which it interrupts an application that does not come to the simulator.
 */
#ifndef MVS_PREEMPT_H
#define MVS_PREEMPT_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mvs_machine;

/* Interrupts the application (process-directed, so that it reaches a thread that does not mask it). */
#define MVS_SIGNAL_PREEMPT (SIGRTMIN)
/* Wakes the IRQ thread (thread-directed). */
#define MVS_SIGNAL_WAKE (SIGRTMIN + 1)

struct mvs_preempt {
        pthread_t thread;
        bool running;
        atomic_bool stop;
        atomic_bool woken; /* the IRQ thread is to look and has not begun to */
        struct {
                atomic_int state;
                pthread_t thread; /* whose stack is wanted */
                uintptr_t *frames;
                unsigned max;
                unsigned count;
        } backtrace;
        struct sigaction previous; /* what MVS_SIGNAL_PREEMPT did before */
};

/* Starts the IRQ thread and installs the signal's handler. 0 or a negative errno. */
int mvs_preempt_start(struct mvs_machine *machine) __attribute__((warn_unused_result));
void mvs_preempt_stop(struct mvs_machine *machine);

/* Any thread: the IRQ thread looks again at what is due. Safe in signal handlers. */
void mvs_preempt_wake(struct mvs_machine *machine);

/* Sends the preemption signal unless one is on its way. */
void mvs_preempt_signal(struct mvs_machine *machine);

/* IRQ thread: the stack of another thread, which writes it down itself. Returns how many frames; 0 when the thread
 * does not answer within a second, because it masks the signal. Once in a process's life. */
unsigned mvs_preempt_backtrace(struct mvs_machine *machine, pthread_t thread, uintptr_t *ret_frames, unsigned max);

/* How many times slower than usual code runs here: not once under valgrind. What is measured in processor time, and is
 * neither a spin nor a hang elsewhere, is none here. */
unsigned mvs_preempt_slowness(void);

/* What is held back while a thread is in the simulator, where that is done, and while a handler runs that the signal
 * brought: everything but what must get through, and the preemption signal, which more urgent interrupts need. */
void mvs_preempt_held(sigset_t *ret_signals);

/* True when the calling thread masks the preemption signal: the application's critical section. */
bool mvs_preempt_masked(void);

#endif

/*
 * The processor: which world it is in, which handlers are active, what is masked, and the delivery of interrupts.
 *
 * The shield is a word that is non-zero while the processor is inside the simulator on the application's behalf (the
 * secure world, or an access to the interrupt controller). It is taken with one atomic exchange, so there is no
 * instruction at which a signal handler could find the simulator half entered; while it is set, no handler starts.
 *
 * Why no interrupt is lost: `due` is set, with sequential consistency, before anybody looks at the shield; the shield
 * is cleared, with sequential consistency, before its holder looks at `due`. So whoever pends while the shield is held
 * is seen by the holder on its way out, and whoever pends after that finds the shield free and sends the signal.
 */
#ifndef MVS_CPU_H
#define MVS_CPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sim/nvic/nvic.h"

struct mvs_machine;

#define MVS_IPSR_FIRST_IRQ 16

struct mvs_cpu {
        atomic_int shield;     /* 0 free, 1 held, 2 held and somebody waits for it (a futex) */
        atomic_bool due;       /* a handler may run now; kept by mvs_cpu_update() under the device lock */
        atomic_bool signalled; /* a preemption signal is on its way */
        atomic_uint ipsr;      /* the exception that runs; 0 in thread mode */

        /* Under the device lock: */
        bool primask;
        uint8_t stack[MVS_IRQ_COUNT]; /* the lines whose handlers are active, outermost first */
        unsigned depth;
        bool kicked;                        /* mvs_machine_unlock() is to wake who must look */
        bool waiting;                       /* the application waits in WFI, or the control API waits for it */
        pthread_cond_t changed;             /* wakes the waiting application */
        pthread_t thread;                   /* the thread that last came to the simulator as the application */
        clockid_t thread_clock;             /* the processor time that it has used */
        uint64_t visits;                    /* times it came; a spin is when this stands still */
        uint64_t no_handler[MVS_IRQ_WORDS]; /* lines already reported as having no handler */
};

int mvs_cpu_init(struct mvs_cpu *cpu) __attribute__((warn_unused_result));
void mvs_cpu_finish(struct mvs_cpu *cpu);

/* Into the simulator, with shield and device lock; and out again, taking the interrupts that became due. */
void mvs_cpu_enter(struct mvs_machine *machine);
void mvs_cpu_leave(struct mvs_machine *machine);

/* Device lock held: something that decides about interrupts has changed. */
void mvs_cpu_update(struct mvs_machine *machine);

/* Device lock held: pends a line, as an event from Microvisor or from the world does. */
void mvs_cpu_pend(struct mvs_machine *machine, unsigned irq);

/* Runs every handler that may run now, on the calling thread. No lock held. */
void mvs_cpu_deliver(struct mvs_machine *machine);

/* What ends a wait. */
bool mvs_cpu_wakes(const struct mvs_machine *machine);    /* WFI: an enabled interrupt is pending, masked or not */
bool mvs_cpu_may_take(const struct mvs_machine *machine); /* a handler may run now */

/* Inside enter/leave: waits until `ended` says so, or the clock reads `until_us` (MVS_NEVER: no limit). Returns true
 * when `ended` did. */
bool mvs_cpu_wait(struct mvs_machine *machine, uint64_t until_us, bool (*ended)(const struct mvs_machine *machine));

/* Device lock held, by a thread that is not the application: makes sure that what it changed is seen. */
void mvs_cpu_kick(struct mvs_machine *machine);

/* For mvs_machine_unlock(), which does what mvs_cpu_kick() asked for once the lock is free, so that who is woken does
 * not run into it. `waiting` is what it was under the lock; whoever begins to wait later has looked under it itself. */
void mvs_cpu_wake(struct mvs_machine *machine, bool waiting);

#endif

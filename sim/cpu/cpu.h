/*
 * The processor: which world it is in, which handlers are active, and the delivery of interrupts.
 *
 * The shield is a word that is non-zero while the processor is inside the simulator on the application's behalf (the
 * secure world, or an access to the interrupt controller). It is taken with one atomic exchange, so there is no
 * instruction at which a signal handler could find the simulator half entered; while it is set, no handler starts, but
 * for those of fast interrupts, which the gate lets in at points of its own (mvs_cpu_let_fast_in).
 *
 * Where tasks are threads, of which the tick of an RTOS lets one run at a time, a task that has the shield must not be
 * made to wait: the next one would wait for the shield, perhaps with the tick masked. So from the second thread on, the
 * signals that such a tick may be made of are held back while a thread is in here, and while it runs handlers.
 *
 * Why no interrupt is lost: `due` is set, with sequential consistency, before anybody looks at the shield; the shield
 * is cleared, with sequential consistency, before its holder looks at `due`. So whoever pends while the shield is held
 * is seen by the holder on its way out, and whoever pends after that finds the shield free and sends the signal.
 */
#ifndef MVS_CPU_H
#define MVS_CPU_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "sim/nvic/nvic.h"

struct mvs_machine;

/* Bits of the system control register. */
#define MVS_SCR_SLEEPONEXIT (1U << 1)
#define MVS_SCR_SLEEPDEEP   (1U << 2)
#define MVS_SCR_SEVONPEND   (1U << 4)
#define MVS_SCR_BITS        (MVS_SCR_SLEEPONEXIT | MVS_SCR_SLEEPDEEP | MVS_SCR_SEVONPEND)

/* A handler that has been entered and has not returned. */
struct mvs_active {
        unsigned vector;
        pthread_t thread; /* runs it */
        pid_t tid;
        clockid_t clock; /* the processor time of that thread */
        uint64_t serial; /* counts entries, of all vectors */
};

struct mvs_cpu {
        atomic_int shield;     /* 0 free, 1 held, 2 held and somebody waits for it (a futex) */
        atomic_bool due;       /* a handler may run now; kept by mvs_cpu_update() under the device lock */
        atomic_bool halted;    /* the application's life has ended: no handler runs any more, and no wait is one */
        atomic_bool signalled; /* a preemption signal is on its way */
        atomic_bool several; /* more than one thread has come as the application: an RTOS that makes tasks of threads */
        atomic_uint inside;  /* fast handlers that run inside the secure world, on the shield's holder's thread */

        /* Under the device lock: */
        struct mvs_active stack[MVS_VECTORS]; /* outermost first */
        unsigned depth;
        uint64_t entries; /* of all handlers */
        uint32_t scr;
        bool event;             /* the event register of WFE */
        bool awake;             /* it is halted in deep sleep, which has ended */
        bool waiting;           /* the application waits in WFI, or the control API waits for it */
        bool kicked;            /* something was changed that a waiting application or the IRQ thread must see */
        pthread_cond_t changed; /* wakes the waiting application */
        bool held;              /* the thread that is inside had its signals held back, */
        sigset_t before;        /* and before that its mask was this */
        pthread_t thread;       /* the thread that last came to the simulator as the application */
        pid_t tid;              /* its number */
        clockid_t thread_clock; /* the processor time that it has used */
        uint64_t visits;        /* times it let time pass: calls, waits; a spin is when this stands still */
        uint64_t skipped_us;    /* by how much spins have moved virtual time, in all */
        uint64_t no_handler[MVS_VECTOR_WORDS]; /* vectors already reported as having no handler */
        uint64_t fast[MVS_VECTOR_WORDS];       /* vectors of fast interrupts */
        uint64_t noted_us; /* the clock, where it was read since the lock was taken; 0: it was not */
        bool masked;       /* PRIMASK, FAULTMASK or BASEPRI holds interrupts back */
        uint64_t masked_since_us;
        uint64_t masked_us; /* for how long they did, in all */

        /* Nothing is left that could end a wait: reports it and ends the process. Device lock held. */
        void (*deadlock)(void *context);
        void *deadlock_context;
        bool stuck_told; /* said that only another thread of the process could end it */

        /* A fast handler has returned, having run for so long; one goes on running, for so long until now. Device lock
         * held. */
        void (*fast_done)(void *owner, unsigned irq, uint64_t us);
        void (*fast_hangs)(void *owner, unsigned irq, uint64_t us);
        /* A handler sleeps for a lock that it will not get: reports it and ends the process. Device lock held, by the
         * IRQ thread. */
        void (*handler_stuck)(void *owner, const struct mvs_active *handler);
        void *owner; /* of these */

        /* Called without locks whenever the last active handler has returned, on the stack of the code that it had
         * interrupted. An RTOS port may switch stacks here. */
        void (*thread_mode)(void);
};

int mvs_cpu_init(struct mvs_cpu *cpu) __attribute__((warn_unused_result));
void mvs_cpu_finish(struct mvs_cpu *cpu);

/* Into the simulator, with shield and device lock; and out again, taking the interrupts that became due. */
void mvs_cpu_enter(struct mvs_machine *machine);
void mvs_cpu_leave(struct mvs_machine *machine);

/* Inside enter/leave: runs the handlers of fast interrupts that are due, without leaving the secure world. */
void mvs_cpu_let_fast_in(struct mvs_machine *machine);

/* Device lock held: something that decides about interrupts has changed. */
void mvs_cpu_update(struct mvs_machine *machine);

/* Device lock held: pends an exception, as an event from Microvisor or from the world does. */
void mvs_cpu_pend(struct mvs_machine *machine, unsigned vector);

/* Device lock held: the time of something that may have a handler run at the end of this very call. Real time is slow
 * to read; the handler's entry, which only a statistic wants, is not worth a second reading. */
uint64_t mvs_cpu_note_now(struct mvs_machine *machine);

/* Device lock held: which lines are fast interrupts. */
void mvs_cpu_set_fast(struct mvs_machine *machine, unsigned irq, bool on);
bool mvs_cpu_is_fast(const struct mvs_cpu *cpu, unsigned vector);

static inline bool mvs_cpu_any_fast(const struct mvs_cpu *cpu)
{
        _Static_assert(MVS_VECTOR_WORDS == 3, "each word is looked at");
        return (cpu->fast[0] | cpu->fast[1] | cpu->fast[2]) != 0;
}

static inline bool mvs_cpu_is_halted(const struct mvs_cpu *cpu)
{
        return atomic_load_explicit(&cpu->halted, memory_order_relaxed);
}

/* The exception whose handler the calling thread runs; 0 in thread mode. With or without the lock. */
unsigned mvs_cpu_ipsr(void);

/* Runs every handler that may run now, on the calling thread, and keeps its errno. No lock held. */
void mvs_cpu_deliver(struct mvs_machine *machine);

/* Device lock held: the application's life has ended. */
void mvs_cpu_halt(struct mvs_machine *machine);

/* What ends a wait; each ends when the processor halts. */
bool mvs_cpu_wakes(const struct mvs_machine *machine);     /* WFI: would be taken, were PRIMASK not set */
bool mvs_cpu_has_event(const struct mvs_machine *machine); /* WFE: the event register, or what wakes WFI */
bool mvs_cpu_may_take(const struct mvs_machine *machine);  /* a handler may run now */

/* Inside enter/leave: waits until `ended` says so, or the clock reads `until_us` (MVS_NEVER: no limit). Returns true
 * when `ended` did. */
bool mvs_cpu_wait(struct mvs_machine *machine, uint64_t until_us, bool (*ended)(const struct mvs_machine *machine));

/* Device lock held, by a thread that is not the application: what it changed is to be seen once the lock is free. */
void mvs_cpu_kick(struct mvs_machine *machine);

/* After the lock was released: wakes the application that waits, or the IRQ thread. */
void mvs_cpu_wake(struct mvs_machine *machine, bool waiting);

#endif

/*
 * How a life of the application ends while the device goes on: mvRestart, mvDeepSleep, mvTestingComplete, or something
 * outside (an update, the cloud).
 *
 *        a call, or mvs_ending_begin()            taken by the application's thread, without locks
 *      LIVES ─────────────────────────▶ HALTED ──────────────▶ caught: stays halted until mvsim_boot_again()
 *                                                  └─────────▶ not caught: sleeps, where it is deep sleep, then execve
 *
 * Halted means that no interrupt comes and every call is refused. The end is taken outside of the gate, because who
 * catches it leaves with siglongjmp(), and because deep sleep lasts.
 */
#ifndef MVS_ENDING_H
#define MVS_ENDING_H

#include <stdatomic.h>

#include "mvsim/mvsim.h"
#include "sim/cpu/cpu.h"
#include "sim/timeline/timeline.h"
#include "src/call.h"

struct mvs_device;

/* With this a process ends whose application cannot be left or started again, as one whose device does not boot. */
#define MVS_EXIT_NOT_BOOTED 2

struct mvs_ending {
        struct mvsim_ending what; /* set before the processor halts */
        atomic_bool taken;        /* by the first thread that sees it */
        atomic_bool caught;       /* that thread was sent elsewhere */
        struct mvs_timer wake;    /* mvsim_wake() */
        struct mvs_timer check_in;
        enum MvWakeReason wake_reason;
        void (*callback)(const struct mvsim_ending *ending, void *context);
        void *context;
};

void mvs_ending_init(struct mvs_device *device);

/* The device is shut down: what this thread catches, it catches no more. */
void mvs_ending_forget(void);

/* For the call of such a name that is granted, or NULL for what comes from outside; then it may not return. Device lock
 * held. The first end counts. */
void mvs_ending_begin(struct mvs_device *device, const struct mvsim_ending *what);

/* The call goes on to its end, which is the application's. Returns OKAY, which nobody sees. */
enum MvStatus mvs_ending_of(struct mvs_call *call, enum mvsim_ending_kind kind, uint32_t argument,
                            enum MvWakeReason reason) __attribute__((warn_unused_result));

/* A call that comes when the life has ended. */
enum MvStatus mvs_ending_refuse(struct mvs_call *call) __attribute__((warn_unused_result));

/* The application's thread, having left the simulator: where the life has ended, this is where it ends. */
void mvs_ending_take(struct mvs_device *device);

static inline void mvs_ending_look(struct mvs_device *device, const struct mvs_cpu *cpu)
{
        if (__builtin_expect(mvs_cpu_is_halted(cpu), 0))
                mvs_ending_take(device);
}

/* A caught end: deep sleep goes on until something ends it. Returns the next life's reason. No lock held. */
enum MvWakeReason mvs_ending_await(struct mvs_device *device);

/* Device lock held: an interrupt line was pended, which may be what wakes the device. */
void mvs_ending_line(struct mvs_device *device, unsigned irq);

#endif

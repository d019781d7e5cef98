#include "src/ending.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sim/diag.h"
#include "sim/inherited.h"
#include "src/device.h"

#define EXPORT    __attribute__((visibility("default")))
#define US_PER_MS 1000U

#define IRQ_RTC    2U
#define IRQ_TAMP   4U
#define IRQ_EXTI0  11U
#define IRQ_EXTI15 26U

/* A frame of mvsim_catch(). */
struct catcher {
        sigjmp_buf place;
        struct mvsim_ending ending;
        struct catcher *outer;
};

/* The innermost one of each thread, since only the thread itself can be sent back there. And how many there are in all:
 * what comes from outside asks that on another thread. */
static _Thread_local struct catcher *catcher;
static _Thread_local unsigned depth;
static atomic_uint catchers;

/* ---- deep sleep ---- */

static bool is_asleep(const struct mvs_device *device)
{
        return mvs_cpu_is_halted(&device->machine.cpu) && device->ending.what.kind == MVSIM_ENDING_DEEP_SLEEP &&
               !device->machine.cpu.awake;
}

static bool is_awake(const struct mvs_machine *machine)
{
        return machine->cpu.awake;
}

/* Leaving shutdown is a cold boot, whatever ended it. */
static void wake(struct mvs_device *device, enum MvWakeReason reason)
{
        if (!is_asleep(device))
                return;
        device->machine.cpu.awake = true;
        if (device->ending.what.argument == MV_DEEPSLEEPMODE_STANDBY)
                device->ending.what.reason = reason;
        mvs_cpu_kick(&device->machine);
}

static void on_wake(struct mvs_timer *timer)
{
        struct mvs_device *device =
                (struct mvs_device *)(void *)((char *)timer - offsetof(struct mvs_device, ending.wake));
        wake(device, device->ending.wake_reason);
}

static void on_check_in(struct mvs_timer *timer)
{
        struct mvs_device *device =
                (struct mvs_device *)(void *)((char *)timer - offsetof(struct mvs_device, ending.check_in));
        wake(device, MV_WAKEREASON_DEEPSLEEPCHECKIN);
}

static bool wakes(unsigned irq)
{
        return irq == IRQ_RTC || irq == IRQ_TAMP || (irq >= IRQ_EXTI0 && irq <= IRQ_EXTI15);
}

void mvs_ending_line(struct mvs_device *device, unsigned irq)
{
        if (!is_asleep(device))
                return;
        if (wakes(irq))
                wake(device,
                     irq == IRQ_RTC ? MV_WAKEREASON_DEEPSLEEPAPPLICATIONRTC : MV_WAKEREASON_DEEPSLEEPAPPLICATION);
        else
                mvs_diag(MVS_LOG_WARNING,
                         "IRQ %u (%s) does not end deep sleep: nothing has power there that could raise it (RTC, TAMP "
                         "and the EXTI lines do)",
                         irq, mvs_vector_name(MVS_VECTOR_IRQ + irq));
}

/* What came just before is not lost: its flag is set, and the device does not fall asleep. */
static void fall_asleep(struct mvs_device *device)
{
        struct mvs_machine *machine = &device->machine;
        uint64_t check_in_us = (uint64_t)machine->profile.power.check_in_ms * US_PER_MS;
        if (check_in_us > 0)
                mvs_timeline_arm(&machine->timeline, &device->ending.check_in, mvs_machine_now(machine) + check_in_us);
        for (unsigned irq = 0; irq <= IRQ_EXTI15; irq++) {
                if (wakes(irq) && mvs_nvic_is_pending(&machine->nvic, MVS_VECTOR_IRQ + irq))
                        mvs_ending_line(device, irq);
        }
}

/* ---- an end that nobody catches ---- */

/* What the application has printed. Not in a handler, which may have interrupted one who prints; and not where another
 * thread stands still in the middle of it. */
static void flush_output(void)
{
        if (mvs_cpu_ipsr() != 0 || ftrylockfile(stdout) != 0)
                return;
        fflush_unlocked(stdout);
        funlockfile(stdout);
}

/* Device lock held. What the device would say at its end, it says here: the next life is another's. */
static void close_books(struct mvs_device *device)
{
        if (device->ending.what.kind != MVSIM_ENDING_POWER_CUT) /* which leaves nobody the time to close anything */
                mvs_lint_exit(device);
        if (device->summary)
                mvs_device_summary(device);
        mvs_lint_finish(device);
        mvs_log_finish(device);
        flush_output();
}

static _Noreturn void end_process(struct mvs_device *device, int status)
{
        close_books(device);
        mvs_trace_close(&device->machine.trace);
        _exit(status);
}

/* Starting again would be the whole program of whoever forked: a suite, say, which forks the same test again, and so on
 * without an end. */
static _Noreturn void refuse_another_program(struct mvs_device *device)
{
        const char *call = device->ending.what.call;
        mvs_diag(MVS_LOG_ERROR,
                 "%s: the application cannot start again in a process that was forked, which would run the whole "
                 "program anew (in a test, catch the end with mvsim_catch()); the process ends with status %d",
                 call ? call : "restart", MVS_EXIT_NOT_BOOTED);
        end_process(device, MVS_EXIT_NOT_BOOTED);
}

/* Device lock held. */
static _Noreturn void finish(struct mvs_device *device)
{
        struct mvs_machine *machine = &device->machine;
        const struct mvsim_ending *what = &device->ending.what;
        uint32_t lives = machine->profile.power.lives;
        if (what->kind == MVSIM_ENDING_POWER_CUT && !machine->profile.flash.power_back)
                end_process(device, MVSIM_EXIT_POWER_CUT);
        if (lives > 0 && machine->restart.state.count + 1 >= lives) {
                mvs_diag(MVS_LOG_INFO, "the application has had %" PRIu32 " lives (power.lives): the process ends",
                         lives);
                end_process(device, EXIT_SUCCESS);
        }
        if (mvs_inherited_is_forked())
                refuse_another_program(device);
        close_books(device);
        mvs_trace_close(&machine->trace);
        mvs_restart_now(machine, what->reason);
        _exit(MVS_EXIT_NOT_BOOTED);
}

/* ---- the end ---- */

static bool is_caught(const struct mvs_device *device)
{
        return atomic_load(&catchers) > 0 || device->ending.callback;
}

void mvs_ending_begin(struct mvs_device *device, const struct mvsim_ending *what)
{
        struct mvs_machine *machine = &device->machine;
        if (mvs_cpu_is_halted(&machine->cpu))
                return;
        device->ending.what = *what;
        device->ending.what.microseconds = mvs_machine_now(machine);
        mvs_cpu_halt(machine);
        if (what->kind == MVSIM_ENDING_DEEP_SLEEP)
                fall_asleep(device);
        if (!what->call && !is_caught(device))
                finish(device);
}

enum MvStatus mvs_ending_of(struct mvs_call *call, enum mvsim_ending_kind kind, uint32_t argument,
                            enum MvWakeReason reason)
{
        mvs_ending_begin(call->device, &(const struct mvsim_ending){kind, call->desc->name, argument, reason, 0});
        return MV_STATUS_OKAY;
}

/* Nothing is said to a thread that is about to be sent elsewhere. */
enum MvStatus mvs_ending_refuse(struct mvs_call *call)
{
        if (mvs_cpu_ipsr() == 0 && !atomic_load(&call->device->ending.taken))
                return MV_STATUS_UNAVAILABLE;
        return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                          "was made when the application's life had ended: it is about to start again");
}

static _Noreturn void leave_to_catcher(struct mvs_device *device, const struct mvsim_ending *what)
{
        atomic_store(&device->ending.caught, true);
        catcher->ending = *what;
        siglongjmp(catcher->place, 1);
}

/* Another thread has ended the life first. On the device this one would be gone. */
static void stand_still(const struct mvs_device *device)
{
        const struct timespec moment = {.tv_nsec = 1000000};
        while (!atomic_load(&device->ending.caught))
                nanosleep(&moment, NULL);
}

static void call_back(struct mvs_device *device, const struct mvsim_ending *what)
{
        atomic_store(&device->ending.caught, true);
        device->ending.callback(what, device->ending.context);
        atomic_store(&device->ending.caught, false);
}

static _Noreturn void refuse_thread(const struct mvsim_ending *what)
{
        mvs_diag(MVS_LOG_ERROR,
                 "%s: the thread that ended the application's life is not the one that mvsim_catch() runs it on, and "
                 "cannot be left (use mvsim_on_ending)",
                 what->call ? what->call : "mvsim_restart");
        _exit(MVS_EXIT_NOT_BOOTED);
}

/* Another thread may have ended the life, and what wakes the device changes the reason. */
static struct mvsim_ending look_what(struct mvs_device *device)
{
        mvs_cpu_enter(&device->machine);
        const struct mvsim_ending what = device->ending.what;
        mvs_cpu_leave(&device->machine);
        return what;
}

void mvs_ending_take(struct mvs_device *device)
{
        if (mvs_cpu_ipsr() != 0)
                return; /* what it has interrupted ends, not the handler */
        const struct mvsim_ending what = look_what(device);
        if (atomic_exchange(&device->ending.taken, true)) {
                stand_still(device);
                return;
        }
        if (catcher)
                leave_to_catcher(device, &what);
        if (device->ending.callback)
                call_back(device, &what);
        else if (atomic_load(&catchers) > 0)
                refuse_thread(&what);
        if (what.kind ==
            MVSIM_ENDING_TESTING_COMPLETE) /* as the end of main() would: with exit handlers, and books closed */
                exit(what.argument == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        flush_output(); /* deep sleep may last */
        mvs_link_drain(device->machine.link);
        mvs_cpu_enter(&device->machine);
        if (what.kind == MVSIM_ENDING_DEEP_SLEEP)
                mvs_cpu_wait(&device->machine, MVS_NEVER, is_awake);
        finish(device);
}

enum MvWakeReason mvs_ending_await(struct mvs_device *device)
{
        struct mvs_machine *machine = &device->machine;
        mvs_cpu_enter(machine);
        if (device->ending.what.kind == MVSIM_ENDING_DEEP_SLEEP)
                mvs_cpu_wait(machine, MVS_NEVER, is_awake);
        enum MvWakeReason reason = device->ending.what.reason;
        mvs_cpu_leave(machine);
        return reason;
}

void mvs_ending_init(struct mvs_device *device)
{
        device->ending.wake.fire = on_wake;
        device->ending.check_in.fire = on_check_in;
}

/* ---- the control API's part ---- */

void mvs_ending_forget(void)
{
        atomic_fetch_sub(&catchers, depth);
        depth = 0;
        catcher = NULL; /* a test that failed may have jumped out of its frame */
}

EXPORT bool mvsim_catch(void (*application)(void *context), void *context, struct mvsim_ending *ret_ending)
{
        struct catcher here = {.outer = catcher};
        mvs_device();
        catcher = &here;
        depth++;
        atomic_fetch_add(&catchers, 1);
        bool caught = sigsetjmp(here.place, 1) != 0;
        if (!caught)
                application(context);
        if (catcher == &here) { /* unless the device was shut down meanwhile */
                catcher = here.outer;
                depth--;
                atomic_fetch_sub(&catchers, 1);
        }
        if (caught && ret_ending)
                *ret_ending = here.ending;
        return caught;
}

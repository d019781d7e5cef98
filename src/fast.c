#include "src/fast.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "sim/diag.h"
#include "src/device.h"
#include "src/pair.h"

#define US_PER_MS   1000U
#define US_PER_S    1000000U
#define SHUTDOWN_US 100000U /* from the finding to the application's end */

/* ---- handlers that hang, and floods ---- */

static void on_end(struct mvs_timer *timer)
{
        struct mvs_device *device =
                (struct mvs_device *)(void *)((char *)timer - offsetof(struct mvs_device, fast.end));
        mvs_diag(MVS_LOG_ERROR, "the application is stopped because of its fast interrupt %u (%s)",
                 device->fast.culprit, mvs_vector_name(MVS_VECTOR_IRQ + device->fast.culprit));
        mvs_restart_crashed(&device->machine);
        abort();
}

static void shut_down(struct mvs_device *device, unsigned irq)
{
        struct mvs_machine *machine = &device->machine;
        if (device->fast.shutting_down)
                return;
        device->fast.shutting_down = true;
        device->fast.culprit = irq;
        mvs_timeline_arm(&machine->timeline, &device->fast.end, mvs_machine_now(machine) + SHUTDOWN_US);
}

static void report_hang(struct mvs_device *device, unsigned irq, const char *what, uint64_t us)
{
        mvs_diag(MVS_LOG_ERROR,
                 "fast interrupt %u (%s): its handler %s for %" PRIu64 " us, and %" PRIu32
                 " ms are allowed (limits.fast_irq_hang_ms): the device shuts the application down",
                 irq, mvs_vector_name(MVS_VECTOR_IRQ + irq), what, us, device->machine.profile.limits.fast_irq_hang_ms);
        shut_down(device, irq);
}

static void on_fast_hangs(void *owner, unsigned irq, uint64_t us)
{
        struct mvs_device *device = owner;
        if (!device->fast.shutting_down)
                report_hang(device, irq, "has been running", us);
}

static void on_fast_done(void *owner, unsigned irq, uint64_t us)
{
        struct mvs_device *device = owner;
        const struct mvs_profile_limits *limits = &device->machine.profile.limits;
        struct mvs_fast *fast = &device->fast;
        if (fast->shutting_down)
                return;
        uint64_t now = mvs_machine_now(&device->machine);
        if (now - fast->second_us >= US_PER_S) {
                fast->second_us = now;
                fast->entries = 0;
        }
        fast->entries++;
        if (us > (uint64_t)limits->fast_irq_hang_ms * US_PER_MS) {
                report_hang(device, irq, "ran", us);
        } else if (fast->entries > limits->fast_irq_flood) {
                mvs_diag(MVS_LOG_ERROR,
                         "fast interrupt %u (%s): %" PRIu32 " entries within a second, and %" PRIu32
                         " are allowed (limits.fast_irq_flood): the device shuts the application down",
                         irq, mvs_vector_name(MVS_VECTOR_IRQ + irq), fast->entries, limits->fast_irq_flood);
                shut_down(device, irq);
        }
}

void mvs_fast_init(struct mvs_device *device)
{
        device->fast.end.fire = on_end;
        device->machine.cpu.fast_done = on_fast_done;
        device->machine.cpu.fast_hangs = on_fast_hangs;
        device->machine.cpu.owner = device;
}

/* ---- checks ---- */

static enum MvStatus check_running(struct mvs_call *call)
{
        if (!call->device->fast.shutting_down)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                          "the application is being shut down because of fast interrupt %u",
                          call->device->fast.culprit);
}

static enum MvStatus check_marked(struct mvs_call *call, uint32_t irqn)
{
        enum MvStatus status = check_running(call);
        if (status != MV_STATUS_OKAY)
                return status;
        if (irqn < MVS_IRQ_COUNT && call->device->fast.lines[irqn].marked)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDINTERRUPT, "irqn",
                          "%" PRIu32 " is not a fast interrupt (call mvSetFastInterrupt first)", irqn);
}

/* The line follows its own switch and the one for all. */
static void apply(struct mvs_device *device, unsigned irq)
{
        const struct mvs_fast_line *line = &device->fast.lines[irq];
        bool on = line->marked && line->enabled && !device->fast.all_disabled;
        mvs_nvic_enable(&device->machine.nvic, MVS_VECTOR_IRQ + irq, on);
        mvs_cpu_update(&device->machine);
}

static void apply_to_all(struct mvs_device *device)
{
        for (unsigned irq = 0; irq < MVS_IRQ_COUNT; irq++) {
                if (device->fast.lines[irq].marked)
                        apply(device, irq);
        }
}

/* ---- marking ---- */

enum MvStatus mvs_check_mvSetFastInterrupt(struct mvs_call *call, uint32_t irqn)
{
        enum MvStatus status = check_running(call);
        if (status == MV_STATUS_OKAY)
                status = mvs_notify_check_irq(call, "irqn", irqn);
        if (status != MV_STATUS_OKAY)
                return status;
        if (mvs_nvic_handler(&call->device->machine.nvic, MVS_VECTOR_IRQ + irqn))
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDVECTOR, "irqn",
                          "%" PRIu32 " (%s) has no handler (define void %s_IRQHandler(void))", irqn,
                          mvs_vector_name(MVS_VECTOR_IRQ + irqn), mvs_vector_name(MVS_VECTOR_IRQ + irqn));
}

enum MvStatus mvs_do_mvSetFastInterrupt(struct mvs_call *call, uint32_t irqn)
{
        struct mvs_fast_line *line = &call->device->fast.lines[irqn];
        if (line->marked)
                return MV_STATUS_OKAY;
        *line = (struct mvs_fast_line){.marked = true};
        mvs_cpu_set_fast(&call->device->machine, irqn, true);
        apply(call->device, irqn);
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_check_mvClearFastInterrupt(struct mvs_call *call, uint32_t irqn)
{
        return check_marked(call, irqn);
}

enum MvStatus mvs_do_mvClearFastInterrupt(struct mvs_call *call, uint32_t irqn)
{
        call->device->fast.lines[irqn] = (struct mvs_fast_line){0};
        apply(call->device, irqn);
        mvs_cpu_set_fast(&call->device->machine, irqn, false);
        return MV_STATUS_OKAY;
}

/* ---- switching ---- */

static void switch_line(struct mvs_call *call, uint32_t irqn, bool on)
{
        call->device->fast.lines[irqn].enabled = on;
        apply(call->device, irqn);
}

enum MvStatus mvs_check_mvEnableFastInterrupt(struct mvs_call *call, uint32_t irqn)
{
        return check_marked(call, irqn);
}

enum MvStatus mvs_do_mvEnableFastInterrupt(struct mvs_call *call, uint32_t irqn)
{
        switch_line(call, irqn, true);
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_check_mvDisableFastInterrupt(struct mvs_call *call, uint32_t irqn)
{
        return check_marked(call, irqn);
}

enum MvStatus mvs_do_mvDisableFastInterrupt(struct mvs_call *call, uint32_t irqn)
{
        switch_line(call, irqn, false);
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_do_mvDisableAllFastInterrupts(struct mvs_call *call)
{
        call->device->fast.all_disabled = true;
        apply_to_all(call->device);
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_do_mvEnableAllFastInterrupts(struct mvs_call *call)
{
        call->device->fast.all_disabled = false;
        apply_to_all(call->device);
        return MV_STATUS_OKAY;
}

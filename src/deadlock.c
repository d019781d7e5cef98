/*
 * Nothing left that could wake the processor: a report of all that might have, and the end of the process. It ends with
 * _exit(), since the application's own thread stands in the middle of its wait and cannot be unwound.
 */
#include "src/deadlock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/diag.h"
#include "src/device.h"

#define US_PER_S 1000000U

static void describe(unsigned vector, char *ret_text, size_t size)
{
        if (vector < MVS_VECTOR_IRQ)
                snprintf(ret_text, size, "%s", mvs_vector_name(vector));
        else
                snprintf(ret_text, size, "IRQ %u (%s)", vector - MVS_VECTOR_IRQ, mvs_vector_name(vector));
}

/* What keeps an enabled exception that is pending from waking the processor. */
static void report_held(const struct mvs_device *device, unsigned vector, const char *name)
{
        const struct mvs_nvic *nvic = &device->machine.nvic;
        const struct mvs_cpu *cpu = &device->machine.cpu;
        unsigned priority = nvic->exceptions[vector].priority;
        if (nvic->faultmask)
                mvs_diag(MVS_LOG_ERROR, "  %s is pending, but FAULTMASK is set (__enable_fault_irq)", name);
        else if (nvic->basepri != 0 && priority >= nvic->basepri)
                mvs_diag(MVS_LOG_ERROR,
                         "  %s is pending, but its priority %u is not more urgent than BASEPRI %u (__set_BASEPRI(0))",
                         name, priority, nvic->basepri);
        else if (cpu->depth > 0)
                mvs_diag(
                        MVS_LOG_ERROR,
                        "  %s is pending, but its priority %u is not more urgent than that of the handler of %s, which "
                        "waits (do not wait in handlers, or give it a lower number with NVIC_SetPriority)",
                        name, priority, mvs_vector_name(cpu->stack[cpu->depth - 1].vector));
        else
                mvs_diag(MVS_LOG_ERROR, "  %s is pending, but PRIMASK is set (__enable_irq)", name);
}

static void report_pending(const struct mvs_device *device)
{
        const struct mvs_nvic *nvic = &device->machine.nvic;
        for (unsigned vector = 0; vector < MVS_VECTORS; vector++) {
                char name[64];
                if (!mvs_nvic_is_pending(nvic, vector))
                        continue;
                describe(vector, name, sizeof name);
                if (mvs_nvic_is_enabled(nvic, vector))
                        report_held(device, vector, name);
                else
                        mvs_diag(MVS_LOG_ERROR, "  %s is pending but disabled (NVIC_EnableIRQ)", name);
        }
}

static void report_centres(const struct mvs_device *device)
{
        for (unsigned i = 0; i < MVS_CENTRES_MAX; i++) {
                const struct mvs_centre *centre = &device->notify.centres[i];
                if (!centre->object.handle)
                        continue;
                bool enabled = mvs_nvic_is_enabled(&device->machine.nvic, MVS_VECTOR_IRQ + centre->irq);
                mvs_diag(MVS_LOG_ERROR, "  notification centre 0x%08" PRIx32 " on IRQ %u (%s)%s, nothing on its way",
                         centre->object.handle, centre->irq, mvs_vector_name(MVS_VECTOR_IRQ + centre->irq),
                         enabled ? "" : ", which is disabled (NVIC_EnableIRQ)");
        }
}

static const char *state_of(const struct mvs_channel *channel)
{
        if (channel->terminated)
                return "has lost its connection (mvGetChannelClosureReason says why; close it)";
        return channel->ops->describe(channel);
}

static void report_channels(const struct mvs_device *device)
{
        for (unsigned i = 0; i < MVS_CHANNELS_MAX; i++) {
                const struct mvs_channel *channel = &device->channels.open[i];
                if (channel->object.handle)
                        mvs_diag(MVS_LOG_ERROR, "  channel 0x%08" PRIx32 " %s", channel->object.handle,
                                 state_of(channel));
        }
}

static void report_network(const struct mvs_device *device)
{
        const char *status = "is deliberately offline";
        if (device->machine.cloud.status == MVS_CLOUD_CONNECTED)
                status = "is connected and stays so";
        else if (device->machine.cloud.status != MVS_CLOUD_OFFLINE)
                status = "is not connected";
        mvs_diag(MVS_LOG_ERROR, "  the network %s; %u network handles are open", status, device->network.open);
}

static void report_wait(const struct mvs_device *device, uint64_t now)
{
        mvs_diag(MVS_LOG_ERROR,
                 "deadlock at %" PRIu64 ".%06" PRIu64
                 " s: the processor waits for an interrupt and nothing is left that could bring one",
                 now / US_PER_S, now % US_PER_S);
        report_pending(device);
        report_centres(device);
        report_channels(device);
        report_network(device);
        mvs_diag(MVS_LOG_ERROR, "  no SysTick, timer or event is scheduled; the process ends with status %d",
                 MVSIM_EXIT_DEADLOCK);
}

static void report_deep_sleep(uint64_t now)
{
        mvs_diag(MVS_LOG_ERROR,
                 "deadlock at %" PRIu64 ".%06" PRIu64
                 " s: the device sleeps deeply and nothing is left that could wake it: no check-in is due "
                 "(power.check_in_ms), no alarm is set (mvsim_pend_irq() for RTC_IRQn), nobody calls mvsim_wake(); the "
                 "process ends with status %d",
                 now / US_PER_S, now % US_PER_S, MVSIM_EXIT_DEADLOCK);
}

static void on_deadlock(void *context)
{
        struct mvs_device *device = context;
        uint64_t now = mvs_machine_now(&device->machine);
        if (mvs_cpu_is_halted(&device->machine.cpu))
                report_deep_sleep(now);
        else
                report_wait(device, now);
        mvs_trace(&device->machine, MVS_EVENT_DEADLOCK, MVS_NUMBER("calls", device->statistics.calls));
        mvs_trace_close(&device->machine.trace);
        if (device->summary)
                mvs_device_summary(device);
        if (device->machine.cpu.depth == 0) /* a handler may have interrupted one who writes */
                fflush(NULL);
        _exit(MVSIM_EXIT_DEADLOCK);
}

void mvs_deadlock_init(struct mvs_device *device)
{
        device->machine.cpu.deadlock = on_deadlock;
        device->machine.cpu.deadlock_context = device;
}

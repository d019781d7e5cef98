/*
 * The gate: the only way in.
 *
 * Around each call, in this order: into the secure world; count; an armed fault may answer; the calling context; the
 * arguments against calls.def; the call's pair of check and do; its status is counted; time passes; out, taking the
 * interrupts that became due.
 */
#include "src/call.h"
#include "src/device.h"
#include "src/trace_call.h"

static enum MvStatus check_context(struct mvs_call *call)
{
        if (atomic_load_explicit(&call->device->machine.cpu.inside, memory_order_relaxed) != 0)
                return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                                  "was made by the handler of a fast interrupt that has pre-empted Microvisor (set a "
                                  "flag there, call from the main loop)");
        if (mvs_cpu_is_halted(&call->device->machine.cpu))
                return mvs_ending_refuse(call);
        bool in_isr = mvs_cpu_ipsr() != 0;
        if (in_isr) {
                call->device->statistics.calls_in_isr++;
                mvs_lint_called_in_isr(call);
        }
        if (in_isr && (call->desc->flags & MVS_NOT_FROM_ISR))
                return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                                  "may not be called from an interrupt handler (set a flag there, call from the main "
                                  "loop)");
        if ((call->desc->flags & MVS_TEST_MODE) && !call->device->machine.profile.device.test_mode)
                return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                                  "works in the factory's test mode alone (device.test_mode in the profile)");
        return MV_STATUS_OKAY;
}

static enum MvStatus perform(struct mvs_call *call)
{
        enum MvStatus status = check_context(call);
        if (status != MV_STATUS_OKAY)
                return status;
        status = mvs_args_check(call);
        return status == MV_STATUS_OKAY ? call->desc->run(call) : status;
}

enum MvStatus mvs_gate(enum mvs_call_number number, const uintptr_t *cells)
{
        struct mvs_device *device = mvs_device();
        struct mvs_call call; /* not initialised as a whole: clearing its copy would cost more than most calls do */
        enum MvStatus status;

        call.device = device;
        call.number = number;
        call.desc = &mvs_calls[number];
        call.cells = cells;
        call.object = NULL;
        call.injected = false;

        mvs_cpu_enter(&device->machine);
        device->statistics.calls++;
        if (device->machine.memory.watchful)
                mvs_memory_inspect(&device->machine.memory, call.desc->name);
        if (!device->faults.armed || !mvs_fault_answers(&call, &status))
                status = perform(&call);
        if (status != MV_STATUS_OKAY) {
                device->statistics.refused++;
                mvs_lint_refused(&call, status);
        }
        mvs_coverage_count(&device->coverage, &call, status);
        if (mvs_traced(&device->machine))
                mvs_trace_call(&call, status);
        device->machine.cpu.visits++;
        mvs_timeline_cross(&device->machine.timeline);
        if (atomic_load_explicit(&device->machine.cpu.due, memory_order_relaxed))
                mvs_cpu_let_fast_in(&device->machine);
        mvs_cpu_leave(&device->machine);
        mvs_ending_look(device, &device->machine.cpu);
        return status;
}

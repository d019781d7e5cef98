#include "sim/cpu/watchdog.h"

#include <stddef.h>
#include <time.h>

#include "sim/cpu/threads.h"
#include "sim/machine.h"

#define NS_PER_MS      UINT64_C(1000000)
#define LOOKS_IN_LIMIT 4 /* how much later than at its limit a handler is found, at worst: a part of it */

static uint64_t processor_time(const struct mvs_active *active)
{
        struct timespec used;
        if (clock_gettime(active->clock, &used) < 0)
                return 0; /* its thread has ended */
        return (uint64_t)used.tv_sec * 1000000000U + (uint64_t)used.tv_nsec;
}

static struct mvs_watched watch(const struct mvs_active *active)
{
        return (struct mvs_watched){active->serial, mvs_host_ns(), processor_time(active)};
}

/* ---- fast interrupts ---- */

static const struct mvs_active *outermost_fast(const struct mvs_cpu *cpu)
{
        for (unsigned i = 0; i < cpu->depth; i++) {
                if (mvs_cpu_is_fast(cpu, cpu->stack[i].vector))
                        return &cpu->stack[i];
        }
        return NULL;
}

/* Real time is the host's; virtual time stands still while the handler computes, so its processor time counts. */
static void look_at_fast(struct mvs_machine *machine, struct mvs_watched *seen)
{
        const struct mvs_active *fast = outermost_fast(&machine->cpu);
        if (!fast)
                return;
        struct mvs_watched now = watch(fast);
        if (now.serial != seen->serial) {
                *seen = now;
                return;
        }
        bool real = machine->timeline.mode == MVS_TIME_REAL;
        uint64_t ns = real ? now.host_ns - seen->host_ns : (now.used_ns - seen->used_ns) / mvs_preempt_slowness();
        if (ns > machine->profile.limits.fast_irq_hang_ms * NS_PER_MS)
                machine->cpu.fast_hangs(machine->cpu.owner, fast->vector - MVS_VECTOR_IRQ, ns / 1000);
}

/* ---- handlers that wait for a lock ---- */

/* An application whose threads still come to the simulator goes on: a handler's thread only waits for its turn. */
static void look_for_sleeper(struct mvs_machine *machine, struct mvs_watchdog *watchdog)
{
        struct mvs_cpu *cpu = &machine->cpu;
        struct mvs_watched *seen = &watchdog->asleep;
        if (cpu->depth == 0 || cpu->waiting)
                return;
        const struct mvs_active *innermost = &cpu->stack[cpu->depth - 1];
        struct mvs_watched now = watch(innermost);
        if (now.serial != seen->serial || now.used_ns != seen->used_ns || cpu->visits != watchdog->asleep_visits) {
                *seen = now;
                watchdog->asleep_visits = cpu->visits;
        } else if (now.host_ns - seen->host_ns >= machine->profile.time.stuck_ms * NS_PER_MS &&
                   mvs_thread_waits_for_lock(innermost->tid)) {
                cpu->handler_stuck(cpu->owner, innermost);
        }
}

uint64_t mvs_watchdog_look(struct mvs_machine *machine, struct mvs_watchdog *watchdog)
{
        uint64_t limit_ms = machine->profile.time.stuck_ms;
        look_for_sleeper(machine, watchdog);
        if (!mvs_cpu_any_fast(&machine->cpu))
                return limit_ms * NS_PER_MS / LOOKS_IN_LIMIT;
        look_at_fast(machine, &watchdog->fast);
        if (machine->profile.limits.fast_irq_hang_ms < limit_ms)
                limit_ms = machine->profile.limits.fast_irq_hang_ms;
        return limit_ms * NS_PER_MS / LOOKS_IN_LIMIT;
}

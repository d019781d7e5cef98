#include "sim/cpu/stuck.h"

#include <inttypes.h>
#include <time.h>

#include "sim/cpu/threads.h"
#include "sim/diag.h"
#include "sim/machine.h"

#define US_PER_S 1000000U
#define LOOK_S   1 /* a thread that has just ended may be listed for a moment, and others end later */

/* True when somebody has ended the wait, or may have. */
static bool wait_for_others(struct mvs_machine *machine)
{
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_S;
        machine->cpu.waiting = true;
        int error = pthread_cond_timedwait(&machine->cpu.changed, &machine->lock, &until);
        machine->cpu.waiting = false;
        return error == 0;
}

void mvs_cpu_stuck(struct mvs_machine *machine)
{
        struct mvs_cpu *cpu = &machine->cpu;
        if (!mvs_threads_others())
                cpu->deadlock(cpu->deadlock_context);
        if (wait_for_others(machine) || cpu->stuck_told)
                return;
        cpu->stuck_told = true;
        uint64_t now = mvs_machine_now(machine);
        mvs_diag(MVS_LOG_WARNING,
                 "the processor waits at %" PRIu64 ".%06" PRIu64
                 " s, nothing is scheduled, and only another thread of the process could wake it",
                 now / US_PER_S, now % US_PER_S);
}

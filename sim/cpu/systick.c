#include "sim/cpu/systick.h"

#include <stddef.h>

#include "sim/machine.h"

#define US_PER_S 1000000U

static uint64_t hz(const struct mvs_machine *machine)
{
        uint64_t hclk = machine->profile.device.hclk;
        return machine->systick.control & MVS_SYSTICK_CLKSOURCE ? hclk : hclk / 8;
}

/* Period n ends when its cycles have passed since the start: computed from there, so that no error adds up. */
static uint64_t end_of_period(const struct mvs_machine *machine, uint64_t period)
{
        const struct mvs_systick *systick = &machine->systick;
        uint64_t cycles = period * systick->ticks;
        return systick->started_us + cycles / hz(machine) * US_PER_S + cycles % hz(machine) * US_PER_S / hz(machine);
}

static void on_period(struct mvs_timer *timer);

static void count_from(struct mvs_machine *machine, uint64_t start_us)
{
        struct mvs_systick *systick = &machine->systick;
        systick->ticks = systick->reload ? systick->reload + 1 : 0;
        systick->started_us = start_us;
        systick->periods = 0;
        systick->timer.fire = on_period;
        if (systick->ticks)
                mvs_timeline_arm(&machine->timeline, &systick->timer, end_of_period(machine, 1));
        else
                mvs_timeline_disarm(&machine->timeline, &systick->timer);
}

static void on_period(struct mvs_timer *timer)
{
        struct mvs_machine *machine =
                (struct mvs_machine *)(void *)((char *)timer - offsetof(struct mvs_machine, systick.timer));
        struct mvs_systick *systick = &machine->systick;
        systick->periods++;
        systick->all_periods++;
        if (systick->ticks == systick->reload + 1)
                mvs_timeline_arm(&machine->timeline, timer, end_of_period(machine, systick->periods + 1));
        else
                count_from(machine, end_of_period(machine, systick->periods));
        if (systick->control & MVS_SYSTICK_TICKINT)
                mvs_cpu_pend(machine, MVS_VECTOR_SYSTICK);
}

void mvs_systick_restart(struct mvs_machine *machine)
{
        if (machine->systick.control & MVS_SYSTICK_ENABLE)
                count_from(machine, mvs_machine_now(machine));
}

void mvs_systick_stop(struct mvs_machine *machine)
{
        machine->systick.control &= ~MVS_SYSTICK_ENABLE;
        machine->systick.ticks = 0;
        mvs_timeline_disarm(&machine->timeline, &machine->systick.timer);
}

void mvs_systick_control(struct mvs_machine *machine, uint32_t control)
{
        uint32_t changed = machine->systick.control ^ (control & MVS_SYSTICK_BITS);
        machine->systick.control = control & MVS_SYSTICK_BITS;
        if (!(control & MVS_SYSTICK_ENABLE))
                mvs_systick_stop(machine);
        else if (changed & (MVS_SYSTICK_ENABLE | MVS_SYSTICK_CLKSOURCE))
                mvs_systick_restart(machine);
}

void mvs_systick_set_reload(struct mvs_machine *machine, uint32_t reload)
{
        machine->systick.reload = reload & (MVS_SYSTICK_MAX - 1);
        if (machine->systick.ticks == 0)
                mvs_systick_restart(machine);
}

bool mvs_systick_config(struct mvs_machine *machine, uint32_t ticks)
{
        if (ticks == 0 || ticks > MVS_SYSTICK_MAX)
                return false;
        machine->nvic.exceptions[MVS_VECTOR_SYSTICK].priority = MVS_PRIORITY_LOWEST;
        machine->systick.reload = ticks - 1;
        machine->systick.control = MVS_SYSTICK_BITS;
        mvs_systick_restart(machine);
        return true;
}

uint32_t mvs_systick_value(const struct mvs_machine *machine)
{
        const struct mvs_systick *systick = &machine->systick;
        if (systick->ticks == 0)
                return 0;
        uint64_t us = mvs_machine_now(machine) - systick->started_us;
        uint64_t cycles = us / US_PER_S * hz(machine) + us % US_PER_S * hz(machine) / US_PER_S;
        return systick->ticks - 1 - (uint32_t)(cycles % systick->ticks);
}

#include "sim/cpu/registers.h"

#include <string.h>

#include "sim/diag.h"
#include "sim/machine.h"

#define CPUID_M33      0x410FD214U /* Cortex-M33 r0p4 */
#define PENDSVSET      (1U << 28)
#define PENDSVCLR      (1U << 27)
#define PENDSTSET      (1U << 26)
#define PENDSTCLR      (1U << 25)
#define ISRPENDING     (1U << 22)
#define RETTOBASE      (1U << 11)
#define KEY_READ       0xFA050000U
#define KEY_WRITE      0x05FA0000U
#define KEY            0xFFFF0000U
#define SYSRESETREQ    (1U << 2)
#define GROUP_SHIFT    8
#define PRIORITY_SHIFT (8 - MVS_PRIORITY_BITS)
#define COUNTFLAG      (1U << 16)

/*
 * A global because an application may keep the address of a register, over a restart of the device too. It is the
 * application's memory: the simulator trusts nothing in it, and takes what was stored with an atomic exchange, so that
 * no store is lost to another thread's synchronisation.
 */
static struct mvsim_scb_registers scb = {.CPUID = CPUID_M33};
static struct mvsim_systick_registers systick;

/* The application stores without a lock, as one does with registers: no race that the thread sanitizer should report.
 */
#define REGISTER_ACCESS __attribute__((no_sanitize("thread")))

/* Shows `value`; true when the application had stored something, which is then in *ret_stored. */
REGISTER_ACCESS static bool exchange(volatile uint32_t *shown, uint32_t *last, uint32_t value, uint32_t *ret_stored)
{
        *ret_stored = __atomic_exchange_n(shown, value, __ATOMIC_SEQ_CST);
        bool stored = *ret_stored != *last;
        *last = value;
        return stored;
}

/* ---- SCB ---- */

static bool any_interrupt_pending(const struct mvs_nvic *nvic)
{
        uint64_t first = nvic->pending[0] >> MVS_VECTOR_IRQ;
        return (first | nvic->pending[1] | nvic->pending[2]) != 0;
}

static uint32_t icsr_value(const struct mvs_machine *machine)
{
        const struct mvs_nvic *nvic = &machine->nvic;
        unsigned depth = machine->cpu.depth;
        uint32_t value = depth ? machine->cpu.stack[depth - 1].vector : 0U;
        if (mvs_nvic_is_pending(nvic, MVS_VECTOR_PENDSV))
                value |= PENDSVSET;
        if (mvs_nvic_is_pending(nvic, MVS_VECTOR_SYSTICK))
                value |= PENDSTSET;
        if (any_interrupt_pending(nvic))
                value |= ISRPENDING;
        return depth == 1 ? value | RETTOBASE : value;
}

/* A set wins over a clear that is stored with it. */
static void pend(struct mvs_machine *machine, unsigned vector, bool set, bool clear)
{
        if (set && !mvs_nvic_is_pending(&machine->nvic, vector))
                mvs_cpu_pend(machine, vector);
        else if (clear && !set)
                mvs_nvic_clear(&machine->nvic, vector);
}

static bool take_icsr(struct mvs_machine *machine)
{
        uint32_t stored;
        if (!exchange(&scb.ICSR, &machine->registers.icsr, icsr_value(machine), &stored))
                return false;
        pend(machine, MVS_VECTOR_PENDSV, (stored & PENDSVSET) != 0, (stored & PENDSVCLR) != 0);
        pend(machine, MVS_VECTOR_SYSTICK, (stored & PENDSTSET) != 0, (stored & PENDSTCLR) != 0);
        return true;
}

static bool take_aircr(struct mvs_machine *machine)
{
        uint32_t stored, value = KEY_READ | (uint32_t)machine->nvic.grouping << GROUP_SHIFT;
        if (!exchange(&scb.AIRCR, &machine->registers.aircr, value, &stored) || (stored & KEY) != KEY_WRITE)
                return false;
        machine->nvic.grouping = stored >> GROUP_SHIFT & 7U;
        if (stored & SYSRESETREQ)
                mvs_diag(MVS_LOG_WARNING, "SCB->AIRCR: SYSRESETREQ has no effect here (use NVIC_SystemReset)");
        return true;
}

REGISTER_ACCESS static bool take_priority(struct mvs_machine *machine, unsigned vector)
{
        uint8_t *last = &machine->registers.shpr[vector - 4];
        uint8_t *priority = &machine->nvic.exceptions[vector].priority;
        uint8_t value = (uint8_t)(*priority << PRIORITY_SHIFT);
        uint8_t stored = __atomic_exchange_n(&scb.SHPR[vector - 4], value, __ATOMIC_SEQ_CST);
        bool is_stored = stored != *last;
        *last = value;
        if (is_stored)
                *priority = stored >> PRIORITY_SHIFT;
        return is_stored;
}

/* ---- SysTick ---- */

static uint32_t ctrl_value(const struct mvs_machine *machine)
{
        bool passed = machine->systick.all_periods != machine->registers.seen_periods;
        return machine->systick.control | (passed ? COUNTFLAG : 0U);
}

static bool take_systick(struct mvs_machine *machine)
{
        struct mvs_registers *registers = &machine->registers;
        uint32_t ctrl, load, val;
        bool is_load = exchange(&systick.LOAD, &registers->load, machine->systick.reload, &load);
        bool is_val = exchange(&systick.VAL, &registers->val, mvs_systick_value(machine), &val);
        bool is_ctrl = exchange(&systick.CTRL, &registers->ctrl, ctrl_value(machine), &ctrl);
        if (is_load)
                mvs_systick_set_reload(machine, load);
        if (is_val) {
                mvs_systick_restart(machine);
                registers->seen_periods = machine->systick.all_periods;
        }
        if (is_ctrl)
                mvs_systick_control(machine, ctrl);
        return is_load || is_val || is_ctrl;
}

/* ---- synchronisation ---- */

static bool take_scr(struct mvs_machine *machine)
{
        uint32_t stored;
        bool is_stored = exchange(&scb.SCR, &machine->registers.scr, machine->cpu.scr, &stored);
        if (is_stored)
                machine->cpu.scr = stored & MVS_SCR_BITS;
        return is_stored;
}

static bool take_all(struct mvs_machine *machine)
{
        bool any = take_scr(machine);
        any |= take_aircr(machine);
        any |= take_priority(machine, MVS_VECTOR_SVCALL);
        any |= take_priority(machine, MVS_VECTOR_PENDSV);
        any |= take_priority(machine, MVS_VECTOR_SYSTICK);
        any |= take_systick(machine);
        any |= take_icsr(machine);
        return any;
}

/* Until what is shown is the state of things: what was stored has changed it. */
void mvs_registers_update(struct mvs_machine *machine)
{
        while (take_all(machine))
                mvs_cpu_update(machine);
}

/* What an earlier device left there, or what was stored without one, counts for nothing. */
static void begin_to_use(struct mvs_registers *registers)
{
        if (registers->used)
                return;
        memset((void *)&systick, 0, sizeof systick);
        memset((void *)scb.SHPR, 0, sizeof scb.SHPR);
        scb.ICSR = scb.AIRCR = scb.SCR = 0;
        registers->used = true;
}

struct mvsim_scb_registers *mvs_registers_scb(struct mvs_machine *machine)
{
        begin_to_use(&machine->registers);
        mvs_registers_update(machine);
        return &scb;
}

/* COUNTFLAG is cleared by reading it: what was shown last time has been read. */
struct mvsim_systick_registers *mvs_registers_systick(struct mvs_machine *machine)
{
        struct mvs_registers *registers = &machine->registers;
        begin_to_use(registers);
        registers->seen_periods = registers->shown_periods;
        mvs_registers_update(machine);
        registers->shown_periods = machine->systick.all_periods;
        return &systick;
}

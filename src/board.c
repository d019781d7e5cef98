/* The processor and its interrupt controller as the board's headers reach them (mvsim/cortex.h). */
#include "mvsim/cortex.h"

#include <stdlib.h>

#include "sim/diag.h"
#include "src/device.h"

#define EXPORT __attribute__((visibility("default")))

static struct mvs_machine *enter(void)
{
        struct mvs_machine *machine = &mvs_device()->machine;
        mvs_cpu_enter(machine);
        return machine;
}

static void leave(struct mvs_machine *machine)
{
        mvs_cpu_update(machine);
        mvs_cpu_leave(machine);
}

static int checked(int32_t irq, int vector, const char *what)
{
        if (vector < 0)
                mvs_diag(MVS_LOG_WARNING, "%s: interrupt %d does not exist: the lines are 0 to %d; ignored", what,
                         (int)irq, MVS_IRQ_COUNT - 1);
        return vector;
}

/* The vector of an interrupt or system exception; negative, after a message, for one that does not exist. */
static int vector_of(int32_t irq, const char *what)
{
        return checked(irq, mvs_nvic_vector(irq), what);
}

/* Enabling, pending and clearing are for lines; system exceptions have ways of their own. */
static int line_of(int32_t irq, const char *what)
{
        return checked(irq, irq < 0 ? -1 : mvs_nvic_vector(irq), what);
}

/* A fast interrupt is Microvisor's to switch: the application's own register write has no effect on the device. */
static void switch_line(int32_t irq, const char *what, bool on)
{
        int vector = line_of(irq, what);
        if (vector < 0)
                return;
        struct mvs_machine *machine = enter();
        if (mvs_cpu_is_fast(&machine->cpu, (unsigned)vector))
                mvs_diag(MVS_LOG_WARNING, "%s: interrupt %d (%s) is a fast interrupt: use mv%sFastInterrupt; ignored",
                         what, (int)irq, mvs_vector_name((unsigned)vector), on ? "Enable" : "Disable");
        else
                mvs_nvic_enable(&machine->nvic, (unsigned)vector, on);
        leave(machine);
}

EXPORT void mvsim_nvic_enable(int32_t irq)
{
        switch_line(irq, "NVIC_EnableIRQ", true);
}

EXPORT void mvsim_nvic_disable(int32_t irq)
{
        switch_line(irq, "NVIC_DisableIRQ", false);
}

EXPORT void mvsim_nvic_set_pending(int32_t irq)
{
        int vector = line_of(irq, "NVIC_SetPendingIRQ");
        if (vector < 0)
                return;
        struct mvs_machine *machine = enter();
        mvs_cpu_pend(machine, (unsigned)vector);
        leave(machine);
}

EXPORT void mvsim_nvic_clear_pending(int32_t irq)
{
        int vector = line_of(irq, "NVIC_ClearPendingIRQ");
        if (vector < 0)
                return;
        struct mvs_machine *machine = enter();
        mvs_nvic_clear(&machine->nvic, (unsigned)vector);
        leave(machine);
}

static uint32_t ask(int vector, bool (*question)(const struct mvs_nvic *, unsigned))
{
        if (vector < 0)
                return 0;
        struct mvs_machine *machine = enter();
        uint32_t answer = question(&machine->nvic, (unsigned)vector);
        leave(machine);
        return answer;
}

EXPORT uint32_t mvsim_nvic_is_enabled(int32_t irq)
{
        return ask(line_of(irq, "NVIC_GetEnableIRQ"), mvs_nvic_is_enabled);
}

EXPORT uint32_t mvsim_nvic_is_pending(int32_t irq)
{
        return ask(line_of(irq, "NVIC_GetPendingIRQ"), mvs_nvic_is_pending);
}

EXPORT uint32_t mvsim_nvic_is_active(int32_t irq)
{
        return ask(line_of(irq, "NVIC_GetActive"), mvs_nvic_is_active);
}

EXPORT void mvsim_nvic_set_priority(int32_t irq, uint32_t priority)
{
        int vector = vector_of(irq, "NVIC_SetPriority");
        if (vector < 0)
                return;
        struct mvs_machine *machine = enter();
        machine->nvic.exceptions[vector].priority = priority & MVS_PRIORITY_LOWEST;
        leave(machine);
}

EXPORT uint32_t mvsim_nvic_get_priority(int32_t irq)
{
        int vector = vector_of(irq, "NVIC_GetPriority");
        if (vector < 0)
                return 0;
        struct mvs_machine *machine = enter();
        uint32_t priority = machine->nvic.exceptions[vector].priority;
        leave(machine);
        return priority;
}

EXPORT void mvsim_nvic_set_priority_grouping(uint32_t grouping)
{
        struct mvs_machine *machine = enter();
        machine->nvic.grouping = grouping & 7U;
        leave(machine);
}

EXPORT uint32_t mvsim_nvic_get_priority_grouping(void)
{
        struct mvs_machine *machine = enter();
        uint32_t grouping = machine->nvic.grouping;
        leave(machine);
        return grouping;
}

EXPORT void mvsim_nvic_set_vector(int32_t irq, void (*handler)(void))
{
        int vector = vector_of(irq, "NVIC_SetVector");
        if (vector < 0)
                return;
        struct mvs_machine *machine = enter();
        machine->nvic.exceptions[vector].handler = handler;
        leave(machine);
}

EXPORT void (*mvsim_nvic_get_vector(int32_t irq))(void)
{
        int vector = vector_of(irq, "NVIC_GetVector");
        if (vector < 0)
                return NULL;
        struct mvs_machine *machine = enter();
        mvs_handler_fn *handler = mvs_nvic_handler(&machine->nvic, (unsigned)vector);
        leave(machine);
        return handler;
}

/* ---- system exceptions ---- */

EXPORT void mvsim_cpu_pend_system(int32_t irq, uint32_t pending)
{
        int vector = vector_of(irq, "pending a system exception");
        if (vector < 0 || irq >= 0)
                return;
        struct mvs_machine *machine = enter();
        if (pending)
                mvs_cpu_pend(machine, (unsigned)vector);
        else
                mvs_nvic_clear(&machine->nvic, (unsigned)vector);
        leave(machine);
}

EXPORT uint32_t mvsim_cpu_is_system_pending(int32_t irq)
{
        return ask(irq < 0 ? vector_of(irq, "a system exception's state") : -1, mvs_nvic_is_pending);
}

EXPORT uint32_t mvsim_systick_config(uint32_t ticks)
{
        struct mvs_machine *machine = enter();
        bool fine = mvs_systick_config(machine, ticks);
        leave(machine);
        return fine ? 0 : 1;
}

EXPORT void mvsim_systick_stop(void)
{
        struct mvs_machine *machine = enter();
        mvs_systick_stop(machine);
        leave(machine);
}

EXPORT uint32_t mvsim_systick_value(void)
{
        struct mvs_machine *machine = enter();
        uint32_t value = mvs_systick_value(machine);
        leave(machine);
        return value;
}

/* ---- registers ---- */

EXPORT struct mvsim_scb_registers *mvsim_scb(void)
{
        struct mvs_machine *machine = enter();
        struct mvsim_scb_registers *scb = mvs_registers_scb(machine);
        leave(machine);
        return scb;
}

EXPORT struct mvsim_systick_registers *mvsim_systick(void)
{
        struct mvs_machine *machine = enter();
        struct mvsim_systick_registers *systick = mvs_registers_systick(machine);
        leave(machine);
        return systick;
}

EXPORT void mvsim_cpu_barrier(void)
{
        struct mvs_device *device = mvs_device_if_running();
        atomic_thread_fence(memory_order_seq_cst);
        if (device && atomic_load(&device->machine.registers.used))
                leave(enter());
}

/* ---- the masks ---- */

EXPORT void mvsim_cpu_set_primask(uint32_t primask)
{
        struct mvs_machine *machine = enter();
        machine->nvic.primask = (primask & 1) != 0;
        leave(machine);
}

EXPORT void mvsim_cpu_disable_irq(void)
{
        mvsim_cpu_set_primask(1);
}

EXPORT void mvsim_cpu_enable_irq(void)
{
        mvsim_cpu_set_primask(0);
}

EXPORT uint32_t mvsim_cpu_get_primask(void)
{
        struct mvs_machine *machine = enter();
        uint32_t primask = machine->nvic.primask;
        leave(machine);
        return primask;
}

EXPORT void mvsim_cpu_set_faultmask(uint32_t faultmask)
{
        struct mvs_machine *machine = enter();
        machine->nvic.faultmask = (faultmask & 1) != 0;
        leave(machine);
}

EXPORT uint32_t mvsim_cpu_get_faultmask(void)
{
        struct mvs_machine *machine = enter();
        uint32_t faultmask = machine->nvic.faultmask;
        leave(machine);
        return faultmask;
}

#define BASEPRI_SHIFT (8 - MVS_PRIORITY_BITS)

EXPORT void mvsim_cpu_set_basepri(uint32_t basepri)
{
        struct mvs_machine *machine = enter();
        machine->nvic.basepri = (uint8_t)((basepri & 0xff) >> BASEPRI_SHIFT);
        leave(machine);
}

EXPORT void mvsim_cpu_raise_basepri(uint32_t basepri)
{
        struct mvs_machine *machine = enter();
        uint8_t wanted = (uint8_t)((basepri & 0xff) >> BASEPRI_SHIFT);
        if (wanted != 0 && (machine->nvic.basepri == 0 || wanted < machine->nvic.basepri))
                machine->nvic.basepri = wanted;
        leave(machine);
}

EXPORT uint32_t mvsim_cpu_get_basepri(void)
{
        struct mvs_machine *machine = enter();
        uint32_t basepri = (uint32_t)machine->nvic.basepri << BASEPRI_SHIFT;
        leave(machine);
        return basepri;
}

EXPORT uint32_t mvsim_cpu_get_ipsr(void)
{
        return mvs_cpu_ipsr();
}

/* ---- sleeping ---- */

/* A wait ends with the application's life. */
static void look_at_end(const struct mvs_machine *machine)
{
        mvs_ending_look(mvs_device(), &machine->cpu);
}

EXPORT void mvsim_cpu_wfi(void)
{
        struct mvs_machine *machine = enter();
        mvs_cpu_wait(machine, MVS_NEVER, mvs_cpu_wakes);
        leave(machine);
        look_at_end(machine);
}

EXPORT void mvsim_cpu_wfe(void)
{
        struct mvs_machine *machine = enter();
        mvs_cpu_wait(machine, MVS_NEVER, mvs_cpu_has_event);
        machine->cpu.event = false;
        leave(machine);
        look_at_end(machine);
}

EXPORT void mvsim_cpu_sev(void)
{
        struct mvs_machine *machine = enter();
        machine->cpu.event = true;
        leave(machine);
}

EXPORT void mvsim_cpu_set_scr(uint32_t scr)
{
        struct mvs_machine *machine = enter();
        machine->cpu.scr = scr & MVS_SCR_BITS;
        leave(machine);
}

EXPORT uint32_t mvsim_cpu_get_scr(void)
{
        struct mvs_machine *machine = enter();
        uint32_t scr = machine->cpu.scr;
        leave(machine);
        return scr;
}

EXPORT void mvsim_cpu_on_thread_mode(void (*function)(void))
{
        struct mvs_machine *machine = enter();
        machine->cpu.thread_mode = function;
        leave(machine);
}

EXPORT void mvsim_cpu_reset(void)
{
        mvs_diag(MVS_LOG_ERROR, "the application reset the device (NVIC_SystemReset): the process ends");
        exit(MVSIM_EXIT_RESET);
}

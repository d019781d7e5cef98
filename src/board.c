/* The processor and its interrupt controller as the board's headers reach them (mvsim/cortex.h). */
#include "mvsim/cortex.h"

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

static bool known(int32_t irq, const char *what)
{
        if (mvs_nvic_exists(irq))
                return true;
        mvs_diag(MVS_LOG_WARNING, "%s: interrupt %d does not exist: the lines are 0 to %d; ignored", what, (int)irq,
                 MVS_IRQ_COUNT - 1);
        return false;
}

EXPORT void mvsim_nvic_enable(int32_t irq)
{
        if (!known(irq, "NVIC_EnableIRQ"))
                return;
        struct mvs_machine *machine = enter();
        mvs_nvic_enable(&machine->nvic, (unsigned)irq, true);
        leave(machine);
}

EXPORT void mvsim_nvic_disable(int32_t irq)
{
        if (!known(irq, "NVIC_DisableIRQ"))
                return;
        struct mvs_machine *machine = enter();
        mvs_nvic_enable(&machine->nvic, (unsigned)irq, false);
        leave(machine);
}

EXPORT void mvsim_nvic_set_pending(int32_t irq)
{
        if (!known(irq, "NVIC_SetPendingIRQ"))
                return;
        struct mvs_machine *machine = enter();
        mvs_nvic_pend(&machine->nvic, (unsigned)irq);
        leave(machine);
}

EXPORT void mvsim_nvic_clear_pending(int32_t irq)
{
        if (!known(irq, "NVIC_ClearPendingIRQ"))
                return;
        struct mvs_machine *machine = enter();
        mvs_nvic_clear(&machine->nvic, (unsigned)irq);
        leave(machine);
}

static uint32_t ask(int32_t irq, const char *what, bool (*question)(const struct mvs_nvic *, unsigned))
{
        if (!known(irq, what))
                return 0;
        struct mvs_machine *machine = enter();
        uint32_t answer = question(&machine->nvic, (unsigned)irq);
        leave(machine);
        return answer;
}

EXPORT uint32_t mvsim_nvic_is_enabled(int32_t irq)
{
        return ask(irq, "NVIC_GetEnableIRQ", mvs_nvic_is_enabled);
}

EXPORT uint32_t mvsim_nvic_is_pending(int32_t irq)
{
        return ask(irq, "NVIC_GetPendingIRQ", mvs_nvic_is_pending);
}

EXPORT uint32_t mvsim_nvic_is_active(int32_t irq)
{
        return ask(irq, "NVIC_GetActive", mvs_nvic_is_active);
}

EXPORT void mvsim_nvic_set_priority(int32_t irq, uint32_t priority)
{
        if (!known(irq, "NVIC_SetPriority"))
                return;
        struct mvs_machine *machine = enter();
        machine->nvic.lines[irq].priority = priority & MVS_PRIORITY_LOWEST;
        leave(machine);
}

EXPORT uint32_t mvsim_nvic_get_priority(int32_t irq)
{
        if (!known(irq, "NVIC_GetPriority"))
                return 0;
        struct mvs_machine *machine = enter();
        uint32_t priority = machine->nvic.lines[irq].priority;
        leave(machine);
        return priority;
}

EXPORT void mvsim_nvic_set_vector(int32_t irq, void (*handler)(void))
{
        if (!known(irq, "NVIC_SetVector"))
                return;
        struct mvs_machine *machine = enter();
        machine->nvic.lines[irq].handler = handler;
        leave(machine);
}

EXPORT void (*mvsim_nvic_get_vector(int32_t irq))(void)
{
        if (!known(irq, "NVIC_GetVector"))
                return NULL;
        struct mvs_machine *machine = enter();
        mvs_handler_fn *handler = mvs_nvic_handler(&machine->nvic, (unsigned)irq);
        leave(machine);
        return handler;
}

EXPORT void mvsim_cpu_set_primask(uint32_t primask)
{
        struct mvs_machine *machine = enter();
        machine->cpu.primask = (primask & 1) != 0;
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
        uint32_t primask = machine->cpu.primask;
        leave(machine);
        return primask;
}

EXPORT uint32_t mvsim_cpu_get_ipsr(void)
{
        struct mvs_device *device = mvs_device_if_running();
        return device ? atomic_load(&device->machine.cpu.ipsr) : 0;
}

EXPORT void mvsim_cpu_wfi(void)
{
        struct mvs_machine *machine = enter();
        mvs_cpu_wait(machine, MVS_NEVER, mvs_cpu_wakes);
        leave(machine);
}

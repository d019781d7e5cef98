#include "src/raise.h"

#include <errno.h>
#include <stddef.h>

#include "src/device.h"

static void pend(struct mvs_device *device, unsigned irq)
{
        mvs_cpu_pend(&device->machine, MVS_VECTOR_IRQ + irq);
        mvs_ending_line(device, irq);
}

static void on_time(struct mvs_timer *timer)
{
        struct mvs_raiser *raiser = (struct mvs_raiser *)(void *)((char *)timer - offsetof(struct mvs_raiser, timer));
        pend(raiser->device, raiser->irq);
        raiser->device = NULL;
}

int mvs_raise(struct mvs_device *device, unsigned irq, uint64_t delay_us)
{
        struct mvs_machine *machine = &device->machine;
        if (irq >= MVS_IRQ_COUNT)
                return -EINVAL;
        if (delay_us == 0) {
                pend(device, irq);
                return 0;
        }
        for (unsigned i = 0; i < MVS_RAISERS_MAX; i++) {
                struct mvs_raiser *raiser = &device->raisers[i];
                if (raiser->device)
                        continue;
                *raiser = (struct mvs_raiser){.device = device, .irq = irq, .timer = {.fire = on_time}};
                mvs_timeline_arm(&machine->timeline, &raiser->timer, mvs_machine_after(machine, delay_us));
                return 0;
        }
        return -EBUSY;
}

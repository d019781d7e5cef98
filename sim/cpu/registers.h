/*
 * The registers of the processor that the application reads and writes by their addresses: SCB and SysTick.
 *
 * They are plain memory. What the application stored is found and acted on at the next synchronisation, which is: every
 * entry into the simulator (a system call, a CMSIS function, evaluating SCB or SysTick), __DSB and __ISB, the start and
 * the end of a handler. That is what the architecture promises too: the effect of a store to these registers is
 * certain after a DSB and an ISB, not before. An application that never uses them pays for one look at a flag.
 */
#ifndef MVS_REGISTERS_H
#define MVS_REGISTERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mvsim/cortex.h"

struct mvs_machine;

/* What stood in the registers after the last synchronisation: anything else was stored by the application. */
struct mvs_registers {
        atomic_bool used;
        uint32_t icsr, aircr, scr, ctrl, load, val;
        uint8_t shpr[12];
        uint64_t seen_periods;  /* SysTick's periods that COUNTFLAG has told of */
        uint64_t shown_periods; /* those that it tells of now */
};

/* Device lock held. */
void mvs_registers_update(struct mvs_machine *machine);

static inline void mvs_registers_sync(struct mvs_machine *machine, const struct mvs_registers *registers)
{
        if (atomic_load_explicit(&registers->used, memory_order_relaxed))
                mvs_registers_update(machine);
}

/* Shows the application what it may be about to read. From here on the registers are used. Device lock held. */
struct mvsim_scb_registers *mvs_registers_scb(struct mvs_machine *machine);
struct mvsim_systick_registers *mvs_registers_systick(struct mvs_machine *machine);

#endif

/* The system timer: counts cycles of the AHB clock down and pends its exception at zero. Device lock held. */
#ifndef MVS_SYSTICK_H
#define MVS_SYSTICK_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/timeline/timeline.h"

#define MVS_SYSTICK_MAX (1U << 24)

struct mvs_machine;

/* CTRL's bits. */
#define MVS_SYSTICK_ENABLE    (1U << 0)
#define MVS_SYSTICK_TICKINT   (1U << 1)
#define MVS_SYSTICK_CLKSOURCE (1U << 2) /* the AHB clock itself; 0: an eighth of it */
#define MVS_SYSTICK_BITS      (MVS_SYSTICK_ENABLE | MVS_SYSTICK_TICKINT | MVS_SYSTICK_CLKSOURCE)

struct mvs_systick {
        uint32_t control;     /* CTRL */
        uint32_t reload;      /* LOAD: cycles of a period, less one; 0: it does not count */
        uint32_t ticks;       /* cycles of the period that runs; 0: stopped */
        uint64_t started_us;  /* when it began to count periods of that length */
        uint64_t periods;     /* how many have passed since */
        uint64_t all_periods; /* how many have passed since the device booted */
        struct mvs_timer timer;
};

/* Starts it with the least urgent priority, as SysTick_Config() does. False for a period that does not fit. */
bool mvs_systick_config(struct mvs_machine *machine, uint32_t ticks) __attribute__((warn_unused_result));
void mvs_systick_stop(struct mvs_machine *machine);
uint32_t mvs_systick_value(const struct mvs_machine *machine);

/* What writing to a register does: CTRL; LOAD, which counts from the next period on; VAL, which begins a new one. */
void mvs_systick_control(struct mvs_machine *machine, uint32_t control);
void mvs_systick_set_reload(struct mvs_machine *machine, uint32_t reload);
void mvs_systick_restart(struct mvs_machine *machine);

#endif

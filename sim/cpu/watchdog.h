/*
 * The IRQ thread's watch over handlers that do not end: a fast interrupt's that computes for too long, and any that
 * sleeps for a lock which nobody is there to give back. Device lock held.
 */
#ifndef MVS_WATCHDOG_H
#define MVS_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

struct mvs_machine;

/* A handler's entry, by its serial number, and what was read when it was first seen like this. */
struct mvs_watched {
        uint64_t serial;
        uint64_t host_ns;
        uint64_t used_ns; /* processor time of its thread */
};

struct mvs_watchdog {
        struct mvs_watched fast;   /* the outermost fast handler */
        struct mvs_watched asleep; /* the innermost handler, since its thread last used the processor */
        uint64_t asleep_visits;
};

/* Looks after them, and says after how many nanoseconds to look again. */
uint64_t mvs_watchdog_look(struct mvs_machine *machine, struct mvs_watchdog *watchdog);

#endif

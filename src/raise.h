/* Interrupts of peripherals that a test lets happen at a time of its choice. Device lock held. */
#ifndef MVS_RAISE_H
#define MVS_RAISE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/timeline/timeline.h"

#define MVS_RAISERS_MAX 64

struct mvs_device;

/* One that waits for its time. */
struct mvs_raiser {
        struct mvs_device *device; /* NULL: free */
        unsigned irq;
        struct mvs_timer timer;
};

/* See mvsim_pend_irq(). */
int mvs_raise(struct mvs_device *device, unsigned irq, uint64_t delay_us) __attribute__((warn_unused_result));

#endif

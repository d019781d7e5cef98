/*
 * Fast interrupts: lines whose handlers pre-empt Microvisor itself (decision 36). Device lock held.
 *
 * A line is marked, then enabled on its own; DisableAll holds all of them back and EnableAll undoes just that. A
 * handler that runs too long, or handlers that come too densely, end the application: it is told so by these calls,
 * which answer UNAVAILABLE from then on, and is stopped a moment later.
 */
#ifndef MVS_FAST_H
#define MVS_FAST_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/nvic/nvic.h"
#include "sim/timeline/timeline.h"
#include "src/call.h"

struct mvs_device;

struct mvs_fast_line {
        bool marked;
        bool enabled;
};

struct mvs_fast {
        struct mvs_fast_line lines[MVS_IRQ_COUNT];
        bool all_disabled;
        uint64_t second_us; /* when the second in which `entries` are counted began */
        uint32_t entries;
        bool shutting_down;
        unsigned culprit; /* the line that is to blame */
        struct mvs_timer end;
};

void mvs_fast_init(struct mvs_device *device);

#endif

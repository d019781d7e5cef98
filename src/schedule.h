/*
 * What the profile lets happen in the world at certain times (`schedule:`), counted from the first boot, over all lives
 * of the application. Device lock held.
 */
#ifndef MVS_SCHEDULE_H
#define MVS_SCHEDULE_H

#include <stdint.h>

#include "sim/timeline/timeline.h"

struct mvs_device;

struct mvs_schedule {
        uint64_t *done_us; /* what was due before has happened; in a file that outlives the application */
        struct mvs_timer timer;
};

/* 0 or -ENOMEM, after a message. */
int mvs_schedule_init(struct mvs_device *device) __attribute__((warn_unused_result));
void mvs_schedule_finish(struct mvs_device *device);

#endif

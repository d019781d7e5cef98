/* What the world does to the device, asked for by a test or by the profile's schedule. Device lock held. */
#ifndef MVS_WORLD_H
#define MVS_WORLD_H

#include <stdbool.h>

#include "mv_syscalls.h"
#include "sim/cloud/cloud.h"

struct mvs_device;

/* The network breaks, or mends. */
void mvs_world_break(struct mvs_device *device, enum mvs_outage outage);

/* Whether the cloud takes log entries. */
void mvs_world_log(struct mvs_device *device, bool taken);

/* Ends the application's life from outside; where nobody catches that, it does not return. */
void mvs_world_restart(struct mvs_device *device, enum MvWakeReason reason);

#endif

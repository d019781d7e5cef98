/*
 * The device: the machine, and Microvisor's state on it. One per process, found through one accessor.
 */
#ifndef MVS_DEVICE_H
#define MVS_DEVICE_H

#include "mvsim/mvsim.h"
#include "sim/machine.h"
#include "src/call.h"
#include "src/channel.h"
#include "src/console.h"
#include "src/coverage.h"
#include "src/ending.h"
#include "src/fast.h"
#include "src/fault.h"
#include "src/flash.h"
#include "src/handles.h"
#include "src/held.h"
#include "src/lint.h"
#include "src/log.h"
#include "src/network.h"
#include "src/notify.h"
#include "src/raise.h"
#include "src/schedule.h"
#include "src/system.h"
#include "src/update.h"
#include "src/wifi.h"

#define MVS_REPORTED_MAX 256

/* The refusals that have been written to standard error: each call's breach of a rule once. */
struct mvs_reported {
        unsigned count;
        struct {
                enum mvs_call_number number;
                const char *rule;
        } entries[MVS_REPORTED_MAX];
};

struct mvs_device {
        struct mvs_machine machine;
        struct mvs_handles handles;
        struct mvs_notify notify;
        struct mvs_network network;
        struct mvs_channels channels;
        struct mvs_log log;
        struct mvs_faults faults;
        struct mvs_lint lint;
        struct mvs_fast fast;
        struct mvs_ending ending;
        struct mvs_streams system;
        struct mvs_update update;
        struct mvs_schedule schedule;
        struct mvs_flash_handles flash;
        struct mvs_wifi wifi;
        struct mvs_console console;
        struct mvs_raiser raisers[MVS_RAISERS_MAX];
        struct mvsim_reject last_reject;
        struct mvs_reported reported;
        struct mvs_coverage coverage;
        struct mvsim_statistics statistics;
        bool led_on;
        bool summary; /* print the statistics at the end */
};

/* The running device; boots one, as the environment says, when there is none. Never NULL: where booting fails the
 * process ends with a message, status 2. */
struct mvs_device *mvs_device(void);

/* The running device or NULL. */
struct mvs_device *mvs_device_if_running(void);

/* The counts so far. Device lock held. */
void mvs_device_statistics(const struct mvs_device *device, struct mvsim_statistics *ret);

/* Writes them to standard error, in a line. Device lock held. */
void mvs_device_summary(const struct mvs_device *device);

#endif

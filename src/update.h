/*
 * Updates, of the application and of Microvisor: how they come to the device, and when they are installed.
 *
 *              connected            download_ms           polite                 mvRestart
 *      OFFERED ─────────▶ DOWNLOADING ────────▶ DOWNLOADED ─────▶ WAITS, is told ─────────▶ restart
 *         ▲                    │ connection lost    │ not polite
 *         └────────────────────┘                    └─────────▶ INSTALLING ── install_ms ──▶ restart
 *
 * The two kinds come together: what is offered during a download is downloaded after it. Device lock held everywhere.
 */
#ifndef MVS_UPDATE_H
#define MVS_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "mv_syscalls.h"
#include "sim/timeline/timeline.h"
#include "src/call.h"

struct mvs_device;

/* Bits. */
#define MVS_UPDATE_APPLICATION 1U
#define MVS_UPDATE_MICROVISOR  2U

/* What outlives the application, in a file of its own (sim/kept.h). */
struct mvs_update_kept {
        uint32_t offered;    /* by the cloud, and not here yet */
        uint32_t downloaded; /* waits to be installed */
};

struct mvs_update {
        struct mvs_update_kept *kept; /* NULL: there never was an update */
        uint32_t fetched;             /* what is being downloaded */
        bool installing;
        struct mvs_timer progress; /* the download's end, or the installation's */
        struct mvs_timer told;     /* a stream was opened while an update waits */
};

/* 0 or a negative errno, after a message. */
int mvs_update_init(struct mvs_device *device) __attribute__((warn_unused_result));
void mvs_update_finish(struct mvs_device *device);

/* The cloud has these for the device. 0 or -ENOMEM. */
int mvs_update_offer(struct mvs_device *device, uint32_t kinds) __attribute__((warn_unused_result));

/* The connection has come or gone. */
void mvs_update_connection(struct mvs_device *device, bool connected);

/* A stream for updates was opened. */
void mvs_update_listened(struct mvs_device *device);

static inline bool mvs_update_downloads(const struct mvs_update *update)
{
        return update->fetched != 0;
}

/* Refuses with `status` what would interrupt a download or an installation. */
enum MvStatus mvs_update_check(struct mvs_call *call) __attribute__((warn_unused_result));

/* What waits is installed by the restart that comes: its reason, or `otherwise`. */
enum MvWakeReason mvs_update_apply(struct mvs_device *device, enum MvWakeReason otherwise);

#endif

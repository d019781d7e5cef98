/*
 * The connection to the vendor's cloud: how it comes up, is lost and comes back, and when the wall clock is set.
 *
 *                       wanted                      connect_ms
 *      OFFLINE ───────────────────────▶ CONNECTING ───────────▶ CONNECTED
 *         ▲                              ▲  ▲  │ fails: wait,        │
 *         │ not wanted for grace_ms      │  └──┘ doubling            │ link lost
 *         ├──────────────────────────────┼─────────────────◀─────────┤
 *         │                              └── LINK_UP ◀───────────────┘ server lost
 *
 * While it waits between attempts it is "calm". One owner: the device, under its lock; it moves by its own timer.
 */
#ifndef MVS_CLOUD_H
#define MVS_CLOUD_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/timeline/timeline.h"

/* As MvNetworkStatus, so that the values can be handed on (a static assertion in src/network.c says so). */
enum mvs_cloud_status {
        MVS_CLOUD_OFFLINE = 0,
        MVS_CLOUD_CONNECTED = 1,
        MVS_CLOUD_CONNECTING = 2,
        MVS_CLOUD_LINK_UP = 3,
};

/* What is broken, from outside. */
enum mvs_outage {
        MVS_OUTAGE_NONE,
        MVS_OUTAGE_LINK,   /* no network at all */
        MVS_OUTAGE_SERVER, /* the network is there, the cloud does not answer */
};

struct mvs_cloud {
        const struct mvs_profile_network *settings;
        struct mvs_timeline *timeline;
        enum mvs_cloud_status status;
        enum mvs_outage outage;
        bool wanted;             /* somebody wants the connection */
        bool attempting;         /* an attempt is under way, its outcome is due at the timer */
        bool calm;               /* waits before the next attempt */
        uint32_t retry_ms;       /* the next wait */
        bool clock_set;          /* the cloud has told the time */
        uint64_t wall_offset_us; /* wall clock = device clock + this, once set */
        bool logging;            /* the cloud takes log entries */
        struct mvs_timer timer;

        /* Told after every change of `status`. Device lock held. */
        void (*changed)(void *context, enum mvs_cloud_status status);
        void *changed_context;
};

/* A device that has booted: Microvisor connects by itself. */
void mvs_cloud_init(struct mvs_cloud *cloud, struct mvs_timeline *timeline, const struct mvs_profile *profile);

/* Instead, Microvisor has been connected all the time: it was the application alone that started again. */
void mvs_cloud_stay(struct mvs_cloud *cloud);

/* Whether the connection is wanted. What follows happens `delay_us` later at the earliest, never inside. */
void mvs_cloud_want(struct mvs_cloud *cloud, bool wanted, uint64_t delay_us);

/* The world breaks or mends. Breaking takes effect at once; after mending the link, the device tries at once, while a
 * lost server is found again at the next attempt. */
void mvs_cloud_outage(struct mvs_cloud *cloud, enum mvs_outage outage);

/* Microseconds since 1970; false while the cloud has not told the time. */
bool mvs_cloud_wall_time(const struct mvs_cloud *cloud, uint64_t *ret_us);

#endif

#include "sim/cloud/cloud.h"

#include <stddef.h>
#include <time.h>

#define US_PER_MS 1000U

/* Virtual time is the same in every run, the wall clock included: it begins at 2025-01-01T00:00:00Z. */
#define VIRTUAL_EPOCH_US UINT64_C(1735689600000000)

static struct mvs_cloud *cloud_of(struct mvs_timer *timer)
{
        return (struct mvs_cloud *)(void *)((char *)timer - offsetof(struct mvs_cloud, timer));
}

static void after(struct mvs_cloud *cloud, uint64_t delay_us)
{
        mvs_timeline_arm(cloud->timeline, &cloud->timer, mvs_timeline_now(cloud->timeline) + delay_us);
}

static void become(struct mvs_cloud *cloud, enum mvs_cloud_status status)
{
        if (cloud->status == status)
                return;
        cloud->status = status;
        if (cloud->changed)
                cloud->changed(cloud->changed_context, status);
}

static void set_clock(struct mvs_cloud *cloud)
{
        struct timespec wall;
        if (cloud->clock_set)
                return;
        cloud->clock_set = true;
        if (cloud->timeline->mode == MVS_TIME_VIRTUAL) {
                cloud->wall_offset_us = VIRTUAL_EPOCH_US;
                return;
        }
        clock_gettime(CLOCK_REALTIME, &wall);
        uint64_t wall_us = (uint64_t)wall.tv_sec * 1000000U + (uint64_t)wall.tv_nsec / 1000U;
        cloud->wall_offset_us = wall_us - mvs_timeline_now(cloud->timeline);
}

static void attempt(struct mvs_cloud *cloud)
{
        cloud->calm = false;
        cloud->attempting = true;
        after(cloud, (uint64_t)cloud->settings->connect_ms * US_PER_MS);
        become(cloud, cloud->outage == MVS_OUTAGE_SERVER ? MVS_CLOUD_LINK_UP : MVS_CLOUD_CONNECTING);
}

static void wait_for_next(struct mvs_cloud *cloud)
{
        cloud->attempting = false;
        cloud->calm = true;
        after(cloud, (uint64_t)cloud->retry_ms * US_PER_MS);
        cloud->retry_ms = cloud->retry_ms > cloud->settings->retry_max_ms / 2 ? cloud->settings->retry_max_ms
                                                                              : cloud->retry_ms * 2;
}

static void end_attempt(struct mvs_cloud *cloud)
{
        cloud->attempting = false;
        if (cloud->outage != MVS_OUTAGE_NONE) {
                wait_for_next(cloud);
                return;
        }
        cloud->retry_ms = cloud->settings->retry_ms;
        set_clock(cloud);
        become(cloud, MVS_CLOUD_CONNECTED);
}

static void on_timer(struct mvs_timer *timer)
{
        struct mvs_cloud *cloud = cloud_of(timer);
        if (!cloud->wanted) {
                cloud->attempting = false;
                cloud->calm = false;
                become(cloud, MVS_CLOUD_OFFLINE);
        } else if (cloud->attempting) {
                end_attempt(cloud);
        } else if (cloud->status != MVS_CLOUD_CONNECTED) {
                attempt(cloud);
        }
}

void mvs_cloud_init(struct mvs_cloud *cloud, struct mvs_timeline *timeline, const struct mvs_profile *profile)
{
        *cloud = (struct mvs_cloud){
                .settings = &profile->network,
                .timeline = timeline,
                .wanted = true,
                .status = MVS_CLOUD_CONNECTING,
                .retry_ms = profile->network.retry_ms,
                .logging = profile->cloud.logging,
                .timer = {.fire = on_timer},
        };
        attempt(cloud);
}

void mvs_cloud_stay(struct mvs_cloud *cloud)
{
        mvs_timeline_disarm(cloud->timeline, &cloud->timer);
        cloud->attempting = false;
        cloud->status = MVS_CLOUD_CONNECTED;
}

void mvs_cloud_want(struct mvs_cloud *cloud, bool wanted, uint64_t delay_us)
{
        if (cloud->wanted == wanted)
                return;
        cloud->wanted = wanted;
        if (!wanted) {
                uint64_t grace_us = (uint64_t)cloud->settings->grace_ms * US_PER_MS;
                after(cloud, grace_us > delay_us ? grace_us : delay_us);
        } else if (cloud->status == MVS_CLOUD_OFFLINE) {
                after(cloud, delay_us);
        } else if (cloud->status == MVS_CLOUD_CONNECTED) {
                mvs_timeline_disarm(cloud->timeline, &cloud->timer);
        } else {
                attempt(cloud);
        }
}

void mvs_cloud_outage(struct mvs_cloud *cloud, enum mvs_outage outage)
{
        enum mvs_outage before = cloud->outage;
        cloud->outage = outage;
        if (before == outage || cloud->status == MVS_CLOUD_OFFLINE)
                return;
        if (!cloud->wanted) { /* in its last moments of grace: nobody asks for it to come back */
                if (outage != MVS_OUTAGE_NONE)
                        after(cloud, 0);
                return;
        }
        if (outage == MVS_OUTAGE_NONE) {
                if (before == MVS_OUTAGE_LINK)
                        attempt(cloud);
                return;
        }
        if (!cloud->attempting && !cloud->calm)
                wait_for_next(cloud);
        become(cloud, outage == MVS_OUTAGE_SERVER ? MVS_CLOUD_LINK_UP : MVS_CLOUD_CONNECTING);
}

bool mvs_cloud_wall_time(const struct mvs_cloud *cloud, uint64_t *ret_us)
{
        if (!cloud->clock_set)
                return false;
        *ret_us = mvs_timeline_now(cloud->timeline) + cloud->wall_offset_us;
        return true;
}

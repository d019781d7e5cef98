#include "sim/timeline/timeline.h"

#include <time.h>

#define NS_PER_US 1000U

uint64_t mvs_host_ns(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void mvs_timeline_init(struct mvs_timeline *timeline, const struct mvs_profile_time *settings)
{
        *timeline = (struct mvs_timeline){
                .mode = settings->mode,
                .call_us = settings->call_us,
                .host_base_ns = mvs_host_ns(),
                .watched_ns = MVS_NEVER, /* there is no such thread yet */
        };
}

bool mvs_timeline_follows_host(const struct mvs_timeline *timeline)
{
        return timeline->mode == MVS_TIME_REAL || timeline->outside > 0;
}

uint64_t mvs_timeline_now(const struct mvs_timeline *timeline)
{
        if (!mvs_timeline_follows_host(timeline))
                return timeline->base_us;
        return timeline->base_us + (mvs_host_ns() - timeline->host_base_ns) / NS_PER_US;
}

uint64_t mvs_timeline_host_ns(const struct mvs_timeline *timeline, uint64_t us)
{
        if (us <= timeline->base_us)
                return timeline->host_base_ns;
        return timeline->host_base_ns + (us - timeline->base_us) * NS_PER_US;
}

static void insert(struct mvs_timeline *timeline, struct mvs_timer *timer)
{
        struct mvs_timer **link = &timeline->first;
        while (*link && (*link)->due_us <= timer->due_us)
                link = &(*link)->next;
        timer->next = *link;
        *link = timer;
}

bool mvs_timeline_is_watched(const struct mvs_timeline *timeline)
{
        if (timeline->mode == MVS_TIME_VIRTUAL)
                return timeline->regular;
        return timeline->watched_ns <= mvs_host_ns() + MVS_TIMELINE_GRAIN_NS;
}

/* Something was armed that may be due earlier than the IRQ thread knows. In virtual time all that it does is for an
 * application that has spun for a while. */
static void watch(struct mvs_timeline *timeline, uint64_t due_us)
{
        timeline->stirred = true;
        if (timeline->mode == MVS_TIME_VIRTUAL)
                timeline->rearm |= !timeline->regular;
        else if (mvs_timeline_host_ns(timeline, due_us) + MVS_TIMELINE_GRAIN_NS < timeline->watched_ns)
                timeline->rearm = true;
}

void mvs_timeline_arm(struct mvs_timeline *timeline, struct mvs_timer *timer, uint64_t due_us)
{
        mvs_timeline_disarm(timeline, timer);
        timer->due_us = due_us;
        timer->armed = true;
        insert(timeline, timer);
        watch(timeline, due_us);
}

void mvs_timeline_disarm(struct mvs_timeline *timeline, struct mvs_timer *timer)
{
        if (!timer->armed)
                return;
        for (struct mvs_timer **link = &timeline->first; *link; link = &(*link)->next) {
                if (*link == timer) {
                        *link = timer->next;
                        break;
                }
        }
        timer->armed = false;
}

uint64_t mvs_timeline_next(const struct mvs_timeline *timeline)
{
        return timeline->first ? timeline->first->due_us : MVS_NEVER;
}

unsigned mvs_timeline_run(struct mvs_timeline *timeline)
{
        unsigned fired = 0;
        if (!timeline->first)
                return 0;
        uint64_t now = mvs_timeline_now(timeline);
        while (timeline->first && timeline->first->due_us <= now) {
                struct mvs_timer *timer = timeline->first;
                mvs_timeline_disarm(timeline, timer);
                timer->fire(timer);
                fired++;
        }
        return fired;
}

void mvs_timeline_cross(struct mvs_timeline *timeline)
{
        if (timeline->mode == MVS_TIME_REAL)
                return;
        if (timeline->outside == 0)
                timeline->base_us += timeline->call_us;
        mvs_timeline_run(timeline);
}

void mvs_timeline_jump(struct mvs_timeline *timeline, uint64_t to_us)
{
        if (!mvs_timeline_follows_host(timeline) && to_us > timeline->base_us)
                timeline->base_us = to_us;
}

void mvs_timeline_outside_begin(struct mvs_timeline *timeline)
{
        if (timeline->mode == MVS_TIME_VIRTUAL && timeline->outside == 0) {
                timeline->host_base_ns = mvs_host_ns();
                watch(timeline, timeline->base_us); /* what is due is now due by the host's clock */
        }
        timeline->outside++;
}

void mvs_timeline_outside_end(struct mvs_timeline *timeline)
{
        if (timeline->mode == MVS_TIME_VIRTUAL && timeline->outside == 1)
                timeline->base_us = mvs_timeline_now(timeline);
        timeline->outside--;
}

void mvs_timeline_listen_begin(struct mvs_timeline *timeline)
{
        timeline->listening++;
}

void mvs_timeline_listen_end(struct mvs_timeline *timeline)
{
        timeline->listening--;
}

/*
 * The clock of the device, and the one ordered queue of what is to happen.
 *
 * Real time follows the host. Virtual time stands still while code runs, moves a little with every call, jumps to the
 * next event when the application waits, and follows the host while something outside is awaited. Everything here is
 * done under the device lock, save mvs_timeline_now() of the owner's making.
 */
#ifndef MVS_TIMELINE_H
#define MVS_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/profile/profile.h"

#define MVS_NEVER UINT64_MAX

/*
 * Real time: by how much the IRQ thread may be late. To wake it costs more than most of what it is woken for: while
 * things are armed all the time, it looks this often instead. (An application that waits looks by itself, and in time.)
 */
#define MVS_TIMELINE_GRAIN_NS 250000U

/* Something that is to happen; embedded in what it happens to. */
struct mvs_timer {
        uint64_t due_us; /* on the device's clock */
        struct mvs_timer *next;
        bool armed;
        /* Device lock held; must not block. The timer is disarmed and may be armed again or freed. */
        void (*fire)(struct mvs_timer *timer);
};

struct mvs_timeline {
        enum mvs_time_mode mode;
        uint32_t call_us;        /* virtual: what a call takes */
        uint64_t base_us;        /* virtual: the clock, or what it was when it began to follow the host */
        uint64_t host_base_ns;   /* the host's clock at base_us; in real time, at boot */
        unsigned outside;        /* how many answers from outside are awaited */
        unsigned listening;      /* how many connections may bring something at any time */
        struct mvs_timer *first; /* sorted by due_us; equals in order of arming */
        uint64_t watched_ns;     /* real: the host's clock when the IRQ thread looks again */
        bool regular;            /* virtual: it looks every time.spin_ms */
        bool rearm;              /* it must look earlier */
        bool stirred;            /* something was armed, and more may be */
};

void mvs_timeline_init(struct mvs_timeline *timeline, const struct mvs_profile_time *settings);

/* Microseconds since the device booted. */
uint64_t mvs_timeline_now(const struct mvs_timeline *timeline);

/* True while the clock is the host's: in real time, and in virtual time while something outside is awaited. */
bool mvs_timeline_follows_host(const struct mvs_timeline *timeline);

/* An armed timer is moved. A time in the past fires at the next run. */
void mvs_timeline_arm(struct mvs_timeline *timeline, struct mvs_timer *timer, uint64_t due_us);
void mvs_timeline_disarm(struct mvs_timeline *timeline, struct mvs_timer *timer);

/* When the next event is due; MVS_NEVER without one. */
uint64_t mvs_timeline_next(const struct mvs_timeline *timeline);

/* Fires all that is due. Returns how many fired. */
unsigned mvs_timeline_run(struct mvs_timeline *timeline);

/* A call has been made: virtual time moves by what a call takes, and what became due fires. */
void mvs_timeline_cross(struct mvs_timeline *timeline);

/* Virtual time that does not follow the host: moves to `to_us` if that is later. */
void mvs_timeline_jump(struct mvs_timeline *timeline, uint64_t to_us);

/* An answer from outside is awaited / no longer. */
void mvs_timeline_outside_begin(struct mvs_timeline *timeline);
void mvs_timeline_outside_end(struct mvs_timeline *timeline);

/* A connection opens / closes on which something may come that was not asked for. While there is one, waiting with
 * nothing scheduled is no deadlock. */
void mvs_timeline_listen_begin(struct mvs_timeline *timeline);
void mvs_timeline_listen_end(struct mvs_timeline *timeline);

/* Whether the IRQ thread looks soon enough, without being woken, for something that is due now. */
bool mvs_timeline_is_watched(const struct mvs_timeline *timeline);

/* The host's monotonic clock, in nanoseconds, at device time `us` (only while the clock follows the host). */
uint64_t mvs_timeline_host_ns(const struct mvs_timeline *timeline, uint64_t us);

/* The host's monotonic clock now, in nanoseconds. */
uint64_t mvs_host_ns(void);

#endif

#include "src/schedule.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/diag.h"
#include "src/device.h"
#include "src/world.h"

#define US_PER_MS 1000U

static uint64_t due_us(const struct mvs_profile_event *event)
{
        return (uint64_t)event->at_ms * US_PER_MS;
}

static void happen(struct mvs_device *device, const struct mvs_profile_event *event)
{
        int result = 0;
        switch (event->what) {
        case MVS_HAPPENS_LINK_DOWN: mvs_world_break(device, MVS_OUTAGE_LINK); break;
        case MVS_HAPPENS_SERVER_DOWN: mvs_world_break(device, MVS_OUTAGE_SERVER); break;
        case MVS_HAPPENS_NETWORK_UP: mvs_world_break(device, MVS_OUTAGE_NONE); break;
        case MVS_HAPPENS_LOGGING_OFF: mvs_world_log(device, false); break;
        case MVS_HAPPENS_LOGGING_ON: mvs_world_log(device, true); break;
        case MVS_HAPPENS_PEND_IRQ: result = mvs_raise(device, event->irq, 0); break;
        case MVS_HAPPENS_APPLICATION_UPDATE: result = mvs_update_offer(device, MVS_UPDATE_APPLICATION); break;
        case MVS_HAPPENS_MICROVISOR_UPDATE: result = mvs_update_offer(device, MVS_UPDATE_MICROVISOR); break;
        case MVS_HAPPENS_RESTART: mvs_world_restart(device, MV_WAKEREASON_REMOTEAPPLICATIONRESTART); break;
        }
        if (result < 0)
                mvs_diag(MVS_LOG_ERROR, "what the schedule has for %u ms does not happen: %s", event->at_ms,
                         strerror(-result));
}

/* The earliest time from `from_us` on at which something is due; MVS_NEVER: none is. */
static uint64_t next_time(const struct mvs_profile_schedule *schedule, uint64_t from_us)
{
        uint64_t next = MVS_NEVER;
        for (unsigned i = 0; i < schedule->events_count; i++) {
                uint64_t due = due_us(&schedule->events[i]);
                if (due >= from_us && due < next)
                        next = due;
        }
        return next;
}

static void wait_for_next(struct mvs_device *device)
{
        struct mvs_machine *machine = &device->machine;
        uint64_t next = next_time(&machine->profile.schedule, *device->schedule.done_us);
        uint64_t before_us = machine->restart.state.world_us; /* when this device booted */
        if (next != MVS_NEVER)
                mvs_timeline_arm(&machine->timeline, &device->schedule.timer, next > before_us ? next - before_us : 0);
}

/* Several at one time happen in the order of the profile. Each is noted as done before it happens, lest one that starts
 * the application again happen in every life. */
static void on_time(struct mvs_timer *timer)
{
        struct mvs_device *device =
                (struct mvs_device *)(void *)((char *)timer - offsetof(struct mvs_device, schedule.timer));
        const struct mvs_profile_schedule *schedule = &device->machine.profile.schedule;
        uint64_t time = next_time(schedule, *device->schedule.done_us);
        *device->schedule.done_us = time + 1;
        wait_for_next(device);
        for (unsigned i = 0; i < schedule->events_count; i++) {
                if (due_us(&schedule->events[i]) == time)
                        happen(device, &schedule->events[i]);
        }
}

int mvs_schedule_init(struct mvs_device *device)
{
        struct mvs_schedule *schedule = &device->schedule;
        schedule->timer.fire = on_time;
        if (device->machine.profile.schedule.events_count == 0)
                return 0;
        schedule->done_us =
                mvs_kept_map(&device->machine.restart.state.files, MVS_KEPT_SCHEDULE, sizeof *schedule->done_us);
        if (!schedule->done_us) {
                mvs_diag(MVS_LOG_ERROR, "there is no memory for the schedule: %s", strerror(errno));
                return -ENOMEM;
        }
        wait_for_next(device);
        return 0;
}

void mvs_schedule_finish(struct mvs_device *device)
{
        if (device->schedule.done_us)
                munmap(device->schedule.done_us, sizeof *device->schedule.done_us);
        device->schedule.done_us = NULL;
}

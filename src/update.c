#include "src/update.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/diag.h"
#include "src/device.h"
#include "src/world.h"

#define US_PER_MS 1000U

static const char *name_of(uint32_t kinds)
{
        static const char *const names[] = {"nothing", "application", "microvisor", "both"};
        return names[kinds];
}

static void tell(struct mvs_device *device, const char *state, uint32_t kinds)
{
        mvs_diag(MVS_LOG_INFO, "update (%s): %s", name_of(kinds), state);
        mvs_trace(&device->machine, MVS_EVENT_UPDATE, MVS_WORD("of", name_of(kinds)), MVS_WORD("state", state));
}

static void arm(struct mvs_device *device, uint32_t delay_ms)
{
        struct mvs_machine *machine = &device->machine;
        mvs_timeline_arm(&machine->timeline, &device->update.progress,
                         mvs_machine_now(machine) + (uint64_t)delay_ms * US_PER_MS);
}

/* ---- downloading ---- */

static void download(struct mvs_device *device)
{
        struct mvs_update *update = &device->update;
        if (!update->kept || !update->kept->offered || update->fetched || update->installing ||
            device->machine.cloud.status != MVS_CLOUD_CONNECTED)
                return;
        update->fetched = update->kept->offered;
        tell(device, "downloading", update->fetched);
        arm(device, device->machine.profile.updates.download_ms);
        mvs_network_want(device);
}

void mvs_update_connection(struct mvs_device *device, bool connected)
{
        struct mvs_update *update = &device->update;
        if (connected) {
                download(device);
        } else if (update->fetched) {
                tell(device, "offered", update->fetched);
                update->fetched = 0;
                mvs_timeline_disarm(&device->machine.timeline, &update->progress);
                mvs_network_want(device);
        }
}

/* ---- what follows ---- */

static void post(struct mvs_device *device)
{
        mvs_system_post(device, MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, MV_EVENTTYPE_UPDATEDOWNLOADED);
}

static void install(struct mvs_device *device)
{
        device->update.installing = true;
        tell(device, "installing", device->update.kept->downloaded);
        arm(device, device->machine.profile.updates.install_ms);
}

static void on_downloaded(struct mvs_device *device)
{
        struct mvs_update *update = &device->update;
        update->kept->downloaded |= update->fetched;
        update->kept->offered &= ~update->fetched;
        tell(device, "downloaded", update->fetched);
        update->fetched = 0;
        mvs_network_want(device);
        if (device->machine.profile.updates.polite)
                post(device);
        else
                install(device);
        download(device);
}

static void on_installed(struct mvs_device *device)
{
        enum MvWakeReason reason = mvs_update_apply(device, MV_WAKEREASON_APPLICATIONUPDATE);
        mvs_world_restart(device, reason);
}

static void on_progress(struct mvs_timer *timer)
{
        struct mvs_device *device =
                (struct mvs_device *)(void *)((char *)timer - offsetof(struct mvs_device, update.progress));
        if (device->update.installing)
                on_installed(device);
        else
                on_downloaded(device);
}

/* ---- an update that waits ---- */

static void on_told(struct mvs_timer *timer)
{
        struct mvs_device *device =
                (struct mvs_device *)(void *)((char *)timer - offsetof(struct mvs_device, update.told));
        post(device);
}

/* It came before anybody listened, perhaps in another life. */
void mvs_update_listened(struct mvs_device *device)
{
        struct mvs_machine *machine = &device->machine;
        if (device->update.kept && device->update.kept->downloaded && !device->update.installing)
                mvs_timeline_arm(&machine->timeline, &device->update.told,
                                 mvs_machine_now(machine) + machine->profile.time.completion_us);
}

enum MvStatus mvs_update_check(struct mvs_call *call)
{
        const struct mvs_update *update = &call->device->update;
        if (!update->fetched && !update->installing)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_MICROVISORBUSY, NULL,
                          "Microvisor is %s an update (wait for UPDATEDOWNLOADED, or try again later)",
                          update->fetched ? "downloading" : "installing");
}

enum MvWakeReason mvs_update_apply(struct mvs_device *device, enum MvWakeReason otherwise)
{
        struct mvs_update_kept *kept = device->update.kept;
        uint32_t kinds = kept ? kept->downloaded : 0;
        if (kinds == 0)
                return otherwise;
        kept->downloaded = 0;
        tell(device, "installed", kinds);
        return kinds & MVS_UPDATE_MICROVISOR ? MV_WAKEREASON_MICROVISORUPDATE : MV_WAKEREASON_APPLICATIONUPDATE;
}

/* ---- life ---- */

static int map(struct mvs_device *device)
{
        struct mvs_update *update = &device->update;
        update->kept = mvs_kept_map(&device->machine.restart.state.files, MVS_KEPT_CLOUD, sizeof *update->kept);
        if (update->kept)
                return 0;
        mvs_diag(MVS_LOG_ERROR, "there is no memory for updates: %s", strerror(errno));
        return -ENOMEM;
}

int mvs_update_init(struct mvs_device *device)
{
        device->update.progress.fire = on_progress;
        device->update.told.fire = on_told;
        if (device->machine.restart.state.files.fds[MVS_KEPT_CLOUD] < 0)
                return 0;
        int result = map(device);
        if (result < 0)
                return result;
        if (device->update.kept->downloaded && !device->machine.profile.updates.polite)
                install(device); /* a crash came in between */
        download(device);
        return 0;
}

void mvs_update_finish(struct mvs_device *device)
{
        if (device->update.kept)
                munmap(device->update.kept, sizeof *device->update.kept);
        device->update.kept = NULL;
}

int mvs_update_offer(struct mvs_device *device, uint32_t kinds)
{
        if (!device->update.kept && map(device) < 0)
                return -ENOMEM;
        device->update.kept->offered |= kinds;
        tell(device, "offered", kinds);
        download(device);
        return 0;
}

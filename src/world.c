#include "src/world.h"

#include "src/device.h"

void mvs_world_break(struct mvs_device *device, enum mvs_outage outage)
{
        static const char *const names[] = {"nothing", "link", "server"};
        mvs_trace(&device->machine, MVS_EVENT_OUTAGE, MVS_WORD("of", names[outage]));
        mvs_cloud_outage(&device->machine.cloud, outage);
}

void mvs_world_log(struct mvs_device *device, bool taken)
{
        device->machine.cloud.logging = taken;
        mvs_log_send(device);
}

void mvs_world_restart(struct mvs_device *device, enum MvWakeReason reason)
{
        mvs_ending_begin(device, &(const struct mvsim_ending){MVSIM_ENDING_RESTART, NULL, 0, reason, 0});
}

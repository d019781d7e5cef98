/* The clocks. */
#include "src/device.h"
#include "src/pair.h"

enum MvStatus mvs_do_mvGetMicroseconds(struct mvs_call *call, uint64_t *ms)
{
        uint64_t now = mvs_machine_now(&call->device->machine);
        return mvs_put(call, "ms", ms, &now, sizeof now);
}

enum MvStatus mvs_do_mvGetSysClk(struct mvs_call *call, uint32_t *hz)
{
        return mvs_put(call, "hz", hz, &call->device->machine.profile.device.sysclk, sizeof *hz);
}

enum MvStatus mvs_do_mvGetHClk(struct mvs_call *call, uint32_t *hz)
{
        return mvs_put(call, "hz", hz, &call->device->machine.profile.device.hclk, sizeof *hz);
}

enum MvStatus mvs_do_mvGetPClk1(struct mvs_call *call, uint32_t *hz)
{
        return mvs_put(call, "hz", hz, &call->device->machine.profile.device.pclk1, sizeof *hz);
}

enum MvStatus mvs_do_mvGetPClk2(struct mvs_call *call, uint32_t *hz)
{
        return mvs_put(call, "hz", hz, &call->device->machine.profile.device.pclk2, sizeof *hz);
}

enum MvStatus mvs_check_mvGetWallTime(struct mvs_call *call, uint64_t *usec)
{
        (void)usec;
        uint64_t now;
        if (mvs_cloud_wall_time(&call->device->machine.cloud, &now))
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_TIMENOTSET, NULL,
                          "the cloud has not told the time yet: the device was not connected since it booted");
}

enum MvStatus mvs_do_mvGetWallTime(struct mvs_call *call, uint64_t *usec)
{
        uint64_t now = 0;
        if (!mvs_cloud_wall_time(&call->device->machine.cloud, &now))
                return MV_STATUS_TIMENOTSET;
        return mvs_put(call, "usec", usec, &now, sizeof now);
}

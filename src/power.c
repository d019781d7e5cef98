/* Saving power. */
#include "src/device.h"
#include "src/pair.h"

/* Whether Microvisor still needs the network: a handle is held, or the connection is not down yet (decision 33). */
static bool network_is_active(const struct mvs_device *device)
{
        return device->network.open > 0 || device->machine.cloud.status != MVS_CLOUD_OFFLINE;
}

enum MvStatus mvs_check_mvPowerSave(struct mvs_call *call, enum MvPowerSavingMode mode)
{
        if ((unsigned)mode > MV_POWERSAVINGMODE_STOP3)
                return mvs_reject(call, MV_STATUS_PARAMETERFAULT, "mode", "is %u: the modes are SLEEP (0) to STOP3 (4)",
                                  (unsigned)mode);
        if (mode != MV_POWERSAVINGMODE_SLEEP && network_is_active(call->device))
                return mvs_reject(call, MV_STATUS_MICROVISORBUSY, "mode",
                                  "must be SLEEP while the network is active: a STOP mode needs it off (release every "
                                  "network handle, once one was requested, and wait for DELIBERATELYOFFLINE)");
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_do_mvPowerSave(struct mvs_call *call, enum MvPowerSavingMode mode)
{
        (void)mode;
        mvs_cpu_wait(&call->device->machine, MVS_NEVER, mvs_cpu_wakes);
        return MV_STATUS_OKAY;
}

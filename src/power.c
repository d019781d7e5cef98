/* Saving power, and the calls with which the application ends its own life. */
#include "src/device.h"
#include "src/pair.h"

/* Whether Microvisor still needs the network: a handle is held, or the connection is not down yet (decision 33). */
static bool network_is_active(const struct mvs_device *device)
{
        return device->network.open > 0 || device->machine.cloud.status != MVS_CLOUD_OFFLINE;
}

/* Waiting does not help an application that holds it itself. */
static void look_at_holder(const struct mvs_call *call)
{
        unsigned open = call->device->network.open;
        if (open > 0)
                mvs_lint_found(call->device, MVS_LINT_sleep_with_network, call->number,
                               "%s was asked for with %u network request%s open: it is refused until each is released "
                               "(mvReleaseNetwork), however long the application waits",
                               call->desc->name, open, open == 1 ? "" : "s");
}

enum MvStatus mvs_check_mvPowerSave(struct mvs_call *call, enum MvPowerSavingMode mode)
{
        if ((unsigned)mode > MV_POWERSAVINGMODE_STOP3)
                return mvs_reject(call, MV_STATUS_PARAMETERFAULT, "mode", "is %u: the modes are SLEEP (0) to STOP3 (4)",
                                  (unsigned)mode);
        if (mode == MV_POWERSAVINGMODE_SLEEP || !network_is_active(call->device))
                return MV_STATUS_OKAY;
        look_at_holder(call);
        return mvs_reject(call, MV_STATUS_MICROVISORBUSY, "mode",
                          "must be SLEEP while the network is active: a STOP mode needs it off (release every "
                          "network handle, once one was requested, and wait for DELIBERATELYOFFLINE)");
}

enum MvStatus mvs_do_mvPowerSave(struct mvs_call *call, enum MvPowerSavingMode mode)
{
        (void)mode;
        mvs_cpu_wait(&call->device->machine, MVS_NEVER, mvs_cpu_wakes);
        return MV_STATUS_OKAY;
}

/* ---- ending this life ---- */

enum MvStatus mvs_check_mvDeepSleep(struct mvs_call *call, enum MvDeepSleepMode mode)
{
        if ((unsigned)mode > MV_DEEPSLEEPMODE_SHUTDOWN)
                return mvs_reject(call, MV_STATUS_PARAMETERFAULT, "mode",
                                  "is %u: the modes are STANDBY (0) and SHUTDOWN (1)", (unsigned)mode);
        if (mvs_update_check(call) != MV_STATUS_OKAY)
                return MV_STATUS_MICROVISORBUSY;
        if (!network_is_active(call->device))
                return MV_STATUS_OKAY;
        look_at_holder(call);
        return mvs_reject(call, MV_STATUS_MICROVISORBUSY, NULL,
                          "the network is active, and deep sleep needs it off (release every network handle, "
                          "once one was requested, and wait for DELIBERATELYOFFLINE)");
}

enum MvStatus mvs_do_mvDeepSleep(struct mvs_call *call, enum MvDeepSleepMode mode)
{
        bool standby = mode == MV_DEEPSLEEPMODE_STANDBY;
        return mvs_ending_of(call, MVSIM_ENDING_DEEP_SLEEP, mode,
                             standby ? MV_WAKEREASON_DEEPSLEEPOTHER : MV_WAKEREASON_COLDBOOT);
}

enum MvStatus mvs_check_mvRestart(struct mvs_call *call, enum MvRestartMode mode)
{
        if (mode == MV_RESTARTMODE_AUTOAPPLYUPDATE)
                return mvs_update_check(call);
        return mvs_reject(call, MV_STATUS_PARAMETERFAULT, "mode", "is %u: the one mode is AUTOAPPLYUPDATE (0)",
                          (unsigned)mode);
}

enum MvStatus mvs_do_mvRestart(struct mvs_call *call, enum MvRestartMode mode)
{
        return mvs_ending_of(call, MVSIM_ENDING_RESTART, mode,
                             mvs_update_apply(call->device, MV_WAKEREASON_REMOTEAPPLICATIONRESTART));
}

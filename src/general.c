/* The call without effect, and what an application may ask of the device itself. */
#include <inttypes.h>

#include "src/device.h"
#include "src/pair.h"

enum MvStatus mvs_do_mvNoOp(struct mvs_call *call)
{
        (void)call;
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_check_mvGetDeviceId(struct mvs_call *call, uint8_t *buf, uint32_t len)
{
        (void)buf;
        if (len == MVS_DEVICE_ID_LEN)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, "len", "is %" PRIu32 ": it must be exactly %d", len,
                          MVS_DEVICE_ID_LEN);
}

enum MvStatus mvs_do_mvGetDeviceId(struct mvs_call *call, uint8_t *buf, uint32_t len)
{
        return mvs_put(call, "buf", buf, call->device->machine.profile.device.id, len);
}

enum MvStatus mvs_do_mvSystemLedEnable(struct mvs_call *call, uint32_t enable)
{
        call->device->led_on = enable != 0;
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_do_mvGetWakeReason(struct mvs_call *call, enum MvWakeReason *mode)
{
        enum MvWakeReason reason = (enum MvWakeReason)call->device->machine.profile.device.wake_reason;
        return mvs_put(call, "mode", mode, &reason, sizeof reason);
}

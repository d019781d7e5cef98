/* The calls whose structure argument has fields to check, in the order in which they are declared. */
#include "src/channel.h"
#include "src/network.h"
#include "src/notify.h"
#include "src/pointers.h"
#include "src/system.h"
#include "src/wifi.h"

enum MvStatus mvs_fields_check(struct mvs_call *call)
{
        switch (call->number) {
        case MVS_CALL_mvSetupNotifications: return mvs_notify_check_setup(call, &call->in.setup);
        case MVS_CALL_mvRequestNetwork: return mvs_network_check_params(call, &call->in.network);
        case MVS_CALL_mvOpenChannel: return mvs_channel_check_params(call, &call->in.channel);
        case MVS_CALL_mvReadConfigResponseItem: return mvs_pointers_check(call, NULL, &call->in.config_item);
        case MVS_CALL_mvSetWifiConfig: return mvs_wifi_check_config(call, &call->in.wifi);
        case MVS_CALL_mvGetWifiConfig: return mvs_wifi_check_out(call, &call->in.wifi_out);
        case MVS_CALL_mvOpenSystemNotification: return mvs_system_check_params(call, &call->in.system);
        default: return MV_STATUS_OKAY;
        }
}

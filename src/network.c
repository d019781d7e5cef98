#include "src/network.h"

#include <inttypes.h>
#include <string.h>

#include "sim/diag.h"
#include "src/device.h"
#include "src/pair.h"

_Static_assert((int)MVS_CLOUD_OFFLINE == MV_NETWORKSTATUS_DELIBERATELYOFFLINE &&
                       (int)MVS_CLOUD_CONNECTED == MV_NETWORKSTATUS_CONNECTED &&
                       (int)MVS_CLOUD_CONNECTING == MV_NETWORKSTATUS_CONNECTING &&
                       (int)MVS_CLOUD_LINK_UP == MV_NETWORKSTATUS_DISCONNECTEDWITHLINKUP,
               "the cloud's status is handed on as it is");

/* ---- what the world tells ---- */

static void on_cloud_changed(void *context, enum mvs_cloud_status status)
{
        static const char *const names[] = {"deliberately offline", "connected", "connecting",
                                            "disconnected with the link up"};
        struct mvs_device *device = context;
        mvs_diag(MVS_LOG_INFO, "network: %s", names[status]);
        mvs_trace(&device->machine, MVS_EVENT_NETWORK, MVS_TEXT("status", names[status], strlen(names[status])));
        mvs_update_connection(device, status == MVS_CLOUD_CONNECTED);
        if (status == MVS_CLOUD_CONNECTED)
                mvs_log_send(device);
        else
                mvs_channels_lost(device);
        for (unsigned i = 0; i < MVS_NETWORKS_MAX; i++) {
                struct mvs_network_request *request = &device->network.requests[i];
                if (request->object.handle)
                        mvs_notify_post(device, request->centre, MV_EVENTTYPE_NETWORKSTATUSCHANGED, request->tag);
        }
        mvs_system_post(device, MV_SYSTEMNOTIFICATIONSOURCE_NETWORK, MV_EVENTTYPE_NETWORKSTATUSCHANGED);
}

void mvs_network_init(struct mvs_device *device)
{
        device->machine.cloud.changed = on_cloud_changed;
        device->machine.cloud.changed_context = device;
}

/* ---- mvRequestNetwork ---- */

enum MvStatus mvs_network_check_params(struct mvs_call *call, const struct MvRequestNetworkParams *params)
{
        if (params->version != 1)
                return mvs_reject(call, MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version", "is %" PRIu32 ", not 1",
                                  params->version);
        void *centre;
        if (mvs_arg_handle(call, "notification_handle", params->v1.notification_handle, MVS_OBJECT_NOTIFICATION,
                           &centre) == MV_STATUS_OKAY)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_PARAMETERFAULT, "notification_handle",
                          "%p is no open notification centre (call mvSetupNotifications first)",
                          (void *)params->v1.notification_handle);
}

enum MvStatus mvs_check_mvRequestNetwork(struct mvs_call *call, const struct MvRequestNetworkParams *params,
                                         MvNetworkHandle *handle)
{
        (void)params;
        (void)handle;
        uint32_t limit = call->device->machine.profile.limits.network_handles;
        if (call->device->network.open < limit)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_PARAMETERFAULT, NULL,
                          "%" PRIu32 " network handles are open already (limits.network_handles)", limit);
}

/* Until the application has asked for it once, Microvisor keeps a connection of its own, and also for an update. */
void mvs_network_want(struct mvs_device *device)
{
        struct mvs_machine *machine = &device->machine;
        bool wanted = device->network.open > 0 || !device->network.used || mvs_update_downloads(&device->update);
        mvs_cloud_want(&machine->cloud, wanted, machine->profile.time.completion_us);
}

enum MvStatus mvs_do_mvRequestNetwork(struct mvs_call *call, const struct MvRequestNetworkParams *params,
                                      MvNetworkHandle *handle)
{
        (void)params;
        struct mvs_device *device = call->device;
        struct mvs_network_request *request = device->network.requests;
        while (request->object.handle)
                request++;
        enum MvStatus status = mvs_put_new_handle(call, "handle", handle, &request->object, MVS_OBJECT_NETWORK,
                                                  MV_STATUS_PARAMETERFAULT);
        if (status != MV_STATUS_OKAY)
                return status;
        request->centre = (uint32_t)(uintptr_t)call->in.network.v1.notification_handle;
        request->tag = call->in.network.v1.notification_tag;
        device->network.open++;
        device->network.used = true;
        mvs_lint_made(call);
        mvs_network_want(device);
        return MV_STATUS_OKAY;
}

/* ---- mvReleaseNetwork ---- */

enum MvStatus mvs_check_mvReleaseNetwork(struct mvs_call *call, MvNetworkHandle *handle)
{
        return mvs_arg_handle_at(call, "handle", handle, MVS_OBJECT_NETWORK, &call->object);
}

enum MvStatus mvs_do_mvReleaseNetwork(struct mvs_call *call, MvNetworkHandle *handle)
{
        struct mvs_device *device = call->device;
        struct mvs_network_request *request = call->object;
        enum MvStatus status = mvs_put_no_handle(call, "handle", handle);
        if (status != MV_STATUS_OKAY)
                return status;
        mvs_channels_released(device, request->object.handle);
        mvs_lint_closing(device, &request->object);
        mvs_handles_remove(&device->handles, &request->object);
        device->network.open--;
        mvs_network_want(device);
        return MV_STATUS_OKAY;
}

/* ---- looking ---- */

enum MvStatus mvs_do_mvGetNetworkStatus(struct mvs_call *call, MvNetworkHandle handle, enum MvNetworkStatus *status)
{
        (void)handle;
        mvs_lint_polled(call);
        enum MvNetworkStatus value = (enum MvNetworkStatus)call->device->machine.cloud.status;
        return mvs_put(call, "status", status, &value, sizeof value);
}

static uint32_t reasons(const struct mvs_device *device)
{
        uint32_t bits = MV_NETWORKREASON_NOTCONNECTING;
        if (!device->network.used)
                bits |= MV_NETWORKREASON_NEVERUSEDNETWORKAPI | MV_NETWORKREASON_COLDBOOTCONNECTION;
        if (device->network.open > 0)
                bits |= MV_NETWORKREASON_USINGNETWORK;
        if (mvs_update_downloads(&device->update))
                bits |= MV_NETWORKREASON_FETCHINGUPDATE;
        if (device->machine.cloud.calm)
                bits |= MV_NETWORKREASON_ENHANCECALM;
        return bits;
}

enum MvStatus mvs_do_mvGetNetworkReasons(struct mvs_call *call, enum MvNetworkReason *reasons_out,
                                         uint32_t *request_ref_count)
{
        uint32_t bits = reasons(call->device);
        uint32_t count = call->device->network.open;
        enum MvStatus status = mvs_put(call, "reasons", reasons_out, &bits, sizeof bits);
        return status == MV_STATUS_OKAY ? mvs_put(call, "request_ref_count", request_ref_count, &count, sizeof count)
                                        : status;
}

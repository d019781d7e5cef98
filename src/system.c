#include "src/system.h"

#include <inttypes.h>

#include "src/device.h"
#include "src/pair.h"

void mvs_system_post(struct mvs_device *device, enum MvSystemNotificationSource source, enum MvEventType type)
{
        for (unsigned i = 0; i < MVS_STREAMS_MAX; i++) {
                const struct mvs_stream *stream = &device->system.streams[i];
                if (stream->object.handle && stream->source == source)
                        mvs_notify_post(device, stream->centre, type, stream->tag);
        }
}

/* ---- mvOpenSystemNotification ---- */

enum MvStatus mvs_system_check_params(struct mvs_call *call, const struct MvOpenSystemNotificationParams *params)
{
        void *centre;
        enum MvStatus status = mvs_arg_handle(call, "notification_handle", params->notification_handle,
                                              MVS_OBJECT_NOTIFICATION, &centre);
        if (status != MV_STATUS_OKAY || (unsigned)params->notification_source <= MV_SYSTEMNOTIFICATIONSOURCE_UPDATE)
                return status;
        return mvs_reject(call, MV_STATUS_INVALIDHANDLE, "notification_source",
                          "is %u: the sources are NETWORK (0) and UPDATE (1)", (unsigned)params->notification_source);
}

enum MvStatus mvs_check_mvOpenSystemNotification(struct mvs_call *call,
                                                 const struct MvOpenSystemNotificationParams *params,
                                                 MvSystemEventHandle *handle)
{
        (void)params;
        (void)handle;
        uint32_t limit = call->device->machine.profile.limits.system_events;
        if (call->device->system.open < limit)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                          "%" PRIu32 " system event streams are open already (limits.system_events)", limit);
}

enum MvStatus mvs_do_mvOpenSystemNotification(struct mvs_call *call,
                                              const struct MvOpenSystemNotificationParams *params,
                                              MvSystemEventHandle *handle)
{
        (void)params;
        struct mvs_device *device = call->device;
        struct mvs_stream *stream = device->system.streams;
        while (stream->object.handle)
                stream++;
        enum MvStatus status = mvs_put_new_handle(call, "handle", handle, &stream->object, MVS_OBJECT_SYSTEM_EVENT,
                                                  MV_STATUS_UNAVAILABLE);
        if (status != MV_STATUS_OKAY)
                return status;
        stream->centre = (uint32_t)(uintptr_t)call->in.system.notification_handle;
        stream->tag = call->in.system.notification_tag;
        stream->source = call->in.system.notification_source;
        device->system.open++;
        if (stream->source == MV_SYSTEMNOTIFICATIONSOURCE_UPDATE)
                mvs_update_listened(device);
        return MV_STATUS_OKAY;
}

/* ---- mvCloseSystemNotification ---- */

enum MvStatus mvs_check_mvCloseSystemNotification(struct mvs_call *call, MvSystemEventHandle *handle)
{
        return mvs_arg_handle_at(call, "handle", handle, MVS_OBJECT_SYSTEM_EVENT, &call->object);
}

enum MvStatus mvs_do_mvCloseSystemNotification(struct mvs_call *call, MvSystemEventHandle *handle)
{
        return mvs_put_closed(call, "handle", handle, &call->device->system.open);
}

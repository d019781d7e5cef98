/* Handles that are used when they are not open, and left open when they are of no use. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/device.h"

/* ---- bad handles ---- */

static bool closes(const struct mvs_call *call)
{
        return call->desc->arg_count > 0 && call->desc->args[0].kind == MVS_ARG_INOUT;
}

/* Error paths close everything, open or not, and ask for reasons of what never was. */
static bool may_be_about_nothing(const struct mvs_call *call)
{
        return closes(call) || call->number == MVS_CALL_mvGetChannelClosureReason ||
               call->number == MVS_CALL_mvMqttReadDisconnectResponse;
}

static const struct mvs_failure *failure_of(const struct mvs_lint *lint, enum mvs_object_kind kind)
{
        const struct mvs_failure *failure;
        switch (kind) {
        case MVS_OBJECT_NOTIFICATION: failure = &lint->failures[MVS_MAKER_CENTRE]; break;
        case MVS_OBJECT_NETWORK: failure = &lint->failures[MVS_MAKER_NETWORK]; break;
        case MVS_OBJECT_CHANNEL:
        case MVS_OBJECT_OPAQUE_CHANNEL:
        case MVS_OBJECT_MQTT_CHANNEL:
        case MVS_OBJECT_HTTP_CHANNEL:
        case MVS_OBJECT_CONFIG_CHANNEL:
        case MVS_OBJECT_PAST_CHANNEL: failure = &lint->failures[MVS_MAKER_CHANNEL]; break;
        case MVS_OBJECT_FLASH: failure = &lint->failures[MVS_MAKER_FLASH]; break;
        default: return NULL;
        }
        return failure->call ? failure : NULL;
}

static bool find_closed(const struct mvs_lint *lint, uintptr_t handle, uint64_t *ret_us)
{
        for (unsigned i = 0; i < MVS_CLOSED_TRACED; i++) {
                if (lint->closed[i].handle != 0 && lint->closed[i].handle == handle) {
                        *ret_us = lint->closed[i].microseconds;
                        return true;
                }
        }
        return false;
}

static void found_zero(struct mvs_call *call, enum mvs_object_kind kind)
{
        const struct mvs_failure *failure = failure_of(&call->device->lint, kind);
        if (may_be_about_nothing(call))
                return;
        if (failure)
                mvs_lint_found(call->device, MVS_LINT_status_ignored, call->number,
                               "%s was given the handle 0 for %s: %s had failed with %s at %" PRIu64
                               " us, which was not heeded",
                               call->desc->name, mvs_object_kind_name(kind), failure->call,
                               mvs_status_name(failure->status), failure->microseconds);
        else if (call->number != MVS_CALL_mvGetNetworkStatus)
                mvs_lint_found(call->device, MVS_LINT_zero_handle, call->number,
                               "%s was given the handle 0 for %s: nothing was opened, or it is closed already",
                               call->desc->name, mvs_object_kind_name(kind));
}

void mvs_lint_bad_handle(struct mvs_call *call, uintptr_t handle, enum mvs_object_kind kind)
{
        uint64_t closed_us;
        if (handle == 0)
                found_zero(call, kind);
        else if (find_closed(&call->device->lint, handle, &closed_us))
                mvs_lint_found(call->device, MVS_LINT_closed_handle, call->number,
                               "%s was given 0x%08" PRIxPTR " for %s: that handle was closed at %" PRIu64
                               " us, and a copy of it was kept",
                               call->desc->name, handle, mvs_object_kind_name(kind), closed_us);
}

/* ---- closing ---- */

static void look_at_lost(const struct mvs_channel *channel)
{
        struct mvs_device *device = channel->device;
        uint64_t lost_us = mvs_machine_now(&device->machine) - channel->terminated_us;
        if (!channel->terminated || channel->reason != MV_CLOSUREREASON_NETWORKDISCONNECTED ||
            lost_us <= MVS_LEFT_OPEN_US)
                return;
        mvs_lint_found(device, MVS_LINT_channel_left_open, channel->object.handle,
                       "channel 0x%08" PRIx32 " (tag %" PRIu32 ") was lost with the network at %" PRIu64
                       " us and is open %" PRIu64
                       " us later: its buffers are still Microvisor's, and it is one of the channels that the device "
                       "has (close it at CHANNELNOTCONNECTED)",
                       channel->object.handle, channel->tag, channel->terminated_us, lost_us);
}

void mvs_lint_look_at_lost_channels(struct mvs_device *device)
{
        for (unsigned i = 0; i < MVS_CHANNELS_MAX; i++) {
                if (device->channels.open[i].object.handle)
                        look_at_lost(&device->channels.open[i]);
        }
}

void mvs_lint_closing(struct mvs_device *device, const struct mvs_object *object)
{
        struct mvs_lint *lint = &device->lint;
        unsigned slot = lint->closed_next++ % MVS_CLOSED_TRACED;
        lint->closed[slot].handle = object->handle;
        lint->closed[slot].microseconds = mvs_machine_now(&device->machine);
}

void mvs_lint_closing_channel(const struct mvs_channel *channel)
{
        mvs_lint_closing(channel->device, &channel->object);
        look_at_lost(channel);
        if (channel->ops->closing && !channel->terminated)
                channel->ops->closing(channel);
}

void mvs_lint_unread(const struct mvs_channel *channel, const char *call, uint64_t sent_us)
{
        mvs_lint_found(channel->device, MVS_LINT_response_unread, channel->tag,
                       "channel 0x%08" PRIx32 " (tag %" PRIu32
                       ") is closed with the response to its request of %" PRIu64
                       " us in it, unread (call %s first: it tells how the request ended)",
                       channel->object.handle, channel->tag, sent_us, call);
}

/* ---- the end ---- */

/* "1 notification centre, 2 external flash handles": each kind that is open. */
static void list_open(const struct mvs_handles *handles, char *ret_text, size_t size)
{
        unsigned counts[MVS_OBJECT_FLASH + 1] = {0};
        size_t used = 0;
        for (unsigned slot = 0; slot <= MVS_HANDLES_MAX; slot++) {
                if (handles->objects[slot])
                        counts[handles->objects[slot]->kind]++;
        }
        for (unsigned kind = 0; kind <= MVS_OBJECT_FLASH; kind++) {
                const char *name =
                        strchr(mvs_object_kind_name((enum mvs_object_kind)kind), ' '); /* without "a", "an" */
                if (counts[kind] > 0 && used < size)
                        used += (size_t)snprintf(ret_text + used, size - used, "%s%u%s%s", used > 0 ? ", " : "",
                                                 counts[kind], name, counts[kind] == 1 ? "" : "s");
        }
}

static void look_at_open_handles(struct mvs_device *device)
{
        char kinds[256] = "";
        if (device->handles.open == 0)
                return;
        list_open(&device->handles, kinds, sizeof kinds);
        mvs_lint_found(device, MVS_LINT_handles_open, 0, "the application ends with %u handle%s open: %s",
                       device->handles.open, device->handles.open == 1 ? "" : "s", kinds);
}

void mvs_lint_exit(struct mvs_device *device)
{
        for (unsigned i = 0; i < MVS_CENTRES_MAX; i++) {
                if (device->notify.centres[i].object.handle)
                        mvs_lint_closing_centre(&device->notify.centres[i]);
        }
        mvs_lint_look_at_lost_channels(device);
        look_at_open_handles(device);
}

#include "src/channel.h"

#include <inttypes.h>
#include <stddef.h>

#include "src/device.h"
#include "src/pair.h"

#define US_PER_S           1000000U
#define RECEIVE_MIN        512U /* decision 17 */
#define RECEIVE_MIN_OPAQUE 16U

/* ---- events ---- */

void mvs_channel_post(struct mvs_channel *channel, enum MvEventType type)
{
        mvs_notify_post(channel->device, channel->centre, type, channel->tag);
}

static void on_timer(struct mvs_timer *timer)
{
        struct mvs_channel *channel =
                (struct mvs_channel *)(void *)((char *)timer - offsetof(struct mvs_channel, timer));
        if (channel->terminated)
                mvs_channel_post(channel, MV_EVENTTYPE_CHANNELNOTCONNECTED);
        else
                channel->ops->due(channel);
}

void mvs_channel_terminate(struct mvs_channel *channel, enum MvClosureReason reason)
{
        mvs_timeline_disarm(&channel->device->machine.timeline, &channel->timer);
        channel->terminated = true;
        channel->reason = reason;
        channel->ops->stop(channel);
        channel->terminated_us = mvs_machine_now(&channel->device->machine);
}

void mvs_channel_break(struct mvs_channel *channel, enum MvClosureReason reason)
{
        struct mvs_machine *machine = &channel->device->machine;
        mvs_channel_terminate(channel, reason);
        mvs_timeline_arm(&machine->timeline, &channel->timer,
                         mvs_machine_now(machine) + machine->profile.time.completion_us);
}

static bool is_live(const struct mvs_channel *channel)
{
        return channel->object.handle != 0 && !channel->terminated;
}

void mvs_channels_lost(struct mvs_device *device)
{
        for (unsigned i = 0; i < MVS_CHANNELS_MAX; i++) {
                struct mvs_channel *channel = &device->channels.open[i];
                if (!is_live(channel))
                        continue;
                mvs_channel_terminate(channel, MV_CLOSUREREASON_NETWORKDISCONNECTED);
                mvs_channel_post(channel, MV_EVENTTYPE_CHANNELNOTCONNECTED);
        }
}

void mvs_channels_released(struct mvs_device *device, uint32_t network)
{
        for (unsigned i = 0; i < MVS_CHANNELS_MAX; i++) {
                struct mvs_channel *channel = &device->channels.open[i];
                if (!is_live(channel) || channel->network != network)
                        continue;
                mvs_channel_break(channel, MV_CLOSUREREASON_NETWORKDISCONNECTED);
        }
}

/* ---- mvOpenChannel: the fields ---- */

static const struct mvs_channel_ops *const kinds[] = {
        [MV_CHANNELTYPE_OPAQUEBYTES] = &mvs_opaque_ops,
        [MV_CHANNELTYPE_MQTT] = &mvs_mqtt_ops,
        [MV_CHANNELTYPE_HTTP] = &mvs_http_ops,
        [MV_CHANNELTYPE_CONFIGFETCH] = &mvs_config_ops,
};

static bool is_known(enum MvChannelType type)
{
        return (unsigned)type < sizeof kinds / sizeof kinds[0];
}

static enum MvStatus check_handles(struct mvs_call *call, const struct MvOpenChannelParams *params)
{
        void *object;
        enum MvStatus status = mvs_arg_handle(call, "notification_handle", params->v1.notification_handle,
                                              MVS_OBJECT_NOTIFICATION, &object);
        if (status != MV_STATUS_OKAY)
                return status;
        return mvs_arg_handle(call, "network_handle", params->v1.network_handle, MVS_OBJECT_NETWORK, &object);
}

static enum MvStatus check_receive_buffer(struct mvs_call *call, const struct MvOpenChannelParams *params)
{
        const uint8_t *buffer = params->v1.receive_buffer;
        uint32_t len = params->v1.receive_buffer_len;
        uint32_t min = params->v1.channel_type == MV_CHANNELTYPE_OPAQUEBYTES ? RECEIVE_MIN_OPAQUE : RECEIVE_MIN;
        if (!mvs_arg_lendable(call, "receive_buffer", buffer, len ? len : 1))
                return MV_STATUS_PARAMETERFAULT;
        if (len < min)
                return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, "receive_buffer_len",
                                  "is %" PRIu32 " bytes: a channel of this type needs at least %" PRIu32, len, min);
        return mvs_arg_not_lent(call, "receive_buffer", buffer, len, 0);
}

static enum MvStatus check_send_buffer(struct mvs_call *call, const struct MvOpenChannelParams *params)
{
        const uint8_t *buffer = params->v1.send_buffer;
        uint32_t len = params->v1.send_buffer_len;
        if (!mvs_arg_lendable(call, "send_buffer", buffer, len ? len : 1))
                return MV_STATUS_PARAMETERFAULT;
        enum MvStatus status = mvs_arg_block_aligned(call, "send_buffer", buffer);
        if (status == MV_STATUS_OKAY)
                status = mvs_arg_block_sized(call, "send_buffer_len", len);
        if (status == MV_STATUS_OKAY)
                status = mvs_arg_not_lent(call, "send_buffer", buffer, len, 0);
        if (status != MV_STATUS_OKAY)
                return status;
        uintptr_t receive = (uintptr_t)params->v1.receive_buffer;
        if ((uintptr_t)buffer < receive + params->v1.receive_buffer_len && receive < (uintptr_t)buffer + len)
                return mvs_reject(call, MV_STATUS_BUFFERALREADYINUSE, "send_buffer",
                                  "%p, %" PRIu32 " bytes, overlaps receive_buffer", (const void *)buffer, len);
        return MV_STATUS_OKAY;
}

static enum MvStatus check_type_and_endpoint(struct mvs_call *call, const struct MvOpenChannelParams *params)
{
        if (!is_known(params->v1.channel_type))
                return mvs_reject(call, MV_STATUS_UNKNOWNCHANNELTYPE, "channel_type",
                                  "is %d: no type of channel (enum MvChannelType)", (int)params->v1.channel_type);
        const struct mvs_channel_ops *ops = kinds[params->v1.channel_type];
        uint32_t len = params->v1.endpoint.length;
        if (!mvs_arg_readable(call, "endpoint.data", params->v1.endpoint.data, len ? len : 1))
                return MV_STATUS_PARAMETERFAULT;
        return ops->check_endpoint ? ops->check_endpoint(call, &params->v1.endpoint) : MV_STATUS_OKAY;
}

enum MvStatus mvs_channel_check_params(struct mvs_call *call, const struct MvOpenChannelParams *params)
{
        if (params->version != 1)
                return mvs_reject(call, MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version", "is %" PRIu32 ", not 1",
                                  params->version);
        enum MvStatus status = check_handles(call, params);
        if (status == MV_STATUS_OKAY)
                status = check_receive_buffer(call, params);
        if (status == MV_STATUS_OKAY)
                status = check_send_buffer(call, params);
        if (status == MV_STATUS_OKAY)
                status = check_type_and_endpoint(call, params);
        return status;
}

/* ---- mvOpenChannel ---- */

/* At most `limit` opens in any sliding second. */
static bool opened_too_often(const struct mvs_channels *channels, uint64_t now, uint32_t limit)
{
        if (limit > MVS_CHANNEL_OPENS_TRACED || channels->opens < limit)
                return false;
        uint64_t oldest = channels->opened_us[(channels->opens - limit) % MVS_CHANNEL_OPENS_TRACED];
        return now - oldest < US_PER_S;
}

enum MvStatus mvs_check_mvOpenChannel(struct mvs_call *call, const struct MvOpenChannelParams *params,
                                      MvChannelHandle *handle)
{
        (void)params;
        (void)handle;
        struct mvs_device *device = call->device;
        const struct mvs_profile_limits *limits = &device->machine.profile.limits;
        if (device->update.installing)
                return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                                  "an update is being installed, and the application will start again");
        if (device->machine.cloud.status != MVS_CLOUD_CONNECTED)
                return mvs_reject(call, MV_STATUS_NETWORKNOTCONNECTED, NULL,
                                  "the network is not connected (wait until mvGetNetworkStatus says CONNECTED)");
        if (opened_too_often(&device->channels, mvs_machine_now(&device->machine), limits->channel_opens_per_s))
                return mvs_reject(call, MV_STATUS_RATELIMITED, NULL,
                                  "%" PRIu32 " channels were opened in the last second (wait a second; "
                                  "limits.channel_opens_per_s)",
                                  limits->channel_opens_per_s);
        if (device->channels.count >= limits->channels)
                return mvs_reject(call, MV_STATUS_TOOMANYCHANNELS, NULL,
                                  "%u channels are open already (close one; limits.channels)", device->channels.count);
        return MV_STATUS_OKAY;
}

static bool lend_buffers(struct mvs_device *device, const struct mvs_channel *channel)
{
        struct mvs_memory *memory = &device->machine.memory;
        uint32_t owner = channel->object.handle;
        struct mvs_lent receive = {
                .start = channel->receive_buffer,
                .end = channel->receive_buffer + channel->receive_len,
                .what = "receive buffer of a channel",
                .owner = owner,
                .secret = !channel->ops->readable,
                .by = "mvOpenChannel",
                .until = "mvCloseChannel",
                .since_us = mvs_machine_now(&device->machine),
        };
        struct mvs_lent send = receive;
        send.start = channel->send_buffer;
        send.end = channel->send_buffer + channel->send_len;
        send.what = "send buffer of a channel";
        send.secret = true;
        if (!mvs_memory_lend(memory, &receive))
                return false;
        if (mvs_memory_lend(memory, &send))
                return true;
        mvs_memory_give_back(memory, owner, channel->receive_buffer, false);
        return false;
}

static void init_channel(struct mvs_device *device, struct mvs_channel *channel,
                         const struct MvOpenChannelParams *params)
{
        *channel = (struct mvs_channel){
                .device = device,
                .ops = kinds[params->v1.channel_type],
                .centre = (uint32_t)(uintptr_t)params->v1.notification_handle,
                .tag = params->v1.notification_tag,
                .network = (uint32_t)(uintptr_t)params->v1.network_handle,
                .receive_buffer = (uintptr_t)params->v1.receive_buffer,
                .receive_len = params->v1.receive_buffer_len,
                .send_buffer = (uintptr_t)params->v1.send_buffer,
                .send_len = params->v1.send_buffer_len,
                .timer = {.fire = on_timer},
        };
}

/* The handle is stored before the buffers are lent: it may lie beside them. */
enum MvStatus mvs_do_mvOpenChannel(struct mvs_call *call, const struct MvOpenChannelParams *params,
                                   MvChannelHandle *handle)
{
        (void)params;
        struct mvs_device *device = call->device;
        struct mvs_channels *channels = &device->channels;
        struct mvs_channel *channel = channels->open;
        while (channel->object.handle)
                channel++;
        init_channel(device, channel, &call->in.channel);
        enum MvStatus status = mvs_put_new_handle(call, "handle", handle, &channel->object, channel->ops->kind,
                                                  MV_STATUS_TOOMANYCHANNELS);
        if (status != MV_STATUS_OKAY)
                return status;
        if (!lend_buffers(device, channel)) {
                mvs_handles_remove(&device->handles, &channel->object);
                status = mvs_put_no_handle(call, "handle", handle);
                return status == MV_STATUS_OKAY
                               ? mvs_reject(call, MV_STATUS_TOOMANYCHANNELS, NULL, "too much memory is lent already")
                               : status;
        }
        channels->count++;
        channels->opened_us[channels->opens++ % MVS_CHANNEL_OPENS_TRACED] = mvs_machine_now(&device->machine);
        if (channel->ops->open)
                channel->ops->open(call, channel);
        mvs_lint_made(call);
        return MV_STATUS_OKAY;
}

/* ---- mvCloseChannel ---- */

static void close_channel(struct mvs_channel *channel, bool fill)
{
        struct mvs_device *device = channel->device;
        struct mvs_channels *channels = &device->channels;
        uint32_t handle = channel->object.handle;
        if (fill)
                mvs_lint_closing_channel(channel);
        mvs_channel_terminate(channel, MV_CLOSUREREASON_CLOSEDBYAPPLICATION);
        mvs_memory_give_back(&device->machine.memory, handle, channel->receive_buffer, fill);
        mvs_memory_give_back(&device->machine.memory, handle, channel->send_buffer, fill);
        channels->closed[channels->closed_next++ % MVS_CLOSED_REMEMBERED] = handle;
        channels->count--;
        mvs_handles_remove(&device->handles, &channel->object);
        *channel = (struct mvs_channel){0};
}

void mvs_channels_finish(struct mvs_device *device)
{
        for (unsigned i = 0; i < MVS_CHANNELS_MAX; i++) {
                if (device->channels.open[i].object.handle)
                        close_channel(&device->channels.open[i], false);
        }
}

enum MvStatus mvs_check_mvCloseChannel(struct mvs_call *call, MvChannelHandle *handle)
{
        return mvs_arg_handle_at(call, "handle", handle, MVS_OBJECT_CHANNEL, &call->object);
}

enum MvStatus mvs_do_mvCloseChannel(struct mvs_call *call, MvChannelHandle *handle)
{
        enum MvStatus status = mvs_put_no_handle(call, "handle", handle);
        if (status == MV_STATUS_OKAY)
                close_channel(call->object, true);
        return status;
}

/* ---- mvGetChannelClosureReason ---- */

bool mvs_channel_was_closed(const struct mvs_channels *channels, uintptr_t handle)
{
        for (unsigned i = 0; i < MVS_CLOSED_REMEMBERED; i++) {
                if (handle != 0 && channels->closed[i] == handle)
                        return true;
        }
        return false;
}

enum MvStatus mvs_do_mvGetChannelClosureReason(struct mvs_call *call, MvChannelHandle handle,
                                               enum MvClosureReason *reason_out)
{
        (void)handle;
        const struct mvs_channel *channel = call->object;
        enum MvClosureReason reason = channel ? channel->reason : MV_CLOSUREREASON_CLOSEDBYAPPLICATION;
        return mvs_put(call, "reason_out", reason_out, &reason, sizeof reason);
}

enum MvStatus mvs_channel_check_alive(struct mvs_call *call, const struct mvs_channel *channel)
{
        if (!channel->terminated)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_CHANNELCLOSED, "handle",
                          "0x%08" PRIx32 ": the channel has lost its connection (closure reason %d; close it and open "
                          "another)",
                          channel->object.handle, (int)channel->reason);
}

/*
 * Reading items. A read refuses what is not next, and what its buffers have no room for: the item stays. What then
 * turns out unwritable is found before anything is stored, and the item is gone (decision 6).
 */
#include <inttypes.h>

#include "src/channel.h"
#include "src/device.h"
#include "src/pair.h"

/* ---- what is next ---- */

static const char *reader_of(enum mvs_mqtt_kind kind)
{
        static const char *const readers[MVS_MQTT_KINDS] = {
                [MVS_MQTT_MESSAGE] = "mvMqttReceiveMessage",
                [MVS_MQTT_LOST] = "mvMqttReceiveLostMessageInfo",
                [MVS_MQTT_CONNECT] = "mvMqttReadConnectResponse",
                [MVS_MQTT_SUBSCRIBE] = "mvMqttReadSubscribeResponse",
                [MVS_MQTT_UNSUBSCRIBE] = "mvMqttReadUnsubscribeResponse",
                [MVS_MQTT_PUBLISH] = "mvMqttReadPublishResponse",
                [MVS_MQTT_DISCONNECT] = "mvMqttReadDisconnectResponse",
        };
        return readers[kind];
}

static enum MvStatus check_next(struct mvs_call *call, enum mvs_mqtt_kind kind)
{
        const struct mvs_channel *channel = call->object;
        enum MvStatus status = mvs_channel_check_alive(call, channel);
        if (status != MV_STATUS_OKAY)
                return status;
        const struct mvs_mqtt_item *item = mvs_mqtt_readable(channel);
        if (!item)
                return mvs_reject(call, MV_STATUS_RESPONSENOTPRESENT, "handle",
                                  "0x%08" PRIx32 ": nothing waits to be read (wait for CHANNELDATAREADABLE)",
                                  channel->object.handle);
        if (item->kind == kind)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_WRONGDATAREQUESTED, "handle",
                          "0x%08" PRIx32 ": another item is next (%s reads it; ask mvMqttGetNextReadableDataType)",
                          channel->object.handle, reader_of(item->kind));
}

enum MvStatus mvs_check_mvMqttGetNextReadableDataType(struct mvs_call *call, MvChannelHandle handle,
                                                      enum MvMqttReadableDataType *data_type)
{
        (void)handle;
        (void)data_type;
        return mvs_channel_check_alive(call, call->object);
}

enum MvStatus mvs_do_mvMqttGetNextReadableDataType(struct mvs_call *call, MvChannelHandle handle,
                                                   enum MvMqttReadableDataType *data_type)
{
        (void)handle;
        const struct mvs_mqtt_item *item = mvs_mqtt_readable(call->object);
        enum MvMqttReadableDataType type =
                item ? (enum MvMqttReadableDataType)item->kind : MV_MQTTREADABLEDATATYPE_NONE;
        return mvs_put(call, "data_type", data_type, &type, sizeof type);
}

/* ---- storing ---- */

struct place {
        const char *field;
        void *address;
        const void *bytes;
        size_t len;
};

/* All or nothing; the item is gone in either case. */
static enum MvStatus store(struct mvs_call *call, const struct place *places, unsigned count)
{
        enum MvStatus status = MV_STATUS_OKAY;
        for (unsigned i = 0; i < count && status == MV_STATUS_OKAY; i++) {
                if (places[i].len > 0 && !mvs_arg_access(call, MV_STATUS_LATEFAULT, places[i].field, places[i].address,
                                                         places[i].len, MVS_WRITE))
                        status = MV_STATUS_LATEFAULT;
        }
        for (unsigned i = 0; i < count && status == MV_STATUS_OKAY; i++) {
                if (!mvs_copy_to_app((uintptr_t)places[i].address, places[i].bytes, places[i].len))
                        status = mvs_reject(call, MV_STATUS_LATEFAULT, places[i].field,
                                            "%p: the memory was unmapped or protected meanwhile", places[i].address);
        }
        mvs_mqtt_consume(call->object);
        return status;
}

static enum MvStatus store_struct(struct mvs_call *call, void *address, const void *bytes, size_t len)
{
        const struct place place = {"response_data", address, bytes, len};
        return store(call, &place, 1);
}

/* ---- answers ---- */

enum MvStatus mvs_check_mvMqttReadConnectResponse(struct mvs_call *call, MvChannelHandle handle,
                                                  struct MvMqttConnectResponse *response_data)
{
        (void)handle;
        (void)response_data;
        return check_next(call, MVS_MQTT_CONNECT);
}

enum MvStatus mvs_do_mvMqttReadConnectResponse(struct mvs_call *call, MvChannelHandle handle,
                                               struct MvMqttConnectResponse *response_data)
{
        (void)handle;
        const struct mvs_mqtt_item *item = mvs_mqtt_readable(call->object);
        const struct MvMqttConnectResponse data = {
                .request_state = (enum MvMqttRequestState)item->state,
                .reason_code = item->code,
        };
        return store_struct(call, response_data, &data, sizeof data);
}

enum MvStatus mvs_check_mvMqttReadPublishResponse(struct mvs_call *call, MvChannelHandle handle,
                                                  struct MvMqttPublishResponse *response_data)
{
        (void)handle;
        (void)response_data;
        return check_next(call, MVS_MQTT_PUBLISH);
}

enum MvStatus mvs_do_mvMqttReadPublishResponse(struct mvs_call *call, MvChannelHandle handle,
                                               struct MvMqttPublishResponse *response_data)
{
        (void)handle;
        const struct mvs_mqtt_item *item = mvs_mqtt_readable(call->object);
        const struct MvMqttPublishResponse data = {
                .request_state = (enum MvMqttRequestState)item->state,
                .correlation_id = item->correlation_id,
                .reason_code = item->code,
        };
        return store_struct(call, response_data, &data, sizeof data);
}

enum MvStatus mvs_check_mvMqttReadDisconnectResponse(struct mvs_call *call, MvChannelHandle handle,
                                                     struct MvMqttDisconnectResponse *response_data)
{
        (void)handle;
        (void)response_data;
        return check_next(call, MVS_MQTT_DISCONNECT);
}

enum MvStatus mvs_do_mvMqttReadDisconnectResponse(struct mvs_call *call, MvChannelHandle handle,
                                                  struct MvMqttDisconnectResponse *response_data)
{
        (void)handle;
        const struct mvs_mqtt_item *item = mvs_mqtt_readable(call->object);
        const struct MvMqttDisconnectResponse data = {
                .request_state = (enum MvMqttRequestState)item->state,
                .disconnect_code = item->code,
        };
        return store_struct(call, response_data, &data, sizeof data);
}

static enum MvStatus check_codes(struct mvs_call *call, enum mvs_mqtt_kind kind, uint32_t room)
{
        enum MvStatus status = check_next(call, kind);
        if (status != MV_STATUS_OKAY)
                return status;
        uint32_t count = mvs_mqtt_readable(call->object)->code_count;
        if (count <= room)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, "reason_codes_size",
                          "is %" PRIu32 " elements: there are %" PRIu32 " codes (the item stays)", room, count);
}

enum MvStatus mvs_check_mvMqttReadSubscribeResponse(struct mvs_call *call, MvChannelHandle handle,
                                                    const struct MvMqttSubscribeResponse *response_data)
{
        (void)handle;
        (void)response_data;
        return check_codes(call, MVS_MQTT_SUBSCRIBE, call->in.mqtt_subscribed.reason_codes_size);
}

enum MvStatus mvs_check_mvMqttReadUnsubscribeResponse(struct mvs_call *call, MvChannelHandle handle,
                                                      const struct MvMqttUnsubscribeResponse *response_data)
{
        (void)handle;
        (void)response_data;
        return check_codes(call, MVS_MQTT_UNSUBSCRIBE, call->in.mqtt_unsubscribed.reason_codes_size);
}

/* The two structures have the same members, and are two types. */
static enum MvStatus store_codes(struct mvs_call *call, enum MvMqttRequestState *ret_state,
                                 uint32_t *ret_correlation_id, uint32_t *ret_codes, uint32_t *ret_count)
{
        const struct mvs_mqtt_item *item = mvs_mqtt_readable(call->object);
        enum MvMqttRequestState state = (enum MvMqttRequestState)item->state;
        uint32_t count = item->code_count;
        const struct place places[] = {
                {"request_state", ret_state, &state, sizeof state},
                {"correlation_id", ret_correlation_id, &item->correlation_id, sizeof item->correlation_id},
                {"reason_codes", ret_codes, item->codes, count * sizeof item->codes[0]},
                {"reason_codes_len", ret_count, &count, sizeof count},
        };
        return store(call, places, sizeof places / sizeof places[0]);
}

enum MvStatus mvs_do_mvMqttReadSubscribeResponse(struct mvs_call *call, MvChannelHandle handle,
                                                 const struct MvMqttSubscribeResponse *response_data)
{
        (void)handle;
        (void)response_data;
        const struct MvMqttSubscribeResponse *to = &call->in.mqtt_subscribed;
        return store_codes(call, to->request_state, to->correlation_id, to->reason_codes, to->reason_codes_len);
}

enum MvStatus mvs_do_mvMqttReadUnsubscribeResponse(struct mvs_call *call, MvChannelHandle handle,
                                                   const struct MvMqttUnsubscribeResponse *response_data)
{
        (void)handle;
        (void)response_data;
        const struct MvMqttUnsubscribeResponse *to = &call->in.mqtt_unsubscribed;
        return store_codes(call, to->request_state, to->correlation_id, to->reason_codes, to->reason_codes_len);
}

/* ---- messages ---- */

static enum MvStatus check_room(struct mvs_call *call, const char *field, uint32_t room, size_t len)
{
        if (len <= room)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, field, "is %" PRIu32 ": it has %zu bytes (the item stays)",
                          room, len);
}

enum MvStatus mvs_check_mvMqttReceiveMessage(struct mvs_call *call, MvChannelHandle handle,
                                             const struct MvMqttMessage *message_data)
{
        (void)handle;
        (void)message_data;
        enum MvStatus status = check_next(call, MVS_MQTT_MESSAGE);
        if (status != MV_STATUS_OKAY)
                return status;
        const struct mvs_mqtt_item *item = mvs_mqtt_readable(call->object);
        status = check_room(call, "topic.size", call->in.mqtt_message.topic.size, item->topic_len);
        return status == MV_STATUS_OKAY
                       ? check_room(call, "payload.size", call->in.mqtt_message.payload.size, item->payload_len)
                       : status;
}

static void note_read(struct mvs_mqtt_channel *mqtt, const struct mvs_mqtt_item *item)
{
        if (item->qos > 0)
                mqtt->unacknowledged++;
        else
                mqtt->read_qos0 = item->correlation_id;
}

enum MvStatus mvs_do_mvMqttReceiveMessage(struct mvs_call *call, MvChannelHandle handle,
                                          const struct MvMqttMessage *message_data)
{
        (void)handle;
        (void)message_data;
        const struct MvMqttMessage *to = &call->in.mqtt_message;
        const struct mvs_mqtt_item *item = mvs_mqtt_readable(call->object);
        uint32_t topic_len = (uint32_t)item->topic_len, payload_len = (uint32_t)item->payload_len;
        uint8_t retain = item->retain;
        const struct place places[] = {
                {"correlation_id", to->correlation_id, &item->correlation_id, sizeof item->correlation_id},
                {"topic.data", to->topic.data, item->bytes, item->topic_len},
                {"topic.length", to->topic.length, &topic_len, sizeof topic_len},
                {"payload.data", to->payload.data, item->bytes + item->topic_len, item->payload_len},
                {"payload.length", to->payload.length, &payload_len, sizeof payload_len},
                {"qos", to->qos, &item->qos, sizeof item->qos},
                {"retain", to->retain, &retain, sizeof retain},
        };
        note_read(&((struct mvs_channel *)call->object)->mqtt, item);
        return store(call, places, sizeof places / sizeof places[0]);
}

enum MvStatus mvs_check_mvMqttReceiveLostMessageInfo(struct mvs_call *call, MvChannelHandle handle,
                                                     const struct MvMqttLostMessageInfo *lost_message_info)
{
        (void)handle;
        (void)lost_message_info;
        enum MvStatus status = check_next(call, MVS_MQTT_LOST);
        if (status != MV_STATUS_OKAY)
                return status;
        return check_room(call, "topic.size", call->in.mqtt_lost.topic.size,
                          mvs_mqtt_readable(call->object)->topic_len);
}

enum MvStatus mvs_do_mvMqttReceiveLostMessageInfo(struct mvs_call *call, MvChannelHandle handle,
                                                  const struct MvMqttLostMessageInfo *lost_message_info)
{
        (void)handle;
        (void)lost_message_info;
        const struct MvMqttLostMessageInfo *to = &call->in.mqtt_lost;
        const struct mvs_mqtt_item *item = mvs_mqtt_readable(call->object);
        enum MvMqttLostMessageReason reason = MV_MQTTLOSTMESSAGEREASON_DEVICERECEIVEBUFFERTOOSMALL;
        uint32_t topic_len = (uint32_t)item->topic_len;
        const struct place places[] = {
                {"reason", to->reason, &reason, sizeof reason},
                {"topic.data", to->topic.data, item->bytes, item->topic_len},
                {"topic.length", to->topic.length, &topic_len, sizeof topic_len},
                {"message_len", to->message_len, &item->code, sizeof item->code},
        };
        return store(call, places, sizeof places / sizeof places[0]);
}

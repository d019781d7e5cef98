/* The requests on a connection: subscribe, unsubscribe, publish, acknowledge, disconnect. */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/cloud/mqtt_store.h"
#include "src/channel.h"
#include "src/device.h"
#include "src/pair.h"

/* The object's state: it lives, and not too much is under way. */
static enum MvStatus check_rate(struct mvs_call *call, enum mvs_mqtt_kind kind, uint32_t limit, const char *key)
{
        const struct mvs_channel *channel = call->object;
        enum MvStatus status = mvs_channel_check_alive(call, channel);
        if (status != MV_STATUS_OKAY || channel->mqtt.counts[kind] < limit)
                return status;
        return mvs_reject(call, MV_STATUS_RATELIMITED, "handle",
                          "0x%08" PRIx32 ": %" PRIu32
                          " such requests are under way already (read the answers; limits.%s)",
                          channel->object.handle, limit, key);
}

/* ---- subscribe and unsubscribe ---- */

static enum MvStatus check_count(struct mvs_call *call, const char *field, uint32_t count)
{
        if (count > MVS_MQTT_TOPICS_MAX)
                return mvs_reject(call, MV_STATUS_TOOMANYELEMENTS, field, "is %" PRIu32 ", more than %d topics", count,
                                  MVS_MQTT_TOPICS_MAX);
        if (count == 0)
                return mvs_reject(call, MV_STATUS_REQUIREDELEMENTMISSING, field, "is 0: it takes one topic at least");
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_check_mvMqttRequestSubscribe(struct mvs_call *call, MvChannelHandle handle,
                                               const struct MvMqttSubscribeRequest *request)
{
        (void)handle;
        (void)request;
        enum MvStatus status = check_rate(call, MVS_MQTT_SUBSCRIBE,
                                          call->device->machine.profile.limits.mqtt_subscribes, "mqtt_subscribes");
        return status == MV_STATUS_OKAY
                       ? check_count(call, "num_subscriptions", call->in.mqtt_subscribe.num_subscriptions)
                       : status;
}

enum MvStatus mvs_check_mvMqttRequestUnsubscribe(struct mvs_call *call, MvChannelHandle handle,
                                                 const struct MvMqttUnsubscribeRequest *request)
{
        (void)handle;
        (void)request;
        enum MvStatus status = check_rate(call, MVS_MQTT_UNSUBSCRIBE,
                                          call->device->machine.profile.limits.mqtt_unsubscribes, "mqtt_unsubscribes");
        return status == MV_STATUS_OKAY ? check_count(call, "num_topics", call->in.mqtt_unsubscribe.num_topics)
                                        : status;
}

/* The topics have been fetched: their strings, and off. */
static enum MvStatus send_topics(struct mvs_mqtt_copy *copy, enum mvs_mqtt_kind kind, const char *field,
                                 const struct MvMqttSubscription *topics, uint32_t count)
{
        enum MvStatus status = MV_STATUS_OKAY;
        for (uint32_t i = 0; i < count && status == MV_STATUS_OKAY; i++)
                status = mvs_mqtt_measure(copy, field, &topics[i].topic);
        if (status == MV_STATUS_OKAY)
                status = mvs_mqtt_allocate(copy, kind);
        if (status != MV_STATUS_OKAY)
                return status;
        struct mvs_mqtt_topics *to = &copy->request->is.topics;
        to->count = count;
        for (uint32_t i = 0; i < count && status == MV_STATUS_OKAY; i++) {
                to->list[i].qos = topics[i].desired_qos;
                to->list[i].no_local = topics[i].nl;
                to->list[i].retain_as_published = topics[i].rap;
                to->list[i].retain_handling = topics[i].rh;
                status = mvs_mqtt_take(copy, field, &topics[i].topic, &to->list[i].filter);
        }
        return status;
}

static void trace_topics(const struct mvs_channel *channel, const char *name, const struct mvs_mqtt_request *request)
{
        const struct mvs_mqtt_topics *topics = &request->is.topics;
        mvs_trace(&channel->device->machine, MVS_EVENT_REQUEST, MVS_HEX("channel", channel->object.handle),
                  MVS_WORD("mqtt", name), MVS_NUMBER("id", request->correlation_id),
                  MVS_NUMBER("topics", topics->count),
                  MVS_TEXT("topic", topics->list[0].filter.data, topics->list[0].filter.len),
                  MVS_NUMBER("qos", topics->list[0].qos));
}

enum MvStatus mvs_do_mvMqttRequestSubscribe(struct mvs_call *call, MvChannelHandle handle,
                                            const struct MvMqttSubscribeRequest *request)
{
        (void)handle;
        (void)request;
        const struct MvMqttSubscribeRequest *in = &call->in.mqtt_subscribe;
        struct mvs_mqtt_copy copy = {.call = call};
        struct MvMqttSubscription topics[MVS_MQTT_TOPICS_MAX];
        enum MvStatus status = mvs_mqtt_fetch(call, "subscriptions", topics, in->subscriptions,
                                              in->num_subscriptions * sizeof topics[0]);
        if (status == MV_STATUS_OKAY)
                status = send_topics(&copy, MVS_MQTT_SUBSCRIBE, "subscriptions[].topic.data", topics,
                                     in->num_subscriptions);
        if (status != MV_STATUS_OKAY)
                return mvs_mqtt_give_up(&copy, status);
        copy.request->correlation_id = in->correlation_id;
        trace_topics(call->object, "subscribe", copy.request);
        mvs_mqtt_send(call->object, copy.request);
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_do_mvMqttRequestUnsubscribe(struct mvs_call *call, MvChannelHandle handle,
                                              const struct MvMqttUnsubscribeRequest *request)
{
        (void)handle;
        (void)request;
        const struct MvMqttUnsubscribeRequest *in = &call->in.mqtt_unsubscribe;
        struct mvs_mqtt_copy copy = {.call = call};
        struct MvSizedString names[MVS_MQTT_TOPICS_MAX];
        struct MvMqttSubscription topics[MVS_MQTT_TOPICS_MAX] = {0};
        enum MvStatus status = mvs_mqtt_fetch(call, "topics", names, in->topics, in->num_topics * sizeof names[0]);
        for (uint32_t i = 0; i < in->num_topics && status == MV_STATUS_OKAY; i++)
                topics[i].topic = names[i];
        if (status == MV_STATUS_OKAY)
                status = send_topics(&copy, MVS_MQTT_UNSUBSCRIBE, "topics[].data", topics, in->num_topics);
        if (status != MV_STATUS_OKAY)
                return mvs_mqtt_give_up(&copy, status);
        copy.request->correlation_id = in->correlation_id;
        trace_topics(call->object, "unsubscribe", copy.request);
        mvs_mqtt_send(call->object, copy.request);
        return MV_STATUS_OKAY;
}

/* ---- publish ---- */

enum MvStatus mvs_check_mvMqttRequestPublish(struct mvs_call *call, MvChannelHandle handle,
                                             const struct MvMqttPublishRequest *request)
{
        (void)handle;
        (void)request;
        return check_rate(call, MVS_MQTT_PUBLISH, call->device->machine.profile.limits.mqtt_publishes,
                          "mqtt_publishes");
}

static enum MvStatus take_publish(struct mvs_mqtt_copy *copy, const struct MvMqttPublishRequest *in)
{
        enum MvStatus status = mvs_mqtt_measure(copy, "topic.data", &in->topic);
        if (status == MV_STATUS_OKAY)
                status = mvs_mqtt_measure(copy, "payload.data", &in->payload);
        if (status == MV_STATUS_OKAY)
                status = mvs_mqtt_allocate(copy, MVS_MQTT_PUBLISH);
        if (status != MV_STATUS_OKAY)
                return status;
        struct mvs_mqtt_publish *to = &copy->request->is.publish;
        to->qos = in->desired_qos;
        to->retain = in->retain;
        status = mvs_mqtt_take(copy, "topic.data", &in->topic, &to->topic);
        return status == MV_STATUS_OKAY ? mvs_mqtt_take(copy, "payload.data", &in->payload, &to->payload) : status;
}

enum MvStatus mvs_do_mvMqttRequestPublish(struct mvs_call *call, MvChannelHandle handle,
                                          const struct MvMqttPublishRequest *request)
{
        (void)handle;
        (void)request;
        struct mvs_channel *channel = call->object;
        struct mvs_mqtt_copy copy = {.call = call};
        enum MvStatus status = take_publish(&copy, &call->in.mqtt_publish);
        if (status != MV_STATUS_OKAY)
                return mvs_mqtt_give_up(&copy, status);
        const struct mvs_mqtt_publish *publish = &copy.request->is.publish;
        copy.request->correlation_id = call->in.mqtt_publish.correlation_id;
        mvs_trace(&channel->device->machine, MVS_EVENT_REQUEST, MVS_HEX("channel", channel->object.handle),
                  MVS_WORD("mqtt", "publish"), MVS_NUMBER("id", copy.request->correlation_id),
                  MVS_TEXT("topic", publish->topic.data, publish->topic.len),
                  MVS_NUMBER("payload", publish->payload.len), MVS_NUMBER("qos", publish->qos),
                  MVS_NUMBER("retain", publish->retain));
        mvs_mqtt_send(channel, copy.request);
        return MV_STATUS_OKAY;
}

/* ---- acknowledge ---- */

enum MvStatus mvs_check_mvMqttAcknowledgeMessage(struct mvs_call *call, MvChannelHandle handle, uint32_t correlation_id)
{
        (void)handle;
        (void)correlation_id;
        const struct mvs_machine *machine = &call->device->machine;
        const struct mvs_channel *channel = call->object;
        const struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        uint32_t limit = machine->profile.limits.mqtt_acknowledges;
        enum MvStatus status = mvs_channel_check_alive(call, channel);
        if (status != MV_STATUS_OKAY || mqtt->acknowledges < limit)
                return status;
        uint64_t oldest_us = mqtt->acknowledged_us[(mqtt->acknowledges - limit) % MVS_MQTT_ACKNOWLEDGES_MAX];
        if (mvs_machine_now(machine) - oldest_us >= machine->profile.time.completion_us)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_RATELIMITED, "handle",
                          "0x%08" PRIx32 ": %" PRIu32
                          " acknowledgements are under way already (a moment later there is room; "
                          "limits.mqtt_acknowledges)",
                          channel->object.handle, limit);
}

static void look_at_id(const struct mvs_channel *channel, uint32_t id)
{
        if (id == channel->mqtt.read_qos0)
                mvs_lint_found(channel->device, MVS_LINT_acknowledged_qos0, channel->tag,
                               "message %" PRIu32 " on channel 0x%08" PRIx32
                               " was acknowledged: it was of QoS 0, which nobody waits for",
                               id, channel->object.handle);
        else
                mvs_lint_found(channel->device, MVS_LINT_acknowledged_unknown, channel->tag,
                               "message %" PRIu32 " on channel 0x%08" PRIx32
                               " was acknowledged: no message of that correlation_id waits for it (another channel's, "
                               "acknowledged already, or of QoS 0)",
                               id, channel->object.handle);
}

/* The broker has been told long ago: what the acknowledgement ends is the cloud's keeping of the message. */
enum MvStatus mvs_do_mvMqttAcknowledgeMessage(struct mvs_call *call, MvChannelHandle handle, uint32_t correlation_id)
{
        (void)handle;
        struct mvs_machine *machine = &call->device->machine;
        struct mvs_channel *channel = call->object;
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        mqtt->acknowledged_us[mqtt->acknowledges++ % MVS_MQTT_ACKNOWLEDGES_MAX] = mvs_machine_now(machine);
        mvs_trace(machine, MVS_EVENT_REQUEST, MVS_HEX("channel", channel->object.handle),
                  MVS_WORD("mqtt", "acknowledge"), MVS_NUMBER("id", correlation_id));
        if (!mvs_mqtt_store_remove(&machine->mqtt_store, channel->object.handle, correlation_id))
                look_at_id(channel, correlation_id);
        else if (mqtt->unacknowledged > 0)
                mqtt->unacknowledged--;
        return MV_STATUS_OKAY;
}

/* ---- disconnect ---- */

enum MvStatus mvs_check_mvMqttRequestDisconnect(struct mvs_call *call, MvChannelHandle handle)
{
        (void)handle;
        return check_rate(call, MVS_MQTT_DISCONNECT, call->device->machine.profile.limits.mqtt_disconnects,
                          "mqtt_disconnects");
}

enum MvStatus mvs_do_mvMqttRequestDisconnect(struct mvs_call *call, MvChannelHandle handle)
{
        (void)handle;
        struct mvs_channel *channel = call->object;
        struct mvs_mqtt_copy copy = {.call = call};
        enum MvStatus status = mvs_mqtt_allocate(&copy, MVS_MQTT_DISCONNECT);
        if (status != MV_STATUS_OKAY)
                return status;
        mvs_trace(&channel->device->machine, MVS_EVENT_REQUEST, MVS_HEX("channel", channel->object.handle),
                  MVS_WORD("mqtt", "disconnect"));
        mvs_mqtt_send(channel, copy.request);
        return MV_STATUS_OKAY;
}

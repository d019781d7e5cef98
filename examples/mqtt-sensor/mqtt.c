#include "mqtt.h"

#include <string.h>

#include "channel.h"
#include "log.h"

#define KEEPALIVE_S  60
#define SUBSCRIBE_ID 1
#define FAREWELL_MS  2000

static struct MvSizedString text(const char *string)
{
        return (struct MvSizedString){.data = (const uint8_t *)string, .length = (uint32_t)strlen(string)};
}

static struct MvSizedString bytes(const struct der *der)
{
        return (struct MvSizedString){.data = der->bytes, .length = der->len};
}

static bool is_accepted(const char *what, enum MvStatus status)
{
        if (status != MV_STATUS_OKAY)
                log_line("%s was refused: status 0x%02x", what, (unsigned)status);
        return status == MV_STATUS_OKAY;
}

/* ---- requests ---- */

static enum MvStatus request_connection(const struct broker *broker, const char *client_id)
{
        const struct MvSizedString ca = bytes(&broker->ca), certificate = bytes(&broker->certificate);
        const struct MvTlsCredentials credentials = {
                .cacert = {.num_certs = ca.length > 0, .certs = &ca},
                .clientcert = {.chain = {.num_certs = certificate.length > 0, .certs = &certificate},
                               .key = bytes(&broker->key)},
        };
        const struct MvMqttConnectRequest request = {
                .protocol_version = MV_MQTTPROTOCOLVERSION_V5,
                .host = {.data = broker->host, .length = broker->host_len},
                .port = broker->port,
                .clientid = text(client_id),
                .authentication = {.method = MV_MQTTAUTHENTICATIONMETHOD_NONE},
                .tls_credentials = &credentials,
                .keepalive = KEEPALIVE_S,
                .clean_start = 0, /* commands that were sent while we were away are to come */
        };
        return mvMqttRequestConnect(channel_handle(), &request);
}

bool mqtt_connect(const struct broker *broker, const char *client_id)
{
        if (!channel_open(MV_CHANNELTYPE_MQTT))
                return false;
        if (is_accepted("the connection", request_connection(broker, client_id)))
                return true;
        channel_close();
        return false;
}

bool mqtt_subscribe(const char *topic)
{
        const struct MvMqttSubscription subscription = {.topic = text(topic), .desired_qos = 1};
        const struct MvMqttSubscribeRequest request = {
                .correlation_id = SUBSCRIBE_ID,
                .subscriptions = &subscription,
                .num_subscriptions = 1,
        };
        return is_accepted("the subscription", mvMqttRequestSubscribe(channel_handle(), &request));
}

bool mqtt_publish(uint32_t id, const char *topic, const char *payload)
{
        const struct MvMqttPublishRequest request = {
                .correlation_id = id,
                .topic = text(topic),
                .payload = text(payload),
                .desired_qos = 1,
        };
        return is_accepted("the report", mvMqttRequestPublish(channel_handle(), &request));
}

void mqtt_acknowledge(uint32_t id)
{
        is_accepted("the acknowledgement", mvMqttAcknowledgeMessage(channel_handle(), id));
}

/* ---- items ---- */

static enum MvStatus read_connected(struct mqtt_event *ret_event)
{
        struct MvMqttConnectResponse response = {0};
        enum MvStatus status = mvMqttReadConnectResponse(channel_handle(), &response);
        ret_event->state = response.request_state;
        ret_event->code = response.reason_code;
        return status;
}

static enum MvStatus read_subscribed(struct mqtt_event *ret_event)
{
        uint32_t count = 0;
        const struct MvMqttSubscribeResponse response = {
                .request_state = &ret_event->state,
                .correlation_id = &ret_event->id,
                .reason_codes = &ret_event->code,
                .reason_codes_size = 1,
                .reason_codes_len = &count,
        };
        return mvMqttReadSubscribeResponse(channel_handle(), &response);
}

static enum MvStatus read_published(struct mqtt_event *ret_event)
{
        struct MvMqttPublishResponse response = {0};
        enum MvStatus status = mvMqttReadPublishResponse(channel_handle(), &response);
        ret_event->state = response.request_state;
        ret_event->code = response.reason_code;
        ret_event->id = response.correlation_id;
        return status;
}

static enum MvStatus read_message(struct mqtt_event *ret_event)
{
        uint32_t topic_len = 0, payload_len = 0;
        uint8_t retain = 0;
        const struct MvMqttMessage message = {
                .correlation_id = &ret_event->id,
                .topic = {(uint8_t *)ret_event->topic, sizeof ret_event->topic - 1, &topic_len},
                .payload = {(uint8_t *)ret_event->payload, sizeof ret_event->payload - 1, &payload_len},
                .qos = &ret_event->qos,
                .retain = &retain,
        };
        enum MvStatus status = mvMqttReceiveMessage(channel_handle(), &message);
        ret_event->topic[topic_len] = '\0';
        ret_event->payload[payload_len] = '\0';
        return status;
}

static enum MvStatus read_lost(struct mqtt_event *ret_event)
{
        uint32_t topic_len = 0;
        enum MvMqttLostMessageReason reason;
        const struct MvMqttLostMessageInfo info = {
                .reason = &reason,
                .topic = {(uint8_t *)ret_event->topic, sizeof ret_event->topic - 1, &topic_len},
                .message_len = &ret_event->code,
        };
        enum MvStatus status = mvMqttReceiveLostMessageInfo(channel_handle(), &info);
        ret_event->topic[topic_len] = '\0';
        return status;
}

static enum MvStatus read_ended(struct mqtt_event *ret_event)
{
        struct MvMqttDisconnectResponse response = {0};
        enum MvStatus status = mvMqttReadDisconnectResponse(channel_handle(), &response);
        ret_event->state = response.request_state;
        ret_event->code = response.disconnect_code;
        return status;
}

static enum mqtt_item read_item(enum MvMqttReadableDataType type, struct mqtt_event *ret_event)
{
        static const struct {
                enum mqtt_item item;
                enum MvStatus (*read)(struct mqtt_event *ret_event);
        } readers[] = {
                [MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED] = {MQTT_MESSAGE, read_message},
                [MV_MQTTREADABLEDATATYPE_MESSAGELOST] = {MQTT_LOST, read_lost},
                [MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE] = {MQTT_CONNECTED, read_connected},
                [MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE] = {MQTT_SUBSCRIBED, read_subscribed},
                [MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE] = {MQTT_PUBLISHED, read_published},
                [MV_MQTTREADABLEDATATYPE_DISCONNECTRESPONSE] = {MQTT_ENDED, read_ended},
        };
        if ((unsigned)type >= sizeof readers / sizeof readers[0] || !readers[type].read)
                return MQTT_NOTHING;
        enum MvStatus status = readers[type].read(ret_event);
        if (status == MV_STATUS_OKAY)
                return readers[type].item;
        log_line("an item of type %u cannot be read: status 0x%02x", (unsigned)type, (unsigned)status);
        return MQTT_ENDED; /* nothing comes after it: another connection is the way out */
}

enum mqtt_item mqtt_next(struct mqtt_event *ret_event, uint32_t limit_ms)
{
        enum MvMqttReadableDataType type = MV_MQTTREADABLEDATATYPE_NONE;
        if (!channel_wait_readable(limit_ms))
                return channel_is_lost() ? MQTT_ENDED : MQTT_NOTHING;
        if (mvMqttGetNextReadableDataType(channel_handle(), &type) != MV_STATUS_OKAY)
                return MQTT_ENDED;
        return read_item(type, ret_event);
}

void mqtt_close(void)
{
        static struct mqtt_event event;
        enum mqtt_item item = MQTT_NOTHING;
        if (!channel_is_lost() && mvMqttRequestDisconnect(channel_handle()) == MV_STATUS_OKAY) {
                do
                        item = mqtt_next(&event, FAREWELL_MS);
                while (item != MQTT_ENDED && item != MQTT_NOTHING);
        }
        channel_close();
}

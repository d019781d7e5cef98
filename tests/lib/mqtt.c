#include "mqtt.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void mvt_mqtt_boot(const struct mvt_mqtt_boot *boot)
{
        char profile[2048];
        snprintf(profile, sizeof profile,
                 "network:\n  connect_ms: 20\n"
                 "mqtt:\n  rewrite:\n    - from: " MVT_BROKER_HOST ":%d\n      to: %s://127.0.0.1:%u\n"
                 "%s%s%s%s%s",
                 MVT_BROKER_PORT, boot->tls ? "mqtts" : "mqtt", boot->port, boot->ca_file ? "  ca_file: " : "",
                 boot->ca_file ? boot->ca_file : "", boot->ca_file ? "\n" : "", boot->mqtt ? boot->mqtt : "",
                 boot->profile ? boot->profile : "");
        mvt_online_boot(&(struct mvt_device){.real_time = boot->real_time, .profile = profile});
}

MvChannelHandle mvt_mqtt_open(uint32_t receive_len)
{
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.channel_type = MV_CHANNELTYPE_MQTT;
        if (receive_len > 0)
                params.v1.receive_buffer_len = receive_len;
        return mvt_channel_open(&params);
}

struct MvSizedString mvt_sized(const char *text)
{
        return (struct MvSizedString){(const uint8_t *)text, text ? (uint32_t)strlen(text) : 0};
}

/* ---- requests ---- */

struct MvMqttConnectRequest mvt_mqtt_request(void)
{
        return (struct MvMqttConnectRequest){
                .protocol_version = MV_MQTTPROTOCOLVERSION_V5,
                .host = mvt_sized(MVT_BROKER_HOST),
                .port = MVT_BROKER_PORT,
                .clientid = mvt_sized(MVT_CLIENT_ID),
                .clean_start = 1,
        };
}

struct MvMqttConnectResponse mvt_mqtt_answer(MvChannelHandle channel, const struct MvMqttConnectRequest *request)
{
        struct MvMqttConnectResponse response = {MV_MQTTREQUESTSTATE__MAX, 12345};
        expect_okay(mvMqttRequestConnect(channel, request));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE);
        expect_okay(mvMqttReadConnectResponse(channel, &response));
        return response;
}

void mvt_mqtt_connect(MvChannelHandle channel, const struct MvMqttConnectRequest *request)
{
        struct MvMqttConnectResponse response = mvt_mqtt_answer(channel, request);
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(response.reason_code, 0);
}

MvChannelHandle mvt_mqtt_connected(void)
{
        MvChannelHandle channel = mvt_mqtt_open(0);
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_connect(channel, &request);
        return channel;
}

enum MvStatus mvt_mqtt_try_publish(MvChannelHandle channel, uint32_t id, const char *topic, const char *payload,
                                   uint32_t qos, uint32_t retain)
{
        const struct MvMqttPublishRequest request = {
                .correlation_id = id,
                .topic = mvt_sized(topic),
                .payload = mvt_sized(payload),
                .desired_qos = qos,
                .retain = retain,
        };
        return mvMqttRequestPublish(channel, &request);
}

enum MvStatus mvt_mqtt_try_subscribe(MvChannelHandle channel, uint32_t id, const char *filter, uint32_t qos)
{
        const struct MvMqttSubscription subscription = {.topic = mvt_sized(filter), .desired_qos = qos};
        const struct MvMqttSubscribeRequest request = {id, &subscription, 1};
        return mvMqttRequestSubscribe(channel, &request);
}

enum MvStatus mvt_mqtt_try_unsubscribe(MvChannelHandle channel, uint32_t id, const char *filter)
{
        const struct MvSizedString topic = mvt_sized(filter);
        const struct MvMqttUnsubscribeRequest request = {id, &topic, 1};
        return mvMqttRequestUnsubscribe(channel, &request);
}

void mvt_mqtt_publish(MvChannelHandle channel, const char *topic, const char *payload, uint32_t qos, uint32_t code)
{
        expect_okay(mvt_mqtt_try_publish(channel, 0x70, topic, payload, qos, 0));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        struct MvMqttPublishResponse response = mvt_mqtt_published(channel);
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(response.correlation_id, 0x70);
        ck_assert_uint_eq(response.reason_code, code);
}

void mvt_mqtt_subscribe(MvChannelHandle channel, const char *filter, uint32_t qos)
{
        expect_okay(mvt_mqtt_try_subscribe(channel, 0x73, filter, qos));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        struct mvt_mqtt_codes codes = mvt_mqtt_subscribed(channel);
        ck_assert_int_eq(codes.state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(codes.id, 0x73);
        ck_assert_uint_eq(codes.count, 1);
        ck_assert_uint_eq(codes.codes[0], qos);
}

/* ---- items ---- */

enum MvMqttReadableDataType mvt_mqtt_next(MvChannelHandle channel)
{
        enum MvMqttReadableDataType type = MV_MQTTREADABLEDATATYPE__MAX;
        expect_okay(mvMqttGetNextReadableDataType(channel, &type));
        return type;
}

void mvt_mqtt_await(MvChannelHandle channel, enum MvMqttReadableDataType type)
{
        wait_until(mvt_mqtt_next(channel) != MV_MQTTREADABLEDATATYPE_NONE);
        ck_assert_int_eq(mvt_mqtt_next(channel), type);
}

struct MvMqttPublishResponse mvt_mqtt_published(MvChannelHandle channel)
{
        struct MvMqttPublishResponse response;
        memset(&response, 0x5a, sizeof response);
        expect_okay(mvMqttReadPublishResponse(channel, &response));
        return response;
}

struct MvMqttDisconnectResponse mvt_mqtt_disconnected(MvChannelHandle channel)
{
        struct MvMqttDisconnectResponse response;
        memset(&response, 0x5a, sizeof response);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_DISCONNECTRESPONSE);
        expect_okay(mvMqttReadDisconnectResponse(channel, &response));
        return response;
}

struct mvt_mqtt_codes mvt_mqtt_subscribed(MvChannelHandle channel)
{
        struct mvt_mqtt_codes codes;
        memset(&codes, 0x5a, sizeof codes);
        const struct MvMqttSubscribeResponse response = {&codes.state, &codes.id, codes.codes, 8, &codes.count};
        expect_okay(mvMqttReadSubscribeResponse(channel, &response));
        return codes;
}

struct mvt_mqtt_codes mvt_mqtt_unsubscribed(MvChannelHandle channel)
{
        struct mvt_mqtt_codes codes;
        memset(&codes, 0x5a, sizeof codes);
        const struct MvMqttUnsubscribeResponse response = {&codes.state, &codes.id, codes.codes, 8, &codes.count};
        expect_okay(mvMqttReadUnsubscribeResponse(channel, &response));
        return codes;
}

const struct mvt_mqtt_message *mvt_mqtt_message(MvChannelHandle channel)
{
        static struct mvt_mqtt_message message;
        memset(&message, 0, sizeof message);
        const struct MvMqttMessage places = {
                .correlation_id = &message.id,
                .topic = {(uint8_t *)message.topic, sizeof message.topic - 1, &message.topic_len},
                .payload = {(uint8_t *)message.payload, sizeof message.payload - 1, &message.payload_len},
                .qos = &message.qos,
                .retain = &message.retain,
        };
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED);
        expect_okay(mvMqttReceiveMessage(channel, &places));
        return &message;
}

uint32_t mvt_mqtt_expect(MvChannelHandle channel, const char *topic, const char *payload, uint32_t qos)
{
        const struct mvt_mqtt_message *message = mvt_mqtt_message(channel);
        ck_assert_str_eq(message->topic, topic);
        ck_assert_str_eq(message->payload, payload);
        ck_assert_uint_eq(message->qos, qos);
        ck_assert_uint_eq(message->topic_len, strlen(topic));
        ck_assert_uint_eq(message->payload_len, strlen(payload));
        return message->id;
}

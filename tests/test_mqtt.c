/* An application's MQTT with a real broker, and other clients of it: connect, subscribe, publish, receive. */
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "mqtt.h"
#include "mvsim/cortex.h"
#include "suite.h"

static struct mvt_broker broker;

static void boot_with(bool real_time)
{
        mvt_broker_start(&broker, NULL);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .real_time = real_time});
}

static void boot_virtual(void)
{
        boot_with(false);
}

static void boot_real(void)
{
        boot_with(true);
}

static void end(void)
{
        mvt_online_end();
        mvt_broker_finish(&broker);
}

static unsigned readable(void)
{
        return mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG);
}

/* ---- connecting ---- */

START_TEST(an_application_connects_and_disconnects)
{
        MvChannelHandle channel = mvt_mqtt_open(0);
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        if (_i == 1)
                request.protocol_version = MV_MQTTPROTOCOLVERSION_V3_1_1;
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        mvt_mqtt_connect(channel, &request);
        ck_assert_uint_eq(readable(), 1);
        expect_okay(mvMqttRequestDisconnect(channel));
        struct MvMqttDisconnectResponse response = mvt_mqtt_disconnected(channel);
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(response.disconnect_code, 0);
        ck_assert_uint_eq(readable(), 2);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        mvt_channel_close(&channel);
        ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG), 0);
}
END_TEST

START_TEST(a_message_goes_out_at_every_qos)
{
        struct mvt_subscriber other;
        char expected[64];
        mvt_subscriber_start(&other, &broker, "out/#", "-q 2");
        MvChannelHandle channel = mvt_mqtt_connected();
        for (uint32_t qos = 0; qos <= 2; qos++) {
                mvt_mqtt_publish(channel, "out/topic", "payload", qos, 0);
                snprintf(expected, sizeof expected, "out/topic q%u r0 payload", qos);
                ck_assert_str_eq(mvt_subscriber_next(&other), expected);
        }
        mvt_channel_close(&channel);
        mvt_subscriber_finish(&other);
}
END_TEST

START_TEST(a_message_comes_in_at_every_qos)
{
        MvChannelHandle channel = mvt_mqtt_connected();
        mvt_mqtt_subscribe(channel, "in/+", 2);
        static const char *const options[] = {"-q 0", "-q 1", "-q 2"};
        for (uint32_t qos = 0; qos <= 2; qos++) {
                mvt_broker_publish(&broker, "in/topic", "hello", options[qos]);
                uint32_t id = mvt_mqtt_expect(channel, "in/topic", "hello", qos);
                expect_okay(mvMqttAcknowledgeMessage(channel, id));
        }
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_payload_is_any_bytes_or_none)
{
        static const uint8_t bytes[] = {0, 1, 0xff, 0, '\n'};
        MvChannelHandle channel = mvt_mqtt_connected();
        mvt_mqtt_subscribe(channel, "a", 0);
        for (int i = 0; i < 2; i++) {
                uint32_t len = i == 0 ? sizeof bytes : 0;
                const struct MvMqttPublishRequest request = {
                        .correlation_id = 1, .topic = mvt_sized("a"), .payload = {bytes, len}};
                expect_okay(mvMqttRequestPublish(channel, &request));
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE); /* as soon as it is on its way */
                mvt_mqtt_published(channel);
                const struct mvt_mqtt_message *message = mvt_mqtt_message(channel);
                ck_assert_uint_eq(message->payload_len, len);
                ck_assert_mem_eq(message->payload, bytes, len);
        }
        mvt_channel_close(&channel);
}
END_TEST

/* ---- subscriptions ---- */

START_TEST(topics_of_one_subscription_have_qos_and_codes_of_their_own)
{
        const struct MvMqttSubscription topics[] = {
                {.topic = mvt_sized("a"), .desired_qos = 0}, {.topic = mvt_sized("b"), .desired_qos = 2},
                {.topic = mvt_sized("c"), .desired_qos = 2}, {.topic = mvt_sized("d/#"), .desired_qos = 1},
                {.topic = mvt_sized("e"), .desired_qos = 0}, {.topic = mvt_sized("f"), .desired_qos = 0},
                {.topic = mvt_sized("g"), .desired_qos = 1}, {.topic = mvt_sized("+/h"), .desired_qos = 2},
        };
        const struct MvMqttSubscribeRequest request = {0xffffffff, topics, 8};
        MvChannelHandle channel = mvt_mqtt_connected();
        expect_okay(mvMqttRequestSubscribe(channel, &request));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        struct mvt_mqtt_codes codes = mvt_mqtt_subscribed(channel);
        ck_assert_int_eq(codes.state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(codes.id, 0xffffffff);
        ck_assert_uint_eq(codes.count, 8);
        for (uint32_t i = 0; i < 8; i++)
                ck_assert_uint_eq(codes.codes[i], topics[i].desired_qos);
        mvt_broker_publish(&broker, "x/h", "hello", "-q 2");
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "x/h", "hello", 2)));
        mvt_channel_close(&channel);
}
END_TEST

static struct mvt_mqtt_codes unsubscribe(MvChannelHandle channel, const char *first, const char *second)
{
        const struct MvSizedString topics[] = {mvt_sized(first), mvt_sized(second)};
        const struct MvMqttUnsubscribeRequest request = {77, topics, 2};
        expect_okay(mvMqttRequestUnsubscribe(channel, &request));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE);
        struct mvt_mqtt_codes codes = mvt_mqtt_unsubscribed(channel);
        ck_assert_int_eq(codes.state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(codes.id, 77);
        ck_assert_uint_eq(codes.count, 2);
        return codes;
}

START_TEST(an_end_of_subscriptions_has_a_code_for_each_topic)
{
        MvChannelHandle channel = mvt_mqtt_open(0);
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.protocol_version = _i ? MV_MQTTPROTOCOLVERSION_V3_1_1 : MV_MQTTPROTOCOLVERSION_V5;
        mvt_mqtt_connect(channel, &request);
        mvt_mqtt_subscribe(channel, "a", 0);
        struct mvt_mqtt_codes codes = unsubscribe(channel, "never", "a");
        ck_assert_uint_eq(codes.codes[0], _i ? 0 : 0x11); /* there was no such subscription */
        ck_assert_uint_eq(codes.codes[1], 0);
        mvt_broker_publish(&broker, "a", "hello", "");
        mvsim_run_for(20000);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        codes = unsubscribe(channel, "a", "never");
        ck_assert_uint_eq(codes.codes[0], _i ? 0 : 0x11);
        mvt_channel_close(&channel);
}
END_TEST

static void subscribe_with(MvChannelHandle channel, const struct MvMqttSubscription *topic)
{
        const struct MvMqttSubscribeRequest request = {1, topic, 1};
        expect_okay(mvMqttRequestSubscribe(channel, &request));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        ck_assert_uint_eq(mvt_mqtt_subscribed(channel).codes[0], 0);
}

START_TEST(no_local_keeps_ones_own_messages_away)
{
        MvChannelHandle channel = mvt_mqtt_connected();
        subscribe_with(channel, &(struct MvMqttSubscription){.topic = mvt_sized("a"), .nl = 1});
        mvt_mqtt_publish(channel, "a", "mine", 0, 0);
        mvt_broker_publish(&broker, "a", "another's", "");
        mvt_mqtt_expect(channel, "a", "another's", 0);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(retain_as_published_keeps_the_flag)
{
        MvChannelHandle channel = mvt_mqtt_connected();
        subscribe_with(channel, &(struct MvMqttSubscription){.topic = mvt_sized("a"), .rap = (uint32_t)_i});
        mvt_broker_publish(&broker, "a", "x", "-r");
        ck_assert_int_eq(mvt_mqtt_message(channel)->retain, _i);
        mvt_channel_close(&channel);
}
END_TEST

/* 0: at each subscription, 1: at a new one, 2: never. */
START_TEST(retain_handling_says_when_retained_messages_come)
{
        const struct MvMqttSubscription topic = {.topic = mvt_sized("a"), .rh = (uint32_t)_i};
        MvChannelHandle channel = mvt_mqtt_connected();
        mvt_broker_publish(&broker, "a", "kept", "-r");
        for (int times = 0; times < 2; times++) {
                subscribe_with(channel, &topic);
                if (_i == 0 || (_i == 1 && times == 0))
                        mvt_mqtt_expect(channel, "a", "kept", 0);
        }
        mvt_mqtt_publish(channel, "b", "after", 1, 0x10);
        mvt_channel_close(&channel);
}
END_TEST

/* Which a packet may have for each of its topics. */
START_TEST(topics_of_one_subscription_have_options_of_their_own)
{
        const struct MvMqttSubscription topics[] = {
                {.topic = mvt_sized("a"), .nl = 1},
                {.topic = mvt_sized("b")},
                {.topic = mvt_sized("c"), .rap = 1},
                {.topic = mvt_sized("d"), .rh = 2},
        };
        const struct MvMqttSubscribeRequest request = {1, topics, 4};
        MvChannelHandle channel = mvt_mqtt_connected();
        mvt_broker_publish(&broker, "d", "kept", "-r");
        expect_okay(mvMqttRequestSubscribe(channel, &request));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        ck_assert_uint_eq(mvt_mqtt_subscribed(channel).count, 4);
        mvt_mqtt_publish(channel, "a", "mine", 0, 0);
        expect_okay(mvt_mqtt_try_publish(channel, 2, "b", "mine", 0, 1));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        mvt_mqtt_published(channel);
        const struct mvt_mqtt_message *message = mvt_mqtt_message(channel);
        ck_assert_str_eq(message->topic, "b");
        ck_assert_uint_eq(message->retain, 0);
        mvt_broker_publish(&broker, "c", "another's", "-r");
        message = mvt_mqtt_message(channel);
        ck_assert_str_eq(message->topic, "c");
        ck_assert_uint_eq(message->retain, 1);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(nobody_subscribes_to_what_is_published)
{
        MvChannelHandle channel = mvt_mqtt_connected();
        mvt_mqtt_publish(channel, "a", "b", 0, 0);
        mvt_mqtt_publish(channel, "a", "b", 1, 0x10);
        mvt_mqtt_publish(channel, "a", "b", 2, 0); /* this broker does not say so at QoS 2 */
        mvt_channel_close(&channel);
}
END_TEST

/* ---- the shape of applications ---- */

START_TEST(two_channels_are_two_clients)
{
        static uint8_t blocks[2][1024] __attribute__((aligned(512)));
        struct MvOpenChannelParams params = mvt_http_params();
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        params.v1.channel_type = MV_CHANNELTYPE_MQTT;
        params.v1.receive_buffer = blocks[0];
        params.v1.send_buffer = blocks[1];
        params.v1.receive_buffer_len = params.v1.send_buffer_len = 1024;
        MvChannelHandle one = mvt_mqtt_connected();
        MvChannelHandle two = mvt_channel_open(&params);
        request.clientid = mvt_sized("another");
        mvt_mqtt_connect(two, &request);
        mvt_mqtt_subscribe(two, "a", 1);
        mvt_mqtt_publish(one, "a", "from one", 1, 0);
        expect_okay(mvMqttAcknowledgeMessage(two, mvt_mqtt_expect(two, "a", "from one", 1)));
        mvt_channel_close(&one);
        mvt_mqtt_publish(two, "b", "alone", 1, 0x10);
        mvt_channel_close(&two);
}
END_TEST

START_TEST(the_buffers_are_free_once_the_channel_is_closed)
{
        for (int i = 0; i < 4; i++) {
                MvChannelHandle channel = mvt_mqtt_connected();
                mvt_channel_close(&channel);
                channel = mvt_http_open();
                mvt_channel_close(&channel);
                mvsim_run_for(500000);
        }
}
END_TEST

/* The event log shows what went out and what came. */
START_TEST(the_event_log_has_requests_and_items)
{
        char line[512], text[16384] = "", profile[512];
        size_t len = 0;
        struct mvt_tempdir dir;
        mvt_online_end();
        mvt_tempdir_make(&dir);
        snprintf(profile, sizeof profile, "trace: {file: %s/log}\n", dir.path);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .profile = profile});
        MvChannelHandle channel = mvt_mqtt_connected();
        mvt_mqtt_subscribe(channel, "in", 1);
        mvt_broker_publish(&broker, "in", "hello", "-q 1");
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "hello", 1)));
        mvt_channel_close(&channel);
        mvt_online_end();
        snprintf(profile, sizeof profile, "%s/log", dir.path);
        FILE *file = fopen(profile, "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof line, file)) {
                if (strstr(line, "mqtt=") && len + strlen(line) < sizeof text)
                        len += (size_t)snprintf(text + len, sizeof text - len, "%s", line);
        }
        fclose(file);
        static const char *const words[] = {"request",         "mqtt=connect", "host=\"broker.example.com\"",
                                            "mqtt=subscribe",  "mqtt=message", "topic=\"in\"",
                                            "mqtt=acknowledge"};
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
                ck_assert_msg(strstr(text, words[i]) != NULL, "no %s in: %s", words[i], text);
        mvt_tempdir_remove(&dir);
        mvt_online_boot_virtual();
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt");
        TCase *virtual_time = tcase_create("virtual time");
        tcase_add_checked_fixture(virtual_time, boot_virtual, end);
        tcase_add_loop_test(virtual_time, an_application_connects_and_disconnects, 0, 2);
        tcase_add_test(virtual_time, a_message_goes_out_at_every_qos);
        tcase_add_test(virtual_time, a_message_comes_in_at_every_qos);
        tcase_add_test(virtual_time, a_payload_is_any_bytes_or_none);
        tcase_add_test(virtual_time, topics_of_one_subscription_have_qos_and_codes_of_their_own);
        tcase_add_loop_test(virtual_time, an_end_of_subscriptions_has_a_code_for_each_topic, 0, 2);
        tcase_add_test(virtual_time, no_local_keeps_ones_own_messages_away);
        tcase_add_loop_test(virtual_time, retain_as_published_keeps_the_flag, 0, 2);
        tcase_add_loop_test(virtual_time, retain_handling_says_when_retained_messages_come, 0, 3);
        tcase_add_test(virtual_time, topics_of_one_subscription_have_options_of_their_own);
        tcase_add_test(virtual_time, nobody_subscribes_to_what_is_published);
        tcase_add_test(virtual_time, two_channels_are_two_clients);
        tcase_add_test(virtual_time, the_buffers_are_free_once_the_channel_is_closed);
        tcase_add_test(virtual_time, the_event_log_has_requests_and_items);
        suite_add_tcase(s, virtual_time);
        TCase *real_time = tcase_create("real time");
        tcase_add_checked_fixture(real_time, boot_real, end);
        tcase_add_loop_test(real_time, an_application_connects_and_disconnects, 0, 2);
        tcase_add_test(real_time, a_message_goes_out_at_every_qos);
        tcase_add_test(real_time, a_message_comes_in_at_every_qos);
        suite_add_tcase(s, real_time);
        return s;
}

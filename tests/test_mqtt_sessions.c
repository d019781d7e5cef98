/* What outlives a connection: sessions, retained messages, wills, and messages that nobody acknowledged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"
#include "mqtt.h"
#include "mqtt_peer.h"
#include "suite.h"

static struct mvt_broker broker;
static struct mvt_subscriber other;
static struct mvt_mqtt_peer peer;
static MvChannelHandle channel;

static void boot(void)
{
        mvt_broker_start(&broker, &(struct mvt_broker_options){.persistent = true});
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port,
                                              .profile = "limits: {channel_opens_per_s: 100, mqtt_backlog: 10000}\n"});
}

static void end(void)
{
        mvt_subscriber_finish(&other);
        if (channel)
                mvt_channel_close(&channel);
        mvt_online_end();
        mvt_mqtt_peer_finish(&peer);
        mvt_broker_finish(&broker);
}

/* Closes what is open, and connects again. */
static void connect_again(uint8_t clean_start, enum MvMqttProtocolVersion version)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        if (channel)
                mvt_channel_close(&channel);
        request.clean_start = clean_start;
        request.protocol_version = version;
        channel = mvt_mqtt_open(0);
        mvt_mqtt_connect(channel, &request);
}

static void expect_nothing(void)
{
        mvsim_run_for(50000);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
}

static void disconnect(void)
{
        expect_okay(mvMqttRequestDisconnect(channel));
        mvt_mqtt_disconnected(channel);
}

#define VERSION ((enum MvMqttProtocolVersion)_i)

/* ---- sessions ---- */

START_TEST(a_session_that_is_kept_brings_what_was_missed)
{
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 1);
        disconnect();
        mvt_broker_publish(&broker, "in", "missed", "-q 1");
        connect_again(0, VERSION);
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "missed", 1)));
        mvt_broker_publish(&broker, "in", "live", "-q 1");
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "live", 1)));
}
END_TEST

START_TEST(a_clean_start_has_no_past)
{
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 1);
        disconnect();
        mvt_broker_publish(&broker, "in", "missed", "-q 1");
        connect_again(1, VERSION);
        mvt_broker_publish(&broker, "in", "live", "-q 1");
        expect_nothing();
}
END_TEST

START_TEST(a_session_that_began_clean_leaves_nothing)
{
        connect_again(1, VERSION);
        mvt_mqtt_subscribe(channel, "in", 1);
        disconnect();
        mvt_broker_publish(&broker, "in", "missed", "-q 1");
        connect_again(0, VERSION);
        expect_nothing();
}
END_TEST

START_TEST(a_session_outlives_a_restart_of_the_broker)
{
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 1);
        mvt_broker_stop(&broker);
        mvt_mqtt_disconnected(channel);
        mvt_broker_restart(&broker);
        mvt_broker_publish(&broker, "in", "missed", "-q 1");
        connect_again(0, VERSION);
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "missed", 1)));
}
END_TEST

START_TEST(a_retained_message_is_there_for_who_comes_later)
{
        mvt_broker_publish(&broker, "state", "on", "-r -q 1");
        connect_again(1, VERSION);
        mvt_mqtt_subscribe(channel, "state", 0);
        const struct mvt_mqtt_message *message = mvt_mqtt_message(channel);
        ck_assert_str_eq(message->payload, "on");
        ck_assert_uint_eq(message->retain, 1);
        mvt_broker_publish(&broker, "state", "off", "-r");
        message = mvt_mqtt_message(channel);
        ck_assert_str_eq(message->payload, "off");
        ck_assert_uint_eq(message->retain, 0);
}
END_TEST

START_TEST(an_application_retains_a_message_and_clears_it)
{
        connect_again(1, VERSION);
        expect_okay(mvt_mqtt_try_publish(channel, 1, "state", "kept", 1, 1));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        mvt_mqtt_published(channel);
        mvt_subscriber_start(&other, &broker, "state", "");
        ck_assert_str_eq(mvt_subscriber_next(&other), "state q0 r1 kept");
        mvt_subscriber_finish(&other);
        expect_okay(mvt_mqtt_try_publish(channel, 2, "state", NULL, 1, 1));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        ck_assert_int_eq(mvt_mqtt_published(channel).request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        mvt_subscriber_start(&other, &broker, "state", "");
        mvt_broker_publish(&broker, "state", "new", "");
        ck_assert_str_eq(mvt_subscriber_next(&other), "state q0 r0 new");
}
END_TEST

/* ---- what is not acknowledged comes again ---- */

START_TEST(what_was_read_and_not_acknowledged_comes_again)
{
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 2);
        mvt_broker_publish(&broker, "in", "zero", "-q 0");
        mvt_broker_publish(&broker, "in", "one", "-q 1");
        mvt_broker_publish(&broker, "in", "two", "-q 2");
        mvt_broker_publish(&broker, "in", "acknowledged", "-q 1");
        mvt_mqtt_expect(channel, "in", "zero", 0);
        mvt_mqtt_expect(channel, "in", "one", 1);
        mvt_mqtt_expect(channel, "in", "two", 2);
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "acknowledged", 1)));
        for (int i = 0; i < 2; i++) { /* as often as it takes */
                connect_again(0, VERSION);
                uint32_t one = mvt_mqtt_expect(channel, "in", "one", 1);
                uint32_t two = mvt_mqtt_expect(channel, "in", "two", 2);
                expect_nothing();
                if (i == 1) {
                        expect_okay(mvMqttAcknowledgeMessage(channel, one));
                        expect_okay(mvMqttAcknowledgeMessage(channel, two));
                }
        }
        connect_again(0, VERSION);
        expect_nothing();
}
END_TEST

START_TEST(what_was_not_even_read_comes_again_before_anything_new)
{
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 1);
        mvt_broker_publish(&broker, "in", "one", "-q 1");
        mvt_broker_publish(&broker, "in", "two", "-q 1");
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED);
        mvsim_run_for(20000);
        mvt_channel_close(&channel);
        mvt_broker_publish(&broker, "in", "three", "-q 1");
        connect_again(0, VERSION);
        static const char *const expected[] = {"one", "two", "three"};
        for (int i = 0; i < 3; i++)
                expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", expected[i], 1)));
}
END_TEST

START_TEST(a_clean_start_forgets_what_was_not_acknowledged)
{
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 1);
        mvt_broker_publish(&broker, "in", "one", "-q 1");
        mvt_mqtt_expect(channel, "in", "one", 1);
        connect_again(1, VERSION);
        expect_nothing();
        connect_again(0, VERSION);
        expect_nothing();
}
END_TEST

/* Of many messages, in whatever moment the channel is closed: none is lost on its way, though the broker may have been
 * told that it came. */
START_TEST(what_comes_while_the_channel_is_closed_comes_again)
{
        enum { COUNT = 100 };
        static bool seen[COUNT];
        static uint8_t blocks[2][4096] __attribute__((aligned(4096)));
        struct MvOpenChannelParams params = mvt_http_params();
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        params.v1.channel_type = MV_CHANNELTYPE_MQTT;
        params.v1.receive_buffer = blocks[0];
        params.v1.send_buffer = blocks[1];
        params.v1.receive_buffer_len = params.v1.send_buffer_len = sizeof blocks[0];
        request.clientid = mvt_sized("publisher");
        memset(seen, 0, sizeof seen);
        connect_again(0, MV_MQTTPROTOCOLVERSION_V5);
        mvt_mqtt_subscribe(channel, "in", 1);
        mvt_channel_close(&channel);
        MvChannelHandle publisher = mvt_channel_open(&params);
        mvt_mqtt_connect(publisher, &request);
        for (int i = 0; i < COUNT; i++) {
                char payload[8];
                snprintf(payload, sizeof payload, "%d", i);
                mvt_mqtt_publish(publisher, "in", payload, 1, 0);
        }
        mvt_channel_close(&publisher);
        for (unsigned round = 0, count = 0; count < COUNT; round++) {
                connect_again(0, MV_MQTTPROTOCOLVERSION_V5);
                for (unsigned i = 0; i < 20 && round % 4 == 3 && count < COUNT; i++) { /* or at once */
                        const struct mvt_mqtt_message *message = mvt_mqtt_message(channel);
                        int number = atoi(message->payload);
                        ck_assert(number >= 0 && number < COUNT);
                        count += !seen[number];
                        seen[number] = true;
                        expect_okay(mvMqttAcknowledgeMessage(channel, message->id));
                        mvsim_run_for(20);
                }
        }
}
END_TEST

START_TEST(another_client_id_has_messages_of_its_own)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 1);
        mvt_broker_publish(&broker, "in", "one", "-q 1");
        mvt_mqtt_expect(channel, "in", "one", 1);
        mvt_channel_close(&channel);
        channel = mvt_mqtt_open(0);
        request.clientid = mvt_sized("another");
        request.clean_start = 0;
        mvt_mqtt_connect(channel, &request);
        expect_nothing();
        connect_again(0, VERSION);
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "one", 1)));
}
END_TEST

START_TEST(a_lost_network_loses_no_message)
{
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 1);
        mvt_broker_publish(&broker, "in", "one", "-q 1");
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG) == 1);
        mvsim_network_up();
        mvt_network_wait(mvt_online.network, MV_NETWORKSTATUS_CONNECTED);
        connect_again(0, VERSION);
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "one", 1)));
}
END_TEST

START_TEST(a_restart_of_the_application_loses_no_message)
{
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 2);
        mvt_broker_publish(&broker, "in", "one", "-q 1");
        mvt_broker_publish(&broker, "in", "two", "-q 2");
        mvt_mqtt_expect(channel, "in", "one", 1);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED);
        for (int i = 0; i < 2; i++) {
                channel = NULL; /* with the life before */
                mvt_online_restart();
                connect_again(0, VERSION);
                uint32_t one = mvt_mqtt_expect(channel, "in", "one", 1);
                uint32_t two = mvt_mqtt_expect(channel, "in", "two", 2);
                expect_okay(mvMqttAcknowledgeMessage(channel, i == 0 ? 0 : one));
                expect_okay(mvMqttAcknowledgeMessage(channel, i == 0 ? 0 : two));
        }
        connect_again(0, VERSION);
        expect_nothing();
}
END_TEST

START_TEST(a_message_of_qos_2_comes_once)
{
        connect_again(0, VERSION);
        mvt_mqtt_subscribe(channel, "in", 2);
        for (int i = 0; i < 20; i++) {
                char payload[8];
                snprintf(payload, sizeof payload, "%d", i);
                mvt_broker_publish(&broker, "in", payload, "-q 2");
        }
        for (int i = 0; i < 20; i++) {
                char payload[8];
                snprintf(payload, sizeof payload, "%d", i);
                expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", payload, 2)));
                mvsim_run_for(100);
        }
        connect_again(0, VERSION);
        expect_nothing();
}
END_TEST

/* ---- wills ---- */

static void connect_with_will(uint32_t qos, uint8_t retain)
{
        const struct MvMqttWill will = {mvt_sized("will"), mvt_sized("gone"), qos, retain};
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.protocol_version = retain ? MV_MQTTPROTOCOLVERSION_V5 : MV_MQTTPROTOCOLVERSION_V3_1_1;
        request.will = &will;
        channel = mvt_mqtt_open(0);
        mvt_mqtt_connect(channel, &request);
}

START_TEST(the_will_is_published_when_the_channel_is_just_closed)
{
        char expected[32];
        mvt_subscriber_start(&other, &broker, "will", "-q 2");
        connect_with_will((uint32_t)_i, 0);
        mvt_channel_close(&channel);
        snprintf(expected, sizeof expected, "will q%d r0 gone", _i);
        ck_assert_str_eq(mvt_subscriber_next(&other), expected);
}
END_TEST

START_TEST(the_will_is_published_when_the_network_is_lost)
{
        mvt_subscriber_start(&other, &broker, "will", "-q 2");
        connect_with_will(1, 0);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG) == 1);
        ck_assert_str_eq(mvt_subscriber_next(&other), "will q1 r0 gone");
}
END_TEST

START_TEST(the_will_is_not_published_after_a_disconnect)
{
        mvt_subscriber_start(&other, &broker, "will", "-q 2");
        connect_with_will(1, 0);
        disconnect();
        mvt_channel_close(&channel);
        mvt_broker_publish(&broker, "will", "after", "");
        ck_assert_str_eq(mvt_subscriber_next(&other), "will q0 r0 after");
}
END_TEST

START_TEST(a_will_may_be_retained)
{
        mvt_subscriber_start(&other, &broker, "will", "-q 2");
        connect_with_will(1, 1);
        mvt_channel_close(&channel);
        ck_assert_str_eq(mvt_subscriber_next(&other), "will q1 r0 gone");
        mvt_subscriber_finish(&other);
        mvt_subscriber_start(&other, &broker, "will", "-q 2");
        ck_assert_str_eq(mvt_subscriber_next(&other), "will q1 r1 gone");
}
END_TEST

/* ---- keep-alive ---- */

/* The broker asks for a packet a second, which is less than libmosquitto lets an application ask for, answers once,
 * and then says nothing. By the host's clock: the device's time does not matter. */
START_TEST(a_connection_is_kept_alive_until_the_broker_says_nothing)
{
        static const struct mvt_step steps[] = {
                {.on = MVT_PACKET_CONNECT, MVT_SEND("\x20\x06\x00\x00\x03\x13\x00\x01")},
                {.on = MVT_PACKET_PING,
                 MVT_SEND("\xd0\x00"
                          "\x30\x05\x00\x01p\x00"
                          "1")},
                {.on = MVT_PACKET_PING, .then = MVT_PEER_HOLD},
        };
        mvt_online_end();
        mvt_mqtt_peer_start(&peer, steps, 3);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = peer.port});
        channel = mvt_mqtt_connected();
        mvsim_run_for(3600000000); /* an hour of the device's */
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        mvt_mqtt_expect(channel, "p", "1", 0);
        ck_assert_int_eq(mvt_mqtt_disconnected(channel).request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt sessions");
        TCase *tests = tcase_create("sessions");
        tcase_add_checked_fixture(tests, boot, end);
        tcase_add_loop_test(tests, a_session_that_is_kept_brings_what_was_missed, 0, 2);
        tcase_add_loop_test(tests, a_clean_start_has_no_past, 0, 2);
        tcase_add_loop_test(tests, a_session_that_began_clean_leaves_nothing, 0, 2);
        tcase_add_loop_test(tests, a_session_outlives_a_restart_of_the_broker, 0, 2);
        tcase_add_loop_test(tests, a_retained_message_is_there_for_who_comes_later, 0, 2);
        tcase_add_test(tests, an_application_retains_a_message_and_clears_it);
        suite_add_tcase(s, tests);
        TCase *again = tcase_create("again");
        tcase_add_checked_fixture(again, boot, end);
        tcase_add_loop_test(again, what_was_read_and_not_acknowledged_comes_again, 0, 2);
        tcase_add_test(again, what_was_not_even_read_comes_again_before_anything_new);
        tcase_add_test(again, a_clean_start_forgets_what_was_not_acknowledged);
        tcase_add_test(again, what_comes_while_the_channel_is_closed_comes_again);
        tcase_add_test(again, another_client_id_has_messages_of_its_own);
        tcase_add_test(again, a_lost_network_loses_no_message);
        tcase_add_test(again, a_restart_of_the_application_loses_no_message);
        tcase_add_loop_test(again, a_message_of_qos_2_comes_once, 0, 2);
        suite_add_tcase(s, again);
        TCase *wills = tcase_create("wills");
        tcase_add_checked_fixture(wills, boot, end);
        tcase_add_loop_test(wills, the_will_is_published_when_the_channel_is_just_closed, 0, 3);
        tcase_add_test(wills, the_will_is_published_when_the_network_is_lost);
        tcase_add_test(wills, the_will_is_not_published_after_a_disconnect);
        tcase_add_test(wills, a_will_may_be_retained);
        tcase_add_test(wills, a_connection_is_kept_alive_until_the_broker_says_nothing);
        suite_add_tcase(s, wills);
        return s;
}

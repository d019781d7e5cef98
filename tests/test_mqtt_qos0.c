/* Messages of QoS 0, which are answered before they are written: in order, within bounds, and none is lost by that. */
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "child.h"
#include "mqtt.h"
#include "mvsim/cortex.h"
#include "suite.h"

#define LARGE 1400 /* bytes of a payload that fills the sockets' buffers before long */
#define MANY  20000

static struct mvt_broker broker;
static struct mvt_subscriber subscriber;
static MvChannelHandle channel;

static void end(void)
{
        if (channel)
                mvt_channel_close(&channel);
        mvt_online_end();
        if (subscriber.pid)
                mvt_subscriber_finish(&subscriber);
        mvt_broker_finish(&broker);
}

/* Connected; another client has subscribed to everything. */
static void start_peers(const char *lines)
{
        mvt_broker_start(&broker, &(struct mvt_broker_options){.lines = lines});
        mvt_subscriber_start(&subscriber, &broker, "#", "-q 0");
}

static void connect_device(bool real_time)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .real_time = real_time});
        channel = mvt_mqtt_open(0);
        mvt_mqtt_connect(channel, &request);
}

static void boot(const char *lines, bool real_time)
{
        start_peers(lines);
        connect_device(real_time);
}

/* Its number, and dots up to so many bytes. */
static const char *payload_of(unsigned number, size_t len)
{
        static char payload[LARGE + 1];
        memset(payload, '.', len);
        payload[len] = '\0';
        payload[snprintf(payload, len, "%05u", number)] = '.';
        return payload;
}

static bool is_answered(void)
{
        if (mvt_mqtt_next(channel) == MV_MQTTREADABLEDATATYPE_NONE)
                mvsim_run_for(300000);
        return mvt_mqtt_next(channel) == MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE;
}

static void expect_in_order(unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                char start[32];
                const char *line = mvt_subscriber_next(&subscriber);
                snprintf(start, sizeof start, "out q0 r0 %05u", i);
                ck_assert_msg(strncmp(line, start, strlen(start)) == 0, "%.40s is not %s", line, start);
        }
}

START_TEST(the_answer_comes_after_the_call_as_early_as_any_completion)
{
        uint64_t sent_us, now_us;
        boot(NULL, false);
        expect_okay(mvGetMicroseconds(&sent_us));
        expect_okay(mvt_mqtt_try_publish(channel, 7, "out", "x", 0, 0));
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        expect_okay(mvGetMicroseconds(&now_us));
        ck_assert_uint_ge(now_us - sent_us, 200);
        ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, 7);
}
END_TEST

/* How many messages are answered while nobody reads any is limited; when the broker reads again, all of them come. */
START_TEST(a_broker_that_reads_nothing_holds_the_answers_up)
{
        unsigned sent = 0;
        boot("max_queued_messages 0", false);
        mvt_broker_pause(&broker);
        do {
                ck_assert_uint_lt(sent, MANY);
                expect_okay(mvt_mqtt_try_publish(channel, sent, "out", payload_of(sent, LARGE), 0, 0));
                sent++;
        } while (is_answered() && mvt_mqtt_published(channel).correlation_id == sent - 1);
        mvt_broker_continue(&broker);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, sent - 1);
        expect_in_order(sent);
}
END_TEST

static void publish_and_read(unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                expect_okay(mvt_mqtt_try_publish(channel, i, "out", payload_of(i, 10), 0, 0));
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                ck_assert_int_eq(mvt_mqtt_published(channel).request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        }
}

START_TEST(a_message_that_was_answered_outlives_the_channel_and_the_device)
{
        boot(NULL, false);
        publish_and_read(50);
        if (_i == 0)
                mvt_channel_close(&channel);
        else
                mvt_device_leaves_handles();
        channel = NULL;
        mvt_online_end();
        expect_in_order(50);
        mvt_online_boot_virtual();
}
END_TEST

static void publish_and_restart(void)
{
        connect_device(false);
        publish_and_read(50);
        mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE);
}

/* A child of the test's is not started again, but its life ends as if it were. */
START_TEST(a_message_that_was_answered_outlives_the_application)
{
        struct mvt_child child;
        start_peers(NULL);
        mvt_child_run(&child, publish_and_restart);
        ck_assert_msg(strstr(child.output, "the application cannot start again"), "%s", child.output);
        expect_in_order(50);
        mvt_online_boot_virtual();
}
END_TEST

START_TEST(the_end_that_was_asked_for_comes_after_the_answers)
{
        boot(NULL, true);
        for (uint32_t i = 0; i < 3; i++)
                expect_okay(mvt_mqtt_try_publish(channel, i, "out", "x", 0, 0));
        expect_okay(mvMqttRequestDisconnect(channel));
        for (uint32_t i = 0; i < 3; i++) {
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, i);
        }
        ck_assert_int_eq(mvt_mqtt_disconnected(channel).request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
}
END_TEST

/* What the broker would not take is answered with its code, whatever the QoS. */
START_TEST(a_message_that_is_larger_than_the_broker_takes_has_its_code)
{
        boot("max_packet_size 100", false);
        for (uint32_t qos = 0; qos < 3; qos++)
                mvt_mqtt_publish(channel, "out", payload_of(0, 200), qos, 0x95);
        mvt_mqtt_publish(channel, "out", payload_of(0, 50), 0, 0);
}
END_TEST

START_TEST(a_retained_message_and_one_on_a_topic_beyond_ascii_come_through)
{
        boot(NULL, false);
        mvt_mqtt_publish(channel, "kept", "1", 0, 0);
        expect_okay(mvt_mqtt_try_publish(channel, 1, "kept", "2", 0, 1));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        mvt_mqtt_published(channel);
        mvt_mqtt_publish(channel,
                         "gr\xc3\xbc\xc3\x9f"
                         "e",
                         "3", 0, 0);
        ck_assert_str_eq(mvt_subscriber_next(&subscriber), "kept q0 r0 1");
        ck_assert_str_eq(mvt_subscriber_next(&subscriber), "kept q0 r0 2");
        ck_assert_str_eq(mvt_subscriber_next(&subscriber), "gr\xc3\xbc\xc3\x9f"
                                                           "e q0 r0 3");
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt qos 0");
        TCase *tests = tcase_create("qos 0");
        tcase_add_checked_fixture(tests, NULL, end);
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, the_answer_comes_after_the_call_as_early_as_any_completion);
        tcase_add_test(tests, a_broker_that_reads_nothing_holds_the_answers_up);
        tcase_add_loop_test(tests, a_message_that_was_answered_outlives_the_channel_and_the_device, 0, 2);
        tcase_add_test(tests, a_message_that_was_answered_outlives_the_application);
        tcase_add_test(tests, the_end_that_was_asked_for_comes_after_the_answers);
        tcase_add_test(tests, a_message_that_is_larger_than_the_broker_takes_has_its_code);
        tcase_add_test(tests, a_retained_message_and_one_on_a_topic_beyond_ascii_come_through);
        suite_add_tcase(s, tests);
        return s;
}

/* The usage checker's findings about MQTT: an application that has the fault, and one that has not. */
#include <string.h>

#include "broker.h"
#include "mqtt.h"
#include "suite.h"

static struct mvt_broker broker;
static MvChannelHandle channel;

/* A device that has subscribed, and to which a message of each QoS has come. */
static void boot(void)
{
        mvt_broker_start(&broker, NULL);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .profile = "log: {level: info}\n"});
        channel = mvt_mqtt_connected();
        mvt_mqtt_subscribe(channel, "in", 2);
}

static void end(void)
{
        if (channel)
                mvt_channel_close(&channel);
        mvt_online_end();
        mvt_broker_finish(&broker);
}

static uint32_t receive(uint32_t qos)
{
        static const char *const options[] = {"-q 0", "-q 1", "-q 2"};
        mvt_broker_publish(&broker, "in", "hello", options[qos]);
        return mvt_mqtt_expect(channel, "in", "hello", qos);
}

static void expect_found(const char *id, const char *word)
{
        const struct mvsim_finding *finding = mvsim_finding(0);
        ck_assert_msg(finding != NULL, "nothing was found");
        ck_assert_str_eq(finding->id, id);
        ck_assert_uint_eq(finding->count, 1);
        ck_assert_msg(strstr(finding->message, word) != NULL, "%s", finding->message);
        ck_assert_ptr_null(mvsim_finding(1));
}

START_TEST(messages_are_never_acknowledged)
{
        receive(1);
        receive(2);
        receive(0);
        mvt_channel_close(&channel);
        expect_found("message-unacknowledged", "2 messages of QoS 1 or 2");
}
END_TEST

START_TEST(one_message_is_not_acknowledged)
{
        receive(1);
        expect_okay(mvMqttAcknowledgeMessage(channel, receive(2)));
        mvt_channel_close(&channel);
        expect_found("message-unacknowledged", "1 messages of QoS 1 or 2");
}
END_TEST

START_TEST(messages_are_acknowledged)
{
        for (uint32_t i = 0; i < 4; i++)
                expect_okay(mvMqttAcknowledgeMessage(channel, receive(1 + i % 2)));
        mvt_channel_close(&channel);
        ck_assert_ptr_null(mvsim_finding(0));
}
END_TEST

START_TEST(messages_that_are_not_read_need_no_acknowledgement)
{
        mvt_broker_publish(&broker, "in", "hello", "-q 1");
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED);
        mvt_channel_close(&channel);
        ck_assert_ptr_null(mvsim_finding(0));
}
END_TEST

START_TEST(an_unknown_message_is_acknowledged)
{
        expect_okay(mvMqttAcknowledgeMessage(channel, 77));
        expect_found("acknowledged-unknown", "message 77");
}
END_TEST

START_TEST(a_message_is_acknowledged_twice)
{
        uint32_t id = receive(1);
        expect_okay(mvMqttAcknowledgeMessage(channel, id));
        ck_assert_ptr_null(mvsim_finding(0));
        expect_okay(mvMqttAcknowledgeMessage(channel, id));
        expect_found("acknowledged-unknown", "acknowledged already");
}
END_TEST

START_TEST(a_message_of_qos_0_is_acknowledged)
{
        expect_okay(mvMqttAcknowledgeMessage(channel, receive(0)));
        expect_found("acknowledged-qos0", "QoS 0");
        ck_assert_int_eq(mvsim_finding(0)->level, MVSIM_LINT_NOTE);
}
END_TEST

/* Another channel, whose connect request is refused at first. */
static void try_to_connect(bool heeded)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        struct MvMqttConnectResponse response;
        mvt_channel_close(&channel);
        channel = mvt_mqtt_open(0);
        request.host.length = 0;
        expect_reject(mvMqttRequestConnect(channel, &request), MV_STATUS_REQUIREDELEMENTMISSING, "host.length");
        request = mvt_mqtt_request();
        if (heeded)
                mvt_mqtt_connect(channel, &request);
        else
                expect_reject(mvMqttReadConnectResponse(channel, &response), MV_STATUS_RESPONSENOTPRESENT, "handle");
}

START_TEST(the_status_of_a_connect_request_is_ignored)
{
        try_to_connect(false);
        expect_found("status-ignored", "mvMqttRequestConnect");
}
END_TEST

START_TEST(the_status_of_a_connect_request_is_heeded)
{
        try_to_connect(true);
        ck_assert_ptr_null(mvsim_finding(0));
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("lints of MQTT");
        TCase *tests = tcase_create("acknowledging");
        tcase_add_checked_fixture(tests, boot, end);
        tcase_add_test(tests, messages_are_never_acknowledged);
        tcase_add_test(tests, one_message_is_not_acknowledged);
        tcase_add_test(tests, messages_are_acknowledged);
        tcase_add_test(tests, messages_that_are_not_read_need_no_acknowledgement);
        tcase_add_test(tests, an_unknown_message_is_acknowledged);
        tcase_add_test(tests, a_message_is_acknowledged_twice);
        tcase_add_test(tests, a_message_of_qos_0_is_acknowledged);
        tcase_add_test(tests, the_status_of_a_connect_request_is_ignored);
        tcase_add_test(tests, the_status_of_a_connect_request_is_heeded);
        suite_add_tcase(s, tests);
        return s;
}

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

Suite *suite(void)
{
        Suite *s = suite_create("mqtt");
        TCase *virtual_time = tcase_create("virtual time");
        tcase_add_checked_fixture(virtual_time, boot_virtual, end);
        tcase_add_loop_test(virtual_time, an_application_connects_and_disconnects, 0, 2);
        tcase_add_test(virtual_time, a_message_goes_out_at_every_qos);
        tcase_add_test(virtual_time, a_message_comes_in_at_every_qos);
        suite_add_tcase(s, virtual_time);
        TCase *real_time = tcase_create("real time");
        tcase_add_checked_fixture(real_time, boot_real, end);
        tcase_add_loop_test(real_time, an_application_connects_and_disconnects, 0, 2);
        tcase_add_test(real_time, a_message_goes_out_at_every_qos);
        tcase_add_test(real_time, a_message_comes_in_at_every_qos);
        suite_add_tcase(s, real_time);
        return s;
}

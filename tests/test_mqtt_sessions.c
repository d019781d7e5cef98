/* Sessions that the broker keeps: who comes back without a clean start finds his subscriptions, and what came
 * meanwhile. */
#include "broker.h"
#include "mqtt.h"
#include "suite.h"

static struct mvt_broker broker;

static void boot(void)
{
        mvt_broker_start(&broker, NULL);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port});
}

static void end(void)
{
        mvt_online_end();
        mvt_broker_finish(&broker);
}

static MvChannelHandle connect_again(enum MvMqttProtocolVersion version, bool clean_start)
{
        MvChannelHandle channel = mvt_mqtt_open(0);
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.protocol_version = version;
        request.clean_start = clean_start;
        mvt_mqtt_connect(channel, &request);
        return channel;
}

static const enum MvMqttProtocolVersion versions[] = {MV_MQTTPROTOCOLVERSION_V3_1_1, MV_MQTTPROTOCOLVERSION_V5};

START_TEST(a_session_is_taken_up_again)
{
        MvChannelHandle channel = connect_again(versions[_i], false);
        mvt_mqtt_subscribe(channel, "kept", 1);
        mvt_channel_close(&channel);
        mvt_broker_publish(&broker, "kept", "meanwhile", "-q 1");
        channel = connect_again(versions[_i], false);
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "kept", "meanwhile", 1)));
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_clean_start_finds_nothing)
{
        MvChannelHandle channel = connect_again(versions[_i], false);
        mvt_mqtt_subscribe(channel, "kept", 1);
        mvt_channel_close(&channel);
        mvt_broker_publish(&broker, "kept", "meanwhile", "-q 1");
        channel = connect_again(versions[_i], true);
        mvt_mqtt_subscribe(channel, "other", 1);
        mvt_broker_publish(&broker, "other", "now", "-q 1");
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "other", "now", 1)));
        mvt_channel_close(&channel);
}
END_TEST

/* With TLS, where the first bytes are tried before the connection stands. */
START_TEST(nobody_listens)
{
        mvt_broker_stop(&broker);
        mvt_online_end();
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .tls = true});
        MvChannelHandle channel = mvt_mqtt_open(0);
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        ck_assert_int_eq(mvt_mqtt_answer(channel, &request).request_state, MV_MQTTREQUESTSTATE_SOCKETERROR);
        mvt_channel_close(&channel);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt_sessions");
        TCase *tests = tcase_create("sessions");
        tcase_add_checked_fixture(tests, boot, end);
        tcase_add_loop_test(tests, a_session_is_taken_up_again, 0, 2);
        tcase_add_loop_test(tests, a_clean_start_finds_nothing, 0, 2);
        tcase_add_test(tests, nobody_listens);
        suite_add_tcase(s, tests);
        return s;
}

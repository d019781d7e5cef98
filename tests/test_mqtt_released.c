/*
 * Messages of QoS 2 that the broker releases (PUBREL) over another connection than the one it sent them on. The test is
 * the broker, packet for packet.
 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mqtt.h"
#include "process.h"
#include "suite.h"

#define CONNECT    0x10
#define PUBREC     0x50
#define PUBCOMP    0x70
#define DISCONNECT 0xe0

static int listener = -1, connection = -1;
static MvChannelHandle channel;

/* ---- the broker ---- */

static void hang_up(void)
{
        if (connection >= 0)
                close(connection);
        connection = -1;
}

static void receive(void *ret_bytes, size_t len)
{
        ck_assert_int_eq(recv(connection, ret_bytes, len, MSG_WAITALL), (ssize_t)len);
}

/* A packet of less than 128 bytes. */
static void expect_packet(uint8_t type)
{
        uint8_t head[2], rest[128];
        receive(head, sizeof head);
        ck_assert_uint_eq(head[0] & 0xf0, type);
        ck_assert_uint_lt(head[1], sizeof rest);
        receive(rest, head[1]);
}

static void send_bytes(const char *bytes, size_t len)
{
        ck_assert_int_eq(send(connection, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

#define SEND(bytes_) send_bytes((bytes_), sizeof(bytes_) - 1)

static void accept_client(bool knows_session)
{
        connection = accept(listener, NULL, NULL);
        ck_assert_int_ge(connection, 0);
        expect_packet(CONNECT);
        if (knows_session)
                SEND("\x20\x03\x01\x00\x00");
        else
                SEND("\x20\x03\x00\x00\x00");
}

static void expect_no_connection(void)
{
        uint8_t byte;
        ck_assert_int_le(recv(connection, &byte, 1, 0), 0);
        hang_up();
}

/* ---- the device ---- */

static void ask_to_connect(const char *username)
{
        const struct MvMqttAuthentication login = {.method = MV_MQTTAUTHENTICATIONMETHOD_USERNAMEPASSWORD,
                                                   .username_password = {mvt_sized(username), mvt_sized("secret")}};
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.clean_start = 0;
        request.authentication = login;
        channel = mvt_mqtt_open(0);
        expect_okay(mvMqttRequestConnect(channel, &request));
}

static void expect_connected(void)
{
        struct MvMqttConnectResponse response;
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE);
        expect_okay(mvMqttReadConnectResponse(channel, &response));
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(response.reason_code, 0);
}

/* The broker has sent "1" as packet 5 and knows that it has come, when the connection ends. */
static void leave_unreleased(bool broker_ends)
{
        ask_to_connect("user");
        accept_client(false);
        expect_connected();
        SEND("\x34\x08\x00\x02in\x00\x05\x00"
             "1");
        expect_packet(PUBREC);
        if (broker_ends) {
                hang_up();
                mvt_mqtt_disconnected(channel);
        }
        mvt_channel_close(&channel);
        if (!broker_ends)
                expect_no_connection();
}

/* ---- fixture ---- */

static void set_up(void)
{
        uint16_t port = 0;
        listener = mvt_listen(&port);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = port});
}

static void tear_down(void)
{
        if (channel)
                mvt_channel_close(&channel);
        hang_up();
        close(listener);
        mvt_online_end();
}

/* ---- tests ---- */

START_TEST(what_is_released_over_the_next_connection_comes_once)
{
        leave_unreleased(_i);
        ask_to_connect("user");
        accept_client(true);
        expect_connected();
        SEND("\x62\x02\x00\x05");
        expect_packet(PUBCOMP);
        expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "1", 2)));
        SEND("\x62\x02\x00\x05");
        expect_packet(PUBCOMP);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
}
END_TEST

START_TEST(it_waits_over_a_connection_that_is_refused)
{
        leave_unreleased(true);
        ask_to_connect("user");
        connection = accept(listener, NULL, NULL);
        expect_packet(CONNECT);
        SEND("\x20\x03\x00\x88\x00"); /* server unavailable */
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE);
        mvt_channel_close(&channel);
        hang_up();
        ask_to_connect("user");
        accept_client(true);
        expect_connected();
        SEND("\x62\x02\x00\x05");
        mvt_mqtt_expect(channel, "in", "1", 2);
}
END_TEST

/* The packet's number is another message's by then. */
START_TEST(what_a_broker_has_forgotten_does_not_come)
{
        leave_unreleased(true);
        ask_to_connect("user");
        accept_client(false); /* it is asked again, by one who knows nothing either */
        expect_no_connection();
        accept_client(false);
        expect_connected();
        SEND("\x34\x08\x00\x02in\x00\x05\x00"
             "2");
        expect_packet(PUBREC);
        SEND("\x62\x02\x00\x05");
        mvt_mqtt_expect(channel, "in", "2", 2);
}
END_TEST

/* Who says something else in its CONNECT is not taken for the same, although the broker may know the session. */
START_TEST(another_login_begins_without_it)
{
        leave_unreleased(true);
        ask_to_connect("somebody else");
        accept_client(true);
        expect_connected();
        SEND("\x62\x02\x00\x05");
        expect_packet(PUBCOMP);
        mvsim_run_for(50000);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
}
END_TEST

/* A publication that was answered NOTCONNECTED does not go out later. */
START_TEST(a_publication_that_failed_is_not_sent_again)
{
        ask_to_connect("user");
        accept_client(false);
        expect_connected();
        expect_okay(mvt_mqtt_try_publish(channel, 1, "out", "x", 1, 0));
        expect_packet(0x30);
        hang_up();
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        ck_assert_int_eq(mvt_mqtt_published(channel).request_state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
        mvt_channel_close(&channel);
        ask_to_connect("user");
        accept_client(true);
        expect_connected();
        expect_okay(mvMqttRequestDisconnect(channel));
        expect_packet(DISCONNECT);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("mqtt released");
        TCase *tests = tcase_create("released later");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_loop_test(tests, what_is_released_over_the_next_connection_comes_once, 0, 2);
        tcase_add_test(tests, it_waits_over_a_connection_that_is_refused);
        tcase_add_test(tests, what_a_broker_has_forgotten_does_not_come);
        tcase_add_test(tests, another_login_begins_without_it);
        tcase_add_test(tests, a_publication_that_failed_is_not_sent_again);
        suite_add_tcase(suite, tests);
        return suite;
}

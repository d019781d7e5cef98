/* Connections that do not come about, brokers that refuse, and connections that end: each its own way. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker.h"
#include "mqtt.h"
#include "mqtt_peer.h"
#include "process.h"
#include "suite.h"

static struct mvt_broker broker;
static struct mvt_mqtt_peer peer;
static MvChannelHandle channel;

static void end(void)
{
        if (channel)
                mvt_channel_close(&channel);
        mvt_online_end();
        mvt_mqtt_peer_finish(&peer);
        mvt_broker_finish(&broker);
}

static void boot_with(const struct mvt_broker_options *options)
{
        mvt_broker_start(&broker, options);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port});
        channel = mvt_mqtt_open(0);
}

#define boot_with_peer(...)                               \
        boot_peer((const struct mvt_step[]){__VA_ARGS__}, \
                  sizeof((const struct mvt_step[]){__VA_ARGS__}) / sizeof(struct mvt_step))

static void boot_peer(const struct mvt_step *steps, unsigned count)
{
        mvt_mqtt_peer_start(&peer, steps, count);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = peer.port, .mqtt = "  connect_ms: 300\n"});
        channel = mvt_mqtt_open(0);
}

static void connect_with(enum MvMqttProtocolVersion version)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.protocol_version = version;
        mvt_mqtt_connect(channel, &request);
}

static void expect_answer(const struct MvMqttConnectRequest *request, enum MvMqttRequestState state, uint32_t code)
{
        struct MvMqttConnectResponse response = mvt_mqtt_answer(channel, request);
        ck_assert_int_eq(response.request_state, state);
        ck_assert_uint_eq(response.reason_code, code);
}

/* The connection ends without being asked to, with this code, and the channel is still there. */
static void expect_end(uint32_t code)
{
        struct MvMqttDisconnectResponse response = mvt_mqtt_disconnected(channel);
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(response.disconnect_code, code);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
}

static void expect_published(enum MvMqttRequestState state)
{
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        ck_assert_int_eq(mvt_mqtt_published(channel).request_state, state);
}

/* ---- what the broker is asked for ---- */

static const struct MvMqttWill wills[] = {
        {{(const uint8_t *)"will", 4}, {(const uint8_t *)"gone", 4}, 2, 1},
        {{(const uint8_t *)"will", 4}, {(const uint8_t *)"gone", 4}, 1, 0},
};

/* The packet's variable header, without properties, and its payload from the client id on. */
static const struct {
        enum MvMqttProtocolVersion version;
        uint8_t clean_start;
        uint32_t keepalive;
        const char *user, *password;
        const struct MvMqttWill *will;
        const char *header, *payload;
        size_t payload_len;
} connects[] = {
#define PAYLOAD(text) text, sizeof(text) - 1
#define ID            "\0\014" MVT_CLIENT_ID
        {MV_MQTTPROTOCOLVERSION_V3_1_1, 1, 60, NULL, NULL, NULL, "\0\4MQTT\4\x02\0\x3c", PAYLOAD(ID)},
        {MV_MQTTPROTOCOLVERSION_V5, 1, 0xffff, NULL, NULL, NULL, "\0\4MQTT\5\x02\xff\xff", PAYLOAD(ID)},
        {MV_MQTTPROTOCOLVERSION_V5, 0, 0, NULL, NULL, NULL, "\0\4MQTT\5\0\0\0", PAYLOAD(ID)},
        /* libmosquitto has no shorter time than five seconds */
        {MV_MQTTPROTOCOLVERSION_V3_1_1, 0, 1, NULL, NULL, NULL, "\0\4MQTT\4\0\0\5", PAYLOAD(ID)},
        {MV_MQTTPROTOCOLVERSION_V3_1_1, 1, 5, "me", "secret", &wills[0], "\0\4MQTT\4\xf6\0\5",
         PAYLOAD(ID "\0\4will\0\4gone\0\2me\0\6secret")},
        {MV_MQTTPROTOCOLVERSION_V5, 1, 300, "me", "", &wills[1], "\0\4MQTT\5\x8e\1\x2c",
         PAYLOAD(ID "\0\0\4will\0\4gone\0\2me")},
#undef ID
#undef PAYLOAD
};

static size_t read_connect(int listener, uint8_t *ret, size_t size)
{
        int fd = accept(listener, NULL, NULL);
        ck_assert_int_ge(fd, 0);
        size_t len = 0;
        while (len < 2 || len < 2u + ret[1]) {
                ssize_t got = read(fd, ret + len, size - len);
                ck_assert_int_gt(got, 0);
                len += (size_t)got;
        }
        close(fd);
        return len;
}

START_TEST(the_broker_is_asked_for_what_the_application_asked_for)
{
        static const uint8_t forever[] = {0x11, 0xff, 0xff, 0xff, 0xff};
        uint8_t packet[128];
        uint16_t port = 0;
        int listener = mvt_listen(&port);
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.protocol_version = connects[_i].version;
        request.clean_start = connects[_i].clean_start;
        request.keepalive = connects[_i].keepalive;
        request.will = connects[_i].will;
        if (connects[_i].user) {
                request.authentication.method = MV_MQTTAUTHENTICATIONMETHOD_USERNAMEPASSWORD;
                request.authentication.username_password.username = mvt_sized(connects[_i].user);
                request.authentication.username_password.password = mvt_sized(connects[_i].password);
        }
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = port});
        channel = mvt_mqtt_open(0);
        expect_okay(mvMqttRequestConnect(channel, &request));
        size_t len = read_connect(listener, packet, sizeof packet);
        close(listener);
        ck_assert_mem_eq(packet + 2, connects[_i].header, 10);
        ck_assert_uint_ge(len, 12 + connects[_i].payload_len);
        ck_assert_mem_eq(packet + len - connects[_i].payload_len, connects[_i].payload, connects[_i].payload_len);
        bool keeps = connects[_i].version == MV_MQTTPROTOCOLVERSION_V5 && !connects[_i].clean_start;
        ck_assert((memmem(packet, len, forever, sizeof forever) != NULL) == keeps);
}
END_TEST

/* ---- no connection ---- */

START_TEST(a_name_that_does_not_resolve)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = 1});
        channel = mvt_mqtt_open(0);
        request.host = mvt_sized("no-such-host.invalid");
        expect_answer(&request, MV_MQTTREQUESTSTATE_NXDOMAIN, 0);
        expect_okay(mvt_mqtt_try_publish(channel, 5, "a", "b", 0, 0));
        expect_published(MV_MQTTREQUESTSTATE_NOTCONNECTED);
}
END_TEST

START_TEST(nobody_listens)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        uint16_t port = 0;
        close(mvt_listen(&port));
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = port});
        channel = mvt_mqtt_open(0);
        expect_answer(&request, MV_MQTTREQUESTSTATE_SOCKETERROR, 0);
}
END_TEST

START_TEST(the_broker_hangs_up_before_it_answers)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with_peer({.on = MVT_PACKET_CONNECT, .then = _i ? MVT_PEER_RESET : MVT_PEER_CLOSE});
        expect_answer(&request, MV_MQTTREQUESTSTATE_SOCKETERROR, 0);
}
END_TEST

START_TEST(the_broker_never_answers)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with_peer({.on = MVT_PACKET_CONNECT, .then = MVT_PEER_HOLD});
        expect_answer(&request, MV_MQTTREQUESTSTATE_SOCKETERROR, 0);
}
END_TEST

START_TEST(something_else_than_a_broker_answers)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with_peer({.on = MVT_PACKET_CONNECT, MVT_SEND("HTTP/1.1 400 Bad Request\r\n\r\n")},
                       {.then = MVT_PEER_CLOSE});
        expect_answer(&request, MV_MQTTREQUESTSTATE_SOCKETERROR, 0);
}
END_TEST

START_TEST(a_connection_is_tried_once_a_channel)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        uint16_t port = 0;
        close(mvt_listen(&port));
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = port});
        channel = mvt_mqtt_open(0);
        expect_answer(&request, MV_MQTTREQUESTSTATE_SOCKETERROR, 0);
        expect_reject(mvMqttRequestConnect(channel, &request), MV_STATUS_REQUESTALREADYSENT, "handle");
        mvt_channel_close(&channel);
        channel = mvt_mqtt_open(0);
        expect_answer(&request, MV_MQTTREQUESTSTATE_SOCKETERROR, 0);
}
END_TEST

START_TEST(a_channel_is_closed_while_it_connects)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with_peer({.on = MVT_PACKET_CONNECT, .then = MVT_PEER_HOLD});
        expect_okay(mvMqttRequestConnect(channel, &request));
        if (_i)
                mvsim_run_for(1000);
        mvt_channel_close(&channel);
        mvsim_run_for(500000);
        ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG), 0);
        ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG), 0);
}
END_TEST

/* ---- brokers that refuse ---- */

START_TEST(a_wrong_password_is_refused_with_the_brokers_code)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with(&(struct mvt_broker_options){.user = "somebody", .password = "secret"});
        request.authentication.method = MV_MQTTAUTHENTICATIONMETHOD_USERNAMEPASSWORD;
        request.authentication.username_password.username = mvt_sized("somebody");
        request.authentication.username_password.password = mvt_sized("Secret");
        request.protocol_version = _i ? MV_MQTTPROTOCOLVERSION_V3_1_1 : MV_MQTTPROTOCOLVERSION_V5;
        expect_answer(&request, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED, _i ? 5 : 0x87);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        mvt_channel_close(&channel);
        channel = mvt_mqtt_open(0);
        request.authentication.username_password.password = mvt_sized("secret");
        mvt_mqtt_connect(channel, &request);
}
END_TEST

START_TEST(nobody_is_let_in_without_a_password)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with(&(struct mvt_broker_options){.user = "somebody", .password = "secret"});
        expect_answer(&request, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED, 0x87);
}
END_TEST

START_TEST(a_broker_of_the_old_kind_only_says_so)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with_peer({.on = MVT_PACKET_CONNECT, MVT_SEND("\x20\x02\x00\x01"), .then = MVT_PEER_CLOSE});
        struct MvMqttConnectResponse response = mvt_mqtt_answer(channel, &request);
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(response.reason_code, 0x84);
}
END_TEST

START_TEST(every_code_of_a_refusal_is_handed_on)
{
        static const char refusal[] = "\x20\x03\x00\x97\x00"; /* quota exceeded */
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with_peer({.on = MVT_PACKET_CONNECT, MVT_SEND(refusal), .then = MVT_PEER_CLOSE});
        expect_answer(&request, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED, 0x97);
}
END_TEST

START_TEST(a_topic_that_is_not_allowed_has_its_own_code)
{
        char lines[512], path[MVT_PATH_SIZE];
        struct mvt_tempdir dir;
        static const char rights[] = "topic readwrite mine/#\n";
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "rights");
        mvt_write_file(path, rights, sizeof rights - 1);
        snprintf(lines, sizeof lines, "acl_file %s\n", path);
        boot_with(&(struct mvt_broker_options){.lines = lines});
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        mvt_mqtt_publish(channel, "yours/topic", "payload", 1, 0x87);
        mvt_mqtt_publish(channel, "yours/topic", "payload", 2, 0x87);
        mvt_mqtt_subscribe(channel, "mine/topic", 1);
        mvt_mqtt_publish(channel, "mine/other", "payload", 1, 0x10); /* nobody subscribes to it */
        mvt_tempdir_remove(&dir);
}
END_TEST

START_TEST(the_code_of_a_message_of_qos_2_is_that_of_either_answer)
{
        boot_with_peer({.on = MVT_PACKET_CONNECT, MVT_SEND(MVT_CONNACK_5)},
                       {.on = MVT_PACKET_PUBLISH, MVT_SEND("\x50\x03\xff\xfe\x10")}, /* nobody subscribes to it */
                       {.on = MVT_PACKET_PUBREL, MVT_SEND("\x70\x02\xff\xfe")},
                       {.on = MVT_PACKET_PUBLISH, MVT_SEND("\x50\x02\xff\xfe")},
                       {.on = MVT_PACKET_PUBREL, MVT_SEND("\x70\x03\xff\xfe\x92")},
                       {.on = MVT_PACKET_PUBLISH, MVT_SEND("\x50\x03\xff\xfe\x97")});
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        mvt_mqtt_publish(channel, "a", "b", 2, 0x10);
        mvt_mqtt_publish(channel, "a", "b", 2, 0x92);
        mvt_mqtt_publish(channel, "a", "b", 2, 0x97);
}
END_TEST

/* A broker of MQTT 5 says with its CONNACK what it can; what it cannot is not sent to it. */
START_TEST(what_the_broker_said_it_cannot_do_is_answered_with_its_code)
{
        static const struct {
                const char *connack;
                uint32_t len, qos, code;
        } limits[] = {
                {"\x20\x05\x00\x00\x02\x24\x01", 7, 2, 0x9b},              /* no QoS above 1 */
                {"\x20\x08\x00\x00\x05\x27\x00\x00\x00\x18", 10, 1, 0x95}, /* no packet above 24 bytes */
                {"\x20\x08\x00\x00\x05\x27\x00\x00\x00\x18", 10, 0, 0x95},
        };
        boot_with_peer({.on = MVT_PACKET_CONNECT, .bytes = limits[_i].connack, .len = limits[_i].len},
                       {.on = MVT_PACKET_PUBLISH, MVT_SEND("\x40\x02\xff\xfe")});
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        expect_okay(mvt_mqtt_try_publish(channel, 1, "a", "a payload that is long", limits[_i].qos, 0));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        struct MvMqttPublishResponse response = mvt_mqtt_published(channel);
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(response.reason_code, limits[_i].code);
        mvt_mqtt_publish(channel, "a", "b", 1, 0); /* the connection goes on */
}
END_TEST

/* ---- connections that end ---- */

START_TEST(the_broker_is_killed)
{
        boot_with(NULL);
        connect_with(_i ? MV_MQTTPROTOCOLVERSION_V3_1_1 : MV_MQTTPROTOCOLVERSION_V5);
        mvt_broker_kill(&broker);
        expect_end(0);
        ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG), 0);
        mvt_channel_close(&channel);
        mvt_broker_restart(&broker);
        channel = mvt_mqtt_connected();
        mvt_mqtt_publish(channel, "a", "b", 1, 0x10); /* nobody subscribes to it */
}
END_TEST

START_TEST(another_client_takes_the_id_over)
{
        boot_with(NULL);
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        mvt_broker_publish(&broker, "a", "b", "-V 5 -i " MVT_CLIENT_ID);
        expect_end(0); /* this broker gives no code */
}
END_TEST

START_TEST(a_disconnect_with_a_code_is_handed_on)
{
        static const struct {
                const char *packet;
                uint32_t len, code;
        } ends[] = {
                {"\xe0\x02\x97\x00", 4, 0x97},
                {"\xe0\x01\x8e", 3, 0x8e}, /* the session was taken over */
                {"\xe0\x02\x8b\x00", 4, 0x8b},
                {"\xe0\x00", 2, 0},
        };
        boot_with_peer({.on = MVT_PACKET_CONNECT, MVT_SEND(MVT_CONNACK_5)},
                       {MVT_PACKET_PUBLISH, ends[_i].packet, ends[_i].len, MVT_PEER_CLOSE});
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        expect_okay(mvt_mqtt_try_publish(channel, 9, "a", "b", 1, 0));
        expect_published(MV_MQTTREQUESTSTATE_NOTCONNECTED); /* what was under way is answered first */
        expect_end(ends[_i].code);
}
END_TEST

START_TEST(bytes_that_are_no_packet_end_the_connection)
{
        boot_with_peer({.on = MVT_PACKET_CONNECT, MVT_SEND(MVT_CONNACK_5)},
                       {.on = MVT_PACKET_PUBLISH, MVT_SEND("\xf0\xff\xff\xff\xff\xff")});
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        expect_okay(mvt_mqtt_try_publish(channel, 9, "a", "b", 1, 0));
        expect_published(MV_MQTTREQUESTSTATE_NOTCONNECTED);
        mvt_mqtt_disconnected(channel);
}
END_TEST

START_TEST(the_network_is_lost)
{
        boot_with(NULL);
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG) == 1);
        enum MvMqttReadableDataType type;
        expect_reject(mvMqttGetNextReadableDataType(channel, &type), MV_STATUS_CHANNELCLOSED, "handle");
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NETWORKDISCONNECTED);
        mvt_channel_close(&channel);
        mvsim_network_up();
        mvt_network_wait(mvt_online.network, MV_NETWORKSTATUS_CONNECTED);
        channel = mvt_mqtt_connected();
}
END_TEST

/* ---- brokers that take their time ---- */

START_TEST(a_slow_broker_is_waited_for)
{
        boot_with(NULL);
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        mvt_broker_pause(&broker);
        expect_okay(mvt_mqtt_try_publish(channel, 1, "a", "b", 1, 0));
        expect_okay(mvt_mqtt_try_subscribe(channel, 2, "a", 0));
        mvsim_run_for(20000);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        mvt_broker_continue(&broker);
        expect_published(MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        ck_assert_uint_eq(mvt_mqtt_subscribed(channel).id, 2);
}
END_TEST

START_TEST(a_channel_is_closed_while_its_broker_says_nothing)
{
        boot_with(NULL);
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        mvt_broker_pause(&broker);
        expect_okay(mvt_mqtt_try_publish(channel, 1, "a", "b", 1, 0));
        mvt_channel_close(&channel);
        mvt_broker_continue(&broker);
        mvsim_run_for(10000);
        channel = mvt_mqtt_connected();
}
END_TEST

START_TEST(the_device_is_switched_off_while_connected)
{
        boot_with(NULL);
        mvt_device_leaves_handles();
        connect_with(MV_MQTTPROTOCOLVERSION_V5);
        expect_okay(mvt_mqtt_try_publish(channel, 1, "a", "b", 1, 0));
        channel = NULL;
        mvt_online.centre = NULL;
        mvt_online.network = NULL;
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt trouble");
        TCase *asked = tcase_create("asked for");
        tcase_add_checked_fixture(asked, NULL, end);
        tcase_add_loop_test(asked, the_broker_is_asked_for_what_the_application_asked_for, 0,
                            (int)(sizeof connects / sizeof connects[0]));
        suite_add_tcase(s, asked);
        TCase *none = tcase_create("no connection");
        tcase_add_checked_fixture(none, NULL, end);
        tcase_add_test(none, a_name_that_does_not_resolve);
        tcase_add_test(none, nobody_listens);
        tcase_add_loop_test(none, the_broker_hangs_up_before_it_answers, 0, 2);
        tcase_add_test(none, the_broker_never_answers);
        tcase_add_test(none, something_else_than_a_broker_answers);
        tcase_add_test(none, a_connection_is_tried_once_a_channel);
        tcase_add_loop_test(none, a_channel_is_closed_while_it_connects, 0, 2);
        suite_add_tcase(s, none);
        TCase *refused = tcase_create("refused");
        tcase_add_checked_fixture(refused, NULL, end);
        tcase_add_loop_test(refused, a_wrong_password_is_refused_with_the_brokers_code, 0, 2);
        tcase_add_test(refused, nobody_is_let_in_without_a_password);
        tcase_add_test(refused, a_broker_of_the_old_kind_only_says_so);
        tcase_add_test(refused, every_code_of_a_refusal_is_handed_on);
        tcase_add_test(refused, a_topic_that_is_not_allowed_has_its_own_code);
        tcase_add_test(refused, the_code_of_a_message_of_qos_2_is_that_of_either_answer);
        tcase_add_loop_test(refused, what_the_broker_said_it_cannot_do_is_answered_with_its_code, 0, 3);
        suite_add_tcase(s, refused);
        TCase *ended = tcase_create("ended");
        tcase_add_checked_fixture(ended, NULL, end);
        tcase_add_loop_test(ended, the_broker_is_killed, 0, 2);
        tcase_add_test(ended, another_client_takes_the_id_over);
        tcase_add_loop_test(ended, a_disconnect_with_a_code_is_handed_on, 0, 4);
        tcase_add_test(ended, bytes_that_are_no_packet_end_the_connection);
        tcase_add_test(ended, the_network_is_lost);
        suite_add_tcase(s, ended);
        TCase *slow = tcase_create("slow");
        tcase_add_checked_fixture(slow, NULL, end);
        tcase_add_test(slow, a_slow_broker_is_waited_for);
        tcase_add_test(slow, a_channel_is_closed_while_its_broker_says_nothing);
        tcase_add_test(slow, the_device_is_switched_off_while_connected);
        suite_add_tcase(s, slow);
        return s;
}

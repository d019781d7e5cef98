/* What the log says of connections and requests that MQTT has refused: the broker, the topic, the file, the way out. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker.h"
#include "child.h"
#include "mqtt.h"
#include "mqtt_peer.h"
#include "process.h"
#include "suite.h"

static struct mvt_pki pki;
static struct mvt_broker broker;
static struct mvt_mqtt_peer peer;
static MvChannelHandle channel;
static char said[MVT_OUTPUT_SIZE];

static void end(void)
{
        if (channel)
                mvt_channel_close(&channel);
        mvt_online_end();
        mvt_mqtt_peer_finish(&peer);
        mvt_broker_finish(&broker);
        mvt_pki_finish(&pki);
}

static void boot_with(const struct mvt_mqtt_boot *boot)
{
        mvt_mqtt_boot(boot);
        channel = mvt_mqtt_open(0);
}

/* What the device said is one line: this text behind the channel's handle. */
static void expect_said(const char *text)
{
        char whole[1024];
        snprintf(whole, sizeof whole, "mvsim: MQTT channel 0x%08x: %s\n", (unsigned)(uintptr_t)channel, text);
        ck_assert_str_eq(said, whole);
}

static void fail_to_connect(const struct MvMqttConnectRequest *request)
{
        mvt_capture_begin();
        struct MvMqttConnectResponse response = mvt_mqtt_answer(channel, request);
        mvt_capture_end(said);
        ck_assert(response.request_state != MV_MQTTREQUESTSTATE_REQUESTCOMPLETED || response.reason_code != 0);
}

/* ---- which broker, and why ---- */

START_TEST(a_name_that_does_not_resolve_is_named_with_the_way_around_it)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with(&(struct mvt_mqtt_boot){.port = 1});
        request.host = mvt_sized("No-Such-Host.invalid");
        request.port = 1884;
        fail_to_connect(&request);
        ck_assert_msg(strstr(said, ": the connection to mqtts://no-such-host.invalid:1884 did not come about: "), "%s",
                      said);
        ck_assert_msg(strstr(said, " (mqtt.rewrite in the profile can name a broker that stands in)\n"), "%s", said);
}
END_TEST

START_TEST(a_stand_in_is_named_with_what_it_stands_in_for)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        char text[256];
        uint16_t port = 0;
        close(mvt_listen(&port));
        boot_with(&(struct mvt_mqtt_boot){.port = port});
        fail_to_connect(&request);
        snprintf(text, sizeof text,
                 "the connection to mqtt://127.0.0.1:%u, which stands in for broker.example.com:8883 (mqtt.rewrite), "
                 "did not come about: Connection refused",
                 port);
        expect_said(text);
}
END_TEST

START_TEST(an_address_of_ipv6_stands_in_brackets)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with(&(struct mvt_mqtt_boot){.port = 1});
        request.host = mvt_sized("::1");
        request.port = 1;
        fail_to_connect(&request);
        ck_assert_msg(strstr(said, "the connection to mqtts://[::1]:1 did not come about: "), "%s", said);
}
END_TEST

START_TEST(a_host_that_cannot_be_one_is_shown_as_far_as_it_can_be)
{
        static const struct {
                struct MvSizedString host;
                uint16_t port;
                const char *text;
        } wrong[] = {
                {{(const uint8_t *)"two\nlines", 9}, 8883, "two?lines:8883"},
                {{(const uint8_t *)"zero\0byte", 9}, 8883, "zero?byte:8883"},
                {{(const uint8_t *)"broker", 6}, 0, "broker:0"},
        };
        char text[256];
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with(&(struct mvt_mqtt_boot){.port = 1});
        request.host = wrong[_i].host;
        request.port = wrong[_i].port;
        fail_to_connect(&request);
        snprintf(text, sizeof text,
                 "the connection to %s did not come about: there can be no such host, or the port is 0 (a host has 1 "
                 "to 255 printable characters and no blanks)",
                 wrong[_i].text);
        expect_said(text);
}
END_TEST

START_TEST(a_broker_that_takes_too_long_is_named_with_the_key)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_peer_start(&peer, &(struct mvt_step){.on = MVT_PACKET_CONNECT, .then = MVT_PEER_HOLD}, 1);
        boot_with(&(struct mvt_mqtt_boot){.port = peer.port, .mqtt = "  connect_ms: 300\n"});
        fail_to_connect(&request);
        ck_assert_msg(strstr(said, "did not come about: the broker did not answer within 300 ms (mqtt.connect_ms)\n"),
                      "%s", said);
}
END_TEST

START_TEST(what_a_broker_refuses_with_is_put_into_words)
{
        static const struct {
                enum MvMqttProtocolVersion version;
                const char *packet;
                uint32_t len;
                const char *words;
        } refusals[] = {
                {MV_MQTTPROTOCOLVERSION_V5, "\x20\x03\x00\x86\x00", 5, " (code 0x86)\n"},
                {MV_MQTTPROTOCOLVERSION_V3_1_1, "\x20\x02\x00\x04", 4, "it: bad user name or password (code 0x04)\n"},
                {MV_MQTTPROTOCOLVERSION_V3_1_1, "\x20\x02\x00\x05", 4, "it: not authorised (code 0x05)\n"},
        };
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        const struct mvt_step step = {MVT_PACKET_CONNECT, refusals[_i].packet, refusals[_i].len, MVT_PEER_CLOSE};
        mvt_mqtt_peer_start(&peer, &step, 1);
        boot_with(&(struct mvt_mqtt_boot){.port = peer.port});
        request.protocol_version = refusals[_i].version;
        fail_to_connect(&request);
        ck_assert_msg(strstr(said, "did not come about: the broker refuses it: "), "%s", said);
        ck_assert_msg(strstr(said, refusals[_i].words), "%s", said);
}
END_TEST

/* ---- whom to trust ---- */

static void boot_tls(const char *names, int days, const char *ca_file)
{
        struct mvt_certificate own;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, names, days, &own);
        mvt_broker_start(&broker, &(struct mvt_broker_options){.certificate = &own});
        boot_with(
                &(struct mvt_mqtt_boot){.port = broker.port, .tls = true, .ca_file = ca_file ? ca_file : pki.ca_file});
}

START_TEST(an_unknown_authority_is_told_with_where_to_put_it)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        struct mvt_pki other;
        mvt_pki_init(&other);
        boot_tls("DNS:" MVT_BROKER_HOST, 30, other.ca_file);
        fail_to_connect(&request);
        ck_assert_msg(strstr(said, " (its authority must stand in mqtt.ca_file, or in the request's cacert)\n"), "%s",
                      said);
        ck_assert_msg(strstr(said, "the connection to mqtts://127.0.0.1:"), "%s", said);
        mvt_pki_finish(&other);
}
END_TEST

START_TEST(a_certificate_in_another_name_is_told_with_the_names_that_would_do)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_tls("DNS:other.example.com", 30, NULL);
        fail_to_connect(&request);
        ck_assert_msg(strstr(said, " (the certificate must be in the name broker.example.com or 127.0.0.1)\n"), "%s",
                      said);
}
END_TEST

/* The path and the reason, whatever is wrong with the file. */
START_TEST(authorities_that_cannot_be_read_are_named)
{
        static const struct {
                const char *name, *why;
        } files[] = {
                {"missing.pem", "No such file or directory"},
                {"a-directory", "it is no regular file"},
                {"a-pipe", "it is no regular file"},
                {"empty.pem", "there is no certificate in PEM in it, or a damaged one"},
                {"text.pem", "there is no certificate in PEM in it, or a damaged one"},
        };
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        struct mvt_tempdir dir;
        char path[MVT_PATH_SIZE], text[512];
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "a-directory");
        ck_assert_int_eq(mkdir(path, 0777), 0);
        mvt_path(path, &dir, "a-pipe");
        ck_assert_int_eq(mkfifo(path, 0666), 0);
        mvt_path(path, &dir, "empty.pem");
        mvt_write_file(path, "", 0);
        mvt_path(path, &dir, "text.pem");
        mvt_write_file(path, "no certificate\n", 15);
        mvt_path(path, &dir, files[_i].name);
        boot_tls("DNS:" MVT_BROKER_HOST, 30, path);
        fail_to_connect(&request);
        snprintf(text, sizeof text, "did not come about: mqtt.ca_file %s: %s\n", path, files[_i].why);
        ck_assert_msg(strstr(said, text), "%s", said);
        mvt_tempdir_remove(&dir);
}
END_TEST

/* ---- topics ---- */

static void fail_to_publish(const char *topic, uint32_t len)
{
        const struct MvMqttPublishRequest request = {
                .correlation_id = 5, .topic = {(const uint8_t *)topic, len}, .payload = mvt_sized("b")};
        mvt_capture_begin();
        expect_okay(mvMqttRequestPublish(channel, &request));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        mvt_capture_end(said);
        ck_assert_int_eq(mvt_mqtt_published(channel).request_state, MV_MQTTREQUESTSTATE_INVALIDPARAMETERS);
}

static void connect_now(void)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_broker_start(&broker, NULL);
        boot_with(&(struct mvt_mqtt_boot){.port = broker.port});
        mvt_mqtt_connect(channel, &request);
}

START_TEST(a_topic_that_is_none_is_shown_with_the_rule)
{
        static const struct {
                const char *topic;
                uint32_t len;
                const char *text;
        } wrong[] = {
                {"a/+/b", 5, "the topic \"a/+/b\" has + or # in it, which only subscriptions may have"},
                {"a\0b", 3, "the topic \"a\\x00b\" has a zero byte in it"},
                {"\"\xff\n", 3, "the topic \"\\x22\\xff\\x0a\" is not UTF-8"},
                {"0123456789012345678901234567890123456789#", 41,
                 "the topic \"0123456789012345678901234567890123456789\"... has + or # in it, which only "
                 "subscriptions may have"},
        };
        char text[512];
        connect_now();
        fail_to_publish(wrong[_i].topic, wrong[_i].len);
        snprintf(text, sizeof text, "a request failed: %s", wrong[_i].text);
        expect_said(text);
}
END_TEST

START_TEST(a_filter_that_is_none_is_shown_with_the_rule)
{
        connect_now();
        mvt_capture_begin();
        if (_i)
                expect_okay(mvt_mqtt_try_unsubscribe(channel, 1, "a/b#"));
        else
                expect_okay(mvt_mqtt_try_subscribe(channel, 1, "a/b#", 0));
        mvt_mqtt_await(channel,
                       _i ? MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE : MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        mvt_capture_end(said);
        expect_said(
                "a request failed: the topic filter \"a/b#\" breaks MQTT's rules: + stands for a whole level, # for "
                "the last ones");
}
END_TEST

START_TEST(the_topic_of_a_will_is_shown_too)
{
        const struct MvMqttWill will = {.topic = mvt_sized("a/#"), .payload = mvt_sized("gone")};
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_broker_start(&broker, NULL);
        boot_with(&(struct mvt_mqtt_boot){.port = broker.port});
        request.will = &will;
        fail_to_connect(&request);
        ck_assert_msg(strstr(said, ": the will's topic \"a/#\" has + or # in it, which only subscriptions may have\n"),
                      "%s", said);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt messages");
        TCase *brokers = tcase_create("brokers");
        tcase_add_checked_fixture(brokers, NULL, end);
        tcase_add_test(brokers, a_name_that_does_not_resolve_is_named_with_the_way_around_it);
        tcase_add_test(brokers, a_stand_in_is_named_with_what_it_stands_in_for);
        tcase_add_test(brokers, an_address_of_ipv6_stands_in_brackets);
        tcase_add_loop_test(brokers, a_host_that_cannot_be_one_is_shown_as_far_as_it_can_be, 0, 3);
        tcase_add_test(brokers, a_broker_that_takes_too_long_is_named_with_the_key);
        tcase_add_loop_test(brokers, what_a_broker_refuses_with_is_put_into_words, 0, 3);
        suite_add_tcase(s, brokers);
        TCase *trust = tcase_create("trust");
        tcase_add_checked_fixture(trust, NULL, end);
        tcase_add_test(trust, an_unknown_authority_is_told_with_where_to_put_it);
        tcase_add_test(trust, a_certificate_in_another_name_is_told_with_the_names_that_would_do);
        tcase_add_loop_test(trust, authorities_that_cannot_be_read_are_named, 0, 5);
        suite_add_tcase(s, trust);
        TCase *topics = tcase_create("topics");
        tcase_add_checked_fixture(topics, NULL, end);
        tcase_add_loop_test(topics, a_topic_that_is_none_is_shown_with_the_rule, 0, 4);
        tcase_add_loop_test(topics, a_filter_that_is_none_is_shown_with_the_rule, 0, 2);
        tcase_add_test(topics, the_topic_of_a_will_is_shown_too);
        suite_add_tcase(s, topics);
        return s;
}

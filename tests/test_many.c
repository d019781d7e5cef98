/*
 * Four channels, one of each kind, busy at once against real servers: nothing is lost, nothing comes twice, nothing
 * comes out of another channel. For two seconds here; MVSIM_MANY_S says otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "echo.h"
#include "mvsim/cortex.h"
#include "online.h"
#include "peer.h"
#include "suite.h"

enum kind {
        HTTP,
        CONFIG,
        MQTT,
        OPAQUE,
        KINDS,
};

static struct mvt_pki pki;
static struct mvt_peer peer;
static struct mvt_broker broker;
static struct mvt_echo echo;

/* ---- what the four share ---- */

struct line {
        MvChannelHandle channel;
        volatile unsigned readable, space, lost; /* events that the handler has counted */
        unsigned read;                           /* of `readable`, those that were dealt with */
        unsigned rounds;
};

static struct line lines[KINDS];
static struct {
        uint8_t send[4096];
        uint8_t receive[4096];
} buffers[KINDS] __attribute__((aligned(4096))); /* pages of their own, so that nothing else is slow */
static struct MvNotification ring[16] __attribute__((aligned(8)));
static volatile unsigned ring_index, strange;
static MvNotificationHandle centre;
static MvNetworkHandle network;
static bool closing_down; /* what is under way ends, nothing new begins */

static void on_record(void)
{
        const struct MvNotification *record = &ring[ring_index];
        ring_index = (ring_index + 1) % 16;
        if (record->tag >= KINDS) {
                strange += record->tag != KINDS; /* which is the network's */
                return;
        }
        struct line *line = &lines[record->tag];
        switch (record->event_type) {
        case MV_EVENTTYPE_CHANNELDATAREADABLE: line->readable++; break;
        case MV_EVENTTYPE_CHANNELDATAWRITESPACE: line->space++; break;
        case MV_EVENTTYPE_CHANNELNOTCONNECTED: line->lost++; break;
        default: strange++;
        }
}

static void open_line(enum kind kind, const char *endpoint)
{
        static const enum MvChannelType types[KINDS] = {MV_CHANNELTYPE_HTTP, MV_CHANNELTYPE_CONFIGFETCH,
                                                        MV_CHANNELTYPE_MQTT, MV_CHANNELTYPE_OPAQUEBYTES};
        struct line *line = &lines[kind];
        const struct MvOpenChannelParams params = {
                .version = 1,
                .v1 = {centre,
                       kind,
                       network,
                       buffers[kind].receive,
                       sizeof buffers[kind].receive,
                       buffers[kind].send,
                       sizeof buffers[kind].send,
                       types[kind],
                       {(const uint8_t *)endpoint, (uint32_t)strlen(endpoint)}},
        };
        line->read = line->readable;
        expect_okay(mvOpenChannel(&params, &line->channel));
}

static bool has_news(struct line *line)
{
        if (line->read == line->readable && line->lost == 0)
                return false;
        ck_assert_uint_eq(line->lost, 0);
        line->read++;
        return true;
}

static struct MvSizedString text_of(const char *text)
{
        return (struct MvSizedString){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static void close_line(struct line *line)
{
        expect_okay(mvCloseChannel(&line->channel));
        line->rounds++;
}

/* ---- HTTP: the server sends back what it was sent ---- */

static char body[512];

static void send_request(struct line *line)
{
        int len = snprintf(body, sizeof body, "request %u ", line->rounds);
        memset(body + len, 'a' + (int)(line->rounds % 26), line->rounds % 400);
        body[len + (int)(line->rounds % 400)] = '\0';
        const struct MvHttpRequest request = {.method = text_of("POST"),
                                              .url = text_of("https://api.example.com/many"),
                                              .body = text_of(body),
                                              .timeout_ms = 10000};
        expect_okay(mvSendHttpRequest(line->channel, &request));
}

static void check_response(struct line *line)
{
        static char reply[2048];
        struct MvHttpResponseData data;
        expect_okay(mvReadHttpResponseData(line->channel, &data));
        ck_assert_uint_eq(data.status_code, 200);
        ck_assert_uint_lt(data.body_length, sizeof reply);
        expect_okay(mvReadHttpResponseBody(line->channel, 0, (uint8_t *)reply, data.body_length));
        reply[data.body_length] = '\0';
        ck_assert_uint_ge(data.body_length, strlen(body));
        ck_assert_str_eq(reply + data.body_length - strlen(body), body);
}

static bool step_http(struct line *line)
{
        if (!line->channel) {
                if (closing_down)
                        return false;
                open_line(HTTP, "");
                send_request(line);
                return true;
        }
        if (!has_news(line))
                return false;
        check_response(line);
        close_line(line);
        return true;
}

/* ---- configuration: an item that changes from round to round ---- */

static void send_fetch(struct line *line)
{
        char value[32];
        snprintf(value, sizeof value, "value %u", line->rounds);
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, "key", value, strlen(value)), 0);
        const struct MvConfigKeyToFetch key = {MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_CONFIG,
                                               text_of("key")};
        const struct MvConfigKeyFetchParams params = {1, &key};
        expect_okay(mvSendConfigFetchRequest(line->channel, &params));
}

static void check_item(struct line *line)
{
        char expected[32], value[32] = "";
        enum MvConfigKeyFetchResult result;
        uint32_t len;
        const struct MvConfigResponseReadItemParams params = {0, &result, {(uint8_t *)value, sizeof value - 1, &len}};
        expect_okay(mvReadConfigResponseItem(line->channel, &params));
        snprintf(expected, sizeof expected, "value %u", line->rounds);
        ck_assert_str_eq(value, expected);
}

static bool step_config(struct line *line)
{
        if (!line->channel) {
                if (closing_down)
                        return false;
                open_line(CONFIG, "");
                send_fetch(line);
                return true;
        }
        if (!has_news(line))
                return false;
        check_item(line);
        close_line(line);
        return true;
}

/* ---- MQTT: three topics, one for each QoS, whose messages come back to us ---- */

#define IN_FLIGHT 6U

static struct {
        bool connected, subscribed;
        unsigned sent[3], heard[3], unanswered;
} mqtt;

static void mqtt_connect(struct line *line)
{
        const struct MvMqttConnectRequest request = {.protocol_version = MV_MQTTPROTOCOLVERSION_V5,
                                                     .host = text_of("broker.example.com"),
                                                     .port = 8883,
                                                     .clientid = text_of("many"),
                                                     .keepalive = 60,
                                                     .clean_start = 1};
        open_line(MQTT, "");
        expect_okay(mvMqttRequestConnect(line->channel, &request));
}

static void mqtt_subscribe(struct line *line)
{
        const struct MvMqttSubscription topic = {.topic = text_of("many/#"), .desired_qos = 2};
        const struct MvMqttSubscribeRequest request = {1, &topic, 1};
        struct MvMqttConnectResponse response;
        expect_okay(mvMqttReadConnectResponse(line->channel, &response));
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        ck_assert_uint_eq(response.reason_code, 0);
        expect_okay(mvMqttRequestSubscribe(line->channel, &request));
}

static void mqtt_subscribed(struct line *line)
{
        enum MvMqttRequestState state;
        uint32_t id, code, count;
        const struct MvMqttSubscribeResponse response = {&state, &id, &code, 1, &count};
        expect_okay(mvMqttReadSubscribeResponse(line->channel, &response));
        ck_assert_uint_eq(code, 2);
        mqtt.subscribed = true;
}

static void mqtt_publish(struct line *line, unsigned qos)
{
        char topic[16], payload[300];
        snprintf(topic, sizeof topic, "many/%u", qos);
        int len = snprintf(payload, sizeof payload, "%u ", mqtt.sent[qos]);
        memset(payload + len, 'a' + (int)qos, mqtt.sent[qos] % 200);
        const struct MvMqttPublishRequest request = {
                .correlation_id = mqtt.sent[qos],
                .topic = text_of(topic),
                .payload = {(const uint8_t *)payload, (uint32_t)len + mqtt.sent[qos] % 200},
                .desired_qos = qos};
        expect_okay(mvMqttRequestPublish(line->channel, &request));
        mqtt.sent[qos]++;
        mqtt.unanswered++;
}

static void mqtt_published(struct line *line)
{
        struct MvMqttPublishResponse response;
        expect_okay(mvMqttReadPublishResponse(line->channel, &response));
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        mqtt.unanswered--;
}

/* Of each topic in order, none missing, none twice. */
static void mqtt_message(struct line *line)
{
        char topic[32] = "", payload[300] = "";
        uint32_t id, qos, topic_len, payload_len;
        uint8_t retain;
        const struct MvMqttMessage message = {&id,
                                              {(uint8_t *)topic, sizeof topic - 1, &topic_len},
                                              {(uint8_t *)payload, sizeof payload - 1, &payload_len},
                                              &qos,
                                              &retain};
        expect_okay(mvMqttReceiveMessage(line->channel, &message));
        ck_assert_uint_le(qos, 2);
        ck_assert_uint_eq(strtoul(topic + 5, NULL, 10), qos);
        unsigned number = (unsigned)strtoul(payload, NULL, 10);
        ck_assert_uint_eq(number, mqtt.heard[qos]);
        char *tail = strchr(payload, ' ') + 1;
        ck_assert_uint_eq(strlen(tail), number % 200);
        ck_assert_uint_eq(strspn(tail, qos == 0 ? "a" : qos == 1 ? "b" : "c"), number % 200);
        mqtt.heard[qos]++;
        if (qos > 0)
                expect_okay(mvMqttAcknowledgeMessage(line->channel, id));
}

static void mqtt_read(struct line *line)
{
        enum MvMqttReadableDataType type;
        expect_okay(mvMqttGetNextReadableDataType(line->channel, &type));
        switch (type) {
        case MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE: mqtt_subscribe(line); break;
        case MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE: mqtt_subscribed(line); break;
        case MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE: mqtt_published(line); break;
        case MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED: mqtt_message(line); break;
        default: ck_abort_msg("an item of type %d", (int)type);
        }
        line->rounds++;
}

static bool step_mqtt(struct line *line)
{
        if (!line->channel) {
                mqtt_connect(line);
                return true;
        }
        if (has_news(line)) {
                mqtt_read(line);
                return true;
        }
        if (!mqtt.subscribed || closing_down || mqtt.unanswered >= IN_FLIGHT)
                return false;
        mqtt_publish(line, (mqtt.sent[0] + mqtt.sent[1] + mqtt.sent[2]) % 3);
        return true;
}

static bool mqtt_is_quiet(void)
{
        return mqtt.unanswered == 0 && memcmp(mqtt.sent, mqtt.heard, sizeof mqtt.sent) == 0;
}

/* ---- opaque: an endless pattern, sent back ---- */

static struct {
        uint64_t written, read;
        unsigned spaces; /* events that were dealt with */
        bool full;
} opaque;

static uint8_t pattern(uint64_t at)
{
        return (uint8_t)(at * 131 + (at >> 8));
}

static bool opaque_read(struct line *line)
{
        uint8_t *bytes;
        uint32_t len;
        expect_okay(mvReadChannel(line->channel, &bytes, &len));
        uint32_t same = 0;
        while (same < len && bytes[same] == pattern(opaque.read + same))
                same++;
        ck_assert_msg(same == len, "byte %llu is another", (unsigned long long)(opaque.read + same));
        if (len > 0)
                expect_okay(mvReadChannelComplete(line->channel, len));
        opaque.read += len;
        return len > 0;
}

static bool opaque_write(struct line *line)
{
        uint8_t bytes[997];
        uint32_t written;
        for (unsigned i = 0; i < sizeof bytes; i++)
                bytes[i] = pattern(opaque.written + i);
        opaque.spaces = line->space;
        expect_okay(mvWriteChannelStream(line->channel, bytes, sizeof bytes, &written));
        opaque.written += written;
        opaque.full = written < sizeof bytes;
        return written > 0;
}

static bool step_opaque(struct line *line)
{
        if (!line->channel) {
                open_line(OPAQUE, "echo");
                return true;
        }
        bool moved = false;
        if (has_news(line)) {
                while (opaque_read(line))
                        moved = true;
        }
        if (opaque.full && opaque.spaces != line->space)
                opaque.full = false;
        if (!opaque.full && !closing_down)
                moved = opaque_write(line) || moved;
        line->rounds += moved;
        return moved;
}

/* ---- all of them ---- */

static bool step(void)
{
        bool moved = step_http(&lines[HTTP]);
        moved = step_config(&lines[CONFIG]) || moved;
        moved = step_mqtt(&lines[MQTT]) || moved;
        return step_opaque(&lines[OPAQUE]) || moved;
}

static bool is_quiet(void)
{
        return !lines[HTTP].channel && !lines[CONFIG].channel && mqtt_is_quiet() && opaque.read == opaque.written;
}

/* Whatever the host is like: each has had its turn. */
static bool are_all_through(void)
{
        bool through = true;
        for (int kind = 0; kind < KINDS; kind++)
                through = through && lines[kind].rounds >= 10;
        for (int qos = 0; qos < 3; qos++)
                through = through && mqtt.heard[qos] >= 10;
        return through;
}

static uint64_t duration_ms(void)
{
        const char *text = getenv("MVSIM_MANY_S");
        return text ? strtoull(text, NULL, 10) * 1000 : 2000;
}

START_TEST(four_channels_of_all_kinds_do_not_get_in_each_others_way)
{
        uint64_t start = mvt_host_ms();
        while (mvt_host_ms() - start < duration_ms() || !are_all_through()) {
                if (!step())
                        mvsim_run_for(100);
        }
        closing_down = true;
        wait_until((step(), is_quiet()));
        ck_assert_uint_eq(strange, 0);
        expect_okay(mvCloseChannel(&lines[MQTT].channel));
        expect_okay(mvCloseChannel(&lines[OPAQUE].channel));
        fprintf(stderr, "# in %llu ms: %u requests, %u fetches, %u messages, %llu bytes\n",
                (unsigned long long)(mvt_host_ms() - start), lines[HTTP].rounds, lines[CONFIG].rounds,
                mqtt.heard[0] + mqtt.heard[1] + mqtt.heard[2], (unsigned long long)opaque.read);
}
END_TEST

/* ---- fixture ---- */

static void set_up(void)
{
        static const struct mvt_answer answers[] = {{NULL, NULL, MVT_ECHO}};
        static char profile[2048];
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, "DNS:api.example.com,DNS:broker.example.com", 30, &certificate);
        mvt_peer_start(&peer, &certificate, answers);
        mvt_echo_start(&echo);
        mvt_broker_start(&broker, &(struct mvt_broker_options){.certificate = &certificate});
        snprintf(profile, sizeof profile,
                 "network: {connect_ms: 20}\n"
                 "limits: {channel_opens_per_s: 1000000}\n"
                 "http: {ca_file: %s, rewrite: [{from: \"https://api.example.com\", to: \"https://127.0.0.1:%u\"}]}\n"
                 "mqtt: {ca_file: %s, rewrite: [{from: \"broker.example.com:8883\", to: \"mqtts://127.0.0.1:%u\"}]}\n"
                 "endpoints: {echo: \"tcp://127.0.0.1:%u\"}\n",
                 pki.ca_file, peer.port, pki.ca_file, broker.port, echo.port);
        mvt_online_prepare();
        mvt_device_boot(&(struct mvt_device){.real_time = true, .profile = profile});
        mvsim_nvic_set_vector(MVT_ONLINE_IRQ, on_record);
        centre = mvt_centre_open(MVT_ONLINE_IRQ, ring, 16);
        network = mvt_network_connect(centre, KINDS);
}

static void tear_down(void)
{
        mvt_network_release(&network);
        mvt_centre_close(&centre);
        mvt_device_end();
        mvt_broker_finish(&broker);
        mvt_echo_finish(&echo);
        mvt_peer_finish(&peer);
        mvt_pki_finish(&pki);
}

Suite *suite(void)
{
        Suite *suite = suite_create("many");
        TCase *tests = tcase_create("many at once");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, 60 + (double)duration_ms() / 1000);
        tcase_add_test(tests, four_channels_of_all_kinds_do_not_get_in_each_others_way);
        suite_add_tcase(suite, tests);
        return suite;
}

/*
 * The network between the cloud and the servers dies without a word, in a network namespace of the test's own: no
 * reset, no end of connection, packets that go nowhere. The device itself stays connected.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"
#include "child.h"
#include "echo.h"
#include "netns.h"
#include "nginx.h"
#include "online.h"
#include "suite.h"

#define KEEPALIVE_S 5

static struct mvt_pki pki;
static struct mvt_nginx nginx;
static struct mvt_broker broker;
static struct mvt_echo echo;

static uint8_t receive_buffers[4][4096] __attribute__((aligned(512)));
static uint8_t send_buffers[4][4096] __attribute__((aligned(512)));

static unsigned readable(uint32_t tag)
{
        return mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, tag);
}

static MvChannelHandle open_channel(enum MvChannelType type, const char *endpoint)
{
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.notification_tag = type;
        params.v1.channel_type = type;
        params.v1.receive_buffer = receive_buffers[type];
        params.v1.receive_buffer_len = sizeof receive_buffers[type];
        params.v1.send_buffer = send_buffers[type];
        params.v1.send_buffer_len = sizeof send_buffers[type];
        params.v1.endpoint = (struct MvSizedString){(const uint8_t *)endpoint, (uint32_t)strlen(endpoint)};
        return mvt_channel_open(&params);
}

/* ---- HTTP ---- */

static MvChannelHandle begin_request(const char *url)
{
        MvChannelHandle channel = open_channel(MV_CHANNELTYPE_HTTP, "");
        expect_okay(
                mvSendHttpRequest(channel, mvt_http_request(&(struct mvt_request){.url = url, .timeout_ms = 5000})));
        return channel;
}

static void end_request(MvChannelHandle *channel, unsigned before, enum MvHttpResult result)
{
        struct MvHttpResponseData data;
        wait_until(readable(MV_CHANNELTYPE_HTTP) == before + 1);
        expect_okay(mvReadHttpResponseData(*channel, &data));
        ck_assert_int_eq(data.result, result);
        mvt_channel_close(channel);
}

/* ---- MQTT ---- */

static struct MvSizedString text_of(const char *text)
{
        return (struct MvSizedString){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static MvChannelHandle try_broker(enum MvMqttRequestState state)
{
        struct MvMqttConnectResponse response;
        unsigned before = readable(MV_CHANNELTYPE_MQTT);
        const struct MvMqttConnectRequest request = {.protocol_version = MV_MQTTPROTOCOLVERSION_V5,
                                                     .host = text_of("broker.example.com"),
                                                     .port = 8883,
                                                     .clientid = text_of("link"),
                                                     .keepalive = KEEPALIVE_S,
                                                     .clean_start = 1};
        MvChannelHandle channel = open_channel(MV_CHANNELTYPE_MQTT, "");
        expect_okay(mvMqttRequestConnect(channel, &request));
        wait_until(readable(MV_CHANNELTYPE_MQTT) == before + 1);
        expect_okay(mvMqttReadConnectResponse(channel, &response));
        ck_assert_int_eq(response.request_state, state);
        return channel;
}

static MvChannelHandle connect_to_broker(void)
{
        return try_broker(MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
}

static void expect_end(MvChannelHandle *channel, unsigned before)
{
        struct MvMqttDisconnectResponse ended;
        for (int second = 0; second < 4 * KEEPALIVE_S && readable(MV_CHANNELTYPE_MQTT) == before; second++)
                mvsim_run_for(1000000);
        expect_okay(mvMqttReadDisconnectResponse(*channel, &ended));
        ck_assert_uint_eq(ended.disconnect_code, 0);
        mvt_channel_close(channel);
}

/* ---- bytes ---- */

static uint32_t write_some(MvChannelHandle channel, uint32_t len)
{
        static const uint8_t bytes[4096];
        uint32_t written;
        expect_okay(mvWriteChannelStream(channel, bytes, len, &written));
        return written;
}

static uint32_t read_some(MvChannelHandle channel)
{
        uint8_t *bytes;
        uint32_t len;
        expect_okay(mvReadChannel(channel, &bytes, &len));
        if (len > 0)
                expect_okay(mvReadChannelComplete(channel, len));
        return len;
}

static void exchange(MvChannelHandle channel)
{
        uint32_t written = write_some(channel, 1000), read = 0;
        wait_until((read += read_some(channel)) == written);
}

/* ---- deaths ---- */

/*
 * A response that stops half-way is a failed request: 3000 bytes at 1000 a second would have come in time. A broker
 * that is not heard is given up after the keep-alive time. What is under way as bytes comes when the network does: TCP
 * sends again what was not acknowledged.
 */
START_TEST(a_network_that_dies_ends_what_has_a_time_limit)
{
        char text[MVT_OUTPUT_SIZE];
        MvChannelHandle mqtt = connect_to_broker();
        MvChannelHandle opaque = open_channel(MV_CHANNELTYPE_OPAQUEBYTES, "echo");
        exchange(opaque);
        MvChannelHandle http = begin_request("https://api.example.com/slow");
        unsigned items = readable(MV_CHANNELTYPE_MQTT), responses = readable(MV_CHANNELTYPE_HTTP);
        mvsim_run_for(1000000);
        ck_assert_uint_eq(readable(MV_CHANNELTYPE_HTTP), responses);
        mvt_netns_cut();
        mvt_capture_begin();
        uint32_t written = write_some(opaque, 1000), read = 0;
        end_request(&http, responses, MV_HTTPRESULT_REQUESTFAILED);
        expect_end(&mqtt, items);
        ck_assert_uint_eq(read_some(opaque), 0);
        mvt_capture_end(text);
        ck_assert_msg(strstr(text, "has ended: the broker was not heard"), "%s", text);

        mvt_netns_mend();
        wait_until((read += read_some(opaque)) == written);
        mvt_channel_close(&opaque);
        mqtt = connect_to_broker();
        mvt_channel_close(&mqtt);
        responses = readable(MV_CHANNELTYPE_HTTP);
        http = begin_request("https://api.example.com/fast");
        end_request(&http, responses, MV_HTTPRESULT_OK);
}
END_TEST

START_TEST(where_there_is_no_way_no_connection_is_made)
{
        mvt_netns_cut();
        MvChannelHandle channel = open_channel(MV_CHANNELTYPE_OPAQUEBYTES, "echo");
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MV_CHANNELTYPE_OPAQUEBYTES) == 1);
        ck_assert_int_ne(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
        mvt_channel_close(&channel);
        MvChannelHandle mqtt = try_broker(MV_MQTTREQUESTSTATE_SOCKETERROR);
        mvt_channel_close(&mqtt);
        unsigned responses = readable(MV_CHANNELTYPE_HTTP);
        MvChannelHandle http = begin_request("https://api.example.com/fast");
        end_request(&http, responses, MV_HTTPRESULT_REQUESTFAILED);
        mvt_netns_mend();
        channel = open_channel(MV_CHANNELTYPE_OPAQUEBYTES, "echo");
        exchange(channel);
        mvt_channel_close(&channel);
}
END_TEST

/* A server may be at another address of its name than the first. */
START_TEST(each_address_of_a_name_is_tried)
{
        MvChannelHandle mqtt = connect_to_broker();
        mvt_channel_close(&mqtt);
        MvChannelHandle opaque = open_channel(MV_CHANNELTYPE_OPAQUEBYTES, "echo");
        exchange(opaque);
        mvt_channel_close(&opaque);
        unsigned responses = readable(MV_CHANNELTYPE_HTTP);
        MvChannelHandle http = begin_request("https://api.example.com/fast");
        end_request(&http, responses, MV_HTTPRESULT_OK);
}
END_TEST

/* ---- fixture ---- */

static void start_at(const char *host)
{
        static char profile[2048];
        struct mvt_certificate certificate;
        mvt_pki_issue(&pki, "DNS:api.example.com,DNS:broker.example.com", 30, &certificate);
        static char body[3001];
        memset(body, 'b', 3000);
        mvt_nginx_start(&nginx, &certificate, "location /slow { limit_rate 1000; } location /fast { }\n");
        mvt_nginx_put(&nginx, "slow", body, 3000);
        mvt_nginx_put(&nginx, "fast", body, 3000);
        mvt_broker_start(&broker, &(struct mvt_broker_options){.certificate = &certificate});
        mvt_echo_start(&echo);
        snprintf(profile, sizeof profile,
                 "network: {connect_ms: 20}\n"
                 "http: {ca_file: %s, rewrite: [{from: \"https://api.example.com\", to: \"https://%s:%u\"}]}\n"
                 "mqtt: {ca_file: %s, rewrite: [{from: \"broker.example.com:8883\", to: \"mqtts://%s:%u\"}]}\n"
                 "endpoints: {echo: \"tcp://%s:%u\"}\n"
                 "opaque: {connect_timeout_ms: 1000}\n",
                 pki.ca_file, host, nginx.port, pki.ca_file, host, broker.port, host, echo.port);
        mvt_online_boot(&(struct mvt_device){.real_time = true, .profile = profile});
}

static void set_up(void)
{
        ck_assert(mvt_netns_enter());
        mvt_pki_init(&pki);
        start_at("127.0.0.1");
}

/* The servers are at one of the two addresses, which is not the one that is tried first. */
static void set_up_with_names(void)
{
        ck_assert(mvt_netns_enter());
        mvt_pki_init(&pki);
        mvt_netns_set_hosts(&pki.dir, "127.0.0.1 servers\n::1 servers\n");
        start_at("servers");
}

static void tear_down(void)
{
        mvt_online_end();
        mvt_echo_finish(&echo);
        mvt_broker_finish(&broker);
        mvt_nginx_finish(&nginx);
        mvt_pki_finish(&pki);
}

/* Some containers let nobody have a network of his own. */
static void skip_where_it_is_not_allowed(void)
{
        int status = 1;
        pid_t pid = fork();
        if (pid == 0)
                _exit(mvt_netns_enter() ? 0 : 1);
        if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return;
        puts("1..0 # SKIP a network namespace cannot be made here");
        exit(0);
}

Suite *suite(void)
{
        skip_where_it_is_not_allowed();
        Suite *suite = suite_create("link_death");
        TCase *tests = tcase_create("link death");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, a_network_that_dies_ends_what_has_a_time_limit);
        tcase_add_test(tests, where_there_is_no_way_no_connection_is_made);
        suite_add_tcase(suite, tests);
        tests = tcase_create("names");
        tcase_add_checked_fixture(tests, set_up_with_names, tear_down);
        tcase_add_test(tests, each_address_of_a_name_is_tried);
        suite_add_tcase(suite, tests);
        return suite;
}

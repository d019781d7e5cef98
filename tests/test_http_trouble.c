/* HTTP when things go wrong under an application: servers, certificates, the network, and the application itself. */
#include <stdio.h>
#include <string.h>

#include "nginx.h"
#include "online.h"
#include "peer.h"
#include "pki.h"
#include "suite.h"

#define BASE    "https://api.example.com"
#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct mvt_answer answers[] = {
        {"/ok", OK_HEAD "Content-Length: 5\r\n\r\nhello", MVT_KEEP},
        {"/silent", NULL, MVT_HOLD},
        {"/cut", OK_HEAD "Content-Length: 10\r\n\r\nhalf", MVT_CUT},
        {"/short", OK_HEAD "Content-Length: 10\r\n\r\nhalf", MVT_CLOSE},
        {"/cut-chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", MVT_CLOSE},
        {"/nothing", NULL, MVT_CLOSE},
        {"/malformed", "HELLO THERE\r\n\r\n", MVT_CLOSE},
        {"/flood", OK_HEAD "\r\n0123456789abcdef0123456789abcdef", MVT_FLOOD},
        {NULL, NULL, MVT_ECHO},
};

static struct mvt_pki pki;
static struct mvt_peer peer;

static void boot_peer(const char *alt_names, int days, bool real_time)
{
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, alt_names, days, &certificate);
        mvt_peer_start(&peer, &certificate, answers);
        mvt_online_boot_with_server(peer.port, pki.ca_file, real_time);
}

static void boot_virtual(void)
{
        boot_peer("DNS:api.example.com", 30, false);
}

static void boot_real(void)
{
        boot_peer("DNS:api.example.com", 30, true);
}

static void boot_expired(void)
{
        boot_peer("DNS:api.example.com", -1, false);
}

static void boot_other_name(void)
{
        boot_peer("DNS:other.example.com", 30, false);
}

static void end(void)
{
        mvt_online_end();
        mvt_peer_finish(&peer);
        mvt_pki_finish(&pki);
}

static unsigned readable(void)
{
        return mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG);
}

static unsigned not_connected(void)
{
        return mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG);
}

static void expect_result(const char *url, enum MvHttpResult result)
{
        uint8_t byte = 0xee;
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, &(struct mvt_request){.url = url});
        const struct MvHttpResponseData *data = mvt_http_data(channel);
        ck_assert_int_eq(data->result, result);
        if (result != MV_HTTPRESULT_OK) {
                ck_assert_uint_eq(data->status_code, 0);
                ck_assert_uint_eq(data->num_headers, 0);
                ck_assert_uint_eq(data->body_length, 0);
                expect_reject(mvReadHttpResponseHeader(channel, 0, &byte, 1), MV_STATUS_REQUESTUNSUCCESSFUL, "handle");
                expect_reject(mvReadHttpResponseBody(channel, 0, &byte, 1), MV_STATUS_REQUESTUNSUCCESSFUL, "handle");
                ck_assert_uint_eq(byte, 0xee);
        }
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
        mvt_channel_close(&channel);
}

/* Sends on a new channel, and is back when the server has the request. */
static MvChannelHandle begin(const char *url)
{
        unsigned before = mvt_peer_requests(&peer);
        MvChannelHandle channel = mvt_http_open();
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(&(struct mvt_request){.url = url})));
        wait_until(mvt_peer_requests(&peer) > before);
        return channel;
}

/* ---- servers ---- */

START_TEST(broken_replies_are_failed_requests)
{
        static const char *const urls[] = {BASE "/cut", BASE "/short", BASE "/cut-chunk", BASE "/nothing",
                                           BASE "/malformed"};
        for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
                expect_result(urls[i], MV_HTTPRESULT_REQUESTFAILED);
        expect_result(BASE "/ok", MV_HTTPRESULT_OK);
}
END_TEST

START_TEST(an_endless_reply_is_too_large)
{
        expect_result(BASE "/flood", MV_HTTPRESULT_RESPONSETOOLARGE);
        expect_result(BASE "/ok", MV_HTTPRESULT_OK);
}
END_TEST

START_TEST(a_silent_server_times_out)
{
        MvChannelHandle channel = mvt_http_open();
        uint64_t start = mvsim_now_us();
        const struct mvt_request request = {.url = BASE "/silent", .timeout_ms = 5000};
        mvt_http_exchange(channel, &request);
        ck_assert_uint_ge(mvsim_now_us() - start, 4900000);
        ck_assert_int_eq(mvt_http_data(channel)->result, MV_HTTPRESULT_REQUESTFAILED);
        mvt_channel_close(&channel);
        ck_assert_uint_eq(mvt_peer_requests(&peer), 1); /* once, not again */
}
END_TEST

START_TEST(an_untrusted_certificate_fails_the_request)
{
        expect_result(BASE "/ok", MV_HTTPRESULT_REQUESTFAILED);
        ck_assert_uint_eq(mvt_peer_requests(&peer), 0);
}
END_TEST

/* Another authority is trusted than the one that signed. */
static struct mvt_pki other_pki;

static void boot_other_authority(void)
{
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_init(&other_pki);
        mvt_pki_issue(&pki, "DNS:api.example.com", 30, &certificate);
        mvt_peer_start(&peer, &certificate, answers);
        mvt_online_boot_with_server(peer.port, other_pki.ca_file, false);
}

static void end_other_authority(void)
{
        end();
        mvt_pki_finish(&other_pki);
}

static struct mvt_nginx nginx;

static void boot_nginx(void)
{
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, "DNS:api.example.com", 30, &certificate);
        mvt_nginx_start(&nginx, &certificate, "location = /ok { return 200 \"hello\"; }\n");
        mvt_online_boot_with_server(nginx.port, pki.ca_file, false);
}

static void end_nginx(void)
{
        mvt_online_end();
        mvt_nginx_finish(&nginx);
        mvt_pki_finish(&pki);
}

START_TEST(a_server_that_goes_and_comes_back)
{
        expect_result(BASE "/ok", MV_HTTPRESULT_OK);
        mvt_nginx_stop(&nginx);
        expect_result(BASE "/ok", MV_HTTPRESULT_REQUESTFAILED); /* refused */
        expect_result(BASE "/ok", MV_HTTPRESULT_REQUESTFAILED);
        ck_assert_int_eq(mvt_network_status(mvt_online.network), MV_NETWORKSTATUS_CONNECTED); /* not the device's */
        mvt_nginx_restart(&nginx);
        expect_result(BASE "/ok", MV_HTTPRESULT_OK);
}
END_TEST

/* ---- given up under way ---- */

START_TEST(a_channel_closed_under_way_is_not_heard_of_again)
{
        MvChannelHandle channel = begin(BASE "/silent");
        unsigned before = mvt_all_records();
        mvt_channel_close(&channel);
        ck_assert_uint_eq(mvt_send_buffer[0], 0xa5);
        wait_until(mvt_peer_open(&peer) == 0); /* the connection is dropped */
        mvsim_run_for(50000);
        ck_assert_uint_eq(mvt_all_records(), before);
        expect_result(BASE "/ok", MV_HTTPRESULT_OK); /* on the same buffers */
}
END_TEST

START_TEST(a_channel_closed_in_the_same_breath_is_not_heard_of_again)
{
        for (int i = 0; i < 7; i++) {
                MvChannelHandle channel = mvt_http_open();
                expect_okay(mvSendHttpRequest(channel, mvt_http_request(&(struct mvt_request){.url = BASE "/ok"})));
                mvt_channel_close(&channel);
        }
        ck_assert_uint_eq(readable(), 0);
        expect_result(BASE "/ok", MV_HTTPRESULT_OK);
        mvsim_run_for(50000);
        ck_assert_uint_eq(readable(), 1);
}
END_TEST

START_TEST(a_network_lost_under_way_ends_the_request)
{
        struct MvHttpResponseData data;
        MvChannelHandle channel = begin(BASE "/silent");
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        wait_until(not_connected() == 1);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NETWORKDISCONNECTED);
        expect_reject(mvReadHttpResponseData(channel, &data), MV_STATUS_CHANNELCLOSED, "handle");
        wait_until(mvt_peer_open(&peer) == 0);
        mvsim_network_up();
        mvt_network_wait(mvt_online.network, MV_NETWORKSTATUS_CONNECTED);
        expect_reject(mvReadHttpResponseData(channel, &data), MV_STATUS_CHANNELCLOSED, "handle");
        mvt_channel_close(&channel);
        ck_assert_uint_eq(readable(), 0);
        expect_result(BASE "/ok", MV_HTTPRESULT_OK);
        ck_assert_uint_eq(not_connected(), 1);
        ck_assert_uint_eq(readable(), 1);
}
END_TEST

START_TEST(a_response_not_read_is_gone_with_the_network)
{
        uint8_t byte;
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, &(struct mvt_request){.url = BASE "/ok"});
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        expect_reject(mvReadHttpResponseBody(channel, 0, &byte, 1), MV_STATUS_CHANNELCLOSED, "handle");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_network_released_under_way_ends_the_request)
{
        MvNetworkHandle second = mvt_network_request(mvt_online.centre, 2);
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.network_handle = second;
        MvChannelHandle channel = mvt_channel_open(&params);
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(&(struct mvt_request){.url = BASE "/silent"})));
        mvt_network_release(&second);
        wait_until(not_connected() == 1);
        mvt_channel_close(&channel);
        ck_assert_uint_eq(readable(), 0);
        expect_result(BASE "/ok", MV_HTTPRESULT_OK);
}
END_TEST

START_TEST(a_device_may_stop_with_requests_under_way)
{
        mvt_device_leaves_handles();
        (void)begin(BASE "/silent");
        mvsim_shutdown();
        mvt_online = (struct mvt_online){0};
}
END_TEST

START_TEST(a_centre_closed_under_way_leaves_the_response_readable)
{
        struct MvHttpResponseData data = {.result = MV_HTTPRESULT__MAX};
        MvChannelHandle channel = mvt_http_open();
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(&(struct mvt_request){.url = BASE "/ok"})));
        mvt_centre_close(&mvt_online.centre);
        wait_until(mvReadHttpResponseData(channel, &data) == MV_STATUS_OKAY);
        ck_assert_uint_eq(data.status_code, 200);
        mvt_channel_close(&channel);
}
END_TEST

static void add_tests_under_way(Suite *suite, const char *name, void (*boot)(void))
{
        TCase *tests = tcase_create(name);
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, boot, end);
        tcase_add_test(tests, a_channel_closed_under_way_is_not_heard_of_again);
        tcase_add_test(tests, a_channel_closed_in_the_same_breath_is_not_heard_of_again);
        tcase_add_test(tests, a_network_lost_under_way_ends_the_request);
        tcase_add_test(tests, a_response_not_read_is_gone_with_the_network);
        tcase_add_test(tests, a_network_released_under_way_ends_the_request);
        tcase_add_test(tests, a_device_may_stop_with_requests_under_way);
        tcase_add_test(tests, a_centre_closed_under_way_leaves_the_response_readable);
        suite_add_tcase(suite, tests);
}

static void add_untrusted(Suite *suite, const char *name, void (*boot)(void), void (*finish)(void))
{
        TCase *tests = tcase_create(name);
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, boot, finish);
        tcase_add_test(tests, an_untrusted_certificate_fails_the_request);
        suite_add_tcase(suite, tests);
}

Suite *suite(void)
{
        Suite *suite = suite_create("http trouble");
        TCase *tests = tcase_create("servers");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, boot_virtual, end);
        tcase_add_test(tests, broken_replies_are_failed_requests);
        tcase_add_test(tests, an_endless_reply_is_too_large);
        tcase_add_test(tests, a_silent_server_times_out);
        suite_add_tcase(suite, tests);
        add_untrusted(suite, "expired certificate", boot_expired, end);
        add_untrusted(suite, "another name's certificate", boot_other_name, end);
        add_untrusted(suite, "another authority's certificate", boot_other_authority, end_other_authority);
        tests = tcase_create("nginx");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, boot_nginx, end_nginx);
        tcase_add_test(tests, a_server_that_goes_and_comes_back);
        suite_add_tcase(suite, tests);
        add_tests_under_way(suite, "under way, virtual time", boot_virtual);
        add_tests_under_way(suite, "under way, real time", boot_real);
        return suite;
}

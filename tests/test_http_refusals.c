/*
 * The four HTTP calls: what they refuse and in which order, and what the cloud refuses. The server, where one is needed
 * at all, sends back what it was sent.
 */
#include <stdio.h>
#include <string.h>

#include "online.h"
#include "peer.h"
#include "pki.h"
#include "suite.h"

#define BASE "https://api.example.com"

static const struct mvt_answer echo[] = {{NULL, NULL, MVT_ECHO}};
static const struct mvt_request plain = {.url = BASE "/"};

static struct mvt_pki pki;
static struct mvt_peer peer;

static void boot_with_server(void)
{
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, "DNS:api.example.com", 30, &certificate);
        mvt_peer_start(&peer, &certificate, echo);
        mvt_online_boot_with_server(peer.port, pki.ca_file, false);
}

static void end_with_server(void)
{
        mvt_online_end();
        mvt_peer_finish(&peer);
        mvt_pki_finish(&pki);
}

static void boot_with_plain_server(void)
{
        mvt_peer_start(&peer, NULL, echo);
        mvt_online_boot(&(struct mvt_device){.profile = "http: {allow_plain: true}\n"});
}

static void boot_with_late_completions(void)
{
        mvt_online_boot(&(struct mvt_device){.profile = "time: {completion_us: 300000}\n"});
}

static void end_with_plain_server(void)
{
        mvt_online_end();
        mvt_peer_finish(&peer);
}

static unsigned readable(void)
{
        return mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG);
}

/* No event of the channel comes. */
static void expect_silence(void)
{
        unsigned before = mvt_all_records();
        mvsim_run_for(1000000);
        ck_assert_uint_eq(mvt_all_records(), before);
}

/* ---- mvSendHttpRequest ---- */

START_TEST(request_must_be_readable)
{
        struct mvt_bad_pointers bad;
        MvChannelHandle channel = mvt_http_open();
        mvt_bad_pointers_make(&bad, sizeof(struct MvHttpRequest), false);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++) {
                expect_reject(mvSendHttpRequest(channel, p->pointer), MV_STATUS_PARAMETERFAULT, "request");
                expect_reject(mvSendHttpRequest(NULL, p->pointer), MV_STATUS_INVALIDHANDLE, "handle");
        }
        mvt_bad_pointers_free(&bad);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
        mvt_http_exchange(channel, &plain); /* the channel is as good as before */
        ck_assert_uint_eq(mvt_http_data(channel)->status_code, 200);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(thirty_two_headers_and_no_more)
{
        static char lines[33][16];
        const char *headers[34] = {NULL};
        MvChannelHandle channel = mvt_http_open();
        for (int i = 0; i < 33; i++) {
                snprintf(lines[i], sizeof lines[i], "X-%d: y%d", i, i);
                headers[i] = lines[i];
        }
        struct mvt_request request = {.url = BASE "/", .headers = headers};
        expect_reject(mvSendHttpRequest(channel, mvt_http_request(&request)), MV_STATUS_TOOMANYELEMENTS, "num_headers");
        struct MvHttpRequest absurd = *mvt_http_request(&plain);
        absurd.num_headers = UINT32_MAX;
        expect_reject(mvSendHttpRequest(channel, &absurd), MV_STATUS_TOOMANYELEMENTS, "num_headers");
        headers[32] = NULL;
        mvt_http_exchange(channel, &request);
        const char *sent = mvt_http_body(channel);
        for (int i = 0; i < 32; i++) {
                char line[32];
                snprintf(line, sizeof line, "\r\nX-%d: y%d\r\n", i, i);
                const char *at = strstr(sent, line);
                ck_assert_msg(at, "%s is not in %s", lines[i], sent);
                sent = at + 2; /* in order */
        }
        mvt_channel_close(&channel);
}
END_TEST

/* The request's size by decision 22, with one header of 9 bytes. */
#define SIZE_WITHOUT_BODY (16 + 4 * 4 + strlen("POST") + strlen(BASE "/") + strlen("X-One: 12"))

START_TEST(a_request_may_fill_the_send_buffer_to_the_last_byte)
{
        static const char *const headers[] = {"X-One: 12", NULL};
        static char body[1024];
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.send_buffer_len = 1024;
        MvChannelHandle channel = mvt_channel_open(&params);
        struct mvt_request request = {.method = "POST", .url = BASE "/", .headers = headers, .body = body};
        memset(body, 'b', 1024 - SIZE_WITHOUT_BODY + 1);
        expect_reject(mvSendHttpRequest(channel, mvt_http_request(&request)), MV_STATUS_INVALIDBUFFERSIZE, "");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "takes 1025 bytes and the send buffer has 1024"));
        expect_silence();
        ck_assert_uint_eq(mvt_peer_requests(&peer), 0);
        body[1024 - SIZE_WITHOUT_BODY] = '\0';
        mvt_http_exchange(channel, &request);
        const char *sent = strstr(mvt_http_body(channel), "\r\n\r\n");
        ck_assert_ptr_nonnull(sent);
        ck_assert_str_eq(sent + 4, body);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_channel_carries_one_request)
{
        MvChannelHandle channel = mvt_http_open();
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(&plain)));
        expect_reject(mvSendHttpRequest(channel, mvt_http_request(&plain)), MV_STATUS_REQUESTALREADYSENT, "handle");
        wait_until(readable() == 1);
        expect_reject(mvSendHttpRequest(channel, mvt_http_request(&plain)), MV_STATUS_REQUESTALREADYSENT, "handle");
        ck_assert_uint_eq(mvt_http_data(channel)->status_code, 200); /* the first one's response is there still */
        expect_silence();
        ck_assert_uint_eq(mvt_peer_requests(&peer), 1);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- late faults ---- */

static struct MvHttpHeader one_header[1];

static void spoil_method(struct MvHttpRequest *request, const void *bad)
{
        request->method = (struct MvSizedString){bad, 3};
}

static void spoil_url(struct MvHttpRequest *request, const void *bad)
{
        request->url = (struct MvSizedString){bad, 3};
}

static void spoil_headers(struct MvHttpRequest *request, const void *bad)
{
        request->headers = bad;
        request->num_headers = 1;
}

static void spoil_header(struct MvHttpRequest *request, const void *bad)
{
        one_header[0] = (struct MvHttpHeader){.length = 3, .data = bad};
        request->headers = one_header;
        request->num_headers = 1;
}

static void spoil_body(struct MvHttpRequest *request, const void *bad)
{
        request->body = (struct MvSizedString){bad, 3};
}

static const struct {
        void (*spoil)(struct MvHttpRequest *request, const void *bad);
        const char *field;
        size_t size;
} nested[] = {
        {spoil_method, "method.data", 3},
        {spoil_url, "url.data", 3},
        {spoil_headers, "headers", sizeof one_header},
        {spoil_header, "headers[].data", 3},
        {spoil_body, "body.data", 3},
};

#define NESTED ((int)(sizeof nested / sizeof *nested))

static void expect_late_fault(const struct MvHttpRequest *request, const char *field)
{
        MvChannelHandle channel = mvt_http_open();
        struct MvHttpResponseData data;
        expect_reject(mvSendHttpRequest(channel, request), MV_STATUS_LATEFAULT, field);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_CONNECTIONTERMINATED);
        expect_reject(mvSendHttpRequest(channel, mvt_http_request(&plain)), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvReadHttpResponseData(channel, &data), MV_STATUS_CHANNELCLOSED, "handle");
        mvsim_run_for(200000); /* not more than 8 channels in a second */
        ck_assert_uint_eq(readable(), 0);
        mvt_channel_close(&channel);
}

START_TEST(a_bad_nested_pointer_kills_the_channel)
{
        struct mvt_bad_pointers bad;
        mvt_bad_pointers_make(&bad, nested[_i].size, false);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++) {
                struct MvHttpRequest request = *mvt_http_request(&plain);
                nested[_i].spoil(&request, p->pointer);
                expect_late_fault(&request, nested[_i].field);
        }
        mvt_bad_pointers_free(&bad);
}
END_TEST

START_TEST(of_two_bad_nested_pointers_the_first_declared_is_named)
{
        for (int later = _i + 1; later < NESTED; later++) {
                struct MvHttpRequest request = *mvt_http_request(&plain);
                nested[later].spoil(&request, NULL);
                nested[_i].spoil(&request, NULL);
                expect_late_fault(&request, nested[_i].field);
        }
}
END_TEST

START_TEST(a_body_in_the_send_buffer_is_a_late_fault)
{
        struct MvHttpRequest request = *mvt_http_request(&plain);
        request.body = (struct MvSizedString){mvt_send_buffer, 3}; /* it belongs to the secure world */
        expect_late_fault(&request, "body.data");
}
END_TEST

/* ---- the order of the checks ---- */

START_TEST(order_of_the_checks_of_sending)
{
        struct MvHttpRequest request = *mvt_http_request(&plain);
        MvChannelHandle channel = mvt_http_open();
        request.num_headers = 33;
        request.url.data = NULL;
        request.body.length = 100000;
        expect_reject(mvSendHttpRequest((MvChannelHandle)mvt_online.network, NULL), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvSendHttpRequest(channel, NULL), MV_STATUS_PARAMETERFAULT, "request");
        expect_reject(mvSendHttpRequest(channel, &request), MV_STATUS_TOOMANYELEMENTS, "num_headers");
        request.num_headers = 0;
        request.url.data = mvt_http_request(&plain)->url.data;
        request.body.data = request.url.data;
        request.body.length = 2000;
        request.method.data = NULL;
        MvChannelHandle other = channel;
        expect_reject(mvSendHttpRequest(channel, &request), MV_STATUS_LATEFAULT, "method.data"); /* before the room */
        mvt_channel_close(&other);
        channel = mvt_http_open();
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(&plain)));
        request.num_headers = 33;
        expect_reject(mvSendHttpRequest(channel, &request), MV_STATUS_REQUESTALREADYSENT, "handle");
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        expect_reject(mvSendHttpRequest(channel, &request), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvSendHttpRequest(channel, NULL), MV_STATUS_PARAMETERFAULT, "request");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(order_of_the_checks_of_reading)
{
        struct MvHttpResponseData data;
        uint8_t byte;
        MvChannelHandle channel = mvt_http_open();
        MvChannelHandle none = (MvChannelHandle)mvt_online.network;
        expect_reject(mvReadHttpResponseData(none, NULL), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvReadHttpResponseHeader(none, 0, NULL, 1), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvReadHttpResponseBody(none, 0, NULL, 1), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvReadHttpResponseData(channel, NULL), MV_STATUS_PARAMETERFAULT, "response_data");
        expect_reject(mvReadHttpResponseHeader(channel, 99, NULL, 1), MV_STATUS_PARAMETERFAULT, "buf");
        expect_reject(mvReadHttpResponseBody(channel, 99, NULL, 1), MV_STATUS_PARAMETERFAULT, "buf");
        expect_reject(mvReadHttpResponseData(channel, &data), MV_STATUS_RESPONSENOTPRESENT, "handle");
        expect_reject(mvReadHttpResponseHeader(channel, 99, &byte, 1), MV_STATUS_RESPONSENOTPRESENT, "handle");
        expect_reject(mvReadHttpResponseBody(channel, 99, &byte, 1), MV_STATUS_RESPONSENOTPRESENT, "handle");
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        expect_reject(mvReadHttpResponseData(channel, NULL), MV_STATUS_PARAMETERFAULT, "response_data");
        expect_reject(mvReadHttpResponseData(channel, &data), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvReadHttpResponseHeader(channel, 99, &byte, 1), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvReadHttpResponseBody(channel, 99, &byte, 1), MV_STATUS_CHANNELCLOSED, "handle");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(what_is_read_needs_memory)
{
        struct mvt_bad_pointers bad;
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, &plain);
        mvt_bad_pointers_make(&bad, sizeof(struct MvHttpResponseData), true);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++)
                expect_reject(mvReadHttpResponseData(channel, p->pointer), MV_STATUS_PARAMETERFAULT, "response_data");
        mvt_bad_pointers_free(&bad);
        mvt_bad_pointers_make(&bad, 255, true);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++) {
                expect_reject(mvReadHttpResponseHeader(channel, 0, p->pointer, 255), MV_STATUS_PARAMETERFAULT, "buf");
                expect_reject(mvReadHttpResponseBody(channel, 0, p->pointer, 255), MV_STATUS_PARAMETERFAULT, "buf");
        }
        mvt_bad_pointers_free(&bad);
        expect_reject(mvReadHttpResponseBody(channel, 0, mvt_receive_buffer, 8), MV_STATUS_PARAMETERFAULT, "buf");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_response_is_not_there_before_it_was_announced)
{
        struct MvHttpResponseData data;
        uint8_t byte = 0xee;
        memset(&data, 0xee, sizeof data);
        MvChannelHandle channel = mvt_http_open();
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(&plain)));
        ck_assert_uint_eq(readable(), 0);
        while (readable() == 0) {
                enum MvStatus status = mvReadHttpResponseData(channel, &data);
                if (readable() == 0)
                        ck_assert_int_eq(status, MV_STATUS_RESPONSENOTPRESENT);
        }
        ck_assert_uint_eq(byte, 0xee);
        ck_assert_uint_eq(mvt_http_data(channel)->status_code, 200);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- what the cloud refuses ---- */

static const char *const no_colon[] = {"X-One 1", NULL};
static const char *const line_end[] = {"X-One: 1\r\nX-Two: 2", NULL};
static const char *const two_hosts[] = {"Host: a", "host: b", NULL};

static const struct {
        struct mvt_request request;
        enum MvHttpResult result;
} verdicts[] = {
        {{.url = "http://api.example.com/"}, MV_HTTPRESULT_UNSUPPORTEDURISCHEME},
        {{.url = "ftp://api.example.com/"}, MV_HTTPRESULT_UNSUPPORTEDURISCHEME},
        {{.url = ""}, MV_HTTPRESULT_UNSUPPORTEDURISCHEME},
        {{.url = BASE "/", .method = "get"}, MV_HTTPRESULT_UNSUPPORTEDMETHOD},
        {{.url = BASE "/", .method = "TRACE"}, MV_HTTPRESULT_UNSUPPORTEDMETHOD},
        {{.url = BASE "/", .method = ""}, MV_HTTPRESULT_UNSUPPORTEDMETHOD},
        {{.url = BASE "/", .headers = no_colon}, MV_HTTPRESULT_INVALIDHEADERS},
        {{.url = BASE "/", .headers = line_end}, MV_HTTPRESULT_INVALIDHEADERS},
        {{.url = BASE "/", .headers = two_hosts}, MV_HTTPRESULT_INVALIDHEADERS},
        {{.url = BASE "/", .timeout_ms = 4999}, MV_HTTPRESULT_INVALIDTIMEOUT},
        {{.url = BASE "/", .timeout_ms = 10001}, MV_HTTPRESULT_INVALIDTIMEOUT},
        {{.url = BASE "/", .timeout_ms = 1}, MV_HTTPRESULT_INVALIDTIMEOUT},
        {{.url = BASE "/", .timeout_ms = UINT32_MAX}, MV_HTTPRESULT_INVALIDTIMEOUT},
};

#define VERDICTS ((int)(sizeof verdicts / sizeof *verdicts))

static void expect_result(MvChannelHandle channel, enum MvHttpResult result)
{
        uint8_t byte = 0xee;
        const struct MvHttpResponseData *data = mvt_http_data(channel);
        ck_assert_int_eq(data->result, result);
        ck_assert_uint_eq(data->status_code, 0);
        ck_assert_uint_eq(data->num_headers, 0);
        ck_assert_uint_eq(data->body_length, 0);
        expect_reject(mvReadHttpResponseHeader(channel, 0, &byte, 1), MV_STATUS_REQUESTUNSUCCESSFUL, "handle");
        expect_reject(mvReadHttpResponseBody(channel, 0, &byte, 1), MV_STATUS_REQUESTUNSUCCESSFUL, "handle");
        expect_reject(mvReadHttpResponseBody(channel, 9, &byte, 1), MV_STATUS_REQUESTUNSUCCESSFUL, "handle");
        ck_assert_uint_eq(byte, 0xee);
}

START_TEST(a_verdict_of_the_cloud_is_a_response)
{
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, &verdicts[_i].request);
        expect_result(channel, verdicts[_i].result);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE); /* the channel stays open */
        expect_reject(mvSendHttpRequest(channel, mvt_http_request(&plain)), MV_STATUS_REQUESTALREADYSENT, "handle");
        mvt_channel_close(&channel);
        ck_assert_uint_eq(mvt_peer_accepted(&peer), 0); /* nobody was asked */
}
END_TEST

START_TEST(no_answer_comes_before_its_time)
{
        MvChannelHandle channel = mvt_http_open();
        uint64_t start = mvsim_now_us();
        mvt_http_exchange(channel, &(struct mvt_request){.url = "ftp://api.example.com/"});
        ck_assert_uint_ge(mvsim_now_us() - start, 300000);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(the_timeout_s_bounds_are_legal)
{
        static const uint32_t legal[] = {5000, 10000};
        for (size_t i = 0; i < 2; i++) {
                MvChannelHandle channel = mvt_http_open();
                mvt_http_exchange(channel, &(struct mvt_request){.url = BASE "/", .timeout_ms = legal[i]});
                ck_assert_int_eq(mvt_http_data(channel)->result, MV_HTTPRESULT_OK);
                mvt_channel_close(&channel);
        }
}
END_TEST

START_TEST(plain_http_where_the_profile_allows_it)
{
        char url[64];
        snprintf(url, sizeof url, "http://127.0.0.1:%u/plain", peer.port);
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, &(struct mvt_request){.url = url});
        ck_assert_int_eq(mvt_http_data(channel)->result, MV_HTTPRESULT_OK);
        ck_assert_int_eq(strncmp(mvt_http_body(channel), "GET /plain HTTP/1.1\r\n", 21), 0);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- statuses that are listed and reached in no other way ---- */

START_TEST(an_injected_fault_has_no_effect_beside_it)
{
        struct MvHttpResponseData data;
        MvChannelHandle channel = mvt_http_open();
        ck_assert_int_eq(mvsim_fail("mvSendHttpRequest", 1, MV_STATUS_LATEFAULT), 0);
        expect_reject(mvSendHttpRequest(channel, mvt_http_request(&plain)), MV_STATUS_LATEFAULT, "");
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
        mvt_http_exchange(channel, &plain);
        ck_assert_int_eq(mvsim_fail("mvReadHttpResponseData", 1, MV_STATUS_RESPONSENOTPRESENT), 0);
        expect_reject(mvReadHttpResponseData(channel, &data), MV_STATUS_RESPONSENOTPRESENT, "");
        ck_assert_uint_eq(mvt_http_data(channel)->status_code, 200);
        mvt_channel_close(&channel);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("http refusals");
        TCase *tests = tcase_create("with a server");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, boot_with_server, end_with_server);
        tcase_add_test(tests, request_must_be_readable);
        tcase_add_test(tests, thirty_two_headers_and_no_more);
        tcase_add_test(tests, a_request_may_fill_the_send_buffer_to_the_last_byte);
        tcase_add_test(tests, a_channel_carries_one_request);
        tcase_add_test(tests, order_of_the_checks_of_sending);
        tcase_add_test(tests, what_is_read_needs_memory);
        tcase_add_test(tests, a_response_is_not_there_before_it_was_announced);
        tcase_add_loop_test(tests, a_verdict_of_the_cloud_is_a_response, 0, VERDICTS);
        tcase_add_test(tests, the_timeout_s_bounds_are_legal);
        tcase_add_test(tests, an_injected_fault_has_no_effect_beside_it);
        suite_add_tcase(suite, tests);
        tests = tcase_create("without one");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, mvt_online_boot_virtual, mvt_online_end);
        tcase_add_loop_test(tests, a_bad_nested_pointer_kills_the_channel, 0, NESTED);
        tcase_add_loop_test(tests, of_two_bad_nested_pointers_the_first_declared_is_named, 0, NESTED - 1);
        tcase_add_test(tests, a_body_in_the_send_buffer_is_a_late_fault);
        tcase_add_test(tests, order_of_the_checks_of_reading);
        suite_add_tcase(suite, tests);
        tests = tcase_create("late completions");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, boot_with_late_completions, mvt_online_end);
        tcase_add_test(tests, no_answer_comes_before_its_time);
        suite_add_tcase(suite, tests);
        tests = tcase_create("with a plain server");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, boot_with_plain_server, end_with_plain_server);
        tcase_add_test(tests, plain_http_where_the_profile_allows_it);
        suite_add_tcase(suite, tests);
        return suite;
}

/* An application's HTTP requests, answered by a real nginx behind TLS: what it can read, and how. */
#include <stdio.h>
#include <string.h>

#include "mvsim/cortex.h"
#include "nginx.h"
#include "online.h"
#include "pki.h"
#include "suite.h"

#define BASE "https://api.example.com"

static const char locations[] =
        "location = /ok { return 200 \"hello\"; }\n"
        "location = /empty { return 204; }\n"
        "location = /missing { return 404 \"not here\"; }\n"
        "location = /broken { return 500 \"oops\"; }\n"
        "location = /moved { return 302 https://$http_host/ok; }\n"
        "location = /repeated { add_header X-One 1; add_header X-Two 2; add_header X-One 3; return 200 \"\"; }\n"
        "location = /request { return 200 \"$request|$http_host|$http_x_one|$content_type|$content_length\"; }\n"
        "location = /connection { return 200 \"$connection/$connection_requests\"; }\n"
        "location = /chunked { alias www/text; default_type text/html; sub_filter a a; }\n"
        "location = /long { add_header X-Long "
        "\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
        "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
        "789\"; return 200 \"\"; }\n";

static struct mvt_pki pki;
static struct mvt_nginx nginx;

static void boot(bool real_time)
{
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, "DNS:api.example.com", 30, &certificate);
        mvt_nginx_start(&nginx, &certificate, locations);
        mvt_online_boot_with_server(nginx.port, pki.ca_file, real_time);
}

static void boot_virtual(void)
{
        boot(false);
}

static void boot_real(void)
{
        boot(true);
}

static void end(void)
{
        mvt_online_end();
        mvt_nginx_finish(&nginx);
        mvt_pki_finish(&pki);
}

/* A channel on which the request was answered. */
static MvChannelHandle fetch(const struct mvt_request *request)
{
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, request);
        return channel;
}

static MvChannelHandle get(const char *url)
{
        return fetch(&(struct mvt_request){.url = url});
}

static void expect_response(MvChannelHandle channel, uint32_t status_code, const char *body)
{
        const struct MvHttpResponseData *data = mvt_http_data(channel);
        ck_assert_int_eq(data->result, MV_HTTPRESULT_OK);
        ck_assert_uint_eq(data->status_code, status_code);
        ck_assert_uint_gt(data->num_headers, 0);
        if (body)
                ck_assert_str_eq(mvt_http_body(channel), body);
}

static void expect_get(const char *url, uint32_t status_code, const char *body)
{
        MvChannelHandle channel = get(url);
        expect_response(channel, status_code, body);
        mvt_channel_close(&channel);
}

/* ---- what comes ---- */

START_TEST(every_status_code_is_a_response)
{
        expect_get(BASE "/ok", 200, "hello");
        expect_get(BASE "/empty", 204, "");
        expect_get(BASE "/missing", 404, "not here");
        expect_get(BASE "/broken", 500, "oops");
}
END_TEST

START_TEST(a_redirect_is_delivered_not_followed)
{
        MvChannelHandle channel = get(BASE "/moved");
        expect_response(channel, 302, NULL);
        ck_assert_ptr_nonnull(strstr(mvt_http_headers(channel), "Location: " BASE "/ok\n"));
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(headers_come_in_order_with_duplicates)
{
        MvChannelHandle channel = get(BASE "/repeated");
        const char *headers = mvt_http_headers(channel);
        ck_assert_ptr_nonnull(strstr(headers, "X-One: 1\nX-Two: 2\nX-One: 3\n"));
        ck_assert_msg(strncmp(headers, "Server: nginx\nDate: ", 20) == 0, "%s", headers);
        ck_assert_ptr_null(strstr(headers, "HTTP/1.1"));
        ck_assert_ptr_null(strchr(headers, '\r'));
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(head_has_headers_and_no_body)
{
        MvChannelHandle channel = fetch(&(struct mvt_request){.method = "HEAD", .url = BASE "/ok"});
        expect_response(channel, 200, "");
        ck_assert_uint_eq(mvt_http_data(channel)->body_length, 0);
        ck_assert_ptr_nonnull(strstr(mvt_http_headers(channel), "Content-Length: 5\n"));
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(every_method_goes_out_as_it_is)
{
        static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
        for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
                char expected[128];
                MvChannelHandle channel = fetch(&(struct mvt_request){.method = methods[i], .url = BASE "/request"});
                snprintf(expected, sizeof expected, "%s /request HTTP/1.1|api.example.com||", methods[i]);
                ck_assert_msg(strncmp(mvt_http_body(channel), expected, strlen(expected)) == 0, "%s",
                              mvt_http_body(channel));
                mvt_channel_close(&channel);
        }
}
END_TEST

START_TEST(headers_and_body_go_out)
{
        static const char *const headers[] = {"X-One: first", "Content-Type: application/json", NULL};
        MvChannelHandle channel = fetch(&(struct mvt_request){
                .method = "POST", .url = BASE "/request?a=b", .headers = headers, .body = "{\"a\": 1}"});
        expect_response(channel, 200, "POST /request?a=b HTTP/1.1|api.example.com|first|application/json|8");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_header_array_of_count_0_may_be_anywhere)
{
        static const struct MvHttpHeader nowhere[1];
        const struct MvHttpHeader *arrays[] = {NULL, nowhere, (const struct MvHttpHeader *)(uintptr_t)16};
        for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
                MvChannelHandle channel = mvt_http_open();
                struct MvHttpRequest request = *mvt_http_request(
                        &(struct mvt_request){.method = "POST", .url = BASE "/request", .body = "{}"});
                request.headers = arrays[i];
                expect_okay(mvSendHttpRequest(channel, &request));
                wait_until(mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG) == i + 1);
                expect_response(channel, 200, "POST /request HTTP/1.1|api.example.com|||2");
                mvt_channel_close(&channel);
        }
}
END_TEST

START_TEST(a_chunked_reply_is_decoded)
{
        mvt_nginx_put(&nginx, "text", "banana", 6);
        MvChannelHandle channel = get(BASE "/chunked");
        expect_response(channel, 200, "banana");
        ck_assert_ptr_nonnull(strstr(mvt_http_headers(channel), "Transfer-Encoding: chunked\n"));
        mvt_channel_close(&channel);
}
END_TEST

/* ---- the receive buffer ---- */

static void put_file(size_t size)
{
        static char content[4096];
        memset(content, 'x', sizeof content);
        mvt_nginx_put(&nginx, "file", content, size);
}

static MvChannelHandle fetch_file(uint32_t receive_len)
{
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.receive_buffer_len = receive_len;
        MvChannelHandle channel = mvt_channel_open(&params);
        mvt_http_exchange(channel, &(struct mvt_request){.url = BASE "/file"});
        return channel;
}

/* What a response takes beside its body, by the accounting of decision 22. */
static size_t overhead(MvChannelHandle channel)
{
        size_t lines = 0;
        const char *headers = mvt_http_headers(channel);
        for (const char *c = headers; *c; c++)
                lines += *c == '\n';
        return 16 + strlen(headers) - lines + 4 * lines;
}

START_TEST(a_response_may_fill_the_receive_buffer_to_the_last_byte)
{
        const uint32_t receive_len = 2001;
        put_file(1500); /* the sizes that follow have as many digits, and so the headers the same length */
        MvChannelHandle channel = fetch_file(MVT_RECEIVE_SIZE);
        size_t room = receive_len - overhead(channel);
        ck_assert_uint_gt(room, 1024);
        mvt_channel_close(&channel);
        put_file(room);
        channel = fetch_file(receive_len);
        expect_response(channel, 200, NULL);
        ck_assert_uint_eq(mvt_http_data(channel)->body_length, room);
        ck_assert_uint_eq(overhead(channel) + room, receive_len);
        mvt_channel_close(&channel);
        put_file(room + 1);
        channel = fetch_file(receive_len);
        const struct MvHttpResponseData *data = mvt_http_data(channel);
        ck_assert_int_eq(data->result, MV_HTTPRESULT_RESPONSETOOLARGE);
        ck_assert_uint_eq(data->status_code, 0);
        ck_assert_uint_eq(data->num_headers, 0);
        ck_assert_uint_eq(data->body_length, 0);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- reading ---- */

static bool all_are(const uint8_t *bytes, size_t from, size_t to, uint8_t value)
{
        for (size_t i = from; i < to; i++) {
                if (bytes[i] != value)
                        return false;
        }
        return true;
}

static void expect_part(MvChannelHandle channel, uint32_t offset, uint32_t size, const char *part)
{
        uint8_t buffer[64];
        memset(buffer, 0xee, sizeof buffer);
        expect_okay(mvReadHttpResponseBody(channel, offset, buffer, size));
        ck_assert_mem_eq(buffer, part, strlen(part));
        ck_assert(all_are(buffer, strlen(part), sizeof buffer, 0xee));
}

START_TEST(the_body_is_read_in_any_part)
{
        uint8_t byte = 0xee;
        MvChannelHandle channel = get(BASE "/ok");
        expect_part(channel, 0, 5, "hello");
        expect_part(channel, 0, 5, "hello"); /* again */
        expect_part(channel, 0, 64, "hello");
        expect_part(channel, 1, 3, "ell");
        expect_part(channel, 3, 64, "lo");
        expect_part(channel, 4, 1, "o");
        expect_part(channel, 5, 64, "");
        expect_part(channel, 5, 0, "");
        expect_part(channel, 0, 0, "");
        expect_okay(mvReadHttpResponseBody(channel, 0, NULL, 0));
        expect_reject(mvReadHttpResponseBody(channel, 6, &byte, 1), MV_STATUS_OFFSETINVALID, "offset");
        expect_reject(mvReadHttpResponseBody(channel, 6, NULL, 0), MV_STATUS_OFFSETINVALID, "offset");
        expect_reject(mvReadHttpResponseBody(channel, UINT32_MAX, &byte, 1), MV_STATUS_OFFSETINVALID, "offset");
        ck_assert_uint_eq(byte, 0xee);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(an_empty_body_is_read_at_offset_0)
{
        uint8_t byte = 0xee;
        MvChannelHandle channel = get(BASE "/empty");
        expect_okay(mvReadHttpResponseBody(channel, 0, &byte, 1));
        expect_reject(mvReadHttpResponseBody(channel, 1, &byte, 1), MV_STATUS_OFFSETINVALID, "offset");
        ck_assert_uint_eq(byte, 0xee);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_header_is_cut_to_the_buffer)
{
        uint8_t line[257];
        MvChannelHandle channel = get(BASE "/long");
        uint32_t count = mvt_http_data(channel)->num_headers;
        memset(line, 0, sizeof line);
        expect_okay(mvReadHttpResponseHeader(channel, 0, line, 255)); /* into 256 zeroed bytes, as applications do */
        ck_assert_str_eq((char *)line, "Server: nginx");
        memset(line, 0xee, sizeof line);
        expect_okay(mvReadHttpResponseHeader(channel, count - 1, line, 255));
        ck_assert_mem_eq(line, "X-Long: 0123456789", 18);
        ck_assert_uint_eq(line[254], '0' + (254 - 8) % 10);
        ck_assert(all_are(line, 255, sizeof line, 0xee));
        expect_okay(mvReadHttpResponseHeader(channel, 0, line, 3));
        ck_assert_mem_eq(line, "Serong: ", 8);
        expect_okay(mvReadHttpResponseHeader(channel, 0, NULL, 0));
        expect_reject(mvReadHttpResponseHeader(channel, count, line, 255), MV_STATUS_INDEXINVALID, "header_index");
        expect_reject(mvReadHttpResponseHeader(channel, UINT32_MAX, line, 255), MV_STATUS_INDEXINVALID, "header_index");
        ck_assert_mem_eq(line, "Serong: ", 8);
        mvt_channel_close(&channel);
}
END_TEST

static volatile enum MvStatus status_in_handler;
static MvChannelHandle channel_of_handler;

static void reading_handler(void)
{
        struct MvHttpResponseData data;
        status_in_handler = mvReadHttpResponseData(channel_of_handler, &data);
}

START_TEST(a_handler_may_read_the_response)
{
        status_in_handler = MV_STATUS__MAX;
        channel_of_handler = mvt_http_open();
        mvsim_nvic_set_vector(MVT_ONLINE_IRQ, reading_handler);
        expect_okay(mvSendHttpRequest(channel_of_handler, mvt_http_request(&(struct mvt_request){.url = BASE "/ok"})));
        wait_until(status_in_handler != MV_STATUS__MAX);
        ck_assert_int_eq(status_in_handler, MV_STATUS_OKAY);
        mvt_channel_close(&channel_of_handler);
}
END_TEST

/* ---- one after the other ---- */

START_TEST(eight_requests_on_the_same_static_buffers)
{
        for (unsigned i = 1; i <= 8; i++) {
                char url[64];
                char expected[64];
                snprintf(url, sizeof url, BASE "/request?%u", i);
                snprintf(expected, sizeof expected, "GET /request?%u HTTP/1.1|api.example.com|||", i);
                expect_get(url, 200, expected);
                ck_assert_uint_eq(mvt_receive_buffer[0], 0xa5);
                ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG), i);
        }
}
END_TEST

START_TEST(four_requests_at_once)
{
        static uint8_t buffers[4][2][1024] __attribute__((aligned(512)));
        MvChannelHandle channels[4];
        for (unsigned i = 0; i < 4; i++) {
                char url[64];
                struct MvOpenChannelParams params = mvt_http_params();
                params.v1.notification_tag = 200 + i;
                params.v1.receive_buffer = buffers[i][0];
                params.v1.receive_buffer_len = 1024;
                params.v1.send_buffer = buffers[i][1];
                params.v1.send_buffer_len = 1024;
                channels[i] = mvt_channel_open(&params);
                snprintf(url, sizeof url, BASE "/request?%u", i);
                expect_okay(mvSendHttpRequest(channels[i], mvt_http_request(&(struct mvt_request){.url = url})));
        }
        for (unsigned i = 0; i < 4; i++) {
                char expected[64];
                wait_until(mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, 200 + i) == 1);
                snprintf(expected, sizeof expected, "GET /request?%u HTTP/1.1|api.example.com|||", i);
                expect_response(channels[i], 200, expected);
                mvt_channel_close(&channels[i]);
        }
}
END_TEST

START_TEST(the_request_is_copied_when_it_is_sent)
{
        char method[] = "GET", url[] = BASE "/request", header[] = "X-One: first", body[] = "abc";
        const char *headers[] = {header, NULL};
        MvChannelHandle channel = mvt_http_open();
        expect_okay(
                mvSendHttpRequest(channel, mvt_http_request(&(struct mvt_request){
                                                   .method = method, .url = url, .headers = headers, .body = body})));
        memset(method, 'x', sizeof method);
        memset(url, 'x', sizeof url);
        memset(header, 'x', sizeof header);
        memset(body, 'x', sizeof body);
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG) == 1);
        expect_response(channel, 200, "GET /request HTTP/1.1|api.example.com|first||3");
        mvt_channel_close(&channel);
}
END_TEST

static void add_tests(Suite *suite, const char *name, void (*boot_device)(void))
{
        TCase *tests = tcase_create(name);
        tcase_set_timeout(tests, 100);
        tcase_add_checked_fixture(tests, boot_device, end);
        tcase_add_test(tests, every_status_code_is_a_response);
        tcase_add_test(tests, a_redirect_is_delivered_not_followed);
        tcase_add_test(tests, headers_come_in_order_with_duplicates);
        tcase_add_test(tests, head_has_headers_and_no_body);
        tcase_add_test(tests, every_method_goes_out_as_it_is);
        tcase_add_test(tests, headers_and_body_go_out);
        tcase_add_test(tests, a_header_array_of_count_0_may_be_anywhere);
        tcase_add_test(tests, a_chunked_reply_is_decoded);
        tcase_add_test(tests, a_response_may_fill_the_receive_buffer_to_the_last_byte);
        tcase_add_test(tests, the_body_is_read_in_any_part);
        tcase_add_test(tests, an_empty_body_is_read_at_offset_0);
        tcase_add_test(tests, a_header_is_cut_to_the_buffer);
        tcase_add_test(tests, a_handler_may_read_the_response);
        tcase_add_test(tests, eight_requests_on_the_same_static_buffers);
        tcase_add_test(tests, four_requests_at_once);
        tcase_add_test(tests, the_request_is_copied_when_it_is_sent);
        suite_add_tcase(suite, tests);
}

Suite *suite(void)
{
        Suite *suite = suite_create("http");
        add_tests(suite, "virtual time", boot_virtual);
        add_tests(suite, "real time", boot_real);
        return suite;
}

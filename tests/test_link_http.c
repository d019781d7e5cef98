/* HTTP over the link, with a real nginx behind TLS: what comes back, and what goes out. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "nginx.h"
#include "pki.h"
#include "sim/link/link.h"
#include "sim/profile/profile.h"
#include "suite.h"

static const char locations[] =
        "location = /ok { return 200 \"hello\"; }\n"
        "location = /empty { return 204; }\n"
        "location = /missing { return 404 \"not here\"; }\n"
        "location = /broken { return 500 \"oops\"; }\n"
        "location = /moved { return 302 https://$http_host/ok; }\n"
        "location = /repeated { add_header X-One 1; add_header X-Two 2; add_header X-One 3; return 200 \"\"; }\n"
        "location = /request { return 200 \"$request|$http_host|$http_user_agent|$http_accept|$content_type\"; }\n"
        "location = /connection { return 200 \"$connection/$connection_requests\"; }\n"
        "location = /tls { return 200 \"$ssl_protocol|$ssl_server_name|$ssl_session_reused\"; }\n"
        "location = /chunked { alias www/text; default_type text/html; sub_filter a a; }\n"
        "location = /length { add_header X-Length \"$http_content_length\"; return 200 \"$http_content_length\"; }\n";

static struct mvt_pki pki;
static struct mvt_nginx nginx;
static struct mvs_profile profile;
static struct mvs_profile_rewrite rewrite;
static struct mvs_link *link_;
static char rewrite_from[128], rewrite_to[128], url_buffer[256];

static void setup(void)
{
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, "DNS:localhost,DNS:api.example.com,IP:127.0.0.1", 30, &certificate);
        mvt_nginx_start(&nginx, &certificate, locations);
        profile = (struct mvs_profile){.http.ca_file = pki.ca_file};
        link_ = mvs_link_create(&profile);
        ck_assert_ptr_nonnull(link_);
}

static void teardown(void)
{
        mvs_link_destroy(link_);
        mvt_nginx_finish(&nginx);
        mvt_pki_finish(&pki);
}

static const char *url(const char *path)
{
        snprintf(url_buffer, sizeof url_buffer, "https://127.0.0.1:%u%s", nginx.port, path);
        return url_buffer;
}

static struct mvs_http_reply *get(const char *path)
{
        return mvt_fetch(link_, &(struct mvt_ask){.url = url(path)}, true);
}

static void expect_reply(const struct mvs_http_reply *reply, uint32_t status, const char *body)
{
        ck_assert_msg(reply->outcome == MVS_HTTP_OK, "outcome %d: %s", (int)reply->outcome, reply->detail);
        ck_assert_str_eq(reply->detail, "");
        ck_assert_uint_eq(reply->status_code, status);
        if (body)
                ck_assert_str_eq(mvt_body_text(reply), body);
}

static void expect_get(const char *path, uint32_t status, const char *body)
{
        struct mvs_http_reply *reply = get(path);
        expect_reply(reply, status, body);
        mvs_http_reply_destroy(reply);
}

START_TEST(every_status_code_is_a_reply)
{
        expect_get("/ok", 200, "hello");
        expect_get("/empty", 204, "");
        expect_get("/missing", 404, "not here");
        expect_get("/broken", 500, "oops");
}
END_TEST

START_TEST(a_redirect_is_delivered_not_followed)
{
        char location[128];
        struct mvs_http_reply *reply = get("/moved");
        expect_reply(reply, 302, NULL);
        snprintf(location, sizeof location, "Location: https://127.0.0.1:%u/ok\n", nginx.port);
        ck_assert_ptr_nonnull(strstr(mvt_header_text(reply), location));
        mvs_http_reply_destroy(reply);
}
END_TEST

START_TEST(headers_come_as_received_in_order_with_duplicates)
{
        struct mvs_http_reply *reply = get("/repeated");
        expect_reply(reply, 200, "");
        const char *text = mvt_header_text(reply);
        ck_assert_ptr_nonnull(strstr(text, "X-One: 1\nX-Two: 2\nX-One: 3\n"));
        ck_assert_msg(strncmp(text, "Server: nginx\nDate: ", 20) == 0, "%s", text);
        ck_assert_ptr_null(strstr(text, "HTTP/1.1"));
        ck_assert_ptr_null(strchr(text, '\r'));
        mvs_http_reply_destroy(reply);
}
END_TEST

START_TEST(head_has_headers_and_no_body)
{
        struct mvs_http_reply *reply = mvt_fetch(link_, &(struct mvt_ask){.method = "HEAD", .url = url("/ok")}, true);
        expect_reply(reply, 200, "");
        ck_assert_ptr_nonnull(strstr(mvt_header_text(reply), "Content-Length: 5\n"));
        mvs_http_reply_destroy(reply);
        expect_get("/connection", 200, "1/2"); /* the connection is fit for more */
}
END_TEST

START_TEST(every_method_goes_out_as_it_is)
{
        static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
        char expected[128];
        for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
                struct mvs_http_reply *reply =
                        mvt_fetch(link_, &(struct mvt_ask){.method = methods[i], .url = url("/request")}, true);
                snprintf(expected, sizeof expected, "%s /request HTTP/1.1|127.0.0.1:%u|mvsim/0.1|*/*|", methods[i],
                         nginx.port);
                expect_reply(reply, 200, expected);
                mvs_http_reply_destroy(reply);
        }
}
END_TEST

static void expect_length(const char *method, const char *body, const char *length)
{
        struct mvs_http_reply *reply =
                mvt_fetch(link_, &(struct mvt_ask){.method = method, .url = url("/length"), .body = body}, true);
        expect_reply(reply, 200, length);
        mvs_http_reply_destroy(reply);
}

START_TEST(an_empty_body_is_announced_where_one_belongs)
{
        expect_length("GET", NULL, "");
        expect_length("DELETE", NULL, "");
        expect_length("OPTIONS", NULL, "");
        expect_length("POST", NULL, "0");
        expect_length("PUT", NULL, "0");
        expect_length("PATCH", NULL, "0");
        expect_length("GET", "abc", "3");
        expect_length("DELETE", "abc", "3");
        expect_length("PUT", "abcd", "4");
}
END_TEST

START_TEST(a_chunked_reply_is_decoded)
{
        mvt_nginx_put(&nginx, "text", "banana", 6);
        struct mvs_http_reply *reply = get("/chunked");
        expect_reply(reply, 200, "banana");
        ck_assert_ptr_nonnull(strstr(mvt_header_text(reply), "Transfer-Encoding: chunked\n"));
        mvs_http_reply_destroy(reply);
}
END_TEST

static size_t accounted(const struct mvs_http_reply *reply)
{
        size_t size = 16 + reply->body.len;
        for (size_t i = 0; i < reply->header_count; i++)
                size += reply->headers[i].len + 4;
        return size;
}

START_TEST(a_reply_may_fill_the_receive_buffer_to_the_last_byte)
{
        static char content[100000];
        memset(content, 'x', sizeof content);
        mvt_nginx_put(&nginx, "file", content, sizeof content);
        struct mvt_ask ask = {.url = url("/file"), .response_limit = 1000000};
        struct mvs_http_reply *reply = mvt_fetch(link_, &ask, true);
        expect_reply(reply, 200, NULL);
        ck_assert_uint_eq(reply->body.len, sizeof content);
        ck_assert_mem_eq(reply->body.data, content, sizeof content);
        ask.response_limit = accounted(reply);
        mvs_http_reply_destroy(reply);
        reply = mvt_fetch(link_, &ask, true);
        expect_reply(reply, 200, NULL);
        ck_assert_uint_eq(reply->body.len, sizeof content);
        mvs_http_reply_destroy(reply);
        ask.response_limit--;
        mvt_expect_failed(mvt_fetch(link_, &ask, true), MVS_HTTP_RESPONSE_TOO_LARGE, "receive buffer");
}
END_TEST

START_TEST(the_headers_alone_may_be_too_large)
{
        static const size_t limits[] = {1, 15, 16, 17, 40, 100};
        struct mvt_ask ask = {.method = "HEAD", .url = url("/ok")};
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
                ask.response_limit = limits[i];
                mvt_expect_failed(mvt_fetch(link_, &ask, true), MVS_HTTP_RESPONSE_TOO_LARGE, "receive buffer");
        }
        struct mvs_http_reply *reply = get("/empty");
        ask = (struct mvt_ask){.url = url("/empty"), .response_limit = accounted(reply)};
        mvs_http_reply_destroy(reply);
        reply = mvt_fetch(link_, &ask, true);
        expect_reply(reply, 204, "");
        mvs_http_reply_destroy(reply);
        ask.response_limit--;
        mvt_expect_failed(mvt_fetch(link_, &ask, true), MVS_HTTP_RESPONSE_TOO_LARGE, "receive buffer");
}
END_TEST

START_TEST(a_large_head_reply_needs_no_room)
{
        static char content[100000];
        mvt_nginx_put(&nginx, "file", content, sizeof content);
        struct mvt_ask ask = {.method = "HEAD", .url = url("/file"), .response_limit = 512};
        struct mvs_http_reply *reply = mvt_fetch(link_, &ask, true);
        expect_reply(reply, 200, "");
        mvs_http_reply_destroy(reply);
}
END_TEST

START_TEST(connections_are_kept_and_shared)
{
        expect_get("/connection", 200, "1/1");
        expect_get("/connection", 200, "1/2");
        expect_get("/missing", 404, NULL);
        expect_get("/connection", 200, "1/4");
}
END_TEST

START_TEST(tls_is_recent_and_sessions_are_not_resumed)
{
        expect_get("/tls", 200, "TLSv1.3||.");
}
END_TEST

START_TEST(a_server_that_goes_and_comes_back)
{
        expect_get("/ok", 200, "hello");
        mvt_nginx_stop(&nginx);
        mvt_expect_failed(get("/ok"), MVS_HTTP_REQUEST_FAILED, "127.0.0.1: Failed to connect");
        mvt_expect_failed(get("/ok"), MVS_HTTP_REQUEST_FAILED, "127.0.0.1: Failed to connect");
        mvt_nginx_restart(&nginx);
        expect_get("/ok", 200, "hello");
        mvt_nginx_stop(&nginx);
        mvt_nginx_restart(&nginx);
        expect_get("/ok", 200, "hello"); /* in spite of the dead connection that was kept */
}
END_TEST

static void use_rewrite(const char *from, const char *scheme, const char *host, const char *rest)
{
        mvs_link_destroy(link_);
        snprintf(rewrite_from, sizeof rewrite_from, "%s", from);
        snprintf(rewrite_to, sizeof rewrite_to, "%s://%s:%u%s", scheme, host, nginx.port, rest);
        rewrite = (struct mvs_profile_rewrite){.from = rewrite_from, .to = rewrite_to};
        profile.http.rewrite = &rewrite;
        profile.http.rewrite_count = 1;
        link_ = mvs_link_create(&profile);
}

static void expect_fetch(const struct mvt_ask *ask, const char *body)
{
        struct mvs_http_reply *reply = mvt_fetch(link_, ask, true);
        expect_reply(reply, 200, body);
        mvs_http_reply_destroy(reply);
}

START_TEST(a_stand_in_is_asked_in_the_name_of_the_other)
{
        use_rewrite("https://api.example.com", "https", "127.0.0.1", "");
        expect_fetch(&(struct mvt_ask){.url = "https://api.example.com/request?a=b"},
                     "GET /request?a=b HTTP/1.1|api.example.com|mvsim/0.1|*/*|");
        expect_fetch(&(struct mvt_ask){.url = "https://api.example.com/tls"}, "TLSv1.3|api.example.com|.");
        use_rewrite("https://api.example.com:8443", "https", "localhost", "");
        expect_fetch(&(struct mvt_ask){.url = "https://api.example.com:8443/request"},
                     "GET /request HTTP/1.1|api.example.com:8443|mvsim/0.1|*/*|");
        use_rewrite("https://[::1]", "https", "localhost", "");
        expect_fetch(&(struct mvt_ask){.url = "https://[::1]/request"}, "GET /request HTTP/1.1|[::1]|mvsim/0.1|*/*|");
}
END_TEST

START_TEST(the_application_s_own_headers_win)
{
        static const char *const headers[] = {"Host: other.example.com", "User-Agent: thing/1",
                                              "Accept: text/plain",      "Content-Type: application/json",
                                              "content-length: 2",       NULL};
        use_rewrite("https://api.example.com", "https", "127.0.0.1", "");
        struct mvt_ask ask = {
                .method = "POST", .url = "https://api.example.com/request", .headers = headers, .body = "{}"};
        const char *expected = "POST /request HTTP/1.1|other.example.com|thing/1|text/plain|application/json";
        expect_fetch(&ask, expected);
}
END_TEST

START_TEST(a_stand_in_may_speak_plain_http)
{
        mvt_nginx_finish(&nginx);
        mvt_nginx_start(&nginx, NULL, locations);
        use_rewrite("https://api.example.com", "http", "localhost", "/request");
        expect_fetch(&(struct mvt_ask){.url = "https://api.example.com"},
                     "GET /request HTTP/1.1|api.example.com|mvsim/0.1|*/*|");
        use_rewrite("https://api.example.com/", "http", "localhost", "");
        expect_fetch(&(struct mvt_ask){.url = "https://api.example.com/request"},
                     "GET /request HTTP/1.1|api.example.com|mvsim/0.1|*/*|");
}
END_TEST

START_TEST(plain_http_when_the_profile_allows_it)
{
        char plain[64];
        mvt_nginx_finish(&nginx);
        mvt_nginx_start(&nginx, NULL, locations);
        snprintf(plain, sizeof plain, "http://127.0.0.1:%u/ok", nginx.port);
        struct mvt_ask ask = {.url = plain};
        mvt_expect_failed(mvt_fetch(link_, &ask, true), MVS_HTTP_UNSUPPORTED_URI_SCHEME, "https://");
        profile.http.allow_plain = true;
        expect_fetch(&ask, "hello");
}
END_TEST

static bool module_is_loaded(void)
{
        char line[1024];
        bool found = false;
        FILE *maps = fopen("/proc/self/maps", "re");
        ck_assert_ptr_nonnull(maps);
        while (fgets(line, sizeof line, maps))
                found = found || strstr(line, "mvsim-http.so");
        fclose(maps);
        return found;
}

START_TEST(what_the_rules_refuse_asks_nobody)
{
        static const char *const headers[] = {"no colon", NULL};
        bool loaded = module_is_loaded(); /* by the test before, when tests do not fork */
        mvt_nginx_stop(&nginx);
        setenv("MVSIM_MODULE_DIR", "/nonexistent", 1);
        mvt_expect_failed(mvt_fetch(link_, &(struct mvt_ask){.url = "ftp://x"}, true), MVS_HTTP_UNSUPPORTED_URI_SCHEME,
                          "https://");
        mvt_expect_failed(mvt_fetch(link_, &(struct mvt_ask){.url = url("/"), .method = "get"}, true),
                          MVS_HTTP_UNSUPPORTED_METHOD, "capitals");
        mvt_expect_failed(mvt_fetch(link_, &(struct mvt_ask){.url = url("/"), .headers = headers}, true),
                          MVS_HTTP_INVALID_HEADERS, "header 0");
        mvt_expect_failed(mvt_fetch(link_, &(struct mvt_ask){.url = url("/"), .timeout_ms = 4999}, true),
                          MVS_HTTP_INVALID_TIMEOUT, "4999");
        ck_assert(module_is_loaded() == loaded);
        unsetenv("MVSIM_MODULE_DIR");
}
END_TEST

START_TEST(many_requests_in_parallel)
{
        enum { COUNT = 200 };
        static struct mvt_exchange exchanges[COUNT];
        for (size_t i = 0; i < COUNT; i++)
                mvt_begin(link_, &(struct mvt_ask){.url = url(i % 2 ? "/ok" : "/missing"), .timeout_ms = 60000},
                          &exchanges[i]);
        for (size_t i = 0; i < COUNT; i++) {
                expect_reply(mvt_wait(&exchanges[i]), i % 2 ? 200 : 404, i % 2 ? "hello" : "not here");
                mvt_exchange_finish(&exchanges[i]);
        }
}
END_TEST

START_TEST(a_link_that_is_destroyed_answers_nothing_more)
{
        enum { COUNT = 50 };
        static struct mvt_exchange exchanges[COUNT];
        unsigned answered[COUNT];
        expect_get("/ok", 200, "hello");
        for (size_t i = 0; i < COUNT; i++)
                mvt_begin(link_, &(struct mvt_ask){.url = url("/ok")}, &exchanges[i]);
        mvs_link_destroy(link_);
        link_ = NULL;
        for (size_t i = 0; i < COUNT; i++)
                answered[i] = exchanges[i].done;
        mvt_expect_failed(mvt_fetch(link_ = mvs_link_create(&profile), &(struct mvt_ask){.url = "x:"}, true),
                          MVS_HTTP_UNSUPPORTED_URI_SCHEME, "");
        for (size_t i = 0; i < COUNT; i++) {
                ck_assert_uint_eq(exchanges[i].done, answered[i]);
                mvt_exchange_finish(&exchanges[i]);
        }
}
END_TEST

START_TEST(links_come_and_go_with_their_connections)
{
        for (int i = 0; i < 20; i++) {
                expect_get("/connection", 200, NULL);
                mvs_link_destroy(link_);
                link_ = mvs_link_create(&profile);
        }
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("link: http");
        TCase *tcase = tcase_create("nginx");
        unsetenv("https_proxy");
        unsetenv("HTTPS_PROXY");
        unsetenv("ALL_PROXY");
        unsetenv("all_proxy");
        unsetenv("http_proxy");
        tcase_set_timeout(tcase, 100);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, every_status_code_is_a_reply);
        tcase_add_test(tcase, a_redirect_is_delivered_not_followed);
        tcase_add_test(tcase, headers_come_as_received_in_order_with_duplicates);
        tcase_add_test(tcase, head_has_headers_and_no_body);
        tcase_add_test(tcase, every_method_goes_out_as_it_is);
        tcase_add_test(tcase, an_empty_body_is_announced_where_one_belongs);
        tcase_add_test(tcase, a_chunked_reply_is_decoded);
        tcase_add_test(tcase, a_reply_may_fill_the_receive_buffer_to_the_last_byte);
        tcase_add_test(tcase, the_headers_alone_may_be_too_large);
        tcase_add_test(tcase, a_large_head_reply_needs_no_room);
        tcase_add_test(tcase, connections_are_kept_and_shared);
        tcase_add_test(tcase, tls_is_recent_and_sessions_are_not_resumed);
        tcase_add_test(tcase, a_server_that_goes_and_comes_back);
        tcase_add_test(tcase, a_stand_in_is_asked_in_the_name_of_the_other);
        tcase_add_test(tcase, the_application_s_own_headers_win);
        tcase_add_test(tcase, a_stand_in_may_speak_plain_http);
        tcase_add_test(tcase, plain_http_when_the_profile_allows_it);
        tcase_add_test(tcase, what_the_rules_refuse_asks_nobody);
        tcase_add_test(tcase, many_requests_in_parallel);
        tcase_add_test(tcase, a_link_that_is_destroyed_answers_nothing_more);
        tcase_add_test(tcase, links_come_and_go_with_their_connections);
        suite_add_tcase(suite, tcase);
        return suite;
}

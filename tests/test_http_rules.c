/* What the cloud refuses before it asks anybody: scheme, method, headers, time-out, in this order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cloud/http_rules.h"
#include "sim/link/rewrite.h"
#include "suite.h"

static struct mvs_profile_http profile;

static struct mvs_bytes text(const char *string)
{
        return (struct mvs_bytes){.data = (uint8_t *)(uintptr_t)string, .len = strlen(string)};
}

static struct mvs_http_request good(void)
{
        return (struct mvs_http_request){
                .method = text("GET"), .url = text("https://api.example.com/"), .timeout_ms = 5000};
}

static char detail[200];

static void expect(const struct mvs_http_request *request, enum mvs_http_outcome outcome, const char *reason)
{
        memset(detail, 'x', sizeof detail);
        ck_assert_int_eq((int)mvs_http_rules_check(request, &profile, detail), (int)outcome);
        ck_assert_msg(strstr(detail, reason) != NULL, "\"%s\" is not in \"%s\"", reason, detail);
        if (outcome == MVS_HTTP_OK)
                ck_assert_str_eq(detail, "");
}

static void expect_url(const char *url, enum mvs_http_outcome outcome)
{
        struct mvs_http_request request = good();
        request.url = text(url);
        expect(&request, outcome, outcome == MVS_HTTP_OK ? "" : "https://");
}

START_TEST(only_https_is_fetched)
{
        expect_url("https://api.example.com/", MVS_HTTP_OK);
        expect_url("HTTPS://api.example.com/", MVS_HTTP_OK);
        expect_url("http://api.example.com/", MVS_HTTP_UNSUPPORTED_URI_SCHEME);
        expect_url("httpsx://api.example.com/", MVS_HTTP_UNSUPPORTED_URI_SCHEME);
        expect_url("ftp://api.example.com/", MVS_HTTP_UNSUPPORTED_URI_SCHEME);
        expect_url("file:///etc/passwd", MVS_HTTP_UNSUPPORTED_URI_SCHEME);
        expect_url("api.example.com/", MVS_HTTP_UNSUPPORTED_URI_SCHEME);
        expect_url("http", MVS_HTTP_UNSUPPORTED_URI_SCHEME);
        expect_url("", MVS_HTTP_UNSUPPORTED_URI_SCHEME);
}
END_TEST

START_TEST(an_empty_url_without_bytes_is_refused)
{
        struct mvs_http_request request = good();
        request.url = (struct mvs_bytes){0};
        expect(&request, MVS_HTTP_UNSUPPORTED_URI_SCHEME, "https://");
}
END_TEST

START_TEST(the_profile_may_allow_plain_http)
{
        profile.allow_plain = true;
        expect_url("http://api.example.com/", MVS_HTTP_OK);
        expect_url("ftp://api.example.com/", MVS_HTTP_UNSUPPORTED_URI_SCHEME);
        profile.allow_plain = false;
}
END_TEST

START_TEST(a_rewritten_url_may_have_any_scheme)
{
        char from[] = "http://api.example.com";
        char to[] = "http://127.0.0.1:8080";
        struct mvs_profile_rewrite rule = {.from = from, .to = to};
        profile.rewrite = &rule;
        profile.rewrite_count = 1;
        expect_url("http://api.example.com/x", MVS_HTTP_OK);
        expect_url("http://api.example.com.evil.net/x", MVS_HTTP_UNSUPPORTED_URI_SCHEME);
        profile.rewrite_count = 0;
        profile.rewrite = NULL;
}
END_TEST

START_TEST(seven_methods_are_known_in_capitals_only)
{
        static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
        static const char *const unknown[] = {"", "get", "Get", "GE", "GETS", "GET ", "TRACE", "CONNECT", "LINK"};
        struct mvs_http_request request = good();
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
                request.method = text(known[i]);
                expect(&request, MVS_HTTP_OK, "");
        }
        for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
                request.method = text(unknown[i]);
                expect(&request, MVS_HTTP_UNSUPPORTED_METHOD, "none of GET");
        }
}
END_TEST

static void expect_headers(const char *first, const char *second, enum mvs_http_outcome outcome, const char *reason)
{
        struct mvs_http_request request = good();
        struct mvs_bytes lines[] = {text(first), text(second ? second : "")};
        request.headers = lines;
        request.header_count = second ? 2 : 1;
        expect(&request, outcome, reason);
}

START_TEST(header_lines_are_accepted)
{
        expect_headers("Content-Type: application/json", NULL, MVS_HTTP_OK, "");
        expect_headers("X-Empty:", NULL, MVS_HTTP_OK, "");
        expect_headers("X:no blank", NULL, MVS_HTTP_OK, "");
        expect_headers("X-Colons: a:b:c", NULL, MVS_HTTP_OK, "");
        expect_headers("!#$%&'*+-.^_`|~09azAZ: ~ ", NULL, MVS_HTTP_OK, "");
        expect_headers("X-Twice: 1", "X-Twice: 2", MVS_HTTP_OK, "");
        expect_headers("Host: a", "Host-Name: b", MVS_HTTP_OK, "");
}
END_TEST

START_TEST(a_header_without_colon_or_name_is_refused)
{
        expect_headers("Content-Type", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has no colon");
        expect_headers("", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has no colon");
        expect_headers("A: b", "no colon here", MVS_HTTP_INVALID_HEADERS, "header 1 has no colon");
        expect_headers(": value", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has no name");
        expect_headers("Na me: value", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has ' ' in its name");
        expect_headers("Name : value", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has ' ' in its name");
        expect_headers("(x): value", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has");
        expect_headers("a;b: value", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has ';' in its name");
}
END_TEST

START_TEST(a_header_with_other_than_printable_ascii_is_refused)
{
        expect_headers("A: b\r\n", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has byte 0x0d at 4");
        expect_headers("A: b\nX: c", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has byte 0x0a at 4");
        expect_headers("A:\tb", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has byte 0x09 at 2");
        expect_headers("A: \x7f", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has byte 0x7f at 3");
        expect_headers("A: \xc3\xa9", NULL, MVS_HTTP_INVALID_HEADERS, "header 0 has byte 0xc3 at 3");
        struct mvs_http_request request = good();
        struct mvs_bytes line = {.data = (uint8_t[]){'A', ':', 0, 'b'}, .len = 4};
        request.headers = &line;
        request.header_count = 1;
        expect(&request, MVS_HTTP_INVALID_HEADERS, "header 0 has byte 0x00 at 2");
}
END_TEST

START_TEST(what_http_forbids_to_repeat_is_refused)
{
        expect_headers("Host: a", "Host: a", MVS_HTTP_INVALID_HEADERS, "header 1 is a second Host");
        expect_headers("Host: a", "hOST:", MVS_HTTP_INVALID_HEADERS, "header 1 is a second Host");
        expect_headers("Content-Length: 0", "content-length: 0", MVS_HTTP_INVALID_HEADERS, "second Content-Length");
}
END_TEST

START_TEST(the_timeout_is_from_5_to_10_seconds)
{
        static const uint32_t bad[] = {0, 1, 4999, 10001, UINT32_MAX};
        struct mvs_http_request request = good();
        for (request.timeout_ms = 5000; request.timeout_ms <= 10000; request.timeout_ms += 2500)
                expect(&request, MVS_HTTP_OK, "");
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                request.timeout_ms = bad[i];
                expect(&request, MVS_HTTP_INVALID_TIMEOUT, "not from 5000 to 10000");
        }
}
END_TEST

START_TEST(the_first_objection_is_told)
{
        struct mvs_bytes line = text("bad");
        struct mvs_http_request request = {
                .method = text("get"), .url = text("ftp://x"), .headers = &line, .header_count = 1};
        expect(&request, MVS_HTTP_UNSUPPORTED_URI_SCHEME, "https://");
        request.url = text("https://x");
        expect(&request, MVS_HTTP_UNSUPPORTED_METHOD, "method");
        request.method = text("PUT");
        expect(&request, MVS_HTTP_INVALID_HEADERS, "header 0");
        line = text("Good: one");
        expect(&request, MVS_HTTP_INVALID_TIMEOUT, "timeout_ms is 0");
}
END_TEST

static void expect_rewrite(const char *url, const char *result)
{
        struct mvs_bytes bytes = text(url);
        const struct mvs_profile_rewrite *rule = mvs_http_rewrite_find(&profile, &bytes);
        if (!result) {
                ck_assert_msg(!rule, "%s was rewritten", url);
                return;
        }
        ck_assert_msg(rule != NULL, "%s was not rewritten", url);
        char *rewritten = mvs_http_rewrite_apply(rule, &bytes);
        ck_assert_str_eq(rewritten, result);
        free(rewritten);
}

START_TEST(a_prefix_is_rewritten_at_a_boundary)
{
        char from[][32] = {"https://a.com/v1", "https://a.com", "https://b.com/", ""};
        char to[][32] = {"http://one", "http://two:81/base", "http://three:80", "http://four"};
        struct mvs_profile_rewrite rules[4];
        for (unsigned i = 0; i < 4; i++)
                rules[i] = (struct mvs_profile_rewrite){.from = from[i], .to = to[i]};
        profile.rewrite = rules;
        profile.rewrite_count = 4;
        expect_rewrite("https://a.com/v1", "http://one");
        expect_rewrite("https://a.com/v1/x?y#z", "http://one/x?y#z");
        expect_rewrite("https://a.com/v1?y", "http://one?y");
        expect_rewrite("https://a.com/v1#z", "http://one#z");
        expect_rewrite("https://a.com/v10", "http://two:81/base/v10");
        expect_rewrite("https://a.com", "http://two:81/base");
        expect_rewrite("https://a.com:443/", NULL);
        expect_rewrite("https://a.com.evil.net/", NULL);
        expect_rewrite("https://a.co", NULL);
        expect_rewrite("https://b.com/1", "http://three:80/1");
        expect_rewrite("https://b.com/", "http://three:80/");
        expect_rewrite("https://b.com", NULL);
        expect_rewrite("", NULL);
        profile.rewrite_count = 0;
        profile.rewrite = NULL;
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("http rules");
        TCase *tcase = tcase_create("rules");
        tcase_add_test(tcase, only_https_is_fetched);
        tcase_add_test(tcase, an_empty_url_without_bytes_is_refused);
        tcase_add_test(tcase, the_profile_may_allow_plain_http);
        tcase_add_test(tcase, a_rewritten_url_may_have_any_scheme);
        tcase_add_test(tcase, seven_methods_are_known_in_capitals_only);
        tcase_add_test(tcase, header_lines_are_accepted);
        tcase_add_test(tcase, a_header_without_colon_or_name_is_refused);
        tcase_add_test(tcase, a_header_with_other_than_printable_ascii_is_refused);
        tcase_add_test(tcase, what_http_forbids_to_repeat_is_refused);
        tcase_add_test(tcase, the_timeout_is_from_5_to_10_seconds);
        tcase_add_test(tcase, the_first_objection_is_told);
        tcase_add_test(tcase, a_prefix_is_rewritten_at_a_boundary);
        suite_add_tcase(suite, tcase);
        return suite;
}

/* HTTP over the link when things go wrong: certificates, silence, cut and malformed replies, cancelling. */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fetch.h"
#include "peer.h"
#include "pki.h"
#include "sim/link/link.h"
#include "sim/profile/profile.h"
#include "suite.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct mvt_answer answers[] = {
        {"/silent", NULL, MVT_HOLD},
        {"/slow", OK_HEAD "Content-Length: 10\r\n\r\nhalf", MVT_HOLD},
        {"/cut", OK_HEAD "Content-Length: 10\r\n\r\nhalf", MVT_CUT},
        {"/short", OK_HEAD "Content-Length: 10\r\n\r\nhalf", MVT_CLOSE},
        {"/cut-header", OK_HEAD "Content-Len", MVT_CLOSE},
        {"/cut-chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", MVT_CLOSE},
        {"/nothing", NULL, MVT_CLOSE},
        {"/malformed", "HELLO THERE\r\n\r\n", MVT_CLOSE},
        {"/nine", "just text, as in 1991", MVT_CLOSE},
        {"/bad-chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", MVT_CLOSE},
        {"/nul", OK_HEAD "X: y\r\nContent-Length: 0\r\n\r\n", MVT_KEEP},
        {"/until-close", OK_HEAD "\r\nall of it", MVT_CLOSE},
        {"/interim",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\nLink: y\r\n\r\n" OK_HEAD
         "X-A: 1\r\nContent-Length: 2\r\n\r\nok",
         MVT_KEEP},
        {"/trailer",
         OK_HEAD "Trailer: T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: late\r\n\r\n", MVT_KEEP},
        {"/folded", OK_HEAD "X-A: one\r\n  two\r\nx-b:raw\r\nContent-Length: 0\r\n\r\n", MVT_KEEP},
        {"/flood", OK_HEAD "\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", MVT_FLOOD},
        {"/flood-headers", OK_HEAD "HTTP/1.1: 0123456789abcdef0123456789abcdef\r\n", MVT_FLOOD},
        {NULL, NULL, MVT_ECHO},
};

static struct mvt_pki pki;
static struct mvt_peer peer;
static struct mvs_profile profile;
static struct mvs_profile_rewrite rewrite;
static struct mvs_link *link_;
static char rewrite_to[128];

static void start(const char *alt_names, int days)
{
        struct mvt_certificate certificate;
        mvs_link_destroy(link_);
        if (alt_names)
                mvt_pki_issue(&pki, alt_names, days, &certificate);
        mvt_peer_start(&peer, alt_names ? &certificate : NULL, answers); /* forks: no threads now */
        link_ = mvs_link_create(&profile);
}

static void setup(void)
{
        mvt_pki_init(&pki);
        profile = (struct mvs_profile){.http.ca_file = pki.ca_file};
        link_ = mvs_link_create(&profile);
}

static void teardown(void)
{
        mvs_link_destroy(link_);
        mvt_peer_finish(&peer);
        mvt_pki_finish(&pki);
}

static void setup_tls(void)
{
        setup();
        start("DNS:localhost,IP:127.0.0.1", 30);
}

static const char *url_at(const char *host, const char *path)
{
        static char text[256];
        snprintf(text, sizeof text, "https://%s:%u%s", host, peer.port, path);
        return text;
}

static const char *url(const char *path)
{
        return url_at("127.0.0.1", path);
}

static struct mvs_http_reply *get(const char *where)
{
        return mvt_fetch(link_, &(struct mvt_ask){.url = where}, false);
}

static void expect_ok(struct mvs_http_reply *reply, const char *headers, const char *body)
{
        ck_assert_msg(reply->outcome == MVS_HTTP_OK, "outcome %d: %s", (int)reply->outcome, reply->detail);
        ck_assert_uint_eq(reply->status_code, 200);
        if (headers)
                ck_assert_str_eq(mvt_header_text(reply), headers);
        if (body)
                ck_assert_str_eq(mvt_body_text(reply), body);
        mvs_http_reply_destroy(reply);
}

static void expect_failure(struct mvs_http_reply *reply, const char *reason)
{
        mvt_expect_failed(reply, MVS_HTTP_REQUEST_FAILED, reason);
}

static void wait_for(unsigned (*count)(const struct mvt_peer *), unsigned value)
{
        time_t end = time(NULL) + 60;
        while (count(&peer) != value) {
                ck_assert_msg(time(NULL) < end, "%u, not %u", count(&peer), value);
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
}

START_TEST(a_broken_reply_is_a_failure)
{
        expect_failure(get(url("/cut")), "127.0.0.1: ");
        expect_failure(get(url("/short")), "6 bytes remaining");
        expect_failure(get(url("/cut-header")), "127.0.0.1: ");
        expect_failure(get(url("/cut-chunk")), "127.0.0.1: ");
        expect_failure(get(url("/nothing")), "Empty reply");
        expect_failure(get(url("/malformed")), "HTTP/0.9");
        expect_failure(get(url("/nine")), "HTTP/0.9");
        expect_failure(get(url("/bad-chunk")), "127.0.0.1: ");
        expect_ok(get(url("/until-close")), "", "all of it");
}
END_TEST

START_TEST(interim_replies_and_trailers_are_not_told)
{
        expect_ok(get(url("/interim")), "X-A: 1\nContent-Length: 2\n", "ok");
        expect_ok(get(url("/trailer")), "Trailer: T\nTransfer-Encoding: chunked\n", "abc");
        ck_assert_uint_eq(mvt_peer_accepted(&peer), 1);
}
END_TEST

START_TEST(a_folded_header_is_one_line)
{
        expect_ok(get(url("/folded")), "X-A: one two\nx-b:raw\nContent-Length: 0\n", "");
}
END_TEST

START_TEST(silence_ends_with_the_timeout)
{
        static const char *const silent[] = {"/silent", "/slow"};
        for (unsigned i = 0; i < 2; i++) {
                /* Once connected: a handshake that takes too long has other words. */
                expect_ok(get(url("/echo")), NULL, NULL);
                expect_failure(mvt_fetch(link_, &(struct mvt_ask){.url = url(silent[i]), .timeout_ms = 200}, false),
                               "timed out after");
        }
        wait_for(mvt_peer_open, 0);
        expect_ok(get(url("/echo")), NULL, NULL);
}
END_TEST

START_TEST(a_flood_is_stopped_at_the_limit)
{
        struct mvt_ask ask = {.url = url("/flood"), .response_limit = 4096};
        mvt_expect_failed(mvt_fetch(link_, &ask, false), MVS_HTTP_RESPONSE_TOO_LARGE, "4096 bytes");
        ask.url = url("/flood-headers");
        mvt_expect_failed(mvt_fetch(link_, &ask, false), MVS_HTTP_RESPONSE_TOO_LARGE, "4096 bytes");
        wait_for(mvt_peer_open, 0);
}
END_TEST

static void expect_echo(const struct mvt_ask *ask, const char *request)
{
        char expected[512];
        int len = snprintf(expected, sizeof expected, "%s", request);
        char *port = strstr(expected, "PORT");
        if (port) {
                char rest[512];
                snprintf(rest, sizeof rest, "%s", port + 4);
                len = snprintf(port, sizeof expected - (size_t)(port - expected), "%u%s", peer.port, rest);
        }
        ck_assert_int_gt(len, 0);
        expect_ok(mvt_fetch(link_, ask, false), NULL, expected);
}

START_TEST(a_request_goes_out_as_the_application_wrote_it)
{
        static const char *const headers[] = {
                "X-Twice: 1", "x-lower:tight", "X-Twice: 2", "X-Empty:", "Content-Length: 4", "X-Blank:  ", NULL};
        expect_echo(
                &(struct mvt_ask){.url = url("/a/../b?x=%20&y#z"), .headers = headers, .body = "body"},
                "GET /a/../b?x=%20&y HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: mvsim/0.1\r\nAccept: */*\r\n"
                "X-Twice: 1\r\nx-lower:tight\r\nX-Twice: 2\r\nX-Empty:\r\nX-Blank:\r\nContent-Length: 4\r\n\r\nbody");
        expect_echo(&(struct mvt_ask){.url = url("")},
                    "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: mvsim/0.1\r\nAccept: */*\r\n\r\n");
        expect_echo(&(struct mvt_ask){.url = url("/p"), .method = "POST"},
                    "POST /p HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: mvsim/0.1\r\nAccept: */*\r\n"
                    "Content-Length: 0\r\n\r\n");
}
END_TEST

START_TEST(a_large_body_goes_out_at_once)
{
        static char body[50001];
        memset(body, 'b', sizeof body - 1);
        struct mvt_ask ask = {.url = url("/x"), .method = "PUT", .body = body, .response_limit = 100000};
        struct mvs_http_reply *reply = mvt_fetch(link_, &ask, false);
        ck_assert_msg(reply->outcome == MVS_HTTP_OK, "%s", reply->detail);
        ck_assert_uint_gt(reply->body.len, sizeof body);
        ck_assert_ptr_null(strstr(mvt_body_text(reply), "Expect"));
        mvs_http_reply_destroy(reply);
}
END_TEST

START_TEST(a_head_request_may_have_a_body)
{
        struct mvt_ask ask = {.url = url("/x"), .method = "HEAD", .body = "body"};
        expect_ok(mvt_fetch(link_, &ask, false), NULL, "");
        ck_assert_uint_eq(mvt_peer_requests(&peer), 1);
        expect_ok(get(url("/x")), NULL, NULL);
        ck_assert_uint_eq(mvt_peer_accepted(&peer), 1);
}
END_TEST

START_TEST(a_request_that_cannot_be_made)
{
        static const char *const wrong_length[] = {"Content-Length: 5", NULL};
        static const char *const not_a_length[] = {"Content-Length: 0x4", NULL};
        struct mvt_ask ask = {.url = url("/x"), .headers = wrong_length, .body = "body"};
        expect_failure(mvt_fetch(link_, &ask, false), "is not the body's length, 4");
        ask.headers = not_a_length;
        expect_failure(mvt_fetch(link_, &ask, false), "is not the body's length, 4");
        expect_failure(get("https://"), "");
        expect_failure(get("https://in valid/"), "");
        expect_failure(get("https://127.0.0.1:99999/"), "");
        expect_failure(get("ftp://127.0.0.1/"), "ftp");
        expect_failure(get("https://no-such-host.invalid/"), "no-such-host.invalid: ");
        ck_assert_uint_eq(mvt_peer_accepted(&peer), 0);
}
END_TEST

static void on_done(void *context, uint32_t id, struct mvs_http_reply *reply)
{
        struct mvs_http_reply **slot = context;
        (void)id;
        __atomic_store_n(slot, reply, __ATOMIC_RELEASE);
}

START_TEST(a_url_with_a_nul_byte_is_not_cut_short)
{
        struct mvs_http_reply *reply = NULL;
        struct mvs_http_request *request = mvt_make_request(&(struct mvt_ask){.url = url("/x?secret")});
        request->url.data[request->url.len - 7] = '\0';
        ck_assert_int_eq(mvs_link_http_start(link_, 1, request, on_done, &reply), 0);
        while (!__atomic_load_n(&reply, __ATOMIC_ACQUIRE))
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        expect_failure(reply, "NUL");
}
END_TEST

START_TEST(a_cancelled_request_is_dropped)
{
        struct mvt_exchange exchange = {0};
        mvt_begin(link_, &(struct mvt_ask){.url = url("/slow")}, &exchange);
        wait_for(mvt_peer_requests, 1);
        mvs_link_http_cancel(link_, exchange.id + 1000);
        mvs_link_http_cancel(link_, exchange.id);
        mvs_link_http_cancel(link_, exchange.id);
        wait_for(mvt_peer_open, 0);
        expect_ok(get(url("/x")), NULL, NULL);
        ck_assert(!mvt_is_done(&exchange));
}
END_TEST

START_TEST(cancelling_at_any_moment)
{
        enum { COUNT = 100 };
        static struct mvt_exchange exchanges[COUNT];
        mvs_link_http_cancel(link_, 1); /* nothing is under way, not even the thread */
        for (unsigned i = 0; i < COUNT; i++) {
                mvt_begin(link_, &(struct mvt_ask){.url = url(i % 3 ? "/x" : "/slow")}, &exchanges[i]);
                nanosleep(&(struct timespec){.tv_nsec = (long)i * 20000}, NULL);
                mvs_link_http_cancel(link_, exchanges[i].id);
        }
        expect_ok(get(url("/x")), NULL, NULL);
        mvs_link_destroy(link_);
        link_ = NULL;
        for (unsigned i = 0; i < COUNT; i++) {
                ck_assert_uint_le(exchanges[i].done, i % 3 ? 1 : 0);
                mvt_exchange_finish(&exchanges[i]);
        }
}
END_TEST

START_TEST(the_link_ends_under_way)
{
        enum { COUNT = 20 };
        static struct mvt_exchange exchanges[COUNT];
        for (unsigned i = 0; i < COUNT; i++)
                mvt_begin(link_, &(struct mvt_ask){.url = url(i % 2 ? "/slow" : "/silent")}, &exchanges[i]);
        wait_for(mvt_peer_requests, COUNT);
        mvs_link_destroy(link_);
        link_ = NULL;
        wait_for(mvt_peer_open, 0);
        for (unsigned i = 0; i < COUNT; i++)
                ck_assert_uint_eq(exchanges[i].done, 0);
}
END_TEST

START_TEST(an_expired_certificate_is_refused)
{
        start("DNS:localhost,IP:127.0.0.1", -2);
        expect_failure(get(url("/x")), "127.0.0.1: SSL certificate problem: certificate has expired");
        ck_assert_uint_eq(mvt_peer_requests(&peer), 0);
}
END_TEST

START_TEST(another_authority_s_certificate_is_refused)
{
        struct mvt_pki other;
        mvt_pki_init(&other);
        profile.http.ca_file = other.ca_file;
        start("DNS:localhost,IP:127.0.0.1", 30);
        expect_failure(get(url("/x")), " (its authority must stand in http.ca_file)");
        mvs_link_destroy(link_);
        profile.http.ca_file = NULL; /* the host's bundle does not know it either */
        link_ = mvs_link_create(&profile);
        expect_failure(get(url("/x")), "SSL certificate problem");
        ck_assert_uint_eq(mvt_peer_requests(&peer), 0);
        mvt_pki_finish(&other);
}
END_TEST

START_TEST(a_bundle_that_is_not_there_trusts_nobody)
{
        char path[] = "/nonexistent/ca.pem";
        profile.http.ca_file = path;
        start("IP:127.0.0.1", 30);
        expect_failure(get(url("/x")), "http.ca_file /nonexistent/ca.pem: No such file or directory");
}
END_TEST

START_TEST(a_bundle_that_is_none_trusts_nobody)
{
        static const char *const names[] = {"a-directory", "a-pipe", "text.pem"};
        static const char *const reasons[] = {"it is no regular file", "it is no regular file",
                                              "there is no certificate in PEM in it, or a damaged one"};
        struct mvt_tempdir dir;
        char path[MVT_PATH_SIZE], text[MVT_PATH_SIZE + 100];
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, names[_i]);
        if (_i == 0)
                ck_assert_int_eq(mkdir(path, 0777), 0);
        else if (_i == 1)
                ck_assert_int_eq(mkfifo(path, 0666), 0);
        else
                mvt_write_file(path, "no certificate\n", 15);
        profile.http.ca_file = path;
        start("IP:127.0.0.1", 30);
        snprintf(text, sizeof text, "http.ca_file %s: %s", path, reasons[_i]);
        expect_failure(get(url("/x")), text);
        mvt_tempdir_remove(&dir);
}
END_TEST

START_TEST(a_certificate_for_another_host_is_refused)
{
        start("DNS:other.example.com,IP:127.0.0.2", 30);
        expect_failure(get(url("/x")), "127.0.0.1: SSL: no alternative certificate subject name matches");
        expect_failure(get(url_at("localhost", "/x")), "localhost: SSL: no alternative certificate");
        ck_assert_uint_eq(mvt_peer_requests(&peer), 0);
}
END_TEST

static void use_rewrite(const char *from, const char *host)
{
        static char from_copy[128];
        mvs_link_destroy(link_);
        snprintf(from_copy, sizeof from_copy, "%s", from);
        snprintf(rewrite_to, sizeof rewrite_to, "https://%s:%u", host, peer.port);
        rewrite = (struct mvs_profile_rewrite){.from = from_copy, .to = rewrite_to};
        profile.http.rewrite = &rewrite;
        profile.http.rewrite_count = 1;
        link_ = mvs_link_create(&profile);
}

START_TEST(a_stand_in_s_certificate_may_be_in_either_name)
{
        static const char *const good[] = {"DNS:api.example.com", "DNS:*.example.com", "DNS:localhost",
                                           "DNS:x,DNS:localhost"};
        static const char *const bad[] = {
                "DNS:example.com",        "DNS:*.com", "DNS:other", "IP:127.0.0.1", "DNS:evil.api.example.com",
                "email:api.example.com@x"};
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                start(good[i], 30);
                use_rewrite("https://api.example.com", "localhost");
                expect_ok(get("https://api.example.com/x"), NULL, NULL);
                mvt_peer_finish(&peer);
        }
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                start(bad[i], 30);
                use_rewrite("https://api.example.com", "localhost");
                expect_failure(get("https://api.example.com/x"), "api.example.com: SSL certificate problem: ");
                ck_assert_uint_eq(mvt_peer_requests(&peer), 0);
                mvt_peer_finish(&peer);
        }
}
END_TEST

START_TEST(a_stand_in_s_address_is_looked_for_among_addresses)
{
        start("IP:127.0.0.1", 30);
        use_rewrite("https://api.example.com", "127.0.0.1");
        expect_ok(get("https://api.example.com/x"), NULL, NULL);
        mvt_peer_finish(&peer);
        start("DNS:127.0.0.1", 30);
        use_rewrite("https://api.example.com", "127.0.0.1");
        expect_failure(get("https://api.example.com/x"), "ostname mismatch");
        mvt_peer_finish(&peer);
        start("IP:127.0.0.2", 30);
        use_rewrite("https://api.example.com", "127.0.0.1");
        expect_failure(get("https://api.example.com/x"), "ostname mismatch");
        mvt_peer_finish(&peer);
        start("IP:127.0.0.1", 30);
        use_rewrite("https://127.0.0.1", "localhost");
        expect_ok(get("https://127.0.0.1/x"), NULL, NULL);
}
END_TEST

START_TEST(a_stand_in_s_certificate_is_verified_no_less)
{
        start("DNS:api.example.com", -2);
        use_rewrite("https://api.example.com", "localhost");
        expect_failure(get("https://api.example.com/x"), "certificate has expired");
        mvt_peer_finish(&peer);
        struct mvt_pki other;
        mvt_pki_init(&other);
        profile.http.ca_file = other.ca_file;
        start("DNS:api.example.com", 30);
        use_rewrite("https://api.example.com", "localhost");
        expect_failure(get("https://api.example.com/x"), "SSL certificate problem");
        mvt_pki_finish(&other);
}
END_TEST

START_TEST(a_verified_connection_is_kept_for_its_pair_of_names_only)
{
        char from[][32] = {"https://one.example.com", "https://two.example.com", "https://one.example.com/v2"};
        char to[3][64];
        struct mvs_profile_rewrite rules[3];
        start("DNS:one.example.com", 30);
        for (unsigned i = 0; i < 3; i++) {
                snprintf(to[i], sizeof to[i], "https://%s:%u", i == 2 ? "127.0.0.1" : "localhost", peer.port);
                rules[i] = (struct mvs_profile_rewrite){.from = from[i], .to = to[i]};
        }
        profile.http.rewrite = rules;
        profile.http.rewrite_count = 2;
        expect_ok(get("https://one.example.com/x"), NULL, NULL);
        expect_ok(get("https://one.example.com/y"), NULL, NULL);
        ck_assert_uint_eq(mvt_peer_accepted(&peer), 1);
        expect_failure(get("https://two.example.com/x"), "ostname mismatch");
        ck_assert_uint_eq(mvt_peer_accepted(&peer), 2);
        expect_failure(get(url_at("localhost", "/x")), "no alternative certificate");
        ck_assert_uint_eq(mvt_peer_accepted(&peer), 3);
        mvs_link_destroy(link_);
        link_ = mvs_link_create(&profile);
        struct mvs_profile_rewrite first = rules[0];
        rules[0] = rules[2];
        rules[2] = first;
        profile.http.rewrite_count = 3;
        expect_ok(get("https://one.example.com/v1"), NULL, NULL);
        expect_ok(get("https://one.example.com/v2/x"), NULL, NULL);
        ck_assert_uint_eq(mvt_peer_accepted(&peer), 5);
}
END_TEST

START_TEST(a_rewrite_to_what_is_no_url)
{
        start(NULL, 0);
        use_rewrite("https://api.example.com", "not a host");
        expect_failure(get("https://api.example.com/x"), "http.rewrite");
}
END_TEST

START_TEST(tls_is_not_taken_for_plain_http)
{
        start(NULL, 0);
        expect_failure(mvt_fetch(link_, &(struct mvt_ask){.url = url("/x"), .timeout_ms = 200}, false), "127.0.0.1: ");
        ck_assert_uint_eq(mvt_peer_requests(&peer), 0);
}
END_TEST

START_TEST(a_plain_connection_that_is_reset)
{
        char plain[64];
        start(NULL, 0);
        snprintf(plain, sizeof plain, "http://127.0.0.1:%u/cut", peer.port);
        expect_failure(get(plain), "127.0.0.1: ");
}
END_TEST

static unsigned count_entries(const char *directory)
{
        unsigned count = 0;
        DIR *dir = opendir(directory);
        ck_assert_ptr_nonnull(dir);
        while (readdir(dir))
                count++;
        closedir(dir);
        return count;
}

/* A thread that was joined may be on the list for a moment longer. */
static void wait_for_tasks(unsigned count)
{
        time_t end = time(NULL) + 60;
        while (count_entries("/proc/self/task") != count)
                ck_assert_msg(time(NULL) < end, "%u tasks, not %u", count_entries("/proc/self/task"), count);
}

START_TEST(ten_thousand_links_that_do_nothing)
{
        unsigned tasks = count_entries("/proc/self/task");
        for (int i = 0; i < 10000; i++)
                mvs_link_destroy(mvs_link_create(&profile));
        mvs_link_destroy(NULL);
        ck_assert_uint_eq(count_entries("/proc/self/task"), tasks);
}
END_TEST

START_TEST(ten_thousand_links_with_a_thread)
{
        mvs_link_http_cancel(link_, 1);
        unsigned tasks = count_entries("/proc/self/task") - 1;
        mvs_link_destroy(link_);
        link_ = NULL;
        unsigned descriptors = count_entries("/proc/self/fd"); /* with what libuv keeps for the next loop */
        for (int i = 0; i < 10000; i++) {
                mvs_link_destroy(link_);
                link_ = mvs_link_create(&profile);
                mvs_link_http_cancel(link_, 1);
        }
        mvs_link_destroy(link_);
        link_ = NULL;
        wait_for_tasks(tasks);
        ck_assert_uint_eq(count_entries("/proc/self/fd"), descriptors);
}
END_TEST

static unsigned long long blocked_signals(const char *task)
{
        char path[300], line[256];
        unsigned long long mask = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task);
        FILE *status = fopen(path, "re");
        ck_assert_ptr_nonnull(status);
        while (fgets(line, sizeof line, status) && sscanf(line, "SigBlk: %llx", &mask) != 1)
                ;
        fclose(status);
        return mask;
}

static bool is_link_thread(const char *task)
{
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task);
        FILE *comm = fopen(path, "re");
        if (!comm)
                return false;
        bool found = fgets(name, sizeof name, comm) && strcmp(name, "mvsim:link\n") == 0;
        fclose(comm);
        return found;
}

START_TEST(no_signal_reaches_the_link_thread)
{
        static const int signals[] = {SIGPIPE, SIGALRM, SIGCHLD, SIGINT, SIGTERM, SIGUSR1};
        unsigned found = 0;
        mvt_expect_failed(mvt_fetch(link_, &(struct mvt_ask){.url = "x:"}, true), MVS_HTTP_UNSUPPORTED_URI_SCHEME, "");
        DIR *dir = opendir("/proc/self/task");
        for (struct dirent *entry; (entry = readdir(dir));) {
                if (entry->d_name[0] == '.' || !is_link_thread(entry->d_name))
                        continue;
                unsigned long long mask = blocked_signals(entry->d_name);
                for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
                        ck_assert_msg(mask >> (signals[i] - 1) & 1, "signal %d", signals[i]);
                for (int number = SIGRTMIN; number < SIGRTMIN + 20; number++)
                        ck_assert_msg(mask >> (number - 1) & 1, "signal %d", number);
                found++;
        }
        closedir(dir);
        ck_assert_uint_eq(found, 1);
}
END_TEST

START_TEST(a_module_that_is_missing_is_named)
{
        setenv("MVSIM_MODULE_DIR", pki.dir.path, 1);
        char path[MVT_PATH_SIZE];
        mvt_path(path, &pki.dir, "mvsim-http.so");
        mvt_write_file(path, "not a module", 12);
        expect_failure(get("https://127.0.0.1/"), "mvsim-http.so: file too short");
        unsetenv("MVSIM_MODULE_DIR");
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("link: http in trouble");
        TCase *tls = tcase_create("peer");
        tcase_set_timeout(tls, 100);
        tcase_add_checked_fixture(tls, setup_tls, teardown);
        tcase_add_test(tls, a_broken_reply_is_a_failure);
        tcase_add_test(tls, interim_replies_and_trailers_are_not_told);
        tcase_add_test(tls, a_folded_header_is_one_line);
        tcase_add_test(tls, silence_ends_with_the_timeout);
        tcase_add_test(tls, a_flood_is_stopped_at_the_limit);
        tcase_add_test(tls, a_request_goes_out_as_the_application_wrote_it);
        tcase_add_test(tls, a_large_body_goes_out_at_once);
        tcase_add_test(tls, a_head_request_may_have_a_body);
        tcase_add_test(tls, a_request_that_cannot_be_made);
        tcase_add_test(tls, a_url_with_a_nul_byte_is_not_cut_short);
        tcase_add_test(tls, a_cancelled_request_is_dropped);
        tcase_add_test(tls, cancelling_at_any_moment);
        tcase_add_test(tls, the_link_ends_under_way);
        suite_add_tcase(suite, tls);
        TCase *own = tcase_create("certificates and links");
        tcase_set_timeout(own, 100);
        tcase_add_checked_fixture(own, setup, teardown);
        tcase_add_test(own, an_expired_certificate_is_refused);
        tcase_add_test(own, another_authority_s_certificate_is_refused);
        tcase_add_test(own, a_bundle_that_is_not_there_trusts_nobody);
        tcase_add_loop_test(own, a_bundle_that_is_none_trusts_nobody, 0, 3);
        tcase_add_test(own, a_certificate_for_another_host_is_refused);
        tcase_add_test(own, a_stand_in_s_certificate_may_be_in_either_name);
        tcase_add_test(own, a_stand_in_s_address_is_looked_for_among_addresses);
        tcase_add_test(own, a_stand_in_s_certificate_is_verified_no_less);
        tcase_add_test(own, a_verified_connection_is_kept_for_its_pair_of_names_only);
        tcase_add_test(own, a_rewrite_to_what_is_no_url);
        tcase_add_test(own, tls_is_not_taken_for_plain_http);
        tcase_add_test(own, a_plain_connection_that_is_reset);
        tcase_add_test(own, ten_thousand_links_that_do_nothing);
        tcase_add_test(own, ten_thousand_links_with_a_thread);
        tcase_add_test(own, no_signal_reaches_the_link_thread);
        tcase_add_test(own, a_module_that_is_missing_is_named);
        suite_add_tcase(suite, own);
        return suite;
}

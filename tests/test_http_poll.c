/*
 * The example application http-poll, built to make five polls, in virtual time: it does what a correct application
 * does, in good times and in bad ones. Its main function is called http_poll here.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "device.h"
#include "nginx.h"
#include "peer.h"
#include "suite.h"
#include "tempdir.h"

#define POLLS       5
#define US_PER_S    UINT64_C(1000000)
#define NO_SERVER   1 /* a port at which nobody listens */
#define LOG_NAME    "app.log"
#define PLACE       "Reykjavik"
#define ANSWER      "{\"place\":\"" PLACE "\"}"
#define OUTAGE_S    100.0
#define OUTAGE_US   (100 * US_PER_S)
#define ANSWER_HEAD "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"

int http_poll(void);

static struct mvt_tempdir dir;
static char text[16384];

/* libuv opens a pipe with the first loop and keeps it as long as the process lives; it is no leak of the device's. */
static void open_pipe_of_libuv(void)
{
        uv_loop_t loop;
        ck_assert_int_eq(uv_loop_init(&loop), 0);
        ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static void setup(void)
{
        open_pipe_of_libuv();
        mvt_tempdir_make(&dir);
}

static void teardown(void)
{
        mvt_device_end();
        mvt_tempdir_remove(&dir);
}

/* A call takes a millisecond, so that waiting for the clock takes few of them. */
static void boot(unsigned port)
{
        char profile[1024];
        snprintf(profile, sizeof profile,
                 "http: {rewrite: [{from: 'https://api.example.com', to: 'http://127.0.0.1:%u'}]}\n"
                 "time: {call_us: 1000}\n"
                 "log: {file: '%s/" LOG_NAME "', level: error}\n",
                 port, dir.path);
        mvt_device_boot(&(struct mvt_device){.profile = profile});
}

static const char *log_text(void)
{
        char path[MVT_PATH_SIZE];
        mvt_path(path, &dir, LOG_NAME);
        mvt_read_file(path, text, sizeof text);
        return text;
}

static unsigned count(const char *what)
{
        unsigned found = 0;
        for (const char *at = log_text(); (at = strstr(at, what)); at++)
                found++;
        return found;
}

static void expect_count(const char *what, unsigned expected)
{
        unsigned found = count(what);
        ck_assert_msg(found == expected, "\"%s\" is %u times, not %u, in:\n%s", what, found, expected, text);
}

/* The device's time at which the line was logged. */
static double time_of(const char *what)
{
        double seconds = 0;
        const char *at = strstr(log_text(), what);
        ck_assert_msg(at != NULL, "\"%s\" is not in:\n%s", what, text);
        while (at > text && *at != '[')
                at--;
        ck_assert_int_eq(sscanf(at, "[%lf]", &seconds), 1);
        return seconds;
}

/* Nothing that it did was refused or lost, and it gave everything back. */
static void expect_no_finding(void)
{
        struct mvsim_statistics statistics = mvt_statistics();
        const struct mvsim_reject *reject = mvsim_last_reject();
        ck_assert_msg(statistics.refused == 0, "%s: %s", reject->call, reject->message);
        ck_assert_uint_eq(statistics.calls_in_isr, 0);
        ck_assert_uint_eq(statistics.overruns, 0);
        ck_assert_uint_eq(statistics.shadowed, 0);
        ck_assert_uint_eq(statistics.open_handles, 0);
        ck_assert_ptr_null(mvsim_finding(0));
        expect_count("log lines lost", 0);
}

START_TEST(it_logs_who_it_is)
{
        boot(NO_SERVER);
        ck_assert_int_eq(http_poll(), 0);
        expect_count("device UV", 1);
        expect_count("http-poll 1.", 1);
}
END_TEST

START_TEST(answered_polls_follow_each_other_at_an_even_pace)
{
        struct mvt_nginx nginx;
        mvt_nginx_start(&nginx, NULL,
                        "location = /v1/weather { default_type application/json; return 200 '" ANSWER "'; }");
        boot(nginx.port);
        ck_assert_int_eq(http_poll(), 0);
        expect_count(": 200, application/json, ", POLLS);
        expect_count(ANSWER, POLLS);
        double span = time_of("poll 5:") - time_of("poll 1:");
        ck_assert_msg(span >= 12, "four pauses of 3 s took %f s", span);
        expect_no_finding();
        mvt_nginx_finish(&nginx);
}
END_TEST

START_TEST(without_a_server_it_tries_less_and_less_often)
{
        boot(NO_SERVER);
        ck_assert_int_eq(http_poll(), 0);
        expect_count("the request failed: result 5", POLLS);
        expect_count("next try in 1000 ms", 1);
        expect_count("next try in 16000 ms", 1);
        double span = time_of("poll 5 failed") - time_of("poll 1 failed");
        ck_assert_msg(span >= 1 + 2 + 4 + 8, "the pauses of 1, 2, 4 and 8 s took %f s", span);
        expect_no_finding();
}
END_TEST

START_TEST(an_answer_of_the_wrong_kind_is_a_failure)
{
        struct mvt_peer peer;
        const struct mvt_answer answers[] = {{"/v1/weather", ANSWER_HEAD, MVT_KEEP}, {0}};
        mvt_peer_start(&peer, NULL, answers);
        boot(peer.port);
        ck_assert_int_eq(http_poll(), 0);
        expect_count(": 503, ", POLLS);
        expect_count("next try in 16000 ms", 1);
        expect_no_finding();
        mvt_peer_finish(&peer);
}
END_TEST

static void *end_outage(void *unused)
{
        uint64_t end = mvsim_now_us() + OUTAGE_US;
        wait_outside_until(mvsim_now_us() >= end);
        mvsim_network_up();
        return unused;
}

START_TEST(without_the_network_it_sleeps)
{
        pthread_t world;
        boot(NO_SERVER);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        ck_assert_int_eq(pthread_create(&world, NULL, end_outage, NULL), 0);
        ck_assert_int_eq(http_poll(), 0);
        pthread_join(world, NULL);
        expect_count("waiting for the network", 1);
        expect_count("poll 5 failed", 1);
        ck_assert(time_of("the network is there") >= OUTAGE_S);
        expect_no_finding();
}
END_TEST

static void *cut_the_first_request(void *argument)
{
        struct mvt_peer *peer = argument;
        wait_outside_until(mvt_peer_requests(peer) > 0);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvt_peer_finish(peer);
        return end_outage(NULL);
}

START_TEST(a_network_that_is_lost_during_a_request_is_waited_for)
{
        pthread_t world;
        struct mvt_peer peer;
        const struct mvt_answer answers[] = {{"/v1/weather", "", MVT_HOLD}, {0}};
        mvt_peer_start(&peer, NULL, answers);
        boot(peer.port);
        ck_assert_int_eq(pthread_create(&world, NULL, cut_the_first_request, &peer), 0);
        ck_assert_int_eq(http_poll(), 0);
        pthread_join(world, NULL);
        expect_count("the channel was closed: reason 3", 1);
        expect_count("poll 1 failed", 1);
        ck_assert_ptr_nonnull(strstr(strstr(log_text(), "poll 1 failed"), "waiting for the network"));
        expect_count("poll 5 failed", 1);
        ck_assert(time_of("poll 2 failed") - time_of("poll 1 failed") >= OUTAGE_S);
        expect_no_finding();
}
END_TEST

static const struct {
        const char *call;
        enum MvStatus status;
        const char *line;
        unsigned polls; /* that are made all the same */
} faults[] = {
        {"mvSetupNotifications", MV_STATUS_TOOMANYNOTIFICATIONBUFFERS, "no notification centre for the network", 0},
        {"mvRequestNetwork", MV_STATUS_PARAMETERFAULT, "the network cannot be asked for: status 0x02", 0},
        {"mvOpenChannel", MV_STATUS_RATELIMITED, "no channel can be opened: status 0x11", POLLS},
        {"mvSendHttpRequest", MV_STATUS_LATEFAULT, "the request cannot be sent: status 0x13", POLLS},
        {"mvReadHttpResponseData", MV_STATUS_CHANNELCLOSED, "the answer cannot be read: status 0x0f", POLLS},
        {"mvServerLog", MV_STATUS_INVALIDBUFFERSIZE, "(1 log lines lost)", POLLS},
        {"mvGetNetworkStatus", MV_STATUS_PARAMETERFAULT, "poll 1 failed", POLLS},
};

START_TEST(a_call_that_fails_once_does_not_stop_it)
{
        boot(NO_SERVER);
        ck_assert_int_eq(mvsim_fail(faults[_i].call, 1, faults[_i].status), 0);
        ck_assert_int_eq(http_poll(), 0);
        wait_until(count(faults[_i].line) > 0); /* the log leaves the device when it is connected */
        expect_count(faults[_i].line, 1);
        expect_count("poll 5 failed", faults[_i].polls ? 1 : 0);
        ck_assert_uint_ge(mvt_statistics().refused, 1);
        ck_assert_uint_eq(mvt_open_handles(), 0);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("http_poll");
        TCase *tests = tcase_create("http_poll");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, it_logs_who_it_is);
        tcase_add_test(tests, answered_polls_follow_each_other_at_an_even_pace);
        tcase_add_test(tests, without_a_server_it_tries_less_and_less_often);
        tcase_add_test(tests, an_answer_of_the_wrong_kind_is_a_failure);
        tcase_add_test(tests, without_the_network_it_sleeps);
        tcase_add_test(tests, a_network_that_is_lost_during_a_request_is_waited_for);
        tcase_add_loop_test(tests, a_call_that_fails_once_does_not_stop_it, 0, sizeof faults / sizeof *faults);
        suite_add_tcase(suite, tests);
        return suite;
}

/*
 * Determinism: the same application, the same scripted world and the same seed give the same event log, byte for byte;
 * another seed gives another. Each scenario, and the example application, runs in a child of its own; one of the runs
 * that are compared is disturbed by processes that want the processors for themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "device.h"
#include "mvsim/cortex.h"
#include "nginx.h"
#include "process.h"
#include "stm32u5xx.h"
#include "suite.h"
#include "tempdir.h"

#define US_PER_S   1000000U
#define LOG_SIZE   (4U << 20)
#define DISTURBERS 3
#define RING_SLOTS 8
#define FAILED     9 /* exit status of a child in which a call failed */

int http_poll(void);

static struct mvt_tempdir dir;
static struct mvt_nginx server;

/* ---- what the scenarios have in common ---- */

static struct MvNotification ring[RING_SLOTS], other_ring[RING_SLOTS];
static uint8_t log_buffer[1024] __attribute__((aligned(512)));
static volatile unsigned events, other_events, nested;

static void must(enum MvStatus status)
{
        if (status != MV_STATUS_OKAY) {
                fprintf(stderr, "a call failed: %s\n", mvsim_last_reject()->message);
                _exit(FAILED);
        }
}

static void must_be_0(int result)
{
        if (result != 0)
                _exit(FAILED);
}

static MvNotificationHandle centre_on(uint32_t irq, struct MvNotification *buffer)
{
        MvNotificationHandle centre;
        const struct MvNotificationSetup setup = {irq, buffer, RING_SLOTS * sizeof *buffer};
        must(mvSetupNotifications(&setup, &centre));
        NVIC_ClearPendingIRQ((IRQn_Type)irq);
        NVIC_EnableIRQ((IRQn_Type)irq);
        return centre;
}

static MvNetworkHandle network_on(MvNotificationHandle centre)
{
        MvNetworkHandle network;
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, 7}};
        must(mvRequestNetwork(&params, &network));
        return network;
}

/* ---- handlers ---- */

void TIM2_IRQHandler(void);
void TIM5_IRQHandler(void);
void TIM15_IRQHandler(void);
void SysTick_Handler(void);

void TIM2_IRQHandler(void)
{
        uint64_t now;
        events++;
        must(mvGetMicroseconds(&now));
}

/* Pre-empted by the more urgent line that it pends, but not by the equally urgent one. */
void TIM5_IRQHandler(void)
{
        NVIC_SetPendingIRQ(TIM15_IRQn);
        NVIC_SetPendingIRQ(TIM2_IRQn);
        mvNoOp();
        other_events++;
}

void TIM15_IRQHandler(void)
{
        nested++;
        mvNoOp();
}

static volatile unsigned ticks;

void SysTick_Handler(void)
{
        ticks++;
}

/* ---- scenarios ---- */

static void outages(void)
{
        MvNotificationHandle centre = centre_on(TIM2_IRQn, ring);
        MvNetworkHandle network = network_on(centre);
        mvsim_run_for(2 * US_PER_S);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvsim_run_for(30 * US_PER_S);
        mvsim_network_up();
        mvsim_run_for(US_PER_S);
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        enum MvNetworkStatus status;
        for (unsigned i = 0; i < 100; i++) {
                must(mvGetNetworkStatus(network, &status));
                mvsim_run_for(100000);
        }
        mvsim_network_up();
        do {
                __WFI();
                must(mvGetNetworkStatus(network, &status));
        } while (status != MV_NETWORKSTATUS_CONNECTED);
        must(mvReleaseNetwork(&network));
        mvsim_run_for(US_PER_S);
        must(mvCloseNotifications(&centre));
}

static void waiting_for_interrupts(void)
{
        NVIC_EnableIRQ(TIM2_IRQn);
        for (unsigned i = 1; i <= 40; i++)
                must_be_0(mvsim_pend_irq(TIM2_IRQn, (uint64_t)i * 12345));
        while (events < 20)
                __WFI();
        while (events < 30)
                must(mvPowerSave(MV_POWERSAVINGMODE_SLEEP));
        while (events < 40)
                __WFE();
        if (SysTick_Config(160000) != 0)
                _exit(FAILED);
        while (ticks < 500)
                __WFI();
        mvsim_systick_stop();
}

static void polling_the_clock(void)
{
        uint64_t now, end;
        NVIC_EnableIRQ(TIM2_IRQn);
        must_be_0(mvsim_pend_irq(TIM2_IRQn, 5000));
        must(mvGetMicroseconds(&now));
        for (end = now + 20000; now < end;)
                must(mvGetMicroseconds(&now));
        while (mvGetWallTime(&now) != MV_STATUS_OKAY)
                mvsim_run_for(10000);
}

static void notifications(void)
{
        MvNotificationHandle centre = centre_on(TIM2_IRQn, ring);
        MvNotificationHandle other = centre_on(TIM5_IRQn, other_ring);
        for (unsigned i = 0; i < 50; i++) {
                must(mvTempTriggerNotification(centre, MV_EVENTTYPE_CHANNELDATAREADABLE, i));
                must(mvTempTriggerNotification(other, MV_EVENTTYPE_CHANNELDATAREADABLE, i));
        }
        NVIC_DisableIRQ(TIM2_IRQn);
        for (unsigned i = 0; i < 20; i++)
                must(mvTempTriggerNotification(centre, MV_EVENTTYPE_CHANNELDATAREADABLE, i));
        mvsim_run_for(US_PER_S);
        NVIC_EnableIRQ(TIM2_IRQn);
        __disable_irq();
        must(mvTempTriggerNotification(other, MV_EVENTTYPE_CHANNELDATAREADABLE, 99));
        __enable_irq();
        must(mvCloseNotifications(&other));
        must(mvCloseNotifications(&centre));
}

static void nesting(void)
{
        NVIC_SetPriority(TIM5_IRQn, 5);
        NVIC_SetPriority(TIM2_IRQn, 5);
        NVIC_SetPriority(TIM15_IRQn, 1);
        NVIC_EnableIRQ(TIM5_IRQn);
        NVIC_EnableIRQ(TIM2_IRQn);
        NVIC_EnableIRQ(TIM15_IRQn);
        for (unsigned i = 0; i < 20; i++) {
                must_be_0(mvsim_pend_irq(TIM5_IRQn, 100 * i));
                mvsim_run_for(100);
        }
        __set_BASEPRI(4 << 4);
        NVIC_SetPendingIRQ(TIM5_IRQn);
        mvsim_run_for(100);
        __set_BASEPRI(0);
}

static void logging(void)
{
        char line[64];
        must(mvServerLoggingInit(log_buffer, sizeof log_buffer));
        for (unsigned i = 0; i < 30; i++) {
                int len = snprintf(line, sizeof line, "line %u", i);
                (void)mvServerLog((const uint8_t *)line, (uint16_t)len); /* refused where the buffer is full */
                mvsim_run_for(10000);
        }
}

static void faults(void)
{
        uint64_t now;
        must_be_0(mvsim_fail("mvGetMicroseconds", 3, MV_STATUS_PARAMETERFAULT));
        for (unsigned i = 0; i < 5; i++)
                (void)mvGetMicroseconds(&now);
        (void)mvGetMicroseconds(NULL);
        (void)mvCloseNotifications(NULL);
}

static uint8_t send_buffer[512] __attribute__((aligned(512)));
static uint8_t receive_buffer[2048] __attribute__((aligned(512)));

static void request(MvNotificationHandle centre, MvNetworkHandle network, const char *url)
{
        MvChannelHandle channel;
        const struct MvOpenChannelParams params = {
                .version = 1,
                .v1 = {centre,
                       8,
                       network,
                       receive_buffer,
                       sizeof receive_buffer,
                       send_buffer,
                       sizeof send_buffer,
                       MV_CHANNELTYPE_HTTP,
                       {(const uint8_t *)"", 0}},
        };
        const struct MvHttpRequest get = {
                .method = {(const uint8_t *)"GET", 3},
                .url = {(const uint8_t *)url, (uint32_t)strlen(url)},
                .timeout_ms = 10000,
        };
        struct MvHttpResponseData data;
        unsigned before = events;
        must(mvOpenChannel(&params, &channel));
        must(mvSendHttpRequest(channel, &get));
        while (events == before)
                __WFI();
        must(mvReadHttpResponseData(channel, &data));
        must(mvCloseChannel(&channel));
}

/* A real server, and a reply that takes a fixed time: among the fastest and the slowest of answers, none. */
static void requests(void)
{
        MvNotificationHandle centre = centre_on(TIM2_IRQn, ring);
        MvNetworkHandle network = network_on(centre);
        enum MvNetworkStatus status;
        do {
                __WFI();
                must(mvGetNetworkStatus(network, &status));
        } while (status != MV_NETWORKSTATUS_CONNECTED);
        for (unsigned i = 0; i < 5; i++) {
                request(centre, network, "https://api.example.com/v1/weather");
                request(centre, network, "https://api.example.com/missing");
                request(centre, network, "ftp://api.example.com/");
                mvsim_run_for(US_PER_S);
        }
        must(mvReleaseNetwork(&network));
        must(mvCloseNotifications(&centre));
}

static void example(void)
{
        must_be_0(http_poll());
}

static void example_without_network(void)
{
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        mvsim_run_for(5 * US_PER_S);
        mvsim_network_up();
        must_be_0(http_poll());
}

static const struct {
        const char *name;
        void (*run)(void);
} scenarios[] = {
        {"outages", outages},
        {"waiting for interrupts", waiting_for_interrupts},
        {"polling the clock", polling_the_clock},
        {"notifications", notifications},
        {"nesting", nesting},
        {"logging", logging},
        {"faults", faults},
        {"requests", requests},
        {"example", example},
        {"example without network", example_without_network},
};

/* ---- running them ---- */

static struct {
        int scenario;
        uint64_t seed;
        char profile[MVT_PATH_SIZE];
        char trace[MVT_PATH_SIZE];
} run;

static void child(void)
{
        const struct mvsim_options options = {.profile = run.profile, .time = MVSIM_TIME_VIRTUAL, .seed = &run.seed};
        setenv("MVSIM_TRACE", run.trace, 1);
        must_be_0(mvsim_boot(&options));
        scenarios[run.scenario].run();
        mvsim_shutdown();
}

static char *read_log(const char *path, size_t *ret_len)
{
        char *text = malloc(LOG_SIZE);
        ck_assert_ptr_nonnull(text);
        *ret_len = mvt_read_file(path, text, LOG_SIZE);
        return text;
}

static char *log_of(int scenario, uint64_t seed, size_t *ret_len)
{
        struct mvt_child result;
        run.scenario = scenario;
        run.seed = seed;
        mvt_path(run.trace, &dir, "trace.log");
        unlink(run.trace);
        mvt_child_run(&result, child);
        ck_assert_msg(result.exit_status == 0, "%s ended with status %d, signal %d:\n%s", scenarios[scenario].name,
                      result.exit_status, result.signal, result.output);
        return read_log(run.trace, ret_len);
}

static void disturb(pid_t pids[DISTURBERS])
{
        pid_t parent = getpid();
        for (unsigned i = 0; i < DISTURBERS; i++) {
                pids[i] = fork();
                ck_assert_int_ge(pids[i], 0);
                if (pids[i] == 0) {
                        mvt_child_setup(parent);
                        for (volatile unsigned spin = 0;; spin++)
                                continue;
                }
        }
}

static void write_profile(void)
{
        char text[1024];
        int len = snprintf(text, sizeof text,
                           "http: {rewrite: [{from: 'https://api.example.com', to: 'http://127.0.0.1:%u'}]}\n"
                           "time: {call_us: 1000, reply_us: 30000}\n"
                           "log: {level: error, file: server.log}\n",
                           server.port);
        mvt_path(run.profile, &dir, "profile.yaml");
        mvt_write_file(run.profile, text, (size_t)len);
}

static void setup(void)
{
        unsetenv("MVSIM_PROFILE");
        unsetenv("MVSIM_TIME");
        unsetenv("MVSIM_SEED");
        mvt_tempdir_make(&dir);
        mvt_nginx_start(&server, NULL,
                        "location = /v1/weather { default_type application/json; return 200 '{\"place\":\"here\"}'; }");
        write_profile();
}

static void teardown(void)
{
        mvt_nginx_finish(&server);
        mvt_tempdir_remove(&dir);
}

/* The first lines that are not the same, for the message. */
static void expect_same(const char *name, const char *a, const char *b)
{
        while (*a && *a == *b) {
                a++;
                b++;
        }
        ck_assert_msg(*a == *b, "%s: the logs part at \"%.200s\" and \"%.200s\"", name, a, b);
}

START_TEST(one_seed_gives_one_log)
{
        pid_t disturbers[DISTURBERS];
        size_t len, again_len;
        char *log = log_of(_i, 1, &len);
        disturb(disturbers);
        char *again = log_of(_i, 1, &again_len);
        for (unsigned i = 0; i < DISTURBERS; i++)
                mvt_kill(disturbers[i]);
        ck_assert_uint_gt(len, 200);
        ck_assert_ptr_nonnull(strstr(log, " shutdown "));
        ck_assert_ptr_null(strstr(log, " preempt ")); /* the one thing that is not determined */
        expect_same(scenarios[_i].name, log, again);
        ck_assert_uint_eq(len, again_len);
        free(log);
        free(again);
}
END_TEST

START_TEST(another_seed_gives_another_log)
{
        size_t len, other_len;
        char *log = log_of(_i, 1, &len);
        char *other = log_of(_i, 2, &other_len);
        const char *body = strchr(log, '\n');
        const char *other_body = strchr(other, '\n');
        ck_assert(strcmp(log, other) != 0);
        if (strstr(body, "handle=0x")) /* where there are any, they are others */
                ck_assert(strcmp(body, other_body) != 0);
        free(log);
        free(other);
}
END_TEST

Suite *suite(void)
{
        const int count = sizeof scenarios / sizeof scenarios[0];
        Suite *suite = suite_create("determinism");
        TCase *tests = tcase_create("determinism");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_loop_test(tests, one_seed_gives_one_log, 0, count);
        tcase_add_loop_test(tests, another_seed_gives_another_log, 0, count);
        suite_add_tcase(suite, tests);
        return suite;
}

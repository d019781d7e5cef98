/*
 * What applications that are known to work on the device rely on: the 22 points of the de-facto contract. Each is the
 * habit of applications of apps/, which give up, or starve, where the point does not hold; the numbers in a test's name
 * are the points that its application stands for.
 *
 *      1  no WRITESPACE on HTTP and CONFIGFETCH channels                 http_requests, mqtt_device
 *      2  closing a channel oneself posts nothing                        http_requests, one_centre
 *      3  nothing is answered inside the call that asks                  http_requests, mqtt_device
 *      4  the ring is written whatever its slots hold                    http_requests (0xff), recovering (0)
 *      5  one interrupt for each record                                  one_centre, shared_centre, recovering
 *      6  MQTT: one READABLE for each item, after the last was read      mqtt_device
 *      7  MQTT: reason codes are counted in elements                     mqtt_device
 *      8  handles have 32 bits; 0 is refused quietly                     mqtt_device, first_things
 *      9  closing stores 0; what is lost keeps its handle until then     one_centre, mqtt_device
 *     10  the buffers of a closed channel are free at once               http_requests, mqtt_device
 *     11  buffers of every size seen; an odd one for opaque channels     http_requests, small_ring
 *     12  the log is refused harmlessly, and may be begun first of all   first_things, polling
 *     13  the network comes later; polling alone is enough               one_centre, polling
 *     14  the wall time is not set at first, and is spun on              polling, waiting
 *     15  time advances by calls                                         waiting
 *     16  the device id is 34 bytes                                      first_things, mqtt_device
 *     17  reads write what there is, and no terminator                   http_requests, mqtt_device
 *     18  the restart, and a test's end, are refused or do not return    shared_centre, first_things
 *     19  MQTT reads through pointers; configuration keeps its order     mqtt_device
 *     20  links are lost, and applications recover                       recovering, mqtt_device
 *     21  IPSR in handlers; a yield there happens at their end           one_centre
 *     22  priority 0 is no mistake                                       one_centre
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "apps/app.h"
#include "broker.h"
#include "child.h"
#include "echo.h"
#include "mvsim/cortex.h"
#include "nginx.h"
#include "online.h"
#include "pki.h"
#include "suite.h"

static struct mvt_pki pki;
static struct mvt_certificate certificate;
static struct mvt_nginx nginx;
static struct mvt_echo echo;
static struct mvt_broker broker;
static bool real_time;

static void run_in_silence(const struct mvt_app *app)
{
        char text[MVT_OUTPUT_SIZE];
        mvt_capture_begin();
        app_run(app);
        mvt_capture_end(text);
        ck_assert_str_eq(text, "");
}

/* ---- requests ---- */

START_TEST(contract_01_02_03_04_10_11_17_http_requests)
{
        app_run(&app_http_requests);
        struct mvsim_statistics statistics = mvt_statistics();
        ck_assert_uint_eq(statistics.overruns, 3); /* seven records in four slots, none of them cleared */
}
END_TEST

/* However slow the host: in virtual time an answer waits until the application has come to a later point. */
static void be_slow(void)
{
        for (volatile int i = 0; i < 50000; i++)
                __NOP();
        for (uint64_t start = mvt_host_ms(); mvt_host_ms() - start < 50;)
                continue;
}

START_TEST(contract_03_http_requests_on_a_slow_host)
{
        app_http_requests_busy = be_slow;
        app_run(&app_http_requests);
}
END_TEST

START_TEST(contract_11_small_ring)
{
        run_in_silence(&app_small_ring);
}
END_TEST

/* ---- one centre ---- */

static void cut_after_a_while(void)
{
        if (app_delayed_ms == 200)
                mvsim_network_down(MVSIM_OUTAGE_LINK);
}

START_TEST(contract_02_05_09_13_21_22_one_centre)
{
        ck_assert_uint_eq(__get_IPSR(), 0);
        ck_assert_uint_eq(NVIC_GetPriority(TIM2_IRQn), 0);
        app_world = cut_after_a_while;
        run_in_silence(&app_one_centre); /* four records are due in one moment */
        ck_assert_uint_eq(app_one_centre_entries, mvt_statistics().notifications);
        ck_assert_uint_eq(app_one_centre_ipsr, 16 + TIM2_IRQn);
        ck_assert_uint_eq(__get_IPSR(), 0);
        ck_assert(app_one_centre_waited || real_time); /* a busy host may have made the link up meanwhile */
}
END_TEST

/* Once the application has heard of the first, the second is on its way: no time to restart. */
static void two_updates(void)
{
        static unsigned offered;
        if (app_delayed_ms < 5000)
                offered = 0;
        else if (offered == 0 && mvsim_update_available(MVSIM_UPDATE_APPLICATION) == 0)
                offered = 1;
        else if (offered == 1 && app_shared_centre_seen.updates > 0 &&
                 mvsim_update_available(MVSIM_UPDATE_MICROVISOR) == 0)
                offered = 2;
}

START_TEST(contract_05_18_shared_centre)
{
        app_world = two_updates;
        app_run_until(&app_shared_centre, "mvRestart");
        ck_assert_uint_ge(app_shared_centre_seen.exchanges, 5);
        ck_assert_uint_eq(app_shared_centre_seen.updates, 1);
        ck_assert_uint_ge(app_shared_centre_seen.refusals, 1);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        app_run(&app_shared_centre);
        ck_assert_uint_eq(app_shared_centre_seen.exchanges, 1);
}
END_TEST

/* ---- without a network ---- */

START_TEST(contract_08_12_16_18_first_things)
{
        app_run(&app_first_things);
}
END_TEST

START_TEST(contract_18_first_things_in_the_factory)
{
        app_run_until(&app_first_things, "mvTestingComplete");
}
END_TEST

START_TEST(contract_12_13_14_polling)
{
        run_in_silence(&app_polling);
        ck_assert_uint_eq(mvt_statistics().interrupts, 0);
        ck_assert(app_polling_unset > 0 || real_time);
}
END_TEST

START_TEST(contract_14_15_waiting)
{
        run_in_silence(&app_waiting);
}
END_TEST

/* ---- outages ---- */

/* Of a minute's running, two: of the link for 20 s, of the servers for 10 s. */
static void two_outages(void)
{
        static const struct {
                uint32_t at_ms;
                bool down;
                enum mvsim_outage outage;
        } events[] = {
                {7000, true, MVSIM_OUTAGE_LINK},
                {27000, false, MVSIM_OUTAGE_LINK},
                {48000, true, MVSIM_OUTAGE_SERVER},
                {58000, false, MVSIM_OUTAGE_SERVER},
        };
        static size_t next;
        if (app_delayed_ms < events[0].at_ms)
                next = 0;
        if (next == sizeof events / sizeof *events || app_delayed_ms < events[next].at_ms)
                return;
        if (events[next].down)
                mvsim_network_down(events[next].outage);
        else
                mvsim_network_up();
        next++;
}

START_TEST(contract_04_20_recovering)
{
        app_world = two_outages;
        run_in_silence(&app_recovering);
        ck_assert_uint_eq(app_recovering_answers, 12);
        ck_assert_uint_ge(app_recovering_losses, 1);
        ck_assert_uint_gt(app_delayed_ms, 60000);
}
END_TEST

/* ---- an MQTT device ---- */

static const struct step {
        uint32_t at_ms;
        const char *command;            /* sent by somebody else */
        bool cut, mend;                 /* the link */
        bool restart;                   /* the broker */
        unsigned connections, messages; /* goes on when the device has so many */
} steps[] = {
        {.at_ms = 5000, .command = "first", .connections = 1},
        {.at_ms = 70000, .cut = true, .connections = 1, .messages = 1},
        {.at_ms = 90000, .mend = true, .connections = 1, .messages = 1},
        {.at_ms = 130000, .restart = true, .connections = 2, .messages = 1},
        {.at_ms = 150000, .command = "second", .connections = 3, .messages = 1},
        {.at_ms = 260000, .connections = 3, .messages = 2},
};

static size_t next_step;
static uint64_t last_step_ms;
static char operator_options[MVT_PATH_SIZE + 64];

static void do_step(const struct step *step)
{
        if (step->command)
                mvt_broker_publish(&broker, "device/commands", step->command, operator_options);
        if (step->cut)
                mvsim_network_down(MVSIM_OUTAGE_LINK);
        if (step->mend)
                mvsim_network_up();
        if (step->restart) {
                mvt_broker_kill(&broker);
                mvt_broker_restart(&broker);
        }
        next_step++;
        last_step_ms = mvt_host_ms();
        app_mqtt_device_seen.stop = next_step == sizeof steps / sizeof steps[0];
}

/* What is on its way to the device takes the host's time, of which virtual time knows nothing. */
static void a_days_work(void)
{
        const struct step *step = &steps[next_step];
        const struct app_mqtt_device *seen = &app_mqtt_device_seen;
        if (next_step == sizeof steps / sizeof steps[0] || app_delayed_ms < step->at_ms)
                return;
        if (seen->connections >= step->connections && seen->messages >= step->messages) {
                do_step(step);
                return;
        }
        mvt_check_patience(last_step_ms, "the device gets what the step waits for", __FILE__, __LINE__);
        sched_yield();
}

START_TEST(contract_01_03_06_07_08_09_10_16_17_19_20_mqtt_device)
{
        char text[MVT_OUTPUT_SIZE];
        next_step = 0;
        last_step_ms = mvt_host_ms();
        snprintf(operator_options, sizeof operator_options, "-q 1 -u device -P secret --cafile %s", pki.ca_file);
        app_world = a_days_work;
        mvt_capture_begin();
        app_run(&app_mqtt_device);
        mvt_capture_end(text);
        ck_assert_uint_eq(mvt_count(text, "mvsim: "), 1); /* nothing of handles that are 0 */
        ck_assert_uint_eq(mvt_count(text, "has ended: "), 1);
        const struct app_mqtt_device *seen = &app_mqtt_device_seen;
        ck_assert_uint_eq(seen->connections, 3);
        ck_assert_uint_eq(seen->links_lost, 1);
        ck_assert_uint_eq(seen->brokers_lost, 1);
        ck_assert_uint_eq(seen->nothing_to_tear_down, 1);
        ck_assert_uint_eq(seen->early, 0);
        ck_assert_uint_eq(seen->messages, 2);
        ck_assert_str_eq(seen->last_message, "second");
        ck_assert_uint_ge(seen->published, 6);
}
END_TEST

/* ---- fixtures ---- */

static void start_servers(void)
{
        mvt_online_prepare();
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, "DNS:api.example.com,DNS:broker.example.com,IP:127.0.0.1", 30, &certificate);
        mvt_echo_start(&echo);
        mvt_nginx_start(&nginx, &certificate, "location = /ok { return 200 \"hello\"; }\n");
}

static void stop_servers(void)
{
        mvt_nginx_finish(&nginx);
        mvt_echo_finish(&echo);
        mvt_pki_finish(&pki);
}

/* No spin is ever ended: virtual time moves by calls alone. */
#define VIRTUAL "time: {spin_ms: 60000}\n"

/* The answers to a request and to a fetch that follows are due in one moment. */
#define IN_ONE_MOMENT "time: {spin_ms: 60000, call_us: 1, reply_us: 5000, completion_us: 4999}\n"

/* Answers to more requests than one, due in the time that one delay takes. */
#define AT_ONCE "time: {spin_ms: 60000, reply_us: 5000}\n"

/* Longer than a busy host keeps an application from clearing its flag. */
#define REAL "time: {completion_us: 50000}\n"

static void boot(bool real, const char *more)
{
        static char profile[2048];
        snprintf(profile, sizeof profile,
                 "network: {connect_ms: 20}\n"
                 "http: {ca_file: %s, rewrite: [{from: \"" APP_URL "\", to: \"https://127.0.0.1:%u\"}]}\n"
                 "mqtt: {ca_file: %s, rewrite: [{from: \"broker.example.com:8883\", to: \"mqtts://127.0.0.1:%u\"}]}\n"
                 "opaque: {answer_ms: 10000}\n"
                 "endpoints: {echo: \"tcp://127.0.0.1:%u\"}\n"
                 "updates: {polite: true}\n"
                 "cloud:\n"
                 "  config: {device: {url: " APP_URL "/ok, host: broker.example.com, port: 8883,\n"
                 "                    topic: device/commands, key: value}}\n"
                 "  secrets: {device: {username: device, password: secret}}\n%s",
                 pki.ca_file, nginx.port, pki.ca_file, broker.port ? broker.port : 1U, echo.port, more);
        mvt_device_boot(&(struct mvt_device){.real_time = real, .profile = profile});
        real_time = real;
        app_delayed_ms = 0;
        app_world = NULL;
        app_http_requests_busy = NULL;
}

static void boot_virtual(void)
{
        boot(false, VIRTUAL);
}

static void boot_in_one_moment(void)
{
        boot(false, IN_ONE_MOMENT);
}

static void boot_real(void)
{
        boot(true, REAL);
}

static void boot_in_factory(void)
{
        boot(false, VIRTUAL "device: {test_mode: true}\n");
}

/* The test itself restarts the broker, so it has to be its own. */
static void boot_with_broker(void)
{
        mvt_broker_start(&broker, &(struct mvt_broker_options){
                                          .certificate = &certificate, .user = "device", .password = "secret"});
        boot(false, AT_ONCE);
}

static void end_with_broker(void)
{
        mvt_device_end();
        mvt_broker_finish(&broker);
}

static TCase *add_case(Suite *suite, const char *name, void (*start)(void), void (*end)(void))
{
        TCase *tests = tcase_create(name);
        tcase_set_timeout(tests, 100);
        tcase_add_unchecked_fixture(tests, start_servers, stop_servers);
        tcase_add_checked_fixture(tests, start, end);
        suite_add_tcase(suite, tests);
        return tests;
}

static TCase *add_applications(Suite *suite, const char *name, void (*start)(void))
{
        TCase *tests = add_case(suite, name, start, mvt_device_end);
        tcase_add_test(tests, contract_01_02_03_04_10_11_17_http_requests);
        tcase_add_test(tests, contract_11_small_ring);
        tcase_add_test(tests, contract_02_05_09_13_21_22_one_centre);
        tcase_add_test(tests, contract_08_12_16_18_first_things);
        tcase_add_test(tests, contract_12_13_14_polling);
        tcase_add_test(tests, contract_14_15_waiting);
        return tests;
}

Suite *suite(void)
{
        Suite *suite = suite_create("contract");
        TCase *tests = add_applications(suite, "virtual time", boot_virtual);
        tcase_add_test(tests, contract_03_http_requests_on_a_slow_host);
        tcase_add_test(tests, contract_04_20_recovering);
        add_applications(suite, "real time", boot_real);
        tests = add_case(suite, "two answers in one moment", boot_in_one_moment, mvt_device_end);
        tcase_add_test(tests, contract_05_18_shared_centre);
        tests = add_case(suite, "test mode", boot_in_factory, mvt_device_end);
        tcase_add_test(tests, contract_18_first_things_in_the_factory);
        tests = add_case(suite, "with a broker", boot_with_broker, end_with_broker);
        tcase_add_test(tests, contract_01_03_06_07_08_09_10_16_17_19_20_mqtt_device);
        return suite;
}

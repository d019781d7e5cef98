/*
 * The de-facto contract as whole devices lean on it: contract_NN is point NN, as in test_contract.c. Virtual time; the
 * servers are real.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "apps/app.h"
#include "broker.h"
#include "mvsim/cortex.h"
#include "nginx.h"
#include "online.h"
#include "pki.h"
#include "suite.h"

static struct mvt_pki pki;
static struct mvt_nginx nginx;
static struct mvt_broker broker;
/* ---- an MQTT device ---- */

static const struct step {
        uint32_t at_ms;
        const char *command; /* sent by somebody else */
        bool cut, mend;
        unsigned messages; /* goes on when the device has so many */
} steps[] = {
        {5000, "first", false, false, 0},    {70000, NULL, true, false, 1},   {90000, NULL, false, true, 1},
        {130000, "second", false, false, 1}, {200000, NULL, false, false, 2},
};

static size_t next_step;
static char operator_options[MVT_PATH_SIZE + 64];

static void do_step(const struct step *step)
{
        if (step->command)
                mvt_broker_publish(&broker, "device/commands", step->command, operator_options);
        if (step->cut)
                mvsim_network_down(MVSIM_OUTAGE_LINK);
        if (step->mend)
                mvsim_network_up();
        next_step++;
        app_mqtt_device_seen.stop = next_step == sizeof steps / sizeof steps[0];
}

/* What is on its way to the device takes the host's time, of which virtual time knows nothing. */
static void two_commands_and_an_outage(void)
{
        const struct step *step = &steps[next_step];
        if (next_step == sizeof steps / sizeof steps[0] || app_delayed_ms < step->at_ms)
                return;
        if (app_mqtt_device_seen.messages >= step->messages)
                do_step(step);
        else
                sched_yield();
}

/*
 * One READABLE for each item, and one item for each (6); a code for each topic, counted in elements (7); buffers that
 * are free at once (10); results in the order of the request, reads through pointers (19); back to publishing after 20
 * s without a link (20).
 */
START_TEST(contract_06_07_10_19_20_an_mqtt_device_works_and_recovers)
{
        next_step = 0;
        snprintf(operator_options, sizeof operator_options, "-q 1 -u device -P secret --cafile %s", pki.ca_file);
        app_world = two_commands_and_an_outage;
        app_run(&app_mqtt_device);
        const struct app_mqtt_device *seen = &app_mqtt_device_seen;
        ck_assert_uint_eq(seen->connections, 2);
        ck_assert_uint_eq(seen->losses, 1);
        ck_assert_uint_eq(seen->messages, 2);
        ck_assert_str_eq(seen->last_message, "second");
        ck_assert_uint_ge(seen->published, 4);
}
END_TEST

/* ---- one centre for everything ---- */

static void an_update(void)
{
        static bool announced;
        if (app_delayed_ms < 5000)
                announced = false;
        if (app_delayed_ms < 5000 || announced)
                return;
        announced = true;
        ck_assert_int_eq(mvsim_update_available(MVSIM_UPDATE_APPLICATION), 0);
}

START_TEST(contract_05_one_centre_serves_http_configuration_and_updates)
{
        app_world = an_update;
        app_run(&app_shared_centre);
        ck_assert_uint_ge(app_shared_centre_seen.exchanges, 5);
        ck_assert_uint_eq(app_shared_centre_seen.updates, 1);
}
END_TEST

/* ---- fixture ---- */

static void set_up(void)
{
        static char profile[2048];
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, "DNS:api.example.com,DNS:broker.example.com,IP:127.0.0.1", 30, &certificate);
        mvt_nginx_start(&nginx, &certificate, "location = /ok { return 200 \"hello\"; }\n");
        mvt_broker_start(&broker, &(struct mvt_broker_options){
                                          .certificate = &certificate, .user = "device", .password = "secret"});
        snprintf(profile, sizeof profile,
                 "network: {connect_ms: 20}\n"
                 "http: {ca_file: %s, rewrite: [{from: \"" APP_URL "\", to: \"https://127.0.0.1:%u\"}]}\n"
                 "mqtt: {ca_file: %s, rewrite: [{from: \"broker.example.com:8883\", to: \"mqtts://127.0.0.1:%u\"}]}\n"
                 "updates: {polite: true}\n"
                 "cloud:\n"
                 "  config: {device: {host: broker.example.com, port: 8883, topic: device/commands, key: value}}\n"
                 "  secrets: {device: {username: device, password: secret}}\n",
                 pki.ca_file, nginx.port, pki.ca_file, broker.port);
        mvt_online_prepare();
        mvt_device_boot(&(struct mvt_device){.profile = profile});
        app_delayed_ms = 0;
}

static void tear_down(void)
{
        mvt_device_end();
        mvt_broker_finish(&broker);
        mvt_nginx_finish(&nginx);
        mvt_pki_finish(&pki);
}

Suite *suite(void)
{
        Suite *suite = suite_create("contract_devices");
        TCase *tests = tcase_create("devices");
        tcase_set_timeout(tests, 100);
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, contract_06_07_10_19_20_an_mqtt_device_works_and_recovers);
        tcase_add_test(tests, contract_05_one_centre_serves_http_configuration_and_updates);
        suite_add_tcase(suite, tests);
        return suite;
}

/*
 * What applications that are known to work on the device rely on, point by point: contract_NN is point NN of the
 * de-facto contract. Those that whole devices lean on, with configuration and MQTT, are in test_contract_devices.c.
 */
#include <stdio.h>
#include <string.h>

#include "apps/app.h"
#include "child.h"
#include "nginx.h"
#include "online.h"
#include "pki.h"
#include "suite.h"

static struct mvt_pki pki;
static struct mvt_nginx nginx;
static char profile[1024];

static void start_server(void)
{
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, "DNS:api.example.com", 30, &certificate);
        mvt_nginx_start(&nginx, &certificate, "location = /ok { return 200 \"hello\"; }\n");
        snprintf(profile, sizeof profile,
                 "network:\n  connect_ms: 20\nhttp:\n  ca_file: %s\n  rewrite:\n    - from: " APP_URL
                 "\n      to: https://127.0.0.1:%u\ntime:\n",
                 pki.ca_file, nginx.port);
}

static void stop_server(void)
{
        mvt_nginx_finish(&nginx);
        mvt_pki_finish(&pki);
}

/* ---- applications ---- */

START_TEST(contract_04_ring_is_written_whatever_it_holds)
{
        app_run(&app_http_requests);
        struct mvsim_statistics statistics = mvt_statistics();
        ck_assert_uint_eq(statistics.overruns, 3); /* seven records in four slots, none of them cleared */
}
END_TEST

static void cut_after_a_while(void)
{
        if (app_delayed_ms == 200)
                mvsim_network_down(MVSIM_OUTAGE_LINK);
}

START_TEST(contract_05_one_interrupt_per_record)
{
        app_world = cut_after_a_while;
        app_run(&app_one_centre); /* four records are due in one moment */
        struct mvsim_statistics statistics = mvt_statistics();
        ck_assert_uint_eq(app_one_centre_entries, statistics.notifications);
        ck_assert_uint_eq(statistics.shadowed, 0);
}
END_TEST

START_TEST(contract_12_logging_comes_first)
{
        app_run(&app_first_things);
}
END_TEST

START_TEST(contract_13_polling_alone_finds_the_network)
{
        app_run(&app_polling);
        ck_assert_uint_eq(mvt_statistics().interrupts, 0);
}
END_TEST

START_TEST(contract_21_ipsr_tells_the_handler)
{
        ck_assert_uint_eq(__get_IPSR(), 0);
        app_world = cut_after_a_while;
        app_run(&app_one_centre);
        ck_assert_uint_eq(app_one_centre_ipsr, 16 + TIM2_IRQn);
        ck_assert_uint_eq(__get_IPSR(), 0);
}
END_TEST

START_TEST(contract_22_priority_0_is_no_mistake)
{
        char text[MVT_OUTPUT_SIZE];
        mvt_capture_begin();
        NVIC_SetPriority(TIM8_BRK_IRQn, 0);
        app_run(&app_http_requests);
        mvt_capture_end(text);
        ck_assert_str_eq(text, "");
}
END_TEST

/* Of a minute's running, two outages: of the link for 20 s, of the servers for 10 s. */
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

START_TEST(contract_20_applications_recover_from_lost_links)
{
        app_world = two_outages;
        app_run(&app_recovering);
        ck_assert_uint_eq(app_recovering_answers, 12);
        ck_assert_uint_ge(app_recovering_losses, 1);
        ck_assert_uint_gt(app_delayed_ms, 60000);
}
END_TEST

/* ---- points that need no whole application ---- */

static void exchange(const char *url)
{
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, &(struct mvt_request){.url = url});
        mvt_channel_close(&channel);
}

START_TEST(contract_01_no_write_space_on_http_channels)
{
        unsigned before = mvt_all_records();
        exchange(APP_URL "/ok");
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELDATAWRITESPACE, MVT_CHANNEL_TAG), 0);
        ck_assert_uint_eq(mvt_all_records(), before + 1); /* READABLE */
}
END_TEST

START_TEST(contract_02_closing_oneself_posts_nothing)
{
        MvChannelHandle channel = mvt_http_open();
        unsigned before = mvt_all_records();
        mvt_channel_close(&channel);
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_all_records(), before);
        channel = mvt_http_open();
        mvt_http_exchange(channel, &(struct mvt_request){.url = APP_URL "/ok"});
        before = mvt_all_records();
        mvt_channel_close(&channel);
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_all_records(), before);
}
END_TEST

/* A request that the cloud refuses at once: nothing can be faster. */
START_TEST(contract_03_no_completion_inside_the_sending_call)
{
        for (int i = 0; i < 8; i++) {
                MvChannelHandle channel = mvt_http_open();
                const struct MvHttpRequest *request =
                        mvt_http_request(&(struct mvt_request){.url = APP_URL "/ok", .method = "get"});
                unsigned before = mvt_all_records();
                enum MvStatus status = mvSendHttpRequest(channel, request);
                unsigned after = mvt_all_records();
                expect_okay(status);
                ck_assert_uint_eq(after, before);
                wait_until(mvt_all_records() == before + 1);
                mvt_channel_close(&channel);
        }
}
END_TEST

/* Virtual time: however slow the host, the answer waits until the application has come to a later point. */
START_TEST(contract_03_a_later_point_lies_in_between)
{
        MvChannelHandle channel = mvt_http_open();
        const struct mvt_request request = {.url = APP_URL "/ok"};
        unsigned before = mvt_all_records();
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(&request)));
        uint64_t start = mvt_host_ms();
        while (mvt_host_ms() - start < 200) /* long enough for the answer to come in */
                ck_assert_uint_eq(mvt_all_records(), before);
        wait_until(mvt_all_records() == before + 1);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(contract_08_handles_are_small_numbers)
{
        MvChannelHandle channel = mvt_http_open();
        ck_assert_uint_gt((uintptr_t)channel, 0);
        ck_assert_uint_le((uintptr_t)channel, UINT32_MAX);
        ck_assert_uint_le((uintptr_t)mvt_online.network, UINT32_MAX);
        ck_assert_uint_le((uintptr_t)mvt_online.centre, UINT32_MAX);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(contract_08_handle_0_is_refused_quietly)
{
        char text[MVT_OUTPUT_SIZE];
        enum MvNetworkStatus status;
        enum MvClosureReason reason;
        MvChannelHandle channel = 0;
        mvt_capture_begin();
        enum MvStatus results[] = {mvGetNetworkStatus(0, &status), mvGetChannelClosureReason(0, &reason),
                                   mvCloseChannel(&channel)};
        mvt_capture_end(text);
        for (size_t i = 0; i < sizeof results / sizeof *results; i++)
                ck_assert_int_eq(results[i], MV_STATUS_INVALIDHANDLE);
        ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(contract_09_a_lost_channel_keeps_its_handle)
{
        MvChannelHandle channel = mvt_http_open();
        MvChannelHandle same = channel;
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvsim_run_for(100000);
        ck_assert_ptr_eq(channel, same);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NETWORKDISCONNECTED);
        mvt_channel_close(&channel); /* checks for 0 */
        mvt_network_release(&mvt_online.network);
        mvt_centre_close(&mvt_online.centre);
}
END_TEST

START_TEST(contract_10_buffers_are_free_at_once)
{
        for (int i = 0; i < 8; i++)
                exchange(APP_URL "/ok");
}
END_TEST

START_TEST(contract_11_buffer_sizes)
{
        static const uint32_t sizes[] = {512, 1536, 2560, 4096, 7168};
        static uint8_t send[7168] __attribute__((aligned(512))), receive[7168] __attribute__((aligned(512)));
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                struct MvOpenChannelParams params = mvt_http_params();
                params.v1.send_buffer = send;
                params.v1.send_buffer_len = sizes[i];
                params.v1.receive_buffer = receive;
                params.v1.receive_buffer_len = sizes[i];
                MvChannelHandle channel = mvt_channel_open(&params);
                mvt_http_exchange(channel, &(struct mvt_request){.url = APP_URL "/ok"});
                ck_assert_str_eq(mvt_http_body(channel), "hello");
                mvt_channel_close(&channel);
        }
}
END_TEST

START_TEST(contract_17_reads_write_no_more_than_there_is)
{
        uint8_t bytes[256];
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, &(struct mvt_request){.url = APP_URL "/ok"});
        memset(bytes, 0, sizeof bytes);
        expect_okay(mvReadHttpResponseHeader(channel, 0, bytes, 255));
        ck_assert_str_eq((char *)bytes, "Server: nginx");
        memset(bytes, '#', sizeof bytes);
        expect_okay(mvReadHttpResponseBody(channel, 0, bytes, sizeof bytes));
        ck_assert_mem_eq(bytes, "hello#", 6);
        memset(bytes, '#', sizeof bytes);
        expect_okay(mvReadHttpResponseBody(channel, 0, bytes, mvt_http_data(channel)->body_length));
        ck_assert_mem_eq(bytes, "hello#", 6);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- points that need no network ---- */

START_TEST(contract_14_wall_time_is_spun_on)
{
        uint64_t wall_us = 0;
        unsigned turns = 0;
        ck_assert_int_eq(mvGetWallTime(&wall_us), MV_STATUS_TIMENOTSET);
        while (mvGetWallTime(&wall_us) == MV_STATUS_TIMENOTSET)
                turns++;
        ck_assert_uint_gt(turns, 0);
        ck_assert_uint_gt(wall_us, UINT64_C(1700000000000000));
}
END_TEST

START_TEST(contract_15_time_advances_by_calls)
{
        uint64_t start, now;
        expect_okay(mvGetMicroseconds(&start));
        do {
                expect_okay(mvGetMicroseconds(&now));
        } while (now - start < 100000);
        for (volatile int i = 0; i < 50000; i++) /* the longest loop without a call that was seen */
                __NOP();
        uint64_t later;
        expect_okay(mvGetMicroseconds(&later));
        ck_assert_uint_gt(later, now);
}
END_TEST

START_TEST(contract_16_the_device_id_is_34_bytes)
{
        uint8_t zeroed[35] = {0}, guarded[36];
        memset(guarded, '#', sizeof guarded);
        expect_okay(mvGetDeviceId(zeroed, 34));
        ck_assert_uint_eq(strlen((char *)zeroed), 34);
        expect_okay(mvGetDeviceId(guarded + 1, 34));
        ck_assert_mem_eq(guarded + 1, zeroed, 34);
        ck_assert_uint_eq(guarded[0], '#');
        ck_assert_uint_eq(guarded[35], '#');
}
END_TEST

static void ask_for_restart_twice(void *refused)
{
        ck_assert_int_eq(mvsim_fail("mvRestart", 1, MV_STATUS_UNAVAILABLE), 0);
        *(bool *)refused = mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE) == MV_STATUS_UNAVAILABLE;
        mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE);
        ck_abort_msg("mvRestart has returned");
}

START_TEST(contract_18_restart_and_test_end_may_be_refused_and_do_not_return_else)
{
        bool refused = false;
        ck_assert_int_eq(mvTestingComplete(0), MV_STATUS_UNAVAILABLE);
        ck_assert(mvsim_catch(ask_for_restart_twice, &refused, NULL));
        ck_assert(refused);
}
END_TEST

/* ---- fixtures ---- */

static void add_to_profile(const char *lines)
{
        size_t len = strlen(profile);
        snprintf(profile + len, sizeof profile - len, "%s", lines);
}

static void boot_apps(bool real_time)
{
        start_server();
        add_to_profile("  spin_ms: 10\n");
        mvt_online_prepare();
        mvt_device_boot(&(struct mvt_device){.real_time = real_time, .profile = profile});
        app_delayed_ms = 0;
        app_world = NULL;
}

static void boot_apps_virtual(void)
{
        boot_apps(false);
}

static void boot_apps_real(void)
{
        boot_apps(true);
}

static void end_apps(void)
{
        mvt_device_end();
        stop_server();
}

static void boot_online(bool real_time)
{
        start_server();
        add_to_profile("  spin_ms: 60000\n"); /* nothing interrupts a computing application in virtual time */
        if (real_time)
                add_to_profile("  completion_us: 50000\n"); /* longer than a busy host keeps the test from looking */
        mvt_online_boot(&(struct mvt_device){.real_time = real_time, .profile = profile});
}

static void boot_online_virtual(void)
{
        boot_online(false);
}

static void boot_online_real(void)
{
        boot_online(true);
}

static void end_online(void)
{
        mvt_online_end();
        stop_server();
}

static TCase *add_case(Suite *suite, const char *name, void (*boot)(void), void (*end)(void))
{
        TCase *tests = tcase_create(name);
        tcase_set_timeout(tests, 100);
        tcase_add_checked_fixture(tests, boot, end);
        suite_add_tcase(suite, tests);
        return tests;
}

static TCase *add_apps(Suite *suite, const char *name, void (*boot)(void))
{
        TCase *tests = add_case(suite, name, boot, end_apps);
        tcase_add_test(tests, contract_04_ring_is_written_whatever_it_holds);
        tcase_add_test(tests, contract_05_one_interrupt_per_record);
        tcase_add_test(tests, contract_12_logging_comes_first);
        tcase_add_test(tests, contract_13_polling_alone_finds_the_network);
        tcase_add_test(tests, contract_21_ipsr_tells_the_handler);
        tcase_add_test(tests, contract_22_priority_0_is_no_mistake);
        return tests;
}

static TCase *add_online(Suite *suite, const char *name, void (*boot)(void))
{
        TCase *tests = add_case(suite, name, boot, end_online);
        tcase_add_test(tests, contract_01_no_write_space_on_http_channels);
        tcase_add_test(tests, contract_02_closing_oneself_posts_nothing);
        tcase_add_test(tests, contract_03_no_completion_inside_the_sending_call);
        tcase_add_test(tests, contract_08_handles_are_small_numbers);
        tcase_add_test(tests, contract_08_handle_0_is_refused_quietly);
        tcase_add_test(tests, contract_09_a_lost_channel_keeps_its_handle);
        tcase_add_test(tests, contract_10_buffers_are_free_at_once);
        tcase_add_test(tests, contract_11_buffer_sizes);
        tcase_add_test(tests, contract_17_reads_write_no_more_than_there_is);
        return tests;
}

static void add_offline(Suite *suite, const char *name, void (*boot)(void))
{
        TCase *tests = add_case(suite, name, boot, mvt_device_end);
        tcase_add_test(tests, contract_14_wall_time_is_spun_on);
        tcase_add_test(tests, contract_15_time_advances_by_calls);
        tcase_add_test(tests, contract_16_the_device_id_is_34_bytes);
        tcase_add_test(tests, contract_18_restart_and_test_end_may_be_refused_and_do_not_return_else);
}

Suite *suite(void)
{
        Suite *suite = suite_create("contract");
        TCase *tests = add_apps(suite, "applications, virtual time", boot_apps_virtual);
        tcase_add_test(tests, contract_20_applications_recover_from_lost_links); /* takes minutes in real time */
        add_apps(suite, "applications, real time", boot_apps_real);
        tests = add_online(suite, "online, virtual time", boot_online_virtual);
        tcase_add_test(tests, contract_03_a_later_point_lies_in_between);
        add_online(suite, "online, real time", boot_online_real);
        add_offline(suite, "offline, virtual time", mvt_device_boot_virtual);
        add_offline(suite, "offline, real time", mvt_device_boot_real);
        return suite;
}

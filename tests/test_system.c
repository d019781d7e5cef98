/* Streams of system-wide events: the network, updates, and how those are installed. */
#include <string.h>

#include "stm32u5xx.h"

#include "lib/device.h"
#include "lib/life.h"
#include "suite.h"

#define SLOTS       16
#define CONNECT_US  250000U
#define DOWNLOAD_US 2000000U
#define INSTALL_US  500000U

static struct MvNotification ring[SLOTS];
static MvNotificationHandle centre;
static volatile unsigned runs;
static volatile enum MvStatus seen_status;
static void (*volatile in_handler)(void);

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        runs++;
        if (in_handler)
                in_handler();
}

static void open_centre(void)
{
        centre = mvt_centre_open(TIM8_BRK_IRQn, ring, SLOTS);
}

static void boot(const char *profile)
{
        runs = 0;
        in_handler = NULL;
        mvt_device_boot(&(struct mvt_device){.profile = profile, .leaves_handles = true});
        open_centre();
}

static void set_up(void)
{
        boot("updates: {polite: true}\n");
}

static struct MvOpenSystemNotificationParams params(enum MvSystemNotificationSource source, uint32_t tag)
{
        return (struct MvOpenSystemNotificationParams){centre, tag, source};
}

static MvSystemEventHandle open_stream(enum MvSystemNotificationSource source, uint32_t tag)
{
        const struct MvOpenSystemNotificationParams of = params(source, tag);
        MvSystemEventHandle stream = NULL;
        expect_okay(mvOpenSystemNotification(&of, &stream));
        ck_assert_ptr_nonnull(stream);
        ck_assert_uint_le((uintptr_t)stream, UINT32_MAX);
        return stream;
}

static void close_stream(MvSystemEventHandle *stream)
{
        expect_okay(mvCloseSystemNotification(stream));
        ck_assert_ptr_null(*stream);
}

static void expect_record(unsigned slot, enum MvEventType type, uint32_t tag)
{
        ck_assert_uint_ge(runs, slot + 1);
        ck_assert_uint_eq(ring[slot].event_type, type);
        ck_assert_uint_eq(ring[slot].tag, tag);
}

/* ---- streams ---- */

START_TEST(a_stream_is_opened_and_closed)
{
        uint32_t before = mvt_open_handles();
        MvSystemEventHandle stream = open_stream((enum MvSystemNotificationSource)_i, 0);
        ck_assert_uint_eq(mvt_open_handles(), before + 1);
        MvSystemEventHandle copy = stream;
        close_stream(&stream);
        ck_assert_uint_eq(mvt_open_handles(), before);
        expect_reject(mvCloseSystemNotification(&copy), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvCloseSystemNotification(&stream), MV_STATUS_INVALIDHANDLE, "handle");
        ck_assert_ptr_nonnull(copy);
}
END_TEST

START_TEST(another_handle_is_no_stream)
{
        MvSystemEventHandle other = (MvSystemEventHandle)(void *)centre;
        expect_reject(mvCloseSystemNotification(&other), MV_STATUS_INVALIDHANDLE, "handle");
        ck_assert_ptr_eq((void *)other, (void *)centre);
}
END_TEST

START_TEST(a_stream_needs_a_centre_and_a_source)
{
        MvSystemEventHandle stream = NULL;
        struct MvOpenSystemNotificationParams of = params(MV_SYSTEMNOTIFICATIONSOURCE_NETWORK, 1);
        of.notification_handle = NULL;
        expect_reject(mvOpenSystemNotification(&of, &stream), MV_STATUS_INVALIDHANDLE, "notification_handle");
        of = params((enum MvSystemNotificationSource)2, 1);
        expect_reject(mvOpenSystemNotification(&of, &stream), MV_STATUS_INVALIDHANDLE, "notification_source");
        of = params(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 1);
        expect_reject(mvOpenSystemNotification(NULL, &stream), MV_STATUS_PARAMETERFAULT, "params");
        expect_reject(mvOpenSystemNotification(&of, NULL), MV_STATUS_PARAMETERFAULT, "handle");
        expect_reject(mvCloseSystemNotification(NULL), MV_STATUS_PARAMETERFAULT, "handle");
        ck_assert_ptr_null(stream);
        ck_assert_uint_eq(mvt_open_handles(), 1);
}
END_TEST

START_TEST(a_closed_centre_is_none)
{
        struct MvOpenSystemNotificationParams of = params(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 1);
        MvSystemEventHandle stream = NULL;
        mvt_centre_close(&centre);
        expect_reject(mvOpenSystemNotification(&of, &stream), MV_STATUS_INVALIDHANDLE, "notification_handle");
}
END_TEST

static void open_in_handler(void)
{
        const struct MvOpenSystemNotificationParams of = params(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 1);
        MvSystemEventHandle stream;
        seen_status = mvOpenSystemNotification(&of, &stream);
}

static MvSystemEventHandle opened;

static void close_in_handler(void)
{
        seen_status = mvCloseSystemNotification(&opened);
}

START_TEST(handlers_neither_open_nor_close)
{
        opened = open_stream(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 1);
        in_handler = _i ? close_in_handler : open_in_handler;
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 1);
        expect_reject(seen_status, MV_STATUS_UNAVAILABLE, "");
        ck_assert_ptr_nonnull(opened);
        close_stream(&opened);
}
END_TEST

START_TEST(streams_have_a_limit)
{
        const struct MvOpenSystemNotificationParams of = params(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 1);
        MvSystemEventHandle streams[32], one_more = NULL;
        for (unsigned i = 0; i < 32; i++)
                streams[i] = open_stream(MV_SYSTEMNOTIFICATIONSOURCE_NETWORK, i);
        expect_reject(mvOpenSystemNotification(&of, &one_more), MV_STATUS_UNAVAILABLE, "");
        ck_assert_ptr_null(one_more);
        close_stream(&streams[7]);
        expect_okay(mvOpenSystemNotification(&of, &one_more));
}
END_TEST

START_TEST(the_limit_may_be_smaller)
{
        mvt_device_end();
        boot("limits: {system_events: 1}\n");
        const struct MvOpenSystemNotificationParams of = params(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 1);
        MvSystemEventHandle one_more = NULL;
        open_stream(MV_SYSTEMNOTIFICATIONSOURCE_NETWORK, 1);
        expect_reject(mvOpenSystemNotification(&of, &one_more), MV_STATUS_UNAVAILABLE, "");
}
END_TEST

/* ---- the network ---- */

START_TEST(each_stream_is_told_of_the_network_with_its_tag)
{
        MvSystemEventHandle first = open_stream(MV_SYSTEMNOTIFICATIONSOURCE_NETWORK, 11);
        MvSystemEventHandle second = open_stream(MV_SYSTEMNOTIFICATIONSOURCE_NETWORK, 12);
        open_stream(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 13);
        mvsim_run_for(CONNECT_US + 1000);
        ck_assert_uint_eq(runs, 2);
        expect_record(0, MV_EVENTTYPE_NETWORKSTATUSCHANGED, 11);
        expect_record(1, MV_EVENTTYPE_NETWORKSTATUSCHANGED, 12);
        close_stream(&first);
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        mvsim_run_for(1000);
        ck_assert_uint_eq(runs, 3);
        expect_record(2, MV_EVENTTYPE_NETWORKSTATUSCHANGED, 12);
        close_stream(&second);
        mvsim_network_up();
        mvsim_run_for(5000000);
        ck_assert_uint_eq(runs, 3);
}
END_TEST

START_TEST(requests_are_told_beside_streams)
{
        open_stream(MV_SYSTEMNOTIFICATIONSOURCE_NETWORK, 21);
        MvNetworkHandle network = mvt_network_request(centre, 22);
        mvt_network_wait(network, MV_NETWORKSTATUS_CONNECTED);
        mvsim_run_for(1000);
        ck_assert_uint_eq(runs, 2);
        ck_assert_uint_eq(ring[0].tag + ring[1].tag, 43);
        mvt_network_release(&network);
}
END_TEST

/* ---- updates that wait for mvRestart ---- */

static void offer(enum mvsim_update what)
{
        ck_assert_int_eq(mvsim_update_available(what), 0);
}

static enum MvWakeReason live_again(void)
{
        enum MvWakeReason reason;
        ck_assert_int_eq(mvsim_boot_again(), 0);
        expect_okay(mvGetWakeReason(&reason));
        open_centre();
        return reason;
}

static bool is_fetching(void)
{
        enum MvNetworkReason reasons;
        uint32_t count;
        expect_okay(mvGetNetworkReasons(&reasons, &count));
        return ((unsigned)reasons & MV_NETWORKREASON_FETCHINGUPDATE) != 0;
}

START_TEST(an_update_is_downloaded_and_told)
{
        open_stream(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 5);
        offer(MVSIM_UPDATE_APPLICATION);
        ck_assert(!is_fetching()); /* it is not connected */
        mvsim_run_for(CONNECT_US);
        ck_assert(is_fetching());
        mvsim_run_for(DOWNLOAD_US - 1000);
        ck_assert_uint_eq(runs, 0);
        mvsim_run_for(2000);
        ck_assert_uint_eq(runs, 1);
        expect_record(0, MV_EVENTTYPE_UPDATEDOWNLOADED, 5);
        ck_assert(!is_fetching());
        mvsim_run_for(60000000); /* it is not installed by itself */
        ck_assert_uint_eq(runs, 1);
        expect_okay(mvNoOp());
}
END_TEST

static const struct {
        enum mvsim_update what;
        enum MvWakeReason reason;
        bool starts_device;
} updates[] = {
        {MVSIM_UPDATE_APPLICATION, MV_WAKEREASON_APPLICATIONUPDATE, false},
        {MVSIM_UPDATE_MICROVISOR, MV_WAKEREASON_MICROVISORUPDATE, true},
        {MVSIM_UPDATE_BOTH, MV_WAKEREASON_MICROVISORUPDATE, true},
};

START_TEST(a_restart_installs_what_waits)
{
        offer(updates[_i].what);
        mvsim_run_for(CONNECT_US + DOWNLOAD_US);
        struct mvsim_ending ending;
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, &ending));
        ck_assert_int_eq(ending.reason, updates[_i].reason);
        ck_assert_int_eq(live_again(), updates[_i].reason);
        ck_assert_int_eq(mvsim_now_us() < 1000, updates[_i].starts_device);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        ck_assert_int_eq(live_again(), MV_WAKEREASON_REMOTEAPPLICATIONRESTART); /* it is installed once */
}
END_TEST

static void expect_busy(void)
{
        expect_reject(mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE), MV_STATUS_MICROVISORBUSY, "");
        expect_reject(mvDeepSleep(MV_DEEPSLEEPMODE_STANDBY), MV_STATUS_MICROVISORBUSY, "");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "an update"));
}

START_TEST(a_download_is_not_interrupted)
{
        offer(MVSIM_UPDATE_APPLICATION);
        mvsim_run_for(CONNECT_US);
        expect_busy();
        mvsim_run_for(DOWNLOAD_US - 10000);
        expect_busy();
        mvsim_run_for(10000);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
}
END_TEST

START_TEST(a_download_keeps_the_connection)
{
        MvNetworkHandle network = mvt_network_connect(centre, 1), other;
        offer(MVSIM_UPDATE_APPLICATION);
        mvt_network_release(&network);
        mvsim_run_for(DOWNLOAD_US / 2);
        other = mvt_network_request(centre, 2);
        ck_assert_int_eq(mvt_network_status(other), MV_NETWORKSTATUS_CONNECTED);
        mvt_network_release(&other);
        mvsim_run_for(DOWNLOAD_US);
        other = mvt_network_request(centre, 3);
        ck_assert_int_eq(mvt_network_status(other), MV_NETWORKSTATUS_DELIBERATELYOFFLINE);
        mvt_network_release(&other);
}
END_TEST

START_TEST(a_lost_connection_begins_the_download_again)
{
        open_stream(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 5);
        offer(MVSIM_UPDATE_APPLICATION);
        mvsim_run_for(CONNECT_US + DOWNLOAD_US - 1000);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        ck_assert(!is_fetching());
        mvsim_run_for(10000000);
        ck_assert_uint_eq(runs, 0);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL)); /* nothing to interrupt, nothing to install */
        ck_assert_int_eq(live_again(), MV_WAKEREASON_REMOTEAPPLICATIONRESTART);
        open_stream(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 6);
        mvsim_network_up(); /* the outage is the world's, not the application's */
        mvsim_run_for(CONNECT_US + DOWNLOAD_US - 1000);
        ck_assert_uint_eq(runs, 0);
        mvsim_run_for(2000);
        ck_assert_uint_eq(runs, 1);
        expect_record(0, MV_EVENTTYPE_UPDATEDOWNLOADED, 6);
}
END_TEST

START_TEST(an_update_that_waits_is_told_to_those_who_come_later)
{
        offer(MVSIM_UPDATE_APPLICATION);
        mvsim_run_for(CONNECT_US + DOWNLOAD_US);
        open_stream(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 5);
        ck_assert_uint_eq(runs, 0); /* not within the call */
        mvsim_run_for(1000);
        ck_assert_uint_eq(runs, 1);
}
END_TEST

static void be_restarted(void *unused)
{
        (void)unused;
        ck_assert_int_eq(mvsim_restart(MV_WAKEREASON_DEBUGGERRESTART), 0);
}

START_TEST(an_update_waits_over_other_restarts)
{
        offer(MVSIM_UPDATE_MICROVISOR);
        mvsim_run_for(CONNECT_US + DOWNLOAD_US);
        ck_assert(mvsim_catch(be_restarted, NULL, NULL));
        ck_assert_int_eq(live_again(), MV_WAKEREASON_DEBUGGERRESTART);
        open_stream(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 9);
        mvsim_run_for(1000);
        expect_record(0, MV_EVENTTYPE_UPDATEDOWNLOADED, 9);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        ck_assert_int_eq(live_again(), MV_WAKEREASON_MICROVISORUPDATE);
}
END_TEST

START_TEST(there_are_no_other_updates)
{
        ck_assert_int_lt(mvsim_update_available((enum mvsim_update)0), 0);
        ck_assert_int_lt(mvsim_update_available((enum mvsim_update)4), 0);
}
END_TEST

/* ---- updates that do not wait ---- */

static void live(void *unused)
{
        (void)unused;
        for (uint64_t start = mvsim_now_us(); mvsim_now_us() < start + 60000000;)
                mvsim_run_for(1000);
}

START_TEST(an_update_is_installed_at_once_by_default)
{
        struct mvsim_ending ending;
        mvt_device_end();
        boot(NULL);
        open_stream(MV_SYSTEMNOTIFICATIONSOURCE_UPDATE, 5);
        offer(updates[_i].what);
        ck_assert(mvsim_catch(live, NULL, &ending));
        ck_assert_ptr_null(ending.call);
        ck_assert_int_eq(ending.reason, updates[_i].reason);
        ck_assert_uint_eq(ending.microseconds, CONNECT_US + DOWNLOAD_US + INSTALL_US);
        ck_assert_uint_eq(runs, 0); /* nobody is asked */
        ck_assert_int_eq(live_again(), updates[_i].reason);
        ck_assert(!mvsim_catch(live, NULL, &ending));
}
END_TEST

START_TEST(an_installation_goes_on_after_a_restart_that_came_in_between)
{
        struct mvsim_ending ending;
        mvt_device_end();
        boot(NULL);
        offer(MVSIM_UPDATE_APPLICATION);
        mvsim_run_for(CONNECT_US + DOWNLOAD_US + INSTALL_US / 2);
        ck_assert(mvsim_catch(be_restarted, NULL, NULL));
        ck_assert_int_eq(live_again(), MV_WAKEREASON_DEBUGGERRESTART);
        ck_assert(mvsim_catch(live, NULL, &ending));
        ck_assert_int_eq(ending.reason, MV_WAKEREASON_APPLICATIONUPDATE);
        ck_assert_int_eq(live_again(), MV_WAKEREASON_APPLICATIONUPDATE);
        ck_assert(!mvsim_catch(live, NULL, NULL)); /* it is installed once */
}
END_TEST

static uint8_t buffers[2][512] __attribute__((aligned(512)));

START_TEST(no_channel_opens_during_an_installation)
{
        MvChannelHandle channel = NULL;
        mvt_device_end();
        boot("updates: {download_ms: 1}\n");
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        const struct MvOpenChannelParams channel_params = {
                .version = 1,
                .v1 = {centre,
                       2,
                       network,
                       buffers[0],
                       512,
                       buffers[1],
                       512,
                       MV_CHANNELTYPE_HTTP,
                       {(const uint8_t *)"", 0}},
        };
        offer(MVSIM_UPDATE_APPLICATION);
        expect_okay(mvOpenChannel(&channel_params, &channel));
        expect_okay(mvCloseChannel(&channel));
        mvsim_run_for(2000);
        expect_reject(mvOpenChannel(&channel_params, &channel), MV_STATUS_UNAVAILABLE, "");
        ck_assert_ptr_null(channel);
        expect_busy();
}
END_TEST

/* ---- the schedule ---- */

START_TEST(the_schedule_breaks_and_mends_the_network)
{
        mvt_device_end();
        boot("schedule:\n  events:\n"
             "    - {at_ms: 3000, do: network-up}\n"
             "    - {at_ms: 1000, do: link-down}\n"
             "    - {at_ms: 5000, do: server-down}\n");
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        mvsim_run_for(1000000 - mvsim_now_us());
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTING);
        mvsim_run_for(1900000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTING);
        mvsim_run_for(500000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        mvsim_run_for(2000000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_DISCONNECTEDWITHLINKUP);
}
END_TEST

START_TEST(the_schedule_goes_on_over_all_lives)
{
        mvt_device_end();
        boot("updates: {polite: true, download_ms: 100}\n"
             "schedule:\n  events:\n"
             "    - {at_ms: 500, do: microvisor-update}\n"
             "    - {at_ms: 1000, do: pend-irq, irq: 51}\n"
             "    - {at_ms: 2000, do: restart}\n"
             "    - {at_ms: 2500, do: pend-irq, irq: 51}\n");
        mvsim_run_for(1100000);
        ck_assert_uint_eq(runs, 1);
        ck_assert(mvsim_catch(mvt_life_restarts, NULL, NULL));
        ck_assert_int_eq(live_again(), MV_WAKEREASON_MICROVISORUPDATE); /* and its clock is 0 */
        mvsim_run_for(800000);
        ck_assert_uint_eq(runs, 1);
        ck_assert(mvsim_catch(live, NULL, NULL));
        ck_assert_int_eq(live_again(), MV_WAKEREASON_REMOTEAPPLICATIONRESTART);
        ck_assert_uint_lt(mvsim_now_us(), 1000000);
        mvsim_run_for(300000);
        ck_assert_uint_eq(runs, 1);
        mvsim_run_for(300000);
        ck_assert_uint_eq(runs, 2);
        ck_assert(!mvsim_catch(live, NULL, NULL));
}
END_TEST

static uint8_t log_buffer[512] __attribute__((aligned(512)));

START_TEST(the_schedule_puts_logging_on_hold)
{
        mvt_device_end();
        boot("log: {level: error}\n"
             "schedule:\n  events:\n"
             "    - {at_ms: 0, do: logging-off}\n"
             "    - {at_ms: 100, do: logging-on}\n");
        expect_okay(mvServerLoggingInit(log_buffer, sizeof log_buffer));
        expect_reject(mvServerLog((const uint8_t *)"a", 1), MV_STATUS_LOGGINGDISABLEDBYSERVER, "");
        mvsim_run_for(100000);
        expect_okay(mvServerLog((const uint8_t *)"a", 1));
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("system");
        TCase *tests = tcase_create("system");
        tcase_add_checked_fixture(tests, set_up, mvt_device_end);
        tcase_add_loop_test(tests, a_stream_is_opened_and_closed, 0, 2);
        tcase_add_test(tests, another_handle_is_no_stream);
        tcase_add_test(tests, a_stream_needs_a_centre_and_a_source);
        tcase_add_test(tests, a_closed_centre_is_none);
        tcase_add_loop_test(tests, handlers_neither_open_nor_close, 0, 2);
        tcase_add_test(tests, streams_have_a_limit);
        tcase_add_test(tests, the_limit_may_be_smaller);
        tcase_add_test(tests, each_stream_is_told_of_the_network_with_its_tag);
        tcase_add_test(tests, requests_are_told_beside_streams);
        tcase_add_test(tests, an_update_is_downloaded_and_told);
        tcase_add_loop_test(tests, a_restart_installs_what_waits, 0, 3);
        tcase_add_test(tests, a_download_is_not_interrupted);
        tcase_add_test(tests, a_download_keeps_the_connection);
        tcase_add_test(tests, a_lost_connection_begins_the_download_again);
        tcase_add_test(tests, an_update_that_waits_is_told_to_those_who_come_later);
        tcase_add_test(tests, an_update_waits_over_other_restarts);
        tcase_add_test(tests, there_are_no_other_updates);
        tcase_add_loop_test(tests, an_update_is_installed_at_once_by_default, 0, 3);
        tcase_add_test(tests, an_installation_goes_on_after_a_restart_that_came_in_between);
        tcase_add_test(tests, no_channel_opens_during_an_installation);
        tcase_add_test(tests, the_schedule_breaks_and_mends_the_network);
        tcase_add_test(tests, the_schedule_goes_on_over_all_lives);
        tcase_add_test(tests, the_schedule_puts_logging_on_hold);
        suite_add_tcase(suite, tests);
        return suite;
}

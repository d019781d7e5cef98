/* The network: requests for it, how the connection comes and goes, and what the application is told. */
#include "stm32u5xx.h"

#include "lib/child.h"
#include "lib/device.h"
#include "suite.h"

#define SLOTS      16
#define CONNECT_US 250000U

static struct MvNotification ring[SLOTS];
static MvNotificationHandle centre;
static volatile unsigned runs;
static volatile uint32_t tags; /* bit n: a NETWORKSTATUSCHANGED with tag n came */

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        const struct MvNotification *record = &ring[runs++ % SLOTS];
        if (record->event_type == MV_EVENTTYPE_NETWORKSTATUSCHANGED)
                tags |= 1U << record->tag;
}

static void set_up(void)
{
        runs = 0;
        tags = 0;
        /* However long the host keeps the test from asking, it is not taken for a spin. */
        mvt_device_boot(&(struct mvt_device){.profile = "time: {spin_ms: 60000}\n"});
        centre = mvt_centre_open(TIM8_BRK_IRQn, ring, SLOTS);
}

static void tear_down(void)
{
        mvt_centre_close(&centre);
        mvt_device_end();
}

static uint32_t reasons(uint32_t *ret_count)
{
        enum MvNetworkReason bits = MV_NETWORKREASON__MAX;
        expect_okay(mvGetNetworkReasons(&bits, ret_count));
        return (uint32_t)bits;
}

static bool is_calm(void)
{
        uint32_t count;
        return (reasons(&count) & MV_NETWORKREASON_ENHANCECALM) != 0;
}

/* ---- requests ---- */

START_TEST(request_returns_at_once_and_connects_later)
{
        MvNetworkHandle network = mvt_network_request(centre, 7);
        ck_assert_uint_le((uintptr_t)network, UINT32_MAX);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTING);
        ck_assert_uint_eq(runs, 0);
        mvsim_run_for(CONNECT_US);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(tags, 1U << 7);
        ck_assert_uint_eq(ring[0].microseconds, CONNECT_US);
        mvt_network_release(&network);
}
END_TEST

START_TEST(polling_alone_is_enough)
{
        MvNetworkHandle network = mvt_network_request(centre, 1);
        NVIC_DisableIRQ(TIM8_BRK_IRQn);
        while (mvt_network_status(network) != MV_NETWORKSTATUS_CONNECTED)
                continue;
        mvt_network_release(&network);
}
END_TEST

START_TEST(request_of_a_connected_network_gets_no_event)
{
        mvsim_run_for(CONNECT_US);
        MvNetworkHandle network = mvt_network_request(centre, 1);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        mvsim_run_for(10 * CONNECT_US);
        ck_assert_uint_eq(runs, 0);
        mvt_network_release(&network);
}
END_TEST

START_TEST(request_of_another_version_is_refused)
{
        static const uint32_t versions[] = {0, 2, UINT32_MAX};
        const struct MvRequestNetworkParams params = {.version = versions[_i], .v1 = {centre, 1}};
        MvNetworkHandle network = (MvNetworkHandle)1;
        expect_reject(mvRequestNetwork(&params, &network), MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version");
        ck_assert_ptr_eq(network, (MvNetworkHandle)1);
        ck_assert_uint_eq(mvt_open_handles(), 1);
}
END_TEST

START_TEST(request_without_a_centre_is_refused)
{
        struct MvNotification other[2];
        MvNotificationHandle closed = mvt_centre_open(TIM2_IRQn, other, 2);
        struct MvRequestNetworkParams params = {.version = 1, .v1 = {closed, 1}};
        MvNetworkHandle network = (MvNetworkHandle)1;
        mvt_centre_close(&closed);
        expect_reject(mvRequestNetwork(&params, &network), MV_STATUS_PARAMETERFAULT, "notification_handle");
        params.v1.notification_handle = NULL;
        expect_reject(mvRequestNetwork(&params, &network), MV_STATUS_PARAMETERFAULT, "notification_handle");
        ck_assert_ptr_eq(network, (MvNetworkHandle)1);
        uint32_t count;
        ck_assert_uint_ne(reasons(&count) & MV_NETWORKREASON_NEVERUSEDNETWORKAPI, 0);
}
END_TEST

START_TEST(there_are_32_requests_and_no_33rd)
{
        MvNetworkHandle networks[32], one_more = (MvNetworkHandle)1;
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, 1}};
        for (unsigned i = 0; i < 32; i++)
                networks[i] = mvt_network_request(centre, 1);
        expect_reject(mvRequestNetwork(&params, &one_more), MV_STATUS_PARAMETERFAULT, "");
        ck_assert_ptr_eq(one_more, (MvNetworkHandle)1);
        mvt_network_release(&networks[31]);
        networks[31] = mvt_network_request(centre, 1);
        for (unsigned i = 0; i < 32; i++)
                mvt_network_release(&networks[i]);
}
END_TEST

START_TEST(release_writes_0_and_the_handle_is_void)
{
        enum MvNetworkStatus status = MV_NETWORKSTATUS__MAX;
        MvNetworkHandle network = mvt_network_request(centre, 1);
        MvNetworkHandle copy = network;
        mvt_network_release(&network);
        expect_reject(mvReleaseNetwork(&network), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvReleaseNetwork(&copy), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvGetNetworkStatus(copy, &status), MV_STATUS_INVALIDHANDLE, "handle");
        MvNetworkHandle wrong = (MvNetworkHandle)(void *)centre;
        expect_reject(mvReleaseNetwork(&wrong), MV_STATUS_INVALIDHANDLE, "handle");
        ck_assert_int_eq(status, MV_NETWORKSTATUS__MAX);
}
END_TEST

START_TEST(status_of_handle_0_is_a_harmless_question)
{
        char text[MVT_OUTPUT_SIZE];
        enum MvNetworkStatus status = MV_NETWORKSTATUS__MAX;
        mvt_capture_begin();
        enum MvStatus result = mvGetNetworkStatus(NULL, &status);
        mvt_capture_end(text);
        ck_assert_int_eq(result, MV_STATUS_INVALIDHANDLE);
        ck_assert_str_eq(text, "");
        ck_assert_int_eq(status, MV_NETWORKSTATUS__MAX);
        mvt_capture_begin();
        result = mvGetNetworkStatus((MvNetworkHandle)12345, &status); /* another number is a mistake, and written */
        mvt_capture_end(text);
        ck_assert_int_eq(result, MV_STATUS_INVALIDHANDLE);
        ck_assert_uint_eq(mvt_count(text, "mvGetNetworkStatus: handle"), 1);
}
END_TEST

/* ---- the connection ---- */

START_TEST(reasons_tell_who_wants_the_network)
{
        uint32_t count = 99;
        ck_assert_uint_eq(reasons(&count), MV_NETWORKREASON_NEVERUSEDNETWORKAPI | MV_NETWORKREASON_COLDBOOTCONNECTION);
        ck_assert_uint_eq(count, 0);
        MvNetworkHandle first = mvt_network_request(centre, 1);
        MvNetworkHandle second = mvt_network_request(centre, 2);
        ck_assert_uint_eq(reasons(&count), MV_NETWORKREASON_USINGNETWORK);
        ck_assert_uint_eq(count, 2);
        mvt_network_release(&first);
        ck_assert_uint_eq(reasons(&count), MV_NETWORKREASON_USINGNETWORK);
        ck_assert_uint_eq(count, 1);
        mvt_network_release(&second);
        ck_assert_uint_eq(reasons(&count), MV_NETWORKREASON_NOTCONNECTING);
        ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(every_request_is_told_with_its_own_tag)
{
        MvNetworkHandle networks[5];
        for (uint32_t tag = 0; tag < 5; tag++)
                networks[tag] = mvt_network_request(centre, tag);
        mvsim_run_for(CONNECT_US);
        ck_assert_uint_eq(runs, 5);
        ck_assert_uint_eq(tags, 0x1f);
        for (uint32_t tag = 0; tag < 5; tag++)
                mvt_network_release(&networks[tag]);
}
END_TEST

START_TEST(released_request_is_told_nothing)
{
        MvNetworkHandle network = mvt_network_request(centre, 1);
        MvNetworkHandle other = mvt_network_request(centre, 2);
        mvt_network_release(&network);
        mvsim_run_for(CONNECT_US);
        ck_assert_uint_eq(tags, 1U << 2);
        mvt_network_release(&other);
}
END_TEST

START_TEST(last_release_takes_the_network_down_and_a_request_brings_it_back)
{
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        mvt_network_release(&network);
        mvsim_run_for(1000);
        network = mvt_network_request(centre, 2);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_DELIBERATELYOFFLINE);
        mvsim_run_for(1000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTING);
        mvsim_run_for(CONNECT_US);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        ck_assert_uint_eq(tags, 1U << 1 | 1U << 2);
        ck_assert_uint_eq(runs, 3); /* connected; then connecting and connected */
        mvt_network_release(&network);
}
END_TEST

START_TEST(release_of_one_of_two_keeps_the_network)
{
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        MvNetworkHandle other = mvt_network_request(centre, 2);
        mvt_network_release(&network);
        mvsim_run_for(10 * CONNECT_US);
        ck_assert_int_eq(mvt_network_status(other), MV_NETWORKSTATUS_CONNECTED);
        mvt_network_release(&other);
}
END_TEST

START_TEST(grace_keeps_the_network_between_release_and_request)
{
        mvt_centre_close(&centre);
        mvt_device_end();
        mvt_device_boot(&(struct mvt_device){.profile = "network: {grace_ms: 5000}\n"});
        centre = mvt_centre_open(TIM8_BRK_IRQn, ring, SLOTS);
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        mvt_network_release(&network);
        mvsim_run_for(4000000);
        network = mvt_network_request(centre, 1);
        mvsim_run_for(4000000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        mvt_network_release(&network);
        mvsim_run_for(5001000);
        network = mvt_network_request(centre, 1);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_DELIBERATELYOFFLINE);
        mvt_network_release(&network);
}
END_TEST

START_TEST(lost_link_is_connecting_and_mended_it_connects_at_once)
{
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTING);
        ck_assert_uint_eq(runs, 2);
        mvsim_run_for(60000000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTING);
        mvsim_network_up();
        mvsim_run_for(CONNECT_US);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        ck_assert_uint_eq(runs, 3);
        mvt_network_release(&network);
}
END_TEST

START_TEST(lost_server_leaves_the_link_up_and_is_found_at_the_next_attempt)
{
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_DISCONNECTEDWITHLINKUP);
        ck_assert(is_calm());
        mvsim_network_up();
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_DISCONNECTEDWITHLINKUP);
        mvsim_run_for(900000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_DISCONNECTEDWITHLINKUP);
        mvsim_run_for(100000 + CONNECT_US);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        ck_assert(!is_calm());
        mvt_network_release(&network);
}
END_TEST

/* How long the calm lasts that begins now or later. */
static uint64_t next_calm_us(void)
{
        wait_until(is_calm());
        uint64_t from = mvsim_now_us();
        while (is_calm())
                mvsim_run_for(1000);
        return mvsim_now_us() - from;
}

START_TEST(wait_between_attempts_doubles_up_to_its_maximum)
{
        static const uint64_t waits_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        for (unsigned i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
                uint64_t calm_ms = next_calm_us() / 1000;
                ck_assert_uint_ge(calm_ms + 5, waits_ms[i]);
                ck_assert_uint_le(calm_ms, waits_ms[i] + 5 + waits_ms[i] / 100);
        }
        mvsim_network_up();
        mvt_network_wait(network, MV_NETWORKSTATUS_CONNECTED);
        mvsim_network_down(MVSIM_OUTAGE_SERVER); /* a connection starts the count again */
        ck_assert_uint_le(next_calm_us() / 1000, 1015);
        mvt_network_release(&network);
}
END_TEST

START_TEST(outage_at_boot_keeps_from_connecting)
{
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        MvNetworkHandle network = mvt_network_request(centre, 1);
        mvsim_run_for(10 * CONNECT_US);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTING);
        ck_assert_uint_eq(runs, 0);
        mvsim_network_up();
        mvt_network_wait(network, MV_NETWORKSTATUS_CONNECTED);
        ck_assert_uint_eq(runs, 1);
        mvt_network_release(&network);
}
END_TEST

START_TEST(profile_says_how_long_connecting_takes)
{
        mvt_centre_close(&centre);
        mvt_device_end();
        mvt_device_boot(&(struct mvt_device){.profile = "network: {connect_ms: 3000}\n"});
        centre = mvt_centre_open(TIM8_BRK_IRQn, ring, SLOTS);
        MvNetworkHandle network = mvt_network_request(centre, 1);
        __WFI();
        ck_assert_uint_eq(mvsim_now_us(), 3000000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        mvt_network_release(&network);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("network");
        TCase *tests = tcase_create("network");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, request_returns_at_once_and_connects_later);
        tcase_add_test(tests, polling_alone_is_enough);
        tcase_add_test(tests, request_of_a_connected_network_gets_no_event);
        tcase_add_loop_test(tests, request_of_another_version_is_refused, 0, 3);
        tcase_add_test(tests, request_without_a_centre_is_refused);
        tcase_add_test(tests, there_are_32_requests_and_no_33rd);
        tcase_add_test(tests, release_writes_0_and_the_handle_is_void);
        tcase_add_test(tests, status_of_handle_0_is_a_harmless_question);
        tcase_add_test(tests, reasons_tell_who_wants_the_network);
        tcase_add_test(tests, every_request_is_told_with_its_own_tag);
        tcase_add_test(tests, released_request_is_told_nothing);
        tcase_add_test(tests, last_release_takes_the_network_down_and_a_request_brings_it_back);
        tcase_add_test(tests, release_of_one_of_two_keeps_the_network);
        tcase_add_test(tests, grace_keeps_the_network_between_release_and_request);
        tcase_add_test(tests, lost_link_is_connecting_and_mended_it_connects_at_once);
        tcase_add_test(tests, lost_server_leaves_the_link_up_and_is_found_at_the_next_attempt);
        tcase_add_test(tests, wait_between_attempts_doubles_up_to_its_maximum);
        tcase_add_test(tests, outage_at_boot_keeps_from_connecting);
        tcase_add_test(tests, profile_says_how_long_connecting_takes);
        suite_add_tcase(suite, tests);
        return suite;
}

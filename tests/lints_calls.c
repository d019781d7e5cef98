/* The usage checker: calls that are made wrongly, and what follows from it. */
#include "apps/app.h"
#include "lints.h"
#include "suite.h"

START_TEST(call_in_isr)
{
        mvt_lints_open(mvt_lints_calls);
        mvt_lints_post(3);
        EXPECT_FOUND("call-in-isr", 3, "mvNoOp", "TIM2", "main loop");
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

static uint8_t log_buffer[512] __attribute__((aligned(512)));

static MvNetworkHandle request_network_that_fails(void)
{
        MvNetworkHandle network = 0;
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {mvt_lints.centre, 1}};
        ck_assert_int_eq(mvsim_fail("mvRequestNetwork", 1, MV_STATUS_PARAMETERFAULT), 0);
        ck_assert_int_eq(mvRequestNetwork(&params, &network), MV_STATUS_PARAMETERFAULT);
        return network;
}

START_TEST(status_of_a_network_request_is_ignored)
{
        enum MvNetworkStatus status;
        mvt_lints_open(mvt_lints_reads_one);
        MvNetworkHandle network = request_network_that_fails();
        mvt_lints_expect_none();
        ck_assert_int_eq(mvGetNetworkStatus(network, &status), MV_STATUS_INVALIDHANDLE);
        EXPECT_FOUND("status-ignored", 1, "mvGetNetworkStatus", "mvRequestNetwork", "PARAMETERFAULT", "us");
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

START_TEST(status_of_a_network_request_is_heeded)
{
        mvt_lints_open(mvt_lints_reads_one);
        MvNetworkHandle network = request_network_that_fails();
        ck_assert_int_eq(mvReleaseNetwork(&network), MV_STATUS_INVALIDHANDLE); /* as error paths do */
        network = mvt_network_connect(mvt_lints.centre, 1);
        mvt_network_release(&network);
        mvt_centre_close(&mvt_lints.centre);
        mvt_lints_expect_none();
}
END_TEST

START_TEST(status_of_the_log_is_ignored)
{
        ck_assert_int_eq(mvServerLog((const uint8_t *)"early", 5), MV_STATUS_UNAVAILABLE);
        mvt_lints_expect_none(); /* nothing had failed */
        ck_assert_int_eq(mvServerLoggingInit(log_buffer, 511), MV_STATUS_INVALIDBUFFERSIZE);
        ck_assert_int_eq(mvServerLog((const uint8_t *)"late", 4), MV_STATUS_UNAVAILABLE);
        EXPECT_FOUND("status-ignored", 1, "mvServerLog", "mvServerLoggingInit", "INVALIDBUFFERSIZE");
}
END_TEST

START_TEST(status_of_the_log_is_heeded)
{
        ck_assert_int_eq(mvServerLoggingInit(log_buffer, 511), MV_STATUS_INVALIDBUFFERSIZE);
        expect_okay(mvServerLoggingInit(log_buffer, sizeof log_buffer));
        expect_okay(mvServerLog((const uint8_t *)"text", 4));
        mvt_lints_expect_none();
}
END_TEST

static const struct MvHttpRequest *bad_request(void)
{
        static struct MvHttpRequest request;
        request = *mvt_http_request(&(struct mvt_request){.url = APP_URL "/ok"});
        request.num_headers = 33;
        return &request;
}

START_TEST(status_of_a_request_is_ignored)
{
        struct MvHttpResponseData data;
        MvChannelHandle channel = mvt_http_open();
        ck_assert_int_eq(mvReadHttpResponseData(channel, &data), MV_STATUS_RESPONSENOTPRESENT);
        mvt_lints_expect_none();
        ck_assert_int_eq(mvSendHttpRequest(channel, bad_request()), MV_STATUS_TOOMANYELEMENTS);
        ck_assert_int_eq(mvReadHttpResponseData(channel, &data), MV_STATUS_RESPONSENOTPRESENT);
        EXPECT_FOUND("status-ignored", 1, "mvReadHttpResponseData", "mvSendHttpRequest", "TOOMANYELEMENTS");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(status_of_a_request_is_heeded)
{
        MvChannelHandle channel = mvt_http_open();
        ck_assert_int_eq(mvSendHttpRequest(channel, bad_request()), MV_STATUS_TOOMANYELEMENTS);
        mvt_http_exchange(channel, &(struct mvt_request){.url = APP_URL "/ok"});
        ck_assert_str_eq(mvt_http_body(channel), "hello");
        mvt_channel_close(&channel);
        mvt_lints_expect_none();
}
END_TEST

START_TEST(status_of_an_open_is_ignored)
{
        MvChannelHandle channel = 0;
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.send_buffer_len = 100;
        ck_assert_int_eq(mvOpenChannel(&params, &channel), MV_STATUS_INVALIDBUFFERSIZE);
        ck_assert_int_eq(mvSendHttpRequest(channel, bad_request()), MV_STATUS_INVALIDHANDLE);
        EXPECT_FOUND("status-ignored", 1, "mvSendHttpRequest", "mvOpenChannel", "INVALIDBUFFERSIZE");
}
END_TEST

START_TEST(status_of_opening_the_flash_is_ignored)
{
        MvExternalFlashHandle flash = 0;
        uint8_t byte;
        ck_assert_int_eq(mvsim_fail("mvExternalFlashOpen", 1, MV_STATUS_TOOMANYCHANNELS), 0);
        ck_assert_int_eq(mvExternalFlashOpen(&flash), MV_STATUS_TOOMANYCHANNELS);
        ck_assert_int_eq(mvExternalFlashReadBlocking(flash, 0, 1, &byte), MV_STATUS_INVALIDHANDLE);
        EXPECT_FOUND("status-ignored", 1, "mvExternalFlashReadBlocking", "mvExternalFlashOpen", "TOOMANYCHANNELS");
}
END_TEST

START_TEST(an_open_of_the_flash_that_was_tried_again_is_heeded)
{
        MvExternalFlashHandle flash = 0;
        uint8_t byte;
        ck_assert_int_eq(mvsim_fail("mvExternalFlashOpen", 1, MV_STATUS_TOOMANYCHANNELS), 0);
        ck_assert_int_eq(mvExternalFlashOpen(&flash), MV_STATUS_TOOMANYCHANNELS);
        expect_okay(mvExternalFlashOpen(&flash));
        expect_okay(mvExternalFlashReadBlocking(flash, 0, 1, &byte));
        expect_okay(mvExternalFlashClose(&flash));
        mvt_lints_expect_none();
}
END_TEST

START_TEST(zero_handle)
{
        ck_assert_int_eq(mvSendHttpRequest(0, bad_request()), MV_STATUS_INVALIDHANDLE);
        EXPECT_FOUND("zero-handle", 1, "mvSendHttpRequest", "an HTTP channel");
}
END_TEST

START_TEST(zero_handles_of_ordinary_life)
{
        enum MvNetworkStatus status;
        enum MvClosureReason reason;
        MvChannelHandle channel = 0;
        MvNetworkHandle network = 0;
        MvNotificationHandle none = 0;
        ck_assert_int_eq(mvGetNetworkStatus(0, &status), MV_STATUS_INVALIDHANDLE);
        ck_assert_int_eq(mvGetChannelClosureReason(0, &reason), MV_STATUS_INVALIDHANDLE);
        ck_assert_int_eq(mvCloseChannel(&channel), MV_STATUS_INVALIDHANDLE);
        ck_assert_int_eq(mvReleaseNetwork(&network), MV_STATUS_INVALIDHANDLE);
        ck_assert_int_eq(mvCloseNotifications(&none), MV_STATUS_INVALIDHANDLE);
        ck_assert_ptr_null(mvsim_finding(0));
}
END_TEST

START_TEST(closed_handle)
{
        struct MvHttpResponseData data;
        MvChannelHandle channel = mvt_http_open(), copy = channel;
        mvt_channel_close(&channel);
        mvt_lints_expect_none();
        ck_assert_int_eq(mvReadHttpResponseData(copy, &data), MV_STATUS_INVALIDHANDLE);
        EXPECT_FOUND("closed-handle", 1, "mvReadHttpResponseData", "0x", "closed at");
}
END_TEST

/* The reason why a channel closed is asked for after it was closed, too. */
START_TEST(closed_handle_of_ordinary_life)
{
        MvChannelHandle channel = mvt_http_open(), copy = channel;
        mvt_channel_close(&channel);
        ck_assert_int_eq(mvt_closure_reason(copy), MV_CLOSUREREASON_CLOSEDBYAPPLICATION);
        mvt_lints_expect_none();
}
END_TEST

static void lose_network(void)
{
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvsim_run_for(10 * MS);
        mvsim_network_up();
}

START_TEST(channel_left_open)
{
        MvChannelHandle channel = mvt_http_open();
        lose_network();
        mvsim_run_for(11000 * MS);
        mvt_channel_close(&channel);
        EXPECT_FOUND("channel-left-open", 1, "tag 67", "CHANNELNOTCONNECTED");
}
END_TEST

START_TEST(channel_left_open_is_seen_at_the_next_open)
{
        static uint8_t buffers[2][512] __attribute__((aligned(512)));
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.receive_buffer = buffers[0];
        params.v1.receive_buffer_len = sizeof buffers[0];
        params.v1.send_buffer = buffers[1];
        params.v1.send_buffer_len = sizeof buffers[1];
        MvChannelHandle channel = mvt_http_open();
        lose_network();
        mvsim_run_for(11000 * MS);
        MvChannelHandle other = mvt_channel_open(&params);
        EXPECT_FOUND("channel-left-open", 1, "tag 67");
        mvt_channel_close(&other);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(channel_closed_in_time)
{
        MvChannelHandle channel = mvt_http_open();
        lose_network();
        mvsim_run_for(9000 * MS);
        mvt_channel_close(&channel);
        mvt_lints_expect_none();
}
END_TEST

void mvt_lints_add_calls(Suite *suite)
{
        TCase *tests = mvt_lints_case(suite, "calls, offline", mvt_device_boot_virtual, mvt_device_end);
        tcase_add_test(tests, call_in_isr);
        tcase_add_test(tests, status_of_a_network_request_is_ignored);
        tcase_add_test(tests, status_of_a_network_request_is_heeded);
        tcase_add_test(tests, status_of_the_log_is_ignored);
        tcase_add_test(tests, status_of_the_log_is_heeded);
        tcase_add_test(tests, zero_handle);
        tcase_add_test(tests, zero_handles_of_ordinary_life);
        tests = mvt_lints_case(suite, "calls, online", mvt_lints_boot_online, mvt_lints_end_online);
        tcase_add_test(tests, status_of_a_request_is_ignored);
        tcase_add_test(tests, status_of_a_request_is_heeded);
        tcase_add_test(tests, status_of_an_open_is_ignored);
        tcase_add_test(tests, status_of_opening_the_flash_is_ignored);
        tcase_add_test(tests, an_open_of_the_flash_that_was_tried_again_is_heeded);
        tcase_add_test(tests, closed_handle);
        tcase_add_test(tests, closed_handle_of_ordinary_life);
        tcase_add_test(tests, channel_left_open);
        tcase_add_test(tests, channel_left_open_is_seen_at_the_next_open);
        tcase_add_test(tests, channel_closed_in_time);
}

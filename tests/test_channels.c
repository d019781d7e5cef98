/* The life of a channel after it was opened: closing, losing the network, and what can be asked about it. */
#include <string.h>
#include <sys/mman.h>

#include "online.h"
#include "suite.h"

#define CHANNELS   4
#define REMEMBERED 32

static uint8_t arena[CHANNELS][2][512] __attribute__((aligned(512)));

/* Four channels with the tags 100 to 103. */
static void open_four(MvChannelHandle channels[CHANNELS])
{
        for (unsigned i = 0; i < CHANNELS; i++) {
                struct MvOpenChannelParams params = mvt_http_params();
                params.v1.notification_tag = 100 + i;
                params.v1.receive_buffer = arena[i][0];
                params.v1.receive_buffer_len = 512;
                params.v1.send_buffer = arena[i][1];
                params.v1.send_buffer_len = 512;
                channels[i] = mvt_channel_open(&params);
        }
}

static void close_four(MvChannelHandle channels[CHANNELS])
{
        for (unsigned i = 0; i < CHANNELS; i++)
                mvt_channel_close(&channels[i]);
}

static bool is_filled(const uint8_t *buffer, size_t len, uint8_t value)
{
        for (size_t i = 0; i < len; i++) {
                if (buffer[i] != value)
                        return false;
        }
        return true;
}

static const struct mvt_request request = {.url = "https://api.example.com/"};

/* Every call of an HTTP channel says that it is dead. */
static void expect_dead(MvChannelHandle channel)
{
        struct MvHttpResponseData data;
        uint8_t byte;
        expect_reject(mvSendHttpRequest(channel, mvt_http_request(&request)), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvReadHttpResponseData(channel, &data), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvReadHttpResponseHeader(channel, 0, &byte, 1), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvReadHttpResponseBody(channel, 0, &byte, 1), MV_STATUS_CHANNELCLOSED, "handle");
}

/* Every call with a channel's handle says that this is none. */
static void expect_void(MvChannelHandle handle)
{
        MvChannelHandle copy = handle;
        struct MvHttpResponseData data;
        uint8_t byte;
        expect_reject(mvCloseChannel(&copy), MV_STATUS_INVALIDHANDLE, "handle");
        ck_assert_ptr_eq(copy, handle);
        expect_reject(mvSendHttpRequest(handle, mvt_http_request(&request)), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvReadHttpResponseData(handle, &data), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvReadHttpResponseHeader(handle, 0, &byte, 1), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvReadHttpResponseBody(handle, 0, &byte, 1), MV_STATUS_INVALIDHANDLE, "handle");
}

/* ---- closing ---- */

START_TEST(closing_voids_the_handle)
{
        MvChannelHandle channel = mvt_http_open();
        MvChannelHandle saved = channel;
        ck_assert_uint_le((uintptr_t)channel, UINT32_MAX);
        mvt_channel_close(&channel);
        expect_void(saved);
        expect_void(channel);
        channel = mvt_http_open();
        ck_assert_ptr_ne(channel, saved);
        expect_void(saved);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(closing_gives_the_buffers_back_filled)
{
        memset(mvt_receive_buffer, 1, sizeof mvt_receive_buffer);
        memset(mvt_send_buffer, 2, sizeof mvt_send_buffer);
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.receive_buffer += 3;
        params.v1.receive_buffer_len = 1000;
        params.v1.send_buffer += 512;
        params.v1.send_buffer_len = 512;
        MvChannelHandle channel = mvt_channel_open(&params);
        mvt_channel_close(&channel);
        ck_assert(is_filled(mvt_receive_buffer, 3, 1));
        ck_assert(is_filled(mvt_receive_buffer + 3, 1000, 0xa5));
        ck_assert(is_filled(mvt_receive_buffer + 1003, sizeof mvt_receive_buffer - 1003, 1));
        ck_assert(is_filled(mvt_send_buffer, 512, 2));
        ck_assert(is_filled(mvt_send_buffer + 512, 512, 0xa5));
        ck_assert(is_filled(mvt_send_buffer + 1024, sizeof mvt_send_buffer - 1024, 2));
}
END_TEST

START_TEST(the_buffers_are_lent_until_then_and_free_at_once)
{
        MvChannelHandle channel = mvt_http_open();
        expect_reject(mvServerLoggingInit(mvt_send_buffer, 512), MV_STATUS_BUFFERALREADYINUSE, "buffer");
        expect_reject(mvGetDeviceId(mvt_receive_buffer, 34), MV_STATUS_PARAMETERFAULT, "buf");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "receive buffer of a channel"));
        mvt_channel_close(&channel);
        expect_okay(mvGetDeviceId(mvt_receive_buffer, 34));
        channel = mvt_http_open();
        mvt_channel_close(&channel);
        expect_okay(mvServerLoggingInit(mvt_send_buffer, 512));
}
END_TEST

START_TEST(closing_posts_nothing)
{
        MvChannelHandle channel = mvt_http_open();
        unsigned before = mvt_all_records();
        mvt_channel_close(&channel);
        mvsim_run_for(5000000);
        ck_assert_uint_eq(mvt_all_records(), before);
}
END_TEST

START_TEST(closing_needs_a_handle_that_can_be_read_and_written)
{
        struct mvt_bad_pointers bad;
        mvt_bad_pointers_make(&bad, sizeof(MvChannelHandle), true);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++)
                expect_reject(mvCloseChannel(p->pointer), MV_STATUS_PARAMETERFAULT, "handle");
        mvt_bad_pointers_free(&bad);
}
END_TEST

START_TEST(a_channel_is_not_closed_through_a_constant)
{
        uint8_t *page = mvt_pages(MVT_PAGES_RW, 1);
        MvChannelHandle channel = mvt_http_open();
        memcpy(page, &channel, sizeof(MvChannelHandle));
        ck_assert_int_eq(mprotect(page, mvt_page_size(), PROT_READ), 0);
        expect_reject(mvCloseChannel((MvChannelHandle *)(void *)page), MV_STATUS_PARAMETERFAULT, "handle");
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
        mvt_pages_free(page, 1);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(handles_of_other_kinds_are_no_channels)
{
        expect_void((MvChannelHandle)mvt_online.network);
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "a network request, not an HTTP channel"));
        expect_void((MvChannelHandle)mvt_online.centre);
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "a notification centre, not an HTTP channel"));
        expect_void(NULL);
        expect_void((MvChannelHandle)(uintptr_t)1);
        expect_void((MvChannelHandle)UINTPTR_MAX);
        expect_void((MvChannelHandle)((uintptr_t)mvt_online.network | (uintptr_t)1 << 32));
        ck_assert_int_eq(mvt_network_status(mvt_online.network), MV_NETWORKSTATUS_CONNECTED);
}
END_TEST

/* ---- losing the network ---- */

START_TEST(a_lost_network_is_told_once_to_every_channel)
{
        MvChannelHandle channels[CHANNELS];
        open_four(channels);
        mvsim_network_down(_i == 0 ? MVSIM_OUTAGE_LINK : MVSIM_OUTAGE_SERVER);
        wait_until(mvt_all_records() >= 1 + CHANNELS);
        mvsim_run_for(20000000);
        for (unsigned i = 0; i < CHANNELS; i++) {
                ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, 100 + i), 1);
                ck_assert_int_eq(mvt_closure_reason(channels[i]), MV_CLOSUREREASON_NETWORKDISCONNECTED);
                expect_dead(channels[i]);
        }
        mvsim_network_up();
        mvt_network_wait(mvt_online.network, MV_NETWORKSTATUS_CONNECTED);
        expect_dead(channels[0]); /* they do not come back */
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvsim_run_for(5000000);
        for (unsigned i = 0; i < CHANNELS; i++)
                ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, 100 + i), 1);
        close_four(channels);
}
END_TEST

START_TEST(nothing_opens_while_the_network_is_down)
{
        struct MvOpenChannelParams params = mvt_http_params();
        MvChannelHandle channel = mvt_http_open();
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvt_channel_close(&channel);
        for (int i = 0; i < 20; i++) {
                expect_reject(mvOpenChannel(&params, &channel), MV_STATUS_NETWORKNOTCONNECTED, "");
                mvsim_run_for(100000);
        }
        mvsim_network_up();
        mvt_network_wait(mvt_online.network, MV_NETWORKSTATUS_CONNECTED);
        channel = mvt_channel_open(&params);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
        mvt_channel_close(&channel);
        ck_assert_uint_le(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG), 1);
}
END_TEST

START_TEST(a_dead_channel_keeps_its_buffers_until_it_is_closed)
{
        struct MvOpenChannelParams params = mvt_http_params();
        MvChannelHandle dead = mvt_http_open();
        MvChannelHandle channel;
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvsim_network_up();
        mvt_network_wait(mvt_online.network, MV_NETWORKSTATUS_CONNECTED);
        expect_reject(mvOpenChannel(&params, &channel), MV_STATUS_BUFFERALREADYINUSE, "receive_buffer");
        mvt_channel_close(&dead);
        ck_assert(is_filled(mvt_receive_buffer, sizeof mvt_receive_buffer, 0xa5));
        ck_assert(is_filled(mvt_send_buffer, sizeof mvt_send_buffer, 0xa5));
        channel = mvt_channel_open(&params);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_released_network_request_takes_its_channels_along)
{
        MvChannelHandle channels[CHANNELS];
        struct MvOpenChannelParams params = mvt_http_params();
        MvNetworkHandle second = mvt_network_request(mvt_online.centre, 2);
        open_four(channels);
        mvt_channel_close(&channels[3]);
        params.v1.network_handle = second;
        channels[3] = mvt_channel_open(&params);
        mvt_network_release(&second);
        ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG), 0); /* not inside the call */
        ck_assert_int_eq(mvt_closure_reason(channels[3]), MV_CLOSUREREASON_NETWORKDISCONNECTED);
        expect_dead(channels[3]);
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG) == 1);
        mvsim_run_for(2000000);
        ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG), 1);
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(mvt_closure_reason(channels[i]), MV_CLOSUREREASON_NONE);
        close_four(channels);
}
END_TEST

START_TEST(the_last_release_takes_everything_along)
{
        MvChannelHandle channels[CHANNELS];
        open_four(channels);
        mvt_network_release(&mvt_online.network);
        mvsim_run_for(2000000);
        for (unsigned i = 0; i < CHANNELS; i++) {
                ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, 100 + i), 1);
                expect_dead(channels[i]);
        }
        close_four(channels);
}
END_TEST

START_TEST(a_channel_closed_before_it_was_told_is_told_no_more)
{
        MvNetworkHandle second = mvt_network_request(mvt_online.centre, 2);
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.network_handle = second;
        MvChannelHandle channel = mvt_channel_open(&params);
        mvt_network_release(&second);
        mvt_channel_close(&channel);
        mvsim_run_for(2000000);
        ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG), 0);
}
END_TEST

START_TEST(a_channel_may_outlive_its_centre)
{
        MvChannelHandle channel = mvt_http_open();
        mvt_centre_close(&mvt_online.centre);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvsim_run_for(2000000);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NETWORKDISCONNECTED);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- the closure reason ---- */

START_TEST(reasons_of_open_and_closed_channels)
{
        MvChannelHandle channel = mvt_http_open();
        MvChannelHandle saved = channel;
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
        mvt_channel_close(&channel);
        ck_assert_int_eq(mvt_closure_reason(saved), MV_CLOSUREREASON_CLOSEDBYAPPLICATION);
        channel = mvt_http_open();
        MvChannelHandle lost = channel;
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        ck_assert_int_eq(mvt_closure_reason(lost), MV_CLOSUREREASON_NETWORKDISCONNECTED);
        mvt_channel_close(&channel);
        ck_assert_int_eq(mvt_closure_reason(lost), MV_CLOSUREREASON_CLOSEDBYAPPLICATION);
        ck_assert_int_eq(mvt_closure_reason(saved), MV_CLOSUREREASON_CLOSEDBYAPPLICATION);
}
END_TEST

START_TEST(a_late_fault_is_a_reason)
{
        MvChannelHandle channel = mvt_http_open();
        struct MvHttpRequest bad = *mvt_http_request(&request);
        bad.url.data = NULL;
        expect_reject(mvSendHttpRequest(channel, &bad), MV_STATUS_LATEFAULT, "url.data");
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_CONNECTIONTERMINATED);
        expect_dead(channel);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(the_last_32_closed_handles_are_remembered)
{
        enum MvClosureReason reason = MV_CLOSUREREASON__MAX;
        MvChannelHandle saved[REMEMBERED + 1];
        for (unsigned i = 0; i < REMEMBERED + 1; i++) {
                MvChannelHandle channel = mvt_http_open();
                saved[i] = channel;
                mvt_channel_close(&channel);
                mvsim_run_for(130000); /* not more than 8 in a second */
        }
        for (unsigned i = 1; i < REMEMBERED + 1; i++)
                ck_assert_int_eq(mvt_closure_reason(saved[i]), MV_CLOSUREREASON_CLOSEDBYAPPLICATION);
        expect_reject(mvGetChannelClosureReason(saved[0], &reason), MV_STATUS_INVALIDHANDLE, "handle");
        ck_assert_int_eq(reason, MV_CLOSUREREASON__MAX);
}
END_TEST

START_TEST(no_reason_of_what_is_no_channel)
{
        enum MvClosureReason reason = MV_CLOSUREREASON__MAX;
        expect_reject(mvGetChannelClosureReason(NULL, &reason), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvGetChannelClosureReason((MvChannelHandle)mvt_online.network, &reason), MV_STATUS_INVALIDHANDLE,
                      "handle");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "a network request, not a channel"));
        expect_reject(mvGetChannelClosureReason((MvChannelHandle)mvt_online.centre, &reason), MV_STATUS_INVALIDHANDLE,
                      "handle");
        ck_assert_int_eq(reason, MV_CLOSUREREASON__MAX);
}
END_TEST

START_TEST(a_reason_needs_memory)
{
        struct mvt_bad_pointers bad;
        MvChannelHandle channel = mvt_http_open();
        mvt_bad_pointers_make(&bad, sizeof(enum MvClosureReason), true);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++) {
                expect_reject(mvGetChannelClosureReason(channel, p->pointer), MV_STATUS_PARAMETERFAULT, "reason_out");
                expect_reject(mvGetChannelClosureReason(NULL, p->pointer), MV_STATUS_INVALIDHANDLE, "handle");
        }
        mvt_bad_pointers_free(&bad);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- the end of the device ---- */

START_TEST(a_device_may_stop_with_channels_open)
{
        MvChannelHandle channels[CHANNELS];
        mvt_device_leaves_handles();
        memset(arena, 7, sizeof arena);
        open_four(channels);
        mvsim_shutdown();
        ck_assert(is_filled(&arena[0][0][0], sizeof arena, 0xa5)); /* and may be touched again */
        mvt_online = (struct mvt_online){0};
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("channels");
        TCase *tests = tcase_create("channels");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, mvt_online_boot_virtual, mvt_online_end);
        tcase_add_test(tests, closing_voids_the_handle);
        tcase_add_test(tests, closing_gives_the_buffers_back_filled);
        tcase_add_test(tests, the_buffers_are_lent_until_then_and_free_at_once);
        tcase_add_test(tests, closing_posts_nothing);
        tcase_add_test(tests, closing_needs_a_handle_that_can_be_read_and_written);
        tcase_add_test(tests, a_channel_is_not_closed_through_a_constant);
        tcase_add_test(tests, handles_of_other_kinds_are_no_channels);
        tcase_add_loop_test(tests, a_lost_network_is_told_once_to_every_channel, 0, 2);
        tcase_add_test(tests, nothing_opens_while_the_network_is_down);
        tcase_add_test(tests, a_dead_channel_keeps_its_buffers_until_it_is_closed);
        tcase_add_test(tests, a_released_network_request_takes_its_channels_along);
        tcase_add_test(tests, the_last_release_takes_everything_along);
        tcase_add_test(tests, a_channel_closed_before_it_was_told_is_told_no_more);
        tcase_add_test(tests, a_channel_may_outlive_its_centre);
        tcase_add_test(tests, reasons_of_open_and_closed_channels);
        tcase_add_test(tests, a_late_fault_is_a_reason);
        tcase_add_test(tests, the_last_32_closed_handles_are_remembered);
        tcase_add_test(tests, no_reason_of_what_is_no_channel);
        tcase_add_test(tests, a_reason_needs_memory);
        tcase_add_test(tests, a_device_may_stop_with_channels_open);
        suite_add_tcase(suite, tests);
        return suite;
}

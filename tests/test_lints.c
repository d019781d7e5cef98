/*
 * The usage checker: for each finding an application that has the fault and one that has not. Virtual time.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/app.h"
#include "child.h"
#include "nginx.h"
#include "online.h"
#include "suite.h"
#include "tempdir.h"

#define IRQ   TIM2_IRQn
#define SLOTS 4
#define MS    1000U

static struct MvNotification ring[SLOTS] __attribute__((aligned(8)));
static volatile unsigned place, entries;
static MvNotificationHandle centre;

/* Nothing was found that is more than a note. */
static void expect_none(void)
{
        const struct mvsim_finding *finding = mvsim_finding(0);
        for (unsigned i = 0; finding && finding->level == MVSIM_LINT_NOTE; i++)
                finding = mvsim_finding(i + 1);
        ck_assert_msg(finding == NULL, "%s: %s", finding->id, finding->message);
        ck_assert_uint_eq(mvsim_findings(NULL), 0);
}

/* It was found that often, nothing else was, and the message has these words. */
static void expect_found(const char *id, unsigned count, const char *const words[])
{
        const struct mvsim_finding *finding = mvsim_finding(0);
        ck_assert_msg(finding != NULL, "nothing was found");
        ck_assert_str_eq(finding->id, id);
        ck_assert_uint_eq(finding->count, count);
        ck_assert_uint_eq(mvsim_findings(id), count);
        for (; *words; words++)
                ck_assert_msg(strstr(finding->message, *words), "\"%s\" is not in: %s", *words, finding->message);
        ck_assert_ptr_null(mvsim_finding(1));
}

#define EXPECT_FOUND(id, count, ...) expect_found(id, count, (const char *const[]){__VA_ARGS__, NULL})

/* ---- handlers ---- */

static void reads_one_and_clears_it(void)
{
        entries = entries + 1;
        ring[place].event_type = MV_EVENTTYPE_NOEVENT;
        place = (place + 1) % SLOTS;
}

static void reads_all_and_clears_them(void)
{
        entries = entries + 1;
        while (ring[place].event_type != MV_EVENTTYPE_NOEVENT) {
                ring[place].event_type = MV_EVENTTYPE_NOEVENT;
                place = (place + 1) % SLOTS;
        }
}

static void clears_a_copy(void)
{
        struct MvNotification copy = ring[place];
        copy.event_type = MV_EVENTTYPE_NOEVENT;
        place = (place + (copy.event_type == MV_EVENTTYPE_NOEVENT)) % SLOTS;
        entries = entries + 1;
}

/* An unknown event leaves the index where it is. */
static void knows_readable_alone(void)
{
        if (ring[place].event_type == MV_EVENTTYPE_CHANNELDATAREADABLE)
                reads_one_and_clears_it();
}

static void knows_all_but_moves_on(void)
{
        reads_one_and_clears_it();
}

/* Clears every other record. */
static void forgets_some(void)
{
        if (place % 2 == 0)
                ring[place].event_type = MV_EVENTTYPE_NOEVENT;
        place = (place + 1) % SLOTS;
}

static void calls_from_the_handler(void)
{
        reads_one_and_clears_it();
        mvNoOp();
}

static void open_centre(void (*handler)(void))
{
        place = 0;
        entries = 0;
        mvsim_nvic_set_vector(IRQ, handler);
        centre = mvt_centre_open(IRQ, ring, SLOTS);
}

static void post(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                expect_okay(mvTempTriggerNotification(centre, MV_EVENTTYPE_CHANNELDATAREADABLE, 7));
}

/* ---- rings ---- */

START_TEST(record_not_cleared)
{
        open_centre(clears_a_copy);
        post(SLOTS);
        ck_assert_uint_eq(mvsim_findings("record-not-cleared"), 0);
        post(SLOTS);
        EXPECT_FOUND("record-not-cleared", SLOTS, "TIM2", "slot 0", "none of the 4 slots");
        ck_assert_int_eq(mvsim_finding(0)->level, MVSIM_LINT_NOTE);
        expect_none(); /* published applications work like that */
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(records_that_are_cleared)
{
        open_centre(reads_one_and_clears_it);
        post(5 * SLOTS);
        ck_assert_uint_eq(entries, 5 * SLOTS);
        ck_assert_ptr_null(mvsim_finding(0));
        mvt_centre_close(&centre);
}
END_TEST

static void post_unknown_event_on_the_way(void)
{
        post(SLOTS + 2);
        expect_okay(mvTempTriggerNotification(centre, MV_EVENTTYPE_CHANNELDATAWRITESPACE, 9));
        post(SLOTS - 1);
        expect_none();
        post(1);
}

START_TEST(ring_index_stuck)
{
        open_centre(knows_readable_alone);
        post_unknown_event_on_the_way();
        EXPECT_FOUND("ring-index-stuck", 1, "TIM2", "slot 2", "tag 9", "all 4 slots");
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(ring_index_that_moves)
{
        open_centre(knows_all_but_moves_on);
        post_unknown_event_on_the_way();
        post(3 * SLOTS);
        expect_none();
        mvt_centre_close(&centre);
}
END_TEST

/* The ring has four slots and the index goes round after eight. */
static struct MvNotification long_ring[2 * SLOTS] __attribute__((aligned(8)));

static void goes_round_after_eight(void)
{
        long_ring[place].event_type = MV_EVENTTYPE_NOEVENT;
        place = (place + 1) % (2 * SLOTS);
}

START_TEST(ring_index_that_leaves_the_ring)
{
        place = 0;
        mvsim_nvic_set_vector(IRQ, goes_round_after_eight);
        centre = mvt_centre_open(IRQ, long_ring, SLOTS);
        post(4 * SLOTS);
        EXPECT_FOUND("ring-index-stuck", 1, "slot 0", "has left the ring");
        post(1);
        ck_assert_uint_eq(mvsim_findings("ring-index-stuck"), 2);
        mvt_centre_close(&centre);
}
END_TEST

/* Two records come while interrupts are off for longer than the device waits. */
static void merge_two(void)
{
        NVIC_DisableIRQ(IRQ);
        post(2);
        mvsim_run_for(50 * MS);
        NVIC_EnableIRQ(IRQ);
}

START_TEST(handler_behind)
{
        open_centre(reads_one_and_clears_it);
        merge_two();
        ck_assert_uint_eq(entries, 1);
        mvsim_run_for(20 * MS);
        expect_none();
        post(1);
        EXPECT_FOUND("handler-behind", 1, "TIM2", "slot 1", "stays 1 behind");
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(handler_behind_is_seen_when_the_centre_closes)
{
        open_centre(reads_one_and_clears_it);
        merge_two();
        mvsim_run_for(20 * MS);
        mvt_centre_close(&centre);
        EXPECT_FOUND("handler-behind", 1, "slot 1");
}
END_TEST

START_TEST(handler_that_catches_up)
{
        open_centre(reads_all_and_clears_them);
        merge_two();
        ck_assert_uint_eq(entries, 1);
        mvsim_run_for(20 * MS);
        post(3 * SLOTS);
        mvsim_run_for(20 * MS);
        mvt_centre_close(&centre);
        expect_none();
}
END_TEST

START_TEST(overrun)
{
        open_centre(forgets_some);
        post(SLOTS);
        expect_none();
        post(SLOTS);
        EXPECT_FOUND("overrun", 2, "TIM2", "record 1 ", "slot 1", "tag 7");
        mvt_centre_close(&centre);
}
END_TEST

static void mask_and_post(unsigned count)
{
        __disable_irq();
        post(count);
        mvsim_run_for(50 * MS); /* they are written as if nobody came for them */
        __enable_irq();
}

START_TEST(ring_too_small)
{
        open_centre(reads_all_and_clears_them);
        mask_and_post(SLOTS + 2);
        EXPECT_FOUND("ring-too-small", 2, "TIM2", "5 records", "4 slots");
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(ring_that_is_large_enough)
{
        open_centre(reads_all_and_clears_them);
        mask_and_post(SLOTS);
        mask_and_post(SLOTS);
        mvt_centre_close(&centre);
        expect_none();
}
END_TEST

/* Without the line there is nobody to be late: the application asks, and does not look at the ring. */
START_TEST(ring_that_nobody_reads)
{
        open_centre(reads_all_and_clears_them);
        NVIC_DisableIRQ(IRQ);
        for (unsigned i = 0; i < 3; i++) {
                post(SLOTS);
                mvsim_run_for(50 * MS);
        }
        mvt_centre_close(&centre);
        ck_assert_ptr_null(mvsim_finding(0));
}
END_TEST

/* ---- calls ---- */

START_TEST(call_in_isr)
{
        open_centre(calls_from_the_handler);
        post(3);
        EXPECT_FOUND("call-in-isr", 3, "mvNoOp", "TIM2", "main loop");
        mvt_centre_close(&centre);
}
END_TEST

static uint8_t log_buffer[512] __attribute__((aligned(512)));

static MvNetworkHandle request_network_that_fails(void)
{
        MvNetworkHandle network = 0;
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, 1}};
        ck_assert_int_eq(mvsim_fail("mvRequestNetwork", 1, MV_STATUS_PARAMETERFAULT), 0);
        ck_assert_int_eq(mvRequestNetwork(&params, &network), MV_STATUS_PARAMETERFAULT);
        return network;
}

START_TEST(status_of_a_network_request_is_ignored)
{
        enum MvNetworkStatus status;
        open_centre(reads_one_and_clears_it);
        MvNetworkHandle network = request_network_that_fails();
        expect_none();
        ck_assert_int_eq(mvGetNetworkStatus(network, &status), MV_STATUS_INVALIDHANDLE);
        EXPECT_FOUND("status-ignored", 1, "mvGetNetworkStatus", "mvRequestNetwork", "PARAMETERFAULT", "us");
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(status_of_a_network_request_is_heeded)
{
        open_centre(reads_one_and_clears_it);
        MvNetworkHandle network = request_network_that_fails();
        ck_assert_int_eq(mvReleaseNetwork(&network), MV_STATUS_INVALIDHANDLE); /* as error paths do */
        network = mvt_network_connect(centre, 1);
        mvt_network_release(&network);
        mvt_centre_close(&centre);
        expect_none();
}
END_TEST

START_TEST(status_of_the_log_is_ignored)
{
        ck_assert_int_eq(mvServerLog((const uint8_t *)"early", 5), MV_STATUS_UNAVAILABLE);
        expect_none(); /* nothing had failed */
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
        expect_none();
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
        expect_none();
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
        expect_none();
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
        expect_none();
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
        expect_none();
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
        expect_none();
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
        expect_none();
}
END_TEST

/* ---- the external flash ---- */

static void write_counts(bool erase)
{
        MvExternalFlashHandle flash;
        expect_okay(mvExternalFlashOpen(&flash));
        for (uint32_t count = 5; count < 9; count++) {
                if (erase)
                        expect_okay(mvExternalFlashEraseBlocking(flash, 0, 4096));
                expect_okay(mvExternalFlashWriteBlocking(flash, 0, sizeof count, (const uint8_t *)&count));
        }
        const uint8_t done = 0;
        expect_okay(mvExternalFlashWriteBlocking(flash, 0, 1, &done));
        expect_okay(mvExternalFlashClose(&flash));
}

static void hold_network_and(enum MvStatus (*sleep)(void), const char *call)
{
        open_centre(reads_all_and_clears_them);
        MvNetworkHandle held = mvt_network_request(centre, 1);
        for (unsigned i = 0; i < 2; i++)
                ck_assert_int_eq(sleep(), MV_STATUS_MICROVISORBUSY);
        EXPECT_FOUND("sleep-with-network", 2, call, "1 network request", "mvReleaseNetwork");
        mvt_network_release(&held);
        mvt_centre_close(&centre);
}

static enum MvStatus sleep_deeply(void)
{
        return mvDeepSleep(MV_DEEPSLEEPMODE_STANDBY);
}

static enum MvStatus stop(void)
{
        return mvPowerSave(MV_POWERSAVINGMODE_STOP1);
}

START_TEST(sleep_with_network)
{
        if (_i == 0)
                hold_network_and(sleep_deeply, "mvDeepSleep");
        else
                hold_network_and(stop, "mvPowerSave");
}
END_TEST

START_TEST(sleep_with_the_network_going_down)
{
        open_centre(reads_all_and_clears_them);
        MvNetworkHandle held = mvt_network_request(centre, 1);
        mvt_network_release(&held);
        expect_reject(mvDeepSleep(MV_DEEPSLEEPMODE_STANDBY), MV_STATUS_MICROVISORBUSY, "");
        expect_none();
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(flash_not_erased)
{
        write_counts(false);
        EXPECT_FOUND("flash-not-erased", 3, "mvExternalFlashWriteBlocking", "at 0x00000000", "erase sector 0x00000000");
}
END_TEST

START_TEST(flash_erased)
{
        write_counts(true);
        expect_none();
}
END_TEST

/* ---- lent memory ---- */

static MvNotificationHandle centre_on(struct MvNotification *buffer, uint32_t size)
{
        const struct MvNotificationSetup setup = {IRQ, buffer, size};
        expect_okay(mvSetupNotifications(&setup, &centre));
        return centre;
}

START_TEST(stack_buffer)
{
        struct MvNotification local[SLOTS];
        centre = centre_on(local, sizeof local);
        EXPECT_FOUND("stack-buffer", 1, "mvSetupNotifications", "buffer 0x", "64 bytes");
        mvt_centre_close(&centre);
}
END_TEST

static void *set_up_on_its_stack(void *unused)
{
        struct MvNotification local[SLOTS];
        centre = centre_on(local, sizeof local);
        mvt_centre_close(&centre);
        return unused;
}

START_TEST(stack_buffer_of_another_thread)
{
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, set_up_on_its_stack, NULL), 0);
        pthread_join(thread, NULL);
        EXPECT_FOUND("stack-buffer", 1, "mvSetupNotifications");
}
END_TEST

START_TEST(stack_buffer_of_a_channel)
{
        uint8_t local[1024] __attribute__((aligned(512)));
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.receive_buffer = local;
        params.v1.receive_buffer_len = sizeof local;
        MvChannelHandle channel = mvt_channel_open(&params);
        EXPECT_FOUND("stack-buffer", 1, "mvOpenChannel", "receive_buffer", "1024 bytes");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(static_buffers)
{
        MvChannelHandle channel = mvt_http_open();
        expect_okay(mvServerLoggingInit(log_buffer, sizeof log_buffer));
        mvt_channel_close(&channel);
        expect_none();
}
END_TEST

/* ---- patience ---- */

static void open_until_limited(uint64_t pause_us, unsigned refusals)
{
        struct MvOpenChannelParams params = mvt_http_params();
        while (refusals > 0) {
                MvChannelHandle channel = 0;
                enum MvStatus status = mvOpenChannel(&params, &channel);
                if (status == MV_STATUS_OKAY) {
                        mvt_channel_close(&channel);
                        continue;
                }
                ck_assert_int_eq(status, MV_STATUS_RATELIMITED);
                refusals--;
                mvsim_run_for(pause_us);
        }
}

START_TEST(rate_limit_retried)
{
        open_until_limited(0, 3);
        EXPECT_FOUND("rate-limit-retried", 1, "mvOpenChannel", "3 times");
}
END_TEST

START_TEST(rate_limit_waited_for)
{
        open_until_limited(1000 * MS, 5);
        expect_none();
}
END_TEST

START_TEST(response_unread)
{
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, &(struct mvt_request){.url = APP_URL "/ok"});
        mvt_channel_close(&channel);
        EXPECT_FOUND("response-unread", 1, "tag 67", "mvReadHttpResponseData");
}
END_TEST

START_TEST(response_read_or_given_up)
{
        MvChannelHandle channel = mvt_http_open();
        mvt_http_exchange(channel, &(struct mvt_request){.url = APP_URL "/ok"});
        ck_assert_uint_eq(mvt_http_data(channel)->status_code, 200);
        mvt_channel_close(&channel);
        channel = mvt_http_open();
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(&(struct mvt_request){.url = APP_URL "/ok"})));
        mvt_channel_close(&channel); /* nothing has come yet */
        expect_none();
}
END_TEST

static MvChannelHandle open_for_configuration(void)
{
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.channel_type = MV_CHANNELTYPE_CONFIGFETCH;
        return mvt_channel_open(&params);
}

static void fetch_host(MvChannelHandle channel)
{
        static const struct MvConfigKeyToFetch key = {
                MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_CONFIG, {(const uint8_t *)"host", 4}};
        const struct MvConfigKeyFetchParams params = {1, &key};
        unsigned before = mvt_all_records();
        expect_okay(mvSendConfigFetchRequest(channel, &params));
        wait_until(mvt_all_records() > before);
}

START_TEST(configuration_unread)
{
        MvChannelHandle channel = open_for_configuration();
        fetch_host(channel);
        mvt_channel_close(&channel);
        EXPECT_FOUND("response-unread", 1, "tag 67", "mvReadConfigFetchResponseData");
}
END_TEST

START_TEST(configuration_of_which_an_item_was_read)
{
        uint8_t value[16];
        uint32_t len;
        enum MvConfigKeyFetchResult result;
        const struct MvConfigResponseReadItemParams params = {0, &result, {value, sizeof value, &len}};
        MvChannelHandle channel = open_for_configuration();
        fetch_host(channel);
        expect_okay(mvReadConfigResponseItem(channel, &params));
        mvt_channel_close(&channel);
        expect_none();
}
END_TEST

static void poll_for(uint64_t duration_us, uint64_t pause_us)
{
        enum MvNetworkStatus status;
        for (uint64_t end = mvsim_now_us() + duration_us; mvsim_now_us() < end;) {
                expect_okay(mvGetNetworkStatus(mvt_online.network, &status));
                if (pause_us)
                        mvsim_run_for(pause_us);
        }
}

START_TEST(hot_poll)
{
        poll_for(1500 * MS, 0);
        EXPECT_FOUND("hot-poll", 1, "mvGetNetworkStatus", "TIM8_BRK", "__WFI");
}
END_TEST

START_TEST(polling_with_pauses)
{
        poll_for(3000 * MS, MS);
        expect_none();
}
END_TEST

START_TEST(polling_until_connected)
{
        poll_for(600 * MS, 0); /* more than twice what a connection takes */
        mvsim_run_for(MS * 1000);
        poll_for(600 * MS, 0);
        expect_none();
}
END_TEST

START_TEST(polling_without_an_interrupt)
{
        NVIC_DisableIRQ(MVT_ONLINE_IRQ);
        poll_for(3000 * MS, 0);
        expect_none();
}
END_TEST

/* ---- the end, and what is written ---- */

START_TEST(handles_open)
{
        char text[MVT_OUTPUT_SIZE];
        mvt_device_boot(&(struct mvt_device){.profile = "lint: {handles-open: warning}\n", .leaves_handles = true});
        open_centre(reads_one_and_clears_it);
        mvt_network_request(centre, 1);
        mvt_capture_begin();
        mvsim_shutdown();
        mvt_capture_end(text);
        fputs(text, stderr);
        ck_assert_ptr_nonnull(strstr(text, "mvsim: lint handles-open: the application ends with 2 handles open: "
                                           "1 notification centre, 1 network request (at "));
}
END_TEST

START_TEST(handles_open_names_each_kind)
{
        char text[MVT_OUTPUT_SIZE];
        MvExternalFlashHandle flash[3];
        mvt_device_boot(&(struct mvt_device){.profile = "lint: {handles-open: warning}\n", .leaves_handles = true});
        open_centre(reads_one_and_clears_it);
        for (unsigned i = 0; i < 3; i++)
                expect_okay(mvExternalFlashOpen(&flash[i]));
        expect_okay(mvExternalFlashClose(&flash[1]));
        mvt_capture_begin();
        mvsim_shutdown();
        mvt_capture_end(text);
        ck_assert_msg(strstr(text, "ends with 3 handles open: 1 notification centre, 2 external flash handles (at "),
                      "%s", text);
}
END_TEST

START_TEST(handles_open_tells_one_from_many)
{
        char text[MVT_OUTPUT_SIZE];
        MvExternalFlashHandle flash;
        mvt_device_boot(&(struct mvt_device){.profile = "lint: {handles-open: warning}\n", .leaves_handles = true});
        expect_okay(mvExternalFlashOpen(&flash));
        mvt_capture_begin();
        mvsim_shutdown();
        mvt_capture_end(text);
        ck_assert_msg(strstr(text, "ends with 1 handle open: 1 external flash handle (at "), "%s", text);
}
END_TEST

START_TEST(no_handles_open)
{
        char text[MVT_OUTPUT_SIZE];
        mvt_device_boot(&(struct mvt_device){.profile = "lint: {handles-open: warning}\n"});
        open_centre(reads_one_and_clears_it);
        mvt_centre_close(&centre);
        mvt_capture_begin();
        mvsim_shutdown();
        mvt_capture_end(text);
        ck_assert_str_eq(text, "");
}
END_TEST

static void find_three_calls(const char *profile, char ret_text[MVT_OUTPUT_SIZE])
{
        mvt_device_boot(&(struct mvt_device){.profile = profile});
        mvt_capture_begin();
        open_centre(calls_from_the_handler);
        post(3);
        mvt_centre_close(&centre);
        mvsim_shutdown();
        mvt_capture_end(ret_text);
}

START_TEST(a_finding_is_written_once_and_counted_at_the_end)
{
        char text[MVT_OUTPUT_SIZE];
        find_three_calls(NULL, text);
        ck_assert_uint_eq(mvt_count(text, "mvsim: lint call-in-isr: mvNoOp was called from the handler"), 1);
        ck_assert_uint_eq(mvt_count(text, "mvsim: lint call-in-isr: 3 times: mvNoOp was called"), 1);
        ck_assert_uint_eq(mvt_count(text, "\n"), 2);
}
END_TEST

START_TEST(a_finding_can_be_off)
{
        char text[MVT_OUTPUT_SIZE];
        find_three_calls("lint: {call-in-isr: off}\n", text);
        ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(all_findings_can_be_off_but_one)
{
        char text[MVT_OUTPUT_SIZE];
        find_three_calls("lint: {all: off}\n", text);
        ck_assert_str_eq(text, "");
        find_three_calls("lint: {all: off, call-in-isr: warning}\n", text);
        ck_assert_uint_eq(mvt_count(text, "lint call-in-isr"), 2);
}
END_TEST

START_TEST(a_note_is_written_where_everything_is)
{
        mvt_device_boot(&(struct mvt_device){.profile = "log: {level: info}\n"});
        open_centre(clears_a_copy);
        post(SLOTS + 1);
        EXPECT_FOUND("record-not-cleared", 1, "slot 0");
        mvt_centre_close(&centre);
        mvt_device_end();
}
END_TEST

START_TEST(a_note_is_not_written)
{
        char text[MVT_OUTPUT_SIZE];
        find_three_calls("lint: {call-in-isr: note}\n", text);
        ck_assert_str_eq(text, "");
        find_three_calls("lint: {call-in-isr: note}\nlog: {level: info}\n", text);
        ck_assert_uint_eq(mvt_count(text, "lint call-in-isr"), 2);
}
END_TEST

static void die_of_a_finding(void)
{
        mvsim_nvic_set_vector(IRQ, calls_from_the_handler);
        const struct MvNotificationSetup setup = {IRQ, ring, sizeof ring};
        if (mvSetupNotifications(&setup, &centre) != MV_STATUS_OKAY)
                _exit(1);
        NVIC_EnableIRQ(IRQ);
        if (mvTempTriggerNotification(centre, MV_EVENTTYPE_CHANNELDATAREADABLE, 7) != MV_STATUS_OKAY)
                _exit(2);
        _exit(3);
}

START_TEST(an_error_ends_the_process)
{
        struct mvt_child child;
        struct mvt_tempdir dir;
        char path[MVT_PATH_SIZE];
        const char *profile = "lint: {call-in-isr: error}\ntime: {mode: virtual}\n";
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "profile.yaml");
        mvt_write_file(path, profile, strlen(profile));
        setenv("MVSIM_PROFILE", path, 1);
        place = 0;
        mvt_child_run(&child, die_of_a_finding);
        unsetenv("MVSIM_PROFILE");
        mvt_tempdir_remove(&dir);
        ck_assert_int_eq(child.exit_status, MVSIM_EXIT_FINDING);
        ck_assert_ptr_nonnull(strstr(child.output, "mvsim: lint call-in-isr: mvNoOp was called"));
        ck_assert_ptr_nonnull(strstr(child.output, "ends with status 79"));
}
END_TEST

START_TEST(an_unknown_id_in_the_profile_is_refused)
{
        char text[MVT_OUTPUT_SIZE];
        struct mvt_tempdir dir;
        char path[MVT_PATH_SIZE];
        const char *profile = "lint:\n  closed-handel: error\n";
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "profile.yaml");
        mvt_write_file(path, profile, strlen(profile));
        mvt_capture_begin();
        int result = mvsim_boot(&(struct mvsim_options){.profile = path});
        mvt_capture_end(text);
        mvt_tempdir_remove(&dir);
        ck_assert_int_eq(result, -EINVAL);
        ck_assert_ptr_nonnull(strstr(text, "2:3: lint.closed-handel: unknown key (did you mean `closed-handle`?)"));
}
END_TEST

START_TEST(ids_can_be_listed)
{
        const char *description = NULL;
        unsigned count = 0;
        for (const char *id; (id = mvsim_lint(count, &description)); count++) {
                ck_assert_uint_gt(strlen(id), 0);
                ck_assert_uint_gt(strlen(description), 10);
        }
        ck_assert_uint_ge(count, 15);
        ck_assert_ptr_nonnull(mvsim_lint(0, NULL));
}
END_TEST

/* ---- applications that are right ---- */

static uint32_t delayed_ms;

void HAL_Delay(uint32_t ms)
{
        mvsim_run_for(ms * UINT64_C(1000));
        delayed_ms += ms;
        if (delayed_ms == 200)
                mvsim_network_down(MVSIM_OUTAGE_LINK);
        if (delayed_ms == 20200)
                mvsim_network_up();
}

static struct mvt_nginx nginx;
static char profile[512];

static const struct mvt_app *const apps[] = {&app_first_things, &app_http_requests, &app_polling, &app_one_centre,
                                             &app_recovering};

/* Those that never see the network go need it throughout. */
static bool bears_an_outage(const struct mvt_app *app)
{
        return app == &app_one_centre || app == &app_recovering;
}

START_TEST(applications_that_work_have_no_finding)
{
        const struct mvt_app *app = apps[_i];
        delayed_ms = bears_an_outage(app) ? 0 : 1000000;
        mvt_device_boot(&(struct mvt_device){.profile = profile});
        mvsim_nvic_set_vector(app->irq, app->handler);
        int line = app->main();
        ck_assert_msg(line == 0, "the application gave up in line %d (%s)", line, mvsim_last_reject()->message);
        expect_none();
        mvt_device_end();
}
END_TEST

/* ---- fixtures ---- */

static void start_server(void)
{
        mvt_online_prepare();
        mvt_nginx_start(&nginx, NULL, "location = /ok { return 200 \"hello\"; }\n");
        snprintf(profile, sizeof profile,
                 "network: {connect_ms: 20}\ntime: {spin_ms: 60000, call_us: 40}\n"
                 "http: {rewrite: [{from: '" APP_URL "', to: 'http://127.0.0.1:%u'}]}\n",
                 nginx.port);
}

static void stop_server(void)
{
        mvt_nginx_finish(&nginx);
}

static void boot_online(void)
{
        start_server();
        mvt_online_boot(&(struct mvt_device){.profile = profile});
}

static void end_online(void)
{
        mvt_online_end();
        stop_server();
}

static TCase *add_case(Suite *suite, const char *name, void (*boot)(void), void (*end)(void))
{
        TCase *tests = tcase_create(name);
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, boot, end);
        suite_add_tcase(suite, tests);
        return tests;
}

static void nothing(void)
{
}

static void add_offline(Suite *suite)
{
        TCase *tests = add_case(suite, "offline", mvt_device_boot_virtual, mvt_device_end);
        tcase_add_test(tests, record_not_cleared);
        tcase_add_test(tests, records_that_are_cleared);
        tcase_add_test(tests, ring_index_stuck);
        tcase_add_test(tests, ring_index_that_moves);
        tcase_add_test(tests, ring_index_that_leaves_the_ring);
        tcase_add_test(tests, handler_behind);
        tcase_add_test(tests, handler_behind_is_seen_when_the_centre_closes);
        tcase_add_test(tests, handler_that_catches_up);
        tcase_add_test(tests, overrun);
        tcase_add_test(tests, ring_too_small);
        tcase_add_test(tests, ring_that_is_large_enough);
        tcase_add_test(tests, ring_that_nobody_reads);
        tcase_add_test(tests, call_in_isr);
        tcase_add_test(tests, status_of_a_network_request_is_ignored);
        tcase_add_test(tests, status_of_a_network_request_is_heeded);
        tcase_add_test(tests, status_of_the_log_is_ignored);
        tcase_add_test(tests, status_of_the_log_is_heeded);
        tcase_add_test(tests, zero_handle);
        tcase_add_test(tests, zero_handles_of_ordinary_life);
        tcase_add_loop_test(tests, sleep_with_network, 0, 2);
        tcase_add_test(tests, sleep_with_the_network_going_down);
        tcase_add_test(tests, flash_not_erased);
        tcase_add_test(tests, flash_erased);
        tcase_add_test(tests, stack_buffer);
        tcase_add_test(tests, stack_buffer_of_another_thread);
}

static void add_online(Suite *suite)
{
        TCase *tests = add_case(suite, "online", boot_online, end_online);
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
        tcase_add_test(tests, stack_buffer_of_a_channel);
        tcase_add_test(tests, static_buffers);
        tcase_add_test(tests, rate_limit_retried);
        tcase_add_test(tests, rate_limit_waited_for);
        tcase_add_test(tests, response_unread);
        tcase_add_test(tests, response_read_or_given_up);
        tcase_add_test(tests, configuration_unread);
        tcase_add_test(tests, configuration_of_which_an_item_was_read);
        tcase_add_test(tests, hot_poll);
        tcase_add_test(tests, polling_with_pauses);
        tcase_add_test(tests, polling_until_connected);
        tcase_add_test(tests, polling_without_an_interrupt);
}

void mvt_add_opaque_lints(Suite *suite); /* lints_opaque.c */

Suite *suite(void)
{
        Suite *suite = suite_create("lints");
        add_offline(suite);
        add_online(suite);
        TCase *tests = add_case(suite, "the end, and what is written", nothing, nothing);
        tcase_add_test(tests, handles_open);
        tcase_add_test(tests, handles_open_names_each_kind);
        tcase_add_test(tests, handles_open_tells_one_from_many);
        tcase_add_test(tests, no_handles_open);
        tcase_add_test(tests, a_finding_is_written_once_and_counted_at_the_end);
        tcase_add_test(tests, a_finding_can_be_off);
        tcase_add_test(tests, all_findings_can_be_off_but_one);
        tcase_add_test(tests, a_note_is_not_written);
        tcase_add_test(tests, a_note_is_written_where_everything_is);
        tcase_add_test(tests, an_error_ends_the_process);
        tcase_add_test(tests, an_unknown_id_in_the_profile_is_refused);
        tcase_add_test(tests, ids_can_be_listed);
        mvt_add_opaque_lints(suite);
        tests = add_case(suite, "applications", start_server, stop_server);
        tcase_add_loop_test(tests, applications_that_work_have_no_finding, 0, sizeof apps / sizeof apps[0]);
        return suite;
}

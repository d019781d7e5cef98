/* The usage checker: asking too often, and too little. */
#include "apps/app.h"
#include "lints.h"
#include "suite.h"

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
        mvt_lints_expect_none();
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
        mvt_lints_expect_none();
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
        mvt_lints_expect_none();
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
        mvt_lints_expect_none();
}
END_TEST

START_TEST(polling_until_connected)
{
        poll_for(600 * MS, 0); /* more than twice what a connection takes */
        mvsim_run_for(MS * 1000);
        poll_for(600 * MS, 0);
        mvt_lints_expect_none();
}
END_TEST

START_TEST(polling_without_an_interrupt)
{
        NVIC_DisableIRQ(MVT_ONLINE_IRQ);
        poll_for(3000 * MS, 0);
        mvt_lints_expect_none();
}
END_TEST

void mvt_lints_add_patience(Suite *suite)
{
        TCase *tests = mvt_lints_case(suite, "patience", mvt_lints_boot_online, mvt_lints_end_online);
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

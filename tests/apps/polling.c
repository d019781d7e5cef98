#include <string.h>

#include "app.h"

unsigned app_polling_unset;

static uint8_t log_buffer[1024] __attribute__((aligned(512)));
static struct MvNotification ring[4] __attribute__((aligned(8)));
static uint8_t send_buffer[512] __attribute__((aligned(512)));
static uint8_t receive_buffer[1536] __attribute__((aligned(512)));

/* Spun on with nothing else in the loop. */
static int wait_for_wall_time(void)
{
        uint64_t wall_us = 0;
        enum MvStatus status;
        while ((status = mvGetWallTime(&wall_us)) == MV_STATUS_TIMENOTSET)
                MUST(app_polling_unset++ < APP_TURNS);
        MUST(status == MV_STATUS_OKAY && wall_us > UINT64_C(1700000000000000));
        return 0;
}

/* The link is up already: no event need come. */
static int wait_for_network(const struct app_link *link)
{
        for (unsigned turns = 0; !app_is_connected(link); turns++)
                MUST(turns < APP_TURNS);
        return 0;
}

static int exchange(const struct app_link *link)
{
        MvChannelHandle channel;
        struct MvHttpResponseData data;
        enum MvStatus status;
        const struct app_buffers buffers = {receive_buffer, sizeof receive_buffer, send_buffer, sizeof send_buffer};
        const struct MvHttpRequest request = {
                .method = app_text("GET"), .url = app_text(APP_URL "/ok"), .body = {NULL, 0}, .timeout_ms = 5000};
        MUST(app_open(link, MV_CHANNELTYPE_HTTP, "", 0, &buffers, &channel) == MV_STATUS_OKAY);
        MUST(mvSendHttpRequest(channel, &request) == MV_STATUS_OKAY);
        uint32_t start = HAL_GetTick();
        while ((status = mvReadHttpResponseData(channel, &data)) == MV_STATUS_RESPONSENOTPRESENT)
                MUST(HAL_GetTick() - start < APP_PATIENCE_MS);
        MUST(status == MV_STATUS_OKAY && data.result == MV_HTTPRESULT_OK && data.body_length == 5);
        MUST(mvCloseChannel(&channel) == MV_STATUS_OKAY);
        return 0;
}

static int polling_main(void)
{
        struct app_link link;
        app_polling_unset = 0;
        MUST(mvServerLoggingInit(log_buffer, sizeof log_buffer) == MV_STATUS_OKAY);
        MUST(wait_for_wall_time() == 0);
        const struct MvNotificationSetup setup = {TIM1_BRK_IRQn, ring, sizeof ring};
        MUST(mvSetupNotifications(&setup, &link.centre) == MV_STATUS_OKAY);
        MUST(app_request_network(&link, 1));
        MUST(wait_for_network(&link) == 0);
        MUST(wait_for_wall_time() == 0);
        MUST(exchange(&link) == 0);
        MUST(app_release(&link));
        return 0;
}

static void never(void)
{
}

const struct mvt_app app_polling = {.irq = TIM1_BRK_IRQn, .handler = never, .main = polling_main};

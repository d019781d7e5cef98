#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS     16
#define ANSWERS     12
#define PAUSE_MS    5000
#define PATIENCE_MS 120000

unsigned app_recovering_answers, app_recovering_losses;

static struct MvNotification ring[RECORDS] __attribute__((aligned(8)));
static volatile uint32_t ring_index;
static volatile bool readable, lost;
static uint8_t send_buffer[512] __attribute__((aligned(512)));
static uint8_t receive_buffer[2560] __attribute__((aligned(512)));
static struct app_link link;

static void TIM1_BRK_IRQHandler(void)
{
        volatile struct MvNotification *record = &ring[ring_index];
        switch (record->event_type) {
        case MV_EVENTTYPE_CHANNELDATAREADABLE: readable = true; break;
        case MV_EVENTTYPE_CHANNELNOTCONNECTED: lost = true; break;
        case MV_EVENTTYPE_NETWORKSTATUSCHANGED: break;
        default: return; /* wedged from here on */
        }
        record->event_type = MV_EVENTTYPE_NOEVENT;
        ring_index = (ring_index + 1) % RECORDS;
}

static int set_up(void)
{
        memset(ring, 0, sizeof ring);
        ring_index = 0;
        app_recovering_answers = 0;
        app_recovering_losses = 0;
        MUST(app_open_centre(TIM1_BRK_IRQn, ring, sizeof ring, &link.centre));
        MUST(app_request_network(&link, 1));
        return 0;
}

/* Tries until it opens: the network may be down for long. */
static int open_channel(MvChannelHandle *channel)
{
        const struct app_buffers buffers = {receive_buffer, sizeof receive_buffer, send_buffer, sizeof send_buffer};
        enum MvStatus status;
        uint32_t start = HAL_GetTick();
        while ((status = app_open(&link, MV_CHANNELTYPE_HTTP, "", 2, &buffers, channel)) ==
               MV_STATUS_NETWORKNOTCONNECTED) {
                MUST(HAL_GetTick() - start < PATIENCE_MS);
                HAL_Delay(100);
        }
        MUST(status == MV_STATUS_OKAY);
        return 0;
}

static int count_loss(MvChannelHandle channel)
{
        enum MvClosureReason reason;
        MUST(mvGetChannelClosureReason(channel, &reason) == MV_STATUS_OKAY);
        MUST(reason == MV_CLOSUREREASON_NETWORKDISCONNECTED);
        app_recovering_losses++;
        return 0;
}

/* Opens early and sends late, so that an outage is likely to find the channel open. */
static int round_trip(void)
{
        struct MvHttpResponseData data;
        MvChannelHandle channel = 0;
        const struct MvHttpRequest request = {
                .method = app_text("GET"), .url = app_text(APP_URL "/ok"), .body = app_text(""), .timeout_ms = 10000};
        MUST(open_channel(&channel) == 0);
        lost = false;
        HAL_Delay(PAUSE_MS);
        enum MvStatus status = mvSendHttpRequest(channel, &request);
        readable = false;
        for (uint32_t start = HAL_GetTick(); status == MV_STATUS_OKAY && !readable && !lost; HAL_Delay(10))
                MUST(HAL_GetTick() - start < PATIENCE_MS);
        if (lost) {
                MUST(status == MV_STATUS_CHANNELCLOSED || status == MV_STATUS_OKAY);
                MUST(count_loss(channel) == 0);
        } else {
                MUST(status == MV_STATUS_OKAY);
                MUST(mvReadHttpResponseData(channel, &data) == MV_STATUS_OKAY && data.status_code == 200);
                app_recovering_answers++;
        }
        MUST(mvCloseChannel(&channel) == MV_STATUS_OKAY && channel == 0);
        return 0;
}

static int recovering_main(void)
{
        int line = set_up();
        while (line == 0 && app_recovering_answers < ANSWERS)
                line = round_trip();
        if (line != 0)
                return line;
        MUST(app_release(&link));
        return 0;
}

const struct mvt_app app_recovering = {.irq = TIM1_BRK_IRQn, .handler = TIM1_BRK_IRQHandler, .main = recovering_main};

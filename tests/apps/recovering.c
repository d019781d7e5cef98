#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS  16
#define ANSWERS  12
#define PAUSE_MS 5000

unsigned app_recovering_answers, app_recovering_losses;

static struct MvNotification ring[RECORDS] __attribute__((aligned(8)));
static volatile uint32_t ring_index;
static volatile bool readable, lost;
static uint8_t send_buffer[512] __attribute__((aligned(512)));
static uint8_t receive_buffer[2560] __attribute__((aligned(512)));
static MvNotificationHandle centre;
static MvNetworkHandle network;

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
        const struct MvNotificationSetup setup = {TIM1_BRK_IRQn, ring, sizeof ring};
        memset(ring, 0, sizeof ring);
        ring_index = 0;
        app_recovering_answers = 0;
        app_recovering_losses = 0;
        MUST(mvSetupNotifications(&setup, &centre) == MV_STATUS_OKAY);
        NVIC_ClearPendingIRQ(TIM1_BRK_IRQn);
        NVIC_EnableIRQ(TIM1_BRK_IRQn);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, 1}};
        MUST(mvRequestNetwork(&params, &network) == MV_STATUS_OKAY);
        return 0;
}

/* Tries until it opens: the network may be down for long. */
static int open_channel(MvChannelHandle *channel)
{
        const struct MvOpenChannelParams params = {.version = 1,
                                                   .v1 = {.notification_handle = centre,
                                                          .notification_tag = 2,
                                                          .network_handle = network,
                                                          .receive_buffer = receive_buffer,
                                                          .receive_buffer_len = sizeof receive_buffer,
                                                          .send_buffer = send_buffer,
                                                          .send_buffer_len = sizeof send_buffer,
                                                          .channel_type = MV_CHANNELTYPE_HTTP,
                                                          .endpoint = {(const uint8_t *)"", 0}}};
        enum MvStatus status;
        while ((status = mvOpenChannel(&params, channel)) == MV_STATUS_NETWORKNOTCONNECTED)
                HAL_Delay(100);
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
        while (status == MV_STATUS_OKAY && !readable && !lost)
                HAL_Delay(10);
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
        MUST(mvReleaseNetwork(&network) == MV_STATUS_OKAY);
        MUST(mvCloseNotifications(&centre) == MV_STATUS_OKAY);
        return line;
}

const struct mvt_app app_recovering = {TIM1_BRK_IRQn, TIM1_BRK_IRQHandler, recovering_main};

#include <string.h>

#include "app.h"

static struct MvNotification ring[4] __attribute__((aligned(8)));
static uint8_t send_buffer[512] __attribute__((aligned(512)));
static uint8_t receive_buffer[1536] __attribute__((aligned(512)));

static int wait_for_network(MvNetworkHandle network)
{
        enum MvNetworkStatus status;
        uint64_t wall_us = 0;
        do {
                MUST(mvGetNetworkStatus(network, &status) == MV_STATUS_OKAY);
        } while (status != MV_NETWORKSTATUS_CONNECTED);
        while (mvGetWallTime(&wall_us) == MV_STATUS_TIMENOTSET)
                ;
        MUST(wall_us > UINT64_C(1700000000000000));
        return 0;
}

static int exchange(MvNotificationHandle centre, MvNetworkHandle network)
{
        MvChannelHandle channel;
        struct MvHttpResponseData data;
        enum MvStatus status;
        const struct MvOpenChannelParams params = {.version = 1,
                                                   .v1 = {.notification_handle = centre,
                                                          .network_handle = network,
                                                          .receive_buffer = receive_buffer,
                                                          .receive_buffer_len = sizeof receive_buffer,
                                                          .send_buffer = send_buffer,
                                                          .send_buffer_len = sizeof send_buffer,
                                                          .channel_type = MV_CHANNELTYPE_HTTP,
                                                          .endpoint = {(const uint8_t *)"", 0}}};
        const struct MvHttpRequest request = {
                .method = app_text("GET"), .url = app_text(APP_URL "/ok"), .body = {NULL, 0}, .timeout_ms = 5000};
        MUST(mvOpenChannel(&params, &channel) == MV_STATUS_OKAY);
        MUST(mvSendHttpRequest(channel, &request) == MV_STATUS_OKAY);
        while ((status = mvReadHttpResponseData(channel, &data)) == MV_STATUS_RESPONSENOTPRESENT)
                ;
        MUST(status == MV_STATUS_OKAY && data.result == MV_HTTPRESULT_OK && data.body_length == 5);
        MUST(mvCloseChannel(&channel) == MV_STATUS_OKAY);
        return 0;
}

static int polling_main(void)
{
        MvNotificationHandle centre;
        MvNetworkHandle network;
        uint64_t wall_us;
        const struct MvNotificationSetup setup = {TIM1_BRK_IRQn, ring, sizeof ring};
        while (mvGetWallTime(&wall_us) == MV_STATUS_TIMENOTSET) /* with nothing else in the loop, from the very start */
                ;
        MUST(mvSetupNotifications(&setup, &centre) == MV_STATUS_OKAY);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, 1}};
        MUST(mvRequestNetwork(&params, &network) == MV_STATUS_OKAY); /* the link is up: no event need come */
        int line = wait_for_network(network);
        if (line == 0)
                line = exchange(centre, network);
        MUST(mvReleaseNetwork(&network) == MV_STATUS_OKAY);
        MUST(mvCloseNotifications(&centre) == MV_STATUS_OKAY);
        return line;
}

static void never(void)
{
}

const struct mvt_app app_polling = {TIM1_BRK_IRQn, never, polling_main};

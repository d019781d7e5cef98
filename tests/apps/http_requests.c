#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS  4
#define REQUESTS 7 /* more than the ring has slots */
#define TAG      2

static struct MvNotification ring[RECORDS] __attribute__((aligned(8)));
static volatile uint32_t ring_index;
static volatile bool received;
static uint8_t send_buffer[512] __attribute__((aligned(512)));
static uint8_t receive_buffer[1536] __attribute__((aligned(512)));
static MvNotificationHandle centre;
static MvNetworkHandle network;

/* The index moves for the one known event alone; the event is cleared in the copy, so the slot keeps it. */
static void TIM8_BRK_IRQHandler(void)
{
        struct MvNotification notification = ring[ring_index];
        if (notification.event_type == MV_EVENTTYPE_CHANNELDATAREADABLE) {
                received = true;
                ring_index = (ring_index + 1) % RECORDS;
                notification.event_type = MV_EVENTTYPE_NOEVENT;
        }
}

static int set_up(void)
{
        static struct MvNotification network_ring[16] __attribute__((aligned(8)));
        static MvNotificationHandle network_centre;
        const struct MvNotificationSetup network_setup = {TIM2_IRQn, network_ring, sizeof network_ring};
        const struct MvNotificationSetup setup = {TIM8_BRK_IRQn, ring, sizeof ring};
        memset(ring, 0xff, sizeof ring);
        ring_index = 0;
        MUST(mvSetupNotifications(&network_setup, &network_centre) == MV_STATUS_OKAY);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {network_centre, 1}};
        MUST(mvRequestNetwork(&params, &network) == MV_STATUS_OKAY);
        enum MvNetworkStatus status;
        do {
                MUST(mvGetNetworkStatus(network, &status) == MV_STATUS_OKAY);
        } while (status != MV_NETWORKSTATUS_CONNECTED);
        MUST(mvCloseNotifications(&network_centre) == MV_STATUS_OKAY);
        MUST(mvSetupNotifications(&setup, &centre) == MV_STATUS_OKAY);
        NVIC_ClearPendingIRQ(TIM8_BRK_IRQn);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        return 0;
}

static MvChannelHandle open_channel(void)
{
        MvChannelHandle channel = NULL;
        const struct MvOpenChannelParams params = {.version = 1,
                                                   .v1 = {.notification_handle = centre,
                                                          .notification_tag = TAG,
                                                          .network_handle = network,
                                                          .receive_buffer = receive_buffer,
                                                          .receive_buffer_len = sizeof receive_buffer,
                                                          .send_buffer = send_buffer,
                                                          .send_buffer_len = sizeof send_buffer,
                                                          .channel_type = MV_CHANNELTYPE_HTTP,
                                                          .endpoint = {(const uint8_t *)"", 0}}};
        return mvOpenChannel(&params, &channel) == MV_STATUS_OKAY ? channel : NULL;
}

static int read_response(MvChannelHandle channel)
{
        static uint8_t line[256], body[64];
        struct MvHttpResponseData data;
        MUST(mvReadHttpResponseData(channel, &data) == MV_STATUS_OKAY);
        MUST(data.result == MV_HTTPRESULT_OK && data.status_code == 200);
        memset(body, 0, sizeof body);
        MUST(mvReadHttpResponseBody(channel, 0, body, data.body_length) == MV_STATUS_OKAY);
        MUST(strcmp((char *)body, "hello") == 0);
        memset(body, '#', sizeof body);
        MUST(mvReadHttpResponseBody(channel, 0, body, sizeof body) == MV_STATUS_OKAY);
        MUST(body[4] == 'o' && body[5] == '#');
        for (uint32_t i = 0; i < data.num_headers; i++) {
                memset(line, 0, sizeof line);
                MUST(mvReadHttpResponseHeader(channel, i, line, 255) == MV_STATUS_OKAY);
                MUST(strchr((char *)line, ':'));
        }
        return 0;
}

static int request(unsigned number)
{
        static const struct MvHttpHeader no_headers[1];
        const bool post = number % 2;
        const struct MvHttpRequest request = {
                .method = app_text(post ? "POST" : "GET"),
                .url = app_text(APP_URL "/ok"),
                .num_headers = 0,
                .headers = post ? no_headers : NULL,
                .body = app_text(post ? "{\"a\": 1}" : ""),
                .timeout_ms = 10000,
        };
        MvChannelHandle channel = open_channel();
        MUST(channel);
        MUST(mvSendHttpRequest(channel, &request) == MV_STATUS_OKAY);
        received = false; /* not before: an answer that came in the call is lost */
        while (!received)
                HAL_Delay(1);
        int line = read_response(channel);
        MUST(mvCloseChannel(&channel) == MV_STATUS_OKAY);
        MUST(channel == 0);
        return line;
}

static int http_requests_main(void)
{
        int line = set_up();
        for (unsigned number = 0; line == 0 && number < REQUESTS; number++)
                line = request(number);
        MUST(mvReleaseNetwork(&network) == MV_STATUS_OKAY && network == 0);
        MUST(mvCloseNotifications(&centre) == MV_STATUS_OKAY && centre == 0);
        return line;
}

const struct mvt_app app_http_requests = {TIM8_BRK_IRQn, TIM8_BRK_IRQHandler, http_requests_main};

#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS  4
#define REQUESTS 5 /* one of each size; more than the ring has slots, with the others */
#define TAG      2

void (*app_http_requests_busy)(void);

static struct MvNotification ring[RECORDS] __attribute__((aligned(8)));
static volatile uint32_t ring_index;
static volatile bool received;
static uint8_t send_buffer[7168] __attribute__((aligned(512)));
static uint8_t receive_buffer[7168] __attribute__((aligned(512)));
static uint8_t url[64];
static uint32_t url_len;

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

static int set_up(struct app_link *link)
{
        static struct MvNotification network_ring[16] __attribute__((aligned(8)));
        struct app_link network;
        memset(ring, 0xff, sizeof ring);
        ring_index = 0;
        const struct MvNotificationSetup setup = {TIM2_IRQn, network_ring, sizeof network_ring};
        MUST(mvSetupNotifications(&setup, &network.centre) == MV_STATUS_OKAY);
        MUST(app_request_network(&network, 1));
        for (unsigned turns = 0; !app_is_connected(&network); turns++)
                MUST(turns < APP_TURNS);
        MUST(mvCloseNotifications(&network.centre) == MV_STATUS_OKAY);
        link->network = network.network;
        MUST(app_open_centre(TIM8_BRK_IRQn, ring, sizeof ring, &link->centre));
        return 0;
}

/* The same two buffers each time, of the sizes in turn that were seen. */
static bool open_channel(const struct app_link *link, enum MvChannelType type, unsigned number, MvChannelHandle *ret)
{
        static const uint32_t sizes[] = {512, 1536, 2560, 4096, 7168};
        uint32_t size = sizes[number % (sizeof sizes / sizeof sizes[0])];
        const struct app_buffers buffers = {receive_buffer, size, send_buffer, size};
        return app_open(link, type, "", TAG, &buffers, ret) == MV_STATUS_OKAY;
}

/* The flag is cleared when the sending call has returned, not before: an answer that came in the call is lost. */
static bool await_answer(void)
{
        if (app_http_requests_busy)
                app_http_requests_busy();
        received = false;
        return app_wait_for(&received);
}

static int close_channel(MvChannelHandle *channel)
{
        MUST(mvCloseChannel(channel) == MV_STATUS_OKAY && *channel == 0);
        return 0;
}

/* ---- the address ---- */

static int fetch_url(const struct app_link *link)
{
        const struct MvConfigKeyToFetch key = {MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_CONFIG,
                                               app_text("url")};
        const struct MvConfigKeyFetchParams params = {1, &key};
        struct MvConfigResponseData data;
        MvChannelHandle channel = 0;
        MUST(open_channel(link, MV_CHANNELTYPE_CONFIGFETCH, 0, &channel));
        MUST(mvSendConfigFetchRequest(channel, &params) == MV_STATUS_OKAY);
        MUST(await_answer());
        MUST(mvReadConfigFetchResponseData(channel, &data) == MV_STATUS_OKAY);
        MUST(data.result == MV_CONFIGFETCHRESULT_OK && data.num_items == 1);
        MUST(app_read_item(channel, 0, url, sizeof url, &url_len) == 0);
        return close_channel(&channel);
}

/* ---- requests ---- */

static int read_body(MvChannelHandle channel, uint32_t len)
{
        uint8_t body[64];
        MUST(len == 5);
        memset(body, '#', sizeof body);
        MUST(mvReadHttpResponseBody(channel, 0, body, len) == MV_STATUS_OKAY);
        MUST(memcmp(body, "hello###", 8) == 0);
        memset(body, '#', sizeof body);
        MUST(mvReadHttpResponseBody(channel, 0, body, sizeof body) == MV_STATUS_OKAY); /* more than there is */
        MUST(memcmp(body, "hello###", 8) == 0 && body[sizeof body - 1] == '#');
        return 0;
}

/* The terminator is one of the zeroes that were there. */
static int read_headers(MvChannelHandle channel, uint32_t count)
{
        uint8_t line[256];
        MUST(count > 0);
        for (uint32_t i = 0; i < count; i++) {
                memset(line, 0, sizeof line);
                MUST(mvReadHttpResponseHeader(channel, i, line, 255) == MV_STATUS_OKAY);
                size_t len = strlen((char *)line);
                MUST(strchr((char *)line, ':') && !strpbrk((char *)line, "\r\n"));
                while (len < sizeof line)
                        MUST(line[len++] == 0);
        }
        return 0;
}

static int read_response(MvChannelHandle channel)
{
        struct MvHttpResponseData data;
        MUST(mvReadHttpResponseData(channel, &data) == MV_STATUS_OKAY);
        MUST(data.result == MV_HTTPRESULT_OK && data.status_code == 200);
        MUST(read_body(channel, data.body_length) == 0);
        return read_headers(channel, data.num_headers);
}

/* The method is in small letters, which the cloud refuses: nothing is answered sooner. */
static int request_refused_at_once(const struct app_link *link)
{
        const struct MvHttpRequest request = {
                .method = app_text("get"), .url = {url, url_len}, .body = app_text(""), .timeout_ms = 10000};
        struct MvHttpResponseData data;
        MvChannelHandle channel = 0;
        MUST(open_channel(link, MV_CHANNELTYPE_HTTP, 0, &channel));
        MUST(mvSendHttpRequest(channel, &request) == MV_STATUS_OKAY);
        MUST(await_answer());
        MUST(mvReadHttpResponseData(channel, &data) == MV_STATUS_OKAY);
        MUST(data.result == MV_HTTPRESULT_UNSUPPORTEDMETHOD);
        return close_channel(&channel);
}

static int request(const struct app_link *link, unsigned number)
{
        static const struct MvHttpHeader no_headers[1];
        const bool post = number % 2;
        const struct MvHttpRequest request = {
                .method = app_text(post ? "POST" : "GET"),
                .url = {url, url_len},
                .num_headers = 0,
                .headers = post ? no_headers : NULL,
                .body = app_text(post ? "{\"a\": 1}" : ""),
                .timeout_ms = 10000,
        };
        MvChannelHandle channel = 0;
        MUST(open_channel(link, MV_CHANNELTYPE_HTTP, number, &channel));
        MUST(mvSendHttpRequest(channel, &request) == MV_STATUS_OKAY);
        MUST(await_answer());
        int line = read_response(channel);
        return line ? line : close_channel(&channel);
}

static int http_requests_main(void)
{
        struct app_link link;
        int line = set_up(&link);
        if (line == 0)
                line = fetch_url(&link);
        if (line == 0)
                line = request_refused_at_once(&link);
        for (unsigned number = 0; line == 0 && number < REQUESTS; number++)
                line = request(&link, number);
        if (line != 0)
                return line;
        MUST(app_release(&link));
        return 0;
}

const struct mvt_app app_http_requests = {
        .irq = TIM8_BRK_IRQn, .handler = TIM8_BRK_IRQHandler, .main = http_requests_main};

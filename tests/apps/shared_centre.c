/*
 * One centre for everything: HTTP, configuration and word of updates. The handler tells them apart by tag, and reads
 * one record an entry.
 */
#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS 16

enum tag {
        TAG_NETWORK = 100,
        TAG_HTTP,
        TAG_CONFIG,
        TAG_UPDATE,
        TAG_LAST = TAG_UPDATE,
};

struct app_shared_centre app_shared_centre_seen;

static volatile struct MvNotification ring[RECORDS] __attribute__((aligned(8)));
static volatile uint32_t ring_index;
static volatile unsigned events[TAG_LAST - TAG_NETWORK + 1];
static uint8_t buffers[2][2][1536] __attribute__((aligned(512)));

static MvNotificationHandle centre;
static MvNetworkHandle network;

static void TIM1_BRK_IRQHandler(void)
{
        volatile struct MvNotification *record = &ring[ring_index];
        if (record->tag < TAG_NETWORK || record->tag > TAG_LAST)
                return;
        unsigned index = record->tag - TAG_NETWORK;
        if (record->event_type != MV_EVENTTYPE_CHANNELNOTCONNECTED)
                events[index] = events[index] + 1;
        record->event_type = 0;
        ring_index = (ring_index + 1) % RECORDS;
}

static unsigned heard(enum tag tag)
{
        return events[tag - TAG_NETWORK];
}

static int open_channel(enum MvChannelType type, enum tag tag, unsigned pair, MvChannelHandle *ret_channel)
{
        const struct MvOpenChannelParams params = {.version = 1,
                                                   .v1 = {.notification_handle = centre,
                                                          .notification_tag = tag,
                                                          .network_handle = network,
                                                          .receive_buffer = buffers[pair][0],
                                                          .receive_buffer_len = sizeof buffers[pair][0],
                                                          .send_buffer = buffers[pair][1],
                                                          .send_buffer_len = sizeof buffers[pair][1],
                                                          .channel_type = type,
                                                          .endpoint = {(const uint8_t *)"", 0}}};
        MUST(mvOpenChannel(&params, ret_channel) == MV_STATUS_OKAY);
        return 0;
}

static int send_both(MvChannelHandle http, MvChannelHandle config)
{
        const struct MvHttpRequest request = {
                .method = app_text("GET"), .url = app_text(APP_URL "/ok"), .timeout_ms = 10000};
        const struct MvConfigKeyToFetch key = {MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_CONFIG,
                                               app_text("key")};
        const struct MvConfigKeyFetchParams params = {1, &key};
        MUST(mvSendHttpRequest(http, &request) == MV_STATUS_OKAY);
        MUST(mvSendConfigFetchRequest(config, &params) == MV_STATUS_OKAY);
        return 0;
}

static int read_both(MvChannelHandle http, MvChannelHandle config)
{
        struct MvHttpResponseData response;
        enum MvConfigKeyFetchResult result;
        uint8_t value[16];
        uint32_t len = 0;
        const struct MvConfigResponseReadItemParams params = {0, &result, {value, sizeof value, &len}};
        MUST(mvReadHttpResponseData(http, &response) == MV_STATUS_OKAY && response.status_code == 200);
        MUST(mvReadConfigResponseItem(config, &params) == MV_STATUS_OKAY && result == MV_CONFIGKEYFETCHRESULT_OK);
        MUST(len == 5 && memcmp(value, "value", 5) == 0);
        return 0;
}

static int exchange(void)
{
        MvChannelHandle http, config;
        unsigned answers = heard(TAG_HTTP), fetches = heard(TAG_CONFIG);
        MUST(open_channel(MV_CHANNELTYPE_HTTP, TAG_HTTP, 0, &http) == 0);
        MUST(open_channel(MV_CHANNELTYPE_CONFIGFETCH, TAG_CONFIG, 1, &config) == 0);
        MUST(send_both(http, config) == 0);
        while (heard(TAG_HTTP) == answers || heard(TAG_CONFIG) == fetches)
                HAL_Delay(10);
        MUST(read_both(http, config) == 0);
        MUST(mvCloseChannel(&http) == MV_STATUS_OKAY && mvCloseChannel(&config) == MV_STATUS_OKAY);
        app_shared_centre_seen.exchanges++;
        return 0;
}

static int connect(void)
{
        const struct MvNotificationSetup setup = {TIM1_BRK_IRQn, (struct MvNotification *)ring, sizeof ring};
        enum MvNetworkStatus status = MV_NETWORKSTATUS_CONNECTING;
        MUST(mvSetupNotifications(&setup, &centre) == MV_STATUS_OKAY);
        NVIC_ClearPendingIRQ(TIM1_BRK_IRQn);
        NVIC_EnableIRQ(TIM1_BRK_IRQn);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, TAG_NETWORK}};
        MUST(mvRequestNetwork(&params, &network) == MV_STATUS_OKAY);
        while (status != MV_NETWORKSTATUS_CONNECTED) {
                HAL_Delay(10);
                MUST(mvGetNetworkStatus(network, &status) == MV_STATUS_OKAY);
        }
        return 0;
}

static int shared_centre_main(void)
{
        MvSystemEventHandle updates;
        memset((void *)ring, 0, sizeof ring);
        memset((void *)events, 0, sizeof events);
        memset(&app_shared_centre_seen, 0, sizeof app_shared_centre_seen);
        ring_index = 0;
        MUST(connect() == 0);
        const struct MvOpenSystemNotificationParams params = {centre, TAG_UPDATE, MV_SYSTEMNOTIFICATIONSOURCE_UPDATE};
        MUST(mvOpenSystemNotification(&params, &updates) == MV_STATUS_OKAY);
        while (heard(TAG_UPDATE) == 0) { /* the test makes one available meanwhile */
                MUST(exchange() == 0);
                HAL_Delay(1000);
        }
        app_shared_centre_seen.updates = heard(TAG_UPDATE);
        MUST(exchange() == 0);
        MUST(mvCloseSystemNotification(&updates) == MV_STATUS_OKAY);
        MUST(mvReleaseNetwork(&network) == MV_STATUS_OKAY);
        MUST(mvCloseNotifications(&centre) == MV_STATUS_OKAY);
        return 0;
}

const struct mvt_app app_shared_centre = {TIM1_BRK_IRQn, TIM1_BRK_IRQHandler, shared_centre_main};

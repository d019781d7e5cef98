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
static uint8_t pairs[2][2][1536] __attribute__((aligned(512)));

static struct app_link link;

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
        const struct app_buffers buffers = {pairs[pair][0], sizeof pairs[pair][0], pairs[pair][1],
                                            sizeof pairs[pair][1]};
        MUST(app_open(&link, type, "", tag, &buffers, ret_channel) == MV_STATUS_OKAY);
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
        for (unsigned ms = 0; heard(TAG_HTTP) == answers || heard(TAG_CONFIG) == fetches; ms += 10) {
                MUST(ms < APP_PATIENCE_MS);
                HAL_Delay(10);
        }
        MUST(read_both(http, config) == 0);
        MUST(mvCloseChannel(&http) == MV_STATUS_OKAY && mvCloseChannel(&config) == MV_STATUS_OKAY);
        app_shared_centre_seen.exchanges++;
        return 0;
}

static int connect(void)
{
        MUST(app_open_centre(TIM1_BRK_IRQn, ring, sizeof ring, &link.centre));
        MUST(app_request_network(&link, TAG_NETWORK));
        for (unsigned ms = 0; !app_is_connected(&link); ms += 10) {
                MUST(ms < APP_PATIENCE_MS);
                HAL_Delay(10);
        }
        return 0;
}

static int await_update(void)
{
        for (unsigned ms = 0; heard(TAG_UPDATE) == 0; ms += 1000) { /* the test makes one available meanwhile */
                MUST(ms < APP_PATIENCE_MS);
                MUST(exchange() == 0);
                HAL_Delay(1000);
        }
        app_shared_centre_seen.updates = heard(TAG_UPDATE);
        return 0;
}

/* It may be refused, as while something else is downloaded: work goes on. Otherwise nothing comes after it. */
static int restart(void)
{
        for (unsigned ms = 0; ms < APP_PATIENCE_MS; ms += 1000) {
                MUST(exchange() == 0);
                MUST(mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE) == MV_STATUS_MICROVISORBUSY);
                app_shared_centre_seen.refusals++;
                HAL_Delay(1000);
        }
        return __LINE__;
}

static int work_until_restart(void)
{
        MvSystemEventHandle updates;
        const struct MvOpenSystemNotificationParams params = {link.centre, TAG_UPDATE,
                                                              MV_SYSTEMNOTIFICATIONSOURCE_UPDATE};
        MUST(mvOpenSystemNotification(&params, &updates) == MV_STATUS_OKAY);
        MUST(await_update() == 0);
        return restart();
}

static int shared_centre_main(void)
{
        enum MvWakeReason reason;
        memset((void *)ring, 0, sizeof ring);
        memset((void *)events, 0, sizeof events);
        memset(&app_shared_centre_seen, 0, sizeof app_shared_centre_seen);
        ring_index = 0;
        MUST(connect() == 0);
        MUST(mvGetWakeReason(&reason) == MV_STATUS_OKAY);
        if (reason == MV_WAKEREASON_COLDBOOT)
                return work_until_restart();
        MUST(exchange() == 0);
        MUST(app_release(&link));
        return 0;
}

const struct mvt_app app_shared_centre = {
        .irq = TIM1_BRK_IRQn, .handler = TIM1_BRK_IRQHandler, .main = shared_centre_main};

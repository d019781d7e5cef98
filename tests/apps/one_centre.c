#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS  8
#define CHANNELS 3
#define NETWORK  CHANNELS

volatile unsigned app_one_centre_entries, app_one_centre_ipsr;

static struct MvNotification ring[RECORDS] __attribute__((aligned(8)));
static volatile uint32_t ring_index;
static volatile unsigned network_events, losses[CHANNELS];
static volatile bool strange;
static uint8_t buffers[CHANNELS][2][512] __attribute__((aligned(512)));

/* One slot an entry, never cleared. */
static void TIM2_IRQHandler(void)
{
        const struct MvNotification *record = &ring[ring_index];
        ring_index = (ring_index + 1) % RECORDS;
        app_one_centre_entries = app_one_centre_entries + 1;
        app_one_centre_ipsr = __get_IPSR();
        if (record->tag == NETWORK && record->event_type == MV_EVENTTYPE_NETWORKSTATUSCHANGED)
                network_events = network_events + 1;
        else if (record->tag < CHANNELS && record->event_type == MV_EVENTTYPE_CHANNELNOTCONNECTED)
                losses[record->tag] = losses[record->tag] + 1;
        else
                strange = true;
}

static void forget(void)
{
        app_one_centre_entries = 0;
        ring_index = 0;
        network_events = 0;
        for (unsigned i = 0; i < CHANNELS; i++)
                losses[i] = 0;
}

static enum MvStatus open_channel(MvNotificationHandle centre, MvNetworkHandle network, uint32_t i,
                                  MvChannelHandle *channel)
{
        const struct MvOpenChannelParams params = {.version = 1,
                                                   .v1 = {.notification_handle = centre,
                                                          .notification_tag = i,
                                                          .network_handle = network,
                                                          .receive_buffer = buffers[i][0],
                                                          .receive_buffer_len = 512,
                                                          .send_buffer = buffers[i][1],
                                                          .send_buffer_len = 512,
                                                          .channel_type = MV_CHANNELTYPE_HTTP,
                                                          .endpoint = {(const uint8_t *)"", 0}}};
        return mvOpenChannel(&params, channel);
}

/* The channel keeps its handle: the reason is read first, then it is closed. */
static int drop(MvChannelHandle *channel)
{
        enum MvClosureReason reason;
        MUST(mvGetChannelClosureReason(*channel, &reason) == MV_STATUS_OKAY);
        MUST(reason == MV_CLOSUREREASON_NETWORKDISCONNECTED);
        MUST(mvCloseChannel(channel) == MV_STATUS_OKAY);
        MUST(*channel == 0);
        return 0;
}

static int one_centre_main(void)
{
        MvNotificationHandle centre;
        MvNetworkHandle network;
        MvChannelHandle channels[CHANNELS];
        const struct MvNotificationSetup setup = {TIM2_IRQn, ring, sizeof ring};
        forget();
        MUST(mvSetupNotifications(&setup, &centre) == MV_STATUS_OKAY);
        NVIC_ClearPendingIRQ(TIM2_IRQn);
        NVIC_EnableIRQ(TIM2_IRQn);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, NETWORK}};
        MUST(mvRequestNetwork(&params, &network) == MV_STATUS_OKAY);
        enum MvNetworkStatus status;
        do {
                HAL_Delay(1);
                MUST(mvGetNetworkStatus(network, &status) == MV_STATUS_OKAY);
        } while (status != MV_NETWORKSTATUS_CONNECTED);
        unsigned before = network_events;
        for (uint32_t i = 0; i < CHANNELS; i++)
                MUST(open_channel(centre, network, i, &channels[i]) == MV_STATUS_OKAY);
        while (losses[0] == 0 || losses[1] == 0 || losses[2] == 0 || network_events == before)
                HAL_Delay(1); /* the test cuts the network meanwhile */
        MUST(losses[0] == 1 && losses[1] == 1 && losses[2] == 1);
        for (unsigned i = 0; i < CHANNELS; i++)
                MUST(drop(&channels[i]) == 0);
        HAL_Delay(1000); /* nothing more comes because of that */
        MUST(app_one_centre_entries == network_events + CHANNELS && !strange);
        MUST(mvReleaseNetwork(&network) == MV_STATUS_OKAY);
        MUST(mvCloseNotifications(&centre) == MV_STATUS_OKAY);
        return 0;
}

const struct mvt_app app_one_centre = {TIM2_IRQn, TIM2_IRQHandler, one_centre_main};

#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS  8
#define CHANNELS 3
#define NETWORK  CHANNELS

volatile unsigned app_one_centre_entries, app_one_centre_ipsr;
bool app_one_centre_waited;

static struct MvNotification ring[RECORDS] __attribute__((aligned(8)));
static volatile uint32_t ring_index;
static volatile unsigned network_events, losses[CHANNELS];
static volatile bool strange, switch_wanted, in_handler;
static uint8_t buffers[CHANNELS][2][512] __attribute__((aligned(512)));

/* An RTOS' queue: what a handler puts in it wakes a task, which goes on when the handler has ended. */
static void wake_task(void)
{
        if (__get_IPSR() == 0)
                return;
        switch_wanted = true;
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
}

static void PendSV_Handler(void)
{
        if (in_handler)
                strange = true;
        switch_wanted = false;
}

/* One slot an entry, never cleared. */
static void TIM2_IRQHandler(void)
{
        const struct MvNotification *record = &ring[ring_index];
        in_handler = true;
        ring_index = (ring_index + 1) % RECORDS;
        app_one_centre_entries = app_one_centre_entries + 1;
        app_one_centre_ipsr = __get_IPSR();
        if (record->tag == NETWORK && record->event_type == MV_EVENTTYPE_NETWORKSTATUSCHANGED)
                network_events = network_events + 1;
        else if (record->tag < CHANNELS && record->event_type == MV_EVENTTYPE_CHANNELNOTCONNECTED)
                losses[record->tag] = losses[record->tag] + 1;
        else
                strange = true;
        wake_task();
        in_handler = false;
}

static void pause(uint32_t ms)
{
        HAL_Delay(ms);
        if (switch_wanted)
                strange = true; /* the task was not switched to */
}

static void forget(void)
{
        app_one_centre_entries = 0;
        ring_index = 0;
        network_events = 0;
        for (unsigned i = 0; i < CHANNELS; i++)
                losses[i] = 0;
}

static enum MvStatus open_channel(const struct app_link *link, uint32_t i, MvChannelHandle *channel)
{
        const struct app_buffers pair = {buffers[i][0], sizeof buffers[i][0], buffers[i][1], sizeof buffers[i][1]};
        return app_open(link, MV_CHANNELTYPE_HTTP, "", i, &pair, channel);
}

/* By the event alone, unless the link was up already. */
static int connect(struct app_link *link)
{
        MUST(app_request_network(link, NETWORK));
        app_one_centre_waited = !app_is_connected(link);
        for (unsigned ms = 0; app_one_centre_waited && network_events == 0; ms++) {
                MUST(ms < APP_PATIENCE_MS);
                pause(1);
        }
        MUST(app_is_connected(link));
        return 0;
}

static bool all_lost(void)
{
        return losses[0] > 0 && losses[1] > 0 && losses[2] > 0;
}

/* The channel keeps its handle: the reason is read first, then it is closed. */
static int drop(MvChannelHandle *channel)
{
        enum MvClosureReason reason;
        MUST(mvGetChannelClosureReason(*channel, &reason) == MV_STATUS_OKAY);
        MUST(reason == MV_CLOSUREREASON_NETWORKDISCONNECTED);
        MUST(mvCloseChannel(channel) == MV_STATUS_OKAY);
        MUST(*channel == 0);
        MUST(mvCloseChannel(channel) == MV_STATUS_INVALIDHANDLE); /* some close once more */
        return 0;
}

static int one_centre_main(void)
{
        struct app_link link;
        MvChannelHandle channels[CHANNELS];
        forget();
        NVIC_SetPriority(PendSV_IRQn, 15); /* the centre's own line keeps priority 0 */
        MUST(app_open_centre(TIM2_IRQn, ring, sizeof ring, &link.centre));
        MUST(connect(&link) == 0);
        unsigned before = network_events;
        for (uint32_t i = 0; i < CHANNELS; i++)
                MUST(open_channel(&link, i, &channels[i]) == MV_STATUS_OKAY && app_is_small(channels[i]));
        for (unsigned ms = 0; !all_lost() || network_events == before; ms++) {
                MUST(ms < APP_PATIENCE_MS);
                pause(1); /* the test cuts the network meanwhile */
        }
        MUST(losses[0] == 1 && losses[1] == 1 && losses[2] == 1);
        for (unsigned i = 0; i < CHANNELS; i++)
                MUST(drop(&channels[i]) == 0);
        pause(1000); /* nothing more comes because of that */
        MUST(app_one_centre_entries == network_events + CHANNELS && !strange);
        MUST(app_release(&link));
        return 0;
}

const struct mvt_app app_one_centre = {.irq = TIM2_IRQn,
                                       .handler = TIM2_IRQHandler,
                                       .main = one_centre_main,
                                       .exception = PendSV_IRQn,
                                       .exception_handler = PendSV_Handler};

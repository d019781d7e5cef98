/*
 * Lines to a peer that sends them back, over an opaque channel whose receive buffer has 16 bytes and lies at an odd
 * address. What has come is read where it lies, three bytes at a time, so that it wraps again and again.
 */
#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS  8
#define SIZE     16
#define LINES    20
#define TAG      9
#define MOUTHFUL 3U

static struct MvNotification ring[RECORDS] __attribute__((aligned(8)));
static volatile uint32_t ring_index;
static volatile bool readable, lost;
static uint8_t send_buffer[512] __attribute__((aligned(512)));
static struct {
        uint8_t before, bytes[SIZE], after;
} receive_buffer __attribute__((aligned(16)));

static void TIM2_IRQHandler(void)
{
        const struct MvNotification *record = &ring[ring_index];
        switch (record->event_type) {
        case MV_EVENTTYPE_CHANNELDATAREADABLE: readable = true; break;
        case MV_EVENTTYPE_CHANNELNOTCONNECTED: lost = true; break;
        case MV_EVENTTYPE_NETWORKSTATUSCHANGED: break;
        default: return; /* wedged from here on */
        }
        ring_index = (ring_index + 1) % RECORDS;
}

/* What lies together, as far as it is wanted; nothing: waits for more. */
static int read_some(MvChannelHandle channel, uint8_t *ret_bytes, uint32_t wanted, uint32_t *ret_len)
{
        uint8_t *bytes;
        uint32_t len;
        readable = false; /* what comes from here on is announced again */
        MUST(mvReadChannel(channel, &bytes, &len) == MV_STATUS_OKAY);
        if (len > wanted)
                len = wanted;
        if (len > MOUTHFUL)
                len = MOUTHFUL;
        if (len == 0)
                MUST(app_wait_for(&readable) && !lost);
        if (len > 0)
                memcpy(ret_bytes, bytes, len);
        MUST(mvReadChannelComplete(channel, len) == MV_STATUS_OKAY);
        *ret_len = len;
        return 0;
}

static int exchange(MvChannelHandle channel, unsigned number)
{
        uint8_t line[] = "a line\n", answer[sizeof line];
        uint32_t written = 0, got = 0;
        line[0] = (uint8_t)('a' + number);
        MUST(mvWriteChannelStream(channel, line, sizeof line, &written) == MV_STATUS_OKAY && written == sizeof line);
        while (got < sizeof answer) {
                uint32_t len = 0;
                MUST(read_some(channel, answer + got, sizeof answer - got, &len) == 0);
                got += len;
        }
        MUST(memcmp(answer, line, sizeof line) == 0);
        return 0;
}

static int small_ring_main(void)
{
        const struct app_buffers buffers = {receive_buffer.bytes, SIZE, send_buffer, sizeof send_buffer};
        struct app_link link;
        MvChannelHandle channel = 0;
        memset(ring, 0, sizeof ring);
        receive_buffer.before = receive_buffer.after = '#';
        ring_index = 0;
        MUST(app_open_centre(TIM2_IRQn, ring, sizeof ring, &link.centre));
        MUST(app_request_network(&link, 1));
        for (unsigned ms = 0; !app_is_connected(&link); ms++) {
                MUST(ms < APP_PATIENCE_MS);
                HAL_Delay(1);
        }
        MUST(app_open(&link, MV_CHANNELTYPE_OPAQUEBYTES, "echo", TAG, &buffers, &channel) == MV_STATUS_OKAY);
        for (unsigned number = 0; number < LINES; number++)
                MUST(exchange(channel, number) == 0);
        MUST(mvCloseChannel(&channel) == MV_STATUS_OKAY && channel == 0);
        MUST(receive_buffer.before == '#' && receive_buffer.after == '#');
        MUST(app_release(&link));
        return 0;
}

const struct mvt_app app_small_ring = {.irq = TIM2_IRQn, .handler = TIM2_IRQHandler, .main = small_ring_main};

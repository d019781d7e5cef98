#include "channel.h"

#include "centre.h"
#include "channels.h"
#include "clock.h"

#define CHANNEL_IRQ TIM1_BRK_IRQn

static uint8_t send_buffer[4096] CHANNEL_BUFFER;
static uint8_t receive_buffer[7168] CHANNEL_BUFFER;

static struct {
        struct centre centre;
        MvChannelHandle handle;
} channel;

/* Counted by the handler, and compared by the main loop with what it has dealt with. */
static volatile uint32_t readable;
static uint32_t read;
static volatile bool lost;
static volatile bool happened;

void TIM1_BRK_IRQHandler(void);

void TIM1_BRK_IRQHandler(void)
{
        struct MvNotification record;
        while (centre_take(&channel.centre, &record)) {
                if (record.event_type == MV_EVENTTYPE_CHANNELDATAREADABLE)
                        readable++;
                if (record.event_type == MV_EVENTTYPE_CHANNELNOTCONNECTED)
                        lost = true;
                happened = true;
        }
}

bool channel_start(void)
{
        return centre_open(&channel.centre, CHANNEL_IRQ, "channels");
}

void channel_stop(void)
{
        channel_close();
        centre_close(&channel.centre, CHANNEL_IRQ);
}

bool channel_open(enum MvChannelType type)
{
        const struct channel_buffers buffers = {receive_buffer, sizeof receive_buffer, send_buffer, sizeof send_buffer};
        readable = 0;
        read = 0;
        lost = false;
        return channels_open(type, "", &buffers, &channel.centre, &channel.handle);
}

void channel_close(void)
{
        if (channel.handle)
                mvCloseChannel(&channel.handle);
}

MvChannelHandle channel_handle(void)
{
        return channel.handle;
}

/* The flag is lowered before the counts are looked at: what comes from then on raises it again. */
bool channel_wait_readable(uint32_t limit_ms)
{
        uint64_t end = clock_us() + (uint64_t)limit_ms * 1000;
        happened = false;
        while (readable == read && !lost) {
                uint64_t now = clock_us();
                if (now >= end || !clock_wait_for(&happened, (uint32_t)((end - now + 999) / 1000)))
                        return false;
                happened = false;
        }
        if (readable == read)
                return false;
        read++;
        return true;
}

bool channel_is_lost(void)
{
        return lost;
}

#include "bytes.h"

#include "centre.h"
#include "channels.h"
#include "clock.h"

#define BYTES_IRQ TIM1_BRK_IRQn

static struct {
        struct centre centre;
        MvChannelHandle channel;
} bytes;

/* Lent to Microvisor while a channel is open; what has come is read where it lies. */
static uint8_t send_buffer[1024] CHANNEL_BUFFER;
static uint8_t receive_buffer[1024] CHANNEL_BUFFER;

static volatile bool changed; /* something has come, or there is room, or the channel has ended */

void TIM1_BRK_IRQHandler(void);

void TIM1_BRK_IRQHandler(void)
{
        struct MvNotification record;
        while (centre_take(&bytes.centre, &record))
                changed = true;
}

bool bytes_start(void)
{
        return centre_open(&bytes.centre, BYTES_IRQ, "the channel");
}

void bytes_stop(void)
{
        centre_close(&bytes.centre, BYTES_IRQ);
}

/* Whether the connection can be made shows later: the channel ends if it cannot. */
bool bytes_open(const char *endpoint)
{
        const struct channel_buffers buffers = {receive_buffer, sizeof receive_buffer, send_buffer, sizeof send_buffer};
        changed = false;
        return channels_open(MV_CHANNELTYPE_OPAQUEBYTES, endpoint, &buffers, &bytes.centre, &bytes.channel);
}

void bytes_close(void)
{
        mvCloseChannel(&bytes.channel);
}

void bytes_wait(void)
{
        clock_wait(&changed);
}

enum MvStatus bytes_look(const uint8_t **ret_bytes, uint32_t *ret_len)
{
        uint8_t *first;
        enum MvStatus status = mvReadChannel(bytes.channel, &first, ret_len);
        if (status == MV_STATUS_OKAY)
                *ret_bytes = first;
        return status;
}

enum MvStatus bytes_used(uint32_t len)
{
        return mvReadChannelComplete(bytes.channel, len);
}

enum MvStatus bytes_write(const uint8_t *first, uint32_t len, uint32_t *ret_written)
{
        return mvWriteChannelStream(bytes.channel, first, len, ret_written);
}

enum MvClosureReason bytes_reason(void)
{
        enum MvClosureReason reason = MV_CLOSUREREASON_NONE;
        mvGetChannelClosureReason(bytes.channel, &reason);
        return reason;
}

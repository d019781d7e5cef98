#include "bytes.h"

#include <string.h>

#include "centre.h"
#include "log.h"
#include "network.h"

#define BYTES_IRQ TIM1_BRK_IRQn
#define BYTES_TAG 2

static struct {
        struct centre centre;
        MvChannelHandle channel;
} bytes;

/* Lent to Microvisor while a channel is open; what has come is read where it lies. */
static uint8_t send_buffer[1024] __attribute__((aligned(512)));
static uint8_t receive_buffer[1024] __attribute__((aligned(512)));

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
        enum MvStatus status = centre_open(&bytes.centre, BYTES_IRQ);
        if (status != MV_STATUS_OKAY)
                log_line("no notification centre for the channel: status 0x%02x", (unsigned)status);
        return status == MV_STATUS_OKAY;
}

void bytes_stop(void)
{
        centre_close(&bytes.centre, BYTES_IRQ);
}

/* Whether the connection can be made shows later: the channel ends if it cannot. */
bool bytes_open(const char *endpoint)
{
        const struct MvOpenChannelParams params = {
                .version = 1,
                .v1 =
                        {
                                .notification_handle = bytes.centre.handle,
                                .notification_tag = BYTES_TAG,
                                .network_handle = network_handle(),
                                .receive_buffer = receive_buffer,
                                .receive_buffer_len = sizeof receive_buffer,
                                .send_buffer = send_buffer,
                                .send_buffer_len = sizeof send_buffer,
                                .channel_type = MV_CHANNELTYPE_OPAQUEBYTES,
                                .endpoint = {.data = (const uint8_t *)endpoint, .length = (uint32_t)strlen(endpoint)},
                        },
        };
        changed = false;
        enum MvStatus status = mvOpenChannel(&params, &bytes.channel);
        if (status != MV_STATUS_OKAY)
                log_line("no channel to \"%s\" can be opened: status 0x%02x", endpoint, (unsigned)status);
        return status == MV_STATUS_OKAY;
}

void bytes_close(void)
{
        mvCloseChannel(&bytes.channel);
}

/* Masked while it looks: an event between the look and the sleep would be slept through. */
void bytes_wait(void)
{
        __disable_irq();
        while (!changed) {
                __WFI();
                __enable_irq();
                __ISB();
                __disable_irq();
        }
        changed = false;
        __enable_irq();
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

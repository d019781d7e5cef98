#include "channels.h"

#include <string.h>

#include "log.h"
#include "network.h"

#define CHANNEL_TAG 2

bool channels_open(enum MvChannelType type, const char *endpoint, const struct channel_buffers *buffers,
                   const struct centre *centre, MvChannelHandle *ret_channel)
{
        const struct MvOpenChannelParams params = {
                .version = 1,
                .v1 =
                        {
                                .notification_handle = centre->handle,
                                .notification_tag = CHANNEL_TAG,
                                .network_handle = network_handle(),
                                .receive_buffer = buffers->receive,
                                .receive_buffer_len = buffers->receive_len,
                                .send_buffer = buffers->send,
                                .send_buffer_len = buffers->send_len,
                                .channel_type = type,
                                .endpoint = {.data = (const uint8_t *)endpoint, .length = (uint32_t)strlen(endpoint)},
                        },
        };
        enum MvStatus status = mvOpenChannel(&params, ret_channel);
        if (status != MV_STATUS_OKAY)
                log_line("no channel can be opened: status 0x%02x", (unsigned)status);
        return status == MV_STATUS_OKAY;
}

/* Opening a channel on the network. */
#ifndef CHANNELS_H
#define CHANNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "centre.h"
#include "mv_syscalls.h"

#define CHANNEL_BUFFER __attribute__((aligned(512))) /* and a multiple of 512 bytes long */

/* They are Microvisor's as long as the channel is open. */
struct channel_buffers {
        uint8_t *receive;
        uint32_t receive_len;
        uint8_t *send;
        uint32_t send_len;
};

/* The channel's events go to the centre. False: it cannot be opened; the log says why. */
bool channels_open(enum MvChannelType type, const char *endpoint, const struct channel_buffers *buffers,
                   const struct centre *centre, MvChannelHandle *ret_channel);

#endif

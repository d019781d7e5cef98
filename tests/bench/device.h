/* The device that channels are measured on: a centre, the network, and what every channel is opened with. */
#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include "mv_syscalls.h"
#include "mvsim/mvsim.h"

/* Boots with the profile, and no wait that is the network's or of the simulator's own making; connected then. */
void bench_device_boot(const char *profile, enum mvsim_time_mode time);

/* A channel on these buffers. */
struct bench_buffers {
        uint8_t *receive;
        uint32_t receive_len;
        uint8_t *send;
        uint32_t send_len;
};
MvChannelHandle bench_channel_open(enum MvChannelType type, const char *endpoint, const struct bench_buffers *buffers);

/* How often the handler has run; and sleeping until that is another number. */
extern volatile unsigned bench_events;
void bench_wait_beyond(unsigned events);

struct MvSizedString bench_sized(const char *text);

#endif

/* The one channel that is open at a time, on the two static buffers, and what its notification centre hears of it. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "mv_syscalls.h"

/* Once, before the first channel. False: that cannot be done; the log says why. */
bool channel_start(void);
void channel_stop(void);

/* False: it cannot be opened; the log says why. */
bool channel_open(enum MvChannelType type);
void channel_close(void);
MvChannelHandle channel_handle(void);

/* Waits until there is something to read, or the channel is lost, or for so long. True: there is something to read; it
 * is told once. */
bool channel_wait_readable(uint32_t limit_ms);

/* Whether the channel has lost its connection. */
bool channel_is_lost(void);

#endif

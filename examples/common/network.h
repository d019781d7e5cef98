/* The network: asked for once, and waited for whenever it is away. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "mv_syscalls.h"

/* Asks for the network. False: that cannot be done; the log says why. */
bool network_start(void);

/* Gives it back. */
void network_stop(void);

/* What channels are opened on. */
MvNetworkHandle network_handle(void);

/* Sleeps until the device is connected; returns at once when it is. */
void network_wait(void);

/* Does nothing for so long, or until the network changes. */
void network_idle(uint32_t limit_ms);

#endif

/* What tests of several lives of an application do in each. Everything here fails the test when it does not work out.
 */
#ifndef MVT_LIFE_H
#define MVT_LIFE_H

#include <stdint.h>

#include "mv_syscalls.h"

/* Requests the network and releases it, so that Microvisor has no reason to be connected, and waits for that. */
void mvt_network_turn_off(void);

/* For mvsim_catch(): a life that restarts itself; one that turns the network off and sleeps deeply. */
void mvt_life_restarts(void *unused);
void mvt_life_sleeps(void *mode); /* enum MvDeepSleepMode * */

/* A life that falls asleep, which is caught. */
void mvt_fall_asleep(enum MvDeepSleepMode mode);

enum MvWakeReason mvt_wake_reason(void);

/* The first byte of the external flash; `value` is programmed then. */
uint8_t mvt_use_flash(uint8_t value);

#endif

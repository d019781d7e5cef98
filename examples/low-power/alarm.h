/* The alarm that ends deep sleep: the wake-up timer of the real-time clock. */
#ifndef ALARM_H
#define ALARM_H

#include <stdbool.h>
#include <stdint.h>

/* Goes off in so many seconds, 1 to 65536. False: it could not be set. */
bool alarm_set(uint32_t seconds);

#endif

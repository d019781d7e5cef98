/*
 * Measurements that wait to be sent, in the external flash: deep sleep loses all memory, and the flash does not. One
 * sector, filled from its beginning; an erased slot ends it.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stdint.h>

struct measurement {
        uint64_t microseconds; /* of the device's clock, which goes on over deep sleep */
        int32_t value;
        uint32_t number; /* since the store was emptied, from 0 on; all ones: an erased slot */
};

/* False: there is no flash, or no room; nothing is stored. */
bool store_add(uint64_t microseconds, int32_t value);

/* The measurement of that number; false: there is none. */
bool store_get(uint32_t number, struct measurement *ret_measurement);

/* How many there are. */
uint32_t store_count(void);

void store_clear(void);

#endif

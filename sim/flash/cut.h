/* What a NOR flash is left with when its power fails in the middle of an operation. */
#ifndef MVS_FLASH_CUT_H
#define MVS_FLASH_CUT_H

#include <stddef.h>
#include <stdint.h>

#include "sim/random.h"

/* `bytes` were to be programmed to `wanted`, which has no bit set that they have not: of the bits to clear, some are.
 */
void mvs_flash_cut_program(struct mvs_random *random, uint8_t *bytes, const uint8_t *wanted, size_t len);

/* A sector was to be erased. Chips clear all bits first, so that what is left may be neither the old bytes nor 0xFF. */
void mvs_flash_cut_erase(struct mvs_random *random, uint8_t *bytes, size_t len);

#endif

/* Whole numbers as users write them, in profiles and on the command line. */
#ifndef MVS_PROFILE_NUMBER_H
#define MVS_PROFILE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads an unsigned number: decimal without leading zeros, or hexadecimal after 0x. Nothing may stand around it.
 * Returns false, and leaves *ret alone, for anything else and for what does not fit 64 bits.
 */
bool mvs_parse_u64(const char *text, uint64_t *ret) __attribute__((warn_unused_result));

#endif

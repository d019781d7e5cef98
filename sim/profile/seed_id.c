#include "sim/profile/seed_id.h"

#include <inttypes.h>
#include <stdio.h>

#include "sim/profile/profile.h"

/* SplitMix64: neighbouring seeds give ids that share nothing. */
static uint64_t scramble(uint64_t *state)
{
        uint64_t z = *state += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
}

void mvs_profile_seed_id(uint64_t seed, char *ret_id)
{
        uint64_t state = seed;
        uint64_t high = scramble(&state);
        uint64_t low = scramble(&state);
        snprintf(ret_id, MVS_DEVICE_ID_LEN + 1, "UV%016" PRIx64 "%016" PRIx64, high, low);
}

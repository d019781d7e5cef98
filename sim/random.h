/* The device's seeded generator: the source of everything random, so that a seed gives the same run again. */
#ifndef MVS_RANDOM_H
#define MVS_RANDOM_H

#include <stdint.h>

struct mvs_random {
        uint64_t state;
};

static inline void mvs_random_init(struct mvs_random *random, uint64_t seed)
{
        random->state = seed;
}

/* SplitMix64: passes the usual tests, one word of state, every seed is a good one. */
static inline uint64_t mvs_random_next(struct mvs_random *random)
{
        uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

#endif

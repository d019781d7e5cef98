/* The device id that a device has when its profile names none. */
#ifndef MVS_PROFILE_SEED_ID_H
#define MVS_PROFILE_SEED_ID_H

#include <stdint.h>

/* Writes MVS_DEVICE_ID_LEN characters and a zero. The same seed always gives the same id. */
void mvs_profile_seed_id(uint64_t seed, char *ret_id);

#endif

/* The Wi-Fi settings: the profile's, until the application stores others, which outlive its restarts. Device lock held.
 */
#ifndef MVS_WIFI_H
#define MVS_WIFI_H

#include "mvsim/mvsim.h"
#include "src/call.h"

struct mvs_device;

/* Both places are never written at once: where the application dies half-way, the settings of before are still there.
 */
struct mvs_wifi_kept {
        uint32_t current; /* 0: as in the profile; else the settings are in places[current - 1] */
        struct mvsim_wifi places[2];
};

struct mvs_wifi {
        struct mvs_wifi_kept *kept; /* NULL: as in the profile */
};

/* Takes over what an earlier life of the application has stored. 0 or a negative errno, with a message. */
int mvs_wifi_init(struct mvs_device *device) __attribute__((warn_unused_result));
void mvs_wifi_finish(struct mvs_device *device);

/* What is stored at present. */
void mvs_wifi_get(const struct mvs_device *device, struct mvsim_wifi *ret);

/* The fields of the two calls' structures. */
enum MvStatus mvs_wifi_check_config(struct mvs_call *call, const struct MvWifiConfig *config)
        __attribute__((warn_unused_result));
enum MvStatus mvs_wifi_check_out(struct mvs_call *call, const struct MvWifiConfigOut *out)
        __attribute__((warn_unused_result));

#endif

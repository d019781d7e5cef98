/* Which broker stands in for the one the application names (mqtt.rewrite). */
#ifndef MVS_LINK_MQTT_TARGET_H
#define MVS_LINK_MQTT_TARGET_H

#include "sim/link/mqtt.h"
#include "sim/profile/host_port.h"
#include "sim/profile/profile.h"

struct mvs_mqtt_place {
        char asked[MVS_HOST_SIZE]; /* the application's host */
        struct mvs_host_port to;   /* where to connect to: what it asked for, or the stand-in */
        bool plain;                /* without TLS */
        bool rewritten;
};

#define MVS_MQTT_SHOWN_SIZE 640

/* The first rule for the host, whatever its case, and port. False: the host cannot be one. */
bool mvs_mqtt_target_find(const struct mvs_profile_mqtt *profile, const struct mvs_bytes *host, uint16_t port,
                          struct mvs_mqtt_place *ret);

/* The broker as a message names it: "mqtt://HOST:PORT", and what it stands in for. */
void mvs_mqtt_target_show(const struct mvs_profile_mqtt *profile, const struct mvs_bytes *host, uint16_t port,
                          char ret[MVS_MQTT_SHOWN_SIZE]);

#endif

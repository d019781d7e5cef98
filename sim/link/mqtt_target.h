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

/* The first rule for the request's host, whatever its case, and port. False: the host cannot be one. */
bool mvs_mqtt_target_find(const struct mvs_profile_mqtt *profile, const struct mvs_mqtt_connect *request,
                          struct mvs_mqtt_place *ret);

#endif

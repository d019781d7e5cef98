/* How libmosquitto is made to connect. Private to sim/link/mosquitto. */
#ifndef MVS_LINK_MOSQUITTO_CONNECT_H
#define MVS_LINK_MOSQUITTO_CONNECT_H

#include "sim/link/mosquitto/client.h"

/* A client of libmosquitto's with all that client->login says but where to connect to. NULL when memory is short. */
struct mosquitto *mvs_mqtt_connect_make(struct mvs_mqtt_client *client) __attribute__((warn_unused_result));

/* Begins to connect to the address; does not block. What libmosquitto says. */
int mvs_mqtt_connect_start(struct mvs_mqtt_client *client, const char *address) __attribute__((warn_unused_result));

#endif

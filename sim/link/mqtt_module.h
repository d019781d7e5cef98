/*
 * What stands between the library and mvsim-mqtt.so, the private module that speaks MQTT with libmosquitto and OpenSSL.
 * Its one export, mvs_mqtt_module(), returns the table of its operations.
 *
 * All operations are called on the link thread, with no lock held, and never from within `item`.
 */
#ifndef MVS_LINK_MQTT_MODULE_H
#define MVS_LINK_MQTT_MODULE_H

#include <stddef.h>
#include <uv.h>

#include "sim/link/mqtt.h"
#include "sim/link/resolve.h"

#define MVS_MQTT_MODULE_FILE   "mvsim-mqtt.so"
#define MVS_MQTT_MODULE_SYMBOL "mvs_mqtt_module"
#define MVS_MQTT_MODULE_ABI    6 /* changes with anything in this file or in the structures of mqtt.h */

struct mvs_mqtt_client; /* the module's: one connection */

/* Where to connect to. Stays where it is until the client is dropped. */
struct mvs_mqtt_target {
        struct mvs_addresses addresses; /* to be tried one after the other */
        const char *name[2];            /* whose certificate the broker may show; the second may be NULL */
        uint16_t port;
        bool plain;          /* no TLS */
        const char *ca_file; /* PEM, for requests without certificates of their own; NULL: the host's bundle */
};

/* One session. Made by the library. */
struct mvs_mqtt_session {
        uv_loop_t *loop;
        struct mvs_mqtt_target target;
        struct mvs_mqtt_client **aside; /* the module's: dropped clients whose session the broker keeps */
        /* An item for the application, which becomes the callee's. From the loop, or from within request(). */
        void (*item)(struct mvs_mqtt_session *session, struct mvs_mqtt_item *item);
};

struct mvs_mqtt_module_ops {
        unsigned abi; /* MVS_MQTT_MODULE_ABI */
        /* Begins to connect. Does not block. NULL when memory is short. The request is the module's in every case. */
        struct mvs_mqtt_client *(*connect)(struct mvs_mqtt_session *session, struct mvs_mqtt_request *request);
        /* Carries out any other request, which becomes the module's; when the connection is over, it is answered so. */
        void (*request)(struct mvs_mqtt_client *client, struct mvs_mqtt_request *request);
        /* No further request comes for now: what was put off until then is done. */
        void (*settle)(struct mvs_mqtt_client *client);
        /* Drops the connection, whatever its state; what it has in the loop closes in the loop's next rounds. */
        void (*drop)(struct mvs_mqtt_client *client);
        /* Frees those that are set aside; what they have in the loop closes likewise. */
        void (*end)(struct mvs_mqtt_client **aside);
};

typedef const void *mvs_mqtt_module_fn(void); /* a struct mvs_mqtt_module_ops */

#endif

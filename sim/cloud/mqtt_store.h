/*
 * What the cloud keeps of a broker's messages until the application has acknowledged them (decision 30): messages of
 * QoS 1 and 2, by broker and client id. It is kept when the application starts again (sim/kept.h).
 *
 * A ring of records, of a fixed size: where it is full, the oldest go. Device lock held.
 */
#ifndef MVS_CLOUD_MQTT_STORE_H
#define MVS_CLOUD_MQTT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/kept.h"
#include "sim/link/mqtt.h"

struct mvs_mqtt_ring;

struct mvs_mqtt_store {
        struct mvs_kept *kept;
        struct mvs_mqtt_ring *ring; /* mapped when it is first needed */
};

void mvs_mqtt_store_init(struct mvs_mqtt_store *store, struct mvs_kept *kept);
void mvs_mqtt_store_finish(struct mvs_mqtt_store *store);

/* Keeps the message that `channel` was given with this correlation id; `owner` names broker and client. */
void mvs_mqtt_store_add(struct mvs_mqtt_store *store, const struct mvs_bytes *owner, uint32_t channel,
                        const struct mvs_mqtt_item *item);

/* The message was acknowledged. False when there is none that the channel was given with this id. */
bool mvs_mqtt_store_remove(struct mvs_mqtt_store *store, uint32_t channel, uint32_t correlation_id);

/* The oldest of the owner's messages that another channel was given than `channel`, taken out; NULL: there is none. */
struct mvs_mqtt_item *mvs_mqtt_store_take(struct mvs_mqtt_store *store, const struct mvs_bytes *owner, uint32_t channel)
        __attribute__((warn_unused_result));

/* The owner's session is forgotten. */
void mvs_mqtt_store_forget(struct mvs_mqtt_store *store, const struct mvs_bytes *owner);

#endif

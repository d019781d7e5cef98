/*
 * Handles: 32-bit, non-zero values that stand for objects of Microvisor.
 *
 * A handle is 24 bits of serial and 8 bits of slot. A slot's serial starts at random and moves on with every use, so
 * that no value comes back before the device restarts and a stale one is recognised (decision 5). Device lock held.
 */
#ifndef MVS_HANDLES_H
#define MVS_HANDLES_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/random.h"

#define MVS_HANDLES_MAX 255

enum mvs_object_kind {
        MVS_OBJECT_NONE,
        MVS_OBJECT_NOTIFICATION,
        MVS_OBJECT_NETWORK,
        MVS_OBJECT_CHANNEL, /* of whatever type */
        MVS_OBJECT_OPAQUE_CHANNEL,
        MVS_OBJECT_MQTT_CHANNEL,
        MVS_OBJECT_HTTP_CHANNEL,
        MVS_OBJECT_CONFIG_CHANNEL,
        MVS_OBJECT_PAST_CHANNEL, /* of whatever type, open or closed by the application (decision 19) */
        MVS_OBJECT_SYSTEM_EVENT,
        MVS_OBJECT_FLASH,
};

/* Stands first in every kernel object. */
struct mvs_object {
        uint32_t handle;
        enum mvs_object_kind kind;
};

struct mvs_handles {
        struct mvs_object *objects[MVS_HANDLES_MAX + 1];
        uint32_t serial[MVS_HANDLES_MAX + 1];
        unsigned open;
};

void mvs_handles_init(struct mvs_handles *handles, struct mvs_random *random);

/* Gives the object a handle. False when no slot is free, which the limits of the kinds rule out. */
bool mvs_handles_add(struct mvs_handles *handles, struct mvs_object *object, enum mvs_object_kind kind)
        __attribute__((warn_unused_result));
void mvs_handles_remove(struct mvs_handles *handles, struct mvs_object *object);

/* The structure in which the object stands first, or NULL for zero, a stale value, or another kind.
 * MVS_OBJECT_CHANNEL and MVS_OBJECT_PAST_CHANNEL find open channels of every type. */
void *mvs_handles_find(const struct mvs_handles *handles, uintptr_t handle, enum mvs_object_kind kind);

/* "an HTTP channel", for messages. */
const char *mvs_object_kind_name(enum mvs_object_kind kind);

#endif

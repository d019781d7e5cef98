#include "src/handles.h"

#include <stddef.h>

#define SLOT_BITS   8U
#define SLOT_MASK   0xffU
#define SERIAL_MASK 0xffffffU

void mvs_handles_init(struct mvs_handles *handles, struct mvs_random *random)
{
        *handles = (struct mvs_handles){0};
        for (unsigned slot = 0; slot <= MVS_HANDLES_MAX; slot++)
                handles->serial[slot] = (uint32_t)mvs_random_next(random) & SERIAL_MASK;
}

/* An odd step visits all 2^24 serials before one comes back; only a handle of zero is left out. */
static uint32_t next_handle(struct mvs_handles *handles, unsigned slot)
{
        uint32_t handle;
        do {
                handles->serial[slot] = (handles->serial[slot] + 0x9e3779U) & SERIAL_MASK;
                handle = handles->serial[slot] << SLOT_BITS | slot;
        } while (handle == 0);
        return handle;
}

bool mvs_handles_add(struct mvs_handles *handles, struct mvs_object *object, enum mvs_object_kind kind)
{
        for (unsigned slot = 0; slot <= MVS_HANDLES_MAX; slot++) {
                if (handles->objects[slot])
                        continue;
                object->kind = kind;
                object->handle = next_handle(handles, slot);
                handles->objects[slot] = object;
                handles->open++;
                return true;
        }
        return false;
}

void mvs_handles_remove(struct mvs_handles *handles, struct mvs_object *object)
{
        handles->objects[object->handle & SLOT_MASK] = NULL;
        handles->open--;
        *object = (struct mvs_object){0};
}

static bool is_channel(enum mvs_object_kind kind)
{
        return kind >= MVS_OBJECT_CHANNEL && kind <= MVS_OBJECT_CONFIG_CHANNEL;
}

void *mvs_handles_find(const struct mvs_handles *handles, uintptr_t handle, enum mvs_object_kind kind)
{
        struct mvs_object *object = handles->objects[handle & SLOT_MASK];
        if (!object || object->handle != handle)
                return NULL;
        bool any_channel = kind == MVS_OBJECT_CHANNEL || kind == MVS_OBJECT_PAST_CHANNEL;
        return object->kind == kind || (any_channel && is_channel(object->kind)) ? object : NULL;
}

const char *mvs_object_kind_name(enum mvs_object_kind kind)
{
        static const char *const names[] = {
                [MVS_OBJECT_NONE] = "nothing",
                [MVS_OBJECT_NOTIFICATION] = "a notification centre",
                [MVS_OBJECT_NETWORK] = "a network request",
                [MVS_OBJECT_CHANNEL] = "a channel",
                [MVS_OBJECT_OPAQUE_CHANNEL] = "an opaque channel",
                [MVS_OBJECT_MQTT_CHANNEL] = "an MQTT channel",
                [MVS_OBJECT_HTTP_CHANNEL] = "an HTTP channel",
                [MVS_OBJECT_CONFIG_CHANNEL] = "a configuration channel",
                [MVS_OBJECT_PAST_CHANNEL] = "a channel",
                [MVS_OBJECT_SYSTEM_EVENT] = "a system event stream",
                [MVS_OBJECT_FLASH] = "an external flash handle",
        };
        return names[kind];
}

/* Copying a request with all that it points to: count and look first, then one allocation, then the bytes. */
#include <inttypes.h>
#include <stdlib.h>

#include "src/channel.h"
#include "src/device.h"

#define FIXED      16U /* bytes of the send buffer, as for HTTP (decision 22) */
#define PER_STRING 4U

enum MvStatus mvs_mqtt_fetch(struct mvs_call *call, const char *field, void *ret_bytes, const void *address, size_t len)
{
        if (!mvs_arg_access(call, MV_STATUS_LATEFAULT, field, address, len, MVS_READ))
                return MV_STATUS_LATEFAULT;
        if (mvs_copy_from_app(ret_bytes, (uintptr_t)address, len))
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_LATEFAULT, field, "%p: the memory was unmapped meanwhile", address);
}

enum MvStatus mvs_mqtt_measure(struct mvs_mqtt_copy *copy, const char *field, const struct MvSizedString *string)
{
        if (!mvs_arg_access(copy->call, MV_STATUS_LATEFAULT, field, string->data, string->length, MVS_READ))
                return MV_STATUS_LATEFAULT;
        copy->size += PER_STRING + (size_t)string->length;
        copy->memory += (size_t)string->length + 1;
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_mqtt_allocate(struct mvs_mqtt_copy *copy, enum mvs_mqtt_kind kind)
{
        const struct mvs_channel *channel = copy->call->object;
        copy->size += FIXED;
        if (copy->size > channel->send_len)
                return mvs_reject(copy->call, MV_STATUS_INVALIDBUFFERSIZE, NULL,
                                  "the request takes %zu bytes and the send buffer has %" PRIu32
                                  " (nothing was sent; shorten it, or open a channel with a larger send buffer)",
                                  copy->size, channel->send_len);
        copy->request = calloc(1, sizeof *copy->request + copy->memory);
        if (!copy->request)
                return mvs_reject(copy->call, MV_STATUS_INVALIDBUFFERSIZE, NULL, "the host is out of memory");
        copy->request->kind = kind;
        return MV_STATUS_OKAY;
}

/* The byte behind each string is 0 from the start. */
enum MvStatus mvs_mqtt_take(struct mvs_mqtt_copy *copy, const char *field, const struct MvSizedString *string,
                            struct mvs_bytes *ret)
{
        uint8_t *bytes = copy->request->memory + copy->used;
        *ret = (struct mvs_bytes){bytes, string->length};
        copy->used += (size_t)string->length + 1;
        if (mvs_copy_from_app(bytes, (uintptr_t)string->data, string->length))
                return MV_STATUS_OKAY;
        return mvs_reject(copy->call, MV_STATUS_LATEFAULT, field, "%p: the memory was unmapped meanwhile",
                          (const void *)string->data);
}

enum MvStatus mvs_mqtt_give_up(struct mvs_mqtt_copy *copy, enum MvStatus status)
{
        free(copy->request);
        if (status == MV_STATUS_LATEFAULT)
                mvs_channel_terminate(copy->call->object, MV_CLOSUREREASON_CONNECTIONTERMINATED);
        return status;
}

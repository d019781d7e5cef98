/* The four calls of opaque channels. */
#include <inttypes.h>

#include "src/channel.h"
#include "src/device.h"
#include "src/pair.h"

#define FUTILE_MAX 1000U   /* writes in a row without room ... */
#define FUTILE_US  100000U /* ... in so short a time: one in 100 us */

/* ---- reading ---- */

enum MvStatus mvs_check_mvReadChannel(struct mvs_call *call, MvChannelHandle handle, uint8_t **read_pointer_out,
                                      uint32_t *length_out)
{
        (void)handle;
        (void)read_pointer_out;
        (void)length_out;
        return mvs_channel_check_alive(call, call->object);
}

enum MvStatus mvs_do_mvReadChannel(struct mvs_call *call, MvChannelHandle handle, uint8_t **read_pointer_out,
                                   uint32_t *length_out)
{
        (void)handle;
        uintptr_t address;
        uint32_t len = mvs_opaque_look(call->object, &address);
        enum MvStatus status = mvs_put(call, "read_pointer_out", read_pointer_out, &address, sizeof address);
        return status == MV_STATUS_OKAY ? mvs_put(call, "length_out", length_out, &len, sizeof len) : status;
}

enum MvStatus mvs_check_mvReadChannelComplete(struct mvs_call *call, MvChannelHandle handle, uint32_t consumed)
{
        (void)handle;
        (void)consumed;
        return mvs_channel_check_alive(call, call->object);
}

enum MvStatus mvs_do_mvReadChannelComplete(struct mvs_call *call, MvChannelHandle handle, uint32_t consumed)
{
        (void)handle;
        struct mvs_channel *channel = call->object;
        uint32_t unread = channel->opaque.unread;
        if (consumed > unread)
                mvs_lint_found(call->device, MVS_LINT_complete_too_much, channel->tag,
                               "mvReadChannelComplete was told that %" PRIu32 " bytes of the channel 0x%08" PRIx32
                               " (tag %" PRIu32 ") are consumed, and %" PRIu32
                               " were there: all are gone, perhaps some that were never looked at (give back as many "
                               "as mvReadChannel showed, or fewer)",
                               consumed, channel->object.handle, channel->tag, unread);
        mvs_opaque_consume(channel, consumed < unread ? consumed : unread);
        return MV_STATUS_OKAY;
}

/* ---- writing ---- */

/* A write has found no room at all, once more. */
static void count_futile(struct mvs_call *call, struct mvs_channel *channel)
{
        struct mvs_opaque *opaque = &channel->opaque;
        uint64_t now = mvs_machine_now(&call->device->machine);
        if (opaque->futile++ == 0)
                opaque->futile_us = now;
        if (opaque->futile < FUTILE_MAX)
                return;
        if (now - opaque->futile_us < FUTILE_US)
                mvs_lint_found(call->device, MVS_LINT_write_spin, channel->object.handle,
                               "%s was called %u times in %" PRIu64
                               " us while the send buffer of the channel 0x%08" PRIx32 " (tag %" PRIu32
                               ") was full (wait for CHANNELDATAWRITESPACE, which comes when there is room again)",
                               call->desc->name, opaque->futile, now - opaque->futile_us, channel->object.handle,
                               channel->tag);
        opaque->futile = 0;
}

static enum MvStatus write_bytes(struct mvs_call *call, const uint8_t *data, uint32_t len)
{
        struct mvs_channel *channel = call->object;
        if (!mvs_stream_write(channel->opaque.stream, (uintptr_t)data, len))
                return mvs_reject(call, MV_STATUS_PARAMETERFAULT, "data", "%p: the memory was unmapped meanwhile",
                                  (const void *)data);
        mvs_opaque_wrote(channel, len);
        return MV_STATUS_OKAY;
}

/* The count, when the bytes are on their way already. */
static enum MvStatus put_count(struct mvs_call *call, const char *field, uint32_t *address, uint32_t count)
{
        if (mvs_copy_to_app((uintptr_t)address, &count, sizeof count))
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_LATEFAULT, field,
                          "%p cannot be written, which was found when the bytes had been taken", (const void *)address);
}

enum MvStatus mvs_check_mvWriteChannelStream(struct mvs_call *call, MvChannelHandle handle, const uint8_t *data,
                                             uint32_t len, uint32_t *written)
{
        (void)handle;
        (void)data;
        (void)len;
        (void)written;
        return mvs_channel_check_alive(call, call->object);
}

enum MvStatus mvs_do_mvWriteChannelStream(struct mvs_call *call, MvChannelHandle handle, const uint8_t *data,
                                          uint32_t len, uint32_t *written)
{
        (void)handle;
        struct mvs_channel *channel = call->object;
        size_t room = mvs_stream_room(channel->opaque.stream);
        uint32_t taken = len < room ? len : (uint32_t)room;
        enum MvStatus status = write_bytes(call, data, taken);
        if (status != MV_STATUS_OKAY)
                return status;
        if (taken < len)
                mvs_opaque_want_space(channel, room - taken);
        if (taken == 0 && len > 0)
                count_futile(call, channel);
        return put_count(call, "written", written, taken);
}

enum MvStatus mvs_check_mvWriteChannel(struct mvs_call *call, MvChannelHandle handle, const uint8_t *data, uint32_t len,
                                       uint32_t *available)
{
        (void)handle;
        (void)data;
        (void)len;
        (void)available;
        return mvs_channel_check_alive(call, call->object);
}

enum MvStatus mvs_do_mvWriteChannel(struct mvs_call *call, MvChannelHandle handle, const uint8_t *data, uint32_t len,
                                    uint32_t *available)
{
        (void)handle;
        struct mvs_channel *channel = call->object;
        size_t room = mvs_stream_room(channel->opaque.stream);
        if (len > room) {
                mvs_opaque_want_space(channel, room);
                count_futile(call, channel);
                return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, "len",
                                  "is %" PRIu32 ", and there is room for %zu bytes of %" PRIu32 " (%s)", len, room,
                                  channel->send_len,
                                  len > channel->send_len ? "open the channel with a larger send buffer, or write less"
                                                          : "wait for CHANNELDATAWRITESPACE, or write less");
        }
        enum MvStatus status = write_bytes(call, data, len);
        if (status != MV_STATUS_OKAY)
                return status;
        return put_count(call, "available", available, (uint32_t)(room - len));
}

/* Opaque channels: what opening begins, what comes from the link, and when the application is told. */
#include "src/opaque.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "sim/diag.h"
#include "src/device.h"

/* ---- events ---- */

/*
 * READABLE is owed when bytes come and when a part of them was used up, unless one is on its way or posted that the
 * application has not answered with a look. So there is at most one for each look: no byte stays unheard of, and no
 * look calls forth the next event.
 */
static void due(struct mvs_channel *channel)
{
        struct mvs_opaque *opaque = &channel->opaque;
        bool tells = opaque->owes_told && opaque->unread > 0;
        bool space = opaque->owes_space;
        opaque->owes_told = opaque->owes_space = false;
        opaque->told |= tells;
        if (tells)
                mvs_channel_post(channel, MV_EVENTTYPE_CHANNELDATAREADABLE);
        if (space)
                mvs_channel_post(channel, MV_EVENTTYPE_CHANNELDATAWRITESPACE);
}

/* Not within a call, nor so soon after one that an application which prepares itself afterwards would miss it. Virtual
 * time stands still now, so a moment later means at the application's next call or wait. */
static void announce(struct mvs_channel *channel)
{
        struct mvs_machine *machine = &channel->device->machine;
        uint64_t now_us = mvs_machine_now(machine);
        uint64_t due_us = channel->opaque.quiet_us;
        if (due_us <= now_us && machine->timeline.mode == MVS_TIME_VIRTUAL)
                due_us = now_us + 1;
        if (due_us <= now_us)
                due(channel);
        else if (!channel->timer.armed)
                mvs_timeline_arm(&machine->timeline, &channel->timer, due_us);
}

static void owe_readable(struct mvs_channel *channel)
{
        struct mvs_opaque *opaque = &channel->opaque;
        if (opaque->told || opaque->owes_told || opaque->unread == 0)
                return;
        opaque->owes_told = true;
        announce(channel);
}

/* Bytes may come until the peer has ended it, room while it is waited for. */
static void update_listening(struct mvs_channel *channel)
{
        struct mvs_opaque *opaque = &channel->opaque;
        struct mvs_timeline *timeline = &channel->device->machine.timeline;
        bool listens = opaque->stream && (!opaque->ended || opaque->wants_space);
        if (listens && !opaque->listening)
                mvs_timeline_listen_begin(timeline);
        else if (!listens && opaque->listening)
                mvs_timeline_listen_end(timeline);
        opaque->listening = listens;
}

static void owe_space(struct mvs_channel *channel)
{
        channel->opaque.wants_space = false;
        channel->opaque.owes_space = true;
        update_listening(channel);
        announce(channel);
}

static void called(struct mvs_channel *channel)
{
        const struct mvs_machine *machine = &channel->device->machine;
        channel->opaque.quiet_us = mvs_machine_now(machine) + machine->profile.time.completion_us;
}

/* ---- virtual time follows the host's where an answer may be on its way ---- */

static void on_no_answer(struct mvs_timer *timer)
{
        void *opaque = (char *)timer - offsetof(struct mvs_opaque, answer);
        struct mvs_channel *channel = (void *)((char *)opaque - offsetof(struct mvs_channel, opaque));
        mvs_timeline_outside_end(&channel->device->machine.timeline);
}

static void end_following(struct mvs_channel *channel)
{
        struct mvs_timeline *timeline = &channel->device->machine.timeline;
        if (!channel->opaque.answer.armed)
                return;
        mvs_timeline_disarm(timeline, &channel->opaque.answer);
        mvs_timeline_outside_end(timeline);
}

static void follow_for(struct mvs_channel *channel, uint64_t us)
{
        struct mvs_timeline *timeline = &channel->device->machine.timeline;
        if (timeline->mode == MVS_TIME_REAL || us == 0)
                return;
        if (!channel->opaque.answer.armed)
                mvs_timeline_outside_begin(timeline);
        mvs_timeline_arm(timeline, &channel->opaque.answer, mvs_timeline_now(timeline) + us);
}

static uint64_t answer_us(const struct mvs_channel *channel)
{
        return channel->device->machine.profile.opaque.answer_ms * UINT64_C(1000);
}

/* ---- what comes from the link, on its thread ---- */

static struct mvs_channel *lock_channel(struct mvs_device *device, uint32_t id)
{
        mvs_machine_lock(&device->machine);
        struct mvs_channel *channel = mvs_handles_find(&device->handles, id, MVS_OBJECT_OPAQUE_CHANNEL);
        return channel && channel->opaque.stream ? channel : NULL;
}

static void unlock(struct mvs_device *device)
{
        mvs_link_tell(device->machine.link);
        mvs_machine_unlock(&device->machine);
}

static void end_connecting(struct mvs_channel *channel)
{
        if (channel->opaque.connecting)
                mvs_timeline_outside_end(&channel->device->machine.timeline);
        channel->opaque.connecting = false;
}

static void on_connected(void *context, uint32_t id)
{
        struct mvs_device *device = context;
        struct mvs_channel *channel = lock_channel(device, id);
        if (channel) {
                channel->reason = MV_CLOSUREREASON_NONE;
                mvs_trace(&device->machine, MVS_EVENT_OPENED, MVS_HEX("channel", id));
                if (channel->opaque.out > 0)
                        follow_for(channel, answer_us(channel));
                end_connecting(channel);
                mvs_timeline_run(&device->machine.timeline);
        }
        unlock(device);
}

/* The ring is in memory that the application may have unmapped. */
static bool put_into_ring(const struct mvs_channel *channel, const char *bytes, size_t len)
{
        size_t at = ((size_t)channel->opaque.head + channel->opaque.unread) % channel->receive_len;
        size_t first = channel->receive_len - at < len ? channel->receive_len - at : len;
        return mvs_copy_to_app(channel->receive_buffer + at, bytes, first) &&
               mvs_copy_to_app(channel->receive_buffer, bytes + first, len - first);
}

/* So many bytes are in the ring behind those that were. */
static void count_bytes(struct mvs_channel *channel, size_t len)
{
        channel->opaque.unread += (uint32_t)len;
        channel->opaque.in += len;
        mvs_trace(&channel->device->machine, MVS_EVENT_RECEIVED, MVS_HEX("channel", channel->object.handle),
                  MVS_NUMBER("bytes", len));
        follow_for(channel, answer_us(channel) / 10); /* more of it may follow */
        owe_readable(channel);
}

static void take_bytes(struct mvs_channel *channel, const char *bytes, size_t len)
{
        if (!put_into_ring(channel, bytes, len)) {
                mvs_diag(MVS_LOG_WARNING,
                         "the receive buffer of the channel 0x%08" PRIx32
                         " cannot be written: its memory was unmapped or protected while it was lent",
                         channel->object.handle);
                mvs_channel_break(channel, MV_CLOSUREREASON_CONNECTIONTERMINATED);
                return;
        }
        count_bytes(channel, len);
}

static void on_received(void *context, uint32_t id, const void *bytes, size_t len)
{
        struct mvs_device *device = context;
        struct mvs_channel *channel = lock_channel(device, id);
        if (channel)
                take_bytes(channel, bytes, len);
        unlock(device);
}

static void on_room(void *context, uint32_t id)
{
        struct mvs_device *device = context;
        struct mvs_channel *channel = lock_channel(device, id);
        if (channel)
                owe_space(channel);
        unlock(device);
}

/* The peer's orderly end comes after the bytes that it sent before. */
static void end_in_order(struct mvs_channel *channel)
{
        if (channel->opaque.unread == 0)
                mvs_channel_break(channel, MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER);
}

static enum MvClosureReason reason_of(enum mvs_stream_end how)
{
        switch (how) {
        case MVS_STREAM_NEVER: return MV_CLOSUREREASON_NOTYETOPEN;
        case MVS_STREAM_CLOSED: return MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER;
        case MVS_STREAM_RESET: return MV_CLOSUREREASON_CHANNELRESETBYSERVER;
        case MVS_STREAM_FAILED: return MV_CLOSUREREASON_CONNECTIONTERMINATED;
        default: return MV_CLOSUREREASON_UNEXPECTEDLYTERMINATED;
        }
}

static void take_end(struct mvs_channel *channel, enum mvs_stream_end how, const char *detail)
{
        struct mvs_machine *machine = &channel->device->machine;
        mvs_trace(machine, MVS_EVENT_ENDED, MVS_HEX("channel", channel->object.handle),
                  MVS_NUMBER("reason", reason_of(how)), MVS_NUMBER("unread", channel->opaque.unread));
        if (how == MVS_STREAM_CLOSED) {
                channel->opaque.ended = true;
                update_listening(channel);
                end_in_order(channel);
                return;
        }
        mvs_diag(MVS_LOG_WARNING, "the channel 0x%08" PRIx32 " to the endpoint \"%s\" (%s) has ended: %s",
                 channel->object.handle, channel->opaque.endpoint->key, channel->opaque.endpoint->value, detail);
        mvs_channel_break(channel, reason_of(how));
}

static void on_ended(void *context, uint32_t id, enum mvs_stream_end how, const char *detail)
{
        struct mvs_device *device = context;
        struct mvs_channel *channel = lock_channel(device, id);
        if (channel)
                take_end(channel, how, detail);
        unlock(device);
}

/* ---- for the calls ---- */

uint32_t mvs_opaque_look(struct mvs_channel *channel, uintptr_t *ret_address)
{
        struct mvs_opaque *opaque = &channel->opaque;
        uint32_t together = channel->receive_len - opaque->head;
        uint32_t len = opaque->unread < together ? opaque->unread : together;
        opaque->told = opaque->owes_told = false;
        *ret_address = len > 0 ? channel->receive_buffer + opaque->head : 0;
        return len;
}

/* The ring was full, so there may be more. */
static void refill(struct mvs_channel *channel)
{
        const struct mvs_opaque *opaque = &channel->opaque;
        size_t got, len;
        do {
                size_t at = ((size_t)opaque->head + opaque->unread) % channel->receive_len;
                len = channel->receive_len - opaque->unread;
                if (len > channel->receive_len - at)
                        len = channel->receive_len - at;
                got = len > 0 ? mvs_stream_fetch(opaque->stream, channel->receive_buffer + at, len) : 0;
                if (got > 0)
                        count_bytes(channel, got);
        } while (got > 0 && got == len);
        mvs_stream_resume(opaque->stream);
}

void mvs_opaque_consume(struct mvs_channel *channel, uint32_t len)
{
        struct mvs_opaque *opaque = &channel->opaque;
        if (len == 0)
                return;
        called(channel);
        opaque->head = (uint32_t)(((size_t)opaque->head + len) % channel->receive_len);
        opaque->unread -= len;
        if (mvs_stream_consumed(opaque->stream, len))
                refill(channel);
        owe_readable(channel);
        if (opaque->ended)
                end_in_order(channel);
}

void mvs_opaque_want_space(struct mvs_channel *channel, size_t room)
{
        called(channel);
        if (room == channel->send_len)
                return;
        channel->opaque.wants_space = true;
        if (mvs_stream_await_room(channel->opaque.stream, room))
                owe_space(channel);
        else
                update_listening(channel);
}

void mvs_opaque_wrote(struct mvs_channel *channel, uint32_t len)
{
        struct mvs_opaque *opaque = &channel->opaque;
        if (len == 0)
                return;
        called(channel);
        opaque->out += len;
        opaque->futile = 0;
        mvs_trace(&channel->device->machine, MVS_EVENT_SENT, MVS_HEX("channel", channel->object.handle),
                  MVS_NUMBER("bytes", len));
        if (!opaque->connecting)
                follow_for(channel, answer_us(channel));
}

/* ---- the channel ---- */

static const struct mvs_profile_entry *find(const struct mvs_profile_map *endpoints, const char *name, size_t len)
{
        for (unsigned i = 0; i < endpoints->count; i++) {
                const struct mvs_profile_entry *entry = &endpoints->entries[i];
                if (strlen(entry->key) == len && memcmp(entry->key, name, len) == 0)
                        return entry;
        }
        return NULL;
}

static enum MvStatus check_endpoint(struct mvs_call *call, const struct MvSizedString *endpoint)
{
        const struct mvs_profile_map *endpoints = &call->device->machine.profile.endpoints;
        char name[MVS_ENDPOINT_NAME_MAX];
        uint32_t len = endpoint->length < sizeof name ? endpoint->length : sizeof name;
        enum MvStatus status = mvs_get(call, "endpoint.data", name, endpoint->data, len);
        if (status != MV_STATUS_OKAY)
                return status;
        const struct mvs_profile_entry *entry = len == endpoint->length ? find(endpoints, name, len) : NULL;
        call->object = (void *)(uintptr_t)entry;
        if (entry)
                return MV_STATUS_OKAY;
        for (uint32_t i = 0; i < len; i++) {
                if (name[i] < ' ' || name[i] > '~')
                        name[i] = '?';
        }
        return mvs_reject(call, MV_STATUS_UNKNOWNCHANNELENDPOINT, "endpoint",
                          "is \"%.*s\", %" PRIu32 " bytes: the profile knows no endpoint of that name (give it an "
                          "address: endpoints: {NAME: \"tcp://HOST:PORT\"})",
                          (int)len, name, endpoint->length);
}

static void open(struct mvs_call *call, struct mvs_channel *channel)
{
        static const struct mvs_stream_user user = {
                .connected = on_connected,
                .received = on_received,
                .room = on_room,
                .ended = on_ended,
        };
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_opaque *opaque = &channel->opaque;
        opaque->endpoint = call->object;
        opaque->answer.fire = on_no_answer;
        channel->reason = MV_CLOSUREREASON_NOTYETOPEN;
        mvs_trace(machine, MVS_EVENT_CONNECT, MVS_HEX("channel", channel->object.handle),
                  MVS_TEXT("endpoint", opaque->endpoint->key, strlen(opaque->endpoint->key)));
        opaque->stream = mvs_stream_open(machine->link, channel->object.handle, opaque->endpoint->value,
                                         channel->receive_len, channel->send_len, &user, channel->device);
        if (!opaque->stream) {
                mvs_diag(MVS_LOG_ERROR, "the host has no memory or no thread for an opaque channel");
                mvs_channel_break(channel, MV_CLOSUREREASON_UNEXPECTEDLYTERMINATED);
                return;
        }
        opaque->connecting = true;
        mvs_timeline_outside_begin(&machine->timeline);
        update_listening(channel);
}

/* What was written is sent yet where the peer has not turned its back, nor the network. */
static void stop(struct mvs_channel *channel)
{
        struct mvs_opaque *opaque = &channel->opaque;
        bool flush = channel->reason == MV_CLOSUREREASON_CLOSEDBYAPPLICATION ||
                     channel->reason == MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER;
        if (!opaque->stream)
                return;
        mvs_trace(&channel->device->machine, MVS_EVENT_CLOSED, MVS_HEX("channel", channel->object.handle),
                  MVS_NUMBER("in", opaque->in), MVS_NUMBER("out", opaque->out));
        end_connecting(channel);
        end_following(channel);
        mvs_stream_close(opaque->stream, flush);
        opaque->stream = NULL;
        update_listening(channel);
}

static void closing(const struct mvs_channel *channel)
{
        if (channel->opaque.unread > 0)
                mvs_lint_found(channel->device, MVS_LINT_data_unconsumed, channel->tag,
                               "channel 0x%08" PRIx32 " (tag %" PRIu32 ") is closed with %" PRIu32
                               " bytes from the endpoint \"%s\" in it that were not consumed (mvReadChannel, then "
                               "mvReadChannelComplete, until there are none)",
                               channel->object.handle, channel->tag, channel->opaque.unread,
                               channel->opaque.endpoint->key);
}

static const char *describe(const struct mvs_channel *channel)
{
        if (channel->opaque.unread > 0)
                return "is open, its peer sends no more, and there are bytes on it (mvReadChannel)";
        return "is open, nothing is scheduled on it";
}

const struct mvs_channel_ops mvs_opaque_ops = {
        .kind = MVS_OBJECT_OPAQUE_CHANNEL,
        .readable = true,
        .check_endpoint = check_endpoint,
        .open = open,
        .stop = stop,
        .due = due,
        .closing = closing,
        .describe = describe,
};

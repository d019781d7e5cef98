#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sim/link/stream_parts.h"
#include "sim/memory/memory.h"
#include "sim/profile/profile.h"

#define LINGER_MS 5000

#define STREAM_OF(command, member) \
        ((struct mvs_stream *)(void *)((char *)(command)-offsetof(struct mvs_stream, member)))

/* ---- the application's side ---- */

/* The thread runs since the stream began: nothing can go wrong. */
static void post(struct mvs_stream *stream, struct mvs_link_command *command)
{
        int error = mvs_link_post(stream->link, command);
        (void)error;
}

static void kick(struct mvs_stream *stream)
{
        if (!atomic_exchange(&stream->kicked, true))
                post(stream, &stream->kick);
}

size_t mvs_stream_room(const struct mvs_stream *stream)
{
        return stream->out_len - (atomic_load(&stream->put) - atomic_load(&stream->done));
}

/* Takes note of what a use of the socket met, unless it will be met again. */
static size_t used(struct mvs_stream *stream, ssize_t result)
{
        if (result < 0 && errno != EAGAIN && errno != EINTR && errno != EFAULT)
                atomic_store(&stream->error, -errno);
        return result > 0 ? (size_t)result : 0;
}

/* The application's memory may be beside lent memory, and then cannot be read by the host's kernel: EFAULT, and the
 * bytes are copied. */
static size_t send_now(struct mvs_stream *stream, uintptr_t source, size_t len)
{
        size_t sent = 0;
        pthread_mutex_lock(&stream->lock);
        if (stream->fd >= 0)
                sent = used(stream, send(stream->fd, (const void *)source, len, MSG_DONTWAIT | MSG_NOSIGNAL));
        pthread_mutex_unlock(&stream->lock);
        return sent;
}

size_t mvs_stream_fetch(struct mvs_stream *stream, uintptr_t destination, size_t len)
{
        size_t got = 0;
        pthread_mutex_lock(&stream->lock);
        if (stream->fd >= 0)
                got = used(stream, recv(stream->fd, (void *)destination, len, MSG_DONTWAIT));
        pthread_mutex_unlock(&stream->lock);
        atomic_fetch_sub(&stream->receivable, got);
        return got;
}

static bool put_into_ring(struct mvs_stream *stream, uintptr_t source, size_t len)
{
        size_t put = atomic_load(&stream->put);
        size_t at = put % stream->out_len;
        size_t first = stream->out_len - at < len ? stream->out_len - at : len;
        if (!mvs_copy_from_app(stream->out + at, source, first) ||
            !mvs_copy_from_app(stream->out, source + first, len - first))
                return false;
        atomic_store(&stream->put, put + len);
        kick(stream);
        return true;
}

bool mvs_stream_write(struct mvs_stream *stream, uintptr_t source, size_t len)
{
        size_t sent = 0;
        if (len > 0 && atomic_load(&stream->put) == atomic_load(&stream->done))
                sent = send_now(stream, source, len);
        return sent == len || put_into_ring(stream, source + sent, len - sent);
}

/*
 * Nobody is forgotten: the wish is made before the room is looked at, and the link thread looks for wishes after it has
 * made room. Who takes the wish back is the one who heeds it.
 */
bool mvs_stream_await_room(struct mvs_stream *stream, size_t room)
{
        atomic_store(&stream->room_wanted, true);
        return mvs_stream_room(stream) > room && atomic_exchange(&stream->room_wanted, false);
}

bool mvs_stream_consumed(struct mvs_stream *stream, size_t len)
{
        int nobody = MVS_READER_NOBODY;
        atomic_fetch_add(&stream->receivable, len);
        return atomic_compare_exchange_strong(&stream->reader, &nobody, MVS_READER_APPLICATION);
}

/* Nobody but the caller could have made room meanwhile. */
void mvs_stream_resume(struct mvs_stream *stream)
{
        bool room = atomic_load(&stream->receivable) > 0;
        atomic_store(&stream->reader, room ? MVS_READER_LINK : MVS_READER_NOBODY);
        if (room)
                kick(stream);
}

void mvs_stream_close(struct mvs_stream *stream, bool flush)
{
        stream->flush = flush;
        post(stream, &stream->release);
}

/* ---- the end of a stream ---- */

static void destroy(struct mvs_stream *stream)
{
        mvs_stream_tls_close(stream);
        pthread_mutex_destroy(&stream->lock);
        free(stream->out);
        free(stream);
}

static void unlist(struct mvs_stream *stream)
{
        struct mvs_stream **link = &stream->streams->first;
        while (*link != stream)
                link = &(*link)->next;
        *link = stream->next;
}

void mvs_stream_settle(struct mvs_stream *stream)
{
        if (!stream->released || stream->state != MVS_STREAM_OVER || stream->handles > 0)
                return;
        if (stream->streams)
                unlist(stream);
        destroy(stream);
}

void mvs_stream_on_closed(uv_handle_t *handle)
{
        struct mvs_stream *stream = handle->data;
        stream->handles--;
        mvs_stream_settle(stream);
}

void mvs_stream_shut(struct mvs_stream *stream)
{
        if (stream->state == MVS_STREAM_OVER)
                return;
        stream->state = MVS_STREAM_OVER;
        if (stream->resolve)
                mvs_resolve_cancel(stream->resolve);
        stream->resolve = NULL;
        mvs_stream_tls_close(stream);
        pthread_mutex_lock(&stream->lock);
        stream->fd = -1;
        pthread_mutex_unlock(&stream->lock);
        uv_close((uv_handle_t *)&stream->timer, mvs_stream_on_closed);
        if (stream->io_open)
                uv_close(&stream->io.handle, mvs_stream_on_closed);
        stream->io_open = false;
}

void mvs_stream_finish(struct mvs_stream *stream, enum mvs_stream_end how, const char *detail)
{
        if (!stream->released)
                stream->user->ended(stream->context, stream->id, how, detail);
        mvs_stream_shut(stream);
}

/* ---- commands ---- */

static void on_linger(uv_timer_t *timer)
{
        mvs_stream_shut(timer->data);
}

static void linger(struct mvs_stream *stream)
{
        stream->state = MVS_STREAM_LINGERING;
        uv_timer_start(&stream->timer, on_linger, LINGER_MS, 0);
        mvs_stream_pump_out(stream);
        if (stream->state == MVS_STREAM_LINGERING)
                mvs_stream_pump_in(stream);
}

/* The last one of a stream. */
static void release_run(struct mvs_link *link, struct mvs_link_command *command)
{
        struct mvs_stream *stream = STREAM_OF(command, release);
        (void)link;
        stream->released = true;
        atomic_store(&stream->reader, MVS_READER_LINK);
        if (stream->state == MVS_STREAM_OPEN && stream->flush)
                linger(stream);
        else
                mvs_stream_shut(stream);
        mvs_stream_settle(stream);
}

/* The link ends: a stream that has begun is ended by end() after this, any other here. */
static void release_discard(struct mvs_link_command *command)
{
        struct mvs_stream *stream = STREAM_OF(command, release);
        if (!stream->streams)
                destroy(stream);
}

static void kick_run(struct mvs_link *link, struct mvs_link_command *command)
{
        struct mvs_stream *stream = STREAM_OF(command, kick);
        (void)link;
        atomic_store(&stream->kicked, false);
        if (stream->state != MVS_STREAM_OPEN)
                return;
        mvs_stream_pump_in(stream);
        if (stream->state == MVS_STREAM_OPEN)
                mvs_stream_pump_out(stream);
}

static void no_discard(struct mvs_link_command *command)
{
        (void)command;
}

/* ---- the link's streams ---- */

/* The device is switched off: what the host takes at once is sent yet. */
static void end(void *state)
{
        struct mvs_streams *streams = state;
        for (struct mvs_stream *stream = streams->first, *next; stream; stream = next) {
                next = stream->next;
                stream->released = true;
                if (stream->state == MVS_STREAM_OPEN && stream->flush)
                        stream->state = MVS_STREAM_LINGERING;
                if (stream->state == MVS_STREAM_LINGERING)
                        mvs_stream_pump_out(stream);
                mvs_stream_shut(stream);
                stream->streams = NULL;
                mvs_stream_settle(stream);
        }
        if (streams->tls)
                streams->tls_ops->destroy(streams->tls);
        free(streams);
}

static struct mvs_streams *streams_of(struct mvs_link *link)
{
        struct mvs_link_state *own = mvs_link_state(link, MVS_LINK_STREAMS);
        struct mvs_streams *streams = own->state;
        if (!streams) {
                streams = calloc(1, sizeof *streams);
                own->state = streams;
                own->end = end;
        }
        if (streams)
                streams->link = link;
        return streams;
}

static void begin_run(struct mvs_link *link, struct mvs_link_command *command)
{
        struct mvs_stream *stream = STREAM_OF(command, begin);
        struct mvs_streams *streams = streams_of(link);
        stream->timer.data = stream;
        if (!streams || uv_timer_init(mvs_link_loop(link), &stream->timer) < 0) {
                stream->user->ended(stream->context, stream->id, MVS_STREAM_NO_HOST, "out of memory");
                stream->state = MVS_STREAM_OVER;
                return;
        }
        stream->handles++;
        stream->streams = streams;
        stream->next = streams->first;
        streams->first = stream;
        mvs_stream_connect(stream);
}

struct mvs_stream *mvs_stream_open(struct mvs_link *link, uint32_t id, const char *address, size_t receive_len,
                                   size_t write_len, const struct mvs_stream_user *user, void *context)
{
        struct mvs_stream *stream = calloc(1, sizeof *stream);
        uint8_t *out = malloc(write_len);
        if (!stream || !out || !mvs_endpoint_parse(address, &stream->endpoint))
                goto failed;
        stream->id = id;
        stream->user = user;
        stream->context = context;
        stream->link = link;
        stream->out = out;
        stream->out_len = write_len;
        stream->fd = -1;
        pthread_mutex_init(&stream->lock, NULL);
        atomic_store(&stream->receivable, receive_len);
        stream->begin = (struct mvs_link_command){.run = begin_run, .discard = no_discard};
        stream->kick = (struct mvs_link_command){.run = kick_run, .discard = no_discard};
        stream->release = (struct mvs_link_command){.run = release_run, .discard = release_discard};
        if (mvs_link_post(link, &stream->begin) == 0)
                return stream;
        pthread_mutex_destroy(&stream->lock);
failed:
        free(stream);
        free(out);
        return NULL;
}

#include "sim/link/stream_parts.h"

#define LATER_MAX 4096 /* of what waits for the host, so that room comes back in pieces */

/* ---- out ---- */

const uint8_t *mvs_stream_pending(const struct mvs_stream *stream, size_t ahead, size_t *ret_len)
{
        size_t from = atomic_load(&stream->done) + ahead;
        size_t at = from % stream->out_len;
        size_t len = atomic_load(&stream->put) - from;
        *ret_len = len < stream->out_len - at ? len : stream->out_len - at;
        return stream->out + at;
}

void mvs_stream_taken(struct mvs_stream *stream, size_t len)
{
        if (len == 0)
                return;
        atomic_fetch_add(&stream->done, len);
        if (atomic_exchange(&stream->room_wanted, false) && !stream->released)
                stream->user->room(stream->context, stream->id);
}

/* The next bytes for the wire, in at most two pieces. */
static unsigned next_bytes(struct mvs_stream *stream, uv_buf_t ret_pieces[2])
{
        size_t len;
        if (stream->tls.session) {
                ret_pieces[0].base = (char *)(uintptr_t)mvs_stream_tls_wire(stream, &len);
                ret_pieces[0].len = len;
                return len > 0;
        }
        unsigned count = 0;
        for (size_t ahead = 0; count < 2; ahead += len) {
                ret_pieces[count].base = (char *)(uintptr_t)mvs_stream_pending(stream, ahead, &len);
                ret_pieces[count].len = len;
                if (len == 0)
                        break;
                count++;
        }
        return count;
}

static void bytes_sent(struct mvs_stream *stream, size_t len)
{
        if (stream->tls.session)
                mvs_stream_tls_sent(stream, len);
        else
                mvs_stream_taken(stream, len);
}

static void on_written(uv_write_t *request, int status)
{
        struct mvs_stream *stream = request->data;
        size_t len = stream->writing;
        stream->writing = 0;
        if (stream->state == MVS_STREAM_OVER)
                return;
        if (status < 0)
                stream->write_error = status;
        else
                bytes_sent(stream, len);
        mvs_stream_pump_out(stream);
}

static void write_later(struct mvs_stream *stream, uv_buf_t *piece)
{
        if (piece->len > LATER_MAX)
                piece->len = LATER_MAX;
        stream->write.data = stream;
        stream->writing = piece->len;
        stream->write_error = uv_write(&stream->write, &stream->io.stream, piece, 1, on_written);
        if (stream->write_error)
                stream->writing = 0;
}

static void write_bytes(struct mvs_stream *stream)
{
        uv_buf_t pieces[2];
        unsigned count;
        while (stream->writing == 0 && stream->write_error == 0 && (count = next_bytes(stream, pieces)) > 0) {
                int sent = uv_try_write(&stream->io.stream, pieces, count);
                if (sent == UV_EAGAIN)
                        write_later(stream, pieces);
                else if (sent < 0)
                        stream->write_error = sent;
                else
                        bytes_sent(stream, (size_t)sent);
        }
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
        struct mvs_stream *stream = request->data;
        (void)status;
        if (stream->state == MVS_STREAM_LINGERING && stream->ended)
                mvs_stream_shut(stream);
}

/* All is sent. The connection ends when the peer ends it too, so that nothing that is on its way is torn off. */
static void say_farewell(struct mvs_stream *stream)
{
        stream->farewell = true;
        if (stream->tls.session) {
                mvs_stream_tls_farewell(stream);
                write_bytes(stream);
        }
        stream->shutdown.data = stream;
        if (stream->write_error || uv_shutdown(&stream->shutdown, &stream->io.stream, on_shutdown) < 0)
                mvs_stream_shut(stream);
}

/*
 * An error of writing does not end the stream: what the peer has sent before is still read, and how that ends says how
 * the connection did. Until then what is written goes nowhere.
 */
void mvs_stream_pump_out(struct mvs_stream *stream)
{
        if (!stream->write_error)
                stream->write_error = atomic_load(&stream->error);
        write_bytes(stream);
        if (stream->write_error)
                mvs_stream_taken(stream, atomic_load(&stream->put) - atomic_load(&stream->done));
        bool sent = atomic_load(&stream->put) == atomic_load(&stream->done) && stream->writing == 0;
        if (stream->state == MVS_STREAM_LINGERING && sent && !stream->farewell)
                say_farewell(stream);
}

/* ---- in ---- */

void mvs_stream_end_of_input(struct mvs_stream *stream)
{
        stream->ended = true;
        mvs_stream_pump_in(stream);
        if (stream->state == MVS_STREAM_LINGERING && stream->farewell)
                mvs_stream_shut(stream);
        else if (!stream->released)
                stream->user->ended(stream->context, stream->id, MVS_STREAM_CLOSED, "the peer has closed it");
}

/*
 * How the connection ended. Writing may have met the reset first, and taken it: reading then finds a plain end. A
 * farewell that was read before makes it an orderly end whatever writing met.
 */
static void on_end(struct mvs_stream *stream, int error)
{
        if (!stream->write_error)
                stream->write_error = atomic_load(&stream->error);
        if (error == UV_EOF && stream->write_error && stream->write_error != UV_EPIPE)
                error = stream->write_error;
        if (stream->state == MVS_STREAM_LINGERING && error != UV_EOF)
                mvs_stream_shut(stream);
        else if (error == UV_EOF && stream->state == MVS_STREAM_SHAKING_HANDS)
                mvs_stream_finish(stream, MVS_STREAM_NEVER, "the peer closed the connection instead of shaking hands");
        else if (error == UV_EOF && stream->tls.session && stream->state == MVS_STREAM_OPEN)
                mvs_stream_finish(stream, MVS_STREAM_RESET, "the connection was cut: no farewell of TLS came before");
        else if (error == UV_EOF)
                mvs_stream_end_of_input(stream);
        else if (stream->state == MVS_STREAM_SHAKING_HANDS)
                mvs_stream_finish(stream, MVS_STREAM_NEVER, uv_strerror(error));
        else if (error == UV_ECONNRESET || error == UV_EPIPE)
                mvs_stream_finish(stream, MVS_STREAM_RESET, uv_strerror(error));
        else
                mvs_stream_finish(stream, MVS_STREAM_FAILED, uv_strerror(error));
}

static void on_read(uv_stream_t *io, ssize_t len, const uv_buf_t *buffer)
{
        struct mvs_stream *stream = io->data;
        if (len == 0)
                return;
        if (len < 0)
                on_end(stream, (int)len);
        else if (stream->state == MVS_STREAM_LINGERING)
                return; /* nobody wants it any more */
        else if (stream->tls.session)
                mvs_stream_tls_feed(stream, buffer->base, (size_t)len);
        else
                mvs_stream_deliver(stream, buffer->base, (size_t)len);
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
        struct mvs_stream *stream = handle->data;
        size_t room = atomic_load(&stream->receivable);
        (void)suggested;
        ret_buffer->base = stream->streams->scratch;
        ret_buffer->len = sizeof stream->streams->scratch;
        if (!stream->tls.session && stream->state == MVS_STREAM_OPEN && room < ret_buffer->len)
                ret_buffer->len = room;
}

/* Nobody waits for ever: reading is given up before the room is looked at again, and whoever finds some then takes it,
 * this thread or the application's side. */
static bool wants_input(struct mvs_stream *stream)
{
        int nobody = MVS_READER_NOBODY;
        if (stream->ended || atomic_load(&stream->reader) != MVS_READER_LINK)
                return false;
        if (stream->state != MVS_STREAM_OPEN || atomic_load(&stream->receivable) > 0)
                return true;
        atomic_store(&stream->reader, MVS_READER_NOBODY);
        return atomic_load(&stream->receivable) > 0 &&
               atomic_compare_exchange_strong(&stream->reader, &nobody, MVS_READER_LINK);
}

void mvs_stream_pump_in(struct mvs_stream *stream)
{
        bool reads = atomic_load(&stream->reader) == MVS_READER_LINK;
        if (stream->tls.session && stream->state == MVS_STREAM_OPEN && !stream->ended && reads)
                mvs_stream_tls_read(stream);
        if (stream->state == MVS_STREAM_OVER)
                return;
        bool wants = wants_input(stream);
        if (wants == stream->reading)
                return;
        stream->reading = wants;
        int error = wants ? uv_read_start(&stream->io.stream, give_buffer, on_read) : uv_read_stop(&stream->io.stream);
        if (error)
                mvs_stream_finish(stream, MVS_STREAM_FAILED, uv_strerror(error));
}

void mvs_stream_deliver(struct mvs_stream *stream, const void *bytes, size_t len)
{
        atomic_fetch_sub(&stream->receivable, len);
        stream->user->received(stream->context, stream->id, bytes, len);
        if (!stream->tls.session)
                mvs_stream_pump_in(stream);
}

void mvs_stream_established(struct mvs_stream *stream)
{
        uv_os_fd_t fd;
        uv_timer_stop(&stream->timer);
        stream->state = MVS_STREAM_OPEN;
        if (!stream->tls.session && uv_fileno(&stream->io.handle, &fd) == 0) {
                pthread_mutex_lock(&stream->lock);
                stream->fd = fd;
                pthread_mutex_unlock(&stream->lock);
        }
        stream->user->connected(stream->context, stream->id);
        mvs_stream_pump_in(stream);
        if (stream->state == MVS_STREAM_OPEN)
                mvs_stream_pump_out(stream);
}

#include <stdio.h>
#include <stdlib.h>

#include "sim/link/module.h"
#include "sim/link/stream_parts.h"
#include "sim/profile/profile.h"

#define RECORD 16384 /* the most that TLS takes at a time */

/* What the wire still has, an alert for one, goes out before the stream ends. */
static void fail(struct mvs_stream *stream, const char *why)
{
        bool early = stream->state == MVS_STREAM_SHAKING_HANDS;
        size_t len;
        const char *bytes = mvs_stream_tls_wire(stream, &len);
        uv_buf_t piece = {.base = (char *)(uintptr_t)bytes, .len = len};
        if (len > 0 && stream->writing == 0 && !stream->write_error)
                uv_try_write(&stream->io.stream, &piece, 1);
        mvs_stream_finish(stream, early ? MVS_STREAM_NEVER : MVS_STREAM_FAILED, why);
}

/* ---- beginning ---- */

static bool make_engine(struct mvs_streams *streams, char *why, size_t why_size)
{
        static const struct mvs_module module = {MVS_TLS_MODULE_FILE, MVS_TLS_MODULE_SYMBOL, MVS_TLS_MODULE_ABI};
        if (!streams->tls_ops)
                streams->tls_ops = mvs_module_load(&module, why, why_size);
        if (streams->tls_ops && !streams->tls)
                streams->tls = streams->tls_ops->create(mvs_link_profile(streams->link)->opaque.ca_file, why, why_size);
        return streams->tls != NULL;
}

static void shake_hands(struct mvs_stream *stream)
{
        char why[256];
        switch (stream->streams->tls_ops->handshake(stream->tls.session, why, sizeof why)) {
        case MVS_TLS_DONE: mvs_stream_established(stream); break;
        case MVS_TLS_MORE:
                mvs_stream_pump_out(stream);
                mvs_stream_pump_in(stream);
                break;
        case MVS_TLS_END: fail(stream, "the peer closed the connection instead of shaking hands"); break;
        case MVS_TLS_FAILED: fail(stream, why); break;
        }
}

void mvs_stream_tls_begin(struct mvs_stream *stream)
{
        char why[512] = "out of memory";
        struct mvs_stream_tls *tls = &stream->tls;
        tls->wire = malloc(MVS_STREAM_CHUNK);
        if (tls->wire && make_engine(stream->streams, why, sizeof why))
                tls->session = stream->streams->tls_ops->open(stream->streams->tls, stream->endpoint.where);
        if (!tls->session) {
                mvs_stream_finish(stream, MVS_STREAM_NO_HOST, why);
                return;
        }
        stream->state = MVS_STREAM_SHAKING_HANDS;
        shake_hands(stream);
}

void mvs_stream_tls_close(struct mvs_stream *stream)
{
        if (stream->tls.session)
                stream->streams->tls_ops->close(stream->tls.session);
        free(stream->tls.wire);
        stream->tls = (struct mvs_stream_tls){0};
}

/* ---- in ---- */

/* A handshake that is made anew, or keys that change, may have something to say as well. */
void mvs_stream_tls_read(struct mvs_stream *stream)
{
        const struct mvs_tls_module_ops *ops = stream->streams->tls_ops;
        char why[256];
        size_t len, room;
        enum mvs_tls_result result = MVS_TLS_DONE;
        while (result == MVS_TLS_DONE && (room = atomic_load(&stream->receivable)) > 0) {
                char *text = stream->streams->text;
                size_t size = room < sizeof stream->streams->text ? room : sizeof stream->streams->text;
                result = ops->read(stream->tls.session, text, size, &len, why, sizeof why);
                if (result == MVS_TLS_DONE)
                        mvs_stream_deliver(stream, text, len);
        }
        if (result == MVS_TLS_END)
                mvs_stream_end_of_input(stream);
        else if (result == MVS_TLS_FAILED)
                fail(stream, why);
}

void mvs_stream_tls_feed(struct mvs_stream *stream, const void *bytes, size_t len)
{
        if (!stream->streams->tls_ops->feed(stream->tls.session, bytes, len)) {
                mvs_stream_finish(stream, MVS_STREAM_NO_HOST, "out of memory");
                return;
        }
        if (stream->state == MVS_STREAM_SHAKING_HANDS) {
                shake_hands(stream);
                return;
        }
        mvs_stream_pump_in(stream);
        if (stream->state == MVS_STREAM_OPEN)
                mvs_stream_pump_out(stream);
}

/* ---- out ---- */

/* Takes text while the wire has nothing; not before the handshake is done, nor while the peer wants another, for which
 * bytes must come first. Reading tells how a session that cannot write any more has ended. */
static void encrypt(struct mvs_stream *stream)
{
        const struct mvs_tls_module_ops *ops = stream->streams->tls_ops;
        struct mvs_stream_tls *tls = &stream->tls;
        char why[256];
        size_t len;
        const uint8_t *text = mvs_stream_pending(stream, tls->text, &len);
        if (len == 0 || (stream->state != MVS_STREAM_OPEN && stream->state != MVS_STREAM_LINGERING))
                return;
        if (len > RECORD)
                len = RECORD;
        enum mvs_tls_result result = ops->write(tls->session, text, len, why, sizeof why);
        if (result == MVS_TLS_DONE)
                tls->text += len;
        else if (result != MVS_TLS_MORE)
                stream->write_error = UV_EPIPE;
}

const char *mvs_stream_tls_wire(struct mvs_stream *stream, size_t *ret_len)
{
        const struct mvs_tls_module_ops *ops = stream->streams->tls_ops;
        struct mvs_stream_tls *tls = &stream->tls;
        if (tls->wire_at == tls->wire_end) {
                tls->wire_at = 0;
                tls->wire_end = ops->wire(tls->session, tls->wire, MVS_STREAM_CHUNK);
        }
        if (tls->wire_end == 0) {
                encrypt(stream);
                tls->wire_end = ops->wire(tls->session, tls->wire, MVS_STREAM_CHUNK);
        }
        *ret_len = tls->wire_end - tls->wire_at;
        return tls->wire + tls->wire_at;
}

/* The text counts as taken when the last byte of its record is; one record is under way at a time. */
void mvs_stream_tls_sent(struct mvs_stream *stream, size_t len)
{
        struct mvs_stream_tls *tls = &stream->tls;
        tls->wire_at += len;
        if (tls->wire_at < tls->wire_end)
                return;
        size_t text = tls->text;
        tls->text = 0;
        mvs_stream_taken(stream, text);
}

void mvs_stream_tls_farewell(struct mvs_stream *stream)
{
        stream->streams->tls_ops->farewell(stream->tls.session);
}

/*
 * A stream as its own files see it.
 *
 *   stream.c          the application's side, and the life of a stream
 *   stream_connect.c  from a name to a connection
 *   stream_flow.c     bytes in and out
 *   stream_tls.c      what TLS puts in between
 *
 * Life, on the link thread:
 *
 *   CONNECTING ──▶ SHAKING HANDS (TLS) ──▶ OPEN ──close, flush──▶ LINGERING ──all sent, peer has closed──▶ OVER
 *        └──────────────────┴────────── ended, or closed ────────────────────────────────────────────────▶ OVER
 *
 * OVER: its handles are closing. It is freed when they are closed and the application's side has given it up.
 */
#ifndef MVS_LINK_STREAM_PARTS_H
#define MVS_LINK_STREAM_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "sim/link/resolve.h"
#include "sim/link/stream.h"
#include "sim/link/thread.h"
#include "sim/link/tls_module.h"
#include "sim/profile/endpoint.h"

#define MVS_STREAM_CHUNK 65536 /* how much is read at a time, at most */

enum mvs_stream_state {
        MVS_STREAM_CONNECTING,
        MVS_STREAM_SHAKING_HANDS,
        MVS_STREAM_OPEN,
        MVS_STREAM_LINGERING,
        MVS_STREAM_OVER,
};

/* Only who has this may read the socket. The link thread gives it up where there is no room, the application's side
 * takes it from there when it makes some, and gives it back. */
enum mvs_stream_reader {
        MVS_READER_LINK,
        MVS_READER_NOBODY,
        MVS_READER_APPLICATION,
};

/* The link's streams: what they share. */
struct mvs_streams {
        struct mvs_link *link;
        struct mvs_stream *first;
        const struct mvs_tls_module_ops *tls_ops;
        struct mvs_tls_engine *tls;
        char scratch[MVS_STREAM_CHUNK]; /* what was read last, until it is handed on */
        char text[MVS_STREAM_CHUNK];    /* the same, behind TLS */
};

/* What stands between the wire and the text. */
struct mvs_stream_tls {
        struct mvs_tls_session *session; /* NULL: no TLS */
        char *wire;                      /* bytes on their way to the wire, MVS_STREAM_CHUNK of room */
        size_t wire_at, wire_end;
        size_t text; /* how many written bytes the session has taken that are not on the wire yet */
};

struct mvs_stream {
        uint32_t id;
        struct mvs_endpoint endpoint;
        const struct mvs_stream_user *user;
        void *context;
        struct mvs_link *link;

        /* Between the two sides. The ring `out` holds the bytes from `done` to `put`, which only grow. */
        uint8_t *out;
        size_t out_len;
        atomic_size_t put;        /* written by the application; its side alone changes it */
        atomic_size_t done;       /* taken by the host; the link thread alone changes it */
        atomic_size_t receivable; /* for how many bytes the receiver has room */
        atomic_int reader;        /* who may read the socket, enum mvs_stream_reader */
        atomic_bool room_wanted;  /* the application waits for room to write */
        atomic_bool kicked;       /* `kick` is queued */
        pthread_mutex_t lock;     /* innermost: while the descriptor is used outside of the loop, it is not closed */
        int fd;                   /* -1: not to be used outside of it */
        atomic_int error;         /* met outside of it, and taken from the socket by that: negative errno */
        struct mvs_link_command begin, kick, release;
        bool flush; /* before `release` was posted */

        /* The link thread's alone. */
        struct mvs_streams *streams; /* NULL until it has begun */
        struct mvs_stream *next;
        enum mvs_stream_state state;
        bool released; /* nothing is told to the user any more */
        unsigned handles;
        union {
                uv_handle_t handle;
                uv_stream_t stream;
                uv_tcp_t tcp;
                uv_pipe_t pipe;
        } io;
        bool io_open;
        uv_timer_t timer;
        struct mvs_resolve *resolve; /* NULL: no name is being looked up */
        struct mvs_addresses addresses;
        unsigned address; /* the one that is tried */
        uv_connect_t connect;
        uv_write_t write;
        size_t writing; /* bytes of the wire that `write` is about; 0: none */
        uv_shutdown_t shutdown;
        bool reading;
        bool ended;      /* the peer sends no more */
        bool farewell;   /* nothing more is written either */
        int write_error; /* what is written goes nowhere, because of this */
        struct mvs_stream_tls tls;
};

/* ---- stream.c ---- */

/* Tells the user, and begins to close. */
void mvs_stream_finish(struct mvs_stream *stream, enum mvs_stream_end how, const char *detail);

/* Begins to close. Idempotent. */
void mvs_stream_shut(struct mvs_stream *stream);

/* Frees the stream if it is over, closed, and given up. */
void mvs_stream_settle(struct mvs_stream *stream);

/* For uv_close(): one handle less. */
void mvs_stream_on_closed(uv_handle_t *handle);

/* ---- stream_connect.c ---- */

void mvs_stream_connect(struct mvs_stream *stream);

/* ---- stream_flow.c ---- */

/* The connection stands: text may flow. */
void mvs_stream_established(struct mvs_stream *stream);

/* Writes what there is to write as far as the host takes it. */
void mvs_stream_pump_out(struct mvs_stream *stream);

/* Reads if there is room, and does not if there is none. */
void mvs_stream_pump_in(struct mvs_stream *stream);

/* Text for the receiver, who has room for it. */
void mvs_stream_deliver(struct mvs_stream *stream, const void *bytes, size_t len);

/* The peer sends no more, in order. */
void mvs_stream_end_of_input(struct mvs_stream *stream);

/* The written bytes that are not taken yet begin here; *ret_len until the end of the ring or of them. */
const uint8_t *mvs_stream_pending(const struct mvs_stream *stream, size_t ahead, size_t *ret_len);

/* The host has taken so many of them. */
void mvs_stream_taken(struct mvs_stream *stream, size_t len);

/* ---- stream_tls.c ---- */

/* The socket is connected: shakes hands. */
void mvs_stream_tls_begin(struct mvs_stream *stream);

/* Bytes came from the wire. */
void mvs_stream_tls_feed(struct mvs_stream *stream, const void *bytes, size_t len);

/* Hands on what text there is room for. */
void mvs_stream_tls_read(struct mvs_stream *stream);

/* The next bytes for the wire, and how many; 0: none. */
const char *mvs_stream_tls_wire(struct mvs_stream *stream, size_t *ret_len);

/* The host has taken so many of them. */
void mvs_stream_tls_sent(struct mvs_stream *stream, size_t len);

void mvs_stream_tls_farewell(struct mvs_stream *stream);
void mvs_stream_tls_close(struct mvs_stream *stream);

#endif

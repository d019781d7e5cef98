/*
 * Streams of bytes to the endpoints of opaque channels: TCP, TLS over it, or a Unix socket.
 *
 * The application's side (src/opaque.c, under the device lock) and the link thread each count what they have done, and
 * wake the other only when that one stands still. What was written waits in a ring of the stream's own until the host
 * takes it; what arrives is handed on as it comes, never more at a time than the receiver has said it has room for:
 * with no room, the socket is not read, and the peer has to wait.
 *
 * Where the link thread has nothing to do with a direction - all is sent; the socket is not read, for want of room -
 * the application's side uses the socket itself: in bulk, the two threads would only wait for each other. Not so with
 * TLS.
 */
#ifndef MVS_LINK_STREAM_H
#define MVS_LINK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mvs_link;
struct mvs_stream;

enum mvs_stream_end {
        MVS_STREAM_NEVER,   /* the connection could not be made */
        MVS_STREAM_CLOSED,  /* the peer ended it in order, after all that was received */
        MVS_STREAM_RESET,   /* the peer broke it off */
        MVS_STREAM_FAILED,  /* an error on a connection that stood */
        MVS_STREAM_NO_HOST, /* this computer cannot do it: no module, no memory */
};

/* All of these are called on the link thread with no lock held. `context` and `id` are from mvs_stream_open(); after
 * mvs_stream_close() one may still be on its way, so the callee copes with an id it no longer knows. */
struct mvs_stream_user {
        void (*connected)(void *context, uint32_t id);
        /* At most as many bytes as there is room for; the room is less by them already. */
        void (*received)(void *context, uint32_t id, const void *bytes, size_t len);
        /* There is room to write again, which mvs_stream_await_room() asked for. */
        void (*room)(void *context, uint32_t id);
        /* Nothing is received any more. After MVS_STREAM_CLOSED the peer may still take what is written; after others
         * nothing happens on the stream. `detail` is for people. */
        void (*ended)(void *context, uint32_t id, enum mvs_stream_end how, const char *detail);
};

/*
 * Begins to connect to `address`, as endpoint.h has it. `user` and what `context` is must stay. What is written may be
 * `write_len` bytes ahead of the host. NULL when memory is short, or there is no thread to be had; whatever else goes
 * wrong is told to `ended`.
 */
struct mvs_stream *mvs_stream_open(struct mvs_link *link, uint32_t id, const char *address, size_t receive_len,
                                   size_t write_len, const struct mvs_stream_user *user, void *context)
        __attribute__((warn_unused_result));

/* How many bytes can be written now. */
size_t mvs_stream_room(const struct mvs_stream *stream);

/* Takes `len` bytes of the application's memory, for which there is room. False when they cannot be read: none is
 * taken, unless the memory went away meanwhile. */
bool mvs_stream_write(struct mvs_stream *stream, uintptr_t source, size_t len) __attribute__((warn_unused_result));

/* There were only `room` bytes: `room()` is called once when there are more. True: there are already, and it is not. */
bool mvs_stream_await_room(struct mvs_stream *stream, size_t room) __attribute__((warn_unused_result));

/* The receiver has room for `len` bytes more. True: the socket is not being read, and stays so until
 * mvs_stream_resume(); before that the caller may fetch what is there. */
bool mvs_stream_consumed(struct mvs_stream *stream, size_t len) __attribute__((warn_unused_result));

/* Reads up to `len` bytes, for which the receiver has room, into the application's memory. 0: there is nothing now, or
 * it is for the link thread to find out. */
size_t mvs_stream_fetch(struct mvs_stream *stream, uintptr_t destination, size_t len)
        __attribute__((warn_unused_result));

/* The socket is read again as soon as there is room. */
void mvs_stream_resume(struct mvs_stream *stream);

/* Gives the stream up; it must not be used any more. `flush`: what was written is sent first, for a few seconds. */
void mvs_stream_close(struct mvs_stream *stream, bool flush);

#endif

/*
 * The other end of an opaque channel, played by the test itself: a listening socket, and the connection that it
 * accepted, over TCP, TLS or a Unix socket. Everything here blocks for ten seconds at most and fails the test then.
 */
#ifndef MVT_STREAM_PEER_H
#define MVT_STREAM_PEER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pki.h"

struct mvt_stream_peer {
        int listener;
        uint16_t port;
        char path[108];
        int fd;
        struct ssl_ctx_st *tls;
        struct ssl_st *ssl;
};

/* Begins a thread that plays a peer: it is none of the application's, so no interrupt's signal reaches it. */
void mvt_stream_peer_thread(pthread_t *ret_thread, void *(*run)(void *argument), void *argument);

/* Begin to listen: on 127.0.0.1, the same with TLS, with TLS 1.2 at most, or on a Unix socket in the directory. */
void mvt_stream_peer_tcp(struct mvt_stream_peer *ret);
void mvt_stream_peer_tls(struct mvt_stream_peer *ret, const struct mvt_certificate *certificate);
void mvt_stream_peer_tls12(struct mvt_stream_peer *ret, const struct mvt_certificate *certificate);
void mvt_stream_peer_unix(struct mvt_stream_peer *ret, const struct mvt_tempdir *dir);

/* Closes what is open, in order. */
void mvt_stream_peer_finish(struct mvt_stream_peer *peer);

/* Takes the next connection, and with TLS shakes hands: false when that fails. */
void mvt_stream_peer_accept(struct mvt_stream_peer *peer);
bool mvt_stream_peer_try_accept(struct mvt_stream_peer *peer);

void mvt_stream_peer_send(struct mvt_stream_peer *peer, const void *bytes, size_t len);
void mvt_stream_peer_say(struct mvt_stream_peer *peer, const char *text);

/* Waits until `len` bytes have come; or for the text, which is compared. */
void mvt_stream_peer_read(struct mvt_stream_peer *peer, void *ret_bytes, size_t len);
void mvt_stream_peer_expect(struct mvt_stream_peer *peer, const char *text);

/* With TLS: asks the device to shake hands anew, and waits until it has begun to. Any reading goes on with that. */
void mvt_stream_peer_renegotiate(struct mvt_stream_peer *peer);

/* Up to `size` bytes that are there now; 0: none. */
size_t mvt_stream_peer_poll(struct mvt_stream_peer *peer, void *ret_bytes, size_t size);

/* Waits until the device has closed its side, without any more bytes. */
void mvt_stream_peer_expect_end(struct mvt_stream_peer *peer);

/* Ends the connection: in order, by a reset, by a cut without the farewell of TLS; says that nothing more comes. */
void mvt_stream_peer_close(struct mvt_stream_peer *peer);
void mvt_stream_peer_reset(struct mvt_stream_peer *peer);
void mvt_stream_peer_cut(struct mvt_stream_peer *peer);
void mvt_stream_peer_half_close(struct mvt_stream_peer *peer);

#endif

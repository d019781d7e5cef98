/*
 * A server that misbehaves to order, for what no real server does: it answers a path with exactly the bytes that the
 * test wrote down, over TCP or TLS. A process of its own (with a thread for each connection), which dies with the
 * test; start it before the test has threads.
 */
#ifndef MVT_PEER_H
#define MVT_PEER_H

#include <stdint.h>
#include <sys/types.h>

#include "pki.h"

/* What follows the answer's bytes. */
enum mvt_then {
        MVT_KEEP,  /* the next request on this connection */
        MVT_CLOSE, /* an orderly end of the connection */
        MVT_CUT,   /* the connection is torn off: no TLS farewell, a reset on TCP */
        MVT_HOLD,  /* silence, until the client goes */
        MVT_ECHO,  /* in place of the bytes: 200, with the whole request, as it came, as the body; then MVT_KEEP */
        MVT_FLOOD, /* the bytes after the first line again and again, until the client goes */
};

struct mvt_answer {
        const char *path;
        const char *bytes;
        enum mvt_then then;
};

/* What the peer has seen. Shared memory; read with the functions below. */
struct mvt_peer_counts;

struct mvt_peer {
        uint16_t port;
        pid_t pid;
        struct mvt_peer_counts *counts;
};

/*
 * Starts it on 127.0.0.1. `certificate` NULL: plain TCP. `answers` ends with a NULL path; a path that is not in it is
 * answered with an echo.
 */
void mvt_peer_start(struct mvt_peer *ret, const struct mvt_certificate *certificate, const struct mvt_answer *answers);

/* Ends it. One that was never started (all zero) is fine. */
void mvt_peer_finish(struct mvt_peer *peer);

/* Connections accepted so far; those of them that are still open; requests read so far; bytes sent by MVT_FLOOD. */
unsigned mvt_peer_accepted(const struct mvt_peer *peer);
unsigned mvt_peer_open(const struct mvt_peer *peer);
unsigned mvt_peer_requests(const struct mvt_peer *peer);
unsigned mvt_peer_flooded(const struct mvt_peer *peer);

#endif

/*
 * Opaque channels: bytes to and from an endpoint that the profile names.
 *
 * The receive buffer is a ring in the application's own memory, which the application reads where it lies. The send
 * buffer is only counted: what was written waits in the link's stream, as much of it as the buffer has bytes.
 */
#ifndef MVS_OPAQUE_H
#define MVS_OPAQUE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/link/stream.h"
#include "sim/timeline/timeline.h"

struct mvs_channel;
struct mvs_profile_entry;

/* Device lock held everywhere. */
struct mvs_opaque {
        const struct mvs_profile_entry *endpoint;
        struct mvs_stream *stream; /* NULL: given up */
        uint32_t head;             /* where the first unread byte is in the receive buffer */
        uint32_t unread;           /* bytes from there on, around the end */
        bool connecting;
        bool listening;          /* something may come */
        bool wants_space;        /* a write was short */
        bool ended;              /* the peer sends no more; the channel ends when all is read */
        bool told;               /* READABLE was posted, and the application has not looked since */
        bool owes_told;          /* it is due */
        bool owes_space;         /* WRITESPACE is due */
        uint64_t quiet_us;       /* not before: a moment after the last call */
        uint64_t in, out;        /* bytes so far */
        struct mvs_timer answer; /* virtual time: for so long the clock follows the host's; armed while it does */
        unsigned futile;         /* writes in a row that found no room, */
        uint64_t futile_us;      /* since when */
};

/* The first unread bytes that lie together, and how many. */
uint32_t mvs_opaque_look(struct mvs_channel *channel, uintptr_t *ret_address);

/* So many of them are used up; not more than there are. */
void mvs_opaque_consume(struct mvs_channel *channel, uint32_t len);

/* A write was short, of which there was room for `room` bytes in the end: WRITESPACE when there is more. */
void mvs_opaque_want_space(struct mvs_channel *channel, size_t room);

/* `len` bytes were written. */
void mvs_opaque_wrote(struct mvs_channel *channel, uint32_t len);

#endif

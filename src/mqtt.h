/*
 * MQTT channels: requests that the broker has to answer, and the one queue of items that the application reads.
 *
 *   request ──accepted──▶ under way ──answered──▶ ┌ in the cloud ┐ ──fits──▶ ┌ in the receive buffer ┐ ──read──▶
 *   message ──────────────────────────────────────▶└──────────────┘           └ the first: announced ─┘
 *
 * One CHANNELDATAREADABLE an item: the first item is announced when it is due and the one before has been read, never
 * within a call. An item that was not announced is not there yet, for the application. (Decisions 24 to 30.)
 *
 * An answer from outside takes as long as it does, while the device's clock follows the host's; or, with time.reply_us
 * in virtual time, exactly so long. Device lock held everywhere.
 */
#ifndef MVS_MQTT_H
#define MVS_MQTT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/link/mqtt.h"
#include "src/call.h"

#define MVS_MQTT_ACKNOWLEDGES_MAX 256 /* the largest limits.mqtt_acknowledges */

struct mvs_channel;
struct mvs_mqtt_under_way;

struct mvs_mqtt_channel {
        bool asked;   /* a connect request was accepted */
        bool linked;  /* the link has a session for it, which may bring items at any time */
        bool up;      /* connected, as far as the device knows */
        bool forgets; /* the connect request's clean_start */
        uint32_t serial;
        struct mvs_bytes owner; /* broker and client id, for what is kept until it is acknowledged */
        size_t host_len;        /* of the owner, the broker's host, and */
        uint16_t port;          /* its port */
        uint32_t messages;      /* how many came: their correlation ids */

        struct mvs_mqtt_under_way *under_way;                /* in the order in which they were made */
        unsigned counts[MVS_MQTT_KINDS];                     /* requests whose answer is not in the receive buffer */
        uint64_t acknowledged_us[MVS_MQTT_ACKNOWLEDGES_MAX]; /* a ring of the last ones */
        uint32_t acknowledges;

        struct mvs_mqtt_item *items; /* the queue */
        struct mvs_mqtt_item **last;
        struct mvs_mqtt_item *outside; /* the first of them that does not fit the receive buffer yet */
        size_t used;                   /* bytes of the receive buffer */
        unsigned backlog;              /* messages outside, but for those that come again */
        unsigned unwritten;            /* messages of QoS 0 that the link thread may still have to write */
        size_t packet_max;             /* what the broker takes */
        bool announced;                /* the first item */
        uint64_t earliest_us;          /* before that it is not announced */

        unsigned unacknowledged; /* messages of QoS 1 and 2 that were read and not acknowledged */
        uint32_t read_qos0;      /* the last message of QoS 0 that was read; 0: none */
};

/* ---- mqtt.c ---- */

/* The request is carried out, or answered that there is no connection. It becomes the callee's. */
void mvs_mqtt_send(struct mvs_channel *channel, struct mvs_mqtt_request *request);

/* The item that may be read now, or NULL. */
const struct mvs_mqtt_item *mvs_mqtt_readable(const struct mvs_channel *channel);

/* It has been read. */
void mvs_mqtt_consume(struct mvs_channel *channel);

/* ---- mqtt_copy.c: requests with all that they point to ---- */

/* A request that is being copied. What cannot be read is refused with LATEFAULT, whatever it is. */
struct mvs_mqtt_copy {
        struct mvs_call *call;
        struct mvs_mqtt_request *request;
        size_t used;   /* of request->memory */
        size_t size;   /* that it takes in the send buffer */
        size_t memory; /* that the strings take in the copy */
};

/* Counts a string, which must be readable. */
enum MvStatus mvs_mqtt_measure(struct mvs_mqtt_copy *copy, const char *field, const struct MvSizedString *string)
        __attribute__((warn_unused_result));

/* All strings were counted: is there room in the send buffer, and memory for the copy? */
enum MvStatus mvs_mqtt_allocate(struct mvs_mqtt_copy *copy, enum mvs_mqtt_kind kind)
        __attribute__((warn_unused_result));

/* Copies a string that was counted. */
enum MvStatus mvs_mqtt_take(struct mvs_mqtt_copy *copy, const char *field, const struct MvSizedString *string,
                            struct mvs_bytes *ret) __attribute__((warn_unused_result));

/* Copies a structure of the application's. */
enum MvStatus mvs_mqtt_fetch(struct mvs_call *call, const char *field, void *ret_bytes, const void *address, size_t len)
        __attribute__((warn_unused_result));

/* A request that failed half-way: after a late fault the channel is dead. Returns the status. */
enum MvStatus mvs_mqtt_give_up(struct mvs_mqtt_copy *copy, enum MvStatus status);

#endif

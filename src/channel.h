/*
 * Channels: what all kinds share. Opening, closing, losing, and the loan of the two buffers.
 *
 *      mvOpenChannel                 network lost, network handle released, late fault
 *   ───────────────▶ open ───────────────────────────────────────▶ terminated (handle valid, closure reason set)
 *                     │ mvCloseChannel                                  │ mvCloseChannel
 *                     ▼                                                 ▼
 *                   closed (handle void, buffers the application's again; the last 32 handles are remembered)
 *
 * What a kind does is behind struct mvs_channel_ops. Device lock held everywhere.
 */
#ifndef MVS_CHANNEL_H
#define MVS_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/link/http.h"
#include "sim/timeline/timeline.h"
#include "src/call.h"
#include "src/opaque.h"
#include "src/mqtt.h"

#define MVS_CHANNELS_MAX         4
#define MVS_CLOSED_REMEMBERED    32
#define MVS_CHANNEL_OPENS_TRACED 1024

struct mvs_device;
struct mvs_channel;

struct mvs_channel_ops {
        enum mvs_object_kind kind;
        bool readable; /* the receive buffer stays the application's to read while it is lent */
        /* Optional: looks at the endpoint, whose bytes may be read, and may refuse. Nothing is open yet. What it finds
         * it may leave for `open` in call->object. */
        enum MvStatus (*check_endpoint)(struct mvs_call *call, const struct MvSizedString *endpoint);
        /* Optional: the channel has its handle and its buffers. What the host cannot do breaks the channel. Must not
         * block. */
        void (*open)(struct mvs_call *call, struct mvs_channel *channel);
        /* Idempotent: gives up whatever is under way and frees what the kind holds. Must not block. */
        void (*stop)(struct mvs_channel *channel);
        /* The channel's timer has fired while it lives. */
        void (*due)(struct mvs_channel *channel);
        /* Optional: the application closes the channel, which lives: a look for the usage checker. */
        void (*closing)(const struct mvs_channel *channel);
        /* What a channel that lives is waiting for, for the report of a deadlock: completes "channel 0x12345678 ". */
        const char *(*describe)(const struct mvs_channel *channel);
};

struct mvs_http_exchange {
        bool sent;      /* a request was accepted on this channel */
        bool in_flight; /* its answer is awaited from outside */
        bool present;   /* the reply may be read */
        bool read;      /* the application has asked how it ended */
        uint64_t sent_us;
        struct mvs_http_reply *reply;
};

struct mvs_config_item;

struct mvs_config_fetch {
        bool sent;    /* a fetch was accepted on this channel */
        bool present; /* its answer may be read */
        bool read;    /* the application has asked how it ended */
        uint64_t sent_us;
        enum MvConfigFetchResult result;
        uint32_t count; /* of items, in the order of the request; 0 when the answer was too large */
        struct mvs_config_item *items;
};

struct mvs_channel {
        struct mvs_object object; /* first */
        struct mvs_device *device;
        const struct mvs_channel_ops *ops;
        uint32_t centre; /* the notification centre's handle; it may be closed meanwhile */
        uint32_t tag;
        uint32_t network; /* the network handle it was opened on */
        uintptr_t receive_buffer;
        uint32_t receive_len;
        uintptr_t send_buffer;
        uint32_t send_len;
        bool terminated;
        enum MvClosureReason reason;
        uint64_t terminated_us;
        struct mvs_timer timer; /* the channel's next event is due */
        struct mvs_http_exchange http;
        struct mvs_opaque opaque;
        struct mvs_config_fetch config;
        struct mvs_mqtt_channel mqtt;
};

struct mvs_channels {
        struct mvs_channel open[MVS_CHANNELS_MAX];
        unsigned count;
        uint32_t closed[MVS_CLOSED_REMEMBERED]; /* a ring of handles that the application closed */
        unsigned closed_next;
        uint64_t opened_us[MVS_CHANNEL_OPENS_TRACED]; /* a ring of the times of the last opens */
        uint64_t opens;
};

/* The fields of MvOpenChannelParams. */
enum MvStatus mvs_channel_check_params(struct mvs_call *call, const struct MvOpenChannelParams *params)
        __attribute__((warn_unused_result));

/* Refuses with CHANNELCLOSED when the channel has lost its peer. */
enum MvStatus mvs_channel_check_alive(struct mvs_call *call, const struct mvs_channel *channel)
        __attribute__((warn_unused_result));

/* The channel is dead: its work stops, the reason is kept. No event is posted. */
void mvs_channel_terminate(struct mvs_channel *channel, enum MvClosureReason reason);

/* The same, and the application is told a moment later. */
void mvs_channel_break(struct mvs_channel *channel, enum MvClosureReason reason);

/* An event of the channel for its centre. */
void mvs_channel_post(struct mvs_channel *channel, enum MvEventType type);

/* The connection is gone: every live channel is terminated and told so. */
void mvs_channels_lost(struct mvs_device *device);

/* A network handle is released: the channels opened on it likewise, told a moment later. */
void mvs_channels_released(struct mvs_device *device, uint32_t network);

/* Whether this is the handle of one of the last channels that the application closed. */
bool mvs_channel_was_closed(const struct mvs_channels *channels, uintptr_t handle);

void mvs_channels_finish(struct mvs_device *device);

/* ---- opaque.c ---- */

extern const struct mvs_channel_ops mvs_opaque_ops;

/* ---- http.c ---- */

extern const struct mvs_channel_ops mvs_http_ops;

/* ---- config.c ---- */

extern const struct mvs_channel_ops mvs_config_ops;

/* ---- mqtt.c ---- */

extern const struct mvs_channel_ops mvs_mqtt_ops;

#endif

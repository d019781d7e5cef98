/*
 * The parts of an MQTT channel, for one another: the queue of items (mqtt_queue.c), the requests under way and when
 * their answers are due (mqtt_under_way.c), and what goes out and comes in (mqtt.c). Device lock held everywhere.
 */
#ifndef MVS_MQTT_PARTS_H
#define MVS_MQTT_PARTS_H

#include "src/channel.h"
#include "src/mqtt.h"

/* ---- mqtt_queue.c ---- */

bool mvs_mqtt_is_message(const struct mvs_mqtt_item *item);

/* A message that the whole receive buffer could not hold is lost: only its topic and size are told. */
struct mvs_mqtt_item *mvs_mqtt_lose(const struct mvs_channel *channel, struct mvs_mqtt_item *item);

/* At the queue's end; the item becomes the queue's. It is announced at `due_us` at the earliest. */
void mvs_mqtt_append(struct mvs_channel *channel, struct mvs_mqtt_item *item, uint64_t due_us);

/* Announces the first item, if it is to be announced by now. */
void mvs_mqtt_announce(struct mvs_channel *channel);

/* When there will be something to announce; MVS_NEVER: there is nothing. */
uint64_t mvs_mqtt_announce_us(const struct mvs_mqtt_channel *mqtt);

void mvs_mqtt_clear(struct mvs_channel *channel);

/* ---- mqtt_under_way.c ---- */

/* A request that was accepted and is not answered, or an end that waits for the answers before it. */
struct mvs_mqtt_under_way {
        struct mvs_mqtt_under_way *next;
        uint32_t serial; /* 0: nobody asked */
        enum mvs_mqtt_kind kind;
        uint32_t correlation_id;
        uint64_t sent_us;
        bool timed;                   /* its answer is due at a time that is known, and waits for that */
        uint64_t due_us;              /* where it is timed; never earlier than of those before it */
        bool awaited;                 /* the clock follows the host's meanwhile */
        bool is_qos0;                 /* a publication that is answered when it is sent */
        struct mvs_mqtt_item *answer; /* that came, or is certain, and is not due yet */
};

/* In virtual time with time.reply_us: what an answer from outside takes; else 0. */
uint64_t mvs_mqtt_fixed_us(const struct mvs_machine *machine);

/* When something that came just now is due: at `at_us`, and in virtual time at the application's next call or wait at
 * the earliest. */
uint64_t mvs_mqtt_soon(const struct mvs_machine *machine, uint64_t at_us);

/* Sent now, timed if answers take a fixed time. NULL when memory is short. */
struct mvs_mqtt_under_way *mvs_mqtt_under_way_add(struct mvs_channel *channel, uint32_t serial)
        __attribute__((warn_unused_result));
void mvs_mqtt_under_way_remove(struct mvs_channel *channel, struct mvs_mqtt_under_way *request);
struct mvs_mqtt_under_way *mvs_mqtt_under_way_find(const struct mvs_mqtt_channel *mqtt, uint32_t serial);
struct mvs_mqtt_under_way *mvs_mqtt_first_timed(const struct mvs_mqtt_channel *mqtt);

/* The answer is there, and given when it may be: `completion_us` after the request. */
void mvs_mqtt_answer_in_time(struct mvs_channel *channel, struct mvs_mqtt_under_way *request,
                             struct mvs_mqtt_item *answer);

/* The answer is not there: the device's clock follows the host's until it is. */
void mvs_mqtt_await_outside(struct mvs_channel *channel, struct mvs_mqtt_under_way *request);

/* Answers what is under way: as is certain already, or that there is no connection. */
void mvs_mqtt_answer_all(struct mvs_channel *channel);

/* ---- what is due ---- */

/* The channel's timer is set to what is due next. */
void mvs_mqtt_schedule(struct mvs_channel *channel);

/* The channel's timer has fired. */
void mvs_mqtt_due(struct mvs_channel *channel);

/* ---- mqtt.c ---- */

/* An item on its way into the queue, which it becomes part of: it changes what is known of the connection. */
void mvs_mqtt_enqueue(struct mvs_channel *channel, struct mvs_mqtt_item *item, uint64_t due_us);

#endif

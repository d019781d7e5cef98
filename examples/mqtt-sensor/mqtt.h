/* A connection to the broker: requests, and the items that come in answer to them or of their own. */
#ifndef MQTT_H
#define MQTT_H

#include <stdbool.h>
#include <stdint.h>

#include "broker.h"
#include "mv_syscalls.h"

#define TOPIC_SIZE   96
#define PAYLOAD_SIZE 128

/* What mqtt_next() has found. */
enum mqtt_item {
        MQTT_NOTHING,    /* in all that time */
        MQTT_CONNECTED,  /* or refused: see `state` and `code` */
        MQTT_SUBSCRIBED, /* `code` is the QoS granted, or from 0x80 on */
        MQTT_PUBLISHED,  /* `id` is the request's */
        MQTT_MESSAGE,    /* topic, payload, qos, `id` to acknowledge it with */
        MQTT_LOST,       /* a message that did not fit; `topic` tells which */
        MQTT_ENDED,      /* the connection: disconnected, or the channel is lost */
};

struct mqtt_event {
        enum MvMqttRequestState state;
        uint32_t code;
        uint32_t id;
        uint32_t qos;
        char topic[TOPIC_SIZE];     /* terminated */
        char payload[PAYLOAD_SIZE]; /* terminated */
};

/* Opens a channel and asks for a connection as this device. False: the log says why. */
bool mqtt_connect(const struct broker *broker, const char *client_id);

/* Ends it, politely when it is still there. */
void mqtt_close(void);

/* These are answered with an item of their own. False: the log says why. */
bool mqtt_subscribe(const char *topic);
bool mqtt_publish(uint32_t id, const char *topic, const char *payload);

void mqtt_acknowledge(uint32_t id);

/* The next item, if it comes in so much time. */
enum mqtt_item mqtt_next(struct mqtt_event *ret_event, uint32_t limit_ms);

#endif

/*
 * An application's MQTT on a device that is online (online.h), in steps. broker.example.com:8883, and TLS, is what the
 * application asks for; the profile has another broker stand in. Everything here fails the test when it does not work
 * out.
 */
#ifndef MVT_MQTT_H
#define MVT_MQTT_H

#include <stdbool.h>
#include <stdint.h>

#include "online.h"

#define MVT_BROKER_HOST "broker.example.com"
#define MVT_BROKER_PORT 8883
#define MVT_CLIENT_ID   "mvsim-client"

/* What is not given is the profile's default. */
struct mvt_mqtt_boot {
        uint16_t port;       /* of the stand-in on 127.0.0.1 */
        bool tls;            /* it speaks TLS */
        bool real_time;      /* else virtual */
        const char *ca_file; /* mqtt.ca_file */
        const char *mqtt;    /* more lines of the profile's section mqtt, indented by two */
        const char *profile; /* more sections */
};

void mvt_mqtt_boot(const struct mvt_mqtt_boot *boot);

/* An MQTT channel on the static buffers of online.h; the receive buffer of `receive_len` bytes, 0: all of it. */
MvChannelHandle mvt_mqtt_open(uint32_t receive_len);

struct MvSizedString mvt_sized(const char *text); /* NULL: none */

/* ---- requests ---- */

/* A request that works: MQTT 5, the client id above, a clean start, no will, no keep-alive. To be changed. */
struct MvMqttConnectRequest mvt_mqtt_request(void);

/* The request is accepted; its answer is read. */
struct MvMqttConnectResponse mvt_mqtt_answer(MvChannelHandle channel, const struct MvMqttConnectRequest *request);

/* The same, and the broker accepts. */
void mvt_mqtt_connect(MvChannelHandle channel, const struct MvMqttConnectRequest *request);

/* A channel that is connected as above. */
MvChannelHandle mvt_mqtt_connected(void);

enum MvStatus mvt_mqtt_try_publish(MvChannelHandle channel, uint32_t id, const char *topic, const char *payload,
                                   uint32_t qos, uint32_t retain);
enum MvStatus mvt_mqtt_try_subscribe(MvChannelHandle channel, uint32_t id, const char *filter, uint32_t qos);
enum MvStatus mvt_mqtt_try_unsubscribe(MvChannelHandle channel, uint32_t id, const char *filter);

/* Accepted, and answered with REQUESTCOMPLETED and `code`. */
void mvt_mqtt_publish(MvChannelHandle channel, const char *topic, const char *payload, uint32_t qos, uint32_t code);
void mvt_mqtt_subscribe(MvChannelHandle channel, const char *filter, uint32_t qos);

/* ---- items ---- */

/* Waits for the item, and for no other. */
void mvt_mqtt_await(MvChannelHandle channel, enum MvMqttReadableDataType type);
enum MvMqttReadableDataType mvt_mqtt_next(MvChannelHandle channel);

struct MvMqttPublishResponse mvt_mqtt_published(MvChannelHandle channel);
struct MvMqttDisconnectResponse mvt_mqtt_disconnected(MvChannelHandle channel);

/* The answer to a subscription or the end of one. */
struct mvt_mqtt_codes {
        enum MvMqttRequestState state;
        uint32_t id;
        uint32_t count;
        uint32_t codes[8];
};

struct mvt_mqtt_codes mvt_mqtt_subscribed(MvChannelHandle channel);
struct mvt_mqtt_codes mvt_mqtt_unsubscribed(MvChannelHandle channel);

struct mvt_mqtt_message {
        uint32_t id;
        char topic[256];
        uint32_t topic_len;
        char payload[4096]; /* with a zero behind it */
        uint32_t payload_len;
        uint32_t qos;
        uint8_t retain;
};

/* Waits for a message and reads it, into static memory. */
const struct mvt_mqtt_message *mvt_mqtt_message(MvChannelHandle channel);

/* A message that says so; its id is returned. */
uint32_t mvt_mqtt_expect(MvChannelHandle channel, const char *topic, const char *payload, uint32_t qos);

#endif

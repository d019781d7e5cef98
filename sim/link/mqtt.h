/*
 * MQTT as the vendor's cloud speaks it on the device's behalf: a session is one connection to a broker; requests go in,
 * items come out: an answer to each request, and what the broker sends. Runs on the link thread; nothing here knows
 * channels or the application's memory.
 */
#ifndef MVS_LINK_MQTT_H
#define MVS_LINK_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/link/http.h"

struct mvs_link;

#define MVS_MQTT_TOPICS_MAX       8
#define MVS_MQTT_CERTIFICATES_MAX 8
#define MVS_MQTT_DETAIL_SIZE      384

/* As MvMqttReadableDataType, and a request is named by what answers it (static assertions in src/mqtt.c). */
enum mvs_mqtt_kind {
        MVS_MQTT_NONE = 0,
        MVS_MQTT_MESSAGE = 1,
        MVS_MQTT_LOST = 2,
        MVS_MQTT_CONNECT = 3,
        MVS_MQTT_SUBSCRIBE = 4,
        MVS_MQTT_UNSUBSCRIBE = 5,
        MVS_MQTT_PUBLISH = 6,
        MVS_MQTT_DISCONNECT = 7,
        MVS_MQTT_KINDS
};

/* As MvMqttRequestState. */
enum mvs_mqtt_state {
        MVS_MQTT_COMPLETED = 0,
        MVS_MQTT_INVALID_PARAMETERS = 1,
        MVS_MQTT_ALREADY_CONNECTED = 2,
        MVS_MQTT_NOT_CONNECTED = 3,
        MVS_MQTT_NXDOMAIN = 4,
        MVS_MQTT_UNKNOWN_CA = 5,
        MVS_MQTT_CERTIFICATE_EXPIRED = 6,
        MVS_MQTT_SOCKET_ERROR = 7,
        MVS_MQTT_CIRCUIT_BREAKER = 8,
};

struct mvs_mqtt_chain {
        unsigned count;
        struct mvs_bytes certs[MVS_MQTT_CERTIFICATES_MAX]; /* X.509 in DER */
};

struct mvs_mqtt_connect {
        struct mvs_bytes owner; /* handed to the items' callee: names broker and client */
        uint32_t version;       /* 0: 3.1.1, 1: 5 */
        struct mvs_bytes host;
        uint16_t port;
        struct mvs_bytes client_id;
        bool has_login;
        struct mvs_bytes username, password;
        struct mvs_mqtt_chain trusted; /* none: the profile's or the host's */
        struct mvs_mqtt_chain own;
        struct mvs_bytes key; /* PKCS#8 in DER */
        uint32_t keepalive_s;
        uint32_t clean_start;
        bool has_will;
        struct mvs_bytes will_topic, will_payload;
        uint32_t will_qos, will_retain;
};

struct mvs_mqtt_topic {
        struct mvs_bytes filter;
        uint32_t qos, no_local, retain_as_published, retain_handling;
};

struct mvs_mqtt_topics {
        unsigned count;
        struct mvs_mqtt_topic list[MVS_MQTT_TOPICS_MAX];
};

struct mvs_mqtt_publish {
        struct mvs_bytes topic, payload;
        uint32_t qos, retain;
};

/* One request, in one allocation: free() frees it. All bytes lie in `memory`, each string with a zero behind it. */
struct mvs_mqtt_request {
        enum mvs_mqtt_kind kind;
        uint32_t serial; /* not 0; names it in the answer */
        uint32_t correlation_id;
        union {
                struct mvs_mqtt_connect connect;
                struct mvs_mqtt_topics topics; /* of both SUBSCRIBE and UNSUBSCRIBE */
                struct mvs_mqtt_publish publish;
        } is;
        uint8_t memory[];
};

/* What comes back, in one allocation: free() frees it. */
struct mvs_mqtt_item {
        struct mvs_mqtt_item *next; /* of those that are handed over together; then the callee's, as is due_us */
        uint64_t due_us;
        enum mvs_mqtt_kind kind;
        enum mvs_mqtt_state state;
        uint32_t serial; /* of the request that it answers; 0: nobody asked */
        uint32_t correlation_id;
        uint32_t code;       /* the broker's */
        uint32_t packet_max; /* of a CONNECT that succeeded: bytes of the largest packet that the broker takes */
        unsigned code_count;
        uint32_t codes[MVS_MQTT_TOPICS_MAX]; /* in the order of the request */
        uint32_t qos;
        bool retain;
        bool again;                        /* a message that an earlier connection brought; the callee's to use */
        char detail[MVS_MQTT_DETAIL_SIZE]; /* for people: why it is not COMPLETED, or the connection has ended; else ""
                                            */
        size_t topic_len, payload_len;
        uint8_t bytes[]; /* the topic, then the payload */
};

/* An item with room for so many bytes, all else 0. NULL when memory is short. */
struct mvs_mqtt_item *mvs_mqtt_item_create(enum mvs_mqtt_kind kind, size_t topic_len, size_t payload_len)
        __attribute__((warn_unused_result));

/* The answer to a request, so far without codes. */
struct mvs_mqtt_item *mvs_mqtt_answer_create(const struct mvs_mqtt_request *request, enum mvs_mqtt_state state)
        __attribute__((warn_unused_result));

/*
 * Called with what came for a session in a turn of the loop, a list in the order in which it came, on the link thread,
 * without any lock held. The items become the callee's, who may know the session no more; `owner` is the CONNECT's. An
 * item of the kind DISCONNECT is the connection's last, and so is a CONNECT that did not succeed; requests that were
 * under way have been answered before it.
 */
typedef void mvs_mqtt_items_fn(void *context, uint32_t id, const struct mvs_bytes *owner, struct mvs_mqtt_item *first);

/*
 * Carries the request out on the session `id`, which a CONNECT begins: `items` and `context` are the session's from
 * then on, and ignored in others. Any thread. Takes the request over in every case. Everything that can go wrong is
 * told by an item. Returns 0, or a negative errno when the host has no memory or no thread; then nothing comes back.
 */
int mvs_link_mqtt_request(struct mvs_link *link, uint32_t id, struct mvs_mqtt_request *request,
                          mvs_mqtt_items_fn *items, void *context) __attribute__((warn_unused_result));

/*
 * Ends the session: its connection is dropped without a word to the broker, and no item comes, unless it is already on
 * its way. Any thread; unknown ids are ignored.
 */
void mvs_link_mqtt_drop(struct mvs_link *link, uint32_t id);

#endif

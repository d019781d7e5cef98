/*
 * The reason codes of an UNSUBACK, which MQTT 5 has and libmosquitto 2.0 does not tell. So while one is awaited, what
 * the connection has ready is looked at before libmosquitto reads it: packet by packet, as far as whole ones are there.
 *
 * libmosquitto may be in the middle of a packet then, and what is there is not the beginning of one; hence nothing is
 * taken for the answer that is not one in every byte: type, length, the number of a packet that is awaited, properties,
 * and a known code for each of its topics. An answer that came between the look and the reading is not seen: its codes
 * stay 0.
 */
#include <mqtt_protocol.h>
#include <string.h>
#include <sys/socket.h>

#include "sim/link/mosquitto/client.h"

#define PEEK_BYTES     4096
#define VARINT_MAX     4
#define MID_BYTES      2
#define UNSUBACK_FIRST 0xb0 /* the type, and no flags */
#define PUBREC_FIRST   0x50

struct reader {
        const uint8_t *bytes;
        size_t len;
        size_t at;
};

/* A number of one to four times seven bits. False: it is not all there, or none. */
static bool read_varint(struct reader *reader, size_t *ret)
{
        *ret = 0;
        for (unsigned i = 0; i < VARINT_MAX && reader->at < reader->len; i++) {
                uint8_t byte = reader->bytes[reader->at++];
                *ret |= (size_t)(byte & 0x7f) << 7 * i;
                if (!(byte & 0x80))
                        return true;
        }
        return false;
}

static bool is_code(uint8_t code)
{
        static const uint8_t codes[] = {
                MQTT_RC_SUCCESS,          MQTT_RC_NO_SUBSCRIPTION_EXISTED, MQTT_RC_UNSPECIFIED,
                MQTT_RC_NOT_AUTHORIZED,   MQTT_RC_IMPLEMENTATION_SPECIFIC, MQTT_RC_TOPIC_FILTER_INVALID,
                MQTT_RC_PACKET_ID_IN_USE,
        };
        return memchr(codes, code, sizeof codes) != NULL;
}

/* The request that the packet answers, whose identifier comes first. */
static struct mvs_mqtt_pending *find(const struct mvs_mqtt_client *client, enum mvs_mqtt_kind kind,
                                     const struct reader *body)
{
        struct mvs_mqtt_pending *pending = client->pending;
        int mid = body->bytes[0] << 8 | body->bytes[1];
        while (pending && (!pending->looked_for || pending->answer->kind != kind || pending->packet[0].mid != mid))
                pending = pending->next;
        return pending;
}

/* The one code there is besides success and errors, and these are told. */
static void take_code(const struct mvs_mqtt_client *client, const struct reader *body)
{
        struct mvs_mqtt_pending *pending = body->len > MID_BYTES ? find(client, MVS_MQTT_PUBLISH, body) : NULL;
        if (pending && body->bytes[MID_BYTES] == MQTT_RC_NO_MATCHING_SUBSCRIBERS)
                pending->answer->code = MQTT_RC_NO_MATCHING_SUBSCRIBERS;
}

/* `body` is all that an UNSUBACK has behind its length. */
static void take_codes(const struct mvs_mqtt_client *client, struct reader body)
{
        size_t properties;
        if (body.len < MID_BYTES)
                return;
        struct mvs_mqtt_pending *pending = find(client, MVS_MQTT_UNSUBSCRIBE, &body);
        body.at = MID_BYTES;
        if (!pending || !read_varint(&body, &properties) || body.len - body.at < properties)
                return;
        const uint8_t *codes = body.bytes + body.at + properties;
        size_t count = body.len - body.at - properties;
        bool fine = count == pending->answer->code_count;
        for (size_t i = 0; fine && i < count; i++)
                fine = is_code(codes[i]);
        for (size_t i = 0; fine && i < count; i++)
                pending->answer->codes[i] = codes[i];
}

static void look_through(const struct mvs_mqtt_client *client, struct reader reader)
{
        while (reader.at < reader.len) {
                size_t len;
                uint8_t first = reader.bytes[reader.at++];
                if (!read_varint(&reader, &len) || reader.len - reader.at < len)
                        return;
                const struct reader body = {reader.bytes + reader.at, len, 0};
                if (first == UNSUBACK_FIRST)
                        take_codes(client, body);
                else if (first == PUBREC_FIRST)
                        take_code(client, &body);
                reader.at += len;
        }
}

void mvs_mqtt_peek(struct mvs_mqtt_client *client)
{
        uint8_t bytes[PEEK_BYTES];
        SSL *tls = mosquitto_ssl_get(client->mosq);
        ssize_t len = tls ? SSL_peek(tls, bytes, sizeof bytes)
                          : recv(mosquitto_socket(client->mosq), bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
        if (len > 0)
                look_through(client, (struct reader){bytes, (size_t)len, 0});
}

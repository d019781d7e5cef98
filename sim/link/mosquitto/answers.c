/* What libmosquitto tells: answers to requests, messages, and the end. */
#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/link/mosquitto/client.h"

#define SESSION_PRESENT 1 /* of the flags in a CONNACK */

/* ---- requests under way ---- */

struct mvs_mqtt_pending *mvs_mqtt_pending_add(struct mvs_mqtt_client *client, const struct mvs_mqtt_request *request)
{
        struct mvs_mqtt_pending *pending = calloc(1, sizeof *pending);
        struct mvs_mqtt_item *answer = mvs_mqtt_answer_create(request, MVS_MQTT_COMPLETED);
        if (!pending || !answer) {
                free(pending);
                free(answer);
                return NULL;
        }
        pending->answer = answer;
        *client->last = pending;
        client->last = &pending->next;
        return pending;
}

static void unlist(struct mvs_mqtt_client *client, struct mvs_mqtt_pending *pending)
{
        struct mvs_mqtt_pending **link = &client->pending;
        while (*link != pending)
                link = &(*link)->next;
        *link = pending->next;
        if (!pending->next)
                client->last = link;
}

void mvs_mqtt_pending_finish(struct mvs_mqtt_client *client, struct mvs_mqtt_pending *pending,
                             enum mvs_mqtt_state state, uint32_t code, const char *detail)
{
        struct mvs_mqtt_item *answer = pending->answer;
        unlist(client, pending);
        client->looked_for -= pending->looked_for;
        free(pending);
        if (state != MVS_MQTT_COMPLETED)
                answer->code_count = 0;
        answer->state = state;
        answer->code = code;
        snprintf(answer->detail, sizeof answer->detail, "%s", detail);
        client->session->item(client->session, answer);
}

/* Packet identifiers come back sooner or later; until they are answered they are unique. */
static struct mvs_mqtt_pending *find(struct mvs_mqtt_client *client, enum mvs_mqtt_kind kind, int mid,
                                     unsigned *ret_packet)
{
        for (struct mvs_mqtt_pending *pending = client->pending; pending; pending = pending->next) {
                for (unsigned i = 0; pending->answer->kind == kind && i < pending->packets; i++) {
                        if (pending->packet[i].mid != mid)
                                continue;
                        *ret_packet = i;
                        return pending;
                }
        }
        return NULL;
}

static struct mvs_mqtt_pending *disconnect_of(const struct mvs_mqtt_client *client)
{
        struct mvs_mqtt_pending *pending = client->pending;
        while (pending && pending->answer->kind != MVS_MQTT_DISCONNECT)
                pending = pending->next;
        return pending;
}

/* The end answers the application's own wish, if that is under way. */
static void tell_end(struct mvs_mqtt_client *client, uint32_t code, const char *detail)
{
        struct mvs_mqtt_pending *asked = disconnect_of(client);
        if (asked) {
                mvs_mqtt_pending_finish(client, asked, MVS_MQTT_COMPLETED, code, detail);
                return;
        }
        struct mvs_mqtt_item *item = mvs_mqtt_item_create(MVS_MQTT_DISCONNECT, 0, 0);
        if (!item)
                return;
        item->code = code;
        snprintf(item->detail, sizeof item->detail, "%s", detail);
        client->session->item(client->session, item);
}

void mvs_mqtt_pending_end(struct mvs_mqtt_client *client, uint32_t code, const char *detail)
{
        for (struct mvs_mqtt_pending *pending = client->pending, *next; pending; pending = next) {
                next = pending->next;
                if (pending->answer->kind != MVS_MQTT_DISCONNECT)
                        mvs_mqtt_pending_finish(client, pending, MVS_MQTT_NOT_CONNECTED, 0, detail);
        }
        tell_end(client, code, detail);
        while (client->pending)
                mvs_mqtt_pending_finish(client, client->pending, MVS_MQTT_NOT_CONNECTED, 0, detail);
}

bool mvs_mqtt_pending_publishes(const struct mvs_mqtt_client *client)
{
        const struct mvs_mqtt_pending *pending = client->pending;
        while (pending && pending->answer->kind != MVS_MQTT_PUBLISH)
                pending = pending->next;
        return pending != NULL;
}

void mvs_mqtt_pending_forget(struct mvs_mqtt_client *client)
{
        for (struct mvs_mqtt_pending *pending = client->pending, *next; pending; pending = next) {
                next = pending->next;
                free(pending->answer);
                free(pending);
        }
        client->pending = NULL;
        client->last = &client->pending;
}

/* ---- from libmosquitto ---- */

/* Its words for MQTT 3.1.1 have more in front, and an end. */
static const char *refusal_text(const struct mvs_mqtt_client *client, int code)
{
        static const char *const old[] = {"",
                                          "it does not speak this version of MQTT",
                                          "it does not want this client id",
                                          "it is not available",
                                          "bad user name or password",
                                          "not authorised"};
        bool is_old = client->login->is.connect.version == 0;
        if (is_old && code < (int)(sizeof old / sizeof old[0]))
                return old[code];
        return is_old ? "for a reason that MQTT 3.1.1 does not have" : mosquitto_reason_string(code);
}

static void on_connect(struct mosquitto *mosq, void *context, int code, int flags, const mosquitto_property *properties)
{
        struct mvs_mqtt_client *client = context;
        struct mvs_mqtt_item *answer = client->answer;
        (void)mosq;
        if (!answer)
                return;
        if (code == 0 && client->resumes && !(flags & SESSION_PRESENT)) {
                client->stale = true;
                return;
        }
        client->answer = NULL;
        client->phase = code == 0 ? MVS_MQTT_UP : MVS_MQTT_OVER;
        client->keeps = client->resumes || (code == 0 && client->login->is.connect.clean_start == 0);
        answer->code = (uint32_t)code;
        answer->packet_max = UINT32_MAX;
        mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &answer->packet_max, false);
        if (code != 0)
                snprintf(answer->detail, sizeof answer->detail, "the broker refuses it: %s (code 0x%02x)",
                         refusal_text(client, code), (unsigned)code);
        client->session->item(client->session, answer);
}

static void on_disconnect(struct mosquitto *mosq, void *context, int code, const mosquitto_property *properties)
{
        struct mvs_mqtt_client *client = context;
        (void)mosq;
        (void)properties;
        client->ended = true;
        client->end_code = code;
}

static void on_subscribe(struct mosquitto *mosq, void *context, int mid, int count, const int *codes,
                         const mosquitto_property *properties)
{
        struct mvs_mqtt_client *client = context;
        unsigned packet;
        struct mvs_mqtt_pending *pending = find(client, MVS_MQTT_SUBSCRIBE, mid, &packet);
        (void)mosq;
        (void)properties;
        if (!pending)
                return;
        unsigned first = pending->packet[packet].first;
        for (unsigned i = 0; i < (unsigned)count && first + i < pending->answer->code_count; i++)
                pending->answer->codes[first + i] = (uint32_t)codes[i];
        pending->packet[packet].mid = 0;
        if (++pending->answered == pending->packets)
                mvs_mqtt_pending_finish(client, pending, MVS_MQTT_COMPLETED, 0, "");
}

static void on_unsubscribe(struct mosquitto *mosq, void *context, int mid, const mosquitto_property *properties)
{
        struct mvs_mqtt_client *client = context;
        unsigned packet;
        struct mvs_mqtt_pending *pending = find(client, MVS_MQTT_UNSUBSCRIBE, mid, &packet);
        (void)mosq;
        (void)properties;
        if (pending)
                mvs_mqtt_pending_finish(client, pending, MVS_MQTT_COMPLETED, 0, "");
}

/* QoS 0: it is on its way. QoS 1 and 2: the broker has it, or does not want it. */
static void on_publish(struct mosquitto *mosq, void *context, int mid, int code, const mosquitto_property *properties)
{
        struct mvs_mqtt_client *client = context;
        unsigned packet;
        struct mvs_mqtt_pending *pending = find(client, MVS_MQTT_PUBLISH, mid, &packet);
        (void)mosq;
        (void)properties;
        if (pending)
                mvs_mqtt_pending_finish(client, pending, MVS_MQTT_COMPLETED,
                                        code ? (uint32_t)code : pending->answer->code, "");
}

static void on_message(struct mosquitto *mosq, void *context, const struct mosquitto_message *message,
                       const mosquitto_property *properties)
{
        struct mvs_mqtt_client *client = context;
        size_t topic_len = strlen(message->topic);
        struct mvs_mqtt_item *item = NULL;
        (void)mosq;
        (void)properties;
        if (client->phase == MVS_MQTT_UP) /* else nobody is there any more who could take it */
                item = mvs_mqtt_item_create(MVS_MQTT_MESSAGE, topic_len, (size_t)message->payloadlen);
        if (!item)
                return;
        item->qos = (uint32_t)message->qos;
        item->retain = message->retain;
        memcpy(item->bytes, message->topic, topic_len);
        if (item->payload_len > 0)
                memcpy(item->bytes + topic_len, message->payload, item->payload_len);
        client->session->item(client->session, item);
}

void mvs_mqtt_answers_install(struct mosquitto *mosq)
{
        mosquitto_connect_v5_callback_set(mosq, on_connect);
        mosquitto_disconnect_v5_callback_set(mosq, on_disconnect);
        mosquitto_subscribe_v5_callback_set(mosq, on_subscribe);
        mosquitto_unsubscribe_v5_callback_set(mosq, on_unsubscribe);
        mosquitto_publish_v5_callback_set(mosq, on_publish);
        mosquitto_message_v5_callback_set(mosq, on_message);
}

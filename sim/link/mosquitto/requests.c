/* Requests to the broker: checked, and put into packets of libmosquitto's. */
#include <mqtt_protocol.h>
#include <stdlib.h>

#include "sim/link/mosquitto/client.h"

static bool is_version_5(const struct mvs_mqtt_client *client)
{
        return client->login->is.connect.version == 1;
}

static char *text(const struct mvs_bytes *bytes)
{
        return (char *)bytes->data;
}

/* What libmosquitto says when it has not sent anything: the broker would have ended the connection with this code. */
static uint32_t code_of(int result)
{
        switch (result) {
        case MOSQ_ERR_QOS_NOT_SUPPORTED: return MQTT_RC_QOS_NOT_SUPPORTED;
        case MOSQ_ERR_RETAIN_NOT_SUPPORTED: return MQTT_RC_RETAIN_NOT_SUPPORTED;
        case MOSQ_ERR_OVERSIZE_PACKET: return MQTT_RC_PACKET_TOO_LARGE;
        default: return 0;
        }
}

/* Whether the request ended here. A connection that broke while the packet was written is found broken by the loop. */
static bool is_settled(struct mvs_mqtt_client *client, struct mvs_mqtt_pending *pending, int result)
{
        switch (result) {
        case MOSQ_ERR_SUCCESS:
        case MOSQ_ERR_ERRNO:
        case MOSQ_ERR_CONN_LOST:
        case MOSQ_ERR_TLS: return false;
        case MOSQ_ERR_NO_CONN:
                mvs_mqtt_pending_finish(client, pending, MVS_MQTT_NOT_CONNECTED, 0, mosquitto_strerror(result));
                return true;
        default: break;
        }
        uint32_t code = code_of(result);
        mvs_mqtt_pending_finish(client, pending, code ? MVS_MQTT_COMPLETED : MVS_MQTT_INVALID_PARAMETERS, code,
                                mosquitto_strerror(result));
        return true;
}

/* MQTT 5 has codes for it that libmosquitto does not tell. */
static void look_for(struct mvs_mqtt_client *client, struct mvs_mqtt_pending *pending)
{
        pending->looked_for = is_version_5(client);
        client->looked_for += pending->looked_for;
}

static void publish(struct mvs_mqtt_client *client, struct mvs_mqtt_pending *pending,
                    const struct mvs_mqtt_publish *publish)
{
        /* Of QoS 0, it may have been answered, and be gone, when libmosquitto returns. */
        uint32_t qos = publish->qos;
        pending->packets = 1;
        if (qos == 2)
                look_for(client, pending);
        int result =
                mosquitto_publish_v5(client->mosq, &pending->packet[0].mid, text(&publish->topic),
                                     (int)publish->payload.len, publish->payload.data, (int)qos, publish->retain, NULL);
        if (result != MOSQ_ERR_SUCCESS)
                is_settled(client, pending, result);
}

static int options_of(const struct mvs_mqtt_topic *topic, bool version_5)
{
        if (!version_5)
                return 0;
        return (topic->no_local ? MQTT_SUB_OPT_NO_LOCAL : 0) |
               (topic->retain_as_published ? MQTT_SUB_OPT_RETAIN_AS_PUBLISHED : 0) | (int)(topic->retain_handling << 4);
}

/* From topic `first` on: as many as have its QoS and options, which libmosquitto wants the same in a packet. */
static unsigned run_length(const struct mvs_mqtt_topics *topics, unsigned first, bool version_5)
{
        const struct mvs_mqtt_topic *topic = &topics->list[first];
        unsigned count = 1;
        while (first + count < topics->count && topics->list[first + count].qos == topic->qos &&
               options_of(&topics->list[first + count], version_5) == options_of(topic, version_5))
                count++;
        return count;
}

static int subscribe_some(struct mvs_mqtt_client *client, int *mid, const struct mvs_mqtt_topic *topics, unsigned count)
{
        char *filters[MVS_MQTT_TOPICS_MAX];
        for (unsigned i = 0; i < count; i++)
                filters[i] = text(&topics[i].filter);
        return mosquitto_subscribe_multiple(client->mosq, mid, (int)count, filters, (int)topics->qos,
                                            options_of(topics, is_version_5(client)), NULL);
}

static void subscribe(struct mvs_mqtt_client *client, struct mvs_mqtt_pending *pending,
                      const struct mvs_mqtt_topics *topics)
{
        pending->answer->code_count = topics->count;
        for (unsigned first = 0, count; first < topics->count; first += count) {
                unsigned packet = pending->packets++;
                count = run_length(topics, first, is_version_5(client));
                pending->packet[packet].first = first;
                int result = subscribe_some(client, &pending->packet[packet].mid, &topics->list[first], count);
                if (is_settled(client, pending, result))
                        return;
        }
}

static void unsubscribe(struct mvs_mqtt_client *client, struct mvs_mqtt_pending *pending,
                        const struct mvs_mqtt_topics *topics)
{
        char *filters[MVS_MQTT_TOPICS_MAX];
        for (unsigned i = 0; i < topics->count; i++)
                filters[i] = text(&topics->list[i].filter);
        pending->answer->code_count = topics->count;
        pending->packets = 1;
        look_for(client, pending);
        is_settled(client, pending,
                   mosquitto_unsubscribe_multiple(client->mosq, &pending->packet[0].mid, (int)topics->count, filters,
                                                  NULL));
}

static void carry_out(struct mvs_mqtt_client *client, struct mvs_mqtt_pending *pending,
                      const struct mvs_mqtt_request *request)
{
        char why[MVS_MQTT_DETAIL_SIZE];
        if (client->phase != MVS_MQTT_UP)
                mvs_mqtt_pending_finish(client, pending, MVS_MQTT_NOT_CONNECTED, 0, "there is no connection");
        else if (!mvs_mqtt_rules_request(request, is_version_5(client), why))
                mvs_mqtt_pending_finish(client, pending, MVS_MQTT_INVALID_PARAMETERS, 0, why);
        else if (request->kind == MVS_MQTT_PUBLISH)
                publish(client, pending, &request->is.publish);
        else if (request->kind == MVS_MQTT_SUBSCRIBE)
                subscribe(client, pending, &request->is.topics);
        else if (request->kind == MVS_MQTT_UNSUBSCRIBE)
                unsubscribe(client, pending, &request->is.topics);
        else
                is_settled(client, pending, mosquitto_disconnect_v5(client->mosq, 0, NULL));
}

void mvs_mqtt_client_request(struct mvs_mqtt_client *client, struct mvs_mqtt_request *request)
{
        struct mvs_mqtt_pending *pending = mvs_mqtt_pending_add(client, request);
        mvs_mqtt_client_gather(client);
        if (pending)
                carry_out(client, pending, request);
        free(request);
}

#include <string.h>

#include "sim/link/mosquitto/client.h"

#define STRING_MAX    UINT16_MAX /* MQTT's strings have a length of two bytes */
#define PAYLOAD_MAX   268435455  /* and its packets one of four times seven bits */
#define QOS_MAX       2
#define HANDLING_MAX  2
#define SHARED_PREFIX "$share/"

static bool is_text(const struct mvs_bytes *bytes)
{
        return bytes->len <= STRING_MAX && !memchr(bytes->data, '\0', bytes->len) &&
               mosquitto_validate_utf8((const char *)bytes->data, (int)bytes->len) == MOSQ_ERR_SUCCESS;
}

static bool is_topic(const struct mvs_bytes *bytes)
{
        return bytes->len > 0 && is_text(bytes) &&
               mosquitto_pub_topic_check2((const char *)bytes->data, bytes->len) == MOSQ_ERR_SUCCESS;
}

static bool is_filter(const struct mvs_bytes *bytes)
{
        return bytes->len > 0 && is_text(bytes) &&
               mosquitto_sub_topic_check2((const char *)bytes->data, bytes->len) == MOSQ_ERR_SUCCESS;
}

/* libmosquitto wants a string. */
static bool is_password(const struct mvs_bytes *bytes)
{
        return bytes->len <= STRING_MAX && !memchr(bytes->data, '\0', bytes->len);
}

static const char *check_will(const struct mvs_mqtt_connect *connect)
{
        if (!is_topic(&connect->will_topic))
                return "the will's topic is no topic";
        if (connect->will_payload.len > STRING_MAX)
                return "the will's payload is longer than 65535 bytes";
        if (connect->will_qos > QOS_MAX)
                return "the will's QoS is not 0, 1 or 2";
        return connect->will_retain > 1 ? "the will's retain is not 0 or 1" : NULL;
}

const char *mvs_mqtt_rules_connect(const struct mvs_mqtt_connect *connect)
{
        if (connect->version > 1)
                return "there is no such protocol version";
        if (!is_text(&connect->client_id))
                return "the client id is not UTF-8";
        if (connect->has_login && !is_text(&connect->username))
                return "the user name is not UTF-8";
        if (connect->has_login && !is_password(&connect->password))
                return "the password is too long, or has a zero byte in it";
        if (connect->keepalive_s > UINT16_MAX)
                return "keepalive is more than 65535 seconds";
        if (connect->clean_start > 1)
                return "clean_start is not 0 or 1";
        return connect->has_will ? check_will(connect) : NULL;
}

static const char *check_topic(const struct mvs_mqtt_topic *topic, bool version_5)
{
        if (!is_filter(&topic->filter))
                return "one of the topics is no topic filter";
        if (topic->qos > QOS_MAX)
                return "desired_qos is not 0, 1 or 2";
        if (!version_5)
                return NULL;
        if (topic->no_local > 1 || topic->retain_as_published > 1)
                return "nl or rap is not 0 or 1";
        if (topic->retain_handling > HANDLING_MAX)
                return "rh is not 0, 1 or 2";
        bool shared = strncmp((const char *)topic->filter.data, SHARED_PREFIX, strlen(SHARED_PREFIX)) == 0;
        return shared && topic->no_local ? "nl is 1 for a shared subscription" : NULL;
}

static const char *check_publish(const struct mvs_mqtt_publish *publish)
{
        if (!is_topic(&publish->topic))
                return "the topic is no topic";
        if (publish->payload.len > PAYLOAD_MAX)
                return "the payload is too long";
        if (publish->qos > QOS_MAX)
                return "desired_qos is not 0, 1 or 2";
        return publish->retain > 1 ? "retain is not 0 or 1" : NULL;
}

const char *mvs_mqtt_rules_request(const struct mvs_mqtt_request *request, bool version_5)
{
        if (request->kind == MVS_MQTT_PUBLISH)
                return check_publish(&request->is.publish);
        if (request->kind == MVS_MQTT_DISCONNECT)
                return NULL;
        const struct mvs_mqtt_topics *topics = &request->is.topics;
        for (unsigned i = 0; i < topics->count; i++) {
                struct mvs_mqtt_topic topic = topics->list[i];
                if (request->kind == MVS_MQTT_UNSUBSCRIBE)
                        topic = (struct mvs_mqtt_topic){.filter = topic.filter};
                const char *wrong = check_topic(&topic, version_5);
                if (wrong)
                        return wrong;
        }
        return NULL;
}

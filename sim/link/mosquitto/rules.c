#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/link/mosquitto/client.h"

#define STRING_MAX    UINT16_MAX /* MQTT's strings have a length of two bytes */
#define PAYLOAD_MAX   268435455  /* and its packets one of four times seven bits */
#define QOS_MAX       2
#define HANDLING_MAX  2
#define SHARED_PREFIX "$share/"
#define SHOWN_MAX     40                  /* bytes of a topic that a message repeats */
#define SHOWN_SIZE    (4 * SHOWN_MAX + 6) /* each "\xNN", quotes, dots, a zero */

__attribute__((format(printf, 2, 3))) static bool refuse(char *ret_why, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(ret_why, MVS_MQTT_DETAIL_SIZE, format, args);
        va_end(args);
        return false;
}

/* What is wrong with a string of MQTT's; NULL: nothing. */
static const char *string_fault(const struct mvs_bytes *bytes)
{
        if (bytes->len > STRING_MAX)
                return "has more than 65535 bytes";
        if (memchr(bytes->data, '\0', bytes->len))
                return "has a zero byte in it";
        if (mosquitto_validate_utf8((const char *)bytes->data, (int)bytes->len) != MOSQ_ERR_SUCCESS)
                return "is not UTF-8";
        return NULL;
}

/* ---- topics ---- */

static const char *topic_fault(const struct mvs_bytes *bytes)
{
        if (bytes->len == 0)
                return "is empty";
        const char *fault = string_fault(bytes);
        if (fault || mosquitto_pub_topic_check2((const char *)bytes->data, bytes->len) == MOSQ_ERR_SUCCESS)
                return fault;
        return "has + or # in it, which only subscriptions may have";
}

static const char *filter_fault(const struct mvs_bytes *bytes)
{
        if (bytes->len == 0)
                return "is empty";
        const char *fault = string_fault(bytes);
        if (fault || mosquitto_sub_topic_check2((const char *)bytes->data, bytes->len) == MOSQ_ERR_SUCCESS)
                return fault;
        return "breaks MQTT's rules: + stands for a whole level, # for the last ones";
}

/* A topic as a message shows it: in quotes, its beginning, and nothing that would upset a terminal. */
static void show(const struct mvs_bytes *topic, char ret[SHOWN_SIZE])
{
        size_t shown = topic->len < SHOWN_MAX ? topic->len : SHOWN_MAX;
        size_t len = 0;
        for (size_t i = 0; i < shown; i++) {
                uint8_t byte = topic->data[i];
                bool plain = byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
                len += (size_t)snprintf(ret + len, SHOWN_SIZE - len, plain ? "%s%c" : "%s\\x%02x", i == 0 ? "\"" : "",
                                        byte);
        }
        snprintf(ret + len, SHOWN_SIZE - len, "%s\"%s", shown == 0 ? "\"" : "", shown < topic->len ? "..." : "");
}

static bool check_name(const char *what, const struct mvs_bytes *topic, const char *fault, char *ret_why)
{
        char shown[SHOWN_SIZE];
        if (!fault)
                return true;
        show(topic, shown);
        return refuse(ret_why, "%s %s %s", what, shown, fault);
}

static bool check_number(const char *what, uint32_t value, uint32_t max, char *ret_why)
{
        if (value <= max)
                return true;
        return refuse(ret_why, "%s is %u, not %s", what, value, max == 1 ? "0 or 1" : "0, 1 or 2");
}

/* ---- connecting ---- */

static bool check_will(const struct mvs_mqtt_connect *connect, char *ret_why)
{
        if (!check_name("the will's topic", &connect->will_topic, topic_fault(&connect->will_topic), ret_why))
                return false;
        if (connect->will_payload.len > STRING_MAX)
                return refuse(ret_why, "the will's payload has %zu bytes, more than 65535", connect->will_payload.len);
        return check_number("the will's QoS", connect->will_qos, QOS_MAX, ret_why) &&
               check_number("the will's retain", connect->will_retain, 1, ret_why);
}

/* libmosquitto wants a string. */
static bool check_login(const struct mvs_mqtt_connect *connect, char *ret_why)
{
        const char *fault = string_fault(&connect->username);
        if (fault)
                return refuse(ret_why, "the user name %s", fault);
        if (connect->password.len > STRING_MAX)
                return refuse(ret_why, "the password has more than 65535 bytes");
        return !memchr(connect->password.data, '\0', connect->password.len) ||
               refuse(ret_why, "the password has a zero byte in it");
}

bool mvs_mqtt_rules_connect(const struct mvs_mqtt_connect *connect, char ret_why[MVS_MQTT_DETAIL_SIZE])
{
        const char *fault = string_fault(&connect->client_id);
        if (connect->version > 1)
                return refuse(ret_why, "there is no protocol version %u (MV_MQTTPROTOCOLVERSION_V3_1_1 or _V5)",
                              connect->version);
        if (fault)
                return refuse(ret_why, "the client id %s", fault);
        if (connect->has_login && !check_login(connect, ret_why))
                return false;
        if (connect->keepalive_s > UINT16_MAX)
                return refuse(ret_why, "keepalive is %u seconds, more than 65535", connect->keepalive_s);
        return check_number("clean_start", connect->clean_start, 1, ret_why) &&
               (!connect->has_will || check_will(connect, ret_why));
}

/* ---- other requests ---- */

static bool check_options(const struct mvs_mqtt_topic *topic, char *ret_why)
{
        bool shared = strncmp((const char *)topic->filter.data, SHARED_PREFIX, strlen(SHARED_PREFIX)) == 0;
        if (!check_number("nl", topic->no_local, 1, ret_why) ||
            !check_number("rap", topic->retain_as_published, 1, ret_why) ||
            !check_number("rh", topic->retain_handling, HANDLING_MAX, ret_why))
                return false;
        return !shared || !topic->no_local || refuse(ret_why, "nl is 1 for a shared subscription, which MQTT forbids");
}

static bool check_topic(const struct mvs_mqtt_topic *topic, bool version_5, char *ret_why)
{
        return check_name("the topic filter", &topic->filter, filter_fault(&topic->filter), ret_why) &&
               check_number("desired_qos", topic->qos, QOS_MAX, ret_why) &&
               (!version_5 || check_options(topic, ret_why));
}

static bool check_publish(const struct mvs_mqtt_publish *publish, char *ret_why)
{
        if (!check_name("the topic", &publish->topic, topic_fault(&publish->topic), ret_why))
                return false;
        if (publish->payload.len > PAYLOAD_MAX)
                return refuse(ret_why, "the payload has %zu bytes, more than %d", publish->payload.len, PAYLOAD_MAX);
        return check_number("desired_qos", publish->qos, QOS_MAX, ret_why) &&
               check_number("retain", publish->retain, 1, ret_why);
}

bool mvs_mqtt_rules_request(const struct mvs_mqtt_request *request, bool version_5, char ret_why[MVS_MQTT_DETAIL_SIZE])
{
        bool fine = true;
        if (request->kind == MVS_MQTT_PUBLISH)
                return check_publish(&request->is.publish, ret_why);
        if (request->kind == MVS_MQTT_DISCONNECT)
                return true;
        const struct mvs_mqtt_topics *topics = &request->is.topics;
        for (unsigned i = 0; fine && i < topics->count; i++) {
                struct mvs_mqtt_topic topic = topics->list[i];
                if (request->kind == MVS_MQTT_UNSUBSCRIBE)
                        topic = (struct mvs_mqtt_topic){.filter = topic.filter};
                fine = check_topic(&topic, version_5, ret_why);
        }
        return fine;
}

#include "sim/link/mosquitto/connect.h"

#include <mqtt_protocol.h>
#include <string.h>

#define KEEPALIVE_MIN_S 5 /* libmosquitto's; shorter ones become this */

static const char *text(const struct mvs_bytes *bytes)
{
        return (const char *)bytes->data;
}

/* A password may be missing, and then is not sent at all. */
static int set_login(struct mosquitto *mosq, const struct mvs_mqtt_connect *connect)
{
        if (!connect->has_login)
                return MOSQ_ERR_SUCCESS;
        return mosquitto_username_pw_set(mosq, text(&connect->username),
                                         connect->password.len > 0 ? text(&connect->password) : NULL);
}

static int set_will(struct mosquitto *mosq, const struct mvs_mqtt_connect *connect)
{
        if (!connect->has_will)
                return MOSQ_ERR_SUCCESS;
        return mosquitto_will_set(mosq, text(&connect->will_topic), (int)connect->will_payload.len,
                                  connect->will_payload.data, (int)connect->will_qos, connect->will_retain);
}

struct mosquitto *mvs_mqtt_connect_make(struct mvs_mqtt_client *client)
{
        const struct mvs_mqtt_connect *connect = &client->login->is.connect;
        struct mosquitto *mosq = mosquitto_new(text(&connect->client_id), connect->clean_start, client);
        if (!mosq)
                return NULL;
        mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION,
                             connect->version == 1 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
        mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1);
        mosquitto_int_option(mosq, MOSQ_OPT_SEND_MAXIMUM, UINT16_MAX); /* the device has limits of its own */
        if (client->tls) {
                mosquitto_void_option(mosq, MOSQ_OPT_SSL_CTX, client->tls);
                mosquitto_int_option(mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
        }
        if (set_login(mosq, connect) == MOSQ_ERR_SUCCESS && set_will(mosq, connect) == MOSQ_ERR_SUCCESS)
                return mosq;
        mosquitto_destroy(mosq);
        return NULL;
}

static int keepalive_of(const struct mvs_mqtt_connect *connect)
{
        if (connect->keepalive_s > 0 && connect->keepalive_s < KEEPALIVE_MIN_S)
                return KEEPALIVE_MIN_S;
        return (int)connect->keepalive_s;
}

/*
 * Of libmosquitto's ways to connect, those that do not block take no properties, and the one that takes them blocks;
 * but whatever is tried afterwards uses those of the last attempt. So the first attempt is one that it refuses for its
 * arguments: a keep-alive time of a second, which is too short for it.
 */
static int set_properties(struct mosquitto *mosq, const char *address, uint16_t port,
                          const mosquitto_property *properties)
{
        int result = mosquitto_connect_bind_v5(mosq, address, port, 1, NULL, properties);
        return result == MOSQ_ERR_INVAL ? MOSQ_ERR_SUCCESS : result;
}

/* A session that is to be found again lives on at the broker: with MQTT 5 that has to be said. */
int mvs_mqtt_connect_start(struct mvs_mqtt_client *client, const char *address)
{
        const struct mvs_mqtt_connect *connect = &client->login->is.connect;
        uint16_t port = client->session->target.port;
        int result = MOSQ_ERR_SUCCESS;
        if (connect->version == 1 && !connect->clean_start) {
                mosquitto_property *properties = NULL;
                result = mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, UINT32_MAX);
                if (result == MOSQ_ERR_SUCCESS)
                        result = set_properties(client->mosq, address, port, properties);
                mosquitto_property_free_all(&properties);
        }
        if (result != MOSQ_ERR_SUCCESS)
                return result;
        return mosquitto_connect_async(client->mosq, address, port, keepalive_of(connect));
}

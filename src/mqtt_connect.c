/* mvMqttRequestConnect: the largest of the requests, with structures in structures. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/channel.h"
#include "src/device.h"
#include "src/pair.h"

#define PORT_SIZE 8 /* a colon, five digits, a zero */

enum MvStatus mvs_check_mvMqttRequestConnect(struct mvs_call *call, MvChannelHandle handle,
                                             const struct MvMqttConnectRequest *request)
{
        (void)handle;
        (void)request;
        const struct mvs_channel *channel = call->object;
        enum MvStatus status = mvs_channel_check_alive(call, channel);
        if (status != MV_STATUS_OKAY || !channel->mqtt.asked)
                return status;
        return mvs_reject(call, MV_STATUS_REQUESTALREADYSENT, "handle",
                          "0x%08" PRIx32 ": one connection a channel (close it and open another)",
                          channel->object.handle);
}

/* The request with what it points to, so far as it is structures. */
struct login {
        const struct MvMqttConnectRequest *request;
        bool has_login;
        struct MvTlsCredentials tls;
        struct MvMqttWill will;
        struct MvSizedString trusted[MVS_MQTT_CERTIFICATES_MAX];
        struct MvSizedString own[MVS_MQTT_CERTIFICATES_MAX];
};

static enum MvStatus check_present(struct mvs_call *call, const char *field, const struct MvSizedString *string)
{
        if (string->length > 0)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_REQUIREDELEMENTMISSING, field, "is 0: the device requires it");
}

static enum MvStatus check_authentication(struct mvs_call *call, struct login *login)
{
        enum MvMqttAuthenticationMethod method = login->request->authentication.method;
        login->has_login = method == MV_MQTTAUTHENTICATIONMETHOD_USERNAMEPASSWORD;
        if (login->has_login || method == MV_MQTTAUTHENTICATIONMETHOD_NONE)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDAUTHENTICATION, "authentication.method",
                          "is %d: it must be MV_MQTTAUTHENTICATIONMETHOD_NONE or _USERNAMEPASSWORD", (int)method);
}

static enum MvStatus check_count(struct mvs_call *call, const char *field, uint32_t count)
{
        if (count <= MVS_MQTT_CERTIFICATES_MAX)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_TOOMANYELEMENTS, field, "is %" PRIu32 ", more than %d certificates", count,
                          MVS_MQTT_CERTIFICATES_MAX);
}

static enum MvStatus check_own(struct mvs_call *call, const struct login *login)
{
        const struct MvOwnTlsCertificateChain *own = &login->tls.clientcert;
        enum MvStatus status = check_count(call, "tls_credentials.clientcert.chain.num_certs", own->chain.num_certs);
        if (status != MV_STATUS_OKAY)
                return status;
        if (login->has_login && own->key.length > 0)
                return mvs_reject(call, MV_STATUS_INVALIDAUTHENTICATION, "tls_credentials.clientcert.key",
                                  "was given together with a user name and password: it is one or the other");
        return own->chain.num_certs == 0 ? MV_STATUS_OKAY
                                         : check_present(call, "tls_credentials.clientcert.key.length", &own->key);
}

static enum MvStatus fetch_tls(struct mvs_call *call, struct login *login)
{
        const struct MvTlsCredentials *tls = login->request->tls_credentials;
        if (!tls)
                return MV_STATUS_OKAY;
        enum MvStatus status = mvs_mqtt_fetch(call, "tls_credentials", &login->tls, tls, sizeof *tls);
        if (status == MV_STATUS_OKAY)
                status = check_count(call, "tls_credentials.cacert.num_certs", login->tls.cacert.num_certs);
        return status == MV_STATUS_OKAY ? check_own(call, login) : status;
}

static enum MvStatus fetch_will(struct mvs_call *call, struct login *login)
{
        const struct MvMqttWill *will = login->request->will;
        if (!will)
                return MV_STATUS_OKAY;
        enum MvStatus status = mvs_mqtt_fetch(call, "will", &login->will, will, sizeof *will);
        if (status == MV_STATUS_OKAY)
                status = check_present(call, "will.topic.length", &login->will.topic);
        return status == MV_STATUS_OKAY ? check_present(call, "will.payload.length", &login->will.payload) : status;
}

/* Everything but the strings themselves, in declared order. */
static enum MvStatus fetch_structures(struct mvs_call *call, struct login *login)
{
        enum MvStatus status = check_present(call, "host.length", &login->request->host);
        if (status == MV_STATUS_OKAY)
                status = check_present(call, "clientid.length", &login->request->clientid);
        if (status == MV_STATUS_OKAY)
                status = check_authentication(call, login);
        if (status == MV_STATUS_OKAY)
                status = fetch_tls(call, login);
        return status == MV_STATUS_OKAY ? fetch_will(call, login) : status;
}

/* ---- the strings ---- */

static enum MvStatus measure_chain(struct mvs_mqtt_copy *copy, const char *field, const char *strings,
                                   const struct MvTlsCertificateChain *chain, struct MvSizedString *ret_certs)
{
        if (chain->num_certs == 0)
                return MV_STATUS_OKAY;
        enum MvStatus status =
                mvs_mqtt_fetch(copy->call, field, ret_certs, chain->certs, chain->num_certs * sizeof *ret_certs);
        for (uint32_t i = 0; i < chain->num_certs && status == MV_STATUS_OKAY; i++)
                status = mvs_mqtt_measure(copy, strings, &ret_certs[i]);
        return status;
}

static enum MvStatus measure_login(struct mvs_mqtt_copy *copy, const struct login *login)
{
        const struct MvUsernamePassword *names = &login->request->authentication.username_password;
        if (!login->has_login)
                return MV_STATUS_OKAY;
        enum MvStatus status =
                mvs_mqtt_measure(copy, "authentication.username_password.username.data", &names->username);
        return status == MV_STATUS_OKAY
                       ? mvs_mqtt_measure(copy, "authentication.username_password.password.data", &names->password)
                       : status;
}

static enum MvStatus measure_own(struct mvs_mqtt_copy *copy, struct login *login)
{
        const struct MvOwnTlsCertificateChain *own = &login->tls.clientcert;
        enum MvStatus status = measure_chain(copy, "tls_credentials.clientcert.chain.certs",
                                             "tls_credentials.clientcert.chain.certs[].data", &own->chain, login->own);
        if (status != MV_STATUS_OKAY || own->chain.num_certs == 0)
                return status;
        return mvs_mqtt_measure(copy, "tls_credentials.clientcert.key.data", &own->key);
}

static enum MvStatus measure(struct mvs_mqtt_copy *copy, struct login *login)
{
        enum MvStatus status = mvs_mqtt_measure(copy, "host.data", &login->request->host);
        if (status == MV_STATUS_OKAY)
                status = mvs_mqtt_measure(copy, "clientid.data", &login->request->clientid);
        if (status == MV_STATUS_OKAY)
                status = measure_login(copy, login);
        if (status == MV_STATUS_OKAY)
                status = measure_chain(copy, "tls_credentials.cacert.certs", "tls_credentials.cacert.certs[].data",
                                       &login->tls.cacert, login->trusted);
        if (status == MV_STATUS_OKAY)
                status = measure_own(copy, login);
        if (status == MV_STATUS_OKAY && login->request->will)
                status = mvs_mqtt_measure(copy, "will.topic.data", &login->will.topic);
        if (status == MV_STATUS_OKAY && login->request->will)
                status = mvs_mqtt_measure(copy, "will.payload.data", &login->will.payload);
        return status;
}

/* ---- the copy ---- */

static enum MvStatus take_chain(struct mvs_mqtt_copy *copy, const char *field, const struct MvSizedString *certs,
                                uint32_t count, struct mvs_mqtt_chain *ret)
{
        enum MvStatus status = MV_STATUS_OKAY;
        ret->count = count;
        for (uint32_t i = 0; i < count && status == MV_STATUS_OKAY; i++)
                status = mvs_mqtt_take(copy, field, &certs[i], &ret->certs[i]);
        return status;
}

static enum MvStatus take_names(struct mvs_mqtt_copy *copy, const struct login *login, struct mvs_mqtt_connect *to)
{
        const struct MvMqttConnectRequest *from = login->request;
        enum MvStatus status = mvs_mqtt_take(copy, "host.data", &from->host, &to->host);
        if (status == MV_STATUS_OKAY)
                status = mvs_mqtt_take(copy, "clientid.data", &from->clientid, &to->client_id);
        if (status != MV_STATUS_OKAY || !login->has_login)
                return status;
        const struct MvUsernamePassword *names = &from->authentication.username_password;
        status = mvs_mqtt_take(copy, "authentication.username_password.username.data", &names->username, &to->username);
        return status == MV_STATUS_OKAY ? mvs_mqtt_take(copy, "authentication.username_password.password.data",
                                                        &names->password, &to->password)
                                        : status;
}

static enum MvStatus take_tls(struct mvs_mqtt_copy *copy, const struct login *login, struct mvs_mqtt_connect *to)
{
        uint32_t own = login->tls.clientcert.chain.num_certs;
        enum MvStatus status = take_chain(copy, "tls_credentials.cacert.certs[].data", login->trusted,
                                          login->tls.cacert.num_certs, &to->trusted);
        if (status == MV_STATUS_OKAY)
                status = take_chain(copy, "tls_credentials.clientcert.chain.certs[].data", login->own, own, &to->own);
        if (status == MV_STATUS_OKAY && own > 0)
                status = mvs_mqtt_take(copy, "tls_credentials.clientcert.key.data", &login->tls.clientcert.key,
                                       &to->key);
        return status;
}

static enum MvStatus take_will(struct mvs_mqtt_copy *copy, const struct login *login, struct mvs_mqtt_connect *to)
{
        to->has_will = login->request->will != NULL;
        if (!to->has_will)
                return MV_STATUS_OKAY;
        to->will_qos = login->will.qos;
        to->will_retain = login->will.retain;
        enum MvStatus status = mvs_mqtt_take(copy, "will.topic.data", &login->will.topic, &to->will_topic);
        return status == MV_STATUS_OKAY
                       ? mvs_mqtt_take(copy, "will.payload.data", &login->will.payload, &to->will_payload)
                       : status;
}

static enum MvStatus take(struct mvs_mqtt_copy *copy, const struct login *login)
{
        struct mvs_mqtt_connect *to = &copy->request->is.connect;
        to->version = (uint32_t)login->request->protocol_version;
        to->port = login->request->port;
        to->has_login = login->has_login;
        to->keepalive_s = login->request->keepalive;
        to->clean_start = login->request->clean_start;
        enum MvStatus status = take_names(copy, login, to);
        if (status == MV_STATUS_OKAY)
                status = take_tls(copy, login, to);
        return status == MV_STATUS_OKAY ? take_will(copy, login, to) : status;
}

/* ---- sent ---- */

/* By what an unacknowledged message is found again: "host:port", the host in lower case, a zero, the client id. */
static void make_owner(struct mvs_mqtt_copy *copy)
{
        struct mvs_mqtt_connect *connect = &copy->request->is.connect;
        char port[PORT_SIZE];
        size_t port_len = (size_t)snprintf(port, sizeof port, ":%u", connect->port) + 1;
        uint8_t *bytes = copy->request->memory + copy->used;
        for (size_t i = 0; i < connect->host.len; i++)
                bytes[i] = (uint8_t)tolower(connect->host.data[i]);
        memcpy(bytes + connect->host.len, port, port_len);
        memcpy(bytes + connect->host.len + port_len, connect->client_id.data, connect->client_id.len);
        connect->owner = (struct mvs_bytes){bytes, connect->host.len + port_len + connect->client_id.len};
}

/* The channel's own. */
static bool keep_owner(struct mvs_mqtt_channel *mqtt, const struct mvs_mqtt_connect *connect)
{
        const struct mvs_bytes *owner = &connect->owner;
        mqtt->host_len = connect->host.len;
        mqtt->port = connect->port;
        mqtt->owner = (struct mvs_bytes){malloc(owner->len), owner->len};
        if (mqtt->owner.data)
                memcpy(mqtt->owner.data, owner->data, owner->len);
        return mqtt->owner.data != NULL;
}

static void send(struct mvs_channel *channel, struct mvs_mqtt_request *request)
{
        const struct mvs_mqtt_connect *connect = &request->is.connect;
        mvs_trace(&channel->device->machine, MVS_EVENT_REQUEST, MVS_HEX("channel", channel->object.handle),
                  MVS_WORD("mqtt", "connect"), MVS_TEXT("host", connect->host.data, connect->host.len),
                  MVS_NUMBER("port", connect->port),
                  MVS_TEXT("client", connect->client_id.data, connect->client_id.len),
                  MVS_NUMBER("version", connect->version), MVS_NUMBER("keepalive", connect->keepalive_s),
                  MVS_NUMBER("clean", connect->clean_start), MVS_NUMBER("will", connect->has_will));
        channel->mqtt.forgets = connect->clean_start != 0;
        mvs_mqtt_send(channel, request);
}

enum MvStatus mvs_do_mvMqttRequestConnect(struct mvs_call *call, MvChannelHandle handle,
                                          const struct MvMqttConnectRequest *request)
{
        (void)handle;
        (void)request;
        struct mvs_channel *channel = call->object;
        struct login login = {.request = &call->in.mqtt_connect};
        struct mvs_mqtt_copy copy = {.call = call};
        enum MvStatus status = fetch_structures(call, &login);
        if (status == MV_STATUS_OKAY)
                status = measure(&copy, &login);
        copy.memory += (size_t)login.request->host.length + PORT_SIZE + login.request->clientid.length;
        if (status == MV_STATUS_OKAY)
                status = mvs_mqtt_allocate(&copy, MVS_MQTT_CONNECT);
        if (status == MV_STATUS_OKAY)
                status = take(&copy, &login);
        if (status != MV_STATUS_OKAY)
                return mvs_mqtt_give_up(&copy, status);
        make_owner(&copy);
        if (!keep_owner(&channel->mqtt, &copy.request->is.connect))
                return mvs_mqtt_give_up(
                        &copy, mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, NULL, "the host is out of memory"));
        send(channel, copy.request);
        mvs_lint_made(call);
        return MV_STATUS_OKAY;
}

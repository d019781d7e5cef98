/*
 * TLS to a broker: what the application brings is DER, and the host's or the profile's authorities are trusted where it
 * brings none.
 *
 * libmosquitto takes the context as it is. It names the address it connects to in its greeting (SNI), which has to be
 * the broker's name: set again when the handshake begins.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "sim/link/mosquitto/client.h"
#include "sim/link/tls/ca_file.h"
#include "sim/link/tls/names.h"

/* The whole of the bytes, not more: a PEM file, for one, is none. */
static X509 *certificate_of(const struct mvs_bytes *der)
{
        const unsigned char *end = der->data;
        X509 *certificate = d2i_X509(NULL, &end, (long)der->len);
        if (!certificate || end == der->data + der->len)
                return certificate;
        X509_free(certificate);
        return NULL;
}

static EVP_PKEY *key_of(const struct mvs_bytes *der)
{
        const unsigned char *end = der->data;
        PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &end, (long)der->len);
        EVP_PKEY *key = info && end == der->data + der->len ? EVP_PKCS82PKEY(info) : NULL;
        PKCS8_PRIV_KEY_INFO_free(info);
        return key;
}

static bool trust(SSL_CTX *tls, const struct mvs_mqtt_chain *chain)
{
        bool fine = true;
        for (unsigned i = 0; fine && i < chain->count; i++) {
                X509 *certificate = certificate_of(&chain->certs[i]);
                fine = certificate && X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), certificate) == 1;
                X509_free(certificate);
        }
        return fine;
}

static bool use_chain(SSL_CTX *tls, const struct mvs_mqtt_chain *chain)
{
        bool fine = true;
        for (unsigned i = 0; fine && i < chain->count; i++) {
                X509 *certificate = certificate_of(&chain->certs[i]);
                fine = certificate && (i == 0 ? SSL_CTX_use_certificate(tls, certificate)
                                              : (int)SSL_CTX_add1_chain_cert(tls, certificate)) == 1;
                X509_free(certificate);
        }
        return fine;
}

static bool use_key(SSL_CTX *tls, const struct mvs_bytes *der)
{
        EVP_PKEY *key = key_of(der);
        bool fine = key && SSL_CTX_use_PrivateKey(tls, key) == 1 && SSL_CTX_check_private_key(tls) == 1;
        EVP_PKEY_free(key);
        return fine;
}

static void explain(char ret_why[MVS_MQTT_DETAIL_SIZE], const char *why)
{
        snprintf(ret_why, MVS_MQTT_DETAIL_SIZE, "%s", why);
}

static enum mvs_mqtt_state set_trust(struct mvs_mqtt_client *client, char ret_why[MVS_MQTT_DETAIL_SIZE])
{
        const struct mvs_mqtt_chain *trusted = &client->login->is.connect.trusted;
        if (trusted->count == 0)
                return mvs_tls_ca_file_trust(client->tls, "mqtt.ca_file", client->session->target.ca_file, ret_why,
                                             MVS_MQTT_DETAIL_SIZE)
                               ? MVS_MQTT_COMPLETED
                               : MVS_MQTT_UNKNOWN_CA;
        explain(ret_why, "cacert is no X.509 certificate in DER");
        return trust(client->tls, trusted) ? MVS_MQTT_COMPLETED : MVS_MQTT_INVALID_PARAMETERS;
}

static enum mvs_mqtt_state set_own(struct mvs_mqtt_client *client, char ret_why[MVS_MQTT_DETAIL_SIZE])
{
        const struct mvs_mqtt_connect *connect = &client->login->is.connect;
        if (connect->own.count == 0)
                return MVS_MQTT_COMPLETED;
        explain(ret_why, "clientcert has no X.509 certificates in DER, or its key is not theirs, in PKCS#8 and DER");
        return use_chain(client->tls, &connect->own) && use_key(client->tls, &connect->key)
                       ? MVS_MQTT_COMPLETED
                       : MVS_MQTT_INVALID_PARAMETERS;
}

static void on_info(const SSL *tls, int where, int value)
{
        (void)value;
        if (where != SSL_CB_HANDSHAKE_START)
                return;
        const struct mvs_mqtt_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));
        const char *name = client->session->target.name[0];
        bool is_name = strspn(name, "0123456789.") != strlen(name) && !strchr(name, ':');
        SSL_set_tlsext_host_name((SSL *)(uintptr_t)tls, (char *)(uintptr_t)(is_name ? name : NULL));
}

static enum mvs_mqtt_state fill(struct mvs_mqtt_client *client, char ret_why[MVS_MQTT_DETAIL_SIZE])
{
        const struct mvs_mqtt_target *target = &client->session->target;
        enum mvs_mqtt_state state = set_trust(client, ret_why);
        if (state == MVS_MQTT_COMPLETED)
                state = set_own(client, ret_why);
        if (state != MVS_MQTT_COMPLETED)
                return state;
        SSL_CTX_set_min_proto_version(client->tls, TLS1_2_VERSION);
        SSL_CTX_set_verify(client->tls, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_app_data(client->tls, client);
        SSL_CTX_set_info_callback(client->tls, on_info);
        explain(ret_why, "the host is out of memory");
        return mvs_tls_names_install(client->tls, target->name[0], target->name[1], &client->verify_error)
                       ? MVS_MQTT_COMPLETED
                       : MVS_MQTT_SOCKET_ERROR;
}

enum mvs_mqtt_state mvs_mqtt_tls_make(struct mvs_mqtt_client *client, char ret_why[MVS_MQTT_DETAIL_SIZE])
{
        explain(ret_why, "the host is out of memory");
        client->tls = SSL_CTX_new(TLS_client_method());
        enum mvs_mqtt_state state = client->tls ? fill(client, ret_why) : MVS_MQTT_SOCKET_ERROR;
        ERR_clear_error();
        return state;
}

enum mvs_mqtt_state mvs_mqtt_tls_state(int verify_error)
{
        switch (verify_error) {
        case X509_V_OK: return MVS_MQTT_SOCKET_ERROR;
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID: return MVS_MQTT_CERTIFICATE_EXPIRED;
        default: return MVS_MQTT_UNKNOWN_CA;
        }
}

/* Whom the request trusts itself, the profile has no say in. */
static void add_way_out(const struct mvs_mqtt_client *client, char *ret, size_t size)
{
        const struct mvs_mqtt_target *target = &client->session->target;
        bool brought = client->login->is.connect.trusted.count > 0;
        switch (client->verify_error) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID: snprintf(ret, size, " (by this computer's clock)"); break;
        case X509_V_ERR_HOSTNAME_MISMATCH:
                snprintf(ret, size, " (the certificate must be in the name %.100s%s%.100s)", target->name[0],
                         target->name[1] ? " or " : "", target->name[1] ? target->name[1] : "");
                break;
        default:
                snprintf(ret, size,
                         brought ? " (its authority must stand in the request's cacert)"
                                 : " (its authority must stand in mqtt.ca_file, or in the request's cacert)");
        }
}

void mvs_mqtt_tls_explain(const struct mvs_mqtt_client *client, char ret_why[MVS_MQTT_DETAIL_SIZE])
{
        int len = snprintf(ret_why, MVS_MQTT_DETAIL_SIZE, "the certificate is refused: %s",
                           X509_verify_cert_error_string(client->verify_error));
        add_way_out(client, ret_why + len, MVS_MQTT_DETAIL_SIZE - (size_t)len);
}

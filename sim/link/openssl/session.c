#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/link/tls/ca_file.h"
#include "sim/link/tls_module.h"

struct mvs_tls_engine {
        SSL_CTX *context;
};

struct mvs_tls_session {
        SSL *ssl;
        BIO *in;  /* from the wire; the session's to free, like the next */
        BIO *out; /* for the wire */
};

/* ---- the engine ---- */

static struct mvs_tls_engine *create(const char *ca_file, char *why, size_t why_size)
{
        struct mvs_tls_engine *engine = calloc(1, sizeof *engine);
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        ERR_clear_error();
        if (!engine || !context) {
                snprintf(why, why_size, "out of memory");
                goto failed;
        }
        if (!mvs_tls_ca_file_trust(context, "opaque.ca_file", ca_file, why, why_size))
                goto failed;
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* resuming would skip the verification */
        engine->context = context;
        return engine;
failed:
        SSL_CTX_free(context);
        free(engine);
        return NULL;
}

static void destroy(struct mvs_tls_engine *engine)
{
        SSL_CTX_free(engine->context);
        free(engine);
}

/* ---- a session ---- */

/* An address is looked for among the certificate's addresses only; a name is also told to the server. */
static bool expect_host(SSL *ssl, const char *host)
{
        ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
        if (address) {
                ASN1_OCTET_STRING_free(address);
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
        }
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

static struct mvs_tls_session *open(struct mvs_tls_engine *engine, const char *host)
{
        struct mvs_tls_session *session = calloc(1, sizeof *session);
        if (!session)
                return NULL;
        session->ssl = SSL_new(engine->context);
        session->in = BIO_new(BIO_s_mem());
        session->out = BIO_new(BIO_s_mem());
        if (!session->ssl || !session->in || !session->out || !expect_host(session->ssl, host)) {
                BIO_free(session->in);
                BIO_free(session->out);
                SSL_free(session->ssl);
                free(session);
                return NULL;
        }
        BIO_set_mem_eof_return(session->in, -1);
        BIO_set_mem_eof_return(session->out, -1);
        SSL_set_bio(session->ssl, session->in, session->out);
        SSL_set_connect_state(session->ssl);
        return session;
}

static void close(struct mvs_tls_session *session)
{
        SSL_free(session->ssl);
        free(session);
}

static bool feed(struct mvs_tls_session *session, const void *bytes, size_t len)
{
        size_t fed;
        return BIO_write_ex(session->in, bytes, len, &fed) == 1 && fed == len;
}

static size_t wire(struct mvs_tls_session *session, void *ret_bytes, size_t size)
{
        size_t len;
        return BIO_read_ex(session->out, ret_bytes, size, &len) == 1 ? len : 0;
}

static void explain(const struct mvs_tls_session *session, char *why, size_t why_size)
{
        long verified = SSL_get_verify_result(session->ssl);
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        if (verified != X509_V_OK)
                snprintf(why, why_size, "the certificate is refused: %s", X509_verify_cert_error_string(verified));
        else
                snprintf(why, why_size, "TLS: %s", reason ? reason : "the peer does not keep to the protocol");
}

/* What an operation that did not succeed means. */
static enum mvs_tls_result judge(const struct mvs_tls_session *session, int result, char *why, size_t why_size)
{
        switch (SSL_get_error(session->ssl, result)) {
        case SSL_ERROR_WANT_READ: return MVS_TLS_MORE;
        case SSL_ERROR_ZERO_RETURN: return MVS_TLS_END;
        default: explain(session, why, why_size); return MVS_TLS_FAILED;
        }
}

static enum mvs_tls_result handshake(struct mvs_tls_session *session, char *why, size_t why_size)
{
        ERR_clear_error();
        int result = SSL_do_handshake(session->ssl);
        return result == 1 ? MVS_TLS_DONE : judge(session, result, why, why_size);
}

static enum mvs_tls_result read_text(struct mvs_tls_session *session, void *ret_bytes, size_t size, size_t *ret_len,
                                     char *why, size_t why_size)
{
        ERR_clear_error();
        int result = SSL_read_ex(session->ssl, ret_bytes, size, ret_len);
        return result == 1 ? MVS_TLS_DONE : judge(session, result, why, why_size);
}

/* Nothing of it is kept when it does not succeed: a handshake comes before the first byte is looked at. */
static enum mvs_tls_result write_text(struct mvs_tls_session *session, const void *bytes, size_t len, char *why,
                                      size_t why_size)
{
        size_t written;
        ERR_clear_error();
        int result = SSL_write_ex(session->ssl, bytes, len, &written);
        return result == 1 ? MVS_TLS_DONE : judge(session, result, why, why_size);
}

static void farewell(struct mvs_tls_session *session)
{
        ERR_clear_error();
        SSL_shutdown(session->ssl);
}

static const struct mvs_tls_module_ops ops = {
        .abi = MVS_TLS_MODULE_ABI,
        .create = create,
        .destroy = destroy,
        .open = open,
        .close = close,
        .feed = feed,
        .wire = wire,
        .handshake = handshake,
        .read = read_text,
        .write = write_text,
        .farewell = farewell,
};

mvs_tls_module_fn mvs_tls_module;

__attribute__((visibility("default"))) const void *mvs_tls_module(void)
{
        return &ops;
}

#include "sim/link/curl/transfer.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/*
 * Whose certificate a server may show.
 *
 * Curl checks the certificate against the URL's host. The URL of a rewritten request names the application's host,
 * while the connection goes to a stand-in, whose certificate may be in either name. So for these, and only these,
 * curl's own comparison is switched off and done here, within the handshake, right after the chain was verified.
 *
 * A connection verified for one pair of names is never used for another: curl's cache tells connections apart by the
 * URL's host and by where CURLOPT_CONNECT_TO led them, and that is the pair. Sessions are not kept (transfer.c), since
 * resuming one skips the verification.
 */

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int names_index = -1; /* of the pair of names, in OpenSSL's table of what hangs on a context */

struct names {
        char *host[2];
};

static void names_destroy(struct names *names)
{
        if (!names)
                return;
        free(names->host[0]);
        free(names->host[1]);
        free(names);
}

static void on_context_free(void *parent, void *names, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
        (void)parent, (void)data, (void)index, (void)argl, (void)argp;
        names_destroy(names);
}

static void make_index(void)
{
        names_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_free);
}

static struct names *names_create(char *const host[2])
{
        struct names *names = calloc(1, sizeof *names);
        if (!names)
                return NULL;
        names->host[0] = strdup(host[0]);
        names->host[1] = strdup(host[1]);
        if (names->host[0] && names->host[1])
                return names;
        names_destroy(names);
        return NULL;
}

/* An address is looked for among the certificate's addresses only, a name among its names only. */
static bool is_for(X509 *certificate, const char *host)
{
        ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
        if (!address)
                return X509_check_host(certificate, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
        ASN1_OCTET_STRING_free(address);
        return X509_check_ip_asc(certificate, host, 0) == 1;
}

static int verify(X509_STORE_CTX *store, void *context)
{
        const struct names *names = SSL_CTX_get_ex_data(context, names_index);
        int verified = X509_verify_cert(store);
        if (verified <= 0)
                return verified;
        X509 *certificate = X509_STORE_CTX_get0_cert(store);
        if (names && (is_for(certificate, names->host[0]) || is_for(certificate, names->host[1])))
                return 1;
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
}

/* The names go with the context, which lives as long as the connection: longer than the transfer that made it. */
static CURLcode on_context(CURL *easy, void *context, void *userdata)
{
        const struct mvs_transfer *transfer = userdata;
        (void)easy;
        pthread_once(&index_once, make_index);
        struct names *names = names_create(transfer->hosts);
        if (!names || SSL_CTX_set_ex_data(context, names_index, names) != 1) {
                names_destroy(names);
                return CURLE_OUT_OF_MEMORY;
        }
        SSL_CTX_set_cert_verify_callback(context, verify, context);
        return CURLE_OK;
}

void mvs_verify_install(struct mvs_transfer *transfer)
{
        bool rewritten = transfer->hosts[0];
        curl_easy_setopt(transfer->easy, CURLOPT_SSL_VERIFYPEER, 1L);
        curl_easy_setopt(transfer->easy, CURLOPT_SSL_VERIFYHOST, rewritten ? 0L : 2L);
        if (!rewritten)
                return;
        curl_easy_setopt(transfer->easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
        curl_easy_setopt(transfer->easy, CURLOPT_SSL_CTX_DATA, transfer);
}

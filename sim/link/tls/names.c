#include "sim/link/tls/names.h"

#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int names_index = -1; /* of the pair of names, in OpenSSL's table of what hangs on a context */

struct names {
        char *host[2];
        int *ret_error;
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

static struct names *names_create(const char *first, const char *second)
{
        struct names *names = calloc(1, sizeof *names);
        if (!names)
                return NULL;
        names->host[0] = strdup(first);
        names->host[1] = second ? strdup(second) : NULL;
        if (names->host[0] && (names->host[1] || !second))
                return names;
        names_destroy(names);
        return NULL;
}

/* An address is looked for among the certificate's addresses only, a name among its names only. */
static bool is_for(X509 *certificate, const char *host)
{
        if (!host)
                return false;
        ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
        if (!address)
                return X509_check_host(certificate, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
        ASN1_OCTET_STRING_free(address);
        return X509_check_ip_asc(certificate, host, 0) == 1;
}

static int verify_chain_and_name(X509_STORE_CTX *store, const struct names *names)
{
        int verified = X509_verify_cert(store);
        if (verified <= 0)
                return verified;
        X509 *certificate = X509_STORE_CTX_get0_cert(store);
        if (names && (is_for(certificate, names->host[0]) || is_for(certificate, names->host[1])))
                return 1;
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
}

static int verify(X509_STORE_CTX *store, void *context)
{
        const struct names *names = SSL_CTX_get_ex_data(context, names_index);
        int verified = verify_chain_and_name(store, names);
        if (verified <= 0 && names && names->ret_error)
                *names->ret_error = X509_STORE_CTX_get_error(store);
        return verified;
}

bool mvs_tls_names_install(SSL_CTX *context, const char *first, const char *second, int *ret_error)
{
        pthread_once(&index_once, make_index);
        struct names *names = names_create(first, second);
        if (!names || SSL_CTX_set_ex_data(context, names_index, names) != 1) {
                names_destroy(names);
                return false;
        }
        names->ret_error = ret_error;
        SSL_CTX_set_cert_verify_callback(context, verify, context);
        return true;
}

/*
 * Whose certificate a server may show: that of either of two names. Where a profile rewrites a server, they are the
 * application's name for it and that of the stand-in.
 */
#ifndef MVS_LINK_TLS_NAMES_H
#define MVS_LINK_TLS_NAMES_H

#include <openssl/ssl.h>
#include <stdbool.h>

/*
 * Makes connections of the context verify the server's chain, and within the handshake, right after that, that it is
 * for `first` or for `second`, which may be NULL; both are copied. Where it is not, or the chain is not good, the X509
 * error goes to *ret_error, unless that is NULL; it must outlive the context's connections. False when memory is short.
 */
bool mvs_tls_names_install(SSL_CTX *context, const char *first, const char *second, int *ret_error)
        __attribute__((warn_unused_result));

#endif

/* The file of authorities that a profile names (http.ca_file, mqtt.ca_file, opaque.ca_file), and what is wrong with it.
 */
#ifndef MVS_LINK_TLS_CA_FILE_H
#define MVS_LINK_TLS_CA_FILE_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* There is something of that name which is no file: reading it might take for ever. */
bool mvs_tls_ca_file_is_other(const char *file);

/* Why the file could not be used, for people: the profile's key, the file, and the reason. */
void mvs_tls_ca_file_explain(const char *key, const char *file, char *why, size_t why_size);

/* The context trusts the file's authorities, or this computer's where `file` is NULL. False: `why` says why not. */
bool mvs_tls_ca_file_trust(SSL_CTX *context, const char *key, const char *file, char *why, size_t why_size)
        __attribute__((warn_unused_result));

#endif

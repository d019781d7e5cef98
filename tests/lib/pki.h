/* A certification authority made on the spot, and what it signs: P-256 keys, X.509 v3, PEM files. */
#ifndef MVT_PKI_H
#define MVT_PKI_H

#include <stddef.h>
#include <stdint.h>

#include "tempdir.h"

struct mvt_pki {
        struct mvt_tempdir dir;
        char ca_file[MVT_PATH_SIZE];
        struct evp_pkey_st *key;
        struct x509_st *ca;
        long serial;
};

struct mvt_certificate {
        char cert_file[MVT_PATH_SIZE];
        char key_file[MVT_PATH_SIZE];
};

/* Fails the test when something goes wrong, like everything here. */
void mvt_pki_init(struct mvt_pki *ret);

/* An authority that the other one has signed, for intermediate certificates: its own is `ca_file`. */
void mvt_pki_init_below(struct mvt_pki *ret, struct mvt_pki *above);

void mvt_pki_finish(struct mvt_pki *pki);

/*
 * A server's certificate. `alt_names` is as in openssl.cnf: "DNS:api.example.com,IP:127.0.0.1".
 * Valid for `days` days from an hour ago; with a negative number it expired that many days ago.
 */
void mvt_pki_issue(struct mvt_pki *pki, const char *alt_names, int days, struct mvt_certificate *ret);

/* A certificate's file, and a key's as PKCS#8, in DER at `ret`, which has `size` bytes. The length is returned. */
size_t mvt_pki_der_certificate(const char *path, uint8_t *ret, size_t size);
size_t mvt_pki_der_key(const char *path, uint8_t *ret, size_t size);

#endif

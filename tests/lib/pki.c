#include "pki.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define DAY 86400L

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        ck_assert_msg(extension != NULL, "not a certificate extension: %s", value);
        ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
        X509_EXTENSION_free(extension);
}

static void set_name(X509 *cert, const char *text)
{
        X509_NAME *name = X509_get_subject_name(cert);
        ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0),
                         1);
}

static X509 *make_certificate(struct mvt_pki *pki, EVP_PKEY *key, const char *name, long from, long to)
{
        X509 *cert = X509_new();
        ck_assert_ptr_nonnull(cert);
        X509_set_version(cert, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), ++pki->serial);
        X509_gmtime_adj(X509_getm_notBefore(cert), from);
        X509_gmtime_adj(X509_getm_notAfter(cert), to);
        X509_set_pubkey(cert, key);
        set_name(cert, name);
        return cert;
}

static void sign(struct mvt_pki *pki, X509 *cert)
{
        X509_set_issuer_name(cert, X509_get_subject_name(pki->ca));
        ck_assert_int_gt(X509_sign(cert, pki->key, EVP_sha256()), 0);
}

static void write_certificate(const char *path, X509 *cert)
{
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(PEM_write_X509(file, cert), 1);
        ck_assert_int_eq(fclose(file), 0);
}

static void write_key(const char *path, EVP_PKEY *key)
{
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
        ck_assert_int_eq(fclose(file), 0);
}

void mvt_pki_init(struct mvt_pki *ret)
{
        mvt_pki_init_below(ret, ret);
}

void mvt_pki_init_below(struct mvt_pki *ret, struct mvt_pki *above)
{
        *ret = (struct mvt_pki){0};
        mvt_tempdir_make(&ret->dir);
        mvt_path(ret->ca_file, &ret->dir, "ca.pem");
        ret->key = EVP_EC_gen("P-256");
        ck_assert_ptr_nonnull(ret->key);
        char name[64];
        snprintf(name, sizeof name, "mvsim test CA %p", (void *)ret);
        ret->ca = make_certificate(ret, ret->key, name, -3650 * DAY, 3650 * DAY);
        add_extension(ret->ca, ret->ca, NID_basic_constraints, "critical,CA:TRUE");
        add_extension(ret->ca, ret->ca, NID_key_usage, "critical,keyCertSign,cRLSign");
        add_extension(ret->ca, ret->ca, NID_subject_key_identifier, "hash");
        sign(above, ret->ca);
        write_certificate(ret->ca_file, ret->ca);
}

void mvt_pki_finish(struct mvt_pki *pki)
{
        X509_free(pki->ca);
        EVP_PKEY_free(pki->key);
        mvt_tempdir_remove(&pki->dir);
        *pki = (struct mvt_pki){0};
}

void mvt_pki_issue(struct mvt_pki *pki, const char *alt_names, int days, struct mvt_certificate *ret)
{
        char name[32];
        long to = days * DAY;
        EVP_PKEY *key = EVP_EC_gen("P-256");
        ck_assert_ptr_nonnull(key);
        X509 *cert = make_certificate(pki, key, "mvsim test server", days < 0 ? to - DAY : -3600L, to);
        add_extension(cert, pki->ca, NID_subject_alt_name, alt_names);
        add_extension(cert, pki->ca, NID_ext_key_usage, "serverAuth,clientAuth");
        sign(pki, cert);
        snprintf(name, sizeof name, "cert-%ld.pem", pki->serial);
        mvt_path(ret->cert_file, &pki->dir, name);
        write_certificate(ret->cert_file, cert);
        snprintf(name, sizeof name, "key-%ld.pem", pki->serial);
        mvt_path(ret->key_file, &pki->dir, name);
        write_key(ret->key_file, key);
        X509_free(cert);
        EVP_PKEY_free(key);
}

/* ---- DER, as applications carry it ---- */

size_t mvt_pki_der_certificate(const char *path, uint8_t *ret, size_t size)
{
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
        ck_assert_ptr_nonnull(cert);
        ck_assert_int_le(i2d_X509(cert, NULL), (int)size);
        int len = i2d_X509(cert, &ret);
        X509_free(cert);
        fclose(file);
        return (size_t)len;
}

size_t mvt_pki_der_key(const char *path, uint8_t *ret, size_t size)
{
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        ck_assert_ptr_nonnull(key);
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
        ck_assert_ptr_nonnull(info);
        ck_assert_int_le(i2d_PKCS8_PRIV_KEY_INFO(info, NULL), (int)size);
        int len = i2d_PKCS8_PRIV_KEY_INFO(info, &ret);
        PKCS8_PRIV_KEY_INFO_free(info);
        EVP_PKEY_free(key);
        fclose(file);
        return (size_t)len;
}

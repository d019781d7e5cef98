#include "sim/link/curl/transfer.h"
#include "sim/link/tls/ca_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER_AGENT "mvsim/0.1"

static bool is_method(const struct mvs_http_request *request, const char *name)
{
        return request->method.len == strlen(name) && memcmp(request->method.data, name, request->method.len) == 0;
}

/* The methods whose request has a body even when it is empty: "Content-Length: 0" must be said. */
static bool always_has_body(const struct mvs_http_request *request)
{
        return is_method(request, "POST") || is_method(request, "PUT") || is_method(request, "PATCH");
}

static int set_method(struct mvs_transfer *transfer)
{
        const struct mvs_http_request *request = transfer->fetch->request;
        char *method = strndup((const char *)request->method.data, request->method.len);
        if (!method)
                return -ENOMEM;
        curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, method);
        free(method);
        if (is_method(request, "HEAD"))
                curl_easy_setopt(transfer->easy, CURLOPT_NOBODY, 1L); /* in the reply; before POSTFIELDS */
        if (request->body.len > 0 || always_has_body(request)) {
                curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
                curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS,
                                 request->body.len ? (char *)request->body.data : "");
        }
        return 0;
}

static int set_plain_url(struct mvs_transfer *transfer)
{
        const struct mvs_bytes *bytes = &transfer->fetch->request->url;
        char *url = strndup((const char *)bytes->data, bytes->len);
        if (!url)
                return -ENOMEM;
        CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
        free(url);
        return code == CURLE_OK ? 0 : -ENOMEM;
}

static int set_url(struct mvs_transfer *transfer)
{
        const struct mvs_http_fetch *fetch = transfer->fetch;
        if (!memchr(fetch->request->url.data, '\0', fetch->request->url.len))
                return fetch->instead ? mvs_transfer_redirect(transfer) : set_plain_url(transfer);
        snprintf(fetch->reply->detail, sizeof fetch->reply->detail, "the URL has a NUL byte in it");
        return -EINVAL;
}

static bool is_over_tls(const struct mvs_http_fetch *fetch)
{
        static const char plain[] = "http:";
        const struct mvs_bytes *url = &fetch->request->url;
        if (fetch->instead)
                return strncmp(fetch->instead, plain, strlen(plain)) != 0;
        return url->len < strlen(plain) || memcmp(url->data, plain, strlen(plain)) != 0;
}

/* Curl would read a pipe until it ends. */
static int check_ca_file(struct mvs_transfer *transfer)
{
        struct mvs_http_reply *reply = transfer->fetch->reply;
        if (!transfer->ca_file || !is_over_tls(transfer->fetch) || !mvs_tls_ca_file_is_other(transfer->ca_file))
                return 0;
        mvs_tls_ca_file_explain("http.ca_file", transfer->ca_file, reply->detail, sizeof reply->detail);
        return -EINVAL;
}

static void set_tls(CURL *easy, const char *ca_file)
{
        curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
        if (ca_file) {
                curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
                curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* or the host's would be trusted as well */
        }
}

/* 0 would mean "for ever" to curl. */
static long timeout_of(const struct mvs_http_request *request)
{
        return request->timeout_ms > 0 ? (long)request->timeout_ms : 1;
}

static void set_manners(struct mvs_transfer *transfer)
{
        CURL *easy = transfer->easy;
        curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);   /* signals are the application's */
        curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a silent name server must not hold up the loop */
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "https");
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
        curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_of(transfer->fetch->request));
}

static int prepare(struct mvs_transfer *transfer)
{
        transfer->easy = curl_easy_init();
        if (!transfer->easy)
                return -ENOMEM;
        set_manners(transfer);
        set_tls(transfer->easy, transfer->ca_file);
        mvs_collect_install(transfer);
        int error = check_ca_file(transfer);
        if (!error)
                error = set_method(transfer);
        if (!error)
                error = set_url(transfer);
        mvs_verify_install(transfer);
        return error ? error : mvs_transfer_set_headers(transfer);
}

struct mvs_transfer *mvs_transfer_create(struct mvs_http_fetch *fetch, const char *ca_file)
{
        struct mvs_transfer *transfer = calloc(1, sizeof *transfer);
        snprintf(fetch->reply->detail, sizeof fetch->reply->detail, "out of memory");
        if (!transfer)
                return NULL;
        transfer->fetch = fetch;
        transfer->ca_file = ca_file;
        if (prepare(transfer) != 0) {
                mvs_transfer_destroy(transfer);
                return NULL;
        }
        fetch->reply->detail[0] = '\0';
        return transfer;
}

void mvs_transfer_destroy(struct mvs_transfer *transfer)
{
        curl_easy_cleanup(transfer->easy);
        curl_slist_free_all(transfer->headers);
        curl_slist_free_all(transfer->connect_to);
        free(transfer->hosts[0]);
        free(transfer->hosts[1]);
        free(transfer);
}

static const char *reason(const struct mvs_transfer *transfer, CURLcode result)
{
        if (transfer->collect.out_of_memory)
                return "out of memory";
        if (result == CURLE_OK)
                return "the reply ended within its header";
        return transfer->error[0] ? transfer->error : curl_easy_strerror(result);
}

/* The host that was asked, to say whose fault it is */
static char *host_of(const struct mvs_transfer *transfer)
{
        char *url = NULL;
        char *host = NULL;
        curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
        CURLU *parsed = url ? curl_url() : NULL;
        if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
                curl_url_get(parsed, CURLUPART_HOST, &host, 0);
        curl_url_cleanup(parsed);
        return host;
}

static const char *way_out(const struct mvs_transfer *transfer, CURLcode result)
{
        long verified = X509_V_OK;
        if (result == CURLE_COULDNT_RESOLVE_HOST && !transfer->fetch->instead)
                return " (http.rewrite in the profile can name a server that stands in)";
        if (result != CURLE_PEER_FAILED_VERIFICATION)
                return "";
        curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
        switch (verified) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return " (its authority must stand in http.ca_file)";
        default: return "";
        }
}

static void conclude_failure(struct mvs_transfer *transfer, CURLcode result)
{
        struct mvs_http_reply *reply = transfer->fetch->reply;
        char *host = host_of(transfer);
        reply->outcome = MVS_HTTP_REQUEST_FAILED;
        if (result == CURLE_SSL_CACERT_BADFILE && transfer->ca_file)
                mvs_tls_ca_file_explain("http.ca_file", transfer->ca_file, reply->detail, sizeof reply->detail);
        else
                snprintf(reply->detail, sizeof reply->detail, "%.60s%s%.200s%s", host ? host : "", host ? ": " : "",
                         reason(transfer, result), way_out(transfer, result));
        curl_free(host);
}

static void conclude_too_large(struct mvs_transfer *transfer)
{
        struct mvs_http_reply *reply = transfer->fetch->reply;
        reply->outcome = MVS_HTTP_RESPONSE_TOO_LARGE;
        snprintf(reply->detail, sizeof reply->detail,
                 "the reply does not fit the receive buffer's %zu bytes (header lines + 4 each + body + 16)",
                 transfer->collect.limit);
}

void mvs_transfer_conclude(struct mvs_transfer *transfer, CURLcode result)
{
        long code = 0;
        if (transfer->collect.too_large) {
                conclude_too_large(transfer);
                return;
        }
        if (result != CURLE_OK || !transfer->collect.complete) {
                conclude_failure(transfer, result);
                return;
        }
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &code);
        transfer->fetch->reply->outcome = MVS_HTTP_OK;
        transfer->fetch->reply->status_code = (uint32_t)code;
}

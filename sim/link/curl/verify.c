#include "sim/link/curl/transfer.h"
#include "sim/link/tls/names.h"

/*
 * Whose certificate a server may show.
 *
 * Curl checks the certificate against the URL's host. The URL of a rewritten request names the application's host,
 * while the connection goes to a stand-in, whose certificate may be in either name. So for these, and only these,
 * curl's own comparison is switched off and done by tls/names.c.
 *
 * A connection verified for one pair of names is never used for another: curl's cache tells connections apart by the
 * URL's host and by where CURLOPT_CONNECT_TO led them, and that is the pair. Sessions are not kept (transfer.c), since
 * resuming one skips the verification.
 */

/* The names go with the context, which lives as long as the connection: longer than the transfer that made it. */
static CURLcode on_context(CURL *easy, void *context, void *userdata)
{
        const struct mvs_transfer *transfer = userdata;
        (void)easy;
        return mvs_tls_names_install(context, transfer->hosts[0], transfer->hosts[1], NULL) ? CURLE_OK
                                                                                            : CURLE_OUT_OF_MEMORY;
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

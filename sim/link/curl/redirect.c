#include "sim/link/curl/transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * A rewritten URL. Curl is given the application's host with everything else from the stand-in's URL, and is told to
 * connect to the stand-in: so the Host header and the server name of TLS are what the real server would see, and the
 * connection cache keeps the pair apart from all others.
 */

/* "[::1]" -> "::1"; a host is compared with certificates without brackets */
static char *bare_host(const char *host)
{
        size_t len = strlen(host);
        if (len > 2 && host[0] == '[')
                return strndup(host + 1, len - 2);
        return strdup(host);
}

static char *part(CURLU *url, CURLUPart what, unsigned flags)
{
        char *text = NULL;
        if (curl_url_get(url, what, &text, flags) != CURLUE_OK)
                return NULL;
        return text;
}

static CURLU *parse(const char *text)
{
        CURLU *url = curl_url();
        if (url && curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
                return url;
        curl_url_cleanup(url);
        return NULL;
}

static bool has_host_header(const struct mvs_http_request *request)
{
        for (size_t i = 0; i < request->header_count; i++) {
                const struct mvs_bytes *line = &request->headers[i];
                if (line->len >= 5 && strncasecmp((const char *)line->data, "Host:", 5) == 0)
                        return true;
        }
        return false;
}

/* With the port that the application wrote, not the stand-in's */
static int add_host_header(struct mvs_transfer *transfer, CURLU *asked, const char *host)
{
        char line[512];
        char *port = part(asked, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
        int len = snprintf(line, sizeof line, "Host: %s%s%s", host, port ? ":" : "", port ? port : "");
        curl_free(port);
        if (len < 0 || (size_t)len >= sizeof line)
                return -ENAMETOOLONG;
        return mvs_slist_add(&transfer->headers, line);
}

static int connect_to(struct mvs_transfer *transfer, const char *host, const char *port)
{
        char line[512];
        int len = snprintf(line, sizeof line, "::%s:%s", host, port);
        if (len < 0 || (size_t)len >= sizeof line)
                return -ENAMETOOLONG;
        int error = mvs_slist_add(&transfer->connect_to, line);
        curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to);
        curl_easy_setopt(transfer->easy, CURLOPT_NOPROXY, "*");
        return error;
}

static int keep_hosts(struct mvs_transfer *transfer, const char *asked, const char *stand_in)
{
        transfer->hosts[0] = bare_host(asked);
        transfer->hosts[1] = bare_host(stand_in);
        return transfer->hosts[0] && transfer->hosts[1] ? 0 : -ENOMEM;
}

static int set_url(struct mvs_transfer *transfer, CURLU *stand_in, const char *host, const char *port)
{
        if (curl_url_set(stand_in, CURLUPART_HOST, host, 0) != CURLUE_OK ||
            curl_url_set(stand_in, CURLUPART_PORT, port, 0) != CURLUE_OK)
                return -EINVAL;
        char *url = part(stand_in, CURLUPART_URL, 0);
        int error = url ? 0 : -ENOMEM;
        if (url && curl_easy_setopt(transfer->easy, CURLOPT_URL, url) != CURLE_OK)
                error = -ENOMEM;
        curl_free(url);
        return error;
}

static int redirect(struct mvs_transfer *transfer, CURLU *asked, CURLU *stand_in)
{
        char *host = part(asked, CURLUPART_HOST, CURLU_PUNYCODE);
        char *to_host = part(stand_in, CURLUPART_HOST, CURLU_PUNYCODE);
        char *to_port = part(stand_in, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        int error = host && to_host && to_port ? 0 : -EINVAL;
        if (!error)
                error = keep_hosts(transfer, host, to_host);
        if (!error)
                error = connect_to(transfer, to_host, to_port);
        if (!error && !has_host_header(transfer->fetch->request))
                error = add_host_header(transfer, asked, host);
        if (!error)
                error = set_url(transfer, stand_in, host, to_port);
        curl_free(host);
        curl_free(to_host);
        curl_free(to_port);
        return error;
}

int mvs_transfer_redirect(struct mvs_transfer *transfer)
{
        const struct mvs_http_fetch *fetch = transfer->fetch;
        char *text = strndup((const char *)fetch->request->url.data, fetch->request->url.len);
        CURLU *asked = text ? parse(text) : NULL;
        CURLU *stand_in = parse(fetch->instead);
        int error = asked && stand_in ? redirect(transfer, asked, stand_in) : -EINVAL;
        if (error)
                snprintf(fetch->reply->detail, sizeof fetch->reply->detail,
                         "the URL was rewritten (http.rewrite) to \"%.80s\": %s", fetch->instead,
                         error == -EINVAL ? "not a URL" : strerror(-error));
        curl_url_cleanup(asked);
        curl_url_cleanup(stand_in);
        free(text);
        return error;
}

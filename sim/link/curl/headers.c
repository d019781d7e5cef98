#include "sim/link/curl/transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * The header lines of the request. Sent are the application's, as they are, and what a client must add: Host, the
 * length of the body, and, unless the application has its own, curl's Accept and a User-Agent. Nothing about the
 * body's type, and no Expect, unless the application says so.
 */

int mvs_slist_add(struct curl_slist **list, const char *line)
{
        struct curl_slist *longer = curl_slist_append(*list, line);
        if (!longer)
                return -ENOMEM;
        *list = longer;
        return 0;
}

static bool is_named(const struct mvs_bytes *line, const char *name)
{
        size_t len = strlen(name);
        return line->len > len && line->data[len] == ':' && strncasecmp((const char *)line->data, name, len) == 0;
}

static bool has_header(const struct mvs_http_request *request, const char *name)
{
        for (size_t i = 0; i < request->header_count; i++) {
                if (is_named(&request->headers[i], name))
                        return true;
        }
        return false;
}

/* "Name:" would tell curl to leave the header out, "Name;" is how it is told to send it empty. */
static void spell_empty(char *line)
{
        char *colon = strchr(line, ':');
        if (colon && colon[1 + strspn(colon + 1, " ")] == '\0') {
                colon[0] = ';';
                colon[1] = '\0';
        }
}

/* The body's length is curl's to say; a client that announces another one breaks the connection for the next. */
static bool states_length(const struct mvs_bytes *line, size_t body_len)
{
        char text[32];
        char *end;
        size_t start = strlen("Content-Length:");
        if (line->len - start >= sizeof text)
                return false;
        memcpy(text, line->data + start, line->len - start);
        text[line->len - start] = '\0';
        errno = 0;
        unsigned long long stated = strtoull(text, &end, 10);
        return end != text && end[strspn(end, " ")] == '\0' && !strchr(text, '-') && errno == 0 && stated == body_len;
}

static int add_line(struct mvs_transfer *transfer, const struct mvs_bytes *line)
{
        char *text = strndup((const char *)line->data, line->len);
        if (!text)
                return -ENOMEM;
        spell_empty(text);
        int error = mvs_slist_add(&transfer->headers, text);
        free(text);
        return error;
}

static int add_given(struct mvs_transfer *transfer, const struct mvs_bytes *line)
{
        const struct mvs_http_fetch *fetch = transfer->fetch;
        if (!is_named(line, "Content-Length"))
                return add_line(transfer, line);
        if (states_length(line, fetch->request->body.len))
                return 0;
        snprintf(fetch->reply->detail, sizeof fetch->reply->detail,
                 "\"%.*s\" is not the body's length, %zu (leave the header out, it is added)",
                 (int)(line->len < 60 ? line->len : 60), (const char *)line->data, fetch->request->body.len);
        return -EINVAL;
}

static int withhold(struct mvs_transfer *transfer, const char *name)
{
        char line[32];
        if (has_header(transfer->fetch->request, name))
                return 0;
        snprintf(line, sizeof line, "%s:", name);
        return mvs_slist_add(&transfer->headers, line);
}

int mvs_transfer_set_headers(struct mvs_transfer *transfer)
{
        const struct mvs_http_request *request = transfer->fetch->request;
        int error = withhold(transfer, "Content-Type");
        if (!error)
                error = withhold(transfer, "Expect");
        for (size_t i = 0; !error && i < request->header_count; i++)
                error = add_given(transfer, &request->headers[i]);
        curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
        return error;
}

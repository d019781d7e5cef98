#include "sim/link/curl/transfer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OVERHEAD        16 /* of a response, decision 22 */
#define HEADER_OVERHEAD 4  /* of each of its headers */

static bool fail_memory(struct mvs_collect *collect)
{
        collect->out_of_memory = true;
        return false;
}

/* Room in the receive buffer */
static bool claim(struct mvs_collect *collect, size_t len)
{
        if (collect->used > collect->limit || len > collect->limit - collect->used) {
                collect->too_large = true;
                return false;
        }
        collect->used += len;
        return true;
}

/* Room for one more element, or `len` more bytes, in a growing array */
static bool grow(void **array, size_t *capacity, size_t needed, size_t element_size)
{
        if (needed <= *capacity)
                return true;
        size_t wanted = needed > *capacity * 2 ? needed : *capacity * 2;
        void *grown = realloc(*array, wanted * element_size);
        if (!grown)
                return false;
        *array = grown;
        *capacity = wanted;
        return true;
}

static bool grow_headers(struct mvs_collect *collect)
{
        void *headers = collect->reply->headers;
        bool ok = grow(&headers, &collect->header_capacity, collect->reply->header_count + 1,
                       sizeof *collect->reply->headers);
        collect->reply->headers = headers;
        return ok;
}

static bool add_header(struct mvs_collect *collect, const char *line, size_t len)
{
        struct mvs_http_reply *reply = collect->reply;
        if (!claim(collect, len + HEADER_OVERHEAD))
                return false;
        if (!grow_headers(collect))
                return fail_memory(collect);
        uint8_t *data = malloc(len);
        if (!data)
                return fail_memory(collect);
        memcpy(data, line, len);
        reply->headers[reply->header_count++] = (struct mvs_bytes){.data = data, .len = len};
        return true;
}

/* An obsolete folded line belongs to the one before it; HTTP says to put a blank in place of the line's end. */
static bool continue_header(struct mvs_collect *collect, const char *line, size_t len)
{
        struct mvs_bytes *header = &collect->reply->headers[collect->reply->header_count - 1];
        while (len > 0 && (*line == ' ' || *line == '\t')) {
                line++;
                len--;
        }
        if (!claim(collect, len + 1))
                return false;
        uint8_t *data = realloc(header->data, header->len + 1 + len);
        if (!data)
                return fail_memory(collect);
        data[header->len] = ' ';
        memcpy(data + header->len + 1, line, len);
        *header = (struct mvs_bytes){.data = data, .len = header->len + 1 + len};
        return true;
}

/* At a status line: the header before it, if any, was an interim one (100 Continue and the like). */
static bool begin_header(struct mvs_collect *collect)
{
        collect->in_header = true;
        struct mvs_http_reply *reply = collect->reply;
        while (reply->header_count > 0)
                free(reply->headers[--reply->header_count].data);
        collect->used = 0;
        return claim(collect, OVERHEAD);
}

static bool is_interim(CURL *easy)
{
        long code = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
        return code < 200 && code != 101;
}

static bool take_line(struct mvs_transfer *transfer, const char *line, size_t len)
{
        struct mvs_collect *collect = &transfer->collect;
        if (collect->complete)
                return true;
        if (len == 0) {
                collect->in_header = false;
                collect->complete = !is_interim(transfer->easy);
                return true;
        }
        if (!collect->in_header)
                return begin_header(collect);
        if ((*line == ' ' || *line == '\t') && collect->reply->header_count > 0)
                return continue_header(collect, line, len);
        return add_header(collect, line, len);
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
        size_t len = size * count;
        size_t bare = len;
        while (bare > 0 && (data[bare - 1] == '\n' || data[bare - 1] == '\r'))
                bare--;
        return take_line(context, data, bare) ? len : 0;
}

static bool take_body(struct mvs_collect *collect, const char *data, size_t len)
{
        struct mvs_bytes *body = &collect->reply->body;
        void *grown = body->data;
        if (!claim(collect, len))
                return false;
        if (!grow(&grown, &collect->body_capacity, body->len + len, 1))
                return fail_memory(collect);
        body->data = grown;
        memcpy(body->data + body->len, data, len);
        body->len += len;
        return true;
}

/* Anything but the whole length ends the transfer. */
static size_t on_body(char *data, size_t size, size_t count, void *context)
{
        struct mvs_transfer *transfer = context;
        size_t len = size * count;
        if (len == 0)
                return 0;
        return take_body(&transfer->collect, data, len) ? len : 0;
}

void mvs_collect_install(struct mvs_transfer *transfer)
{
        const struct mvs_http_fetch *fetch = transfer->fetch;
        transfer->collect.reply = fetch->reply;
        transfer->collect.limit = fetch->request->response_limit;
        curl_easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, transfer);
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
}

#include "sim/cloud/http_rules.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sim/link/rewrite.h"

#define TIMEOUT_MIN_MS 5000
#define TIMEOUT_MAX_MS 10000

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};

/* What HTTP forbids to repeat, of what a client may send. */
static const char *const single_headers[] = {"Host", "Content-Length"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

__attribute__((format(printf, 3, 4))) static enum mvs_http_outcome refuse(enum mvs_http_outcome outcome, char *detail,
                                                                          const char *format, ...)
{
        va_list args;
        va_start(args, format);
        vsnprintf(detail, MVS_HTTP_DETAIL_SIZE, format, args);
        va_end(args);
        return outcome;
}

static bool has_scheme(const struct mvs_bytes *url, const char *scheme)
{
        size_t len = strlen(scheme);
        return url->len >= len && strncasecmp((const char *)url->data, scheme, len) == 0;
}

static enum mvs_http_outcome check_scheme(const struct mvs_http_request *request,
                                          const struct mvs_profile_http *profile, char *detail)
{
        if (has_scheme(&request->url, "https:") || mvs_http_rewrite_find(profile, &request->url) ||
            (profile->allow_plain && has_scheme(&request->url, "http:")))
                return MVS_HTTP_OK;
        return refuse(MVS_HTTP_UNSUPPORTED_URI_SCHEME, detail,
                      "the URL is not https:// (http.allow_plain in the profile allows http:// as well)");
}

static enum mvs_http_outcome check_method(const struct mvs_http_request *request, char *detail)
{
        const struct mvs_bytes *method = &request->method;
        for (size_t i = 0; i < COUNT(methods); i++) {
                if (method->len == strlen(methods[i]) && memcmp(method->data, methods[i], method->len) == 0)
                        return MVS_HTTP_OK;
        }
        return refuse(MVS_HTTP_UNSUPPORTED_METHOD, detail,
                      "the method is none of GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS (in capitals)");
}

static bool is_token_char(uint8_t c)
{
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_printable(uint8_t c)
{
        return c >= 0x20 && c <= 0x7e;
}

/* The length of the leading bytes that satisfy the predicate */
static size_t span(const struct mvs_bytes *line, bool (*predicate)(uint8_t))
{
        size_t len = 0;
        while (len < line->len && predicate(line->data[len]))
                len++;
        return len;
}

static enum mvs_http_outcome check_line(const struct mvs_bytes *line, size_t index, char *detail)
{
        size_t printable = span(line, is_printable);
        if (printable < line->len)
                return refuse(MVS_HTTP_INVALID_HEADERS, detail,
                              "header %zu has byte 0x%02x at %zu (a line is printable ASCII, without CR LF)", index,
                              line->data[printable], printable);
        size_t name = span(line, is_token_char);
        if (line->len == 0 || !memchr(line->data, ':', line->len))
                return refuse(MVS_HTTP_INVALID_HEADERS, detail, "header %zu has no colon (write \"Name: value\")",
                              index);
        if (name == 0)
                return refuse(MVS_HTTP_INVALID_HEADERS, detail, "header %zu has no name (write \"Name: value\")",
                              index);
        if (line->data[name] != ':')
                return refuse(MVS_HTTP_INVALID_HEADERS, detail, "header %zu has '%c' in its name, which HTTP forbids",
                              index, line->data[name]);
        return MVS_HTTP_OK;
}

static bool is_named(const struct mvs_bytes *line, const char *name)
{
        size_t len = strlen(name);
        return line->len > len && line->data[len] == ':' && strncasecmp((const char *)line->data, name, len) == 0;
}

static enum mvs_http_outcome check_single(const struct mvs_http_request *request, const char *name, char *detail)
{
        unsigned seen = 0;
        for (size_t i = 0; i < request->header_count; i++) {
                if (is_named(&request->headers[i], name) && ++seen > 1)
                        return refuse(MVS_HTTP_INVALID_HEADERS, detail, "header %zu is a second %s, which HTTP forbids",
                                      i, name);
        }
        return MVS_HTTP_OK;
}

static enum mvs_http_outcome check_headers(const struct mvs_http_request *request, char *detail)
{
        enum mvs_http_outcome outcome = MVS_HTTP_OK;
        for (size_t i = 0; outcome == MVS_HTTP_OK && i < request->header_count; i++)
                outcome = check_line(&request->headers[i], i, detail);
        for (size_t i = 0; outcome == MVS_HTTP_OK && i < COUNT(single_headers); i++)
                outcome = check_single(request, single_headers[i], detail);
        return outcome;
}

static enum mvs_http_outcome check_timeout(const struct mvs_http_request *request, char *detail)
{
        if (request->timeout_ms >= TIMEOUT_MIN_MS && request->timeout_ms <= TIMEOUT_MAX_MS)
                return MVS_HTTP_OK;
        return refuse(MVS_HTTP_INVALID_TIMEOUT, detail, "timeout_ms is %u, not from %d to %d", request->timeout_ms,
                      TIMEOUT_MIN_MS, TIMEOUT_MAX_MS);
}

enum mvs_http_outcome mvs_http_rules_check(const struct mvs_http_request *request,
                                           const struct mvs_profile_http *profile, char *detail)
{
        detail[0] = '\0';
        enum mvs_http_outcome outcome = check_scheme(request, profile, detail);
        if (outcome == MVS_HTTP_OK)
                outcome = check_method(request, detail);
        if (outcome == MVS_HTTP_OK)
                outcome = check_headers(request, detail);
        if (outcome == MVS_HTTP_OK)
                outcome = check_timeout(request, detail);
        return outcome;
}

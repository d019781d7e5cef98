#include "sim/link/rewrite.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with_slash(const char *text, size_t len)
{
        return len > 0 && text[len - 1] == '/';
}

static bool matches(const char *from, const struct mvs_bytes *url)
{
        size_t len = strlen(from);
        if (len == 0 || len > url->len || memcmp(from, url->data, len) != 0)
                return false;
        if (len == url->len || ends_with_slash(from, len))
                return true;
        return url->data[len] == '/' || url->data[len] == '?' || url->data[len] == '#';
}

const struct mvs_profile_rewrite *mvs_http_rewrite_find(const struct mvs_profile_http *http,
                                                        const struct mvs_bytes *url)
{
        for (unsigned i = 0; i < http->rewrite_count; i++) {
                if (matches(http->rewrite[i].from, url))
                        return &http->rewrite[i];
        }
        return NULL;
}

char *mvs_http_rewrite_apply(const struct mvs_profile_rewrite *rule, const struct mvs_bytes *url)
{
        size_t from_len = strlen(rule->from);
        size_t to_len = strlen(rule->to);
        size_t rest_len = url->len - from_len;
        /* "https://a/" -> "http://localhost:80" must not glue the path to the port */
        bool slash = ends_with_slash(rule->from, from_len) && !ends_with_slash(rule->to, to_len);
        char *result = malloc(to_len + slash + rest_len + 1);
        if (!result)
                return NULL;
        memcpy(result, rule->to, to_len);
        if (slash)
                result[to_len] = '/';
        if (rest_len > 0)
                memcpy(result + to_len + slash, url->data + from_len, rest_len);
        result[to_len + slash + rest_len] = '\0';
        return result;
}

/* One HTTP request at a time, each on a channel of its own. */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stdint.h>

struct http_answer {
        uint32_t status_code;
        uint32_t body_len; /* of the whole body; `body` may hold less of it */
        char content_type[64];
        char body[256]; /* terminated */
};

/* Once, before the first request. False: that cannot be done; the log says why. */
bool http_start(void);

void http_stop(void);

/* Fetches the URL. False: there is no answer; the log says why. */
bool http_get(const char *url, struct http_answer *ret_answer);

#endif

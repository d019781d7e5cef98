#include "sim/link/http.h"

#include <stdlib.h>

static void free_lines(struct mvs_bytes *lines, size_t count)
{
        for (size_t i = 0; i < count; i++)
                free(lines[i].data);
        free(lines);
}

void mvs_http_request_destroy(struct mvs_http_request *request)
{
        if (!request)
                return;
        free(request->method.data);
        free(request->url.data);
        free_lines(request->headers, request->header_count);
        free(request->body.data);
        free(request);
}

void mvs_http_reply_destroy(struct mvs_http_reply *reply)
{
        if (!reply)
                return;
        free_lines(reply->headers, reply->header_count);
        free(reply->body.data);
        free(reply);
}

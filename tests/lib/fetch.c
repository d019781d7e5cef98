#include "fetch.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/link/link.h"
#include "sim/link/thread.h"

#define PATIENCE_S 60

/* The link thread answers, the test waits: one lock for all exchanges of a test program. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;

static struct mvs_bytes bytes_of(const char *text)
{
        struct mvs_bytes bytes = {0};
        if (text && *text) {
                bytes.len = strlen(text);
                bytes.data = malloc(bytes.len); /* exactly, so that reading on is noticed */
                ck_assert_ptr_nonnull(bytes.data);
                memcpy(bytes.data, text, bytes.len);
        }
        return bytes;
}

static void set_headers(struct mvs_http_request *request, const char *const *headers)
{
        size_t count = 0;
        while (headers && headers[count])
                count++;
        if (count == 0)
                return;
        request->headers = calloc(count, sizeof *request->headers);
        ck_assert_ptr_nonnull(request->headers);
        request->header_count = count;
        for (size_t i = 0; i < count; i++)
                request->headers[i] = bytes_of(headers[i]);
}

struct mvs_http_request *mvt_make_request(const struct mvt_ask *ask)
{
        struct mvs_http_request *request = calloc(1, sizeof *request);
        ck_assert_ptr_nonnull(request);
        request->method = bytes_of(ask->method ? ask->method : "GET");
        request->url = bytes_of(ask->url);
        request->body = bytes_of(ask->body);
        request->timeout_ms = ask->timeout_ms ? ask->timeout_ms : 10000;
        request->response_limit = ask->response_limit ? ask->response_limit : 65536;
        set_headers(request, ask->headers);
        return request;
}

/* No assertions here: Check keeps its books without a lock. */
static void on_done(void *context, uint32_t id, struct mvs_http_reply *reply)
{
        struct mvt_exchange *exchange = context;
        pthread_mutex_lock(&lock);
        mvs_http_reply_destroy(exchange->reply);
        exchange->answered_id = id;
        exchange->reply = reply;
        exchange->done++;
        pthread_cond_broadcast(&answered);
        pthread_mutex_unlock(&lock);
}

static void begin(struct mvs_link *link, const struct mvt_ask *ask, struct mvt_exchange *exchange, bool checked)
{
        static uint32_t last_id;
        exchange->id = ++last_id;
        if (checked)
                ck_assert_int_eq(mvs_link_http_start(link, exchange->id, mvt_make_request(ask), on_done, exchange), 0);
        else
                ck_assert_int_eq(
                        mvs_link_http_start_unchecked(link, exchange->id, mvt_make_request(ask), on_done, exchange), 0);
}

void mvt_begin(struct mvs_link *link, const struct mvt_ask *ask, struct mvt_exchange *exchange)
{
        begin(link, ask, exchange, false);
}

const struct mvs_http_reply *mvt_wait(struct mvt_exchange *exchange)
{
        struct timespec end;
        int error = 0;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += PATIENCE_S;
        pthread_mutex_lock(&lock);
        while (exchange->done == 0 && error == 0)
                error = pthread_cond_timedwait(&answered, &lock, &end);
        pthread_mutex_unlock(&lock);
        ck_assert_msg(exchange->done == 1, "answered %u times", exchange->done);
        ck_assert_uint_eq(exchange->answered_id, exchange->id);
        return exchange->reply;
}

bool mvt_is_done(struct mvt_exchange *exchange)
{
        pthread_mutex_lock(&lock);
        bool done = exchange->done > 0;
        pthread_mutex_unlock(&lock);
        return done;
}

void mvt_exchange_finish(struct mvt_exchange *exchange)
{
        mvs_http_reply_destroy(exchange->reply);
        exchange->reply = NULL;
}

struct mvs_http_reply *mvt_fetch(struct mvs_link *link, const struct mvt_ask *ask, bool checked)
{
        struct mvt_exchange exchange = {0};
        begin(link, ask, &exchange, checked);
        mvt_wait(&exchange);
        return exchange.reply;
}

void mvt_expect_failed(struct mvs_http_reply *reply, enum mvs_http_outcome outcome, const char *reason)
{
        ck_assert_msg(reply->outcome == outcome, "outcome %d: %s", (int)reply->outcome, reply->detail);
        ck_assert_msg(strstr(reply->detail, reason) != NULL, "\"%s\" is not in \"%s\"", reason, reply->detail);
        ck_assert_uint_eq(reply->status_code, 0);
        ck_assert_uint_eq(reply->header_count, 0);
        ck_assert_uint_eq(reply->body.len, 0);
        mvs_http_reply_destroy(reply);
}

const char *mvt_header_text(const struct mvs_http_reply *reply)
{
        static char text[65536];
        size_t len = 0;
        for (size_t i = 0; i < reply->header_count; i++)
                len += (size_t)snprintf(text + len, sizeof text - len, "%.*s\n", (int)reply->headers[i].len,
                                        (const char *)reply->headers[i].data);
        text[len] = '\0';
        return text;
}

const char *mvt_body_text(const struct mvs_http_reply *reply)
{
        static char text[65536];
        ck_assert_uint_lt(reply->body.len, sizeof text);
        if (reply->body.len > 0)
                memcpy(text, reply->body.data, reply->body.len);
        text[reply->body.len] = '\0';
        return text;
}

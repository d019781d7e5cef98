/*
 * The module's engine: curl's multi handle, driven by the loop. One multi handle, and so one cache of connections,
 * serves all requests.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "sim/link/curl/transfer.h"

#define KEPT_CONNECTIONS 32

/* A socket of curl's, watched by the loop. */
struct watch {
        uv_poll_t poll;
        curl_socket_t socket;
        struct mvs_http_engine *engine;
        struct watch *next;
        struct watch **link;
};

struct mvs_http_engine {
        uv_loop_t *loop;
        const char *ca_file;
        CURLM *multi;
        uv_timer_t timer;
        struct watch *watches;
};

static void deliver(struct mvs_http_engine *engine, CURL *easy, CURLcode result)
{
        struct mvs_transfer *transfer = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        struct mvs_http_fetch *fetch = transfer->fetch;
        mvs_transfer_conclude(transfer, result);
        curl_multi_remove_handle(engine->multi, easy);
        mvs_transfer_destroy(transfer);
        fetch->done(fetch);
}

static void deliver_finished(struct mvs_http_engine *engine)
{
        int left;
        CURLMsg *message;
        while ((message = curl_multi_info_read(engine->multi, &left))) {
                if (message->msg == CURLMSG_DONE)
                        deliver(engine, message->easy_handle, message->data.result);
        }
}

static void step(struct mvs_http_engine *engine, curl_socket_t socket, int events)
{
        int running;
        curl_multi_socket_action(engine->multi, socket, events, &running);
        deliver_finished(engine);
}

static void on_timer(uv_timer_t *timer)
{
        step(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* On an error there are no events, and curl looks for itself: told of it, it would not say what the error was. */
static void on_socket(uv_poll_t *poll, int status, int events)
{
        struct watch *watch = poll->data;
        int action = 0;
        (void)status;
        if (events & UV_READABLE)
                action |= CURL_CSELECT_IN;
        if (events & UV_WRITABLE)
                action |= CURL_CSELECT_OUT;
        step(watch->engine, watch->socket, action);
}

/* From curl: when to call it next. Not called back from here: a due timer fires in the loop's next round. */
static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
        struct mvs_http_engine *engine = context;
        (void)multi;
        if (timeout_ms < 0) {
                uv_timer_stop(&engine->timer);
                return 0;
        }
        uv_update_time(engine->loop);
        uv_timer_start(&engine->timer, on_timer, (uint64_t)timeout_ms, 0);
        return 0;
}

static void on_closed(uv_handle_t *handle)
{
        free(handle->data);
}

static struct watch *watch_create(struct mvs_http_engine *engine, curl_socket_t socket)
{
        struct watch *watch = calloc(1, sizeof *watch);
        if (!watch)
                return NULL;
        if (uv_poll_init_socket(engine->loop, &watch->poll, socket) != 0) {
                free(watch);
                return NULL;
        }
        watch->poll.data = watch;
        watch->socket = socket;
        watch->engine = engine;
        watch->next = engine->watches;
        watch->link = &engine->watches;
        if (watch->next)
                watch->next->link = &watch->next;
        engine->watches = watch;
        curl_multi_assign(engine->multi, socket, watch);
        return watch;
}

static void watch_close(struct watch *watch)
{
        *watch->link = watch->next;
        if (watch->next)
                watch->next->link = watch->link;
        uv_close((uv_handle_t *)&watch->poll, on_closed);
}

/* From curl: which events of the socket matter from now on. */
static int set_watch(CURL *easy, curl_socket_t socket, int what, void *context, void *socket_context)
{
        struct mvs_http_engine *engine = context;
        struct watch *watch = socket_context;
        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                if (watch)
                        watch_close(watch);
                curl_multi_assign(engine->multi, socket, NULL);
                return 0;
        }
        if (!watch)
                watch = watch_create(engine, socket);
        if (!watch)
                return -1;
        int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
        return uv_poll_start(&watch->poll, events, on_socket) == 0 ? 0 : -1;
}

static void engine_destroy(struct mvs_http_engine *engine)
{
        curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, NULL);
        curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, NULL);
        while (engine->watches)
                watch_close(engine->watches); /* before curl closes the descriptors */
        curl_multi_cleanup(engine->multi);
        curl_global_cleanup();
        uv_close((uv_handle_t *)&engine->timer, on_closed);
}

static CURLM *make_multi(struct mvs_http_engine *engine)
{
        CURLM *multi = curl_multi_init();
        if (!multi)
                return NULL;
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_watch);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, engine);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, engine);
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
        return multi;
}

/* verify.c takes curl's TLS contexts for OpenSSL's, of the version that it was built with. */
static bool speaks_openssl(void)
{
        const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
        return info->ssl_version && strncmp(info->ssl_version, "OpenSSL/3", strlen("OpenSSL/3")) == 0;
}

static struct mvs_http_engine *engine_create(uv_loop_t *loop, const char *ca_file, char *why, size_t why_size)
{
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
                snprintf(why, why_size, "libcurl does not start");
                return NULL;
        }
        struct mvs_http_engine *engine = calloc(1, sizeof *engine);
        CURLM *multi = engine ? make_multi(engine) : NULL;
        if (!multi || !speaks_openssl()) {
                snprintf(why, why_size, multi ? "this libcurl is not built with OpenSSL 3" : "out of memory");
                curl_multi_cleanup(multi);
                free(engine);
                curl_global_cleanup();
                return NULL;
        }
        engine->loop = loop;
        engine->ca_file = ca_file;
        engine->multi = multi;
        uv_timer_init(loop, &engine->timer);
        engine->timer.data = engine;
        return engine;
}

static int engine_start(struct mvs_http_engine *engine, struct mvs_http_fetch *fetch)
{
        struct mvs_transfer *transfer = mvs_transfer_create(fetch, engine->ca_file);
        if (!transfer)
                return -EINVAL;
        fetch->transfer = transfer;
        CURLMcode code = curl_multi_add_handle(engine->multi, transfer->easy);
        if (code == CURLM_OK)
                return 0;
        snprintf(fetch->reply->detail, sizeof fetch->reply->detail, "%s", curl_multi_strerror(code));
        mvs_transfer_destroy(transfer);
        return -EINVAL;
}

static void engine_cancel(struct mvs_http_engine *engine, struct mvs_http_fetch *fetch)
{
        struct mvs_transfer *transfer = fetch->transfer;
        curl_multi_remove_handle(engine->multi, transfer->easy);
        mvs_transfer_destroy(transfer);
}

__attribute__((visibility("default"))) mvs_http_module_fn mvs_http_module;

const void *mvs_http_module(void)
{
        static const struct mvs_http_module_ops ops = {
                .abi = MVS_HTTP_MODULE_ABI,
                .create = engine_create,
                .destroy = engine_destroy,
                .start = engine_start,
                .cancel = engine_cancel,
        };
        return &ops;
}

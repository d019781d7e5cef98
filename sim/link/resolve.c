#include "sim/link/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sim/thread.h"

/*
 *   looking --thread has the answer--> wake: loop joins the thread, tells, closes the handle
 *      │
 *      └──cancelled: the handle closes, and the thread frees what is left when the name server lets it go
 *
 * `lock` covers `cancelled` and `closed`: whoever comes last, the thread or the closed handle, frees.
 */
struct mvs_resolve {
        uv_async_t wake;
        pthread_t thread;
        pthread_mutex_t lock;
        bool cancelled; /* the thread is on its own */
        bool done;      /* the thread has nothing to do with it any more */
        bool closed;    /* nor has the loop */
        mvs_resolve_done_fn *tell;
        void *context;
        int error;
        struct mvs_addresses addresses;
        char host[];
};

static void destroy(struct mvs_resolve *resolve)
{
        pthread_mutex_destroy(&resolve->lock);
        free(resolve);
}

static void add(struct mvs_addresses *addresses, const struct sockaddr *address)
{
        const void *any = address; /* aligned as its family wants it */
        const struct sockaddr_in *ipv4 = any;
        const struct sockaddr_in6 *ipv6 = any;
        const void *bytes =
                address->sa_family == AF_INET ? (const void *)&ipv4->sin_addr : (const void *)&ipv6->sin6_addr;
        if (addresses->count < MVS_ADDRESSES_MAX &&
            inet_ntop(address->sa_family, bytes, addresses->text[addresses->count], INET6_ADDRSTRLEN))
                addresses->count++;
}

static int look_up(const char *host, int flags, struct mvs_addresses *ret)
{
        const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
        struct addrinfo *list = NULL;
        ret->count = 0;
        int error = getaddrinfo(host, NULL, &hints, &list);
        if (error)
                return error;
        for (const struct addrinfo *entry = list; entry; entry = entry->ai_next)
                add(ret, entry->ai_addr);
        freeaddrinfo(list);
        return ret->count > 0 ? 0 : EAI_NODATA;
}

bool mvs_resolve_number(const char *host, struct mvs_addresses *ret)
{
        return look_up(host, AI_NUMERICHOST, ret) == 0;
}

static void *thread_main(void *argument)
{
        struct mvs_resolve *resolve = argument;
        int error = look_up(resolve->host, AI_ADDRCONFIG, &resolve->addresses);
        pthread_mutex_lock(&resolve->lock);
        resolve->error = error;
        resolve->done = true;
        bool last = resolve->closed;
        if (!resolve->cancelled)
                uv_async_send(&resolve->wake);
        pthread_mutex_unlock(&resolve->lock);
        if (last)
                destroy(resolve);
        return NULL;
}

static void on_closed(uv_handle_t *wake)
{
        struct mvs_resolve *resolve = wake->data;
        pthread_mutex_lock(&resolve->lock);
        resolve->closed = true;
        bool last = resolve->done;
        pthread_mutex_unlock(&resolve->lock);
        if (last)
                destroy(resolve);
}

static void on_wake(uv_async_t *wake)
{
        struct mvs_resolve *resolve = wake->data;
        pthread_join(resolve->thread, NULL); /* it has said its last word */
        uv_close((uv_handle_t *)wake, on_closed);
        resolve->tell(resolve->context, resolve->error, &resolve->addresses);
}

struct mvs_resolve *mvs_resolve_start(uv_loop_t *loop, const char *host, mvs_resolve_done_fn *done, void *context)
{
        size_t len = strlen(host) + 1;
        struct mvs_resolve *resolve = calloc(1, sizeof *resolve + len);
        if (!resolve)
                return NULL;
        memcpy(resolve->host, host, len);
        resolve->tell = done;
        resolve->context = context;
        pthread_mutex_init(&resolve->lock, NULL);
        if (uv_async_init(loop, &resolve->wake, on_wake) != 0) {
                destroy(resolve);
                return NULL;
        }
        resolve->wake.data = resolve;
        if (mvs_thread_start(&resolve->thread, MVS_THREAD_PREFIX "resolve", thread_main, resolve) == 0)
                return resolve;
        resolve->done = true;
        uv_close((uv_handle_t *)&resolve->wake, on_closed);
        return NULL;
}

void mvs_resolve_cancel(struct mvs_resolve *resolve)
{
        pthread_mutex_lock(&resolve->lock);
        resolve->cancelled = true;
        pthread_mutex_unlock(&resolve->lock);
        pthread_detach(resolve->thread);
        uv_close((uv_handle_t *)&resolve->wake, on_closed);
}

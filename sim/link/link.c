#include "sim/link/link.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/link/thread.h"
#include "sim/thread.h"

#define PATIENCE_S 1 /* to drain: a thread that does not get there hangs */

/*
 * Life of the thread:
 *
 *   NOT STARTED --first post--> RUNNING --destroy sets `ending` and wakes it--> ENDING --last handle closed--> joined
 *
 * `lock` covers the queue, the counts, `running` and `ending`. Everything else belongs to the link thread while it
 * runs, and to the one who creates or destroys the link before and after; pthread_create and pthread_join hand it over.
 * Once set, `running` stays set until the thread is joined, so `wake` may be used without the lock after it was seen.
 */
struct mvs_link {
        const struct mvs_profile *profile;
        pthread_mutex_t lock;
        struct mvs_link_command *first;
        struct mvs_link_command **last;
        uint64_t posted, ran;   /* commands */
        pthread_cond_t drained; /* `ran` has grown */
        bool running;
        bool ending;
        pthread_t thread;
        uv_loop_t loop;
        uv_async_t wake;
        uv_prepare_t before_sleep;
        bool tells;
        void (*told)(void *context);
        void *told_context;
        struct mvs_link_state states[MVS_LINK_PROTOCOLS];
};

struct mvs_link *mvs_link_create(const struct mvs_profile *profile)
{
        struct mvs_link *link = calloc(1, sizeof *link);
        if (!link)
                return NULL;
        link->profile = profile;
        link->last = &link->first;
        pthread_mutex_init(&link->lock, NULL);
        pthread_cond_init(&link->drained, NULL);
        return link;
}

const struct mvs_profile *mvs_link_profile(const struct mvs_link *link)
{
        return link->profile;
}

uv_loop_t *mvs_link_loop(struct mvs_link *link)
{
        return &link->loop;
}

struct mvs_link_state *mvs_link_state(struct mvs_link *link, enum mvs_link_protocol protocol)
{
        return &link->states[protocol];
}

void mvs_link_set_told(struct mvs_link *link, void (*told)(void *context), void *context)
{
        link->told = told;
        link->told_context = context;
}

void mvs_link_tell(struct mvs_link *link)
{
        link->tells = true;
}

static void on_before_sleep(uv_prepare_t *prepare)
{
        struct mvs_link *link = prepare->data;
        for (unsigned i = 0; i < MVS_LINK_PROTOCOLS; i++) {
                const struct mvs_link_state *protocol = &link->states[i];
                if (protocol->state && protocol->settle)
                        protocol->settle(protocol->state);
        }
        if (link->tells && link->told)
                link->told(link->told_context);
        link->tells = false;
}

static struct mvs_link_command *take_commands(struct mvs_link *link, bool *ret_ending)
{
        pthread_mutex_lock(&link->lock);
        struct mvs_link_command *first = link->first;
        link->first = NULL;
        link->last = &link->first;
        *ret_ending = link->ending;
        pthread_mutex_unlock(&link->lock);
        return first;
}

static void discard_all(struct mvs_link_command *first)
{
        while (first) {
                struct mvs_link_command *next = first->next;
                first->discard(first);
                first = next;
        }
}

static void run_all(struct mvs_link *link, struct mvs_link_command *first)
{
        uint64_t count = 0;
        for (; first; count++) {
                struct mvs_link_command *next = first->next;
                first->run(link, first);
                first = next;
        }
        pthread_mutex_lock(&link->lock);
        link->ran += count;
        pthread_cond_broadcast(&link->drained);
        pthread_mutex_unlock(&link->lock);
}

static void end_protocols(struct mvs_link *link)
{
        for (unsigned i = 0; i < MVS_LINK_PROTOCOLS; i++) {
                struct mvs_link_state *protocol = &link->states[i];
                if (protocol->state)
                        protocol->end(protocol->state);
                protocol->state = NULL;
        }
}

static void on_wake(uv_async_t *wake)
{
        struct mvs_link *link = wake->data;
        bool ending;
        struct mvs_link_command *first = take_commands(link, &ending);
        run_all(link, first); /* what was accepted before the end goes out yet */
        if (!ending)
                return;
        end_protocols(link);
        uv_close((uv_handle_t *)&link->before_sleep, NULL);
        uv_close((uv_handle_t *)wake, NULL); /* the last one: the loop ends */
}

static void *thread_main(void *arg)
{
        struct mvs_link *link = arg;
        uv_run(&link->loop, UV_RUN_DEFAULT);
        return NULL;
}

static void close_loop(struct mvs_link *link)
{
        if (uv_loop_close(&link->loop) == 0)
                return;
        fprintf(stderr, "mvsim: the link thread ended with handles still open in its loop\n");
        abort();
}

static int start_thread(struct mvs_link *link)
{
        int error = uv_loop_init(&link->loop);
        if (error)
                return error;
        error = uv_async_init(&link->loop, &link->wake, on_wake);
        if (error) {
                close_loop(link);
                return error;
        }
        link->wake.data = link;
        uv_prepare_init(&link->loop, &link->before_sleep);
        link->before_sleep.data = link;
        uv_prepare_start(&link->before_sleep, on_before_sleep);
        error = mvs_thread_start(&link->thread, MVS_THREAD_PREFIX "link", thread_main, link);
        if (error) {
                uv_close((uv_handle_t *)&link->before_sleep, NULL);
                uv_close((uv_handle_t *)&link->wake, NULL);
                uv_run(&link->loop, UV_RUN_DEFAULT);
                close_loop(link);
        }
        return error;
}

int mvs_link_post(struct mvs_link *link, struct mvs_link_command *command)
{
        int error = 0;
        pthread_mutex_lock(&link->lock);
        if (!link->running) {
                error = start_thread(link);
                link->running = error == 0;
        }
        if (!error) {
                command->next = NULL;
                *link->last = command;
                link->last = &command->next;
                link->posted++;
        }
        pthread_mutex_unlock(&link->lock);
        if (!error)
                uv_async_send(&link->wake);
        return error;
}

void mvs_link_drain(struct mvs_link *link)
{
        struct timespec until;
        int error = 0;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += PATIENCE_S;
        pthread_mutex_lock(&link->lock);
        uint64_t wanted = link->posted;
        while (link->ran < wanted && error != ETIMEDOUT)
                error = pthread_cond_timedwait(&link->drained, &link->lock, &until);
        pthread_mutex_unlock(&link->lock);
}

static void end_thread(struct mvs_link *link)
{
        pthread_mutex_lock(&link->lock);
        link->ending = true;
        pthread_mutex_unlock(&link->lock);
        uv_async_send(&link->wake);
        pthread_join(link->thread, NULL);
        close_loop(link);
}

void mvs_link_destroy(struct mvs_link *link)
{
        if (!link)
                return;
        if (link->running)
                end_thread(link);
        discard_all(link->first);
        pthread_cond_destroy(&link->drained);
        pthread_mutex_destroy(&link->lock);
        free(link);
}

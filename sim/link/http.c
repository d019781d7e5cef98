#include "sim/link/http.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cloud/http_rules.h"
#include "sim/link/http_module.h"
#include "sim/link/module.h"
#include "sim/link/rewrite.h"
#include "sim/link/thread.h"

/* One request, from mvs_link_http_start() to `done`. The reply is there from the start, so that bad news fit. */
struct job {
        struct mvs_link_command command;
        struct mvs_http_fetch fetch;
        struct mvs_link_http *http;
        struct job *next;
        struct job **link; /* what points to this one, in the list of what is under way */
        uint32_t id;
        struct mvs_http_request *request;
        struct mvs_http_reply *reply;
        char *instead;
        mvs_http_done_fn *done;
        void *context;
};

struct cancel {
        struct mvs_link_command command;
        uint32_t id;
};

struct mvs_link_http {
        const struct mvs_http_module_ops *ops;
        struct mvs_http_engine *engine;
        struct job *jobs;
        bool complained; /* about the module; once is enough */
};

static void job_destroy(struct job *job)
{
        mvs_http_request_destroy(job->request);
        mvs_http_reply_destroy(job->reply);
        free(job->instead);
        free(job);
}

static void job_discard(struct mvs_link_command *command)
{
        job_destroy((struct job *)command);
}

static void job_enlist(struct mvs_link_http *http, struct job *job)
{
        job->http = http;
        job->next = http->jobs;
        job->link = &http->jobs;
        if (job->next)
                job->next->link = &job->next;
        http->jobs = job;
}

static void job_unlist(struct job *job)
{
        *job->link = job->next;
        if (job->next)
                job->next->link = job->link;
}

/* What a failed exchange had received so far is nobody's business. */
static void reply_strip(struct mvs_http_reply *reply)
{
        for (size_t i = 0; i < reply->header_count; i++)
                free(reply->headers[i].data);
        free(reply->headers);
        free(reply->body.data);
        reply->headers = NULL;
        reply->header_count = 0;
        reply->body = (struct mvs_bytes){0};
        reply->status_code = 0;
}

static void job_finish(struct job *job)
{
        struct mvs_http_reply *reply = job->reply;
        if (reply->outcome != MVS_HTTP_OK)
                reply_strip(reply);
        job->reply = NULL;
        job->done(job->context, job->id, reply);
        job_destroy(job);
}

static void job_fail(struct job *job, const char *why)
{
        job->reply->outcome = MVS_HTTP_REQUEST_FAILED;
        snprintf(job->reply->detail, sizeof job->reply->detail, "%s", why);
        job_finish(job);
}

static void on_fetched(struct mvs_http_fetch *fetch)
{
        void *whole = (char *)fetch - offsetof(struct job, fetch);
        struct job *job = whole;
        job_unlist(job);
        job_finish(job);
}

static bool make_engine(struct mvs_link *link, struct mvs_link_http *http, char *why, size_t why_size)
{
        static const struct mvs_module module = {MVS_HTTP_MODULE_FILE, MVS_HTTP_MODULE_SYMBOL, MVS_HTTP_MODULE_ABI};
        if (!http->ops)
                http->ops = mvs_module_load(&module, why, why_size);
        if (http->ops && !http->engine)
                http->engine =
                        http->ops->create(mvs_link_loop(link), mvs_link_profile(link)->http.ca_file, why, why_size);
        if (!http->engine && !http->complained)
                fprintf(stderr, "mvsim: no HTTP: %s\n", why);
        http->complained = !http->engine;
        return http->engine != NULL;
}

static void job_cancel(struct job *job)
{
        struct mvs_link_http *http = job->http;
        job_unlist(job);
        http->ops->cancel(http->engine, &job->fetch);
        job_destroy(job);
}

static void end(void *state)
{
        struct mvs_link_http *http = state;
        for (struct job *job = http->jobs, *next; job; job = next) {
                next = job->next;
                job_cancel(job);
        }
        if (http->engine)
                http->ops->destroy(http->engine);
        free(http);
}

static struct mvs_link_http *http_of(struct mvs_link *link)
{
        struct mvs_link_state *own = mvs_link_state(link, MVS_LINK_HTTP);
        if (!own->state)
                own->state = calloc(1, sizeof(struct mvs_link_http));
        own->end = end;
        return own->state;
}

static bool apply_rewrites(const struct mvs_profile *profile, struct job *job)
{
        const struct mvs_profile_rewrite *rule = mvs_http_rewrite_find(&profile->http, &job->request->url);
        if (!rule)
                return true;
        job->instead = mvs_http_rewrite_apply(rule, &job->request->url);
        return job->instead != NULL;
}

static void fetch(struct mvs_link_http *http, struct job *job)
{
        job->fetch = (struct mvs_http_fetch){
                .request = job->request,
                .instead = job->instead,
                .reply = job->reply,
                .done = on_fetched,
        };
        job_enlist(http, job);
        if (http->ops->start(http->engine, &job->fetch) == 0)
                return;
        job_unlist(job);
        job->reply->outcome = MVS_HTTP_REQUEST_FAILED;
        job_finish(job);
}

static void job_run(struct mvs_link *link, struct mvs_link_command *command)
{
        struct job *job = (struct job *)command;
        char why[sizeof job->reply->detail] = "out of memory";
        struct mvs_link_http *http = http_of(link);
        if (http && apply_rewrites(mvs_link_profile(link), job) && make_engine(link, http, why, sizeof why))
                fetch(http, job);
        else
                job_fail(job, why);
}

/* What the rules refuse is answered without any engine: the cloud asks nobody either. */
static void job_check_and_run(struct mvs_link *link, struct mvs_link_command *command)
{
        struct job *job = (struct job *)command;
        const struct mvs_profile_http *profile = &mvs_link_profile(link)->http;
        job->reply->outcome = mvs_http_rules_check(job->request, profile, job->reply->detail);
        if (job->reply->outcome == MVS_HTTP_OK)
                job_run(link, command);
        else
                job_finish(job);
}

static struct job *job_create(struct mvs_http_request *request, uint32_t id, mvs_http_done_fn *done, void *context)
{
        struct job *job = calloc(1, sizeof *job);
        struct mvs_http_reply *reply = calloc(1, sizeof *reply);
        if (!job || !reply) {
                mvs_http_request_destroy(request);
                free(job);
                free(reply);
                return NULL;
        }
        job->command.discard = job_discard;
        job->id = id;
        job->request = request;
        job->reply = reply;
        job->done = done;
        job->context = context;
        return job;
}

static int start(struct mvs_link *link, struct job *job, void (*run)(struct mvs_link *, struct mvs_link_command *))
{
        if (!job)
                return -ENOMEM;
        job->command.run = run;
        int error = mvs_link_post(link, &job->command);
        if (error)
                job_destroy(job);
        return error;
}

int mvs_link_http_start(struct mvs_link *link, uint32_t id, struct mvs_http_request *request, mvs_http_done_fn *done,
                        void *context)
{
        return start(link, job_create(request, id, done, context), job_check_and_run);
}

int mvs_link_http_start_unchecked(struct mvs_link *link, uint32_t id, struct mvs_http_request *request,
                                  mvs_http_done_fn *done, void *context)
{
        return start(link, job_create(request, id, done, context), job_run);
}

static void cancel_discard(struct mvs_link_command *command)
{
        free(command);
}

static void cancel_run(struct mvs_link *link, struct mvs_link_command *command)
{
        uint32_t id = ((struct cancel *)command)->id;
        struct mvs_link_http *http = mvs_link_state(link, MVS_LINK_HTTP)->state;
        struct job *job = http ? http->jobs : NULL;
        while (job && job->id != id)
                job = job->next;
        if (job)
                job_cancel(job);
        free(command);
}

/* Short of memory, the request simply runs to its end: the callee copes with a reply that it no longer wants. */
void mvs_link_http_cancel(struct mvs_link *link, uint32_t id)
{
        struct cancel *cancel = calloc(1, sizeof *cancel);
        if (!cancel)
                return;
        cancel->command.run = cancel_run;
        cancel->command.discard = cancel_discard;
        cancel->id = id;
        if (mvs_link_post(link, &cancel->command) < 0)
                free(cancel); /* without a thread there is nothing under way */
}

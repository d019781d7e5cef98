/* The four HTTP calls: a request is checked, copied, and handed to the link; the reply waits to be read. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/channel.h"
#include "sim/diag.h"
#include "src/device.h"
#include "src/pair.h"

_Static_assert((int)MVS_HTTP_OK == MV_HTTPRESULT_OK &&
                       (int)MVS_HTTP_UNSUPPORTED_URI_SCHEME == MV_HTTPRESULT_UNSUPPORTEDURISCHEME &&
                       (int)MVS_HTTP_UNSUPPORTED_METHOD == MV_HTTPRESULT_UNSUPPORTEDMETHOD &&
                       (int)MVS_HTTP_INVALID_HEADERS == MV_HTTPRESULT_INVALIDHEADERS &&
                       (int)MVS_HTTP_INVALID_TIMEOUT == MV_HTTPRESULT_INVALIDTIMEOUT &&
                       (int)MVS_HTTP_REQUEST_FAILED == MV_HTTPRESULT_REQUESTFAILED &&
                       (int)MVS_HTTP_RESPONSE_TOO_LARGE == MV_HTTPRESULT_RESPONSETOOLARGE,
               "the cloud's outcome is handed on as it is");

#define HEADERS_MAX     32U
#define REQUEST_FIXED   16U /* decision 22 */
#define REQUEST_STRING  4U
#define REQUEST_STRINGS 3U /* method, URL, body */

/* ---- the reply comes ---- */

/* What a reply takes in virtual time; 0: as long as it does. */
static uint64_t fixed_us(const struct mvs_machine *machine)
{
        return machine->timeline.mode == MVS_TIME_VIRTUAL ? machine->profile.time.reply_us : 0;
}

/*
 * A reply that takes a fixed time is due now, and the host may not have it yet: the device's clock stands still until
 * it has. The processor counts as waiting meanwhile, not as spinning.
 */
static void await_reply(struct mvs_channel *channel)
{
        struct mvs_machine *machine = &channel->device->machine;
        bool waiting = machine->cpu.waiting;
        machine->cpu.waiting = true;
        while (channel->http.in_flight)
                pthread_cond_wait(&machine->answered, &machine->lock);
        machine->cpu.waiting = waiting;
}

static void due(struct mvs_channel *channel)
{
        await_reply(channel);
        const struct mvs_http_reply *reply = channel->http.reply;
        if (!reply)
                return; /* the channel was given up meanwhile */
        mvs_trace(&channel->device->machine, MVS_EVENT_REPLY, MVS_HEX("channel", channel->object.handle),
                  MVS_NUMBER("result", reply->outcome), MVS_NUMBER("status", reply->status_code),
                  MVS_NUMBER("headers", reply->header_count), MVS_NUMBER("body", reply->body.len));
        channel->http.present = true;
        mvs_channel_post(channel, MV_EVENTTYPE_CHANNELDATAREADABLE);
}

/* Lock held. The reply is due a moment after the request at the earliest, so never inside the sending call. */
static void take_reply(struct mvs_channel *channel, struct mvs_http_reply *reply)
{
        struct mvs_machine *machine = &channel->device->machine;
        if (reply->outcome != MVS_HTTP_OK)
                mvs_diag(MVS_LOG_WARNING, "HTTP request on channel 0x%08" PRIx32 " failed (result %d): %s",
                         channel->object.handle, (int)reply->outcome, reply->detail);
        channel->http.in_flight = false;
        channel->http.reply = reply;
        if (fixed_us(machine) > 0) { /* it is due when its timer says so; perhaps somebody waits for it already */
                pthread_cond_broadcast(&machine->answered);
                return;
        }
        mvs_timeline_outside_end(&machine->timeline);
        uint64_t due_us = channel->http.sent_us + machine->profile.time.completion_us;
        uint64_t now_us = mvs_machine_now(machine);
        mvs_timeline_run(&machine->timeline);
        /* Virtual time stands still now, so a moment later means at the application's next call or wait. */
        if (due_us <= now_us && machine->timeline.mode == MVS_TIME_VIRTUAL)
                due_us = now_us + 1;
        if (due_us > now_us)
                mvs_timeline_arm(&machine->timeline, &channel->timer, due_us);
        else
                due(channel);
}

/* On the link thread. */
static void on_done(void *context, uint32_t id, struct mvs_http_reply *reply)
{
        struct mvs_device *device = context;
        mvs_machine_lock(&device->machine);
        struct mvs_channel *channel = mvs_handles_find(&device->handles, id, MVS_OBJECT_HTTP_CHANNEL);
        if (channel && channel->http.in_flight) {
                take_reply(channel, reply);
                mvs_link_tell(device->machine.link);
                reply = NULL;
        }
        mvs_machine_unlock(&device->machine);
        mvs_http_reply_destroy(reply);
}

static void stop(struct mvs_channel *channel)
{
        struct mvs_machine *machine = &channel->device->machine;
        if (channel->http.in_flight) {
                mvs_link_http_cancel(machine->link, channel->object.handle);
                if (fixed_us(machine) == 0)
                        mvs_timeline_outside_end(&machine->timeline);
                pthread_cond_broadcast(&machine->answered);
        }
        channel->http.in_flight = false;
        channel->http.present = false;
        mvs_http_reply_destroy(channel->http.reply);
        channel->http.reply = NULL;
}

static void closing(const struct mvs_channel *channel)
{
        if (channel->http.present && !channel->http.read)
                mvs_lint_unread(channel, "mvReadHttpResponseData", channel->http.sent_us);
}

static const char *describe(const struct mvs_channel *channel)
{
        return channel->http.sent ? "is open, its response is there (mvReadHttpResponseData)"
                                  : "is open, no request was sent on it";
}

const struct mvs_channel_ops mvs_http_ops = {
        .kind = MVS_OBJECT_HTTP_CHANNEL,
        .stop = stop,
        .due = due,
        .closing = closing,
        .describe = describe,
};

/* ---- mvSendHttpRequest ---- */

enum MvStatus mvs_check_mvSendHttpRequest(struct mvs_call *call, MvChannelHandle handle,
                                          const struct MvHttpRequest *request)
{
        (void)handle;
        (void)request;
        const struct mvs_channel *channel = call->object;
        uint32_t limit = call->device->machine.profile.limits.http_headers;
        enum MvStatus status = mvs_channel_check_alive(call, channel);
        if (status != MV_STATUS_OKAY)
                return status;
        if (channel->http.sent)
                return mvs_reject(call, MV_STATUS_REQUESTALREADYSENT, "handle",
                                  "0x%08" PRIx32 ": one request a channel (close it and open another)",
                                  channel->object.handle);
        if (call->in.http.num_headers > limit)
                return mvs_reject(call, MV_STATUS_TOOMANYELEMENTS, "num_headers", "is %" PRIu32 ", more than %" PRIu32,
                                  call->in.http.num_headers, limit);
        return MV_STATUS_OKAY;
}

/* A nested pointer that turns out bad is a late fault. */
static enum MvStatus reach(struct mvs_call *call, const char *field, const void *data, size_t len)
{
        bool fine = mvs_arg_access(call, MV_STATUS_LATEFAULT, field, data, len, MVS_READ);
        return fine ? MV_STATUS_OKAY : MV_STATUS_LATEFAULT;
}

struct outgoing {
        struct MvHttpHeader headers[HEADERS_MAX];
        size_t size; /* as the send buffer counts it */
};

/* Every nested pointer, in declared order; the headers' descriptors come along. */
static enum MvStatus reach_all(struct mvs_call *call, const struct MvHttpRequest *request, struct outgoing *out)
{
        size_t array = request->num_headers * sizeof out->headers[0];
        enum MvStatus status = reach(call, "method.data", request->method.data, request->method.length);
        if (status == MV_STATUS_OKAY)
                status = reach(call, "url.data", request->url.data, request->url.length);
        if (status == MV_STATUS_OKAY)
                status = reach(call, "headers", request->headers, array);
        if (status == MV_STATUS_OKAY && !mvs_copy_from_app(out->headers, (uintptr_t)request->headers, array))
                status = mvs_reject(call, MV_STATUS_LATEFAULT, "headers", "%p: the memory was unmapped meanwhile",
                                    (const void *)request->headers);
        out->size = REQUEST_FIXED + REQUEST_STRING * REQUEST_STRINGS + (size_t)request->method.length +
                    request->url.length + request->body.length;
        for (uint32_t i = 0; i < request->num_headers && status == MV_STATUS_OKAY; i++) {
                status = reach(call, "headers[].data", out->headers[i].data, out->headers[i].length);
                out->size += REQUEST_STRING + out->headers[i].length;
        }
        return status == MV_STATUS_OKAY ? reach(call, "body.data", request->body.data, request->body.length) : status;
}

/* A private copy; false when memory is short or the application's went away. */
static bool copy_string(struct mvs_bytes *ret, const uint8_t *data, size_t len)
{
        ret->data = malloc(len ? len : 1);
        ret->len = len;
        return ret->data && mvs_copy_from_app(ret->data, (uintptr_t)data, len);
}

static struct mvs_http_request *copy_request(const struct MvHttpRequest *request, const struct outgoing *out)
{
        struct mvs_http_request *copy = calloc(1, sizeof *copy);
        if (!copy)
                return NULL;
        copy->timeout_ms = request->timeout_ms;
        bool fine = copy_string(&copy->method, request->method.data, request->method.length) &&
                    copy_string(&copy->url, request->url.data, request->url.length) &&
                    copy_string(&copy->body, request->body.data, request->body.length);
        if (fine && request->num_headers > 0) {
                copy->headers = calloc(request->num_headers, sizeof *copy->headers);
                fine = copy->headers != NULL;
        }
        for (uint32_t i = 0; fine && i < request->num_headers; i++) {
                copy->header_count++;
                fine = copy_string(&copy->headers[i], out->headers[i].data, out->headers[i].length);
        }
        if (fine)
                return copy;
        mvs_http_request_destroy(copy);
        return NULL;
}

/* A host that cannot carry the request out looks like a channel that breaks. */
static void start(struct mvs_channel *channel, struct mvs_http_request *request)
{
        struct mvs_machine *machine = &channel->device->machine;
        request->response_limit = channel->receive_len;
        channel->http.sent = true;
        channel->http.in_flight = true;
        channel->http.sent_us = mvs_machine_now(machine);
        mvs_trace(machine, MVS_EVENT_REQUEST, MVS_HEX("channel", channel->object.handle),
                  MVS_TEXT("method", request->method.data, request->method.len),
                  MVS_TEXT("url", request->url.data, request->url.len), MVS_NUMBER("headers", request->header_count),
                  MVS_NUMBER("body", request->body.len));
        if (fixed_us(machine) > 0)
                mvs_timeline_arm(&machine->timeline, &channel->timer, channel->http.sent_us + fixed_us(machine));
        else
                mvs_timeline_outside_begin(&machine->timeline);
        int error = mvs_link_http_start(machine->link, channel->object.handle, request, on_done, channel->device);
        if (error == 0)
                return;
        mvs_diag(MVS_LOG_ERROR, "the host cannot carry out an HTTP request: %s", strerror(-error));
        mvs_channel_break(channel, MV_CLOSUREREASON_UNEXPECTEDLYTERMINATED);
}

enum MvStatus mvs_do_mvSendHttpRequest(struct mvs_call *call, MvChannelHandle handle,
                                       const struct MvHttpRequest *request)
{
        (void)handle;
        (void)request;
        struct mvs_channel *channel = call->object;
        struct outgoing out;
        enum MvStatus status = reach_all(call, &call->in.http, &out);
        if (status != MV_STATUS_OKAY)
                goto late;
        if (out.size > channel->send_len)
                return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, NULL,
                                  "the request takes %zu bytes and the send buffer has %" PRIu32
                                  " (nothing was sent; shorten it, or open a channel with a larger send buffer)",
                                  out.size, channel->send_len);
        struct mvs_http_request *copy = copy_request(&call->in.http, &out);
        if (!copy) {
                status = mvs_reject(call, MV_STATUS_LATEFAULT, "request", "memory went away while it was copied");
                goto late;
        }
        start(channel, copy);
        mvs_lint_made(call);
        return MV_STATUS_OKAY;
late:
        mvs_channel_terminate(channel, MV_CLOSUREREASON_CONNECTIONTERMINATED);
        return status;
}

/* ---- the three reads ---- */

static enum MvStatus check_present(struct mvs_call *call)
{
        const struct mvs_channel *channel = call->object;
        enum MvStatus status = mvs_channel_check_alive(call, channel);
        if (status != MV_STATUS_OKAY || channel->http.present)
                return status;
        return mvs_reject(call, MV_STATUS_RESPONSENOTPRESENT, "handle", "0x%08" PRIx32 ": %s", channel->object.handle,
                          channel->http.sent ? "the response has not arrived yet (wait for CHANNELDATAREADABLE)"
                                             : "no request was sent on this channel");
}

static enum MvStatus check_successful(struct mvs_call *call)
{
        const struct mvs_channel *channel = call->object;
        enum MvStatus status = check_present(call);
        if (status != MV_STATUS_OKAY || channel->http.reply->outcome == MVS_HTTP_OK)
                return status;
        return mvs_reject(call, MV_STATUS_REQUESTUNSUCCESSFUL, "handle",
                          "0x%08" PRIx32 ": the request failed with result %d, so there is nothing to read (%s)",
                          channel->object.handle, (int)channel->http.reply->outcome, channel->http.reply->detail);
}

enum MvStatus mvs_check_mvReadHttpResponseData(struct mvs_call *call, MvChannelHandle handle,
                                               struct MvHttpResponseData *response_data)
{
        (void)handle;
        (void)response_data;
        return check_present(call);
}

enum MvStatus mvs_do_mvReadHttpResponseData(struct mvs_call *call, MvChannelHandle handle,
                                            struct MvHttpResponseData *response_data)
{
        (void)handle;
        struct mvs_channel *channel = call->object;
        const struct mvs_http_reply *reply = channel->http.reply;
        channel->http.read = true;
        bool fine = reply->outcome == MVS_HTTP_OK;
        struct MvHttpResponseData data = {
                .result = (enum MvHttpResult)reply->outcome,
                .status_code = fine ? reply->status_code : 0,
                .num_headers = fine ? (uint32_t)reply->header_count : 0,
                .body_length = fine ? (uint32_t)reply->body.len : 0,
        };
        return mvs_put(call, "response_data", response_data, &data, sizeof data);
}

enum MvStatus mvs_check_mvReadHttpResponseHeader(struct mvs_call *call, MvChannelHandle handle, uint32_t header_index,
                                                 uint8_t *buf, uint32_t size)
{
        (void)handle;
        (void)buf;
        (void)size;
        enum MvStatus status = check_successful(call);
        if (status != MV_STATUS_OKAY)
                return status;
        size_t count = ((struct mvs_channel *)call->object)->http.reply->header_count;
        if (header_index < count)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INDEXINVALID, "header_index",
                          "is %" PRIu32 ": the response has %zu headers, counted from 0", header_index, count);
}

enum MvStatus mvs_do_mvReadHttpResponseHeader(struct mvs_call *call, MvChannelHandle handle, uint32_t header_index,
                                              uint8_t *buf, uint32_t size)
{
        (void)handle;
        const struct mvs_bytes *line = &((struct mvs_channel *)call->object)->http.reply->headers[header_index];
        return mvs_put(call, "buf", buf, line->data, line->len < size ? line->len : size);
}

enum MvStatus mvs_check_mvReadHttpResponseBody(struct mvs_call *call, MvChannelHandle handle, uint32_t offset,
                                               uint8_t *buf, uint32_t size)
{
        (void)handle;
        (void)buf;
        (void)size;
        enum MvStatus status = check_successful(call);
        if (status != MV_STATUS_OKAY)
                return status;
        size_t len = ((struct mvs_channel *)call->object)->http.reply->body.len;
        if (offset <= len)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_OFFSETINVALID, "offset", "is %" PRIu32 ": the body has %zu bytes", offset,
                          len);
}

enum MvStatus mvs_do_mvReadHttpResponseBody(struct mvs_call *call, MvChannelHandle handle, uint32_t offset,
                                            uint8_t *buf, uint32_t size)
{
        (void)handle;
        const struct mvs_bytes *body = &((struct mvs_channel *)call->object)->http.reply->body;
        size_t rest = body->len - offset;
        if (rest == 0)
                return MV_STATUS_OKAY;
        return mvs_put(call, "buf", buf, body->data + offset, rest < size ? rest : size);
}

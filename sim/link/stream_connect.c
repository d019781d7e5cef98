#include <netdb.h>
#include <stdio.h>

#include "sim/link/stream_parts.h"
#include "sim/profile/profile.h"

static void try_address(struct mvs_stream *stream);

/* No connection, for this reason. */
static void fail(struct mvs_stream *stream, const char *why)
{
        char detail[384];
        const struct mvs_endpoint *endpoint = &stream->endpoint;
        if (endpoint->kind == MVS_ENDPOINT_UNIX)
                snprintf(detail, sizeof detail, "%s: %s", endpoint->where, why);
        else
                snprintf(detail, sizeof detail, "%s port %u: %s", endpoint->where, (unsigned)endpoint->port, why);
        mvs_stream_finish(stream, MVS_STREAM_NEVER, detail);
}

static void on_timeout(uv_timer_t *timer)
{
        fail(timer->data, "not connected in time (opaque.connect_timeout_ms)");
}

/* ---- connecting ---- */

static void on_next_address(uv_handle_t *handle)
{
        struct mvs_stream *stream = handle->data;
        if (stream->state == MVS_STREAM_CONNECTING) {
                stream->handles--;
                try_address(stream);
        } else {
                mvs_stream_on_closed(handle);
        }
}

/* The next one, if there is one. */
static void give_address_up(struct mvs_stream *stream, int error)
{
        if (stream->address + 1 >= stream->addresses.count) {
                fail(stream, uv_strerror(error));
                return;
        }
        stream->address++;
        stream->io_open = false;
        uv_close(&stream->io.handle, on_next_address);
}

static void on_connected(uv_connect_t *request, int status)
{
        struct mvs_stream *stream = request->data;
        if (stream->state == MVS_STREAM_OVER)
                return;
        if (status < 0) {
                give_address_up(stream, status);
        } else if (stream->endpoint.kind == MVS_ENDPOINT_TLS) {
                mvs_stream_tls_begin(stream);
        } else {
                mvs_stream_established(stream);
        }
}

static void connect_tcp(struct mvs_stream *stream, const struct sockaddr *address)
{
        int error = uv_tcp_init(mvs_link_loop(stream->link), &stream->io.tcp);
        if (error) {
                fail(stream, uv_strerror(error));
                return;
        }
        stream->io_open = true;
        stream->handles++;
        stream->io.handle.data = stream;
        uv_tcp_nodelay(&stream->io.tcp, 1);
        error = uv_tcp_connect(&stream->connect, &stream->io.tcp, address, on_connected);
        if (error) /* at once: where there is no route, for one */
                give_address_up(stream, error);
}

static void connect_unix(struct mvs_stream *stream)
{
        int error = uv_pipe_init(mvs_link_loop(stream->link), &stream->io.pipe, 0);
        if (error) {
                fail(stream, uv_strerror(error));
                return;
        }
        stream->io_open = true;
        stream->handles++;
        stream->io.handle.data = stream;
        uv_pipe_connect(&stream->connect, &stream->io.pipe, stream->endpoint.where, on_connected);
}

static void try_address(struct mvs_stream *stream)
{
        const char *text = stream->addresses.text[stream->address];
        union {
                struct sockaddr any;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } address;
        int error = uv_ip4_addr(text, stream->endpoint.port, &address.v4);
        if (error)
                error = uv_ip6_addr(text, stream->endpoint.port, &address.v6);
        if (error)
                fail(stream, uv_strerror(error));
        else
                connect_tcp(stream, &address.any);
}

/* ---- names ---- */

static void on_resolved(void *context, int error, const struct mvs_addresses *addresses)
{
        struct mvs_stream *stream = context;
        stream->resolve = NULL;
        if (error) {
                fail(stream, gai_strerror(error));
                return;
        }
        stream->addresses = *addresses;
        try_address(stream);
}

void mvs_stream_connect(struct mvs_stream *stream)
{
        const struct mvs_endpoint *endpoint = &stream->endpoint;
        uv_timer_start(&stream->timer, on_timeout, mvs_link_profile(stream->link)->opaque.connect_timeout_ms, 0);
        stream->connect.data = stream;
        if (endpoint->kind == MVS_ENDPOINT_UNIX) {
                connect_unix(stream);
        } else if (mvs_resolve_number(endpoint->where, &stream->addresses)) {
                try_address(stream);
        } else {
                stream->resolve = mvs_resolve_start(mvs_link_loop(stream->link), endpoint->where, on_resolved, stream);
                if (!stream->resolve)
                        mvs_stream_finish(stream, MVS_STREAM_NO_HOST, "no memory or no thread to look a name up");
        }
}

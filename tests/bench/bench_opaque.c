/*
 * An opaque channel beside a bare libuv client, both against the same peer on the loopback: 64 bytes there and back,
 * and bulk in either direction through buffers of 64 KiB. The profile lets events follow their calls at once.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "bench.h"
#include "device.h"

#define ROUNDS     9
#define TRIPS      2000
#define TRIP_LEN   64
#define BULK       (64U << 20)
#define BUFFER_LEN 65536U

/* What a connection's first byte asks the peer for. */
#define MIRROR 'e' /* every byte back */
#define SOURCE 's' /* BULK bytes */
#define SINK   'k' /* takes BULK bytes, then sends one */

/* ---- the peer, a process of its own ---- */

static uint16_t port;
static pid_t peer;
static char block[BUFFER_LEN];

static void send_all(int fd, const char *bytes, size_t len)
{
        while (len > 0) {
                ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
                if (sent <= 0)
                        return;
                bytes += sent;
                len -= (size_t)sent;
        }
}

static void echo(int fd)
{
        ssize_t len;
        while ((len = recv(fd, block, sizeof block, 0)) > 0)
                send_all(fd, block, (size_t)len);
}

static void source(int fd)
{
        for (unsigned sent = 0; sent < BULK; sent += BUFFER_LEN)
                send_all(fd, block, BUFFER_LEN);
        recv(fd, block, 1, 0); /* until the other side has closed */
}

static void sink(int fd)
{
        ssize_t len;
        for (size_t got = 0; got < BULK; got += (size_t)len) {
                len = recv(fd, block, sizeof block, 0);
                if (len <= 0)
                        return;
        }
        send_all(fd, "k", 1);
        recv(fd, block, 1, 0);
}

static void serve(int listener)
{
        int on = 1;
        for (;;) {
                char what;
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                if (recv(fd, &what, 1, 0) != 1)
                        _exit(1);
                if (what == MIRROR)
                        echo(fd);
                else if (what == SOURCE)
                        source(fd);
                else
                        sink(fd);
                close(fd);
        }
}

static void start_peer(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof address;
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bench_need(listener >= 0 && bind(listener, (const struct sockaddr *)&address, len) == 0);
        bench_need(listen(listener, 8) == 0 && getsockname(listener, (struct sockaddr *)&address, &len) == 0);
        port = ntohs(address.sin_port);
        peer = fork();
        bench_need(peer >= 0);
        if (peer == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve(listener);
        }
        close(listener);
}

static void end_peer(void)
{
        kill(peer, SIGKILL);
        waitpid(peer, NULL, 0);
}

/* ---- libuv alone ---- */

struct raw {
        uv_loop_t loop;
        uv_tcp_t tcp;
        uv_write_t write;
        char buffer[BUFFER_LEN];
        size_t wanted; /* to read */
        size_t left;   /* to write */
};

static struct raw raw;

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
        (void)handle;
        (void)suggested;
        *ret = uv_buf_init(raw.buffer, sizeof raw.buffer);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
        (void)stream;
        (void)buffer;
        bench_need(len >= 0);
        raw.wanted -= (size_t)len < raw.wanted ? (size_t)len : raw.wanted;
        if (raw.wanted == 0)
                uv_stop(&raw.loop);
}

static void on_connect(uv_connect_t *request, int status)
{
        (void)request;
        bench_need(status == 0);
        uv_stop(&raw.loop);
}

static void raw_open(char what)
{
        struct sockaddr_in address;
        uv_connect_t connect;
        uv_buf_t first = uv_buf_init(&what, 1);
        uv_ip4_addr("127.0.0.1", port, &address);
        bench_need(uv_loop_init(&raw.loop) == 0 && uv_tcp_init(&raw.loop, &raw.tcp) == 0);
        uv_tcp_nodelay(&raw.tcp, 1);
        bench_need(uv_tcp_connect(&connect, &raw.tcp, (const struct sockaddr *)&address, on_connect) == 0);
        uv_run(&raw.loop, UV_RUN_DEFAULT);
        bench_need(uv_try_write((uv_stream_t *)&raw.tcp, &first, 1) == 1);
        bench_need(uv_read_start((uv_stream_t *)&raw.tcp, give_buffer, on_read) == 0);
}

static void raw_close(void)
{
        uv_close((uv_handle_t *)&raw.tcp, NULL);
        uv_run(&raw.loop, UV_RUN_DEFAULT);
        bench_need(uv_loop_close(&raw.loop) == 0);
}

static void raw_wait(size_t len)
{
        raw.wanted = len;
        uv_run(&raw.loop, UV_RUN_DEFAULT);
}

static double raw_trips(void)
{
        uv_buf_t message = uv_buf_init(block, TRIP_LEN);
        raw_open(MIRROR);
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < TRIPS; i++) {
                bench_need(uv_try_write((uv_stream_t *)&raw.tcp, &message, 1) == TRIP_LEN);
                raw_wait(TRIP_LEN);
        }
        double ns = (double)(bench_now_ns() - start) / TRIPS;
        raw_close();
        return ns;
}

static double raw_receive(void)
{
        uint64_t start = bench_now_ns();
        raw_open(SOURCE);
        raw_wait(BULK);
        double ns = (double)(bench_now_ns() - start);
        raw_close();
        return ns;
}

static void on_written(uv_write_t *request, int status)
{
        uv_buf_t piece = uv_buf_init(block, BUFFER_LEN);
        bench_need(status == 0);
        if (raw.left == 0)
                return;
        raw.left -= BUFFER_LEN;
        bench_need(uv_write(request, (uv_stream_t *)&raw.tcp, &piece, 1, on_written) == 0);
}

static double raw_send(void)
{
        uint64_t start = bench_now_ns();
        raw_open(SINK);
        raw.left = BULK;
        on_written(&raw.write, 0);
        raw_wait(1);
        double ns = (double)(bench_now_ns() - start);
        raw_close();
        return ns;
}

/* ---- the device ---- */

static MvChannelHandle channel;
static uint8_t send_buffer[BUFFER_LEN] __attribute__((aligned(4096)));
static uint8_t receive_buffer[BUFFER_LEN] __attribute__((aligned(4096)));

/* Something has come since the last time. */
static void wait_for_event(void)
{
        static unsigned seen;
        bench_wait_beyond(seen);
        seen = bench_events;
}

static void boot(void)
{
        char profile[64];
        snprintf(profile, sizeof profile, "endpoints: {peer: \"tcp://127.0.0.1:%u\"}\n", (unsigned)port);
        bench_device_boot(profile, MVSIM_TIME_REAL);
}

static void write_all(const uint8_t *bytes, size_t len)
{
        while (len > 0) {
                uint32_t written;
                bench_need(mvWriteChannelStream(channel, bytes, (uint32_t)len, &written) == MV_STATUS_OKAY);
                bytes += written;
                len -= written;
                if (len > 0)
                        wait_for_event();
        }
}

/* Takes all that there is. */
static size_t take(void)
{
        uint8_t *bytes;
        uint32_t len;
        size_t total = 0;
        while (mvReadChannel(channel, &bytes, &len) == MV_STATUS_OKAY && len > 0) {
                bench_need(mvReadChannelComplete(channel, len) == MV_STATUS_OKAY);
                total += len;
        }
        return total;
}

static void take_all(size_t len)
{
        for (size_t got = take(); got < len; got += take())
                wait_for_event();
}

static void channel_open(uint8_t what)
{
        const struct bench_buffers buffers = {receive_buffer, sizeof receive_buffer, send_buffer, sizeof send_buffer};
        channel = bench_channel_open(MV_CHANNELTYPE_OPAQUEBYTES, "peer", &buffers);
        write_all(&what, 1);
}

static double channel_trips(void)
{
        channel_open(MIRROR);
        write_all((const uint8_t *)block, TRIP_LEN);
        take_all(TRIP_LEN); /* the connection stands */
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < TRIPS; i++) {
                write_all((const uint8_t *)block, TRIP_LEN);
                take_all(TRIP_LEN);
        }
        double ns = (double)(bench_now_ns() - start) / TRIPS;
        bench_need(mvCloseChannel(&channel) == MV_STATUS_OKAY);
        return ns;
}

static double channel_receive(void)
{
        uint64_t start = bench_now_ns();
        channel_open(SOURCE);
        take_all(BULK);
        double ns = (double)(bench_now_ns() - start);
        bench_need(mvCloseChannel(&channel) == MV_STATUS_OKAY);
        return ns;
}

static double channel_send(void)
{
        uint64_t start = bench_now_ns();
        channel_open(SINK);
        for (unsigned sent = 0; sent < BULK; sent += BUFFER_LEN)
                write_all((const uint8_t *)block, BUFFER_LEN);
        take_all(1);
        double ns = (double)(bench_now_ns() - start);
        bench_need(mvCloseChannel(&channel) == MV_STATUS_OKAY);
        return ns;
}

/* ---- measuring ---- */

static void measure(const char *what, double (*bare)(void), double (*device)(void), const char *aim)
{
        double floors[ROUNDS], ours[ROUNDS];
        for (unsigned round = 0; round < ROUNDS; round++) {
                floors[round] = bare();
                ours[round] = device();
        }
        double floor = bench_median(floors, ROUNDS);
        bench_table(what);
        bench_row("libuv alone", floor, floor, NULL);
        bench_row("opaque channel", bench_median(ours, ROUNDS), floor, aim);
}

static void measure_all(void)
{
        start_peer();
        boot();
        measure("64 bytes to an echo and back; ratio to libuv", raw_trips, channel_trips, "<= 2");
        measure("64 MiB received through 64 KiB; ratio to libuv", raw_receive, channel_receive, "<= 2");
        measure("64 MiB sent through 64 KiB; ratio to libuv", raw_send, channel_send, "<= 2");
        mvsim_shutdown();
        end_peer();
}

int main(void)
{
        bench_pin();
        measure_all();
        bench_unpin();
        measure_all();
        return 0;
}

#include "mqtt_peer.h"

#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

#define PACKET_MAX 65536
#define BYTES_MAX  4096

struct packet {
        unsigned type;
        uint8_t mid[2];
};

static int read_all(int fd, uint8_t *ret, size_t len)
{
        size_t got = 0;
        while (got < len) {
                ssize_t n = read(fd, ret + got, len - got);
                if (n <= 0)
                        return -1;
                got += (size_t)n;
        }
        return 0;
}

/* Where the packet identifier stands: behind the topic of a PUBLISH, else in front. */
static const uint8_t *mid_of(uint8_t first, const uint8_t *body)
{
        return first >> 4 == MVT_PACKET_PUBLISH ? body + 2 + (body[0] << 8 | body[1]) : body;
}

static int read_packet(int fd, struct packet *ret)
{
        static uint8_t body[PACKET_MAX + 2];
        uint8_t first, byte = 0x80;
        size_t len = 0;
        if (read_all(fd, &first, 1) < 0)
                return -1;
        for (unsigned shift = 0; byte & 0x80; shift += 7) {
                if (read_all(fd, &byte, 1) < 0)
                        return -1;
                len |= (size_t)(byte & 0x7f) << shift;
        }
        if (len > PACKET_MAX || read_all(fd, body, len) < 0)
                return -1;
        ret->type = first >> 4;
        memcpy(ret->mid, mid_of(first, body), 2);
        return 0;
}

static int send_bytes(int fd, const struct mvt_step *step, const struct packet *packet)
{
        uint8_t bytes[BYTES_MAX];
        memcpy(bytes, step->bytes, step->len);
        for (uint32_t i = 0; i + 1 < step->len; i++) {
                if (bytes[i] == 0xff && bytes[i + 1] == 0xfe)
                        memcpy(bytes + i, packet->mid, 2);
        }
        return send(fd, bytes, step->len, MSG_NOSIGNAL) == (ssize_t)step->len ? 0 : -1;
}

static void drain(int fd)
{
        uint8_t bytes[256];
        while (read(fd, bytes, sizeof bytes) > 0)
                ;
}

static void serve(int fd, const struct mvt_step *steps, unsigned count)
{
        struct packet packet = {0};
        for (unsigned i = 0; i < count; i++) {
                const struct mvt_step *step = &steps[i];
                while (step->on != MVT_PACKET_NONE) {
                        if (read_packet(fd, &packet) < 0)
                                return;
                        if (packet.type == (unsigned)step->on)
                                break;
                }
                if (step->len > 0 && send_bytes(fd, step, &packet) < 0)
                        return;
                if (step->then == MVT_PEER_HOLD)
                        drain(fd);
                if (step->then == MVT_PEER_RESET)
                        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
                if (step->then != MVT_PEER_GO_ON)
                        return;
        }
        drain(fd);
}

void mvt_mqtt_peer_start(struct mvt_mqtt_peer *ret, const struct mvt_step *steps, unsigned count)
{
        pid_t parent = getpid();
        *ret = (struct mvt_mqtt_peer){0};
        int listener = mvt_listen(&ret->port);
        ret->pid = fork();
        ck_assert_int_ge(ret->pid, 0);
        if (ret->pid == 0) {
                mvt_child_setup(parent);
                for (;;) {
                        int fd = accept(listener, NULL, NULL);
                        if (fd < 0)
                                _exit(1);
                        serve(fd, steps, count);
                        close(fd);
                }
        }
        close(listener);
}

void mvt_mqtt_peer_finish(struct mvt_mqtt_peer *peer)
{
        mvt_kill(peer->pid);
        peer->pid = 0;
}

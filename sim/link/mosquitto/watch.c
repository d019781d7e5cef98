/* A client's socket, in the loop. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/link/mosquitto/client.h"

#define READS_MAX 64 /* packets in a row, before others on the loop have their turn */

/* libmosquitto closes its descriptor when it likes, and libuv must not watch one that is closed: so it watches another
 * one of the same connection. */
struct mvs_mqtt_watch {
        uv_poll_t poll;
        struct mvs_mqtt_client *client;
        int fd;
        int events;
        bool established; /* TCP's part is done */
};

static void on_watch_closed(uv_handle_t *poll)
{
        free(poll->data);
}

void mvs_mqtt_watch_end(struct mvs_mqtt_client *client)
{
        struct mvs_mqtt_watch *watch = client->watch;
        client->watch = NULL;
        if (!watch)
                return;
        uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        close(watch->fd);
}

bool mvs_mqtt_watch_begin(struct mvs_mqtt_client *client)
{
        struct mvs_mqtt_watch *watch = calloc(1, sizeof *watch);
        if (!watch)
                return false;
        watch->fd = fcntl(mosquitto_socket(client->mosq), F_DUPFD_CLOEXEC, 0);
        if (watch->fd < 0 || uv_poll_init_socket(client->session->loop, &watch->poll, watch->fd) != 0) {
                if (watch->fd >= 0)
                        close(watch->fd);
                free(watch);
                return false;
        }
        watch->poll.data = watch;
        watch->client = client;
        client->watch = watch;
        return true;
}

/* Until the connection stands, only its standing or failing counts. */
static bool is_established(struct mvs_mqtt_watch *watch)
{
        int error = 0;
        socklen_t size = sizeof error;
        struct sockaddr_storage peer;
        socklen_t peer_size = sizeof peer;
        if (watch->established)
                return true;
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        /* An error is told once, and libmosquitto's own try to begin TLS may have been told. */
        if (error == 0 && getpeername(watch->fd, (struct sockaddr *)&peer, &peer_size) != 0)
                error = ENOTCONN;
        watch->established = error == 0;
        if (error) {
                watch->client->end_errno = error;
                mvs_mqtt_client_note_end(watch->client, MOSQ_ERR_ERRNO);
        }
        return watch->established;
}

/* libmosquitto reads a packet at a time; EAGAIN tells that there was none left. */
static void read_packets(struct mvs_mqtt_client *client)
{
        for (unsigned i = 0; i < READS_MAX && !client->ended && !client->stale; i++) {
                if (client->looked_for > 0)
                        mvs_mqtt_peek(client);
                errno = 0;
                int result = mosquitto_loop_read(client->mosq, 1);
                int error = errno;
                if (result != MOSQ_ERR_SUCCESS)
                        mvs_mqtt_client_note_end(client, result);
                if (error == EAGAIN)
                        return;
        }
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
        struct mvs_mqtt_watch *watch = poll->data;
        struct mvs_mqtt_client *client = watch->client;
        if (is_established(watch)) {
                if (events & UV_WRITABLE && mosquitto_loop_write(client->mosq, 1) != MOSQ_ERR_SUCCESS)
                        mvs_mqtt_client_note_end(client, MOSQ_ERR_CONN_LOST);
                if (!client->ended && (events & UV_READABLE || status < 0))
                        read_packets(client);
        }
        mvs_mqtt_client_settle(client);
}

void mvs_mqtt_watch_update(struct mvs_mqtt_client *client)
{
        struct mvs_mqtt_watch *watch = client->watch;
        bool write = !watch->established || mosquitto_want_write(client->mosq);
        int events = UV_READABLE | (write ? UV_WRITABLE : 0);
        if (events == watch->events)
                return;
        watch->events = events;
        uv_poll_start(&watch->poll, events, on_socket);
}

bool mvs_mqtt_watch_is_established(const struct mvs_mqtt_client *client)
{
        return client->watch && client->watch->established;
}

void mvs_mqtt_watch_cork(const struct mvs_mqtt_client *client, int on)
{
        if (client->watch)
                setsockopt(client->watch->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

#include "sim/link/mosquitto/client.h"

#include <errno.h>
#include <fcntl.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/link/mosquitto/connect.h"

#define READS_MAX 64   /* packets in a row, before others on the loop have their turn */
#define MISC_MS   1000 /* how often libmosquitto looks after keep-alive */
#define REASONS   0x80 /* from here on, what libmosquitto calls the end by is the broker's reason code */

/* ---- the socket ---- */

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

static void unwatch(struct mvs_mqtt_client *client)
{
        struct mvs_mqtt_watch *watch = client->watch;
        client->watch = NULL;
        if (!watch)
                return;
        uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        close(watch->fd);
}

static bool watch(struct mvs_mqtt_client *client)
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

static void note_end(struct mvs_mqtt_client *client, int result)
{
        if (client->ended)
                return;
        client->ended = true;
        client->end_code = result;
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
                note_end(watch->client, MOSQ_ERR_ERRNO);
        }
        return watch->established;
}

/* libmosquitto reads a packet at a time; EAGAIN tells that there was none left. */
static void read_packets(struct mvs_mqtt_client *client)
{
        for (unsigned i = 0; i < READS_MAX && !client->ended; i++) {
                if (client->looked_for > 0)
                        mvs_mqtt_peek(client);
                errno = 0;
                int result = mosquitto_loop_read(client->mosq, 1);
                int error = errno;
                if (result != MOSQ_ERR_SUCCESS)
                        note_end(client, result);
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
                        note_end(client, MOSQ_ERR_CONN_LOST);
                if (!client->ended && (events & UV_READABLE || status < 0))
                        read_packets(client);
        }
        mvs_mqtt_client_settle(client);
}

static void update_watch(struct mvs_mqtt_client *client)
{
        struct mvs_mqtt_watch *watch = client->watch;
        bool write = !watch->established || mosquitto_want_write(client->mosq);
        int events = UV_READABLE | (write ? UV_WRITABLE : 0);
        if (events == watch->events)
                return;
        watch->events = events;
        uv_poll_start(&watch->poll, events, on_socket);
}

/* ---- connecting ---- */

static void hang_up(struct mvs_mqtt_client *client)
{
        unwatch(client);
        if (client->mosq)
                mosquitto_destroy(client->mosq);
        client->mosq = NULL;
}

static bool try_address(struct mvs_mqtt_client *client)
{
        client->ended = false;
        client->end_errno = 0;
        client->mosq = mvs_mqtt_connect_make(client);
        if (!client->mosq)
                return false;
        mvs_mqtt_answers_install(client->mosq);
        int result = mvs_mqtt_connect_start(client, client->session->target.addresses.text[client->address]);
        if (result == MOSQ_ERR_SUCCESS && watch(client)) {
                update_watch(client);
                return true;
        }
        client->end_errno = result == MOSQ_ERR_ERRNO ? errno : 0;
        note_end(client, result == MOSQ_ERR_SUCCESS ? MOSQ_ERR_NOMEM : result);
        return true;
}

static const char *end_text(const struct mvs_mqtt_client *client)
{
        if (client->end_errno == ENOTCONN)
                return "the connection was refused, or broken off as TLS began (does the broker speak it on that "
                       "port?)";
        if (client->end_errno)
                return strerror(client->end_errno);
        if (client->end_code >= REASONS)
                return mosquitto_reason_string(client->end_code);
        if (client->end_code == MOSQ_ERR_KEEPALIVE)
                return "the broker was not heard for longer than the keep-alive time";
        return client->end_code == MOSQ_ERR_SUCCESS ? "" : mosquitto_strerror(client->end_code);
}

static void answer_connect(struct mvs_mqtt_client *client, enum mvs_mqtt_state state, const char *why)
{
        struct mvs_mqtt_item *answer = client->answer;
        client->answer = NULL;
        client->phase = MVS_MQTT_OVER;
        if (!answer)
                return;
        answer->state = state;
        snprintf(answer->detail, sizeof answer->detail, "%s", why);
        client->session->item(client->session, answer);
}

/* The connection did not come about: the next address may do better, unless somebody was there. */
static void connect_failed(struct mvs_mqtt_client *client)
{
        bool there = client->watch && client->watch->established;
        while (!there && client->address + 1 < client->session->target.addresses.count) {
                hang_up(client);
                client->address++;
                if (try_address(client) && !client->ended)
                        return;
        }
        char why[MVS_MQTT_DETAIL_SIZE];
        mvs_mqtt_tls_explain(client, why);
        answer_connect(client, mvs_mqtt_tls_state(client->verify_error), client->verify_error ? why : end_text(client));
        hang_up(client);
}

static void connection_ended(struct mvs_mqtt_client *client)
{
        client->phase = MVS_MQTT_OVER;
        hang_up(client);
        mvs_mqtt_pending_end(client, client->end_code >= REASONS ? (uint32_t)client->end_code : 0, end_text(client));
}

void mvs_mqtt_client_settle(struct mvs_mqtt_client *client)
{
        if (client->phase == MVS_MQTT_OVER)
                hang_up(client);
        else if (client->ended && client->phase == MVS_MQTT_CONNECTING)
                connect_failed(client);
        else if (client->ended)
                connection_ended(client);
        else
                update_watch(client);
}

/* ---- writing ---- */

static void cork(const struct mvs_mqtt_client *client, int on)
{
        if (client->watch)
                setsockopt(client->watch->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

void mvs_mqtt_client_gather(struct mvs_mqtt_client *client)
{
        if (++client->requests == 2)
                cork(client, 1);
}

static void client_settle(struct mvs_mqtt_client *client)
{
        if (client->requests == 0)
                return;
        if (client->requests > 1)
                cork(client, 0);
        client->requests = 0;
        mvs_mqtt_client_settle(client);
}

/* ---- the module's operations ---- */

static void on_misc(uv_timer_t *timer)
{
        struct mvs_mqtt_client *client = timer->data;
        if (client->mosq && !client->ended) {
                int result = mosquitto_loop_misc(client->mosq);
                if (result != MOSQ_ERR_SUCCESS)
                        note_end(client, result);
        }
        mvs_mqtt_client_settle(client);
}

/* From the loop, so that an answer never comes before connect() has returned. */
static void on_begin(uv_timer_t *timer)
{
        struct mvs_mqtt_client *client = timer->data;
        const struct mvs_mqtt_connect *connect = &client->login->is.connect;
        char why[MVS_MQTT_DETAIL_SIZE];
        bool fine = mvs_mqtt_rules_connect(connect, why);
        enum mvs_mqtt_state state = fine ? MVS_MQTT_COMPLETED : MVS_MQTT_INVALID_PARAMETERS;
        if (fine && !client->session->target.plain)
                state = mvs_mqtt_tls_make(client, why);
        if (state == MVS_MQTT_COMPLETED && !try_address(client)) {
                state = MVS_MQTT_SOCKET_ERROR;
                snprintf(why, sizeof why, "the host is out of memory");
        }
        if (state != MVS_MQTT_COMPLETED)
                answer_connect(client, state, why);
        uv_timer_start(timer, on_misc, MISC_MS, MISC_MS); /* also without keep-alive: a broker may ask for it */
        mvs_mqtt_client_settle(client);
}

static void initialise(void)
{
        /* It seeds rand(), which is the application's. */
        char state[32];
        char *before = initstate(0, state, sizeof state);
        mosquitto_lib_init();
        setstate(before);
}

static struct mvs_mqtt_client *client_connect(struct mvs_mqtt_session *session, struct mvs_mqtt_request *request)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, initialise);
        struct mvs_mqtt_client *client = calloc(1, sizeof *client);
        struct mvs_mqtt_item *answer = mvs_mqtt_answer_create(request, MVS_MQTT_COMPLETED);
        if (!client || !answer) {
                free(client);
                free(answer);
                free(request);
                return NULL;
        }
        client->session = session;
        client->login = request;
        client->answer = answer;
        client->last = &client->pending;
        uv_timer_init(session->loop, &client->timer);
        client->timer.data = client;
        uv_timer_start(&client->timer, on_begin, 0, 0);
        return client;
}

static void on_timer_closed(uv_handle_t *timer)
{
        free(timer->data);
}

static void client_drop(struct mvs_mqtt_client *client)
{
        hang_up(client);
        SSL_CTX_free(client->tls);
        mvs_mqtt_pending_forget(client);
        free(client->answer);
        free(client->login);
        uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

__attribute__((visibility("default"))) mvs_mqtt_module_fn mvs_mqtt_module;

const void *mvs_mqtt_module(void)
{
        static const struct mvs_mqtt_module_ops ops = {
                .abi = MVS_MQTT_MODULE_ABI,
                .connect = client_connect,
                .request = mvs_mqtt_client_request,
                .settle = client_settle,
                .drop = client_drop,
        };
        return &ops;
}

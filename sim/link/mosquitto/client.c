#include "sim/link/mosquitto/client.h"

#include <errno.h>
#include <fcntl.h>
#include <mqtt_protocol.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/link/mosquitto/connect.h"

#define READS_MAX 64   /* of what is left in a connection that is severed */
#define MISC_MS   1000 /* how often libmosquitto looks after keep-alive */
#define REASONS   0x80 /* from here on, what libmosquitto calls the end by is the broker's reason code */

/* ---- connecting ---- */

void mvs_mqtt_client_note_end(struct mvs_mqtt_client *client, int result)
{
        if (client->ended)
                return;
        client->ended = true;
        client->end_code = result;
}

static void hang_up(struct mvs_mqtt_client *client)
{
        mvs_mqtt_watch_end(client);
        if (!client->mosq || client->keeps)
                return;
        mosquitto_destroy(client->mosq);
        client->mosq = NULL;
}

static bool try_address(struct mvs_mqtt_client *client)
{
        client->ended = false;
        client->end_errno = 0;
        if (!client->mosq) {
                client->mosq = mvs_mqtt_connect_make(client);
                if (!client->mosq)
                        return false;
                mvs_mqtt_answers_install(client->mosq);
        }
        int result = mvs_mqtt_connect_start(client, client->session->target.addresses.text[client->address]);
        if (result == MOSQ_ERR_SUCCESS && mvs_mqtt_watch_begin(client)) {
                mvs_mqtt_watch_update(client);
                return true;
        }
        client->end_errno = result == MOSQ_ERR_ERRNO ? errno : 0;
        mvs_mqtt_client_note_end(client, result == MOSQ_ERR_SUCCESS ? MOSQ_ERR_NOMEM : result);
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
        bool there = mvs_mqtt_watch_is_established(client);
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
        if (mvs_mqtt_pending_publishes(client))
                client->keeps = false; /* they are answered now, and not sent by a later connection */
        hang_up(client);
        mvs_mqtt_pending_end(client, client->end_code >= REASONS ? (uint32_t)client->end_code : 0, end_text(client));
}

/* The broker has forgotten the session: what libmosquitto knows of it is not to be mixed up with the new one. */
static void start_afresh(struct mvs_mqtt_client *client)
{
        client->stale = false;
        client->resumes = false;
        client->keeps = false;
        hang_up(client);
        if (!try_address(client))
                answer_connect(client, MVS_MQTT_SOCKET_ERROR, "the host is out of memory");
        else if (client->ended)
                connect_failed(client);
}

void mvs_mqtt_client_settle(struct mvs_mqtt_client *client)
{
        if (client->stale)
                start_afresh(client);
        else if (client->phase == MVS_MQTT_OVER)
                hang_up(client);
        else if (client->ended && client->phase == MVS_MQTT_CONNECTING)
                connect_failed(client);
        else if (client->ended)
                connection_ended(client);
        else
                mvs_mqtt_watch_update(client);
}

/* ---- writing ---- */

void mvs_mqtt_client_gather(struct mvs_mqtt_client *client)
{
        if (++client->requests == 2)
                mvs_mqtt_watch_cork(client, 1);
}

static void client_settle(struct mvs_mqtt_client *client)
{
        if (client->requests == 0)
                return;
        if (client->requests > 1)
                mvs_mqtt_watch_cork(client, 0);
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
                        mvs_mqtt_client_note_end(client, result);
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
        if (fine && !client->session->target.plain && !client->tls)
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

static void on_timer_closed(uv_handle_t *timer)
{
        free(timer->data);
}

static void client_free(struct mvs_mqtt_client *client)
{
        client->keeps = false;
        hang_up(client);
        SSL_CTX_free(client->tls);
        mvs_mqtt_pending_forget(client);
        free(client->answer);
        free(client->login);
        uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

static struct mvs_mqtt_client *client_create(uv_loop_t *loop)
{
        struct mvs_mqtt_client *client = calloc(1, sizeof *client);
        if (!client)
                return NULL;
        client->last = &client->pending;
        uv_timer_init(loop, &client->timer);
        client->timer.data = client;
        return client;
}

/* One that was set aside begins again, with what libmosquitto knows. */
static struct mvs_mqtt_client *resume(struct mvs_mqtt_client *client)
{
        client->phase = MVS_MQTT_CONNECTING;
        client->address = 0;
        client->verify_error = 0;
        client->end_code = 0;
        client->resumes = true;
        return client;
}

static struct mvs_mqtt_client *client_connect(struct mvs_mqtt_session *session, struct mvs_mqtt_request *request)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, initialise);
        struct mvs_mqtt_client *client = mvs_mqtt_aside_take(session->aside, &request->is.connect);
        client = client ? resume(client) : client_create(session->loop);
        if (!client) {
                free(request);
                return NULL;
        }
        free(client->login);
        client->login = request;
        client->session = session;
        client->answer = mvs_mqtt_answer_create(request, MVS_MQTT_COMPLETED);
        if (!client->answer) {
                client_free(client);
                return NULL;
        }
        uv_timer_start(&client->timer, on_begin, 0, 0);
        return client;
}

/* ---- the end ---- */

/*
 * Ends the connection without a word to the broker. libmosquitto has no way to do that but to lose the connection: so
 * its descriptor becomes one on which nothing comes. Nobody takes what it still has to tell.
 */
static bool sever(struct mvs_mqtt_client *client)
{
        int fd = mosquitto_socket(client->mosq);
        int nothing = fd < 0 ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);
        client->phase = MVS_MQTT_OVER;
        if (nothing >= 0) {
                dup3(nothing, fd, O_CLOEXEC);
                close(nothing);
                for (unsigned i = 0; i < READS_MAX && mosquitto_socket(client->mosq) >= 0; i++)
                        mosquitto_loop_read(client->mosq, 1);
        }
        return mosquitto_socket(client->mosq) < 0;
}

static bool set_aside(struct mvs_mqtt_client *client)
{
        if (!client->keeps || mvs_mqtt_pending_publishes(client))
                return false;
        mvs_mqtt_watch_end(client);
        mvs_mqtt_pending_forget(client);
        if (!sever(client))
                return false;
        uv_timer_stop(&client->timer);
        free(client->answer);
        client->answer = NULL;
        client->looked_for = 0;
        client->requests = 0;
        struct mvs_mqtt_client *oldest = mvs_mqtt_aside_add(client->session->aside, client);
        client->session = NULL;
        if (oldest)
                client_free(oldest);
        return true;
}

static void client_drop(struct mvs_mqtt_client *client)
{
        if (!set_aside(client))
                client_free(client);
}

static void module_end(struct mvs_mqtt_client **aside)
{
        while (*aside) {
                struct mvs_mqtt_client *client = *aside;
                *aside = client->next;
                client_free(client);
        }
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
                .end = module_end,
        };
        return &ops;
}

#include "sim/link/mqtt.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/link/module.h"
#include "sim/link/mqtt_module.h"
#include "sim/link/mqtt_target.h"
#include "sim/link/resolve.h"
#include "sim/link/thread.h"

/*
 * One session, from its CONNECT to mvs_link_mqtt_drop():
 *
 *   resolving ──addresses──▶ connecting (the module's client, one address after the other) ──▶ connected ──▶ over
 *       └───────────────────────────┴──────── a reason why not, or too late ────────────────────────────────▲
 */
struct session {
        struct mvs_mqtt_session base; /* first; what the module sees */
        struct mvs_link_mqtt *mqtt;
        struct session *next;
        struct session **link; /* what points to this one, in the list of all */
        uint32_t id;
        mvs_mqtt_items_fn *on_items;
        void *context;
        struct mvs_mqtt_item *items; /* not handed over yet */
        struct mvs_mqtt_item **last;
        struct mvs_bytes owner;
        struct mvs_mqtt_place place;
        struct mvs_mqtt_request *request; /* the CONNECT, until the module has it */
        struct mvs_mqtt_item *refusal;    /* the answer to it, should it fail here */
        struct mvs_resolve *resolve;      /* under way */
        struct mvs_mqtt_client *client;
        uv_timer_t deadline;
};

struct mvs_link_mqtt {
        struct mvs_link *link;
        const struct mvs_mqtt_module_ops *ops;
        struct session *sessions;
        struct mvs_mqtt_client *aside; /* the module's */
        bool complained;               /* about the module; once is enough */
};

struct command {
        struct mvs_link_command command; /* first */
        uint32_t id;
        struct mvs_mqtt_request *request; /* NULL: the session is to be dropped */
        mvs_mqtt_items_fn *on_items;
        void *context;
};

/* ---- items ---- */

static void add_item(struct session *session, struct mvs_mqtt_item *item)
{
        item->next = NULL;
        *session->last = item;
        session->last = &item->next;
}

static void hand_over(struct session *session)
{
        struct mvs_mqtt_item *first = session->items;
        session->items = NULL;
        session->last = &session->items;
        if (first)
                session->on_items(session->context, session->id, &session->owner, first);
}

/* ---- ends ---- */

static void on_deadline_closed(uv_handle_t *deadline)
{
        struct session *session = deadline->data;
        free(session->owner.data);
        free(session);
}

static void drop(struct session *session)
{
        hand_over(session);
        *session->link = session->next;
        if (session->next)
                session->next->link = session->link;
        if (session->resolve)
                mvs_resolve_cancel(session->resolve);
        if (session->client)
                session->mqtt->ops->drop(session->client);
        free(session->request);
        free(session->refusal);
        uv_close((uv_handle_t *)&session->deadline, on_deadline_closed);
}

/* The connection does not come about. */
static void refuse(struct session *session, enum mvs_mqtt_state state, const char *why)
{
        struct mvs_mqtt_item *item = session->refusal;
        session->refusal = NULL;
        uv_timer_stop(&session->deadline);
        if (!item)
                return;
        item->state = state;
        snprintf(item->detail, sizeof item->detail, "%s", why);
        add_item(session, item);
}

static void on_item(struct mvs_mqtt_session *base, struct mvs_mqtt_item *item)
{
        struct session *session = (struct session *)base;
        if (item->kind == MVS_MQTT_CONNECT) {
                uv_timer_stop(&session->deadline);
                free(session->refusal);
                session->refusal = NULL;
        }
        add_item(session, item);
}

static void on_deadline(uv_timer_t *deadline)
{
        struct session *session = deadline->data;
        if (session->resolve)
                mvs_resolve_cancel(session->resolve);
        if (session->client)
                session->mqtt->ops->drop(session->client);
        session->resolve = NULL;
        session->client = NULL;
        char why[100];
        snprintf(why, sizeof why, "the broker did not answer within %" PRIu32 " ms (mqtt.connect_ms)",
                 mvs_link_profile(session->mqtt->link)->mqtt.connect_ms);
        refuse(session, MVS_MQTT_SOCKET_ERROR, why);
}

/* ---- connecting ---- */

static bool load(struct mvs_link_mqtt *mqtt, char *why, size_t why_size)
{
        static const struct mvs_module module = {MVS_MQTT_MODULE_FILE, MVS_MQTT_MODULE_SYMBOL, MVS_MQTT_MODULE_ABI};
        if (!mqtt->ops)
                mqtt->ops = mvs_module_load(&module, why, why_size);
        if (!mqtt->ops && !mqtt->complained)
                fprintf(stderr, "mvsim: no MQTT: %s\n", why);
        mqtt->complained = !mqtt->ops;
        return mqtt->ops != NULL;
}

static void connect_to(struct session *session, const struct mvs_addresses *addresses)
{
        char why[MVS_MQTT_DETAIL_SIZE];
        if (!load(session->mqtt, why, sizeof why)) {
                refuse(session, MVS_MQTT_SOCKET_ERROR, why);
                return;
        }
        struct mvs_mqtt_request *request = session->request;
        session->request = NULL;
        session->base.target.addresses = *addresses;
        session->client = session->mqtt->ops->connect(&session->base, request);
        if (!session->client)
                refuse(session, MVS_MQTT_SOCKET_ERROR, "the host is out of memory");
}

static void on_resolved(void *context, int error, const struct mvs_addresses *addresses)
{
        struct session *session = context;
        char why[200];
        session->resolve = NULL;
        if (!error) {
                connect_to(session, addresses);
                return;
        }
        snprintf(why, sizeof why, "%s%s", gai_strerror(error),
                 session->place.rewritten ? "" : " (mqtt.rewrite in the profile can name a broker that stands in)");
        refuse(session, MVS_MQTT_NXDOMAIN, why);
}

static void resolve(struct session *session)
{
        struct mvs_addresses numbers;
        const char *host = session->place.to.host;
        if (mvs_resolve_number(host, &numbers)) {
                connect_to(session, &numbers);
                return;
        }
        session->resolve = mvs_resolve_start(session->base.loop, host, on_resolved, session);
        if (!session->resolve)
                refuse(session, MVS_MQTT_SOCKET_ERROR, "the host has no thread to look the broker's name up");
}

static struct session *session_create(struct mvs_link_mqtt *mqtt, const struct command *command)
{
        struct session *session = calloc(1, sizeof *session);
        struct mvs_mqtt_item *refusal = mvs_mqtt_answer_create(command->request, MVS_MQTT_SOCKET_ERROR);
        const struct mvs_bytes *owner = &command->request->is.connect.owner;
        uint8_t *owner_data = malloc(owner->len);
        if (!session || !refusal || !owner_data) {
                free(session);
                free(refusal);
                free(owner_data);
                return NULL;
        }
        memcpy(owner_data, owner->data, owner->len);
        session->base = (struct mvs_mqtt_session){.loop = mvs_link_loop(mqtt->link), .item = on_item};
        session->mqtt = mqtt;
        session->id = command->id;
        session->on_items = command->on_items;
        session->context = command->context;
        session->last = &session->items;
        session->owner = (struct mvs_bytes){owner_data, owner->len};
        session->request = command->request;
        session->refusal = refusal;
        uv_timer_init(session->base.loop, &session->deadline);
        session->deadline.data = session;
        session->next = mqtt->sessions;
        session->link = &mqtt->sessions;
        if (session->next)
                session->next->link = &session->next;
        mqtt->sessions = session;
        return session;
}

static void aim(struct session *session, const struct mvs_profile_mqtt *profile)
{
        struct mvs_mqtt_place *place = &session->place;
        struct mvs_mqtt_target *target = &session->base.target;
        target->name[0] = place->asked;
        target->name[1] = place->rewritten ? place->to.host : NULL;
        target->port = place->to.port;
        target->plain = place->plain;
        target->ca_file = profile->ca_file;
        session->base.aside = &session->mqtt->aside;
}

static void begin(struct mvs_link_mqtt *mqtt, const struct command *command)
{
        const struct mvs_profile_mqtt *profile = &mvs_link_profile(mqtt->link)->mqtt;
        struct session *session = session_create(mqtt, command);
        if (!session) { /* it will look as if the broker never answered */
                free(command->request);
                return;
        }
        uv_update_time(session->base.loop);
        uv_timer_start(&session->deadline, on_deadline, profile->connect_ms, 0);
        const struct mvs_mqtt_connect *connect = &command->request->is.connect;
        if (!mvs_mqtt_target_find(profile, &connect->host, connect->port, &session->place)) {
                refuse(session, MVS_MQTT_INVALID_PARAMETERS,
                       "there can be no such host, or the port is 0 (a host has 1 to 255 printable characters and no "
                       "blanks)");
                return;
        }
        aim(session, profile);
        resolve(session);
}

/* ---- commands ---- */

static struct session *find(const struct mvs_link_mqtt *mqtt, uint32_t id)
{
        struct session *session = mqtt->sessions;
        while (session && session->id != id)
                session = session->next;
        return session;
}

/* The connection is over, and the request was on its way. */
static void answer_late(struct session *session, struct mvs_mqtt_request *request)
{
        struct mvs_mqtt_item *item = mvs_mqtt_answer_create(request, MVS_MQTT_NOT_CONNECTED);
        free(request);
        if (item)
                add_item(session, item);
}

static void end(void *state)
{
        struct mvs_link_mqtt *mqtt = state;
        while (mqtt->sessions)
                drop(mqtt->sessions);
        if (mqtt->ops)
                mqtt->ops->end(&mqtt->aside);
        free(mqtt);
}

static void settle(void *state)
{
        const struct mvs_link_mqtt *mqtt = state;
        for (struct session *session = mqtt->sessions, *next; session; session = next) {
                next = session->next;
                if (session->client)
                        mqtt->ops->settle(session->client);
                hand_over(session);
        }
}

static struct mvs_link_mqtt *mqtt_of(struct mvs_link *link)
{
        struct mvs_link_state *own = mvs_link_state(link, MVS_LINK_MQTT);
        if (!own->state) {
                struct mvs_link_mqtt *mqtt = calloc(1, sizeof *mqtt);
                if (mqtt)
                        mqtt->link = link;
                own->state = mqtt;
        }
        own->end = end;
        own->settle = settle;
        return own->state;
}

static void discard(struct mvs_link_command *base)
{
        struct command *command = (struct command *)base;
        free(command->request);
        free(command);
}

static void run(struct mvs_link *link, struct mvs_link_command *base)
{
        struct command *command = (struct command *)base;
        struct mvs_link_mqtt *mqtt = mqtt_of(link);
        struct session *session = mqtt ? find(mqtt, command->id) : NULL;
        struct mvs_mqtt_request *request = command->request;
        if (!request && session)
                drop(session);
        else if (mqtt && request && request->kind == MVS_MQTT_CONNECT && !session)
                begin(mqtt, command);
        else if (request && session && session->client)
                mqtt->ops->request(session->client, request);
        else if (request && session)
                answer_late(session, request);
        else
                free(request);
        free(command);
}

static int post(struct mvs_link *link, const struct command *wanted)
{
        struct command *command = malloc(sizeof *command);
        if (!command) {
                free(wanted->request);
                return -ENOMEM;
        }
        *command = *wanted;
        command->command = (struct mvs_link_command){.run = run, .discard = discard};
        int error = mvs_link_post(link, &command->command);
        if (error)
                discard(&command->command);
        return error;
}

int mvs_link_mqtt_request(struct mvs_link *link, uint32_t id, struct mvs_mqtt_request *request,
                          mvs_mqtt_items_fn *items, void *context)
{
        return post(link, &(struct command){.id = id, .request = request, .on_items = items, .context = context});
}

/* Short of memory, the session goes on: the callee copes with items that it does not want. */
void mvs_link_mqtt_drop(struct mvs_link *link, uint32_t id)
{
        int error = post(link, &(struct command){.id = id});
        (void)error;
}

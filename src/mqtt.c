#include "src/mqtt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/cloud/mqtt_store.h"
#include "sim/diag.h"
#include "sim/link/mqtt_target.h"
#include "src/channel.h"
#include "src/device.h"

_Static_assert((int)MVS_MQTT_MESSAGE == MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED &&
                       (int)MVS_MQTT_LOST == MV_MQTTREADABLEDATATYPE_MESSAGELOST &&
                       (int)MVS_MQTT_CONNECT == MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE &&
                       (int)MVS_MQTT_SUBSCRIBE == MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE &&
                       (int)MVS_MQTT_UNSUBSCRIBE == MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE &&
                       (int)MVS_MQTT_PUBLISH == MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE &&
                       (int)MVS_MQTT_DISCONNECT == MV_MQTTREADABLEDATATYPE_DISCONNECTRESPONSE,
               "kinds of items are handed on as they are");
_Static_assert((int)MVS_MQTT_COMPLETED == MV_MQTTREQUESTSTATE_REQUESTCOMPLETED &&
                       (int)MVS_MQTT_INVALID_PARAMETERS == MV_MQTTREQUESTSTATE_INVALIDPARAMETERS &&
                       (int)MVS_MQTT_ALREADY_CONNECTED == MV_MQTTREQUESTSTATE_ALREADYCONNECTED &&
                       (int)MVS_MQTT_NOT_CONNECTED == MV_MQTTREQUESTSTATE_NOTCONNECTED &&
                       (int)MVS_MQTT_NXDOMAIN == MV_MQTTREQUESTSTATE_NXDOMAIN &&
                       (int)MVS_MQTT_UNKNOWN_CA == MV_MQTTREQUESTSTATE_UNKNOWNCA &&
                       (int)MVS_MQTT_CERTIFICATE_EXPIRED == MV_MQTTREQUESTSTATE_CERTIFICATEEXPIRED &&
                       (int)MVS_MQTT_SOCKET_ERROR == MV_MQTTREQUESTSTATE_SOCKETERROR &&
                       (int)MVS_MQTT_CIRCUIT_BREAKER == MV_MQTTREQUESTSTATE_CONNECTIONCIRCUITBREAKER,
               "states are handed on as they are");

#define PER_ITEM   32U /* bytes of the receive buffer, besides topic and payload (decision 26) */
#define PER_CODE   4U
#define GAP_US     1U /* from the call that reads an item to the announcement of the next */
#define PATIENCE_S 10 /* for which the device's clock waits for an answer that is due */

/* A request that was accepted and is not answered. */
struct mvs_mqtt_under_way {
        struct mvs_mqtt_under_way *next;
        uint32_t serial;
        enum mvs_mqtt_kind kind;
        uint32_t correlation_id;
        uint64_t sent_us;
        bool timed;                   /* its answer is due at a fixed time, and waits for that */
        bool awaited;                 /* the clock follows the host's meanwhile */
        struct mvs_mqtt_item *answer; /* that came, and is not due yet */
};

static void schedule(struct mvs_channel *channel);

/* ---- the queue ---- */

static bool is_message(const struct mvs_mqtt_item *item)
{
        return item->kind == MVS_MQTT_MESSAGE || item->kind == MVS_MQTT_LOST;
}

static size_t cost(const struct mvs_channel *channel, const struct mvs_mqtt_item *item)
{
        size_t size = PER_ITEM + item->topic_len + item->payload_len + PER_CODE * item->code_count;
        return size < channel->receive_len ? size : channel->receive_len; /* the topic of a lost message, say */
}

/* What waits in the cloud comes into the receive buffer as far as there is room. */
static void admit(struct mvs_channel *channel)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        while (mqtt->outside && mqtt->used + cost(channel, mqtt->outside) <= channel->receive_len) {
                const struct mvs_mqtt_item *item = mqtt->outside;
                mqtt->used += cost(channel, item);
                mqtt->outside = item->next;
                if (is_message(item))
                        mqtt->backlog--;
                else if (item->serial != 0)
                        mqtt->counts[item->kind]--;
        }
}

static void append(struct mvs_channel *channel, struct mvs_mqtt_item *item, uint64_t due_us)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        item->due_us = due_us;
        item->next = NULL;
        *mqtt->last = item;
        mqtt->last = &item->next;
        if (!mqtt->outside)
                mqtt->outside = item;
        mqtt->backlog += is_message(item);
        admit(channel);
}

static void trace_item(const struct mvs_channel *channel, const struct mvs_mqtt_item *item)
{
        static const char *const names[MVS_MQTT_KINDS] = {"none",      "message",     "lost",    "connect",
                                                          "subscribe", "unsubscribe", "publish", "disconnect"};
        struct mvs_machine *machine = &channel->device->machine;
        if (is_message(item))
                mvs_trace(machine, MVS_EVENT_REPLY, MVS_HEX("channel", channel->object.handle),
                          MVS_WORD("mqtt", names[item->kind]), MVS_NUMBER("id", item->correlation_id),
                          MVS_TEXT("topic", item->bytes, item->topic_len), MVS_NUMBER("payload", item->payload_len),
                          MVS_NUMBER("qos", item->qos), MVS_NUMBER("retain", item->retain));
        else
                mvs_trace(machine, MVS_EVENT_REPLY, MVS_HEX("channel", channel->object.handle),
                          MVS_WORD("mqtt", names[item->kind]), MVS_NUMBER("id", item->correlation_id),
                          MVS_NUMBER("state", item->state),
                          MVS_NUMBER("code", item->code_count > 0 ? item->codes[0] : item->code));
}

static bool is_announceable(const struct mvs_mqtt_channel *mqtt)
{
        return mqtt->items && mqtt->items != mqtt->outside && !mqtt->announced;
}

static uint64_t announce_us(const struct mvs_mqtt_channel *mqtt)
{
        return mqtt->items->due_us > mqtt->earliest_us ? mqtt->items->due_us : mqtt->earliest_us;
}

static void announce(struct mvs_channel *channel)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        if (!is_announceable(mqtt) || announce_us(mqtt) > mvs_machine_now(&channel->device->machine))
                return;
        mqtt->announced = true;
        trace_item(channel, mqtt->items);
        mvs_channel_post(channel, MV_EVENTTYPE_CHANNELDATAREADABLE);
}

const struct mvs_mqtt_item *mvs_mqtt_readable(const struct mvs_channel *channel)
{
        return channel->mqtt.announced ? channel->mqtt.items : NULL;
}

/* In virtual time the call itself takes some. */
static uint64_t after_this_call(const struct mvs_machine *machine)
{
        uint64_t call_us = machine->timeline.mode == MVS_TIME_VIRTUAL ? machine->timeline.call_us : 0;
        return mvs_machine_now(machine) + call_us + GAP_US;
}

void mvs_mqtt_consume(struct mvs_channel *channel)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        struct mvs_mqtt_item *item = mqtt->items;
        mqtt->items = item->next;
        if (!mqtt->items)
                mqtt->last = &mqtt->items;
        mqtt->used -= cost(channel, item);
        mqtt->announced = false;
        mqtt->earliest_us = after_this_call(&channel->device->machine);
        free(item);
        admit(channel);
        schedule(channel);
}

/* ---- messages ---- */

/* A message that the whole receive buffer could not hold is lost: only its topic and size are told. */
static struct mvs_mqtt_item *lose(const struct mvs_channel *channel, struct mvs_mqtt_item *item)
{
        size_t needed = PER_ITEM + item->topic_len + item->payload_len;
        if (needed <= channel->receive_len)
                return item;
        item->kind = MVS_MQTT_LOST;
        item->code = needed < UINT32_MAX ? (uint32_t)needed : UINT32_MAX;
        item->payload_len = 0;
        return item;
}

static void break_circuit(struct mvs_channel *channel);

static void take_message(struct mvs_channel *channel, struct mvs_mqtt_item *message, uint64_t due_us)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_item *item = lose(channel, message);
        if (++mqtt->messages == 0)
                mqtt->messages = 1;
        item->correlation_id = mqtt->messages;
        if (item->kind == MVS_MQTT_MESSAGE && item->qos > 0)
                mvs_mqtt_store_add(&machine->mqtt_store, &mqtt->owner, channel->object.handle, item);
        append(channel, item, due_us);
        if (mqtt->backlog > machine->profile.limits.mqtt_backlog)
                break_circuit(channel);
}

/* What an earlier connection brought, and nobody acknowledged, comes before anything new. */
static void deliver_again(struct mvs_channel *channel, uint64_t due_us)
{
        struct mvs_mqtt_store *store = &channel->device->machine.mqtt_store;
        struct mvs_mqtt_item *item;
        while (channel->mqtt.up &&
               (item = mvs_mqtt_store_take(store, &channel->mqtt.owner, channel->object.handle)) != NULL)
                take_message(channel, item, due_us);
}

/* ---- the connection ---- */

static void unlink_session(struct mvs_channel *channel)
{
        struct mvs_machine *machine = &channel->device->machine;
        if (!channel->mqtt.linked)
                return;
        channel->mqtt.linked = false;
        channel->mqtt.up = false;
        mvs_link_mqtt_drop(machine->link, channel->object.handle);
        mvs_timeline_listen_end(&machine->timeline);
}

static void warn(const struct mvs_channel *channel, const struct mvs_mqtt_item *item, const char *what)
{
        if (item->detail[0])
                mvs_diag(MVS_LOG_WARNING, "MQTT channel 0x%08" PRIx32 ": %s: %s", channel->object.handle, what,
                         item->detail);
}

static void warn_of_connection(const struct mvs_channel *channel, const struct mvs_mqtt_item *item, const char *what)
{
        const struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        const struct mvs_bytes host = {mqtt->owner.data, mqtt->host_len};
        char broker[MVS_MQTT_SHOWN_SIZE], whole[MVS_MQTT_SHOWN_SIZE + 60];
        mvs_mqtt_target_show(&channel->device->machine.profile.mqtt, &host, mqtt->port, broker);
        snprintf(whole, sizeof whole, "the connection to %s %s", broker, what);
        warn(channel, item, whole);
}

/* An item on its way into the queue changes what is known of the connection. */
static void enqueue(struct mvs_channel *channel, struct mvs_mqtt_item *item, uint64_t due_us)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        bool connected = item->kind == MVS_MQTT_CONNECT && item->state == MVS_MQTT_COMPLETED && item->code == 0;
        if (is_message(item)) {
                take_message(channel, item, due_us);
                return;
        }
        if (item->kind == MVS_MQTT_CONNECT && !connected)
                warn_of_connection(channel, item, "did not come about");
        else if (item->kind == MVS_MQTT_DISCONNECT)
                warn_of_connection(channel, item, "has ended");
        else if (!connected)
                warn(channel, item, "a request failed");
        if (connected)
                mqtt->up = true;
        else if (item->kind == MVS_MQTT_CONNECT || item->kind == MVS_MQTT_DISCONNECT)
                unlink_session(channel);
        append(channel, item, due_us);
        if (connected && mqtt->forgets)
                mvs_mqtt_store_forget(&channel->device->machine.mqtt_store, &mqtt->owner);
        else if (connected)
                deliver_again(channel, due_us);
}

/* ---- answers ---- */

static uint64_t fixed_us(const struct mvs_machine *machine)
{
        return machine->timeline.mode == MVS_TIME_VIRTUAL ? machine->profile.time.reply_us : 0;
}

static struct mvs_mqtt_under_way *find(const struct mvs_mqtt_channel *mqtt, uint32_t serial)
{
        struct mvs_mqtt_under_way *request = mqtt->under_way;
        while (request && request->serial != serial)
                request = request->next;
        return request;
}

static struct mvs_mqtt_under_way *first_timed(const struct mvs_mqtt_channel *mqtt)
{
        struct mvs_mqtt_under_way *request = mqtt->under_way;
        while (request && !request->timed)
                request = request->next;
        return request;
}

static struct mvs_mqtt_under_way *add_under_way(struct mvs_channel *channel, uint32_t serial)
{
        struct mvs_mqtt_under_way **link = &channel->mqtt.under_way;
        struct mvs_mqtt_under_way *request = calloc(1, sizeof *request);
        if (!request)
                return NULL;
        request->serial = serial;
        request->sent_us = mvs_machine_now(&channel->device->machine);
        while (*link)
                link = &(*link)->next;
        *link = request;
        return request;
}

static void remove_under_way(struct mvs_channel *channel, struct mvs_mqtt_under_way *request)
{
        struct mvs_mqtt_under_way **link = &channel->mqtt.under_way;
        while (*link != request)
                link = &(*link)->next;
        *link = request->next;
        if (request->awaited)
                mvs_timeline_outside_end(&channel->device->machine.timeline);
        free(request->answer);
        free(request);
}

static void await_outside(struct mvs_channel *channel, struct mvs_mqtt_under_way *request)
{
        request->timed = false;
        request->awaited = true;
        mvs_timeline_outside_begin(&channel->device->machine.timeline);
}

/* When something that came just now is due: in virtual time at the application's next call or wait. */
static uint64_t soon(const struct mvs_machine *machine, uint64_t at_us)
{
        uint64_t now_us = mvs_machine_now(machine);
        if (machine->timeline.mode == MVS_TIME_VIRTUAL)
                now_us++;
        return at_us > now_us ? at_us : now_us;
}

static void answer(struct mvs_channel *channel, struct mvs_mqtt_under_way *request, struct mvs_mqtt_item *item)
{
        const struct mvs_machine *machine = &channel->device->machine;
        uint64_t earliest_us = request->sent_us + machine->profile.time.completion_us;
        remove_under_way(channel, request);
        enqueue(channel, item, soon(machine, earliest_us));
}

/* An end that nobody asked for waits until the answers before it are due. */
static bool hold_back(struct mvs_channel *channel, struct mvs_mqtt_item *item)
{
        if (item->serial != 0 || item->kind != MVS_MQTT_DISCONNECT || !first_timed(&channel->mqtt))
                return false;
        struct mvs_mqtt_under_way *end = add_under_way(channel, 0);
        if (!end)
                return false;
        end->timed = true;
        end->answer = item;
        return true;
}

/* The item comes from outside. */
static void take_item(struct mvs_channel *channel, struct mvs_mqtt_item *item)
{
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_under_way *request = item->serial != 0 ? find(&channel->mqtt, item->serial) : NULL;
        if (request && request->timed) {
                request->answer = item;
                pthread_cond_broadcast(&machine->answered);
        } else if (request) {
                answer(channel, request, item);
        } else if (item->serial != 0) {
                free(item);
        } else if (!hold_back(channel, item)) {
                enqueue(channel, item, soon(machine, 0));
        }
}

/* On the link thread. A message that comes too late for its channel is one that the broker will not send again. */
static void on_item(void *context, uint32_t id, const struct mvs_bytes *owner, struct mvs_mqtt_item *item)
{
        struct mvs_device *device = context;
        mvs_machine_lock(&device->machine);
        struct mvs_channel *channel = mvs_handles_find(&device->handles, id, MVS_OBJECT_MQTT_CHANNEL);
        if (channel && channel->mqtt.linked) {
                take_item(channel, item);
                item = NULL;
                if (device->machine.timeline.mode == MVS_TIME_REAL)
                        announce(channel);
                schedule(channel);
                mvs_cpu_kick(&device->machine);
        } else if (item->kind == MVS_MQTT_MESSAGE && item->qos > 0) {
                mvs_mqtt_store_add(&device->machine.mqtt_store, owner, id, item);
        }
        mvs_machine_unlock(&device->machine);
        free(item);
}

/* ---- what is due ---- */

/*
 * An answer that takes a fixed time is due, and the host may not have it yet: the device's clock stands still until it
 * has, or until that is hopeless: then the clock follows the host's. The processor counts as waiting meanwhile.
 */
static void await_answer(struct mvs_channel *channel, const struct mvs_mqtt_under_way *request)
{
        struct mvs_machine *machine = &channel->device->machine;
        struct timespec until;
        bool waiting = machine->cpu.waiting;
        int error = 0;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += PATIENCE_S;
        machine->cpu.waiting = true;
        while (error != ETIMEDOUT && first_timed(&channel->mqtt) == request && !request->answer)
                error = pthread_cond_timedwait(&machine->answered, &machine->lock, &until);
        machine->cpu.waiting = waiting;
}

static void deliver_timed(struct mvs_channel *channel)
{
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_under_way *request;
        while ((request = first_timed(&channel->mqtt)) != NULL &&
               request->sent_us + fixed_us(machine) <= mvs_machine_now(machine)) {
                await_answer(channel, request);
                if (first_timed(&channel->mqtt) != request)
                        return; /* the channel was given up meanwhile */
                struct mvs_mqtt_item *item = request->answer;
                request->answer = NULL;
                if (!item) {
                        await_outside(channel, request);
                } else {
                        remove_under_way(channel, request);
                        enqueue(channel, item, mvs_machine_now(machine));
                }
        }
}

static void schedule(struct mvs_channel *channel)
{
        struct mvs_machine *machine = &channel->device->machine;
        const struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        const struct mvs_mqtt_under_way *timed = first_timed(mqtt);
        uint64_t next = MVS_NEVER;
        if (is_announceable(mqtt))
                next = announce_us(mqtt);
        if (timed && timed->sent_us + fixed_us(machine) < next)
                next = timed->sent_us + fixed_us(machine);
        if (channel->terminated)
                return;
        if (next == MVS_NEVER)
                mvs_timeline_disarm(&machine->timeline, &channel->timer);
        else
                mvs_timeline_arm(&machine->timeline, &channel->timer, next);
}

static void due(struct mvs_channel *channel)
{
        deliver_timed(channel);
        announce(channel);
        schedule(channel);
}

/* ---- requests ---- */

static void answer_unconnected(struct mvs_channel *channel, struct mvs_mqtt_request *request)
{
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_item *item = mvs_mqtt_answer_create(request, MVS_MQTT_NOT_CONNECTED);
        free(request);
        if (item)
                append(channel, item, mvs_machine_now(machine) + machine->profile.time.completion_us);
        schedule(channel);
}

static void link_session(struct mvs_channel *channel)
{
        channel->mqtt.asked = true;
        channel->mqtt.linked = true;
        mvs_timeline_listen_begin(&channel->device->machine.timeline);
}

void mvs_mqtt_send(struct mvs_channel *channel, struct mvs_mqtt_request *request)
{
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        if (++mqtt->serial == 0)
                mqtt->serial = 1;
        request->serial = mqtt->serial;
        mqtt->counts[request->kind]++;
        if (request->kind == MVS_MQTT_CONNECT) {
                link_session(channel);
        } else if (!mqtt->up) {
                answer_unconnected(channel, request);
                return;
        }
        struct mvs_mqtt_under_way *under_way = add_under_way(channel, request->serial);
        if (!under_way) {
                free(request);
                mvs_channel_break(channel, MV_CLOSUREREASON_UNEXPECTEDLYTERMINATED);
                return;
        }
        under_way->kind = request->kind;
        under_way->correlation_id = request->correlation_id;
        under_way->timed = fixed_us(machine) > 0;
        if (!under_way->timed)
                await_outside(channel, under_way);
        schedule(channel);
        int error = mvs_link_mqtt_request(machine->link, channel->object.handle, request, on_item, channel->device);
        if (error == 0)
                return;
        mvs_diag(MVS_LOG_ERROR, "the host cannot carry out an MQTT request: %s", strerror(-error));
        mvs_channel_break(channel, MV_CLOSUREREASON_UNEXPECTEDLYTERMINATED);
}

/* What is under way will not be answered by a broker any more. */
static void answer_all(struct mvs_channel *channel)
{
        struct mvs_mqtt_under_way *request;
        while ((request = channel->mqtt.under_way) != NULL) {
                struct mvs_mqtt_item *item = mvs_mqtt_item_create(request->kind, 0, 0);
                if (item) {
                        item->state = MVS_MQTT_NOT_CONNECTED;
                        item->serial = request->serial;
                        item->correlation_id = request->correlation_id;
                        append(channel, item, soon(&channel->device->machine, 0));
                }
                remove_under_way(channel, request);
        }
}

/* Too much waits in the cloud: it drops the broker. */
static void break_circuit(struct mvs_channel *channel)
{
        const struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_item *end = mvs_mqtt_item_create(MVS_MQTT_DISCONNECT, 0, 0);
        unlink_session(channel);
        answer_all(channel);
        if (!end)
                return;
        end->state = MVS_MQTT_CIRCUIT_BREAKER;
        mvs_diag(MVS_LOG_WARNING,
                 "MQTT channel 0x%08" PRIx32 ": more than %" PRIu32
                 " messages waited to be read, and the cloud dropped the broker "
                 "(limits.mqtt_backlog)",
                 channel->object.handle, machine->profile.limits.mqtt_backlog);
        append(channel, end, soon(machine, 0));
}

/* ---- the channel's operations ---- */

static void open_channel(struct mvs_call *call, struct mvs_channel *channel)
{
        (void)call;
        channel->mqtt.last = &channel->mqtt.items;
}

static void stop(struct mvs_channel *channel)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        unlink_session(channel);
        while (mqtt->under_way)
                remove_under_way(channel, mqtt->under_way);
        pthread_cond_broadcast(&channel->device->machine.answered);
        for (struct mvs_mqtt_item *item = mqtt->items, *next; item; item = next) {
                next = item->next;
                free(item);
        }
        free(mqtt->owner.data);
        *mqtt = (struct mvs_mqtt_channel){.last = &mqtt->items};
}

static void closing(const struct mvs_channel *channel)
{
        const struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        if (mqtt->unacknowledged > 0)
                mvs_lint_found(channel->device, MVS_LINT_message_unacknowledged, channel->tag,
                               "channel 0x%08" PRIx32 " (tag %" PRIu32
                               ") is closed with %u messages of QoS 1 or 2 read and not acknowledged: they come again "
                               "after a connection that keeps the session (call mvMqttAcknowledgeMessage)",
                               channel->object.handle, channel->tag, mqtt->unacknowledged);
}

static const char *describe(const struct mvs_channel *channel)
{
        const struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        if (mqtt->announced)
                return "is open, an item waits to be read (mvMqttGetNextReadableDataType)";
        if (mqtt->linked)
                return "is connected to a broker, and nothing came";
        return mqtt->asked ? "is open, its connection to the broker has ended (close it)"
                           : "is open, no connection was asked for (mvMqttRequestConnect)";
}

const struct mvs_channel_ops mvs_mqtt_ops = {
        .kind = MVS_OBJECT_MQTT_CHANNEL,
        .open = open_channel,
        .stop = stop,
        .due = due,
        .closing = closing,
        .describe = describe,
};

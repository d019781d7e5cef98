#include "src/mqtt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cloud/mqtt_store.h"
#include "sim/diag.h"
#include "sim/link/mqtt_target.h"
#include "src/channel.h"
#include "src/device.h"
#include "src/mqtt_parts.h"

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

#define PACKET_MAX    268435455 /* bytes of one of MQTT's packets */
#define PACKET_HEAD   16        /* what of a publication is neither topic nor payload, generously */
#define UNWRITTEN_MAX 64        /* answered messages of QoS 0 that the link thread may still have to write */

/* ---- messages ---- */

static void break_circuit(struct mvs_channel *channel);

static void take_message(struct mvs_channel *channel, struct mvs_mqtt_item *message, uint64_t due_us)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_item *item = mvs_mqtt_lose(channel, message);
        if (++mqtt->messages == 0)
                mqtt->messages = 1;
        item->correlation_id = mqtt->messages;
        if (item->kind == MVS_MQTT_MESSAGE && item->qos > 0)
                mvs_mqtt_store_add(&machine->mqtt_store, &mqtt->owner, channel->object.handle, item);
        mvs_mqtt_append(channel, item, due_us);
        if (mqtt->backlog > machine->profile.limits.mqtt_backlog)
                break_circuit(channel);
}

/* What an earlier connection brought, and nobody acknowledged, comes before anything new. */
static void deliver_again(struct mvs_channel *channel, uint64_t due_us)
{
        struct mvs_mqtt_store *store = &channel->device->machine.mqtt_store;
        struct mvs_mqtt_item *item;
        while (channel->mqtt.up &&
               (item = mvs_mqtt_store_take(store, &channel->mqtt.owner, channel->object.handle)) != NULL) {
                item->again = true;
                take_message(channel, item, due_us);
        }
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

/* What is under way on it will not be answered by a broker any more. */
static void end_session(struct mvs_channel *channel)
{
        unlink_session(channel);
        mvs_mqtt_answer_all(channel);
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

static void go_up(struct mvs_mqtt_channel *mqtt, const struct mvs_mqtt_item *connect)
{
        mqtt->up = true;
        mqtt->packet_max = connect->packet_max < PACKET_MAX ? connect->packet_max : PACKET_MAX;
}

/* An item on its way into the queue changes what is known of the connection. */
void mvs_mqtt_enqueue(struct mvs_channel *channel, struct mvs_mqtt_item *item, uint64_t due_us)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        bool connected = item->kind == MVS_MQTT_CONNECT && item->state == MVS_MQTT_COMPLETED && item->code == 0;
        if (mvs_mqtt_is_message(item)) {
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
                go_up(mqtt, item);
        else if (item->kind == MVS_MQTT_CONNECT || item->kind == MVS_MQTT_DISCONNECT)
                end_session(channel);
        mvs_mqtt_append(channel, item, due_us);
        if (connected && mqtt->forgets)
                mvs_mqtt_store_forget(&channel->device->machine.mqtt_store, &mqtt->owner);
        else if (connected)
                deliver_again(channel, due_us);
}

/* ---- answers ---- */

static void answer(struct mvs_channel *channel, struct mvs_mqtt_under_way *request, struct mvs_mqtt_item *item)
{
        const struct mvs_machine *machine = &channel->device->machine;
        uint64_t earliest_us = request->sent_us + machine->profile.time.completion_us;
        mvs_mqtt_under_way_remove(channel, request);
        mvs_mqtt_enqueue(channel, item, mvs_mqtt_soon(machine, earliest_us));
}

/* The connection's end comes after the answers whose time is known, and so does the answer to a publication of QoS 0:
 * true when it waits for them. */
static bool hold_back(struct mvs_channel *channel, struct mvs_mqtt_under_way *request, struct mvs_mqtt_item *item)
{
        bool waits = item->kind == MVS_MQTT_DISCONNECT || (request && request->is_qos0);
        if (!waits || !mvs_mqtt_first_timed(&channel->mqtt))
                return false;
        if (!request)
                request = mvs_mqtt_under_way_add(channel, 0);
        if (request)
                mvs_mqtt_answer_in_time(channel, request, item);
        return request != NULL;
}

/* A message of QoS 0 that was answered before it was written. */
static void note_written(struct mvs_channel *channel, struct mvs_mqtt_item *item)
{
        if (item->state != MVS_MQTT_COMPLETED)
                warn(channel, item, "a message of QoS 0 is lost");
        channel->mqtt.unwritten--;
        free(item);
}

/* The item comes from outside. */
static void take_item(struct mvs_channel *channel, struct mvs_mqtt_item *item)
{
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_under_way *request =
                item->serial != 0 ? mvs_mqtt_under_way_find(&channel->mqtt, item->serial) : NULL;
        if (item->serial != 0 && (!request || request->answer)) {
                note_written(channel, item);
        } else if (request && request->timed) {
                request->answer = item;
                pthread_cond_broadcast(&machine->answered);
        } else if (hold_back(channel, request, item)) {
                return;
        } else if (request) {
                answer(channel, request, item);
        } else {
                mvs_mqtt_enqueue(channel, item, mvs_mqtt_soon(machine, 0));
        }
}

/* A message that comes too late for its channel is one that the broker will not send again. */
static void keep(struct mvs_device *device, uint32_t id, const struct mvs_bytes *owner, struct mvs_mqtt_item *item)
{
        if (item->kind == MVS_MQTT_MESSAGE && item->qos > 0)
                mvs_mqtt_store_add(&device->machine.mqtt_store, owner, id, item);
        free(item);
}

/* On the link thread. */
static void on_items(void *context, uint32_t id, const struct mvs_bytes *owner, struct mvs_mqtt_item *first)
{
        struct mvs_device *device = context;
        struct mvs_machine *machine = &device->machine;
        mvs_machine_lock(machine);
        struct mvs_channel *channel = mvs_handles_find(&device->handles, id, MVS_OBJECT_MQTT_CHANNEL);
        for (struct mvs_mqtt_item *item = first, *next; item; item = next) {
                next = item->next;
                if (channel && channel->mqtt.linked)
                        take_item(channel, item);
                else
                        keep(device, id, owner, item);
        }
        if (channel && channel->mqtt.asked) {
                if (machine->timeline.mode == MVS_TIME_REAL)
                        mvs_mqtt_announce(channel);
                mvs_mqtt_schedule(channel);
                mvs_link_tell(machine->link);
        }
        mvs_machine_unlock(machine);
}

/* ---- requests ---- */

static void refuse(struct mvs_channel *channel, struct mvs_mqtt_request *request)
{
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_item *item = mvs_mqtt_answer_create(request, MVS_MQTT_NOT_CONNECTED);
        free(request);
        if (item)
                mvs_mqtt_append(channel, item, mvs_machine_now(machine) + machine->profile.time.completion_us);
        mvs_mqtt_schedule(channel);
}

static bool is_plain(const struct mvs_bytes *topic)
{
        for (size_t i = 0; i < topic->len; i++) {
                uint8_t byte = topic->data[i];
                if (byte < ' ' || byte > '~' || byte == '+' || byte == '#')
                        return false;
        }
        return topic->len > 0 && topic->len <= UINT16_MAX;
}

static bool is_qos0(const struct mvs_mqtt_request *request)
{
        return request->kind == MVS_MQTT_PUBLISH && request->is.publish.qos == 0;
}

/* Publications of QoS 0 are answered in their order: none at once while one before it waits for the link thread. */
static bool one_waits_to_be_sent(const struct mvs_mqtt_channel *mqtt)
{
        const struct mvs_mqtt_under_way *request = mqtt->under_way;
        while (request && !(request->is_qos0 && request->awaited))
                request = request->next;
        return request != NULL;
}

/*
 * A publication of QoS 0 to which there can be but one answer: it is sent. That need not wait for the link thread,
 * which would cost two changes of threads a message. What is not as plain as this is left to those who know MQTT.
 */
static bool is_certain(const struct mvs_channel *channel, const struct mvs_mqtt_request *request)
{
        const struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        const struct mvs_mqtt_publish *publish = &request->is.publish;
        if (!is_qos0(request) || publish->retain != 0 || one_waits_to_be_sent(mqtt))
                return false;
        return is_plain(&publish->topic) &&
               publish->topic.len + publish->payload.len + PACKET_HEAD <= mqtt->packet_max &&
               mqtt->unwritten < UNWRITTEN_MAX && mqtt->counts[MVS_MQTT_DISCONNECT] == 0;
}

static void answer_at_once(struct mvs_channel *channel, struct mvs_mqtt_under_way *under_way,
                           const struct mvs_mqtt_request *request)
{
        struct mvs_mqtt_item *item = mvs_mqtt_answer_create(request, MVS_MQTT_COMPLETED);
        if (!item)
                return;
        channel->mqtt.unwritten++;
        mvs_mqtt_answer_in_time(channel, under_way, item);
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
                refuse(channel, request);
                return;
        }
        struct mvs_mqtt_under_way *under_way = mvs_mqtt_under_way_add(channel, request->serial);
        if (!under_way) {
                free(request);
                mvs_channel_break(channel, MV_CLOSUREREASON_UNEXPECTEDLYTERMINATED);
                return;
        }
        under_way->kind = request->kind;
        under_way->correlation_id = request->correlation_id;
        under_way->is_qos0 = is_qos0(request);
        if (is_certain(channel, request))
                answer_at_once(channel, under_way, request);
        if (!under_way->timed)
                mvs_mqtt_await_outside(channel, under_way);
        mvs_mqtt_schedule(channel);
        int error = mvs_link_mqtt_request(machine->link, channel->object.handle, request, on_items, channel->device);
        if (error == 0)
                return;
        mvs_diag(MVS_LOG_ERROR, "the host cannot carry out an MQTT request: %s", strerror(-error));
        mvs_channel_break(channel, MV_CLOSUREREASON_UNEXPECTEDLYTERMINATED);
}

/* Too much waits in the cloud: it drops the broker. */
static void break_circuit(struct mvs_channel *channel)
{
        const struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_item *end = mvs_mqtt_item_create(MVS_MQTT_DISCONNECT, 0, 0);
        end_session(channel);
        if (!end)
                return;
        end->state = MVS_MQTT_CIRCUIT_BREAKER;
        mvs_diag(MVS_LOG_WARNING,
                 "MQTT channel 0x%08" PRIx32 ": more than %" PRIu32
                 " messages waited to be read, and the cloud dropped the broker "
                 "(limits.mqtt_backlog)",
                 channel->object.handle, machine->profile.limits.mqtt_backlog);
        mvs_mqtt_append(channel, end, mvs_mqtt_soon(machine, 0));
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
                mvs_mqtt_under_way_remove(channel, mqtt->under_way);
        pthread_cond_broadcast(&channel->device->machine.answered);
        mvs_mqtt_clear(channel);
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
        .due = mvs_mqtt_due,
        .closing = closing,
        .describe = describe,
};

#include <stdlib.h>

#include "sim/machine.h"
#include "src/device.h"
#include "src/mqtt_parts.h"

#define PER_ITEM 32U /* bytes of the receive buffer, besides topic and payload (decision 26) */
#define PER_CODE 4U
#define GAP_US   1U /* from the call that reads an item to the announcement of the next */

bool mvs_mqtt_is_message(const struct mvs_mqtt_item *item)
{
        return item->kind == MVS_MQTT_MESSAGE || item->kind == MVS_MQTT_LOST;
}

static size_t cost(const struct mvs_channel *channel, const struct mvs_mqtt_item *item)
{
        size_t size = PER_ITEM + item->topic_len + item->payload_len + PER_CODE * item->code_count;
        return size < channel->receive_len ? size : channel->receive_len; /* the topic of a lost message, say */
}

struct mvs_mqtt_item *mvs_mqtt_lose(const struct mvs_channel *channel, struct mvs_mqtt_item *item)
{
        size_t needed = PER_ITEM + item->topic_len + item->payload_len;
        if (needed <= channel->receive_len)
                return item;
        item->kind = MVS_MQTT_LOST;
        item->code = needed < UINT32_MAX ? (uint32_t)needed : UINT32_MAX;
        item->payload_len = 0;
        struct mvs_mqtt_item *smaller = realloc(item, sizeof *item + item->topic_len);
        return smaller ? smaller : item;
}

/* What waits in the cloud comes into the receive buffer as far as there is room. */
static void admit(struct mvs_channel *channel)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        while (mqtt->outside && mqtt->used + cost(channel, mqtt->outside) <= channel->receive_len) {
                const struct mvs_mqtt_item *item = mqtt->outside;
                mqtt->used += cost(channel, item);
                mqtt->outside = item->next;
                if (mvs_mqtt_is_message(item))
                        mqtt->backlog -= !item->again;
                else if (item->serial != 0)
                        mqtt->counts[item->kind]--;
        }
}

void mvs_mqtt_append(struct mvs_channel *channel, struct mvs_mqtt_item *item, uint64_t due_us)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        item->due_us = due_us;
        item->next = NULL;
        *mqtt->last = item;
        mqtt->last = &item->next;
        if (!mqtt->outside)
                mqtt->outside = item;
        mqtt->backlog += mvs_mqtt_is_message(item) && !item->again;
        admit(channel);
}

static void trace_item(const struct mvs_channel *channel, const struct mvs_mqtt_item *item)
{
        static const char *const names[MVS_MQTT_KINDS] = {"none",      "message",     "lost",    "connect",
                                                          "subscribe", "unsubscribe", "publish", "disconnect"};
        struct mvs_machine *machine = &channel->device->machine;
        if (mvs_mqtt_is_message(item))
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

uint64_t mvs_mqtt_announce_us(const struct mvs_mqtt_channel *mqtt)
{
        const struct mvs_mqtt_item *first = mqtt->items;
        if (!first || first == mqtt->outside || mqtt->announced)
                return MVS_NEVER;
        return first->due_us > mqtt->earliest_us ? first->due_us : mqtt->earliest_us;
}

void mvs_mqtt_announce(struct mvs_channel *channel)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        uint64_t at_us = mvs_mqtt_announce_us(mqtt);
        if (at_us == MVS_NEVER || at_us > mvs_machine_now(&channel->device->machine))
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
        mvs_mqtt_schedule(channel);
}

void mvs_mqtt_clear(struct mvs_channel *channel)
{
        struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        for (struct mvs_mqtt_item *item = mqtt->items, *next; item; item = next) {
                next = item->next;
                free(item);
        }
        mqtt->items = NULL;
        mqtt->last = &mqtt->items;
        mqtt->outside = NULL;
}

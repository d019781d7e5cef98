#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "sim/machine.h"
#include "src/device.h"
#include "src/mqtt_parts.h"

#define PATIENCE_S 10 /* for which the device's clock waits for an answer that is due */

uint64_t mvs_mqtt_fixed_us(const struct mvs_machine *machine)
{
        return machine->timeline.mode == MVS_TIME_VIRTUAL ? machine->profile.time.reply_us : 0;
}

uint64_t mvs_mqtt_soon(const struct mvs_machine *machine, uint64_t at_us)
{
        uint64_t now_us = mvs_machine_now(machine);
        if (machine->timeline.mode == MVS_TIME_VIRTUAL)
                now_us++;
        return at_us > now_us ? at_us : now_us;
}

struct mvs_mqtt_under_way *mvs_mqtt_under_way_find(const struct mvs_mqtt_channel *mqtt, uint32_t serial)
{
        struct mvs_mqtt_under_way *request = mqtt->under_way;
        while (request && request->serial != serial)
                request = request->next;
        return request;
}

struct mvs_mqtt_under_way *mvs_mqtt_first_timed(const struct mvs_mqtt_channel *mqtt)
{
        struct mvs_mqtt_under_way *request = mqtt->under_way;
        while (request && !request->timed)
                request = request->next;
        return request;
}

struct mvs_mqtt_under_way *mvs_mqtt_under_way_add(struct mvs_channel *channel, uint32_t serial)
{
        const struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_under_way **link = &channel->mqtt.under_way;
        struct mvs_mqtt_under_way *request = calloc(1, sizeof *request);
        if (!request)
                return NULL;
        request->serial = serial;
        request->sent_us = mvs_machine_now(machine);
        request->timed = mvs_mqtt_fixed_us(machine) > 0;
        request->due_us = request->sent_us + mvs_mqtt_fixed_us(machine);
        while (*link)
                link = &(*link)->next;
        *link = request;
        return request;
}

static void end_awaiting(struct mvs_channel *channel, struct mvs_mqtt_under_way *request)
{
        if (request->awaited)
                mvs_timeline_outside_end(&channel->device->machine.timeline);
        request->awaited = false;
}

void mvs_mqtt_under_way_remove(struct mvs_channel *channel, struct mvs_mqtt_under_way *request)
{
        struct mvs_mqtt_under_way **link = &channel->mqtt.under_way;
        while (*link != request)
                link = &(*link)->next;
        *link = request->next;
        end_awaiting(channel, request);
        free(request->answer);
        free(request);
}

void mvs_mqtt_await_outside(struct mvs_channel *channel, struct mvs_mqtt_under_way *request)
{
        request->timed = false;
        request->awaited = true;
        mvs_timeline_outside_begin(&channel->device->machine.timeline);
}

void mvs_mqtt_answer_in_time(struct mvs_channel *channel, struct mvs_mqtt_under_way *request,
                             struct mvs_mqtt_item *answer)
{
        const struct mvs_machine *machine = &channel->device->machine;
        if (!request->timed)
                request->due_us = mvs_mqtt_soon(machine, request->sent_us + machine->profile.time.completion_us);
        request->timed = true;
        request->answer = answer;
        end_awaiting(channel, request);
}

static struct mvs_mqtt_item *answer_unconnected(const struct mvs_mqtt_under_way *request)
{
        struct mvs_mqtt_item *item = mvs_mqtt_item_create(request->kind, 0, 0);
        if (!item)
                return NULL;
        item->state = MVS_MQTT_NOT_CONNECTED;
        item->serial = request->serial;
        item->correlation_id = request->correlation_id;
        return item;
}

void mvs_mqtt_answer_all(struct mvs_channel *channel)
{
        struct mvs_mqtt_under_way *request;
        while ((request = channel->mqtt.under_way) != NULL) {
                struct mvs_mqtt_item *item = request->answer;
                request->answer = NULL;
                if (!item)
                        item = answer_unconnected(request);
                if (item)
                        mvs_mqtt_append(channel, item, mvs_mqtt_soon(&channel->device->machine, 0));
                mvs_mqtt_under_way_remove(channel, request);
        }
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
        while (error != ETIMEDOUT && mvs_mqtt_first_timed(&channel->mqtt) == request && !request->answer)
                error = pthread_cond_timedwait(&machine->answered, &machine->lock, &until);
        machine->cpu.waiting = waiting;
}

static void deliver_timed(struct mvs_channel *channel)
{
        struct mvs_machine *machine = &channel->device->machine;
        struct mvs_mqtt_under_way *request;
        while ((request = mvs_mqtt_first_timed(&channel->mqtt)) != NULL &&
               request->due_us <= mvs_machine_now(machine)) {
                await_answer(channel, request);
                if (mvs_mqtt_first_timed(&channel->mqtt) != request)
                        return; /* the channel was given up meanwhile */
                struct mvs_mqtt_item *item = request->answer;
                request->answer = NULL;
                if (!item) {
                        mvs_mqtt_await_outside(channel, request);
                } else {
                        mvs_mqtt_under_way_remove(channel, request);
                        mvs_mqtt_enqueue(channel, item, mvs_machine_now(machine));
                }
        }
}

void mvs_mqtt_schedule(struct mvs_channel *channel)
{
        struct mvs_machine *machine = &channel->device->machine;
        const struct mvs_mqtt_channel *mqtt = &channel->mqtt;
        const struct mvs_mqtt_under_way *timed = mvs_mqtt_first_timed(mqtt);
        uint64_t next = mvs_mqtt_announce_us(mqtt);
        if (timed && timed->due_us < next)
                next = timed->due_us;
        if (channel->terminated)
                return;
        if (next == MVS_NEVER)
                mvs_timeline_disarm(&machine->timeline, &channel->timer);
        else
                mvs_timeline_arm(&machine->timeline, &channel->timer, next);
}

void mvs_mqtt_due(struct mvs_channel *channel)
{
        deliver_timed(channel);
        mvs_mqtt_announce(channel);
        mvs_mqtt_schedule(channel);
}

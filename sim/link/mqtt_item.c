#include <stdlib.h>

#include "sim/link/mqtt.h"

struct mvs_mqtt_item *mvs_mqtt_item_create(enum mvs_mqtt_kind kind, size_t topic_len, size_t payload_len)
{
        struct mvs_mqtt_item *item = calloc(1, sizeof *item + topic_len + payload_len);
        if (!item)
                return NULL;
        item->kind = kind;
        item->topic_len = topic_len;
        item->payload_len = payload_len;
        return item;
}

struct mvs_mqtt_item *mvs_mqtt_answer_create(const struct mvs_mqtt_request *request, enum mvs_mqtt_state state)
{
        struct mvs_mqtt_item *item = mvs_mqtt_item_create(request->kind, 0, 0);
        if (!item)
                return NULL;
        item->state = state;
        item->serial = request->serial;
        item->correlation_id = request->correlation_id;
        return item;
}

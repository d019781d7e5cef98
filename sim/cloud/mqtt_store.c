#include "sim/cloud/mqtt_store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAGIC      0x5154544dU /* "MTTQ": the file is one of ours */
#define RING_BYTES (4U << 20)
#define ALIGNMENT  16U

enum use {
        USE_DEAD, /* acknowledged, or the rest of the ring before its end */
        USE_LIVE,
};

/* Owner, topic and payload follow. A record never goes round the ring's end. */
struct record {
        uint32_t size; /* with what follows, rounded up to the alignment */
        uint32_t use;
        uint32_t channel;
        uint32_t correlation_id;
        uint32_t qos;
        uint32_t retain;
        uint32_t owner_len, topic_len, payload_len;
        uint32_t reserved[3];
};

/* Positions only grow; where they are in the ring is their remainder. [head, tail) are records. `tail` is moved when
 * what it makes valid is whole, `head` before what it gives up is written over: the application may crash between any
 * two stores. */
struct mvs_mqtt_ring {
        uint32_t magic;
        uint32_t reserved[3];
        uint64_t head, tail;
        _Alignas(ALIGNMENT) uint8_t bytes[RING_BYTES];
};

void mvs_mqtt_store_init(struct mvs_mqtt_store *store, struct mvs_kept *kept)
{
        *store = (struct mvs_mqtt_store){.kept = kept};
}

void mvs_mqtt_store_finish(struct mvs_mqtt_store *store)
{
        if (store->ring)
                munmap(store->ring, sizeof *store->ring);
        store->ring = NULL;
}

/* False: there is none, and `make` does not want one, or there is no memory. */
static bool has_ring(struct mvs_mqtt_store *store, bool make)
{
        if (!store->ring && (make || store->kept->fds[MVS_KEPT_MQTT] >= 0))
                store->ring = mvs_kept_map(store->kept, MVS_KEPT_MQTT, sizeof *store->ring);
        if (store->ring && store->ring->magic != MAGIC) {
                store->ring->head = store->ring->tail = 0;
                store->ring->magic = MAGIC;
        }
        return store->ring != NULL;
}

static struct record *record_at(struct mvs_mqtt_ring *ring, uint64_t position)
{
        return (struct record *)(void *)(ring->bytes + position % RING_BYTES);
}

static uint8_t *bytes_of(struct record *record)
{
        return (uint8_t *)(record + 1);
}

static void drop_dead(struct mvs_mqtt_ring *ring)
{
        while (ring->head < ring->tail && record_at(ring, ring->head)->use == USE_DEAD)
                ring->head += record_at(ring, ring->head)->size;
}

/* The oldest records go until there is room. */
static void make_room(struct mvs_mqtt_ring *ring, uint32_t size)
{
        while (ring->tail + size - ring->head > RING_BYTES)
                ring->head += record_at(ring, ring->head)->size;
}

static void append_dead(struct mvs_mqtt_ring *ring, uint32_t size)
{
        make_room(ring, size);
        struct record *record = record_at(ring, ring->tail);
        record->size = size;
        record->use = USE_DEAD;
        ring->tail += size;
}

static void append(struct mvs_mqtt_ring *ring, const struct record *head, const struct mvs_bytes *owner,
                   const struct mvs_mqtt_item *item)
{
        uint64_t rest = RING_BYTES - ring->tail % RING_BYTES;
        if (rest < head->size)
                append_dead(ring, (uint32_t)rest);
        make_room(ring, head->size);
        struct record *record = record_at(ring, ring->tail);
        *record = *head;
        memcpy(bytes_of(record), owner->data, owner->len);
        memcpy(bytes_of(record) + owner->len, item->bytes, item->topic_len + item->payload_len);
        __atomic_store_n(&ring->tail, ring->tail + head->size, __ATOMIC_RELEASE);
}

void mvs_mqtt_store_add(struct mvs_mqtt_store *store, const struct mvs_bytes *owner, uint32_t channel,
                        const struct mvs_mqtt_item *item)
{
        size_t size = sizeof(struct record) + owner->len + item->topic_len + item->payload_len;
        size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (size > RING_BYTES / 2 || !has_ring(store, true))
                return;
        const struct record head = {
                .size = (uint32_t)size,
                .use = USE_LIVE,
                .channel = channel,
                .correlation_id = item->correlation_id,
                .qos = item->qos,
                .retain = item->retain,
                .owner_len = (uint32_t)owner->len,
                .topic_len = (uint32_t)item->topic_len,
                .payload_len = (uint32_t)item->payload_len,
        };
        append(store->ring, &head, owner, item);
}

static bool is_owners(struct record *record, const struct mvs_bytes *owner)
{
        return record->use == USE_LIVE && record->owner_len == owner->len &&
               memcmp(bytes_of(record), owner->data, owner->len) == 0;
}

bool mvs_mqtt_store_remove(struct mvs_mqtt_store *store, uint32_t channel, uint32_t correlation_id)
{
        if (!has_ring(store, false))
                return false;
        struct mvs_mqtt_ring *ring = store->ring;
        for (uint64_t at = ring->head; at < ring->tail; at += record_at(ring, at)->size) {
                struct record *record = record_at(ring, at);
                if (record->use != USE_LIVE || record->channel != channel || record->correlation_id != correlation_id)
                        continue;
                record->use = USE_DEAD;
                drop_dead(ring);
                return true;
        }
        return false;
}

static struct mvs_mqtt_item *item_of(struct record *record)
{
        struct mvs_mqtt_item *item = mvs_mqtt_item_create(MVS_MQTT_MESSAGE, record->topic_len, record->payload_len);
        if (!item)
                return NULL;
        item->qos = record->qos;
        item->retain = record->retain != 0;
        memcpy(item->bytes, bytes_of(record) + record->owner_len, item->topic_len + item->payload_len);
        return item;
}

struct mvs_mqtt_item *mvs_mqtt_store_take(struct mvs_mqtt_store *store, const struct mvs_bytes *owner, uint32_t channel)
{
        if (!has_ring(store, false))
                return NULL;
        struct mvs_mqtt_ring *ring = store->ring;
        for (uint64_t at = ring->head; at < ring->tail; at += record_at(ring, at)->size) {
                struct record *record = record_at(ring, at);
                if (!is_owners(record, owner) || record->channel == channel)
                        continue;
                struct mvs_mqtt_item *item = item_of(record);
                if (item)
                        record->use = USE_DEAD;
                drop_dead(ring);
                return item;
        }
        return NULL;
}

void mvs_mqtt_store_forget(struct mvs_mqtt_store *store, const struct mvs_bytes *owner)
{
        if (!has_ring(store, false))
                return;
        struct mvs_mqtt_ring *ring = store->ring;
        for (uint64_t at = ring->head; at < ring->tail; at += record_at(ring, at)->size) {
                struct record *record = record_at(ring, at);
                if (is_owners(record, owner))
                        record->use = USE_DEAD;
        }
        drop_dead(ring);
}

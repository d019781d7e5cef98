/*
 * Clients that are set aside. A message of QoS 2 that the broker has not released yet (PUBREL) is known to
 * libmosquitto's object alone; the next connection of the same session goes on with that. It must say all the same in
 * its CONNECT, so that nothing about the object has to be changed. The oldest make room for others.
 */
#include <string.h>

#include "sim/link/mosquitto/client.h"

#define ASIDE_MAX 4 /* as many as channels can be open */

static bool is_same(const struct mvs_bytes *a, const struct mvs_bytes *b)
{
        return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool is_same_chain(const struct mvs_mqtt_chain *a, const struct mvs_mqtt_chain *b)
{
        bool same = a->count == b->count;
        for (unsigned i = 0; same && i < a->count; i++)
                same = is_same(&a->certs[i], &b->certs[i]);
        return same;
}

static bool is_same_login(const struct mvs_mqtt_connect *a, const struct mvs_mqtt_connect *b)
{
        return a->has_login == b->has_login &&
               (!a->has_login || (is_same(&a->username, &b->username) && is_same(&a->password, &b->password))) &&
               is_same_chain(&a->trusted, &b->trusted) && is_same_chain(&a->own, &b->own) && is_same(&a->key, &b->key);
}

static bool is_same_will(const struct mvs_mqtt_connect *a, const struct mvs_mqtt_connect *b)
{
        if (a->has_will != b->has_will || !a->has_will)
                return a->has_will == b->has_will;
        return is_same(&a->will_topic, &b->will_topic) && is_same(&a->will_payload, &b->will_payload) &&
               a->will_qos == b->will_qos && a->will_retain == b->will_retain;
}

static bool says_the_same(const struct mvs_mqtt_connect *a, const struct mvs_mqtt_connect *b)
{
        return a->version == b->version && a->port == b->port && is_same(&a->host, &b->host) &&
               is_same(&a->client_id, &b->client_id) && a->keepalive_s == b->keepalive_s &&
               a->clean_start == b->clean_start && is_same_login(a, b) && is_same_will(a, b);
}

struct mvs_mqtt_client *mvs_mqtt_aside_add(struct mvs_mqtt_client **aside, struct mvs_mqtt_client *client)
{
        struct mvs_mqtt_client **link = aside;
        client->next = *aside;
        *aside = client;
        for (unsigned count = 0; *link && count < ASIDE_MAX; count++)
                link = &(*link)->next;
        struct mvs_mqtt_client *oldest = *link;
        *link = NULL;
        return oldest;
}

struct mvs_mqtt_client *mvs_mqtt_aside_take(struct mvs_mqtt_client **aside, const struct mvs_mqtt_connect *connect)
{
        struct mvs_mqtt_client **link = aside;
        while (*link && !says_the_same(&(*link)->login->is.connect, connect))
                link = &(*link)->next;
        struct mvs_mqtt_client *client = *link;
        if (client)
                *link = client->next;
        return client;
}

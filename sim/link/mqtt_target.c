#include "sim/link/mqtt_target.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool copy_host(const struct mvs_bytes *host, char ret[MVS_HOST_SIZE])
{
        if (host->len >= MVS_HOST_SIZE)
                return false;
        for (size_t i = 0; i < host->len; i++) {
                if (!isgraph(host->data[i]))
                        return false;
        }
        memcpy(ret, host->data, host->len);
        ret[host->len] = '\0';
        return true;
}

static const struct mvs_profile_rewrite *find_rule(const struct mvs_profile_mqtt *profile, const char *host,
                                                   uint16_t port)
{
        for (unsigned i = 0; i < profile->rewrite_count; i++) {
                struct mvs_host_port from;
                if (mvs_host_port_parse(profile->rewrite[i].from, &from) && from.port == port &&
                    strcasecmp(from.host, host) == 0)
                        return &profile->rewrite[i];
        }
        return NULL;
}

bool mvs_mqtt_target_find(const struct mvs_profile_mqtt *profile, const struct mvs_bytes *host, uint16_t port,
                          struct mvs_mqtt_place *ret)
{
        *ret = (struct mvs_mqtt_place){.to.port = port};
        if (port == 0 || !copy_host(host, ret->asked))
                return false;
        const struct mvs_profile_rewrite *rule = find_rule(profile, ret->asked, port);
        if (rule) {
                ret->rewritten = true;
                return mvs_broker_parse(rule->to, &ret->to, &ret->plain);
        }
        memcpy(ret->to.host, ret->asked, sizeof ret->asked);
        return true;
}

static int show_place(char *ret, size_t size, const char *host, uint16_t port)
{
        bool brackets = strchr(host, ':');
        return snprintf(ret, size, "%s%s%s:%u", brackets ? "[" : "", host, brackets ? "]" : "", port);
}

/* A host that cannot be one, with a mark in place of what would upset a terminal. */
static void show_wrong(const struct mvs_bytes *host, uint16_t port, char ret[MVS_MQTT_SHOWN_SIZE])
{
        size_t len = 0;
        for (; len < host->len && len < MVS_HOST_SIZE; len++)
                ret[len] = (char)(isgraph(host->data[len]) ? host->data[len] : '?');
        snprintf(ret + len, MVS_MQTT_SHOWN_SIZE - len, "%s:%u", len < host->len ? "..." : "", port);
}

void mvs_mqtt_target_show(const struct mvs_profile_mqtt *profile, const struct mvs_bytes *host, uint16_t port,
                          char ret[MVS_MQTT_SHOWN_SIZE])
{
        struct mvs_mqtt_place place;
        char asked[MVS_HOST_SIZE + 10];
        if (!mvs_mqtt_target_find(profile, host, port, &place)) {
                show_wrong(host, port, ret);
                return;
        }
        int len = snprintf(ret, MVS_MQTT_SHOWN_SIZE, "%s://", place.plain ? "mqtt" : "mqtts");
        len += show_place(ret + len, MVS_MQTT_SHOWN_SIZE - (size_t)len, place.to.host, place.to.port);
        show_place(asked, sizeof asked, place.asked, port);
        if (place.rewritten)
                snprintf(ret + len, MVS_MQTT_SHOWN_SIZE - (size_t)len, ", which stands in for %s (mqtt.rewrite),",
                         asked);
}

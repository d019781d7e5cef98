#include "sim/link/mqtt_target.h"

#include <ctype.h>
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

bool mvs_mqtt_target_find(const struct mvs_profile_mqtt *profile, const struct mvs_mqtt_connect *request,
                          struct mvs_mqtt_place *ret)
{
        *ret = (struct mvs_mqtt_place){.to.port = request->port};
        if (request->port == 0 || !copy_host(&request->host, ret->asked))
                return false;
        const struct mvs_profile_rewrite *rule = find_rule(profile, ret->asked, request->port);
        if (rule) {
                ret->rewritten = true;
                return mvs_broker_parse(rule->to, &ret->to, &ret->plain);
        }
        memcpy(ret->to.host, ret->asked, sizeof ret->asked);
        return true;
}

#include "sim/profile/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/profile/path.h"

#define UNIX     "unix:"
#define UNIX_LEN (sizeof UNIX - 1)

static bool is_unix(const char *text)
{
        return strncmp(text, UNIX, UNIX_LEN) == 0;
}

static bool parse_place(const char *text, struct mvs_endpoint *ret)
{
        struct mvs_host_port place;
        if (!mvs_host_port_parse(text, &place))
                return false;
        memcpy(ret->where, place.host, sizeof ret->where);
        ret->port = place.port;
        return true;
}

static bool parse_path(const char *path, struct mvs_endpoint *ret)
{
        snprintf(ret->where, sizeof ret->where, "%s", path);
        return path[0] != '\0';
}

bool mvs_endpoint_parse(const char *text, struct mvs_endpoint *ret)
{
        *ret = (struct mvs_endpoint){.kind = MVS_ENDPOINT_TCP};
        if (strncmp(text, "tcp://", 6) == 0)
                return parse_place(text + 6, ret);
        ret->kind = MVS_ENDPOINT_TLS;
        if (strncmp(text, "tls://", 6) == 0)
                return parse_place(text + 6, ret);
        ret->kind = MVS_ENDPOINT_UNIX;
        return is_unix(text) && parse_path(text + UNIX_LEN, ret);
}

int mvs_endpoint_anchor(char **text, const char *profile_path)
{
        char *path, *whole = NULL;
        if (!is_unix(*text))
                return 0;
        path = strdup(*text + UNIX_LEN);
        int result = path ? mvs_profile_anchor(&path, profile_path) : -ENOMEM;
        if (result == 0 && strlen(path) > MVS_ENDPOINT_PATH_MAX)
                result = -ENAMETOOLONG;
        if (result == 0 && asprintf(&whole, UNIX "%s", path) < 0)
                result = -ENOMEM;
        free(path);
        if (result < 0)
                return result;
        free(*text);
        *text = whole;
        return 0;
}

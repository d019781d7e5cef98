#include "sim/profile/host_port.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool parse_port(const char *text, uint16_t *ret)
{
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 5 || text[digits] != '\0')
                return false;
        unsigned long port = strtoul(text, NULL, 10);
        *ret = (uint16_t)port;
        return port > 0 && port <= UINT16_MAX;
}

static bool parse_host(const char *text, size_t len, char ret[MVS_HOST_SIZE])
{
        bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';
        if (brackets) {
                text++;
                len -= 2;
        }
        bool colons = len > 0 && memchr(text, ':', len);
        if (len == 0 || len >= MVS_HOST_SIZE || colons != brackets)
                return false;
        for (size_t i = 0; i < len; i++) {
                if (!isgraph((unsigned char)text[i]) || strchr("/@[]", text[i]))
                        return false;
        }
        memcpy(ret, text, len);
        ret[len] = '\0';
        return true;
}

bool mvs_host_port_parse(const char *text, struct mvs_host_port *ret)
{
        const char *colon = strrchr(text, ':');
        return colon && parse_port(colon + 1, &ret->port) && parse_host(text, (size_t)(colon - text), ret->host);
}

bool mvs_broker_parse(const char *text, struct mvs_host_port *ret, bool *ret_plain)
{
        static const char secure[] = "mqtts://";
        static const char plain[] = "mqtt://";
        *ret_plain = strncmp(text, plain, strlen(plain)) == 0;
        if (*ret_plain)
                return mvs_host_port_parse(text + strlen(plain), ret);
        return strncmp(text, secure, strlen(secure)) == 0 && mvs_host_port_parse(text + strlen(secure), ret);
}

#include "sim/profile/check.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sim/profile/endpoint.h"
#include "sim/profile/host_port.h"
#include "sim/profile/number.h"
#include "sim/profile/path.h"
#include "sim/profile/schema.h"
#include "sim/profile/suggest.h"

#define SHOWN_MAX 40 /* bytes of a wrong value that a message repeats */

static const char *text_of(const yaml_node_t *node)
{
        return (const char *)node->data.scalar.value;
}

/* A wrong value as a message shows it: in quotes, cut, and without bytes that would upset a terminal. */
static void describe(const yaml_node_t *node, char *ret, size_t size)
{
        if (node->type != YAML_SCALAR_NODE) {
                snprintf(ret, size, "%s", node->type == YAML_MAPPING_NODE ? "`key: value` pairs" : "a list");
                return;
        }
        if (mvs_profile_is_null(node)) {
                snprintf(ret, size, "nothing");
                return;
        }
        char shown[SHOWN_MAX + 1];
        size_t len = 0;
        for (; len < SHOWN_MAX && len < node->data.scalar.length; len++) {
                char c = text_of(node)[len];
                shown[len] = isprint((unsigned char)c) ? c : '?';
        }
        shown[len] = '\0';
        snprintf(ret, size, "\"%s\"%s", shown, len < node->data.scalar.length ? "..." : "");
}

int mvs_profile_expected(const struct mvs_profile_check *check, const yaml_node_t *node, const char *format, ...)
{
        char found[SHOWN_MAX + 8];
        describe(node, found, sizeof found);
        char rule[640];
        va_list args;
        va_start(args, format);
        vsnprintf(rule, sizeof rule, format, args);
        va_end(args);
        return mvs_profile_fail(check->report, &node->start_mark, "%s%sfound %s, expected %s", check->path,
                                check->path[0] ? ": " : "", found, rule);
}

static int check_number(const struct mvs_profile_check *check, const struct mvs_profile_rule *rule,
                        const yaml_node_t *node)
{
        uint64_t value;
        if (mvs_parse_u64(text_of(node), &value) && value >= rule->min && value <= rule->max)
                return 0;
        return mvs_profile_expected(check, node, "a whole number from %" PRIu64 " to %" PRIu64, rule->min, rule->max);
}

static int check_bool(const struct mvs_profile_check *check, const yaml_node_t *node)
{
        if (strcmp(text_of(node), "true") == 0 || strcmp(text_of(node), "false") == 0)
                return 0;
        return mvs_profile_expected(check, node, "true or false");
}

static int check_enum(const struct mvs_profile_check *check, const struct cyaml_schema_value *schema,
                      const yaml_node_t *node)
{
        char names[512];
        size_t len = 0;
        const char *near = NULL;
        for (uint32_t i = 0; i < schema->enumeration.count; i++) {
                const char *name = schema->enumeration.strings[i].str;
                if (strcmp(text_of(node), name) == 0)
                        return 0;
                if (!near && mvs_word_is_near(text_of(node), name))
                        near = name;
                if (len < sizeof names)
                        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i ? ", " : "", name);
        }
        if (near)
                return mvs_profile_expected(check, node, "one of %s (did you mean `%s`?)", names, near);
        return mvs_profile_expected(check, node, "one of %s", names);
}

static bool is_device_id(const char *text)
{
        return strlen(text) == MVS_DEVICE_ID_LEN && text[0] == 'U' && text[1] == 'V' &&
               strspn(text + 2, "0123456789abcdefABCDEF") == MVS_DEVICE_ID_LEN - 2;
}

static bool is_url(const char *text)
{
        const char *host = NULL;
        if (strncmp(text, "https://", 8) == 0)
                host = text + 8;
        else if (strncmp(text, "http://", 7) == 0)
                host = text + 7;
        if (!host || *host == '\0' || *host == '/')
                return false;
        for (; *host != '\0'; host++) {
                if (!isgraph((unsigned char)*host))
                        return false;
        }
        return true;
}

static bool is_file_name(const char *text)
{
        return text[0] != '\0' && strlen(text) < PATH_MAX;
}

static int check_string(const struct mvs_profile_check *check, enum mvs_profile_kind kind, const yaml_node_t *node)
{
        const char *text = text_of(node);
        if (mvs_profile_is_null(node))
                return mvs_profile_expected(check, node, "a value (or leave the key out)");
        if (kind == MVS_PROFILE_DEVICE_ID && !is_device_id(text))
                return mvs_profile_expected(check, node, "\"UV\" and 32 hexadecimal digits");
        if (kind == MVS_PROFILE_URL && !is_url(text))
                return mvs_profile_expected(check, node,
                                            "a URL prefix that starts with http:// or https:// and a host");
        struct mvs_host_port place;
        struct mvs_endpoint endpoint;
        bool plain;
        if (kind == MVS_PROFILE_HOST_PORT && !mvs_host_port_parse(text, &place))
                return mvs_profile_expected(check, node, "HOST:PORT (" MVS_HOST_PORT_RULE ")");
        if (kind == MVS_PROFILE_BROKER && !mvs_broker_parse(text, &place, &plain))
                return mvs_profile_expected(
                        check, node,
                        "mqtts://HOST:PORT, or mqtt://HOST:PORT for one without TLS (" MVS_HOST_PORT_RULE ")");
        if (kind == MVS_PROFILE_ENDPOINT && !mvs_endpoint_parse(text, &endpoint))
                return mvs_profile_expected(check, node,
                                            "tcp://HOST:PORT, tls://HOST:PORT or unix:PATH (" MVS_HOST_PORT_RULE ")");
        if (kind == MVS_PROFILE_PATTERN && !mvs_pattern_is_one(text))
                return mvs_profile_expected(check, node, "the path of a file, and " MVS_PATTERN_RULE);
        if ((kind == MVS_PROFILE_FILE || kind == MVS_PROFILE_PATTERN) && !is_file_name(text))
                return mvs_profile_expected(
                        check, node, text[0] ? "the path of a file, of less than %d bytes" : "the path of a file",
                        PATH_MAX);
        return 0;
}

static int check_length(const struct mvs_profile_check *check, const struct mvs_profile_rule *rule,
                        const yaml_node_t *node)
{
        if (node->data.scalar.length >= rule->min && node->data.scalar.length <= rule->max)
                return 0;
        return mvs_profile_expected(check, node, "a text of %" PRIu64 " to %" PRIu64 " bytes, not %zu", rule->min,
                                    rule->max, node->data.scalar.length);
}

/* A scalar without zero bytes. */
static int check_scalar(const struct mvs_profile_check *check, const yaml_node_t *node)
{
        if (node->type != YAML_SCALAR_NODE)
                return mvs_profile_expected(check, node, "a single value");
        if (strlen(text_of(node)) != node->data.scalar.length)
                return mvs_profile_expected(check, node, "text without zero bytes");
        return 0;
}

int mvs_profile_check_text(struct mvs_profile_check *check, enum mvs_profile_kind kind, const yaml_node_t *node)
{
        int result = check_scalar(check, node);
        return result == 0 ? check_string(check, kind, node) : result;
}

int mvs_profile_check_value(struct mvs_profile_check *check, const struct cyaml_schema_value *schema,
                            const yaml_node_t *node)
{
        int result = check_scalar(check, node);
        if (result < 0)
                return result;
        const struct mvs_profile_rule *rule = mvs_profile_rule_find(check->path);
        switch (schema->type) {
        case CYAML_UINT: return check_number(check, rule, node);
        case CYAML_BOOL: return check_bool(check, node);
        case CYAML_ENUM: return check_enum(check, schema, node);
        default:
                result = check_string(check, rule->kind, node);
                return result == 0 && rule->kind == MVS_PROFILE_BYTES ? check_length(check, rule, node) : result;
        }
}

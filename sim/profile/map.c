#include "sim/profile/map.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/profile/endpoint.h"
#include "sim/profile/path.h"

#define ITEMS_MAX 4096
#define CONFIG(member) \
        offsetof(struct mvs_profile, cloud.member), MVS_CONFIG_KEY_MAX, ITEMS_MAX, true, MVS_CONFIG_VALUE_MAX

static const struct mvs_profile_map_rule rules[] = {
        {"cloud.config.account", CONFIG(config.account), MVS_PROFILE_TEXT},
        {"cloud.config.device", CONFIG(config.device), MVS_PROFILE_TEXT},
        {"cloud.secrets.account", CONFIG(secrets.account), MVS_PROFILE_TEXT},
        {"cloud.secrets.device", CONFIG(secrets.device), MVS_PROFILE_TEXT},
        {"endpoints", offsetof(struct mvs_profile, endpoints), MVS_ENDPOINT_NAME_MAX, MVS_ENDPOINTS_MAX, false,
         PATH_MAX, MVS_PROFILE_ENDPOINT},
};

#define RULES (sizeof rules / sizeof rules[0])

/* ---- checking ---- */

static const struct mvs_profile_map_rule *rule_of(const char *path)
{
        const struct mvs_profile_map_rule *rule = rules;
        while (strcmp(rule->path, path) != 0)
                rule++;
        return rule;
}

static const char *text_of(const yaml_node_t *node)
{
        return (const char *)node->data.scalar.value;
}

static bool is_key(const yaml_node_t *key, uint32_t max)
{
        if (key->type != YAML_SCALAR_NODE || key->data.scalar.length == 0 || key->data.scalar.length > max)
                return false;
        for (size_t i = 0; i < key->data.scalar.length; i++) {
                if (text_of(key)[i] < ' ' || text_of(key)[i] > '~')
                        return false;
        }
        return true;
}

static int check_key(struct mvs_profile_check *check, const struct mvs_profile_map_rule *rule,
                     const yaml_node_t *mapping, const yaml_node_pair_t *pair)
{
        const yaml_node_t *key = yaml_document_get_node(check->document, pair->key);
        if (!is_key(key, rule->key_max))
                return mvs_profile_expected(check, key, "a key of 1 to %" PRIu32 " printable ASCII characters",
                                            rule->key_max);
        for (const yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair; other++) {
                const yaml_node_t *before = yaml_document_get_node(check->document, other->key);
                if (strcmp(text_of(before), text_of(key)) == 0)
                        return mvs_profile_fail(check->report, &key->start_mark,
                                                "%s.%s: this key was already given in line %zu; keep one of them",
                                                check->path, text_of(key), before->start_mark.line + 1);
        }
        return 0;
}

/* The PATH of {file: PATH}, or NULL for anything else. */
static const yaml_node_t *file_of(yaml_document_t *document, const yaml_node_t *value)
{
        if (value->type != YAML_MAPPING_NODE || value->data.mapping.pairs.top - value->data.mapping.pairs.start != 1)
                return NULL;
        return mvs_profile_child(document, value, "file");
}

static int check_entry(struct mvs_profile_check *check, const struct mvs_profile_map_rule *rule,
                       const yaml_node_t *value)
{
        const yaml_node_t *file = file_of(check->document, value);
        if (rule->files && file)
                return mvs_profile_check_text(check, MVS_PROFILE_FILE, file);
        if (rule->files && value->type != YAML_SCALAR_NODE)
                return mvs_profile_expected(check, value, "a value, or {file: PATH}");
        int result = mvs_profile_check_text(check, rule->kind, value);
        if (result == 0 && value->data.scalar.length > rule->value_max)
                return mvs_profile_expected(check, value, "at most %" PRIu32 " bytes", rule->value_max);
        return result;
}

int mvs_profile_check_map(struct mvs_profile_check *check, const yaml_node_t *node)
{
        const struct mvs_profile_map_rule *rule = rule_of(check->path);
        size_t len = strlen(check->path);
        if (node->type != YAML_MAPPING_NODE)
                return mvs_profile_expected(check, node, "`key: value` pairs, indented, with keys of your own");
        const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
        if (node->data.mapping.pairs.top - pair > (ptrdiff_t)rule->max)
                return mvs_profile_expected(check, node, "at most %u entries", rule->max);
        for (; pair < node->data.mapping.pairs.top; pair++) {
                int result = check_key(check, rule, node, pair);
                if (result < 0)
                        return result;
                snprintf(check->path + len, sizeof check->path - len, ".%s",
                         text_of(yaml_document_get_node(check->document, pair->key)));
                result = check_entry(check, rule, yaml_document_get_node(check->document, pair->value));
                check->path[len] = '\0';
                if (result < 0)
                        return result;
        }
        return 0;
}

/* ---- loading ---- */

static struct mvs_profile_map *map_of(struct mvs_profile *profile, const struct mvs_profile_map_rule *rule)
{
        return (struct mvs_profile_map *)(void *)((char *)profile + rule->offset);
}

/* The file is anchored, and looked at: it is read when its value is asked for, and may change till then. */
static int load_file(struct mvs_profile_entry *entry, const struct mvs_profile_map_rule *rule, const yaml_node_t *file,
                     const struct mvs_profile_report *report)
{
        struct stat st;
        entry->file = strdup(text_of(file));
        int result = entry->file ? mvs_profile_anchor(&entry->file, report->file) : -ENOMEM;
        if (result < 0)
                return result;
        if (stat(entry->file, &st) < 0 || access(entry->file, R_OK) < 0)
                return mvs_profile_fail(report, &file->start_mark, "%s.%s: the file %s cannot be read: %s", rule->path,
                                        entry->key, entry->file, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return mvs_profile_fail(report, &file->start_mark, "%s.%s: %s is no regular file", rule->path,
                                        entry->key, entry->file);
        if (st.st_size > (off_t)rule->value_max)
                return mvs_profile_fail(report, &file->start_mark,
                                        "%s.%s: the file %s has %jd bytes, expected at most %" PRIu32, rule->path,
                                        entry->key, entry->file, (intmax_t)st.st_size, rule->value_max);
        return 0;
}

static int load_endpoint(struct mvs_profile_entry *entry, const struct mvs_profile_map_rule *rule,
                         const yaml_node_t *value, const struct mvs_profile_report *report)
{
        int result = mvs_endpoint_anchor(&entry->value, report->file);
        if (result != -ENAMETOOLONG)
                return result;
        return mvs_profile_fail(report, &value->start_mark,
                                "%s.%s: the path of the socket, with the profile's directory where it is relative, is "
                                "longer than %d bytes (put it into a directory with a shorter name)",
                                rule->path, entry->key, MVS_ENDPOINT_PATH_MAX);
}

static int load_entry(struct mvs_profile_entry *entry, const struct mvs_profile_map_rule *rule,
                      yaml_document_t *document, const yaml_node_pair_t *pair, const struct mvs_profile_report *report)
{
        const yaml_node_t *value = yaml_document_get_node(document, pair->value);
        const yaml_node_t *file = file_of(document, value);
        entry->key = strdup(text_of(yaml_document_get_node(document, pair->key)));
        if (!entry->key)
                return -ENOMEM;
        if (file)
                return load_file(entry, rule, file, report);
        entry->value = strdup(text_of(value));
        if (entry->value && rule->kind == MVS_PROFILE_ENDPOINT)
                return load_endpoint(entry, rule, value, report);
        return entry->value ? 0 : -ENOMEM;
}

static const yaml_node_t *node_at(yaml_document_t *document, const char *path)
{
        const yaml_node_t *node = mvs_profile_root(document);
        while (node && *path) {
                size_t len = strcspn(path, ".");
                char *key = strndup(path, len);
                node = key ? mvs_profile_child(document, node, key) : NULL;
                free(key);
                path += path[len] ? len + 1 : len;
        }
        return node;
}

static int load_map(struct mvs_profile *profile, const struct mvs_profile_map_rule *rule, yaml_document_t *document,
                    const struct mvs_profile_report *report)
{
        struct mvs_profile_map *map = map_of(profile, rule);
        const yaml_node_t *node = node_at(document, rule->path);
        if (!node || node->data.mapping.pairs.top == node->data.mapping.pairs.start)
                return 0;
        const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
        map->entries = calloc((size_t)(node->data.mapping.pairs.top - pair), sizeof *map->entries);
        if (!map->entries)
                return -ENOMEM;
        int result = 0;
        for (; result == 0 && pair < node->data.mapping.pairs.top; pair++)
                result = load_entry(&map->entries[map->count++], rule, document, pair, report);
        return result;
}

int mvs_profile_load_maps(struct mvs_profile *profile, yaml_document_t *document,
                          const struct mvs_profile_report *report)
{
        int result = 0;
        for (size_t i = 0; result == 0 && i < RULES; i++)
                result = load_map(profile, &rules[i], document, report);
        return result;
}

void mvs_profile_free_maps(struct mvs_profile *profile)
{
        for (size_t i = 0; i < RULES; i++) {
                struct mvs_profile_map *map = map_of(profile, &rules[i]);
                for (unsigned k = 0; k < map->count; k++) {
                        free(map->entries[k].key);
                        free(map->entries[k].value);
                        free(map->entries[k].file);
                }
                free(map->entries);
                *map = (struct mvs_profile_map){0};
        }
}

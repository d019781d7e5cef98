#include "sim/profile/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/profile/map.h"
#include "sim/profile/schema.h"
#include "sim/profile/suggest.h"

#define LIST_SIZE 512 /* enough for the names of any one mapping; a test holds the schema against it */

static int check_node(struct mvs_profile_check *check, const struct cyaml_schema_value *schema, yaml_node_t *node);

/* Appends to the path and returns its length before, for leave(). */
__attribute__((format(printf, 2, 3))) static size_t enter(struct mvs_profile_check *check, const char *format, ...)
{
        size_t len = strlen(check->path);
        va_list args;
        va_start(args, format);
        vsnprintf(check->path + len, sizeof check->path - len, format, args);
        va_end(args);
        return len;
}

static void leave(struct mvs_profile_check *check, size_t len)
{
        check->path[len] = '\0';
}

static const char *key_text(const yaml_node_t *key)
{
        return (const char *)key->data.scalar.value;
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_field_t *fields, const char *key)
{
        for (; fields->key; fields++) {
                if (strcmp(fields->key, key) == 0)
                        return fields;
        }
        return NULL;
}

static void list_keys(const cyaml_schema_field_t *fields, char *ret_list)
{
        size_t len = 0;
        ret_list[0] = '\0';
        for (; fields->key && len < LIST_SIZE; fields++)
                len += (size_t)snprintf(ret_list + len, LIST_SIZE - len, "%s%s", len ? ", " : "", fields->key);
}

/* The section that knows a key which was written elsewhere, or NULL. */
static const char *home_of(const char *key)
{
        for (const cyaml_schema_field_t *section = mvs_profile_schema.mapping.fields; section->key; section++) {
                if (section->value.type == CYAML_MAPPING && find_field(section->value.mapping.fields, key))
                        return section->key;
        }
        return NULL;
}

static const char *nearest_key(const cyaml_schema_field_t *fields, const char *key)
{
        const char *best = NULL;
        for (; fields->key; fields++) {
                if (!mvs_word_is_near(key, fields->key))
                        continue;
                if (!best || mvs_word_distance(key, fields->key) < mvs_word_distance(key, best))
                        best = fields->key;
        }
        return best;
}

static int refuse_key(const struct mvs_profile_check *check, const cyaml_schema_field_t *fields, const yaml_node_t *key)
{
        char keys[LIST_SIZE];
        list_keys(fields, keys);
        char hint[64] = "";
        const char *near = nearest_key(fields, key_text(key));
        const char *home = home_of(key_text(key));
        if (near)
                snprintf(hint, sizeof hint, " (did you mean `%s`?)", near);
        else if (home)
                snprintf(hint, sizeof hint, " (`%s` belongs under `%s:`)", key_text(key), home);
        return mvs_profile_fail(check->report, &key->start_mark, "%s%s%.60s: unknown key%s; allowed here: %s",
                                check->path, check->path[0] ? "." : "", key_text(key), hint, keys);
}

static int check_key(const struct mvs_profile_check *check, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
                     const cyaml_schema_field_t *fields)
{
        const yaml_node_t *key = yaml_document_get_node(check->document, pair->key);
        if (key->type != YAML_SCALAR_NODE || strlen(key_text(key)) != key->data.scalar.length)
                return mvs_profile_expected(check, key, "a key, which is a plain word");
        if (!find_field(fields, key_text(key)))
                return refuse_key(check, fields, key);
        for (const yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair; other++) {
                const yaml_node_t *before = yaml_document_get_node(check->document, other->key);
                if (strcmp(key_text(before), key_text(key)) == 0)
                        return mvs_profile_fail(check->report, &key->start_mark,
                                                "%s%s%s: this key was already given in line %zu; keep one of them",
                                                check->path, check->path[0] ? "." : "", key_text(key),
                                                before->start_mark.line + 1);
        }
        return 0;
}

static int check_pair(struct mvs_profile_check *check, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
                      const cyaml_schema_field_t *fields)
{
        int result = check_key(check, mapping, pair, fields);
        if (result < 0)
                return result;
        const yaml_node_t *key = yaml_document_get_node(check->document, pair->key);
        size_t len = enter(check, "%s%s", check->path[0] ? "." : "", key_text(key));
        result = check_node(check, &find_field(fields, key_text(key))->value,
                            yaml_document_get_node(check->document, pair->value));
        leave(check, len);
        return result;
}

static int check_mapping(struct mvs_profile_check *check, const struct cyaml_schema_value *schema,
                         const yaml_node_t *node)
{
        const cyaml_schema_field_t *fields = schema->mapping.fields;
        char keys[LIST_SIZE];
        list_keys(fields, keys);
        if (node->type != YAML_MAPPING_NODE)
                return mvs_profile_expected(check, node, "`key: value` pairs, indented, with the keys %s", keys);

        const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
        for (; pair < node->data.mapping.pairs.top; pair++) {
                int result = check_pair(check, node, pair, fields);
                if (result < 0)
                        return result;
        }
        for (; fields->key; fields++) {
                if (!(fields->value.flags & CYAML_FLAG_OPTIONAL) &&
                    !mvs_profile_child(check->document, node, fields->key))
                        return mvs_profile_fail(check->report, &node->start_mark, "%s: the key `%s` is missing",
                                                check->path, fields->key);
        }
        return 0;
}

static int check_sequence(struct mvs_profile_check *check, const struct cyaml_schema_value *schema,
                          const yaml_node_t *node)
{
        if (node->type != YAML_SEQUENCE_NODE)
                return mvs_profile_expected(check, node, "a list (each entry starts with `- `)");
        size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
        if (count > schema->sequence.max)
                return mvs_profile_fail(check->report, &node->start_mark, "%s: found %zu entries, expected at most %u",
                                        check->path, count, schema->sequence.max);
        for (size_t i = 0; i < count; i++) {
                size_t len = enter(check, "[%zu]", i);
                yaml_node_t *item = yaml_document_get_node(check->document, node->data.sequence.items.start[i]);
                int result = check_node(check, schema->sequence.entry, item);
                leave(check, len);
                if (result < 0)
                        return result;
        }
        return 0;
}

static int check_node(struct mvs_profile_check *check, const struct cyaml_schema_value *schema, yaml_node_t *node)
{
        switch (schema->type) {
        case CYAML_MAPPING: return check_mapping(check, schema, node);
        case CYAML_SEQUENCE: return check_sequence(check, schema, node);
        case CYAML_IGNORE: return mvs_profile_check_map(check, node);
        default: return mvs_profile_check_value(check, schema, node);
        }
}

int mvs_profile_check(yaml_document_t *document, const struct mvs_profile_report *report)
{
        yaml_node_t *root = mvs_profile_root(document);
        struct mvs_profile_check check = {.document = document, .report = report};
        return root ? check_node(&check, &mvs_profile_schema, root) : 0;
}

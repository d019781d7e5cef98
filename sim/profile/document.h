/*
 * A profile's text as a tree of nodes that know their line and column. libcyaml keeps neither for a value, so what is
 * to be reported with its place is looked up here.
 */
#ifndef MVS_PROFILE_DOCUMENT_H
#define MVS_PROFILE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* Where messages go, and the name of the file they are about. */
struct mvs_profile_report {
        const char *file;
        char *error;
        size_t error_size;
};

struct mvs_profile_text {
        char *data;
        size_t len;
};

/* Writes "FILE:LINE:COLUMN: message" (without a place when mark is NULL) and returns -EINVAL. */
int mvs_profile_fail(const struct mvs_profile_report *report, const yaml_mark_t *mark, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Reads a regular file of at most 1 MiB. The data is the caller's to free. Negative errno with a message otherwise. */
int mvs_profile_read(struct mvs_profile_text *ret, const struct mvs_profile_report *report)
        __attribute__((warn_unused_result));

/*
 * Parses the one document of a file. The result goes to yaml_document_delete(). Negative errno with a message for what
 * is not YAML, nests deeper than a profile can, uses aliases, or is more than one document.
 */
int mvs_profile_parse(yaml_document_t *ret, const struct mvs_profile_text *text,
                      const struct mvs_profile_report *report) __attribute__((warn_unused_result));

/* Whether a node is YAML's way of saying nothing: empty, ~ or null. */
bool mvs_profile_is_null(const yaml_node_t *node);

/* The document's content, or NULL when there is none. */
yaml_node_t *mvs_profile_root(yaml_document_t *document);

/* The value of `key` in a mapping, or NULL. */
yaml_node_t *mvs_profile_child(yaml_document_t *document, const yaml_node_t *mapping, const char *key);

#endif

/* Holds a profile's tree against the schema and its rules. */
#ifndef MVS_PROFILE_CHECK_H
#define MVS_PROFILE_CHECK_H

#include <cyaml/cyaml.h>

#include "sim/profile/document.h"
#include "sim/profile/schema.h"

/* A walk through the tree: where it is, and where messages go. */
struct mvs_profile_check {
        yaml_document_t *document;
        const struct mvs_profile_report *report;
        char path[192]; /* of the value looked at: "http.rewrite[2].from"; the schema bounds its length */
};

/*
 * Checks shape, keys and values. Returns 0 when libcyaml will be able to load the document, else -EINVAL with a
 * message about the first thing that is wrong.
 */
int mvs_profile_check(yaml_document_t *document, const struct mvs_profile_report *report)
        __attribute__((warn_unused_result));

/* Checks one value that is neither mapping nor list. 0 or -EINVAL with a message. In value.c. */
int mvs_profile_check_value(struct mvs_profile_check *check, const struct cyaml_schema_value *schema,
                            const yaml_node_t *node) __attribute__((warn_unused_result));

/* Checks a text of this kind. 0 or -EINVAL with a message. In value.c. */
int mvs_profile_check_text(struct mvs_profile_check *check, enum mvs_profile_kind kind, const yaml_node_t *node)
        __attribute__((warn_unused_result));

/* "FILE:LINE:COLUMN: PATH: found WHAT, expected ..."; returns -EINVAL. */
int mvs_profile_expected(const struct mvs_profile_check *check, const yaml_node_t *node, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif

/* Sections of a profile whose keys are the user's own: which there are, what their keys and values may be. */
#ifndef MVS_PROFILE_MAP_H
#define MVS_PROFILE_MAP_H

#include "sim/profile/check.h"
#include "sim/profile/profile.h"
#include "sim/profile/schema.h"

struct mvs_profile_map_rule {
        const char *path;           /* "cloud.config.device"; in the schema it is a CYAML_FIELD_IGNORE */
        size_t offset;              /* of its struct mvs_profile_map in struct mvs_profile */
        uint32_t key_max;           /* how long a key may be; it is printable ASCII */
        unsigned max;               /* how many entries there may be */
        bool files;                 /* a value may be {file: PATH} */
        uint32_t value_max;         /* how long a value may be */
        enum mvs_profile_kind kind; /* what else must be true of a value */
};

/* Checks the section at check->path. 0 or -EINVAL with a message. */
int mvs_profile_check_map(struct mvs_profile_check *check, const yaml_node_t *node) __attribute__((warn_unused_result));

/*
 * Puts the entries of all such sections into the profile. Files are looked for, relative to the profile's directory; a
 * file that is not there, or too long, is an error. 0 or a negative errno with a message; what was put into the profile
 * stays there for mvs_profile_finish() to free.
 */
int mvs_profile_load_maps(struct mvs_profile *profile, yaml_document_t *document,
                          const struct mvs_profile_report *report) __attribute__((warn_unused_result));

void mvs_profile_free_maps(struct mvs_profile *profile);

#endif

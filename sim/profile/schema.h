/* What a profile may contain: libcyaml's schema for the shape, a rule for each value that has one. */
#ifndef MVS_PROFILE_SCHEMA_H
#define MVS_PROFILE_SCHEMA_H

#include <cyaml/cyaml.h>
#include <stdint.h>

#include "sim/profile/profile.h"

/* The whole file: a struct mvs_profile. */
extern const struct cyaml_schema_value mvs_profile_schema;

enum mvs_profile_kind {
        MVS_PROFILE_NUMBER,    /* from min to max */
        MVS_PROFILE_DEVICE_ID, /* "UV" and 32 hexadecimal digits */
        MVS_PROFILE_URL,       /* http:// or https:// and at least a host */
        MVS_PROFILE_HOST_PORT, /* HOST:PORT */
        MVS_PROFILE_BROKER,    /* mqtts://HOST:PORT or mqtt://HOST:PORT */
        MVS_PROFILE_FILE,      /* a path, relative to the profile's directory */
        MVS_PROFILE_PATTERN,   /* the same, with percent signs as path.h has them */
        MVS_PROFILE_TEXT,      /* any text */
        MVS_PROFILE_BYTES,     /* a text of min to max bytes */
        MVS_PROFILE_ENDPOINT,  /* as endpoint.h has it */
};

struct mvs_profile_rule {
        const char *path; /* "network.retry_ms"; an entry of a list has no index: "http.rewrite.from" */
        enum mvs_profile_kind kind;
        uint64_t min;
        uint64_t max;
};

/* The rule for a path as messages write it ("http.rewrite[2].from"), or NULL. */
const struct mvs_profile_rule *mvs_profile_rule_find(const char *path);

/* The same without indices to go through; ends with a NULL path. */
extern const struct mvs_profile_rule mvs_profile_rules[];

#endif

/*
 * The cloud's configuration: two stores (config, secrets) of two scopes (account, device), each key to value. They
 * begin as the profile has them; what is changed while the device runs is kept over restarts of the application.
 *
 * Device lock held everywhere.
 */
#ifndef MVS_CONFIG_H
#define MVS_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "sim/kept.h"
#include "sim/profile/profile.h"

/* As MvConfigKeyFetchStore and MvConfigKeyFetchScope, so that the values can be handed on (src/config.c says so). */
enum mvs_config_store {
        MVS_CONFIG_SECRETS = 0,
        MVS_CONFIG_CONFIG = 1,
};

enum mvs_config_scope {
        MVS_CONFIG_ACCOUNT = 0,
        MVS_CONFIG_DEVICE = 1,
};

/* As MvConfigKeyFetchResult. */
enum mvs_config_result {
        MVS_CONFIG_FOUND = 0,
        MVS_CONFIG_KEY_NOT_FOUND = 1,
        MVS_CONFIG_SERVER_ERROR = 2, /* its file cannot be read now, or the host is out of memory */
};

struct mvs_config {
        const struct mvs_profile_cloud *settings;
        struct mvs_kept *kept; /* the changes, newest state, a record for each key that was ever changed */
};

/* Which item is meant. */
struct mvs_config_key {
        enum mvs_config_store store;
        enum mvs_config_scope scope;
        uint32_t len; /* 1 to MVS_CONFIG_KEY_MAX */
        char text[MVS_CONFIG_KEY_MAX];
};

struct mvs_config_value {
        uint32_t len;
        uint8_t *bytes; /* the owner's to free() */
};

void mvs_config_init(struct mvs_config *config, const struct mvs_profile_cloud *settings, struct mvs_kept *kept);

/* *ret is written only when the item is found. */
enum mvs_config_result mvs_config_get(const struct mvs_config *config, const struct mvs_config_key *key,
                                      struct mvs_config_value *ret) __attribute__((warn_unused_result));

/* The item's value from now on; `bytes` NULL: there is no such item. At most MVS_CONFIG_VALUE_MAX bytes. 0 or a
 * negative errno. */
int mvs_config_set(struct mvs_config *config, const struct mvs_config_key *key, const void *bytes, uint32_t len)
        __attribute__((warn_unused_result));

#endif

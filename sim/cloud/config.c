#include "sim/cloud/config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/diag.h"

/* What became of a key, as it is kept. Whoever changes it makes it VOID first, so that no half of it is ever read. */
struct record {
        enum {
                VOID,
                REMOVED,
                PRESENT,
        } state;
        struct mvs_config_key key;
        uint32_t len;
        uint8_t bytes[MVS_CONFIG_VALUE_MAX];
};

void mvs_config_init(struct mvs_config *config, const struct mvs_profile_cloud *settings, struct mvs_kept *kept)
{
        *config = (struct mvs_config){.settings = settings, .kept = kept};
}

static bool is_same(const struct mvs_config_key *a, const struct mvs_config_key *b)
{
        return a->store == b->store && a->scope == b->scope && a->len == b->len &&
               memcmp(a->text, b->text, a->len) == 0;
}

static enum mvs_config_result give(struct mvs_config_value *ret, const void *bytes, uint32_t len)
{
        uint8_t *copy = malloc(len ? len : 1);
        if (!copy)
                return MVS_CONFIG_SERVER_ERROR;
        memcpy(copy, bytes, len);
        *ret = (struct mvs_config_value){len, copy};
        return MVS_CONFIG_FOUND;
}

/* ---- what was changed ---- */

/* The record of the key, or the place behind the last one. */
static bool find_record(int fd, const struct mvs_config_key *key, struct record *ret, off_t *ret_at)
{
        for (*ret_at = 0; pread(fd, ret, sizeof *ret, *ret_at) == (ssize_t)sizeof *ret; *ret_at += (off_t)sizeof *ret) {
                if (is_same(&ret->key, key))
                        return true;
        }
        return false;
}

static int write_whole(int fd, const void *bytes, size_t len, off_t at)
{
        ssize_t n = pwrite(fd, bytes, len, at);
        if (n < 0)
                return -errno;
        return (size_t)n == len ? 0 : -ENOSPC;
}

int mvs_config_set(struct mvs_config *config, const struct mvs_config_key *key, const void *bytes, uint32_t len)
{
        struct record record;
        off_t at;
        int fd = mvs_kept_file(config->kept, MVS_KEPT_CONFIG);
        if (fd < 0)
                return fd;
        (void)find_record(fd, key, &record, &at);
        record = (struct record){.state = VOID, .key = *key, .len = bytes ? len : 0};
        if (bytes)
                memcpy(record.bytes, bytes, len);
        int result = write_whole(fd, &record, sizeof record, at);
        if (result < 0)
                return result;
        record.state = bytes ? PRESENT : REMOVED;
        return write_whole(fd, &record.state, sizeof record.state, at);
}

/* ---- what the profile says ---- */

static const struct mvs_profile_map *map_of(const struct mvs_config *config, const struct mvs_config_key *key)
{
        const struct mvs_profile_config *store =
                key->store == MVS_CONFIG_SECRETS ? &config->settings->secrets : &config->settings->config;
        return key->scope == MVS_CONFIG_ACCOUNT ? &store->account : &store->device;
}

static const struct mvs_profile_entry *find_entry(const struct mvs_profile_map *map, const struct mvs_config_key *key)
{
        for (unsigned i = 0; i < map->count; i++) {
                const char *text = map->entries[i].key;
                if (strlen(text) == key->len && memcmp(text, key->text, key->len) == 0)
                        return &map->entries[i];
        }
        return NULL;
}

/* One byte more than a value may have, to tell. */
static ssize_t read_file(const char *file, uint8_t bytes[MVS_CONFIG_VALUE_MAX + 1])
{
        size_t len = 0;
        ssize_t n = 1;
        int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        while (n > 0 && len <= MVS_CONFIG_VALUE_MAX) {
                n = read(fd, bytes + len, MVS_CONFIG_VALUE_MAX + 1 - len);
                if (n < 0 && errno != EINTR) {
                        int error = errno;
                        close(fd);
                        return -error;
                }
                len += n > 0 ? (size_t)n : 0;
                n = n < 0 ? 1 : n;
        }
        close(fd);
        return len > MVS_CONFIG_VALUE_MAX ? -EFBIG : (ssize_t)len;
}

static enum mvs_config_result give_file(struct mvs_config_value *ret, const struct mvs_profile_entry *entry)
{
        uint8_t bytes[MVS_CONFIG_VALUE_MAX + 1];
        ssize_t len = read_file(entry->file, bytes);
        if (len >= 0)
                return give(ret, bytes, (uint32_t)len);
        mvs_diag(MVS_LOG_WARNING,
                 "the configuration item %s is answered with SERVERERROR: its file %s: %s (a value has at most %u "
                 "bytes)",
                 entry->key, entry->file, strerror((int)-len), MVS_CONFIG_VALUE_MAX);
        return MVS_CONFIG_SERVER_ERROR;
}

enum mvs_config_result mvs_config_get(const struct mvs_config *config, const struct mvs_config_key *key,
                                      struct mvs_config_value *ret)
{
        struct record record;
        off_t at;
        int fd = config->kept->fds[MVS_KEPT_CONFIG];
        if (fd >= 0 && find_record(fd, key, &record, &at) && record.state != VOID)
                return record.state == PRESENT ? give(ret, record.bytes, record.len) : MVS_CONFIG_KEY_NOT_FOUND;
        const struct mvs_profile_entry *entry = find_entry(map_of(config, key), key);
        if (!entry)
                return MVS_CONFIG_KEY_NOT_FOUND;
        return entry->file ? give_file(ret, entry) : give(ret, entry->value, (uint32_t)strlen(entry->value));
}

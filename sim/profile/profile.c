#include "sim/profile/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/flash/flash.h"
#include "sim/profile/check.h"
#include "sim/profile/document.h"
#include "sim/profile/map.h"
#include "sim/profile/outputs.h"
#include "sim/profile/path.h"
#include "sim/profile/schema.h"
#include "sim/profile/seed_id.h"

/* Everything but the device's id, which is made from the seed and allocated. */
static const struct mvs_profile defaults = {
        .device = {.sysclk = 160000000, .hclk = 160000000, .pclk1 = 160000000, .pclk2 = 160000000},
        .network = {.connect_ms = 250, .retry_ms = 1000, .retry_max_ms = 60000},
        .opaque = {.connect_timeout_ms = 10000, .answer_ms = 200},
        .mqtt = {.connect_ms = 30000},
        .time = {.mode = MVS_TIME_REAL, .seed = 1, .call_us = 2, .completion_us = 200, .spin_ms = 10, .stuck_ms = 2000},
        .log = {.level = MVS_LOG_WARNING},
        .cloud = {.logging = true},
        .updates = {.download_ms = 2000, .install_ms = 500},
        .limits =
                {
                        .notification_centers = 32,
                        .network_handles = 32,
                        .system_events = 32,
                        .channels = 4,
                        .channel_opens_per_s = 8,
                        .http_headers = 32,
                        .config_keys = 8,
                        .mqtt_subscribes = 1,
                        .mqtt_unsubscribes = 1,
                        .mqtt_publishes = 8,
                        .mqtt_acknowledges = 16,
                        .mqtt_disconnects = 1,
                        .mqtt_backlog = 256,
                        .log_message = 1024,
                        .notification_hold_ms = 10,
                        .fast_irq_hang_ms = 100,
                        .fast_irq_flood = 100000,
                },
        .flash = {.size = 4U << 20, .chip_id = 0xEF4017, .power_back = true},
        .memory = {.lent = MVS_LENT_TRAP, .on_fault = MVS_ON_FAULT_EXIT, .restarts = 100},
};

static int give_id(struct mvs_profile *profile)
{
        if (profile->device.id)
                return 0;
        char *id = malloc(MVS_DEVICE_ID_LEN + 1);
        if (!id)
                return -ENOMEM;
        mvs_profile_seed_id(profile->time.seed, id);
        profile->device.id = id;
        return 0;
}

int mvs_profile_set_seed(struct mvs_profile *profile, uint64_t seed)
{
        char made[MVS_DEVICE_ID_LEN + 1];
        mvs_profile_seed_id(profile->time.seed, made);
        profile->time.seed = seed;
        if (strcmp(profile->device.id, made) != 0)
                return 0;
        free(profile->device.id);
        profile->device.id = NULL;
        return give_id(profile);
}

int mvs_profile_init(struct mvs_profile *ret)
{
        struct mvs_profile profile = defaults;
        int result = give_id(&profile);
        if (result == 0)
                *ret = profile;
        return result;
}

static void free_rewrites(struct mvs_profile_rewrite *rewrite, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                free(rewrite[i].from);
                free(rewrite[i].to);
        }
        free(rewrite);
}

void mvs_profile_finish(struct mvs_profile *profile)
{
        free(profile->device.id);
        free(profile->http.ca_file);
        free_rewrites(profile->http.rewrite, profile->http.rewrite_count);
        free(profile->mqtt.ca_file);
        free(profile->opaque.ca_file);
        free_rewrites(profile->mqtt.rewrite, profile->mqtt.rewrite_count);
        free(profile->schedule.events);
        free(profile->log.file);
        free(profile->trace.file);
        free(profile->coverage.file);
        free(profile->flash.file);
        free(profile->wifi.ssid);
        free(profile->wifi.password);
        mvs_profile_free_maps(profile);
        memset(profile, 0, sizeof *profile);
}

/* libcyaml leaves zeros for keys that are not there; put the defaults in their places. Lists and
 * strings default to none, which is zeros already. */
static void fill_defaults(yaml_document_t *document, const yaml_node_t *mapping, const cyaml_schema_field_t *fields,
                          char *data, const char *values)
{
        for (; fields->key; fields++) {
                const yaml_node_t *given = mapping ? mvs_profile_child(document, mapping, fields->key) : NULL;
                const struct cyaml_schema_value *schema = &fields->value;
                uint32_t at = fields->data_offset;
                if (schema->type == CYAML_MAPPING)
                        fill_defaults(document, given, schema->mapping.fields, data + at, values + at);
                else if (!given && schema->type != CYAML_SEQUENCE && schema->type != CYAML_STRING &&
                         schema->type != CYAML_IGNORE)
                        memcpy(data + at, values + at, schema->data_size);
        }
}

/* So that what libcyaml allocates may be freed with free(). */
static void *allocate(void *context, void *block, size_t size)
{
        (void)context;
        if (size > 0)
                return realloc(block, size);
        free(block);
        return NULL;
}

static int load_document(struct mvs_profile *ret, yaml_document_t *document, const struct mvs_profile_text *text,
                         const struct mvs_profile_report *report)
{
        const cyaml_config_t config = {.mem_fn = allocate, .flags = CYAML_CFG_NO_ALIAS};
        cyaml_data_t *data = NULL;
        cyaml_err_t error = CYAML_OK;
        const yaml_node_t *root = mvs_profile_root(document);
        if (root)
                error = cyaml_load_data((const uint8_t *)text->data, text->len, &config, &mvs_profile_schema, &data,
                                        NULL);
        if (error != CYAML_OK) {
                mvs_profile_fail(report, NULL, "the profile cannot be loaded: %s", cyaml_strerror(error));
                return error == CYAML_ERR_OOM ? -ENOMEM : -EINVAL;
        }
        struct mvs_profile profile = {0};
        if (data) {
                memcpy(&profile, data, sizeof profile);
                free(data);
        }
        fill_defaults(document, root, mvs_profile_schema.mapping.fields, (char *)&profile, (const char *)&defaults);
        *ret = profile;
        return 0;
}

/* What a rule about one value cannot say. */
static int check_waits(const struct mvs_profile *profile, yaml_document_t *document,
                       const struct mvs_profile_report *report)
{
        const struct mvs_profile_network *network = &profile->network;
        if (network->retry_max_ms >= network->retry_ms)
                return 0;
        const yaml_node_t *root = mvs_profile_root(document);
        const yaml_node_t *section = mvs_profile_child(document, root, "network");
        const yaml_node_t *node = mvs_profile_child(document, section, "retry_max_ms");
        if (!node)
                node = mvs_profile_child(document, section, "retry_ms");
        return mvs_profile_fail(report, &node->start_mark,
                                "network: found retry_ms %" PRIu32 " and retry_max_ms %" PRIu32
                                ", expected the longest wait (retry_max_ms) to be at least the first (retry_ms)",
                                network->retry_ms, network->retry_max_ms);
}

static int check_wifi(const struct mvs_profile *profile, yaml_document_t *document,
                      const struct mvs_profile_report *report)
{
        if (profile->wifi.ssid || !profile->wifi.password)
                return 0;
        const yaml_node_t *section = mvs_profile_child(document, mvs_profile_root(document), "wifi");
        return mvs_profile_fail(report, &mvs_profile_child(document, section, "password")->start_mark,
                                "wifi: found a password without a network, expected `ssid` too");
}

/* A line belongs to pend-irq and to nothing else; a forgotten one would be line 0. */
static int check_event(const struct mvs_profile_schedule *schedule, unsigned i, yaml_document_t *document,
                       const yaml_node_t *node, const struct mvs_profile_report *report)
{
        bool pends = schedule->events[i].what == MVS_HAPPENS_PEND_IRQ;
        const yaml_node_t *irq = mvs_profile_child(document, node, "irq");
        if (pends && !irq)
                return mvs_profile_fail(report, &node->start_mark,
                                        "schedule.events[%u]: found `pend-irq` without a line, expected `irq` too", i);
        if (!pends && irq)
                return mvs_profile_fail(report, &irq->start_mark,
                                        "schedule.events[%u]: found `irq`, which only `pend-irq` has (leave it out)",
                                        i);
        return 0;
}

static int check_schedule(const struct mvs_profile *profile, yaml_document_t *document,
                          const struct mvs_profile_report *report)
{
        const struct mvs_profile_schedule *schedule = &profile->schedule;
        int result = 0;
        for (unsigned i = 0; i < schedule->events_count && result == 0; i++) {
                const yaml_node_t *section = mvs_profile_child(document, mvs_profile_root(document), "schedule");
                const yaml_node_t *list = mvs_profile_child(document, section, "events");
                yaml_node_t *node = yaml_document_get_node(document, list->data.sequence.items.start[i]);
                result = check_event(schedule, i, document, node, report);
        }
        return result;
}

static int check_flash(const struct mvs_profile *profile, yaml_document_t *document,
                       const struct mvs_profile_report *report)
{
        if (profile->flash.size % MVS_FLASH_SECTOR == 0)
                return 0;
        const yaml_node_t *section = mvs_profile_child(document, mvs_profile_root(document), "flash");
        return mvs_profile_fail(report, &mvs_profile_child(document, section, "size")->start_mark,
                                "flash.size: found %" PRIu32 ", expected a multiple of a sector's %u bytes",
                                profile->flash.size, MVS_FLASH_SECTOR);
}

static int check_together(const struct mvs_profile *profile, yaml_document_t *document,
                          const struct mvs_profile_report *report)
{
        int result = check_waits(profile, document, report);
        if (result == 0)
                result = check_wifi(profile, document, report);
        if (result == 0)
                result = check_schedule(profile, document, report);
        return result == 0 ? check_flash(profile, document, report) : result;
}

static int check_outputs(const struct mvs_profile *profile, yaml_document_t *document,
                         const struct mvs_profile_report *report)
{
        const struct mvs_output outputs[] = {{"log", profile->log.file},
                                             {"coverage", profile->coverage.file},
                                             {"trace", profile->trace.file},
                                             {"flash", profile->flash.file}};
        const struct mvs_output *other;
        const struct mvs_output *wrong = mvs_outputs_clash(outputs, sizeof outputs / sizeof outputs[0], &other);
        if (!wrong)
                return 0;
        const yaml_node_t *section = mvs_profile_child(document, mvs_profile_root(document), wrong->name);
        return mvs_profile_fail(report, &mvs_profile_child(document, section, "file")->start_mark,
                                "%s.file: found the same file as %s.file, expected another: " MVS_OUTPUTS_WHY,
                                wrong->name, other->name);
}

static int complete(struct mvs_profile *profile, yaml_document_t *document, const struct mvs_profile_report *report)
{
        int result = mvs_profile_anchor(&profile->http.ca_file, report->file);
        if (result == 0)
                result = mvs_profile_anchor(&profile->mqtt.ca_file, report->file);
        if (result == 0)
                result = mvs_profile_anchor(&profile->opaque.ca_file, report->file);
        if (result == 0)
                result = mvs_profile_anchor(&profile->log.file, report->file);
        if (result == 0)
                result = mvs_profile_anchor(&profile->trace.file, report->file);
        if (result == 0)
                result = mvs_profile_anchor_pattern(&profile->coverage.file, report->file);
        if (result == 0)
                result = mvs_profile_anchor(&profile->flash.file, report->file);
        if (result == 0)
                result = check_outputs(profile, document, report);
        if (result == 0)
                result = give_id(profile);
        if (result == 0)
                result = mvs_profile_load_maps(profile, document, report);
        if (result < 0 && result != -EINVAL)
                mvs_profile_fail(report, NULL, "the profile cannot be loaded: %s", strerror(-result));
        return result;
}

static int load_text(struct mvs_profile *ret, const struct mvs_profile_text *text,
                     const struct mvs_profile_report *report)
{
        yaml_document_t document;
        int result = mvs_profile_parse(&document, text, report);
        if (result < 0)
                return result;
        struct mvs_profile profile = {0};
        result = mvs_profile_check(&document, report);
        if (result == 0)
                result = load_document(&profile, &document, text, report);
        if (result == 0)
                result = check_together(&profile, &document, report);
        if (result == 0)
                result = complete(&profile, &document, report);
        yaml_document_delete(&document);
        if (result < 0)
                mvs_profile_finish(&profile);
        else
                *ret = profile;
        return result;
}

int mvs_profile_load(struct mvs_profile *ret, const char *path, char *error, size_t error_size)
{
        const struct mvs_profile_report report = {.file = path, .error = error, .error_size = error_size};
        struct mvs_profile_text text;
        int result = mvs_profile_read(&text, &report);
        if (result < 0)
                return result;
        result = load_text(ret, &text, &report);
        free(text.data);
        return result;
}

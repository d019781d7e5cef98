#include "sim/profile/schema.h"

#include <stdbool.h>

#define REWRITES_MAX 256
#define EVENTS_MAX   1024
#define HOUR_MS      (60u * 60u * 1000u)
#define DAY_MS       (24u * HOUR_MS)

/* Every key may be left out; profile.c puts the default there. */
#define NUMBER(section, member) CYAML_FIELD_UINT(#member, CYAML_FLAG_OPTIONAL, struct mvs_profile_##section, member)
#define SWITCH(section, member) CYAML_FIELD_BOOL(#member, CYAML_FLAG_OPTIONAL, struct mvs_profile_##section, member)
#define TEXT(section, member)                                                                                   \
        CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct mvs_profile_##section, \
                               member, 0, CYAML_UNLIMITED)
#define CHOICE(section, member, names)                                                                           \
        CYAML_FIELD_ENUM(#member, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct mvs_profile_##section, member, \
                         names, CYAML_ARRAY_LEN(names))
#define SECTION(member, fields) CYAML_FIELD_MAPPING(#member, CYAML_FLAG_OPTIONAL, struct mvs_profile, member, fields)

/* As MvWakeReason, in lower case and without its prefix. */
static const cyaml_strval_t wake_reasons[] = {
        {"coldboot", 0},
        {"remotemicrovisorrestart", 1},
        {"remoteapplicationrestart", 2},
        {"debuggerrestart", 3},
        {"microvisorcrash", 4},
        {"microvisorwatchdog", 5},
        {"microvisoroutofmemory", 6},
        {"microvisorerror", 7},
        {"applicationcrash", 8},
        {"applicationupdate", 9},
        {"microvisorupdate", 10},
        {"optionbytes", 11},
        {"deepsleepcheckin", 12},
        {"deepsleepapplication", 13},
        {"deepsleepmodem", 14},
        {"deepsleepapplicationrtc", 15},
        {"deepsleepother", 16},
};

static const cyaml_strval_t time_modes[] = {
        {"real", MVS_TIME_REAL},
        {"virtual", MVS_TIME_VIRTUAL},
};

static const cyaml_strval_t log_levels[] = {
        {"error", MVS_LOG_ERROR},
        {"warning", MVS_LOG_WARNING},
        {"info", MVS_LOG_INFO},
        {"debug", MVS_LOG_DEBUG},
};

static const cyaml_schema_field_t device_fields[] = {
        TEXT(device, id),          NUMBER(device, sysclk), NUMBER(device, hclk),
        NUMBER(device, pclk1),     NUMBER(device, pclk2),  CHOICE(device, wake_reason, wake_reasons),
        SWITCH(device, test_mode), CYAML_FIELD_END,
};

static const cyaml_schema_field_t network_fields[] = {
        NUMBER(network, connect_ms), NUMBER(network, retry_ms), NUMBER(network, retry_max_ms),
        NUMBER(network, grace_ms),   CYAML_FIELD_END,
};

static const cyaml_schema_field_t rewrite_fields[] = {
        CYAML_FIELD_STRING_PTR("from", CYAML_FLAG_POINTER, struct mvs_profile_rewrite, from, 0, CYAML_UNLIMITED),
        CYAML_FIELD_STRING_PTR("to", CYAML_FLAG_POINTER, struct mvs_profile_rewrite, to, 0, CYAML_UNLIMITED),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_value rewrite_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mvs_profile_rewrite, rewrite_fields),
};

static const cyaml_schema_field_t http_fields[] = {
        TEXT(http, ca_file),
        SWITCH(http, allow_plain),
        CYAML_FIELD_SEQUENCE("rewrite", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct mvs_profile_http, rewrite,
                             &rewrite_entry, 0, REWRITES_MAX),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t mqtt_fields[] = {
        TEXT(mqtt, ca_file),
        NUMBER(mqtt, connect_ms),
        CYAML_FIELD_SEQUENCE("rewrite", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct mvs_profile_mqtt, rewrite,
                             &rewrite_entry, 0, REWRITES_MAX),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t opaque_fields[] = {
        TEXT(opaque, ca_file),
        NUMBER(opaque, connect_timeout_ms),
        NUMBER(opaque, answer_ms),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t time_fields[] = {
        CHOICE(time, mode, time_modes), NUMBER(time, seed),    NUMBER(time, call_us),  NUMBER(time, completion_us),
        NUMBER(time, reply_us),         NUMBER(time, spin_ms), NUMBER(time, stuck_ms), CYAML_FIELD_END,
};

static const cyaml_schema_field_t log_fields[] = {
        TEXT(log, file),
        CHOICE(log, level, log_levels),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t trace_fields[] = {
        TEXT(trace, file),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t coverage_fields[] = {
        TEXT(coverage, file),
        CYAML_FIELD_END,
};

/* libcyaml has no mappings with keys of the user's own: map.c reads them. */
#define MAP(member) CYAML_FIELD_IGNORE(#member, CYAML_FLAG_OPTIONAL)

static const cyaml_schema_field_t config_fields[] = {
        MAP(account),
        MAP(device),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t cloud_fields[] = {
        CYAML_FIELD_MAPPING("config", CYAML_FLAG_OPTIONAL, struct mvs_profile_cloud, config, config_fields),
        CYAML_FIELD_MAPPING("secrets", CYAML_FLAG_OPTIONAL, struct mvs_profile_cloud, secrets, config_fields),
        SWITCH(cloud, logging),
        NUMBER(cloud, log_rate),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t power_fields[] = {
        NUMBER(power, check_in_ms),
        NUMBER(power, lives),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t updates_fields[] = {
        NUMBER(updates, download_ms),
        NUMBER(updates, install_ms),
        SWITCH(updates, polite),
        CYAML_FIELD_END,
};

static const cyaml_strval_t happenings[] = {
        {"link-down", MVS_HAPPENS_LINK_DOWN},
        {"server-down", MVS_HAPPENS_SERVER_DOWN},
        {"network-up", MVS_HAPPENS_NETWORK_UP},
        {"logging-off", MVS_HAPPENS_LOGGING_OFF},
        {"logging-on", MVS_HAPPENS_LOGGING_ON},
        {"pend-irq", MVS_HAPPENS_PEND_IRQ},
        {"application-update", MVS_HAPPENS_APPLICATION_UPDATE},
        {"microvisor-update", MVS_HAPPENS_MICROVISOR_UPDATE},
        {"restart", MVS_HAPPENS_RESTART},
};

static const cyaml_schema_field_t event_fields[] = {
        CYAML_FIELD_UINT("at_ms", CYAML_FLAG_DEFAULT, struct mvs_profile_event, at_ms),
        CYAML_FIELD_ENUM("do", CYAML_FLAG_STRICT, struct mvs_profile_event, what, happenings,
                         CYAML_ARRAY_LEN(happenings)),
        CYAML_FIELD_UINT("irq", CYAML_FLAG_OPTIONAL, struct mvs_profile_event, irq),
        CYAML_FIELD_END,
};

static const struct cyaml_schema_value event_entry = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct mvs_profile_event, event_fields),
};

static const cyaml_schema_field_t schedule_fields[] = {
        CYAML_FIELD_SEQUENCE("events", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct mvs_profile_schedule, events,
                             &event_entry, 0, EVENTS_MAX),
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t limits_fields[] = {
        NUMBER(limits, notification_centers), NUMBER(limits, network_handles),
        NUMBER(limits, system_events),        NUMBER(limits, channels),
        NUMBER(limits, channel_opens_per_s),  NUMBER(limits, http_headers),
        NUMBER(limits, config_keys),          NUMBER(limits, mqtt_subscribes),
        NUMBER(limits, mqtt_unsubscribes),    NUMBER(limits, mqtt_publishes),
        NUMBER(limits, mqtt_acknowledges),    NUMBER(limits, mqtt_disconnects),
        NUMBER(limits, mqtt_backlog),         NUMBER(limits, log_message),
        NUMBER(limits, notification_hold_ms), NUMBER(limits, fast_irq_hang_ms),
        NUMBER(limits, fast_irq_flood),       CYAML_FIELD_END,
};

static const cyaml_schema_field_t flash_fields[] = {
        TEXT(flash, file),        NUMBER(flash, size),       NUMBER(flash, chip_id),
        NUMBER(flash, power_cut), SWITCH(flash, power_back), CYAML_FIELD_END,
};

static const cyaml_schema_field_t wifi_fields[] = {
        TEXT(wifi, ssid),
        TEXT(wifi, password),
        CYAML_FIELD_END,
};

static const cyaml_strval_t lent_modes[] = {
        {"trap", MVS_LENT_TRAP},
        {"check", MVS_LENT_CHECK},
        {"off", MVS_LENT_OFF},
};

static const cyaml_strval_t fault_ends[] = {
        {"exit", MVS_ON_FAULT_EXIT},
        {"restart", MVS_ON_FAULT_RESTART},
};

static const cyaml_schema_field_t memory_fields[] = {
        CHOICE(memory, lent, lent_modes), SWITCH(memory, strict), CHOICE(memory, on_fault, fault_ends),
        NUMBER(memory, restarts),         CYAML_FIELD_END,
};

static const cyaml_strval_t lint_levels[] = {
        {"error", MVS_LINT_ERROR},
        {"warning", MVS_LINT_WARNING},
        {"note", MVS_LINT_NOTE},
        {"off", MVS_LINT_OFF},
};

static const cyaml_schema_field_t lint_fields[] = {
        CHOICE(lint, all, lint_levels),
#define MVS_LINT(name, id, level, description)                                                                    \
        CYAML_FIELD_ENUM(id, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct mvs_profile_lint, name, lint_levels, \
                         CYAML_ARRAY_LEN(lint_levels)),
#include "sim/profile/lints.def"
#undef MVS_LINT
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t profile_fields[] = {
        SECTION(device, device_fields),   SECTION(network, network_fields),
        SECTION(http, http_fields),       SECTION(mqtt, mqtt_fields),
        SECTION(opaque, opaque_fields),   MAP(endpoints),
        SECTION(time, time_fields),       SECTION(log, log_fields),
        SECTION(trace, trace_fields),     SECTION(coverage, coverage_fields),
        SECTION(cloud, cloud_fields),     SECTION(power, power_fields),
        SECTION(updates, updates_fields), SECTION(schedule, schedule_fields),
        SECTION(limits, limits_fields),   SECTION(flash, flash_fields),
        SECTION(wifi, wifi_fields),       SECTION(memory, memory_fields),
        SECTION(lint, lint_fields),       CYAML_FIELD_END,
};

const struct cyaml_schema_value mvs_profile_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct mvs_profile, profile_fields),
};

/* The upper bounds of the handle limits are the sizes of the device's tables, which are the platform's own limits. */
const struct mvs_profile_rule mvs_profile_rules[] = {
        {"device.id", MVS_PROFILE_DEVICE_ID, 0, 0},
        {"device.sysclk", MVS_PROFILE_NUMBER, 1, 160000000},
        {"device.hclk", MVS_PROFILE_NUMBER, 1, 160000000},
        {"device.pclk1", MVS_PROFILE_NUMBER, 1, 160000000},
        {"device.pclk2", MVS_PROFILE_NUMBER, 1, 160000000},
        {"network.connect_ms", MVS_PROFILE_NUMBER, 0, HOUR_MS},
        {"network.retry_ms", MVS_PROFILE_NUMBER, 1, HOUR_MS},
        {"network.retry_max_ms", MVS_PROFILE_NUMBER, 1, DAY_MS},
        {"network.grace_ms", MVS_PROFILE_NUMBER, 0, DAY_MS},
        {"http.ca_file", MVS_PROFILE_FILE, 0, 0},
        {"http.rewrite.from", MVS_PROFILE_URL, 0, 0},
        {"http.rewrite.to", MVS_PROFILE_URL, 0, 0},
        {"mqtt.ca_file", MVS_PROFILE_FILE, 0, 0},
        {"mqtt.connect_ms", MVS_PROFILE_NUMBER, 1, HOUR_MS},
        {"mqtt.rewrite.from", MVS_PROFILE_HOST_PORT, 0, 0},
        {"mqtt.rewrite.to", MVS_PROFILE_BROKER, 0, 0},
        {"opaque.ca_file", MVS_PROFILE_FILE, 0, 0},
        {"opaque.connect_timeout_ms", MVS_PROFILE_NUMBER, 1, HOUR_MS},
        {"opaque.answer_ms", MVS_PROFILE_NUMBER, 0, HOUR_MS},
        {"time.seed", MVS_PROFILE_NUMBER, 0, UINT64_MAX},
        {"time.call_us", MVS_PROFILE_NUMBER, 1, 1000000},
        {"time.completion_us", MVS_PROFILE_NUMBER, 1, 60000000},
        {"time.reply_us", MVS_PROFILE_NUMBER, 0, 60000000},
        {"time.spin_ms", MVS_PROFILE_NUMBER, 1, 60000},
        {"time.stuck_ms", MVS_PROFILE_NUMBER, 1, 3600000},
        {"log.file", MVS_PROFILE_FILE, 0, 0},
        {"trace.file", MVS_PROFILE_FILE, 0, 0},
        {"coverage.file", MVS_PROFILE_PATTERN, 0, 0},
        {"cloud.log_rate", MVS_PROFILE_NUMBER, 0, 1000000},
        {"power.check_in_ms", MVS_PROFILE_NUMBER, 0, 30 * DAY_MS},
        {"power.lives", MVS_PROFILE_NUMBER, 0, UINT32_MAX},
        {"updates.download_ms", MVS_PROFILE_NUMBER, 1, DAY_MS},
        {"updates.install_ms", MVS_PROFILE_NUMBER, 1, HOUR_MS},
        {"schedule.events.at_ms", MVS_PROFILE_NUMBER, 0, UINT32_MAX},
        {"schedule.events.irq", MVS_PROFILE_NUMBER, 0, 124},
        {"limits.notification_centers", MVS_PROFILE_NUMBER, 1, 32},
        {"limits.network_handles", MVS_PROFILE_NUMBER, 1, 32},
        {"limits.system_events", MVS_PROFILE_NUMBER, 1, 32},
        {"limits.channels", MVS_PROFILE_NUMBER, 1, 4},
        {"limits.channel_opens_per_s", MVS_PROFILE_NUMBER, 1, 1000000},
        {"limits.http_headers", MVS_PROFILE_NUMBER, 1, 32},
        {"limits.config_keys", MVS_PROFILE_NUMBER, 1, 64},
        {"limits.mqtt_subscribes", MVS_PROFILE_NUMBER, 1, 65535},
        {"limits.mqtt_unsubscribes", MVS_PROFILE_NUMBER, 1, 65535},
        {"limits.mqtt_publishes", MVS_PROFILE_NUMBER, 1, 65535},
        {"limits.mqtt_acknowledges", MVS_PROFILE_NUMBER, 1, 256},
        {"limits.mqtt_disconnects", MVS_PROFILE_NUMBER, 1, 65535},
        {"limits.mqtt_backlog", MVS_PROFILE_NUMBER, 1, 1000000},
        {"limits.log_message", MVS_PROFILE_NUMBER, 1, 1024},
        {"limits.notification_hold_ms", MVS_PROFILE_NUMBER, 0, 60000},
        {"limits.fast_irq_hang_ms", MVS_PROFILE_NUMBER, 1, 60000},
        {"limits.fast_irq_flood", MVS_PROFILE_NUMBER, 1, 100000000},
        {"flash.file", MVS_PROFILE_FILE, 0, 0},
        {"flash.size", MVS_PROFILE_NUMBER, 4096, 1U << 30},
        {"flash.chip_id", MVS_PROFILE_NUMBER, 0, UINT32_MAX},
        {"flash.power_cut", MVS_PROFILE_NUMBER, 0, UINT32_MAX},
        {"wifi.ssid", MVS_PROFILE_BYTES, 1, MVS_WIFI_SSID_MAX},
        {"wifi.password", MVS_PROFILE_BYTES, 0, MVS_WIFI_PASSWORD_MAX},
        {"memory.restarts", MVS_PROFILE_NUMBER, 1, 1000000},
        {NULL, MVS_PROFILE_NUMBER, 0, 0},
};

static bool is_same_path(const char *rule, const char *path)
{
        while (*path != '\0') {
                if (*path == '[') {
                        while (*path != '\0' && *path++ != ']')
                                ;
                        continue;
                }
                if (*rule++ != *path++)
                        return false;
        }
        return *rule == '\0';
}

const struct mvs_profile_rule *mvs_profile_rule_find(const char *path)
{
        for (const struct mvs_profile_rule *rule = mvs_profile_rules; rule->path; rule++) {
                if (is_same_path(rule->path, path))
                        return rule;
        }
        return NULL;
}

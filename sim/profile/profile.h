/*
 * The device profile: everything about the simulated device and the world around it that a user may choose.
 *
 * One YAML file, named by MVSIM_PROFILE or `mvsim run -p`. Without a file, every value is its default. A profile is
 * read once, when the device boots, and does not change afterwards.
 */
#ifndef MVS_PROFILE_H
#define MVS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MVS_DEVICE_ID_LEN 34 /* "UV" and 32 hexadecimal digits */

enum mvs_time_mode {
        MVS_TIME_REAL,    /* the clock follows the host */
        MVS_TIME_VIRTUAL, /* the clock moves by calls, waits and what happens outside */
};

enum mvs_log_level {
        MVS_LOG_ERROR,   /* only what stops the application */
        MVS_LOG_WARNING, /* refusals that name a mistake of the application (default) */
        MVS_LOG_INFO,    /* what the world does: network up and down, server logging */
        MVS_LOG_DEBUG,   /* every refusal, every time */
};

/* device: who it is and how fast it runs. */
struct mvs_profile_device {
        char *id;            /* 34 characters: "UV" and 32 hexadecimal digits; default is made from the seed */
        uint32_t sysclk;     /* Hz; all four default to 160 MHz (decision 8) */
        uint32_t hclk;       /* Hz */
        uint32_t pclk1;      /* Hz */
        uint32_t pclk2;      /* Hz */
        uint8_t wake_reason; /* an MvWakeReason, 0 (cold boot) by default */
        bool test_mode;      /* the factory's; false */
};

/* network: how the link to the cloud comes and goes (decision 14). */
struct mvs_profile_network {
        uint32_t connect_ms;   /* from an attempt to CONNECTED; 250 */
        uint32_t retry_ms;     /* first wait after a lost connection; 1000, doubling */
        uint32_t retry_max_ms; /* the longest wait between attempts; 60000 */
        uint32_t grace_ms;     /* from the last release to DELIBERATELYOFFLINE; 0 */
};

/* One rewriting of a URL: a URL that starts with `from` is fetched from `to` plus the rest. */
struct mvs_profile_rewrite {
        char *from; /* URL prefix, as the application writes it */
        char *to;   /* URL prefix that is fetched in its place */
};

/* http: how the cloud fetches URLs. */
struct mvs_profile_http {
        char *ca_file;                       /* PEM bundle to trust; NULL: the host's */
        bool allow_plain;                    /* accept http:// URLs as well; false */
        struct mvs_profile_rewrite *rewrite; /* first match wins */
        unsigned rewrite_count;
};

/* mqtt: how the cloud reaches brokers. */
struct mvs_profile_mqtt {
        char *ca_file;                       /* PEM bundle to trust; NULL: the host's */
        uint32_t connect_ms;                 /* how long a broker may take to accept a connection; 30000 */
        struct mvs_profile_rewrite *rewrite; /* "HOST:PORT" to "mqtts://HOST:PORT" or "mqtt://HOST:PORT" */
        unsigned rewrite_count;
};

/* opaque: the connections of opaque channels. */
struct mvs_profile_opaque {
        char *ca_file;               /* PEM bundle to trust; NULL: the host's */
        uint32_t connect_timeout_ms; /* host time for making a connection; 10000 */
        uint32_t answer_ms;          /* virtual: how long the clock follows the host's after a write; 200 */
};

/* time: which clock, and the seed of everything random. */
struct mvs_profile_time {
        enum mvs_time_mode mode; /* real */
        uint64_t seed;           /* 1 */
        uint32_t call_us;        /* virtual time that a system call takes; 2 */
        uint32_t completion_us;  /* the earliest a completion follows its request; 200 (decision 13) */
        uint32_t reply_us;       /* virtual: what a reply from outside takes; 0: as long as the host's clock says */
        uint32_t spin_ms;        /* host time without a call after which virtual time moves on by itself; 10 */
        uint32_t stuck_ms;       /* host time for which a handler may sleep; 2000 */
};

/* log: where the server log and the simulator's own messages go. */
struct mvs_profile_log {
        char *file;               /* the application's server log; NULL: standard error */
        enum mvs_log_level level; /* the simulator's own messages, on standard error; warning */
};

/* trace: the event log of everything that crosses the boundary. */
struct mvs_profile_trace {
        char *file; /* NULL: none */
};

/* coverage: which call returned which status. */
struct mvs_profile_coverage {
        char *file; /* may hold %p; NULL: none */
};

/* An entry of a section whose keys are the user's own. */
struct mvs_profile_entry {
        char *key;
        char *value; /* NULL: it is in the file */
        char *file;
};

struct mvs_profile_map {
        struct mvs_profile_entry *entries; /* in the profile's order */
        unsigned count;
};

#define MVS_ENDPOINT_NAME_MAX 64U
#define MVS_ENDPOINTS_MAX     256U
#define MVS_CONFIG_KEY_MAX    100U
#define MVS_CONFIG_VALUE_MAX  4096U

/* cloud.config, cloud.secrets: one store of items. */
struct mvs_profile_config {
        struct mvs_profile_map account;
        struct mvs_profile_map device;
};

/* cloud: what the servers do, apart from the link itself. */
struct mvs_profile_cloud {
        struct mvs_profile_config config;
        struct mvs_profile_config secrets;
        bool logging;      /* false: mvServerLog answers LOGGINGDISABLEDBYSERVER; true */
        uint32_t log_rate; /* log entries that it takes in a second; 0: any number */
};

/* updates: how they come to the device. */
struct mvs_profile_updates {
        uint32_t download_ms; /* 2000 */
        uint32_t install_ms;  /* 500 */
        bool polite;          /* wait for mvRestart; false */
};

enum mvs_happens {
        MVS_HAPPENS_LINK_DOWN,
        MVS_HAPPENS_SERVER_DOWN,
        MVS_HAPPENS_NETWORK_UP,
        MVS_HAPPENS_LOGGING_OFF,
        MVS_HAPPENS_LOGGING_ON,
        MVS_HAPPENS_PEND_IRQ,
        MVS_HAPPENS_APPLICATION_UPDATE,
        MVS_HAPPENS_MICROVISOR_UPDATE,
        MVS_HAPPENS_RESTART,
};

/* Something that the world does at its time. */
struct mvs_profile_event {
        uint32_t at_ms; /* since the device booted first */
        enum mvs_happens what;
        uint32_t irq; /* of PEND_IRQ */
};

/* schedule: what happens without a test's doing. */
struct mvs_profile_schedule {
        struct mvs_profile_event *events;
        unsigned events_count;
};

/* power: deep sleep, and how often the application starts again. */
struct mvs_profile_power {
        uint32_t check_in_ms; /* deep sleep ends after so long to look for updates; 0: it does not */
        uint32_t lives;       /* the process ends instead of starting another life of the application; 0: never */
};

/* limits: the numbers that are the device's, or a guess at them. */
struct mvs_profile_limits {
        uint32_t notification_centers; /* 32 */
        uint32_t network_handles;      /* 32 */
        uint32_t system_events;        /* 32 */
        uint32_t channels;             /* 4 */
        uint32_t channel_opens_per_s;  /* 8 in any sliding second */
        uint32_t http_headers;         /* 32 */
        uint32_t config_keys;          /* 8 of a fetch */
        uint32_t mqtt_subscribes;      /* requests under way: 1 */
        uint32_t mqtt_unsubscribes;    /* 1 */
        uint32_t mqtt_publishes;       /* 8 */
        uint32_t mqtt_acknowledges;    /* 16 */
        uint32_t mqtt_disconnects;     /* 1 */
        uint32_t mqtt_backlog;         /* messages that wait in the cloud for room: 256 */
        uint32_t log_message;          /* 1024 bytes */
        uint32_t notification_hold_ms; /* 10 */
        uint32_t fast_irq_hang_ms;     /* 100 */
        uint32_t fast_irq_flood;       /* 100000 entries in a second */
};

enum mvs_lint_level {
        MVS_LINT_UNSET, /* not in the profile */
        MVS_LINT_OFF,
        MVS_LINT_NOTE,    /* counted; written where log.level is info, and with the summary */
        MVS_LINT_WARNING, /* counted and written */
        MVS_LINT_ERROR,   /* written, and the process ends */
};

/* lint: what each finding of the usage checker counts as; its own level, that of `all`, or else its default. */
struct mvs_profile_lint {
        enum mvs_lint_level all;
#define MVS_LINT(name, id, level, description) enum mvs_lint_level name;
#include "sim/profile/lints.def"
#undef MVS_LINT
};

/* What happens to memory that is lent to Microvisor and secret. */
enum mvs_lent_mode {
        MVS_LENT_OFF,   /* nothing */
        MVS_LENT_CHECK, /* compared with the pattern at each call */
        MVS_LENT_TRAP,  /* an access faults */
};

enum mvs_on_fault {
        MVS_ON_FAULT_EXIT,    /* the process ends by the fault's signal */
        MVS_ON_FAULT_RESTART, /* the application starts again */
};

/* flash: the external flash, as far as it is the application's. */
struct mvs_profile_flash {
        char *file;         /* its contents; NULL: memory, for as long as the process lives */
        uint32_t size;      /* bytes; 4 MiB */
        uint32_t chip_id;   /* 0xEF4017 */
        uint32_t power_cut; /* power fails during this operation; 0: during none */
        bool power_back;    /* and comes back: the device boots again; true */
};

#define MVS_WIFI_SSID_MAX     32U
#define MVS_WIFI_PASSWORD_MAX 64U

/* wifi: the credentials that the device was delivered with. */
struct mvs_profile_wifi {
        char *ssid;     /* NULL: none are stored */
        char *password; /* NULL or "": the network is open */
};

/* memory: how strictly the application is watched. */
struct mvs_profile_memory {
        enum mvs_lent_mode lent;    /* trap */
        bool strict;                /* look at the simulator's own guard words in every call; false */
        enum mvs_on_fault on_fault; /* what follows the report of a fault; exit */
        uint32_t restarts;          /* how many faults are followed by a restart; 100 */
};

struct mvs_profile {
        struct mvs_profile_device device;
        struct mvs_profile_network network;
        struct mvs_profile_http http;
        struct mvs_profile_mqtt mqtt;
        struct mvs_profile_opaque opaque;
        struct mvs_profile_map endpoints; /* of opaque channels, by name; values are as endpoint.h has them */
        struct mvs_profile_time time;
        struct mvs_profile_log log;
        struct mvs_profile_trace trace;
        struct mvs_profile_coverage coverage;
        struct mvs_profile_cloud cloud;
        struct mvs_profile_power power;
        struct mvs_profile_updates updates;
        struct mvs_profile_schedule schedule;
        struct mvs_profile_limits limits;
        struct mvs_profile_flash flash;
        struct mvs_profile_wifi wifi;
        struct mvs_profile_memory memory;
        struct mvs_profile_lint lint;
};

/* Fills *ret with the defaults. Strings that the defaults need are allocated; mvs_profile_finish() frees them. */
int mvs_profile_init(struct mvs_profile *ret) __attribute__((warn_unused_result));

/*
 * Reads the file at `path` over the defaults. Returns 0, or a negative errno (-EINVAL for a file that is readable and
 * wrong) with a message in `error` that names file, line, key, what was found and what was expected; then *ret is
 * untouched and needs no finish.
 */
int mvs_profile_load(struct mvs_profile *ret, const char *path, char *error, size_t error_size)
        __attribute__((warn_unused_result));

/* Another seed, after the fact: an id that was made from the old one is made anew. 0 or -ENOMEM. */
int mvs_profile_set_seed(struct mvs_profile *profile, uint64_t seed) __attribute__((warn_unused_result));

/* Frees what the profile owns and clears it. A cleared profile may be finished again. */
void mvs_profile_finish(struct mvs_profile *profile);

#endif

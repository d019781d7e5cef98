/*
 * The control API of libmvsim: what a test or a tool may do to the device that an application cannot. Host only; on the
 * target this header is empty.
 *
 * Unless a declaration says otherwise: a function may be called from any thread of the process, not from an interrupt
 * handler; it boots a device when none is running, as a system call does; 0 is success and a negative errno failure.
 */
#ifndef MVSIM_MVSIM_H
#define MVSIM_MVSIM_H

#if !defined(__arm__)

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mv_syscalls.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- life ---- */

enum mvsim_time_mode {
        MVSIM_TIME_FROM_PROFILE,
        MVSIM_TIME_REAL,
        MVSIM_TIME_VIRTUAL,
};

/* How to boot. Zeroed, it means: as the environment says (MVSIM_PROFILE, MVSIM_TIME, MVSIM_SEED). */
struct mvsim_options {
        const char *profile;       /* file to read instead of MVSIM_PROFILE's; "" for the defaults; read during boot */
        enum mvsim_time_mode time; /* overrides the profile */
        const uint64_t *seed;      /* overrides the profile; read during boot */
};

/*
 * Boots the device. `options` may be NULL. -EALREADY when one is running; -EINVAL for a wrong profile, -ENOENT and
 * others for one that cannot be read, each after a message on standard error; -ENOMEM, -EAGAIN when the host is short.
 * Not from an interrupt handler.
 */
int mvsim_boot(const struct mvsim_options *options) __attribute__((warn_unused_result));

/*
 * Switches the device off and frees everything it held; every handle is void and no interrupt comes any more. Without
 * a device it does nothing. The process's exit does the same. Not from an interrupt handler, and not while another
 * thread is in a system call.
 */
void mvsim_shutdown(void);

/* ---- how the application's life ends, and the next one begins (docs/power.md) ---- */

enum mvsim_ending_kind {
        MVSIM_ENDING_RESTART,          /* mvRestart, an update, or the cloud */
        MVSIM_ENDING_DEEP_SLEEP,       /* mvDeepSleep */
        MVSIM_ENDING_TESTING_COMPLETE, /* mvTestingComplete */
        MVSIM_ENDING_POWER_CUT,        /* power failed: mvsim_flash_cut(), or flash.power_cut in the profile */
};

struct mvsim_ending {
        enum mvsim_ending_kind kind;
        const char *call;  /* the call that ended it: "mvRestart"; NULL: nothing that the application did */
        uint32_t argument; /* what it was given: a mode, or mvTestingComplete's status; the flash's operation that
                              was cut; 0 without a call */
        enum MvWakeReason reason; /* why the next life begins, as far as it is known: deep sleep may end otherwise */
        uint64_t microseconds;    /* device time */
};

/*
 * Runs application(context) on the calling thread until it returns, false, or until the application's life ends, true:
 * then the system call that ended it does not return, its callers are left as by siglongjmp(), `*ret_ending`
 * (NULL: not wanted) says how it ended, and the calling thread's signal mask is what it was.
 *
 * Where the end comes from outside (mvsim_restart(), an update that does not wait), the application is left at its next
 * system call or wait. The device stands still afterwards: system calls answer UNAVAILABLE, interrupts do not come, and
 * what it has can be looked at, until mvsim_boot_again() or mvsim_shutdown().
 *
 * A life that another thread ends, such as an RTOS task that is one, cannot be left from here: the process ends with
 * status 2, after a message; mvsim_on_ending() serves there. May be nested; the innermost catches.
 */
bool mvsim_catch(void (*application)(void *context), void *context, struct mvsim_ending *ret_ending);

/*
 * `callback` is called when the application's life ends and mvsim_catch() does not catch that: by the thread that
 * ended it, outside of every lock, in place of the call's return. It may leave with longjmp() or end the process; where
 * it returns, what happens is what would happen without it. NULL: none any more. Holds until mvsim_shutdown().
 */
void mvsim_on_ending(void (*callback)(const struct mvsim_ending *ending, void *context), void *context);

/*
 * After an end that was caught: switches the device off and boots it for the application's next life, with the profile
 * and options of this one and all that outlives a restart: the flash, other stores, updates, clocks, the reason. From
 * deep sleep it wakes first, which moves the clock, by what comes first of what wakes it; without any the process ends
 * as in every deadlock. As for mvsim_shutdown(), no other thread may be in a system call; one that was when the life
 * ended comes back from it a moment after the end was caught. -EINVAL when no life has ended; otherwise as
 * mvsim_boot(), and then no device is running.
 */
int mvsim_boot_again(void) __attribute__((warn_unused_result));

/*
 * Ends the application's life from outside, for any reason but those of deep sleep: REMOTEAPPLICATIONRESTART is what
 * the cloud's RestartApp does, DEBUGGERRESTART and so on what their names say. Without mvsim_catch() and
 * mvsim_on_ending() it does not return: the application starts again at once. -EINVAL for a reason that is none or a
 * deep sleep's; -EALREADY when the life has ended.
 */
int mvsim_restart(enum MvWakeReason reason) __attribute__((warn_unused_result));

/*
 * Deep sleep ends `delay_us` of device time from now (0: now), for `reason`, one of the DEEPSLEEP ones. Another call
 * replaces the last; what comes while the device does not sleep deeply is ignored. The application's own alarm is
 * mvsim_pend_irq() for RTC_IRQn, its wake-up pins are the EXTI lines. -EINVAL for another reason.
 */
int mvsim_wake(enum MvWakeReason reason, uint64_t delay_us) __attribute__((warn_unused_result));

/* ---- why a call was refused ---- */

struct mvsim_reject {
        const char *call;      /* "mvOpenChannel"; NULL: nothing was refused since boot */
        enum MvStatus status;  /* what the call returned */
        char field[48];        /* the parameter or field that is to blame ("send_buffer"); "" when it is none */
        char message[256];     /* a sentence: call, field, rule, way out */
        uint64_t microseconds; /* device time */
};

/* The last refusal. The structure is the device's and holds until the next refusal or shut-down. May be called from
 * handlers. */
const struct mvsim_reject *mvsim_last_reject(void);

/* ---- time ---- */

/* Microseconds since the device booted: what mvGetMicroseconds would say, without being a call. */
uint64_t mvsim_now_us(void);

/*
 * Lets `duration_us` of device time pass on the calling thread, which is the application's, and takes interrupts as
 * they come. Virtual time jumps, real time waits. UINT64_MAX lasts until the application's life ends.
 */
void mvsim_run_for(uint64_t duration_us);

/* ---- the world ---- */

enum mvsim_outage {
        MVSIM_OUTAGE_LINK,   /* the network is gone */
        MVSIM_OUTAGE_SERVER, /* the network is there, Microvisor's servers do not answer */
};

/* Cuts the device off until mvsim_network_up(). Every channel closes with NETWORKDISCONNECTED. */
void mvsim_network_down(enum mvsim_outage outage);

/* Ends the outage. A link that was lost is tried at once, a server is found again at the device's next attempt. */
void mvsim_network_up(void);

/* Whether the servers take log entries; while not, mvServerLog answers LOGGINGDISABLEDBYSERVER, and what waits in the
 * device goes on waiting. */
void mvsim_set_server_logging(bool enabled);

/* Which of the cloud's two stores of configuration items, and whose. */
enum mvsim_store {
        MVSIM_STORE_CONFIG,
        MVSIM_STORE_SECRETS,
};

enum mvsim_scope {
        MVSIM_SCOPE_DEVICE,
        MVSIM_SCOPE_ACCOUNT,
};

/*
 * From now on the item has this value, whatever the profile says (`cloud: {config, secrets}`); `value` NULL: there is
 * no such item. The bytes are copied. Fetches that are under way are answered with it. It stays when the application
 * starts again. Any thread; not from a handler. 0; -EINVAL for a key that is not 1 to 100 printable ASCII characters,
 * for a store or a scope that does not exist, or for more than 4096 bytes; or another negative errno, of the host's,
 * and the item is as it was or is the profile's.
 */
int mvsim_set_config(enum mvsim_store store, enum mvsim_scope scope, const char *key, const void *value, size_t len);

enum mvsim_update {
        MVSIM_UPDATE_APPLICATION = 1,
        MVSIM_UPDATE_MICROVISOR = 2,
        MVSIM_UPDATE_BOTH = 3,
};

/*
 * The cloud has an update for the device: it is downloaded as soon as the device is connected, which takes
 * `updates.download_ms`, and then, by `updates.polite`, told to the application (UPDATEDOWNLOADED) and installed by
 * mvRestart, or installed at once. -EINVAL for no such update, -ENOMEM.
 */
int mvsim_update_available(enum mvsim_update what) __attribute__((warn_unused_result));

/*
 * Interrupt line `irq` is pended, as by a peripheral, `delay_us` of device time from now (0: now). -EINVAL for a line
 * that does not exist, -EBUSY while 64 are waiting.
 */
int mvsim_pend_irq(unsigned irq, uint64_t delay_us) __attribute__((warn_unused_result));

/* ---- the external flash's power (docs/flash.md) ---- */

/*
 * Power fails during the `nth` operation of the external flash from now (1: the next; 0: during none). An operation is
 * what the chip does at once: it programs within a page of 256 bytes, or erases a sector of 4096; a call may be many.
 * That operation is done in part, which part depends on the seed; the call does not return, the application's life ends
 * (mvsim_catch(), MVSIM_ENDING_POWER_CUT), and the next one begins with a cold boot.
 */
void mvsim_flash_cut(uint64_t nth);

/* How many of these operations there were since this life began. */
uint64_t mvsim_flash_operations(void);

/* The status with which the process ends when power fails and does not come back (flash.power_back in the profile). */
#define MVSIM_EXIT_POWER_CUT 74

/* ---- faults ---- */

/*
 * The `nth` call (1: the next) to `call` ("mvOpenChannel") returns `status` and has no effect. One fault a call; arming
 * another replaces it. -EINVAL for an unknown call, an nth of 0, or a status that the header does not list for the
 * call.
 */
int mvsim_fail(const char *call, unsigned nth, enum MvStatus status) __attribute__((warn_unused_result));

/* ---- looking ---- */

struct mvsim_statistics {
        uint64_t calls;              /* system calls made */
        uint64_t refused;            /* of which refused */
        uint64_t calls_in_isr;       /* made from an interrupt handler */
        uint64_t notifications;      /* records written */
        uint64_t overruns;           /* records that were written over one the application had left in place */
        uint64_t pends;              /* times an exception became pending */
        uint64_t interrupts;         /* handlers entered */
        uint64_t shadowed;           /* pends that merged into one that was waiting */
        uint64_t longest_handler_us; /* the longest run of a handler, by the device's clock */
        uint64_t masked_us;          /* for how long PRIMASK, FAULTMASK or BASEPRI held interrupts back */
        uint64_t log_entries;        /* server log entries that left the device */
        uint32_t open_handles;       /* handles open now */
};

void mvsim_get_statistics(struct mvsim_statistics *ret_statistics);

/*
 * The status with which the process ends when an interrupt's handler sleeps for time.stuck_ms for a lock that it will
 * not get, after a report on standard error (docs/interrupts.md).
 */
#define MVSIM_EXIT_STUCK 72

/*
 * The status with which the process ends when the processor waits, nothing is left that could wake it, and no other
 * thread of the process is there that could, after a report on standard error (docs/time.md).
 */
#define MVSIM_EXIT_DEADLOCK 70

/* ---- what the usage checker found (docs/lints.md) ---- */

/* The status with which the process ends at a finding whose level is `error` in the profile (`lint:`). */
#define MVSIM_EXIT_FINDING 79

enum mvsim_lint_level {
        MVSIM_LINT_NOTE,    /* counted; written where the profile's log.level is info or debug */
        MVSIM_LINT_WARNING, /* counted and written to standard error */
        MVSIM_LINT_ERROR,   /* written, and the process ends with MVSIM_EXIT_FINDING */
};

struct mvsim_finding {
        const char *id; /* "closed-handle" */
        enum mvsim_lint_level level;
        unsigned count;        /* times it was found in this place */
        uint64_t microseconds; /* device time of the first */
        char message[384];     /* of the first: what happened, with names and numbers, and the way out */
};

/* How often `id` was found since boot; NULL: how many warnings there were. 0 for an id that does not exist or is off.
 */
unsigned mvsim_findings(const char *id);

/* The findings in the order in which they came, notes too, one a place and 32 at most; NULL from the last one on. They
 * are the device's and hold until it shuts down; only `count` changes. */
const struct mvsim_finding *mvsim_finding(unsigned index);

/* The ids that there are, in no particular order, and a line about each (ret_description may be NULL); NULL from the
 * last one on. Needs no device. */
const char *mvsim_lint(unsigned index, const char **ret_description);

/* The Wi-Fi settings that are stored, password and all: what no system call tells. */
struct mvsim_wifi {
        uint32_t ssid_len; /* bytes; 0: nothing is stored */
        uint8_t ssid[32];
        uint32_t password_len; /* bytes; 0: the network is open */
        uint8_t password[64];
};

void mvsim_get_wifi(struct mvsim_wifi *ret_wifi);

/* The state of the system LED. */
bool mvsim_led_is_on(void);

#ifdef __cplusplus
}
#endif

#endif

#endif

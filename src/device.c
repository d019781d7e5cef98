/* The one device of the process: booting, shutting down, and what a fork and the process's exit do to it. */
#include "sim/diag.h"
#include "sim/memory/report.h"
#include "sim/profile/number.h"
#include "sim/profile/outputs.h"
#include "src/deadlock.h"
#include "src/device.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The one way to the device. Set as the last step of booting and cleared as the first of shutting down; the lock keeps
 * two threads from doing either at once.
 */
static struct mvs_device *_Atomic running;
static pthread_mutex_t life = PTHREAD_MUTEX_INITIALIZER;

struct mvs_device *mvs_device_if_running(void)
{
        return atomic_load_explicit(&running, memory_order_acquire);
}

/* ---- what the environment says ---- */

static int apply_time(struct mvs_profile *profile, const struct mvsim_options *options)
{
        const char *text = getenv("MVSIM_TIME");
        bool real = text && strcmp(text, "real") == 0;
        bool virtual = text && strcmp(text, "virtual") == 0;
        if (options->time != MVSIM_TIME_FROM_PROFILE) {
                profile->time.mode = options->time == MVSIM_TIME_REAL ? MVS_TIME_REAL : MVS_TIME_VIRTUAL;
        } else if (real || virtual) {
                profile->time.mode = real ? MVS_TIME_REAL : MVS_TIME_VIRTUAL;
        } else if (text) {
                mvs_diag(MVS_LOG_ERROR, "MVSIM_TIME is \"%s\": it must be real or virtual, or unset", text);
                return -EINVAL;
        }
        return 0;
}

static int apply_seed(struct mvs_profile *profile, const struct mvsim_options *options)
{
        const char *text = getenv("MVSIM_SEED");
        if (options->seed)
                return mvs_profile_set_seed(profile, *options->seed);
        if (!text)
                return 0;
        uint64_t seed;
        if (!mvs_parse_u64(text, &seed)) {
                mvs_diag(MVS_LOG_ERROR,
                         "MVSIM_SEED is \"%s\": it must be a number from 0 to %" PRIu64
                         ", decimal without leading zeros or hexadecimal after 0x, or unset",
                         text, UINT64_MAX);
                return -EINVAL;
        }
        return mvs_profile_set_seed(profile, seed);
}

static int check_summary(void)
{
        const char *text = getenv("MVSIM_SUMMARY");
        if (!text || text[0] == '\0' || strcmp(text, "0") == 0 || strcmp(text, "1") == 0)
                return 0;
        mvs_diag(MVS_LOG_ERROR, "MVSIM_SUMMARY is \"%s\": it must be 1, for a summary at the end, or 0, or unset",
                 text);
        return -EINVAL;
}

static int load_profile(struct mvs_profile *ret, const struct mvsim_options *options)
{
        const char *file = options->profile ? options->profile : getenv("MVSIM_PROFILE");
        char error[1024];
        if (!file || !*file)
                return mvs_profile_init(ret);
        int result = mvs_profile_load(ret, file, error, sizeof error);
        if (result < 0)
                mvs_diag(MVS_LOG_ERROR, "%s", error);
        return result;
}

static int make_profile(struct mvs_profile *ret, const struct mvsim_options *options)
{
        int result = load_profile(ret, options);
        if (result < 0)
                return result;
        result = apply_time(ret, options);
        if (result == 0)
                result = check_summary();
        if (result == 0)
                result = apply_seed(ret, options);
        if (result < 0)
                mvs_profile_finish(ret);
        else
                mvs_diag_set_level(ret->log.level);
        return result;
}

/* ---- the summary ---- */

void mvs_device_statistics(const struct mvs_device *device, struct mvsim_statistics *ret)
{
        *ret = device->statistics;
        for (unsigned vector = 0; vector < MVS_VECTORS; vector++) {
                const struct mvs_exception *exception = &device->machine.nvic.exceptions[vector];
                ret->pends += exception->pends;
                ret->interrupts += exception->entries;
                ret->shadowed += exception->shadowed;
                if (exception->longest_us > ret->longest_handler_us)
                        ret->longest_handler_us = exception->longest_us;
        }
        ret->masked_us = device->machine.cpu.masked_us;
        if (device->machine.cpu.masked)
                ret->masked_us += mvs_machine_now(&device->machine) - device->machine.cpu.masked_since_us;
        ret->open_handles = device->handles.open;
}

void mvs_device_summary(const struct mvs_device *device)
{
        struct mvsim_statistics s;
        mvs_device_statistics(device, &s);
        uint64_t now = mvs_machine_now(&device->machine);
        mvs_diag(MVS_LOG_ERROR,
                 "summary: %" PRIu64 " calls (%" PRIu64 " refused, %" PRIu64 " from handlers), %" PRIu64
                 " notifications (%" PRIu64 " overruns), %" PRIu64 " interrupts (%" PRIu64
                 " shadowed pends), longest handler %" PRIu64 " us, masked for %" PRIu64 " us, %" PRIu64
                 " log entries, %" PRIu32 " open handles, %" PRIu64 ".%06" PRIu64 " s",
                 s.calls, s.refused, s.calls_in_isr, s.notifications, s.overruns, s.interrupts, s.shadowed,
                 s.longest_handler_us, s.masked_us, s.log_entries, s.open_handles, now / 1000000, now % 1000000);
}

/* ---- booting ---- */

/* What the environment says goes before the profile. */
static struct mvs_output output_of(const char *variable, const char *key, const char *file)
{
        const char *text = getenv(variable);
        return text ? (struct mvs_output){variable, text} : (struct mvs_output){key, file};
}

static int open_trace(struct mvs_device *device, const char *file)
{
        struct mvs_machine *machine = &device->machine;
        const struct mvs_profile *profile = &machine->profile;
        bool again = machine->restart.state.count > 0;
        int result = mvs_trace_open(&machine->trace, file, again);
        if (result < 0)
                return result;
        if (again) {
                mvs_trace(machine, MVS_EVENT_RESTART, MVS_NUMBER("count", machine->restart.state.count),
                          MVS_NUMBER("reason", machine->restart.state.reason));
                return 0;
        }
        mvs_trace(machine, MVS_EVENT_BOOT, MVS_WORD("device", profile->device.id),
                  MVS_NUMBER("seed", profile->time.seed),
                  MVS_WORD("time", profile->time.mode == MVS_TIME_VIRTUAL ? "virtual" : "real"));
        return 0;
}

static int check_outputs(const struct mvs_output *outputs, unsigned count)
{
        const struct mvs_output *other;
        const struct mvs_output *wrong = mvs_outputs_clash(outputs, count, &other);
        if (!wrong)
                return 0;
        mvs_diag(MVS_LOG_ERROR, "%s names the same file as %s: " MVS_OUTPUTS_WHY " (name another)", wrong->name,
                 other->name);
        return -EINVAL;
}

static int open_outputs(struct mvs_device *device)
{
        const struct mvs_profile *profile = &device->machine.profile;
        const struct mvs_output outputs[] = {
                {"log.file in the profile", profile->log.file},
                {"flash.file in the profile", profile->flash.file},
                output_of("MVSIM_COVERAGE", "coverage.file in the profile", profile->coverage.file),
                output_of("MVSIM_TRACE", "trace.file in the profile", profile->trace.file)};
        int result = check_outputs(outputs, sizeof outputs / sizeof outputs[0]);
        if (result == 0)
                result = open_trace(device, outputs[3].path);
        if (result < 0)
                return result;
        result = mvs_coverage_open(&device->coverage, outputs[2].path);
        if (result == 0)
                result = mvs_log_init(device);
        if (result < 0) {
                mvs_coverage_close(&device->coverage);
                mvs_trace_close(&device->machine.trace);
        }
        return result;
}

static int init_world(struct mvs_device *device)
{
        int result = mvs_update_init(device);
        if (result < 0)
                return result;
        result = mvs_schedule_init(device);
        if (result < 0)
                mvs_update_finish(device);
        return result;
}

static void finish_world(struct mvs_device *device)
{
        mvs_schedule_finish(device);
        mvs_update_finish(device);
}

static int init_device(struct mvs_device *device, struct mvs_profile *profile, const struct mvs_restart_state *from)
{
        device->machine.memory.secure_start = (uintptr_t)device;
        device->machine.memory.secure_end = (uintptr_t)device + mvs_arena_span(sizeof *device);
        device->machine.memory.words = mvs_arena_words(device, sizeof *device);
        int result = mvs_machine_init(&device->machine, profile, from);
        if (result < 0)
                return result;
        device->led_on = true;
        const char *summary = getenv("MVSIM_SUMMARY"); /* check_summary() */
        device->summary = summary && strcmp(summary, "1") == 0;
        mvs_handles_init(&device->handles, &device->machine.random);
        mvs_lint_init(device);
        mvs_notify_init(device);
        mvs_deadlock_init(device);
        mvs_fast_init(device);
        mvs_held_init(device);
        mvs_ending_init(device);
        mvs_network_init(device);
        result = open_outputs(device);
        if (result < 0)
                goto no_outputs;
        result = mvs_wifi_init(device);
        if (result < 0)
                goto no_wifi;
        result = init_world(device);
        if (result < 0)
                goto no_world;
        result = mvs_machine_start(&device->machine);
        if (result < 0)
                goto no_start;
        return 0;
no_start:
        finish_world(device);
no_world:
        mvs_wifi_finish(device);
no_wifi:
        mvs_log_finish(device);
        mvs_coverage_close(&device->coverage);
        mvs_trace_close(&device->machine.trace);
no_outputs:
        mvs_machine_stop(&device->machine);
        mvs_machine_finish(&device->machine);
        return result;
}

/* In the child of a fork there is one thread and no device: the parent's threads are not here to run it. */
static void forget_device(void)
{
        struct mvs_device *device = mvs_device_if_running();
        if (device) {
                mvs_report_forget(&device->machine);
                mvs_flash_image_forget(&device->machine.flash.image);
        }
        atomic_store(&running, NULL);
}

static void watch_forks(void)
{
        pthread_atfork(NULL, NULL, forget_device);
}

static int fail_without_memory(struct mvs_profile *profile, const struct mvs_restart_state *from)
{
        struct mvs_kept files;
        mvs_profile_finish(profile);
        if (from) {
                files = from->files;
                mvs_kept_finish(&files);
        }
        return -ENOMEM;
}

/* The profile, and the files of the life before, become the device's in any case. */
static int boot_with(struct mvs_profile *profile, const struct mvs_restart_state *from)
{
        struct mvs_device *device = mvs_arena_create(sizeof *device);
        if (!device)
                return fail_without_memory(profile, from);
        int result = init_device(device, profile, from);
        if (result < 0)
                mvs_arena_destroy(device, sizeof *device);
        else
                atomic_store_explicit(&running, device, memory_order_release);
        return result;
}

static int boot(const struct mvsim_options *options)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        static const struct mvsim_options from_environment;
        struct mvs_profile profile;
        pthread_once(&once, watch_forks);
        int result = make_profile(&profile, options ? options : &from_environment);
        return result < 0 ? result : boot_with(&profile, NULL);
}

__attribute__((visibility("default"))) int mvsim_boot(const struct mvsim_options *options)
{
        pthread_mutex_lock(&life);
        int result = mvs_device_if_running() ? -EALREADY : boot(options);
        pthread_mutex_unlock(&life);
        return result;
}

static struct mvs_device *boot_implicitly(void)
{
        int result = mvsim_boot(NULL);
        if (result < 0 && result != -EALREADY) {
                /* What is wrong with its settings has been said, and the number's words say less. */
                mvs_diag(MVS_LOG_ERROR, "the device does not boot%s%s", result == -EINVAL ? "" : ": ",
                         result == -EINVAL ? "" : strerror(-result));
                _exit(MVS_EXIT_NOT_BOOTED);
        }
        return mvs_device_if_running();
}

struct mvs_device *mvs_device(void)
{
        struct mvs_device *device = mvs_device_if_running();
        return device ? device : boot_implicitly();
}

/* ---- shutting down ---- */

/* No interrupt from here on, no answer from outside, no thread. */
static void switch_off(struct mvs_device *device)
{
        struct mvs_machine *machine = &device->machine;
        sigset_t preemption, before;
        sigemptyset(&preemption);
        sigaddset(&preemption, MVS_SIGNAL_PREEMPT);
        pthread_sigmask(SIG_BLOCK, &preemption, &before); /* a handler on this thread would want the lock */
        mvs_machine_lock(machine);
        mvs_trace(machine, MVS_EVENT_SHUTDOWN, MVS_NUMBER("calls", device->statistics.calls),
                  MVS_NUMBER("handles", device->handles.open));
        mvs_trace_close(&machine->trace);
        machine->nvic.primask = true;
        mvs_cpu_update(machine);
        mvs_lint_exit(device);
        mvs_channels_finish(device);
        mvs_machine_unlock(machine);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        mvs_machine_stop(machine);
}

static void shut_down(struct mvs_device *device)
{
        mvs_lint_finish(device);
        mvs_notify_finish(device);
        mvs_log_finish(device);
        mvs_wifi_finish(device);
        finish_world(device);
        mvs_coverage_close(&device->coverage);
        mvs_machine_finish(&device->machine);
        mvs_arena_destroy(device, sizeof *device);
}

static void stop(struct mvs_device *device)
{
        switch_off(device);
        atomic_store(&running, NULL);
        if (device->summary)
                mvs_device_summary(device);
}

__attribute__((visibility("default"))) void mvsim_shutdown(void)
{
        pthread_mutex_lock(&life);
        struct mvs_device *device = mvs_device_if_running();
        mvs_ending_forget();
        if (device) {
                stop(device);
                shut_down(device);
        }
        pthread_mutex_unlock(&life);
}

/* ---- the next life in the same process ---- */

static int live_again(struct mvs_device *device)
{
        enum MvWakeReason reason = mvs_ending_await(device);
        stop(device);
        const struct mvs_ending ending = device->ending;
        const struct mvs_restart_state next = mvs_restart_hand_on(&device->machine, reason);
        struct mvs_profile profile = device->machine.profile;
        device->machine.profile = (struct mvs_profile){0};
        shut_down(device);
        int result = boot_with(&profile, &next);
        if (result < 0)
                return result;
        device = mvs_device_if_running();
        device->ending.callback = ending.callback;
        device->ending.context = ending.context;
        return 0;
}

__attribute__((visibility("default"))) int mvsim_boot_again(void)
{
        pthread_mutex_lock(&life);
        struct mvs_device *device = mvs_device_if_running();
        int result = device && mvs_cpu_is_halted(&device->machine.cpu) ? live_again(device) : -EINVAL;
        pthread_mutex_unlock(&life);
        return result;
}

__attribute__((destructor)) static void shut_down_at_exit(void)
{
        mvsim_shutdown();
}

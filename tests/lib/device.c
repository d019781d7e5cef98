#include "device.h"

#include <check.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "mvsim/cortex.h"
#include "tempdir.h"

#define PATIENCE_MS 10000U
#define ENTRIES_MAX 256

/* ---- what a process has open ---- */

struct entries {
        size_t count;
        int ids[ENTRIES_MAX];
};

static void list(const char *path, struct entries *ret)
{
        DIR *dir = opendir(path);
        ck_assert_msg(dir != NULL, "cannot read %s", path);
        ret->count = 0;
        for (struct dirent *entry; (entry = readdir(dir));) {
                if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir))
                        continue;
                ck_assert_uint_lt(ret->count, ENTRIES_MAX);
                ret->ids[ret->count++] = atoi(entry->d_name);
        }
        closedir(dir);
}

static bool has(const struct entries *entries, int id)
{
        for (size_t i = 0; i < entries->count; i++) {
                if (entries->ids[i] == id)
                        return true;
        }
        return false;
}

/* The first that is in `after` alone, or -1. */
static int added(const struct entries *before, const struct entries *after)
{
        for (size_t i = 0; i < after->count; i++) {
                if (!has(before, after->ids[i]))
                        return after->ids[i];
        }
        return -1;
}

/* ---- booting and the end ---- */

static struct {
        struct entries descriptors;
        struct entries threads;
        bool leaves_handles;
} before;

static void load_profile(struct mvsim_options *options, const char *text)
{
        struct mvt_tempdir dir;
        char path[MVT_PATH_SIZE];
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "profile.yaml");
        mvt_write_file(path, text, strlen(text));
        options->profile = path;
        int result = mvsim_boot(options);
        options->profile = NULL; /* it was read */
        mvt_tempdir_remove(&dir);
        ck_assert_msg(result == 0, "the device does not boot: %s", strerror(-result));
}

/* libuv makes a pipe for signals with the first loop of a process, and keeps it: no leak of the device's. */
static void let_libuv_open_its_pipe(void)
{
        uv_loop_t loop;
        ck_assert_int_eq(uv_loop_init(&loop), 0);
        ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static void *do_nothing(void *unused)
{
        return unused;
}

/* ThreadSanitizer begins a thread of its own with the first of a process. */
static void let_tools_begin_their_threads(void)
{
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, do_nothing, NULL), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

void mvt_device_boot(const struct mvt_device *options)
{
        static const struct mvt_device usual;
        if (!options)
                options = &usual;
        unsetenv("MVSIM_PROFILE");
        unsetenv("MVSIM_SEED");
        unsetenv("MVSIM_TIME");
        unsetenv("MVSIM_SUMMARY");
        unsetenv("MVSIM_TRACE");
        before.leaves_handles = options->leaves_handles;
        let_libuv_open_its_pipe();
        let_tools_begin_their_threads();
        list("/proc/self/fd", &before.descriptors);
        list("/proc/self/task", &before.threads);
        struct mvsim_options boot = {
                .profile = "",
                .time = options->real_time ? MVSIM_TIME_REAL : MVSIM_TIME_VIRTUAL,
        };
        if (options->profile)
                load_profile(&boot, options->profile);
        else
                ck_assert_int_eq(mvsim_boot(&boot), 0);
}

void mvt_device_boot_virtual(void)
{
        mvt_device_boot(NULL);
}

void mvt_device_boot_real(void)
{
        mvt_device_boot(&(struct mvt_device){.real_time = true});
}

void mvt_device_leaves_handles(void)
{
        before.leaves_handles = true;
}

static void check_descriptors(void)
{
        struct entries now;
        list("/proc/self/fd", &now);
        int fd = added(&before.descriptors, &now);
        if (fd < 0)
                return;
        char link[64];
        char target[256] = "?";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, target, sizeof target - 1);
        target[len < 0 ? 0 : len] = '\0';
        ck_abort_msg("descriptor %d (%s) is left open", fd, target);
}

/* A thread that was joined may be listed for a moment yet. */
static void check_threads(void)
{
        struct entries now;
        uint64_t start = mvt_host_ms();
        do {
                list("/proc/self/task", &now);
        } while (added(&before.threads, &now) >= 0 && mvt_host_ms() - start < PATIENCE_MS);
        ck_assert_msg(added(&before.threads, &now) < 0, "thread %d is left running", added(&before.threads, &now));
}

/* Looking at the statistics would boot a device that is down already. */
static uint32_t handles_if_running(void)
{
        int result = mvsim_boot(&(struct mvsim_options){.profile = "", .time = MVSIM_TIME_VIRTUAL});
        return result == 0 ? 0 : mvt_open_handles();
}

void mvt_device_end(void)
{
        uint32_t handles = handles_if_running();
        mvsim_shutdown();
        ck_assert_msg(handles == 0 || before.leaves_handles, "%u handles are left open", handles);
        check_descriptors();
        check_threads();
}

/* ---- refusals ---- */

/* An expression that is not a call itself may have made any. */
static bool is_call(const char *expression, const char *name)
{
        size_t len = strlen(name);
        if (strncmp(expression, "mv", 2) != 0 || strncmp(expression, "mvt_", 4) == 0)
                return true;
        return strncmp(expression, name, len) == 0 && expression[len] == '(';
}

void mvt_expect_reject(enum MvStatus found, enum MvStatus status, const char *field, const char *expression,
                       const char *file, int line)
{
        const struct mvsim_reject *reject = mvsim_last_reject();
        if (found != status)
                _ck_assert_failed(file, line, "Failed", "%s is 0x%x, not 0x%x (last reason: %s)", expression, found,
                                  status, reject->message);
        if (!reject->call || reject->status != status || !is_call(expression, reject->call))
                _ck_assert_failed(file, line, "Failed", "%s gave no reason of its own (last reason: %s)", expression,
                                  reject->message);
        if (strcmp(reject->field, field) != 0)
                _ck_assert_failed(file, line, "Failed", "%s blames \"%s\", not \"%s\": %s", expression, reject->field,
                                  field, reject->message);
        mark_point();
}

void mvt_expect_okay(enum MvStatus found, const char *expression, const char *file, int line)
{
        if (found != MV_STATUS_OKAY)
                _ck_assert_failed(file, line, "Failed", "%s is 0x%x: %s", expression, found,
                                  mvsim_last_reject()->message);
        mark_point();
}

struct mvsim_statistics mvt_statistics(void)
{
        struct mvsim_statistics statistics;
        mvsim_get_statistics(&statistics);
        return statistics;
}

uint32_t mvt_open_handles(void)
{
        return mvt_statistics().open_handles;
}

/* ---- waiting ---- */

uint64_t mvt_host_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000U + (uint64_t)now.tv_nsec / 1000000U;
}

void mvt_wait_a_bit(void)
{
        mvsim_run_for(1000);
}

void mvt_check_patience(uint64_t start_ms, const char *condition, const char *file, int line)
{
        if (mvt_host_ms() - start_ms > PATIENCE_MS)
                _ck_assert_failed(file, line, "Failed", "waited too long for %s", condition);
}

/* ---- a centre and the network ---- */

MvNotificationHandle mvt_centre_open(uint32_t irq, struct MvNotification *ring, size_t slots)
{
        MvNotificationHandle centre = NULL;
        memset(ring, 0, slots * sizeof *ring);
        const struct MvNotificationSetup setup = {irq, ring, (uint32_t)(slots * sizeof *ring)};
        expect_okay(mvSetupNotifications(&setup, &centre));
        ck_assert_ptr_nonnull(centre);
        mvsim_nvic_clear_pending((int32_t)irq);
        mvsim_nvic_enable((int32_t)irq);
        return centre;
}

void mvt_centre_close(MvNotificationHandle *centre)
{
        expect_okay(mvCloseNotifications(centre));
        ck_assert_ptr_null(*centre);
}

MvNetworkHandle mvt_network_request(MvNotificationHandle centre, uint32_t tag)
{
        MvNetworkHandle network = NULL;
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, tag}};
        expect_okay(mvRequestNetwork(&params, &network));
        ck_assert_ptr_nonnull(network);
        return network;
}

void mvt_network_release(MvNetworkHandle *network)
{
        expect_okay(mvReleaseNetwork(network));
        ck_assert_ptr_null(*network);
}

enum MvNetworkStatus mvt_network_status(MvNetworkHandle network)
{
        enum MvNetworkStatus status = MV_NETWORKSTATUS__MAX;
        expect_okay(mvGetNetworkStatus(network, &status));
        return status;
}

void mvt_network_wait(MvNetworkHandle network, enum MvNetworkStatus status)
{
        wait_until(mvt_network_status(network) == status);
}

MvNetworkHandle mvt_network_connect(MvNotificationHandle centre, uint32_t tag)
{
        MvNetworkHandle network = mvt_network_request(centre, tag);
        mvt_network_wait(network, MV_NETWORKSTATUS_CONNECTED);
        return network;
}

/* ---- memory of certain kinds ---- */

size_t mvt_page_size(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

uint8_t *mvt_pages(enum mvt_pages kind, size_t count)
{
        size_t len = count * mvt_page_size();
        uint8_t *pages = mmap(NULL, len + mvt_page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(pages, MAP_FAILED);
        ck_assert_int_eq(mprotect(pages + len, mvt_page_size(), PROT_NONE), 0);
        if (kind == MVT_PAGES_READ_ONLY)
                ck_assert_int_eq(mprotect(pages, len, PROT_READ), 0);
        return pages;
}

void mvt_pages_free(void *pages, size_t count)
{
        munmap(pages, (count + 1) * mvt_page_size());
}

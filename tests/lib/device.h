/*
 * A fresh device for a test, and the steps that most tests begin with. Everything here fails the test when it does not
 * work out. Only the API and the control API are used, so suites of both kinds may link it.
 *
 *      static void boot(void) { mvt_device_boot(&(struct mvt_device){.profile = "network: {connect_ms: 10}\n"}); }
 *      tcase_add_checked_fixture(tests, boot, mvt_device_end);
 *
 * The clock is virtual unless the test says otherwise.
 */
#ifndef MVT_DEVICE_H
#define MVT_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mv_syscalls.h"
#include "mvsim/mvsim.h"

/* How the device is booted. Zeroed: virtual time, every value of the profile its default. */
struct mvt_device {
        bool real_time;
        const char *profile; /* YAML text, written to a file for the boot; NULL: the defaults */
        bool leaves_handles; /* the test ends with handles open on purpose */
};

/* Boots; MVSIM_* of the environment count for nothing. `options` may be NULL. */
void mvt_device_boot(const struct mvt_device *options);

/* Boots with the defaults, in virtual and in real time: for fixtures. */
void mvt_device_boot_virtual(void);
void mvt_device_boot_real(void);

/* The test ends with handles open on purpose: mvt_device_end() does not look at them. */
void mvt_device_leaves_handles(void);

/* Shuts down, and fails the test when a handle was open, or when a descriptor or a thread is left that was not there
 * before the boot. Without a device it looks for descriptors and threads all the same. */
void mvt_device_end(void);

/* ---- refusals ---- */

/* The call is refused with `status`, and the reason names `field` ("" for none) and the call. */
#define expect_reject(expression, status, field) \
        mvt_expect_reject((expression), (status), (field), #expression, __FILE__, __LINE__)
#define expect_okay(expression) mvt_expect_okay((expression), #expression, __FILE__, __LINE__)

void mvt_expect_reject(enum MvStatus found, enum MvStatus status, const char *field, const char *expression,
                       const char *file, int line);
void mvt_expect_okay(enum MvStatus found, const char *expression, const char *file, int line);

uint32_t mvt_open_handles(void);
struct mvsim_statistics mvt_statistics(void);

/* ---- waiting ---- */

/* Lets the device's time pass until the condition holds; fails the test after ten seconds of the host's. */
#define wait_until(condition)                                                             \
        do {                                                                              \
                for (uint64_t mvt_start_ = mvt_host_ms(); !(condition); mvt_wait_a_bit()) \
                        mvt_check_patience(mvt_start_, #condition, __FILE__, __LINE__);   \
        } while (0)

/* The same for a thread that is not the application, or an application that must not call: the host's time passes. */
#define wait_outside_until(condition)                                                   \
        do {                                                                            \
                for (uint64_t mvt_start_ = mvt_host_ms(); !(condition);)                \
                        mvt_check_patience(mvt_start_, #condition, __FILE__, __LINE__); \
        } while (0)

uint64_t mvt_host_ms(void);
void mvt_wait_a_bit(void); /* a millisecond of the device's time */
void mvt_check_patience(uint64_t start_ms, const char *condition, const char *file, int line);

/* ---- a centre and the network ---- */

/* Sets up a centre on the line, then clears and enables the line, as applications do. The handler is the test's own:
 * void TIM8_BRK_IRQHandler(void). The ring must live until mvt_centre_close(); 0 is written to all of it. */
MvNotificationHandle mvt_centre_open(uint32_t irq, struct MvNotification *ring, size_t slots);
void mvt_centre_close(MvNotificationHandle *centre);

/* Closed again with mvReleaseNetwork by the test; mvt_network_release() checks it. */
MvNetworkHandle mvt_network_request(MvNotificationHandle centre, uint32_t tag);
void mvt_network_release(MvNetworkHandle *network);

enum MvNetworkStatus mvt_network_status(MvNetworkHandle network);
void mvt_network_wait(MvNetworkHandle network, enum MvNetworkStatus status);

/* Requests and waits until the status is CONNECTED. */
MvNetworkHandle mvt_network_connect(MvNotificationHandle centre, uint32_t tag);

/* ---- memory of certain kinds: whole pages, freed by mvt_pages_free() ---- */

enum mvt_pages {
        MVT_PAGES_RW,
        MVT_PAGES_READ_ONLY,
};

/* `count` pages of that kind with an inaccessible one behind them; zeroes. */
uint8_t *mvt_pages(enum mvt_pages kind, size_t count);
void mvt_pages_free(void *pages, size_t count);
size_t mvt_page_size(void);

/* An address at which nothing is and nothing comes: lower than anything is put. */
#define MVT_UNMAPPED ((uintptr_t)0x20000)

#endif

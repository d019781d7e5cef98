#include "watched.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif

bool mvt_is_address_sanitized(void)
{
#ifdef ADDRESS_SANITIZER
        return true;
#else
        return false;
#endif
}

bool mvt_is_valgrind(void)
{
        const char *preload = getenv("LD_PRELOAD");
        return preload && strstr(preload, "vgpreload");
}

bool mvt_traps(void)
{
#if defined(ADDRESS_SANITIZER) || defined(THREAD_SANITIZER) || !defined(__x86_64__)
        return false;
#else
        return !mvt_is_valgrind();
#endif
}

__attribute__((noinline, no_sanitize("address", "thread", "undefined"))) void mvt_write(uintptr_t address,
                                                                                        uint8_t value)
{
        *(volatile uint8_t *)address = value;
}

__attribute__((noinline, no_sanitize("address", "thread", "undefined"))) uint8_t mvt_read(uintptr_t address)
{
        return *(volatile uint8_t *)address;
}

/* The address sanitizer's handler, which gets the signal after the report, ends the process by itself. */
void mvt_expect_report(const struct mvt_child *child, int signal, const char *text)
{
        ck_assert_msg(strstr(child->output, text) != NULL, "\"%s\" is not in: %s", text, child->output);
        bool by_sanitizer = mvt_is_address_sanitized() && child->exit_status > 0;
        ck_assert_msg(child->signal == signal || by_sanitizer, "ended by signal %d, status %d: %s", child->signal,
                      child->exit_status, child->output);
}

void mvt_expect_no_report(const struct mvt_child *child)
{
        ck_assert_msg(strstr(child->output, "Fault") == NULL, "%s", child->output);
        ck_assert_msg(child->exit_status == 0, "ended by signal %d, status %d: %s", child->signal, child->exit_status,
                      child->output);
}

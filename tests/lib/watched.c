#include "watched.h"

#include <check.h>
#include <signal.h>
#include <string.h>

#include "tools.h"

bool mvt_traps(void)
{
#if defined(__x86_64__)
        return !mvt_is_address_sanitized() && !mvt_is_thread_sanitized() && !mvt_is_valgrind();
#else
        return false;
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

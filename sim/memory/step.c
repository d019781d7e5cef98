#include "sim/memory/step.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "sim/memory/chain.h"
#include "sim/memory/context.h"
#include "sim/memory/dispatch.h"
#include "sim/memory/tools.h"

#define TRAP_FLAG 0x100

/* Initial-exec: reading it in a signal handler must not allocate. */
static __thread struct {
        volatile unsigned count;
        uintptr_t pages[MVS_STEP_PAGES];
        uint64_t mask;
} step __attribute__((tls_model("initial-exec")));

void mvs_step_mask(sigset_t *ret)
{
        static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
        sigfillset(ret);
        for (unsigned i = 0; i < sizeof faults / sizeof faults[0]; i++)
                sigdelset(ret, faults[i]);
}

bool mvs_step_active(void)
{
        return step.count > 0;
}

#if defined(__x86_64__)
bool mvs_step_supported(void)
{
        return mvs_tool() == MVS_TOOL_NONE;
}

void mvs_step_set_flag(void *context, bool on)
{
        greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
        *flags = on ? *flags | TRAP_FLAG : *flags & ~(greg_t)TRAP_FLAG;
}

bool mvs_step_has_flag(const void *context)
{
        return (((const ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] & TRAP_FLAG) != 0;
}
#else
bool mvs_step_supported(void)
{
        return false;
}

void mvs_step_set_flag(void *context, bool on)
{
        (void)context;
        (void)on;
}

bool mvs_step_has_flag(const void *context)
{
        (void)context;
        return false;
}
#endif

static uint64_t deaf_mask(void)
{
        sigset_t deaf;
        uint64_t mask;
        mvs_step_mask(&deaf);
        memcpy(&mask, &deaf, sizeof mask);
        return mask;
}

bool mvs_step_begin(uintptr_t page, void *context)
{
        uint64_t *mask = mvs_context_mask(context);
        if (step.count == MVS_STEP_PAGES)
                return false;
        if (step.count == 0) {
                step.mask = *mask;
                *mask = deaf_mask();
                mvs_step_set_flag(context, true);
        }
        step.pages[step.count] = page;
        step.count++;
        return true;
}

unsigned mvs_step_end(void *context, uintptr_t ret_pages[MVS_STEP_PAGES])
{
        unsigned count = step.count;
        memcpy(ret_pages, step.pages, sizeof step.pages);
        step.count = 0;
        *mvs_context_mask(context) = step.mask;
        mvs_step_set_flag(context, false);
        return count;
}

/* ---- is it possible now? ---- */

/* The line "TracerPid:\t0" of /proc/self/status. */
static bool is_traced(void)
{
        char text[512];
        int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        ssize_t len = read(fd, text, sizeof text - 1);
        close(fd);
        text[len > 0 ? len : 0] = '\0';
        const char *line = strstr(text, "TracerPid:");
        return line != NULL && strtol(line + strlen("TracerPid:"), NULL, 10) != 0;
}

bool mvs_step_possible(const sigset_t *mask)
{
        static const int needed[] = {SIGSEGV, SIGTRAP, SIGSYS};
        for (unsigned i = 0; i < sizeof needed / sizeof needed[0]; i++) {
                if (sigismember(mask, needed[i]) != 0 || !mvs_chain_is_ours(needed[i]))
                        return false;
        }
        return !is_traced() && mvs_dispatch_enrol();
}

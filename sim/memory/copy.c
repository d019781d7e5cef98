/*
 * Copies that survive a page that is not there.
 *
 * A copy puts a fix-up on its stack - the application's range and where to go on - and hangs it on a list of its
 * thread's. A fault of the copying code whose address lies in the range of the newest fix-up is the copy's; the handler
 * jumps back. Where the fault was only the protection of a page that is lent in part, and the byte is a neighbour, the
 * page is opened until the copy is done. A signal handler that interrupts a copy and copies itself puts its own fix-up
 * on top.
 *
 * A signal handler of the application's may jump out of a copy for good. It leaves a fix-up in a frame that is gone,
 * which nobody looks at: the handler does so only when the copying code was interrupted, and then the newest is live.
 */
#include "sim/memory/memory.h"

#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#include "sim/memory/chain.h"

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif

/* Above this address an x86-64 processor raises a general protection fault, which does not say where; of an AArch64
 * processor's fault the kernel tells the address without its highest byte. */
#if defined(__x86_64__)
#define USER_LAST (((uintptr_t)1 << 47) - 1)
#elif defined(__aarch64__)
#define USER_LAST (((uintptr_t)1 << 52) - 1)
#else
#define USER_LAST UINTPTR_MAX
#endif

#define FILL_BLOCK 256

#define OPEN_PAGES 4 /* a range of pages has two that are lent in part, and a copy between such buffers more */

struct fixup {
        uintptr_t start;
        uintptr_t last;
        struct fixup *outer;
        volatile unsigned open_count;
        uintptr_t open[OPEN_PAGES];
        sigjmp_buf resume;
};

/* The copying code has a section of its own, whose bounds the linker provides. */
#define COPY_CODE noinline, section("mvs_copy_code")
extern const char __start_mvs_copy_code[] __attribute__((visibility("hidden")));
extern const char __stop_mvs_copy_code[] __attribute__((visibility("hidden")));

/* Initial-exec: reading it in a signal handler must not allocate. */
static __thread struct fixup *volatile newest_fixup __attribute__((tls_model("initial-exec")));

/* ---- the fault ---- */

/* Back into the copy. A handler that was put over ours, or ThreadSanitizer's, may have been called with signals
 * blocked: the next fault would then end the process. */
static void resume(struct fixup *fixup, const ucontext_t *interrupted)
{
        pthread_sigmask(SIG_SETMASK, &interrupted->uc_sigmask, NULL);
        mvs_guard_leave();
        siglongjmp(fixup->resume, 1);
}

/* Was the copying code interrupted? Where the context cannot be read, say yes and leave it to the range. */
static bool is_copying(const ucontext_t *interrupted)
{
#if defined(__x86_64__)
        uintptr_t at = (uintptr_t)interrupted->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
        uintptr_t at = (uintptr_t)interrupted->uc_mcontext.pc;
#else
        (void)interrupted;
        uintptr_t at = (uintptr_t)__start_mvs_copy_code;
#endif
        return at >= (uintptr_t)__start_mvs_copy_code && at < (uintptr_t)__stop_mvs_copy_code;
}

/* A neighbour of lent bytes: its page is open until the copy ends. */
static bool is_admitted(struct fixup *fixup, const siginfo_t *info)
{
        if (fixup->open_count == OPEN_PAGES)
                return false;
        uintptr_t page;
        if (!mvs_guard_admit((uintptr_t)info->si_addr, &page))
                return false;
        fixup->open[fixup->open_count] = page;
        fixup->open_count++;
        return true;
}

static bool is_in_range(const struct fixup *fixup, const siginfo_t *info)
{
        uintptr_t address = (uintptr_t)info->si_addr;
        return info->si_code > 0 && address >= fixup->start && address <= fixup->last;
}

bool mvs_copy_fault(const siginfo_t *info, void *context)
{
        struct fixup *fixup = newest_fixup;
        if (fixup == NULL || !is_copying(context) || !is_in_range(fixup, info))
                return false;
        if (!is_admitted(fixup, info))
                resume(fixup, context);
        return true;
}

/* ---- the copies ---- */

struct word {
        uint64_t value;
} __attribute__((packed, may_alias));

/* Volatile, lest the compiler make a call of memcpy of it, which a sanitizer would check. */
#ifdef THREAD_SANITIZER
/* Instrumented, so that a thread that changes a buffer during a call is reported. */
__attribute__((COPY_CODE)) static void copy_bytes(void *destination, const void *source, size_t len)
{
        volatile char *to = destination;
        const volatile char *from = source;
        for (; len > 0; len--)
                *to++ = *from++;
}
#else
__attribute__((COPY_CODE, no_sanitize("address", "undefined"))) static void copy_bytes(void *destination,
                                                                                       const void *source, size_t len)
{
        volatile struct word *to = destination;
        const volatile struct word *from = source;
        for (; len >= sizeof *to; len -= sizeof *to)
                (to++)->value = (from++)->value;
        volatile char *to_byte = (volatile char *)to;
        const volatile char *from_byte = (const volatile char *)from;
        for (; len > 0; len--)
                *to_byte++ = *from_byte++;
}
#endif

static void finish(struct fixup *fixup)
{
        newest_fixup = fixup->outer;
        for (unsigned i = 0; i < fixup->open_count; i++)
                mvs_guard_copied(fixup->open[i]);
}

/* `app` is the one of the two that is the application's. */
static bool copy(void *destination, const void *source, size_t len, uintptr_t app)
{
        if (len == 0)
                return true;
        struct fixup fixup;
        fixup.start = app;
        fixup.last = app + (len - 1);
        fixup.outer = newest_fixup;
        fixup.open_count = 0;
        if (fixup.last < app || fixup.last > USER_LAST)
                return false;
        /* Without the mask, which would cost more than the copy: resume() restores it. */
        if (sigsetjmp(fixup.resume, 0) != 0) {
                finish(&fixup);
                return false;
        }
        newest_fixup = &fixup;
        atomic_signal_fence(memory_order_seq_cst);
        copy_bytes(destination, source, len);
        atomic_signal_fence(memory_order_seq_cst);
        finish(&fixup);
        return true;
}

bool mvs_copy_from_app(void *destination, uintptr_t source, size_t len)
{
        return copy(destination, (const void *)source, len, source);
}

bool mvs_copy_to_app(uintptr_t destination, const void *source, size_t len)
{
        return copy((void *)destination, source, len, destination);
}

bool mvs_fill_app(uintptr_t destination, uint8_t value, size_t len)
{
        unsigned char block[FILL_BLOCK];
        memset(block, value, len < sizeof block ? len : sizeof block);
        while (len > 0) {
                size_t n = len < sizeof block ? len : sizeof block;
                if (!mvs_copy_to_app(destination, block, n))
                        return false;
                destination += n;
                len -= n;
        }
        return true;
}

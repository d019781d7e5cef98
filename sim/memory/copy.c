/*
 * Copies that survive a page that is not there.
 *
 * A copy puts a fix-up on its stack - the application's range and where to go on - and hangs it on a list of its
 * thread's. A fault of the copying code whose address lies in the range of the newest fix-up is the copy's; the handler
 * jumps back. Every other fault goes where it would have gone without us, so that the application's handler, the
 * sanitizers' reports, debuggers and core dumps get what is theirs. A signal handler that interrupts a copy and copies
 * itself puts its own fix-up on top.
 *
 * A signal handler of the application's may jump out of a copy for good. It leaves a fix-up in a frame that is gone,
 * which nobody looks at: the handler does so only when the copying code was interrupted, and then the newest is live.
 */
#include "sim/memory/memory.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif

/* Above this address an x86-64 processor raises a general protection fault, which does not say where. */
#if defined(__x86_64__)
#define USER_LAST (((uintptr_t)1 << 47) - 1)
#else
#define USER_LAST UINTPTR_MAX
#endif

#define FILL_BLOCK 256

struct fixup {
        uintptr_t start;
        uintptr_t last;
        struct fixup *outer;
        sigjmp_buf resume;
};

/* The copying code has a section of its own, whose bounds the linker provides. */
#define COPY_CODE noinline, section("mvs_copy_code")
extern const char __start_mvs_copy_code[] __attribute__((visibility("hidden")));
extern const char __stop_mvs_copy_code[] __attribute__((visibility("hidden")));

/* Initial-exec: reading it in a signal handler must not allocate. */
static __thread struct fixup *volatile newest_fixup __attribute__((tls_model("initial-exec")));

/*
 * What our handlers pass foreign faults on to. Global, because a signal's disposition is the process's. Written before
 * our handler is put in place, and while it is not in the chain; read by the handler alone in between.
 */
struct chain {
        int signal;
        bool joined; /* our handler is in place, or some handler put over it may call it */
        struct sigaction previous;
};

static struct chain chains[2] = {{.signal = SIGSEGV}, {.signal = SIGBUS}};

/* ---- the handler ---- */

static bool is_function(const struct sigaction *action)
{
        return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* A fault is taken again when the handler returns, now by the kernel, which ends the process at the right place. What
 * was sent by kill() must be sent once more. */
static void take_default(int signal, bool sent)
{
        struct sigaction action = {.sa_handler = SIG_DFL};
        sigaction(signal, &action, NULL);
        if (sent)
                raise(signal);
}

/* Calls a handler with the signals blocked that the kernel would have blocked; our own return undoes that. */
static void call_previous(struct chain *chain, siginfo_t *info, void *context)
{
        struct sigaction action = chain->previous;
        sigset_t mask = action.sa_mask;
        if ((action.sa_flags & SA_NODEFER) == 0)
                sigaddset(&mask, chain->signal);
        if ((action.sa_flags & (int)SA_RESETHAND) != 0)
                chain->previous = (struct sigaction){.sa_handler = SIG_DFL};
        pthread_sigmask(SIG_BLOCK, &mask, NULL);
        if ((action.sa_flags & SA_SIGINFO) != 0)
                action.sa_sigaction(chain->signal, info, context);
        else
                action.sa_handler(chain->signal);
}

static void pass_on(struct chain *chain, siginfo_t *info, void *context)
{
        bool sent = info->si_code <= 0;
        if (is_function(&chain->previous))
                call_previous(chain, info, context);
        else if (chain->previous.sa_handler == SIG_DFL || !sent) /* a fault cannot be ignored */
                take_default(chain->signal, sent);
}

/* Back into the copy. A handler that was put over ours, or ThreadSanitizer's, may have been called with signals
 * blocked: the next fault would then end the process. */
static void resume(struct fixup *fixup, const ucontext_t *interrupted)
{
        pthread_sigmask(SIG_SETMASK, &interrupted->uc_sigmask, NULL);
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

static bool is_in_range(const struct fixup *fixup, const siginfo_t *info)
{
        uintptr_t address = (uintptr_t)info->si_addr;
        return info->si_code > 0 && address >= fixup->start && address <= fixup->last;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
        struct fixup *fixup = newest_fixup;
        if (fixup != NULL && is_copying(context) && is_in_range(fixup, info))
                resume(fixup, context);
        int saved_errno = errno;
        pass_on(signal == SIGSEGV ? &chains[0] : &chains[1], info, context);
        errno = saved_errno;
}

static bool is_ours(const struct sigaction *action)
{
        return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_fault;
}

/* A function that was put over ours is expected to pass on what it does not know; to put ours over it again would make
 * the two call each other for ever. */
static int join_chain(struct chain *chain)
{
        struct sigaction current;
        if (sigaction(chain->signal, NULL, &current) < 0)
                return -errno;
        if (is_ours(&current) || (chain->joined && is_function(&current)))
                return 0;

        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
        sigemptyset(&action.sa_mask);
        chain->previous = current;
        if (sigaction(chain->signal, &action, NULL) < 0)
                return -errno;
        chain->joined = true;
        return 0;
}

static void leave_chain(struct chain *chain)
{
        struct sigaction current;
        if (!chain->joined || sigaction(chain->signal, NULL, &current) < 0 || !is_ours(&current))
                return;
        if (sigaction(chain->signal, &chain->previous, NULL) == 0)
                chain->joined = false;
}

int mvs_copy_install(void)
{
        int r = join_chain(&chains[0]);
        if (r == 0)
                r = join_chain(&chains[1]);
        if (r < 0)
                mvs_copy_remove();
        return r;
}

void mvs_copy_remove(void)
{
        leave_chain(&chains[1]);
        leave_chain(&chains[0]);
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

/* `app` is the one of the two that is the application's. */
static bool copy(void *destination, const void *source, size_t len, uintptr_t app)
{
        if (len == 0)
                return true;
        struct fixup fixup;
        fixup.start = app;
        fixup.last = app + (len - 1);
        fixup.outer = newest_fixup;
        if (fixup.last < app || fixup.last > USER_LAST)
                return false;
        /* Without the mask, which would cost more than the copy: resume() restores it. */
        if (sigsetjmp(fixup.resume, 0) != 0) {
                newest_fixup = fixup.outer;
                return false;
        }
        newest_fixup = &fixup;
        atomic_signal_fence(memory_order_seq_cst);
        copy_bytes(destination, source, len);
        atomic_signal_fence(memory_order_seq_cst);
        newest_fixup = fixup.outer;
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

/*
 * The chain of fault handlers.
 *
 * A fault that nobody here resolves goes where it would have gone without us, after the report, so that the
 * application's handler, the sanitizers' reports, debuggers and core dumps get what is theirs.
 */
#include "sim/memory/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/memory/cut_file.h"
#include "sim/memory/dispatch.h"
#include "sim/memory/memory.h"
#include "sim/memory/report.h"
#include "sim/memory/step.h"

#define DISPATCHED 2 /* the code of a SIGSYS that syscall user dispatch raised */

/*
 * What our handlers pass foreign faults on to. Global, because a signal's disposition is the process's. Written before
 * our handler is put in place, and while it is not in the chain; read by the handler alone in between.
 */
struct chain {
        int signal;
        bool joined; /* our handler is in place, or some handler put over it may call it */
        struct sigaction previous;
};

static struct chain chains[] = {
        {.signal = SIGSEGV}, {.signal = SIGBUS},  {.signal = SIGILL},
        {.signal = SIGFPE},  {.signal = SIGTRAP}, {.signal = SIGSYS},
};

#define CHAINS (sizeof chains / sizeof chains[0])

static struct chain *chain_of(int signal)
{
        for (unsigned i = 0; i < CHAINS; i++) {
                if (chains[i].signal == signal)
                        return &chains[i];
        }
        return NULL;
}

/* ---- the handler ---- */

static bool is_function(const struct sigaction *action)
{
        return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* A fault is taken again when the handler returns, now by the kernel, which ends the process at the right place. What
 * was sent by kill(), and a trap, which lies behind its instruction, must be sent once more. */
static void take_default(int signal, bool sent)
{
        struct sigaction action = {.sa_handler = SIG_DFL};
        sigaction(signal, &action, NULL);
        if (sent || signal == SIGTRAP)
                raise(signal);
}

void mvs_chain_end(int signal)
{
        sigset_t set;
        take_default(signal, true);
        sigemptyset(&set);
        sigaddset(&set, signal);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        _exit(128 + signal); /* it was sent; this is not reached */
}

/* Calls a handler with the signals blocked that the kernel would have blocked; our own return undoes that. */
static void call_previous(struct chain *chain, siginfo_t *info, void *context)
{
        struct sigaction action = chain->previous;
        const ucontext_t *interrupted = context;
        sigset_t mask;
        sigorset(&mask, &action.sa_mask, &interrupted->uc_sigmask);
        if ((action.sa_flags & SA_NODEFER) == 0)
                sigaddset(&mask, chain->signal);
        if ((action.sa_flags & (int)SA_RESETHAND) != 0)
                chain->previous = (struct sigaction){.sa_handler = SIG_DFL};
        pthread_sigmask(SIG_SETMASK, &mask, NULL);
        mvs_guard_leave(); /* it may jump out */
        if ((action.sa_flags & SA_SIGINFO) != 0)
                action.sa_sigaction(chain->signal, info, context);
        else
                action.sa_handler(chain->signal);
        mvs_guard_enter();
}

static void pass_on(struct chain *chain, siginfo_t *info, void *context)
{
        bool sent = info->si_code <= 0;
        if (is_function(&chain->previous))
                call_previous(chain, info, context);
        else if (chain->previous.sa_handler == SIG_DFL || !sent) /* a fault cannot be ignored */
                take_default(chain->signal, sent);
}

/* The end of a step. An instruction that reached into lent bytes has run already: what is left is to end. */
static bool ends_step(void *context)
{
        uintptr_t changed;
        if (!mvs_guard_trap(context, &changed))
                return false;
        if (changed != 0) {
                mvs_report_reached(changed, context);
                mvs_chain_end(SIGSEGV);
        }
        return true;
}

/* A system call of the host's beside lent memory. */
static bool starts_call(const siginfo_t *info, void *context)
{
        if (info->si_code != DISPATCHED || !mvs_dispatch_is_enrolled())
                return false;
        mvs_guard_call(context);
        return true;
}

static bool is_resolved(int signal, const siginfo_t *info, void *context)
{
        if (signal == SIGTRAP)
                return ends_step(context);
        if (signal == SIGSYS)
                return starts_call(info, context);
        if (signal != SIGSEGV && signal != SIGBUS)
                return false;
        return mvs_copy_fault(info, context) || (signal == SIGBUS && mvs_cut_file_fault((uintptr_t)info->si_addr)) ||
               (signal == SIGSEGV && mvs_guard_fault((uintptr_t)info->si_addr, context) == MVS_GUARD_RESOLVED);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
        int saved_errno = errno;
        bool sent = info->si_code <= 0;
        mvs_guard_enter();
        if (sent || !is_resolved(signal, info, context)) {
                if (!sent)
                        mvs_report_fault(signal, info, context);
                pass_on(chain_of(signal), info, context);
        }
        errno = saved_errno;
        mvs_guard_leave();
}

/* ---- joining and leaving ---- */

static bool is_our_action(const struct sigaction *action)
{
        return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_fault;
}

bool mvs_chain_is_ours(int signal)
{
        struct sigaction current;
        return sigaction(signal, NULL, &current) == 0 && is_our_action(&current);
}

/* A function that was put over ours is expected to pass on what it does not know; to put ours over it again would make
 * the two call each other for ever. */
static int join_chain(struct chain *chain)
{
        struct sigaction current;
        if (sigaction(chain->signal, NULL, &current) < 0)
                return -errno;
        if (is_our_action(&current) || (chain->joined && is_function(&current)))
                return 0;

        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
        mvs_step_mask(&action.sa_mask);
        chain->previous = current;
        if (sigaction(chain->signal, &action, NULL) < 0)
                return -errno;
        mvs_dispatch_set_return(chain->signal);
        chain->joined = true;
        return 0;
}

static void leave_chain(struct chain *chain)
{
        struct sigaction current;
        if (!chain->joined || sigaction(chain->signal, NULL, &current) < 0 || !is_our_action(&current))
                return;
        if (sigaction(chain->signal, &chain->previous, NULL) == 0)
                chain->joined = false;
}

int mvs_copy_install(void)
{
        int r = 0;
        for (unsigned i = 0; i < CHAINS && r == 0; i++)
                r = join_chain(&chains[i]);
        if (r < 0)
                mvs_copy_remove();
        return r;
}

void mvs_copy_remove(void)
{
        for (unsigned i = CHAINS; i-- > 0;)
                leave_chain(&chains[i]);
}

#include "sim/cpu/preempt.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/backtrace.h"
#include "sim/cpu/threads.h"
#include "sim/cpu/watchdog.h"
#include "sim/machine.h"
#include "sim/thread.h"

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

/* How many times time.spin_ms the application may sleep before virtual time moves on. */
#define SLEEP_SPINS 50U

#if defined(RUNNING_ON_VALGRIND)
#define SLOWNESS (RUNNING_ON_VALGRIND ? 50U : 1U)
#else
#define SLOWNESS 1U
#endif

unsigned mvs_preempt_slowness(void)
{
        return SLOWNESS;
}

/*
 * What the signal handler uses. It is a global because a signal handler has no argument; it is safe because it is one
 * atomic word, set before the signal can be sent and cleared after the last one was taken back.
 */
static struct mvs_machine *_Atomic preempted;

enum {
        BACKTRACE_NONE,
        BACKTRACE_WANTED,
        BACKTRACE_MADE,
};

static void make_backtrace(struct mvs_preempt *preempt)
{
        if (atomic_load(&preempt->backtrace.state) != BACKTRACE_WANTED ||
            !pthread_equal(preempt->backtrace.thread, pthread_self()))
                return;
        preempt->backtrace.count = mvs_backtrace(preempt->backtrace.frames, preempt->backtrace.max);
        atomic_store(&preempt->backtrace.state, BACKTRACE_MADE);
}

static void on_preempt(int number)
{
        (void)number;
        int saved = errno;
        struct mvs_machine *machine = atomic_load(&preempted);
        if (machine) {
                make_backtrace(&machine->preempt);
                atomic_store(&machine->cpu.signalled, false);
                if (atomic_load(&machine->cpu.shield) == 0)
                        mvs_cpu_deliver(machine);
        }
        errno = saved;
}

void mvs_preempt_wake(struct mvs_machine *machine)
{
        if (machine->preempt.running && !atomic_exchange(&machine->preempt.woken, true))
                pthread_kill(machine->preempt.thread, MVS_SIGNAL_WAKE);
}

void mvs_preempt_signal(struct mvs_machine *machine)
{
        if (!atomic_exchange(&machine->cpu.signalled, true))
                kill(getpid(), MVS_SIGNAL_PREEMPT);
}

void mvs_preempt_held(sigset_t *ret_signals)
{
        /* Faults of the thread itself, what a user stops a program with, and interrupts. */
        const int through[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGABRT,           SIGSYS,
                               SIGINT,  SIGTERM, SIGQUIT, SIGTSTP, SIGHUP,  MVS_SIGNAL_PREEMPT};
        sigfillset(ret_signals);
        for (size_t i = 0; i < sizeof through / sizeof through[0]; i++)
                sigdelset(ret_signals, through[i]);
}

bool mvs_preempt_masked(void)
{
        sigset_t mask;
        pthread_sigmask(SIG_BLOCK, NULL, &mask);
        return sigismember(&mask, MVS_SIGNAL_PREEMPT) == 1;
}

/* ---- the IRQ thread ---- */

struct watch {
        uint64_t visits;  /* the processor's count when it was last seen to move */
        uint64_t used_ns; /* processor time of its thread then */
        uint64_t host_ns; /* the host's clock then */
};

static uint64_t processor_time(const struct mvs_cpu *cpu)
{
        struct timespec used;
        if (clock_gettime(cpu->thread_clock, &used) < 0)
                return 0; /* the thread has ended */
        return (uint64_t)used.tv_sec * 1000000000U + (uint64_t)used.tv_nsec;
}

/*
 * A bare spin in virtual time: the application has computed for time.spin_ms without a visit, so the clock moves on to
 * what is next. Its own processor time counts, so that a busy host does not look like a spin; one that sleeps in the
 * host's ways instead uses none, and is given time after a longer while.
 */
static bool has_spun(const struct mvs_machine *machine, const struct watch *watch, uint64_t used_ns, uint64_t host_ns)
{
        uint64_t spin_ns = machine->profile.time.spin_ms * UINT64_C(1000000) * mvs_preempt_slowness();
        if (used_ns >= watch->used_ns + spin_ns)
                return true;
        return host_ns >= watch->host_ns + SLEEP_SPINS * spin_ns && mvs_thread_sleeps(machine->cpu.tid);
}

/* Virtual time: whether the application goes on without coming to the simulator. */
static bool spins(const struct mvs_machine *machine, struct watch *watch)
{
        uint64_t used_ns = processor_time(&machine->cpu);
        uint64_t host_ns = mvs_host_ns();
        uint64_t visits = machine->cpu.visits + atomic_load(&machine->memory.guard.passes);
        bool stands = visits == watch->visits && !machine->cpu.waiting;
        if (stands && !has_spun(machine, watch, used_ns, host_ns))
                return false;
        watch->visits = visits;
        watch->used_ns = used_ns;
        watch->host_ns = host_ns;
        return stands;
}

/* An application that spins is interrupted by what is due; without that, the clock moves to what is next. True when it
 * was moved. */
static bool end_spin(struct mvs_machine *machine)
{
        struct mvs_timeline *timeline = &machine->timeline;
        bool due = atomic_load(&machine->cpu.due);
        bool moves = !due && !mvs_timeline_follows_host(timeline) && mvs_timeline_next(timeline) != MVS_NEVER;
        if (moves) {
                machine->cpu.skipped_us -= mvs_timeline_now(timeline);
                mvs_timeline_jump(timeline, mvs_timeline_next(timeline));
                machine->cpu.skipped_us += mvs_timeline_now(timeline);
        }
        if (moves || (due && !atomic_load(&machine->cpu.signalled)))
                mvs_trace(machine, MVS_EVENT_PREEMPT, MVS_NUMBER("visits", machine->cpu.visits));
        return moves;
}

/* For how long nothing that follows a clock is to be done; MVS_NEVER: until woken. */
static uint64_t idle_ns(struct mvs_machine *machine)
{
        struct mvs_timeline *timeline = &machine->timeline;
        uint64_t spin_ns = machine->profile.time.spin_ms * UINT64_C(1000000);
        bool follows_host = mvs_timeline_follows_host(timeline);
        bool awaits_spin = timeline->mode == MVS_TIME_VIRTUAL && atomic_load(&machine->cpu.due);
        uint64_t next_us = mvs_timeline_next(timeline);
        if (next_us == MVS_NEVER)
                return awaits_spin ? spin_ns : MVS_NEVER;
        if (!follows_host)
                return spin_ns;
        uint64_t host_ns = mvs_host_ns();
        uint64_t due_ns = mvs_timeline_host_ns(timeline, next_us);
        uint64_t ns = due_ns > host_ns ? due_ns - host_ns : 0;
        return awaits_spin && ns > spin_ns ? spin_ns : ns;
}

/* For how long the thread sleeps. Stirred: others have armed something since it looked last. */
static uint64_t sleep_ns(struct mvs_machine *machine, uint64_t watchdog_ns, bool stirred)
{
        struct mvs_timeline *timeline = &machine->timeline;
        bool is_virtual = timeline->mode == MVS_TIME_VIRTUAL;
        uint64_t grain_ns = is_virtual ? machine->profile.time.spin_ms * UINT64_C(1000000) : MVS_TIMELINE_GRAIN_NS;
        uint64_t ns = idle_ns(machine);
        if (ns > watchdog_ns)
                ns = watchdog_ns;
        if (stirred && ns > grain_ns)
                ns = grain_ns;
        timeline->stirred = false;
        timeline->rearm = false;
        timeline->regular = is_virtual && ns <= grain_ns;
        timeline->watched_ns = mvs_host_ns() + ns;
        return ns;
}

/* What a look of the IRQ thread has led to. */
struct finding {
        bool fired;     /* something happened, that a waiting application must see */
        bool interrupt; /* what is due may interrupt the application */
        bool waiting;   /* it waits */
        uint64_t ns;    /* to sleep */
};

/*
 * Lock held: does what is due. Virtual time's events happen where the application's own doing moves the clock, and
 * interrupts come where it comes to the simulator: done here as well, their place would be the host's choice. So in
 * virtual time only an application that spins is interrupted.
 */
static struct finding look(struct mvs_machine *machine, struct watch *watch, struct mvs_watchdog *watchdog)
{
        struct mvs_timeline *timeline = &machine->timeline;
        bool stirred = timeline->stirred;
        struct finding finding = {.interrupt = timeline->mode == MVS_TIME_REAL || spins(machine, watch)};
        bool moved = finding.interrupt && timeline->mode == MVS_TIME_VIRTUAL && end_spin(machine);
        if (moved || mvs_timeline_follows_host(timeline))
                finding.fired = mvs_timeline_run(timeline) > 0;
        finding.ns = sleep_ns(machine, mvs_watchdog_look(machine, watchdog), stirred);
        finding.waiting = machine->cpu.waiting;
        return finding;
}

/* When the lock is free, lest the application run into it. What begins to wait in between looks for itself. */
static void interrupt_application(struct mvs_machine *machine, const struct finding *finding)
{
        if (finding->waiting && finding->fired)
                pthread_cond_signal(&machine->cpu.changed);
        else if (finding->interrupt && atomic_load(&machine->cpu.due) && atomic_load(&machine->cpu.shield) == 0)
                mvs_preempt_signal(machine);
}

static void sleep_for(const sigset_t *wake, uint64_t ns)
{
        struct timespec span = {.tv_sec = (time_t)(ns / 1000000000U), .tv_nsec = (long)(ns % 1000000000U)};
        sigtimedwait(wake, NULL, &span);
}

static void *irq_thread(void *argument)
{
        struct mvs_machine *machine = argument;
        sigset_t wake;
        sigemptyset(&wake);
        sigaddset(&wake, MVS_SIGNAL_WAKE);
        struct watch watch = {.visits = UINT64_MAX};
        struct mvs_watchdog watchdog = {.fast = {.serial = 0}};
        for (;;) {
                atomic_store(&machine->preempt.woken, false); /* before anything is looked at that somebody wakes for */
                if (atomic_load(&machine->preempt.stop))
                        return NULL;
                mvs_machine_lock(machine);
                struct finding finding = look(machine, &watch, &watchdog);
                mvs_machine_unlock(machine);
                interrupt_application(machine, &finding);
                sleep_for(&wake, finding.ns);
        }
}

unsigned mvs_preempt_backtrace(struct mvs_machine *machine, pthread_t thread, uintptr_t *ret_frames, unsigned max)
{
        struct mvs_preempt *preempt = &machine->preempt;
        const struct timespec moment = {.tv_nsec = 1000000};
        preempt->backtrace.thread = thread;
        preempt->backtrace.frames = ret_frames;
        preempt->backtrace.max = max;
        atomic_store(&preempt->backtrace.state, BACKTRACE_WANTED);
        pthread_kill(thread, MVS_SIGNAL_PREEMPT);
        for (int tries = 0; tries < 1000 && atomic_load(&preempt->backtrace.state) != BACKTRACE_MADE; tries++)
                nanosleep(&moment, NULL);
        return atomic_load(&preempt->backtrace.state) == BACKTRACE_MADE ? preempt->backtrace.count : 0;
}

static int start_thread(struct mvs_machine *machine)
{
        int result = mvs_thread_start(&machine->preempt.thread, MVS_THREAD_PREFIX "irq", irq_thread, machine);
        machine->preempt.running = result == 0;
        return result;
}

static bool is_ours(const struct sigaction *action)
{
        return action->sa_handler == on_preempt;
}

int mvs_preempt_start(struct mvs_machine *machine)
{
        struct mvs_preempt *preempt = &machine->preempt;
        /* No deferral: a more urgent interrupt interrupts the handler of a less urgent one. */
        struct sigaction action = {.sa_handler = on_preempt, .sa_flags = SA_NODEFER | SA_RESTART};
        mvs_preempt_held(&action.sa_mask);
        atomic_store(&preempted, machine);
        if (sigaction(MVS_SIGNAL_PREEMPT, &action, &preempt->previous) < 0)
                return -errno;
        if (is_ours(&preempt->previous)) /* after a fork, the parent's */
                preempt->previous = (struct sigaction){.sa_handler = SIG_DFL};
        int result = start_thread(machine);
        if (result < 0) {
                sigaction(MVS_SIGNAL_PREEMPT, &preempt->previous, NULL);
                atomic_store(&preempted, NULL);
        }
        return result;
}

/* Takes back a signal that was sent and that the application has masked, so that it does not find a default action. */
static void take_back_signal(void)
{
        sigset_t set, before;
        const struct timespec at_once = {0};
        sigemptyset(&set);
        sigaddset(&set, MVS_SIGNAL_PREEMPT);
        pthread_sigmask(SIG_BLOCK, &set, &before);
        while (sigtimedwait(&set, NULL, &at_once) > 0)
                continue;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void mvs_preempt_stop(struct mvs_machine *machine)
{
        struct mvs_preempt *preempt = &machine->preempt;
        if (!preempt->running)
                return;
        atomic_store(&preempt->stop, true);
        mvs_preempt_wake(machine);
        pthread_join(preempt->thread, NULL);
        preempt->running = false;
        atomic_store(&preempted, NULL);
        take_back_signal();
        sigaction(MVS_SIGNAL_PREEMPT, &preempt->previous, NULL);
}

#include "sim/cpu/preempt.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/machine.h"
#include "sim/thread.h"

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

/* How many times time.spin_ms the application may sleep before virtual time moves on. */
#define SLEEP_SPINS 50U

/* Under valgrind code takes so many times longer; what is no spin elsewhere is none there. */
#if defined(RUNNING_ON_VALGRIND)
#define SLOWNESS (RUNNING_ON_VALGRIND ? 50U : 1U)
#else
#define SLOWNESS 1U
#endif

/*
 * What the signal handler uses. It is a global because a signal handler has no argument; it is safe because it is one
 * atomic word, set before the signal can be sent and cleared after the last one was taken back.
 */
static struct mvs_machine *_Atomic preempted;

static void on_preempt(int number)
{
        (void)number;
        int saved = errno;
        struct mvs_machine *machine = atomic_load(&preempted);
        if (machine) {
                atomic_store(&machine->cpu.signalled, false);
                if (atomic_load(&machine->cpu.shield) == 0)
                        mvs_cpu_deliver(machine);
        }
        errno = saved;
}

void mvs_preempt_wake(struct mvs_machine *machine)
{
        if (machine->preempt.running)
                pthread_kill(machine->preempt.thread, MVS_SIGNAL_WAKE);
}

void mvs_preempt_signal(struct mvs_machine *machine)
{
        if (!atomic_exchange(&machine->cpu.signalled, true))
                kill(getpid(), MVS_SIGNAL_PREEMPT);
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
        uint64_t spin_ns = machine->profile.time.spin_ms * UINT64_C(1000000) * SLOWNESS;
        return used_ns >= watch->used_ns + spin_ns || host_ns >= watch->host_ns + SLEEP_SPINS * spin_ns;
}

static void end_spin(struct mvs_machine *machine, struct watch *watch)
{
        uint64_t next = mvs_timeline_next(&machine->timeline);
        uint64_t used_ns = processor_time(&machine->cpu);
        uint64_t host_ns = mvs_host_ns();
        if (machine->cpu.visits == watch->visits && !machine->cpu.waiting) {
                if (!has_spun(machine, watch, used_ns, host_ns))
                        return;
                if (next != MVS_NEVER)
                        mvs_timeline_jump(&machine->timeline, next);
        }
        watch->visits = machine->cpu.visits;
        watch->used_ns = used_ns;
        watch->host_ns = host_ns;
}

/* Lock held: does what is due and says for how long to sleep; MVS_NEVER: until woken. */
static uint64_t look(struct mvs_machine *machine, struct watch *watch)
{
        struct mvs_timeline *timeline = &machine->timeline;
        bool follows_host = mvs_timeline_follows_host(timeline);
        if (!follows_host)
                end_spin(machine, watch);
        mvs_timeline_run(timeline);
        timeline->rearm = false;
        timeline->watched_us = mvs_timeline_next(timeline);
        if (timeline->watched_us == MVS_NEVER)
                return MVS_NEVER;
        if (!follows_host) {
                timeline->watched_us = 0; /* it looks at regular times, whatever is armed */
                return machine->profile.time.spin_ms * UINT64_C(1000000);
        }
        uint64_t host_ns = mvs_host_ns();
        uint64_t due_ns = mvs_timeline_host_ns(timeline, timeline->watched_us);
        return due_ns > host_ns ? due_ns - host_ns : 0;
}

/* When the lock is free, lest the application run into it. What begins to wait in between looks for itself. */
static void interrupt_application(struct mvs_machine *machine, bool waiting)
{
        if (waiting)
                pthread_cond_signal(&machine->cpu.changed);
        else if (atomic_load(&machine->cpu.due) && atomic_load(&machine->cpu.shield) == 0)
                mvs_preempt_signal(machine);
}

static void sleep_for(const sigset_t *wake, uint64_t ns)
{
        struct timespec span = {.tv_sec = (time_t)(ns / 1000000000U), .tv_nsec = (long)(ns % 1000000000U)};
        sigtimedwait(wake, NULL, ns == MVS_NEVER ? NULL : &span);
}

static void *irq_thread(void *argument)
{
        struct mvs_machine *machine = argument;
        sigset_t wake;
        sigemptyset(&wake);
        sigaddset(&wake, MVS_SIGNAL_WAKE);
        struct watch watch = {.visits = UINT64_MAX};
        while (!atomic_load(&machine->preempt.stop)) {
                mvs_machine_lock(machine);
                uint64_t ns = look(machine, &watch);
                bool waiting = machine->cpu.waiting;
                mvs_machine_unlock(machine);
                interrupt_application(machine, waiting);
                sleep_for(&wake, ns);
        }
        return NULL;
}

static int start_thread(struct mvs_machine *machine)
{
        int result = mvs_thread_start(&machine->preempt.thread, irq_thread, machine);
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
        sigemptyset(&action.sa_mask);
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

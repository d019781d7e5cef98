#include "sim/cpu/cpu.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sim/cpu/stuck.h"
#include "sim/diag.h"
#include "sim/machine.h"

#define SPIN_US 5U /* to fall asleep and to wake takes longer */

/* Kept out of the way of most calls, which would pay for its frame. */
#define SELDOM __attribute__((noinline))

/* ---- the shield: a futex with the states free, held, held and awaited ---- */

static void shield_wait(atomic_int *shield)
{
        while (atomic_exchange(shield, 2) != 0)
                syscall(SYS_futex, shield, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static bool shield_try(atomic_int *shield)
{
        int expected = 0;
        return atomic_compare_exchange_strong(shield, &expected, 1);
}

static void shield_take(atomic_int *shield)
{
        if (!shield_try(shield))
                shield_wait(shield);
}

static void shield_release(atomic_int *shield)
{
        if (atomic_exchange(shield, 0) == 2)
                syscall(SYS_futex, shield, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- life ---- */

/*
 * IPSR. Where an application has several threads, of which one at a time is the processor, a handler may stand still
 * because its thread was made to wait: what other threads do meanwhile is not done in that handler. Only the thread
 * itself reads and writes it.
 */
static _Thread_local unsigned own_exception __attribute__((tls_model("initial-exec")));

unsigned mvs_cpu_ipsr(void)
{
        return own_exception;
}

static void become_processor(struct mvs_cpu *cpu)
{
        __atomic_store_n(&cpu->thread, pthread_self(), __ATOMIC_RELAXED);
        cpu->tid = gettid();
        pthread_getcpuclockid(cpu->thread, &cpu->thread_clock);
}

/* With or without the lock: what another thread makes of it meanwhile is not this one. */
static bool is_processor(const struct mvs_cpu *cpu)
{
        return pthread_equal(__atomic_load_n(&cpu->thread, __ATOMIC_RELAXED), pthread_self()) != 0;
}

static void follow_thread(struct mvs_cpu *cpu)
{
        if (is_processor(cpu))
                return;
        become_processor(cpu);
        atomic_store(&cpu->several, true);
}

int mvs_cpu_init(struct mvs_cpu *cpu)
{
        pthread_condattr_t attributes;
        int error = pthread_condattr_init(&attributes);
        if (error)
                return -error;
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        error = pthread_cond_init(&cpu->changed, &attributes);
        pthread_condattr_destroy(&attributes);
        become_processor(cpu);
        own_exception = 0; /* in the child of a fork that a handler made */
        return -error;
}

void mvs_cpu_finish(struct mvs_cpu *cpu)
{
        pthread_cond_destroy(&cpu->changed);
}

/* ---- what may run ---- */

/* In virtual time reading costs nothing, and the call that is being made has yet to move the clock. */
uint64_t mvs_cpu_note_now(struct mvs_machine *machine)
{
        uint64_t now = mvs_machine_now(machine);
        if (machine->timeline.mode == MVS_TIME_REAL)
                machine->cpu.noted_us = now;
        return now;
}

static void count_masked(struct mvs_machine *machine)
{
        struct mvs_cpu *cpu = &machine->cpu;
        const struct mvs_nvic *nvic = &machine->nvic;
        bool masked = nvic->primask || nvic->faultmask || nvic->basepri != 0;
        if (masked == cpu->masked)
                return;
        uint64_t now = mvs_machine_now(machine);
        if (masked)
                cpu->masked_since_us = now;
        else
                cpu->masked_us += now - cpu->masked_since_us;
        cpu->masked = masked;
}

void mvs_cpu_update(struct mvs_machine *machine)
{
        count_masked(machine);
        mvs_trace_masks(machine);
        bool due = mvs_nvic_select(&machine->nvic) >= 0 && !mvs_cpu_is_halted(&machine->cpu);
        if (due != atomic_load(&machine->cpu.due)) /* a store costs more than all the rest of this */
                atomic_store(&machine->cpu.due, due);
}

void mvs_cpu_pend(struct mvs_machine *machine, unsigned vector)
{
        mvs_registers_sync(machine, &machine->registers);
        bool first = mvs_nvic_pend(&machine->nvic, vector);
        mvs_trace_vector(machine, first ? MVS_EVENT_PEND : MVS_EVENT_SHADOWED, vector);
        if (first && (machine->cpu.scr & MVS_SCR_SEVONPEND))
                machine->cpu.event = true;
        mvs_cpu_update(machine);
}

void mvs_cpu_set_fast(struct mvs_machine *machine, unsigned irq, bool on)
{
        unsigned vector = irq + MVS_VECTOR_IRQ;
        uint64_t bit = UINT64_C(1) << (vector % 64);
        if (on)
                machine->cpu.fast[vector / 64] |= bit;
        else
                machine->cpu.fast[vector / 64] &= ~bit;
}

bool mvs_cpu_is_fast(const struct mvs_cpu *cpu, unsigned vector)
{
        return (cpu->fast[vector / 64] >> (vector % 64) & 1) != 0;
}

void mvs_cpu_kick(struct mvs_machine *machine)
{
        machine->cpu.kicked = true;
}

void mvs_cpu_wake(struct mvs_machine *machine, bool waiting)
{
        if (waiting)
                pthread_cond_signal(&machine->cpu.changed);
        else
                mvs_preempt_wake(machine);
}

/* ---- into the simulator ---- */

/* What the clock showed before counts for nothing. */
static void take_lock(struct mvs_machine *machine)
{
        pthread_mutex_lock(&machine->lock);
        machine->cpu.noted_us = 0;
}

/* A fast handler that runs inside the secure world comes to the simulator again: the shield is its thread's already. */
static bool is_inside(const struct mvs_cpu *cpu)
{
        return atomic_load_explicit(&cpu->inside, memory_order_relaxed) > 0 && is_processor(cpu);
}

static void take_processor(struct mvs_machine *machine)
{
        shield_take(&machine->cpu.shield);
        take_lock(machine);
        follow_thread(&machine->cpu);
}

static SELDOM void enter_as_one_of_several(struct mvs_machine *machine)
{
        sigset_t held, before;
        mvs_preempt_held(&held);
        pthread_sigmask(SIG_BLOCK, &held, &before);
        take_processor(machine);
        machine->cpu.held = true;
        machine->cpu.before = before;
}

static void enter_from_outside(struct mvs_machine *machine)
{
        struct mvs_cpu *cpu = &machine->cpu;
        if (atomic_load_explicit(&cpu->several, memory_order_relaxed) || !is_processor(cpu)) {
                enter_as_one_of_several(machine);
                return;
        }
        take_processor(machine);
        cpu->held = false;
}

void mvs_cpu_enter(struct mvs_machine *machine)
{
        if (is_inside(&machine->cpu))
                take_lock(machine);
        else
                enter_from_outside(machine);
        mvs_registers_sync(machine, &machine->registers);
}

/* ---- running handlers ---- */

struct frame {
        mvs_handler_fn *handler;
        unsigned vector;
        unsigned interrupted; /* the exception that goes on afterwards; 0: thread mode */
        uint64_t entered_us;
        uint64_t skipped_us; /* by spins, until then */
};

static void push(struct mvs_cpu *cpu, unsigned vector)
{
        follow_thread(cpu);
        cpu->stack[cpu->depth++] =
                (struct mvs_active){vector, cpu->thread, cpu->tid, cpu->thread_clock, ++cpu->entries};
}

/* It need not be the innermost: the threads of two handlers may take turns. */
static void pop(struct mvs_cpu *cpu, unsigned vector)
{
        unsigned at = --cpu->depth;
        while (cpu->stack[at].vector != vector)
                at--;
        memmove(&cpu->stack[at], &cpu->stack[at + 1], (cpu->depth - at) * sizeof cpu->stack[0]);
}

/* An exception without a handler would end in the device's endless default handler. */
static void report_no_handler(struct mvs_cpu *cpu, unsigned vector)
{
        uint64_t bit = UINT64_C(1) << (vector % 64);
        if (cpu->no_handler[vector / 64] & bit)
                return;
        cpu->no_handler[vector / 64] |= bit;
        mvs_diag(MVS_LOG_ERROR,
                 "interrupt %d (%s) is enabled and pending but has no handler: the device would hang in its default "
                 "handler (define void %s_%s(void), in C or as extern \"C\", or use NVIC_SetVector); dropped",
                 (int)vector - MVS_VECTOR_IRQ, mvs_vector_name(vector), mvs_vector_name(vector),
                 vector < MVS_VECTOR_IRQ ? "Handler" : "IRQHandler");
}

/* Lock held. */
static void activate(struct mvs_machine *machine, struct frame *frame)
{
        struct mvs_cpu *cpu = &machine->cpu;
        mvs_nvic_enter(&machine->nvic, frame->vector);
        push(cpu, frame->vector);
        cpu->event = true;
        frame->interrupted = own_exception;
        own_exception = frame->vector;
        frame->entered_us = cpu->noted_us ? cpu->noted_us : mvs_machine_now(machine);
        frame->skipped_us = cpu->skipped_us;
        mvs_trace_vector(machine, MVS_EVENT_ENTER, frame->vector);
        mvs_registers_sync(machine, &machine->registers);
        mvs_cpu_update(machine);
}

static int select_vector(const struct mvs_machine *machine, bool fast)
{
        return fast ? mvs_nvic_select_of(&machine->nvic, machine->cpu.fast) : mvs_nvic_select(&machine->nvic);
}

/* Lock held: enters the most urgent exception, or fast interrupt, if one may be entered. */
static bool begin(struct mvs_machine *machine, struct frame *frame, bool fast)
{
        struct mvs_nvic *nvic = &machine->nvic;
        for (int vector; (vector = select_vector(machine, fast)) >= 0;) {
                frame->vector = (unsigned)vector;
                frame->handler = mvs_nvic_handler(nvic, frame->vector);
                if (frame->handler) {
                        activate(machine, frame);
                        return true;
                }
                report_no_handler(&machine->cpu, frame->vector);
                mvs_nvic_clear(nvic, frame->vector);
        }
        mvs_cpu_update(machine);
        return false;
}

/* Lock held: the handler has returned. */
static void end(struct mvs_machine *machine, const struct frame *frame)
{
        struct mvs_cpu *cpu = &machine->cpu;
        struct mvs_exception *exception = &machine->nvic.exceptions[frame->vector];
        uint64_t us = mvs_machine_now(machine) - frame->entered_us;
        mvs_registers_sync(machine, &machine->registers);
        if (us > exception->longest_us)
                exception->longest_us = us;
        mvs_trace_vector(machine, MVS_EVENT_EXIT, frame->vector);
        pop(cpu, frame->vector);
        cpu->event = true;
        own_exception = frame->interrupted;
        mvs_nvic_return(&machine->nvic, frame->vector);
        if (mvs_cpu_is_fast(cpu, frame->vector))
                cpu->fast_done(cpu->owner, frame->vector - MVS_VECTOR_IRQ, us - (cpu->skipped_us - frame->skipped_us));
        mvs_cpu_update(machine);
}

/* SLEEPONEXIT: thread mode is not returned to while nothing but handlers is to be done. Lock held. */
static void sleep_on_exit(struct mvs_machine *machine)
{
        if (machine->cpu.depth > 0 || !(machine->cpu.scr & MVS_SCR_SLEEPONEXIT))
                return;
        mvs_cpu_wait(machine, MVS_NEVER, mvs_cpu_wakes);
        mvs_cpu_update(machine);
}

static bool run_due(struct mvs_machine *machine, struct frame *entered);

/*
 * Runs the handler that was entered, without shield and lock. True when thread mode goes on after it.
 *
 * The shield is free while a handler runs. Whoever pended something more urgent while it was held for the entry has
 * left that to its holder: so `due` is looked at once more before the handler begins, as a late arrival.
 */
static bool run_entered(struct mvs_machine *machine, const struct frame *frame)
{
        struct mvs_cpu *cpu = &machine->cpu;
        if (atomic_load(&cpu->due))
                run_due(machine, NULL);
        frame->handler();
        shield_take(&cpu->shield);
        take_lock(machine);
        end(machine, frame);
        sleep_on_exit(machine);
        bool to_thread = cpu->depth == 0;
        pthread_mutex_unlock(&machine->lock);
        shield_release(&cpu->shield);
        return to_thread;
}

/* Runs what is due until nothing is, after the handler that was entered already, if one was. True when a handler ran
 * and thread mode goes on after it. */
static bool run_due(struct mvs_machine *machine, struct frame *entered)
{
        struct mvs_cpu *cpu = &machine->cpu;
        bool to_thread = entered && run_entered(machine, entered);
        while (atomic_load(&cpu->due)) {
                struct frame frame;
                if (!shield_try(&cpu->shield))
                        break; /* its holder takes what is due on the way out */
                take_lock(machine);
                bool found = begin(machine, &frame, false);
                pthread_mutex_unlock(&machine->lock);
                shield_release(&cpu->shield);
                if (found)
                        to_thread = run_entered(machine, &frame);
        }
        return to_thread;
}

static void deliver(struct mvs_machine *machine, struct frame *entered)
{
        int saved = errno;
        bool to_thread = run_due(machine, entered);
        if (to_thread && machine->cpu.thread_mode)
                machine->cpu.thread_mode();
        errno = saved;
}

void mvs_cpu_deliver(struct mvs_machine *machine)
{
        deliver(machine, NULL);
}

void mvs_cpu_let_fast_in(struct mvs_machine *machine)
{
        struct mvs_cpu *cpu = &machine->cpu;
        struct frame frame;
        if (!mvs_cpu_any_fast(cpu))
                return;
        cpu->noted_us = 0; /* how long they run is more than a statistic: there is a limit to it */
        while (begin(machine, &frame, true)) {
                atomic_fetch_add(&cpu->inside, 1);
                pthread_mutex_unlock(&machine->lock);
                frame.handler();
                take_lock(machine);
                atomic_fetch_sub(&cpu->inside, 1);
                end(machine, &frame);
        }
}

/* ---- out of the simulator ---- */

static void give_up_lock(struct mvs_machine *machine, bool with_shield)
{
        bool rearm = machine->timeline.rearm;
        machine->timeline.rearm = false;
        pthread_mutex_unlock(&machine->lock);
        if (with_shield)
                shield_release(&machine->cpu.shield);
        if (rearm)
                mvs_preempt_wake(machine);
}

/* Whether the application masks interrupts by their signal. Where signals were held back, it is known how its mask was
 * before. */
static bool masks_signal(const sigset_t *before)
{
        return before ? sigismember(before, MVS_SIGNAL_PREEMPT) == 1 : mvs_preempt_masked();
}

/*
 * What is due already is entered before shield and lock are given up, which spares taking them again; what becomes due
 * until they are, is seen afterwards.
 */
static void leave_due(struct mvs_machine *machine, const sigset_t *before)
{
        struct frame frame;
        int saved = errno;
        bool masked = masks_signal(before);
        bool entered = !masked && begin(machine, &frame, false);
        give_up_lock(machine, true);
        if (!masked)
                deliver(machine, entered ? &frame : NULL);
        else if (atomic_load(&machine->cpu.due))
                mvs_preempt_signal(machine); /* stays pending until the application unmasks it */
        errno = saved;
}

static void leave_outer(struct mvs_machine *machine, const sigset_t *before)
{
        if (atomic_load(&machine->cpu.due)) {
                leave_due(machine, before);
                return;
        }
        give_up_lock(machine, true);
        if (!atomic_load(&machine->cpu.due))
                return;
        if (masks_signal(before))
                mvs_preempt_signal(machine);
        else
                mvs_cpu_deliver(machine);
}

static SELDOM void leave_as_one_of_several(struct mvs_machine *machine)
{
        const sigset_t before = machine->cpu.before;
        leave_outer(machine, &before);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A fast handler goes back into the secure world, which its thread still has. */
static SELDOM void leave_inner(struct mvs_machine *machine)
{
        if (atomic_load(&machine->cpu.due))
                mvs_cpu_let_fast_in(machine);
        give_up_lock(machine, false);
}

void mvs_cpu_leave(struct mvs_machine *machine)
{
        if (is_inside(&machine->cpu))
                leave_inner(machine);
        else if (machine->cpu.held)
                leave_as_one_of_several(machine);
        else
                leave_outer(machine, NULL);
}

/* ---- waiting ---- */

static void sleep_until(struct mvs_machine *machine, uint64_t until_us)
{
        struct mvs_cpu *cpu = &machine->cpu;
        cpu->waiting = true;
        if (until_us == MVS_NEVER) {
                pthread_cond_wait(&cpu->changed, &machine->lock);
        } else {
                uint64_t ns = mvs_timeline_host_ns(&machine->timeline, until_us);
                struct timespec at = {.tv_sec = (time_t)(ns / 1000000000U), .tv_nsec = (long)(ns % 1000000000U)};
                pthread_cond_timedwait(&cpu->changed, &machine->lock, &at);
        }
        cpu->waiting = false;
        cpu->visits++; /* the host's time that it slept is not a spin's */
}

void mvs_cpu_halt(struct mvs_machine *machine)
{
        atomic_store(&machine->cpu.halted, true);
        mvs_systick_stop(machine);
        mvs_cpu_update(machine);
        mvs_cpu_kick(machine);
}

bool mvs_cpu_wakes(const struct mvs_machine *machine)
{
        return mvs_nvic_select_unmasked(&machine->nvic) >= 0 || mvs_cpu_is_halted(&machine->cpu);
}

bool mvs_cpu_has_event(const struct mvs_machine *machine)
{
        return machine->cpu.event || mvs_cpu_may_take(machine);
}

bool mvs_cpu_may_take(const struct mvs_machine *machine)
{
        return mvs_nvic_select(&machine->nvic) >= 0 || mvs_cpu_is_halted(&machine->cpu);
}

bool mvs_cpu_wait(struct mvs_machine *machine, uint64_t until_us, bool (*ended)(const struct mvs_machine *machine))
{
        struct mvs_timeline *timeline = &machine->timeline;
        machine->cpu.visits++;
        for (;;) {
                /* In virtual time this may go round for ever, and only another thread ends it. */
                mvs_machine_yield(machine);
                mvs_timeline_run(timeline);
                machine->cpu.noted_us = 0;
                if (ended(machine))
                        return true;
                uint64_t now = mvs_timeline_now(timeline);
                if (now >= until_us)
                        return false;
                uint64_t next = mvs_timeline_next(timeline);
                if (next > until_us)
                        next = until_us;
                if (!mvs_timeline_follows_host(timeline) && next != MVS_NEVER)
                        mvs_timeline_jump(timeline, next);
                else if (next <= now + SPIN_US)
                        continue;
                else if (next == MVS_NEVER && timeline->outside == 0 && timeline->listening == 0)
                        mvs_cpu_stuck(machine);
                else
                        sleep_until(machine, next);
        }
}

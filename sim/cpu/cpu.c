#include "sim/cpu/cpu.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sim/diag.h"
#include "sim/machine.h"

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

static void become_processor(struct mvs_cpu *cpu)
{
        cpu->thread = pthread_self();
        pthread_getcpuclockid(cpu->thread, &cpu->thread_clock);
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
        return -error;
}

void mvs_cpu_finish(struct mvs_cpu *cpu)
{
        pthread_cond_destroy(&cpu->changed);
}

/* ---- which handler may run ---- */

/* The execution priority without PRIMASK: that of the handler that runs, or of a thread. */
static unsigned active_priority(const struct mvs_machine *machine)
{
        const struct mvs_cpu *cpu = &machine->cpu;
        if (cpu->depth == 0)
                return MVS_PRIORITY_THREAD;
        return machine->nvic.lines[cpu->stack[cpu->depth - 1]].priority;
}

static int select_line(const struct mvs_machine *machine)
{
        if (machine->cpu.primask)
                return -1;
        return mvs_nvic_select(&machine->nvic, active_priority(machine));
}

void mvs_cpu_update(struct mvs_machine *machine)
{
        atomic_store(&machine->cpu.due, select_line(machine) >= 0);
}

void mvs_cpu_pend(struct mvs_machine *machine, unsigned irq)
{
        mvs_nvic_pend(&machine->nvic, irq);
        mvs_cpu_update(machine);
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

/* ---- into the simulator and out ---- */

void mvs_cpu_enter(struct mvs_machine *machine)
{
        shield_take(&machine->cpu.shield);
        pthread_mutex_lock(&machine->lock);
        if (!pthread_equal(machine->cpu.thread, pthread_self()))
                become_processor(&machine->cpu);
        machine->cpu.visits++;
}

void mvs_cpu_leave(struct mvs_machine *machine)
{
        bool rearm = machine->timeline.rearm;
        machine->timeline.rearm = false;
        pthread_mutex_unlock(&machine->lock);
        shield_release(&machine->cpu.shield);
        if (rearm)
                mvs_preempt_wake(machine);
        if (!atomic_load(&machine->cpu.due))
                return;
        if (mvs_preempt_masked())
                mvs_preempt_signal(machine); /* stays pending until the application unmasks it */
        else
                mvs_cpu_deliver(machine);
}

/* ---- running handlers ---- */

/* A line without a handler would end in the device's endless default handler. */
static void report_no_handler(struct mvs_cpu *cpu, unsigned irq)
{
        uint64_t bit = UINT64_C(1) << (irq % 64);
        if (cpu->no_handler[irq / 64] & bit)
                return;
        cpu->no_handler[irq / 64] |= bit;
        mvs_diag(MVS_LOG_ERROR,
                 "interrupt %u (%s) is enabled and pending but has no handler: the device would hang in its default "
                 "handler (define void %s_IRQHandler(void), in C or as extern \"C\", or use NVIC_SetVector); dropped",
                 irq, mvs_irq_name(irq), mvs_irq_name(irq));
}

/* Shield and lock held: enters the most urgent line, if one may be. Returns its handler, NULL when none is due. */
static mvs_handler_fn *activate(struct mvs_machine *machine, unsigned *ret_irq)
{
        struct mvs_cpu *cpu = &machine->cpu;
        for (int irq; (irq = select_line(machine)) >= 0;) {
                mvs_handler_fn *handler = mvs_nvic_handler(&machine->nvic, (unsigned)irq);
                if (!handler) {
                        report_no_handler(cpu, (unsigned)irq);
                        mvs_nvic_clear(&machine->nvic, (unsigned)irq);
                        continue;
                }
                mvs_nvic_enter(&machine->nvic, (unsigned)irq);
                cpu->stack[cpu->depth++] = (uint8_t)irq;
                atomic_store(&cpu->ipsr, (unsigned)irq + MVS_IPSR_FIRST_IRQ);
                *ret_irq = (unsigned)irq;
                mvs_cpu_update(machine);
                return handler;
        }
        mvs_cpu_update(machine);
        return NULL;
}

static void deactivate(struct mvs_machine *machine, unsigned irq)
{
        struct mvs_cpu *cpu = &machine->cpu;
        cpu->depth--;
        atomic_store(&cpu->ipsr, cpu->depth ? cpu->stack[cpu->depth - 1] + (unsigned)MVS_IPSR_FIRST_IRQ : 0U);
        mvs_nvic_return(&machine->nvic, irq);
        mvs_cpu_update(machine);
}

void mvs_cpu_deliver(struct mvs_machine *machine)
{
        struct mvs_cpu *cpu = &machine->cpu;
        while (atomic_load(&cpu->due)) {
                if (!shield_try(&cpu->shield))
                        return; /* its holder takes what is due on the way out */
                unsigned irq = 0;
                pthread_mutex_lock(&machine->lock);
                mvs_handler_fn *handler = activate(machine, &irq);
                pthread_mutex_unlock(&machine->lock);
                shield_release(&cpu->shield);
                if (!handler)
                        continue;
                handler();
                shield_take(&cpu->shield);
                pthread_mutex_lock(&machine->lock);
                deactivate(machine, irq);
                pthread_mutex_unlock(&machine->lock);
                shield_release(&cpu->shield);
        }
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
}

bool mvs_cpu_wakes(const struct mvs_machine *machine)
{
        return mvs_nvic_select(&machine->nvic, active_priority(machine)) >= 0;
}

bool mvs_cpu_may_take(const struct mvs_machine *machine)
{
        return select_line(machine) >= 0;
}

bool mvs_cpu_wait(struct mvs_machine *machine, uint64_t until_us, bool (*ended)(const struct mvs_machine *machine))
{
        struct mvs_timeline *timeline = &machine->timeline;
        for (;;) {
                /* In virtual time this may go round for ever, and only another thread ends it. */
                mvs_machine_yield(machine);
                mvs_timeline_run(timeline);
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
                else
                        sleep_until(machine, next);
        }
}

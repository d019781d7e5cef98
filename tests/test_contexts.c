/*
 * An RTOS on the simulated processor: tasks are user contexts, SysTick is the tick, PendSV chooses the next task, and
 * the switch happens where the last handler has returned (mvsim_cpu_on_thread_mode). In virtual time what happens, and
 * in which order, is the same every time.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

#include "mvsim/cortex.h"
#include "stm32u5xx.h"

#include "lib/device.h"
#include "suite.h"

/* ---- the port ---- */

#define TASKS      4 /* the last one is the idle task */
#define IDLE       (TASKS - 1)
#define STACK_SIZE 65536
#define QUEUE_SIZE 2
#define TICK_HZ    1000

struct task {
        ucontext_t context;
        void (*run)(void);
        unsigned wakes_at;     /* a tick; 0: does not sleep */
        const void *waits_for; /* NULL: does not */
        bool exists;
};

static struct task tasks[TASKS];
static uint8_t stacks[TASKS][STACK_SIZE] __attribute__((aligned(16)));
static ucontext_t main_context;
static volatile unsigned current, next, tick, switches;
static volatile bool ends;

static char story[4096];

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
        size_t len = strlen(story);
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(story + len, sizeof story - len, format, arguments);
        va_end(arguments);
}

static bool is_ready(const struct task *task)
{
        return task->exists && task->wakes_at == 0 && !task->waits_for;
}

/* Round robin; the idle task when no other is ready. */
static unsigned choose(void)
{
        for (unsigned i = 1; i <= TASKS; i++) {
                unsigned candidate = (current + i) % TASKS;
                if (candidate != IDLE && is_ready(&tasks[candidate]))
                        return candidate;
        }
        return IDLE;
}

static volatile uint32_t ipsr_in_systick, ipsr_in_pendsv;

void SysTick_Handler(void);
void SysTick_Handler(void)
{
        ipsr_in_systick = __get_IPSR();
        tick++;
        for (unsigned i = 0; i < TASKS; i++) {
                if (tasks[i].wakes_at && tasks[i].wakes_at <= tick)
                        tasks[i].wakes_at = 0;
        }
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
}

void PendSV_Handler(void);
void PendSV_Handler(void)
{
        ipsr_in_pendsv = __get_IPSR();
        next = choose();
}

/* Interrupts are masked from the choice to the switch, and unmasked by whom was switched to. */
static void switch_task(void)
{
        __disable_irq();
        unsigned from = current;
        unsigned to = next;
        if (ends) {
                ends = false;
                current = TASKS;
                swapcontext(&tasks[from].context, &main_context);
        } else if (to != from) {
                current = to;
                switches++;
                swapcontext(&tasks[from].context, &tasks[to].context);
        }
        __enable_irq();
}

static void begin_task(void)
{
        __enable_irq();
        tasks[current].run();
        abort(); /* tasks do not return */
}

static void yield(void)
{
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
        __DSB();
        __ISB();
}

static void add_task(unsigned number, void (*run)(void))
{
        struct task *task = &tasks[number];
        *task = (struct task){.run = run, .exists = true};
        getcontext(&task->context);
#ifdef VALGRIND_STACK_REGISTER
        (void)VALGRIND_STACK_REGISTER(stacks[number], stacks[number] + STACK_SIZE);
#endif
        task->context.uc_stack.ss_sp = stacks[number];
        task->context.uc_stack.ss_size = STACK_SIZE;
        makecontext(&task->context, begin_task, 0);
}

static void idle(void)
{
        for (;;)
                __WFI();
}

/* Runs the tasks until one ends it all. */
static void run_tasks(void)
{
        uint32_t hclk = 0;
        story[0] = '\0';
        tick = switches = 0;
        current = next = 0;
        ends = false;
        add_task(IDLE, idle);
        mvsim_cpu_on_thread_mode(switch_task);
        NVIC_SetPriority(PendSV_IRQn, 15);
        expect_okay(mvGetHClk(&hclk));
        __disable_irq();
        ck_assert_uint_eq(SysTick_Config(hclk / TICK_HZ), 0);
        swapcontext(&main_context, &tasks[0].context);
        mvsim_systick_stop();
        mvsim_cpu_on_thread_mode(NULL);
        __enable_irq();
}

static void end_all(void)
{
        ends = true;
        yield();
}

static void sleep_ticks(unsigned count)
{
        tasks[current].wakes_at = tick + count;
        yield();
}

/* ---- a queue ---- */

static struct {
        int items[QUEUE_SIZE];
        unsigned count;
} queue;

static void wait_for(const void *what)
{
        tasks[current].waits_for = what;
        __enable_irq();
        yield();
        __disable_irq();
}

/* In handlers too. */
static void wake_all(const void *what)
{
        for (unsigned i = 0; i < TASKS; i++) {
                if (tasks[i].waits_for == what)
                        tasks[i].waits_for = NULL;
        }
        yield();
}

static void send(int item)
{
        __disable_irq();
        while (queue.count == QUEUE_SIZE)
                wait_for(&queue.items);
        queue.items[queue.count++] = item;
        wake_all(&queue.count);
        __enable_irq();
}

static int receive(void)
{
        __disable_irq();
        while (queue.count == 0)
                wait_for(&queue.count);
        int item = queue.items[0];
        memmove(queue.items, queue.items + 1, --queue.count * sizeof queue.items[0]);
        wake_all(&queue.items);
        __enable_irq();
        return item;
}

/* ---- round robin ---- */

static void turns(void)
{
        for (unsigned round = 0; round < 3; round++) {
                tell("%u%c ", round, 'a' + (int)current);
                yield();
        }
        if (current == 0)
                end_all();
        for (;;)
                yield();
}

static void boot(void)
{
        memset(tasks, 0, sizeof tasks);
        queue.count = 0;
        mvt_device_boot(NULL);
}

START_TEST(tasks_that_yield_take_turns)
{
        for (unsigned i = 0; i < IDLE; i++)
                add_task(i, turns);
        run_tasks();
        ck_assert_str_eq(story, "0a 0b 0c 1a 1b 1c 2a 2b 2c ");
        ck_assert_uint_eq(ipsr_in_pendsv, 14);
        ck_assert_uint_eq(__get_IPSR(), 0);
}
END_TEST

/* Each waits for a millisecond and a half to pass, by calls, without ever yielding: the tick takes the processor away.
 */
static void work(void)
{
        uint64_t start, now;
        for (unsigned round = 0; round < 2; round++) {
                for (mvGetMicroseconds(&start), now = start; now - start < 1500;)
                        mvGetMicroseconds(&now);
                tell("%u%c@%u ", round, 'a' + (int)current, tick);
        }
        if (current == 2)
                end_all();
        sleep_ticks(1000);
}

START_TEST(tick_takes_the_processor_away)
{
        for (unsigned i = 0; i < IDLE; i++)
                add_task(i, work);
        run_tasks();
        ck_assert_str_eq(story, "0a@3 0b@4 0c@5 1a@6 1b@6 1c@6 ");
        ck_assert_uint_eq(ipsr_in_systick, 15);
        ck_assert_uint_eq(switches, 8);
}
END_TEST

/* ---- blocking ---- */

static void produce(void)
{
        for (int item = 1; item <= 6; item++) {
                tell("+%d@%u ", item, tick);
                send(item);
        }
        sleep_ticks(1000);
}

static void consume(void)
{
        for (int count = 0; count < 3; count++) {
                int item = receive();
                tell("%c%d@%u ", 'a' + (int)current, item, tick);
                sleep_ticks(10);
        }
        if (current == 2)
                end_all();
        sleep_ticks(1000);
}

START_TEST(queue_blocks_and_wakes_in_a_fixed_order)
{
        add_task(0, produce);
        add_task(1, consume);
        add_task(2, consume);
        run_tasks();
        ck_assert_str_eq(story, "+1@0 +2@0 b1@0 +3@0 c2@0 +4@0 +5@0 b3@10 c4@10 +6@10 b5@20 c6@20 ");
        ck_assert_uint_ge(mvsim_now_us(), 30000);
}
END_TEST

/* ---- handlers and tasks ---- */

static volatile uint32_t ipsr_in_task, ipsr_in_tim2;
static volatile bool yielded_inside;

void TIM2_IRQHandler(void);
void TIM2_IRQHandler(void)
{
        ipsr_in_tim2 = __get_IPSR();
        unsigned before = switches;
        queue.items[queue.count++] = 42;
        wake_all(&queue.count);
        yielded_inside = switches != before;
}

static void be_told(void)
{
        int item = receive();
        tell("%d@%u ", item, tick);
        ipsr_in_task = __get_IPSR();
        end_all();
        sleep_ticks(1000);
}

/* A yield asked for in a handler happens when the handler has ended. */
START_TEST(handler_wakes_a_task_when_it_has_ended)
{
        add_task(0, be_told);
        ipsr_in_task = 99;
        NVIC_SetPriority(TIM2_IRQn, 5);
        NVIC_EnableIRQ(TIM2_IRQn);
        ck_assert_int_eq(mvsim_pend_irq(TIM2_IRQn, 7500), 0);
        run_tasks();
        ck_assert_str_eq(story, "42@7 ");
        ck_assert(!yielded_inside);
        ck_assert_uint_eq(ipsr_in_tim2, 16 + TIM2_IRQn);
        ck_assert_uint_eq(ipsr_in_task, 0);
}
END_TEST

/* Tasks that make system calls are switched inside them, on the way out, and each comes back with its own result. */
static void call_much(void)
{
        uint64_t before = 0, now = 0;
        for (unsigned i = 0; i < 5000; i++) {
                if (mvGetMicroseconds(&now) != MV_STATUS_OKAY || now <= before ||
                    mvGetMicroseconds(NULL) != MV_STATUS_PARAMETERFAULT)
                        abort();
                before = now;
        }
        tell("%c", 'a' + (int)current);
        if (current == 2)
                end_all();
        sleep_ticks(1000);
}

START_TEST(tasks_are_switched_inside_system_calls)
{
        for (unsigned i = 0; i < IDLE; i++)
                add_task(i, call_much);
        run_tasks();
        ck_assert_str_eq(story, "abc");
        ck_assert_uint_ge(switches, 40);
}
END_TEST

START_TEST(a_long_run_is_the_same_each_time)
{
        static char first[sizeof story];
        for (unsigned run = 0; run < 3; run++) {
                memset(tasks, 0, sizeof tasks);
                queue.count = 0;
                add_task(0, produce);
                add_task(1, consume);
                add_task(2, consume);
                if (run > 0) {
                        mvsim_shutdown();
                        mvt_device_boot(NULL);
                }
                run_tasks();
                tell("%u %u", switches, (unsigned)mvsim_now_us());
                if (run == 0)
                        memcpy(first, story, strlen(story) + 1);
                ck_assert_str_eq(story, first);
        }
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("contexts");
        TCase *tests = tcase_create("contexts");
        tcase_add_checked_fixture(tests, boot, mvt_device_end);
        tcase_set_timeout(tests, 30);
        tcase_add_test(tests, tasks_that_yield_take_turns);
        tcase_add_test(tests, tick_takes_the_processor_away);
        tcase_add_test(tests, queue_blocks_and_wakes_in_a_fixed_order);
        tcase_add_test(tests, handler_wakes_a_task_when_it_has_ended);
        tcase_add_test(tests, tasks_are_switched_inside_system_calls);
        tcase_add_test(tests, a_long_run_is_the_same_each_time);
        suite_add_tcase(suite, tests);
        return suite;
}

/*
 * An interrupt that becomes pending while the processor is on its way into another one's handler: the more urgent runs
 * first (a late arrival, in the architecture's words).
 *
 * Whoever pends it then finds the shield held, and leaves it to whoever holds it. The event log tells of the entry
 * from inside: there, another thread is given the lock that the entry would have given up a moment later.
 */
#include <pthread.h>
#include <string.h>

#include "stm32u5xx.h"

#include "lib/device.h"
#include "lib/handlers.h"
#include "src/device.h"
#include "suite.h"

/* What comes while the handler of `entered` is being entered. */
struct arrival {
        IRQn_Type entered;
        IRQn_Type late;
        bool has_come;
};

static struct arrival arrivals[2];
static bool was_shielded;

static void *pend_from_outside(void *argument)
{
        const struct arrival *arrival = argument;
        int result = mvsim_pend_irq((unsigned)arrival->late, 0);
        return result == 0 ? NULL : argument;
}

static void let_arrive(struct arrival *arrival)
{
        struct mvs_machine *machine = &mvs_device_if_running()->machine;
        pthread_t thread;
        void *failed;
        arrival->has_come = true;
        was_shielded = was_shielded && atomic_load(&machine->cpu.shield) != 0;
        pthread_mutex_unlock(&machine->lock);
        ck_assert_int_eq(pthread_create(&thread, NULL, pend_from_outside, arrival), 0);
        ck_assert_int_eq(pthread_join(thread, &failed), 0);
        ck_assert_ptr_null(failed);
        pthread_mutex_lock(&machine->lock);
}

static bool is_entry(const struct mvs_event *event, const struct arrival *arrival)
{
        return event->kind == MVS_EVENT_ENTER && event->fields[0].number == (uint64_t)arrival->entered;
}

static void watch(struct mvs_trace_sink *sink, const struct mvs_event *event)
{
        (void)sink;
        for (unsigned i = 0; i < sizeof arrivals / sizeof arrivals[0]; i++) {
                if (!arrivals[i].has_come && is_entry(event, &arrivals[i]))
                        let_arrive(&arrivals[i]);
        }
}

static void keep(struct mvs_trace_sink *sink)
{
        (void)sink;
}

/* The time is virtual: nothing but the entry itself can let in what has come. */
static void set_up(void)
{
        static struct mvs_trace_sink sink = {.write = watch, .destroy = keep};
        mvt_handlers_reset();
        mvt_device_boot(NULL);
        mvs_device_if_running()->machine.trace.sink = &sink;
        memset(arrivals, 0, sizeof arrivals);
        for (unsigned i = 0; i < sizeof arrivals / sizeof arrivals[0]; i++)
                arrivals[i].has_come = true;
        was_shielded = true;
        mvt_enable(A, 1);
        mvt_enable(B, 2);
        mvt_enable(C, 3);
}

static void tear_down(void)
{
        mvs_device_if_running()->machine.trace.sink = NULL;
        mvt_device_end();
}

START_TEST(more_urgent_interrupt_that_comes_during_the_entry_runs_first)
{
        arrivals[0] = (struct arrival){.entered = C, .late = A};
        NVIC_SetPendingIRQ(C);
        ck_assert(arrivals[0].has_come && was_shielded);
        expect_order("A()C()");
}
END_TEST

START_TEST(less_urgent_interrupt_that_comes_during_the_entry_waits)
{
        arrivals[0] = (struct arrival){.entered = A, .late = C};
        NVIC_SetPendingIRQ(A);
        ck_assert(arrivals[0].has_come && was_shielded);
        expect_order("A()C()");
}
END_TEST

START_TEST(late_arrival_may_itself_be_overtaken)
{
        arrivals[0] = (struct arrival){.entered = C, .late = B};
        arrivals[1] = (struct arrival){.entered = B, .late = A};
        NVIC_SetPendingIRQ(C);
        ck_assert(arrivals[0].has_come && arrivals[1].has_come && was_shielded);
        expect_order("A()B()C()");
}
END_TEST

static void pend_b(void)
{
        NVIC_SetPendingIRQ(B);
        mvt_note('.');
}

START_TEST(late_arrival_comes_before_the_handler_that_interrupts_another)
{
        arrivals[0] = (struct arrival){.entered = B, .late = A};
        mvt_in_c = pend_b;
        NVIC_SetPendingIRQ(C);
        ck_assert(arrivals[0].has_come && was_shielded);
        expect_order("C(A()B().)");
}
END_TEST

START_TEST(late_arrival_is_taken_when_the_masks_are_lifted)
{
        arrivals[0] = (struct arrival){.entered = C, .late = A};
        __disable_irq();
        NVIC_SetPendingIRQ(C);
        expect_order("");
        __enable_irq();
        ck_assert(arrivals[0].has_come && was_shielded);
        expect_order("A()C()");
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("late_arrival");
        TCase *tests = tcase_create("late_arrival");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, more_urgent_interrupt_that_comes_during_the_entry_runs_first);
        tcase_add_test(tests, less_urgent_interrupt_that_comes_during_the_entry_waits);
        tcase_add_test(tests, late_arrival_may_itself_be_overtaken);
        tcase_add_test(tests, late_arrival_comes_before_the_handler_that_interrupts_another);
        tcase_add_test(tests, late_arrival_is_taken_when_the_masks_are_lifted);
        suite_add_tcase(suite, tests);
        return suite;
}

/* Interrupts reach an application that does not come to the simulator by itself, and none is lost on the way. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stm32u5xx.h"

#include "lib/online.h"
#include "suite.h"
#include "tools.h"

#define SLOTS    8
#define NETWORKS 32

static struct MvNotification ring[SLOTS];
static volatile unsigned entries;
static volatile bool flag;
static void (*volatile in_tim8)(void);

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        entries++;
        if (in_tim8)
                in_tim8();
}

void TIM2_IRQHandler(void);
void TIM2_IRQHandler(void)
{
        flag = true;
}

static MvNotificationHandle centre;
static MvNetworkHandle networks[NETWORKS];

/* TIM8_BRK is told of the network, which comes up when the test has prepared itself and ends the outage. */
static void set_up(bool real_time)
{
        entries = 0;
        flag = false;
        in_tim8 = NULL;
        mvt_device_boot(&(struct mvt_device){.real_time = real_time, .profile = "network: {connect_ms: 50}\n"});
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        centre = mvt_centre_open(TIM8_BRK_IRQn, ring, SLOTS);
        networks[0] = mvt_network_request(centre, 0);
}

static void set_up_real(void)
{
        set_up(true);
}

static void set_up_virtual(void)
{
        set_up(false);
}

static void tear_down(void)
{
        mvt_network_release(&networks[0]);
        mvt_centre_close(&centre);
        mvt_device_end();
}

static void raise_flag(void)
{
        flag = true;
}

/* An application that waits as it should not, but does. */
static void spin(void)
{
        wait_outside_until(flag);
}

START_TEST(computing_loop_is_interrupted)
{
        in_tim8 = raise_flag;
        mvsim_network_up();
        spin();
        ck_assert_uint_eq(entries, 1);
        ck_assert_uint_eq(__get_IPSR(), 0);
        ck_assert_int_eq(mvt_network_status(networks[0]), MV_NETWORKSTATUS_CONNECTED);
}
END_TEST

START_TEST(sleeping_application_is_interrupted)
{
        in_tim8 = raise_flag;
        mvsim_network_up();
        while (!flag)
                nanosleep(&(struct timespec){.tv_sec = 10}, NULL);
        ck_assert_uint_eq(entries, 1);
}
END_TEST

START_TEST(computing_handler_is_interrupted_by_a_more_urgent_one)
{
        struct MvNotification urgent_ring[SLOTS];
        MvNotificationHandle urgent = mvt_centre_open(TIM2_IRQn, urgent_ring, SLOTS);
        MvNetworkHandle network = mvt_network_request(urgent, 1);
        NVIC_SetPriority(TIM2_IRQn, 1);
        NVIC_SetPriority(TIM8_BRK_IRQn, 2);
        in_tim8 = spin;
        mvsim_network_up();
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn); /* its handler computes until TIM2's, at the connection, has run */
        ck_assert(flag);
        ck_assert_uint_ge(entries, 1);
        mvt_network_release(&network);
        mvt_centre_close(&urgent);
}
END_TEST

START_TEST(masked_signals_hold_interrupts_back_also_across_calls)
{
        sigset_t all, before;
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &before);
        expect_okay(mvTempTriggerNotification(centre, MV_EVENTTYPE_UPDATEDOWNLOADED, 3));
        expect_okay(mvNoOp());
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(NVIC_GetPendingIRQ(TIM8_BRK_IRQn), 1);
        ck_assert_uint_eq(entries, 0);
        sigprocmask(SIG_SETMASK, &before, NULL);
        ck_assert_uint_eq(entries, 1);
}
END_TEST

/* ---- none lost, none doubled ---- */

static volatile unsigned wrong; /* records that were not the next one */

/* Reads one record per entry, as applications do. */
static void read_one(void)
{
        unsigned index = entries - 1;
        const struct MvNotification *record = &ring[index % SLOTS];
        if (record->tag != index % NETWORKS || record->event_type != MV_EVENTTYPE_NETWORKSTATUSCHANGED)
                wrong++;
}

/* Moves the network up and down; each change makes one record for every request. */
static void *change_network(void *wanted)
{
        bool down = true;
        for (unsigned count = 0; count < *(unsigned *)wanted; count += NETWORKS) {
                for (uint64_t start = mvt_host_ms(); entries < count && mvt_host_ms() - start < 10000;)
                        nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
                if (down)
                        mvsim_network_up();
                else
                        mvsim_network_down(MVSIM_OUTAGE_LINK);
                down = !down;
        }
        return NULL;
}

/* One round of what applications do: compute, allocate, print, sleep. */
static void work(FILE *nowhere, unsigned round)
{
        char *block = malloc(1 + round % 5000);
        volatile unsigned sum = 0;
        for (unsigned i = 0; i < 200; i++)
                sum = sum + i * round;
        if (round % 8 == 0)
                fprintf(nowhere, "%u %p\n", sum, (void *)block);
        if (round % 64 == 0)
                nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        free(block);
}

static void start_thread(pthread_t *thread, unsigned *wanted)
{
        sigset_t all, before;
        sigfillset(&all); /* it is not the application: handlers are not to run on it */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        ck_assert_int_eq(pthread_create(thread, NULL, change_network, wanted), 0);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Entries that stand still mean that one was lost; the test's own time limit ends what still moves. */
static void work_until(unsigned wanted)
{
        FILE *nowhere = fopen("/dev/null", "w");
        ck_assert_ptr_nonnull(nowhere);
        unsigned last = entries;
        uint64_t start = mvt_host_ms();
        for (unsigned round = 0; entries < wanted; round++) {
                work(nowhere, round);
                if (entries != last)
                        start = mvt_host_ms();
                last = entries;
                ck_assert_msg(mvt_host_ms() - start < 10000, "stands still after %u of %u", entries, wanted);
        }
        fclose(nowhere);
}

START_TEST(no_interrupt_is_lost_or_doubled_whatever_the_application_does)
{
        unsigned wanted = mvt_rounds(100000, 1000) / NETWORKS * NETWORKS;
        pthread_t thread;
        wrong = 0;
        mvt_device_boot(
                &(struct mvt_device){.real_time = true, .profile = "network: {connect_ms: 1, retry_ms: 60000}\n"});
        mvsim_network_down(MVSIM_OUTAGE_LINK); /* before anybody is told of it */
        entries = 0;
        in_tim8 = read_one;
        centre = mvt_centre_open(TIM8_BRK_IRQn, ring, SLOTS);
        for (uint32_t tag = 0; tag < NETWORKS; tag++)
                networks[tag] = mvt_network_request(centre, tag);
        start_thread(&thread, &wanted);
        work_until(wanted);
        pthread_join(thread, NULL);
        ck_assert_uint_eq(entries, wanted);
        ck_assert_uint_eq(wrong, 0);
        ck_assert_uint_eq(mvt_statistics().interrupts, wanted);
        ck_assert_uint_eq(mvt_statistics().notifications, wanted);
        ck_assert_uint_eq(mvt_statistics().shadowed, 0);
        NVIC_DisableIRQ(TIM8_BRK_IRQn);
        for (uint32_t tag = 0; tag < NETWORKS; tag++)
                mvt_network_release(&networks[tag]);
        mvt_centre_close(&centre);
        mvt_device_end();
}
END_TEST

/* ---- virtual time: interrupts come at calls, unless the application spins ---- */

#define COMPUTING_MS 100 /* much longer than an interrupt would need that does not wait for a call */

static void compute(void)
{
        for (uint64_t start = mvt_host_ms(); mvt_host_ms() - start < COMPUTING_MS;)
                continue;
}

static atomic_bool pended;

static void *pend_tim2(void *unused)
{
        ck_assert_int_eq(mvsim_pend_irq(TIM2_IRQn, 0), 0);
        atomic_store(&pended, true);
        return unused;
}

START_TEST(interrupt_from_outside_waits_for_a_call_in_virtual_time)
{
        pthread_t thread;
        sigset_t all, before;
        flag = false;
        atomic_store(&pended, false);
        mvt_device_boot(&(struct mvt_device){.profile = "time: {spin_ms: 60000}\n"});
        NVIC_EnableIRQ(TIM2_IRQn);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        ck_assert_int_eq(pthread_create(&thread, NULL, pend_tim2, NULL), 0);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        wait_outside_until(atomic_load(&pended));
        compute();
        ck_assert(!flag);
        expect_okay(mvNoOp());
        ck_assert(flag);
        pthread_join(thread, NULL);
        mvt_device_end();
}
END_TEST

/* A server that takes connections and never says a word. */
static int listen_in_silence(uint16_t *ret_port)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t len = sizeof address;
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
        ck_assert_int_eq(listen(fd, 8), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        *ret_port = ntohs(address.sin_port);
        return fd;
}

static void boot_with_silent_server(uint16_t port)
{
        char profile[256];
        snprintf(profile, sizeof profile,
                 "time: {spin_ms: 60000}\nnetwork: {connect_ms: 20}\nhttp:\n  allow_plain: true\n"
                 "  rewrite: [{from: \"https://api.example.com\", to: \"http://127.0.0.1:%u\"}]\n",
                 port);
        mvt_online_boot(&(struct mvt_device){.profile = profile});
}

/* While an answer is awaited the clock follows the host's, but nothing comes between two calls all the same. */
START_TEST(interrupt_waits_for_a_call_also_while_an_answer_is_awaited)
{
        uint16_t port;
        int server = listen_in_silence(&port);
        flag = false;
        boot_with_silent_server(port);
        NVIC_EnableIRQ(TIM2_IRQn);
        MvChannelHandle channel = mvt_http_open();
        const struct mvt_request request = {.url = "https://api.example.com/"};
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(&request)));
        mvsim_run_for(1000);
        uint64_t before = mvsim_now_us();
        ck_assert_int_eq(mvsim_pend_irq(TIM2_IRQn, COMPUTING_MS * 1000 / 2), 0);
        compute();
        ck_assert(!flag);
        expect_okay(mvNoOp());
        ck_assert(flag);
        ck_assert_uint_ge(mvsim_now_us() - before, COMPUTING_MS * 1000 / 2);
        mvt_channel_close(&channel);
        NVIC_DisableIRQ(TIM2_IRQn);
        mvt_online_end();
        close(server);
}
END_TEST

static TCase *computing(const char *name, void (*setup)(void))
{
        TCase *tests = tcase_create(name);
        tcase_add_checked_fixture(tests, setup, tear_down);
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, computing_loop_is_interrupted);
        tcase_add_test(tests, sleeping_application_is_interrupted);
        tcase_add_test(tests, computing_handler_is_interrupted_by_a_more_urgent_one);
        tcase_add_test(tests, masked_signals_hold_interrupts_back_also_across_calls);
        return tests;
}

Suite *suite(void)
{
        Suite *suite = suite_create("preemption");
        TCase *deliveries = tcase_create("deliveries");
        tcase_set_timeout(deliveries, 110);
        tcase_add_test(deliveries, no_interrupt_is_lost_or_doubled_whatever_the_application_does);
        suite_add_tcase(suite, computing("real time", set_up_real));
        suite_add_tcase(suite, computing("virtual time", set_up_virtual));
        suite_add_tcase(suite, deliveries);
        TCase *at_calls = tcase_create("at calls");
        tcase_set_timeout(at_calls, 30);
        tcase_add_test(at_calls, interrupt_from_outside_waits_for_a_call_in_virtual_time);
        tcase_add_test(at_calls, interrupt_waits_for_a_call_also_while_an_answer_is_awaited);
        suite_add_tcase(suite, at_calls);
        return suite;
}

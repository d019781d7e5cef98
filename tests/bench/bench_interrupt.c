/*
 * How long it takes from an event to its handler: at the gate, and when another thread posts while the application
 * computes. The floor of the second is the same way made of bare signals: one thread wakes a second one, which waits in
 * sigwaitinfo; that one sends a signal to the process; its handler runs in the thread that computes.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "mv_syscalls.h"
#include "mvsim/mvsim.h"
#include "stm32u5xx.h"

#define SYNCHRONOUS_ROUNDS 100000
#define SIGNAL_ROUNDS      1500
#define PAUSE_NS           200000
#define SIGNAL_OUTER       (SIGRTMIN + 4)
#define SIGNAL_INNER       (SIGRTMIN + 5)

static double samples[SYNCHRONOUS_ROUNDS];
static struct MvNotification ring[4];
static _Atomic uint64_t taken_ns; /* when the last handler began */
static atomic_uint taken;         /* how many have run */
static atomic_bool done;          /* the application need compute no more */

void TIM8_BRK_IRQHandler(void);

void TIM8_BRK_IRQHandler(void)
{
        atomic_store(&taken_ns, bench_now_ns());
        atomic_fetch_add(&taken, 1);
}

static void on_signal(int number)
{
        (void)number;
        TIM8_BRK_IRQHandler();
}

static MvNotificationHandle open_centre(void)
{
        const struct MvNotificationSetup setup = {.irq = TIM8_BRK_IRQn, .buffer = ring, .buffer_size = sizeof ring};
        MvNotificationHandle centre;
        bench_need(mvSetupNotifications(&setup, &centre) == MV_STATUS_OKAY);
        NVIC_ClearPendingIRQ(TIM8_BRK_IRQn);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        return centre;
}

/* ---- at the gate ---- */

static double clock_reading(void)
{
        for (unsigned i = 0; i < SYNCHRONOUS_ROUNDS; i++) {
                uint64_t start = bench_now_ns();
                samples[i] = (double)(bench_now_ns() - start);
        }
        return bench_median(samples, SYNCHRONOUS_ROUNDS);
}

static double synchronous(MvNotificationHandle centre)
{
        for (unsigned i = 0; i < SYNCHRONOUS_ROUNDS; i++) {
                uint64_t start = bench_now_ns();
                mvTempTriggerNotification(centre, MV_EVENTTYPE_CHANNELDATAREADABLE, 1);
                samples[i] = (double)(atomic_load(&taken_ns) - start);
        }
        return bench_median(samples, SYNCHRONOUS_ROUNDS);
}

static void measure_synchronous(void)
{
        bench_need(mvsim_boot(&(struct mvsim_options){.profile = "", .time = MVSIM_TIME_REAL}) == 0);
        MvNotificationHandle centre = open_centre();
        double floor = clock_reading();
        bench_table("mvTempTriggerNotification to its handler, at the gate; ratio to the reading of the clock that it "
                    "includes");
        bench_row("reading the clock", floor, floor, NULL);
        bench_row("call to handler", synchronous(centre), floor, "<= 300 ns");
        mvsim_shutdown();
}

/* ---- by signal ---- */

static void nap(void)
{
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static void wait_for(unsigned count)
{
        while (atomic_load(&taken) < count)
                nap();
}

/* The thread that computes: no calls, until it is told to end. */
static void compute(void)
{
        while (!atomic_load_explicit(&done, memory_order_relaxed))
                __NOP();
}

static void *post_to_device(void *unused)
{
        for (unsigned i = 0; i < SIGNAL_ROUNDS; i++) {
                unsigned before = atomic_load(&taken);
                uint64_t start = bench_now_ns();
                mvsim_network_down(MVSIM_OUTAGE_LINK);
                wait_for(before + 1);
                samples[i] = (double)(atomic_load(&taken_ns) - start);
                mvsim_network_up();
                wait_for(before + 2);
                nap();
        }
        atomic_store(&done, true);
        return unused;
}

static void request_network(MvNotificationHandle centre)
{
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {.notification_handle = centre}};
        MvNetworkHandle handle;
        bench_need(mvRequestNetwork(&params, &handle) == MV_STATUS_OKAY);
        enum MvNetworkStatus status;
        do {
                mvGetNetworkStatus(handle, &status);
        } while (status != MV_NETWORKSTATUS_CONNECTED);
}

static double by_device(const char *profile)
{
        pthread_t poster;
        bench_need(mvsim_boot(&(struct mvsim_options){.profile = profile, .time = MVSIM_TIME_REAL}) == 0);
        request_network(open_centre());
        atomic_store(&done, false);
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        bench_need(pthread_create(&poster, NULL, post_to_device, NULL) == 0);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        compute();
        pthread_join(poster, NULL);
        mvsim_shutdown();
        return bench_median(samples, SIGNAL_ROUNDS);
}

static void *relay(void *unused)
{
        sigset_t wake;
        sigemptyset(&wake);
        sigaddset(&wake, SIGNAL_OUTER);
        while (!atomic_load(&done)) {
                if (sigwaitinfo(&wake, NULL) > 0 && !atomic_load(&done))
                        kill(getpid(), SIGNAL_INNER);
        }
        return unused;
}

static void *post_by_signal(void *argument)
{
        const pthread_t *relaying = argument;
        for (unsigned i = 0; i < SIGNAL_ROUNDS; i++) {
                unsigned before = atomic_load(&taken);
                uint64_t start = bench_now_ns();
                pthread_kill(*relaying, SIGNAL_OUTER);
                wait_for(before + 1);
                samples[i] = (double)(atomic_load(&taken_ns) - start);
                nap();
        }
        atomic_store(&done, true);
        pthread_kill(*relaying, SIGNAL_OUTER);
        return NULL;
}

static double by_bare_signals(void)
{
        pthread_t relaying, poster;
        struct sigaction action = {.sa_handler = on_signal};
        sigemptyset(&action.sa_mask);
        sigaction(SIGNAL_INNER, &action, NULL);
        atomic_store(&done, false);
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        bench_need(pthread_create(&relaying, NULL, relay, NULL) == 0);
        bench_need(pthread_create(&poster, NULL, post_by_signal, &relaying) == 0);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        compute();
        pthread_join(poster, NULL);
        pthread_join(relaying, NULL);
        return bench_median(samples, SIGNAL_ROUNDS);
}

static void measure_by_signal(const char *profile)
{
        double floor = by_bare_signals();
        double device = by_device(profile);
        bench_table("Another thread posts, the application computes; ratio to bare signals");
        bench_row("pthread_kill, sigwaitinfo, kill, handler", floor, floor, NULL);
        bench_row("mvsim_network_down to the handler", device, floor, "<= 1.5");
}

int main(int argc, char **argv)
{
        bench_need(argc == 2);
        bench_pin();
        measure_synchronous();
        measure_by_signal(argv[1]);
        bench_unpin();
        measure_by_signal(argv[1]);
        return 0;
}

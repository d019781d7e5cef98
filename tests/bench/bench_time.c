/*
 * Virtual seconds per second of the host: applications that sleep a second between polls, in the ways in which
 * applications sleep. The aim is 100,000.
 */
#include <stdbool.h>
#include <stdio.h>

#include "bench.h"
#include "mv_syscalls.h"
#include "mvsim/cortex.h"
#include "mvsim/mvsim.h"
#include "stm32u5xx.h"

#define US_PER_S 1000000U
#define NS_PER_S 1e9
#define ROUNDS   5
#define AIM      100000.0

static struct MvNotification ring[8];
static volatile unsigned events;
static MvNetworkHandle network;

void TIM8_BRK_IRQHandler(void);
void SysTick_Handler(void);

void TIM8_BRK_IRQHandler(void)
{
        events++;
}

static volatile unsigned ticks;

void SysTick_Handler(void)
{
        ticks++;
}

static void start(void)
{
        MvNotificationHandle centre;
        const struct mvsim_options options = {.profile = "", .time = MVSIM_TIME_VIRTUAL};
        const struct MvNotificationSetup setup = {TIM8_BRK_IRQn, ring, sizeof ring};
        bench_need(mvsim_boot(&options) == 0);
        bench_need(mvSetupNotifications(&setup, &centre) == MV_STATUS_OKAY);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, 7}};
        bench_need(mvRequestNetwork(&params, &network) == MV_STATUS_OKAY);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        mvsim_run_for(US_PER_S);
}

static void poll(void)
{
        enum MvNetworkStatus status;
        bench_need(mvGetNetworkStatus(network, &status) == MV_STATUS_OKAY);
}

/* The test moves the clock. */
static void run_for(void)
{
        poll();
        mvsim_run_for(US_PER_S);
}

/* An event a second, waited for in WFI. */
static void wait_for_interrupt(void)
{
        unsigned before = events;
        poll();
        bench_need(mvsim_pend_irq(TIM8_BRK_IRQn, US_PER_S) == 0);
        while (events == before)
                __WFI();
}

static void power_save(void)
{
        unsigned before = events;
        poll();
        bench_need(mvsim_pend_irq(TIM8_BRK_IRQn, US_PER_S) == 0);
        while (events == before)
                bench_need(mvPowerSave(MV_POWERSAVINGMODE_SLEEP) == MV_STATUS_OKAY);
}

/* A tick a millisecond, as an RTOS or a HAL has them: a thousand wake-ups a second. */
static void tick(void)
{
        unsigned until = ticks + 1000;
        poll();
        while (ticks != until)
                __WFI();
}

/* The connection is lost, and is tried again and again. */
static void retry(void)
{
        poll();
        mvsim_run_for(US_PER_S);
}

/* The clock is asked until it has moved a second: half a million calls. */
static void busy(void)
{
        uint64_t now, end;
        bench_need(mvGetMicroseconds(&now) == MV_STATUS_OKAY);
        for (end = now + US_PER_S; now < end;)
                bench_need(mvGetMicroseconds(&now) == MV_STATUS_OKAY);
}

static double factor(void (*second)(void), unsigned seconds)
{
        double values[ROUNDS];
        for (unsigned round = 0; round < ROUNDS; round++) {
                uint64_t from_us = mvsim_now_us();
                uint64_t from = bench_now_ns();
                for (unsigned i = 0; i < seconds; i++)
                        second();
                double host_s = (double)(bench_now_ns() - from) / NS_PER_S;
                values[round] = (double)(mvsim_now_us() - from_us) / US_PER_S / host_s;
        }
        return bench_median(values, ROUNDS);
}

static void row(const char *what, void (*second)(void), unsigned seconds, bool has_aim)
{
        double value = factor(second, seconds);
        printf("  %-62s %12.0f", what, value);
        if (has_aim)
                printf("   aim %.0f %s", AIM, value >= AIM ? "met" : "MISSED");
        printf("\n");
        fflush(stdout);
}

int main(void)
{
        start();
        printf("\nvirtual seconds per second of the host, medians of %d\n", ROUNDS);
        row("a call, then mvsim_run_for() for a second", run_for, 200000, true);
        row("a call, then __WFI until an interrupt a second later", wait_for_interrupt, 50000, true);
        row("the same with mvPowerSave", power_save, 50000, true);
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        row("run_for, the lost network being tried again", retry, 200000, true);
        mvsim_network_up();
        bench_need(SysTick_Config(160000) == 0);
        row("__WFI with a tick each millisecond", tick, 200, false);
        mvsim_systick_stop();
        row("asking the clock until a second is over", busy, 2, false);
        mvsim_shutdown();
        return 0;
}

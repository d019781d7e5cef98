/*
 * Every way of waiting that was seen. Each loop has a call in it, or ends by itself: none but the tick's handler ever
 * comes in between, and the clock need not move but by calls.
 */
#include "app.h"

#define WAIT_MS 20
#define NOPS    50000

static volatile uint32_t ticks;

static void SysTick_Handler(void)
{
        ticks = ticks + 1;
}

/* The longest loop without a call. */
static void do_nothing(void)
{
        for (volatile int i = 0; i < NOPS; i++)
                __NOP();
}

static int wait_by_microseconds(void)
{
        uint64_t start = app_now_us();
        for (unsigned turns = 0; app_now_us() - start < WAIT_MS * UINT64_C(1000); turns++)
                MUST(turns < APP_TURNS);
        return 0;
}

static int wait_by_tick(void)
{
        uint32_t start = HAL_GetTick();
        for (unsigned turns = 0; HAL_GetTick() - start < WAIT_MS; turns++)
                MUST(turns < APP_TURNS);
        return 0;
}

/* The variable is the handler's, who comes in at the calls. */
static int wait_by_handler(MvNetworkHandle network)
{
        enum MvNetworkStatus status;
        uint32_t start = ticks;
        for (unsigned turns = 0; ticks - start < WAIT_MS; turns++)
                MUST(turns < APP_TURNS && mvGetNetworkStatus(network, &status) == MV_STATUS_OKAY);
        return 0;
}

static int wait_by_wall_time(void)
{
        uint64_t start = 0, now = 0;
        MUST(mvGetWallTime(&start) == MV_STATUS_OKAY);
        for (unsigned turns = 0; now < start + WAIT_MS * UINT64_C(1000); turns++)
                MUST(turns < APP_TURNS && mvGetWallTime(&now) == MV_STATUS_OKAY);
        return 0;
}

static int wait_for_wall_time(void)
{
        uint64_t now;
        for (unsigned turns = 0; mvGetWallTime(&now) == MV_STATUS_TIMENOTSET; turns++)
                MUST(turns < APP_TURNS);
        return 0;
}

static int wait_by_delay(void)
{
        uint32_t start = ticks;
        for (unsigned i = 0; i < WAIT_MS; i++)
                HAL_Delay(1);
        MUST(ticks != start);
        return 0;
}

static int waiting_main(void)
{
        static struct MvNotification ring[4] __attribute__((aligned(8)));
        struct app_link link;
        uint32_t hz;
        MUST(mvGetHClk(&hz) == MV_STATUS_OKAY && SysTick_Config(hz / 1000) == 0);
        MUST(wait_by_microseconds() == 0);
        const struct MvNotificationSetup setup = {TIM2_IRQn, ring, sizeof ring};
        MUST(mvSetupNotifications(&setup, &link.centre) == MV_STATUS_OKAY);
        MUST(app_request_network(&link, 1));
        do_nothing();
        MUST(wait_for_wall_time() == 0);
        do_nothing();
        MUST(wait_by_tick() == 0);
        MUST(wait_by_handler(link.network) == 0);
        MUST(wait_by_wall_time() == 0);
        do_nothing();
        MUST(wait_by_delay() == 0);
        SysTick->CTRL = 0;
        MUST(app_release(&link));
        return 0;
}

static void never(void)
{
}

const struct mvt_app app_waiting = {.irq = TIM2_IRQn,
                                    .handler = never,
                                    .main = waiting_main,
                                    .exception = SysTick_IRQn,
                                    .exception_handler = SysTick_Handler};

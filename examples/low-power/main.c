/*
 * Lives from deep sleep to deep sleep: wakes, measures, puts the measurement away, and sleeps again. After a cold boot,
 * and when enough have come together, it connects and sends them, as lines of the log.
 */
#include "alarm.h"
#include "clock.h"
#include "log.h"
#include "mv_syscalls.h"
#include "network.h"
#include "sensor.h"
#include "stm32u5xx.h"
#include "store.h"

#ifndef SLEEP_S
#define SLEEP_S 900
#endif
#ifndef BATCH
#define BATCH 4 /* measurements that are sent together */
#endif

#define CONNECT_TICKS 600U /* then they are sent the next time */
#define LEAVE_TICKS   10U  /* for the log to leave the device */
#define TICKS_PER_S   10U

static volatile uint32_t ticks;

void SysTick_Handler(void);

void SysTick_Handler(void)
{
        ticks++;
}

/* The processor sleeps, too, where there is nothing to do. */
static void wait(uint32_t count)
{
        for (uint32_t start = ticks; ticks - start < count;)
                mvPowerSave(MV_POWERSAVINGMODE_SLEEP);
}

static unsigned seconds(uint64_t microseconds)
{
        return (unsigned)(microseconds / 1000000);
}

static void measure(void)
{
        int32_t value = sensor_read();
        if (!store_add(clock_us(), value))
                log_line("%d.%d degrees, which could not be stored", (int)value / 10, (int)value % 10);
}

/* ---- sending ---- */

static bool is_connected(void)
{
        enum MvNetworkStatus status;
        return mvGetNetworkStatus(network_handle(), &status) == MV_STATUS_OKAY && status == MV_NETWORKSTATUS_CONNECTED;
}

static bool connect(void)
{
        for (uint32_t start = ticks; !is_connected() && ticks - start < CONNECT_TICKS;)
                wait(1);
        return is_connected();
}

static void send(enum MvWakeReason reason)
{
        struct measurement measurement;
        if (!connect())
                return;
        log_line("awake at %u s, reason %u", seconds(clock_us()), (unsigned)reason);
        for (uint32_t number = 0; store_get(number, &measurement); number++)
                log_line("measured at %u s: %d.%d degrees", seconds(measurement.microseconds),
                         (int)measurement.value / 10, (int)measurement.value % 10);
        store_clear();
        wait(LEAVE_TICKS);
}

/* ---- sleeping ---- */

/* Deep sleep is refused while the connection is going down, or an update is coming. Returns when it stays refused. */
static void sleep_deeply(void)
{
        if (!alarm_set(SLEEP_S))
                return;
        for (uint32_t start = ticks; ticks - start < CONNECT_TICKS;) {
                wait(1);
                mvDeepSleep(MV_DEEPSLEEPMODE_STANDBY);
        }
}

/* Asking for the network and giving it back is also what ends the connection that Microvisor makes by itself. */
int main(void)
{
        enum MvWakeReason reason = MV_WAKEREASON_COLDBOOT;
        log_start();
        SystemCoreClockUpdate();
        SysTick_Config(SystemCoreClock / TICKS_PER_S);
        mvGetWakeReason(&reason);
        measure();
        if (network_start() && (reason == MV_WAKEREASON_COLDBOOT || store_count() >= BATCH))
                send(reason);
        network_stop();
        sleep_deeply();
        mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE); /* it cannot sleep */
        return 1;
}

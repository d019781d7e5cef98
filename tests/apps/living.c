/*
 * An application whose lives end in turn in the ways that the letters of its first argument name, then with status 7:
 * r restarts, s sleeps in standby, S in shutdown, d in standby without an alarm, c crashes, t restarts on another
 * thread where mvsim_catch() waits for the end, f programs a byte of the flash, which power may cut, w waits for ever,
 * p polls, x computes and never calls, k crashes while the host's timer ticks for it. Which life it is, the external
 * flash knows. It writes on standard error what it finds.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "mv_syscalls.h"
#include "mvsim/mvsim.h"
#include "stm32u5xx.h"

#define ALARM_US 3000000U

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
}

/* Lives so far, one bit of the flash each. */
static unsigned count_life(void)
{
        MvExternalFlashHandle flash;
        uint8_t bits = 0;
        unsigned lives = 0;
        mvExternalFlashOpen(&flash);
        mvExternalFlashReadBlocking(flash, 0, 1, &bits);
        for (uint8_t rest = (uint8_t)~bits; rest; rest >>= 1)
                lives++;
        bits = (uint8_t)(bits << 1);
        mvExternalFlashWriteBlocking(flash, 0, 1, &bits);
        mvExternalFlashClose(&flash);
        return lives;
}

static void program_a_byte(void)
{
        static const uint8_t byte = 0;
        MvExternalFlashHandle flash;
        mvExternalFlashOpen(&flash);
        mvExternalFlashWriteBlocking(flash, 4096, sizeof byte, &byte);
}

static enum MvWakeReason tell(unsigned life)
{
        enum MvWakeReason reason;
        uint64_t now, wall;
        mvGetWakeReason(&reason);
        mvGetMicroseconds(&now);
        fprintf(stderr, "life %u: reason %d, second %" PRIu64 ", wall time %s\n", life, (int)reason, now / 1000000,
                mvGetWallTime(&wall) == MV_STATUS_OKAY ? "known" : "unknown");
        return reason;
}

/* What the world ends, it may end, on a busy host, before the application has counted its life. */
static bool waits_for_the_world(char letter)
{
        return strchr("wpx", letter) != NULL;
}

static void use_network(void)
{
        static struct MvNotification ring[4];
        MvNotificationHandle centre;
        MvNetworkHandle network;
        enum MvNetworkStatus status = MV_NETWORKSTATUS_CONNECTING;
        const struct MvNotificationSetup setup = {TIM8_BRK_IRQn, ring, sizeof ring};
        mvSetupNotifications(&setup, &centre);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        const struct MvRequestNetworkParams request = {.version = 1, .v1 = {centre, 1}};
        mvRequestNetwork(&request, &network);
        for (; status != MV_NETWORKSTATUS_CONNECTED; mvsim_run_for(1000))
                mvGetNetworkStatus(network, &status);
        mvReleaseNetwork(&network);
        mvCloseNotifications(&centre);
        mvsim_run_for(1000);
}

static void sleep_deeply(enum MvDeepSleepMode mode)
{
        if (mvsim_pend_irq(RTC_IRQn, ALARM_US) == 0)
                mvDeepSleep(mode);
}

static volatile uint32_t *volatile nowhere;

__attribute__((no_sanitize("undefined"))) static void crash(void)
{
        *nowhere = 1;
}

static volatile sig_atomic_t ticks;

static void on_tick(int number)
{
        (void)number;
        ticks++;
}

/* As an RTOS does; more often, so that there is hardly a moment without a tick. */
static void crash_while_it_ticks(void)
{
        const struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
        const struct itimerval timer = {{0, 100}, {0, 100}};
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &timer, NULL);
        while (ticks < 3)
                continue;
        crash();
}

static void wait_for_ever(void)
{
        for (;;)
                __WFI();
}

static void poll(void)
{
        for (uint64_t now;;)
                mvGetMicroseconds(&now);
}

static void compute(void)
{
        for (volatile unsigned counter = 0;;)
                counter = counter + 1;
}

static void *restart(void *unused)
{
        mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE);
        return unused;
}

static void restart_on_a_thread(void *unused)
{
        pthread_t thread;
        (void)unused;
        if (pthread_create(&thread, NULL, restart, NULL) == 0)
                pthread_join(thread, NULL);
}

/* Opens a file before the device boots, as applications do, and never closes it. True: no life before has left any. */
static bool opens_the_same_descriptor(void)
{
        char text[16];
        const char *before = getenv("LIVING_OPENED");
        snprintf(text, sizeof text, "%d", open("/dev/null", O_RDONLY));
        if (before)
                return strcmp(text, before) == 0;
        return setenv("LIVING_OPENED", text, 1) == 0;
}

/* What it was started with is open in each of its lives. */
static bool has_what_was_handed_on(void)
{
        const char *handed_on = getenv("LIVING_HANDED_ON");
        return !handed_on || fcntl(atoi(handed_on), F_GETFD) >= 0;
}

/* Blocks a signal before the device boots. True: no life before has left that to this one. */
static bool blocks_a_signal_first(void)
{
        sigset_t usr1, before;
        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        pthread_sigmask(SIG_BLOCK, &usr1, &before);
        return sigismember(&before, SIGUSR1) == 0;
}

int main(int argc, char **argv)
{
        if (!opens_the_same_descriptor() || !has_what_was_handed_on() || !blocks_a_signal_first())
                return 4;
        unsigned life = count_life();
        enum MvWakeReason reason = tell(life);
        printf("printed in life %u\n", life); /* to a file: it is not written before it has to */
        use_network();
        if (argc < 2 || life >= strlen(argv[1]))
                return 7;
        if (waits_for_the_world(argv[1][life]) && reason != MV_WAKEREASON_COLDBOOT)
                return 7;
        switch (argv[1][life]) {
        case 'r': mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE); break;
        case 's': sleep_deeply(MV_DEEPSLEEPMODE_STANDBY); break;
        case 'S': sleep_deeply(MV_DEEPSLEEPMODE_SHUTDOWN); break;
        case 'c': crash(); break;
        case 'k': crash_while_it_ticks(); break;
        case 'w': wait_for_ever(); break;
        case 'p': poll(); break;
        case 'x': compute(); break;
        case 't': mvsim_catch(restart_on_a_thread, NULL, NULL); break;
        case 'f': program_a_byte(); break;
        case 'd': mvDeepSleep(MV_DEEPSLEEPMODE_STANDBY); break;
        default: break;
        }
        return 3; /* it has come back */
}

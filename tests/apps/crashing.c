/*
 * An application that crashes in the way that its first argument names, once: started again, it tells what it finds and
 * ends with status 7. Where the environment says ALWAYS it crashes in every life.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mv_syscalls.h"
#include "stm32u5xx.h"

#define STARTED_AGAIN 7
#define OPENED        40 /* a descriptor of the first life */

void TIM2_IRQHandler(void);
void TIM8_BRK_IRQHandler(void);

static uint8_t buffer[512] __attribute__((aligned(512)));

static volatile uint32_t *volatile nowhere;

__attribute__((no_sanitize("undefined"))) static void write_to_null(void)
{
        *nowhere = 1;
}

/* Called through a pointer: the compilers need not see that it has no end. */
static unsigned (*volatile deeper)(unsigned depth);

static unsigned overflow(unsigned depth)
{
        volatile uint8_t room[1024];
        room[0] = (uint8_t)depth;
        return deeper(depth + 1) + room[0];
}

static void overflow_the_stack(void)
{
        deeper = overflow;
        overflow(0);
}

void TIM2_IRQHandler(void)
{
        write_to_null();
}

static void crash_in_a_handler(void)
{
        NVIC_EnableIRQ(TIM2_IRQn);
        NVIC_SetPendingIRQ(TIM2_IRQn);
}

static void write_to_what_is_lent(void)
{
        mvServerLoggingInit(buffer, sizeof buffer);
        ((volatile uint8_t *)buffer)[9] = 1;
        mvNoOp();
}

static void *crash(void *unused)
{
        write_to_null();
        return unused;
}

/* All but the signals of faults: the kernel ends a process that blocks them at once. */
static void block_signals(void)
{
        sigset_t set;
        sigfillset(&set);
        sigdelset(&set, SIGSEGV);
        pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static void crash_in_a_thread(void)
{
        pthread_t thread;
        block_signals();
        if (pthread_create(&thread, NULL, crash, NULL) == 0)
                pthread_join(thread, NULL);
}

static void block_signals_and_crash(void)
{
        block_signals();
        write_to_null();
}

static void hang_in_a_fast_interrupt(void)
{
        for (uint64_t start = 0, now = 0; now - start < 300000;) {
                mvGetMicroseconds(&now);
                start = start ? start : now;
        }
}

static void use_a_fast_interrupt(void)
{
        mvsim_nvic_set_vector(TIM8_UP_IRQn, hang_in_a_fast_interrupt);
        mvSetFastInterrupt(TIM8_UP_IRQn);
        mvEnableFastInterrupt(TIM8_UP_IRQn);
        NVIC_SetPendingIRQ(TIM8_UP_IRQn);
        for (uint64_t now = 0; now < 5000000;)
                mvGetMicroseconds(&now);
}

static const struct {
        const char *name;
        void (*crash)(void);
} ways[] = {
        {"null", write_to_null},         {"stack", overflow_the_stack}, {"handler", crash_in_a_handler},
        {"lent", write_to_what_is_lent}, {"thread", crash_in_a_thread}, {"masked", block_signals_and_crash},
        {"fast", use_a_fast_interrupt},
};

void TIM8_BRK_IRQHandler(void)
{
}

static void connect(void)
{
        static struct MvNotification ring[4];
        MvNotificationHandle centre;
        MvNetworkHandle network;
        uint64_t now;
        const struct MvNotificationSetup setup = {TIM8_BRK_IRQn, ring, sizeof ring};
        mvSetupNotifications(&setup, &centre);
        const struct MvRequestNetworkParams request = {.version = 1, .v1 = {centre, 1}};
        mvRequestNetwork(&request, &network);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        while (mvGetWallTime(&now) != MV_STATUS_OKAY)
                __WFI();
}

/* The first byte of the external flash; what is given is programmed then. */
static uint8_t use_flash(uint8_t value)
{
        MvExternalFlashHandle flash;
        uint8_t found = 0;
        mvExternalFlashOpen(&flash);
        mvExternalFlashReadBlocking(flash, 0, 1, &found);
        mvExternalFlashWriteBlocking(flash, 0, 1, &value);
        mvExternalFlashClose(&flash);
        return found;
}

/* Tells what is stored, and stores something else. */
static void use_wifi(void)
{
        static const char name[] = "stored", password[] = "secret";
        uint8_t ssid[32] = "", has_encryption = 0;
        uint32_t length = 0;
        const struct MvWifiConfigOut out = {.version = 1, .v1 = {{ssid, sizeof ssid, &length}, &has_encryption}};
        const struct MvWifiConfig config = {.version = 1,
                                            .v1 = {MV_WIFICONFIGMODE_APPLYNOW,
                                                   {(const uint8_t *)name, sizeof name - 1},
                                                   {(const uint8_t *)password, sizeof password - 1}}};
        mvGetWifiConfig(&out);
        fprintf(stderr, "Wi-Fi \"%.*s\", %s\n", (int)length, (const char *)ssid, has_encryption ? "encrypted" : "open");
        mvSetWifiConfig(&config);
}

static void tell(int argc, char **argv)
{
        enum MvWakeReason reason;
        uint64_t now, wall;
        sigset_t blocked;
        mvGetWakeReason(&reason);
        mvGetMicroseconds(&now);
        sigprocmask(SIG_SETMASK, NULL, &blocked);
        fprintf(stderr,
                "%s: wake reason %d, at %s, wall time %s, descriptor %s, %s blocked, flash 0x%02x, %d arguments, the "
                "last but one \"%s\"\n",
                argv[1], (int)reason, now < 100 ? "0 s" : "a later time",
                mvGetWallTime(&wall) == MV_STATUS_OKAY ? "known" : "unknown",
                fcntl(OPENED, F_GETFD) >= 0 ? "open" : "closed", sigismember(&blocked, SIGTERM) ? "signals" : "nothing",
                (unsigned)use_flash(0x5a), argc, argv[argc - 2]);
        use_wifi();
        if (reason == MV_WAKEREASON_APPLICATIONCRASH && !getenv("ALWAYS"))
                exit(STARTED_AGAIN);
}

int main(int argc, char **argv)
{
        if (argc < 3)
                return 2;
        const char *way = argv[1];
        tell(argc, argv);
        connect();
        dup2(STDERR_FILENO, OPENED);
        for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
                if (strcmp(ways[i].name, way) == 0)
                        ways[i].crash();
        }
        return 3;
}

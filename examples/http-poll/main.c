/*
 * Polls a server: fetches a URL every few seconds and logs what came. A poll that fails is tried again, after a longer
 * and longer time; while the network is away, nothing is tried at all.
 */
#include "app.h"
#include "clock.h"
#include "http.h"
#include "log.h"
#include "network.h"
#include "stm32u5xx.h"

#define DEVICE_ID_LEN 34

static void log_who_we_are(void)
{
        uint8_t id[DEVICE_ID_LEN];
        if (mvGetDeviceId(id, sizeof id) == MV_STATUS_OKAY)
                log_line("device %.*s", DEVICE_ID_LEN, (const char *)id);
        SystemCoreClockUpdate();
        log_line("%s %s at %u MHz", APP_NAME, APP_VERSION, (unsigned)(SystemCoreClock / 1000000U));
}

static bool poll(unsigned number)
{
        static struct http_answer answer;
        uint64_t start = clock_us();
        if (!http_get(APP_URL, &answer)) {
                log_line("poll %u failed", number);
                return false;
        }
        log_line("poll %u: %u, %s, %u bytes in %u ms", number, (unsigned)answer.status_code, answer.content_type,
                 (unsigned)answer.body_len, (unsigned)((clock_us() - start) / 1000));
        log_line("%s", answer.body);
        return answer.status_code == 200;
}

/* How long to wait for the next poll after so many failures in a row. */
static uint32_t delay_ms(unsigned failures)
{
        uint32_t delay = RETRY_MS;
        if (failures == 0)
                return POLL_MS;
        while (--failures > 0 && delay < RETRY_MAX_MS)
                delay *= 2;
        return delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
}

static void run(void)
{
        unsigned failures = 0;
        for (unsigned number = 1; POLLS == 0 || number <= POLLS; number++) {
                network_wait();
                failures = poll(number) ? 0 : failures + 1;
                if (failures > 0)
                        log_line("next try in %u ms", (unsigned)delay_ms(failures));
                network_idle(delay_ms(failures));
        }
}

int main(void)
{
        log_start();
        log_who_we_are();
        if (network_start() && http_start())
                run();
        http_stop();
        network_stop();
        return 0;
}

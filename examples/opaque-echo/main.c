/*
 * Greets whoever it is connected to and sends back every byte that comes, straight from where it lies. A peer that does
 * not take them back stops the echo, and so its own sending. A connection that ends, or cannot be made, is made anew.
 */
#include <stddef.h>

#include "app.h"
#include "bytes.h"
#include "log.h"
#include "network.h"
#include "stm32u5xx.h"

/* All of it, waiting for room if need be. */
static enum MvStatus write_all(const char *text, uint32_t len)
{
        enum MvStatus status = MV_STATUS_OKAY;
        while (status == MV_STATUS_OKAY && len > 0) {
                uint32_t written = 0;
                status = bytes_write((const uint8_t *)text, len, &written);
                text += written;
                len -= written;
                if (status == MV_STATUS_OKAY && len > 0)
                        bytes_wait();
        }
        return status;
}

/* What can be sent back now. What there was no room for stays where it is: its turn comes when there is. */
static enum MvStatus echo(uint32_t *total)
{
        for (;;) {
                const uint8_t *first = NULL;
                uint32_t len = 0, written = 0;
                enum MvStatus status = bytes_look(&first, &len);
                if (status != MV_STATUS_OKAY || len == 0)
                        return status;
                status = bytes_write(first, len, &written);
                if (status == MV_STATUS_OKAY)
                        status = bytes_used(written);
                *total += written;
                if (status != MV_STATUS_OKAY || written < len)
                        return status;
        }
}

/* One connection, to its end. False: it was never made. */
static bool serve(void)
{
        static const char greeting[] = "this is " APP_NAME "\n";
        uint32_t total = 0;
        if (!bytes_open(APP_ENDPOINT))
                return false;
        enum MvStatus status = write_all(greeting, sizeof greeting - 1);
        while (status == MV_STATUS_OKAY) {
                bytes_wait();
                status = echo(&total);
        }
        enum MvClosureReason reason = bytes_reason();
        bytes_close();
        log_line("the connection has ended: reason %u, %u bytes sent back", (unsigned)reason, (unsigned)total);
        return reason != MV_CLOSUREREASON_NOTYETOPEN;
}

static void run(void)
{
        uint32_t delay_ms = RETRY_MS;
        for (unsigned connection = 1; CONNECTIONS == 0 || connection <= CONNECTIONS;) {
                network_wait();
                if (serve()) {
                        connection++;
                        delay_ms = RETRY_MS;
                        continue;
                }
                log_line("next try in %u ms", (unsigned)delay_ms);
                network_idle(delay_ms);
                delay_ms = delay_ms * 2 < RETRY_MAX_MS ? delay_ms * 2 : RETRY_MAX_MS;
        }
}

int main(void)
{
        log_start();
        log_line("%s", APP_NAME);
        if (network_start() && bytes_start())
                run();
        bytes_stop();
        network_stop();
        return 0;
}

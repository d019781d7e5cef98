/*
 * Keeps a journal on the external flash: that it started and why, and then a record a second. Power may fail at any
 * moment; at the next start it goes on where it was.
 */
#include <stdio.h>

#include "clock.h"
#include "journal.h"
#include "log.h"
#include "network.h"
#include "stm32u5xx.h"

/* How many records to write in a life; 0: for ever. */
#ifndef RECORDS
#define RECORDS 0
#endif

#define PERIOD_MS 1000U
#define SECTORS   8U /* of the flash, from its beginning */

static struct journal journal;

static bool note(const char *text, uint32_t number)
{
        char line[JOURNAL_RECORD_MAX];
        int len = snprintf(line, sizeof line, "%s %u", text, (unsigned)number);
        enum MvStatus status = journal_append(&journal, line, (uint32_t)len);
        if (status != MV_STATUS_OKAY)
                log_line("\"%s\" cannot be stored: status %u", line, (unsigned)status);
        return status == MV_STATUS_OKAY;
}

static bool show(void *context, uint32_t number, const uint8_t *bytes, uint32_t len)
{
        (void)context;
        if (number + 3 >= journal.next)
                log_line("record %u: %.*s", (unsigned)number, (int)len, (const char *)bytes);
        return true;
}

static bool start(MvExternalFlashHandle *ret_flash)
{
        enum MvWakeReason reason = MV_WAKEREASON_COLDBOOT;
        enum MvStatus status = mvExternalFlashOpen(ret_flash);
        if (status == MV_STATUS_OKAY)
                status = journal_open(&journal, *ret_flash, 0, SECTORS);
        if (status != MV_STATUS_OKAY) {
                log_line("the journal cannot be opened: status %u", (unsigned)status);
                return false;
        }
        log_line("%u records found", (unsigned)(journal.next - journal.oldest));
        journal_read(&journal, show, NULL);
        mvGetWakeReason(&reason);
        return note("started, for reason", (uint32_t)reason);
}

int main(void)
{
        static const volatile bool never;
        MvExternalFlashHandle flash = NULL;
        log_start();
        bool fine = network_start() && start(&flash);
        network_wait();
        for (uint32_t number = 1; fine && (RECORDS == 0 || number <= RECORDS); number++) {
                clock_wait_for(&never, PERIOD_MS);
                fine = note("measurement", number);
        }
        log_line("the journal has records %u to %u", (unsigned)journal.oldest, (unsigned)journal.next - 1);
        mvExternalFlashClose(&flash);
        network_stop();
        return fine ? 0 : 1;
}

#include "store.h"

#include <stddef.h>

#include "mv_syscalls.h"

#define SECTOR_SIZE 4096U
#define SLOTS       (SECTOR_SIZE / sizeof(struct measurement))

/* Each use opens the flash and closes it: nothing is open when the application's life ends. */
static bool use(enum MvStatus (*what)(MvExternalFlashHandle flash, uint32_t number, struct measurement *measurement),
                uint32_t number, struct measurement *measurement)
{
        MvExternalFlashHandle flash;
        if (mvExternalFlashOpen(&flash) != MV_STATUS_OKAY)
                return false;
        enum MvStatus status = what(flash, number, measurement);
        mvExternalFlashClose(&flash);
        return status == MV_STATUS_OKAY;
}

static enum MvStatus read_slot(MvExternalFlashHandle flash, uint32_t number, struct measurement *measurement)
{
        return mvExternalFlashReadBlocking(flash, number * sizeof *measurement, sizeof *measurement,
                                           (uint8_t *)measurement);
}

static enum MvStatus write_slot(MvExternalFlashHandle flash, uint32_t number, struct measurement *measurement)
{
        return mvExternalFlashWriteBlocking(flash, number * sizeof *measurement, sizeof *measurement,
                                            (const uint8_t *)measurement);
}

static enum MvStatus erase(MvExternalFlashHandle flash, uint32_t number, struct measurement *measurement)
{
        (void)number;
        (void)measurement;
        return mvExternalFlashEraseBlocking(flash, 0, SECTOR_SIZE);
}

bool store_get(uint32_t number, struct measurement *ret_measurement)
{
        return number < SLOTS && use(read_slot, number, ret_measurement) && ret_measurement->number == number;
}

uint32_t store_count(void)
{
        struct measurement unused;
        uint32_t count = 0;
        while (store_get(count, &unused))
                count++;
        return count;
}

bool store_add(uint64_t microseconds, int32_t value)
{
        struct measurement measurement = {microseconds, value, store_count()};
        return measurement.number < SLOTS && use(write_slot, measurement.number, &measurement);
}

void store_clear(void)
{
        use(erase, 0, NULL);
}

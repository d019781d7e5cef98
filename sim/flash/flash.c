#include "sim/flash/flash.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/diag.h"
#include "sim/flash/cut.h"
#include "sim/memory/memory.h"

#define PAGE   256U /* what a chip programs at once */
#define ERASED 0xff

/* The profile's cut counts operations over all lives of the application, or it would come in each of them. */
static int await_profile_cut(struct mvs_flash *flash, uint64_t nth, struct mvs_kept *kept)
{
        flash->profile_cut_at = nth;
        if (nth == 0)
                return 0;
        flash->in_all_lives = mvs_kept_map(kept, MVS_KEPT_FLASH_OPERATIONS, sizeof *flash->in_all_lives);
        if (flash->in_all_lives)
                return 0;
        int error = errno;
        mvs_diag(MVS_LOG_ERROR, "flash.power_cut: there is no memory to count operations in: %s", strerror(error));
        return -error;
}

int mvs_flash_init(struct mvs_flash *flash, const struct mvs_profile *profile, struct mvs_kept *kept)
{
        const struct mvs_profile_flash *settings = &profile->flash;
        *flash = (struct mvs_flash){
                .image = {.fd = -1, .size = settings->size, .file = settings->file, .kept = kept},
                .seed = profile->time.seed,
        };
        int result = await_profile_cut(flash, settings->power_cut, kept);
        if (result == 0 && settings->file)
                result = mvs_flash_image_open(&flash->image);
        if (result < 0)
                mvs_flash_finish(flash);
        return result;
}

void mvs_flash_finish(struct mvs_flash *flash)
{
        if (flash->in_all_lives)
                munmap(flash->in_all_lives, sizeof *flash->in_all_lives);
        flash->in_all_lives = NULL;
        mvs_flash_image_close(&flash->image);
}

void mvs_flash_cut_at(struct mvs_flash *flash, uint64_t nth)
{
        flash->cut_at = nth > 0 ? flash->operations + nth : 0;
}

static bool is_ready(struct mvs_flash *flash)
{
        return !flash->off && (flash->image.cells || mvs_flash_image_make(&flash->image) == 0);
}

static uintptr_t cell(const struct mvs_flash *flash, uint32_t address)
{
        return (uintptr_t)flash->image.cells + address;
}

bool mvs_flash_read(struct mvs_flash *flash, uint32_t address, void *ret_bytes, uint32_t len)
{
        return is_ready(flash) && mvs_copy_from_app(ret_bytes, cell(flash, address), len);
}

/* ---- operations ---- */

/* An operation begins. False: power fails meanwhile; *ret_random draws what is left. */
static bool begin(struct mvs_flash *flash, uint32_t address, struct mvs_random *ret_random)
{
        flash->operations++;
        flash->off = flash->operations == flash->cut_at;
        if (flash->in_all_lives && ++*flash->in_all_lives == flash->profile_cut_at)
                flash->off = true;
        if (!flash->off)
                return true;
        flash->cut_address = address;
        /* Not the device's own numbers: where it is cut must not change anything else. */
        mvs_random_init(ret_random, flash->seed * UINT64_C(0x9e3779b97f4a7c15) ^ flash->operations << 32 ^ address);
        return false;
}

/* What an operation that was cut has left. Cells that are gone are another matter. */
static bool leave(struct mvs_flash *flash, uint32_t address, const uint8_t *bytes, uint32_t len)
{
        flash->off = mvs_copy_to_app(cell(flash, address), bytes, len);
        return false;
}

static bool erase_sector(struct mvs_flash *flash, uint32_t address)
{
        struct mvs_random random;
        uint8_t sector[MVS_FLASH_SECTOR];
        if (begin(flash, address, &random))
                return mvs_fill_app(cell(flash, address), ERASED, MVS_FLASH_SECTOR);
        if (!mvs_copy_from_app(sector, cell(flash, address), sizeof sector))
                return false;
        mvs_flash_cut_erase(&random, sector, sizeof sector);
        return leave(flash, address, sector, sizeof sector);
}

bool mvs_flash_erase(struct mvs_flash *flash, uint32_t address, uint32_t len)
{
        if (!is_ready(flash))
                return false;
        for (uint32_t done = 0; done < len; done += MVS_FLASH_SECTOR) {
                if (!erase_sector(flash, address + done))
                        return false;
        }
        return true;
}

static bool program_page(struct mvs_flash *flash, uint32_t address, const uint8_t *bytes, uint32_t len,
                         uint32_t *first_set)
{
        struct mvs_random random;
        uint8_t page[PAGE], wanted[PAGE];
        if (!mvs_copy_from_app(page, cell(flash, address), len))
                return false;
        for (uint32_t i = 0; i < len; i++) {
                if (*first_set == MVS_FLASH_NOWHERE && (bytes[i] & ~page[i]) != 0)
                        *first_set = address + i;
                wanted[i] = page[i] & bytes[i];
        }
        if (begin(flash, address, &random))
                return mvs_copy_to_app(cell(flash, address), wanted, len);
        mvs_flash_cut_program(&random, page, wanted, len);
        return leave(flash, address, page, len);
}

bool mvs_flash_program(struct mvs_flash *flash, uint32_t address, const void *bytes, uint32_t len, uint32_t *first_set)
{
        const uint8_t *next = bytes;
        if (!is_ready(flash))
                return false;
        while (len > 0) {
                uint32_t room = PAGE - address % PAGE;
                uint32_t part = len < room ? len : room;
                if (!program_page(flash, address, next, part, first_set))
                        return false;
                address += part;
                next += part;
                len -= part;
        }
        return true;
}

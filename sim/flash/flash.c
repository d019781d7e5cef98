#include "sim/flash/flash.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#include "sim/diag.h"
#include "sim/memory/memory.h"

#define PAGE   256U /* what a chip programs at once */
#define ERASED 0xff

int mvs_flash_init(struct mvs_flash *flash, const struct mvs_profile_flash *settings, struct mvs_kept *kept)
{
        *flash = (struct mvs_flash){
                .image = {.fd = -1, .size = settings->size, .file = settings->file, .kept = kept},
        };
        if (settings->size % MVS_FLASH_SECTOR != 0) {
                mvs_diag(MVS_LOG_ERROR, "flash.size is %" PRIu32 ": it must be a multiple of a sector's %u bytes",
                         settings->size, MVS_FLASH_SECTOR);
                return -EINVAL;
        }
        return settings->file ? mvs_flash_image_open(&flash->image) : 0;
}

void mvs_flash_finish(struct mvs_flash *flash)
{
        mvs_flash_image_close(&flash->image);
}

static bool is_ready(struct mvs_flash *flash)
{
        return flash->image.cells || mvs_flash_image_make(&flash->image) == 0;
}

static uintptr_t cell(const struct mvs_flash *flash, uint32_t address)
{
        return (uintptr_t)flash->image.cells + address;
}

bool mvs_flash_read(struct mvs_flash *flash, uint32_t address, void *ret_bytes, uint32_t len)
{
        return is_ready(flash) && mvs_copy_from_app(ret_bytes, cell(flash, address), len);
}

bool mvs_flash_erase(struct mvs_flash *flash, uint32_t address, uint32_t len)
{
        return is_ready(flash) && mvs_fill_app(cell(flash, address), ERASED, len);
}

static bool program_page(struct mvs_flash *flash, uint32_t address, const uint8_t *bytes, uint32_t len,
                         uint32_t *first_set)
{
        uint8_t page[PAGE];
        if (!mvs_copy_from_app(page, cell(flash, address), len))
                return false;
        for (uint32_t i = 0; i < len; i++) {
                if (*first_set == MVS_FLASH_NOWHERE && (bytes[i] & ~page[i]) != 0)
                        *first_set = address + i;
                page[i] &= bytes[i];
        }
        return mvs_copy_to_app(cell(flash, address), page, len);
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

/*
 * The external flash, a NOR flash: erased bytes are 0xFF, sectors of 4096 bytes are erased, programming clears bits.
 *
 * An operation is what the chip does at once: it programs within a page of 256 bytes, or erases a sector. Power may
 * fail during one of them, which is then done in part; after that the flash does nothing more until the device boots.
 * Device lock held.
 */
#ifndef MVS_FLASH_H
#define MVS_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/flash/image.h"
#include "sim/profile/profile.h"

#define MVS_FLASH_SECTOR 4096U

struct mvs_flash {
        struct mvs_flash_image image;
        uint64_t seed;
        uint64_t operations; /* begun since the boot */
        uint64_t cut_at;     /* the number of the one during which power fails; 0: none */
        uint64_t
                *in_all_lives; /* operations of the earlier lives too, where the profile's cut waits for one; or NULL */
        uint64_t profile_cut_at; /* of these */
        bool off;                /* power has failed */
        uint32_t cut_address;    /* of the operation during which it did */
};

#define MVS_FLASH_NOWHERE UINT32_MAX

/* Opens the profile's file; memory, which is what a restart keeps, waits until it is needed. 0 or a negative errno,
 * after a message. */
int mvs_flash_init(struct mvs_flash *flash, const struct mvs_profile *profile, struct mvs_kept *kept)
        __attribute__((warn_unused_result));
void mvs_flash_finish(struct mvs_flash *flash);

/* Power fails during the `nth` operation from now; 0: during none. */
void mvs_flash_cut_at(struct mvs_flash *flash, uint64_t nth);

/* What follows answers false when power fails or has failed (`off`), the image has been cut short by somebody else, or
 * there is no memory. The range lies within the flash. */

bool mvs_flash_read(struct mvs_flash *flash, uint32_t address, void *ret_bytes, uint32_t len)
        __attribute__((warn_unused_result));

/* Whole sectors. */
bool mvs_flash_erase(struct mvs_flash *flash, uint32_t address, uint32_t len) __attribute__((warn_unused_result));

/* Stores old AND new. `*first_set`, MVS_FLASH_NOWHERE at first, becomes the first address with a bit that should have
 * been set, and then stays. */
bool mvs_flash_program(struct mvs_flash *flash, uint32_t address, const void *bytes, uint32_t len, uint32_t *first_set)
        __attribute__((warn_unused_result));

#endif

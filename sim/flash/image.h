/* The contents of the external flash: the profile's file, or memory that lives as long as the process. */
#ifndef MVS_FLASH_IMAGE_H
#define MVS_FLASH_IMAGE_H

#include <stdint.h>

#include "sim/kept.h"

struct mvs_flash_image {
        int fd;         /* of the file, or of the memory that `kept` has; -1: there is none yet */
        uint8_t *cells; /* shared with the file, so that a process that is killed loses nothing; NULL: not yet */
        uint32_t size;
        const char *file; /* the profile's; NULL: memory */
        struct mvs_kept *kept;
};

/* The file is made where there is none, erased, and belongs to this process alone. 0 or a negative errno, after a
 * message. */
int mvs_flash_image_open(struct mvs_flash_image *image) __attribute__((warn_unused_result));

/* Memory for the process, or that of the life before. 0 or a negative errno, after a message. */
int mvs_flash_image_make(struct mvs_flash_image *image) __attribute__((warn_unused_result));

/* Idempotent. */
void mvs_flash_image_close(struct mvs_flash_image *image);

/* In the child of a fork, which has no device: the file is its parent's alone, also when that dies first. */
void mvs_flash_image_forget(struct mvs_flash_image *image);

#endif

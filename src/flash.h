/* Handles of the external flash: shared access to the one chip. */
#ifndef MVS_FLASH_CALLS_H
#define MVS_FLASH_CALLS_H

#include "src/handles.h"

#define MVS_FLASH_HANDLES_MAX 32

struct mvs_flash_handles {
        struct mvs_object objects[MVS_FLASH_HANDLES_MAX];
        unsigned open;
};

#endif

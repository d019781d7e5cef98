/*
 * A journal that writes in the wrong order: it says that a record is stored, and stores it when the next one comes. The
 * build puts these functions in the place of the calls of their names.
 */
#undef mvExternalFlashReadBlocking
#undef mvExternalFlashWriteBlocking
#include "mv_syscalls.h"

#include <string.h>

enum MvStatus late_read(MvExternalFlashHandle handle, uint32_t address, uint32_t length, uint8_t *buffer);
enum MvStatus late_write(MvExternalFlashHandle handle, uint32_t address, uint32_t length, const uint8_t *buffer);

static struct {
        MvExternalFlashHandle handle; /* a cut ends the life of what waits: it is another's in the next */
        uint32_t address, length;
        uint8_t bytes[512];
} waiting;

static enum MvStatus write_what_waits(MvExternalFlashHandle handle)
{
        uint32_t length = waiting.handle == handle ? waiting.length : 0;
        waiting.length = 0;
        return mvExternalFlashWriteBlocking(handle, waiting.address, length, waiting.bytes);
}

enum MvStatus late_read(MvExternalFlashHandle handle, uint32_t address, uint32_t length, uint8_t *buffer)
{
        enum MvStatus status = write_what_waits(handle);
        return status == MV_STATUS_OKAY ? mvExternalFlashReadBlocking(handle, address, length, buffer) : status;
}

enum MvStatus late_write(MvExternalFlashHandle handle, uint32_t address, uint32_t length, const uint8_t *buffer)
{
        enum MvStatus status = write_what_waits(handle);
        if (status != MV_STATUS_OKAY || length > sizeof waiting.bytes)
                return status;
        waiting.handle = handle;
        waiting.address = address;
        waiting.length = length;
        memcpy(waiting.bytes, buffer, length);
        return MV_STATUS_OKAY;
}

#include "src/flash.h"

#include <inttypes.h>

#include "sim/diag.h"
#include "src/device.h"
#include "src/pair.h"

/* ---- opening and closing ---- */

enum MvStatus mvs_check_mvExternalFlashOpen(struct mvs_call *call, MvExternalFlashHandle *handle)
{
        (void)handle;
        if (call->device->flash.open < MVS_FLASH_HANDLES_MAX)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_TOOMANYCHANNELS, NULL, "%d flash handles are open already",
                          MVS_FLASH_HANDLES_MAX);
}

enum MvStatus mvs_do_mvExternalFlashOpen(struct mvs_call *call, MvExternalFlashHandle *handle)
{
        struct mvs_device *device = call->device;
        struct mvs_object *object = device->flash.objects;
        while (object->handle)
                object++;
        enum MvStatus status =
                mvs_put_new_handle(call, "handle", handle, object, MVS_OBJECT_FLASH, MV_STATUS_TOOMANYCHANNELS);
        if (status != MV_STATUS_OKAY)
                return status;
        device->flash.open++;
        mvs_lint_made(call);
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_check_mvExternalFlashClose(struct mvs_call *call, MvExternalFlashHandle *handle)
{
        return mvs_arg_handle_at(call, "handle", handle, MVS_OBJECT_FLASH, &call->object);
}

enum MvStatus mvs_do_mvExternalFlashClose(struct mvs_call *call, MvExternalFlashHandle *handle)
{
        return mvs_put_closed(call, "handle", handle, &call->device->flash.open);
}

/* ---- what it is ---- */

enum MvStatus mvs_check_mvExternalFlashGetInfo(struct mvs_call *call, MvExternalFlashHandle handle,
                                               struct MvExternalFlashInfo *info)
{
        uint32_t version = 0;
        (void)handle;
        enum MvStatus status = mvs_get(call, "info", &version, &info->version, sizeof version);
        if (status != MV_STATUS_OKAY || version == 1)
                return status;
        return mvs_reject(call, MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version", "is %" PRIu32 ", not 1", version);
}

enum MvStatus mvs_do_mvExternalFlashGetInfo(struct mvs_call *call, MvExternalFlashHandle handle,
                                            struct MvExternalFlashInfo *info)
{
        const struct mvs_profile_flash *settings = &call->device->machine.profile.flash;
        const struct MvExternalFlashInfo value = {.version = 1,
                                                  .v1 = {settings->chip_id, settings->size, call->device->flash.open}};
        (void)handle;
        return mvs_put(call, "info", info, &value, sizeof value);
}

/* ---- reading, erasing, programming ---- */

static enum MvStatus check_range(struct mvs_call *call, uint32_t address, uint32_t length)
{
        uint32_t size = call->device->machine.profile.flash.size;
        if (length == 0 || (uint64_t)address + length <= size)
                return MV_STATUS_OKAY;
        if (address >= size)
                return mvs_reject(call, MV_STATUS_ADDRESSOUTOFRANGE, "address",
                                  "is 0x%08" PRIx32 ", past the end: the flash has 0x%" PRIx32 " bytes (flash.size)",
                                  address, size);
        return mvs_reject(call, MV_STATUS_ADDRESSOUTOFRANGE, "length",
                          "is %" PRIu32 ", and from 0x%08" PRIx32 " on there are %" PRIu32 " bytes (flash.size)",
                          length, address, size - address);
}

/* The call does not return: with the power, the application's life ends. */
static enum MvStatus lose_power(struct mvs_call *call)
{
        struct mvs_machine *machine = &call->device->machine;
        const struct mvs_flash *flash = &machine->flash;
        mvs_diag(flash->in_all_lives ? MVS_LOG_WARNING : MVS_LOG_INFO,
                 "%s: power fails in the middle of operation %" PRIu64 " of this life, at 0x%08" PRIx32,
                 call->desc->name, flash->operations, flash->cut_address);
        mvs_trace(machine, MVS_EVENT_POWER_CUT, MVS_NUMBER("operation", flash->operations),
                  MVS_HEX("address", flash->cut_address));
        return mvs_ending_of(call, MVSIM_ENDING_POWER_CUT, (uint32_t)flash->operations, MV_WAKEREASON_COLDBOOT);
}

static enum MvStatus give_up(struct mvs_call *call)
{
        if (call->device->machine.flash.off)
                return lose_power(call);
        return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                          "the flash's contents are gone: somebody has cut its file short, or there is no memory");
}

enum MvStatus mvs_check_mvExternalFlashReadBlocking(struct mvs_call *call, MvExternalFlashHandle handle,
                                                    uint32_t address, uint32_t length, uint8_t *buffer)
{
        (void)handle;
        (void)buffer;
        return check_range(call, address, length);
}

enum MvStatus mvs_do_mvExternalFlashReadBlocking(struct mvs_call *call, MvExternalFlashHandle handle, uint32_t address,
                                                 uint32_t length, uint8_t *buffer)
{
        uint8_t bytes[MVS_FLASH_SECTOR];
        (void)handle;
        for (uint32_t done = 0; done < length;) {
                uint32_t part = length - done < sizeof bytes ? length - done : (uint32_t)sizeof bytes;
                if (!mvs_flash_read(&call->device->machine.flash, address + done, bytes, part))
                        return give_up(call);
                enum MvStatus status = mvs_put(call, "buffer", buffer + done, bytes, part);
                if (status != MV_STATUS_OKAY)
                        return status;
                done += part;
        }
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_check_mvExternalFlashEraseBlocking(struct mvs_call *call, MvExternalFlashHandle handle,
                                                     uint32_t address, uint32_t length)
{
        (void)handle;
        enum MvStatus status = check_range(call, address, length);
        if (status != MV_STATUS_OKAY || (address % MVS_FLASH_SECTOR == 0 && length % MVS_FLASH_SECTOR == 0))
                return status;
        bool first = address % MVS_FLASH_SECTOR != 0;
        return mvs_reject(call, MV_STATUS_INVALIDBUFFERALIGNMENT, first ? "address" : "length",
                          "is 0x%" PRIx32 ": whole sectors are erased, so it must be a multiple of %u",
                          first ? address : length, MVS_FLASH_SECTOR);
}

enum MvStatus mvs_do_mvExternalFlashEraseBlocking(struct mvs_call *call, MvExternalFlashHandle handle, uint32_t address,
                                                  uint32_t length)
{
        (void)handle;
        if (length == 0 || mvs_flash_erase(&call->device->machine.flash, address, length))
                return MV_STATUS_OKAY;
        return give_up(call);
}

enum MvStatus mvs_check_mvExternalFlashWriteBlocking(struct mvs_call *call, MvExternalFlashHandle handle,
                                                     uint32_t address, uint32_t length, const uint8_t *buffer)
{
        (void)handle;
        (void)buffer;
        return check_range(call, address, length);
}

static void report_set_bits(struct mvs_call *call, uint32_t address)
{
        mvs_lint_found(call->device, MVS_LINT_flash_not_erased, address / MVS_FLASH_SECTOR,
                       "mvExternalFlashWriteBlocking would set bits at 0x%08" PRIx32
                       " that are 0 already: what is stored is old AND new (erase sector 0x%08" PRIx32 " first)",
                       address, address / MVS_FLASH_SECTOR * MVS_FLASH_SECTOR);
}

enum MvStatus mvs_do_mvExternalFlashWriteBlocking(struct mvs_call *call, MvExternalFlashHandle handle, uint32_t address,
                                                  uint32_t length, const uint8_t *buffer)
{
        uint8_t bytes[MVS_FLASH_SECTOR];
        uint32_t set = MVS_FLASH_NOWHERE;
        (void)handle;
        for (uint32_t done = 0; done < length;) {
                uint32_t part = length - done < sizeof bytes ? length - done : (uint32_t)sizeof bytes;
                enum MvStatus status = mvs_get(call, "buffer", bytes, buffer + done, part);
                if (status != MV_STATUS_OKAY)
                        return status;
                if (!mvs_flash_program(&call->device->machine.flash, address + done, bytes, part, &set))
                        return give_up(call);
                done += part;
        }
        if (set != MVS_FLASH_NOWHERE)
                report_set_bits(call, set);
        return MV_STATUS_OKAY;
}

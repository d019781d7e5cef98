/* Looking at registers that Microvisor keeps, and changing some of them. */
#include "src/periph.h"

#include <inttypes.h>

#include "sim/memory/windows.h"
#include "src/device.h"
#include "src/pair.h"

static enum MvStatus reject_register(struct mvs_call *call, const char *field, uint32_t address)
{
        const enum MvStatus fault = MV_STATUS_PERIPHERALACCESSFAULT;
        const struct mvs_peripheral *peripheral = mvs_peripheral_find(address);
        if (mvs_board_register_find(address - MVS_SECURE_ALIAS) != MVS_REGISTER_NONE)
                return mvs_reject(call, fault, field,
                                  "is 0x%08" PRIx32 ", a secure alias, which is Microvisor's (use 0x%08" PRIx32 ")",
                                  address, address - MVS_SECURE_ALIAS);
        if (address % sizeof(uint32_t) != 0)
                return mvs_reject(call, fault, field, "is 0x%08" PRIx32 ": registers are words, at multiples of 4",
                                  address);
        if (!peripheral)
                return mvs_reject(call, fault, field, "is 0x%08" PRIx32 ", where no peripheral is", address);
        if (peripheral->owner == MVS_OWNER_APPLICATION)
                return mvs_reject(call, fault, field,
                                  "is 0x%08" PRIx32 ", in %s, which is the application's (access it directly)", address,
                                  peripheral->name);
        return mvs_reject(call, fault, field,
                          "is 0x%08" PRIx32
                          ", in %s: of what is Microvisor's, the registers of RCC and CRS, FLASH_ACR, "
                          "PWR_VOSR and PWR_DBPR can be reached",
                          address, peripheral->name);
}

enum MvStatus mvs_periph_check_register(struct mvs_call *call, const char *field, uint32_t address)
{
        if (mvs_board_register_find(address) != MVS_REGISTER_NONE)
                return MV_STATUS_OKAY;
        return reject_register(call, field, address);
}

enum MvStatus mvs_do_mvPeriphPeek32(struct mvs_call *call, uint32_t reg, uint32_t *output)
{
        const struct mvs_board_registers *registers = &call->device->machine.board;
        uint32_t value = mvs_board_register_read(registers, mvs_board_register_find(reg));
        return mvs_put(call, "output", output, &value, sizeof value);
}

enum MvStatus mvs_do_mvPeriphPoke32(struct mvs_call *call, uint32_t reg, uint32_t mask, uint32_t xorvalue)
{
        struct mvs_board_registers *registers = &call->device->machine.board;
        int number = mvs_board_register_find(reg);
        uint32_t old = mvs_board_register_read(registers, number);
        mvs_board_register_write(registers, number, (old & ~mask) ^ xorvalue);
        return MV_STATUS_OKAY;
}

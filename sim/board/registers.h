/* The registers behind mvPeriphPeek32 and mvPeriphPoke32: they remember what is written, and do nothing else. Device
 * lock held. */
#ifndef MVS_BOARD_REGISTERS_H
#define MVS_BOARD_REGISTERS_H

#include <stdint.h>

#include "sim/profile/profile.h"

enum {
#define MVS_REGISTER(name, address, value, writable) MVS_REGISTER_##name,
#include "sim/board/registers.def"
#undef MVS_REGISTER
        MVS_REGISTER_COUNT
};

#define MVS_REGISTER_NONE (-1)

struct mvs_board_registers {
        uint32_t values[MVS_REGISTER_COUNT];
};

/* As at boot; what has to do with clocks agrees with the device's. */
void mvs_board_registers_init(struct mvs_board_registers *registers, const struct mvs_profile_device *clocks);

/* The number of the register at this address, or MVS_REGISTER_NONE. */
int mvs_board_register_find(uint32_t address);

uint32_t mvs_board_register_read(const struct mvs_board_registers *registers, int number);

/* Bits that are not the application's stay as they are. */
void mvs_board_register_write(struct mvs_board_registers *registers, int number, uint32_t value);

#endif

/* Addresses of registers as arguments. */
#ifndef MVS_PERIPH_H
#define MVS_PERIPH_H

#include "src/call.h"

/* The address must be that of a register that Microvisor lets reach: PERIPHERALACCESSFAULT. */
enum MvStatus mvs_periph_check_register(struct mvs_call *call, const char *field, uint32_t address)
        __attribute__((warn_unused_result));

#endif

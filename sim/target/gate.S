/*
 * The gate on the device: every call of src/calls.def is the address of its veneer in the secure world's
 * non-secure-callable flash. There is no code here; linking an application with this object binds the names of
 * mv_syscalls.h to those addresses, which are the same in every release of Microvisor.
 */
#define MVS_VENEERS     0x0C1FE000
#define MVS_VENEER_SIZE 8
#define MVS_THUMB_BIT   1

#define MVS_VENEER(name, offset)                                                                                       \
        .global name;                                                                                                  \
        .type name, %function;                                                                                        \
        .size name, MVS_VENEER_SIZE;                                                                                   \
        .set name, MVS_VENEERS + offset + MVS_THUMB_BIT

#define MVS_CALL(name, group, offset, ...) MVS_VENEER(name, offset)
#define MVS_RETIRED(name, offset)          MVS_VENEER(name, offset)

        .syntax unified
        .thumb

#include "src/calls.def"

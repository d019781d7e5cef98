/*
 * The device's address windows: at their real addresses, reserved without access, so that a stray dereference faults
 * and can be named. And the peripherals in them, by name.
 */
#ifndef MVS_WINDOWS_H
#define MVS_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#define MVS_SECURE_ALIAS 0x10000000 /* from a peripheral to its secure alias */

enum mvs_window_kind {
        MVS_WINDOW_MEMORY,
        MVS_WINDOW_SECURE,
        MVS_WINDOW_PERIPHERALS,
        MVS_WINDOW_SECURE_PERIPHERALS,
        MVS_WINDOW_SYSTEM,
};

struct mvs_window {
        uintptr_t start;
        uintptr_t size;
        enum mvs_window_kind kind;
        int reserved;
        const char *name;
};

enum mvs_peripheral_owner {
        MVS_OWNER_APPLICATION,
        MVS_OWNER_MICROVISOR,
        MVS_OWNER_GATE, /* Microvisor's, reached through mvPeriphPeek32 and mvPeriphPoke32 */
};

struct mvs_peripheral {
        uintptr_t base;
        uintptr_t size;
        enum mvs_peripheral_owner owner;
        const char *name;
};

/* Reserves what is free; says once, at level info, what is not. */
void mvs_windows_reserve(void);
void mvs_windows_release(void);

/* The window that holds the address, or NULL. */
const struct mvs_window *mvs_window_find(uintptr_t address);

/* The peripheral at this non-secure address, or NULL. */
const struct mvs_peripheral *mvs_peripheral_find(uintptr_t address);

/* What an address is on the device, at which this computer has nothing: completes "byte 0x40000400 ..."; *ret_name is
 * what is there, if that has a name, else NULL. NULL: outside of the windows. Static text. */
const char *mvs_window_describe(uintptr_t address, const char **ret_name);

#endif

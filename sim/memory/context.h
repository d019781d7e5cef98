/* What the processor was doing when a fault interrupted it: the registers that matter, by machine. */
#ifndef MVS_CONTEXT_H
#define MVS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

enum mvs_access_kind {
        MVS_ACCESS_UNKNOWN,
        MVS_ACCESS_READ,
        MVS_ACCESS_WRITE,
        MVS_ACCESS_EXECUTE,
};

/* 0 on a machine that is not known. */
uintptr_t mvs_context_ip(const void *context);
uintptr_t mvs_context_sp(const void *context);

/* The mask that the interrupted code has again when the handler returns: of 64 signals, as the kernel keeps it. */
uint64_t *mvs_context_mask(void *context);

/* How `address` was accessed. */
enum mvs_access_kind mvs_context_access(const void *context, uintptr_t address);

/* Did the processor say at which address? It does not for one that cannot be. */
bool mvs_context_has_address(const void *context);

/* After a call to where no code is: makes the context that of the caller. False when the caller is not known. */
bool mvs_context_return(void *context);

#endif

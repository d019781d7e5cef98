/*
 * Private modules of the library: what speaks a protocol with libraries that take long to load. Each is a shared object
 * with one exported function that returns its table of operations, loaded when it is needed for the first time: from
 * the environment variable MVSIM_MODULE_DIR's directory if that is set, else from beside the file that holds this code
 * (libmvsim.so, or a program that contains the library), from `mvsim` below that directory, or from the directory above
 * it. It stays loaded until the process ends, because OpenSSL leaves handlers behind that run at the end of a thread
 * and of the process.
 */
#ifndef MVS_LINK_MODULE_H
#define MVS_LINK_MODULE_H

#include <stddef.h>

struct mvs_module {
        const char *file;   /* "mvsim-http.so" */
        const char *symbol; /* of the function: const void *symbol(void), a table that begins with an `unsigned abi` */
        unsigned abi;       /* what that must be */
};

/* Finds and loads the module, and returns its table. On failure: NULL, and in `why` what was looked for, and where. */
const void *mvs_module_load(const struct mvs_module *module, char *why, size_t why_size)
        __attribute__((warn_unused_result));

#endif

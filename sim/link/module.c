#include "sim/link/module.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool line_holds(const char *line, uintptr_t address)
{
        uintptr_t start, end;
        return sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) == 2 && start <= address && address < end;
}

/*
 * The directory of the file that this code was mapped from. The kernel's map is asked rather than dladdr(), which
 * gives a program's name, or a library's found along a relative path, as it was before the application changed its
 * directory.
 */
static bool own_directory(char *ret_directory, size_t size)
{
        FILE *maps = fopen("/proc/self/maps", "re");
        char *line = NULL;
        size_t capacity = 0;
        bool found = false;
        while (maps && !found && getline(&line, &capacity, maps) > 0) {
                const char *path = strchr(line, '/');
                char *slash = strrchr(line, '/');
                if (!path || !line_holds(line, (uintptr_t)own_directory))
                        continue;
                *slash = '\0';
                found = strlen(path) < size;
                if (found)
                        memcpy(ret_directory, path, strlen(path) + 1);
        }
        free(line);
        if (maps)
                fclose(maps);
        return found;
}

static const struct mvs_http_module_ops *open_module(const char *path, char *why, size_t why_size)
{
        void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!module) {
                snprintf(why, why_size, "%s", dlerror());
                return NULL;
        }
        mvs_http_module_fn *entry = NULL;
        void *symbol = dlsym(module, MVS_HTTP_MODULE_SYMBOL);
        memcpy(&entry, &symbol, sizeof entry);
        dlclose(module); /* stays, because of RTLD_NODELETE */
        const struct mvs_http_module_ops *ops = entry ? entry() : NULL;
        if (!ops || ops->abi != MVS_HTTP_MODULE_ABI) {
                snprintf(why, why_size, "%s is of another version (install it together with libmvsim.so)", path);
                return NULL;
        }
        return ops;
}

/* 0 when it is not there at all */
static int try_directory(const char *directory, const char *below, const struct mvs_http_module_ops **ret_ops,
                         char *why, size_t why_size)
{
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s%s/" MVS_HTTP_MODULE_FILE, directory, below);
        if (access(path, F_OK) != 0)
                return 0;
        *ret_ops = open_module(path, why, why_size);
        return 1;
}

static const struct mvs_http_module_ops *load_from(const char *directory, char *why, size_t why_size)
{
        const struct mvs_http_module_ops *ops = NULL;
        if (try_directory(directory, "", &ops, why, why_size) ||
            try_directory(directory, "/mvsim", &ops, why, why_size) ||
            try_directory(directory, "/..", &ops, why, why_size))
                return ops;
        snprintf(why, why_size,
                 MVS_HTTP_MODULE_FILE " is not in %s, its mvsim/ or its .. (set MVSIM_MODULE_DIR to its directory)",
                 directory);
        return NULL;
}

const struct mvs_http_module_ops *mvs_http_module_load(char *why, size_t why_size)
{
        char directory[PATH_MAX] = "/";
        const char *chosen = secure_getenv("MVSIM_MODULE_DIR");
        if (chosen && *chosen) {
                const struct mvs_http_module_ops *ops = NULL;
                if (try_directory(chosen, "", &ops, why, why_size))
                        return ops;
        }
        if (!own_directory(directory, sizeof directory)) {
                snprintf(why, why_size, "/proc/self/maps does not tell where the library is (set MVSIM_MODULE_DIR)");
                return NULL;
        }
        return load_from(directory, why, why_size);
}

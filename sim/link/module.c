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

typedef const void *entry_fn(void);

static const void *open_module(const struct mvs_module *module, const char *path, char *why, size_t why_size)
{
        void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!object) {
                snprintf(why, why_size, "%s", dlerror());
                return NULL;
        }
        entry_fn *entry = NULL;
        void *symbol = dlsym(object, module->symbol);
        memcpy(&entry, &symbol, sizeof entry);
        dlclose(object); /* stays, because of RTLD_NODELETE */
        const unsigned *ops = entry ? entry() : NULL;
        if (!ops || *ops != module->abi) {
                snprintf(why, why_size, "%s is of another version (install it together with libmvsim.so)", path);
                return NULL;
        }
        return ops;
}

struct search {
        const struct mvs_module *module;
        char *why;
        size_t why_size;
        const void *ops;
};

/* False when it is not there at all. */
static bool try_directory(struct search *search, const char *directory, const char *below)
{
        char path[PATH_MAX + 64];
        snprintf(path, sizeof path, "%s%s/%s", directory, below, search->module->file);
        if (access(path, F_OK) != 0)
                return false;
        search->ops = open_module(search->module, path, search->why, search->why_size);
        return true;
}

static void search_around(struct search *search, const char *directory)
{
        if (try_directory(search, directory, "") || try_directory(search, directory, "/mvsim") ||
            try_directory(search, directory, "/.."))
                return;
        snprintf(search->why, search->why_size,
                 "%s is not in %s, its mvsim/ or its .. (set MVSIM_MODULE_DIR to its directory)", search->module->file,
                 directory);
}

const void *mvs_module_load(const struct mvs_module *module, char *why, size_t why_size)
{
        char directory[PATH_MAX] = "/";
        struct search search = {module, why, why_size, NULL};
        const char *chosen = secure_getenv("MVSIM_MODULE_DIR");
        if (chosen && *chosen && try_directory(&search, chosen, ""))
                return search.ops;
        if (own_directory(directory, sizeof directory))
                search_around(&search, directory);
        else
                snprintf(why, why_size, "/proc/self/maps does not tell where the library is (set MVSIM_MODULE_DIR)");
        return search.ops;
}

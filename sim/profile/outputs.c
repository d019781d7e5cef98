#include "sim/profile/outputs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_given(const struct mvs_output *output)
{
        return output->path && output->path[0] != '\0';
}

/* The directory without detours; where there is none, as it was given. */
static void find_directory(const char *path, size_t len, char ret[PATH_MAX])
{
        char given[PATH_MAX];
        snprintf(given, sizeof given, "%.*s", len > 0 ? (int)len : 1, len > 0 ? path : ".");
        if (!realpath(given, ret))
                snprintf(ret, PATH_MAX, "%s", given);
}

/* Of files that are yet to be made. */
static bool is_same_place(const char *a, const char *b)
{
        char directory_a[PATH_MAX], directory_b[PATH_MAX];
        const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');
        if (strcmp(slash_a ? slash_a + 1 : a, slash_b ? slash_b + 1 : b) != 0)
                return false;
        find_directory(a, slash_a ? (size_t)(slash_a - a) + 1 : 0, directory_a);
        find_directory(b, slash_b ? (size_t)(slash_b - b) + 1 : 0, directory_b);
        return strcmp(directory_a, directory_b) == 0;
}

static bool is_same_file(const char *a, const char *b)
{
        struct stat st_a, st_b;
        bool is_a = stat(a, &st_a) == 0, is_b = stat(b, &st_b) == 0;
        if (is_a && is_b)
                return S_ISREG(st_a.st_mode) && st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
        return is_a == is_b && is_same_place(a, b);
}

const struct mvs_output *mvs_outputs_clash(const struct mvs_output *outputs, unsigned count,
                                           const struct mvs_output **ret_other)
{
        for (unsigned i = 1; i < count; i++) {
                for (unsigned k = 0; k < i && is_given(&outputs[i]); k++) {
                        *ret_other = &outputs[k];
                        if (is_given(&outputs[k]) && is_same_file(outputs[k].path, outputs[i].path))
                                return &outputs[i];
                }
        }
        return NULL;
}

#include "sim/profile/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int mvs_profile_anchor(char **path, const char *profile_path)
{
        if (!*path || (*path)[0] == '/')
                return 0;
        char cwd[PATH_MAX] = "";
        if (profile_path[0] != '/' && !getcwd(cwd, sizeof cwd))
                return -errno;
        const char *slash = strrchr(profile_path, '/');
        int dir_len = slash ? (int)(slash - profile_path) : 0;
        char *joined;
        if (asprintf(&joined, "%s%s%.*s/%s", cwd, cwd[0] && dir_len ? "/" : "", dir_len, profile_path, *path) < 0)
                return -ENOMEM;
        free(*path);
        *path = joined;
        return 0;
}

bool mvs_pattern_is_one(const char *text)
{
        for (; *text != '\0'; text++) {
                if (text[0] == '%' && text[1] != 'p' && text[1] != '%')
                        return false;
                text += text[0] == '%';
        }
        return true;
}

int mvs_profile_anchor_pattern(char **path, const char *profile_path)
{
        size_t len = *path ? strlen(*path) : 0;
        int result = mvs_profile_anchor(path, profile_path);
        if (result < 0 || !*path)
                return result;
        size_t before = strlen(*path) - len;
        char *pattern = malloc(2 * before + len + 1);
        if (!pattern)
                return -ENOMEM;
        char *next = pattern;
        for (size_t i = 0; i < before; i++) {
                if ((*path)[i] == '%')
                        *next++ = '%';
                *next++ = (*path)[i];
        }
        memcpy(next, *path + before, len + 1);
        free(*path);
        *path = pattern;
        return 0;
}

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

#include "tools.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

bool mvt_is_address_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
        return true;
#else
        return false;
#endif
}

/* Its state, as its line in /proc has it behind the name: "17 (name) S ...". */
static bool sleeps(const char *tid)
{
        char path[64], line[256] = "";
        snprintf(path, sizeof path, "/proc/self/task/%.16s/stat", tid);
        FILE *file = fopen(path, "re");
        if (!file)
                return true;
        const char *name_end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
        fclose(file);
        return name_end && name_end[1] == ' ' && name_end[2] == 'S';
}

static bool all_others_sleep(void)
{
        bool all = true;
        char own[16];
        DIR *tasks = opendir("/proc/self/task");
        if (!tasks)
                return true;
        snprintf(own, sizeof own, "%d", gettid());
        for (const struct dirent *task; (task = readdir(tasks));)
                all = all && (task->d_name[0] == '.' || strcmp(task->d_name, own) == 0 || sleeps(task->d_name));
        closedir(tasks);
        return all;
}

void mvt_let_threads_rest(void)
{
        const struct timespec ms = {.tv_nsec = 1000000};
        if (!mvt_is_address_sanitized())
                return;
        for (unsigned i = 0; i < 1000 && !all_others_sleep(); i++)
                nanosleep(&ms, NULL);
}

bool mvt_is_thread_sanitized(void)
{
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
        return true;
#else
        return false;
#endif
}

/* It loads its part by this variable. */
bool mvt_is_valgrind(void)
{
        const char *preload = getenv("LD_PRELOAD");
        return preload && strstr(preload, "vgpreload");
}

unsigned mvt_rounds(unsigned usual, unsigned least)
{
        if (!mvt_is_valgrind() && !mvt_is_thread_sanitized())
                return usual;
        return usual / 100 > least ? usual / 100 : least;
}

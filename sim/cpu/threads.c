#include "sim/cpu/threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sim/thread.h"

/* ThreadSanitizer has a thread of its own, which does nothing for anybody. */
#if defined(__SANITIZE_THREAD__)
#define TOOL_THREADS 1U
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TOOL_THREADS 1U
#endif
#endif
#ifndef TOOL_THREADS
#define TOOL_THREADS 0U
#endif

/* Reads a small file of the kernel's; an empty text when it is gone. */
static void read_file(const char *path, char *ret_text, size_t size)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = fd < 0 ? 0 : read(fd, ret_text, size - 1);
        if (fd >= 0)
                close(fd);
        ret_text[len > 0 ? len : 0] = '\0';
}

/* A thread that a library starts from one of ours inherits the name. */
static bool is_ours(pid_t tid)
{
        char path[64], name[32];
        snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)tid);
        read_file(path, name, sizeof name);
        return name[0] == '\0' || strncmp(name, MVS_THREAD_PREFIX, strlen(MVS_THREAD_PREFIX)) == 0;
}

bool mvs_threads_others(void)
{
        DIR *dir = opendir("/proc/self/task");
        unsigned count = 0;
        if (!dir)
                return true;
        for (const struct dirent *entry; (entry = readdir(dir));) {
                pid_t tid = (pid_t)atoi(entry->d_name);
                if (tid > 0 && tid != gettid() && !is_ours(tid))
                        count++;
        }
        closedir(dir);
        return count > TOOL_THREADS;
}

bool mvs_thread_sleeps(pid_t tid)
{
        char path[64], text[256];
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
        read_file(path, text, sizeof text);
        const char *state = strrchr(text, ')'); /* the name before it may hold anything */
        return state && strncmp(state, ") S", 3) == 0;
}

/* The kernel says which system call a sleeping thread is in; where it does not, that it sleeps has to do. */
bool mvs_thread_waits_for_lock(pid_t tid)
{
        char path[64], text[64];
        if (!mvs_thread_sleeps(tid))
                return false;
        snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)tid);
        read_file(path, text, sizeof text);
        return text[0] == '\0' || strtol(text, NULL, 10) == SYS_futex;
}

#include "program.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_MAX 8

struct mvt_program mvt_program;

void mvt_program_set_up(void)
{
        mvt_tempdir_make(&mvt_program.dir);
        mvt_path(mvt_program.profile, &mvt_program.dir, "profile.yaml");
        mvt_path(mvt_program.trace, &mvt_program.dir, "events");
        mvt_path(mvt_program.printed, &mvt_program.dir, "printed");
        setenv("MVSIM_PROFILE", mvt_program.profile, 1);
        setenv("MVSIM_TIME", "virtual", 1);
        unsetenv("MVSIM_TRACE");
        unsetenv("MVSIM_SUMMARY");
}

void mvt_program_tear_down(void)
{
        mvt_tempdir_remove(&mvt_program.dir);
}

static struct {
        const char *path;
        const char *words[ARGUMENTS_MAX + 2];
        void (*prepare)(void);
} next;

static void become_the_program(void)
{
        int output = open(mvt_program.printed, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        dup2(output, STDOUT_FILENO);
        if (next.prepare)
                next.prepare();
        execv(next.path, (char *const *)(uintptr_t)next.words);
        fprintf(stderr, "%s: %s", next.path, strerror(errno));
        _exit(99);
}

void mvt_program_run(const char *variable, const char *const arguments[], const char *settings, void (*prepare)(void))
{
        size_t count = 0;
        next.path = getenv(variable);
        ck_assert_msg(next.path != NULL, "%s must name the program", variable);
        next.words[0] = "the-application";
        for (; arguments[count]; count++) {
                ck_assert_uint_lt(count, ARGUMENTS_MAX);
                next.words[1 + count] = arguments[count];
        }
        next.words[1 + count] = NULL;
        next.prepare = prepare;
        mvt_write_file(mvt_program.profile, settings, strlen(settings));
        mvt_child_run(&mvt_program.child, become_the_program);
}

void mvt_program_expect_said(const char *text, unsigned times)
{
        ck_assert_msg(mvt_count(mvt_program.child.output, text) == times, "\"%s\" is not there %u times: %s", text,
                      times, mvt_program.child.output);
}

void mvt_program_expect_end(int status)
{
        const struct mvt_child *child = &mvt_program.child;
        ck_assert_msg(child->exit_status == status, "status %d, signal %d: %s", child->exit_status, child->signal,
                      child->output);
}

const char *mvt_program_events(void)
{
        static char text[1 << 16];
        mvt_read_file(mvt_program.trace, text, sizeof text);
        return text;
}

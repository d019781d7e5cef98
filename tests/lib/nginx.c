#include "nginx.h"

#include <check.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define WAIT_S   60
#define ATTEMPTS 5

/* Where Debian puts it, in front of what the user has: /usr/sbin is not on everybody's PATH. */
static const char *const programs[] = {"/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"};

static const char *find_program(void)
{
        for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
                if (access(programs[i], X_OK) == 0)
                        return programs[i];
        }
        ck_abort_msg("nginx is not installed (apt install nginx-light)");
        return NULL;
}

static const char configuration[] = "daemon off;\n"
                                    "master_process off;\n"
                                    "pid nginx.pid;\n"
                                    "error_log error.log notice;\n"
                                    "events { worker_connections 512; }\n"
                                    "http {\n"
                                    "  access_log off;\n"
                                    "  server_tokens off;\n"
                                    "  client_body_temp_path body;\n"
                                    "  proxy_temp_path proxy;\n"
                                    "  fastcgi_temp_path fastcgi;\n"
                                    "  uwsgi_temp_path uwsgi;\n"
                                    "  scgi_temp_path scgi;\n"
                                    "  server {\n"
                                    "    listen 127.0.0.1:%u%s;\n"
                                    "    root www;\n"
                                    "    ssl_protocols TLSv1.2 TLSv1.3;\n"
                                    "%s%s%s%s%s"
                                    "%s\n"
                                    "  }\n"
                                    "}\n";

static void write_configuration(const struct mvt_nginx *nginx, const struct mvt_certificate *certificate,
                                const char *locations)
{
        char path[MVT_PATH_SIZE];
        mvt_path(path, &nginx->dir, "nginx.conf");
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        fprintf(file, configuration, nginx->port, certificate ? " ssl" : "", certificate ? "    ssl_certificate " : "",
                certificate ? certificate->cert_file : "", certificate ? ";\n    ssl_certificate_key " : "",
                certificate ? certificate->key_file : "", certificate ? ";\n" : "", locations);
        ck_assert_int_eq(fclose(file), 0);
}

static void run(const struct mvt_nginx *nginx, const char *program, pid_t parent)
{
        char log[MVT_PATH_SIZE];
        mvt_child_setup(parent);
        snprintf(log, sizeof log, "%.200s/error.log", nginx->dir.path);
        int output = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        execl(program, "nginx", "-p", nginx->dir.path, "-c", "nginx.conf", "-e", "error.log", (char *)NULL);
        _exit(127);
}

/* It writes its process id when its configuration is good and its sockets are its own. false: it has ended. */
static bool wait_until_ready(struct mvt_nginx *nginx)
{
        char path[MVT_PATH_SIZE];
        mvt_path(path, &nginx->dir, "nginx.pid");
        time_t end = time(NULL) + WAIT_S;
        while (access(path, F_OK) != 0) {
                if (waitpid(nginx->pid, NULL, WNOHANG) == nginx->pid) {
                        nginx->pid = 0;
                        return false;
                }
                if (time(NULL) > end)
                        mvt_abort_start("nginx", &nginx->dir, "error.log");
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        return true;
}

static bool spawn(struct mvt_nginx *nginx)
{
        const char *program = find_program();
        pid_t parent = getpid();
        nginx->pid = fork();
        if (nginx->pid == 0)
                run(nginx, program, parent);
        ck_assert_int_ge(nginx->pid, 0);
        return wait_until_ready(nginx);
}

/* nginx wants to be told a port; that it is still free when nginx binds it is likely, not sure. */
void mvt_nginx_start(struct mvt_nginx *ret, const struct mvt_certificate *certificate, const char *locations)
{
        char www[MVT_PATH_SIZE];
        *ret = (struct mvt_nginx){0};
        mvt_tempdir_make(&ret->dir);
        mvt_path(www, &ret->dir, "www");
        ck_assert_int_eq(mkdir(www, 0755), 0);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                ret->port = 0;
                close(mvt_listen(&ret->port));
                write_configuration(ret, certificate, locations);
                if (spawn(ret))
                        return;
        }
        mvt_abort_start("nginx", &ret->dir, "error.log");
}

void mvt_nginx_put(struct mvt_nginx *nginx, const char *name, const void *data, size_t len)
{
        char below[MVT_PATH_SIZE];
        char path[MVT_PATH_SIZE];
        snprintf(below, sizeof below, "www/%.200s", name);
        mvt_path(path, &nginx->dir, below);
        mvt_write_file(path, data, len);
}

void mvt_nginx_stop(struct mvt_nginx *nginx)
{
        char path[MVT_PATH_SIZE];
        mvt_kill(nginx->pid);
        if (nginx->pid > 0) {
                mvt_path(path, &nginx->dir, "nginx.pid");
                remove(path);
        }
        nginx->pid = 0;
}

void mvt_nginx_restart(struct mvt_nginx *nginx)
{
        if (!spawn(nginx))
                mvt_abort_start("nginx", &nginx->dir, "error.log");
}

void mvt_nginx_finish(struct mvt_nginx *nginx)
{
        mvt_nginx_stop(nginx);
        mvt_tempdir_remove(&nginx->dir);
}

#include "broker.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define WAIT_MS   60000
#define AGAIN_MS  200
#define ATTEMPTS  5
#define WORDS_MAX 48

/* ---- processes ---- */

/* Where Debian puts it, in front of what the user has: /usr/sbin is not on everybody's PATH. */
static const char *find_broker(void)
{
        static const char *const programs[] = {"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"};
        for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
                if (access(programs[i], X_OK) == 0)
                        return programs[i];
        }
        ck_abort_msg("mosquitto is not installed (apt install mosquitto mosquitto-clients)");
        return NULL;
}

/* Splits at spaces, in place. */
static void split(char *text, const char **ret_words, unsigned max)
{
        unsigned count = 0;
        char *rest = NULL;
        for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                ck_assert_uint_lt(count, max);
                ret_words[count++] = word;
        }
}

static pid_t spawn(const char *const *words, const char *path, int output)
{
        pid_t parent = getpid();
        pid_t pid = fork();
        if (pid != 0) {
                ck_assert_int_ge(pid, 0);
                return pid;
        }
        mvt_child_setup(parent);
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        execvp(path, (char *const *)(uintptr_t)words);
        _exit(127);
}

/* ---- the broker ---- */

static bool accepts(uint16_t port)
{
        const struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool there = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
        if (fd >= 0)
                close(fd);
        return there;
}

/* False: it has ended, because somebody else has its port by now. */
static bool wait_until_ready(struct mvt_broker *broker)
{
        for (int ms = 0; !accepts(broker->port); ms++) {
                if (waitpid(broker->pid, NULL, WNOHANG) == broker->pid) {
                        broker->pid = 0;
                        return false;
                }
                if (ms > WAIT_MS)
                        mvt_abort_start("mosquitto", &broker->dir, "log");
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        return true;
}

static bool run(struct mvt_broker *broker)
{
        char path[MVT_PATH_SIZE];
        char log[MVT_PATH_SIZE];
        char text[sizeof broker->configuration + 64];
        mvt_path(path, &broker->dir, "mosquitto.conf");
        mvt_path(log, &broker->dir, "log");
        int len = snprintf(text, sizeof text, "listener %u 127.0.0.1\n%s", broker->port, broker->configuration);
        mvt_write_file(path, text, (size_t)len);
        int output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        const char *words[] = {"mosquitto", "-c", path, NULL};
        broker->pid = spawn(words, find_broker(), output);
        close(output);
        return wait_until_ready(broker);
}

static void make_passwords(const struct mvt_broker *broker, const struct mvt_broker_options *options, char *ret_path)
{
        mvt_path(ret_path, &broker->dir, "passwords");
        const char *words[] = {"mosquitto_passwd", "-c", "-b", ret_path, options->user, options->password, NULL};
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        int status = 0;
        ck_assert_int_gt(waitpid(spawn(words, words[0], null), &status, 0), 0);
        ck_assert_int_eq(status, 0);
        close(null);
}

/* Whoever starts it, it stays that user: it could not read the test's files otherwise. */
static void configure(struct mvt_broker *broker, const struct mvt_broker_options *options)
{
        char passwords[MVT_PATH_SIZE] = "";
        FILE *file = fmemopen(broker->configuration, sizeof broker->configuration, "w");
        ck_assert_ptr_nonnull(file);
        if (options->user)
                make_passwords(broker, options, passwords);
        fprintf(file, "user root\nlog_dest stderr\nset_tcp_nodelay true\nallow_anonymous %s\npersistence %s\n",
                options->user ? "false" : "true", options->persistent ? "true" : "false");
        fprintf(file, "persistence_location %s/\n", broker->dir.path);
        if (options->user)
                fprintf(file, "password_file %s\n", passwords);
        if (options->certificate)
                fprintf(file, "certfile %s\nkeyfile %s\n", options->certificate->cert_file,
                        options->certificate->key_file);
        if (options->client_ca_file)
                fprintf(file, "cafile %s\nrequire_certificate true\n", options->client_ca_file);
        fprintf(file, "%s\n", options->lines ? options->lines : "");
        ck_assert_int_eq(fclose(file), 0);
}

void mvt_broker_start(struct mvt_broker *ret, const struct mvt_broker_options *options)
{
        static const struct mvt_broker_options none;
        *ret = (struct mvt_broker){0};
        mvt_tempdir_make(&ret->dir);
        configure(ret, options ? options : &none);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                ret->port = 0;
                close(mvt_listen(&ret->port));
                if (run(ret))
                        return;
        }
        mvt_abort_start("mosquitto", &ret->dir, "log");
}

/* A SIGTERM that comes before it has begun to listen for signals is lost: it is told again. */
void mvt_broker_stop(struct mvt_broker *broker)
{
        for (int ms = 0; broker->pid > 0 && waitpid(broker->pid, NULL, WNOHANG) == 0; ms++) {
                ck_assert_int_lt(ms, WAIT_MS);
                if (ms % AGAIN_MS == 0)
                        kill(broker->pid, SIGTERM);
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        broker->pid = 0;
}

void mvt_broker_kill(struct mvt_broker *broker)
{
        mvt_kill(broker->pid);
        broker->pid = 0;
}

void mvt_broker_restart(struct mvt_broker *broker)
{
        if (!run(broker))
                mvt_abort_start("mosquitto", &broker->dir, "log");
}

void mvt_broker_pause(struct mvt_broker *broker)
{
        int status;
        kill(broker->pid, SIGSTOP);
        ck_assert_int_eq(waitpid(broker->pid, &status, WUNTRACED), broker->pid);
}

void mvt_broker_continue(struct mvt_broker *broker)
{
        kill(broker->pid, SIGCONT);
}

static bool has_logged(const struct mvt_broker *broker, const char *words)
{
        char path[MVT_PATH_SIZE];
        char line[512];
        bool found = false;
        mvt_path(path, &broker->dir, "log");
        FILE *file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        while (!found && fgets(line, sizeof line, file))
                found = strstr(line, words) != NULL;
        fclose(file);
        return found;
}

void mvt_broker_await_loss(const struct mvt_broker *broker, const char *client_id)
{
        char words[128];
        snprintf(words, sizeof words, "Client %s closed its connection", client_id);
        for (int ms = 0; !has_logged(broker, words); ms++) {
                ck_assert_msg(ms < WAIT_MS, "the broker has not lost %s", client_id);
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
}

void mvt_broker_finish(struct mvt_broker *broker)
{
        mvt_broker_kill(broker);
        mvt_tempdir_remove(&broker->dir);
}

/* ---- other clients ---- */

void mvt_broker_publish(const struct mvt_broker *broker, const char *topic, const char *payload, const char *options)
{
        char port[8], more[256];
        const char *words[WORDS_MAX] = {"mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-t", topic, "-m", payload};
        const unsigned count = 9;
        int status = 0;
        snprintf(port, sizeof port, "%u", broker->port);
        snprintf(more, sizeof more, "%s", options);
        split(more, words + count, WORDS_MAX - 1 - count);
        pid_t pid = spawn(words, words[0], STDERR_FILENO);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(status == 0, "mosquitto_pub ended with 0x%x", (unsigned)status);
}

/* Reads until a whole line is there, takes it off, and returns it. */
static const char *next_line(struct mvt_subscriber *subscriber)
{
        static char line[sizeof subscriber->lines];
        char *end_of_line;
        while (!(end_of_line = strchr(subscriber->lines, '\n'))) {
                struct pollfd ready = {.fd = subscriber->output, .events = POLLIN};
                size_t len = strlen(subscriber->lines);
                ck_assert_msg(poll(&ready, 1, WAIT_MS) == 1, "mosquitto_sub says nothing");
                ssize_t n = read(subscriber->output, subscriber->lines + len, sizeof subscriber->lines - 1 - len);
                ck_assert_msg(n > 0, "mosquitto_sub has ended, or says too much: %s", subscriber->lines);
                subscriber->lines[len + (size_t)n] = '\0';
        }
        *end_of_line = '\0';
        memcpy(line, subscriber->lines, strlen(subscriber->lines) + 1);
        memmove(subscriber->lines, end_of_line + 1, strlen(end_of_line + 1) + 1);
        return line;
}

static const char message_mark[] = "message: ";

void mvt_subscriber_start(struct mvt_subscriber *ret, const struct mvt_broker *broker, const char *filter,
                          const char *options)
{
        char port[8], more[256], format[64];
        const char *words[WORDS_MAX] = {"stdbuf", "-oL", "mosquitto_sub", "-d", "-h",  "127.0.0.1", "-p",
                                        port,     "-F",  format,          "-t", filter};
        const unsigned count = 12;
        int ends[2];
        snprintf(port, sizeof port, "%u", broker->port);
        snprintf(more, sizeof more, "%s", options);
        snprintf(format, sizeof format, "%s%%t q%%q r%%r %%p", message_mark);
        split(more, words + count, WORDS_MAX - 1 - count);
        *ret = (struct mvt_subscriber){0};
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ret->pid = spawn(words, words[0], ends[1]);
        ret->output = ends[0];
        close(ends[1]);
        while (!strstr(next_line(ret), "Subscribed (mid"))
                ;
}

const char *mvt_subscriber_next(struct mvt_subscriber *subscriber)
{
        const char *line = next_line(subscriber);
        while (strncmp(line, message_mark, strlen(message_mark)) != 0)
                line = next_line(subscriber);
        return line + strlen(message_mark);
}

void mvt_subscriber_finish(struct mvt_subscriber *subscriber)
{
        mvt_kill(subscriber->pid);
        if (subscriber->pid > 0)
                close(subscriber->output);
        subscriber->pid = 0;
}

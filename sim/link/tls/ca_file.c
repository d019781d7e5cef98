#include "sim/link/tls/ca_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN_MAX 200 /* bytes of a path that a message has room for */

bool mvs_tls_ca_file_is_other(const char *file)
{
        struct stat st;
        return stat(file, &st) == 0 && !S_ISREG(st.st_mode);
}

static const char *reason_of(const char *file)
{
        if (mvs_tls_ca_file_is_other(file))
                return "it is no regular file";
        int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return strerror(errno);
        close(fd);
        return "there is no certificate in PEM in it, or a damaged one";
}

/* Of a path that is too long the end is shown, which tells more. */
void mvs_tls_ca_file_explain(const char *key, const char *file, char *why, size_t why_size)
{
        size_t len = strlen(file);
        bool cut = len > SHOWN_MAX;
        snprintf(why, why_size, "%s %s%s: %s", key, cut ? "..." : "", cut ? file + len - SHOWN_MAX : file,
                 reason_of(file));
}

bool mvs_tls_ca_file_trust(SSL_CTX *context, const char *key, const char *file, char *why, size_t why_size)
{
        bool fine = file ? !mvs_tls_ca_file_is_other(file) && SSL_CTX_load_verify_file(context, file) == 1
                         : SSL_CTX_set_default_verify_paths(context) == 1;
        ERR_clear_error();
        if (!fine && file)
                mvs_tls_ca_file_explain(key, file, why, why_size);
        else if (!fine)
                snprintf(why, why_size, "this computer's authorities cannot be read (name a PEM file in %s)", key);
        return fine;
}

#include "sim/trace/stamp.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS   "0123456789"
#define FRACTION 6U

static bool is_stamp(const char *text)
{
        bool bracket = text[0] == '[';
        text += bracket;
        text += strspn(text, " ");
        size_t seconds = strspn(text, DIGITS);
        text += seconds;
        if (seconds == 0 || *text++ != '.' || strspn(text, DIGITS) != FRACTION)
                return false;
        text += FRACTION;
        return (!bracket || *text++ == ']') && *text == ' ';
}

static bool is_log(int fd)
{
        char begin[4096];
        ssize_t len = read(fd, begin, sizeof begin - 1);
        if (len < 0)
                return false;
        begin[len] = '\0';
        for (ssize_t at = 0; at < len; at++) {
                if (begin[at] != '\n' && begin[at] != '\0')
                        return at == 0 && is_stamp(begin);
        }
        return true;
}

bool mvs_stamp_may_replace(const char *path)
{
        struct stat st;
        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
                return true;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        bool log = fd >= 0 && is_log(fd);
        if (fd >= 0)
                close(fd);
        return log;
}

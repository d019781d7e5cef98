/* The console of the factory's test mode: standard error, `test: ` in front of each line. Device lock held. */
#ifndef MVS_CONSOLE_H
#define MVS_CONSOLE_H

#include <stdbool.h>

#include "src/log.h"

struct mvs_console {
        struct mvs_log_buffer buffer;
        bool write_failed; /* reported once */
};

#endif

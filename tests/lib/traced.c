#include "traced.h"

#include <check.h>
#include <stdio.h>

#include "tempdir.h"

static struct mvt_tempdir dir;
static char file[MVT_PATH_SIZE];

void mvt_traced_boot(const struct mvt_device *options)
{
        char profile[4096];
        struct mvt_device device = *options;
        mvt_tempdir_make(&dir);
        mvt_path(file, &dir, "events");
        ck_assert_int_lt(snprintf(profile, sizeof profile, "trace: {file: %s}\n%s", file,
                                  options->profile ? options->profile : ""),
                         (int)sizeof profile);
        device.profile = profile;
        mvt_device_boot(&device);
}

const char *mvt_traced_end(void)
{
        static char text[1 << 16];
        mvt_device_end();
        mvt_read_file(file, text, sizeof text);
        mvt_tempdir_remove(&dir);
        return text;
}

/* The files that a device writes, no two of which may be one. */
#ifndef MVS_PROFILE_OUTPUTS_H
#define MVS_PROFILE_OUTPUTS_H

#include <stdbool.h>

struct mvs_output {
        const char *name; /* what names it: a key, or a variable of the environment */
        const char *path; /* NULL or "": no file */
};

#define MVS_OUTPUTS_WHY "they would destroy each other's contents"

/* The first that is the same file as one before it, which is *ret_other; NULL: there is none. A file may have several
 * names; what is no regular file, /dev/null for one, may be written by several. */
const struct mvs_output *mvs_outputs_clash(const struct mvs_output *outputs, unsigned count,
                                           const struct mvs_output **ret_other);

#endif

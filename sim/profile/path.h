/* File names in a profile. */
#ifndef MVS_PROFILE_PATH_H
#define MVS_PROFILE_PATH_H

#include <stdbool.h>

/* Makes *path, which was allocated, absolute: as seen from the profile's directory, and whatever directory the
 * application goes to. NULL stays NULL. 0 or a negative errno. */
int mvs_profile_anchor(char **path, const char *profile_path) __attribute__((warn_unused_result));

#define MVS_PATTERN_RULE "behind a percent sign, p (which stands for the process's id) or another percent sign"

/* Whether each percent sign in the name is followed by what MVS_PATTERN_RULE says. */
bool mvs_pattern_is_one(const char *text);

/* The same as mvs_profile_anchor() for such a name: a percent sign in a directory's name stays one. */
int mvs_profile_anchor_pattern(char **path, const char *profile_path) __attribute__((warn_unused_result));

#endif

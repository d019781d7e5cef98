/* File names in a profile. */
#ifndef MVS_PROFILE_PATH_H
#define MVS_PROFILE_PATH_H

/* Makes *path, which was allocated, absolute: as seen from the profile's directory, and whatever directory the
 * application goes to. NULL stays NULL. 0 or a negative errno. */
int mvs_profile_anchor(char **path, const char *profile_path) __attribute__((warn_unused_result));

#endif

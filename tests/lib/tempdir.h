/* A directory of the test's own, below TMPDIR or /tmp. */
#ifndef MVT_TEMPDIR_H
#define MVT_TEMPDIR_H

#include <stddef.h>

#define MVT_PATH_SIZE 256

struct mvt_tempdir {
        char path[MVT_PATH_SIZE];
};

/* Fails the test when there is no room for it. A test that fails leaves its directory behind, to be looked at. */
void mvt_tempdir_make(struct mvt_tempdir *ret);

/* With all that is in it. One that was never made, or is removed already, is fine. */
void mvt_tempdir_remove(struct mvt_tempdir *dir);

/* DIR/NAME; fails the test when it is too long for MVT_PATH_SIZE. */
void mvt_path(char ret_path[MVT_PATH_SIZE], const struct mvt_tempdir *dir, const char *name);

/* Makes or replaces the file. */
void mvt_write_file(const char *path, const void *data, size_t len);

/* What is in the file, terminated, as far as there is room for it; its length. Fails the test when there is no file. */
size_t mvt_read_file(const char *path, char *ret_text, size_t size);

#endif

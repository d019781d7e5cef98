#include "tempdir.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
        (void)status, (void)type, (void)walk;
        return remove(path);
}

void mvt_tempdir_make(struct mvt_tempdir *ret)
{
        const char *base = getenv("TMPDIR");
        int len = snprintf(ret->path, sizeof ret->path, "%s/mvsim-test-XXXXXX", base && *base ? base : "/tmp");
        ck_assert_int_lt(len, (int)sizeof ret->path);
        ck_assert_msg(mkdtemp(ret->path) != NULL, "no directory %s", ret->path);
}

void mvt_tempdir_remove(struct mvt_tempdir *dir)
{
        if (dir->path[0])
                nftw(dir->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        dir->path[0] = '\0';
}

void mvt_path(char ret_path[MVT_PATH_SIZE], const struct mvt_tempdir *dir, const char *name)
{
        int len = snprintf(ret_path, MVT_PATH_SIZE, "%s/%s", dir->path, name);
        ck_assert_int_lt(len, MVT_PATH_SIZE);
}

void mvt_write_file(const char *path, const void *data, size_t len)
{
        FILE *file = fopen(path, "we");
        ck_assert_msg(file != NULL, "cannot write %s", path);
        ck_assert_uint_eq(fwrite(data, 1, len, file), len);
        ck_assert_int_eq(fclose(file), 0);
}

size_t mvt_read_file(const char *path, char *ret_text, size_t size)
{
        FILE *file = fopen(path, "re");
        ck_assert_msg(file != NULL, "cannot read %s", path);
        size_t len = fread(ret_text, 1, size - 1, file);
        ret_text[len] = '\0';
        fclose(file);
        return len;
}

/*
 * The file behind an event log: fast to append to, and whole even when the process is killed.
 *
 * A regular file is written through a shared mapping of its end, so that what was written belongs to the kernel at
 * once and no crash of the process can lose it. The end is extended by a block at a time; the rest of the last block is
 * empty lines until the file is closed. Anything else (a pipe, a terminal) is written line by line.
 */
#ifndef MVS_TRACE_FILE_H
#define MVS_TRACE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mvs_trace_file {
        int fd;
        bool regular;
        bool failed; /* said so; nothing is written any more */
        char *block; /* the mapped end of the file; NULL: none yet */
        off_t start; /* of the block in the file */
        size_t used; /* bytes of the block */
};

/*
 * Makes the file anew; one that is there is replaced, so that whoever still writes or reads it is left alone. With
 * `again`, goes on behind the last line of one that is there, whose writer need not have closed it. 0 or a negative
 * errno.
 */
int mvs_trace_file_open(struct mvs_trace_file *ret, const char *path, bool again) __attribute__((warn_unused_result));

/* What cannot be written is reported once. */
void mvs_trace_file_write(struct mvs_trace_file *file, const char *bytes, size_t len);

/* Idempotent. */
void mvs_trace_file_close(struct mvs_trace_file *file);

#endif

/* What the interpreter needs on the host: the programs, from the file that is named, and standard output. */
#include <stdio.h>
#include <stdlib.h>

#include "interpreter.h"

void fidelity_write(const char *text, uint32_t len)
{
        fwrite(text, 1, len, stdout);
}

static uint8_t *read_file(const char *path)
{
        FILE *file = fopen(path, "rb");
        if (!file || fseek(file, 0, SEEK_END) < 0)
                return NULL;
        long size = ftell(file);
        uint8_t *data = size > 0 ? malloc((size_t)size) : NULL;
        rewind(file);
        if (data && fread(data, 1, (size_t)size, file) != (size_t)size) {
                free(data);
                data = NULL;
        }
        fclose(file);
        return data;
}

int main(int argc, char **argv)
{
        uint8_t *programs = argc == 2 ? read_file(argv[1]) : NULL;
        if (!programs) {
                fprintf(stderr, "usage: fidelity PROGRAMS (a file of programs, see interpreter.h)\n");
                return 2;
        }
        fidelity_run(programs);
        free(programs);
        return 0;
}

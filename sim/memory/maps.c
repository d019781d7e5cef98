/*
 * Reads /proc/self/maps into the table of regions.
 */
#include "sim/memory/regions.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Long enough for every field but the name, and for the beginning of that. */
#define LINE_SIZE 160

/* Small: this may run on the stack of a signal handler. */
struct reader {
        int fd;
        size_t at;
        size_t filled;
        char text[1024];
};

struct segment {
        uintptr_t start;
        uintptr_t end;
        bool readable;
        bool writable;
        bool kernels; /* data of the kernel's, which only its own code may touch */
};

struct span {
        uintptr_t start;
        uintptr_t end;
};

/* The linker puts this at the ELF header of the object that this code is linked into. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static const ElfW(Phdr) * program_headers(void)
{
        return (const ElfW(Phdr) *)((uintptr_t)&__ehdr_start + __ehdr_start.e_phoff);
}

/* The address range of libmvsim.so, with its .bss; empty when this code is part of the executable, which then is the
 * application's. Computed from the object's own headers, because dladdr and its kin take the loader's lock. */
static struct span own_library(void)
{
        const ElfW(Phdr) *headers = program_headers();
        if (getauxval(AT_PHDR) == (uintptr_t)headers)
                return (struct span){0};

        /* A shared object's lowest segment, which holds the header, is linked at address 0. */
        uintptr_t base = (uintptr_t)&__ehdr_start;
        uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        struct span own = {.start = base, .end = base};
        for (unsigned i = 0; i < __ehdr_start.e_phnum; i++) {
                uintptr_t end = base + headers[i].p_vaddr + headers[i].p_memsz;
                if (headers[i].p_type == PT_LOAD && end > own.end)
                        own.end = (end + page - 1) & ~(page - 1);
        }
        return own;
}

/* The next byte, or a negative errno; -ENODATA at the end. */
static int next_byte(struct reader *reader)
{
        if (reader->at == reader->filled) {
                ssize_t n;
                do
                        n = read(reader->fd, reader->text, sizeof reader->text);
                while (n < 0 && errno == EINTR);
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -ENODATA;
                reader->filled = (size_t)n;
                reader->at = 0;
        }
        return (unsigned char)reader->text[reader->at++];
}

/* Cuts what does not fit. 0 or a negative errno; -ENODATA after the last line. */
static int next_line(struct reader *reader, char line[LINE_SIZE])
{
        size_t len = 0;
        int byte;
        while ((byte = next_byte(reader)) >= 0 && byte != '\n') {
                if (len < LINE_SIZE - 1)
                        line[len++] = (char)byte;
        }
        line[len] = '\0';
        return byte < 0 ? byte : 0;
}

static const char *parse_hex(const char *text, uintptr_t *ret_value)
{
        uintptr_t value = 0;
        for (;; text++) {
                if (*text >= '0' && *text <= '9')
                        value = value << 4 | (uintptr_t)(*text - '0');
                else if (*text >= 'a' && *text <= 'f')
                        value = value << 4 | (uintptr_t)(*text - 'a' + 10);
                else
                        break;
        }
        *ret_value = value;
        return text;
}

/* start-end rwxp offset device inode [name] */
static bool parse_segment(const char *line, struct segment *ret_segment)
{
        const char *at = parse_hex(line, &ret_segment->start);
        if (*at != '-')
                return false;
        at = parse_hex(at + 1, &ret_segment->end);
        if (at[0] != ' ' || strlen(at) < 5)
                return false;
        ret_segment->readable = at[1] == 'r';
        ret_segment->writable = at[2] == 'w';
        const char *name = strchr(at, '[');
        ret_segment->kernels = name != NULL && (strncmp(name, "[vvar", 5) == 0 || strcmp(name, "[vsyscall]") == 0);
        return true;
}

/* Adds the segment; the part of it that lies in one of the two secure spans becomes secure. The kernel joins anonymous
 * mappings that touch, so a segment may begin outside and end inside. */
static int add_segment(struct mvs_memory *memory, const struct segment *segment, const struct span secure[2])
{
        enum mvs_region_kind outside = segment->writable ? MVS_REGION_NONSECURE_RW : MVS_REGION_NONSECURE_RO;
        uintptr_t at = segment->start;
        while (at < segment->end) {
                enum mvs_region_kind kind = outside;
                uintptr_t end = segment->end;
                for (unsigned i = 0; i < 2; i++) {
                        bool inside = at >= secure[i].start && at < secure[i].end;
                        uintptr_t border = inside ? secure[i].end : secure[i].start;
                        if (inside)
                                kind = MVS_REGION_SECURE;
                        if (border > at && border < end)
                                end = border;
                }
                int r = mvs_regions_add(memory, at, end, kind);
                if (r < 0)
                        return r;
                at = end;
        }
        return 0;
}

static int read_segments(struct mvs_memory *memory, struct reader *reader)
{
        uintptr_t table = (uintptr_t)memory->regions;
        const struct span secure[2] = {
                own_library(),
                {.start = table, .end = table + mvs_regions_bytes(memory->region_capacity)},
        };
        char line[LINE_SIZE];
        int r;
        mvs_regions_clear(memory);
        while ((r = next_line(reader, line)) == 0) {
                struct segment segment;
                if (!parse_segment(line, &segment) || !segment.readable || segment.kernels)
                        continue;
                r = add_segment(memory, &segment, secure);
                if (r < 0)
                        return r;
        }
        return r == -ENODATA ? 0 : r;
}

static int read_once(struct mvs_memory *memory)
{
        struct reader reader = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
        if (reader.fd < 0)
                return -errno;
        int r = read_segments(memory, &reader);
        close(reader.fd);
        return r;
}

/* A table that grew has moved: what was read before does not know its new place. It doubles each time, so this ends. */
int mvs_maps_read(struct mvs_memory *memory)
{
        int saved_errno = errno;
        size_t capacity;
        int r;
        do {
                capacity = memory->region_capacity;
                r = read_once(memory);
        } while (r == 0 && memory->region_capacity != capacity);
        errno = saved_errno;
        return r;
}

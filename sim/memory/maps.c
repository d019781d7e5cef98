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
#define LINE_SIZE 256

/* Small: this may run on the stack of a signal handler. */
struct reader {
        int fd;
        size_t at;
        size_t filled;
        char text[1024];
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
static bool parse_segment(const char *line, struct mvs_segment *ret_segment)
{
        const char *at = parse_hex(line, &ret_segment->start);
        if (*at != '-')
                return false;
        at = parse_hex(at + 1, &ret_segment->end);
        if (at[0] != ' ' || strlen(at) < 5)
                return false;
        ret_segment->readable = at[1] == 'r';
        ret_segment->writable = at[2] == 'w';
        ret_segment->executable = at[3] == 'x';
        const char *name = strpbrk(at, "[/");
        ret_segment->name[0] = '\0';
        if (name != NULL)
                strncat(ret_segment->name, name, sizeof ret_segment->name - 1);
        return true;
}

/* Data of the kernel's, which only its own code may touch. */
static bool is_kernels(const struct mvs_segment *segment)
{
        return strncmp(segment->name, "[vvar", 5) == 0 || strcmp(segment->name, "[vsyscall]") == 0;
}

/* Adds the segment; the part of it that lies in one of the two secure spans becomes secure. The kernel joins anonymous
 * mappings that touch, so a segment may begin outside and end inside. */
static int add_segment(struct mvs_memory *memory, const struct mvs_segment *segment, const struct span secure[2])
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

/* Adds what is inaccessible only because it is lent. */
static int add_held(struct mvs_memory *memory, const struct mvs_segment *segment)
{
        uintptr_t start, end;
        for (uintptr_t at = segment->start; mvs_lent_next_held(memory, at, segment->end, &start, &end); at = end) {
                int r = mvs_regions_add(memory, start, end, MVS_REGION_NONSECURE_RW);
                if (r < 0)
                        return r;
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
                struct mvs_segment segment;
                if (!parse_segment(line, &segment) || is_kernels(&segment))
                        continue;
                r = segment.readable ? add_segment(memory, &segment, secure) : add_held(memory, &segment);
                if (r < 0)
                        return r;
        }
        return r == -ENODATA ? 0 : r;
}

/* And this behind its last byte. */
extern const char _end[] __attribute__((visibility("hidden")));

bool mvs_maps_has_own_data(uintptr_t start, uintptr_t end)
{
        return start < (uintptr_t)_end && end > (uintptr_t)&__ehdr_start;
}

bool mvs_maps_is_own_code(uintptr_t address)
{
        struct span own = own_library();
        return address >= own.start && address < own.end;
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

/* ---- questions about single addresses ---- */

typedef bool visit_fn(const struct mvs_segment *segment, void *context);

/* Until the visitor has seen enough and says false. 0 or a negative errno. */
static int visit_segments(visit_fn *visit, void *context)
{
        struct reader reader = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
        if (reader.fd < 0)
                return -errno;
        char line[LINE_SIZE];
        int r;
        while ((r = next_line(&reader, line)) == 0) {
                struct mvs_segment segment;
                if (parse_segment(line, &segment) && !visit(&segment, context))
                        break;
        }
        close(reader.fd);
        return r == -ENODATA ? 0 : r;
}

struct search {
        uintptr_t address;
        struct mvs_segment *found;
        bool is_found;
};

static bool search_segment(const struct mvs_segment *segment, void *context)
{
        struct search *search = context;
        if (search->address >= segment->end)
                return true;
        *search->found = *segment;
        search->is_found = search->address >= segment->start;
        return false;
}

bool mvs_maps_find(uintptr_t address, struct mvs_segment *ret_segment)
{
        struct search search = {.address = address, .found = ret_segment};
        *ret_segment = (struct mvs_segment){.start = UINTPTR_MAX, .end = UINTPTR_MAX};
        return visit_segments(search_segment, &search) == 0 && search.is_found;
}

/* The C library's heaps beside the main one begin at multiples of their largest size. */
#define HEAP_SIZE ((uintptr_t)64 << 20)

struct look {
        const struct mvs_memory *memory;
        uintptr_t at; /* what lies before has been seen, without a hole */
        uintptr_t end;
        uintptr_t stack;
        struct mvs_survey survey;
};

static bool is_all_held(const struct mvs_memory *memory, uintptr_t at, uintptr_t end)
{
        uintptr_t start;
        while (at < end) {
                if (!mvs_lent_next_held(memory, at, end, &start, &end) || start > at)
                        return false;
                at = end;
        }
        return true;
}

static bool look_at(const struct mvs_segment *segment, void *context)
{
        struct look *look = context;
        if (segment->end <= look->at)
                return true;
        if (segment->start > look->at)
                return false;
        uintptr_t end = segment->end < look->end ? segment->end : look->end;
        bool data = segment->readable && segment->writable && !segment->executable;
        look->survey.plain = look->survey.plain && (data || is_all_held(look->memory, look->at, end));
        look->survey.heap = look->survey.heap || strcmp(segment->name, "[heap]") == 0 ||
                            (segment->name[0] == '\0' && segment->start % HEAP_SIZE == 0);
        look->survey.stack = look->survey.stack || strncmp(segment->name, "[stack", 6) == 0 ||
                             (look->stack >= segment->start && look->stack < segment->end && look->stack < end);
        look->at = end;
        return end < look->end;
}

int mvs_maps_survey(const struct mvs_memory *memory, uintptr_t start, uintptr_t end, uintptr_t stack,
                    struct mvs_survey *ret_survey)
{
        struct look look = {.memory = memory, .at = start, .end = end, .stack = stack, .survey = {.plain = true}};
        int saved_errno = errno;
        int r = visit_segments(look_at, &look);
        errno = saved_errno;
        *ret_survey = look.survey;
        return r < 0 ? r : look.at < end ? -EFAULT : 0;
}

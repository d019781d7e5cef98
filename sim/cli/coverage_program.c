/* Which calls a program uses: those among the symbols that it takes from shared libraries. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/cli/coverage.h"

struct image {
        const char *bytes;
        size_t size;
};

/* The part of the file, or NULL where the file has none: it may be cut short or be no program at all. */
static const void *part(const struct image *image, uint64_t offset, uint64_t len)
{
        return offset <= image->size && len <= image->size - offset ? image->bytes + offset : NULL;
}

static const Elf64_Shdr *sections_of(const struct image *image, unsigned *ret_count)
{
        const Elf64_Ehdr *header = part(image, 0, sizeof *header);
        if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
            header->e_shentsize != sizeof(Elf64_Shdr))
                return NULL;
        *ret_count = header->e_shnum;
        return part(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr));
}

static void note(struct mvs_coverage_report *report, const char *name, size_t room)
{
        for (unsigned call = 0; call < report->table.calls; call++) {
                size_t size = strlen(report->table.call_names[call]) + 1;
                if (size <= room && memcmp(name, report->table.call_names[call], size) == 0)
                        report->linked[call] = true;
        }
}

static void note_symbols(struct mvs_coverage_report *report, const struct image *image, const Elf64_Shdr *table,
                         const Elf64_Shdr *names)
{
        const Elf64_Sym *symbols = part(image, table->sh_offset, table->sh_size);
        const char *text = part(image, names->sh_offset, names->sh_size);
        for (size_t i = 0; symbols && text && i < table->sh_size / sizeof *symbols; i++) {
                if (symbols[i].st_shndx == SHN_UNDEF && symbols[i].st_name < names->sh_size)
                        note(report, text + symbols[i].st_name, names->sh_size - symbols[i].st_name);
        }
}

static int look_at(struct mvs_coverage_report *report, const struct image *image)
{
        unsigned count = 0;
        const Elf64_Shdr *sections = sections_of(image, &count);
        if (!sections)
                return -ENOEXEC;
        for (unsigned i = 0; i < count; i++) {
                if (sections[i].sh_type == SHT_DYNSYM && sections[i].sh_link < count)
                        note_symbols(report, image, &sections[i], &sections[sections[i].sh_link]);
        }
        return 0;
}

static int look_into(struct mvs_coverage_report *report, int fd)
{
        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size == 0)
                return -ENOEXEC;
        struct image image = {.size = (size_t)st.st_size};
        void *bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED)
                return -errno;
        image.bytes = bytes;
        int result = look_at(report, &image);
        munmap(bytes, image.size);
        return result;
}

int mvs_coverage_report_program(struct mvs_coverage_report *report, const char *path,
                                char ret_why[MVS_COVERAGE_WHY_SIZE])
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int result = fd < 0 ? -errno : look_into(report, fd);
        if (fd >= 0)
                close(fd);
        report->linked_only = true;
        if (result == -ENOEXEC)
                snprintf(ret_why, MVS_COVERAGE_WHY_SIZE, "it is no program for a 64-bit Linux, or not a whole one");
        else if (result < 0)
                snprintf(ret_why, MVS_COVERAGE_WHY_SIZE, "it cannot be read: %s", strerror(-result));
        return result;
}

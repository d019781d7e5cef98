#include "sim/memory/trace_back.h"

#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include "sim/memory/context.h"
#include "sim/memory/regions.h"

#define FRAMES 64
#define SHOWN  24

void mvs_text_vadd(struct mvs_text *text, const char *format, va_list arguments)
{
        size_t room = sizeof text->bytes - text->len;
        int len = vsnprintf(text->bytes + text->len, room, format, arguments);
        if (len > 0)
                text->len += (size_t)len < room ? (size_t)len : room - 1;
}

void mvs_text_add(struct mvs_text *text, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        mvs_text_vadd(text, format, arguments);
        va_end(arguments);
}

/* ---- names ---- */

/* An ELF file, mapped. The loader's tables know exported functions alone; the file knows all, unless it was stripped.
 */
struct image {
        const unsigned char *bytes;
        size_t size;
};

static bool open_image(struct image *ret, const char *path)
{
        struct stat status;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        bool fits = fstat(fd, &status) == 0 && (size_t)status.st_size > sizeof(ElfW(Ehdr));
        void *bytes = fits ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
        close(fd);
        *ret = (struct image){.bytes = bytes, .size = fits ? (size_t)status.st_size : 0};
        return bytes != MAP_FAILED;
}

static bool is_within(const struct image *image, uint64_t at, uint64_t len)
{
        return at <= image->size && len <= image->size - at;
}

static const ElfW(Shdr) * section(const struct image *image, unsigned i)
{
        const ElfW(Ehdr) *header = (const void *)image->bytes;
        uint64_t at = header->e_shoff + (uint64_t)i * sizeof(ElfW(Shdr));
        return i < header->e_shnum && is_within(image, at, sizeof(ElfW(Shdr))) ? (const void *)(image->bytes + at)
                                                                               : NULL;
}

/* The function that holds `place`, among the symbols of one section. */
static const char *name_in(const struct image *image, const ElfW(Shdr) * symbols, uintptr_t place, uintptr_t *ret_start)
{
        const ElfW(Shdr) *names = section(image, symbols->sh_link);
        if (names == NULL || !is_within(image, symbols->sh_offset, symbols->sh_size) ||
            !is_within(image, names->sh_offset, names->sh_size))
                return NULL;
        const ElfW(Sym) *symbol = (const void *)(image->bytes + symbols->sh_offset);
        for (size_t left = symbols->sh_size / sizeof *symbol; left > 0; left--, symbol++) {
                if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_name >= names->sh_size)
                        continue;
                if (place - symbol->st_value >= symbol->st_size)
                        continue;
                *ret_start = symbol->st_value;
                return (const char *)image->bytes + names->sh_offset + symbol->st_name;
        }
        return NULL;
}

static const char *name_of_kind(const struct image *image, ElfW(Word) kind, uintptr_t place, uintptr_t *ret_start)
{
        const ElfW(Shdr) * at;
        for (unsigned i = 0; (at = section(image, i)) != NULL; i++) {
                const char *name = at->sh_type == kind ? name_in(image, at, place, ret_start) : NULL;
                if (name != NULL)
                        return name;
        }
        return NULL;
}

/* Where the file was built to be, for addr2line: an executable that cannot move is there itself. */
static uintptr_t place_of(const struct image *image, uintptr_t address, uintptr_t base)
{
        const ElfW(Ehdr) *header = (const void *)image->bytes;
        return header->e_type == ET_EXEC ? address : address - base;
}

static void add_name(struct mvs_text *text, const struct image *image, uintptr_t place, uintptr_t back)
{
        uintptr_t start = 0;
        const char *name = name_of_kind(image, SHT_SYMTAB, place - back, &start);
        if (name == NULL)
                name = name_of_kind(image, SHT_DYNSYM, place - back, &start);
        if (name != NULL)
                mvs_text_add(text, " in %s+0x%zx", name, (size_t)(place - start));
}

/* `back`: 1 for a return address, which may be that of the next function. */
static void add_frame(struct mvs_text *text, unsigned number, uintptr_t address, uintptr_t back)
{
        Dl_info info;
        struct image image;
        mvs_text_add(text, "mvsim:   #%u 0x%012zx", number, (size_t)address);
        if (dladdr((void *)(address - back), &info) == 0) {
                mvs_text_add(text, "\n");
                return;
        }
        uintptr_t base = (uintptr_t)info.dli_fbase;
        bool is_program = getauxval(AT_PHDR) - base < mvs_page_size();
        if (open_image(&image, is_program ? "/proc/self/exe" : info.dli_fname)) {
                uintptr_t place = place_of(&image, address, base);
                add_name(text, &image, place, back);
                mvs_text_add(text, " (%s+0x%zx)", info.dli_fname, (size_t)place);
                munmap((void *)(uintptr_t)image.bytes, image.size);
        }
        mvs_text_add(text, "\n");
}

void mvs_trace_back_line(struct mvs_text *text, unsigned number, uintptr_t address)
{
        add_frame(text, number, address, 0);
}

/* ---- the calls ---- */

void mvs_trace_back_prepare(void)
{
        void *frames[1];
        backtrace(frames, 1);
}

/* The frame that was interrupted, or the first outside of libmvsim. */
static int first_frame(void *const *frames, int count, uintptr_t interrupted)
{
        for (int i = 0; i < count; i++) {
                uintptr_t address = (uintptr_t)frames[i];
                if (interrupted ? address == interrupted : !mvs_maps_is_own_code(address))
                        return i;
        }
        return 0;
}

/* `exact`: the first is where the processor was, and not where a call returns to. */
static void add_frames(struct mvs_text *text, unsigned number, uintptr_t interrupted, bool exact)
{
        void *frames[FRAMES];
        int count = backtrace(frames, FRAMES);
        int first = first_frame(frames, count, interrupted);
        for (int i = first; i < count && i < first + SHOWN; i++)
                add_frame(text, number++, (uintptr_t)frames[i], exact && i == first ? 0 : 1);
        if (count - first > SHOWN)
                mvs_text_add(text, "mvsim:   (more calls follow)\n");
}

/* There is no code where it was, so nothing can be unwound from there: go on as if that had returned at once. */
static void add_callers(struct mvs_text *text, ucontext_t *interrupted)
{
        mcontext_t registers = interrupted->uc_mcontext;
        mvs_text_add(text, "mvsim:   #0 0x%012zx\n", (size_t)mvs_context_ip(interrupted));
        if (mvs_context_return(interrupted))
                add_frames(text, 1, mvs_context_ip(interrupted), false);
        interrupted->uc_mcontext = registers;
}

void mvs_trace_back(struct mvs_text *text, void *context)
{
        struct mvs_segment segment;
        uintptr_t ip = context ? mvs_context_ip(context) : 0;
        if (context == NULL)
                add_frames(text, 0, 0, false);
        else if (mvs_maps_find(ip, &segment) && segment.executable)
                add_frames(text, 0, ip, true);
        else
                add_callers(text, context);
}

/* What the memory checks cost: a pointer argument, a neighbour of lent memory, the strict mode, a lent page in a call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "sim/memory/regions.h"
#include "src/device.h"

#define ROUNDS   21
#define CHECKS   200000
#define ACCESSES 100
#define CALLS    50000
#define POLLS    100
#define PAGE     4096

/* A page of its own, since the simulator's variables are in this program too. */
static struct {
        volatile uint32_t neighbour;
        uint8_t lent[512] __attribute__((aligned(512)));
} * shared;

static uint8_t own_page[PAGE] __attribute__((aligned(PAGE)));
static uint8_t log_buffer[PAGE] __attribute__((aligned(PAGE)));
static uint64_t now_us;

static double median_of(double (*once)(void))
{
        double ns[ROUNDS];
        for (unsigned i = 0; i < ROUNDS; i++)
                ns[i] = once();
        return bench_median(ns, ROUNDS);
}

/* ---- the floors ---- */

static double plain_call(void)
{
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < CHECKS; i++)
                bench_plain_call();
        return (double)(bench_now_ns() - start) / CHECKS;
}

static double protect_pair(void)
{
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < ACCESSES; i++)
                bench_need(mprotect(own_page, PAGE, PROT_NONE) == 0 &&
                           mprotect(own_page, PAGE, PROT_READ | PROT_WRITE) == 0);
        return (double)(bench_now_ns() - start) / ACCESSES;
}

/* ---- a pointer ---- */

static struct mvs_memory memory;

static double check_pointer(void)
{
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < CHECKS; i++)
                bench_need(mvs_memory_check(&memory, (uintptr_t)&now_us, sizeof now_us, MVS_WRITE, NULL));
        return (double)(bench_now_ns() - start) / CHECKS;
}

/* Of many places in turn, so that none is just where the last one was. */
static double check_pointers(void)
{
        uint64_t local[2];
        const void *places[] = {&now_us, local, own_page, shared->lent, &memory, &places};
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < CHECKS; i++)
                bench_need(mvs_memory_check(&memory, (uintptr_t)places[i % 6], 8, MVS_WRITE, NULL));
        return (double)(bench_now_ns() - start) / CHECKS;
}

static void measure_checks(void)
{
        bench_need(mvs_memory_init(&memory) == 0);
        double floor = median_of(plain_call);
        bench_table("Checking a pointer argument; ratio to a plain call into a shared object");
        bench_row("plain call", floor, floor, NULL);
        bench_row("the same 8 bytes again", median_of(check_pointer), floor, "<= 10 ns");
        bench_row("six places in turn", median_of(check_pointers), floor, "<= 10 ns");
        struct mvs_lent lent = {.start = (uintptr_t)shared->lent, .end = (uintptr_t)shared->lent + 512};
        for (unsigned i = 0; i < 8; i++)
                bench_need(mvs_memory_lend(&memory, &lent));
        bench_row("the same 8 bytes again, with eight loans", median_of(check_pointer), floor, NULL);
        mvs_memory_finish(&memory);
}

/* ---- neighbours ---- */

static double use_neighbour(void)
{
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < ACCESSES; i++)
                shared->neighbour = i;
        return (double)(bench_now_ns() - start) / ACCESSES;
}

static double ask_linux(void)
{
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < ACCESSES; i++)
                getppid();
        return (double)(bench_now_ns() - start) / ACCESSES;
}

static void boot(const char *memory_section)
{
        char path[] = "/tmp/mvsim-bench-XXXXXX";
        int fd = mkstemp(path);
        bench_need(fd >= 0 && dprintf(fd, "memory: {%s}\nlog: {file: /dev/null}\n", memory_section) > 0);
        close(fd);
        bench_need(mvsim_boot(&(struct mvsim_options){.profile = path, .time = MVSIM_TIME_VIRTUAL}) == 0);
        unlink(path);
}

/* Before the page is found to be in steady use. */
static void measure_neighbours(void)
{
        double floor = median_of(protect_pair);
        double getppid_ns = median_of(ask_linux);
        boot("");
        bench_table("A neighbour of lent memory; ratio to a pair of mprotect");
        bench_row("pair of mprotect", floor, floor, NULL);
        bench_need(mvServerLoggingInit(shared->lent, 512) == MV_STATUS_OKAY);
        bench_row("write to a neighbour in a lent page", median_of(use_neighbour), floor, NULL);
        bench_row("getppid", getppid_ns, floor, NULL);
        bench_row("getppid while a page with neighbours is lent", median_of(ask_linux), floor, NULL);
        mvsim_shutdown();
}

/* ---- the strict mode ---- */

static double call_microvisor(void)
{
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < CALLS; i++)
                mvGetMicroseconds(&now_us);
        return (double)(bench_now_ns() - start) / CALLS;
}

/* A second of an application that wakes up, asks for the time, logs a line and sleeps. */
static double poll(void)
{
        static const uint8_t line[] = "temperature 7.5, pressure 1013, humidity 40\n";
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < POLLS; i++) {
                mvGetMicroseconds(&now_us);
                mvServerLog(line, sizeof line - 1);
                mvsim_run_for(1000000);
        }
        return (double)(bench_now_ns() - start) / POLLS;
}

static double once(const char *memory_section, double (*subject)(void))
{
        boot(memory_section);
        bench_need(mvServerLoggingInit(log_buffer, sizeof log_buffer) == MV_STATUS_OKAY);
        double ns = subject();
        mvsim_shutdown();
        return ns;
}

/* The two take turns, so that what disturbs the computer disturbs both. */
static void compare(const char *what, double (*subject)(void))
{
        double plain[ROUNDS], strict[ROUNDS];
        char text[80];
        for (unsigned i = 0; i < ROUNDS; i++) {
                plain[i] = once("strict: false", subject);
                strict[i] = once("strict: true", subject);
        }
        double floor = bench_median(plain, ROUNDS);
        bench_row(what, floor, floor, NULL);
        snprintf(text, sizeof text, "%s, strict", what);
        bench_row(text, bench_median(strict, ROUNDS), floor, "<= 1.2");
}

int main(void)
{
        bench_pin();
        shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bench_need(shared != MAP_FAILED);
        measure_checks();
        measure_neighbours();
        bench_table("memory.strict; ratio to the same without");
        compare("mvGetMicroseconds", call_microvisor);
        compare("a second of an application that polls", poll);
        return 0;
}

/* An application that makes the mistake that its argument names. */
#include <stdint.h>
#include <string.h>

#include "mv_syscalls.h"

static struct {
        volatile uint32_t neighbour;
        uint8_t part[512] __attribute__((aligned(512)));
        uint8_t whole[4096] __attribute__((aligned(4096)));
} data __attribute__((aligned(4096)));

__attribute__((noinline)) static void fault(uintptr_t address)
{
        *(volatile uint8_t *)address = 1;
}

int main(int argc, char **argv)
{
        const char *what = argc > 1 ? argv[1] : "";
        if (strcmp(what, "neighbours") == 0) {
                mvServerLoggingInit(data.part, sizeof data.part);
                for (unsigned i = 0; i < 100; i++)
                        data.neighbour += i;
        }
        mvServerLoggingInit(data.whole, sizeof data.whole);
        if (strcmp(what, "peripheral") == 0)
                fault(0x40000400);
        if (strcmp(what, "lent") == 0)
                fault((uintptr_t)data.whole + 7);
        if (strcmp(what, "null") == 0)
                fault(8);
        return 0;
}

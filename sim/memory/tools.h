/*
 * Tools that watch the application's memory themselves: AddressSanitizer and valgrind's memcheck are told what is lent,
 * and report an access better than anything here could.
 */
#ifndef MVS_TOOLS_H
#define MVS_TOOLS_H

#include <stddef.h>
#include <stdint.h>

enum mvs_tool {
        MVS_TOOL_NONE,
        MVS_TOOL_ADDRESS_SANITIZER,
        MVS_TOOL_THREAD_SANITIZER,
        MVS_TOOL_VALGRIND,
};

/* The one that this process runs under. */
enum mvs_tool mvs_tool(void);

/* The application may no longer / may again access the range. */
void mvs_tool_withhold(uintptr_t start, size_t len);
void mvs_tool_allow(uintptr_t start, size_t len);

/* Between the two, accesses of the calling thread are not reported (valgrind). */
void mvs_tool_look_away(void);
void mvs_tool_look_again(void);

#endif

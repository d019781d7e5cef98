/* How the application came to a place: the calls that led there, with the names of functions. For signal handlers. */
#ifndef MVS_TRACE_BACK_H
#define MVS_TRACE_BACK_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* A text that grows at its end; what does not fit is cut. */
struct mvs_text {
        size_t len;
        char bytes[12288];
};

void mvs_text_add(struct mvs_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mvs_text_vadd(struct mvs_text *text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

/* Loads what unwinding needs, which a signal handler could not. */
void mvs_trace_back_prepare(void);

/* A line for one call: the `number`th, at the address of an instruction that has begun. Any thread; allocates nothing.
 */
void mvs_trace_back_line(struct mvs_text *text, unsigned number, uintptr_t address);

/* A line for each call. `context` is that of the fault; NULL: from the caller of libmvsim on. */
void mvs_trace_back(struct mvs_text *text, void *context);

#endif

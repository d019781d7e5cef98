/*
 * What the words of calls.def are for C: include before calls.def, in a file that expands arguments.
 *
 * An argument becomes a list of tokens, kind, type, name, and what its kind adds; AT(...) in the including file picks
 * from it. The including file defines ARGS0 to ARGS4 and MVS_CALL.
 */
#ifndef MVS_CALLS_ARGS_H
#define MVS_CALLS_ARGS_H

#define ARG_VALUE(type, name)        VALUE, type, name, _
#define ARG_REGISTER(name)           REGISTER, uint32_t, name, _
#define ARG_OUT(type, name)          OUT, type, name, _
#define ARG_IN(type, name)           IN, type, name, _
#define ARG_INOUT(type, name)        INOUT, type, name, _
#define ARG_HANDLE(type, kind, name) HANDLE, type, name, kind
#define ARG_BUFFER_OUT(name, length) BUFFER_OUT, uint8_t, name, length
#define ARG_BUFFER_IN(name, length)  BUFFER_IN, uint8_t, name, length
#define ARG_LEND(name, length)       LEND, uint8_t, name, length
#define MVS_RETIRED(name, offset)

/* The type of each kind's parameter. */
#define TYPE_VALUE(type)      type
#define TYPE_REGISTER(type)   type
#define TYPE_OUT(type)        type *
#define TYPE_IN(type)         const type *
#define TYPE_INOUT(type)      type *
#define TYPE_HANDLE(type)     type
#define TYPE_BUFFER_OUT(type) type *
#define TYPE_BUFFER_IN(type)  const type *
#define TYPE_LEND(type)       type *

#endif

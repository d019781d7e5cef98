/* The header needs no other before it, and stands being included twice. */
#include "mv_syscalls.h"
#include "mv_syscalls.h"

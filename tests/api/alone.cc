/* The header in C++: declaring a call again as a C function is an error if it was not one before. */
#include "mv_syscalls.h"
#include "mv_syscalls.h"

extern "C" enum MvStatus mvNoOp(void);
extern "C" enum MvStatus mvGetWifiConfig(const struct MvWifiConfigOut *params);

#include "board/cm33_bits.h"

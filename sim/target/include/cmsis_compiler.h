#include "board/cmsis_compiler.h"

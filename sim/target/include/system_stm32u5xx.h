#include "board/system_stm32u5xx.h"

#include "board/stm32u5xx.h"

#include "board/stm32u585xx.h"

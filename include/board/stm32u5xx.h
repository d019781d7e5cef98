/* The family's header, which applications include; the family has one member here. */
#ifndef STM32U5XX_H
#define STM32U5XX_H

#include "stm32u585xx.h"

#endif

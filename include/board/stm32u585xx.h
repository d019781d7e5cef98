/*
 * The STM32U585: its exceptions and interrupts by their CMSIS names, then the processor (core_cm33.h) and the words of
 * the application's system file. The same for the host and for the device; core_cm33.h and cmsis_gcc.h are taken from
 * the include path, where a device build puts sim/target/include first.
 */
#ifndef STM32U585XX_H
#define STM32U585XX_H

#define __NVIC_PRIO_BITS 4

typedef enum {
        Reset_IRQn = -15,
        NonMaskableInt_IRQn = -14,
        HardFault_IRQn = -13,
        MemoryManagement_IRQn = -12,
        BusFault_IRQn = -11,
        UsageFault_IRQn = -10,
        SecureFault_IRQn = -9,
        SVCall_IRQn = -5,
        DebugMonitor_IRQn = -4,
        PendSV_IRQn = -2,
        SysTick_IRQn = -1,

        WWDG_IRQn = 0,
        PVD_PVM_IRQn = 1,
        RTC_IRQn = 2,
        RTC_S_IRQn = 3,
        TAMP_IRQn = 4,
        RAMCFG_IRQn = 5,
        FLASH_IRQn = 6,
        FLASH_S_IRQn = 7,
        GTZC_IRQn = 8,
        RCC_IRQn = 9,
        RCC_S_IRQn = 10,
        EXTI0_IRQn = 11,
        EXTI1_IRQn = 12,
        EXTI2_IRQn = 13,
        EXTI3_IRQn = 14,
        EXTI4_IRQn = 15,
        EXTI5_IRQn = 16,
        EXTI6_IRQn = 17,
        EXTI7_IRQn = 18,
        EXTI8_IRQn = 19,
        EXTI9_IRQn = 20,
        EXTI10_IRQn = 21,
        EXTI11_IRQn = 22,
        EXTI12_IRQn = 23,
        EXTI13_IRQn = 24,
        EXTI14_IRQn = 25,
        EXTI15_IRQn = 26,
        IWDG_IRQn = 27,
        SAES_IRQn = 28,
        GPDMA1_Channel0_IRQn = 29,
        GPDMA1_Channel1_IRQn = 30,
        GPDMA1_Channel2_IRQn = 31,
        GPDMA1_Channel3_IRQn = 32,
        GPDMA1_Channel4_IRQn = 33,
        GPDMA1_Channel5_IRQn = 34,
        GPDMA1_Channel6_IRQn = 35,
        GPDMA1_Channel7_IRQn = 36,
        ADC1_IRQn = 37,
        DAC1_IRQn = 38,
        FDCAN1_IT0_IRQn = 39,
        FDCAN1_IT1_IRQn = 40,
        TIM1_BRK_IRQn = 41,
        TIM1_UP_IRQn = 42,
        TIM1_TRG_COM_IRQn = 43,
        TIM1_CC_IRQn = 44,
        TIM2_IRQn = 45,
        TIM3_IRQn = 46,
        TIM4_IRQn = 47,
        TIM5_IRQn = 48,
        TIM6_IRQn = 49,
        TIM7_IRQn = 50,
        TIM8_BRK_IRQn = 51,
        TIM8_UP_IRQn = 52,
        TIM8_TRG_COM_IRQn = 53,
        TIM8_CC_IRQn = 54,
        I2C1_EV_IRQn = 55,
        I2C1_ER_IRQn = 56,
        I2C2_EV_IRQn = 57,
        I2C2_ER_IRQn = 58,
        SPI1_IRQn = 59,
        SPI2_IRQn = 60,
        USART1_IRQn = 61,
        USART2_IRQn = 62,
        USART3_IRQn = 63,
        UART4_IRQn = 64,
        UART5_IRQn = 65,
        LPUART1_IRQn = 66,
        LPTIM1_IRQn = 67,
        LPTIM2_IRQn = 68,
        TIM15_IRQn = 69,
        TIM16_IRQn = 70,
        TIM17_IRQn = 71,
        COMP_IRQn = 72,
        OTG_FS_IRQn = 73,
        CRS_IRQn = 74,
        FMC_IRQn = 75,
        OCTOSPI1_IRQn = 76,
        PWR_S3WU_IRQn = 77,
        SDMMC1_IRQn = 78,
        SDMMC2_IRQn = 79,
        GPDMA1_Channel8_IRQn = 80,
        GPDMA1_Channel9_IRQn = 81,
        GPDMA1_Channel10_IRQn = 82,
        GPDMA1_Channel11_IRQn = 83,
        GPDMA1_Channel12_IRQn = 84,
        GPDMA1_Channel13_IRQn = 85,
        GPDMA1_Channel14_IRQn = 86,
        GPDMA1_Channel15_IRQn = 87,
        I2C3_EV_IRQn = 88,
        I2C3_ER_IRQn = 89,
        SAI1_IRQn = 90,
        SAI2_IRQn = 91,
        TSC_IRQn = 92,
        AES_IRQn = 93,
        RNG_IRQn = 94,
        FPU_IRQn = 95,
        HASH_IRQn = 96,
        PKA_IRQn = 97,
        LPTIM3_IRQn = 98,
        SPI3_IRQn = 99,
        I2C4_ER_IRQn = 100,
        I2C4_EV_IRQn = 101,
        MDF1_FLT0_IRQn = 102,
        MDF1_FLT1_IRQn = 103,
        MDF1_FLT2_IRQn = 104,
        MDF1_FLT3_IRQn = 105,
        UCPD1_IRQn = 106,
        ICACHE_IRQn = 107,
        OTFDEC1_IRQn = 108,
        OTFDEC2_IRQn = 109,
        LPTIM4_IRQn = 110,
        DCACHE1_IRQn = 111,
        ADF1_IRQn = 112,
        ADC4_IRQn = 113,
        LPDMA1_Channel0_IRQn = 114,
        LPDMA1_Channel1_IRQn = 115,
        LPDMA1_Channel2_IRQn = 116,
        LPDMA1_Channel3_IRQn = 117,
        DMA2D_IRQn = 118,
        DCMI_PSSI_IRQn = 119,
        OCTOSPI2_IRQn = 120,
        MDF1_FLT4_IRQn = 121,
        MDF1_FLT5_IRQn = 122,
        CORDIC_IRQn = 123,
        FMAC_IRQn = 124,
} IRQn_Type;

#include <core_cm33.h>
#include "system_stm32u5xx.h"

#include <stdint.h>
#include <cmsis_compiler.h>

/*
 * The registers of RCC, of which Microvisor is the owner: for their addresses, which mvPeriphPeek32 and mvPeriphPoke32
 * take. An access to one is a fault, on the host as on the device.
 */
typedef struct {
        __IO uint32_t CR;
        uint32_t RESERVED_04;
        __IO uint32_t ICSCR1;
        __IO uint32_t ICSCR2;
        __IO uint32_t ICSCR3;
        __IO uint32_t CRRCR;
        uint32_t RESERVED_18;
        __IO uint32_t CFGR1;
        __IO uint32_t CFGR2;
        __IO uint32_t CFGR3;
        __IO uint32_t PLL1CFGR;
        __IO uint32_t PLL2CFGR;
        __IO uint32_t PLL3CFGR;
        __IO uint32_t PLL1DIVR;
        __IO uint32_t PLL1FRACR;
        __IO uint32_t PLL2DIVR;
        __IO uint32_t PLL2FRACR;
        __IO uint32_t PLL3DIVR;
        __IO uint32_t PLL3FRACR;
        uint32_t RESERVED_4C;
        __IO uint32_t CIER;
        __IO uint32_t CIFR;
        __IO uint32_t CICR;
        uint32_t RESERVED_5C;
        __IO uint32_t AHB1RSTR;
        __IO uint32_t AHB2RSTR1;
        __IO uint32_t AHB2RSTR2;
        __IO uint32_t AHB3RSTR;
        uint32_t RESERVED_70;
        __IO uint32_t APB1RSTR1;
        __IO uint32_t APB1RSTR2;
        __IO uint32_t APB2RSTR;
        __IO uint32_t APB3RSTR;
        uint32_t RESERVED_84;
        __IO uint32_t AHB1ENR;
        __IO uint32_t AHB2ENR1;
        __IO uint32_t AHB2ENR2;
        __IO uint32_t AHB3ENR;
        uint32_t RESERVED_98;
        __IO uint32_t APB1ENR1;
        __IO uint32_t APB1ENR2;
        __IO uint32_t APB2ENR;
        __IO uint32_t APB3ENR;
        uint32_t RESERVED_AC;
        __IO uint32_t AHB1SMENR;
        __IO uint32_t AHB2SMENR1;
        __IO uint32_t AHB2SMENR2;
        __IO uint32_t AHB3SMENR;
        uint32_t RESERVED_C0;
        __IO uint32_t APB1SMENR1;
        __IO uint32_t APB1SMENR2;
        __IO uint32_t APB2SMENR;
        __IO uint32_t APB3SMENR;
        uint32_t RESERVED_D4;
        __IO uint32_t SRDAMR;
        uint32_t RESERVED_DC;
        __IO uint32_t CCIPR1;
        __IO uint32_t CCIPR2;
        __IO uint32_t CCIPR3;
        uint32_t RESERVED_EC;
        __IO uint32_t BDCR;
        __IO uint32_t CSR;
        uint32_t RESERVED_F8[6];
        __IO uint32_t SECCFGR;
        __IO uint32_t PRIVCFGR;
} RCC_TypeDef;

#define RCC_BASE_NS 0x46020C00UL
#define RCC_NS      ((RCC_TypeDef *)RCC_BASE_NS)
#define RCC         RCC_NS

#endif

#!/usr/bin/env python3
"""The board headers, on the host and for the device: each compiles alone, in C and in C++, with names and numbers of
the interrupts as tests/data/irq.tsv has them.

usage: check_board_headers.py SOURCE_ROOT
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import Tap, difference, read_tsv, run

ROOT = sys.argv[1]
HEADERS = sorted(os.listdir(f"{ROOT}/include/board"))
HOST = [f"-I{ROOT}/include", f"-I{ROOT}/include/board"]
DEVICE = ["-mcpu=cortex-m33", "-mthumb", f"-I{ROOT}/sim/target/include", f"-I{ROOT}/include"]
STRICT = ["-fsyntax-only", "-Werror", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wundef"]
C = ["-xc", "-std=c11", "-Wstrict-prototypes", "-Wmissing-prototypes"]
CPP = ["-xc++", "-std=c++17"]
COMPILERS = [("gcc", C, HOST), ("clang", C, HOST), ("g++", CPP, HOST), ("clang++", CPP, HOST),
             ("arm-none-eabi-gcc", C, DEVICE), ("arm-none-eabi-g++", CPP, DEVICE)]

# After the board's headers the system's must still compile: CMSIS takes names that begin with two underscores.
SYSTEM = {"-xc": ["stdio.h", "stdlib.h", "string.h", "errno.h", "math.h", "time.h", "sys/stat.h"],
          "-xc++": ["cstdio", "cstring", "ctime"]}

# Every name that an application may use, so that the host and the device offer the same ones.
EVERYTHING = """
#include "stm32u5xx.h"
extern __IO uint32_t seen;
__IO uint32_t seen;
__WEAK uint32_t SystemCoreClock;
extern "C" void handler(void);
void handler(void) { seen = __get_IPSR(); }
__STATIC_INLINE uint32_t masked(void)
{
        uint32_t was = __get_PRIMASK();
        __disable_irq();
        __set_PRIMASK(was);
        return was;
}
__STATIC_INLINE uint32_t urgent(void)
{
        uint32_t preempt, sub, grouping = NVIC_GetPriorityGrouping();
        NVIC_SetPriorityGrouping(grouping);
        NVIC_DecodePriority(NVIC_GetPriority(PendSV_IRQn), grouping, &preempt, &sub);
        NVIC_SetPriority(SysTick_IRQn, NVIC_EncodePriority(grouping, preempt, sub));
        __set_BASEPRI(__get_BASEPRI());
        __set_BASEPRI_MAX(0x80U);
        __set_FAULTMASK(__get_FAULTMASK());
        __disable_fault_irq();
        __enable_fault_irq();
        return preempt;
}
__STATIC_INLINE uint32_t registers(void)
{
        SCB->SCR |= SCB_SCR_SEVONPEND_Msk | SCB_SCR_SLEEPDEEP_Msk;
        SCB->SCR &= ~SCB_SCR_SLEEPONEXIT_Msk;
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk | SCB_ICSR_PENDSTCLR_Msk;
        SCB->ICSR = SCB_ICSR_PENDSVCLR_Msk | SCB_ICSR_PENDSTSET_Msk;
        SCB->AIRCR = 0x5FAU << SCB_AIRCR_VECTKEY_Pos | (SCB->AIRCR & SCB_AIRCR_PRIGROUP_Msk);
        SCB->SHPR[10] = 0xF0U;
        SysTick->LOAD = SysTick_LOAD_RELOAD_Msk;
        SysTick->VAL = 0U;
        SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_TICKINT_Msk | SysTick_CTRL_ENABLE_Msk;
        return SCB->CPUID + SysTick->CALIB + (SCB->ICSR & SCB_ICSR_VECTACTIVE_Msk) +
               (SysTick->CTRL & SysTick_CTRL_COUNTFLAG_Msk) + SysTick_Config(1000U);
}
__STATIC_INLINE __IO uint32_t *clocks(void)
{
        RCC_TypeDef *rcc = RCC;
        return rcc == RCC_NS ? &rcc->AHB2ENR1 + RCC_BASE_NS : &RCC->PRIVCFGR;
}
int main(void)
{
        SCB_Type *scb = SCB;
        SysTick_Type *systick = SysTick;
        if (scb->SCR + systick->VAL + urgent() + registers() == 0U)
                NVIC_SystemReset();
        NVIC_SetPriority(TIM8_BRK_IRQn, (1U << __NVIC_PRIO_BITS) - 1U);
        NVIC_SetVector(TIM8_BRK_IRQn, NVIC_GetVector(TIM8_BRK_IRQn));
        NVIC_ClearPendingIRQ(TIM8_BRK_IRQn);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
        __enable_irq();
        __WFI(); __WFE(); __SEV(); __NOP(); __DSB(); __ISB(); __DMB();
        NVIC_DisableIRQ(TIM8_BRK_IRQn);
        return (int)(NVIC_GetEnableIRQ(TIM8_BRK_IRQn) + NVIC_GetPendingIRQ(TIM8_BRK_IRQn) +
                     NVIC_GetActive(TIM8_BRK_IRQn) + NVIC_GetPriority(TIM8_BRK_IRQn) + SystemCoreClock + masked() + (clocks() != 0));
}
"""


def compile_problems(compiler, flags, source):
    status, output = run([compiler, *flags, *STRICT, "-"], source)
    return [] if status == 0 else output.splitlines()


def check_headers_alone(tap, compiler, language, where):
    flags = language + where
    # Twice: a header must bear being included again.
    problems = [line for header in HEADERS
                for line in compile_problems(compiler, flags, f'#include "{header}"\n' * 2 + "extern int some;\n")]
    tap.check(f"{compiler}: each header compiles alone", problems)
    system = "".join(f"#include <{header}>\n" for header in SYSTEM[language[0]])
    # Debian's cross compiler comes without a C++ library.
    if not (compiler == "arm-none-eabi-g++" and compile_problems(compiler, flags, system)):
        tap.check(f"{compiler}: the system's headers compile after them",
                  compile_problems(compiler, flags, '#include "stm32u5xx.h"\n' + system))


def check_names(tap, compiler, language, where):
    source = EVERYTHING if language is CPP else EVERYTHING.replace('extern "C" ', "")
    tap.check(f"{compiler}: every CMSIS name is there", compile_problems(compiler, language + where, source))


def numbers_in_header(compiler, where):
    _, text = run([compiler, *where, "-E", "-P", "-xc", "-"], '#include "stm32u5xx.h"\n')
    return [[number, name] for name, number in re.findall(r"(\w+)_IRQn = (-?\d+)", text)]


def numbers_in_def():
    source = ("#define MVS_EXCEPTION(name, number) < number name >\n#define MVS_IRQ(name, number) < number name >\n"
              f'#include "{ROOT}/sim/nvic/irq.def"\n')
    _, text = run(["gcc", "-E", "-P", "-xc", "-"], source)
    return [list(pair) for pair in re.findall(r"< (-?\d+) (\w+) >", text)]


def main():
    tap = Tap()
    expected = read_tsv(f"{ROOT}/tests/data/irq.tsv")
    tap.check("irq.def agrees with irq.tsv", difference(expected, numbers_in_def()))
    for compiler, language, where in COMPILERS:
        if shutil.which(compiler) is None:
            tap.skip(f"{compiler}: headers", "not installed")
            continue
        check_headers_alone(tap, compiler, language, where)
        check_names(tap, compiler, language, where)
        tap.check(f"{compiler}: IRQn_Type agrees with irq.tsv",
                  difference(expected, numbers_in_header(compiler, where)))
    tap.finish()


main()

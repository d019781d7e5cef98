#include "handlers.h"

#include <check.h>
#include <string.h>

#define TEXT_SIZE 4096

void (*volatile mvt_in_a)(void);
void (*volatile mvt_in_b)(void);
void (*volatile mvt_in_c)(void);
void (*volatile mvt_in_p)(void);
void (*volatile mvt_in_s)(void);

static char text[TEXT_SIZE];
static volatile unsigned used, entered;

void mvt_handlers_reset(void)
{
        mvt_in_a = mvt_in_b = mvt_in_c = mvt_in_p = mvt_in_s = NULL;
        memset(text, 0, sizeof text);
        used = entered = 0;
}

void mvt_note(char c)
{
        if (used < TEXT_SIZE - 1)
                text[used++] = c;
}

const char *mvt_noted(void)
{
        return text;
}

void mvt_expect_order(const char *expected, const char *file, int line)
{
        if (strcmp(text, expected) != 0)
                _ck_assert_failed(file, line, "Failed", "handlers ran as \"%s\", not \"%s\"", text, expected);
        memset(text, 0, sizeof text);
        used = 0;
}

unsigned mvt_entered(void)
{
        return entered;
}

static void handle(char letter, void (*action)(void))
{
        entered++;
        mvt_note(letter);
        mvt_note('(');
        if (action)
                action();
        mvt_note(')');
}

#define HANDLER(name, letter, action)   \
        void name(void);                \
        void name(void)                 \
        {                               \
                handle(letter, action); \
        }
HANDLER(TIM1_BRK_IRQHandler, 'A', mvt_in_a)
HANDLER(TIM2_IRQHandler, 'B', mvt_in_b)
HANDLER(TIM8_BRK_IRQHandler, 'C', mvt_in_c)
HANDLER(PendSV_Handler, 'P', mvt_in_p)
HANDLER(SysTick_Handler, 'S', mvt_in_s)

void mvt_enable(IRQn_Type irq, uint32_t priority)
{
        NVIC_SetPriority(irq, priority);
        NVIC_EnableIRQ(irq);
}

void mvt_pend_pendsv(void)
{
        SCB->ICSR = SCB_ICSR_PENDSVSET_Msk;
        __DSB();
        __ISB();
}

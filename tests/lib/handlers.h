/*
 * Handlers whose order and nesting a test reads as text. Each writes its letter and "(" when it is entered and ")" when
 * it returns, and does what the test told it in between: "A(B())" is B within A, "A()B()" is B after A.
 */
#ifndef MVT_HANDLERS_H
#define MVT_HANDLERS_H

#include <stdint.h>

#include "stm32u5xx.h"

/* The interrupts by their letters, lowest number first. P is PendSV's letter, S SysTick's. */
#define A TIM1_BRK_IRQn
#define B TIM2_IRQn
#define C TIM8_BRK_IRQn

/* What the handlers do; NULL: nothing. */
extern void (*volatile mvt_in_a)(void);
extern void (*volatile mvt_in_b)(void);
extern void (*volatile mvt_in_c)(void);
extern void (*volatile mvt_in_p)(void);
extern void (*volatile mvt_in_s)(void);

/* Forgets everything: for fixtures. */
void mvt_handlers_reset(void);

/* Adds a character to the text. */
void mvt_note(char c);

/* What has happened so far; and the check, which forgets it. */
const char *mvt_noted(void);
#define expect_order(text) mvt_expect_order((text), __FILE__, __LINE__)
void mvt_expect_order(const char *expected, const char *file, int line);

/* How many handlers were entered. */
unsigned mvt_entered(void);

void mvt_enable(IRQn_Type irq, uint32_t priority);
void mvt_pend_pendsv(void);

#endif

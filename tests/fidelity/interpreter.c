#include "interpreter.h"

#include "stm32u5xx.h"

#define LOG_SIZE 65536U

/* The interrupts are such that no peripheral of QEMU's board drives them. */
static const IRQn_Type lines[FIDELITY_LINES] = {
        TIM1_BRK_IRQn, TIM2_IRQn, TIM8_BRK_IRQn, USART1_IRQn, I2C4_EV_IRQn, FMAC_IRQn - 1, PendSV_IRQn, SysTick_IRQn,
};

static const uint8_t *program;
static volatile uint32_t entries[FIDELITY_LINES];

/* ---- the log ---- */

static char text[LOG_SIZE];
static volatile uint32_t used;

static void put(char c)
{
        if (used < LOG_SIZE)
                text[used++] = c;
}

static void put_word(const char *word)
{
        while (*word)
                put(*word++);
}

static void put_number(uint32_t number)
{
        if (number >= 10)
                put_number(number / 10);
        put((char)('0' + number % 10));
}

static void note(const char *word, uint32_t number)
{
        put_word(word);
        put(' ');
        put_number(number);
        put('\n');
}

static void note_field(const char *word, uint32_t number)
{
        put(' ');
        put_word(word);
        put_number(number);
}

static void flush(void)
{
        fidelity_write(text, used);
        used = 0;
}

/* ---- system exceptions, which CMSIS pends through a register ---- */

static int is_system(uint32_t line)
{
        return (int32_t)lines[line] < 0;
}

static uint32_t pend_bit(uint32_t line)
{
        return lines[line] == PendSV_IRQn ? SCB_ICSR_PENDSVSET_Msk : SCB_ICSR_PENDSTSET_Msk;
}

static void pend(uint32_t line)
{
        if (is_system(line))
                SCB->ICSR = pend_bit(line);
        else
                NVIC_SetPendingIRQ(lines[line]);
}

/* The bit that clears lies below the one that sets. */
static void clear(uint32_t line)
{
        if (is_system(line))
                SCB->ICSR = pend_bit(line) >> 1;
        else
                NVIC_ClearPendingIRQ(lines[line]);
}

static uint32_t is_pending(uint32_t line)
{
        return is_system(line) ? (SCB->ICSR & pend_bit(line)) != 0 : NVIC_GetPendingIRQ(lines[line]);
}

static uint32_t is_enabled(uint32_t line)
{
        return is_system(line) ? 1U : NVIC_GetEnableIRQ(lines[line]);
}

static uint32_t is_active(uint32_t line)
{
        return is_system(line) ? 0U : NVIC_GetActive(lines[line]);
}

static void enable(uint32_t line)
{
        if (!is_system(line))
                NVIC_EnableIRQ(lines[line]);
}

static void disable(uint32_t line)
{
        if (!is_system(line))
                NVIC_DisableIRQ(lines[line]);
}

/* ---- operations ---- */

static uint32_t group(uint32_t line)
{
        uint32_t preempt, sub;
        NVIC_DecodePriority(NVIC_GetPriority(lines[line]), NVIC_GetPriorityGrouping(), &preempt, &sub);
        return preempt;
}

/* Entered and not returned from yet, as this program counts. */
static volatile uint32_t active[FIDELITY_LINES];

static uint32_t most_urgent_active(void)
{
        uint32_t best = 256;
        for (uint32_t line = 0; line < FIDELITY_LINES; line++) {
                if (active[line] && group(line) < best)
                        best = group(line);
        }
        return best;
}

/* Whether something would be taken were PRIMASK 0. The processors differ in how they see the other masks here. */
static int wakes(void)
{
        uint32_t running = most_urgent_active();
        if (__get_BASEPRI() != 0 || __get_FAULTMASK() != 0)
                return 0;
        for (uint32_t line = 0; line < FIDELITY_LINES; line++) {
                if (is_enabled(line) && is_pending(line) && group(line) < running)
                        return 1;
        }
        return 0;
}

static void wait(void)
{
        int sensible = wakes();
        if (sensible)
                __WFI();
        note("wfi", (uint32_t)sensible);
}

static void look(uint32_t line)
{
        put_word("look");
        note_field("", line);
        note_field("pending", is_pending(line));
        note_field("enabled", is_enabled(line));
        note_field("active", is_active(line));
        note_field("priority", NVIC_GetPriority(lines[line]));
        note_field("grouping", NVIC_GetPriorityGrouping());
        note_field("primask", __get_PRIMASK());
        note_field("faultmask", __get_FAULTMASK());
        note_field("basepri", __get_BASEPRI());
        note_field("ipsr", __get_IPSR());
        put('\n');
}

static void set_mask(uint32_t op, uint32_t value)
{
        if (op == FIDELITY_PRIMASK)
                __set_PRIMASK(value);
        else if (op == FIDELITY_FAULTMASK)
                __set_FAULTMASK(value);
        else if (op == FIDELITY_BASEPRI)
                __set_BASEPRI(value << (8U - __NVIC_PRIO_BITS));
        else
                __set_BASEPRI_MAX(value << (8U - __NVIC_PRIO_BITS));
}

static void set_line(uint32_t op, uint32_t line, uint32_t value)
{
        if (op == FIDELITY_PEND)
                pend(line);
        else if (op == FIDELITY_CLEAR)
                clear(line);
        else if (op == FIDELITY_ENABLE)
                enable(line);
        else if (op == FIDELITY_DISABLE)
                disable(line);
        else if (op == FIDELITY_PRIORITY)
                NVIC_SetPriority(lines[line], value);
        else
                look(line);
}

static void step(const uint8_t *code)
{
        if (code[0] == FIDELITY_MARK)
                note("mark", code[1]);
        else if (code[0] == FIDELITY_WFI)
                wait();
        else if (code[0] == FIDELITY_GROUPING)
                NVIC_SetPriorityGrouping(code[1]);
        else if (code[0] >= FIDELITY_PRIMASK && code[0] <= FIDELITY_BASEPRI_MAX)
                set_mask(code[0], code[1]);
        else
                set_line(code[0], code[1], code[2]);
        /* What the operation made due is taken here at the latest. */
        __DSB();
        __ISB();
}

static uint32_t half_word(const uint8_t *at)
{
        return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static void run_script(uint32_t script)
{
        const uint8_t *code = program + half_word(program + 2U * script);
        for (; code[0] != FIDELITY_END; code += 3)
                step(code);
}

/* ---- handlers ---- */

static void handle(uint32_t line)
{
        active[line]++;
        note("in", __get_IPSR());
        uint32_t entry = entries[line]++;
        if (entry < FIDELITY_SCRIPTS)
                run_script(1U + line * FIDELITY_SCRIPTS + entry);
        note("out", __get_IPSR());
        active[line]--;
}

#define HANDLER(name, line)   \
        void name(void);      \
        void name(void)       \
        {                     \
                handle(line); \
        }
HANDLER(TIM1_BRK_IRQHandler, 0)
HANDLER(TIM2_IRQHandler, 1)
HANDLER(TIM8_BRK_IRQHandler, 2)
HANDLER(USART1_IRQHandler, 3)
HANDLER(I2C4_EV_IRQHandler, 4)
HANDLER(CORDIC_IRQHandler, 5)
HANDLER(PendSV_Handler, 6)
HANDLER(SysTick_Handler, 7)

/* ---- programs ---- */

static void enable_all(void)
{
        for (uint32_t line = 0; line < FIDELITY_LINES; line++) {
                enable(line);
                __DSB();
                __ISB();
        }
}

static void reset(void)
{
        for (uint32_t line = 0; line < FIDELITY_LINES; line++) {
                disable(line);
                clear(line);
                NVIC_SetPriority(lines[line], 0);
                entries[line] = 0;
        }
        NVIC_SetPriorityGrouping(0);
}

static void unmask(void)
{
        __set_FAULTMASK(0);
        __ISB();
        __set_BASEPRI(0);
        __ISB();
        __set_PRIMASK(0);
        __ISB();
}

void fidelity_run(const uint8_t *programs)
{
        uint32_t number = 0;
        for (; half_word(programs) != 0; programs += 2U + half_word(programs)) {
                program = programs + 2;
                reset();
                note("program", number++);
                run_script(0);
                unmask();
                enable_all();
                note("end", __get_IPSR());
                flush();
        }
}

#include "sim/board/registers.h"

#include <stddef.h>

#define ALL  UINT32_MAX
#define NONE 0U

static const struct {
        uint32_t address;
        uint32_t value;
        uint32_t writable;
} descriptions[] = {
#define MVS_REGISTER(name, address, value, writable) {address, value, writable},
#include "sim/board/registers.def"
#undef MVS_REGISTER
};

/* ---- the clocks ---- */

#define PLL_INPUT     4000000U /* Hz: the crystal's 16 MHz, divided by 4 */
#define VCO_MIN       256000000U
#define FRACTIONS     8192U /* of a multiple of the input */
#define PLL1FRACEN    (1U << 4)
#define DIVR_UNUSED   0x00010200U /* outputs P and Q, as reset leaves them */
#define R_MAX         128U
#define WAIT_STATE_HZ 32000000U /* in range 1, flash takes a wait state more for each of these */

/* Output R divides by an even number: the least one that lets the oscillator run fast. */
static uint32_t divider_for(uint32_t sysclk)
{
        uint32_t r = 2;
        while (r < R_MAX && (uint64_t)sysclk * r < VCO_MIN)
                r += 2;
        return r;
}

static void set_pll(uint32_t *values, uint32_t sysclk)
{
        uint32_t r = divider_for(sysclk);
        uint64_t multiple = ((uint64_t)sysclk * r * FRACTIONS + PLL_INPUT / 2) / PLL_INPUT;
        uint32_t n = (uint32_t)(multiple / FRACTIONS), fraction = (uint32_t)(multiple % FRACTIONS);
        values[MVS_REGISTER_RCC_PLL1DIVR] = (r - 1) << 24 | DIVR_UNUSED | (n > 0 ? n - 1 : 0);
        values[MVS_REGISTER_RCC_PLL1FRACR] = fraction << 3;
        if (fraction > 0)
                values[MVS_REGISTER_RCC_PLL1CFGR] |= PLL1FRACEN;
}

/* The code of a prescaler, AHB's: 8 for 2, 9 for 4, ... 15 for 512, without 32. 0, for 1, where none fits. */
static uint32_t ahb_code(uint32_t from, uint32_t to)
{
        static const uint32_t divisors[] = {2, 4, 8, 16, 64, 128, 256, 512};
        for (uint32_t i = 0; i < sizeof divisors / sizeof divisors[0]; i++) {
                if (from == (uint64_t)to * divisors[i])
                        return 8 + i;
        }
        return 0;
}

/* APB's: 4 for 2, 5 for 4, 6 for 8, 7 for 16. */
static uint32_t apb_code(uint32_t from, uint32_t to)
{
        for (uint32_t i = 0; i < 4; i++) {
                if (from == (uint64_t)to << (i + 1))
                        return 4 + i;
        }
        return 0;
}

static void set_clocks(uint32_t *values, const struct mvs_profile_device *clocks)
{
        set_pll(values, clocks->sysclk);
        values[MVS_REGISTER_RCC_CFGR2] = ahb_code(clocks->sysclk, clocks->hclk) |
                                         apb_code(clocks->hclk, clocks->pclk1) << 4 |
                                         apb_code(clocks->hclk, clocks->pclk2) << 8;
        values[MVS_REGISTER_FLASH_ACR] = (clocks->hclk - 1) / WAIT_STATE_HZ;
}

/* ---- the registers ---- */

void mvs_board_registers_init(struct mvs_board_registers *registers, const struct mvs_profile_device *clocks)
{
        for (size_t i = 0; i < MVS_REGISTER_COUNT; i++)
                registers->values[i] = descriptions[i].value;
        set_clocks(registers->values, clocks);
}

int mvs_board_register_find(uint32_t address)
{
        for (int i = 0; i < MVS_REGISTER_COUNT; i++) {
                if (descriptions[i].address == address)
                        return i;
        }
        return MVS_REGISTER_NONE;
}

uint32_t mvs_board_register_read(const struct mvs_board_registers *registers, int number)
{
        return registers->values[number];
}

void mvs_board_register_write(struct mvs_board_registers *registers, int number, uint32_t value)
{
        uint32_t writable = descriptions[number].writable;
        registers->values[number] = (registers->values[number] & ~writable) | (value & writable);
}

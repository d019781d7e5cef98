/*
 * Positions and masks of the fields in the processor's registers, under their CMSIS names, for the host and for the
 * device alike (Armv8-M Architecture Reference Manual, "System Control Block" and "SysTick").
 */
#ifndef CM33_BITS_H
#define CM33_BITS_H

/* clang-format off */

/* SCB->ICSR: interrupt control and state */
#define SCB_ICSR_PENDSVSET_Pos   28U
#define SCB_ICSR_PENDSVSET_Msk   (1U << SCB_ICSR_PENDSVSET_Pos)
#define SCB_ICSR_PENDSVCLR_Pos   27U
#define SCB_ICSR_PENDSVCLR_Msk   (1U << SCB_ICSR_PENDSVCLR_Pos)
#define SCB_ICSR_PENDSTSET_Pos   26U
#define SCB_ICSR_PENDSTSET_Msk   (1U << SCB_ICSR_PENDSTSET_Pos)
#define SCB_ICSR_PENDSTCLR_Pos   25U
#define SCB_ICSR_PENDSTCLR_Msk   (1U << SCB_ICSR_PENDSTCLR_Pos)
#define SCB_ICSR_ISRPENDING_Pos  22U
#define SCB_ICSR_ISRPENDING_Msk  (1U << SCB_ICSR_ISRPENDING_Pos)
#define SCB_ICSR_VECTPENDING_Pos 12U
#define SCB_ICSR_VECTPENDING_Msk (0x1FFU << SCB_ICSR_VECTPENDING_Pos)
#define SCB_ICSR_RETTOBASE_Pos   11U
#define SCB_ICSR_RETTOBASE_Msk   (1U << SCB_ICSR_RETTOBASE_Pos)
#define SCB_ICSR_VECTACTIVE_Pos  0U
#define SCB_ICSR_VECTACTIVE_Msk  (0x1FFU << SCB_ICSR_VECTACTIVE_Pos)

/* SCB->AIRCR: a write counts only with VECTKEY in its upper half */
#define SCB_AIRCR_VECTKEY_Pos     16U
#define SCB_AIRCR_VECTKEY_Msk     (0xFFFFU << SCB_AIRCR_VECTKEY_Pos)
#define SCB_AIRCR_PRIGROUP_Pos    8U
#define SCB_AIRCR_PRIGROUP_Msk    (7U << SCB_AIRCR_PRIGROUP_Pos)
#define SCB_AIRCR_SYSRESETREQ_Pos 2U
#define SCB_AIRCR_SYSRESETREQ_Msk (1U << SCB_AIRCR_SYSRESETREQ_Pos)

/* SCB->SCR: sleeping */
#define SCB_SCR_SEVONPEND_Pos   4U
#define SCB_SCR_SEVONPEND_Msk   (1U << SCB_SCR_SEVONPEND_Pos)
#define SCB_SCR_SLEEPDEEP_Pos   2U
#define SCB_SCR_SLEEPDEEP_Msk   (1U << SCB_SCR_SLEEPDEEP_Pos)
#define SCB_SCR_SLEEPONEXIT_Pos 1U
#define SCB_SCR_SLEEPONEXIT_Msk (1U << SCB_SCR_SLEEPONEXIT_Pos)

/* SysTick */
#define SysTick_CTRL_COUNTFLAG_Pos 16U
#define SysTick_CTRL_COUNTFLAG_Msk (1U << SysTick_CTRL_COUNTFLAG_Pos)
#define SysTick_CTRL_CLKSOURCE_Pos 2U
#define SysTick_CTRL_CLKSOURCE_Msk (1U << SysTick_CTRL_CLKSOURCE_Pos)
#define SysTick_CTRL_TICKINT_Pos   1U
#define SysTick_CTRL_TICKINT_Msk   (1U << SysTick_CTRL_TICKINT_Pos)
#define SysTick_CTRL_ENABLE_Pos    0U
#define SysTick_CTRL_ENABLE_Msk    (1U << SysTick_CTRL_ENABLE_Pos)
#define SysTick_LOAD_RELOAD_Pos    0U
#define SysTick_LOAD_RELOAD_Msk    (0xFFFFFFU << SysTick_LOAD_RELOAD_Pos)
#define SysTick_VAL_CURRENT_Pos    0U
#define SysTick_VAL_CURRENT_Msk    (0xFFFFFFU << SysTick_VAL_CURRENT_Pos)
#define SysTick_CALIB_NOREF_Pos    31U
#define SysTick_CALIB_NOREF_Msk    (1U << SysTick_CALIB_NOREF_Pos)
#define SysTick_CALIB_SKEW_Pos     30U
#define SysTick_CALIB_SKEW_Msk     (1U << SysTick_CALIB_SKEW_Pos)
#define SysTick_CALIB_TENMS_Pos    0U
#define SysTick_CALIB_TENMS_Msk    (0xFFFFFFU << SysTick_CALIB_TENMS_Pos)

/* clang-format on */

#endif

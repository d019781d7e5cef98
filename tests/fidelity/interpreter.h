/*
 * Runs generated interrupt programs and writes down what happens, in order: the same source on the host, against the
 * simulated processor, and on QEMU's Cortex-M33 (tests/check_fidelity.py compares).
 *
 * A program is a main script and, for each line, the scripts of its handler's first entries; later entries do nothing,
 * so every program ends. In memory it is
 *
 *      u16 size of what follows; u16 offset of each script, from here: main, then FIDELITY_SCRIPTS for each line;
 * scripts
 *
 * with little-endian numbers. A script is a sequence of operations of three bytes (enum fidelity_op, two operands) up
 * to FIDELITY_END. Size 0 ends the programs.
 */
#ifndef FIDELITY_INTERPRETER_H
#define FIDELITY_INTERPRETER_H

#include <stdint.h>

#define FIDELITY_LINES   8
#define FIDELITY_SCRIPTS 4

/* Lines are indices into the interpreter's table; PendSV and SysTick, which it has last, cannot be switched off. */
enum fidelity_op {
        FIDELITY_END,
        FIDELITY_PEND,        /* line */
        FIDELITY_CLEAR,       /* line */
        FIDELITY_ENABLE,      /* line */
        FIDELITY_DISABLE,     /* line */
        FIDELITY_PRIORITY,    /* line, 0 to 15 */
        FIDELITY_GROUPING,    /* 0 to 7 */
        FIDELITY_PRIMASK,     /* 0 or 1 */
        FIDELITY_FAULTMASK,   /* 0 or 1 */
        FIDELITY_BASEPRI,     /* 0 to 15 */
        FIDELITY_BASEPRI_MAX, /* 0 to 15 */
        FIDELITY_WFI,         /* where something is pending that wakes it; else it is written down and left out */
        FIDELITY_LOOK,        /* line: its state, and the masks, are written down */
        FIDELITY_MARK,        /* number */
};

/* The platform's: writes the text, which is `len` long. */
void fidelity_write(const char *text, uint32_t len);

/* Runs the programs and writes down what they do. */
void fidelity_run(const uint8_t *programs);

#endif

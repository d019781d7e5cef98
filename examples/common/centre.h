/* A notification centre: the ring that Microvisor writes its records to, and the place up to which they were read. */
#ifndef CENTRE_H
#define CENTRE_H

#include <stdbool.h>

#include "mv_syscalls.h"
#include "stm32u5xx.h"

#define CENTRE_RECORDS 8

struct centre {
        MvNotificationHandle handle;
        volatile struct MvNotification ring[CENTRE_RECORDS] __attribute__((aligned(8)));
        unsigned next; /* the record that comes next; used by the interrupt's handler only */
};

/* Opens it and lets its interrupt in. The application must define that interrupt's handler. False: it cannot be opened;
 * the log says why, and that it was for `what`. */
bool centre_open(struct centre *centre, IRQn_Type irq, const char *what);

/* Keeps the interrupt out and closes the centre. */
void centre_close(struct centre *centre, IRQn_Type irq);

/* For the handler: takes the next record out of the ring; false when there is none. */
bool centre_take(struct centre *centre, struct MvNotification *ret_record);

#endif

/*
 * The simulated machine and the world around it, as one structure. Microvisor (src/) is built on it.
 *
 * One lock guards everything in it that is not marked as atomic. The application's thread holds it inside the gate,
 * the IRQ thread and the link thread while they tell what happened. Nobody blocks or calls the application with it.
 */
#ifndef MVS_MACHINE_H
#define MVS_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "sim/board/registers.h"
#include "sim/cloud/cloud.h"
#include "sim/cloud/mqtt_store.h"
#include "sim/cloud/config.h"
#include "sim/cpu/cpu.h"
#include "sim/cpu/preempt.h"
#include "sim/cpu/registers.h"
#include "sim/cpu/systick.h"
#include "sim/flash/flash.h"
#include "sim/link/link.h"
#include "sim/memory/memory.h"
#include "sim/nvic/nvic.h"
#include "sim/profile/profile.h"
#include "sim/random.h"
#include "sim/restart.h"
#include "sim/timeline/timeline.h"
#include "sim/trace/trace.h"

struct mvs_machine {
        pthread_mutex_t lock;
        atomic_uint awaited; /* how many threads wait for the lock in mvs_machine_lock() */
        struct mvs_profile profile;
        struct mvs_restart restart;
        struct mvs_random random;
        struct mvs_timeline timeline;
        struct mvs_trace trace;
        struct mvs_nvic nvic;
        struct mvs_cpu cpu;
        struct mvs_systick systick;
        struct mvs_registers registers;
        struct mvs_memory memory;
        struct mvs_cloud cloud;
        struct mvs_config config;
        struct mvs_flash flash;
        struct mvs_mqtt_store mqtt_store;
        struct mvs_board_registers board;
        struct mvs_link *link;
        pthread_cond_t answered; /* an answer from outside has come, or is not awaited any more */
        struct mvs_preempt preempt;
};

/* Brings the machine up with the profile, which becomes the machine's in every case, and what the life before left in
 * this process (NULL: nothing). 0 or a negative errno. */
int mvs_machine_init(struct mvs_machine *machine, struct mvs_profile *profile, const struct mvs_restart_state *from)
        __attribute__((warn_unused_result));

/* Starts what runs beside the application: the IRQ thread. 0 or a negative errno. */
int mvs_machine_start(struct mvs_machine *machine) __attribute__((warn_unused_result));

/* Stops every thread; nothing calls back after it returns. */
void mvs_machine_stop(struct mvs_machine *machine);
void mvs_machine_finish(struct mvs_machine *machine);

void mvs_machine_lock(struct mvs_machine *machine);
void mvs_machine_unlock(struct mvs_machine *machine);

/* Lock held: lets in those who wait for it. A mutex alone would not: whoever gives it up takes it again first. */
void mvs_machine_yield(struct mvs_machine *machine);

/* Lock held. */
static inline uint64_t mvs_machine_now(const struct mvs_machine *machine)
{
        return mvs_timeline_now(&machine->timeline);
}

/* Lock held. So long from now; MVS_NEVER where that is beyond the end of time. */
static inline uint64_t mvs_machine_after(const struct mvs_machine *machine, uint64_t delay_us)
{
        uint64_t now = mvs_machine_now(machine);
        return delay_us < MVS_NEVER - now ? now + delay_us : MVS_NEVER;
}

#endif

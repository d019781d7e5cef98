#include "sim/machine.h"

#include <errno.h>
#include <sched.h>

#include "sim/memory/report.h"

void mvs_machine_lock(struct mvs_machine *machine)
{
        atomic_fetch_add(&machine->awaited, 1);
        pthread_mutex_lock(&machine->lock);
        atomic_fetch_sub(&machine->awaited, 1);
}

void mvs_machine_unlock(struct mvs_machine *machine)
{
        bool kicked = machine->cpu.kicked;
        bool waiting = machine->cpu.waiting;
        machine->cpu.kicked = false;
        pthread_mutex_unlock(&machine->lock);
        if (kicked)
                mvs_cpu_wake(machine, waiting);
}

void mvs_machine_yield(struct mvs_machine *machine)
{
        if (atomic_load(&machine->awaited) == 0)
                return;
        pthread_mutex_unlock(&machine->lock);
        while (atomic_load(&machine->awaited) > 0)
                sched_yield();
        pthread_mutex_lock(&machine->lock);
}

/* What came from outside is to be seen: by the application that waits, or by the IRQ thread, unless that looks soon. */
static void on_told(void *context)
{
        struct mvs_machine *machine = context;
        mvs_machine_lock(machine);
        machine->timeline.stirred = true; /* more may come */
        bool late = atomic_load(&machine->cpu.due) && !mvs_timeline_is_watched(&machine->timeline);
        if (machine->cpu.waiting || machine->timeline.rearm || late)
                mvs_cpu_kick(machine);
        mvs_machine_unlock(machine);
}

static int init_parts(struct mvs_machine *machine)
{
        int result = mvs_memory_init(&machine->memory);
        if (result < 0)
                return result;
        result = mvs_cpu_init(&machine->cpu);
        if (result < 0)
                goto no_cpu;
        machine->link = mvs_link_create(&machine->profile);
        if (!machine->link) {
                result = -ENOMEM;
                goto no_link;
        }
        mvs_link_set_told(machine->link, on_told, machine);
        result = mvs_report_start(machine);
        if (result < 0)
                goto no_copy;
        return 0;
no_copy:
        mvs_link_destroy(machine->link);
no_link:
        mvs_cpu_finish(&machine->cpu);
no_cpu:
        mvs_memory_finish(&machine->memory);
        return result;
}

static void finish_parts(struct mvs_machine *machine)
{
        mvs_report_stop(machine);
        mvs_link_destroy(machine->link);
        machine->link = NULL;
        mvs_cpu_finish(&machine->cpu);
        mvs_memory_finish(&machine->memory);
}

int mvs_machine_init(struct mvs_machine *machine, struct mvs_profile *profile, const struct mvs_restart_state *from)
{
        machine->profile = *profile;
        *profile = (struct mvs_profile){0};
        int result = -pthread_mutex_init(&machine->lock, NULL);
        if (result < 0)
                goto no_lock;
        result = mvs_restart_init(&machine->restart, from);
        if (result < 0)
                goto no_restart;
        pthread_cond_init(&machine->answered, NULL);
        mvs_random_init(&machine->random, machine->profile.time.seed);
        mvs_timeline_init(&machine->timeline, &machine->profile.time);
        machine->timeline.base_us = machine->restart.state.now_us;
        mvs_nvic_init(&machine->nvic);
        result = init_parts(machine);
        if (result < 0)
                goto no_parts;
        mvs_cloud_init(&machine->cloud, &machine->timeline, &machine->profile);
        mvs_board_registers_init(&machine->board, &machine->profile.device);
        mvs_restart_apply(machine);
        mvs_config_init(&machine->config, &machine->profile.cloud, &machine->restart.state.files);
        mvs_mqtt_store_init(&machine->mqtt_store, &machine->restart.state.files);
        result = mvs_flash_init(&machine->flash, &machine->profile, &machine->restart.state.files);
        if (result < 0)
                goto no_flash;
        return 0;
no_flash:
        finish_parts(machine);
no_parts:
        pthread_cond_destroy(&machine->answered);
no_restart:
        mvs_restart_finish(&machine->restart);
        pthread_mutex_destroy(&machine->lock);
no_lock:
        mvs_profile_finish(&machine->profile);
        return result;
}

int mvs_machine_start(struct mvs_machine *machine)
{
        return mvs_preempt_start(machine);
}

void mvs_machine_stop(struct mvs_machine *machine)
{
        /* The link first: it wakes the IRQ thread. By now no channel is left that could start or cancel a request. */
        mvs_link_destroy(machine->link);
        machine->link = NULL;
        mvs_preempt_stop(machine);
}

void mvs_machine_finish(struct mvs_machine *machine)
{
        mvs_mqtt_store_finish(&machine->mqtt_store);
        mvs_flash_finish(&machine->flash);
        finish_parts(machine);
        pthread_cond_destroy(&machine->answered);
        mvs_restart_finish(&machine->restart);
        pthread_mutex_destroy(&machine->lock);
        mvs_profile_finish(&machine->profile);
}

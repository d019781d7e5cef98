/*
 * The control API (mvsim/mvsim.h).
 *
 * A test may call it from any thread. The thread that is the processor is shielded from interrupts by the device lock
 * alone not: a handler could start while it holds the lock. So the preemption signal is blocked for the moment.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "src/device.h"
#include "src/world.h"

#define EXPORT __attribute__((visibility("default")))

struct control {
        struct mvs_device *device;
        sigset_t before;
};

static struct control begin(void)
{
        struct control control = {.device = mvs_device()};
        sigset_t held;
        mvs_preempt_held(&held); /* whoever has the lock must not be made to wait by an RTOS's tick either */
        sigaddset(&held, MVS_SIGNAL_PREEMPT);
        pthread_sigmask(SIG_BLOCK, &held, &control.before);
        mvs_machine_lock(&control.device->machine);
        return control;
}

/* What was changed takes effect: on the processor's own thread before this returns, elsewhere as from outside. */
static void end(struct control *control)
{
        struct mvs_machine *machine = &control->device->machine;
        bool is_processor = pthread_equal(machine->cpu.thread, pthread_self()) != 0;
        if (is_processor)
                mvs_timeline_run(&machine->timeline);
        if (!is_processor || machine->timeline.rearm)
                mvs_cpu_kick(machine);
        mvs_machine_unlock(machine);
        pthread_sigmask(SIG_SETMASK, &control->before, NULL);
        if (is_processor && sigismember(&control->before, MVS_SIGNAL_PREEMPT) == 0)
                mvs_cpu_deliver(machine);
}

EXPORT const struct mvsim_reject *mvsim_last_reject(void)
{
        return &mvs_device()->last_reject;
}

EXPORT uint64_t mvsim_now_us(void)
{
        struct control control = begin();
        uint64_t now = mvs_machine_now(&control.device->machine);
        end(&control);
        return now;
}

static bool never(const struct mvs_machine *machine)
{
        (void)machine;
        return false;
}

EXPORT void mvsim_run_for(uint64_t duration_us)
{
        struct mvs_device *device = mvs_device();
        struct mvs_machine *machine = &device->machine;
        /* A caller that masks the signal takes no interrupt before it unmasks it, so none ends the wait. */
        bool lives = !mvs_cpu_is_halted(&machine->cpu);
        bool (*ended)(const struct mvs_machine *) = mvs_preempt_masked() || !lives ? never : mvs_cpu_may_take;
        mvs_cpu_enter(machine);
        uint64_t until = mvs_machine_after(machine, duration_us);
        while (mvs_cpu_wait(machine, until, ended) && !mvs_cpu_is_halted(&machine->cpu)) {
                mvs_cpu_leave(machine);
                mvs_cpu_enter(machine);
        }
        mvs_cpu_leave(machine);
        if (lives)
                mvs_ending_look(device, &machine->cpu);
}

EXPORT void mvsim_network_down(enum mvsim_outage outage)
{
        struct control control = begin();
        mvs_world_break(control.device, outage == MVSIM_OUTAGE_LINK ? MVS_OUTAGE_LINK : MVS_OUTAGE_SERVER);
        end(&control);
}

EXPORT void mvsim_network_up(void)
{
        struct control control = begin();
        mvs_world_break(control.device, MVS_OUTAGE_NONE);
        end(&control);
}

EXPORT int mvsim_update_available(enum mvsim_update what)
{
        if ((unsigned)what < MVSIM_UPDATE_APPLICATION || (unsigned)what > MVSIM_UPDATE_BOTH)
                return -EINVAL;
        struct control control = begin();
        int result = mvs_update_offer(control.device, (uint32_t)what);
        end(&control);
        return result;
}

EXPORT void mvsim_set_server_logging(bool enabled)
{
        struct control control = begin();
        mvs_world_log(control.device, enabled);
        end(&control);
}

static bool is_config_key(const char *key)
{
        size_t len = strlen(key);
        if (len == 0 || len > MVS_CONFIG_KEY_MAX)
                return false;
        while (*key >= ' ' && *key <= '~')
                key++;
        return *key == '\0';
}

EXPORT int mvsim_set_config(enum mvsim_store store, enum mvsim_scope scope, const char *key, const void *value,
                            size_t len)
{
        bool fine = store <= MVSIM_STORE_SECRETS && scope <= MVSIM_SCOPE_ACCOUNT && is_config_key(key);
        if (!fine || len > MVS_CONFIG_VALUE_MAX)
                return -EINVAL;
        struct mvs_config_key which = {
                .store = store == MVSIM_STORE_SECRETS ? MVS_CONFIG_SECRETS : MVS_CONFIG_CONFIG,
                .scope = scope == MVSIM_SCOPE_ACCOUNT ? MVS_CONFIG_ACCOUNT : MVS_CONFIG_DEVICE,
                .len = (uint32_t)strlen(key),
        };
        memcpy(which.text, key, which.len);
        struct control control = begin();
        int result = mvs_config_set(&control.device->machine.config, &which, value, (uint32_t)len);
        end(&control);
        return result;
}

EXPORT int mvsim_pend_irq(unsigned irq, uint64_t delay_us)
{
        struct control control = begin();
        int result = mvs_raise(control.device, irq, delay_us);
        end(&control);
        return result;
}

EXPORT void mvsim_on_ending(void (*callback)(const struct mvsim_ending *ending, void *context), void *context)
{
        struct control control = begin();
        control.device->ending.callback = callback;
        control.device->ending.context = context;
        end(&control);
}

static bool is_of_deep_sleep(enum MvWakeReason reason)
{
        return reason >= MV_WAKEREASON_DEEPSLEEPCHECKIN && reason <= MV_WAKEREASON_DEEPSLEEPOTHER;
}

EXPORT int mvsim_restart(enum MvWakeReason reason)
{
        if ((unsigned)reason > MV_WAKEREASON_DEEPSLEEPOTHER || is_of_deep_sleep(reason))
                return -EINVAL;
        struct control control = begin();
        struct mvs_device *device = control.device;
        bool lives = !mvs_cpu_is_halted(&device->machine.cpu);
        if (lives)
                mvs_world_restart(device, reason);
        bool is_processor = pthread_equal(device->machine.cpu.thread, pthread_self()) != 0;
        end(&control);
        if (lives && is_processor)
                mvs_ending_look(device, &device->machine.cpu);
        return lives ? 0 : -EALREADY;
}

EXPORT int mvsim_wake(enum MvWakeReason reason, uint64_t delay_us)
{
        if (!is_of_deep_sleep(reason))
                return -EINVAL;
        struct control control = begin();
        struct mvs_machine *machine = &control.device->machine;
        control.device->ending.wake_reason = reason;
        mvs_timeline_arm(&machine->timeline, &control.device->ending.wake, mvs_machine_after(machine, delay_us));
        end(&control);
        return 0;
}

EXPORT void mvsim_flash_cut(uint64_t nth)
{
        struct control control = begin();
        mvs_flash_cut_at(&control.device->machine.flash, nth);
        end(&control);
}

EXPORT uint64_t mvsim_flash_operations(void)
{
        struct control control = begin();
        uint64_t operations = control.device->machine.flash.operations;
        end(&control);
        return operations;
}

EXPORT int mvsim_fail(const char *call, unsigned nth, enum MvStatus status)
{
        struct control control = begin();
        int result = mvs_fault_arm(&control.device->faults, call, nth, status);
        if (result == 0)
                mvs_trace(&control.device->machine, MVS_EVENT_FAULT, MVS_WORD(NULL, call), MVS_NUMBER("nth", nth),
                          MVS_WORD("status", mvs_status_name(status)));
        end(&control);
        return result;
}

EXPORT void mvsim_get_statistics(struct mvsim_statistics *ret_statistics)
{
        struct control control = begin();
        mvs_device_statistics(control.device, ret_statistics);
        end(&control);
}

EXPORT unsigned mvsim_findings(const char *id)
{
        struct control control = begin();
        unsigned count = mvs_lint_count(control.device, id);
        end(&control);
        return count;
}

EXPORT const struct mvsim_finding *mvsim_finding(unsigned index)
{
        struct control control = begin();
        const struct mvs_lint *lint = &control.device->lint;
        const struct mvsim_finding *finding = index < lint->kept ? &lint->findings[index] : NULL;
        end(&control);
        return finding;
}

EXPORT const char *mvsim_lint(unsigned index, const char **ret_description)
{
        return mvs_lint_describe(index, ret_description);
}

EXPORT void mvsim_get_wifi(struct mvsim_wifi *ret_wifi)
{
        struct control control = begin();
        mvs_wifi_get(control.device, ret_wifi);
        end(&control);
}

EXPORT bool mvsim_led_is_on(void)
{
        struct control control = begin();
        bool on = control.device->led_on;
        end(&control);
        return on;
}

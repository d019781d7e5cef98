/* Findings: their levels, counting them, writing each once, and what the control API shows of them. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/diag.h"
#include "src/device.h"

#define US_PER_S 1000000U

#define LEVEL_OFF     MVS_LINT_OFF
#define LEVEL_NOTE    MVS_LINT_NOTE
#define LEVEL_WARNING MVS_LINT_WARNING
#define LEVEL_ERROR   MVS_LINT_ERROR

static const struct {
        const char *id;
        enum mvs_lint_level level;
        const char *description;
} lints[MVS_LINT_COUNT] = {
#define MVS_LINT(name, id_, level_, description_) \
        [MVS_LINT_##name] = {.id = (id_), .level = LEVEL_##level_, .description = (description_)},
#include "sim/profile/lints.def"
#undef MVS_LINT
};

static enum mvs_lint_level first_set(enum mvs_lint_level own, enum mvs_lint_level all, enum mvs_lint_level usual)
{
        if (own != MVS_LINT_UNSET)
                return own;
        return all != MVS_LINT_UNSET ? all : usual;
}

void mvs_lint_init(struct mvs_device *device)
{
        const struct mvs_profile_lint *chosen = &device->machine.profile.lint;
        enum mvs_lint_level *levels = device->lint.levels;
#define MVS_LINT(name, id, level, description) \
        levels[MVS_LINT_##name] = first_set(chosen->name, chosen->all, LEVEL_##level);
#include "sim/profile/lints.def"
#undef MVS_LINT
}

/* ---- writing ---- */

static enum mvs_log_level log_level(enum mvsim_lint_level level)
{
        switch (level) {
        case MVSIM_LINT_ERROR: return MVS_LOG_ERROR;
        case MVSIM_LINT_WARNING: return MVS_LOG_WARNING;
        default: return MVS_LOG_INFO;
        }
}

static enum mvsim_lint_level public_level(enum mvs_lint_level level)
{
        switch (level) {
        case MVS_LINT_ERROR: return MVSIM_LINT_ERROR;
        case MVS_LINT_WARNING: return MVSIM_LINT_WARNING;
        default: return MVSIM_LINT_NOTE;
        }
}

/* The finding of this id in this place, or NULL. */
static struct mvsim_finding *known(struct mvs_lint *lint, enum mvs_lint_id id, uint64_t place)
{
        for (unsigned i = 0; i < lint->kept; i++) {
                if (lint->places[i] == place && lint->findings[i].id == lints[id].id)
                        return &lint->findings[i];
        }
        return NULL;
}

static struct mvsim_finding *keep(struct mvs_device *device, enum mvs_lint_id id, uint64_t place)
{
        struct mvs_lint *lint = &device->lint;
        if (lint->kept == MVS_FINDINGS_KEPT)
                return NULL;
        struct mvsim_finding *finding = &lint->findings[lint->kept];
        lint->places[lint->kept++] = place;
        *finding = (struct mvsim_finding){
                .id = lints[id].id,
                .level = public_level(lint->levels[id]),
                .count = 1,
                .microseconds = mvs_machine_now(&device->machine),
        };
        return finding;
}

static void write_finding(const struct mvsim_finding *finding)
{
        mvs_diag(log_level(finding->level), "lint %s: %s (at %" PRIu64 ".%06" PRIu64 " s)", finding->id,
                 finding->message, finding->microseconds / US_PER_S, finding->microseconds % US_PER_S);
        if (finding->level != MVSIM_LINT_ERROR)
                return;
        mvs_diag(MVS_LOG_ERROR, "lint %s is an error here (lint: in the profile): the process ends with status %d",
                 finding->id, MVSIM_EXIT_FINDING);
        _exit(MVSIM_EXIT_FINDING);
}

void mvs_lint_found(struct mvs_device *device, enum mvs_lint_id id, uint64_t place, const char *format, ...)
{
        struct mvs_lint *lint = &device->lint;
        if (lint->levels[id] == MVS_LINT_OFF)
                return;
        lint->counts[id]++;
        struct mvsim_finding *finding = known(lint, id, place);
        if (finding) {
                finding->count++;
                return;
        }
        finding = keep(device, id, place);
        if (!finding)
                return;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(finding->message, sizeof finding->message, format, arguments);
        va_end(arguments);
        write_finding(finding);
}

static void write_count(const struct mvs_device *device, const struct mvsim_finding *finding)
{
        bool unseen = device->summary && finding->level == MVSIM_LINT_NOTE && !mvs_diag_enabled(MVS_LOG_INFO);
        if (finding->count < 2 && !unseen)
                return;
        mvs_diag(unseen ? MVS_LOG_ERROR : log_level(finding->level), "lint %s: %u time%s: %s", finding->id,
                 finding->count, finding->count == 1 ? "" : "s", finding->message);
}

void mvs_lint_finish(struct mvs_device *device)
{
        for (unsigned i = 0; i < device->lint.kept; i++)
                write_count(device, &device->lint.findings[i]);
}

/* ---- the control API: lock held ---- */

unsigned mvs_lint_count(const struct mvs_device *device, const char *id)
{
        unsigned count = 0;
        for (int i = 0; i < MVS_LINT_COUNT; i++) {
                bool wanted = id ? strcmp(lints[i].id, id) == 0 : device->lint.levels[i] > MVS_LINT_NOTE;
                if (wanted)
                        count += device->lint.counts[i];
        }
        return count;
}

const char *mvs_lint_describe(unsigned index, const char **ret_description)
{
        if (index >= MVS_LINT_COUNT)
                return NULL;
        if (ret_description)
                *ret_description = lints[index].description;
        return lints[index].id;
}

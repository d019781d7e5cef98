#include "src/wifi.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/diag.h"
#include "src/device.h"
#include "src/pair.h"
#include "src/pointers.h"

_Static_assert(sizeof((struct mvsim_wifi){0}.ssid) == MVS_WIFI_SSID_MAX, "the profile and the control API agree");
_Static_assert(sizeof((struct mvsim_wifi){0}.password) == MVS_WIFI_PASSWORD_MAX, "here too");

/* ---- what is stored ---- */

static bool map(struct mvs_device *device)
{
        struct mvs_wifi *wifi = &device->wifi;
        if (!wifi->kept)
                wifi->kept = mvs_kept_map(&device->machine.restart.state.files, MVS_KEPT_WIFI, sizeof *wifi->kept);
        return wifi->kept != NULL;
}

int mvs_wifi_init(struct mvs_device *device)
{
        if (device->machine.restart.state.files.fds[MVS_KEPT_WIFI] < 0 || map(device))
                return 0;
        int error = errno;
        mvs_diag(MVS_LOG_ERROR, "the Wi-Fi settings of before cannot be had: %s", strerror(error));
        return -error;
}

void mvs_wifi_finish(struct mvs_device *device)
{
        if (device->wifi.kept)
                munmap(device->wifi.kept, sizeof *device->wifi.kept);
        device->wifi.kept = NULL;
}

static void store(struct mvs_wifi_kept *kept, const struct mvsim_wifi *settings)
{
        uint32_t next = kept->current == 1 ? 2 : 1;
        kept->places[next - 1] = *settings;
        __atomic_store_n(&kept->current, next, __ATOMIC_RELEASE);
}

static void get_from_profile(const struct mvs_profile_wifi *profile, struct mvsim_wifi *ret)
{
        const char *ssid = profile->ssid ? profile->ssid : "", *password = profile->password ? profile->password : "";
        *ret = (struct mvsim_wifi){.ssid_len = (uint32_t)strlen(ssid), .password_len = (uint32_t)strlen(password)};
        memcpy(ret->ssid, ssid, ret->ssid_len);
        memcpy(ret->password, password, ret->password_len);
}

void mvs_wifi_get(const struct mvs_device *device, struct mvsim_wifi *ret)
{
        const struct mvs_wifi_kept *kept = device->wifi.kept;
        if (kept && kept->current > 0)
                *ret = kept->places[kept->current - 1];
        else
                get_from_profile(&device->machine.profile.wifi, ret);
}

/* ---- mvSetWifiConfig ---- */

static enum MvStatus check_version(struct mvs_call *call, uint32_t version)
{
        if (version == 1)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version", "is %" PRIu32 ", not 1", version);
}

static enum MvStatus check_mode(struct mvs_call *call, enum MvWifiConfigMode mode)
{
        if (mode == MV_WIFICONFIGMODE_APPLYNOW || mode == MV_WIFICONFIGMODE_CLEARNOW)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_PARAMETERFAULT, "config_mode",
                          "is %u: the modes are APPLYNOW (0) and CLEARNOW (1)", (unsigned)mode);
}

enum MvStatus mvs_wifi_check_config(struct mvs_call *call, const struct MvWifiConfig *config)
{
        enum MvStatus status = check_version(call, config->version);
        if (status == MV_STATUS_OKAY)
                status = check_mode(call, config->v1.config_mode);
        if (status != MV_STATUS_OKAY || config->v1.config_mode == MV_WIFICONFIGMODE_CLEARNOW)
                return status;
        return mvs_pointers_check(call, NULL, config);
}

static enum MvStatus check_length(struct mvs_call *call, const char *field, uint32_t length, uint32_t max)
{
        if (length <= max)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INPUTTOOLONG, field, "is %" PRIu32 ": at most %" PRIu32 " bytes are stored",
                          length, max);
}

enum MvStatus mvs_check_mvSetWifiConfig(struct mvs_call *call, const struct MvWifiConfig *params)
{
        const struct MvWifiConfig *config = &call->in.wifi;
        (void)params;
        if (config->v1.config_mode == MV_WIFICONFIGMODE_CLEARNOW)
                return MV_STATUS_OKAY;
        enum MvStatus status = check_length(call, "wifi_ssid.length", config->v1.wifi_ssid.length, MVS_WIFI_SSID_MAX);
        if (status == MV_STATUS_OKAY && config->v1.wifi_ssid.length == 0)
                status = mvs_reject(call, MV_STATUS_REQUIREDELEMENTMISSING, "wifi_ssid",
                                    "is empty: APPLYNOW stores a network's name (to erase the settings, use CLEARNOW)");
        if (status == MV_STATUS_OKAY)
                status = check_length(call, "wifi_password.length", config->v1.wifi_password.length,
                                      MVS_WIFI_PASSWORD_MAX);
        return status;
}

static enum MvStatus get_strings(struct mvs_call *call, struct mvsim_wifi *ret)
{
        const struct MvWifiConfig *config = &call->in.wifi;
        const struct MvSizedString *ssid = &config->v1.wifi_ssid, *password = &config->v1.wifi_password;
        *ret = (struct mvsim_wifi){0};
        if (config->v1.config_mode == MV_WIFICONFIGMODE_CLEARNOW)
                return MV_STATUS_OKAY;
        ret->ssid_len = ssid->length;
        ret->password_len = password->length;
        enum MvStatus status = mvs_get(call, "wifi_ssid.data", ret->ssid, ssid->data, ssid->length);
        if (status == MV_STATUS_OKAY)
                status = mvs_get(call, "wifi_password.data", ret->password, password->data, password->length);
        return status;
}

enum MvStatus mvs_do_mvSetWifiConfig(struct mvs_call *call, const struct MvWifiConfig *params)
{
        struct mvsim_wifi settings;
        (void)params;
        enum MvStatus status = get_strings(call, &settings);
        if (status != MV_STATUS_OKAY)
                return status;
        if (!map(call->device))
                return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL, "the host has no memory to store it in");
        store(call->device->wifi.kept, &settings);
        return MV_STATUS_OKAY;
}

/* ---- mvGetWifiConfig ---- */

enum MvStatus mvs_wifi_check_out(struct mvs_call *call, const struct MvWifiConfigOut *out)
{
        enum MvStatus status = check_version(call, out->version);
        return status == MV_STATUS_OKAY ? mvs_pointers_check(call, NULL, out) : status;
}

enum MvStatus mvs_check_mvGetWifiConfig(struct mvs_call *call, const struct MvWifiConfigOut *params)
{
        struct mvsim_wifi settings;
        uint32_t size = call->in.wifi_out.v1.ssid.size;
        (void)params;
        mvs_wifi_get(call->device, &settings);
        if (settings.ssid_len <= size)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, "ssid.size",
                          "is %" PRIu32 ": the name that is stored has %" PRIu32
                          " bytes (room for %u is always enough)",
                          size, settings.ssid_len, MVS_WIFI_SSID_MAX);
}

enum MvStatus mvs_do_mvGetWifiConfig(struct mvs_call *call, const struct MvWifiConfigOut *params)
{
        const struct MvWifiConfigOut *out = &call->in.wifi_out;
        struct mvsim_wifi settings;
        (void)params;
        mvs_wifi_get(call->device, &settings);
        const uint8_t has_encryption = settings.password_len > 0;
        enum MvStatus status = mvs_put(call, "ssid.data", out->v1.ssid.data, settings.ssid, settings.ssid_len);
        if (status == MV_STATUS_OKAY)
                status =
                        mvs_put(call, "ssid.length", out->v1.ssid.length, &settings.ssid_len, sizeof settings.ssid_len);
        if (status == MV_STATUS_OKAY)
                status =
                        mvs_put(call, "has_encryption", out->v1.has_encryption, &has_encryption, sizeof has_encryption);
        return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* pmi.c: the rack served upstream as a Modbus server: who is answered what.
 *
 * Main thread, on the operator's base. Each request is answered from one consistent
 * snapshot before the next is looked at; nothing waits. One unit a shelf; the rack's
 * window is on every unit. Never talks to a device.
 */
#include "pmi_parts.h"

#include <event2/event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api_request.h"
#include "busbar/check.h"
#include "busbar/clock.h"

#define PMI_FRESH_US     INT64_C(100000) /* a shelf's values are looked up again after   */
#define PMI_US_PER_S     INT64_C(1000000)
#define PMI_WINDOW_FIRST PMI_WINDOW
#define PMI_WINDOW_END   (PMI_WRITES + PMI_WRITES_SIZE)

/* ---- shelves ---- */

static double pmi_find(const struct operator_device *device, const struct device_state *state, int32_t index,
                       enum signal signal)
{
    double only = NAN;

    for (int32_t i = 0; i < device->reading_count && i < state->reading_count; i++) {
        if (device->signals[i] != signal || state->readings[i].status != ST_OK)
            continue;
        if (device->indices[i] == index)
            return state->readings[i].value;
        if (device->indices[i] == 0)
            only = state->readings[i].value;
    }
    return only;
}

/* Temperatures of one module are of several alike, or one; a mirror has one a module. */
static void pmi_find_temps(const struct operator_device *device, const struct device_state *state,
                           const struct pmi_module *module, double temps[4])
{
    for (int32_t t = 0; t < 4; t++) {
        temps[t] = pmi_find(device, state, module->index > 0 ? module->index : t + 1, SIGNAL_BBU_TEMP_C);
        if (isnan(temps[t]))
            temps[t] = temps[0];
    }
}

static bool pmi_find_alert(const struct operator_device *device, const struct device_state *state,
                           int32_t index)
{
    static const enum signal words[] = { SIGNAL_PSU_ALARMS, SIGNAL_BBU_STATUS, SIGNAL_BBU_FAILURES };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (pmi_find(device, state, index, words[i]) > 0.0)
            return true;
    return false;
}

/* A bit of a word of the controller that mirrors the module; `otherwise` where it has no such word. */
static bool pmi_says(const struct operator_device *device, const struct device_state *state, enum signal word,
                     int32_t bit, bool otherwise)
{
    double value = pmi_find(device, state, 0, word);

    return isnan(value) ? otherwise : (uint32_t)value >> bit & 1u;
}

/* What a controller shows of a module that is pulled out, that does not answer it, or that it was told
 * not to ask is old. */
static bool pmi_is_mirrored(const struct operator_device *device, const struct device_state *state, int32_t index)
{
    return pmi_says(device, state, SIGNAL_SHELF_MODULES_PRESENT, index - 1, true) &&
           !pmi_says(device, state, SIGNAL_SHELF_COMM_ALARMS, index, false) &&
           !pmi_says(device, state, SIGNAL_SHELF_POLLING_PAUSE, 0, false);
}

static void pmi_look_at(struct pmi *pmi, const struct pmi_module *module, struct pmi_values *ret)
{
    const struct operator_names *names = pmi->op->names;
    const struct operator_device *device;
    struct device_state *state = &pmi->state;
    int32_t index = module->index;

    *ret = (struct pmi_values){ .there = module->device >= 0,
                                .input_v = NAN,
                                .input_a = NAN,
                                .temp_c = { NAN, NAN, NAN, NAN },
                                .soc_ratio = NAN,
                                .pack_v = NAN,
                                .pack_a = NAN,
                                .remaining_ah = NAN,
                                .full_ah = NAN };
    if (!ret->there || !names || module->device >= names->device_count ||
        !pmi->op->calls.device(pmi->op->calls.arg, module->device, state) || !state->reachable)
        return;
    device = &names->devices[module->device];
    if (index > 0 && !pmi_is_mirrored(device, state, index))
        return;
    ret->present = true;
    ret->alert = pmi_find_alert(device, state, index) ||
                 (index > 0 && pmi_says(device, state, SIGNAL_SHELF_MODULE_ALERTS, index - 1, false));
    ret->input_v = pmi_find(device, state, index, SIGNAL_PSU_INPUT_V);
    ret->input_a = pmi_find(device, state, index, SIGNAL_PSU_INPUT_A);
    ret->soc_ratio = pmi_find(device, state, index, SIGNAL_BBU_SOC_RATIO);
    ret->pack_v = pmi_find(device, state, index, SIGNAL_BBU_PACK_V);
    ret->pack_a = pmi_find(device, state, index, SIGNAL_BBU_PACK_A);
    ret->remaining_ah = pmi_find(device, state, index, SIGNAL_BBU_REMAINING_AH);
    ret->full_ah = pmi_find(device, state, index, SIGNAL_BBU_FULL_AH);
    pmi_find_temps(device, state, module, ret->temp_c);
}

static const struct pmi_cached *pmi_values_of(struct pmi *pmi, int32_t shelf, int64_t now_us)
{
    struct pmi_cached *cached = &pmi->cached[shelf];
    const struct pmi_shelf *conf = &pmi->options->shelves[shelf];

    if (cached->at_us != INT64_MIN && now_us - cached->at_us < PMI_FRESH_US)
        return cached;
    cached->at_us = now_us;
    for (int32_t m = 0; m < PMI_SLOTS; m++) {
        struct pmi_module module =
            m < conf->module_count ? conf->module[m] : (struct pmi_module){ .device = -1 };

        pmi_look_at(pmi, &module, &cached->module[m]);
    }
    return cached;
}

static void pmi_image_of(struct pmi *pmi, int32_t shelf, int64_t now_us, struct pmi_image *ret)
{
    const struct pmi_cached *cached = pmi_values_of(pmi, shelf, now_us);
    struct operator* op = pmi->op;

    op->calls.stats(op->calls.arg, &op->stats);
    *ret = (struct pmi_image){ .shelf = &pmi->options->shelves[shelf],
                               .number = shelf,
                               .rack = op->names ? op->names->rack : "",
                               .version = BUSBAR_VERSION,
                               .uptime_s = (op->stats.now_us - op->stats.started_us) / PMI_US_PER_S,
                               .wall_s = clock_wall_us() / PMI_US_PER_S };
    memcpy(ret->module, cached->module, sizeof ret->module);
}

/* ---- the window ---- */

static void pmi_window_power(const struct pmi *pmi, const struct snapshot *snap, struct pmi_state_image *ret)
{
    int32_t node = pmi->options->budget_node >= 0 ? pmi->options->budget_node : 0;
    const struct core_node_view *view;

    if (node >= snap->outputs->node_count)
        return;
    view = &core_outputs_nodes(snap->outputs)[node];
    ret->power_w = view->power_w;
    for (int32_t i = 0; i < view->limit_count; i++)
        if (!(view->limit[i].limit_w >= ret->budget_w))
            ret->budget_w = view->limit[i].limit_w;
}

static void pmi_window_rack(const struct snapshot *snap, struct pmi_state_image *ret)
{
    const struct core_outputs *out = snap->outputs;
    const struct core_device_view *devices = core_outputs_devices(out);

    ret->mode = (uint16_t)out->mode;
    ret->mode_wanted = (uint16_t)snap->mode_wanted;
    ret->reasons = (uint16_t)(out->reasons & 0xFFFFu);
    ret->ride = (uint16_t)out->ride.state;
    ret->capable = out->ride.capable;
    if (out->ride.state != CORE_RIDE_OFF) {
        ret->energy_j = out->ride.energy_j;
        ret->reserve_j = out->ride.reserve_j;
        ret->input_ratio = out->ride.input_ratio;
    }
    ret->exceeded = (uint16_t)snapshot_exceeded(snap);
    for (int32_t i = 0; i < out->device_count; i++) {
        ret->good = (uint16_t)(ret->good + (devices[i].quality == CORE_DEVICE_GOOD));
        ret->stale = (uint16_t)(ret->stale + (devices[i].quality == CORE_DEVICE_STALE));
        ret->unread = (uint16_t)(ret->unread + (devices[i].quality == CORE_DEVICE_UNREAD));
    }
}

static void pmi_window_token(const struct pmi *pmi, const struct snapshot *snap, struct pmi_state_image *ret)
{
    const struct pmi_lease *lease = &pmi->lease;

    if (!lease->token_asked)
        return;
    ret->token_node = lease->token_wish.token_node;
    ret->token_wanted_w = lease->token_wish.token_w;
    ret->token_duration_s = lease->token_wish.token_duration_s;
    ret->token_priority = lease->token_wish.token_priority;
    for (int32_t i = 0; i < snap->outputs->token_count; i++) {
        const struct core_token_view *view = &core_outputs_tokens(snap->outputs)[i];

        if (view->client != lease->token.client || view->version < lease->token.version)
            continue;
        ret->token_state = (uint16_t)view->state;
        ret->token_reason = (uint16_t)view->reason;
        ret->token_w = view->granted_w;
        ret->alternative_w = view->alternative_w;
        ret->token_left_s = (view->expires_us - snap->now_us) / PMI_US_PER_S;
        ret->retry_s = (view->retry_after_us + PMI_US_PER_S - 1) / PMI_US_PER_S;
    }
}

static uint16_t pmi_or_none(double value, double per)
{
    return isnan(value) ? PMI_NO_VALUE : (uint16_t)lround(value * per);
}

static void pmi_window_lease(const struct pmi *pmi, const struct pmi_client *client, int64_t now_us,
                             struct pmi_state_image *ret)
{
    const struct pmi_options *options = pmi->options;
    const struct pmi_lease *lease = &pmi->lease;
    bool held = lease->holder != PMI_NOBODY;

    ret->features = (uint16_t)(options->may_budget | options->may_mode << 1 | options->may_ride << 2 |
                               options->may_tokens << 3 | (client->writers != 0) << 8);
    ret->authority = (uint16_t)(!held ? 0 : lease->holder == client->writer ? 1 : 2);
    ret->lease_left_s = held ? (lease->until_us - now_us + PMI_US_PER_S - 1) / PMI_US_PER_S : 0;
    ret->leased_w = ret->wanted_w = lease->leased_w;
    ret->standing_w = options->standing_w;
    ret->accepted = lease->accepted;
    ret->refused = lease->refused;
    ret->result = (uint16_t)client->result;
    ret->lease_s = (uint16_t)(lease->lease_us / PMI_US_PER_S);
    ret->refreshes = lease->refreshes;
    ret->reserve_s = pmi_or_none(lease->ride.reserve_s, 1.0);
    ret->support_permille = pmi_or_none(lease->ride.support_ratio, 1000.0);
    ret->support_after_ms =
        lease->ride.support_after_us < 0 ? PMI_NO_VALUE : (uint16_t)(lease->ride.support_after_us / 1000);
}

/* False: the control loop has not stepped yet. */
static bool pmi_window_of(struct pmi *pmi, const struct pmi_client *client, int64_t now_us,
                          struct pmi_state_image *ret)
{
    struct api_request request = { .op = pmi->op };

    if (api_snapshot(&request))
        return false;
    *ret = (struct pmi_state_image){ .power_w = NAN,
                                     .budget_w = NAN,
                                     .standing_w = NAN,
                                     .leased_w = NAN,
                                     .energy_j = NAN,
                                     .reserve_j = NAN,
                                     .input_ratio = NAN,
                                     .token_w = 0.0,
                                     .alternative_w = 0.0,
                                     .wanted_w = NAN,
                                     .token_wanted_w = 0.0 };
    pmi_window_power(pmi, &request.snap, ret);
    pmi_window_rack(&request.snap, ret);
    pmi_window_lease(pmi, client, now_us, ret);
    pmi_window_token(pmi, &request.snap, ret);
    ret->wall_s = clock_wall_us() / PMI_US_PER_S;
    return true;
}

/* ---- requests ---- */

static bool pmi_is_window(const struct pmi_request *request)
{
    return request->address >= PMI_WINDOW_FIRST && request->address + request->count <= PMI_WINDOW_END;
}

static enum pmi_exception pmi_read_window(struct pmi *pmi, const struct pmi_client *client,
                                          const struct pmi_request *request, int64_t now_us, uint16_t *words)
{
    struct pmi_state_image image;

    if (!pmi_window_of(pmi, client, now_us, &image))
        return PMI_DEVICE_BUSY;
    for (int32_t i = 0; i < request->count; i++)
        if (!pmi_window_read(&image, request->address + i, &words[i]))
            return PMI_ILLEGAL_ADDRESS;
    return PMI_FINE;
}

static enum pmi_exception pmi_read(struct pmi *pmi, const struct pmi_client *client, int32_t shelf,
                                   const struct pmi_request *request, int64_t now_us, uint16_t *words)
{
    struct pmi_image image;

    if (pmi_is_window(request))
        return pmi_read_window(pmi, client, request, now_us, words);
    pmi_image_of(pmi, shelf, now_us, &image);
    for (int32_t i = 0; i < request->count; i++)
        if (!pmi_map_read(&image, request->address + i, &words[i]))
            return PMI_ILLEGAL_ADDRESS;
    return PMI_FINE;
}

static void pmi_arm(struct pmi *pmi, int64_t now_us)
{
    int64_t at_us = pmi_lease_step(&pmi->lease, now_us);
    struct timeval wait;

    if (at_us == INT64_MAX) {
        (void)evtimer_del(pmi->timer);
        return;
    }
    wait.tv_sec = (time_t)((at_us - now_us) / PMI_US_PER_S);
    wait.tv_usec = (suseconds_t)((at_us - now_us) % PMI_US_PER_S);
    (void)evtimer_add(pmi->timer, &wait);
}

static enum pmi_exception pmi_write(struct pmi *pmi, struct pmi_client *client,
                                    const struct pmi_request *request, int64_t now_us)
{
    enum pmi_exception wrong;
    struct pmi_wish wish;

    wrong = pmi_window_write(request, &wish);
    if (wrong != PMI_FINE) {
        pmi_lease_refuse(&pmi->lease, client, PMI_RESULT_FORM, request->address, now_us);
        return wrong;
    }
    wrong = pmi_lease_write(&pmi->lease, client, &wish, now_us);
    pmi_arm(pmi, now_us);
    return wrong;
}

static int32_t pmi_shelf_of(const struct pmi *pmi, uint8_t unit)
{
    for (int32_t i = 0; i < pmi->options->shelf_count; i++)
        if (pmi->options->shelves[i].unit == unit)
            return i;
    return -1;
}

size_t pmi_answer(struct pmi *pmi, struct pmi_client *client, enum pmi_framing framing,
                  const struct pmi_request *request, uint8_t to[PMI_FRAME_MAX])
{
    int32_t shelf = pmi_shelf_of(pmi, request->unit);
    enum pmi_exception wrong = request->wrong;
    int64_t now_us = clock_now_us();
    uint16_t words[PMI_READ_MAX];

    if (shelf < 0)
        return framing == PMI_RTU ? 0 : pmi_codec_refuse(framing, request, PMI_NO_TARGET, to);
    if (wrong == PMI_FINE)
        wrong = request->write ? pmi_write(pmi, client, request, now_us)
                               : pmi_read(pmi, client, shelf, request, now_us, words);
    else if (request->write)
        pmi_lease_refuse(&pmi->lease, client, PMI_RESULT_FORM, request->address, now_us);
    if (wrong != PMI_FINE)
        return pmi_codec_refuse(framing, request, wrong, to);
    return request->write ? pmi_codec_written(framing, request, to)
                          : pmi_codec_read(framing, request, words, to);
}

/* ---- start and end ---- */

static void pmi_on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    pmi_arm(arg, clock_now_us());
}

static enum status pmi_listen(struct pmi *pmi)
{
    enum status st = ST_OK;

    if (pmi->options->host[0] && !pmi->tcp)
        st = pmi_tcp_new(pmi, &pmi->tcp);
    if (st == ST_OK && pmi->options->serial_path[0] && !pmi->serial)
        st = pmi_serial_new(pmi, &pmi->serial);
    return st;
}

enum status pmi_new(struct operator* op, const struct pmi_options *options, const struct pmi_calls *calls,
                    struct pmi **ret)
{
    struct pmi *pmi = calloc(1, sizeof *pmi);
    enum status st = ST_NOMEM;

    if (!pmi)
        return ST_NOMEM;
    pmi->op = op;
    pmi->options = options;
    for (int32_t i = 0; i < PMI_SHELVES_MAX; i++)
        pmi->cached[i].at_us = INT64_MIN;
    pmi_lease_init(&pmi->lease, options, calls, &op->calls);
    pmi->timer = evtimer_new(op->base, pmi_on_timer, pmi);
    if (pmi->timer)
        st = pmi_listen(pmi);
    if (st != ST_OK) {
        pmi_free(pmi);
        return st;
    }
    *ret = pmi;
    return ST_OK;
}

static bool pmi_same_tcp(const struct pmi_options *a, const struct pmi_options *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port;
}

static bool pmi_same_serial(const struct pmi_options *a, const struct pmi_options *b)
{
    return strcmp(a->serial_path, b->serial_path) == 0 && a->baud == b->baud && a->parity == b->parity &&
           a->stop_bits == b->stop_bits;
}

enum status pmi_follow(struct pmi *pmi, const struct pmi_options *options)
{
    if (!pmi_same_tcp(pmi->options, options))
        pmi->tcp = pmi_tcp_free(pmi->tcp);
    if (!pmi_same_serial(pmi->options, options))
        pmi->serial = pmi_serial_free(pmi->serial);
    pmi->options = options;
    for (int32_t i = 0; i < PMI_SHELVES_MAX; i++)
        pmi->cached[i].at_us = INT64_MIN;
    pmi_lease_follow(&pmi->lease, options, clock_now_us());
    if (pmi->tcp)
        pmi_tcp_follow(pmi->tcp);
    if (pmi->serial)
        pmi_serial_follow(pmi->serial);
    pmi_arm(pmi, clock_now_us());
    return pmi_listen(pmi);
}

struct pmi *pmi_free(struct pmi *pmi)
{
    if (!pmi)
        return NULL;
    pmi_tcp_free(pmi->tcp);
    pmi_serial_free(pmi->serial);
    if (pmi->timer)
        event_free(pmi->timer);
    free(pmi);
    return NULL;
}

int32_t pmi_port(const struct pmi *pmi)
{
    return pmi->tcp ? pmi_tcp_port(pmi->tcp) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* conf_check_power.c: breakers, sources, the busbar, riding through, tokens.
 *
 * Owns what a kind of hardware presets, which key belongs to which kind of source
 * or breaker, and what these parts need of each other. Any thread. Reads no file.
 */
#include <stdlib.h>
#include <string.h>

#include "conf_check.h"

#define CONF_POWER_HEAT_S       600.0 /* of a breaker whose file does not say      */
#define CONF_POWER_REFILL_RATIO 0.01  /* of a zone's rating, a second              */

/* ---- breakers ---- */

static const char *const conf_power_curves[] = {
    [CORE_CURVE_THERMAL] = "thermal", [CORE_CURVE_LSI] = "lsi", [CORE_CURVE_LSIG] = "lsig"
};

static void conf_power_breaker_needs(struct conf_check *check, const struct raw_node *node, const char *path,
                                     bool needed)
{
    if (needed && !conf_has(&node->item, path))
        conf_wrong(check->report, &node->item, "breaker", "%s is missing, kind %s needs it", strchr(path, '.') + 1,
                   conf_power_curves[node->breaker.kind]);
}

static void conf_power_breaker_lsi(struct conf_check *check, const struct raw_node *node)
{
    static const char *const paths[] = { "breaker.long_s", "breaker.short_ratio", "breaker.short_s",
                                         "breaker.short_i2t" };
    const struct core_config_curve *curve = &node->breaker;

    for (size_t p = 0; curve->kind == CORE_CURVE_THERMAL && p < sizeof paths / sizeof *paths; p++)
        if (conf_has(&node->item, paths[p]))
            conf_wrong(check->report, &node->item, paths[p], "is for kinds lsi and lsig only");
    if (curve->kind == CORE_CURVE_THERMAL)
        return;
    if (conf_has(&node->item, "breaker.short_ratio") != conf_has(&node->item, "breaker.short_s"))
        conf_wrong(check->report, &node->item, "breaker.short_ratio", "short_ratio and short_s go together");
    if (curve->instant_ratio > 0.0 && curve->short_ratio >= curve->instant_ratio)
        conf_wrong(check->report, &node->item, "breaker.short_ratio", "%.12g is not below instant_ratio %.12g",
                   curve->short_ratio, curve->instant_ratio);
}

void conf_check_breakers(struct conf_check *check)
{
    for (int32_t n = 0; n < check->raw->tree.count; n++) {
        struct raw_node *node = CONF_ITEM(struct raw_node, &check->raw->tree, n);
        struct core_config_curve *curve = &node->breaker;

        if (!conf_good(&node->item, "breaker.kind")) {
            *curve = (struct core_config_curve){ .kind = CORE_CURVE_NONE };
            continue;
        }
        curve->kind = (enum core_curve_kind)(node->breaker_kind + 1);
        conf_power_breaker_needs(check, node, "breaker.heat_s", curve->kind == CORE_CURVE_THERMAL);
        conf_power_breaker_needs(check, node, "breaker.long_s", curve->kind != CORE_CURVE_THERMAL);
        conf_power_breaker_lsi(check, node);
        curve->heat_s = isnan(curve->heat_s) ? CONF_POWER_HEAT_S : curve->heat_s;
        curve->cool_s = isnan(curve->cool_s) ? curve->heat_s : curve->cool_s;
        curve->long_s = isnan(curve->long_s) ? 0.0 : curve->long_s;
    }
}

/* ---- sources ---- */

#define PSU 1u
#define BBU 2u
#define CAP 4u

/* Which kinds take a member, and which cannot do without. */
struct conf_power_key {
    const char *path;
    size_t offset, size; /* of the member in core_config_source              */
    bool number;         /* a double: NAN until it is said                   */
    unsigned kinds, needed;
};

#define MEMBER(member)                                                                                       \
    .offset = offsetof(struct core_config_source, member),                                                   \
    .size = sizeof(((struct core_config_source *)NULL)->member)

static const struct conf_power_key conf_power_keys[] = {
    { .path = "rated_w", MEMBER(rated_w), .number = true, .kinds = PSU | BBU | CAP, .needed = PSU | BBU | CAP },
    { .path = "output_v", MEMBER(output_v), .number = true, .kinds = PSU | BBU | CAP, .needed = PSU | BBU | CAP },
    { .path = "droop_v", MEMBER(droop_v), .number = true, .kinds = PSU | BBU | CAP, .needed = PSU | BBU },
    { .path = "input_min_v", MEMBER(input_min_v), .number = true, .kinds = PSU, .needed = PSU },
    { .path = "input_off_ms", MEMBER(input_off_us), .kinds = PSU, .needed = PSU },
    { .path = "input_derate_v", MEMBER(input_derate_v), .number = true, .kinds = PSU, .needed = PSU },
    { .path = "holdup_j", MEMBER(holdup_j), .number = true, .kinds = PSU, .needed = PSU },
    { .path = "handover_ratio", MEMBER(handover_ratio), .number = true, .kinds = PSU, .needed = PSU },
    { .path = "handover_step_v", MEMBER(handover_step_v), .number = true, .kinds = PSU },
    { .path = "handover_v_per_s", MEMBER(handover_v_per_s), .number = true, .kinds = PSU },
    { .path = "ready_ms", MEMBER(ready_us), .kinds = PSU, .needed = PSU },
    { .path = "walk_in_ms", MEMBER(walk_in_us), .kinds = PSU, .needed = PSU },
    { .path = "keeps_settings", MEMBER(keeps_settings), .kinds = PSU },
    { .path = "trigger_v", MEMBER(trigger_v), .number = true, .kinds = BBU | CAP, .needed = BBU | CAP },
    { .path = "trigger_ms", MEMBER(trigger_us), .kinds = BBU | CAP, .needed = BBU },
    { .path = "start_ms", MEMBER(start_us), .kinds = BBU | CAP, .needed = BBU },
    { .path = "energy_j", MEMBER(energy_j), .number = true, .kinds = BBU | CAP, .needed = BBU | CAP },
};

/* What the specifications say; the manual page has the source of each value. */
static const struct core_config_source conf_power_presets[RAW_HARDWARE_COUNT][2] = {
    [RAW_ORV3] = {
        [CORE_SOURCE_PSU] = { .rated_w = 3000, .output_v = 51, .droop_v = 0.5, .input_min_v = 175,
                              .input_off_us = 20000, .input_derate_v = 198, .holdup_j = 60, .handover_ratio = 0.5,
                              .handover_step_v = 3, .handover_v_per_s = 3000, .ready_us = 2500000,
                              .walk_in_us = 60000 },
        [CORE_SOURCE_BBU] = { .rated_w = 3000, .output_v = 48, .droop_v = 0.5, .trigger_v = 48.5,
                              .trigger_us = 2000, .start_us = 2000, .energy_j = 270000 },
    },
    [RAW_HPR] = {
        [CORE_SOURCE_PSU] = { .rated_w = 5500, .output_v = 50, .droop_v = 1, .input_min_v = 175,
                              .input_off_us = 20000, .input_derate_v = 198, .holdup_j = 110, .handover_ratio = 0.5,
                              .ready_us = 2500000, .walk_in_us = 60000 },
        [CORE_SOURCE_BBU] = { .rated_w = 5500, .output_v = 48, .droop_v = 0.5, .trigger_v = 48.5,
                              .trigger_us = 2000, .start_us = 2000, .energy_j = 495000 },
    },
    [RAW_HPR_V2] = {
        [CORE_SOURCE_PSU] = { .rated_w = 12000, .output_v = 50.5, .droop_v = 1, .input_min_v = 175,
                              .input_off_us = 20000, .input_derate_v = 218, .holdup_j = 240, .handover_ratio = 0.5,
                              .ready_us = 2500000, .walk_in_us = 60000 },
        [CORE_SOURCE_BBU] = { .rated_w = 12000, .output_v = 48, .droop_v = 0.5, .trigger_v = 48.5,
                              .trigger_us = 2000, .start_us = 2000, .energy_j = 1080000 },
    },
};

static const char *const conf_power_kinds[] = { "psu", "bbu", "capacitor" };

static void conf_power_member(struct conf_check *check, struct raw_source *source, const struct conf_power_key *key)
{
    const unsigned kind = 1u << source->kind;
    const bool hardware = conf_has(&source->item, "hardware") && source->kind != CORE_SOURCE_CAPACITOR;
    char *member = (char *)&source->core + key->offset;

    if (conf_has(&source->item, key->path)) {
        if (!(key->kinds & kind))
            conf_wrong(check->report, &source->item, key->path, "is not for kind %s", conf_power_kinds[source->kind]);
        return;
    }
    if (hardware) {
        memcpy(member, (const char *)&conf_power_presets[source->hardware][source->kind] + key->offset, key->size);
        return;
    }
    if (key->needed & kind)
        conf_wrong(check->report, &source->item, key->path, "missing, kind %s needs it%s",
                   conf_power_kinds[source->kind],
                   source->kind == CORE_SOURCE_CAPACITOR ? "" : " where no hardware is named");
    memset(member, 0, key->size); /* and a double is 0.0 then */
}

/* What IT gear stands must hold at no load and at full load. */
static void conf_power_voltages(struct conf_check *check, const struct raw_source *source)
{
    const struct core_config_bus *bus = &check->raw->busbar;
    const struct core_config_source *core = &source->core;

    if ((core->handover_step_v > 0.0) != (core->handover_v_per_s > 0.0))
        conf_wrong(check->report, &source->item, "handover_step_v",
                   "handover_step_v and handover_v_per_s go together: either both or none");
    if (!conf_has(&check->raw->item, "busbar"))
        return;
    if (core->output_v > bus->high_v || core->output_v - core->droop_v < bus->low_v)
        conf_wrong(check->report, &source->item, "output_v",
                   "%.12g V falling by %.12g V leaves what busbar.low_v and busbar.high_v allow, %.12g to %.12g",
                   core->output_v, core->droop_v, bus->low_v, bus->high_v);
    if (core->input_min_v > 0.0 && bus->nominal_input_v > 0.0 && core->input_min_v >= bus->nominal_input_v)
        conf_wrong(check->report, &source->item, "input_min_v", "%.12g is not below busbar.nominal_input_v %.12g",
                   core->input_min_v, bus->nominal_input_v);
}

/* The nodes that feed `node`, itself included, as marks in the file's order. */
static bool conf_power_above(const struct conf_check *check, int32_t node, int32_t wanted)
{
    const int32_t count = check->raw->tree.count;
    bool *above = calloc((size_t)count + 1, sizeof *above), found;

    if (!above) {
        check->report->no_memory = true;
        return true;
    }
    above[node] = true;
    for (bool more = true; more;) {
        more = false;
        for (int32_t n = 0; n < count; n++) {
            const struct raw_node *raw = CONF_ITEM(struct raw_node, &check->raw->tree, n);

            for (int32_t p = 0; above[n] && p < raw->parent_count; p++) {
                more = more || !above[raw->parent_at[p]];
                above[raw->parent_at[p]] = true;
            }
        }
    }
    found = above[wanted];
    free(above);
    return found;
}

static void conf_power_place(struct conf_check *check, struct raw_source *source)
{
    const struct raw_conf *raw = check->raw;

    source->node_at = conf_check_named(check->report, &source->item, "node", source->node, &raw->tree,
                                       sizeof(struct raw_node), "node");
    if (source->node_at == CORE_NONE || raw->busbar_at == CORE_NONE || !raw->tree_good)
        return;
    if (source->kind != CORE_SOURCE_PSU && source->node_at != raw->busbar_at)
        conf_wrong(check->report, &source->item, "node", "\"%s\" is not busbar.node \"%s\"", source->node,
                   raw->busbar_node);
    if (source->kind == CORE_SOURCE_PSU && !conf_power_above(check, raw->busbar_at, source->node_at))
        conf_wrong(check->report, &source->item, "node", "\"%s\" does not feed busbar.node \"%s\"", source->node,
                   raw->busbar_node);
}

static void conf_power_source(struct conf_check *check, struct raw_source *source)
{
    if (!conf_good(&source->item, "kind"))
        return;
    source->core.kind = (enum core_source_kind)source->kind;
    if (conf_has(&source->item, "hardware") && source->kind == CORE_SOURCE_CAPACITOR)
        conf_wrong(check->report, &source->item, "hardware", "presets nothing for kind capacitor");
    for (size_t k = 0; k < sizeof conf_power_keys / sizeof *conf_power_keys; k++)
        conf_power_member(check, source, &conf_power_keys[k]);
    conf_power_voltages(check, source);
    conf_power_place(check, source);
}

void conf_check_sources(struct conf_check *check)
{
    struct raw_conf *raw = check->raw;

    raw->busbar_at = conf_check_named(check->report, &raw->item, "busbar.node", raw->busbar_node, &raw->tree,
                                      sizeof(struct raw_node), "node");
    if (raw->busbar.low_v >= raw->busbar.high_v)
        conf_wrong(check->report, &raw->item, "busbar.low_v", "%.12g is not below high_v %.12g", raw->busbar.low_v,
                   raw->busbar.high_v);
    if (raw->sources.count > 0 && !conf_has(&raw->item, "busbar"))
        conf_wrong(check->report, &raw->item, "sources", "need busbar, what they hold up");
    conf_check_unique(check->report, &raw->sources, sizeof(struct raw_source), NULL, 0);
    for (int32_t s = 0; s < raw->sources.count; s++)
        conf_power_source(check, CONF_ITEM(struct raw_source, &raw->sources, s));
}

/* ---- riding through ---- */

bool conf_check_tells(enum signal signal)
{
    /* what the law of riding through looks at: input and draw of supplies, charge,
     * current and health of batteries, and the busbar as they see it */
    static const enum signal signals[] = {
        SIGNAL_PSU_INPUT_V, SIGNAL_PSU_OUTPUT_W,  SIGNAL_PSU_INPUT_W, SIGNAL_BBU_PACK_A,  SIGNAL_BBU_SOC_RATIO,
        SIGNAL_BBU_BUS_V,   SIGNAL_BBU_PACK_V,    SIGNAL_BBU_FULL_AH, SIGNAL_BBU_REMAINING_AH,
        SIGNAL_BBU_STATUS,  SIGNAL_BBU_FAILURES,
    };

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (signals[i] == signal)
            return true;
    return false;
}

static bool conf_power_reads_input(const struct conf_check *check, const struct raw_device *device)
{
    const struct profile *profile;

    if (device->source_at == CORE_NONE || device->profile_at == CORE_NONE)
        return false;
    profile = &check->profiles.list[device->profile_at];
    for (int32_t r = 0; r < profile->row_count; r++)
        if (profile->rows[r].signal == SIGNAL_PSU_INPUT_V && profile->rows[r].poll <= POLL_SLOW)
            return true;
    return false;
}

static void conf_power_starts(struct conf_check *check)
{
    static const struct core_plan_start presets[] = {
        { .outage_us = 500000, .window_us = 250000 },
        { .outage_us = 10000000, .window_us = 1200000 },
        { .outage_us = 60000000, .window_us = 15000000 },
    };
    struct raw_conf *raw = check->raw;
    int64_t before_us = 0;

    if (raw->starts.count == 0) {
        raw->ride.start_count = (int32_t)(sizeof presets / sizeof *presets);
        memcpy(raw->ride.start, presets, sizeof presets);
        return;
    }
    raw->ride.start_count = raw->starts.count;
    for (int32_t i = 0; i < raw->starts.count; i++) {
        const struct raw_start *start = CONF_ITEM(struct raw_start, &raw->starts, i);

        if (start->core.outage_us <= before_us && conf_good(&start->item, "outage_ms"))
            conf_wrong(check->report, &start->item, "outage_ms", "%.12g is not above the one before, %.12g",
                       (double)start->core.outage_us / 1e3, (double)before_us / 1e3);
        before_us = start->core.outage_us;
        raw->ride.start[i] = start->core;
    }
}

static void conf_power_needs(struct conf_check *check)
{
    const struct raw_conf *raw = check->raw;
    bool psu = false, input = false;

    for (int32_t s = 0; s < raw->sources.count; s++)
        psu = psu || CONF_ITEM(struct raw_source, &raw->sources, s)->kind == CORE_SOURCE_PSU;
    for (int32_t d = 0; d < raw->devices.count; d++)
        input = input || conf_power_reads_input(check, CONF_ITEM(struct raw_device, &raw->devices, d));
    if (!conf_has(&raw->item, "busbar"))
        conf_wrong(check->report, &raw->item, "ride_through.enabled", "needs busbar");
    else if (!psu)
        conf_wrong(check->report, &raw->item, "ride_through.enabled", "needs a source of kind psu");
    else if (!input)
        conf_wrong(check->report, &raw->item, "ride_through.enabled",
                   "needs a device with source whose profile polls psu_input_v: nothing else shows a sag");
}

void conf_check_ride(struct conf_check *check)
{
    struct raw_conf *raw = check->raw;

    if (raw->ride.support_ratio >= raw->ride.sag_ratio)
        conf_wrong(check->report, &raw->item,
                   conf_has(&raw->item, "ride_through.sag_ratio") ? "ride_through.sag_ratio"
                                                                  : "ride_through.support_ratio",
                   "sag_ratio %.12g is not above support_ratio %.12g", raw->ride.sag_ratio, raw->ride.support_ratio);
    if (raw->damping.band_low_hz >= raw->damping.band_high_hz)
        conf_wrong(check->report, &raw->item, "damping.band_low_hz", "%.12g is not below band_high_hz %.12g",
                   raw->damping.band_low_hz, raw->damping.band_high_hz);
    conf_power_starts(check);
    if (raw->ride.enabled)
        conf_power_needs(check);
}

/* ---- tokens ---- */

static void conf_power_zone(struct conf_check *check, struct raw_zone *zone)
{
    struct core_plan_token_zone *core = &zone->core;

    zone->node_at = conf_check_named(check->report, &zone->item, "node", zone->node, &check->raw->tree,
                                     sizeof(struct raw_node), "node");
    if (isnan(core->refill_w_per_s))
        core->refill_w_per_s = CONF_POWER_REFILL_RATIO * core->rated_w;
    if (core->pool_ratio > core->burst_ratio)
        conf_wrong(check->report, &zone->item, "pool_ratio", "%.12g is above burst_ratio %.12g", core->pool_ratio,
                   core->burst_ratio);
    if (core->lease_min_us > core->lease_max_us)
        conf_wrong(check->report, &zone->item, "lease_min_ms", "%.12g is above lease_max_ms %.12g",
                   (double)core->lease_min_us / 1e3, (double)core->lease_max_us / 1e3);
    if (core->unit_w > core->pool_ratio * core->rated_w)
        conf_wrong(check->report, &zone->item, "unit_w", "%.12g W is more than the pool of %.6g W", core->unit_w,
                   core->pool_ratio * core->rated_w);
}

void conf_check_tokens(struct conf_check *check)
{
    const struct conf_list *zones = &check->raw->zones;

    for (int32_t z = 0; z < zones->count; z++) {
        struct raw_zone *zone = CONF_ITEM(struct raw_zone, zones, z);

        conf_power_zone(check, zone);
        for (int32_t k = 0; k < z; k++)
            if (zone->node[0] && strcmp(CONF_ITEM(struct raw_zone, zones, k)->node, zone->node) == 0) {
                conf_wrong(check->report, &zone->item, "node", "\"%s\" has a zone already", zone->node);
                break;
            }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* block.c: lays the core's block out, and fills it from the configuration.
 *
 * Owns core_size(), core_init() and what a unit drawn at a leaf means at every
 * node above it. Runs once; core_step() only opens the block. No heap, so the
 * number of paths is counted before the block exists.
 */
#include "block.h"
#include "foresee.h"
#include "ride.h"

#include <string.h>

#define BLOCK_MAGIC UINT64_C(0x4255534241523031)
#define BLOCK_ALIGN 16

static bool block_is_leaf(const struct core_config *config, int32_t node)
{
    for (int32_t n = node + 1; n < config->node_count; n++)
        for (int32_t p = 0; p < config->nodes[n].parent_count; p++)
            if (config->nodes[n].parent[p] == node)
                return false;
    return true;
}

/* A measured leaf that no lever caps. */
static bool block_is_loose(const struct core_config *config, int32_t node)
{
    bool measured = false;

    for (int32_t p = 0; p < config->point_count; p++)
        measured = measured || config->points[p].node == node;
    for (int32_t l = 0; l < config->lever_count; l++)
        if (block_is_cap(&config->levers[l]) && config->levers[l].node == node)
            return false;
    return measured && block_is_leaf(config, node);
}

/* Ways up from a node, itself included, at most `most`: an upper bound of its
 * ancestors, found without memory. */
static int32_t block_ways(const struct core_config *config, int32_t node, int32_t most)
{
    const struct core_config_node *conf = &config->nodes[node];
    int32_t ways = 1;

    for (int32_t p = 0; p < conf->parent_count && ways < most; p++)
        ways += block_ways(config, conf->parent[p], most - ways);
    return ways;
}

static void block_check_curve(const struct core_config_curve *curve)
{
    CHECK(curve->kind >= CORE_CURVE_NONE && curve->kind < CORE_CURVE_KIND_COUNT);
    if (curve->kind == CORE_CURVE_NONE)
        return;
    CHECK(curve->rated_w > 0.0 && curve->trip_ratio > 0.0);
    CHECK(curve->kind == CORE_CURVE_THERMAL ? curve->heat_s > 0.0 : curve->long_s > 0.0);
    CHECK(!(curve->short_ratio > 0.0) || curve->short_s > 0.0);
}

/* Without sources nothing of them is looked at. */
static void block_check_sources(const struct core_config *config)
{
    if (config->source_count == 0)
        return;
    CHECK(config->bus.node >= CORE_NONE && config->bus.node < config->node_count);
    for (int32_t s = 0; s < config->source_count; s++) {
        const struct core_config_source *source = &config->sources[s];

        CHECK(source->node >= CORE_NONE && source->node < config->node_count);
        CHECK(source->module_count > 0 && source->rated_w > 0.0);
        CHECK(source->output_v > 0.0 && source->droop_v >= 0.0);
    }
    for (int32_t p = 0; p < config->point_count; p++)
        CHECK(config->points[p].source >= CORE_NONE && config->points[p].source < config->source_count);
    for (int32_t l = 0; l < config->lever_count; l++)
        if (config->levers[l].ride != CORE_LEVER_RIDE_NONE)
            CHECK(config->levers[l].source >= CORE_NONE && config->levers[l].source < config->source_count);
}

static void block_check_config(const struct core_config *config)
{
    CHECK(config->node_count >= 0 && config->point_count >= 0);
    CHECK(config->lever_count >= 0 && config->device_count >= 0);
    CHECK(config->group_max >= 0 && config->group_member_max >= 0);
    CHECK(config->period_us > 0);
    CHECK(config->source_count >= 0 && config->request_max >= 0);
    CHECK((int)config->forecast >= 0 && config->forecast < CORE_FORECAST_COUNT);
    block_check_sources(config);
    for (int32_t n = 0; n < config->node_count; n++) {
        const struct core_config_node *node = &config->nodes[n];

        CHECK(node->parent_count >= 0 && node->parent_count <= CORE_PARENTS_MAX);
        CHECK(node->limit_count >= 0 && node->limit_count <= CORE_LIMITS_MAX);
        CHECK(node->loss_ratio >= 0.0 && node->loss_w >= 0.0 && node->static_w >= 0.0);
        block_check_curve(&node->curve);
        for (int32_t p = 0; p < node->parent_count; p++)
            CHECK(node->parent[p] >= 0 && node->parent[p] < n && node->share[p] >= 0.0);
        for (int32_t k = 0; k < node->limit_count; k++)
            CHECK(node->limit[k].window_us > 0 && node->limit[k].limit_w >= 0.0);
    }
    for (int32_t p = 0; p < config->point_count; p++) {
        CHECK(config->points[p].device >= 0 && config->points[p].device < config->device_count);
        CHECK(config->points[p].node >= CORE_NONE && config->points[p].node < config->node_count);
    }
}

static void block_check_levers(const struct core_config *config)
{
    for (int32_t l = 0; l < config->lever_count; l++) {
        const struct core_config_lever *lever = &config->levers[l];

        CHECK(lever->device >= 0 && lever->device < config->device_count);
        CHECK(lever->node >= CORE_NONE && lever->node < config->node_count);
        CHECK(lever->readback_point >= 0 && lever->readback_point < config->point_count);
        CHECK(lever->demand_point >= CORE_NONE && lever->demand_point < config->point_count);
        CHECK(lever->min <= lever->max && lever->step >= 0.0);
        CHECK(lever->watts_per_unit > 0.0 && lever->overshoot_ratio >= 0.0);
        CHECK(lever->delay_worst_us >= 0 && lever->timeout_us >= 0);
        if (block_is_cap(lever))
            CHECK(lever->node >= 0 && lever->min >= 0.0 && block_is_leaf(config, lever->node));
        if (lever->use == CORE_LEVER_WARN)
            CHECK(lever->node >= 0);
    }
}

static size_t block_take(size_t *at, size_t count, size_t each)
{
    size_t here = *at;

    *at += (count * each + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
    return here;
}

static void block_count(struct core *core, const struct core_config *config)
{
    core->node_count = config->node_count;
    core->point_count = config->point_count;
    core->lever_count = config->lever_count;
    core->device_count = config->device_count;
    core->group_max = config->group_max;
    core->member_max = config->group_member_max;
    core->zone_count = config->node_count + config->group_max;
    core->source_conf_count = config->source_count;
    core->request_max = config->request_max;
    core->foresee_count = foresee_count(config);
    core->forecast = config->forecast;
    core->period_us = config->period_us;
    for (int32_t p = 0; p < config->point_count; p++)
        core->measure_count += config->points[p].node != CORE_NONE;
    for (int32_t p = 0; p < config->point_count && config->source_count > 0; p++)
        core->ride_point_count += config->points[p].source != CORE_NONE;
    for (int32_t l = 0; l < config->lever_count; l++)
        if (block_is_cap(&config->levers[l])) {
            core->cap_count++;
            core->path_count += block_ways(config, config->levers[l].node, config->levers[l].node + 1);
        }
    for (int32_t n = 0; n < config->node_count; n++)
        core->curve_count += config->nodes[n].curve.kind != CORE_CURVE_NONE;
    for (int32_t n = 0; n < config->node_count; n++)
        if (block_is_loose(config, n)) {
            core->loose_count++;
            core->path_count += block_ways(config, n, n + 1);
        }
    core->group_entry_max = config->group_max * (core->cap_count + core->loose_count);
}

/* Sizes and offsets into a header; the sum is core->size. */
static void block_layout(struct core *core, const struct core_config *config)
{
    size_t at = (sizeof *core + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;

    block_count(core, config);

    size_t nodes = (size_t)core->node_count, points = (size_t)core->point_count;
    size_t levers = (size_t)core->lever_count, zones = (size_t)core->zone_count;
    size_t sources = levers + (size_t)core->loose_count;
    size_t wide = 4 * (sources > zones ? sources : zones);

    core->nodes_at = block_take(&at, nodes, sizeof(struct core_config_node));
    core->points_conf_at = block_take(&at, points, sizeof(struct core_config_point));
    core->levers_conf_at = block_take(&at, levers, sizeof(struct core_config_lever));
    core->sources_conf_at =
        block_take(&at, (size_t)core->source_conf_count, sizeof(struct core_config_source));
    core->curves_at = block_take(&at, nodes, sizeof(struct curve));
    core->damps_at = block_take(&at, zones, sizeof(struct damp));
    core->tokens_at = block_take(&at, (size_t)core->request_max, sizeof(struct token));
    core->ranges_at = block_take(&at, core->request_max > 0 ? levers : 0, sizeof(struct range));
    core->promises_at = block_take(&at, levers, sizeof(double));
    core->grant_at = block_take(&at, core->request_max > 0 ? 3 * zones : 0, sizeof(double));
    core->ride_sources_at = block_take(&at, (size_t)core->source_conf_count, sizeof(struct ride_source));
    core->ride_points_at = block_take(&at, (size_t)core->ride_point_count, sizeof(int32_t));
    core->ride_first_at = block_take(&at, (size_t)core->source_conf_count + 1, sizeof(int32_t));
    core->points_at = block_take(&at, points, sizeof(struct point));
    core->stale_at = block_take(&at, points, sizeof(int64_t));
    core->devices_at = block_take(&at, (size_t)core->device_count, sizeof(struct device));
    core->levers_at = block_take(&at, levers, sizeof(struct lever));
    core->zones_at = block_take(&at, zones, sizeof(struct zone));
    core->windows_at = block_take(&at, zones * CORE_LIMITS_MAX, sizeof(struct window));
    core->measures_at = block_take(&at, (size_t)core->measure_count, sizeof(int32_t));
    core->measure_first_at = block_take(&at, nodes + 1, sizeof(int32_t));
    core->caps_at = block_take(&at, (size_t)core->cap_count, sizeof(int32_t));
    core->cap_first_at = block_take(&at, nodes + 1, sizeof(int32_t));
    core->edge_at = block_take(&at, nodes * CORE_PARENTS_MAX, sizeof(struct edge));
    core->sources_at = block_take(&at, sources, sizeof(struct source));
    core->loose_at = block_take(&at, (size_t)core->loose_count, sizeof(struct loose));
    core->entries_at =
        block_take(&at, (size_t)(core->path_count + core->group_entry_max), sizeof(struct entry));
    core->paths_at = block_take(&at, (size_t)core->path_count, sizeof(struct entry));
    core->group_paths_at = block_take(&at, (size_t)core->group_entry_max, sizeof(struct entry));
    core->plan_nodes_at = block_take(&at, nodes, sizeof(struct core_plan_node));
    core->plan_levers_at = block_take(&at, levers, sizeof(struct core_plan_lever));
    core->plan_groups_at = block_take(&at, (size_t)core->group_max, sizeof(struct core_plan_group));
    core->plan_members_at = block_take(&at, (size_t)core->member_max, sizeof(int32_t));
    core->vars_at = block_take(&at, sources, sizeof(struct fill_var));
    core->rows_at = block_take(&at, zones, sizeof(struct fill_row));
    core->fill_paths_at =
        block_take(&at, (size_t)(core->path_count + core->group_entry_max), sizeof(struct fill_path));
    core->events_at = block_take(&at, 2 * levers, sizeof(struct fill_event));
    core->events_spare_at = block_take(&at, 2 * levers, sizeof(struct fill_event));
    core->inputs_at = block_take(&at, levers, sizeof(struct allocate_in));
    core->row_budget_at = block_take(&at, zones, sizeof(double));
    core->sums_at = block_take(&at, nodes, sizeof(struct tree_sum));
    core->scratch_at = block_take(&at, wide, sizeof(double));
    core->next_at = block_take(&at, levers, sizeof(double));
    core->foresees_at = block_take(&at, (size_t)core->foresee_count, sizeof(struct foresee));
    core->foresee_of_at = block_take(&at, core->foresee_count > 0 ? levers : 0, sizeof(int32_t));
    core->fcs_at = block_take(&at, foresee_bytes(core->foresee_count), 1);
    core->size = at;
}

size_t core_size(const struct core_config *config)
{
    struct core core = {.size = 0};

    block_check_config(config);
    block_layout(&core, config);
    return core.size;
}

size_t core_block_size(const struct core *core)
{
    CHECK(core->magic == BLOCK_MAGIC);
    return core->size;
}

struct block block_open(struct core *core)
{
    char *at = (char *)core;

    CHECK(core->magic == BLOCK_MAGIC);
    return (struct block){
        .core = core,
        .nodes = (void *)(at + core->nodes_at),
        .points_conf = (void *)(at + core->points_conf_at),
        .levers_conf = (void *)(at + core->levers_conf_at),
        .sources_conf = (void *)(at + core->sources_conf_at),
        .curves = (void *)(at + core->curves_at),
        .damps = (void *)(at + core->damps_at),
        .tokens = (void *)(at + core->tokens_at),
        .ranges = (void *)(at + core->ranges_at),
        .promises = (void *)(at + core->promises_at),
        .grant = (void *)(at + core->grant_at),
        .ride_sources = (void *)(at + core->ride_sources_at),
        .ride_points = (void *)(at + core->ride_points_at),
        .ride_first = (void *)(at + core->ride_first_at),
        .points = (void *)(at + core->points_at),
        .stale = (void *)(at + core->stale_at),
        .devices = (void *)(at + core->devices_at),
        .levers = (void *)(at + core->levers_at),
        .zones = (void *)(at + core->zones_at),
        .windows = (void *)(at + core->windows_at),
        .measures = (void *)(at + core->measures_at),
        .measure_first = (void *)(at + core->measure_first_at),
        .caps = (void *)(at + core->caps_at),
        .cap_first = (void *)(at + core->cap_first_at),
        .edges = (void *)(at + core->edge_at),
        .sources = (void *)(at + core->sources_at),
        .loose = (void *)(at + core->loose_at),
        .entries = (void *)(at + core->entries_at),
        .paths = (void *)(at + core->paths_at),
        .group_paths = (void *)(at + core->group_paths_at),
        .plan_nodes = (void *)(at + core->plan_nodes_at),
        .plan_levers = (void *)(at + core->plan_levers_at),
        .plan_groups = (void *)(at + core->plan_groups_at),
        .plan_members = (void *)(at + core->plan_members_at),
        .vars = (void *)(at + core->vars_at),
        .rows = (void *)(at + core->rows_at),
        .fill_paths = (void *)(at + core->fill_paths_at),
        .events = (void *)(at + core->events_at),
        .events_spare = (void *)(at + core->events_spare_at),
        .inputs = (void *)(at + core->inputs_at),
        .row_budget = (void *)(at + core->row_budget_at),
        .sums = (void *)(at + core->sums_at),
        .scratch = (void *)(at + core->scratch_at),
        .next = (void *)(at + core->next_at),
        .foresees = (void *)(at + core->foresees_at),
        .foresee_of = (void *)(at + core->foresee_of_at),
        .fcs = at + core->fcs_at,
    };
}

double block_random(struct core *core)
{
    uint64_t z = core->rng += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1.0p-53;
}

/* Points by node, capping levers by node, measured leaves without a lever. */
static void block_index(struct block *b, const struct core_config *config)
{
    int32_t measures = 0, caps = 0, loose = 0;

    for (int32_t n = 0; n < config->node_count; n++) {
        b->measure_first[n] = measures;
        b->cap_first[n] = caps;
        for (int32_t p = 0; p < config->point_count; p++)
            if (config->points[p].node == n)
                b->measures[measures++] = p;
        for (int32_t l = 0; l < config->lever_count; l++)
            if (block_is_cap(&config->levers[l]) && config->levers[l].node == n)
                b->caps[caps++] = l;
        if (block_is_loose(config, n))
            b->loose[loose++].node = n;
    }
    b->measure_first[config->node_count] = measures;
    b->cap_first[config->node_count] = caps;
}

static void block_rides(struct block *b, const struct core_config *config)
{
    int32_t at = 0;

    for (int32_t s = 0; s < config->source_count; s++) {
        b->ride_first[s] = at;
        for (int32_t p = 0; p < config->point_count; p++)
            if (config->points[p].source == s)
                b->ride_points[at++] = p;
    }
    b->ride_first[config->source_count] = at;
    CHECK(at == b->core->ride_point_count);
}

/* share[] is the worst case, so shares of one child may add up to more than the
 * whole. An estimate scales them down; a lower bound leaves a parent only what
 * all the others cannot carry. */
static void block_edges(struct block *b, const struct core_config *config)
{
    for (int32_t n = 0; n < config->node_count; n++) {
        const struct core_config_node *node = &config->nodes[n];
        double sum = 0.0;

        for (int32_t p = 0; p < node->parent_count; p++)
            sum += node->share[p];
        for (int32_t p = 0; p < node->parent_count; p++) {
            struct edge *edge = &b->edges[n * CORE_PARENTS_MAX + p];
            double rest = 1.0 - (sum - node->share[p]);

            edge->likely = sum > 1.0 ? node->share[p] / sum : node->share[p];
            edge->least = block_clip(rest, 0.0, node->share[p]);
        }
    }
}

void block_spread(const struct core_config_node *nodes, int32_t node, double *part, double *gain)
{
    for (int32_t v = 0; v <= node; v++)
        part[v] = gain[v] = 0.0;
    part[node] = gain[node] = 1.0;
    for (int32_t v = node; v >= 0; v--) {
        const struct core_config_node *conf = &nodes[v];

        if (part[v] <= 0.0)
            continue;
        part[v] = part[v] > 1.0 ? 1.0 : part[v];
        gain[v] *= 1.0 + conf->loss_ratio;
        for (int32_t p = 0; p < conf->parent_count; p++) {
            int32_t up = conf->parent[p];

            part[up] += conf->share[p] * part[v];
            if (conf->share[p] > 0.0 && gain[v] > gain[up])
                gain[up] = gain[v];
        }
    }
}

static void block_fixed(struct block *b, const struct core_config *config, double *part, double *gain)
{
    for (int32_t u = 0; u < config->node_count; u++) {
        const struct core_config_node *node = &config->nodes[u];
        double input_w = node->static_w * (1.0 + node->loss_ratio) + node->loss_w;

        if (input_w <= 0.0)
            continue;
        block_spread(config->nodes, u, part, gain);
        for (int32_t v = 0; v <= u; v++)
            b->zones[v].fixed_w += part[v] * gain[v] / (1.0 + node->loss_ratio) * input_w;
    }
}

/* Paths of every source; a loose leaf counts at its input, so its own loss is
 * not taken twice. */
static void block_paths(struct block *b, const struct core_config *config, double *part, double *gain)
{
    int32_t at = 0, count = config->lever_count + b->core->loose_count;

    for (int32_t s = 0; s < count; s++) {
        bool lever = s < config->lever_count;
        int32_t node = lever ? config->levers[s].node : b->loose[s - config->lever_count].node;
        double own = lever ? 1.0 : 1.0 + config->nodes[node].loss_ratio;

        b->sources[s].path_first = at;
        if (!lever || block_is_cap(&config->levers[s])) {
            block_spread(config->nodes, node, part, gain);
            for (int32_t v = node; v >= 0; v--)
                if (part[v] > 0.0) {
                    b->paths[at].source = s;
                    b->paths[at].zone = v;
                    b->paths[at++].coef = part[v] * gain[v] / own;
                }
        }
        b->sources[s].path_count = at - b->sources[s].path_first;
    }
    CHECK(at <= b->core->path_count);
    b->core->path_count = at;
}

/* The same by zone, and what the levers below mean for its budgets. */
static void block_entries(struct block *b)
{
    int32_t at = 0;

    for (int32_t p = 0; p < b->core->path_count; p++)
        b->zones[b->paths[p].zone].entry_count++;
    for (int32_t v = 0; v < b->core->node_count; v++) {
        b->zones[v].entry_first = at;
        at += b->zones[v].entry_count;
        b->zones[v].entry_count = 0;
    }
    for (int32_t p = 0; p < b->core->path_count; p++) {
        struct zone *zone = &b->zones[b->paths[p].zone];

        b->entries[zone->entry_first + zone->entry_count++] = b->paths[p];
    }
}

static void block_start_levers(struct block *b)
{
    for (int32_t l = 0; l < b->core->lever_count; l++) {
        struct lever *lever = &b->levers[l];

        lever->state = CORE_LEVER_UNREAD;
        lever->answered = 1;
        lever->wanted = lever->sent = lever->held = lever->in_force = lever->base = __builtin_nan("");
        lever->demand_w = __builtin_nan("");
        lever->demand_held_w = __builtin_inf();
        lever->demand_slow_w = __builtin_nan("");
        lever->ghost = b->levers_conf[l].max;
        lever->ghost_until_us = CORE_FOREVER; /* lever.c sets it at the first step */
        lever->sent_us = lever->confirmed_us = lever->retry_us = lever->charge_cut_us = INT64_MIN;
        lever->drift_retry_us = lever->lease_end_us = lever->ends_us = INT64_MIN;
        b->vars[l].factor = 1.0 + b->levers_conf[l].overshoot_ratio;
        block_why(&lever->why, CORE_RULE_NONE, CORE_NONE, 0, 0.0);
    }
}

static void block_start_rest(struct block *b)
{
    for (int32_t p = 0; p < b->core->point_count; p++) {
        b->stale[p] = CORE_FOREVER;
        b->points[p].value = __builtin_nan("");
        b->points[p].taken_us = b->points[p].changed_us = INT64_MIN;
    }
    for (int32_t d = 0; d < b->core->device_count; d++) {
        b->devices[d].youngest_us = INT64_MIN;
        b->devices[d].stale_us = CORE_FOREVER;
    }
    for (int32_t p = 0; p < b->core->point_count; p++) {
        struct device *device = &b->devices[b->points_conf[p].device];

        if (b->points_conf[p].stale_after_us < device->stale_us)
            device->stale_us = b->points_conf[p].stale_after_us;
        device->relevant |= b->points_conf[p].node != CORE_NONE;
    }
    for (int32_t l = 0; l < b->core->lever_count; l++)
        b->devices[b->levers_conf[l].device].relevant |= b->levers_conf[l].use == CORE_LEVER_LIMIT;
    for (int32_t z = 0; z < b->core->zone_count; z++) {
        struct zone *zone = &b->zones[z];

        zone->power_w = zone->forecast_w = zone->upper_w = __builtin_nan("");
        zone->budget_w = zone->standing_w = __builtin_inf();
        zone->trim = 1.0;
        zone->until_us = zone->cut_us = zone->taken_us = INT64_MIN;
        zone->pace = 1.0;
        b->damps[z].gain = 1.0;
    }
    for (int32_t n = 0; n < b->core->node_count; n++) {
        b->curves[n].trip_s = __builtin_inf();
        b->curves[n].calm_us = CORE_FOREVER;
    }
    for (int32_t t = 0; t < b->core->request_max; t++)
        b->tokens[t].node = CORE_NONE;
}

void core_init(struct core *core, const struct core_config *config)
{
    struct core head = {.magic = BLOCK_MAGIC};

    block_check_config(config);
    block_check_levers(config);
    block_layout(&head, config);
    memset(core, 0, head.size);
    memcpy(core, &head, sizeof head);
    for (int32_t k = 0; k < CORE_TOKEN_ZONES_MAX; k++)
        core->pools[k].node = core->pools[k].by = CORE_NONE;
    core->rng = config->seed;
    core->mode = CORE_MODE_OBSERVE;

    struct block b = block_open(core);
    double *part = b.scratch, *gain = b.scratch + core->zone_count;

    if (core->node_count > 0)
        memcpy(b.nodes, config->nodes, (size_t)core->node_count * sizeof *b.nodes);
    if (core->point_count > 0)
        memcpy(b.points_conf, config->points, (size_t)core->point_count * sizeof *b.points_conf);
    if (core->lever_count > 0)
        memcpy(b.levers_conf, config->levers, (size_t)core->lever_count * sizeof *b.levers_conf);
    if (core->source_conf_count > 0)
        memcpy(b.sources_conf, config->sources, (size_t)core->source_conf_count * sizeof *b.sources_conf);
    core->bus = config->bus;
    block_start_levers(&b);
    block_start_rest(&b);
    block_index(&b, config);
    block_rides(&b, config);
    ride_init(&b);
    foresee_init(&b);
    block_edges(&b, config);
    block_fixed(&b, config, part, gain);
    block_paths(&b, config, part, gain);
    block_entries(&b);
}

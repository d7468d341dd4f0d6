/* SPDX-License-Identifier: Apache-2.0 */
/* conf_check_sums.c: leaves, groups, and whether what nobody can switch off fits.
 *
 * Owns the leaves that BMCs and batteries add to the tree, and the sum of static
 * loads and minimum limits with overshoot under every limit. Any thread.
 */
#include <stdlib.h>
#include <string.h>

#include "conf_check.h"

#define CONF_SUMS_NOISE (1.0 + 1e-9) /* of adding numbers up */

static struct raw_node *conf_sums_node(const struct conf_check *check, int32_t at)
{
    return CONF_ITEM(struct raw_node, &check->raw->tree, at);
}

/* ---- leaves ---- */

static void conf_leaves_name(struct conf_check *check, const struct conf_item *item, struct conf_leaf *leaf,
                             const char *name)
{
    int32_t same;

    if (strlen(name) >= sizeof leaf->name) {
        conf_wrong(check->report, item, "name", "its leaf \"%s\" would have %zu characters, allowed %d", name,
                   strlen(name), CONF_NAME_MAX - 1);
        return;
    }
    memcpy(leaf->name, name, strlen(name) + 1);
    same = conf_check_find(&check->raw->tree, sizeof(struct raw_node), name);
    if (same != CORE_NONE)
        conf_wrong(check->report, item, "name", "its leaf \"%s\" has the name of the node on line %d", name,
                   (int)conf_at(&conf_sums_node(check, same)->item, "name").line);
}

static void conf_leaves_add(struct conf_check *check, const struct conf_item *item, const char *name,
                            struct conf_leaf leaf)
{
    struct conf_leaf *slot = &check->leaves.list[check->leaves.count++];

    *slot = leaf;
    conf_leaves_name(check, item, slot, name);
    if (leaf.node_at == CORE_NONE || !isfinite(leaf.floor_w))
        return;
    conf_sums_node(check, leaf.node_at)->floor_w += leaf.floor_w;
    conf_sums_node(check, leaf.node_at)->has_children = true;
}

static void conf_leaves_bmc(struct conf_check *check, int32_t b)
{
    const struct raw_bmc *bmc = CONF_ITEM(struct raw_bmc, &check->raw->bmcs, b);
    char name[CONF_NAME_MAX + 16];

    for (int32_t g = 0; g < bmc->count; g++) {
        snprintf(name, sizeof name, "%s.gpu-%d", bmc->name, (int)g);
        conf_leaves_add(check, &bmc->item, name,
                        (struct conf_leaf){ .node_at = bmc->node_at,
                                            .bmc = b,
                                            .device = CORE_NONE,
                                            .gpu = g,
                                            .floor_w = bmc->min_w * (1.0 + bmc->overshoot_ratio) });
    }
}

static void conf_leaves_device(struct conf_check *check, int32_t d)
{
    const struct raw_device *device = CONF_ITEM(struct raw_device, &check->raw->devices, d);
    const struct raw_lever *lever = CONF_ITEM(struct raw_lever, &device->levers, device->charge_at);
    char name[CONF_NAME_MAX + 16];
    double floor_w = NAN;

    if (device->profile_at != CORE_NONE && lever->row != ROW_NONE)
        floor_w = check->profiles.list[device->profile_at].rows[lever->row].write.min * lever->volts;
    snprintf(name, sizeof name, "%s.charge", device->name);
    conf_leaves_add(
        check, &device->item, name,
        (struct conf_leaf){ .node_at = device->node_at, .bmc = CORE_NONE, .device = d, .floor_w = floor_w });
}

void conf_check_leaves(struct conf_check *check)
{
    const struct raw_conf *raw = check->raw;
    int32_t room = raw->devices.count;

    for (int32_t n = 0; n < raw->tree.count; n++)
        conf_sums_node(check, n)->floor_w = conf_sums_node(check, n)->static_w;
    for (int32_t b = 0; b < raw->bmcs.count; b++)
        room += CONF_ITEM(struct raw_bmc, &raw->bmcs, b)->count;
    check->leaves.list = calloc((size_t)room + 1, sizeof *check->leaves.list);
    if (!check->leaves.list) {
        check->report->no_memory = true;
        return;
    }
    for (int32_t b = 0; b < raw->bmcs.count; b++)
        conf_leaves_bmc(check, b);
    for (int32_t d = 0; d < raw->devices.count; d++)
        if (CONF_ITEM(struct raw_device, &raw->devices, d)->charge_at != CORE_NONE)
            conf_leaves_device(check, d);
}

/* ---- names of both ---- */

int32_t conf_check_node(const struct conf_check *check, const char *name)
{
    int32_t at = conf_check_find(&check->raw->tree, sizeof(struct raw_node), name);

    if (at != CORE_NONE)
        return conf_sums_node(check, at)->index;
    for (int32_t i = 0; i < check->leaves.count; i++)
        if (name[0] && strcmp(check->leaves.list[i].name, name) == 0)
            return check->raw->tree.count + i;
    return CORE_NONE;
}

void conf_check_mark(const struct conf_check *check, int32_t node, bool *marks)
{
    const int32_t count = check->raw->tree.count;
    bool *under;

    if (node >= count) {
        marks[node] = true;
        return;
    }
    under = calloc((size_t)count, sizeof *under);
    if (!under) {
        check->report->no_memory = true;
        return;
    }
    /* Levels settle one a pass: a parent's mark reaches its children in the next. */
    for (bool more = true; more;) {
        more = false;
        for (int32_t n = 0; n < count; n++) {
            const struct raw_node *raw = conf_sums_node(check, n);
            bool is = raw->index == node;

            for (int32_t p = 0; p < raw->parent_count; p++)
                is = is || under[conf_sums_node(check, raw->parent_at[p])->index];
            more = more || (is && !under[raw->index]);
            under[raw->index] = under[raw->index] || is;
            marks[raw->index] = marks[raw->index] || (is && !raw->has_children);
        }
    }
    for (int32_t i = 0; i < check->leaves.count; i++) {
        int32_t at = check->leaves.list[i].node_at;

        if (at != CORE_NONE && under[conf_sums_node(check, at)->index])
            marks[count + i] = true;
    }
    free(under);
}

/* ---- groups ---- */

/* What the marked leaves draw at least. */
static double conf_sums_marked(const struct conf_check *check, const bool *marks)
{
    const int32_t count = check->raw->tree.count;
    double sum = 0.0;

    for (int32_t n = 0; n < count; n++) {
        const struct raw_node *raw = conf_sums_node(check, n);

        if (marks[raw->index])
            sum += raw->floor_w * (1.0 + raw->loss_ratio) + raw->loss_w;
    }
    for (int32_t i = 0; i < check->leaves.count; i++)
        if (marks[count + i] && isfinite(check->leaves.list[i].floor_w))
            sum += check->leaves.list[i].floor_w;
    return sum;
}

static void conf_sums_limits(struct conf_check *check, const struct conf_list *limits, double floor_w)
{
    for (int32_t l = 0; l < limits->count; l++) {
        const struct raw_limit *limit = CONF_ITEM(struct raw_limit, limits, l);
        bool over = floor_w > limit->limit_w * CONF_SUMS_NOISE;
        double least = over ? limit->limit_w : limit->standing_w;

        if (over ||
            (limit->standing_w > 0.0 && floor_w > limit->standing_w * CONF_SUMS_NOISE)) /* `bears` has none */
            conf_wrong(check->report, &limit->item, over ? "limit_w" : "standing_w",
                       "%.12g W is below %.6g W, which static loads and minimum limits with overshoot need",
                       least, floor_w);
    }
}

static void conf_check_group(struct conf_check *check, struct raw_group *group, bool *marks)
{
    bool good = check->raw->tree_good;

    if (group->members.count == 0 && conf_good(&group->item, "members"))
        conf_wrong(check->report, &group->item, "members", "is empty, allowed 1 to 4096");
    if (group->limits.count == 0 && conf_good(&group->item, "limits"))
        conf_wrong(check->report, &group->item, "limits", "is empty, allowed 1 to %d", CORE_LIMITS_MAX);
    conf_check_limits(check->report, &group->limits);
    for (int32_t m = 0; m < group->members.count; m++) {
        const struct conf_text *member = CONF_ITEM(struct conf_text, &group->members, m);
        bool known = conf_check_find(&check->raw->tree, sizeof(struct raw_node), member->text) != CORE_NONE ||
                     conf_check_node(check, member->text) != CORE_NONE;

        if (!member->text[0])
            continue;
        for (int32_t k = 0; k < m; k++)
            if (strcmp(CONF_ITEM(struct conf_text, &group->members, k)->text, member->text) == 0) {
                conf_wrong_text(check->report, &group->item, "members", &group->members, m, "is there twice");
                break;
            }
        if (!known)
            conf_wrong_text(check->report, &group->item, "members", &group->members, m,
                            "names no node and no leaf such as bmc-1.gpu-0");
        else if (good)
            conf_check_mark(check, conf_check_node(check, member->text), marks);
    }
    if (good)
        conf_sums_limits(check, &group->limits, conf_sums_marked(check, marks));
}

void conf_check_groups(struct conf_check *check)
{
    const struct conf_list *groups = &check->raw->groups;
    size_t count = (size_t)(check->raw->tree.count + check->leaves.count) + 1;
    bool *marks = malloc(count * sizeof *marks);

    conf_check_unique(check->report, groups, sizeof(struct raw_group), NULL, 0);
    for (int32_t g = 0; marks && g < groups->count; g++) {
        memset(marks, 0, count * sizeof *marks);
        conf_check_group(check, CONF_ITEM(struct raw_group, groups, g), marks);
    }
    if (!marks)
        check->report->no_memory = true;
    free(marks);
}

/* ---- the tree ---- */

/* Watts at the input of `top` for one watt at another node's input and output;
 * where ways meet again, never more than the whole by its worst way. */
struct conf_gain {
    double input, output;
};

static void conf_sums_gain(const struct raw_node *raw, int32_t at, struct conf_gain *gains)
{
    double sum = 0.0, worst = 0.0;

    for (int32_t p = 0; p < raw->parent_count; p++) {
        /* parents stand before: their gains are there */
        double way = gains[raw->parent_at[p]].output;

        sum += raw->parent_share[p] * way;
        worst = fmax(worst, way);
    }
    gains[at].input = fmin(sum, worst);
}

static double conf_sums_under(const struct conf_check *check, const int32_t *order, int32_t top,
                              struct conf_gain *gains)
{
    const int32_t count = check->raw->tree.count;
    double floor_w = 0.0;

    memset(gains, 0, (size_t)count * sizeof *gains);
    for (int32_t i = conf_sums_node(check, top)->index; i < count; i++) {
        const struct raw_node *raw = conf_sums_node(check, order[i]);
        struct conf_gain *gain = &gains[order[i]];

        if (order[i] == top)
            gain->input = 1.0;
        else
            conf_sums_gain(raw, order[i], gains);
        gain->output = gain->input * (1.0 + raw->loss_ratio);
        floor_w += raw->floor_w * gain->output + raw->loss_w * gain->input;
    }
    return floor_w;
}

void conf_check_sums(struct conf_check *check)
{
    const int32_t count = check->raw->tree.count;
    struct conf_gain *gains;
    int32_t *order;

    if (!check->raw->tree_good || count == 0)
        return;
    gains = calloc((size_t)count, sizeof *gains);
    order = calloc((size_t)count, sizeof *order);
    if (!gains || !order)
        check->report->no_memory = true;
    for (int32_t n = 0; gains && order && n < count; n++)
        order[conf_sums_node(check, n)->index] = n;
    for (int32_t n = 0; gains && order && n < count; n++) {
        const struct raw_node *raw = conf_sums_node(check, n);
        double floor_w;

        if (raw->bears.count + raw->limits.count == 0)
            continue;
        floor_w = conf_sums_under(check, order, n, gains);
        conf_sums_limits(check, &raw->bears, floor_w);
        conf_sums_limits(check, &raw->limits, floor_w);
    }
    free(gains);
    free(order);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* conf_check.c: the power tree and everything that refers to names.
 *
 * Owns unique names, references, parents before children, and the control
 * values against each other. Any thread. Reads no file.
 */
#include "conf_check.h"

#include <string.h>

#define CONF_CHECK_LEVELS_MAX  32
#define CONF_CHECK_SHARE_NOISE 1e-3 /* three times 0.333 is the whole */

/* Every section with a `name` has it right after its item. */
struct conf_check_any {
    struct conf_item item;
    char name[CONF_NAME_MAX];
};
#define SAME_PLACE(type)                                                                                     \
    _Static_assert(offsetof(struct type, name) == offsetof(struct conf_check_any, name), "name comes first")
SAME_PLACE(raw_node);
SAME_PLACE(raw_bus);
SAME_PLACE(raw_device);
SAME_PLACE(raw_bmc);
SAME_PLACE(raw_group);
SAME_PLACE(raw_source);

static struct conf_check_any *conf_check_any(const struct conf_list *list, size_t size, int32_t index)
{
    return (void *)(list->items + (size_t)index * size);
}

int32_t conf_check_find(const struct conf_list *list, size_t size, const char *name)
{
    if (!name[0])
        return CORE_NONE;
    for (int32_t i = 0; i < list->count; i++)
        if (strcmp(conf_check_any(list, size, i)->name, name) == 0)
            return i;
    return CORE_NONE;
}

int32_t conf_check_named(struct conf_report *report, const struct conf_item *item, const char *path,
                         const char *name, const struct conf_list *list, size_t size, const char *what)
{
    int32_t found = conf_check_find(list, size, name);
    const char *best = NULL;

    if (found != CORE_NONE || !name[0])
        return found;
    for (int32_t i = 0; i < list->count; i++)
        conf_report_nearest(name, conf_check_any(list, size, i)->name, &best);
    if (best && best[0])
        conf_wrong(report, item, path, "no %s is named \"%s\", did you mean \"%s\"?", what, name, best);
    else
        conf_wrong(report, item, path, "no %s is named \"%s\"", what, name);
    return CORE_NONE;
}

static void conf_check_twice(struct conf_report *report, const struct conf_item *item, const char *name,
                             const struct conf_item *first)
{
    const struct conf_pos at = conf_at(first, "name");

    if (at.file == item->at.file)
        conf_wrong(report, item, "name", "\"%s\" is there twice, also on line %d", name, (int)at.line);
    else
        conf_wrong(report, item, "name", "\"%s\" is there twice, also in %s:%d", name,
                   conf_report_path(report, at.file), (int)at.line);
}

void conf_check_unique(struct conf_report *report, const struct conf_list *list, size_t size,
                       const struct conf_list *other, size_t other_size)
{
    for (int32_t i = 0; i < list->count; i++) {
        struct conf_check_any *any = conf_check_any(list, size, i);
        int32_t first = conf_check_find(list, size, any->name);
        int32_t beside = other ? conf_check_find(other, other_size, any->name) : CORE_NONE;

        if (first != CORE_NONE && first < i)
            conf_check_twice(report, &any->item, any->name, &conf_check_any(list, size, first)->item);
        else if (beside != CORE_NONE)
            conf_check_twice(report, &any->item, any->name, &conf_check_any(other, other_size, beside)->item);
    }
}

void conf_check_limits(struct conf_report *report, const struct conf_list *limits)
{
    for (int32_t i = 0; i < limits->count; i++) {
        struct raw_limit *limit = CONF_ITEM(struct raw_limit, limits, i);

        for (int32_t k = 0; k < i; k++) {
            const struct raw_limit *before = CONF_ITEM(struct raw_limit, limits, k);

            if (limit->window_us > 0 && before->window_us == limit->window_us)
                conf_wrong(report, &limit->item, "window_ms", "%.12g is there twice, also on line %d",
                           (double)limit->window_us / 1e3, (int)conf_at(&before->item, "window_ms").line);
        }
        if (limit->standing_w > limit->limit_w)
            conf_wrong(report, &limit->item, "standing_w", "%.12g is above limit_w %.12g", limit->standing_w,
                       limit->limit_w);
    }
}

void conf_check_control(struct conf_check *check)
{
    struct raw_conf *raw = check->raw;

    if (raw->band.target_ratio >= raw->band.cap_ratio)
        conf_wrong(check->report, &raw->item, "control.band.target_ratio",
                   "%.12g is not below cap_ratio %.12g", raw->band.target_ratio, raw->band.cap_ratio);
    if (raw->band.release_ratio >= raw->band.target_ratio)
        conf_wrong(check->report, &raw->item, "control.band.release_ratio",
                   "%.12g is not below target_ratio %.12g", raw->band.release_ratio, raw->band.target_ratio);
    if (strlen(raw->socket) > 107)
        conf_wrong(check->report, &raw->item, "socket", "%zu characters with the file's folder, allowed 107",
                   strlen(raw->socket));
}

/* ---- the tree ---- */

static struct raw_node *conf_check_raw_node(const struct conf_check *check, int32_t at)
{
    return CONF_ITEM(struct raw_node, &check->raw->tree, at);
}

static bool conf_check_one_parent(struct conf_check *check, struct raw_node *node,
                                  const struct conf_item *item, const char *path, const char *name,
                                  double share)
{
    int32_t at = conf_check_named(check->report, item, path, name, &check->raw->tree, sizeof *node, "node");

    if (at == CORE_NONE)
        return false;
    if (conf_check_raw_node(check, at) == node) {
        conf_wrong(check->report, item, path, "\"%s\" is the node itself", name);
        return false;
    }
    for (int32_t p = 0; p < node->parent_count; p++)
        if (node->parent_at[p] == at) {
            conf_wrong(check->report, item, path, "\"%s\" is there twice", name);
            return false;
        }
    node->parent_at[node->parent_count] = at;
    node->parent_share[node->parent_count++] = share;
    return true;
}

static bool conf_check_parents(struct conf_check *check, struct raw_node *node)
{
    bool good = true;
    double sum = 0.0;

    if (conf_has(&node->item, "parent") && conf_has(&node->item, "parents")) {
        conf_wrong(check->report, &node->item, "parents", "a node has either parent or parents, not both");
        return false;
    }
    if (conf_has(&node->item, "parent"))
        return node->parent[0] &&
               conf_check_one_parent(check, node, &node->item, "parent", node->parent, 1.0);
    for (int32_t p = 0; p < node->parents.count; p++) {
        const struct raw_parent *parent = CONF_ITEM(struct raw_parent, &node->parents, p);

        good = parent->name[0] &&
               conf_check_one_parent(check, node, &parent->item, "name", parent->name, parent->share) && good;
        sum += parent->share;
    }
    if (good && node->parents.count > 0 && sum < 1.0 - CONF_CHECK_SHARE_NOISE) {
        conf_wrong(check->report, &node->item, "parents",
                   "shares add up to %.12g: together the parents must carry the whole, allowed 1 or more",
                   sum);
        return false;
    }
    return good;
}

/* One step down: places every node whose parents are all placed. */
static int32_t conf_check_place(const struct conf_check *check, int32_t placed)
{
    for (int32_t n = 0; n < check->raw->tree.count; n++) {
        struct raw_node *node = conf_check_raw_node(check, n);
        int32_t level = 1;

        for (int32_t p = 0; p < node->parent_count && level > 0; p++) {
            const struct raw_node *parent = conf_check_raw_node(check, node->parent_at[p]);

            level = parent->level == 0 ? 0 : parent->level >= level ? parent->level + 1 : level;
        }
        if (node->level > 0 || level == 0)
            continue;
        node->level = level;
        node->index = placed++;
    }
    return placed;
}

/* A node that could not be placed has, going up, a ring: follow it round. */
static void conf_check_ring(const struct conf_check *check, int32_t from)
{
    char way[160] = "";
    int32_t at = from;
    size_t used = 0;

    do {
        const struct raw_node *node = conf_check_raw_node(check, at);

        if (used < sizeof way - 60)
            used += (size_t)snprintf(way + used, sizeof way - used, "%s -> ", node->name);
        else if (used < sizeof way - 8)
            used += (size_t)snprintf(way + used, sizeof way - used, "... -> ");
        for (int32_t p = 0; p < node->parent_count; p++)
            if (conf_check_raw_node(check, node->parent_at[p])->level == 0) {
                at = node->parent_at[p];
                break;
            }
    } while (at != from && used < sizeof way - 8);

    const struct raw_node *node = conf_check_raw_node(check, from);

    conf_wrong(check->report, &node->item, conf_has(&node->item, "parent") ? "parent" : "parents",
               "the parents go round in a ring: %s%s", way, node->name);
}

static void conf_check_rings(const struct conf_check *check)
{
    const int32_t count = check->raw->tree.count;

    for (int32_t n = 0; n < count; n++) {
        int32_t at = n;

        if (conf_check_raw_node(check, n)->level != 0)
            continue;
        for (int32_t steps = 0; steps < count; steps++) {
            const struct raw_node *node = conf_check_raw_node(check, at);

            for (int32_t p = 0; p < node->parent_count; p++)
                if (conf_check_raw_node(check, node->parent_at[p])->level == 0) {
                    at = node->parent_at[p];
                    break;
                }
        }
        conf_check_ring(check, at); /* the first found is enough: mending it shows the next */
        return;
    }
}

static bool conf_check_order(struct conf_check *check)
{
    int32_t placed = 0, before;
    bool good = true;

    do {
        before = placed;
        placed = conf_check_place(check, placed);
    } while (placed > before && placed < check->raw->tree.count);
    if (placed < check->raw->tree.count) {
        conf_check_rings(check);
        return false;
    }
    for (int32_t n = 0; n < placed; n++) {
        struct raw_node *node = conf_check_raw_node(check, n);

        for (int32_t p = 0; p < node->parent_count; p++)
            conf_check_raw_node(check, node->parent_at[p])->has_children = true;
        if (node->level == CONF_CHECK_LEVELS_MAX + 1) {
            conf_wrong(check->report, &node->item, "name", "is on level %d of the tree, allowed %d",
                       (int)node->level, CONF_CHECK_LEVELS_MAX);
            good = false;
        }
    }
    return good;
}

void conf_check_tree(struct conf_check *check)
{
    struct raw_conf *raw = check->raw;
    bool good = true;

    conf_check_unique(check->report, &raw->tree, sizeof(struct raw_node), NULL, 0);
    if (conf_good(&raw->item, "tree") && raw->tree.count == 0)
        conf_wrong(check->report, &raw->item, "tree", "is empty, allowed 1 to 2048 nodes");
    for (int32_t n = 0; n < raw->tree.count; n++) {
        struct raw_node *node = conf_check_raw_node(check, n);

        node->index = CORE_NONE;
        good = conf_check_parents(check, node) && good;
        conf_check_limits(check->report, &node->bears);
        conf_check_limits(check->report, &node->limits);
    }
    raw->tree_good = good && conf_check_order(check);
}

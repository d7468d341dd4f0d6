/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.c: tokens: power leased for a time from the pools of a rack.
 *
 * Owns tokens[] (one slot a client), the pools' burst credit and promises[].
 * Requests are a table of standing wishes: a wish is answered once a version,
 * its answer stands in the client's slot. A new version replaces what the client
 * holds only when it is granted; refused, the old lease goes on to its end. A
 * client that left the table keeps its lease until then, too, and its slot.
 *
 * What a lease does: the LIMIT levers below its node are promised so many watts
 * of their caps, and allocation serves those before anything else. It raises no
 * limit above what budgets allow. The promise ends one worst actuation delay
 * before the lease does, so that the power is back when the lease is over.
 * Whether a wish may be granted is grant.c's. Weighing takes a while, so one wish
 * is answered a step, the highest priority first.
 */
#include "ledger.h"

#include "curve.h"
#include "grant.h"
#include "outputs.h"

#include <string.h>

#define LEDGER_TRIES   64   /* at a level; a few are enough                       */
#define LEDGER_EXACT_W 1e-9 /* so close it is found                               */

static void ledger_clear(struct token *token)
{
    memset(token, 0, sizeof *token);
    token->node = CORE_NONE;
}

/* ---- pools ---- */

static double ledger_burst_w(const struct core_plan_token_zone *zone)
{
    double burst_w = (zone->burst_ratio - zone->pool_ratio) * zone->rated_w;

    return burst_w > 0.0 ? burst_w : 0.0;
}

static void ledger_range(const struct block *b, int32_t l)
{
    const struct core_config_lever *conf = &b->levers_conf[l];
    const struct core_plan_lever *plan = &b->plan_levers[l];
    struct range *range = &b->ranges[l];
    double least = plan->min > conf->min ? plan->min : conf->min;
    double most = block_clip(plan->max, conf->min, conf->max);

    if (conf->timeout_us > 0 && conf->fallback > least)
        least = conf->fallback;
    least = least < conf->max ? least : conf->max;
    range->least_w = least * conf->watts_per_unit;
    range->most_w = (most > least ? most : least) * conf->watts_per_unit;
}

/* A new plan may bring other zones; one at the same node keeps its credit. */
static void ledger_plan(struct block *b)
{
    const struct core_plan_tokens *plan = &b->core->plan.tokens;
    struct pool old[CORE_TOKEN_ZONES_MAX];

    memcpy(old, b->core->pools, sizeof old);
    for (int32_t k = 0; k < CORE_TOKEN_ZONES_MAX; k++) {
        struct pool *pool = &b->core->pools[k];

        pool->node = k < plan->zone_count ? plan->zone[k].node : CORE_NONE;
        pool->by = CORE_NONE;
        pool->charged_us = INT64_MIN;
        pool->credit_w = k < plan->zone_count ? ledger_burst_w(&plan->zone[k]) : 0.0;
        for (int32_t j = 0; j < CORE_TOKEN_ZONES_MAX && pool->node != CORE_NONE; j++)
            if (old[j].node == pool->node && old[j].credit_w < pool->credit_w)
                pool->credit_w = old[j].credit_w;
    }
    for (int32_t l = 0; l < b->core->lever_count; l++)
        ledger_range(b, l);
    for (int32_t t = 0; t < b->core->request_max; t++)
        if (b->tokens[t].granted_w > 0.0)
            (void)grant_zones(b, b->tokens[t].node, b->tokens[t].coef);
    b->core->promises_old = 1;
}

static void ledger_refill(struct block *b)
{
    const struct core_plan_tokens *plan = &b->core->plan.tokens;
    double span_s = (double)(b->core->now_us - b->core->last_us) * 1e-6;

    for (int32_t k = 0; k < plan->zone_count; k++) {
        double most_w = ledger_burst_w(&plan->zone[k]);
        double credit_w = b->core->pools[k].credit_w + plan->zone[k].refill_w_per_s * span_s;

        b->core->pools[k].credit_w = credit_w < most_w ? credit_w : most_w;
    }
}

/* Burst credit pays for what goes above the pool. */
static void ledger_charge(struct block *b, int32_t slot, const struct grant_answer *answer)
{
    const struct core_plan_tokens *plan = &b->core->plan.tokens;

    for (int32_t k = 0; k < plan->zone_count; k++) {
        struct pool *pool = &b->core->pools[k];
        double above_w = -plan->zone[k].pool_ratio * plan->zone[k].rated_w;
        double more_w = answer->coef[k] * answer->granted_w;

        if (!(answer->coef[k] > 0.0))
            continue;
        for (int32_t t = 0; t < b->core->request_max; t++)
            if (t != slot)
                above_w += b->tokens[t].coef[k] * b->tokens[t].granted_w;
        if (above_w < 0.0)
            more_w += above_w;
        if (more_w > 0.0)
            pool->credit_w = pool->credit_w > more_w ? pool->credit_w - more_w : 0.0;
        pool->by = answer->zone;
        pool->charged_us = b->core->now_us;
    }
}

/* ---- promises ---- */

static bool ledger_moves(const struct block *b, int32_t source)
{
    return source < b->core->lever_count && b->levers_conf[source].use == CORE_LEVER_LIMIT;
}

/* One lever's cap at a common level of weight, from what is promised already. */
static double ledger_at(const struct block *b, int32_t l, double level, double promised_w)
{
    const struct range *range = &b->ranges[l];
    double low_w = promised_w > range->least_w ? promised_w : range->least_w;

    return block_clip(b->plan_levers[l].weight * level, low_w, range->most_w > low_w ? range->most_w : low_w);
}

/* What a common level adds to the promises below a node. */
struct ledger_sum {
    double added_w;
    double slope; /* watts more for a little more level          */
    double top;   /* from this level on nothing more is added    */
};

static struct ledger_sum ledger_added(const struct block *b, const struct zone *zone, double level,
                                      const double *promises)
{
    struct ledger_sum sum = { .added_w = 0.0 };

    for (int32_t e = 0; e < zone->entry_count; e++) {
        int32_t l = b->entries[zone->entry_first + e].source;
        double at_w, full;

        if (!ledger_moves(b, l))
            continue;
        at_w = ledger_at(b, l, level, promises[l]);
        full = b->ranges[l].most_w / b->plan_levers[l].weight;
        sum.added_w += at_w - promises[l];
        if (at_w <= b->plan_levers[l].weight * level && at_w >= b->plan_levers[l].weight * level)
            sum.slope += b->plan_levers[l].weight; /* it is not at an end */
        sum.top = full > sum.top ? full : sum.top;
    }
    return sum;
}

/* The level that adds amount_w: the sum is made of straight pieces, so one step
 * along its slope is exact once the piece is right. */
static double ledger_level(const struct block *b, const struct zone *zone, double amount_w,
                           const double *promises)
{
    struct ledger_sum sum = ledger_added(b, zone, 0.0, promises);
    double low = 0.0, high = sum.top, level = sum.top;

    for (int32_t k = 0; k < LEDGER_TRIES; k++) {
        sum = ledger_added(b, zone, level, promises);
        if (__builtin_fabs(sum.added_w - amount_w) <= LEDGER_EXACT_W || (k == 0 && sum.added_w < amount_w))
            break; /* there, or more than all of them can take */
        if (sum.added_w > amount_w)
            high = level;
        else
            low = level;
        level += sum.slope > 0.0 ? (amount_w - sum.added_w) / sum.slope : 0.0;
        if (!(level > low && level < high))
            level = low + (high - low) / 2.0;
    }
    return level;
}

/* Promises amount_w more below a node, by weight, within what each lever takes.
 * Minimums are part of it: a node whose minimums hold that much already needs
 * nothing more. */
static void ledger_fill(const struct block *b, int32_t node, double amount_w, double *promises)
{
    const struct zone *zone = &b->zones[node];
    double least_w = ledger_added(b, zone, 0.0, promises).added_w;
    double level = least_w < amount_w ? ledger_level(b, zone, amount_w, promises) : 0.0;
    double part = least_w > amount_w ? amount_w / least_w : 1.0;

    for (int32_t e = 0; e < zone->entry_count; e++) {
        int32_t l = b->entries[zone->entry_first + e].source;

        if (ledger_moves(b, l))
            promises[l] += part * (ledger_at(b, l, level, promises[l]) - promises[l]);
    }
}

static bool ledger_promised(const struct block *b, const struct ledger_case *what, int32_t t)
{
    return t != what->without_slot && b->tokens[t].floors && b->tokens[t].early_us > what->at_us;
}

/* Deep nodes first, so that what is promised to all of a rack comes on top of
 * what is promised to its parts. */
void ledger_promise(const struct block *b, const struct ledger_case *what, double *promises)
{
    int32_t last = b->core->node_count;

    for (int32_t l = 0; l < b->core->lever_count; l++)
        promises[l] = 0.0;
    for (;;) {
        int32_t node = what->amount_w > 0.0 && what->node < last ? what->node : CORE_NONE;
        double sum_w;

        for (int32_t t = 0; t < b->core->request_max; t++)
            if (ledger_promised(b, what, t) && b->tokens[t].node < last && b->tokens[t].node > node)
                node = b->tokens[t].node;
        if (node == CORE_NONE)
            return;
        sum_w = what->amount_w > 0.0 && what->node == node ? what->amount_w : 0.0;
        for (int32_t t = 0; t < b->core->request_max; t++)
            if (ledger_promised(b, what, t) && b->tokens[t].node == node)
                sum_w += b->tokens[t].granted_w;
        ledger_fill(b, node, sum_w, promises);
        last = node;
    }
}

static void ledger_renew(struct block *b)
{
    const struct ledger_case all = {
        .without_slot = CORE_NONE,
        .at_us = b->core->now_us,
        .node = CORE_NONE,
    };

    if (b->core->promises_old)
        ledger_promise(b, &all, b->promises);
    b->core->promises_old = 0;
}

/* ---- leases ---- */

static void ledger_end(struct block *b, struct token *token)
{
    token->granted_w = 0.0;
    token->expires_us = 0;
    b->core->promises_old |= token->floors;
    token->floors = 0;
}

static void ledger_time(struct block *b)
{
    for (int32_t t = 0; t < b->core->request_max; t++) {
        struct token *token = &b->tokens[t];

        if (!(token->granted_w > 0.0))
            continue;
        if (token->floors && b->core->now_us >= token->early_us) {
            token->floors = 0;
            b->core->promises_old = 1;
        }
        if (b->core->now_us < token->expires_us)
            continue;
        ledger_end(b, token);
        if (token->state == CORE_TOKEN_GRANTED)
            token->state = CORE_TOKEN_EXPIRED;
    }
}

/* Is this node the protected one, or below it? */
static bool ledger_protected(const struct block *b, int32_t node)
{
    const struct core_config_node *conf = &b->nodes[node];

    if (b->curves[node].engaged)
        return true;
    for (int32_t p = 0; p < conf->parent_count; p++)
        if (ledger_protected(b, conf->parent[p]))
            return true;
    return false;
}

static bool ledger_open(const struct block *b)
{
    return b->core->acting && !b->core->restoring && !b->core->base_all;
}

/* Leases survive a moment of observing: nothing is written then, and nothing
 * that was promised becomes unsafe. */
static void ledger_revoke(struct block *b)
{
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;
    int32_t revoked = 0;

    if (!b->core->base_all && b->core->protecting == 0)
        return;
    for (int32_t t = 0; t < b->core->request_max; t++) {
        struct token *token = &b->tokens[t];

        if (!(token->granted_w > 0.0) || !(b->core->base_all || ledger_protected(b, token->node)))
            continue;
        about.value += token->granted_w;
        token->reason = b->core->base_all ? CORE_TOKEN_REASON_MODE : CORE_TOKEN_REASON_CONFLICT;
        token->state = CORE_TOKEN_REVOKED;
        ledger_end(b, token);
        revoked++;
    }
    about.bound = revoked;
    if (revoked > 0)
        outputs_event(b, EV_TOKENS_REVOKED, &about);
}

/* ---- answers ---- */

static void ledger_grant(struct block *b, int32_t slot, const struct core_request *request,
                         const struct grant_answer *answer)
{
    struct token *token = &b->tokens[slot];
    const struct zone *zone = &b->zones[request->node];

    ledger_charge(b, slot, answer);
    token->state = CORE_TOKEN_GRANTED;
    token->reason = CORE_TOKEN_REASON_NONE;
    token->node = request->node;
    token->granted_w = answer->granted_w;
    token->expires_us = block_later(b->core->now_us, request->duration_us);
    token->early_us = token->expires_us - zone->delay_us;
    token->floors = token->early_us > b->core->now_us;
    token->alternative_w = 0.0;
    token->retry_after_us = 0;
    memcpy(token->coef, answer->coef, sizeof token->coef);
    b->core->promises_old = 1;
}

static void ledger_refuse(struct block *b, int32_t slot, const struct core_request *request,
                          const struct grant_answer *answer)
{
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;
    struct token *token = &b->tokens[slot];

    token->state = CORE_TOKEN_REFUSED;
    token->reason = answer->reason;
    token->alternative_w = answer->alternative_w;
    token->retry_after_us = answer->retry_after_us;
    if (!(token->granted_w > 0.0))
        token->node = answer->reason == CORE_TOKEN_REASON_NO_ZONE ? CORE_NONE : request->node;
    about.node = token->node;
    about.value = request->amount_w;
    about.bound = answer->alternative_w;
    outputs_event(b, EV_TOKEN_REFUSED, &about);
}

static void ledger_return(struct block *b, struct token *token)
{
    ledger_end(b, token);
    token->state = CORE_TOKEN_RETURNED;
    token->reason = CORE_TOKEN_REASON_NONE;
    token->alternative_w = 0.0;
    token->retry_after_us = 0;
}

/* What cannot even be weighed, or need not be. */
static bool ledger_refused(const struct block *b, const struct core_request *request,
                           struct grant_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    if (request->node < 0 || request->node >= b->core->node_count)
        answer->reason = CORE_TOKEN_REASON_NO_ZONE;
    else if (!ledger_open(b))
        answer->reason = CORE_TOKEN_REASON_MODE;
    else if (!block_is_number(request->amount_w) || request->amount_w < 0.0)
        answer->reason = CORE_TOKEN_REASON_BURST;
    else if (ledger_protected(b, request->node)) {
        answer->reason = CORE_TOKEN_REASON_CONFLICT;
        answer->retry_after_us = b->core->plan.protection.release_us;
    }
    return answer->reason != CORE_TOKEN_REASON_NONE;
}

static void ledger_answer(struct block *b, int32_t slot, const struct core_request *request)
{
    struct grant_answer answer;

    b->tokens[slot].version = request->version;
    if (!ledger_refused(b, request, &answer)) {
        const struct grant_ask ask = {
            .slot = slot,
            .node = request->node,
            .amount_w = request->amount_w,
            .duration_us = request->duration_us,
        };

        grant_weigh(b, &ask, &answer);
    }
    if (answer.reason == CORE_TOKEN_REASON_NONE)
        ledger_grant(b, slot, request, &answer);
    else
        ledger_refuse(b, slot, request, &answer);
}

/* ---- the table ---- */

/* The client's slot, or a free one for it; CORE_NONE: all are taken, by leases
 * of clients that are gone. Tables rarely change their order, so the row's own
 * place is tried first. */
static int32_t ledger_slot(const struct block *b, int32_t row)
{
    uint64_t client = b->in->requests[row].client;
    int32_t empty = CORE_NONE;

    if (b->tokens[row].client == client)
        return row;
    for (int32_t t = b->core->request_max - 1; t >= 0; t--) {
        if (b->tokens[t].client == client)
            return t;
        if (b->tokens[t].client == 0)
            empty = t;
    }
    return b->tokens[row].client == 0 ? row : empty;
}

static int32_t ledger_rows(const struct block *b)
{
    int32_t most = b->core->request_max;

    return b->in->request_count < most ? b->in->request_count : most;
}

/* Who is in the table; gives back at once what is not wanted any more. Is there
 * a wish to be weighed? */
static bool ledger_read(struct block *b)
{
    bool pending = false;

    for (int32_t r = 0; r < ledger_rows(b); r++) {
        const struct core_request *request = &b->in->requests[r];
        int32_t slot = request->client != 0 ? ledger_slot(b, r) : CORE_NONE;

        if (slot == CORE_NONE)
            continue;

        struct token *token = &b->tokens[slot];

        if (token->client == 0) {
            ledger_clear(token);
            token->client = request->client;
        }
        token->step = b->core->step;
        if (request->version <= token->version && token->state != CORE_TOKEN_NONE)
            continue;
        if (request->amount_w > 0.0 || !(request->amount_w <= 0.0 && request->amount_w >= 0.0)) {
            pending = true;
            continue;
        }
        ledger_return(b, token);
        token->version = request->version;
    }
    return pending;
}

/* The unanswered wish of the highest priority, the first of those. */
static int32_t ledger_next(const struct block *b)
{
    int32_t best = CORE_NONE;

    for (int32_t r = 0; r < ledger_rows(b); r++) {
        const struct core_request *request = &b->in->requests[r];
        int32_t slot = request->client != 0 ? ledger_slot(b, r) : CORE_NONE;

        if (slot == CORE_NONE || b->tokens[slot].client != request->client ||
            (request->version <= b->tokens[slot].version && b->tokens[slot].state != CORE_TOKEN_NONE))
            continue;
        if (best == CORE_NONE || request->priority > b->in->requests[best].priority)
            best = r;
    }
    return best;
}

/* Clients that left, once nothing is leased to them. */
static void ledger_forget(struct block *b)
{
    for (int32_t t = 0; t < b->core->request_max; t++)
        if (b->tokens[t].client != 0 && b->tokens[t].step != b->core->step && !(b->tokens[t].granted_w > 0.0))
            ledger_clear(&b->tokens[t]);
}

void ledger_step(struct block *b)
{
    int32_t row;

    if (b->core->request_max == 0)
        return;
    if (b->core->plan_step == b->core->step)
        ledger_plan(b);
    ledger_refill(b);
    ledger_time(b);
    ledger_revoke(b);
    row = ledger_read(b) ? ledger_next(b) : CORE_NONE;
    if (row != CORE_NONE)
        ledger_answer(b, ledger_slot(b, row), &b->in->requests[row]);
    ledger_forget(b);
    ledger_renew(b);
}

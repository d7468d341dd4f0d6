/* SPDX-License-Identifier: Apache-2.0 */
/* campaign_report.c: what the totals of a campaign come to: the bound, as JSON, as text.
 *
 * Pure but for standard output. One thread.
 */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "campaign_parts.h"

#define CAMPAIGN_DOUBT    0.05 /* of the bound */
#define CAMPAIGN_HALVINGS 60

static const char *const campaign_check_names[] = {
#define CAMPAIGN_CHECK_NAME(name, id, unit, text) id,
    CHECKS_LIST(CAMPAIGN_CHECK_NAME)
};
static const char *const campaign_check_units[] = {
#define CAMPAIGN_CHECK_UNIT(name, id, unit, text) unit,
    CHECKS_LIST(CAMPAIGN_CHECK_UNIT)
};

static const char *const campaign_check_texts[] = {
#define CAMPAIGN_CHECK_TEXT(name, id, unit, text) text,
    CHECKS_LIST(CAMPAIGN_CHECK_TEXT)
};

static const char *campaign_fault_word(int f)
{
    return f < CAMPAIGN_TROUBLE_COUNT ? campaign_trouble_word((enum campaign_trouble_kind)f)
                                      : link_fault_word((enum link_fault)(f - CAMPAIGN_TROUBLE_COUNT));
}

/* ---- the bound ---- */

/* The chance that at most so many of n independent runs fail, if each does with p. */
static double campaign_at_most(uint64_t failed, uint64_t runs, double p)
{
    double n = (double)runs, sum = 0.0;

    for (uint64_t k = 0; k <= failed; k++)
        sum += exp(lgamma(n + 1.0) - lgamma((double)k + 1.0) - lgamma(n - (double)k + 1.0) +
                   (double)k * log(p) + (n - (double)k) * log1p(-p));
    return sum;
}

double campaign_bound(uint64_t failed, uint64_t runs)
{
    double low, high = 1.0;

    if (runs == 0 || failed >= runs)
        return 1.0;
    if (failed == 0)
        return -expm1(log(CAMPAIGN_DOUBT) / (double)runs);
    low = (double)failed / (double)runs;
    for (int turn = 0; turn < CAMPAIGN_HALVINGS; turn++) {
        double middle = 0.5 * (low + high);

        if (campaign_at_most(failed, runs, middle) > CAMPAIGN_DOUBT)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* ---- JSON ---- */

static json_object *campaign_json_number(double x)
{
    return isfinite(x) ? json_object_new_double(x) : NULL;
}

static json_object *campaign_json_failures(const struct campaign_totals *t)
{
    json_object *list = json_object_new_array();

    for (int32_t i = 0; i < t->failure_count; i++) {
        const struct campaign_failure *f = &t->failure[i];
        json_object *one = json_object_new_object();
        char check[32] = "died";

        if (strchr(f->detail, ':'))
            (void)snprintf(check, sizeof check, "%.*s", (int)(strchr(f->detail, ':') - f->detail), f->detail);
        json_object_object_add(one, "seed", json_object_new_uint64(f->seed));
        json_object_object_add(one, "check", json_object_new_string(check));
        json_object_object_add(one, "detail", json_object_new_string(f->detail));
        json_object_object_add(one, "at_s", campaign_json_number(f->at_s));
        json_object_object_add(one, "seconds", campaign_json_number(f->seconds));
        json_object_object_add(one, "without", json_object_new_uint64(f->without));
        json_object_array_add(list, one);
    }
    return list;
}

void campaign_report_json(const struct campaign_totals *t, uint64_t seed)
{
    json_object *doc = json_object_new_object(), *faults = json_object_new_object();
    json_object *margins = json_object_new_object();

    for (int f = CAMPAIGN_LINK + 1; f < CAMPAIGN_FAULTS; f++) /* links count by what they do wrong */
        json_object_object_add(faults, campaign_fault_word(f), json_object_new_uint64(t->faults[f]));
    for (int k = 0; k < CHECKS_COUNT; k++) {
        json_object *one = json_object_new_object();

        if (t->margin[k].looked) {
            json_object_object_add(one, "margin", campaign_json_number(t->margin[k].margin));
            json_object_object_add(one, "value", campaign_json_number(t->margin[k].value));
            json_object_object_add(one, "limit", campaign_json_number(t->margin[k].limit));
            json_object_object_add(one, "unit", json_object_new_string(campaign_check_units[k]));
            json_object_object_add(one, "looks", json_object_new_uint64(t->margin[k].looks));
            json_object_object_add(one, "about", json_object_new_string(campaign_check_texts[k]));
            json_object_object_add(one, "seed", json_object_new_uint64(t->margin[k].seed));
            json_object_object_add(margins, campaign_check_names[k], one);
        } else {
            json_object_put(one);
        }
    }
    json_object_object_add(doc, "runs", json_object_new_uint64(t->runs));
    json_object_object_add(doc, "seed", json_object_new_uint64(seed));
    json_object_object_add(doc, "sim_hours", json_object_new_double(t->sim_s / 3600.0));
    json_object_object_add(doc, "wall_s", json_object_new_double(t->wall_s));
    json_object_object_add(doc, "faults", faults);
    json_object_object_add(doc, "violations", json_object_new_uint64(t->violations));
    json_object_object_add(doc, "bound_95", json_object_new_double(campaign_bound(t->violations, t->runs)));
    json_object_object_add(doc, "worst_margin", margins);
    json_object_object_add(doc, "beyond_orders", json_object_new_uint64(t->beyond_runs));
    json_object_object_add(doc, "armed_runs", json_object_new_uint64(t->armed_runs));
    json_object_object_add(doc, "orders", json_object_new_uint64(t->orders));
    json_object_object_add(doc, "failures", campaign_json_failures(t));
    (void)printf("%s\n", json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY));
    json_object_put(doc);
}

/* ---- text ---- */

/* Where there is no more or less, only so or not, there is no margin. */
static void campaign_report_check(int k, const struct campaign_margin *m)
{
    char margin[24] = "-";

    if (!m->looked)
        return;
    if (isfinite(m->margin))
        (void)snprintf(margin, sizeof margin, "%.4g", m->margin);
    (void)printf("%-10s %10.4g %10.4g %10s %-7s %12llu %10llu\n", campaign_check_names[k], m->value, m->limit,
                 margin, campaign_check_units[k], (unsigned long long)m->looks, (unsigned long long)m->seed);
}

void campaign_report_text(const struct campaign_totals *t)
{
    (void)printf("%llu runs, %.1f h simulated in %.0f s; armed in %llu; %llu orders; %llu violations\n",
                 (unsigned long long)t->runs, t->sim_s / 3600.0, t->wall_s, (unsigned long long)t->armed_runs,
                 (unsigned long long)t->orders, (unsigned long long)t->violations);
    if (t->runs > 1)
        (void)printf("so a run fails with a chance of at most %.3g, at 95 %% confidence\n",
                     campaign_bound(t->violations, t->runs));
    if (t->beyond_runs > 0)
        (void)printf("in %llu supplies that came back alone were overloaded sooner than any order lands: "
                     "played so far only\n",
                     (unsigned long long)t->beyond_runs);
    (void)printf("\n%-10s %10s %10s %10s %-7s %12s %10s\n", "check", "worst", "limit", "margin", "unit",
                 "looks", "seed");
    for (int k = 0; k < CHECKS_COUNT; k++)
        campaign_report_check(k, &t->margin[k]);
    (void)printf("\ntroubles:");
    for (int f = CAMPAIGN_LINK + 1; f < CAMPAIGN_FAULTS; f++)
        (void)printf(" %s %llu%s", campaign_fault_word(f), (unsigned long long)t->faults[f],
                     f + 1 < CAMPAIGN_FAULTS ? "," : "\n");
}

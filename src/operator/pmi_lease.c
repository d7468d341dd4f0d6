/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_lease.c: who may write to the rack's window, for how long, and what of it is done.
 *
 * Owns the authority: one writer at a time, known by its place and its key, until its
 * lease ends. A lease that is not renewed leaves the standing budget; the control loop
 * ends the budget by itself, even where this thread hangs. Main thread.
 */
#include "pmi_lease.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "busbar/log.h"

#define PMI_US_PER_S        INT64_C(1000000)
#define PMI_LEASE_DEFAULT_S 60
#define PMI_TELL_US         INT64_C(1000000) /* refusals of one client become events so often */
#define PMI_RESERVE_MAX_S   3600
#define PMI_SUPPORT_MIN     100 /* per mille of the nominal input                 */
#define PMI_SUPPORT_MAX     1000
#define PMI_AFTER_MAX_MS    60000

static const char *const pmi_words[] = {
    [PMI_RESULT_NONE] = "nothing",
    [PMI_RESULT_DONE] = "done",
    [PMI_RESULT_NO_RIGHT] = "its address is no writer's",
    [PMI_RESULT_NO_KEY] = "it has not given a writer's key",
    [PMI_RESULT_HELD] = "another writer has the authority",
    [PMI_RESULT_NOT_ALLOWED] = "the configuration (pmi.may) does not allow it",
    [PMI_RESULT_RANGE] = "a value is outside what is allowed",
    [PMI_RESULT_FORM] = "not a register that may be written, or half a value",
    [PMI_RESULT_REFUSED] = "the daemon refused",
};

static const struct pmi_ride pmi_ride_none = { .reserve_s = NAN,
                                               .support_ratio = NAN,
                                               .support_after_us = -1 };

void pmi_lease_init(struct pmi_lease *lease, const struct pmi_options *options, const struct pmi_calls *calls,
                    const struct operator_calls *daemon)
{
    *lease = (struct pmi_lease){ .options = options,
                                 .calls = *calls,
                                 .daemon = daemon,
                                 .holder = PMI_NOBODY,
                                 .leased_w = NAN,
                                 .ride = pmi_ride_none };
    lease->lease_us = PMI_LEASE_DEFAULT_S * PMI_US_PER_S;
    if (lease->lease_us > options->lease_max_us)
        lease->lease_us = options->lease_max_us;
}

/* ---- events ---- */

static const char *pmi_writer_name(const struct pmi_lease *lease, const struct pmi_client *client)
{
    return client->writer == PMI_NOBODY ? "a stranger" : lease->options->writers[client->writer].name;
}

/* A client that hammers does not push everything else out of the list of events. */
static void pmi_tell_refusal(struct pmi_lease *lease, struct pmi_client *client, enum pmi_result result,
                             const char *why, int64_t now_us)
{
    client->result = result;
    lease->refused++;
    if (client->told_us != 0 && now_us - client->told_us < PMI_TELL_US) {
        client->untold++;
        return;
    }
    EVENT(EV_PLAN_REFUSED, "pmi",
          "%s (%s) wrote to the window: %s; %" PRIu32 " refusals before that were not told",
          pmi_writer_name(lease, client), client->from, why, client->untold);
    client->told_us = now_us;
    client->untold = 0;
}

static enum pmi_exception pmi_exception_of(enum pmi_result result)
{
    switch (result) {
    case PMI_RESULT_NONE:
    case PMI_RESULT_DONE:
        return PMI_FINE;
    case PMI_RESULT_NO_RIGHT:
    case PMI_RESULT_NO_KEY:
    case PMI_RESULT_NOT_ALLOWED:
        return PMI_ILLEGAL_FUNCTION;
    case PMI_RESULT_HELD:
        return PMI_DEVICE_BUSY;
    case PMI_RESULT_RANGE:
    case PMI_RESULT_FORM:
        return PMI_ILLEGAL_VALUE;
    case PMI_RESULT_REFUSED:
        break;
    }
    return PMI_DEVICE_FAILURE;
}

void pmi_lease_refuse(struct pmi_lease *lease, struct pmi_client *client, enum pmi_result result,
                      int32_t address, int64_t now_us)
{
    char why[96];

    (void)snprintf(why, sizeof why, "register 0x%04x: %s", (unsigned)address, pmi_words[result]);
    pmi_tell_refusal(lease, client, result, why, now_us);
}

/* ---- the authority ---- */

static void pmi_lease_end(struct pmi_lease *lease, const char *how)
{
    const char *ignored = "";

    if (lease->holder == PMI_NOBODY)
        return;
    if (!isnan(lease->leased_w) && lease->calls.budget(lease->calls.arg, NAN, 0, &ignored) != ST_OK)
        LOG(WARNING, "pmi", "the leased budget could not be taken back at once: it ends by itself");
    if (lease->ride_set && lease->calls.ride(lease->calls.arg, &pmi_ride_none, &ignored) != ST_OK)
        LOG(WARNING, "pmi", "the ride-through policy could not be taken back");
    if (isnan(lease->leased_w))
        EVENT(EV_LEASE_ENDED, lease->holder_name, "%s; it had no budget leased", how);
    else
        EVENT(EV_LEASE_ENDED, lease->holder_name,
              "%s: its budget of %.0f W ends, the standing one of %.0f W applies", how, lease->leased_w,
              lease->options->standing_w);
    lease->holder = PMI_NOBODY;
    lease->leased_w = NAN;
    lease->ride = pmi_ride_none;
    lease->ride_set = false;
}

int64_t pmi_lease_step(struct pmi_lease *lease, int64_t now_us)
{
    if (lease->holder == PMI_NOBODY)
        return INT64_MAX;
    if (now_us < lease->until_us)
        return lease->until_us;
    pmi_lease_end(lease, "fell silent");
    return INT64_MAX;
}

void pmi_lease_follow(struct pmi_lease *lease, const struct pmi_options *options, int64_t now_us)
{
    int32_t holder = PMI_NOBODY;

    (void)pmi_lease_step(lease, now_us);
    for (int32_t w = 0; w < options->writer_count; w++)
        if (lease->holder != PMI_NOBODY && strcmp(options->writers[w].name, lease->holder_name) == 0)
            holder = w;
    if (holder == PMI_NOBODY)
        pmi_lease_end(lease, "is no writer any more");
    lease->holder = holder;
    lease->options = options;
    if (lease->lease_us > options->lease_max_us)
        lease->lease_us = options->lease_max_us;
}

/* Every key is compared, and in a time that tells nothing. */
static int32_t pmi_key_owner(const struct pmi_lease *lease, const struct pmi_client *client, uint64_t key)
{
    int32_t owner = PMI_NOBODY;

    for (int32_t w = 0; w < lease->options->writer_count; w++) {
        uint64_t differ = lease->options->writers[w].key ^ key;

        if (differ == 0 && (client->writers >> w & 1u))
            owner = w;
    }
    return owner;
}

static enum pmi_result pmi_take_authority(struct pmi_lease *lease, struct pmi_client *client,
                                          const struct pmi_wish *wish)
{
    if (client->writers == 0)
        return PMI_RESULT_NO_RIGHT;
    if ((wish->items & PMI_KEY) && wish->key != 0) {
        client->writer = pmi_key_owner(lease, client, wish->key);
        client->wrong_keys = client->writer == PMI_NOBODY ? client->wrong_keys + 1 : 0;
    }
    if (client->writer == PMI_NOBODY)
        return PMI_RESULT_NO_KEY;
    return lease->holder != PMI_NOBODY && lease->holder != client->writer ? PMI_RESULT_HELD : PMI_RESULT_DONE;
}

/* ---- what may be asked for ---- */

static bool pmi_allowed(const struct pmi_options *options, const struct pmi_wish *wish)
{
    return (!(wish->items & PMI_BUDGET) || options->may_budget) &&
           (!(wish->items & PMI_MODE) || options->may_mode) &&
           (!(wish->items & PMI_RIDE) || options->may_ride) &&
           (!(wish->items & PMI_TOKEN) || options->may_tokens);
}

static bool pmi_ride_good(const struct pmi_options *options, const struct pmi_wish *wish)
{
    if ((wish->ride & 1u) && wish->reserve_s != PMI_NO_VALUE &&
        (wish->reserve_s < options->reserve_min_s || wish->reserve_s > PMI_RESERVE_MAX_S))
        return false;
    if ((wish->ride & 2u) && wish->support_permille != PMI_NO_VALUE &&
        (wish->support_permille < PMI_SUPPORT_MIN || wish->support_permille > PMI_SUPPORT_MAX))
        return false;
    return !(wish->ride & 4u) || wish->support_after_ms == PMI_NO_VALUE ||
           (wish->support_after_ms >= 1 && wish->support_after_ms <= PMI_AFTER_MAX_MS);
}

static bool pmi_token_good(const struct pmi_options *options, const struct pmi_wish *wish)
{
    return wish->token_node >= 1 && wish->token_node <= options->node_count &&
           wish->token_priority < CORE_PRIORITIES &&
           (wish->token_w == 0 || (wish->token_duration_s >= 1 && wish->token_w != PMI_NO_WATTS));
}

static bool pmi_good(const struct pmi_options *options, const struct pmi_wish *wish)
{
    if ((wish->items & PMI_KEY) && wish->key == 0 && wish->items != PMI_KEY)
        return false; /* the key reads as 0: a block that is written back means to keep it */
    if ((wish->items & PMI_LEASE) &&
        (wish->lease_s < 1 || wish->lease_s * PMI_US_PER_S > options->lease_max_us))
        return false;
    if ((wish->items & PMI_BUDGET) && wish->budget_w != PMI_NO_WATTS &&
        (wish->budget_w < options->budget_min_w || wish->budget_w > options->budget_max_w))
        return false;
    if ((wish->items & PMI_MODE) && wish->mode > CORE_WANT_EMERGENCY)
        return false;
    if ((wish->items & PMI_RIDE) && !pmi_ride_good(options, wish))
        return false;
    return !(wish->items & PMI_TOKEN) || pmi_token_good(options, wish);
}

/* ---- doing it ---- */

struct pmi_doing {
    struct pmi_lease *lease;
    const struct pmi_client *client;
    const struct pmi_wish *wish;
    const char *who; /* the writer's name                                  */
    const char *why; /* of a refusal                                       */
};

/* A budget that is not written again is renewed with the lease. */
static enum status pmi_do_budget(struct pmi_doing *d)
{
    struct pmi_lease *lease = d->lease;
    bool written = d->wish->items & PMI_BUDGET;
    double watts = !written                            ? lease->leased_w
                   : d->wish->budget_w == PMI_NO_WATTS ? (double)NAN
                                                       : (double)d->wish->budget_w;
    bool same = watts == lease->leased_w || (isnan(watts) && isnan(lease->leased_w));
    enum status st;

    if (isnan(watts) && isnan(lease->leased_w))
        return ST_OK;
    st = lease->calls.budget(lease->calls.arg, watts, lease->until_us, &d->why);
    if (st != ST_OK)
        return st;
    if (!same && isnan(watts))
        EVENT(EV_PLAN_CHANGED, d->who,
              "(%s) gives its budget of %.0f W back: the standing one of %.0f W applies", d->client->from,
              lease->leased_w, lease->options->standing_w);
    else if (!same)
        EVENT(EV_PLAN_CHANGED, d->who,
              "(%s) leases a budget of %.0f W for %.0f s at a time; the standing one is %.0f W",
              d->client->from, watts, (double)lease->lease_us / 1e6, lease->options->standing_w);
    lease->leased_w = watts;
    return ST_OK;
}

static enum status pmi_do_mode(struct pmi_doing *d)
{
    char who[96];
    enum status st;

    if (!(d->wish->items & PMI_MODE))
        return ST_OK;
    (void)snprintf(who, sizeof who, "pmi writer %s (%.48s)", d->who, d->client->from);
    st = d->lease->daemon->set_mode(d->lease->daemon->arg, (enum core_mode_wanted)d->wish->mode, who);
    if (st != ST_OK)
        d->why = "the daemon does not change to that mode now";
    return st; /* the daemon has told who asked for what */
}

static double pmi_or_own(bool written, uint16_t value, double per, double before)
{
    return !written ? before : value == PMI_NO_VALUE ? (double)NAN : value / per;
}

static enum status pmi_do_ride(struct pmi_doing *d)
{
    const struct pmi_wish *wish = d->wish;
    struct pmi_lease *lease = d->lease;
    struct pmi_ride ride = lease->ride;
    enum status st;

    if (!(wish->items & PMI_RIDE))
        return ST_OK;
    ride.reserve_s = pmi_or_own(wish->ride & 1u, wish->reserve_s, 1.0, ride.reserve_s);
    ride.support_ratio = pmi_or_own(wish->ride & 2u, wish->support_permille, 1000.0, ride.support_ratio);
    if (wish->ride & 4u)
        ride.support_after_us =
            wish->support_after_ms == PMI_NO_VALUE ? -1 : wish->support_after_ms * INT64_C(1000);
    st = lease->calls.ride(lease->calls.arg, &ride, &d->why);
    if (st != ST_OK)
        return st;
    lease->ride = ride;
    lease->ride_set = true;
    EVENT(EV_PLAN_CHANGED, d->who,
          "(%s) sets the ride-through policy: reserve %g s, support down to %g, after %" PRId64
          " ms; nan and -1 are the configuration's",
          d->client->from, ride.reserve_s, ride.support_ratio,
          ride.support_after_us < 0 ? -1 : ride.support_after_us / 1000);
    return ST_OK;
}

static struct operator_wish pmi_token_wish(const struct pmi_doing *d, char name[OPERATOR_CLIENT_MAX])
{
    const struct pmi_wish *wish = d->wish;

    (void)snprintf(name, OPERATOR_CLIENT_MAX, "pmi-%.40s", d->who);
    return (struct operator_wish){ .client = name,
                                   .node = d->lease->options->nodes[wish->token_node - 1],
                                   .amount_w = wish->token_w,
                                   .priority = wish->token_priority,
                                   .duration_us = wish->token_duration_s * PMI_US_PER_S };
}

static enum status pmi_token_taken(struct pmi_doing *d, enum status st)
{
    if (st == ST_OK)
        return ST_OK;
    d->why = st == ST_NONE ? "it holds no token to give back" : "there is no room for another client";
    return ST_REFUSED;
}

static enum status pmi_check_token(struct pmi_doing *d)
{
    const struct operator_calls *daemon = d->lease->daemon;
    struct operator_wish ask;
    char name[OPERATOR_CLIENT_MAX];

    if (!(d->wish->items & PMI_TOKEN))
        return ST_OK;
    ask = pmi_token_wish(d, name);
    return pmi_token_taken(d, daemon->token_check(daemon->arg, &ask));
}

static enum status pmi_do_token(struct pmi_doing *d)
{
    const struct pmi_wish *wish = d->wish;
    struct pmi_lease *lease = d->lease;
    struct operator_wish ask;
    char name[OPERATOR_CLIENT_MAX];
    enum status st;

    if (!(wish->items & PMI_TOKEN))
        return ST_OK;
    ask = pmi_token_wish(d, name);
    st = pmi_token_taken(d, lease->daemon->token(lease->daemon->arg, &ask, &lease->token));
    if (st != ST_OK)
        return st;
    lease->token_asked = true;
    lease->token_wish = *wish;
    EVENT(EV_PLAN_CHANGED, d->who,
          "(%s) asks for a token of %" PRIu32 " W for %d s; GET /v1/tokens has the answer", d->client->from,
          wish->token_w, (int)wish->token_duration_s);
    return ST_OK;
}

static void pmi_renew(struct pmi_doing *d, int64_t now_us)
{
    struct pmi_lease *lease = d->lease;

    if (lease->holder != d->client->writer) {
        lease->holder = d->client->writer;
        (void)snprintf(lease->holder_name, sizeof lease->holder_name, "%s", d->who);
        EVENT(EV_PLAN_CHANGED, d->who, "(%s) takes the authority over the rack's window", d->client->from);
    }
    if (d->wish->items & PMI_LEASE)
        lease->lease_us = d->wish->lease_s * PMI_US_PER_S;
    lease->until_us = now_us + lease->lease_us;
    lease->refreshes++;
}

/* What the daemon may refuse comes first: then nothing else of the write is done yet. Of the two, whether
 * the token is taken can be known before; the mode is refused by doing it, and then outlives the daemon. */
static enum status pmi_do_wishes(struct pmi_doing *d)
{
    enum status st = pmi_check_token(d);

    if (st == ST_OK)
        st = pmi_do_mode(d);
    return st == ST_OK ? pmi_do_token(d) : st;
}

static enum pmi_result pmi_do(struct pmi_doing *d, int64_t now_us)
{
    if ((d->wish->items & PMI_KEY) && d->wish->key == 0) {
        if (d->lease->holder == d->client->writer)
            pmi_lease_end(d->lease, "gave the authority back");
        return PMI_RESULT_DONE;
    }
    if (pmi_do_wishes(d) != ST_OK)
        return PMI_RESULT_REFUSED;
    pmi_renew(d, now_us);
    return pmi_do_budget(d) == ST_OK && pmi_do_ride(d) == ST_OK ? PMI_RESULT_DONE : PMI_RESULT_REFUSED;
}

enum pmi_exception pmi_lease_write(struct pmi_lease *lease, struct pmi_client *client,
                                   const struct pmi_wish *wish, int64_t now_us)
{
    struct pmi_doing d = { .lease = lease, .client = client, .wish = wish, .why = "" };
    enum pmi_result result;

    (void)pmi_lease_step(lease, now_us);
    result = pmi_take_authority(lease, client, wish);
    if (result == PMI_RESULT_DONE && !pmi_allowed(lease->options, wish))
        result = PMI_RESULT_NOT_ALLOWED;
    if (result == PMI_RESULT_DONE && !pmi_good(lease->options, wish))
        result = PMI_RESULT_RANGE;
    if (result == PMI_RESULT_DONE) {
        d.who = pmi_writer_name(lease, client);
        d.why = pmi_words[PMI_RESULT_REFUSED];
        result = pmi_do(&d, now_us);
    }
    if (result == PMI_RESULT_DONE) {
        client->result = result;
        lease->accepted++;
    } else {
        pmi_tell_refusal(lease, client, result, result == PMI_RESULT_REFUSED ? d.why : pmi_words[result],
                         now_us);
    }
    return pmi_exception_of(result);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* why_json.c: why a lever holds what it holds, as JSON and as one English sentence.
 *
 * Pure. The facts come from the core's own `why` and `cause`; this file only
 * finds words for them.
 */
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "snapshot_json.h"

#define WHY_SENTENCE_MAX 640
#define WHY_NUMBER_MAX 48

static const char *const why_causes[] = {
    [CORE_CAUSE_TIME] = "time",
    [CORE_CAUSE_READING] = "reading",
    [CORE_CAUSE_ACK] = "ack",
    [CORE_CAUSE_PLAN] = "plan",
};

/* ---- numbers for people ---- */

struct why_number {
    char text[WHY_NUMBER_MAX];
};

/* "104 000 W", "50.25 V", "an unknown value". */
static struct why_number why_quantity(double value, const char *unit)
{
    struct why_number made;
    const char *space = unit[0] ? " " : "";
    int64_t whole;

    if (!isfinite(value)) {
        (void)snprintf(made.text, sizeof made.text, "an unknown value");
        return made;
    }
    whole = fabs(value) < 1e15 ? llround(value) : 0;
    if (whole >= 1000000)
        (void)snprintf(made.text, sizeof made.text, "%" PRId64 " %03" PRId64 " %03" PRId64 "%s%s", whole / 1000000,
                       whole / 1000 % 1000, whole % 1000, space, unit);
    else if (whole >= 10000)
        (void)snprintf(made.text, sizeof made.text, "%" PRId64 " %03" PRId64 "%s%s", whole / 1000, whole % 1000,
                       space, unit);
    else if (whole >= 100)
        (void)snprintf(made.text, sizeof made.text, "%" PRId64 "%s%s", whole, space, unit);
    else
        (void)snprintf(made.text, sizeof made.text, "%.4g%s%s", value, space, unit);
    return made;
}

static struct why_number why_span(int64_t us)
{
    struct why_number made;

    if (us >= 3600 * INT64_C(1000000) && us % (3600 * INT64_C(1000000)) == 0)
        (void)snprintf(made.text, sizeof made.text, "%" PRId64 " h", us / (3600 * INT64_C(1000000)));
    else if (us >= 60000000 && us % 60000000 == 0)
        (void)snprintf(made.text, sizeof made.text, "%" PRId64 " min", us / 60000000);
    else if (us >= 1000000)
        (void)snprintf(made.text, sizeof made.text, "%.4g s", (double)us / 1e6);
    else
        (void)snprintf(made.text, sizeof made.text, "%.4g ms", (double)us / 1e3);
    return made;
}

/* ---- the sentence ---- */

struct why_sentence {
    char text[WHY_SENTENCE_MAX];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void why_say(struct why_sentence *to, const char *format, ...)
{
    size_t room = sizeof to->text - to->used;
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(to->text + to->used, room, format, args);
    va_end(args);
    if (size > 0)
        to->used += (size_t)size < room ? (size_t)size : room - 1;
}

static void why_say_state(struct why_sentence *to, const char *name, const char *unit,
                          const struct core_lever_view *view)
{
    struct why_number wanted = why_quantity(view->wanted, unit), sent = why_quantity(view->sent, unit);
    struct why_number in_force = why_quantity(view->in_force, unit), counted = why_quantity(view->counted, unit);

    switch (view->state) {
    case CORE_LEVER_UNREAD:
        why_say(to, "%s has not been read yet and counts as %s; it is to hold %s", name, counted.text, wanted.text);
        break;
    case CORE_LEVER_STANDING:
        why_say(to, "%s stands at %s, a value Busbar did not set; it is to hold %s", name, in_force.text, wanted.text);
        break;
    case CORE_LEVER_SENT:
        why_say(to, "%s was sent %s and counts as %s until that is read back", name, sent.text, counted.text);
        break;
    case CORE_LEVER_IN_FORCE:
        why_say(to, "%s holds %s", name, in_force.text);
        if (isfinite(view->wanted) && isfinite(view->in_force) && strcmp(wanted.text, in_force.text) != 0)
            why_say(to, " and is to hold %s", wanted.text);
        break;
    case CORE_LEVER_UNKNOWN:
        why_say(to, "%s did not confirm its last order of %s and counts as %s until it is read back; it is to hold %s",
                name, sent.text, counted.text, wanted.text);
        break;
    }
}

/* "rack's 1 s limit of 104 000 W", "group job-a's limit". */
static void why_say_limit(struct why_sentence *to, const struct snapshot *snap, const struct core_why *why)
{
    bool group = why->rule == CORE_RULE_GROUP;
    int32_t count = group ? snap->names->group_count : snap->names->node_count;
    const char *const *names = group ? snap->names->groups : snap->names->nodes;

    if (why->node >= 0 && why->node < count)
        why_say(to, "%s%s's ", group ? "group " : "", names[why->node]);
    else
        why_say(to, "a ");
    if (why->window_us > 0)
        why_say(to, "%s limit", why_span(why->window_us).text);
    else
        why_say(to, "limit");
    if (isfinite(why->bound_w))
        why_say(to, " of %s", why_quantity(why->bound_w, "W").text);
}

static void why_say_rule(struct why_sentence *to, const struct snapshot *snap, const struct core_why *why)
{
    static const char *const plain[CORE_RULE_COUNT] = {
        [CORE_RULE_NONE] = ", and nothing bounds it",
        [CORE_RULE_DEVICE_MAX] = " because the device takes no more",
        [CORE_RULE_DEVICE_MIN] = " because the device takes no less",
        [CORE_RULE_PLAN_MAX] = " because its configured maximum allows no more",
        [CORE_RULE_PLAN_MIN] = " because its configured minimum promises so much",
        [CORE_RULE_BASE] = " because in emergency it gets its base value",
        [CORE_RULE_HOLD] = " because the configuration names that value",
        [CORE_RULE_RESTORE] = " because that is its original value, which is being put back",
        [CORE_RULE_REFRESH] = " because the device's own time-out is refreshed in time",
        [CORE_RULE_DRIFT] = " because someone else, or a reset, had changed it",
        [CORE_RULE_RIDE] = " because a sag of the AC input, or the return from one, needs that",
        [CORE_RULE_CAPABLE] = " because at more load the batteries could not take over in time",
        [CORE_RULE_TOKEN] = " because a client holds a token for that power",
        [CORE_RULE_ARMED] = " because a peak is foreseen and the configuration names that value for it",
    };

    switch (why->rule) {
    case CORE_RULE_LIMIT:
    case CORE_RULE_GROUP:
        why_say(to, " because ");
        why_say_limit(to, snap, why);
        why_say(to, " is shared out fairly");
        break;
    case CORE_RULE_IN_FLIGHT:
        why_say(to, " because room under ");
        why_say_limit(to, snap, why);
        why_say(to, " is still held by values in force or in flight");
        break;
    case CORE_RULE_BAND:
        why_say(to, " because power came close to ");
        why_say_limit(to, snap, why);
        break;
    case CORE_RULE_RECHARGE:
        why_say(to, " because ");
        why_say_limit(to, snap, why);
        why_say(to, " leaves no room to recharge batteries now");
        break;
    case CORE_RULE_PROTECTION:
        if (why->node >= 0 && why->node < snap->names->node_count)
            why_say(to, " because the protective device of %s would trip", snap->names->nodes[why->node]);
        else
            why_say(to, " because a protective device would trip");
        break;
    default:
        why_say(to, "%s", why->rule < CORE_RULE_COUNT && plain[why->rule] ? plain[why->rule] : "");
        break;
    }
}

static void why_say_cause(struct why_sentence *to, const struct snapshot *snap, const struct core_lever_view *view)
{
    struct why_number age = why_span(snap->now_us > view->cause.arrived_us ? snap->now_us - view->cause.arrived_us : 0);

    if (view->number == 0) {
        why_say(to, " No order was given yet.");
        return;
    }
    why_say(to, " Its last order, number %" PRIu64 ", was due to ", view->number);
    switch (view->cause.kind) {
    case CORE_CAUSE_READING:
        why_say(to, "a reading that arrived %s ago.", age.text);
        break;
    case CORE_CAUSE_ACK:
        why_say(to, "an order that was confirmed %s ago.", age.text);
        break;
    case CORE_CAUSE_PLAN:
        why_say(to, "a change of the plan %s ago.", age.text);
        break;
    case CORE_CAUSE_TIME:
        why_say(to, "the passing of time, %s ago.", age.text);
        break;
    }
}

static void why_json_sentence(const struct snapshot *snap, int32_t lever, struct json_object *to)
{
    const struct core_lever_view *view = &core_outputs_levers(snap->outputs)[lever];
    struct why_sentence sentence = { .used = 0 };

    why_say_state(&sentence, snap->names->levers[lever], snap->names->lever_units[lever], view);
    why_say_rule(&sentence, snap, &view->why);
    why_say(&sentence, ".");
    if (snap->outputs->mode == CORE_MODE_OBSERVE)
        why_say(&sentence, " Nothing is written in observe mode.");
    why_say_cause(&sentence, snap, view);
    answer_text(to, "sentence", sentence.text);
}

/* ---- the keys ---- */

static void why_json_why(const struct snapshot *snap, const struct core_why *why, struct json_object *to)
{
    struct json_object *made = answer_object(to, "why");
    bool group = why->rule == CORE_RULE_GROUP;
    int32_t count = group ? snap->names->group_count : snap->names->node_count;
    const char *const *names = group ? snap->names->groups : snap->names->nodes;

    answer_text(made, "rule", core_rule_label(why->rule));
    answer_text(made, "text", core_rule_text(why->rule));
    answer_text(made, "node", why->node >= 0 && why->node < count ? names[why->node] : NULL);
    if (why->window_us > 0)
        answer_ms(made, "window_ms", why->window_us);
    else
        answer_null(made, "window_ms");
    answer_number(made, "bound_w", why->node >= 0 ? why->bound_w : NAN);
}

static void why_json_cause(const struct snapshot *snap, const struct core_lever_view *view, struct json_object *to)
{
    struct json_object *made;

    if (view->number == 0) {
        answer_null(to, "cause");
        return;
    }
    made = answer_object(to, "cause");
    answer_text(made, "kind", why_causes[view->cause.kind]);
    answer_age_ms(made, "taken_age_ms", snap->now_us, view->cause.taken_us);
    answer_age_ms(made, "arrived_age_ms", snap->now_us, view->cause.arrived_us);
}

void why_json_lever(const struct snapshot *snap, int32_t lever, struct json_object *to)
{
    const struct core_lever_view *view = &core_outputs_levers(snap->outputs)[lever];
    int32_t device = snap->names->lever_devices ? snap->names->lever_devices[lever] : CORE_NONE;
    bool known = device >= 0 && device < snap->names->device_count;

    answer_text(to, "lever", snap->names->levers[lever]);
    answer_text(to, "device", known ? snap->names->devices[device].name : NULL);
    answer_number(to, "wanted", view->wanted);
    answer_number(to, "sent", view->sent);
    answer_number(to, "in_force", view->in_force);
    answer_number(to, "counted", view->counted);
    answer_number(to, "demand_w", view->demand_w);
    answer_text(to, "unit", snap->names->lever_units[lever]);
    answer_text(to, "state", core_lever_state_label(view->state));
    answer_count(to, "number", view->number);
    answer_count(to, "orders", view->orders);
    answer_count(to, "refused", view->refused);
    answer_count(to, "failures", view->failures);
    why_json_why(snap, &view->why, to);
    why_json_cause(snap, view, to);
}

struct json_object *why_json(const struct snapshot *snap, int32_t lever)
{
    struct json_object *to = json_object_new_object();

    why_json_lever(snap, lever, to);
    why_json_sentence(snap, lever, to);
    return to;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c: a recording, run again.
 *
 * Owns a core of its own and steps it with every recorded tick's inputs, as fast
 * as it goes; no clock but for the time taken. Never corrects its own course: a
 * recorded copy of the core is loaded at the beginning, after a gap and after a
 * reload, and only compared elsewhere.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "busbar/clock.h"
#include "replay_read.h"

#define REPLAY_LINE ((size_t)64)
#define REPLAY_CORE_MAX ((size_t)256 << 20)

struct replay {
    const struct replay_options *opt;
    struct replay_result *result;
    struct replay_config config;      /* nodes NULL: none yet                           */
    struct replay_names names;
    struct core *core;
    struct core_plan *plan;
    struct core_outputs *out;
    size_t core_bytes;
    bool planned;                     /* `plan` holds one                               */
    bool following;                   /* `core` is where the daemon's was               */
    bool stepped;                     /* since then, so that `last_us` holds            */
    bool ended;
    int64_t last_us;
    int64_t floor_us;                 /* the core's time never goes back                */
    struct replay_tick tick;
    uint64_t records;
};

__attribute__((format(printf, 3, 4))) static enum status replay_fail(struct replay *replay, enum status st,
                                                                     const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(replay->result->trouble, sizeof replay->result->trouble, format, args);
    va_end(args);
    return st;
}

/* ---- what comes before ticks ---- */

static enum status replay_head(struct replay *replay, struct bytes_reader *reader)
{
    struct replay_result *result = replay->result;
    char commit[RECORD_TEXT_MAX];

    bytes_get_text(reader, result->build, sizeof result->build);
    bytes_get_text(reader, commit, sizeof commit);
    bytes_get_text(reader, result->rack, sizeof result->rack);
    if (reader->broken)
        return replay_fail(replay, ST_CORRUPT, "its head is broken");
    result->same_build = strcmp(result->build, RECORD_BUILD) == 0;
    if (!result->same_build && !replay->opt->from_start)
        return replay_fail(replay, ST_REFUSED,
                           "recorded by another build (%.150s; this is %.150s): --from-start runs it from its first tick",
                           result->build, RECORD_BUILD);
    return ST_OK;
}

static void *replay_take(size_t size)
{
    size_t whole = (size + REPLAY_LINE) / REPLAY_LINE * REPLAY_LINE;
    void *block = aligned_alloc(REPLAY_LINE, whole);

    if (block)
        memset(block, 0, whole);
    return block;
}

static void replay_drop(struct replay *replay)
{
    free(replay->core);
    free(replay->plan);
    free(replay->out);
    replay->core = NULL;
    replay->plan = NULL;
    replay->out = NULL;
    replay_config_done(&replay->config);
    replay->planned = replay->following = replay->stepped = false;
}

static enum status replay_config(struct replay *replay, struct bytes_reader *reader)
{
    const struct core_config *config;
    enum status st;

    replay_drop(replay);
    st = replay_read_config(reader, &replay->config);
    if (st != ST_OK)
        return replay_fail(replay, st, "its configuration is broken");
    config = &replay->config.config;
    replay->core_bytes = core_size(config);
    if (replay->core_bytes > REPLAY_CORE_MAX)
        return replay_fail(replay, ST_CORRUPT, "its configuration is too large");
    replay->core = replay_take(replay->core_bytes);
    replay->plan = replay_take(core_plan_size(config));
    replay->out = replay_take(core_outputs_size(config));
    if (!replay->core || !replay->plan || !replay->out)
        return replay_fail(replay, ST_NOMEM, "not enough memory");
    replay->floor_us = 0;
    replay->tick.request_count = 0; /* the tick after the next copy of the core brings them */
    core_init(replay->core, config);
    core_outputs_init(replay->out, config);
    replay->following = replay->opt->from_start;
    return ST_OK;
}

static enum status replay_names(struct replay *replay, struct bytes_reader *reader)
{
    replay_names_done(&replay->names);
    if (replay_read_names(reader, &replay->names) != ST_OK)
        return replay_fail(replay, ST_CORRUPT, "its names are broken");
    return ST_OK;
}

static enum status replay_plan(struct replay *replay, struct bytes_reader *reader)
{
    if (!replay->core)
        return replay_fail(replay, ST_CORRUPT, "a plan comes before the configuration");
    replay->planned = replay_read_plan(reader, &replay->config.config, replay->plan) == ST_OK;
    return replay->planned ? ST_OK : replay_fail(replay, ST_CORRUPT, "a plan is broken");
}

/* Ticks are missing before this one. Nothing of before the recording counts. */
static void replay_gap(struct replay *replay, uint64_t lost)
{
    if (lost == 0 || !replay->following)
        return;
    replay->result->gaps++;
    replay->result->lost += lost;
    replay->following = replay->opt->from_start;
    replay->stepped = false;
}

/* The daemon's own block: ours from here on, or what ours should be. */
static enum status replay_core(struct replay *replay, struct bytes_reader *reader)
{
    const void *block;

    (void)bytes_get_u64(reader);
    replay_gap(replay, bytes_get_u64(reader));
    if (replay->opt->from_start)
        return ST_OK;
    block = bytes_get(reader, replay->core_bytes);
    if (!replay->core || !block || reader->left > 0)
        return replay_fail(replay, ST_CORRUPT, "a copy of the core is broken");
    if (replay->following) {
        replay->result->blocks++;
        replay->result->blocks_different += memcmp(replay->core, block, replay->core_bytes) != 0;
        return ST_OK;
    }
    memcpy(replay->core, block, replay->core_bytes);
    if (core_block_size(replay->core) != replay->core_bytes)
        return replay_fail(replay, ST_CORRUPT, "a copy of the core does not fit its configuration");
    replay->following = true;
    replay->stepped = false;
    replay->floor_us = 0;
    return ST_OK;
}

/* ---- ticks ---- */

__attribute__((format(printf, 2, 3))) static void replay_differs(struct replay *replay, const char *format, ...)
{
    struct replay_result *result = replay->result;
    va_list args;
    int size;

    if (result->different++ > 0)
        return;
    size = snprintf(result->first, sizeof result->first, "tick %" PRIu64 " (%.3f s in): ", result->ticks,
                    (double)result->recorded_us / 1e6);
    va_start(args, format);
    (void)vsnprintf(result->first + size, sizeof result->first - (size_t)size, format, args);
    va_end(args);
}

static void replay_compare_order(struct replay *replay, const struct core_order *was, const struct core_order *is)
{
    char before[64], now[64];
    uint32_t which;
    const struct bytes_field *field = bytes_compare(BYTES_TABLE(record_order_fields), was, is, &which);

    if (!field)
        return;
    bytes_explain(field, which, was, before, sizeof before);
    bytes_explain(field, which, is, now, sizeof now);
    replay_differs(replay, "%s: %s was %s, is %s", replay_names_lever(&replay->names, was->lever), field->name,
                   before, now);
}

static void replay_compare(struct replay *replay)
{
    const struct core_order *is = core_outputs_orders(replay->out);
    uint32_t was_count = replay->tick.order_count, is_count = (uint32_t)replay->out->order_count;

    replay->result->orders += was_count;
    for (uint32_t i = 0; i < was_count || i < is_count; i++) {
        if (i >= is_count)
            replay_differs(replay, "%s: an order for %.17g was made, none is",
                           replay_names_lever(&replay->names, replay->tick.orders[i].lever),
                           replay->tick.orders[i].value);
        else if (i >= was_count)
            replay_differs(replay, "%s: no order was made, one for %.17g is",
                           replay_names_lever(&replay->names, is[i].lever), is[i].value);
        else
            replay_compare_order(replay, &replay->tick.orders[i], &is[i]);
    }
}

static void replay_print_orders(struct replay *replay)
{
    const struct core_order *orders = core_outputs_orders(replay->out);

    for (int32_t i = 0; i < replay->out->order_count; i++)
        (void)fprintf(replay->opt->verbose, "%.6f %s %s %.6g: %s\n", (double)replay->result->recorded_us / 1e6,
                      replay_names_lever(&replay->names, orders[i].lever), orders[i].release ? "release" : "set",
                      orders[i].value, core_rule_text(orders[i].why.rule));
}

/* What this step counts as having taken. */
static int64_t replay_least(struct replay *replay, int64_t us)
{
    struct replay_least *least = replay->opt->least;
    uint64_t i = replay->result->ticks;

    if (!least)
        return us;
    if (i == least->room) {
        uint64_t room = least->room > 0 ? 2 * least->room : 1024;
        int64_t *more = realloc(least->us, room * sizeof *more);

        if (!more)
            return us;
        least->us = more;
        least->room = room;
    }
    if (i == least->count)
        least->us[least->count++] = us;
    else if (i < least->count && us < least->us[i])
        least->us[i] = us;
    return i < least->count ? least->us[i] : us;
}

static void replay_step(struct replay *replay)
{
    const struct replay_tick *tick = &replay->tick;
    struct core_inputs in = {
        .now_us = tick->now_us, .reading_count = (int32_t)tick->reading_count, .ack_count = (int32_t)tick->ack_count,
        .identity_count = (int32_t)tick->identity_count, .readings = tick->readings, .acks = tick->acks,
        .identities = tick->identities, .request_count = (int32_t)tick->request_count, .requests = tick->requests,
        .hint_count = (int32_t)tick->hint_count, .hints = tick->hints, .plan = replay->plan,
    };

    int64_t begun_us = clock_now_us();

    core_step(replay->core, &in, replay->out);
    histogram_add(&replay->result->core_step, replay_least(replay, clock_now_us() - begun_us));
    if (replay->stepped)
        replay->result->recorded_us += tick->now_us - replay->last_us;
    replay->last_us = replay->floor_us = tick->now_us;
    replay->stepped = true;
    replay->result->ticks++;
    replay_compare(replay);
    if (replay->opt->verbose)
        replay_print_orders(replay);
}

static enum status replay_tick(struct replay *replay, struct bytes_reader *reader)
{
    enum status st;

    if (!replay->following) {
        replay->result->skipped++;
        return ST_OK;
    }
    st = replay_read_tick(reader, &replay->config.config, &replay->tick);
    if (st == ST_NOMEM)
        return replay_fail(replay, st, "not enough memory");
    if (st != ST_OK)
        return replay_fail(replay, ST_CORRUPT, "tick %" PRIu64 " is broken", replay->result->ticks);
    if (!replay->planned || replay->tick.plan_version != replay->plan->version)
        return replay_fail(replay, ST_CORRUPT, "the plan of tick %" PRIu64 " is missing", replay->result->ticks);
    if (replay->tick.now_us < replay->floor_us)
        return replay_fail(replay, ST_CORRUPT, "time goes back at tick %" PRIu64, replay->result->ticks);
    replay_step(replay);
    return ST_OK;
}

/* ---- records ---- */

static enum status replay_end(struct replay *replay, struct bytes_reader *reader)
{
    if (bytes_get_u64(reader) != replay->records || reader->broken)
        return replay_fail(replay, ST_CORRUPT, "records are missing");
    replay->ended = true;
    return ST_OK;
}

static enum status replay_record(struct replay *replay, uint32_t type, struct bytes_reader *reader)
{
    switch ((enum record_type)type) {
    case RECORD_HEAD:
        return replay_head(replay, reader);
    case RECORD_NAMES:
        return replay_names(replay, reader);
    case RECORD_CONFIG:
        return replay_config(replay, reader);
    case RECORD_PLAN:
        return replay_plan(replay, reader);
    case RECORD_CORE:
        return replay_core(replay, reader);
    case RECORD_TICK:
        return replay_tick(replay, reader);
    case RECORD_END:
        return replay_end(replay, reader);
    case RECORD_TEXT:
        return ST_OK;
    case RECORD_NONE:
    case RECORD_TYPE_COUNT:
        break;
    }
    return replay_fail(replay, ST_CORRUPT, "record %" PRIu64 " is of no known type (%" PRIu32 ")", replay->records, type);
}

static enum status replay_next(struct replay *replay, struct bytes_reader *file)
{
    uint32_t type = bytes_get_u32(file), size = bytes_get_u32(file), sum = bytes_get_u32(file);
    struct bytes_reader payload = { .at = bytes_get(file, size), .left = size };
    enum status st;

    if (file->broken)
        return replay_fail(replay, ST_CORRUPT, "it is cut short after %" PRIu64 " records", replay->records);
    if (!replay->opt->trust_sums && (uint32_t)crc32(0, payload.at, size) != sum)
        return replay_fail(replay, ST_CORRUPT, "record %" PRIu64 " is damaged", replay->records);
    if ((replay->records == 0) != (type == RECORD_HEAD))
        return replay_fail(replay, ST_CORRUPT, "its head is not where it should be");
    st = replay_record(replay, type, &payload);
    replay->records++;
    return st;
}

static enum status replay_run(struct replay *replay, const void *data, size_t size)
{
    struct bytes_reader file = { .at = data, .left = size };
    const void *magic = bytes_get(&file, RECORD_MAGIC_SIZE);
    uint32_t version = bytes_get_u32(&file);
    enum status st = ST_OK;

    (void)bytes_get_u32(&file);
    if (file.broken || memcmp(magic, RECORD_MAGIC, RECORD_MAGIC_SIZE) != 0)
        return replay_fail(replay, ST_CORRUPT, "this is no recording");
    if (version != RECORD_VERSION)
        return replay_fail(replay, ST_REFUSED,
                           "it is in version %" PRIu32 " of the form, this program reads version %d alone", version,
                           RECORD_VERSION);
    while (st == ST_OK && !replay->ended)
        st = replay_next(replay, &file);
    if (st == ST_OK && replay->result->ticks == 0)
        st = replay_fail(replay, ST_NONE, "there is no tick in it that can be followed");
    return st;
}

enum status replay_bytes(const void *data, size_t size, const struct replay_options *opt, struct replay_result *ret)
{
    struct replay replay = { .opt = opt, .result = ret };
    int64_t begun_us = clock_now_us();
    enum status st;

    memset(ret, 0, sizeof *ret);
    st = replay_run(&replay, data, size);
    ret->wall_us = clock_now_us() - begun_us;
    replay_drop(&replay);
    replay_names_done(&replay.names);
    replay_tick_done(&replay.tick);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_replay.c: differences are found and named, broken files are refused. */
#include <zlib.h>

#include "daemon_bench.h"
#include "sim/replay.h"
#include "sim/replay_read.h"

struct recording {
    struct bench bench;
    unsigned char *data;
    size_t size;
};

static void recording_new(struct recording *recording)
{
    bench_new(&recording->bench, CORE_WANT_CONTROL, (size_t)4 << 20);
    bench_run(&recording->bench, 300);
    recording->data = bench_save(&recording->bench, 0, &recording->size);
}

static void recording_free(struct recording *recording)
{
    free(recording->data);
    bench_free(&recording->bench);
}

static enum status recording_run(const struct recording *recording, size_t size, bool from_start,
                                 struct replay_result *ret)
{
    struct replay_options opt = { .from_start = from_start };

    return replay_bytes(recording->data, size, &opt, ret);
}

static uint32_t recording_u32(const unsigned char *at)
{
    struct bytes_reader reader = { .at = at, .left = 4 };

    return bytes_get_u32(&reader);
}

/* The payload of the next record of a type at or after `from`; NULL: none. With
 * `orders` only ticks that made some. */
static unsigned char *recording_find(struct recording *recording, enum record_type type, bool orders,
                                     size_t *ret_size)
{
    size_t at = RECORD_FILE_HEAD_SIZE;

    while (at < recording->size) {
        unsigned char *head = recording->data + at, *payload = head + RECORD_HEAD_SIZE;
        uint32_t size = recording_u32(head + 4);

        if (recording_u32(head) == (uint32_t)type && (!orders || recording_u32(payload + 28) > 0)) {
            *ret_size = size;
            return payload;
        }
        at += RECORD_HEAD_SIZE + size;
    }
    return NULL;
}

/* After a payload was changed on purpose. */
static void recording_sum(unsigned char *payload, size_t size)
{
    struct bytes_writer writer = { .at = payload - 4, .room = 4 };

    bytes_put_u32(&writer, (uint32_t)crc32(0, payload, (uInt)size));
}

static void a_changed_order_is_found_and_named(void **state)
{
    struct recording recording;
    struct replay_result result;
    size_t size, order_size = bytes_struct_size(BYTES_TABLE(record_order_fields));
    unsigned char *tick;

    (void)state;
    recording_new(&recording);
    tick = recording_find(&recording, RECORD_TICK, true, &size);
    assert_non_null(tick);
    tick[size - order_size + 4 + 1 + 8] ^= 1; /* lowest bit of the last order's value */
    recording_sum(tick, size);
    assert_int_equal(recording_run(&recording, recording.size, false, &result), ST_OK);
    assert_int_equal(result.different, 1);
    assert_non_null(strstr(result.first, ": value was "));
    assert_non_null(strstr(result.first, "bmc-1.gpu-"));
    recording_free(&recording);
}

static void a_changed_reading_changes_orders(void **state)
{
    struct recording recording;
    struct replay_result result;
    struct core_reading reading;
    struct bytes_writer writer;
    unsigned char *tick;
    size_t size, each = bytes_struct_size(BYTES_TABLE(record_reading_fields));
    const struct core_config *config;

    (void)state;
    recording_new(&recording);
    config = &recording.bench.rig->config;
    tick = recording_find(&recording, RECORD_TICK, false, &size);
    for (uint32_t i = 0; i < recording_u32(tick + 16); i++) { /* what a GPU was set to at first */
        struct bytes_reader reader = { .at = tick + RECORD_TICK_HEAD_SIZE + i * each, .left = each };

        bytes_get_struct(&reader, BYTES_TABLE(record_reading_fields), &reading);
        for (int32_t l = 0; l < config->lever_count; l++)
            if (config->levers[l].use == CORE_LEVER_LIMIT &&
                config->levers[l].readback_point == reading.point)
                reading.value = config->levers[l].min;
        writer = (struct bytes_writer){ .at = tick + RECORD_TICK_HEAD_SIZE + i * each, .room = each };
        bytes_put_struct(&writer, BYTES_TABLE(record_reading_fields), &reading);
    }
    recording_sum(tick, size);
    assert_int_equal(recording_run(&recording, recording.size, false, &result), ST_OK);
    assert_true(result.different > 0);
    assert_true(result.first[0] != '\0');
    recording_free(&recording);
}

static void a_step_counts_with_the_least_it_took(void **state)
{
    struct recording recording;
    struct replay_result result;
    struct replay_least least = { .us = NULL };
    const struct replay_options opt = { .from_start = true, .least = &least };

    (void)state;
    recording_new(&recording);
    assert_int_equal(replay_bytes(recording.data, recording.size, &opt, &result), ST_OK);
    assert_true(result.ticks > 0);
    assert_int_equal(least.count, result.ticks);
    for (uint64_t i = 0; i < least.count; i++)
        least.us[i] = i == 0 ? 7 * 1000000 : 0; /* no step takes seconds, and none less than nothing */
    assert_int_equal(replay_bytes(recording.data, recording.size, &opt, &result), ST_OK);
    assert_int_equal(least.count, result.ticks);
    assert_true(least.us[0] < 7 * 1000000);
    assert_int_equal(result.core_step.max_us, least.us[0]);
    free(least.us);
    recording_free(&recording);
}

static void a_whole_run_is_the_same_from_its_start(void **state)
{
    struct recording recording;
    struct replay_result result;

    (void)state;
    recording_new(&recording);
    assert_int_equal(recording_run(&recording, recording.size, true, &result), ST_OK);
    assert_int_equal(result.ticks, 300);
    assert_int_equal(result.orders, recording.bench.orders);
    assert_int_equal(result.different, 0);
    recording_free(&recording);
}

static void another_build_is_refused_unless_from_the_start(void **state)
{
    struct recording recording;
    struct replay_result result;
    unsigned char *head;
    size_t size;

    (void)state;
    recording_new(&recording);
    head = recording_find(&recording, RECORD_HEAD, false, &size);
    head[4] ^= 1;
    recording_sum(head, size);
    assert_int_equal(recording_run(&recording, recording.size, false, &result), ST_REFUSED);
    assert_non_null(strstr(result.trouble, "--from-start"));
    assert_int_equal(recording_run(&recording, recording.size, true, &result), ST_OK);
    assert_false(result.same_build);
    recording_free(&recording);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    struct recording recording;
    struct replay_result result;

    (void)state;
    recording_new(&recording);
    for (size_t size = 0; size < recording.size; size += size < 2000 ? 1 : 4999) {
        assert_int_equal(recording_run(&recording, size, false, &result), ST_CORRUPT);
        assert_true(result.trouble[0] != '\0');
    }
    assert_int_equal(recording_run(&recording, recording.size - 1, false, &result), ST_CORRUPT);
    recording_free(&recording);
}

static void another_version_of_the_form_is_refused_in_words(void **state)
{
    struct recording recording;
    struct replay_result result;

    (void)state;
    recording_new(&recording);
    recording.data[8] = 1;
    assert_int_equal(recording_run(&recording, recording.size, true, &result), ST_REFUSED);
    assert_string_equal(result.trouble, "it is in version 1 of the form, this program reads version 5 alone");
    recording_free(&recording);
}

static void a_damaged_byte_is_noticed(void **state)
{
    struct recording recording;
    struct replay_result result;

    (void)state;
    recording_new(&recording);
    for (size_t at = 0; at < recording.size; at += 3989) {
        if (at >= 12 && at < RECORD_FILE_HEAD_SIZE)
            continue; /* of no meaning yet */
        recording.data[at] ^= 0x40;
        assert_int_not_equal(recording_run(&recording, recording.size, false, &result), ST_OK);
        recording.data[at] ^= 0x40;
    }
    recording.data[8] = 99; /* version */
    assert_int_equal(recording_run(&recording, recording.size, false, &result), ST_REFUSED);
    recording_free(&recording);
}

/* Sums right, content wrong: nothing may reach the core that it would stop for. */
static void wrong_content_under_right_sums_is_turned_away(void **state)
{
    static const enum record_type types[] = { RECORD_CONFIG, RECORD_PLAN, RECORD_TICK, RECORD_NAMES };
    uint32_t seed = 12345;
    struct recording recording;
    struct replay_result result;
    int refused = 0;

    (void)state;
    bench_new_with(&recording.bench, CORE_WANT_CONTROL, (size_t)4 << 20, bench_power_yaml);
    bench_run(&recording.bench, 300);
    recording.data = bench_save(&recording.bench, 0, &recording.size);
    for (int i = 0; i < 600; i++) {
        size_t size, at;
        unsigned char *payload = recording_find(&recording, types[i % 4], false, &size);
        unsigned char was;

        assert_non_null(payload);
        seed = seed * 1664525u + 1013904223u;
        at = (seed >> 8) % size;
        was = payload[at];
        payload[at] = (unsigned char)(seed >> 3);
        recording_sum(payload, size);
        refused += recording_run(&recording, recording.size, true, &result) != ST_OK;
        payload[at] = was;
        recording_sum(payload, size);
    }
    assert_true(refused > 50); /* most bytes are numbers that may be anything */
    assert_int_equal(recording_run(&recording, recording.size, true, &result), ST_OK);
    recording_free(&recording);
}

/* As recorder.c writes a plan; false: it is not taken. */
static bool plan_again(const struct core_config *config, struct core_plan *plan, struct core_plan *ret)
{
    unsigned char raw[8192];
    struct bytes_writer writer = { .at = raw, .room = sizeof raw };
    struct bytes_reader reader = { .at = raw };

    bytes_put_struct(&writer, BYTES_TABLE(record_plan_fields), plan);
    for (int32_t n = 0; n < config->node_count; n++)
        bytes_put_struct(&writer, BYTES_TABLE(record_plan_node_fields), &core_plan_nodes(plan)[n]);
    for (int32_t l = 0; l < config->lever_count; l++)
        bytes_put_struct(&writer, BYTES_TABLE(record_plan_lever_fields), &core_plan_levers(plan)[l]);
    assert_true(writer.size < sizeof raw);
    reader.left = writer.size;
    return replay_read_plan(&reader, config, ret) == ST_OK;
}

static void what_a_peak_arms_is_read_again(void **state)
{
    struct core_config_lever levers[2] = { { .use = CORE_LEVER_HOLD }, { .use = CORE_LEVER_HOLD } };
    struct core_config_node node = { .kind = CORE_NODE_RACK };
    const struct core_config config = { .node_count = 1, .nodes = &node, .lever_count = 2, .levers = levers };
    struct core_plan *plan = calloc(1, core_plan_size(&config)), *again = calloc(1, core_plan_size(&config));

    (void)state;
    assert_true(plan && again);
    core_plan_init(plan, &config);
    plan->arm_ratio = 0.8;
    plan->arm_hold_us = 45000000;
    core_plan_levers(plan)[1].armed = 51.25;
    assert_true(plan_again(&config, plan, again));
    assert_true(again->arm_ratio == 0.8 && again->arm_hold_us == 45000000);
    assert_true(isnan(core_plan_levers(again)[0].armed) && core_plan_levers(again)[1].armed == 51.25);
    plan->arm_ratio = (double)NAN;
    assert_false(plan_again(&config, plan, again));
    plan->arm_ratio = 0.8;
    plan->arm_hold_us = -1;
    assert_false(plan_again(&config, plan, again));
    free(plan);
    free(again);
}

static void counts_beyond_the_file_allocate_nothing(void **state)
{
    unsigned char raw[64];
    struct bytes_writer writer = { .at = raw, .room = sizeof raw };
    struct core_config config = { .node_count = 60000,
                                  .point_count = 60000,
                                  .lever_count = 60000,
                                  .device_count = 60000,
                                  .period_us = 10000 };
    struct replay_config ret;
    struct replay_names names;

    (void)state;
    bytes_put_struct(&writer, BYTES_TABLE(record_config_fields), &config);

    struct bytes_reader reader = { .at = raw, .left = writer.size };

    assert_int_equal(replay_read_config(&reader, &ret), ST_CORRUPT);
    memset(raw, 0xff, sizeof raw);
    reader = (struct bytes_reader){ .at = raw, .left = sizeof raw };
    assert_int_equal(replay_read_names(&reader, &names), ST_CORRUPT);
}

/* ---- what the fuzzer of recordings begins with ---- */

static const struct seed {
    const char *name, *drop_in;
} seeds[] = {
    { "small.rec", NULL },
    { "power.rec", bench_power_yaml },
    { "learn.rec", "control: {forecast: {learn: true, arm_ratio: 0.5, arm_hold_s: 1}}\n"
                   "devices:\n"
                   "  - {name: psu-2, bus: line-1, address: 0xe9, profile: orv3-psu, node: rack,\n"
                   "     levers: [{signal: psu_output_setpoint_v, use: hold, value: 51.0, armed: 50.0}]}\n" },
};

/* Without texts and without the core, which a replay from the start has no use for. */
static size_t seed_thin(unsigned char *data, size_t size)
{
    size_t to = RECORD_FILE_HEAD_SIZE;
    uint64_t records = 0;

    for (size_t at = to, whole; at < size; at += whole) {
        uint32_t type = recording_u32(data + at);
        struct bytes_writer end = { .at = data + at + RECORD_HEAD_SIZE, .room = 8 };

        whole = RECORD_HEAD_SIZE + recording_u32(data + at + 4);
        if (type == RECORD_TEXT || type == RECORD_CORE)
            continue;
        if (type == RECORD_END) {
            bytes_put_u64(&end, records);
            recording_sum(data + at + RECORD_HEAD_SIZE, 8);
        }
        records++;
        memmove(data + to, data + at, whole);
        to += whole;
    }
    return to;
}

static void seed_accept(const struct seed *seed, const char *path)
{
    struct bench bench;
    unsigned char *data;
    size_t size;
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    bench_new_with(&bench, CORE_WANT_CONTROL, (size_t)4 << 20, seed->drop_in);
    bench_run(&bench, 30);
    data = bench_save(&bench, 0, &size);
    size = seed_thin(data, size);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(data);
    bench_free(&bench);
}

/* A fuzzer that begins with what is refused at its head never gets further. BUSBAR_ACCEPT=1 writes them anew. */
static void the_seeds_of_the_fuzzer_are_recordings_of_this_version(void **state)
{
    (void)state;

    for (size_t k = 0; k < sizeof seeds / sizeof seeds[0]; k++) {
        struct replay_options opt = { .from_start = true, .trust_sums = true };
        struct replay_result result;
        unsigned char data[65536];
        char path[512];
        size_t size;
        FILE *file;

        (void)snprintf(path, sizeof path, "%s/tests/fuzz/seeds/replay/%s", BUSBAR_SOURCE_DIR, seeds[k].name);
        if (getenv("BUSBAR_ACCEPT"))
            seed_accept(&seeds[k], path);
        file = fopen(path, "r");
        assert_non_null(file);
        size = fread(data, 1, sizeof data, file);
        assert_true(feof(file) && fclose(file) == 0);
        if (replay_bytes(data, size, &opt, &result) != ST_OK)
            fail_msg("%s: %s; BUSBAR_ACCEPT=1 test_replay writes it anew", path, result.trouble);
        assert_int_equal(result.ticks, 30);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seeds_of_the_fuzzer_are_recordings_of_this_version),
        cmocka_unit_test(a_changed_order_is_found_and_named),
        cmocka_unit_test(a_changed_reading_changes_orders),
        cmocka_unit_test(a_step_counts_with_the_least_it_took),
        cmocka_unit_test(a_whole_run_is_the_same_from_its_start),
        cmocka_unit_test(another_build_is_refused_unless_from_the_start),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(another_version_of_the_form_is_refused_in_words),
        cmocka_unit_test(a_damaged_byte_is_noticed),
        cmocka_unit_test(wrong_content_under_right_sums_is_turned_away),
        cmocka_unit_test(what_a_peak_arms_is_read_again),
        cmocka_unit_test(counts_beyond_the_file_allocate_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_pmi_lease.c: who may write to the rack's window, for how long, and what is done;
 * and the registers of the window and of a shelf. Time is an argument. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "busbar/log.h"
#include "operator/pmi_lease.h"
#include "operator/pmi_map.h"

#define SECOND INT64_C(1000000)
#define KEY_A  UINT64_C(0x1122334455667788)
#define KEY_B  UINT64_C(0x8877665544332211)

static struct {
    struct pmi_options options;
    struct operator_calls daemon;
    struct pmi_lease lease;
    struct pmi_client a, b, stranger;
    int budgets, rides, modes, tokens;
    double budget_w;
    int64_t until_us, now_us;
    struct pmi_ride ride;
    enum core_mode_wanted mode;
    char who[96];
    struct operator_wish wish;
    char wish_client[64];
    bool refuse, no_token;
    int events[EV_COUNT];
    char message[256];
} rig;

static enum status rig_budget(void *arg, double budget_w, int64_t until_us, const char **ret_why)
{
    (void)arg;
    (void)ret_why;
    rig.budgets++;
    rig.budget_w = budget_w;
    rig.until_us = until_us;
    return ST_OK;
}

static enum status rig_ride(void *arg, const struct pmi_ride *ride, const char **ret_why)
{
    (void)arg;
    (void)ret_why;
    rig.rides++;
    rig.ride = *ride;
    return ST_OK;
}

static enum status rig_mode(void *arg, enum core_mode_wanted mode, const char *who)
{
    (void)arg;
    rig.modes++;
    rig.mode = mode;
    (void)snprintf(rig.who, sizeof rig.who, "%s", who);
    return rig.refuse ? ST_REFUSED : ST_OK;
}

static enum core_mode_wanted rig_mode_wanted(void *arg)
{
    (void)arg;
    return rig.mode;
}

static enum status rig_token(void *arg, const struct operator_wish *wish, struct operator_token *ret)
{
    (void)arg;
    rig.tokens++;
    rig.wish = *wish;
    (void)snprintf(rig.wish_client, sizeof rig.wish_client, "%s", wish->client);
    *ret = (struct operator_token){ .client = 7, .version = 1 };
    return rig.refuse || rig.no_token ? ST_BUSY : ST_OK;
}

static enum status rig_token_check(void *arg, const struct operator_wish *wish)
{
    (void)arg;
    (void)wish;
    return rig.refuse || rig.no_token ? ST_BUSY : ST_OK;
}

static void rig_event(enum ev event, const char *who, const char *message, void *arg)
{
    (void)arg;
    rig.events[event]++;
    (void)snprintf(rig.message, sizeof rig.message, "%s %s", who, message);
}

static int rig_make(void **state)
{
    struct pmi_calls calls = { .budget = rig_budget, .ride = rig_ride };

    (void)state;
    memset(&rig, 0, sizeof rig);
    rig.options = (struct pmi_options){ .writer_count = 2,
                                        .writers = { { .name = "ems", .key = KEY_A },
                                                     { .name = "dcim", .key = KEY_B } },
                                        .may_budget = true,
                                        .may_mode = true,
                                        .may_ride = true,
                                        .may_tokens = true,
                                        .lease_max_us = 300 * SECOND,
                                        .budget_min_w = 50e3,
                                        .budget_max_w = 132e3,
                                        .standing_w = 100e3,
                                        .reserve_min_s = 90,
                                        .node_count = 1,
                                        .nodes = { 3 } };
    rig.daemon = (struct operator_calls){ .set_mode = rig_mode, .mode_wanted = rig_mode_wanted, .token = rig_token,
                                          .token_check = rig_token_check };
    rig.a = (struct pmi_client){ .writers = 1, .writer = PMI_NOBODY, .from = "10.0.0.1:1" };
    rig.b = (struct pmi_client){ .writers = 2, .writer = PMI_NOBODY, .from = "10.0.0.2:1" };
    rig.stranger = (struct pmi_client){ .writer = PMI_NOBODY, .from = "10.9.9.9:1" };
    rig.now_us = 1000 * SECOND;
    pmi_lease_init(&rig.lease, &rig.options, &calls, &rig.daemon);
    log_set_event_sink(rig_event, NULL);
    return 0;
}

static int rig_unmake(void **state)
{
    (void)state;
    log_set_event_sink(NULL, NULL);
    return 0;
}

static enum pmi_exception write_wish(struct pmi_client *client, struct pmi_wish wish)
{
    return pmi_lease_write(&rig.lease, client, &wish, rig.now_us);
}

static struct pmi_wish key(uint64_t value)
{
    return (struct pmi_wish){ .items = PMI_KEY, .key = value };
}

static struct pmi_wish budget(uint32_t watts)
{
    return (struct pmi_wish){ .items = PMI_BUDGET, .budget_w = watts };
}

/* ---- authority ---- */

static void without_a_key_nothing_is_written(void **state)
{
    (void)state;
    assert_int_equal(write_wish(&rig.a, budget(80000)), PMI_ILLEGAL_FUNCTION);
    assert_int_equal(rig.a.result, PMI_RESULT_NO_KEY);
    assert_int_equal(write_wish(&rig.stranger, key(KEY_A)), PMI_ILLEGAL_FUNCTION);
    assert_int_equal(rig.stranger.result, PMI_RESULT_NO_RIGHT);
    assert_int_equal(write_wish(&rig.a, key(KEY_B)), PMI_ILLEGAL_FUNCTION); /* another's, from this address */
    assert_int_equal(rig.a.wrong_keys, 1);
    assert_int_equal(rig.budgets, 0);
    assert_int_equal(rig.lease.refused, 3);
    assert_int_equal(rig.events[EV_PLAN_REFUSED],
                     2); /* the second of one client within a second is counted */
}

static void a_budget_is_leased_with_the_key_and_ends_in_time(void **state)
{
    (void)state;
    assert_int_equal(write_wish(&rig.a, key(KEY_A)), PMI_FINE);
    assert_int_equal(
        write_wish(&rig.a,
                   (struct pmi_wish){ .items = PMI_LEASE | PMI_BUDGET, .lease_s = 30, .budget_w = 80000 }),
        PMI_FINE);
    assert_float_equal(rig.budget_w, 80e3, 1e-9);
    assert_int_equal(rig.until_us, rig.now_us + 30 * SECOND);
    assert_int_equal(rig.events[EV_PLAN_CHANGED], 2); /* the authority, and the budget */
    assert_int_equal(pmi_lease_step(&rig.lease, rig.now_us), rig.now_us + 30 * SECOND);
    assert_int_equal(rig.events[EV_LEASE_ENDED], 0);
    assert_int_equal(pmi_lease_step(&rig.lease, rig.now_us + 30 * SECOND), INT64_MAX);
    assert_true(isnan(rig.budget_w));
    assert_int_equal(rig.events[EV_LEASE_ENDED], 1);
    assert_non_null(strstr(rig.message, "100000 W"));
    assert_true(rig.lease.holder == PMI_NOBODY);
}

static void a_refresh_renews_the_budget_and_is_no_event(void **state)
{
    int events;

    (void)state;
    (void)write_wish(&rig.a, key(KEY_A));
    (void)write_wish(&rig.a, budget(80000));
    events = rig.events[EV_PLAN_CHANGED];
    rig.now_us += 50 * SECOND;
    assert_int_equal(write_wish(&rig.a, (struct pmi_wish){ .items = PMI_REFRESH }), PMI_FINE);
    assert_float_equal(rig.budget_w, 80e3, 1e-9);
    assert_int_equal(rig.until_us, rig.now_us + 60 * SECOND);
    assert_int_equal(write_wish(&rig.a, budget(80000)), PMI_FINE);
    assert_int_equal(rig.events[EV_PLAN_CHANGED], events);
    assert_int_equal(write_wish(&rig.a, budget(70000)), PMI_FINE);
    assert_int_equal(rig.events[EV_PLAN_CHANGED], events + 1);
}

static void one_writer_at_a_time_has_the_authority(void **state)
{
    (void)state;
    (void)write_wish(&rig.a, key(KEY_A));
    assert_int_equal(write_wish(&rig.b, key(KEY_B)), PMI_DEVICE_BUSY);
    assert_int_equal(rig.b.result, PMI_RESULT_HELD);
    assert_int_equal(write_wish(&rig.a, key(0)), PMI_FINE); /* given back */
    assert_int_equal(rig.events[EV_LEASE_ENDED], 1);
    assert_int_equal(write_wish(&rig.b, budget(90000)), PMI_FINE);
    assert_int_equal(write_wish(&rig.a, budget(90000)), PMI_DEVICE_BUSY);
    rig.now_us += 61 * SECOND; /* the other fell silent */
    assert_int_equal(write_wish(&rig.a, budget(90000)), PMI_FINE);
}

static void the_same_writer_comes_back_over_another_connection(void **state)
{
    struct pmi_client again = { .writers = 1, .writer = PMI_NOBODY, .from = "10.0.0.1:2" };

    (void)state;
    (void)write_wish(&rig.a, key(KEY_A));
    (void)write_wish(&rig.a, budget(80000));
    assert_int_equal(write_wish(&again, key(KEY_A)), PMI_FINE);
    assert_int_equal(write_wish(&again, budget(81000)), PMI_FINE);
}

/* ---- limits of what may be asked ---- */

static void what_is_outside_the_configuration_is_refused_whole(void **state)
{
    static const struct pmi_wish wrong[] = {
        { .items = PMI_BUDGET, .budget_w = 49999 },
        { .items = PMI_BUDGET, .budget_w = 132001 },
        { .items = PMI_LEASE, .lease_s = 0 },
        { .items = PMI_LEASE, .lease_s = 301 },
        { .items = PMI_MODE, .mode = 3 },
        { .items = PMI_RIDE, .ride = 1, .reserve_s = 89 },
        { .items = PMI_RIDE, .ride = 2, .support_permille = 99 },
        { .items = PMI_RIDE, .ride = 4, .support_after_ms = 0 },
        { .items = PMI_TOKEN, .token_node = 0, .token_w = 5, .token_duration_s = 5 },
        { .items = PMI_TOKEN, .token_node = 2, .token_w = 5, .token_duration_s = 5 },
        { .items = PMI_TOKEN, .token_node = 1, .token_w = 5, .token_duration_s = 0 },
        { .items = PMI_TOKEN, .token_node = 1, .token_w = 5, .token_duration_s = 5, .token_priority = 8 },
        { .items = PMI_BUDGET | PMI_MODE, .budget_w = 80000, .mode = 9 },
    };

    (void)state;
    (void)write_wish(&rig.a, key(KEY_A));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(write_wish(&rig.a, wrong[i]), PMI_ILLEGAL_VALUE);
    assert_int_equal(rig.a.result, PMI_RESULT_RANGE);
    assert_true(rig.budgets + rig.modes + rig.rides + rig.tokens == 0);
}

static void what_the_configuration_does_not_give_is_refused(void **state)
{
    (void)state;
    rig.options.may_mode = rig.options.may_ride = rig.options.may_tokens = rig.options.may_budget = false;
    (void)write_wish(&rig.a, key(KEY_A));
    assert_int_equal(write_wish(&rig.a, budget(80000)), PMI_ILLEGAL_FUNCTION);
    assert_int_equal(write_wish(&rig.a, (struct pmi_wish){ .items = PMI_MODE, .mode = 1 }),
                     PMI_ILLEGAL_FUNCTION);
    assert_int_equal(rig.a.result, PMI_RESULT_NOT_ALLOWED);
    assert_int_equal(rig.budgets + rig.modes, 0);
}

static void modes_policies_and_tokens_reach_the_daemon(void **state)
{
    (void)state;
    (void)write_wish(&rig.a, key(KEY_A));
    assert_int_equal(write_wish(&rig.a, (struct pmi_wish){ .items = PMI_MODE, .mode = CORE_WANT_EMERGENCY }),
                     PMI_FINE);
    assert_int_equal(rig.mode, CORE_WANT_EMERGENCY);
    assert_non_null(strstr(rig.who, "ems"));
    assert_int_equal(write_wish(&rig.a, (struct pmi_wish){ .items = PMI_RIDE,
                                                           .ride = 7,
                                                           .reserve_s = 120,
                                                           .support_permille = 500,
                                                           .support_after_ms = 50 }),
                     PMI_FINE);
    assert_float_equal(rig.ride.reserve_s, 120, 1e-9);
    assert_float_equal(rig.ride.support_ratio, 0.5, 1e-9);
    assert_int_equal(rig.ride.support_after_us, 50000);
    assert_int_equal(write_wish(&rig.a, (struct pmi_wish){ .items = PMI_TOKEN,
                                                           .token_node = 1,
                                                           .token_w = 5000,
                                                           .token_duration_s = 60,
                                                           .token_priority = 4 }),
                     PMI_FINE);
    assert_string_equal(rig.wish_client, "pmi-ems");
    assert_int_equal(rig.wish.node, 3);
    assert_int_equal(rig.wish.duration_us, 60 * SECOND);
    rig.refuse = true;
    assert_int_equal(write_wish(&rig.a, (struct pmi_wish){ .items = PMI_MODE, .mode = 1 }),
                     PMI_DEVICE_FAILURE);
    assert_int_equal(rig.a.result, PMI_RESULT_REFUSED);
    rig.now_us += 61 * SECOND;
    (void)pmi_lease_step(&rig.lease, rig.now_us);
    assert_true(isnan(rig.ride.reserve_s)); /* the policy was leased, too */
}

/* Several items in one write, of which the daemon refuses one: none is done, and the lease is not renewed. */
static void what_the_daemon_refuses_is_refused_whole(void **state)
{
    struct pmi_wish wish = budget(60000);
    int64_t until_us;

    (void)state;
    assert_int_equal(write_wish(&rig.a, key(KEY_A)), PMI_FINE);
    until_us = rig.lease.until_us;
    rig.mode = CORE_WANT_OBSERVE;
    rig.no_token = true;
    rig.now_us += SECOND;
    wish.items |= PMI_MODE | PMI_RIDE | PMI_TOKEN;
    wish.mode = CORE_WANT_CONTROL;
    wish.ride = 1;
    wish.reserve_s = 200;
    wish.token_node = 1;
    assert_int_equal(write_wish(&rig.a, wish), PMI_DEVICE_FAILURE);
    assert_int_equal(rig.budgets, 0);
    assert_int_equal(rig.rides, 0);
    assert_int_equal(rig.mode, CORE_WANT_OBSERVE);
    assert_int_equal(rig.modes, 0); /* not even for a moment: who dies then would leave it */
    assert_int_equal(rig.tokens, 0);
    assert_true(isnan(rig.lease.leased_w));
    assert_int_equal(rig.lease.until_us, until_us);
    rig.no_token = false;
    assert_int_equal(write_wish(&rig.a, wish), PMI_FINE);
    assert_true(rig.budget_w == 60000 && rig.ride.reserve_s == 200);
    assert_int_equal(rig.mode, CORE_WANT_CONTROL);
}

/* The key reads as 0: whoever writes back a block that he has read would end his own lease. */
static void a_key_of_0_gives_back_only_by_itself(void **state)
{
    struct pmi_wish wish = budget(60000);

    (void)state;
    assert_int_equal(write_wish(&rig.a, key(KEY_A)), PMI_FINE);
    assert_int_equal(write_wish(&rig.a, budget(70000)), PMI_FINE);
    wish.items |= PMI_KEY;
    assert_int_equal(write_wish(&rig.a, wish), PMI_ILLEGAL_VALUE);
    assert_int_equal(rig.a.result, PMI_RESULT_RANGE);
    assert_int_equal(rig.lease.holder, 0);
    assert_true(rig.budget_w == 70000);
    assert_int_equal(write_wish(&rig.a, key(0)), PMI_FINE);
    assert_int_equal(rig.lease.holder, PMI_NOBODY);
}

static void a_reload_without_the_writer_ends_its_lease(void **state)
{
    struct pmi_options next = rig.options;

    (void)state;
    (void)write_wish(&rig.a, key(KEY_A));
    (void)write_wish(&rig.a, budget(80000));
    next.writers[0] = rig.options.writers[1]; /* the order changed */
    next.writers[1] = rig.options.writers[0];
    pmi_lease_follow(&rig.lease, &next, rig.now_us);
    assert_int_equal(rig.lease.holder, 1);
    assert_true(!isnan(rig.budget_w));
    next.writer_count = 1;
    pmi_lease_follow(&rig.lease, &next, rig.now_us);
    assert_true(rig.lease.holder == PMI_NOBODY);
    assert_true(isnan(rig.budget_w));
}

/* ---- registers ---- */

static struct pmi_request writing(int32_t address, int32_t count, const uint16_t *words)
{
    struct pmi_request request = { .write = true, .address = address, .count = count };

    memcpy(request.words, words, (size_t)count * sizeof *words);
    return request;
}

static void a_write_takes_whole_items_only(void **state)
{
    static const uint16_t words[] = { 0x1122, 0x3344, 0x5566, 0x7788, 30, 1,    0x0001, 0x3880, 2,
                                      120,    500,    50,     1,      0,  5000, 60,     4 };
    struct pmi_request request = writing(PMI_WRITES, PMI_WRITES_SIZE, words);
    struct pmi_wish wish;

    (void)state;
    assert_int_equal(pmi_window_write(&request, &wish), PMI_FINE);
    assert_int_equal(wish.items, 127);
    assert_true(wish.key == KEY_A);
    assert_int_equal(wish.lease_s, 30);
    assert_int_equal(wish.budget_w, 80000);
    assert_int_equal(wish.mode, 2);
    assert_int_equal(wish.ride, 7);
    assert_int_equal(wish.token_w, 5000);
    assert_int_equal(wish.token_priority, 4);
    request = writing(0x4046, 1, words);
    assert_int_equal(pmi_window_write(&request, &wish), PMI_ILLEGAL_VALUE); /* half a budget */
    request = writing(0x4041, 3, words);
    assert_int_equal(pmi_window_write(&request, &wish), PMI_ILLEGAL_VALUE);
    request = writing(0x4000, 1, words);
    assert_int_equal(pmi_window_write(&request, &wish), PMI_ILLEGAL_ADDRESS);
    request = writing(0x4050, 2, words);
    assert_int_equal(pmi_window_write(&request, &wish), PMI_ILLEGAL_ADDRESS);
    request = writing(0x404A, 1, words);
    assert_int_equal(pmi_window_write(&request, &wish), PMI_FINE);
    assert_int_equal(wish.items, PMI_RIDE);
    assert_int_equal(wish.ride, 2);
}

static uint32_t window_u32(const struct pmi_state_image *image, int32_t at)
{
    uint16_t high = 0, low = 0;

    assert_true(pmi_window_read(image, at, &high) && pmi_window_read(image, at + 1, &low));
    return (uint32_t)high << 16 | low;
}

static void the_window_shows_numbers_and_what_is_not_known(void **state)
{
    struct pmi_state_image image = { .power_w = 104000.4,
                                     .budget_w = NAN,
                                     .standing_w = 1e12,
                                     .leased_w = -5,
                                     .wanted_w = NAN,
                                     .lease_left_s = 1 << 20,
                                     .input_ratio = 0.75,
                                     .energy_j = NAN,
                                     .reserve_j = NAN };
    uint16_t word;

    (void)state;
    assert_int_equal(window_u32(&image, 0x4002), 104000);
    assert_int_equal(window_u32(&image, 0x4004), PMI_NO_WATTS);
    assert_int_equal(window_u32(&image, 0x4006), PMI_NO_WATTS - 1);
    assert_int_equal(window_u32(&image, 0x4008), 0);
    assert_true(pmi_window_read(&image, 0x4000, &word));
    assert_int_equal(word, 1);
    assert_true(pmi_window_read(&image, 0x400A, &word));
    assert_int_equal(word, 65534);
    assert_true(pmi_window_read(&image, 0x4015, &word));
    assert_int_equal(word, 750);
    assert_true(pmi_window_read(&image, 0x4040, &word)); /* no key is ever shown */
    assert_int_equal(word, 0);
    assert_false(pmi_window_read(&image, 0x4030, &word));
    assert_false(pmi_window_read(&image, 0x4051, &word));
    assert_false(pmi_window_read(&image, 0x3FFF, &word));
}

static uint16_t map(const struct pmi_image *image, int32_t address)
{
    uint16_t word = 0;

    if (!pmi_map_read(image, address, &word))
        fail_msg("no register 0x%x", (unsigned)address);
    return word;
}

static void a_shelf_reads_like_a_shelf_controller(void **state)
{
    struct pmi_shelf shelf = { .unit = 0x20, .kind = PMI_SHELF_PSU, .maker = "Delta", .name = "shelf-1" };
    struct pmi_image image = { .shelf = &shelf,
                               .number = 2,
                               .rack = "r17",
                               .version = "0.1.0",
                               .uptime_s = 70000,
                               .wall_s = 0x12345678 };
    uint16_t word;

    (void)state;
    for (int i = 0; i < PMI_SLOTS; i++)
        image.module[i] = (struct pmi_values){
            .there = i < 5, .present = i < 4, .alert = i == 1, .input_v = 240.5, .input_a = 10.25
        };
    assert_int_equal(map(&image, 0x188), 'D' << 8 | 'e');
    assert_int_equal(map(&image, 0x18A), 'a' << 8);
    assert_int_equal(map(&image, 0x50), 0x1234);
    assert_int_equal(map(&image, 0x51), 0x5678);
    assert_int_equal(map(&image, 0x4C), 1);
    assert_int_equal(map(&image, 0x4D), 70000 - 65536);
    assert_int_equal(map(&image, 0x57), 0x0F);
    assert_int_equal(map(&image, 0x58), 0x02);
    assert_int_equal(map(&image, 0x59), 0x111);
    assert_int_equal(map(&image, 0x5A), 0x1F);
    assert_int_equal(map(&image, 0x5D), 0x10 << 1);
    assert_int_equal(map(&image, 0x71), 0x20);
    assert_int_equal(map(&image, 0x101), 240.5 * 64);
    assert_int_equal(map(&image, 0x152), 10.25 * 1024);
    assert_false(pmi_map_read(&image, 0x100, &word));
    assert_false(pmi_map_read(&image, 0x103, &word));
    assert_false(pmi_map_read(&image, 0x161, &word));
    assert_false(pmi_map_read(&image, 0x7D, &word));
    for (int32_t address = 0; address < 65536; address++)
        (void)pmi_map_read(&image, address, &word);
}

static void a_battery_shelf_mirrors_what_its_map_says(void **state)
{
    struct pmi_shelf shelf = {
        .unit = 0x10, .kind = PMI_SHELF_BBU, .maker = "Busbar", .name = "bbu-shelf-1"
    };
    struct pmi_image image = { .shelf = &shelf, .rack = "r17", .version = "0.1.0" };

    (void)state;
    image.module[0] = (struct pmi_values){ .there = true,
                                           .present = true,
                                           .temp_c = { 26.85, 26.85, 26.85, 26.85 },
                                           .soc_ratio = 0.97,
                                           .pack_v = 48.123,
                                           .pack_a = -12.34,
                                           .remaining_ah = 3.9,
                                           .full_ah = 100 };
    image.module[1] = (struct pmi_values){ .temp_c = { NAN, NAN, NAN, NAN },
                                           .soc_ratio = NAN,
                                           .pack_v = NAN,
                                           .pack_a = NAN,
                                           .remaining_ah = NAN,
                                           .full_ah = NAN };
    assert_int_equal(map(&image, 0x101), 3000);
    assert_int_equal(map(&image, 0x105), 97);
    assert_int_equal(map(&image, 0x107), 48123);
    assert_int_equal((int16_t)map(&image, 0x108), -1234);
    assert_int_equal(map(&image, 0x10A), 3900);
    assert_int_equal(map(&image, 0x10B), 65535);
    for (int32_t at = 0x111; at <= 0x11B; at++)
        assert_int_equal(map(&image, at), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_make, rig_unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_key_nothing_is_written),
        TEST(a_budget_is_leased_with_the_key_and_ends_in_time),
        TEST(a_refresh_renews_the_budget_and_is_no_event),
        TEST(one_writer_at_a_time_has_the_authority),
        TEST(the_same_writer_comes_back_over_another_connection),
        TEST(what_is_outside_the_configuration_is_refused_whole),
        TEST(what_the_configuration_does_not_give_is_refused),
        TEST(modes_policies_and_tokens_reach_the_daemon),
        TEST(what_the_daemon_refuses_is_refused_whole),
        TEST(a_key_of_0_gives_back_only_by_itself),
        TEST(a_reload_without_the_writer_ends_its_lease),
        TEST(a_write_takes_whole_items_only),
        TEST(the_window_shows_numbers_and_what_is_not_known),
        TEST(a_shelf_reads_like_a_shelf_controller),
        TEST(a_battery_shelf_mirrors_what_its_map_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

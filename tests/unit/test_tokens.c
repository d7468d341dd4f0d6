/* SPDX-License-Identifier: Apache-2.0 */
/* test_tokens.c: the daemon's table of wishes for power. */
#include "daemon/tokens.h"
#include "daemon_bench.h"

struct table {
    struct bench bench;
    struct tokens *tokens;
};

static void table_new(struct table *table)
{
    bench_new_with(&table->bench, CORE_WANT_CONTROL, 1 << 20, bench_power_yaml);
    assert_int_equal(table->bench.rig->config.request_max, 3);
    assert_int_equal(tokens_new(&table->tokens), ST_OK);
}

static void table_free(struct table *table)
{
    assert_null(tokens_free(table->tokens));
    bench_free(&table->bench);
}

static enum status ask(struct table *table, const char *client, double amount_w, struct operator_token *ret)
{
    const struct operator_wish wish = { .client = client, .node = 0, .priority = 5, .amount_w = amount_w, .duration_us = 60000000 };

    return tokens_put(table->tokens, table->bench.rig, &wish, ret);
}

/* What the tick thread would get now. */
static const struct rig_requests *sent(struct table *table)
{
    assert_true(mailbox_get(table->bench.rig->requests, table->bench.rig->requests_now));
    return table->bench.rig->requests_now;
}

/* As if the core had answered this client's wish so. */
static void answer(struct table *table, int slot, const struct operator_token *token, double granted_w)
{
    struct rig *rig = table->bench.rig;
    struct core_token_view *views = (void *)((char *)rig->out + rig->out->tokens_at);

    views[slot] = (struct core_token_view){ .client = token->client, .version = token->version, .granted_w = granted_w,
                                            .state = granted_w > 0.0 ? CORE_TOKEN_GRANTED : CORE_TOKEN_REFUSED };
    mailbox_put(rig->outputs, rig->out);
}

static void a_client_has_one_wish_and_its_version_rises(void **state)
{
    struct operator_token first, second, other;
    const struct rig_requests *requests;
    struct table table;

    (void)state;
    table_new(&table);
    assert_int_equal(ask(&table, "job-7", 400, &first), ST_OK);
    assert_int_equal(ask(&table, "job-8", 100, &other), ST_OK);
    assert_int_equal(ask(&table, "job-7", 500, &second), ST_OK);
    assert_true(second.client == first.client && first.client != other.client && first.client != 0);
    assert_true(first.version < other.version && other.version < second.version);
    requests = sent(&table);
    assert_int_equal(requests->count, 2);
    assert_true(requests->list[0].client == first.client && requests->list[0].version == second.version);
    assert_true(requests->list[0].amount_w == 500);
    assert_int_equal(requests->list[0].priority, 5);
    assert_int_equal(requests->list[0].duration_us, 60000000);
    assert_string_equal(tokens_client(table.tokens, first.client), "job-7");
    assert_null(tokens_client(table.tokens, first.client + 1));
    table_free(&table);
}

static void who_never_asked_has_nothing_to_give_back(void **state)
{
    struct operator_token token;
    struct table table;

    (void)state;
    table_new(&table);
    assert_int_equal(ask(&table, "job-7", 0, &token), ST_NONE);
    assert_int_equal(ask(&table, "job-7", 400, &token), ST_OK);
    assert_int_equal(ask(&table, "job-7", 0, &token), ST_OK);
    assert_int_equal(sent(&table)->count, 1); /* the core hears of it */
    table_free(&table);
}

static void a_full_table_makes_room_only_where_nothing_is_held(void **state)
{
    const struct operator_wish wish = { .client = "d", .priority = 5, .amount_w = 100, .duration_us = 60000000 };
    struct operator_token a, b, c, d, e;
    struct table table;

    (void)state;
    table_new(&table);
    assert_int_equal(ask(&table, "a", 100, &a), ST_OK);
    assert_int_equal(ask(&table, "b", 100, &b), ST_OK);
    assert_int_equal(ask(&table, "c", 100, &c), ST_OK);
    assert_int_equal(tokens_check(table.tokens, table.bench.rig, &wish), ST_BUSY);
    assert_int_equal(ask(&table, "d", 100, &d), ST_BUSY); /* nobody was answered yet */
    answer(&table, 0, &a, 100);
    answer(&table, 1, &b, 0);
    answer(&table, 2, &c, 0);
    assert_int_equal(tokens_check(table.tokens, table.bench.rig, &wish), ST_OK);
    assert_non_null(tokens_client(table.tokens, b.client)); /* nothing was done */
    assert_int_equal(ask(&table, "d", 100, &d), ST_OK); /* in b's place, refused for longest */
    assert_null(tokens_client(table.tokens, b.client));
    assert_non_null(tokens_client(table.tokens, c.client));
    assert_int_equal(ask(&table, "c", 200, &c), ST_OK);
    assert_int_equal(ask(&table, "e", 100, &e), ST_BUSY); /* c's new wish waits for its answer */
    assert_int_equal(sent(&table)->count, 3);
    table_free(&table);
}

static void a_new_configuration_gets_the_table_under_its_names(void **state)
{
    struct rig_options opt = { .mode_wanted = CORE_WANT_CONTROL, .plan_version = 2 };
    struct operator_wish wish = { .client = "job-7", .priority = 4, .amount_w = 50, .duration_us = 1000000 };
    struct operator_token kept, dropped;
    struct rig *next = NULL;
    struct table table;
    char path[128];

    (void)state;
    table_new(&table);
    for (int32_t n = 0; n < table.bench.rig->names->operator.node_count; n++)
        if (strcmp(names_node(table.bench.rig->names, n), "node-1") == 0)
            wish.node = n;
    assert_int_equal(tokens_put(table.tokens, table.bench.rig, &wish, &kept), ST_OK);
    wish.client = "job-8";
    for (int32_t n = 0; n < table.bench.rig->names->operator.node_count; n++)
        if (strcmp(names_node(table.bench.rig->names, n), "node-2") == 0)
            wish.node = n;
    assert_int_equal(tokens_put(table.tokens, table.bench.rig, &wish, &dropped), ST_OK);
    (void)snprintf(path, sizeof path, "%s/conf.d/power.yaml", table.bench.dir);
    bench_write(path, "tree: [{name: feed, kind: feed}]\n"); /* node-2 is gone, indices move */
    opt.conf = bench_conf(&table.bench);
    assert_int_equal(rig_new(&opt, &next), ST_OK);
    tokens_follow(table.tokens, next);
    assert_true(mailbox_get(next->requests, next->requests_now));
    assert_int_equal(next->requests_now->count, 1);
    assert_true(next->requests_now->list[0].client == kept.client);
    assert_string_equal(names_node(next->names, next->requests_now->list[0].node), "node-1");
    assert_null(tokens_client(table.tokens, dropped.client));
    rig_free(next);
    table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_has_one_wish_and_its_version_rises),
        cmocka_unit_test(who_never_asked_has_nothing_to_give_back),
        cmocka_unit_test(a_full_table_makes_room_only_where_nothing_is_held),
        cmocka_unit_test(a_new_configuration_gets_the_table_under_its_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

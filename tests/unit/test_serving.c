/* SPDX-License-Identifier: Apache-2.0 */
/* The inference load: its frozen numbers give the published headrooms and rate of
 * spikes, and its log says no more than a page of metrics could have said. */
#include "sim_rig.h"

#include <math.h>

#include "sim/serving.h"

#define DRAWS 96 /* fewer leave chance more than a point of two instances */

/* Published: 19 serving traces of H100s at 100 ms, random choice and phase, 400 s. */
static const struct {
    int32_t instances;
    double headroom_pct;
} published[] = { { 1, 27.7 }, { 2, 24.0 }, { 4, 16.4 }, { 9, 11.0 }, { 18, 7.7 } };

static struct serving_load run(const struct serving_options *opt)
{
    struct serving_load load;

    assert_int_equal(serving_run(opt, &load), ST_OK);
    return load;
}

static double sum_w(const struct serving_load *load, int32_t slot)
{
    double w = 0.0;

    for (int32_t k = 0; k < load->instances; k++)
        w += load->w[k * load->slots + slot];
    return w;
}

static double headroom_pct(const struct serving_load *load)
{
    double mean = 0.0, most = 0.0;

    for (int32_t i = 0; i < load->slots; i++) {
        mean += sum_w(load, i) / load->slots;
        most = fmax(most, sum_w(load, i));
    }
    return 100.0 * (1.0 - mean / most);
}

/* Rises by more than a tenth of the rating from one sample to the next, of one instance. */
static int32_t spikes(const struct serving_load *load)
{
    int32_t count = 0;

    for (int32_t k = 0; k < load->instances; k++)
        for (int32_t i = 0; i + 1 < load->slots; i++) {
            const double *w = &load->w[k * load->slots + i];

            count += w[1] > w[0] + 0.1 * serving_model.rated_w;
        }
    return count;
}

static void is_as_published(const struct serving_arrivals *arrivals)
{
    for (size_t n = 0; n < sizeof published / sizeof published[0]; n++) {
        double headroom = 0.0, rate = 0.0;

        for (uint64_t seed = 1; seed <= DRAWS; seed++) {
            struct serving_options opt = { .instances = published[n].instances,
                                           .seconds = 400.0,
                                           .scrape_s = 1.0,
                                           .hold_passes = -1,
                                           .seed = seed,
                                           .arrivals = arrivals };
            struct serving_load load = run(&opt);

            headroom += headroom_pct(&load) / DRAWS;
            rate += (double)spikes(&load) / (load.slots - 1) / load.instances / DRAWS;
            serving_load_done(&load);
        }
        print_message("%2d instances: headroom %.2f %% (published %.1f %%), spikes %.2f %%\n",
                      published[n].instances, headroom, published[n].headroom_pct, 100.0 * rate);
        SIM_NEAR(headroom, published[n].headroom_pct, 1.5);
        assert_true(rate >= 0.005 && rate <= 0.02);
    }
}

static void made_up_arrivals_give_the_published_headrooms_and_spikes(void **state)
{
    (void)state;
    is_as_published(NULL);
}

static void recorded_arrivals_give_the_published_headrooms_and_spikes(void **state)
{
    const char *data = getenv("BUSBAR_DATA");
    char path[512], error[SERVING_ERROR_MAX];
    struct serving_arrivals arrivals;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/traces/llm_requests/azure2023_conv.csv.gz", data ? data : "");
    if (!data || access(path, R_OK) != 0) {
        print_message("no recorded arrivals here (BUSBAR_DATA)\n");
        skip();
    }
    if (serving_arrivals_load(path, &arrivals, error) != ST_OK)
        fail_msg("%s", error);
    is_as_published(&arrivals);
    serving_arrivals_done(&arrivals);
}

static void the_same_seed_is_the_same_load(void **state)
{
    struct serving_options opt = {
        .instances = 2, .seconds = 100.0, .scrape_s = 0.05, .hold_passes = -1, .seed = 3
    };
    struct serving_load a = run(&opt), b = run(&opt), c;

    (void)state;
    opt.seed = 4;
    c = run(&opt);
    assert_memory_equal(a.w, b.w, 2 * (size_t)a.slots * sizeof a.w[0]);
    assert_memory_equal(a.waiting, b.waiting, (size_t)a.scrapes * sizeof a.waiting[0]);
    assert_memory_not_equal(a.w, c.w, 2 * (size_t)a.slots * sizeof a.w[0]);
    serving_load_done(&a);
    serving_load_done(&b);
    serving_load_done(&c);
}

static void an_instance_more_changes_nothing_of_the_others(void **state)
{
    struct serving_options opt = {
        .instances = 1, .seconds = 50.0, .scrape_s = 0.05, .hold_passes = -1, .seed = 3
    };
    struct serving_load one = run(&opt), two;

    (void)state;
    opt.instances = 2;
    two = run(&opt);
    assert_memory_equal(one.w, two.w, (size_t)one.slots * sizeof one.w[0]);
    serving_load_done(&one);
    serving_load_done(&two);
}

/* Requests of one recorded file, all of them of one instance: the same lengths, far apart. */
static struct serving_arrivals far_apart(struct serving_request *room, int32_t count, double every_s)
{
    struct serving_arrivals arrivals = { .count = count, .request = room };

    for (int32_t i = 0; i < count; i++)
        room[i] = (struct serving_request){ .at_s = i * every_s, .in_tokens = 2048, .out_tokens = 100 };
    arrivals.span_s = room[count - 1].at_s - room[0].at_s;
    return arrivals;
}

static void a_prompt_shows_as_waiting_before_its_power_shows(void **state)
{
    struct serving_request room[400];
    struct serving_arrivals arrivals = far_apart(room, 400, 10.0); /* a tenth a second: all are taken */
    struct serving_options opt = {
        .instances = 1, .seconds = 600.0, .scrape_s = 0.01, .hold_passes = 8, .seed = 5, .arrivals = &arrivals
    };
    struct serving_load load = run(&opt);
    double high_w = 0.95 * serving_model.rated_w;
    int32_t seen = 0;

    (void)state;
    for (int32_t i = 1; i < load.scrapes; i++) {
        int32_t slot = (i + 1) / 10, from = i;

        assert_true(load.waiting[i] >= 0 && load.running[i] >= 0 && load.running[i] <= SERVING_SEQS);
        if (!(load.waiting[i] == 0 && load.waiting[i - 1] == 1) || slot + 4 >= load.slots)
            continue;
        while (from > 0 && load.waiting[from - 1] == 1)
            from--;
        /* it waited about eight passes, and then the board drew all that it can */
        assert_in_range((uintmax_t)(i - from), 26, 46);
        assert_true(load.w[slot + 1] > high_w);
        assert_true(load.w[slot - 2] < high_w);
        seen++;
    }
    assert_true(seen > 40);
    serving_load_done(&load);
}

static void without_holding_a_prompt_is_read_after_the_pass_that_runs(void **state)
{
    struct serving_options opt = {
        .instances = 1, .seconds = 2000.0, .scrape_s = 0.01, .hold_passes = 0, .seed = 5
    };
    struct serving_load load = run(&opt);
    int32_t waiting = 0, longest = 0;

    (void)state;
    for (int32_t i = 0; i < load.scrapes; i++) {
        waiting = load.waiting[i] > 0 ? waiting + 1 : 0;
        longest = waiting > longest ? waiting : longest;
    }
    assert_in_range(longest, 1, 200); /* behind one long prompt and no longer */
    serving_load_done(&load);
}

static void power_stays_between_idle_and_the_most(void **state)
{
    struct serving_options opt = {
        .instances = 6, .seconds = 300.0, .scrape_s = 0.05, .hold_passes = -1, .seed = 8
    };
    struct serving_load load = run(&opt);
    double most_w = serving_model.rated_w * serving_model.prefill_ratio * 1.05 * 1.01;
    double least_w = serving_model.rated_w * serving_model.idle_ratio * 0.95;

    (void)state;
    for (int32_t i = 0; i < 6 * load.slots; i++)
        assert_true(load.w[i] >= least_w - 1e-6 && load.w[i] <= most_w + 1e-6);
    serving_load_done(&load);
}

static void passes_take_what_was_measured(void **state)
{
    (void)state;
    SIM_NEAR(serving_prefill_s(512), 0.0839, 1e-9);
    SIM_NEAR(serving_prefill_s(1536), 0.2330, 1e-9);
    SIM_NEAR(serving_prefill_s(10), 0.0492, 1e-9);
    assert_true(serving_prefill_s(16384) > 2.0 * serving_prefill_s(8192));
    SIM_NEAR(serving_decode_s(1), 0.0370, 1e-9);
    SIM_NEAR(serving_decode_s(24), 0.04715, 1e-9);
}

static void wrong_files_of_requests_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        { "t_s,in,out\n1,2,3\n", ":1:" },
        { "t_s,in_tokens,out_tokens\n0,1,2\n1,many,3\n", ":3:" },
        { "t_s,in_tokens,out_tokens\n0,1,2\n1,3\n", ":3:" },
        { "t_s,in_tokens,out_tokens\n0,1,2\nnan,3,4\n", ":3:" },
        { "t_s,in_tokens,out_tokens\n0,1,-2\n", ":2:" },
        { "t_s,in_tokens,out_tokens\n5,1,2\n", "span no time" },
        { "t_s,in_tokens,out_tokens\n", "0 requests" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *path = sim_file(wrong[i].text), error[SERVING_ERROR_MAX];
        struct serving_arrivals arrivals;

        assert_int_not_equal(serving_arrivals_load(path, &arrivals, error), ST_OK);
        assert_non_null(strstr(error, wrong[i].says));
        assert_null(arrivals.request);
        unlink(path);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_up_arrivals_give_the_published_headrooms_and_spikes),
        cmocka_unit_test(recorded_arrivals_give_the_published_headrooms_and_spikes),
        cmocka_unit_test(the_same_seed_is_the_same_load),
        cmocka_unit_test(an_instance_more_changes_nothing_of_the_others),
        cmocka_unit_test(a_prompt_shows_as_waiting_before_its_power_shows),
        cmocka_unit_test(without_holding_a_prompt_is_read_after_the_pass_that_runs),
        cmocka_unit_test(power_stays_between_idle_and_the_most),
        cmocka_unit_test(passes_take_what_was_measured),
        cmocka_unit_test(wrong_files_of_requests_are_refused_with_their_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

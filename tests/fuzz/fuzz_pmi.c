/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pmi.c: any bytes as a stream of Modbus requests to the upstream server: each is
 * answered in its own form, nothing is done without a key, and what is done is allowed. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/log.h"
#include "busbar/mbframe.h"
#include "operator/pmi_lease.h"
#include "operator/pmi_map.h"

#define KEY UINT64_C(0x1122334455667788)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pmi_options options = {
    .writer_count = 1,
    .writers = { { .name = "ems", .key = KEY } },
    .may_budget = true,
    .may_mode = true,
    .may_ride = true,
    .may_tokens = true,
    .lease_max_us = 300000000,
    .budget_min_w = 50000,
    .budget_max_w = 132000,
    .standing_w = 100000,
    .reserve_min_s = 90,
    .node_count = 1,
    .nodes = { 0 },
};
static struct pmi_client client;
static bool taken; /* the token that was asked about last would be */

static void must(bool holds)
{
    if (!holds)
        abort();
}

static enum status fuzz_budget(void *arg, double budget_w, int64_t until_us, const char **ret_why)
{
    (void)arg;
    (void)ret_why;
    must(client.writer == 0 || (isnan(budget_w) && until_us == 0)); /* a lease ends whoever writes next */
    must(isnan(budget_w) || (budget_w >= 50000 && budget_w <= 132000 && until_us > 0));
    return ST_OK;
}

static enum status fuzz_ride(void *arg, const struct pmi_ride *ride, const char **ret_why)
{
    (void)arg;
    (void)ret_why;
    must(client.writer == 0 || (isnan(ride->reserve_s) && isnan(ride->support_ratio) && ride->support_after_us == -1));
    must(isnan(ride->reserve_s) || ride->reserve_s >= 90);
    return ST_OK;
}

static enum core_mode_wanted fuzz_mode_wanted(void *arg)
{
    (void)arg;
    return CORE_WANT_OBSERVE;
}

static enum status fuzz_mode(void *arg, enum core_mode_wanted mode, const char *who)
{
    (void)arg;
    must(client.writer == 0 && mode <= CORE_WANT_EMERGENCY && strstr(who, "ems"));
    return ST_OK;
}

static enum status fuzz_token_check(void *arg, const struct operator_wish *wish)
{
    (void)arg;
    must(client.writer == 0 && wish->node == 0 && wish->priority < CORE_PRIORITIES && wish->amount_w >= 0);
    taken = wish->priority % 2 == 0;
    return taken ? ST_OK : ST_BUSY;
}

static enum status fuzz_token(void *arg, const struct operator_wish *wish, struct operator_token *ret)
{
    (void)arg;
    must(client.writer == 0 && wish->node == 0 && wish->priority < CORE_PRIORITIES && wish->amount_w >= 0 &&
         taken);
    *ret = (struct operator_token){ .client = 1, .version = 1 };
    return ST_OK;
}

static void fuzz_drop(enum log_level level, const char *who, const char *message, void *arg)
{
    (void)level;
    (void)who;
    (void)message;
    (void)arg;
}

/* What a read of a shelf and of the window would say. */
static enum pmi_exception fuzz_read(const struct pmi_request *request, uint16_t *words)
{
    static const struct pmi_shelf shelf = {
        .unit = 1, .kind = PMI_SHELF_BBU, .maker = "Busbar", .name = "s"
    };
    struct pmi_image image = { .shelf = &shelf, .rack = "r", .version = "0" };
    struct pmi_state_image window = { .power_w = NAN };

    for (int32_t i = 0; i < request->count; i++)
        if (!pmi_map_read(&image, request->address + i, &words[i]) &&
            !pmi_window_read(&window, request->address + i, &words[i]))
            return PMI_ILLEGAL_ADDRESS;
    return PMI_FINE;
}

static void fuzz_answer(struct pmi_lease *lease, enum pmi_framing framing, const struct pmi_request *request,
                        int64_t now_us)
{
    enum pmi_exception wrong = request->wrong;
    uint8_t to[PMI_FRAME_MAX];
    uint16_t words[PMI_READ_MAX];
    struct pmi_wish wish;
    size_t length;

    if (wrong == PMI_FINE) {
        must(request->count >= 1 && request->count <= PMI_READ_MAX &&
             request->address + request->count <= 65536);
        wrong = !request->write ? fuzz_read(request, words) : pmi_window_write(request, &wish);
        if (wrong == PMI_FINE && request->write)
            wrong = pmi_lease_write(lease, &client, &wish, now_us);
    }
    length = wrong != PMI_FINE ? pmi_codec_refuse(framing, request, wrong, to)
             : request->write  ? pmi_codec_written(framing, request, to)
                               : pmi_codec_read(framing, request, words, to);
    must(length >= 5 && length <= PMI_FRAME_MAX);
    must(framing == PMI_TCP || mbframe_crc(to, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct operator_calls daemon = { .set_mode = fuzz_mode,
                                                  .mode_wanted = fuzz_mode_wanted,
                                                  .token_check = fuzz_token_check,
                                                  .token = fuzz_token };
    static const struct pmi_calls calls = { .budget = fuzz_budget, .ride = fuzz_ride };
    enum pmi_framing framing = size > 0 && (data[0] & 1) ? PMI_RTU : PMI_TCP;
    int64_t now_us = 1000000000;
    struct pmi_request request;
    struct pmi_lease lease;
    enum pmi_state state;

    log_set_line_sink(fuzz_drop, NULL);
    client = (struct pmi_client){ .writers = 1, .writer = PMI_NOBODY, .from = "fuzz" };
    pmi_lease_init(&lease, &options, &calls, &daemon);
    for (size_t at = 1; at < size; at += request.used, now_us += 700000) {
        state = pmi_codec_request(framing, data + at, size - at, &request);
        if (state == PMI_MORE || state == PMI_BROKEN) {
            if (framing == PMI_RTU && pmi_codec_unknown(data + at, size - at, &request))
                fuzz_answer(&lease, framing, &request, now_us);
            break;
        }
        must(request.used > 0 && request.used <= size - at);
        if (state == PMI_DONE)
            fuzz_answer(&lease, framing, &request, now_us);
    }
    (void)pmi_lease_step(&lease, INT64_MAX);
    return 0;
}

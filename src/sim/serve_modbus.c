/* SPDX-License-Identifier: Apache-2.0 */
/* serve_modbus.c: owns the Modbus side of the simulated rack: lines, gateway, and
 * the clock that lets modules measure anew every 20 ms. Runs on the base it is
 * given; never blocks.
 */
#include "serve_modbus_parts.h"

#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"
#include "busbar/clock.h"

#define MODBUS_REFRESH_US 20000 /* ASSUMED: a module's own electrical refresh */
#define MODBUS_STREAM     101

static void serve_modbus_measure(struct serve_modbus *modbus, int64_t now_us)
{
    for (int32_t i = 0; i < modbus->line_count; i++) {
        struct serve_modbus_line *line = &modbus->lines[i];

        for (int32_t k = 0; k < line->unit_count; k++)
            serve_registers_refresh(&line->units[k], now_us, serve_modbus_stuck(line, &line->units[k]));
    }
}

static void serve_modbus_refresh(void *arg)
{
    struct serve_modbus *modbus = arg;
    int64_t now_us = clock_now_us();

    serve_modbus_measure(modbus, now_us);
    do
        modbus->refresh_us += MODBUS_REFRESH_US;
    while (modbus->refresh_us <= now_us);
    serve_wire_timer_at(modbus->refresh_timer, modbus->refresh_us);
}

static enum status serve_modbus_lines_open(struct serve_modbus *modbus, int64_t now_us)
{
    int32_t count = modbus->opt.plant->shelf_count;

    if (count > SERVE_REGISTERS_SHELVES)
        return ST_RANGE; /* there are no addresses for more */
    for (int32_t i = 0; i < count; i++) {
        struct serve_modbus_line *line = &modbus->lines[i];
        enum status st;

        line->modbus = modbus;
        line->shelf = i;
        line->master_fd = line->slave_fd = -1;
        modbus->line_count = i + 1;
        serve_modbus_units(line, now_us);
        st = serve_modbus_line_open(line);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

enum status serve_modbus_new(const struct serve_modbus_options *opt, struct serve_modbus **ret)
{
    enum status st = ST_RANGE;
    int64_t now_us = clock_now_us();
    struct serve_modbus *modbus = calloc(1, sizeof *modbus);

    if (!modbus)
        return ST_NOMEM;
    CHECK(opt->base && opt->plant && opt->run_dir && opt->baud > 0);
    modbus->opt = *opt;
    modbus->opt.run_dir = modbus->run_dir;
    if (strlen(opt->run_dir) >= sizeof modbus->run_dir)
        goto fail;
    memcpy(modbus->run_dir, opt->run_dir, strlen(opt->run_dir) + 1);
    rng_init(&modbus->rng, opt->seed, MODBUS_STREAM);
    st = serve_modbus_lines_open(modbus, now_us);
    if (st != ST_OK)
        goto fail;
    st = serve_wire_timer_new(opt->base, serve_modbus_refresh, modbus, &modbus->refresh_timer);
    if (st != ST_OK)
        goto fail;
    serve_modbus_measure(modbus, now_us);
    modbus->refresh_us = now_us + MODBUS_REFRESH_US;
    serve_wire_timer_at(modbus->refresh_timer, modbus->refresh_us);
    if (opt->tcp && modbus->line_count > 0) {
        st = serve_modbus_gateway_new(modbus, &modbus->gateway);
        if (st != ST_OK)
            goto fail;
    }
    *ret = modbus;
    return ST_OK;

fail:
    serve_modbus_free(modbus);
    return st;
}

struct serve_modbus *serve_modbus_free(struct serve_modbus *modbus)
{
    if (!modbus)
        return NULL;
    serve_modbus_gateway_free(modbus->gateway);
    serve_wire_timer_free(modbus->refresh_timer);
    for (int32_t i = 0; i < modbus->line_count; i++)
        serve_modbus_line_close(&modbus->lines[i]);
    free(modbus);
    return NULL;
}

int32_t serve_modbus_lines(const struct serve_modbus *modbus)
{
    return modbus->line_count;
}

const char *serve_modbus_path(const struct serve_modbus *modbus, int32_t line)
{
    CHECK(line >= 0 && line < modbus->line_count);
    return modbus->lines[line].path;
}

int serve_modbus_tcp_port(const struct serve_modbus *modbus)
{
    return modbus->gateway ? serve_modbus_gateway_port(modbus->gateway) : 0;
}

struct serve_modbus_counts serve_modbus_counts(const struct serve_modbus *modbus, int32_t line)
{
    CHECK(line >= 0 && line < modbus->line_count);
    return modbus->lines[line].counts;
}

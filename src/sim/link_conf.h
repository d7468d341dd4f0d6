/* SPDX-License-Identifier: Apache-2.0 */
/* link_conf.h: what each index of the core's configuration is in the plant.
 *
 * Of link_conf.c and link_*.c alone; plain struct, filled once, then only read.
 */
#ifndef BUSBAR_SIM_LINK_CONF_H
#define BUSBAR_SIM_LINK_CONF_H

#include "link.h"

/* Points of a device lie in a row, in these orders. */
enum link_psu_point {
    LINK_PSU_INPUT_V,
    LINK_PSU_INPUT_W,
    LINK_PSU_OUTPUT_W,
    LINK_PSU_SETPOINT,
    LINK_PSU_START
};
enum link_bbu_point { LINK_BBU_PACK_A, LINK_BBU_SOC, LINK_BBU_BUS_V, LINK_BBU_CHARGE, LINK_BBU_POINTS };
enum link_gpu_point { LINK_GPU_POWER, LINK_GPU_LIMIT, LINK_GPU_POINTS };

enum link_device_kind { LINK_PSU, LINK_BBU, LINK_BMC };

struct link_conf_device {
    enum link_device_kind kind;
    int32_t index; /* the plant's: of psus, bbus or nodes             */
    int32_t shelf; /* its Modbus line; CORE_NONE                      */
    int32_t first_point;
    int32_t first_lever, lever_count;
};

enum link_lever_kind { LINK_LEVER_SETPOINT, LINK_LEVER_START, LINK_LEVER_CHARGE, LINK_LEVER_LIMIT };

struct link_conf_lever {
    enum link_lever_kind kind;
    int32_t index;  /* the plant's: of psus, bbus or gpus              */
    int32_t device; /* the core's                                      */
    int32_t module; /* on its line: supplies, then batteries; CORE_NONE */
};

struct link_conf {
    struct core_config core;
    struct core_config_node *nodes;
    struct core_config_point *points;
    struct core_config_lever *levers;
    struct core_config_source *sources;
    struct link_conf_device *devices; /* core.device_count                       */
    struct link_conf_lever *lever_of; /* core.lever_count                        */
    struct rack rack;
    struct plant_params books;
    bool start; /* supplies take a start delay             */
    bool fast;  /* lines of more than 38400 baud           */
    bool arms;  /* set-points have an armed value          */
    int32_t shelf_count, shelf_psus, shelf_bbus, node_count, node_gpus;
    int32_t rack_node, bus_node, shelf_node, shelf_nodes;
};

/* Devices: all supplies, all batteries, all BMCs, as the plant counts them. */
static inline int32_t link_conf_psu(int32_t psu)
{
    return psu;
}

static inline int32_t link_conf_bbu(const struct link_conf *conf, int32_t bbu)
{
    return conf->shelf_count * conf->shelf_psus + bbu;
}

static inline int32_t link_conf_bmc(const struct link_conf *conf, int32_t node)
{
    return conf->shelf_count * (conf->shelf_psus + conf->shelf_bbus) + node;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* pmi.h: the rack served upstream as a Modbus server: what it is made of.
 *
 * The daemon fills it from the configuration, src/operator serves it. docs/pmi.md is the
 * specification of its registers. All calls on the main thread.
 */
#ifndef BUSBAR_PMI_H
#define BUSBAR_PMI_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/netmask.h"
#include "busbar/status.h"

#define PMI_SLOTS       6 /* modules of a shelf                                 */
#define PMI_SHELVES_MAX 32
#define PMI_WRITERS_MAX 8
#define PMI_READERS_MAX 32
#define PMI_NODES_MAX   16 /* that tokens are asked for at                       */
#define PMI_NAME_MAX    32

enum pmi_shelf_kind { PMI_SHELF_PSU, PMI_SHELF_BBU, PMI_SHELF_CBU };

/* A module's readings: those of a device with this index, or without one where that
 * has none. */
struct pmi_module {
    int32_t device; /* -1: an empty slot                                  */
    int32_t index;
};

struct pmi_shelf {
    uint8_t unit; /* 1 to 247                                           */
    enum pmi_shelf_kind kind;
    char maker[PMI_NAME_MAX]; /* what it calls itself at 0x188                      */
    char name[PMI_NAME_MAX];  /* its serial number there                            */
    int32_t module_count;
    struct pmi_module module[PMI_SLOTS];
};

struct pmi_writer {
    char name[PMI_NAME_MAX];
    bool serial;         /* on the serial line                                 */
    struct netmask from; /* else from these addresses                          */
    uint64_t key;        /* not 0                                              */
};

struct pmi_options {
    bool enabled;
    const char *host; /* "" and port 0: no TCP; borrowed, as all below      */
    int32_t port;
    int32_t connections_max;
    const char *serial_path; /* "": no serial line                                 */
    int32_t baud, stop_bits;
    char parity;
    int32_t reader_count; /* 0: whoever reaches the port may read               */
    struct netmask readers[PMI_READERS_MAX];
    int32_t writer_count;
    struct pmi_writer writers[PMI_WRITERS_MAX];
    bool may_budget, may_mode, may_ride, may_tokens;
    int64_t lease_max_us;
    int32_t budget_node; /* -1: none                                           */
    double budget_min_w, budget_max_w, standing_w;
    double reserve_min_s; /* a writer may ask for more                          */
    int32_t node_count;
    int32_t nodes[PMI_NODES_MAX];
    int32_t shelf_count;
    struct pmi_shelf shelves[PMI_SHELVES_MAX];
};

/* A policy of riding through; NAN or -1: the configuration's. */
struct pmi_ride {
    double reserve_s, support_ratio;
    int64_t support_after_us;
};

/* What a writer is given; the daemon does it. ST_REFUSED: *ret_why says why, in words
 * that live on. */
struct pmi_calls {
    void *arg;
    /* Budget of options.budget_node until `until_us`; NAN: the standing one. */
    enum status (*budget)(void *arg, double budget_w, int64_t until_us, const char **ret_why);
    enum status (*ride)(void *arg, const struct pmi_ride *ride, const char **ret_why);
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* link_original.c: what each lever held before our first write.
 *
 * Owns the lists, one a device, kept by the module's serial as the adapters keep
 * theirs on disk: they outlive every daemon. Memory alone; the plant's thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/signals.h"
#include "link_parts.h"

bool link_original_init(struct link *link)
{
    link->originals = calloc((size_t)link->conf->core.device_count, sizeof *link->originals);
    return link->originals != NULL;
}

void link_original_done(struct link *link)
{
    free(link->originals);
}

/* Of the module that is there now. */
static const char *link_original_serial(const struct link *link, int32_t lever)
{
    const struct link_conf_lever *of = &link->conf->lever_of[lever];

    switch (link->conf->devices[of->device].kind) {
    case LINK_PSU:
        return link->plant->psus[of->index].serial;
    case LINK_BBU:
        return link->plant->bbus[of->index].serial;
    case LINK_BMC:
        break;
    }
    return LINK_BMC_SERIAL;
}

static const char *link_original_signal(const struct link *link, int32_t lever)
{
    return signal_name(link->conf->points[link->conf->levers[lever].readback_point].signal);
}

static int32_t link_original_index(const struct link *link, int32_t lever)
{
    const struct link_conf_lever *of = &link->conf->lever_of[lever];

    return of->kind == LINK_LEVER_LIMIT ? of->index % link->conf->node_gpus : 0;
}

static int32_t link_original_find(const struct link *link, int32_t lever)
{
    const struct link_originals *of = &link->originals[link->conf->lever_of[lever].device];

    return original_find(of->list, of->count, link_original_serial(link, lever), link_original_signal(link, lever),
                         link_original_index(link, lever));
}

bool link_original_known(const struct link *link, int32_t lever, int32_t who)
{
    return link->levers[lever].recorded[who] && link_original_find(link, lever) >= 0;
}

bool link_original_record(struct link *link, int32_t lever, int32_t who, double value)
{
    struct link_originals *of = &link->originals[link->conf->lever_of[lever].device];
    struct original original = { .index = link_original_index(link, lever), .value = value };

    (void)snprintf(original.serial, sizeof original.serial, "%s", link_original_serial(link, lever));
    (void)snprintf(original.signal, sizeof original.signal, "%s", link_original_signal(link, lever));
    (void)original_add(of->list, &of->count, LINK_ORIGINALS_MAX, &original); /* false: it is listed, or no room */
    link->levers[lever].recorded[who] = link_original_find(link, lever) >= 0;
    return link->levers[lever].recorded[who];
}

bool link_original(const struct link *link, int32_t lever, double *ret)
{
    int32_t at = link_original_find(link, lever);

    if (at < 0)
        return false;
    *ret = link->originals[link->conf->lever_of[lever].device].list[at].value;
    return true;
}

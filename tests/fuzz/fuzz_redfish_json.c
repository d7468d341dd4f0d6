/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_redfish_json.c: whatever a BMC answers, the parsers take it and stay within their texts. */
#include "field/redfish_json.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Ends within its room, and is printable. */
static void must_be_text(const char *text, size_t room)
{
    size_t size = strnlen(text, room);

    must(size < room);
    for (size_t i = 0; i < size; i++)
        must(text[i] >= 0x20 && text[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *body = (const char *)data;
    struct redfish_json_metrics metrics;
    struct redfish_json_root root;
    char error[REDFISH_JSON_TEXT_MAX], login[640];

    if (redfish_json_metrics(body, size, &metrics) == ST_OK) {
        must(!isinf(metrics.power_w) && !isinf(metrics.energy_j) && !isinf(metrics.temp_c));
        must(!isinf(redfish_json_limit_w(&metrics)) && !isinf(metrics.limit_min_w));
        must_be_text(metrics.mode, sizeof metrics.mode);
        must_be_text(metrics.units, sizeof metrics.units);
        must_be_text(metrics.exception, sizeof metrics.exception);
    }
    if (redfish_json_root(body, size, &root) == ST_OK) {
        must_be_text(root.uuid, sizeof root.uuid);
        must_be_text(root.product, sizeof root.product);
        must_be_text(root.version, sizeof root.version);
        must_be_text(root.sessions, sizeof root.sessions);
    }
    free(redfish_json_id(body, size));
    redfish_json_error(body, size, error);
    must_be_text(error, sizeof error);
    (void)redfish_json_sessions_full(body, size);
    if (size < 48) {
        char name[48] = "";

        memcpy(name, data, size);
        if (redfish_json_login(name, name, login, sizeof login))
            must(strlen(login) < sizeof login);
    }
    return 0;
}

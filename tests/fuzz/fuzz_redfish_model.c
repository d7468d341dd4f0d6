/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_redfish_model.c: whatever a BMC answers to whatever it is asked, the walk ends and
 * the survey stays within its texts. Documents of one tree are parted by a byte 0xff; the
 * first bit of the byte after it says whether the next one is a miss.
 */
#include "field/redfish_limit.h"
#include "field/redfish_model.h"
#include "field/redfish_spot.h"

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

static void must_be_text(const char *text, size_t room)
{
    size_t size = strnlen(text, room);

    must(size < room);
}

#define MUST_BE_TEXT(member) must_be_text(member, sizeof(member))

static void look(const struct redfish_survey *survey)
{
    for (int32_t i = 0; i < survey->reading_count; i++) {
        const struct redfish_survey_reading *r = &survey->readings[i];

        MUST_BE_TEXT(r->signal);
        MUST_BE_TEXT(r->unit);
        MUST_BE_TEXT(r->path);
        MUST_BE_TEXT(r->name);
        must(!isinf(r->value));
    }
    for (int32_t i = 0; i < survey->limit_count; i++) {
        struct redfish_survey_limit limit = survey->limits[i];
        struct redfish_limit_set set = { .value = 700.0 };
        char body[REDFISH_LIMIT_BODY_MAX];

        MUST_BE_TEXT(limit.path);
        MUST_BE_TEXT(limit.unit);
        MUST_BE_TEXT(limit.mode);
        must(limit.writable == (limit.why == NULL));
        must(!limit.writable ||
             (!limit.nonvolatile && strcmp(limit.exception, "HardPowerOff") != 0 && limit.unit[0]));
        if (redfish_limit_body(&limit, &set, body, sizeof body))
            MUST_BE_TEXT(body);
    }
    for (int32_t i = 0; i < survey->supply_count; i++)
        MUST_BE_TEXT(survey->supplies[i].path);
    for (int32_t i = 0; i < survey->endpoint_count; i++)
        MUST_BE_TEXT(survey->endpoints[i].example);
}

static void walk(const uint8_t *data, size_t size)
{
    char target[REDFISH_SURVEY_PATH_MAX + 48];
    struct redfish_survey survey;
    struct redfish_model model;
    int32_t item, asked = 0;

    redfish_model_init(&model, &survey, 256);
    while ((item = redfish_model_next(&model, target, sizeof target)) >= 0) {
        const uint8_t *end = size ? memchr(data, 0xff, size) : NULL;
        size_t piece = end ? (size_t)(end - data) : size;
        bool missed = piece > 0 && data[0] == '!';
        struct redfish_model_doc doc = {
            .item = item, .body = (const char *)data, .size = piece, .allow = "GET, PATCH"
        };
        struct redfish_model_miss miss = { .item = item, .status = ST_ABSENT, .code = 404, .text = "gone" };

        must(++asked <= 2000); /* it ends */
        must_be_text(target, sizeof target);
        if (missed || size == 0)
            (void)redfish_model_miss(&model, &miss);
        else
            redfish_model_take(&model, &doc);
        data += end ? piece + 1 : size;
        size -= end ? piece + 1 : size;
    }
    redfish_model_finish(&model, 1);
    look(&survey);
    redfish_model_done(&model);
    redfish_survey_done(&survey);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const pointers[] = { "", "PowerControl/0", "InputPowerWatts", "A/0/B" };
    struct redfish_spot_doc doc;

    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++)
        if (redfish_spot_parse((const char *)data, size, pointers[i], &doc) == ST_OK) {
            MUST_BE_TEXT(doc.enable);
            MUST_BE_TEXT(doc.power_source);
            must(!isinf(redfish_spot_limit(&doc)) && !isinf(doc.workload));
        }
    walk(data, size);
    return 0;
}

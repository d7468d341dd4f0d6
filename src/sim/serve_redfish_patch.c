/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_patch.c: owns what a PATCH of a GPU's EnvironmentMetrics may say,
 * and what it does. Runs on the server's base; no I/O.
 */
#include "serve_redfish_extra.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

void serve_redfish_etag(struct json_object *body, char *etag)
{
    const char *text =
        json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    uint64_t hash = 0xCBF29CE484222325u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    (void)snprintf(etag, 24, "\"%016" PRIx64 "\"", hash);
}

static bool serve_redfish_patch_unknown(struct serve_redfish_answer *answer, const char *name)
{
    char text[SERVE_REDFISH_TEXT];

    (void)snprintf(text, sizeof text, "The property %.64s is not in the list of valid properties.", name);
    serve_redfish_error(answer, 400, "PropertyUnknown", text);
    return false;
}

static bool serve_redfish_patch_set_point(const struct plant_gpu *gpu, struct json_object *value,
                                          struct serve_redfish_answer *answer, int64_t *ret_w)
{
    char text[SERVE_REDFISH_TEXT];
    int64_t w;

    if (!json_object_is_type(value, json_type_int)) {
        (void)snprintf(text, sizeof text, "The value %.40s for SetPoint is not an integer.",
                       value ? json_object_to_json_string(value) : "null");
        serve_redfish_error(answer, 400, "PropertyValueTypeError", text);
        return false;
    }
    w = json_object_get_int64(value);
    if ((double)w < gpu->limit_min_w || (double)w > gpu->limit_max_w) {
        (void)snprintf(text, sizeof text, "The value %" PRId64 " for SetPoint is outside %.0f to %.0f.", w,
                       gpu->limit_min_w, gpu->limit_max_w);
        serve_redfish_error(answer, 400, "PropertyValueOutOfRange", text);
        return false;
    }
    *ret_w = w;
    return true;
}

/* The limit's members. `*ret_w` stays where it is when no SetPoint is given. */
static bool serve_redfish_patch_limit(const struct plant_gpu *gpu, struct json_object *limit,
                                      struct serve_redfish_answer *answer, int64_t *ret_w)
{
    if (!json_object_is_type(limit, json_type_object)) {
        serve_redfish_error(answer, 400, "PropertyValueTypeError", "PowerLimitWatts is not an object.");
        return false;
    }
    json_object_object_foreach(limit, name, value)
    {
        if (strcmp(name, "SetPoint") == 0) {
            if (!serve_redfish_patch_set_point(gpu, value, answer, ret_w))
                return false;
        } else if (strcmp(name, "ControlMode") == 0) {
            if (!json_object_is_type(value, json_type_string) ||
                strcmp(json_object_get_string(value), "Automatic") != 0) {
                serve_redfish_error(answer, 400, "PropertyValueNotInList",
                                    "ControlMode can only be Automatic.");
                return false;
            }
        } else {
            return serve_redfish_patch_unknown(answer, name);
        }
    }
    return true;
}

/* {"Oem":{"Nvidia":{"PowerLimitPersistency":false}}}: taken, and without effect; or
 * EDPpPercent, where there is one. */
static bool serve_redfish_patch_oem(struct serve_redfish_bmc *bmc, int32_t n, struct json_object *oem,
                                    struct serve_redfish_answer *answer)
{
    struct json_object *maker = NULL, *persistent = NULL, *edpp = NULL;

    if (serve_redfish_has_extras(bmc) && json_object_object_get_ex(oem, "Nvidia", &maker) &&
        json_object_object_get_ex(maker, "EDPpPercent", &edpp))
        return serve_redfish_extra_edpp(bmc, n, edpp, answer);
    if (!json_object_object_get_ex(oem, "Nvidia", &maker) ||
        !json_object_object_get_ex(maker, "PowerLimitPersistency", &persistent))
        return serve_redfish_patch_unknown(answer, "Oem");
    if (json_object_is_type(persistent, json_type_boolean))
        return true;
    serve_redfish_error(answer, 400, "PropertyValueTypeError", "PowerLimitPersistency is not a boolean.");
    return false;
}

static bool serve_redfish_patch_body(struct serve_redfish_bmc *bmc, int32_t n, struct json_object *body,
                                     struct serve_redfish_answer *answer, int64_t *ret_w)
{
    const struct plant_gpu *gpu = &serve_redfish_plant(bmc)->gpus[bmc->gpus[n]];

    if (!json_object_is_type(body, json_type_object)) {
        serve_redfish_error(answer, 400, "MalformedJSON", "The request body is not a JSON object.");
        return false;
    }
    json_object_object_foreach(body, name, value)
    {
        bool good = strcmp(name, "PowerLimitWatts") == 0
                        ? serve_redfish_patch_limit(gpu, value, answer, ret_w)
                    : strcmp(name, "Oem") == 0 ? serve_redfish_patch_oem(bmc, n, value, answer)
                                               : serve_redfish_patch_unknown(answer, name);

        if (!good)
            return false;
    }
    return true;
}

/* If-Match is held against the resource as it reads now, live readings and all. */
static bool serve_redfish_patch_matches(struct serve_redfish_bmc *bmc,
                                        const struct serve_redfish_request *request)
{
    struct json_object *now;
    char etag[24];

    if (!request->if_match || strcmp(request->if_match, "*") == 0)
        return true;
    now = serve_redfish_resource(bmc, request->path, request->now_us);
    serve_redfish_etag(now, etag);
    json_object_put(now);
    return strcmp(request->if_match, etag) == 0;
}

void serve_redfish_patch(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                         struct serve_redfish_answer *answer)
{
    struct plant *plant = serve_redfish_plant(bmc);
    int32_t n = serve_redfish_gpu(bmc, request->path), gpu = bmc->gpus[n];
    struct json_object *body;
    int64_t w = -1;

    if (!serve_redfish_patch_matches(bmc, request)) {
        serve_redfish_error(answer, 412, "PreconditionFailed", "The ETag supplied did not match.");
        return;
    }
    body = json_tokener_parse(request->body);
    if (serve_redfish_patch_body(bmc, n, body, answer, &w)) {
        answer->status = 204;
        if (w >= 0 && !(serve_redfish_faults(bmc) &&
                        faults_hit(serve_redfish_faults(bmc), FAULT_BMC, bmc->node, FAULT_IGNORE_WRITE))) {
            plant_gpu_set_limit(plant, gpu, (double)w);
            bmc->counts.limits_set++;
        }
    }
    json_object_put(body);
}

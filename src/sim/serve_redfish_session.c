/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_session.c: owns a simulated BMC's eight session slots, its tokens
 * and its one account. Runs on the server's base; no I/O.
 */
#include "serve_redfish_parts.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_PATH "/redfish/v1/SessionService/Sessions"

bool serve_redfish_session_live(const struct serve_redfish_bmc *bmc,
                                const struct serve_redfish_session *session, int64_t now_us)
{
    return session->id != 0 && now_us - session->used_us < serve_redfish_timeout_us(bmc);
}

int32_t serve_redfish_sessions(const struct serve_redfish_bmc *bmc, int64_t now_us)
{
    int32_t count = 0;

    for (int32_t i = 0; i < SERVE_REDFISH_SESSIONS; i++)
        count += serve_redfish_session_live(bmc, &bmc->sessions[i], now_us) ? 1 : 0;
    return count;
}

void serve_redfish_forget(struct serve_redfish_bmc *bmc)
{
    memset(bmc->sessions, 0, sizeof bmc->sessions);
}

static int serve_redfish_session_sextet(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

    return at ? (int)(at - alphabet) : -1;
}

/* Base64 to text; false: it is not base64, or too long. */
static bool serve_redfish_session_unbase64(const char *from, char *text, size_t room)
{
    unsigned bits = 0;
    int count = 0;
    size_t size = 0;

    for (; *from != '\0' && *from != '='; from++) {
        int six = serve_redfish_session_sextet(*from);

        if (six < 0)
            return false;
        bits = bits << 6 | (unsigned)six;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        if (size + 1 >= room)
            return false;
        text[size++] = (char)(bits >> count & 0xFF);
    }
    text[size] = '\0';
    return true;
}

static bool serve_redfish_session_basic(const char *authorization)
{
    char text[128];

    return strncasecmp(authorization, "Basic ", 6) == 0 &&
           serve_redfish_session_unbase64(authorization + 6, text, sizeof text) &&
           strcmp(text, SERVE_REDFISH_USERNAME ":" SERVE_REDFISH_PASSWORD) == 0;
}

bool serve_redfish_allowed(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request)
{
    if (!request->token)
        return request->authorization && serve_redfish_session_basic(request->authorization);
    for (int32_t i = 0; i < SERVE_REDFISH_SESSIONS; i++) {
        struct serve_redfish_session *session = &bmc->sessions[i];

        if (!serve_redfish_session_live(bmc, session, request->now_us) ||
            strcmp(session->token, request->token) != 0)
            continue;
        session->used_us = request->now_us;
        return true;
    }
    return false;
}

static struct serve_redfish_session *serve_redfish_session_slot(struct serve_redfish_bmc *bmc, int64_t now_us)
{
    for (int32_t i = 0; i < SERVE_REDFISH_SESSIONS; i++) {
        if (!serve_redfish_session_live(bmc, &bmc->sessions[i], now_us))
            return &bmc->sessions[i];
    }
    return NULL;
}

/* Do the credentials in a login's body fit? Sets the answer when they do not. */
static bool serve_redfish_session_credentials(const char *body, struct serve_redfish_answer *answer)
{
    struct json_object *login = json_tokener_parse(body);
    struct json_object *user = NULL, *password = NULL;
    bool good = false;

    if (!json_object_is_type(login, json_type_object)) {
        serve_redfish_error(answer, 400, "MalformedJSON", "The request body is not a JSON object.");
    } else if (!json_object_object_get_ex(login, "UserName", &user) ||
               !json_object_object_get_ex(login, "Password", &password)) {
        serve_redfish_error(answer, 400, "PropertyMissing", "UserName and Password are required.");
    } else if (!json_object_is_type(user, json_type_string) ||
               !json_object_is_type(password, json_type_string) ||
               strcmp(json_object_get_string(user), SERVE_REDFISH_USERNAME) != 0 ||
               strcmp(json_object_get_string(password), SERVE_REDFISH_PASSWORD) != 0) {
        serve_redfish_error(answer, 401, "ResourceAtUriUnauthorized", "Invalid username or password.");
        answer->challenge = true;
    } else {
        good = true;
    }
    json_object_put(login);
    return good;
}

void serve_redfish_login(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                         struct serve_redfish_answer *answer)
{
    struct serve_redfish_session *session;
    struct rng *rng = serve_redfish_rng(bmc);

    if (!serve_redfish_session_credentials(request->body, answer))
        return;
    session = serve_redfish_session_slot(bmc, request->now_us);
    if (!session) {
        serve_redfish_error(answer, 503, "RAC0218", "The maximum number of user sessions is reached.");
        return;
    }
    session->id = ++bmc->session_id;
    session->used_us = request->now_us;
    (void)snprintf(session->token, sizeof session->token, "%016llx%016llx", (unsigned long long)rng_u64(rng),
                   (unsigned long long)rng_u64(rng));
    bmc->counts.sessions_opened++;
    answer->status = 201;
    (void)snprintf(answer->location, sizeof answer->location, SESSIONS_PATH "/%u", session->id);
    memcpy(answer->token, session->token, sizeof answer->token);
    answer->body = serve_redfish_resource(bmc, answer->location, request->now_us);
}

void serve_redfish_logout(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                          struct serve_redfish_answer *answer)
{
    const char *id = request->path + strlen(SESSIONS_PATH "/");

    for (int32_t i = 0; i < SERVE_REDFISH_SESSIONS; i++) {
        struct serve_redfish_session *session = &bmc->sessions[i];
        char text[16];

        (void)snprintf(text, sizeof text, "%u", session->id);
        if (!serve_redfish_session_live(bmc, session, request->now_us) || strcmp(id, text) != 0)
            continue;
        *session = (struct serve_redfish_session){.id = 0};
        answer->status = 204;
        return;
    }
    serve_redfish_error(answer, 404, "ResourceNotFound", "There is no such session.");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* api_request.h: one request under way, between api.c and the files of its routes. */
#ifndef OPERATOR_API_REQUEST_H
#define OPERATOR_API_REQUEST_H

#include "api.h"

struct json_object;

struct api_request {
    struct operator *op;
    struct http_exchange *exchange;
    struct snapshot snap;   /* as far as the route needs it */
};

/* "{error: ...}" with this code. */
__attribute__((format(printf, 3, 4))) void api_refuse(struct api_request *request, int code, const char *format, ...);

/* Sends and puts `json`; NULL: out of memory. */
void api_reply(struct api_request *request, struct json_object *json);

/* The body as one JSON object; NULL: it is none. The caller puts it. */
struct json_object *api_body(struct api_request *request);

/* names, outputs and stats of now. NULL: *request->snap is filled, else why it
 * cannot be. */
const char *api_snapshot(struct api_request *request);

/* api_hints.c */
void api_hints(struct api_request *request);

/* api_tokens.c */
void api_tokens_list(struct api_request *request);
void api_tokens_put(struct api_request *request);
void api_tokens_delete(struct api_request *request);
/* Answers every exchange that still waits; before the server goes. */
void api_tokens_end(struct operator *op);

#endif

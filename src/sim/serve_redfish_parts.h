/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_parts.h: what the files of the Redfish server share. Private to
 * serve_redfish*.c.
 */
#ifndef BUSBAR_SIM_SERVE_REDFISH_PARTS_H
#define BUSBAR_SIM_SERVE_REDFISH_PARTS_H

#include <stdbool.h>

#include "rng.h"
#include "serve_redfish.h"

#define SERVE_REDFISH_GPUS_MAX 8 /* of one node                                 */
#define SERVE_REDFISH_TEXT     160
#define SERVE_REDFISH_TOKEN    33
#define SERVE_REDFISH_TASKS    8
#define SERVE_REDFISH_STREAMS  2

struct evhttp;
struct evhttp_connection;
struct evhttp_request;
struct json_object;

struct serve_redfish_session {
    uint32_t id; /* 0: free                                     */
    char token[SERVE_REDFISH_TOKEN];
    int64_t used_us;
};

struct serve_redfish_ramps {
    double floor_percent, up_w_s, down_w_s, hysteresis_s;
};

/* A GPU's settings that are no watts. */
struct serve_redfish_extra {
    double edpp, profile;
    uint64_t workload; /* mask of profiles asked for                  */
    bool smoothing;
    struct serve_redfish_ramps ramps, overrides;
};

/* A write that is done later. */
struct serve_redfish_task {
    uint32_t id; /* 0: free                                     */
    bool done;
    int64_t due_us;
    char path[2 * SERVE_REDFISH_TEXT], body[512];
};

struct serve_redfish_bmc {
    struct serve_redfish *redfish;
    int32_t node;
    struct evhttp *http;
    int port;
    int32_t gpu_count;
    int32_t gpus[SERVE_REDFISH_GPUS_MAX]; /* of the plant                             */
    struct evhttp_connection *connections[SERVE_REDFISH_CONNECTIONS];
    struct serve_redfish_session sessions[SERVE_REDFISH_SESSIONS];
    uint32_t session_id; /* of the last one                             */
    uint32_t resets_seen;
    double frozen_node_w;
    struct serve_redfish_extra extras[SERVE_REDFISH_GPUS_MAX];
    double node_limit_w; /* NAN: none is set                            */
    struct serve_redfish_task tasks[SERVE_REDFISH_TASKS];
    uint32_t task_id, event_id;
    struct evhttp_request *streams[SERVE_REDFISH_STREAMS];
    const struct evhttp_connection *stream_connections[SERVE_REDFISH_STREAMS];
    int64_t report_us;
    uint64_t told_limits;
    struct serve_redfish_counts counts;
};

/* One answer: `body` is owned by it; texts are headers, "" when absent. */
struct serve_redfish_answer {
    int status;
    struct json_object *body;
    char location[SERVE_REDFISH_TEXT], token[SERVE_REDFISH_TOKEN], allow[32];
    bool challenge;        /* WWW-Authenticate                            */
    int32_t retry_after_s; /* 0: none                                     */
    bool stream;           /* an event stream is to begin                 */
};

/* What a handler sees of a request. */
struct serve_redfish_request {
    const char *path;                             /* no query, no trailing slash                 */
    const char *body;                             /* NUL-terminated; "" without                  */
    const char *token, *authorization, *if_match; /* NULL when absent                 */
    bool post;
    int64_t now_us;
};

struct plant *serve_redfish_plant(const struct serve_redfish_bmc *bmc);
struct faults *serve_redfish_faults(const struct serve_redfish_bmc *bmc);
int64_t serve_redfish_timeout_us(const struct serve_redfish_bmc *bmc);
struct rng *serve_redfish_rng(struct serve_redfish_bmc *bmc);

bool serve_redfish_has_extras(const struct serve_redfish_bmc *bmc);

/* Works a PATCH or POST of what the BMC has; answered in any case. */
void serve_redfish_write(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                         struct serve_redfish_answer *answer);
void serve_redfish_answer_done(struct serve_redfish_answer *answer);

/* ---- serve_redfish_tree.c: what there is to read ---- */

/* What the sensor of its n-th GPU shows. */
double serve_redfish_gpu_w(struct serve_redfish_bmc *bmc, int32_t n);

/* The resource at a path, or NULL: there is none. The caller's to put. */
struct json_object *serve_redfish_resource(struct serve_redfish_bmc *bmc, const char *path, int64_t now_us);

/* The GPU (0 up) whose EnvironmentMetrics `path` is; -1: not one. */
int32_t serve_redfish_gpu(const struct serve_redfish_bmc *bmc, const char *path);

/* An error body: a message of the Base registry, or of `registry`. */
void serve_redfish_error(struct serve_redfish_answer *answer, int status, const char *message_id,
                         const char *text);

/* ---- serve_redfish_session.c: who may ask ---- */

bool serve_redfish_allowed(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request);
void serve_redfish_login(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                         struct serve_redfish_answer *answer);
void serve_redfish_logout(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                          struct serve_redfish_answer *answer);
void serve_redfish_forget(struct serve_redfish_bmc *bmc);
int32_t serve_redfish_sessions(const struct serve_redfish_bmc *bmc, int64_t now_us);
bool serve_redfish_session_live(const struct serve_redfish_bmc *bmc,
                                const struct serve_redfish_session *session, int64_t now_us);

/* ---- serve_redfish_patch.c: what may be written ---- */

void serve_redfish_patch(struct serve_redfish_bmc *bmc, const struct serve_redfish_request *request,
                         struct serve_redfish_answer *answer);

/* The ETag of a resource as it is now; `etag` has room for 24. */
void serve_redfish_etag(struct json_object *body, char *etag);

#endif

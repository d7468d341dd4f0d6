/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_bmc.h: struct redfish, shared by the files that run a BMC.
 *
 * redfish.c polls and knows outages, redfish_place.c keeps what each resource says,
 * redfish_find.c finds resources that are not configured, redfish_bulk.c reads many GPUs
 * in one report, redfish_link.c asks (401, 503), redfish_session.c logs in,
 * redfish_order.c chooses an order and redfish_write.c carries it out. One thread, the
 * event base's.
 */
#ifndef BUSBAR_FIELD_REDFISH_BMC_H
#define BUSBAR_FIELD_REDFISH_BMC_H

#include "adapter.h"
#include "redfish.h"
#include "redfish_json.h"
#include "redfish_knob.h"
#include "redfish_spot.h"

#include <event2/event.h>

#include "busbar/http.h"

#define REDFISH_ETAG_MAX     128
#define REDFISH_SERIAL_NONE  "no-uuid" /* of a service root without one             */
#define REDFISH_BODY_MAX     512 /* of a PATCH                                    */
#define REDFISH_LOGIN_MAX    640 /* two names, each character as \\u0000 at worst     */
#define REDFISH_US_PER_S     1000000

/* ---- asking ---- */

/* Each lane has one question out at a time. While the session lane has one, the
 * lane that needs it waits: so there are never more than two. */
enum redfish_lane_id { REDFISH_LANE_POLL, REDFISH_LANE_WRITE, REDFISH_LANE_SESSION, REDFISH_LANES };

struct redfish_reply {
    enum status status; /* ST_OK: an answer came, whatever its code; ST_REFUSED
                                        with code 0: not asked, our login is not taken */
    int code;
    const char *body;
    size_t size;
    int64_t dispatched_us; /* 0: it never left                              */
    int64_t done_us;
    const struct http_response *response; /* for headers; NULL without an answer      */
};

typedef void (*redfish_done)(struct redfish *bmc, const struct redfish_reply *reply);

struct redfish_ask {
    const char *method, *path; /* borrowed until `done`                         */
    const char *body, *etag;   /* NULL: none                                    */
    bool open;                 /* without login                                 */
    bool once;                 /* on a connection of its own: never sent twice  */
    redfish_done done;
};

struct redfish_lane {
    struct redfish *bmc;
    struct redfish_ask ask;
    bool busy;           /* asked, and `done` not called yet              */
    bool parked;         /* waits for a login                             */
    bool renewed;        /* this ask made us log in already               */
    bool slashed;        /* it is sent with a slash at its path's end     */
    int32_t refusals;    /* 401s to this ask so far                       */
    uint32_t generation; /* of the token it was sent with                 */
    struct event *retry;
};

enum redfish_session_step {
    REDFISH_SESSION_REST,
    REDFISH_SESSION_REPLACE,
    REDFISH_SESSION_LOGIN,
    REDFISH_SESSION_LOGOUT
};

struct redfish_session {
    enum redfish_session_step step;
    char *token_header; /* "X-Auth-Token: ...", however long; NULL: no session          */
    char *uri;          /* to DELETE; NULL: not told                                    */
    char login_path[REDFISH_JSON_PATH_MAX];
    char login_body[REDFISH_LOGIN_MAX];
    char basic_header[REDFISH_LOGIN_MAX]; /* "Authorization: Basic ..."               */
    uint32_t generation;                  /* one more with each token                      */
    bool basic;                           /* no session to be had: Basic until then        */
    int64_t basic_until_us;
    bool login_with_basic; /* some want it on the login itself              */
    int32_t failures;      /* logins not believed, in a row                 */
    int64_t login_after_us;
    char why[REDFISH_JSON_TEXT_MAX]; /* the last one was not                          */
    bool complained;
};

/* ST_NOMEM: no memory for an event. */
NODISCARD enum status redfish_link_init(struct redfish *bmc);
void redfish_link_done(struct redfish *bmc);
void redfish_link_ask(struct redfish *bmc, enum redfish_lane_id lane, const struct redfish_ask *ask);
void redfish_session_logout(struct redfish *bmc);
void redfish_session_done(struct redfish *bmc);
/* Basic authentication from the first request on: no session is asked for. */
void redfish_session_never(struct redfish *bmc);

/* The URL of a path, given to the caller; NULL: no memory. */
char *redfish_link_target(const struct redfish *bmc, const char *path);
/* The header that says who we are, "" for nobody; NULL: there is no login just now. */
const char *redfish_link_login_header(const struct redfish *bmc);

/* What a reply means: ST_OK for 2xx, ST_REFUSED, ST_ABSENT (404), ST_BUSY (429,
 * 503), ST_NACK (other 5xx) or the exchange's own status. */
enum status redfish_link_judge(const struct redfish_reply *reply);

/* Why a reply is not what was asked for, in words; never none. */
void redfish_link_why(const struct redfish *bmc, const struct redfish_reply *reply,
                      char why[REDFISH_JSON_TEXT_MAX]);

/* Where it sends us instead, NULL: nowhere. Nothing follows but a slash at a path's end. */
const char *redfish_link_redirect(const struct redfish_reply *reply);

/* Retry-After in us, 0 to `most_us`; 0 where there is none that we understand. */
int64_t redfish_link_retry_after_us(const struct redfish_reply *reply, int64_t most_us);

/* ---- what is polled, and levers ---- */

/* A resource, or a part of one. The GPUs' come first, then the configured places, then
 * each GPU's workload profiles and each GPU's smoothing. */
struct redfish_place {
    char path[CONF_PATH_MAX]; /* "": not found (yet)                             */
    const char *pointer;
    bool read;         /* `doc` was read at least once                    */
    bool complained;   /* its trouble was logged                          */
    int64_t period_us; /* 0: it is not polled                             */
    int64_t due_us;
    struct redfish_spot_doc doc;
};

enum redfish_lever_step {
    REDFISH_LEVER_IDLE,
    REDFISH_LEVER_READ,
    REDFISH_LEVER_SET,
    REDFISH_LEVER_TASK, /* a 202: looked at until the BMC is done with it */
    REDFISH_LEVER_VERIFY
};

struct redfish_lever {
    enum redfish_lever_step step;
    struct device_order order; /* being worked off                              */
    uint64_t seen;             /* number of the newest order seen,              */
    int64_t seen_us;           /*   and when                                    */
    int64_t published_us;      /* the same, of `order`                          */
    bool recorded;             /* its original is on disk                       */
    bool complained;
    double target; /* what is written                               */
    enum redfish_knob_switch turn;
    int32_t call, call_count; /* of those that set it: the one under way       */
    enum status otherwise;    /* the outcome unless the read-back agrees       */
    int32_t readbacks, climbs, looks;
    int64_t due_us; /* of the next read-back or look at the task     */
    int64_t dispatched_us;
    char etag[REDFISH_ETAG_MAX];
    char task[REDFISH_JSON_PATH_MAX];
    struct redfish_knob_call calls[REDFISH_KNOB_CALLS_MAX];
};

/* How a PATCH names what it changes, from the first rung that works. */
enum redfish_etag { REDFISH_ETAG_NONE, REDFISH_ETAG_AS_GIVEN, REDFISH_ETAG_STRONG, REDFISH_ETAG_RUNGS };

struct redfish {
    struct redfish_options opt;
    struct adapter *adapter;
    const struct conf_device *device;
    const struct conf_bus *bus;
    char url[CONF_PATH_MAX]; /* without a slash at its end                    */
    bool stopping;
    uint64_t random;

    struct redfish_discover *discover; /* walks the tree on the poll lane; NULL: nobody does */
    struct redfish_session session;
    struct redfish_lane lanes[REDFISH_LANES];

    /* polling */
    struct event *poll_timer;
    bool rooted;      /* the service root was read since the last outage */
    bool root_bare;   /* it answers without a slash at its end only      */
    bool slashes;     /* it wants a slash at the end of every path           */
    int32_t place;    /* asked for now                                   */
    int32_t since;    /* polls since the last errand                     */
    int32_t failures; /* in a row                                        */
    bool bad;         /* and said so                                     */
    bool waiting;     /* for the time after a failure                    */
    int64_t get_us;   /* a GET's latency, smoothed; 0: none yet          */
    struct redfish_place *places;
    int32_t place_count;
    struct redfish_find *find;          /* what is to be found; NULL: nothing     */
    struct redfish_bulk *bulk;          /* reports; NULL: none are wanted         */
    struct redfish_stream *stream;      /* events; NULL: none are wanted        */
    char kind[REDFISH_SURVEY_WORD_MAX]; /* of BMC, as found; ""            */

    /* writing */
    struct event *write_timer;
    int32_t writing;    /* lever whose exchange is out; CORE_NONE        */
    int32_t lever_next; /* where the next search starts                  */
    enum redfish_etag etag;
    double write_tokens; /* writes that may leave now                  */
    int64_t write_filled_us;
    struct redfish_lever *levers;

    struct field_bus_stats stats;
};

/* A share of up to `spread` more or less, so that BMCs do not move in step. */
int64_t redfish_jitter_us(struct redfish *bmc, int64_t value_us, double spread);

/* Sets a timer, from now. */
void redfish_timer(struct event *timer, int64_t wait_us);

/* Counts one exchange. */
void redfish_count(struct redfish *bmc, const struct redfish_reply *reply);

/* Trouble of the BMC as a whole, not of one resource. */
bool redfish_is_outage(const struct redfish_reply *reply);

/* Asks for whatever is next on the poll lane, if it is free. */
void redfish_poll(struct redfish *bmc);

/* An errand's answer: counts it as any poll's, and goes on polling. */
void redfish_polled(struct redfish *bmc, const struct redfish_reply *reply);

/* ---- redfish_place.c ---- */

/* ST_NOMEM. */
NODISCARD enum status redfish_places_init(struct redfish *bmc);
void redfish_places_done(struct redfish *bmc);

/* The place of a lever, of a reading. */
int32_t redfish_place_of_lever(const struct redfish *bmc, int32_t lever);
int32_t redfish_place_of_reading(const struct redfish *bmc, int32_t reading);
/* Of a GPU's workload profiles, or smoothing; CORE_NONE: nobody needs it. */
int32_t redfish_place_workload(const struct redfish *bmc, int32_t gpu);
int32_t redfish_place_smoothing(const struct redfish *bmc, int32_t gpu);

/* The place whose turn is first, and when; CORE_NONE: nothing is polled. */
int32_t redfish_place_next(const struct redfish *bmc);
/* It was asked for: its next turn. */
void redfish_place_asked(struct redfish *bmc, int32_t place, int64_t now_us);

/* Takes an answer: parses it, sets its readings and publishes. Returns what it was worth. */
enum status redfish_take(struct redfish *bmc, int32_t place, const struct redfish_reply *reply);

/* Sets the readings of a place (CORE_NONE: of every one) to a status. */
void redfish_place_fail(struct redfish *bmc, int32_t place, enum status status,
                        const struct redfish_reply *reply);

/* A resource of the BMC changed, says an event: places on it are due now. */
void redfish_place_touch(struct redfish *bmc, const char *path);

/* ---- redfish_find.c ---- */

NODISCARD enum status redfish_find_init(struct redfish *bmc);
void redfish_find_done(struct redfish *bmc);
/* Is there something to ask? Asks it. */
bool redfish_find_wants(const struct redfish *bmc, int64_t now_us);
void redfish_find_ask(struct redfish *bmc);
/* Nothing was looked for yet: what is not there may still be found. */
bool redfish_find_is_pending(const struct redfish *bmc);
/* Another BMC is there: what was found does not hold any more. */
void redfish_find_forget(struct redfish *bmc);

/* ---- redfish_bulk.c ---- */

NODISCARD enum status redfish_bulk_init(struct redfish *bmc);
void redfish_bulk_done(struct redfish *bmc);
/* A report that the BMC has. */
void redfish_bulk_offer(struct redfish *bmc, const char *path);
bool redfish_bulk_wants(const struct redfish *bmc, int64_t now_us);
void redfish_bulk_ask(struct redfish *bmc);
/* When the report is due; INT64_MAX: none is used. */
int64_t redfish_bulk_due_us(const struct redfish *bmc);
void redfish_bulk_forget(struct redfish *bmc);
/* Values of a report that came by an event; true: it was one of ours. */
bool redfish_bulk_event(struct redfish *bmc, const char *body, size_t size, int64_t now_us);

/* Starts whatever the write lane can do now. */
void redfish_write_turn(struct redfish *bmc);

#endif

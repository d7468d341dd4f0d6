/* redfish_survey.h: what one BMC shows, found and read with nothing but its URL.
 *
 * For tools: everything here is synchronous and runs an event base of its own.
 * The daemon's devices use the same walk on their own base (src/field/redfish*.c).
 * Nothing but GET is sent, unless a username is given (then one session is opened
 * and given back) or a redfish_probe call says that it writes.
 */
#ifndef BUSBAR_REDFISH_SURVEY_H
#define BUSBAR_REDFISH_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/status.h"

#define REDFISH_SURVEY_PATH_MAX   256
#define REDFISH_SURVEY_TEXT_MAX   64
#define REDFISH_SURVEY_SIGNAL_MAX 40
#define REDFISH_SURVEY_WORD_MAX   24
#define REDFISH_SURVEY_WHY_MAX    160
#define REDFISH_SURVEY_MASK_WORDS 8 /* of a mask of workload profiles: 256 bits          */

struct redfish_survey_options {
    const char *url;                 /* "http[s]://HOST[:PORT]"                            */
    const char *username, *password; /* NULL: nobody logs in                               */
    const char *ca_file;             /* https: NULL is the system's store                  */
    const char *pin;                 /* https: "sha256//BASE64" of its public key (several
                                        separated by ';') instead of a CA; NULL: none      */
    int64_t timeout_us;              /* of one answer; 0: 10 s                             */
    int64_t limit_us;                /* of the whole survey; 0: 600 s                      */
    int32_t gets_max;                /* 0: 8192                                            */
    bool guest;                      /* another of ours has the session and the connections that a BMC gets:
                                        Basic authentication, and one connection alone       */
    bool signals;                    /* SIGINT and SIGTERM wait until a session is given back, then
                                        end the program as ever; another a second later does at once */
    void (*progress)(void *arg, int32_t asked, int32_t waiting); /* after each answer; NULL */
    void *arg;
};

/* Texts are printable ASCII. A number that is not known is NAN. */

struct redfish_survey_reading {
    char signal[REDFISH_SURVEY_SIGNAL_MAX]; /* of signals.h where one fits, else "sensor_power_w" ... */
    char unit[REDFISH_SURVEY_WORD_MAX];     /* base SI where there is one: W V A J Hz C; % rpm        */
    char path[REDFISH_SURVEY_PATH_MAX];     /* the sensor's, or "RESOURCE#/Property"                  */
    char name[REDFISH_SURVEY_TEXT_MAX];
    double value;
    int64_t taken_us; /* clock_now_us() when it was asked for, or when a report says it was taken */
    int64_t age_us;   /* when the survey ended                                            */
    enum status status; /* ST_OK, ST_RANGE (implausible), ST_STALE (the BMC says so)       */
};

enum redfish_survey_limit_kind {
    REDFISH_LIMIT_METRICS, /* EnvironmentMetrics.PowerLimitWatts                          */
    REDFISH_LIMIT_CONTROL, /* a Control                                                    */
    REDFISH_LIMIT_LEGACY,  /* Power.PowerControl[].PowerLimit                              */
    REDFISH_LIMIT_EDPP,    /* EnvironmentMetrics Oem.Nvidia.EDPpPercent                    */
    REDFISH_LIMIT_POLICY,  /* a NodeManager policy or domain                               */
    REDFISH_LIMIT_KINDS
};

struct redfish_survey_limit {
    enum redfish_survey_limit_kind kind;
    int32_t index;                         /* LEGACY: position in PowerControl             */
    char path[REDFISH_SURVEY_PATH_MAX];    /* the resource; LEGACY and EDPP: with "#/..."  */
    char source[REDFISH_SURVEY_PATH_MAX];  /* METRICS: the Control it names; "" none       */
    char name[REDFISH_SURVEY_TEXT_MAX];
    char unit[REDFISH_SURVEY_WORD_MAX];    /* "W", "%", "V" ...; "" when it says none      */
    char mode[REDFISH_SURVEY_WORD_MAX];    /* ControlMode; "" absent                       */
    char exception[REDFISH_SURVEY_WORD_MAX]; /* LimitException; "" absent                  */
    char context[REDFISH_SURVEY_WORD_MAX]; /* "gpu", "cpu", "chassis" ...                  */
    double min, max, value, preset;        /* value NAN: none is set                       */
    double delay_s;                        /* ControlDelaySeconds                          */
    bool nonvolatile, writable;
    bool off;                              /* no value, or ControlMode Disabled            */
    const char *why;                       /* why it is not written; NULL: it may be       */
};

struct redfish_survey_supply {
    char path[REDFISH_SURVEY_PATH_MAX];
    char name[REDFISH_SURVEY_TEXT_MAX], maker[REDFISH_SURVEY_TEXT_MAX], model[REDFISH_SURVEY_TEXT_MAX];
    char serial[REDFISH_SURVEY_TEXT_MAX], firmware[REDFISH_SURVEY_TEXT_MAX];
    char state[REDFISH_SURVEY_WORD_MAX], health[REDFISH_SURVEY_WORD_MAX];
    double capacity_w, input_w, output_w, input_v, input_a;
    bool twin; /* of the deprecated Power, where PowerSubsystem lists supplies as well      */
};

struct redfish_survey_battery {
    char path[REDFISH_SURVEY_PATH_MAX];
    char name[REDFISH_SURVEY_TEXT_MAX], maker[REDFISH_SURVEY_TEXT_MAX], model[REDFISH_SURVEY_TEXT_MAX];
    char serial[REDFISH_SURVEY_TEXT_MAX], firmware[REDFISH_SURVEY_TEXT_MAX];
    char state[REDFISH_SURVEY_WORD_MAX], health[REDFISH_SURVEY_WORD_MAX];
    char charge_state[REDFISH_SURVEY_WORD_MAX]; /* "Idle", "Charging" ...                  */
    double capacity_j, charge_ratio, stored_j, health_ratio;
};

/* One accelerator's or CPU's settings that are no watts. */
enum redfish_survey_setting_kind {
    REDFISH_SETTING_WORKLOAD, /* Oem.Nvidia WorkloadPowerProfile: masks                    */
    REDFISH_SETTING_SMOOTHING /* Oem.Nvidia PowerSmoothing                                 */
};
struct redfish_survey_mask {
    bool known;
    uint32_t word[REDFISH_SURVEY_MASK_WORDS]; /* bit 0 of word 0 is the lowest                */
};
struct redfish_survey_setting {
    enum redfish_survey_setting_kind kind;
    char path[REDFISH_SURVEY_PATH_MAX];
    /* WORKLOAD */
    struct redfish_survey_mask supported, requested, enforced;
    char enable[REDFISH_SURVEY_PATH_MAX], disable[REDFISH_SURVEY_PATH_MAX]; /* action targets */
    /* SMOOTHING */
    bool enabled, immediate_ramp_down, supported_here;
    double tmp_w, floor_w, floor_percent, floor_min_percent, floor_max_percent;
    double ramp_up_w_s, ramp_down_w_s, hysteresis_s, lifetime_percent;
};

struct redfish_survey_processor {
    char path[REDFISH_SURVEY_PATH_MAX];
    char type[REDFISH_SURVEY_WORD_MAX]; /* "GPU", "CPU" ...                                */
    bool gpu;
    char metrics[REDFISH_SURVEY_PATH_MAX]; /* its EnvironmentMetrics; "" none              */
    char workload[REDFISH_SURVEY_PATH_MAX], smoothing[REDFISH_SURVEY_PATH_MAX];
};

struct redfish_survey_report {
    char path[REDFISH_SURVEY_PATH_MAX];
    int32_t values, sensors; /* in it; of them readings that are known by path           */
    int32_t stale;           /* marked so by the BMC                                      */
    bool whole;              /* it was no cut-off or malformed one                        */
    double interval_s;       /* SensingInterval; NAN                                      */
    int64_t newest_us, oldest_us; /* timestamps, microseconds since 1970; 0: none          */
    size_t bytes;
};

struct redfish_survey_manager {
    char path[REDFISH_SURVEY_PATH_MAX];
    char id[REDFISH_SURVEY_TEXT_MAX], type[REDFISH_SURVEY_WORD_MAX], model[REDFISH_SURVEY_TEXT_MAX];
    char firmware[REDFISH_SURVEY_TEXT_MAX];
    bool has_clock;
    int64_t clock_offset_us; /* its clock less ours; a second's grain                      */
};

struct redfish_survey_firmware {
    char path[REDFISH_SURVEY_PATH_MAX];
    char id[REDFISH_SURVEY_TEXT_MAX], version[REDFISH_SURVEY_TEXT_MAX];
};

/* One row of what power managers call: present or not. */
struct redfish_survey_endpoint {
    const char *methods; /* "GET, PATCH"                                                   */
    const char *pattern; /* '*' stands for any part of one component                       */
    int32_t listed;      /* links or action targets that fit                               */
    int32_t present;     /* of them those that answered 2xx; of actions: that are offered  */
    char example[REDFISH_SURVEY_PATH_MAX];
};

/* What is not there (no failure), and what failed. */
struct redfish_survey_absent {
    char path[REDFISH_SURVEY_PATH_MAX];
    const char *why; /* "null", "not found", "absent", "error object" ...                  */
};
struct redfish_survey_error {
    char path[REDFISH_SURVEY_PATH_MAX];
    enum status status;
    int32_t code; /* HTTP; 0: no answer                                                    */
    char text[REDFISH_SURVEY_WHY_MAX];
};

/* Every answer, for latency distributions. */
enum redfish_survey_class {
    REDFISH_ASK_ENDPOINT,  /* services, collections, chassis ...                           */
    REDFISH_ASK_TELEMETRY, /* sensors and reports                                          */
    REDFISH_ASK_POWER,     /* EnvironmentMetrics, Power, Control: a limit is in it         */
    REDFISH_ASK_WORKLOAD,  /* workload profiles, smoothing                                 */
    REDFISH_ASK_CLASSES
};
struct redfish_survey_answer {
    enum redfish_survey_class ask;
    int32_t code;
    int64_t latency_us;
    size_t bytes;
};

struct redfish_survey {
    /* the service */
    char vendor[REDFISH_SURVEY_TEXT_MAX], product[REDFISH_SURVEY_TEXT_MAX], uuid[REDFISH_SURVEY_TEXT_MAX];
    char redfish_version[REDFISH_SURVEY_WORD_MAX];
    char bmc_kind[REDFISH_SURVEY_WORD_MAX]; /* "openbmc", "nvidia-openbmc", "ilo", "idrac", "xcc",
                                               "cray", "ami", "generic"                    */
    char firmware[REDFISH_SURVEY_TEXT_MAX]; /* of the manager that provides the service    */
    char maker[REDFISH_SURVEY_TEXT_MAX], model[REDFISH_SURVEY_TEXT_MAX], serial[REDFISH_SURVEY_TEXT_MAX];
    char events[REDFISH_SURVEY_PATH_MAX];   /* ServerSentEventUri; ""                      */
    double session_timeout_s;
    int32_t expand_levels; /* MaxLevels; 0: not offered                                    */
    bool expand_works;     /* it was used, and gave members                                */
    bool complete;         /* nothing was left out for a bound or for time                 */
    int32_t gpus, cpus;
    int64_t properties_understood;
    int64_t took_us;

    struct redfish_survey_reading *readings;
    struct redfish_survey_limit *limits;
    struct redfish_survey_supply *supplies;
    struct redfish_survey_battery *batteries;
    struct redfish_survey_setting *settings;
    struct redfish_survey_processor *processors;
    struct redfish_survey_report *reports;
    struct redfish_survey_manager *managers;
    struct redfish_survey_firmware *firmwares;
    struct redfish_survey_endpoint *endpoints;
    struct redfish_survey_absent *absents;
    struct redfish_survey_error *errors;
    struct redfish_survey_answer *answers;
    int32_t reading_count, limit_count, supply_count, battery_count, setting_count, report_count, processor_count;
    int32_t manager_count, firmware_count, endpoint_count, absent_count, error_count, answer_count;
};

/* Opens, surveys, gives the session back. ST_OK: the service root was read and *ret
 * is filled, `errors` says what failed below it; redfish_survey_done() frees it. Any
 * other status: no Redfish service could be read there, and `why` (room for
 * REDFISH_SURVEY_WHY_MAX, or NULL) says so in words; *ret holds nothing. */
NODISCARD enum status redfish_survey(const struct redfish_survey_options *opt, struct redfish_survey *ret,
                                     char *why);
void redfish_survey_done(struct redfish_survey *survey);

/* Which GPU, as busbard numbers `wanted` of them that no configuration names, has its
 * EnvironmentMetrics at a path; -1: none, or there are not as many. */
int32_t redfish_survey_gpu(const struct redfish_survey *survey, int32_t wanted, const char *metrics);

/* ---- one BMC kept open, for tools that ask again and again ---- */

struct redfish_probe;

struct redfish_probe_answer {
    enum status status; /* ST_OK: an answer came, whatever its code                        */
    int32_t code;
    const char *body; /* until the next call; without an answer: why, in words             */
    size_t size;
    int64_t latency_us;
    char why[REDFISH_SURVEY_WHY_MAX]; /* of any but a 2xx: what it says, in words          */
};

struct redfish_probe_write {
    enum status status; /* ST_OK: set and read back; ST_REFUSED: not allowed, see `why`;
                           ST_MISMATCH: accepted and not applied within the window         */
    int32_t code;
    int64_t set_us;      /* the PATCH's own latency                                        */
    int64_t readback_us; /* from the PATCH's answer until the value read back             */
    double readback;
    char why[REDFISH_SURVEY_WHY_MAX];
};

/* Logs in where a username is given. ST_REFUSED: not taken; see `why`. */
NODISCARD enum status redfish_probe_new(const struct redfish_survey_options *opt, struct redfish_probe **ret,
                                        char *why);
NODISCARD enum status redfish_probe_survey(struct redfish_probe *probe, struct redfish_survey *ret, char *why);

/* The same, but only what may hold a limit and what leads there: `limits` is what a whole
 * survey has, and on a BMC with many sensors it comes much sooner. */
NODISCARD enum status redfish_probe_survey_limits(struct redfish_probe *probe, struct redfish_survey *ret, char *why);

/* A signal came (options.signals): what is under way goes on, and nothing more is to be begun. */
bool redfish_probe_is_interrupted(const struct redfish_probe *probe);

/* Did it answer last, whatever it said? Then a ST_REFUSED is its own, not TLS's. */
bool redfish_probe_is_reached(const struct redfish_probe *probe);

/* A GET, timed. */
void redfish_probe_get(struct redfish_probe *probe, const char *path, struct redfish_probe_answer *ret);

/* Reads one limit again, in place. */
NODISCARD enum status redfish_probe_limit(struct redfish_probe *probe, struct redfish_survey_limit *limit);

/* WRITES. Sets a limit that is `writable` to `value` (whole, inside its range) and
 * reads it back for `window_us` at most. Nothing is recorded or restored here. */
void redfish_probe_write(struct redfish_probe *probe, const struct redfish_survey_limit *limit, double value,
                         int64_t window_us, struct redfish_probe_write *ret);

/* What the original of a limit is known by on disk: the record of a device (original.h), in the folder
 * that busbard keeps its own in. A limit that is a lever of busbard's has its signal and index. */
struct redfish_probe_key {
    const char *state_dir, *device;
    const char *uuid;   /* of the service root; "" where it has none                      */
    const char *signal; /* NULL: it is no lever, its path is what it is known by          */
    int32_t index;
};

/* WRITES. redfish_probe_write(), after what the limit held was recorded: where that
 * cannot be nothing is written (ST_REFUSED). */
void redfish_probe_change(struct redfish_probe *probe, const struct redfish_survey_limit *limit,
                          const struct redfish_probe_key *key, double value, int64_t window_us,
                          struct redfish_probe_write *ret);

/* WRITES. Puts the recorded original back, to the whole number next to it, and strikes it from the
 * record once it reads back. ST_ABSENT: none is recorded, nothing was written. */
void redfish_probe_release(struct redfish_probe *probe, const struct redfish_survey_limit *limit,
                           const struct redfish_probe_key *key, int64_t window_us,
                           struct redfish_probe_write *ret);

/* The recorded original; NAN: none. */
double redfish_probe_original(const struct redfish_survey_limit *limit, const struct redfish_probe_key *key);

/* Gives the session back. Takes NULL; returns NULL. */
struct redfish_probe *redfish_probe_free(struct redfish_probe *probe);

#endif

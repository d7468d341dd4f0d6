/* conf.h: struct conf, its loader, and the core_config and plan made from it.
 *
 * A loaded struct conf never changes. Loading reads files and nothing else.
 */
#ifndef BUSBAR_CONF_H
#define BUSBAR_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "busbar/core.h"
#include "busbar/device.h"
#include "busbar/pmi.h"
#include "busbar/status.h"

#define CONF_NAME_MAX 48
#define CONF_PATH_MAX 256

/* ---- errors: all of them, in one list ---- */

struct conf_error {
    char *text;  /* "FILE:LINE:COLUMN: key: what is wrong, what is allowed" */
};
struct conf_errors {
    struct conf_error *list;
    int32_t count;
};
void conf_errors_print(const struct conf_errors *errors, FILE *to);
void conf_errors_done(struct conf_errors *errors);

/* ---- what a configuration holds ---- */

struct conf_node {
    char name[CONF_NAME_MAX];
    int32_t line;
    struct core_config_node core;     /* parents resolved to indices           */
    int32_t plan_limit_count;         /* `limits`: the operator's               */
    struct core_plan_limit plan_limit[CORE_LIMITS_MAX];
};

struct conf_source {
    char name[CONF_NAME_MAX];
    struct core_config_source core;   /* its node resolved to an index          */
};

struct conf_group {
    char name[CONF_NAME_MAX];
    int32_t member_count;
    int32_t *members;                 /* node indices                           */
    int32_t limit_count;
    struct core_plan_limit limit[CORE_LIMITS_MAX];
};

enum conf_bus_kind { CONF_BUS_MODBUS_RTU, CONF_BUS_MODBUS_TCP, CONF_BUS_SMBUS_LINUX, CONF_BUS_SMBUS_SOCKET, CONF_BUS_REDFISH };

struct conf_bus {
    char name[CONF_NAME_MAX];
    enum conf_bus_kind kind;
    char path[CONF_PATH_MAX];         /* tty, pty, /dev/i2c-N or socket         */
    char host[CONF_PATH_MAX];         /* MODBUS_TCP                             */
    int32_t port;
    int32_t baud;
    char parity;                      /* 'E', 'N', 'O'                          */
    int32_t stop_bits;
    bool rtu_framing;                 /* MODBUS_TCP: serial frames inside, to a plain gateway */
    int64_t timeout_us;               /* of one transaction, at most            */
    int64_t timeout_min_us;           /* Modbus: and at least, however fast a device answers */
    int64_t clock_max_us;             /* a device's clock that is further off is set; 0: never */
    int32_t retry_max;                /* tries after the first                  */
    int64_t fast_us, slow_us;         /* polling periods of the two classes     */
    bool alert;                       /* SMBus: ask every fast_us who pulls SMBALERT# */
    int64_t stale_us;                 /* fast readings older than this are stale; slow: slow_us + this */
};

/* One signal of one device that is read. */
struct conf_reading {
    int32_t row;                      /* of the profile; Redfish: GPU number    */
    enum signal signal;
    int32_t index;                    /* which of several alike; 0: only one    */
    enum poll_class poll;
    int32_t point;                    /* core point, or CORE_NONE: only shown   */
    int32_t place;                    /* Redfish: 1 + index of the device's places; 0: its GPU's */
};

/* What of a BMC's resource a lever turns. */
enum conf_knob {
    CONF_KNOB_LIMIT,                  /* PowerLimitWatts, a Control, PowerControl */
    CONF_KNOB_EDPP,
    CONF_KNOB_WORKLOAD,               /* the set of requested profiles          */
    CONF_KNOB_SMOOTHING,              /* on or off                              */
    CONF_KNOB_SMOOTHING_PROFILE,      /* which preset                           */
    CONF_KNOB_SMOOTHING_FLOOR,        /* these four: the override profile       */
    CONF_KNOB_RAMP_UP,
    CONF_KNOB_RAMP_DOWN,
    CONF_KNOB_RAMP_HYSTERESIS
};

/* One quantity of one device that is written in `control`. */
struct conf_lever {
    char name[CONF_NAME_MAX];         /* "bmc-1.gpu-3", "psu-1-2.psu_output_setpoint_v" */
    int32_t row;                      /* of the profile; Redfish: GPU number    */
    enum signal signal;
    int32_t lever;                    /* index in the core's levers             */
    double hold_value;                /* HOLD: from the configuration           */
    double armed_value;               /* HOLD: while a peak is foreseen; NAN    */
    int32_t place;                    /* Redfish: as in conf_reading            */
    enum conf_knob knob;              /* Redfish                                */
};

struct conf_gpu {
    char path[CONF_PATH_MAX];         /* of its EnvironmentMetrics; "": to be found */
    int32_t node;                     /* its leaf                               */
};

enum conf_reports { CONF_REPORTS_AUTO, CONF_REPORTS_ALWAYS, CONF_REPORTS_NEVER };

/* A resource of a BMC, or a part of one. */
struct conf_place {
    char path[CONF_PATH_MAX];         /* without the fragment                   */
    char pointer[CONF_NAME_MAX];      /* "PowerControl/0" ...; "" the whole     */
};

struct conf_device {
    char name[CONF_NAME_MAX];
    int32_t line;
    int32_t bus;                      /* index; for Redfish its own CONF_BUS_REDFISH settings */
    int32_t address;                  /* Modbus unit or 7-bit SMBus address     */
    int32_t profile;                  /* index, or CORE_NONE (Redfish)          */
    int32_t node;                     /* the tree node it belongs to            */
    int32_t source;                   /* that its readings tell of, or CORE_NONE */
    int32_t mirror, mirror_slot;      /* the shelf controller that mirrors it, and as which module; slot 0: none */
    int32_t reading_count;
    struct conf_reading readings[DEVICE_READINGS_MAX];
    int32_t lever_count;
    struct conf_lever levers[DEVICE_LEVERS_MAX];
    /* Redfish only */
    char url[CONF_PATH_MAX];
    char username[CONF_NAME_MAX];
    char password[CONF_NAME_MAX];     /* read from password_file               */
    char ca_file[CONF_PATH_MAX];
    char pin[CONF_PATH_MAX];          /* "sha256//..." of its public key; "" none */
    int32_t gpu_count;
    struct conf_gpu *gpus;
    int32_t place_count;
    struct conf_place *places;
    enum conf_reports reports;        /* one MetricReport for many GETs         */
    bool use_events;                  /* keep an event stream open              */
    bool hard_power_off_ok;           /* lower limits that switch off           */
    int32_t writes_per_min;           /* most writes to it; bursts of as many as it has levers */
};

struct conf {
    char file[CONF_PATH_MAX];
    char rack_name[CONF_NAME_MAX];
    /* control */
    int64_t period_us;                /* 1 000 to 1 000 000                     */
    enum core_mode_wanted mode_first; /* of a daemon without state              */
    int32_t rt_priority;              /* SCHED_FIFO of the tick thread; 0: none */
    int32_t cpu;                      /* of the tick thread; -1: any            */
    struct core_plan_band band;
    double forecast_margin_ratio, forecast_margin_w;
    double arm_ratio;
    int64_t arm_hold_us;
    double recharge_ratio;
    /* places */
    char state_dir[CONF_PATH_MAX];
    char socket[CONF_PATH_MAX];
    int64_t record_ring_bytes;
    /* parts */
    int32_t node_count, source_count, group_count, bus_count, profile_count, device_count;
    struct conf_node *nodes;
    struct conf_source *sources;
    struct conf_group *groups;
    struct conf_bus *buses;
    struct profile *profiles;
    struct conf_device *devices;
    /* what is served upstream; texts and arrays owned by the conf */
    struct pmi_options pmi;
    char pmi_host[CONF_NAME_MAX], pmi_serial_path[CONF_PATH_MAX];
    /* what the core gets: arrays owned by the conf */
    struct core_config core;
    struct core_plan *plan;           /* the first plan, mode_wanted = mode_first */
};

/* Loads `path` and, where `path` is a directory's busbar.yaml, every *.yaml of
 * conf.d beside it. Profiles are searched in `profiles:` of the file, then
 * /etc/busbar/profiles, /usr/share/busbar/profiles and the source tree's
 * config/profiles. ST_OK: *ret is the caller's to free. Otherwise *errors has
 * every error of every file and *ret is left alone. ST_SYS: a file cannot be read. */
NODISCARD enum status conf_load(const char *path, struct conf **ret, struct conf_errors *errors);
struct conf *conf_free(struct conf *conf);

/* The table of keys: "key type unit min max preset help", for the manual page. */
void conf_print_keys(FILE *to);

/* One profile file, checked. */
NODISCARD enum status profile_load(const char *path, struct profile *ret, struct conf_errors *errors);
void profile_done(struct profile *profile);

/* Does it speak PMBus (commands), or Modbus (registers)? */
bool profile_is_pmbus(const struct profile *profile);

/* The file of a profile's name in `folder` (NULL: none), /etc/busbar/profiles, the
 * installed folder or the source tree's, in that order. False: in none of them. */
bool profile_path(const char *folder, const char *name, char ret[CONF_PATH_MAX]);

/* The names of all profiles in those folders, sorted, each once; malloc'ed, as is
 * each. Returns how many; -1: no memory. */
int32_t profile_names(const char *folder, char ***ret);
void profile_names_done(char **names, int32_t count);

/* For a reload: which index of `now` is which of `old`, by name. The four arrays
 * are malloc'ed in one block owned by *ret_block. */
NODISCARD enum status conf_map(const struct conf *now, const struct conf *old, struct core_map *ret,
                               void **ret_block);

#endif

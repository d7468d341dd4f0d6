/* field.h: every configured device: started, read, ordered about.
 *
 * field_new() opens the buses and starts one worker a blocking bus; Redfish
 * lives on the event base given. The tick thread calls field_collect() and
 * field_publish() only; both are lock-free and allocate nothing.
 */
#ifndef BUSBAR_FIELD_H
#define BUSBAR_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/core.h"
#include "busbar/device.h"
#include "busbar/histogram.h"
#include "busbar/original.h"
#include "busbar/status.h"

struct conf;
struct event_base;
struct field;

struct field_options {
    const struct conf *conf;       /* borrowed: outlives the field                   */
    struct event_base *base;       /* for Redfish; borrowed                          */
    int tick_notify_fd;            /* eventfd written at each new reading; -1: none  */
    bool read_only;                /* refuses every write, whatever is published     */
};

/* Opens the buses and starts polling. A bus that cannot be opened is logged,
 * shown as down and tried again; only ST_NOMEM and ST_BUSY (another process
 * holds a bus, named in the log) fail the whole. */
NODISCARD enum status field_new(const struct field_options *opt, struct field **ret);

/* Stops workers (each waits at most one transaction), logs out of BMCs (up to
 * 2 s, runs the base). Takes NULL; returns NULL. Writes nothing to a device. */
struct field *field_free(struct field *field);

/* Tick thread: what is new since the last call. The arrays of *in point into
 * the field and are valid until the next call; now_us and plan are untouched. */
void field_collect(struct field *field, struct core_inputs *in);

/* Tick thread: hands the orders to the adapters. */
void field_publish(struct field *field, const struct core_outputs *out);

/* Main thread: the latest whole state of a device (copied), and how its bus
 * does. False while there is none. */
bool field_device(struct field *field, int32_t device, struct device_state *ret);

struct field_bus_stats {
    bool open;                          /* the bus is open and answered lately        */
    uint64_t transactions, timeouts, nacks, corrupt, refused, writes;
    uint64_t events;                    /* Redfish: that a stream brought              */
    struct histogram latency;           /* of single transactions                      */
    /* of orders that were confirmed, from dispatch (device) and from the order's
     * publication (dispatch); see docs/protocols.md */
    struct histogram dispatch, device;
};
bool field_bus(struct field *field, int32_t bus, struct field_bus_stats *ret);

/* The faults, warnings and states that a status reading (PMBus) names, highest bit first; -1
 * where `signal` is no status. Any thread. */
#define FIELD_FAULTS_MAX 16
int32_t field_faults(enum signal signal, double value, const char *ret[FIELD_FAULTS_MAX]);

/* Originals: what each lever held before our first write, one file a device
 * under `state_dir`/originals. Main thread, at start and for --restore. */
/* The originals of one device, `room` at most; returns how many. */
int32_t field_originals_read(const char *state_dir, const char *device, struct original *list,
                             int32_t room);
/* After a restore was verified: strikes it from its device's list. Of another device that was
 * in its place, which has another serial, the record stays. */
NODISCARD enum status field_original_forget(const char *state_dir, const struct original *original);

#endif

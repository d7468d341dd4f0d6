/* events.h: every event an operator may see and act on.
 *
 * name, identifier in logs and JSON, severity (log.h: 3 error .. 6 info), advice.
 * docs/events.md is generated from this list.
 */
#ifndef BUSBAR_EVENTS_H
#define BUSBAR_EVENTS_H

#define EVENT_LIST(X)                                                                             \
    X(EV_STARTED, "started", 5, "None: the daemon runs and ticks.")                               \
    X(EV_STOPPED, "stopped", 5, "None. Limits stay on the devices until `busbard --restore`.")    \
    X(EV_MODE_CHANGED, "mode_changed", 5, "Read the reasons in `busbarctl status`.")              \
    X(EV_MODE_WANTED, "mode_wanted", 5, "None: an operator asked for this mode.")                 \
    X(EV_PLAN_CHANGED, "plan_changed", 5, "None: somebody who may changed a budget, a policy or a lever's value.") \
    X(EV_PLAN_REFUSED, "plan_refused", 4, "Somebody asked for a change and was refused: the message says who and why.") \
    X(EV_LEASE_ENDED, "lease_ended", 4, "Whoever steers this rack from above stopped: the standing budget applies until it leases again.") \
    X(EV_ARMED, "armed", 5, "None: every first limit was read back; the envelope is enforced.")   \
    X(EV_DEVICE_STALE, "device_stale", 4, "Check the device and its cable; its last order stands.") \
    X(EV_DEVICE_WELL, "device_well", 5, "None: the device answers again.")                        \
    X(EV_READING_IMPLAUSIBLE, "reading_implausible", 4, "Check the sensor; its value is not used.") \
    X(EV_READING_STUCK, "reading_stuck", 4, "Check the sensor; its value is not used.")           \
    X(EV_LIMIT_EXCEEDED, "limit_exceeded", 3, "A windowed limit was exceeded: see `busbarctl limits`.") \
    X(EV_LIMIT_RESPECTED, "limit_respected", 5, "None: the windowed limit holds again.")          \
    X(EV_BAND_CUT, "band_cut", 5, "None: power came close to a limit and budgets were cut.")      \
    X(EV_BAND_RELEASED, "band_released", 6, "None: the cut was released in full.")                \
    X(EV_INFEASIBLE, "infeasible", 3, "Minimum limits exceed the envelope: lower minimums or load.") \
    X(EV_FEASIBLE, "feasible", 5, "None: minimum limits fit the envelope again.")                 \
    X(EV_ORDER_REFUSED, "order_refused", 4, "See `busbarctl why LEVER`.")                         \
    X(EV_ORDER_FAILED, "order_failed", 4, "The device did not take an order; it is tried again.") \
    X(EV_ORDER_NOT_APPLIED, "order_not_applied", 4, "The device accepted an order and kept another value.") \
    X(EV_ORDER_CONFIRMED, "order_confirmed", 5, "None: the lever obeys again.")                   \
    X(EV_LEVER_DRIFTED, "lever_drifted", 4, "Someone else, or a reset, changed this limit.")      \
    X(EV_DEVICE_CHANGED, "device_changed", 4, "Another serial number: the device was swapped.")   \
    X(EV_DEVICE_FAULT, "device_fault", 4, "Its status names a fault or a warning: look at the device.") \
    X(EV_DEVICE_FAULT_OVER, "device_fault_over", 5, "None: the device's status is clear of it again.") \
    X(EV_ORIGINAL_RECORDED, "original_recorded", 6, "None: once a device; a file has what its levers held before.") \
    X(EV_RESTORED, "restored", 5, "None: the lever holds its original value again.")              \
    X(EV_LEFT_STANDING, "left_standing", 4, "Restoring would exceed the envelope; `--anyway` does it.") \
    X(EV_CONFIG_RELOADED, "config_reloaded", 5, "None: the new configuration is in force.")       \
    X(EV_CONFIG_REFUSED, "config_refused", 3, "The old configuration stays; correct the file.")   \
    X(EV_RECORD_SAVED, "record_saved", 5, "None: a recording was written.")                       \
    X(EV_RIDE_SAG, "ride_sag", 4, "None: the AC input is low and the rack rides through.")        \
    X(EV_RIDE_OUTAGE, "ride_outage", 4, "Batteries carry the busbar; see how long in `busbarctl status`.") \
    X(EV_RIDE_SUPPORT, "ride_support", 5, "None: batteries take part of the load while the input is low.") \
    X(EV_RIDE_RETURN, "ride_return", 5, "None: the input is good and supplies take the load back.") \
    X(EV_RIDE_OVER, "ride_over", 5, "None: supplies carry the load again.")                       \
    X(EV_RIDE_NOT_CAPABLE, "ride_not_capable", 4, "The rack would not ride through a loss of input: lower its load or repair its batteries.") \
    X(EV_RIDE_CAPABLE, "ride_capable", 5, "None: the rack would ride through a loss of input again.") \
    X(EV_PROTECTION, "protection", 3, "A protective device was about to trip: everything below is at its base. Tell whoever feeds this rack.") \
    X(EV_PROTECTION_OVER, "protection_over", 5, "None: the protective device is out of danger.")  \
    X(EV_TOKEN_REFUSED, "token_refused", 6, "None: the client was told why and when to ask again.") \
    X(EV_TOKENS_REVOKED, "tokens_revoked", 4, "None: an emergency took every token back.")        \
    X(EV_SWING, "swing", 4, "Own orders began to swing: power is given back more slowly.")        \
    X(EV_SWING_OVER, "swing_over", 5, "None: own orders are calm again.")                         \
    X(EV_FORECAST_LOST, "forecast_lost", 5, "None: a forecaster's bounds did not hold as often as they should; it begins anew and persistence stands in.") \
    X(EV_FORECAST_BACK, "forecast_back", 6, "None: its bounds hold again and it is listened to.") \
    X(EV_PEAK_ARMED, "peak_armed", 5, "None: a peak is foreseen, and set-points with an armed value get it.") \
    X(EV_PEAK_OVER, "peak_over", 5, "None: no peak is foreseen any more, and armed values are held no longer.") \
    X(EV_PRIORITY_REFUSED, "priority_refused", 4, "No right to SCHED_FIFO: expect later ticks.")

#define EVENT_ENUM(name, id, severity, advice) name,
enum ev { EVENT_LIST(EVENT_ENUM) EV_COUNT };
#undef EVENT_ENUM

/* The identifier, severity and advice of an event. Never NULL. */
const char *ev_id(enum ev event);
int ev_severity(enum ev event);
const char *ev_advice(enum ev event);

#endif

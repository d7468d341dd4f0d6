/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_take_power.c: what power resources measure: EnvironmentMetrics, sensors,
 * supplies, batteries, circuits and outlets. Pure.
 */
#include "redfish_take.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "redfish_value.h"

#define REDFISH_TAKE_J_PER_KWH 3.6e6
#define REDFISH_TAKE_J_PER_WH  3600.0

/* ---- EnvironmentMetrics ---- */

/* The signals of what it belongs to; "sensor_..." where nobody says. */
static const struct {
    const char *power, *energy, *temp;
} redfish_take_signals[] = {
    [REDFISH_OF_NOTHING] = { "sensor_power_w", "sensor_energy_j", "sensor_temp_c" },
    [REDFISH_OF_GPU] = { "gpu_power_w", "gpu_energy_j", "gpu_temp_c" },
    [REDFISH_OF_CPU] = { "cpu_power_w", "cpu_energy_j", "cpu_temp_c" },
    [REDFISH_OF_MEMORY] = { "memory_power_w", "memory_energy_j", "memory_temp_c" },
    [REDFISH_OF_CHASSIS] = { "chassis_power_w", "chassis_energy_j", "chassis_temp_c" },
    [REDFISH_OF_SYSTEM] = { "node_power_w", "node_energy_j", "node_temp_c" },
    [REDFISH_OF_SUPPLY] = { "psu_output_w", "psu_energy_j", "psu_outlet_c" },
    [REDFISH_OF_BATTERY] = { "bbu_output_w", "bbu_energy_j", "bbu_temp_c" },
};

void redfish_take_metrics(const struct redfish_take *take)
{
    struct json_object *object = take->object;
    const struct redfish_take_excerpt excerpts[] = {
        { "PowerWatts", redfish_take_signals[take->context].power, "W", 1.0 },
        { "TemperatureCelsius", redfish_take_signals[take->context].temp, "C", 1.0 },
        { "HumidityPercent", "sensor_humidity_percent", "%", 1.0 },
        { "EnergyJoules", redfish_take_signals[take->context].energy, "J", 1.0 },
    };
    const struct redfish_take_excerpt kwh = { "EnergykWh", redfish_take_signals[take->context].energy, "J",
                                              REDFISH_TAKE_J_PER_KWH };

    for (size_t i = 0; i < sizeof excerpts / sizeof excerpts[0]; i++)
        (void)redfish_take_excerpt(take, object, &excerpts[i]);
    /* The same energy in joules is the finer one. */
    if (!redfish_value_has(object, "EnergyJoules"))
        (void)redfish_take_excerpt(take, object, &kwh);
    if (redfish_value_has(object, "PowerLimitWatts"))
        redfish_take_power_limit(take, redfish_value_member(object, "PowerLimitWatts"));
    redfish_take_edpp(take);
}

/* ---- sensors ---- */

static const struct redfish_take_unit {
    const char *name, *signal, *unit;
    double factor;
} redfish_take_units[] = {
    { "W", "sensor_power_w", "W", 1.0 },
    { "Watts", "sensor_power_w", "W", 1.0 },
    { "Watt", "sensor_power_w", "W", 1.0 },
    { "kW", "sensor_power_w", "W", 1000.0 },
    { "mW", "sensor_power_w", "W", 0.001 },
    { "V", "sensor_voltage_v", "V", 1.0 },
    { "Volts", "sensor_voltage_v", "V", 1.0 },
    { "mV", "sensor_voltage_v", "V", 0.001 },
    { "A", "sensor_current_a", "A", 1.0 },
    { "Amps", "sensor_current_a", "A", 1.0 },
    { "mA", "sensor_current_a", "A", 0.001 },
    { "J", "sensor_energy_j", "J", 1.0 },
    { "Joules", "sensor_energy_j", "J", 1.0 },
    { "kW.h", "sensor_energy_j", "J", REDFISH_TAKE_J_PER_KWH },
    { "kWh", "sensor_energy_j", "J", REDFISH_TAKE_J_PER_KWH },
    { "W.h", "sensor_energy_j", "J", REDFISH_TAKE_J_PER_WH },
    { "Wh", "sensor_energy_j", "J", REDFISH_TAKE_J_PER_WH },
    { "Hz", "sensor_frequency_hz", "Hz", 1.0 },
    { "Cel", "sensor_temp_c", "C", 1.0 },
    { "C", "sensor_temp_c", "C", 1.0 },
    { "DegreesC", "sensor_temp_c", "C", 1.0 },
    { "%", "sensor_percent", "%", 1.0 },
    { "Percent", "sensor_percent", "%", 1.0 },
    { "RPM", "sensor_speed_rpm", "rpm", 1.0 },
    { "{rev}/min", "sensor_speed_rpm", "rpm", 1.0 },
    { "V.A", "sensor_apparent_va", "VA", 1.0 },
    { "VA", "sensor_apparent_va", "VA", 1.0 },
};

/* What a ReadingType means where no unit says more, as the standard has it. */
static const struct {
    const char *type, *unit;
    bool beats; /* a unit that says otherwise is a slip            */
} redfish_take_types[] = {
    { "Power", "W", false },         { "Voltage", "V", false },      { "Current", "A", false },
    { "EnergyJoules", "J", true },   { "EnergykWh", "kWh", true },   { "EnergyWh", "Wh", true },
    { "Temperature", "Cel", false }, { "Frequency", "Hz", false },   { "Percent", "%", true },
    { "Humidity", "%", false },      { "Rotational", "RPM", false },
};

static const struct redfish_take_unit *redfish_take_unit(const char *name)
{
    for (size_t i = 0; i < sizeof redfish_take_units / sizeof redfish_take_units[0]; i++)
        if (strcasecmp(redfish_take_units[i].name, name) == 0)
            return &redfish_take_units[i];
    return NULL;
}

static const struct redfish_take_unit *redfish_take_sensor_unit(const char *type, const char *unit)
{
    const struct redfish_take_unit *known = redfish_take_unit(unit);

    for (size_t i = 0; i < sizeof redfish_take_types / sizeof redfish_take_types[0]; i++)
        if (strcmp(redfish_take_types[i].type, type) == 0 &&
            (unit[0] == '\0' ||
             (redfish_take_types[i].beats &&
              (!known || strcmp(known->unit, redfish_take_unit(redfish_take_types[i].unit)->unit) != 0))))
            return redfish_take_unit(redfish_take_types[i].unit);
    return known;
}

void redfish_take_sensor(const struct redfish_take *take)
{
    const struct redfish_take_unit *known;
    char type[32], unit[REDFISH_SURVEY_WORD_MAX], name[REDFISH_SURVEY_TEXT_MAX];
    struct redfish_take_value value = {
        .path = take->path, .signal = "sensor_value", .unit = unit, .name = name
    };

    REDFISH_TAKE_TEXT(take, take->object, "ReadingType", type);
    REDFISH_TAKE_TEXT(take, take->object, "ReadingUnits", unit);
    REDFISH_TAKE_TEXT(take, take->object, "Name", name);
    value.value = redfish_take_number(take, take->object, "Reading");
    if (redfish_take_is_absent(take) && isnan(value.value)) {
        redfish_model_absent(take->model, take->path, "absent");
        return;
    }
    known = redfish_take_sensor_unit(type, unit);
    if (known) {
        value.signal = known->signal;
        value.unit = known->unit;
        value.value *= known->factor;
    }
    redfish_take_reading(take, &value);
}

/* ---- supplies and batteries ---- */

/* The entry of a path, or of the resource that its metrics hang on. */
static struct redfish_survey_supply *redfish_take_find_supply(const struct redfish_take *take)
{
    struct redfish_survey *survey = take->model->survey;
    int32_t parent = take->model->walk.items[take->item].parent;
    const char *owner = parent >= 0 ? take->model->walk.items[parent].path : "";

    for (int32_t i = 0; i < survey->supply_count; i++)
        if (strcmp(survey->supplies[i].path, take->path) == 0 || strcmp(survey->supplies[i].path, owner) == 0)
            return &survey->supplies[i];
    return NULL;
}

static struct redfish_survey_battery *redfish_take_find_battery(const struct redfish_take *take)
{
    struct redfish_survey *survey = take->model->survey;
    int32_t parent = take->model->walk.items[take->item].parent;
    const char *owner = parent >= 0 ? take->model->walk.items[parent].path : "";

    for (int32_t i = 0; i < survey->battery_count; i++)
        if (strcmp(survey->batteries[i].path, take->path) == 0 ||
            strcmp(survey->batteries[i].path, owner) == 0)
            return &survey->batteries[i];
    return NULL;
}

void redfish_take_subsystem(const struct redfish_take *take)
{
    (void)redfish_take_number(take, take->object, "CapacityWatts");
}

void redfish_take_supply(const struct redfish_take *take)
{
    struct redfish_survey_supply *supply = REDFISH_MODEL_EXTEND(take->model, supplies, supply_count);
    struct json_object *object = take->object, *status = redfish_value_member(object, "Status");

    take->model->walk.items[take->item].context = REDFISH_OF_SUPPLY;
    if (!supply)
        return;
    (void)snprintf(supply->path, sizeof supply->path, "%s", take->path);
    REDFISH_TAKE_TEXT(take, object, "Name", supply->name);
    REDFISH_TAKE_TEXT(take, object, "Manufacturer", supply->maker);
    REDFISH_TAKE_TEXT(take, object, "Model", supply->model);
    REDFISH_TAKE_TEXT(take, object, "SerialNumber", supply->serial);
    REDFISH_TAKE_TEXT(take, object, "FirmwareVersion", supply->firmware);
    REDFISH_TAKE_TEXT(take, status, "State", supply->state);
    REDFISH_TAKE_TEXT(take, status, "Health", supply->health);
    supply->capacity_w = redfish_take_number(take, object, "PowerCapacityWatts");
    supply->input_w = supply->output_w = supply->input_v = supply->input_a = NAN;
}

/* Several rails: each is a reading of its own. */
static void redfish_take_rails(const struct redfish_take *take, const char *member, const char *signal,
                               const char *unit)
{
    const struct redfish_take_excerpt excerpt = { member, signal, unit, 1.0 };
    struct json_object *rails = redfish_value_member(take->object, member);
    char pointer[REDFISH_SURVEY_TEXT_MAX];

    for (size_t i = 0; i < redfish_value_count(rails); i++) {
        (void)snprintf(pointer, sizeof pointer, "%s/%zu", member, i);
        (void)redfish_take_excerpt_at(take, redfish_value_at(rails, i), pointer, &excerpt);
    }
}

void redfish_take_supply_metrics(const struct redfish_take *take)
{
    static const struct redfish_take_excerpt input_w = { "InputPowerWatts", "psu_input_w", "W", 1.0 };
    static const struct redfish_take_excerpt output_w = { "OutputPowerWatts", "psu_output_w", "W", 1.0 };
    static const struct redfish_take_excerpt input_v = { "InputVoltage", "psu_input_v", "V", 1.0 };
    static const struct redfish_take_excerpt input_a = { "InputCurrentAmps", "psu_input_a", "A", 1.0 };
    static const struct redfish_take_excerpt others[] = {
        { "EnergykWh", "psu_energy_j", "J", REDFISH_TAKE_J_PER_KWH },
        { "FrequencyHz", "psu_input_hz", "Hz", 1.0 },
        { "TemperatureCelsius", "psu_outlet_c", "C", 1.0 },
        { "FanSpeedPercent", "sensor_percent", "%", 1.0 },
    };
    struct redfish_survey_supply *supply = redfish_take_find_supply(take);
    double in_w = redfish_take_excerpt(take, take->object, &input_w);
    double out_w = redfish_take_excerpt(take, take->object, &output_w);
    double in_v = redfish_take_excerpt(take, take->object, &input_v);
    double in_a = redfish_take_excerpt(take, take->object, &input_a);

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        (void)redfish_take_excerpt(take, take->object, &others[i]);
    redfish_take_rails(take, "RailVoltage", "psu_output_v", "V");
    redfish_take_rails(take, "RailCurrentAmps", "psu_output_a", "A");
    redfish_take_rails(take, "RailPowerWatts", "psu_rail_w", "W");
    if (!supply)
        return;
    supply->input_w = in_w;
    supply->output_w = out_w;
    supply->input_v = in_v;
    supply->input_a = in_a;
}

void redfish_take_battery(const struct redfish_take *take)
{
    static const struct redfish_take_excerpt health = { "StateOfHealthPercent", "bbu_soh_ratio", "", 0.01 };
    struct redfish_survey_battery *battery = REDFISH_MODEL_EXTEND(take->model, batteries, battery_count);
    struct json_object *object = take->object, *status = redfish_value_member(object, "Status");

    take->model->walk.items[take->item].context = REDFISH_OF_BATTERY;
    if (!battery)
        return;
    (void)snprintf(battery->path, sizeof battery->path, "%s", take->path);
    REDFISH_TAKE_TEXT(take, object, "Name", battery->name);
    REDFISH_TAKE_TEXT(take, object, "Manufacturer", battery->maker);
    REDFISH_TAKE_TEXT(take, object, "Model", battery->model);
    REDFISH_TAKE_TEXT(take, object, "SerialNumber", battery->serial);
    REDFISH_TAKE_TEXT(take, object, "FirmwareVersion", battery->firmware);
    REDFISH_TAKE_TEXT(take, object, "ChargeState", battery->charge_state);
    REDFISH_TAKE_TEXT(take, status, "State", battery->state);
    REDFISH_TAKE_TEXT(take, status, "Health", battery->health);
    battery->capacity_j =
        redfish_take_number(take, object, "CapacityActualWattHours") * REDFISH_TAKE_J_PER_WH;
    battery->health_ratio = redfish_take_excerpt(take, object, &health);
    battery->charge_ratio = battery->stored_j = NAN;
}

void redfish_take_battery_metrics(const struct redfish_take *take)
{
    static const struct redfish_take_excerpt charge = { "ChargePercent", "bbu_soc_ratio", "", 0.01 };
    static const struct redfish_take_excerpt stored = { "StoredEnergyWattHours", "bbu_stored_j", "J",
                                                        REDFISH_TAKE_J_PER_WH };
    static const struct redfish_take_excerpt others[] = {
        { "InputVoltage", "bbu_input_v", "V", 1.0 },      { "InputCurrentAmps", "bbu_input_a", "A", 1.0 },
        { "TemperatureCelsius", "bbu_temp_c", "C", 1.0 }, { "DischargeCycles", "bbu_cycles", "1", 1.0 },
        { "InputPowerWatts", "bbu_input_w", "W", 1.0 },   { "OutputPowerWatts", "bbu_output_w", "W", 1.0 },
    };
    struct redfish_survey_battery *battery = redfish_take_find_battery(take);
    double charge_ratio = redfish_take_excerpt(take, take->object, &charge);
    double stored_j = redfish_take_excerpt(take, take->object, &stored);

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        (void)redfish_take_excerpt(take, take->object, &others[i]);
    redfish_take_rails(take, "OutputVoltages", "bbu_bus_v", "V");
    redfish_take_rails(take, "OutputCurrentAmps", "bbu_output_a", "A");
    redfish_take_rails(take, "CellVoltages", "bbu_cell_v", "V");
    if (battery) {
        battery->charge_ratio = charge_ratio;
        battery->stored_j = stored_j;
    }
}

/* ---- power distribution: metrics, circuits, outlets ---- */

/* PolyPhaseVoltage {Line1ToLine2 {Reading}, ...}: each phase is a reading. */
static void redfish_take_phases(const struct redfish_take *take, const struct redfish_take_excerpt *excerpt)
{
    struct json_object *phases = redfish_value_member(take->object, excerpt->member);
    char pointer[REDFISH_SURVEY_TEXT_MAX];

    if (!json_object_is_type(phases, json_type_object))
        return;
    json_object_object_foreach(phases, name, phase)
    {
        (void)snprintf(pointer, sizeof pointer, "%.24s/%.32s", excerpt->member, name);
        if (redfish_value_has(phase, "Reading"))
            (void)redfish_take_excerpt_at(take, phase, pointer, excerpt);
    }
}

void redfish_take_circuit(const struct redfish_take *take)
{
    static const struct redfish_take_excerpt excerpts[] = {
        { "PowerWatts", "circuit_power_w", "W", 1.0 },
        { "Voltage", "circuit_voltage_v", "V", 1.0 },
        { "CurrentAmps", "circuit_current_a", "A", 1.0 },
        { "EnergykWh", "circuit_energy_j", "J", REDFISH_TAKE_J_PER_KWH },
        { "FrequencyHz", "circuit_frequency_hz", "Hz", 1.0 },
        { "TemperatureCelsius", "sensor_temp_c", "C", 1.0 },
        { "HumidityPercent", "sensor_humidity_percent", "%", 1.0 },
        { "UnbalancedCurrentPercent", "sensor_percent", "%", 1.0 },
    };
    static const struct redfish_take_excerpt phases[] = {
        { "PolyPhasePowerWatts", "circuit_power_w", "W", 1.0 },
        { "PolyPhaseVoltage", "circuit_voltage_v", "V", 1.0 },
        { "PolyPhaseCurrentAmps", "circuit_current_a", "A", 1.0 },
        { "PolyPhaseEnergykWh", "circuit_energy_j", "J", REDFISH_TAKE_J_PER_KWH },
    };

    for (size_t i = 0; i < sizeof excerpts / sizeof excerpts[0]; i++)
        (void)redfish_take_excerpt(take, take->object, &excerpts[i]);
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
        redfish_take_phases(take, &phases[i]);
}

/* signals.h: every measured or commanded quantity, by its one name.
 *
 * `<device>_<quantity>_<unit>`: profiles, JSON, metrics and docs use these names.
 * Physical values are doubles in base SI units; the suffix is the unit.
 * docs/signals.md is generated from this list.
 */
#ifndef BUSBAR_SIGNALS_H
#define BUSBAR_SIGNALS_H

/* name, text, unit, smallest and largest plausible value, what it is */
#define SIGNAL_LIST(X)                                                                            \
    X(SIGNAL_PSU_INPUT_V, "psu_input_v", "V", 0, 600, "AC input voltage of a power supply")       \
    X(SIGNAL_PSU_INPUT_A, "psu_input_a", "A", 0, 200, "AC input current")                         \
    X(SIGNAL_PSU_INPUT_W, "psu_input_w", "W", -50, 30000, "AC input power")                       \
    X(SIGNAL_PSU_INPUT_HZ, "psu_input_hz", "Hz", 0, 70, "AC input frequency")                     \
    X(SIGNAL_PSU_OUTPUT_V, "psu_output_v", "V", 0, 64, "DC output voltage")                       \
    X(SIGNAL_PSU_OUTPUT_A, "psu_output_a", "A", -50, 1024, "DC output current")                   \
    X(SIGNAL_PSU_OUTPUT_W, "psu_output_w", "W", -50, 30000, "DC output power")                    \
    X(SIGNAL_PSU_SHARE_A, "psu_share_a", "A", -50, 1024, "output current that sharing asks for")    \
    X(SIGNAL_PSU_BULK_V, "psu_bulk_v", "V", 0, 1000, "bulk capacitor voltage")                    \
    X(SIGNAL_PSU_POWER_FACTOR, "psu_power_factor_ratio", "", 0, 1.01, "power factor")             \
    X(SIGNAL_PSU_INPUT_THD, "psu_input_thd_ratio", "", 0, 2, "distortion of the AC input current") \
    X(SIGNAL_PSU_INLET_C, "psu_inlet_c", "C", -40, 150, "inlet temperature")                      \
    X(SIGNAL_PSU_OUTLET_C, "psu_outlet_c", "C", -40, 200, "outlet temperature")                   \
    X(SIGNAL_PSU_FAN_RPM, "psu_fan_rpm", "rpm", 0, 60000, "fan speed")                            \
    X(SIGNAL_PSU_UPTIME_S, "psu_uptime_s", "s", 0, 4294967295.0, "time since it was switched on") \
    X(SIGNAL_PSU_ALARMS, "psu_alarms", "bits", 0, 4294967295.0, "general alarm word")             \
    X(SIGNAL_PSU_PFC_ALARMS, "psu_pfc_alarms", "bits", 0, 65535, "PFC alarm word")                \
    X(SIGNAL_PSU_DCDC_ALARMS, "psu_dcdc_alarms", "bits", 0, 65535, "DC/DC alarm word")            \
    X(SIGNAL_PSU_TEMP_ALARMS, "psu_temp_alarms", "bits", 0, 65535, "temperature alarm word")      \
    X(SIGNAL_PSU_COMM_ALARMS, "psu_comm_alarms", "bits", 0, 65535, "communication alarm word")    \
    X(SIGNAL_PSU_TOTAL_TIME_S, "psu_total_time_s", "s", 0, 4294967295.0, "time in service so far") \
    X(SIGNAL_PSU_INPUT_CYCLES, "psu_input_cycles", "1", 0, 65535, "input switched on so often") \
    X(SIGNAL_PSU_INPUT_OUTAGES, "psu_input_outages", "1", 0, 65535, "input lost so often") \
    X(SIGNAL_PSU_FAULTS, "psu_faults", "1", 0, 4294967295.0, "faults so far") \
    X(SIGNAL_PSU_CRC_ERRORS, "psu_crc_errors", "1", 0, 4294967295.0, "requests it received with a wrong checksum") \
    X(SIGNAL_PSU_COMM_TIMEOUTS, "psu_comm_timeouts", "1", 0, 4294967295.0, "time-outs of its communication") \
    X(SIGNAL_PSU_POSITION, "psu_position", "1", 0, 4294967295.0, "its place in the rack") \
    X(SIGNAL_PSU_TEMP_MAX_C, "psu_temp_max_c", "C", -256, 256, "highest temperature so far") \
    X(SIGNAL_PSU_TEMP_MIN_C, "psu_temp_min_c", "C", -256, 256, "lowest temperature so far") \
    X(SIGNAL_PSU_CLIP_C, "psu_clip_c", "C", -40, 200, "temperature of a busbar clip") \
    X(SIGNAL_PSU_INPUT_NOW_W, "psu_input_now_w", "W", -50, 30000, "AC input power, not averaged") \
    X(SIGNAL_PSU_INPUT_NOW_A, "psu_input_now_a", "A", 0, 200, "AC input current, not averaged") \
    X(SIGNAL_PSU_INPUT_MIN_V, "psu_input_min_v", "V", 0, 1024, "lower bound of the input voltage") \
    X(SIGNAL_PSU_INPUT_MAX_V, "psu_input_max_v", "V", 0, 1024, "upper bound of the input voltage") \
    X(SIGNAL_PSU_BUS_V, "psu_bus_v", "V", 0, 64, "busbar voltage at the unit") \
    X(SIGNAL_PSU_BUS_MAX_V, "psu_bus_max_v", "V", 0, 64, "highest busbar voltage since it was switched on") \
    X(SIGNAL_PSU_BUS_MIN_V, "psu_bus_min_v", "V", 0, 64, "lowest busbar voltage since it was switched on") \
    X(SIGNAL_PSU_BUS_PERIOD_MAX_V, "psu_bus_period_max_v", "V", 0, 64, "highest busbar voltage of the period") \
    X(SIGNAL_PSU_BUS_PERIOD_MIN_V, "psu_bus_period_min_v", "V", 0, 64, "lowest busbar voltage of the period") \
    X(SIGNAL_PSU_ORING_V, "psu_oring_v", "V", 0, 64, "output voltage inside the ORing") \
    X(SIGNAL_PSU_HARDWARE_SIGNALS, "psu_hardware_signals", "bits", 0, 65535, "state of its hardware lines") \
    X(SIGNAL_PSU_AC_LOSS_REQUESTS, "psu_ac_loss_requests", "1", 0, 65535, "AC_LOSS asserted so often") \
    X(SIGNAL_PSU_PULSE_REQUESTS, "psu_pulse_requests", "1", 0, 65535, "PULSE_MGMT asserted so often") \
    X(SIGNAL_PSU_LOCATION, "psu_location", "1", 0, 65535, "its shelf's place in the rack") \
    X(SIGNAL_PSU_REGION, "psu_region", "1", 0, 65535, "region setting, meaning unknown") \
    X(SIGNAL_PSU_INPUT_PLANNED, "psu_input_planned", "1", 0, 65535, "input planned, meaning unknown") \
    X(SIGNAL_PSU_BAUD_CODE, "psu_baud_code", "1", 0, 65535, "serial speed: 1 is 19200, 4 is 115200; never written") \
    X(SIGNAL_PSU_FAN_OVERRIDE_RATIO, "psu_fan_override_ratio", "", 0, 1, "fan duty asked for; 0: automatic") \
    X(SIGNAL_PSU_LED_OVERRIDE, "psu_led_override", "bits", 0, 65535, "light override word") \
    X(SIGNAL_PSU_SIREN_S, "psu_siren_s", "s", 0, 65535, "power-loss siren timing") \
    X(SIGNAL_PSU_OUTPUT_CHANGE_TIMER, "psu_output_change_timer", "1", 0, 65535, "set-point change timer, unit unknown; never written") \
    X(SIGNAL_PSU_CYCLE_AT_S, "psu_cycle_at_s", "s", 0, 4294967295.0, "scheduled power cycle, seconds since 1970") \
    X(SIGNAL_PSU_CYCLE_OFF_S, "psu_cycle_off_s", "s", 0, 65535, "how long a power cycle is off") \
    X(SIGNAL_PSU_OFF_AT_S, "psu_off_at_s", "s", 0, 4294967295.0, "scheduled power-off, seconds since 1970") \
    X(SIGNAL_PSU_PULSE_ENABLE, "psu_pulse_enable", "bits", 0, 1, "may call for help with load pulses") \
    X(SIGNAL_PSU_FORCE_PULSE, "psu_force_pulse", "bits", 0, 1, "PULSE_MGMT forced") \
    X(SIGNAL_PSU_FORCE_AC_LOSS, "psu_force_ac_loss", "bits", 0, 1, "AC_LOSS forced") \
    X(SIGNAL_PSU_SIREN_ENABLE, "psu_siren_enable", "bits", 0, 1, "power-loss siren enabled") \
    X(SIGNAL_PSU_OUTPUT_HIGH, "psu_output_high", "bits", 0, 1, "output follows the high set-point") \
    X(SIGNAL_PSU_OUTPUT_IS_LOW, "psu_output_is_low", "bits", 0, 1, "output is at the low set-point") \
    X(SIGNAL_PSU_SHARE_ENABLE, "psu_share_enable", "bits", 0, 1, "active current sharing") \
    X(SIGNAL_PSU_RESET_PIN_ENABLE, "psu_reset_pin_enable", "bits", 0, 1, "obeys the hardware reset line") \
    X(SIGNAL_PSU_SELECT_PIN_ENABLE, "psu_select_pin_enable", "bits", 0, 1, "obeys the output select line") \
    X(SIGNAL_PSU_MODBUS_ACTIVE, "psu_modbus_active", "bits", 0, 1, "its Modbus side is the active one") \
    X(SIGNAL_PSU_PMBUS_ACTIVE, "psu_pmbus_active", "bits", 0, 1, "its PMBus side is the active one") \
    X(SIGNAL_PSU_REMOTE_OFF, "psu_remote_off", "bits", 0, 1, "switched off by command") \
    X(SIGNAL_PSU_SETTINGS, "psu_settings", "bits", 0, 65535, "setting word")                      \
    X(SIGNAL_PSU_WRITE_ENABLE, "psu_write_enable", "bits", 0, 1, "gate of the setting registers") \
    X(SIGNAL_PSU_OUTPUT_SETPOINT_V, "psu_output_setpoint_v", "V", 0, 64, "output set-point (the high one)") \
    X(SIGNAL_PSU_OUTPUT_LOW_SETPOINT_V, "psu_output_low_setpoint_v", "V", 0, 64, "low output set-point") \
    X(SIGNAL_PSU_START_DELAY_S, "psu_start_delay_s", "s", 0, 60, "delay of its start after AC is back") \
    X(SIGNAL_PSU_INPUT_WARN_W, "psu_input_warn_w", "W", 0, 100000, "input over-power warning limit") \
    X(SIGNAL_PSU_OUTPUT_WARN_W, "psu_output_warn_w", "W", 0, 100000, "output over-power warning limit") \
    X(SIGNAL_PSU_STATUS_WORD, "psu_status_word", "bits", 0, 65535, "PMBus STATUS_WORD")           \
    X(SIGNAL_PSU_STATUS_VOUT, "psu_status_vout", "bits", 0, 255, "PMBus STATUS_VOUT")             \
    X(SIGNAL_PSU_STATUS_IOUT, "psu_status_iout", "bits", 0, 255, "PMBus STATUS_IOUT")             \
    X(SIGNAL_PSU_STATUS_INPUT, "psu_status_input", "bits", 0, 255, "PMBus STATUS_INPUT")          \
    X(SIGNAL_PSU_STATUS_TEMPERATURE, "psu_status_temperature", "bits", 0, 255, "PMBus STATUS_TEMPERATURE") \
    X(SIGNAL_PSU_STATUS_CML, "psu_status_cml", "bits", 0, 255, "PMBus STATUS_CML")                \
    X(SIGNAL_PSU_STATUS_FANS, "psu_status_fans", "bits", 0, 255, "PMBus STATUS_FANS_1_2")         \
    X(SIGNAL_PSU_STATUS_OTHER, "psu_status_other", "bits", 0, 255, "PMBus STATUS_OTHER")          \
    X(SIGNAL_PSU_STATUS_MFR, "psu_status_mfr", "bits", 0, 255, "PMBus STATUS_MFR_SPECIFIC")       \
    X(SIGNAL_PSU_STATUS_FANS_2, "psu_status_fans_2", "bits", 0, 255, "PMBus STATUS_FANS_3_4")     \
    X(SIGNAL_PSU_WRITE_PROTECT, "psu_write_protect", "bits", 0, 255, "PMBus WRITE_PROTECT")       \
    X(SIGNAL_PSU_INPUT_ENERGY_J, "psu_input_energy_j", "J", 0, 1e15, "input energy since the daemon watches") \
    X(SIGNAL_PSU_OUTPUT_ENERGY_J, "psu_output_energy_j", "J", 0, 1e15, "output energy since the daemon watches") \
    X(SIGNAL_PSU_INPUT_MEAN_W, "psu_input_mean_w", "W", -50, 30000, "mean input power between two polls") \
    X(SIGNAL_PSU_OUTPUT_MEAN_W, "psu_output_mean_w", "W", -50, 30000, "mean output power between two polls") \
    X(SIGNAL_HOTSWAP_INPUT_V, "hotswap_input_v", "V", 0, 110, "input voltage of a hot-swap controller") \
    X(SIGNAL_HOTSWAP_OUTPUT_V, "hotswap_output_v", "V", 0, 110, "output voltage")                 \
    X(SIGNAL_HOTSWAP_OUTPUT_A, "hotswap_output_a", "A", -1024, 1024, "current through it")        \
    X(SIGNAL_HOTSWAP_INPUT_W, "hotswap_input_w", "W", -50, 50000, "input power")                  \
    X(SIGNAL_HOTSWAP_MEAN_W, "hotswap_mean_w", "W", -50, 50000, "mean input power between two polls") \
    X(SIGNAL_HOTSWAP_ENERGY_J, "hotswap_energy_j", "J", 0, 1e15, "input energy since the daemon watches") \
    X(SIGNAL_HOTSWAP_TEMP_C, "hotswap_temp_c", "C", -60, 200, "temperature")                      \
    X(SIGNAL_HOTSWAP_STATUS_WORD, "hotswap_status_word", "bits", 0, 65535, "PMBus STATUS_WORD")   \
    X(SIGNAL_HOTSWAP_STATUS_VOUT, "hotswap_status_vout", "bits", 0, 255, "PMBus STATUS_VOUT")     \
    X(SIGNAL_HOTSWAP_STATUS_IOUT, "hotswap_status_iout", "bits", 0, 255, "PMBus STATUS_IOUT")     \
    X(SIGNAL_HOTSWAP_STATUS_INPUT, "hotswap_status_input", "bits", 0, 255, "PMBus STATUS_INPUT")  \
    X(SIGNAL_HOTSWAP_STATUS_TEMPERATURE, "hotswap_status_temperature", "bits", 0, 255, "PMBus STATUS_TEMPERATURE") \
    X(SIGNAL_HOTSWAP_STATUS_CML, "hotswap_status_cml", "bits", 0, 255, "PMBus STATUS_CML")        \
    X(SIGNAL_HOTSWAP_STATUS_MFR, "hotswap_status_mfr", "bits", 0, 255, "PMBus STATUS_MFR_SPECIFIC") \
    X(SIGNAL_MONITOR_V, "monitor_v", "V", -110, 110, "voltage at a power monitor's channel")      \
    X(SIGNAL_MONITOR_A, "monitor_a", "A", -1024, 1024, "current")                                 \
    X(SIGNAL_MONITOR_W, "monitor_w", "W", -50000, 50000, "power")                                 \
    X(SIGNAL_MONITOR_MEAN_W, "monitor_mean_w", "W", -50000, 50000, "mean power between two polls") \
    X(SIGNAL_MONITOR_ENERGY_J, "monitor_energy_j", "J", 0, 1e15, "energy since the daemon watches") \
    X(SIGNAL_MONITOR_TEMP_C, "monitor_temp_c", "C", -60, 200, "temperature")                      \
    X(SIGNAL_MONITOR_STATUS_WORD, "monitor_status_word", "bits", 0, 65535, "PMBus STATUS_WORD")   \
    X(SIGNAL_MONITOR_STATUS_VOUT, "monitor_status_vout", "bits", 0, 255, "PMBus STATUS_VOUT")     \
    X(SIGNAL_MONITOR_STATUS_IOUT, "monitor_status_iout", "bits", 0, 255, "PMBus STATUS_IOUT")     \
    X(SIGNAL_MONITOR_STATUS_INPUT, "monitor_status_input", "bits", 0, 255, "PMBus STATUS_INPUT")  \
    X(SIGNAL_MONITOR_STATUS_CML, "monitor_status_cml", "bits", 0, 255, "PMBus STATUS_CML")        \
    X(SIGNAL_MONITOR_STATUS_MFR, "monitor_status_mfr", "bits", 0, 255, "PMBus STATUS_MFR_SPECIFIC") \
    X(SIGNAL_BBU_SOC_RATIO, "bbu_soc_ratio", "", 0, 1, "relative state of charge")                \
    X(SIGNAL_BBU_SOH_RATIO, "bbu_soh_ratio", "", 0, 1.2, "state of health")                       \
    X(SIGNAL_BBU_PACK_V, "bbu_pack_v", "V", 0, 80, "pack voltage")                                \
    X(SIGNAL_BBU_PACK_A, "bbu_pack_a", "A", -400, 400, "pack current, charging is positive")      \
    X(SIGNAL_BBU_BUS_V, "bbu_bus_v", "V", 0, 64, "busbar voltage at the battery shelf")           \
    X(SIGNAL_BBU_TEMP_C, "bbu_temp_c", "C", -40, 150, "pack temperature")                         \
    X(SIGNAL_BBU_REMAINING_AH, "bbu_remaining_ah", "Ah", 0, 1000, "charge left")                  \
    X(SIGNAL_BBU_FULL_AH, "bbu_full_ah", "Ah", 0, 1000, "charge when full")                       \
    X(SIGNAL_BBU_CYCLES, "bbu_cycles", "1", 0, 65535, "charge cycles so far")                     \
    X(SIGNAL_BBU_MODE, "bbu_mode", "bits", 0, 65535, "mode word")                                 \
    X(SIGNAL_BBU_STATUS, "bbu_status", "bits", 0, 65535, "status word")                           \
    X(SIGNAL_BBU_FAILURES, "bbu_failures", "bits", 0, 65535, "permanent failure word")            \
    X(SIGNAL_BBU_SOC_ABSOLUTE_RATIO, "bbu_soc_absolute_ratio", "", 0, 1, "absolute state of charge") \
    X(SIGNAL_BBU_AVERAGE_A, "bbu_average_a", "A", -400, 400, "mean pack current, charging is positive") \
    X(SIGNAL_BBU_DISCHARGE_A, "bbu_discharge_a", "A", -400, 1024, "discharge current") \
    X(SIGNAL_BBU_CELL_V, "bbu_cell_v", "V", 0, 66, "voltage of one cell") \
    X(SIGNAL_BBU_TIME_LEFT_S, "bbu_time_left_s", "s", 0, 4e6, "time until it is empty, at the present load") \
    X(SIGNAL_BBU_TIME_LEFT_AVERAGE_S, "bbu_time_left_average_s", "s", 0, 4e6, "time until it is empty, at the mean load") \
    X(SIGNAL_BBU_DESIGN_AH, "bbu_design_ah", "Ah", 0, 1000, "charge when new") \
    X(SIGNAL_BBU_DESIGN_V, "bbu_design_v", "V", 0, 80, "nominal pack voltage") \
    X(SIGNAL_BBU_AT_RATE, "bbu_at_rate", "1", -32768, 32767, "rate that the at-rate times are for") \
    X(SIGNAL_BBU_AT_RATE_FULL_S, "bbu_at_rate_full_s", "s", 0, 4e6, "time to full at that rate") \
    X(SIGNAL_BBU_AT_RATE_EMPTY_S, "bbu_at_rate_empty_s", "s", 0, 4e6, "time to empty at that rate") \
    X(SIGNAL_BBU_AT_RATE_OK, "bbu_at_rate_ok", "1", 0, 65535, "that rate can be had for ten seconds") \
    X(SIGNAL_BBU_ERROR_MAX_RATIO, "bbu_error_max_ratio", "", 0, 656, "largest error of the state of charge") \
    X(SIGNAL_BBU_CHARGE_A, "bbu_charge_a", "A", 0, 100, "charging current asked for") \
    X(SIGNAL_BBU_CHARGE_V, "bbu_charge_v", "V", 0, 80, "charging voltage asked for") \
    X(SIGNAL_BBU_CHARGE_COMPUTED_A, "bbu_charge_computed_a", "A", 0, 100, "charging current the variable charger worked out") \
    X(SIGNAL_BBU_INLET_C, "bbu_inlet_c", "C", -274, 200, "inlet temperature") \
    X(SIGNAL_BBU_OUTLET_C, "bbu_outlet_c", "C", -274, 200, "outlet temperature") \
    X(SIGNAL_BBU_CHARGER_C, "bbu_charger_c", "C", -274, 200, "charger temperature") \
    X(SIGNAL_BBU_CONVERTER_C, "bbu_converter_c", "C", -274, 200, "discharge converter temperature") \
    X(SIGNAL_BBU_TEMP_MAX_C, "bbu_temp_max_c", "C", -274, 200, "highest pack temperature") \
    X(SIGNAL_BBU_FAN_RPM, "bbu_fan_rpm", "rpm", 0, 65535, "fan speed") \
    X(SIGNAL_BBU_ORING_V, "bbu_oring_v", "V", 0, 80, "discharger voltage inside the ORing") \
    X(SIGNAL_BBU_BATTERY_STATUS, "bbu_battery_status", "bits", 0, 65535, "battery status word") \
    X(SIGNAL_BBU_STATUS_WORD, "bbu_status_word", "bits", 0, 65535, "converter status word") \
    X(SIGNAL_BBU_BOOST_STATUS, "bbu_boost_status", "bits", 0, 65535, "power boost status") \
    X(SIGNAL_BBU_BUCK_STATUS, "bbu_buck_status", "bits", 0, 65535, "buck converter status") \
    X(SIGNAL_BBU_CHARGER_STATUS, "bbu_charger_status", "bits", 0, 65535, "charger status") \
    X(SIGNAL_BBU_TEMP_STATUS, "bbu_temp_status", "bits", 0, 65535, "over-temperature status") \
    X(SIGNAL_BBU_EOL_STATUS, "bbu_eol_status", "bits", 0, 65535, "end-of-life status") \
    X(SIGNAL_BBU_SOH_FAILURE, "bbu_soh_failure", "bits", 0, 65535, "why the health test failed") \
    X(SIGNAL_BBU_SOH_REFUSAL, "bbu_soh_refusal", "bits", 0, 65535, "why the health test did not start") \
    X(SIGNAL_BBU_HARDWARE_SIGNALS, "bbu_hardware_signals", "bits", 0, 65535, "state of its hardware lines") \
    X(SIGNAL_BBU_PACK_SIGNALS, "bbu_pack_signals", "bits", 0, 65535, "state of the pack's hardware lines") \
    X(SIGNAL_BBU_LEDS, "bbu_leds", "bits", 0, 65535, "light status word") \
    X(SIGNAL_BBU_INSTALLED, "bbu_installed", "1", 0, 65535, "batteries in the shelf") \
    X(SIGNAL_BBU_DISCHARGES, "bbu_discharges", "1", 0, 65535, "discharges so far") \
    X(SIGNAL_BBU_SOH_TESTS, "bbu_soh_tests", "1", 0, 65535, "health tests so far") \
    X(SIGNAL_BBU_SOH_RANDOM, "bbu_soh_random", "1", 0, 65535, "random number that delays the health test") \
    X(SIGNAL_BBU_SERVICE_TIME, "bbu_service_time", "1", 0, 131070, "time in service, unit unknown") \
    X(SIGNAL_BBU_ACCESS, "bbu_access", "1", 0, 65535, "maker's access word") \
    X(SIGNAL_BBU_CAN_ADDRESS, "bbu_can_address", "1", 0, 65535, "CAN address") \
    X(SIGNAL_BBU_CAN_BATTERIES, "bbu_can_batteries", "1", 0, 65535, "batteries seen on CAN") \
    X(SIGNAL_BBU_CAN_SHELVES, "bbu_can_shelves", "1", 0, 65535, "shelves seen on CAN") \
    X(SIGNAL_BBU_LOCATION, "bbu_location", "1", 0, 65535, "its shelf's place in the rack") \
    X(SIGNAL_BBU_BUS_MAX_V, "bbu_bus_max_v", "V", 0, 66, "highest busbar voltage since it was switched on") \
    X(SIGNAL_BBU_BUS_MIN_V, "bbu_bus_min_v", "V", 0, 66, "lowest busbar voltage since it was switched on") \
    X(SIGNAL_BBU_BUS_PERIOD_MAX_V, "bbu_bus_period_max_v", "V", 0, 66, "highest busbar voltage of the period") \
    X(SIGNAL_BBU_BUS_PERIOD_MIN_V, "bbu_bus_period_min_v", "V", 0, 66, "lowest busbar voltage of the period") \
    X(SIGNAL_BBU_AC_LOSS_REQUESTS, "bbu_ac_loss_requests", "1", 0, 65535, "AC_LOSS seen so often, one line each") \
    X(SIGNAL_BBU_PULSE_REQUESTS, "bbu_pulse_requests", "1", 0, 65535, "PULSE_MGMT seen so often") \
    X(SIGNAL_BBU_PULSES_SUPPORTED, "bbu_pulses_supported", "1", 0, 65535, "load pulses supported so often") \
    X(SIGNAL_BBU_PULSE_THRESHOLD, "bbu_pulse_threshold", "1", 0, 65535, "pulse management threshold, unit unknown") \
    X(SIGNAL_BBU_OFF_AT_S, "bbu_off_at_s", "s", 0, 4294967295.0, "scheduled power-off, seconds since 1970") \
    X(SIGNAL_BBU_THROUGHPUT_AH, "bbu_throughput_ah", "Ah", 0, 4294967295.0, "charge through it so far") \
    X(SIGNAL_BBU_THROUGHPUT_J, "bbu_throughput_j", "J", 0, 1.6e13, "energy through it so far") \
    X(SIGNAL_BBU_DEEP_DISCHARGES, "bbu_deep_discharges", "1", 0, 65535, "deep discharges so far") \
    X(SIGNAL_BBU_EXTREME_TEMP_S, "bbu_extreme_temp_s", "s", 0, 2.4e8, "time at extreme temperatures so far") \
    X(SIGNAL_BBU_EXTREME_CHARGE_S, "bbu_extreme_charge_s", "s", 0, 2.4e8, "time charging at extreme temperatures so far") \
    X(SIGNAL_BBU_PACK_CHARGE_FAILURE, "bbu_pack_charge_failure", "1", 0, 65535, "pack charge failure word") \
    X(SIGNAL_BBU_PACK_DISCHARGE_FAILURE, "bbu_pack_discharge_failure", "1", 0, 65535, "pack discharge failure word") \
    X(SIGNAL_BBU_PACK_PERMANENT_FAILURE, "bbu_pack_permanent_failure", "1", 0, 65535, "pack permanent failure word") \
    X(SIGNAL_BBU_PACK_FIRMWARE, "bbu_pack_firmware", "1", 0, 65535, "pack firmware revision") \
    X(SIGNAL_BBU_PACK_SPECIFICATION, "bbu_pack_specification", "1", 0, 65535, "pack specification word") \
    X(SIGNAL_BBU_PACK_DATE, "bbu_pack_date", "1", 0, 65535, "pack date word") \
    X(SIGNAL_BBU_PACK_SERIAL, "bbu_pack_serial", "1", 0, 65535, "pack serial number") \
    X(SIGNAL_BBU_CHEMISTRY, "bbu_chemistry", "text", 0, 0, "cell chemistry") \
    X(SIGNAL_BBU_PACK_DATA, "bbu_pack_data", "text", 0, 0, "pack maker's data") \
    X(SIGNAL_BBU_PACK_MAKER, "bbu_pack_maker", "text", 0, 0, "pack maker") \
    X(SIGNAL_BBU_PACK_NAME, "bbu_pack_name", "text", 0, 0, "pack name") \
    X(SIGNAL_BBU_BAUD_CODE, "bbu_baud_code", "1", 0, 65535, "serial speed: 1 is 19200, 4 is 115200; never written") \
    X(SIGNAL_BBU_SIREN_S, "bbu_siren_s", "s", 0, 65535, "power-loss siren timing") \
    X(SIGNAL_BBU_LED_OVERRIDE, "bbu_led_override", "bits", 0, 65535, "light override word") \
    X(SIGNAL_BBU_FAN_OVERRIDE, "bbu_fan_override", "1", 0, 65535, "fan override, unit unknown; never written") \
    X(SIGNAL_BBU_SOH_RANDOM_OVERRIDE, "bbu_soh_random_override", "1", 0, 65535, "random number of the health test, overridden") \
    X(SIGNAL_BBU_SOH_INTERVAL_S, "bbu_soh_interval_s", "s", 0, 6e9, "time between health tests, overridden") \
    X(SIGNAL_BBU_SOH_AT_S, "bbu_soh_at_s", "s", 0, 4294967295.0, "last health test, seconds since 1970") \
    X(SIGNAL_BBU_EOL_THRESHOLD_S, "bbu_eol_threshold_s", "s", 0, 65535, "backup time under which a battery is at its end") \
    X(SIGNAL_BBU_FORCED_DISCHARGE_S, "bbu_forced_discharge_s", "s", 0, 65535, "forced discharge time") \
    X(SIGNAL_BBU_CONTROL_MODE, "bbu_control_mode", "1", 0, 65535, "system control mode, meaning unknown; never written") \
    X(SIGNAL_BBU_SHELF_CONFIGURATION, "bbu_shelf_configuration", "1", 0, 65535, "shelf configuration, meaning unknown; never written") \
    X(SIGNAL_BBU_DETACHED_TIMEOUT_S, "bbu_detached_timeout_s", "s", 0, 65535, "forced detached mode time-out") \
    X(SIGNAL_BBU_HOST_SHELF_W, "bbu_host_shelf_w", "W", 0, 65535, "what a host told it of the supply shelf's power; never written") \
    X(SIGNAL_BBU_HOST_AC_OK, "bbu_host_ac_ok", "1", 0, 65535, "what a host told it of the supply shelf's input; never written") \
    X(SIGNAL_BBU_CHARGING, "bbu_charging", "bits", 0, 1, "is charging") \
    X(SIGNAL_BBU_DISCHARGING, "bbu_discharging", "bits", 0, 1, "is discharging") \
    X(SIGNAL_BBU_RECHARGE_OVERRIDE, "bbu_recharge_override", "bits", 0, 1, "recharge threshold override enabled") \
    X(SIGNAL_BBU_EOL_OVERRIDE, "bbu_eol_override", "bits", 0, 1, "end-of-life threshold override enabled") \
    X(SIGNAL_BBU_CHARGE_OVERRIDE, "bbu_charge_override", "bits", 0, 1, "charger override enabled") \
    X(SIGNAL_BBU_CHARGE_LIMIT_A, "bbu_charge_limit_a", "A", 0, 100, "charger override current")   \
    X(SIGNAL_BBU_CHARGE_TIMEOUT_S, "bbu_charge_timeout_s", "s", 0, 4294967295.0, "charger override time-out") \
    X(SIGNAL_BBU_DISCHARGE_TIME_S, "bbu_discharge_time_s", "s", 0, 65535, "longest discharge")    \
    X(SIGNAL_BBU_CHARGE_DELAY_S, "bbu_charge_delay_s", "s", 0, 65535, "wait before recharging")   \
    X(SIGNAL_BBU_RECHARGE_THRESHOLD_RATIO, "bbu_recharge_threshold_ratio", "", 0, 1, "recharge below this charge") \
    X(SIGNAL_SHELF_MODULES_PRESENT, "shelf_modules_present", "bits", 0, 65535, "one bit a module") \
    X(SIGNAL_SHELF_MODULE_ALERTS, "shelf_module_alerts", "bits", 0, 65535, "one bit a module")    \
    X(SIGNAL_SHELF_ALARMS, "shelf_alarms", "bits", 0, 65535, "general alarm word")                \
    X(SIGNAL_SHELF_TOTAL_TIME_S, "shelf_total_time_s", "s", 0, 4294967295.0, "time in service so far") \
    X(SIGNAL_SHELF_UPTIME_S, "shelf_uptime_s", "s", 0, 4294967295.0, "time since it was switched on") \
    X(SIGNAL_SHELF_TYPE, "shelf_type", "1", 0, 65535, "shelf type") \
    X(SIGNAL_SHELF_PORT, "shelf_port", "1", 0, 65535, "address of its port at the rack switch") \
    X(SIGNAL_SHELF_INTERNAL_ADDRESS, "shelf_internal_address", "1", 0, 65535, "address inside the shelf") \
    X(SIGNAL_SHELF_SHARE_CABLE, "shelf_share_cable", "1", 0, 65535, "current sharing cable connected") \
    X(SIGNAL_SHELF_MODULES_PLANNED, "shelf_modules_planned", "bits", 0, 65535, "one bit a module") \
    X(SIGNAL_SHELF_LEDS, "shelf_leds", "bits", 0, 65535, "light status word") \
    X(SIGNAL_SHELF_COMM_ALARMS, "shelf_comm_alarms", "bits", 0, 65535, "communication alarm word: bits 1 to 6 are modules that do not answer") \
    X(SIGNAL_SHELF_SERIAL_CRC_ERRORS, "shelf_serial_crc_errors", "1", 0, 65535, "checksum errors on the chain between shelves") \
    X(SIGNAL_SHELF_CRC_ERRORS, "shelf_crc_errors", "1", 0, 65535, "requests it received with a wrong checksum") \
    X(SIGNAL_SHELF_MODULE_CRC_ERRORS, "shelf_module_crc_errors", "1", 0, 65535, "answers of a module with a wrong checksum") \
    X(SIGNAL_SHELF_MODULE_TIMEOUTS, "shelf_module_timeouts", "1", 0, 65535, "answers of a module that did not come") \
    X(SIGNAL_SHELF_LOCATION, "shelf_location", "1", 0, 65535, "its place in the rack") \
    X(SIGNAL_SHELF_ADDRESS, "shelf_address", "1", 0, 65535, "its own Modbus address") \
    X(SIGNAL_SHELF_PORT_NUMBER, "shelf_port_number", "1", 0, 65535, "port number") \
    X(SIGNAL_SHELF_PSU_LOCATION_RECEIVED, "shelf_psu_location_received", "1", 0, 65535, "place of the next supply shelf, as received") \
    X(SIGNAL_SHELF_BBU_LOCATION_RECEIVED, "shelf_bbu_location_received", "1", 0, 65535, "place of the next battery shelf, as received") \
    X(SIGNAL_SHELF_PSU_LOCATION_SENT, "shelf_psu_location_sent", "1", 0, 65535, "place of the next supply shelf, as sent") \
    X(SIGNAL_SHELF_BBU_LOCATION_SENT, "shelf_bbu_location_sent", "1", 0, 65535, "place of the next battery shelf, as sent") \
    X(SIGNAL_SHELF_OFF_AT_S, "shelf_off_at_s", "s", 0, 4294967295.0, "scheduled power-off, seconds since 1970") \
    X(SIGNAL_SHELF_BAUD_CODE, "shelf_baud_code", "1", 0, 65535, "serial speed; never written") \
    X(SIGNAL_SHELF_OPERATION_MODE, "shelf_operation_mode", "1", 0, 65535, "operation mode, meaning unknown; never written") \
    X(SIGNAL_SHELF_OUTPUT_TEST, "shelf_output_test", "bits", 0, 65535, "digital output test word; never written") \
    X(SIGNAL_SHELF_MAKER, "shelf_maker", "text", 0, 0, "maker of the shelf") \
    X(SIGNAL_SHELF_PART, "shelf_part", "text", 0, 0, "spare part number of the shelf") \
    X(SIGNAL_SHELF_MODEL, "shelf_model", "text", 0, 0, "model of the shelf") \
    X(SIGNAL_SHELF_SERIAL, "shelf_serial", "text", 0, 0, "serial number of the shelf") \
    X(SIGNAL_SHELF_DATE, "shelf_date", "text", 0, 0, "date the shelf was made") \
    X(SIGNAL_SHELF_POLLING_PAUSE, "shelf_polling_pause", "bits", 0, 1, "shelf controller leaves its modules alone") \
    X(SIGNAL_GPU_POWER_W, "gpu_power_w", "W", 0, 5000, "power of one accelerator")                \
    X(SIGNAL_GPU_POWER_LIMIT_W, "gpu_power_limit_w", "W", 0, 5000, "power limit in force")        \
    X(SIGNAL_GPU_ENERGY_J, "gpu_energy_j", "J", 0, 1e15, "energy so far")                         \
    X(SIGNAL_GPU_TEMP_C, "gpu_temp_c", "C", -40, 150, "temperature")                              \
    X(SIGNAL_GPU_EDPP_RATIO, "gpu_edpp_ratio", "", 0, 2, "peak electrical design point, scaled")  \
    X(SIGNAL_GPU_WORKLOAD_PROFILES, "gpu_workload_profiles", "bits", 0, 281474976710655.0, "workload power profiles asked for") \
    X(SIGNAL_GPU_SMOOTHING, "gpu_smoothing", "bits", 0, 1, "power smoothing is on")               \
    X(SIGNAL_GPU_SMOOTHING_PROFILE, "gpu_smoothing_profile", "1", 0, 255, "preset profile of power smoothing") \
    X(SIGNAL_GPU_SMOOTHING_FLOOR_RATIO, "gpu_smoothing_floor_ratio", "", 0, 1, "lowest power that smoothing holds") \
    X(SIGNAL_GPU_RAMP_UP_W_PER_S, "gpu_ramp_up_w_per_s", "W/s", 0, 1000000, "how fast smoothing lets power rise") \
    X(SIGNAL_GPU_RAMP_DOWN_W_PER_S, "gpu_ramp_down_w_per_s", "W/s", 0, 1000000, "how fast smoothing lets power fall") \
    X(SIGNAL_GPU_RAMP_HYSTERESIS_S, "gpu_ramp_hysteresis_s", "s", 0, 3600, "how long smoothing waits before power falls") \
    X(SIGNAL_NODE_POWER_LIMIT_W, "node_power_limit_w", "W", 0, 1000000, "power limit of a node or a part of it") \
    X(SIGNAL_NODE_POWER_W, "node_power_w", "W", 0, 50000, "power of a whole node")                \
    X(SIGNAL_RPU_FLOW_LPM, "rpu_flow_lpm", "lpm", 0, 6554, "coolant flow of a liquid pump unit") \
    X(SIGNAL_RPU_OUTLET_C, "rpu_outlet_c", "C", -40, 6554, "coolant outlet temperature") \
    X(SIGNAL_RPU_INLET_C, "rpu_inlet_c", "C", -40, 6554, "coolant inlet temperature") \
    X(SIGNAL_RPU_OUTLET_PA, "rpu_outlet_pa", "Pa", -3276800, 3276700, "coolant outlet pressure") \
    X(SIGNAL_RPU_INLET_PA, "rpu_inlet_pa", "Pa", -3276800, 3276700, "coolant inlet pressure") \
    X(SIGNAL_RPU_POWER_W, "rpu_power_w", "W", 0, 6554, "power of the pump unit") \
    X(SIGNAL_RPU_TOTAL_W, "rpu_total_w", "W", 0, 6554, "power of pumps and fans together") \
    X(SIGNAL_RPU_INPUT_V, "rpu_input_v", "V", 0, 6554, "input voltage") \
    X(SIGNAL_RPU_AIR_INLET_C, "rpu_air_inlet_c", "C", -40, 6554, "air inlet temperature") \
    X(SIGNAL_RPU_PUMP_DUTY_RATIO, "rpu_pump_duty_ratio", "", 0, 656, "pump duty") \
    X(SIGNAL_RPU_PUMP_RPM, "rpu_pump_rpm", "rpm", 0, 65535, "pump speed") \
    X(SIGNAL_RPU_FAN_STATUS, "rpu_fan_status", "bits", 0, 65535, "fan status word") \
    X(SIGNAL_RPU_FAN_RPM, "rpu_fan_rpm", "rpm", 0, 65535, "fan speed") \
    X(SIGNAL_RPU_COOLING_W, "rpu_cooling_w", "W", 0, 6554, "heat carried away") \
    X(SIGNAL_RPU_FLOW_TARGET_LPM, "rpu_flow_target_lpm", "lpm", 0, 6554, "flow that automatic control aims at") \
    X(SIGNAL_RPU_OUTLET_TARGET_C, "rpu_outlet_target_c", "C", -40, 6554, "outlet temperature that automatic control aims at") \
    X(SIGNAL_RPU_PUMP_INTERVAL, "rpu_pump_interval", "1", 0, 65535, "interval of redundant pump switching, unit unknown") \
    X(SIGNAL_RPU_PUMP_DUTY_SET_RATIO, "rpu_pump_duty_set_ratio", "", 0, 656, "pump duty set by hand") \
    X(SIGNAL_RPU_FAN_DUTY_SET_RATIO, "rpu_fan_duty_set_ratio", "", 0, 656, "fan duty set by hand") \
    X(SIGNAL_RPU_CONTROL, "rpu_control", "bits", 0, 65535, "control word") \
    X(SIGNAL_RPU_LEAK_SETTINGS, "rpu_leak_settings", "bits", 0, 65535, "leak detection settings") \
    X(SIGNAL_RPU_ADDRESS, "rpu_address", "1", 0, 65535, "its Modbus address") \
    X(SIGNAL_RPU_OWN_FAN_DUTY_SET_RATIO, "rpu_own_fan_duty_set_ratio", "", 0, 656, "duty of its own fan set by hand") \
    X(SIGNAL_RPU_ONE_PUMP_DUTY_SET_RATIO, "rpu_one_pump_duty_set_ratio", "", 0, 656, "duty of one pump set by hand") \
    X(SIGNAL_RPU_FAN_ON, "rpu_fan_on", "1", 0, 65535, "fan switched on by hand") \
    X(SIGNAL_METER_V, "meter_v", "V", 0, 100000, "voltage of a phase to neutral") \
    X(SIGNAL_METER_MEAN_V, "meter_mean_v", "V", 0, 100000, "mean voltage of the phases to neutral") \
    X(SIGNAL_METER_LINE_V, "meter_line_v", "V", 0, 100000, "voltage between two phases: 1 is AB, 2 BC, 3 CA") \
    X(SIGNAL_METER_MEAN_LINE_V, "meter_mean_line_v", "V", 0, 100000, "mean voltage between phases") \
    X(SIGNAL_METER_A, "meter_a", "A", -100000, 100000, "current of a phase") \
    X(SIGNAL_METER_TOTAL_A, "meter_total_a", "A", -100000, 100000, "current of all phases together") \
    X(SIGNAL_METER_HZ, "meter_hz", "Hz", 0, 100, "frequency") \
    X(SIGNAL_METER_POWER_W, "meter_power_w", "W", -1e8, 1e8, "active power, import is positive") \
    X(SIGNAL_METER_PHASE_W, "meter_phase_w", "W", -1e8, 1e8, "active power of a phase") \
    X(SIGNAL_METER_APPARENT_VA, "meter_apparent_va", "VA", -1e8, 1e8, "apparent power") \
    X(SIGNAL_METER_PHASE_VA, "meter_phase_va", "VA", -1e8, 1e8, "apparent power of a phase") \
    X(SIGNAL_METER_REACTIVE_VAR, "meter_reactive_var", "var", -1e8, 1e8, "reactive power") \
    X(SIGNAL_METER_PHASE_VAR, "meter_phase_var", "var", -1e8, 1e8, "reactive power of a phase") \
    X(SIGNAL_METER_POWER_FACTOR_RATIO, "meter_power_factor_ratio", "", -1.01, 1.01, "power factor") \
    X(SIGNAL_METER_PHASE_POWER_FACTOR_RATIO, "meter_phase_power_factor_ratio", "", -1.01, 1.01, "power factor of a phase") \
    X(SIGNAL_METER_EXPORT_J, "meter_export_j", "J", 0, 1e15, "active energy exported so far") \
    X(SIGNAL_METER_IMPORT_J, "meter_import_j", "J", 0, 1e15, "active energy imported so far") \
    X(SIGNAL_METER_PHASE_EXPORT_J, "meter_phase_export_j", "J", 0, 1e15, "active energy exported over a phase so far") \
    X(SIGNAL_METER_PHASE_IMPORT_J, "meter_phase_import_j", "J", 0, 1e15, "active energy imported over a phase so far") \
    X(SIGNAL_METER_EVENTS, "meter_events", "bits", 0, 4294967295.0, "event flags") \
    X(SIGNAL_DEVICE_MODEL, "device_model", "text", 0, 0, "model string")                          \
    X(SIGNAL_DEVICE_MAKER, "device_maker", "text", 0, 0, "maker")                                 \
    X(SIGNAL_DEVICE_PART, "device_part", "text", 0, 0, "part number") \
    X(SIGNAL_DEVICE_DATE, "device_date", "text", 0, 0, "date it was made") \
    X(SIGNAL_DEVICE_HARDWARE, "device_hardware", "text", 0, 0, "hardware revision") \
    X(SIGNAL_DEVICE_WORKORDER, "device_workorder", "text", 0, 0, "work order") \
    X(SIGNAL_DEVICE_BUILD, "device_build", "text", 0, 0, "build revision") \
    X(SIGNAL_DEVICE_BOOTLOADER, "device_bootloader", "text", 0, 0, "boot loader revision") \
    X(SIGNAL_DEVICE_OPTIONS, "device_options", "text", 0, 0, "options") \
    X(SIGNAL_DEVICE_MAP_SIZE, "device_map_size", "1", 0, 65535, "registers in its map") \
    X(SIGNAL_DEVICE_SERIAL, "device_serial", "text", 0, 0, "serial number")                       \
    X(SIGNAL_DEVICE_FIRMWARE, "device_firmware", "text", 0, 0, "firmware revision")               \
    X(SIGNAL_DEVICE_RECORD, "device_record", "text", 0, 0, "a record of its own (black box), as it is") \
    X(SIGNAL_DEVICE_CLOCK_S, "device_clock_s", "s", 0, 4294967295.0, "the device's clock, seconds since 1970")

#define SIGNAL_ENUM(name, text, unit, min, max, help) name,
enum signal { SIGNAL_LIST(SIGNAL_ENUM) SIGNAL_COUNT };
#undef SIGNAL_ENUM

/* What the list says of a signal; `signal` is one of the enum. Never NULL. */
const char *signal_name(enum signal signal);
const char *signal_unit(enum signal signal);
const char *signal_help(enum signal signal);
double signal_min(enum signal signal);
double signal_max(enum signal signal);

/* The signal of a name, or SIGNAL_COUNT. */
enum signal signal_find(const char *name);

#endif

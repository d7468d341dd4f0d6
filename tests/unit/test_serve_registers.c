/* SPDX-License-Identifier: Apache-2.0 */
/* Raw words worked out by hand from the modules' documents, not by a codec. */
#include "serve_rig.h"

#include "sim/serve_registers_table.h"

static struct plant plant;
static struct serve_registers_unit unit;

static void make(enum serve_registers_kind kind, int32_t shelf, int32_t slot)
{
    bool hpr = kind != SERVE_REGISTERS_PSU_ORV3 && kind != SERVE_REGISTERS_BBU_ORV3;
    bool pmm = kind == SERVE_REGISTERS_PMM_PSU || kind == SERVE_REGISTERS_PMM_BBU;

    rig_plant(&plant, hpr ? PLANT_HPR : PLANT_ORV3, 4);
    serve_registers_init(&unit, kind, &plant, shelf, slot, pmm ? -1 : shelf * RIG_PSUS + slot, 0);
    serve_registers_refresh(&unit, 0, false);
}

static uint16_t word(int32_t address)
{
    uint16_t value;

    assert_int_equal(serve_registers_read(&unit, 0, address, 1, &value), SERVE_REGISTERS_OK);
    return value;
}

static void assert_text(int32_t address, int32_t count, const char *text)
{
    uint16_t words[16];
    char read[33] = "";

    assert_int_equal(serve_registers_read(&unit, 0, address, count, words), SERVE_REGISTERS_OK);
    for (int32_t i = 0; i < count; i++) {
        read[2 * i] = (char)(words[i] >> 8);
        read[2 * i + 1] = (char)(words[i] & 0xFF);
    }
    assert_string_equal(read, text);
}

static enum serve_registers_result write_word(int32_t address, uint16_t value)
{
    return serve_registers_write(&unit, 0, address, 1, &value);
}

static enum serve_registers_result write_pair(int32_t address, uint16_t high, uint16_t low)
{
    uint16_t words[2] = {high, low};

    return serve_registers_write(&unit, 0, address, 2, words);
}

static void psu_readings_are_the_documented_words(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_PSU_HPR, 0, 0);
    plant.psus[0].output_v = 50.75;
    plant.psus[0].output_w = 5000.0;
    plant.psus[0].input_a = 12.5;
    serve_registers_refresh(&unit, 20000, false);
    assert_int_equal(word(0x4F), 0xCB00); /* 50.75 * 1024        */
    assert_int_equal(word(0x50), 0x1900); /* 100 * 64            */
    assert_int_equal(word(0x52), 0x9C40); /* 5000 * 8            */
    assert_int_equal(word(0x54), 60);
    assert_int_equal(word(0x57), 0xA028); /* 5125 * 8            */
    assert_int_equal(word(0x58), 0x3C00); /* 240 * 64            */
    assert_int_equal(word(0x59), 0x3200); /* 12.5 * 1024         */
    assert_int_equal(word(0x45), 0x0CC0); /* 25.5 * 128          */
    assert_int_equal(word(0x41), 0xA028); /* instantaneous, HPR  */
    assert_int_equal(word(0x76), 0xCB00);
    plant.psus[0].inlet_c = -10.0;
    serve_registers_refresh(&unit, 40000, false);
    assert_int_equal(word(0x45), 0xFB00); /* -1280               */
    assert_int_equal(word(0x48), 0xFB00); /* coldest so far      */
    assert_int_equal(word(0x47), 0x0CC0); /* warmest so far      */
}

static void values_beyond_a_register_stop_at_its_ends(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_PSU_HPR, 0, 0);
    plant.psus[0].output_w = 12000.0; /* 12 kW does not fit Q3: 8191.875 W is the end */
    plant.psus[0].output_a = -1.0;
    serve_registers_refresh(&unit, 20000, false);
    assert_int_equal(word(0x52), 0xFFFF);
    assert_int_equal(word(0x50), 0);
    plant.psus[0].output_w = (double)NAN;
    serve_registers_refresh(&unit, 40000, false);
    assert_int_equal(word(0x52), 0);
    assert_int_equal(serve_registers_signed((double)NAN, 0.0, 1.0), 0);
    assert_int_equal(serve_registers_signed(-1e9, 0.0, 1.0), 0x8000);
    assert_int_equal(serve_registers_signed(1e9, 0.0, 1.0), 0x7FFF);
}

static void texts_are_two_characters_a_register(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_PSU_HPR, 1, 2);
    assert_int_equal(word(0x08), 0x4850); /* "HP" */
    assert_int_equal(word(0x0D), 0x3030); /* "00" */
    assert_int_equal(word(0x0E), 0x0000);
    assert_text(0x08, 8, "HPR-PSU-5500");
    assert_text(0x18, 16, "PSU00000009");
    make(SERVE_REGISTERS_PSU_ORV3, 0, 0);
    assert_text(0x08, 8, "ORV3-PSU-3000");
    make(SERVE_REGISTERS_BBU_HPR, 0, 5);
    assert_text(0x08, 8, "HPR-BBU-5500");
    assert_text(0x40, 16, "BBU00000006");
    make(SERVE_REGISTERS_BBU_ORV3, 0, 0);
    assert_text(0x08, 8, "ORV3-BBU-3000");
}

static void bbu_readings_are_the_documented_words(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_BBU_HPR, 0, 0);
    assert_int_equal(word(0x5A), 3000);  /* 26.85 degC is 300.0 K       */
    assert_int_equal(word(0x5E), 75);    /* %                           */
    assert_int_equal(word(0x60), 43700); /* mV                          */
    assert_int_equal(word(0x61), 570);   /* 10 mA, charging is positive */
    assert_int_equal(word(0x64), 6173);  /* 960 kJ at 12 * 3.6 V in mAh */
    assert_int_equal(word(0x63), 4630);
    assert_int_equal(word(0x93), 49500);
    assert_int_equal(word(0x6D), 3642);   /* 43.7 V over 12 cells        */
    assert_int_equal(word(0x90), 5700);   /* the charger's own limit, mA */
    assert_int_equal(word(0x6B), 0x0001); /* charging                    */
    plant.bbus[0].pack_a = -62.5;
    plant.bbus[0].charging = false;
    plant.bbus[0].discharging = true;
    serve_registers_refresh(&unit, 20000, false);
    assert_int_equal(word(0x61), 0xE796); /* -6250                       */
    assert_int_equal(word(0x92), 6250);
    assert_int_equal(word(0x6B), 0x0002);
    assert_int_equal(word(0x6C), 0x00C0); /* initialised, discharging    */
    assert_int_equal(word(0xA7), 1);      /* discharges                  */
}

static void the_same_quantity_moves_between_generations(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_BBU_ORV3, 0, 0);
    assert_int_equal(word(0x7A), 3000);
    assert_int_equal(word(0x7E), 75);
    assert_int_equal(word(0x80), 43700);
    assert_int_equal(word(0x81), 570);
    assert_int_equal(word(0x6D), 3973); /* 11 cells                    */
    assert_int_equal(write_pair(0x12E, 0x1234, 0x5678), SERVE_REGISTERS_OK);
    assert_int_equal(word(0x12E), 0x1234);
    assert_int_equal(word(0x12F), 0x5678);
    make(SERVE_REGISTERS_BBU_HPR, 0, 0);
    assert_int_equal(word(0x7B), 0x13A); /* here a size, there a temperature */
    assert_int_equal(write_pair(0x12E, 0, 0), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(write_pair(0x65, 0x1234, 0x5678), SERVE_REGISTERS_OK);
    make(SERVE_REGISTERS_PSU_ORV3, 0, 0);
    assert_int_equal(write_pair(0x5A, 0, 0), SERVE_REGISTERS_ADDRESS); /* a fault counter */
    assert_int_equal(write_pair(0x62, 0, 0), SERVE_REGISTERS_FAILURE); /* gated           */
    make(SERVE_REGISTERS_PSU_HPR, 0, 0);
    assert_int_equal(write_pair(0x5A, 0x6553, 0xF100), SERVE_REGISTERS_OK);
    assert_int_equal(word(0x5A), 0x6553);
    assert_int_equal(word(0x62), 0);
}

static void a_clock_runs_on_from_what_was_written(void **state)
{
    uint16_t words[2];

    (void)state;
    make(SERVE_REGISTERS_PSU_HPR, 0, 0);
    assert_int_equal(write_pair(0x5A, 0x0001, 0xFFFF), SERVE_REGISTERS_OK);
    assert_int_equal(serve_registers_read(&unit, 2500000, 0x5A, 2, words), SERVE_REGISTERS_OK);
    assert_int_equal(words[0], 0x0002);
    assert_int_equal(words[1], 0x0001);
}

static void the_gate_guards_the_settings(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_PSU_ORV3, 0, 0);
    assert_int_equal(word(0x5E), 0x0A00); /* as seen on early units */
    assert_int_equal(write_word(0x67, 0xCC00), SERVE_REGISTERS_FAILURE);
    assert_int_equal(write_word(0x5E, 0x0A01), SERVE_REGISTERS_OK);
    assert_int_equal(word(0x5E), 0x0A01);
    assert_int_equal(word(0x67), 0xCC00); /* 51 V */
    assert_int_equal(word(0x68), 0xC000); /* 48 V */
    assert_int_equal(write_word(0x67, 0xC800), SERVE_REGISTERS_OK);
    assert_true(plant.psus[0].setpoint_v >= 50.0 && plant.psus[0].setpoint_v <= 50.0);
    assert_int_equal(write_word(0x67, 0xC7FF), SERVE_REGISTERS_VALUE); /* under 50 V      */
    assert_int_equal(write_word(0x67, 0xCE00), SERVE_REGISTERS_OK);    /* 51.5 V          */
    assert_int_equal(write_word(0x67, 0xCE01), SERVE_REGISTERS_VALUE);
    assert_int_equal(write_word(0x68, 0xBE00), SERVE_REGISTERS_OK); /* 47.5 V          */
    assert_int_equal(write_word(0x68, 0xBDFF), SERVE_REGISTERS_VALUE);
    assert_int_equal(write_word(0x5F, 4), SERVE_REGISTERS_VALUE);   /* would be lost   */
    assert_int_equal(write_word(0x5E, 0x0800), SERVE_REGISTERS_OK); /* 48 V mode       */
    assert_int_equal(word(0x5E), 0x0C00);                           /* b10 says so     */
    assert_int_equal(write_word(0x67, 0xC800), SERVE_REGISTERS_FAILURE);
    make(SERVE_REGISTERS_PSU_HPR, 0, 0);
    assert_int_equal(word(0x5E), 0x0802);
    assert_int_equal(write_word(0x5E, 0xFFFF & ~0x8000), SERVE_REGISTERS_OK);
    assert_int_equal(word(0x5E), 0x38C3); /* only bits that exist, commands read back as 0 */
    assert_int_equal(word(0x67), 0xC800);
    assert_int_equal(write_word(0x67, 0xC400), SERVE_REGISTERS_OK); /* 49 V            */
    assert_int_equal(write_word(0x67, 0xC3FF), SERVE_REGISTERS_VALUE);
    assert_int_equal(write_word(0x68, 0xC000), SERVE_REGISTERS_ADDRESS);
}

static void reserved_holes_and_readings_refuse(void **state)
{
    uint16_t words[SERVE_REGISTERS_READ_MAX];

    (void)state;
    make(SERVE_REGISTERS_PSU_ORV3, 0, 0);
    assert_int_equal(serve_registers_read(&unit, 0, 0x3A, 1, words), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(serve_registers_read(&unit, 0, 0x39, 2, words), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(serve_registers_read(&unit, 0, 0x5A, 3, words), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(serve_registers_read(&unit, 0, 0x41, 1, words), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(serve_registers_read(&unit, 0, 0x6E, 1, words), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(serve_registers_read(&unit, 0, 0x00, 0, words), SERVE_REGISTERS_VALUE);
    assert_int_equal(serve_registers_read(&unit, 0, 0x00, 126, words), SERVE_REGISTERS_VALUE);
    assert_int_equal(serve_registers_read(&unit, 0, 0xFFFF, 2, words), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(write_word(0x4F, 0), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(serve_registers_write(&unit, 0, 0x5E, 0, words), SERVE_REGISTERS_VALUE);
    make(SERVE_REGISTERS_BBU_HPR, 0, 0);
    assert_int_equal(write_word(0x12C, 1), SERVE_REGISTERS_VALUE); /* half of two registers */
    assert_int_equal(write_word(0x12D, 1), SERVE_REGISTERS_VALUE);
}

static void a_write_of_many_is_all_or_nothing(void **state)
{
    uint16_t words[3] = {0x0A01, 1, 101};

    (void)state;
    make(SERVE_REGISTERS_PSU_ORV3, 0, 0);
    assert_int_equal(serve_registers_write(&unit, 0, 0x5E, 3, words), SERVE_REGISTERS_FAILURE);
    assert_int_equal(word(0x5E), 0x0A00);
    assert_int_equal(write_word(0x5E, 0x0A01), SERVE_REGISTERS_OK);
    words[0] = 0x0801;
    assert_int_equal(serve_registers_write(&unit, 0, 0x5E, 3, words),
                     SERVE_REGISTERS_VALUE); /* fan at 101 % */
    assert_int_equal(word(0x5E), 0x0A01);
    words[2] = 40;
    assert_int_equal(serve_registers_write(&unit, 0, 0x5E, 3, words), SERVE_REGISTERS_OK);
    assert_int_equal(word(0x60), 40);
    serve_registers_refresh(&unit, 20000, false);
    assert_int_equal(word(0x43), 10000); /* the fan obeys */
}

static void a_power_cycle_wants_the_gate_and_ends_by_itself(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_PSU_ORV3, 0, 0);
    assert_int_equal(write_word(0x5E, 0x8A00), SERVE_REGISTERS_OK);
    assert_true(plant.psus[0].on);
    assert_int_equal(write_word(0x5E, 0x8A01), SERVE_REGISTERS_OK);
    assert_int_equal(word(0x5E), 0x0A01);
    assert_false(plant.psus[0].on);
    serve_registers_refresh(&unit, 4999999, false);
    assert_false(plant.psus[0].on);
    serve_registers_refresh(&unit, 5000000, false);
    assert_true(plant.psus[0].on);
}

static void alarms_roll_up(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_PSU_ORV3, 0, 0);
    assert_int_equal(word(0x3E), 0x0004); /* 4950 W of a 3 kW supply    */
    plant.psus[0].output_w = 2500.0;
    serve_registers_refresh(&unit, 10000, false);
    assert_int_equal(word(0x3C), 0);
    assert_int_equal(word(0x40), 0x0100); /* Modbus is in use: no alarm */
    plant.psus[0].input_v = 0.0;
    plant.psus[0].output_v = 40.0;
    plant.psus[0].inlet_c = 60.0;
    serve_registers_refresh(&unit, 20000, false);
    assert_int_equal(word(0x3D), 0x0101);                           /* AC not OK, under-voltage   */
    assert_int_equal(word(0x3E), 0x0001);                           /* output under-voltage       */
    assert_int_equal(word(0x3F), 0x0002);                           /* inlet                      */
    assert_int_equal(word(0x3C), 0x0407);                           /* PFC, DC/DC, temperature    */
    assert_int_equal(write_word(0x5E, 0x4A00), SERVE_REGISTERS_OK); /* clear, needs no gate */
    assert_int_equal(word(0x3C), 0);
    serve_registers_refresh(&unit, 40000, false);
    assert_int_equal(word(0x3C), 0x0407); /* and it is still wrong      */
}

static void an_override_lives_as_long_as_its_time_out(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_BBU_HPR, 0, 0);
    assert_int_equal(word(0x123), 5700); /* starts as the charger's own */
    assert_int_equal(write_word(0x123, 99), SERVE_REGISTERS_VALUE);
    assert_int_equal(write_word(0x123, 6001), SERVE_REGISTERS_VALUE);
    assert_int_equal(write_word(0x123, 2000), SERVE_REGISTERS_OK);
    assert_float_equal(plant.bbus[0].override_a, 2.0, 1e-12);
    assert_int_equal(write_word(0x6B, 0x0400), SERVE_REGISTERS_OK); /* no time-out: falls back at once */
    assert_false(plant.bbus[0].override_on);
    assert_int_equal(word(0x6B), 0x0001);
    assert_int_equal(write_pair(0x12C, 0, 60), SERVE_REGISTERS_OK);
    assert_false(plant.bbus[0].override_on);
    assert_int_equal(write_word(0x6B, 0x0480), SERVE_REGISTERS_OK);
    assert_true(plant.bbus[0].override_on);
    assert_float_equal(plant.bbus[0].override_left_s, 60.0, 1e-12);
    assert_int_equal(word(0x6B), 0x0481); /* other mode bits are kept, b0 is a status */
    assert_int_equal(word(0x12D), 60);
    serve_registers_refresh(&unit, 20000, false);
    assert_int_equal(word(0x90), 2000);
    plant.bbus[0].override_left_s = 7.0;
    assert_int_equal(write_pair(0x12C, 0, 50), SERVE_REGISTERS_OK); /* refreshed */
    assert_float_equal(plant.bbus[0].override_left_s, 50.0, 1e-12);
    assert_int_equal(write_word(0x6B, 0x0080), SERVE_REGISTERS_OK);
    assert_false(plant.bbus[0].override_on);
}

static void an_override_ends_in_the_plant(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_BBU_HPR, 0, 0);
    assert_int_equal(write_pair(0x12C, 0, 2), SERVE_REGISTERS_OK);
    assert_int_equal(write_word(0x123, 1000), SERVE_REGISTERS_OK);
    assert_int_equal(write_word(0x6B, 0x0400), SERVE_REGISTERS_OK);
    for (int32_t i = 0; i < 1990; i++)
        plant_step(&plant, 1000);
    assert_int_equal(word(0x6B) & 0x0400, 0x0400);
    for (int32_t i = 0; i < 20; i++)
        plant_step(&plant, 1000);
    assert_int_equal(word(0x6B) & 0x0400, 0);
}

static void bbu_settings_have_ranges(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_BBU_ORV3, 0, 0);
    assert_int_equal(write_word(0x121, 89), SERVE_REGISTERS_VALUE);
    assert_int_equal(write_word(0x121, 240), SERVE_REGISTERS_OK);
    assert_int_equal(plant.bbus[0].discharge_time_s, 240);
    assert_int_equal(write_word(0x126, 101), SERVE_REGISTERS_VALUE);
    assert_int_equal(write_word(0x126, 80), SERVE_REGISTERS_OK);
    assert_int_equal(plant.bbus[0].recharge_threshold_pct, 80);
    assert_int_equal(write_word(0x138, 3601), SERVE_REGISTERS_VALUE);
    assert_int_equal(write_word(0x138, 30), SERVE_REGISTERS_OK);
    assert_int_equal(plant.bbus[0].charge_delay_s, 30);
    assert_int_equal(write_word(0x132, 4), SERVE_REGISTERS_VALUE);
    assert_int_equal(write_word(0x139, 1), SERVE_REGISTERS_OK);
    assert_int_equal(word(0x139), 0);
}

static void a_reset_module_forgets(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_PSU_ORV3, 0, 0);
    assert_int_equal(write_word(0x5E, 0x0001), SERVE_REGISTERS_OK);
    assert_int_equal(write_word(0x67, 0xCE00), SERVE_REGISTERS_OK);
    assert_int_equal(write_word(0x60, 80), SERVE_REGISTERS_OK);
    plant_psu_reset(&plant, 0);
    serve_registers_refresh(&unit, 20000, false);
    assert_int_equal(word(0x5E), 0x0A00);
    assert_int_equal(word(0x67), 0xCC00);
    assert_int_equal(word(0x60), 0);
    make(SERVE_REGISTERS_BBU_HPR, 0, 0);
    assert_int_equal(write_word(0x122, 100), SERVE_REGISTERS_OK);
    plant_bbu_reset(&plant, 0);
    serve_registers_refresh(&unit, 20000, false);
    assert_int_equal(word(0x122), 60);
}

static void a_stuck_sensor_leaves_settings_alone(void **state)
{
    (void)state;
    make(SERVE_REGISTERS_PSU_HPR, 0, 0);
    plant.psus[0].output_w = 100.0;
    serve_registers_refresh(&unit, 20000, true);
    assert_int_equal(word(0x52), 0x9AB0); /* 4950 W still */
    assert_int_equal(write_word(0x5E, 0x0803), SERVE_REGISTERS_OK);
    assert_int_equal(word(0x5E), 0x0803);
    serve_registers_refresh(&unit, 40000, false);
    assert_int_equal(word(0x52), 800);
}

static void a_box_keeps_the_last_starts_and_alarms(void **state)
{
    uint16_t words[SERVE_REGISTERS_BOX_WORDS];

    (void)state;
    make(SERVE_REGISTERS_PSU_HPR, 0, 0);
    serve_registers_refresh(&unit, 1000000, false);
    assert_int_equal(serve_registers_file(&unit, 1, 0, SERVE_REGISTERS_BOX_WORDS, words), SERVE_REGISTERS_OK);
    assert_int_equal(words[2], 1);
    for (int32_t i = 0; i < SERVE_REGISTERS_BOX + 3; i++) { /* the input goes and comes: each time it goes is noted */
        plant.psus[unit.module].input_v = 0.0;
        serve_registers_refresh(&unit, (2 * i + 2) * 1000000, false);
        serve_registers_refresh(&unit, (2 * i + 2) * 1000000 + 20000, false);
        plant.psus[unit.module].input_v = 240.0;
        serve_registers_refresh(&unit, (2 * i + 3) * 1000000, false);
    }
    assert_int_equal(unit.box.count, SERVE_REGISTERS_BOX);
    assert_int_equal(serve_registers_file(&unit, 1, SERVE_REGISTERS_BOX - 1, SERVE_REGISTERS_BOX_WORDS, words),
                     SERVE_REGISTERS_OK);
    assert_int_equal(words[2], 2);
    assert_int_equal(words[3] & 1, 1); /* the PFC has something to say */
    assert_int_equal(words[7], 0);
    assert_int_equal(words[11], SERVE_REGISTERS_BOX + 3);
    assert_int_equal(serve_registers_file(&unit, 1, SERVE_REGISTERS_BOX, 1, words), SERVE_REGISTERS_ADDRESS);
    plant.psus[unit.module].resets++;
    serve_registers_refresh(&unit, 60000000, false);
    assert_int_equal(serve_registers_file(&unit, 1, SERVE_REGISTERS_BOX - 1, 3, words), SERVE_REGISTERS_OK);
    assert_int_equal(words[2], 1);
}

static void a_pmm_mirrors_its_modules(void **state)
{
    static struct serve_registers_unit modules[SERVE_REGISTERS_SLOTS];
    uint16_t words[SERVE_REGISTERS_READ_MAX];

    (void)state;
    make(SERVE_REGISTERS_PMM_BBU, 1, 0);
    for (int32_t i = 0; i < SERVE_REGISTERS_SLOTS; i++) {
        serve_registers_init(&modules[i], SERVE_REGISTERS_BBU_HPR, &plant, 1, i, 6 + i, 0);
        serve_registers_refresh(&modules[i], 0, false);
        unit.mirrored[i] = &modules[i];
    }
    assert_int_equal(unit.address, 0x11);
    serve_registers_refresh(&unit, 600000, false);
    assert_int_equal(serve_registers_read(&unit, 0, 0x121, 11, words), SERVE_REGISTERS_OK);
    assert_int_equal(words[0], 3000);
    assert_int_equal(words[4], 75);
    assert_int_equal(words[6], 43700);
    assert_int_equal(words[7], 570);
    assert_int_equal(words[10], 6173);
    assert_int_equal(serve_registers_read(&unit, 0, 0x100, 1, words), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(serve_registers_read(&unit, 0, 0x10C, 1, words), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(serve_registers_read(&unit, 0, 0x161, 1, words), SERVE_REGISTERS_ADDRESS);
    assert_int_equal(word(0x57), 0x3F);
    /* the kind that gives all of them at once */
    unit.one_block = true;
    assert_int_equal(serve_registers_read(&unit, 0, 0x101, 91, words), SERVE_REGISTERS_OK);
    assert_int_equal(words[6], 43700);
    assert_int_equal(words[11], 0);
    assert_int_equal(words[0x56], 43700);
    assert_int_equal(serve_registers_read(&unit, 0, 0x101, 96, words), SERVE_REGISTERS_ADDRESS);
    unit.one_block = false;
    /* a paused controller shows what it saw last; a missing module is an alarm */
    assert_int_equal(write_word(0x7B, 1), SERVE_REGISTERS_OK);
    plant.bbus[6].pack_v = 40.0;
    serve_registers_refresh(&modules[0], 2000000, false);
    serve_registers_refresh(&unit, 2000000, false);
    assert_int_equal(word(0x107), 43700);
    assert_int_equal(write_word(0x7B, 0), SERVE_REGISTERS_OK);
    assert_int_equal(write_word(0x7B, 2), SERVE_REGISTERS_VALUE);
    plant.bbus[7].present = false;
    serve_registers_refresh(&unit, 3000000, false);
    assert_int_equal(word(0x107), 40000);
    assert_int_equal(word(0x117), 0);
    assert_int_equal(word(0x57), 0x3D);
    assert_int_equal(word(0x59), 0x0001);
    assert_int_equal(word(0x5D), 0x0004);
}

static void a_psu_pmm_shows_ac(void **state)
{
    static struct serve_registers_unit module;

    (void)state;
    make(SERVE_REGISTERS_PMM_PSU, 3, 0);
    serve_registers_init(&module, SERVE_REGISTERS_PSU_HPR, &plant, 3, 5, 23, 0);
    serve_registers_refresh(&module, 0, false);
    unit.mirrored[5] = &module;
    serve_registers_refresh(&unit, 600000, false);
    assert_int_equal(unit.address, 0x23);
    assert_int_equal(word(0x151), 0x3C00); /* 240 V  */
    assert_int_equal(word(0x152), 0x5600); /* 21.5 A */
    assert_int_equal(word(0x71), 0x23);
    assert_text(0x188, 8, "Busbar Sim");
    assert_text(0x1A8, 16, "PMMP00000004");
}

/* Descriptors, and reads that merge what is contiguous, as the maps have them. */
static void tables_are_as_long_as_the_documents_say(void **state)
{
    static const struct {
        enum serve_registers_kind kind;
        const struct serve_registers_table *table;
        size_t rows;
        int32_t spans;
    } maps[] = {
        {SERVE_REGISTERS_PSU_ORV3, &serve_registers_psu_orv3, 50, 4},
        {SERVE_REGISTERS_BBU_ORV3, &serve_registers_bbu_orv3, 106, 9},
        {SERVE_REGISTERS_PSU_HPR, &serve_registers_psu_hpr, 65, 5},
        {SERVE_REGISTERS_BBU_HPR, &serve_registers_bbu_hpr, 127, 15},
        {SERVE_REGISTERS_PMM_PSU, &serve_registers_pmm, 48 + 5, 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        int32_t spans = 0;
        bool before = false;
        uint16_t value;

        make(maps[i].kind, 0, 0);
        for (int32_t at = 0; at < (maps[i].kind == SERVE_REGISTERS_PMM_PSU ? 0x100 : 0x400); at++) {
            bool there = serve_registers_read(&unit, 0, at, 1, &value) == SERVE_REGISTERS_OK;

            spans += there && !before ? 1 : 0;
            before = there;
        }
        if (spans != maps[i].spans || maps[i].table->count != maps[i].rows)
            print_message("map %zu: %d spans, %zu rows\n", i, spans, maps[i].table->count);
        assert_int_equal(maps[i].table->count, maps[i].rows);
        assert_int_equal(spans, maps[i].spans);
        for (size_t k = 1; k < maps[i].table->count; k++)
            assert_true(maps[i].table->rows[k].at >=
                        maps[i].table->rows[k - 1].at + maps[i].table->rows[k - 1].words);
    }
}

static void addresses_are_those_of_the_shelves(void **state)
{
    (void)state;
    assert_int_equal(serve_registers_address(SERVE_REGISTERS_PSU_HPR, 0, 0), 0x90);
    assert_int_equal(serve_registers_address(SERVE_REGISTERS_PSU_HPR, 3, 5), 0xBF);
    assert_int_equal(serve_registers_address(SERVE_REGISTERS_BBU_HPR, 2, 1), 0x5B);
    assert_int_equal(serve_registers_address(SERVE_REGISTERS_PMM_PSU, 2, 0), 0x22);
    assert_int_equal(serve_registers_address(SERVE_REGISTERS_PMM_BBU, 2, 0), 0x12);
    assert_int_equal(serve_registers_address(SERVE_REGISTERS_PSU_ORV3, 0, 5), 0xED);
    assert_int_equal(serve_registers_address(SERVE_REGISTERS_BBU_ORV3, 0, 5), 0x45);
    assert_int_equal(serve_registers_address(SERVE_REGISTERS_PSU_HPR, 11, 0), 0);
    assert_int_equal(serve_registers_address(SERVE_REGISTERS_PSU_HPR, 0, 6), 0);
    /* no address twice on one HPR rack: two PMMs and twelve modules a shelf */
    for (int32_t a = 0; a < SERVE_REGISTERS_SHELVES * SERVE_REGISTERS_SLOTS; a++)
        for (int32_t b = 0; b < SERVE_REGISTERS_SHELVES * SERVE_REGISTERS_SLOTS; b++) {
            assert_true(a == b || serve_registers_address(SERVE_REGISTERS_PSU_HPR, a / 6, a % 6) !=
                                      serve_registers_address(SERVE_REGISTERS_PSU_HPR, b / 6, b % 6));
            assert_true(serve_registers_address(SERVE_REGISTERS_BBU_HPR, a / 6, a % 6) !=
                        serve_registers_address(SERVE_REGISTERS_PSU_HPR, b / 6, b % 6));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(psu_readings_are_the_documented_words),
        cmocka_unit_test(values_beyond_a_register_stop_at_its_ends),
        cmocka_unit_test(texts_are_two_characters_a_register),
        cmocka_unit_test(bbu_readings_are_the_documented_words),
        cmocka_unit_test(the_same_quantity_moves_between_generations),
        cmocka_unit_test(a_clock_runs_on_from_what_was_written),
        cmocka_unit_test(the_gate_guards_the_settings),
        cmocka_unit_test(reserved_holes_and_readings_refuse),
        cmocka_unit_test(a_write_of_many_is_all_or_nothing),
        cmocka_unit_test(a_power_cycle_wants_the_gate_and_ends_by_itself),
        cmocka_unit_test(alarms_roll_up),
        cmocka_unit_test(an_override_lives_as_long_as_its_time_out),
        cmocka_unit_test(an_override_ends_in_the_plant),
        cmocka_unit_test(bbu_settings_have_ranges),
        cmocka_unit_test(a_reset_module_forgets),
        cmocka_unit_test(a_stuck_sensor_leaves_settings_alone),
        cmocka_unit_test(a_box_keeps_the_last_starts_and_alarms),
        cmocka_unit_test(a_pmm_mirrors_its_modules),
        cmocka_unit_test(a_psu_pmm_shows_ac),
        cmocka_unit_test(tables_are_as_long_as_the_documents_say),
        cmocka_unit_test(addresses_are_those_of_the_shelves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_originals.c: what is recorded once stays, whole, and what cannot be recorded says so. */
#include "field/originals.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/log.h"

#define WRITERS 4
#define EACH 8

static char folder[] = "/tmp/busbar-originals-XXXXXX";

static struct original original_of(const char *device, const char *serial, const char *signal, double value)
{
    struct original o = { .value = value, .gate = 0, .enable = -1, .timeout = NAN };

    (void)snprintf(o.device, sizeof o.device, "%s", device);
    (void)snprintf(o.serial, sizeof o.serial, "%s", serial);
    (void)snprintf(o.signal, sizeof o.signal, "%s", signal);
    return o;
}

static int folder_make(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
    char command[128];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void the_first_value_stays(void **state)
{
    struct original first = original_of("psu-1", "SN1", "psu_output_setpoint_v", 50.0009765625);
    struct original second = original_of("psu-1", "SN1", "psu_output_setpoint_v", 51.0);
    struct original found;

    (void)state;
    first.timeout = 0.1;
    assert_int_equal(originals_record(folder, &first), ST_OK);
    assert_int_equal(originals_record(folder, &second), ST_OK);
    assert_true(originals_find(folder, "psu-1", "SN1", "psu_output_setpoint_v", 0, &found));
    assert_true(found.value == 50.0009765625 && found.timeout == 0.1);
    assert_int_equal(found.gate, 0);
    assert_int_equal(found.enable, -1);
    assert_string_equal(found.serial, "SN1");
    assert_string_equal(found.device, "psu-1");
}

static void another_serial_or_index_is_another_record(void **state)
{
    struct original o = original_of("bmc-1", "A", "gpu_power_limit_w", 700);
    struct original list[8], found;

    (void)state;
    assert_int_equal(originals_record(folder, &o), ST_OK);
    o.index = 1;
    o.value = 650;
    assert_int_equal(originals_record(folder, &o), ST_OK);
    o = original_of("bmc-1", "B", "gpu_power_limit_w", 500);
    assert_int_equal(originals_record(folder, &o), ST_OK);
    assert_int_equal(field_originals_read(folder, "bmc-1", list, 8), 3);
    assert_int_equal(field_originals_read(folder, "bmc-1", list, 2), 2);
    assert_true(originals_find(folder, "bmc-1", "A", "gpu_power_limit_w", 1, &found));
    assert_true(found.value == 650);
    assert_true(isnan(found.timeout));
    assert_false(originals_find(folder, "bmc-1", "C", "gpu_power_limit_w", 0, &found));
    assert_false(originals_find(folder, "bmc-2", "A", "gpu_power_limit_w", 0, &found));
}

static void a_forgotten_lever_can_be_recorded_again(void **state)
{
    struct original o = original_of("bbu-1", "", "bbu_charge_limit_a", 5.7), found;

    (void)state;
    assert_int_equal(originals_record(folder, &o), ST_OK);
    assert_int_equal(field_original_forget(folder, &o), ST_OK);
    assert_false(originals_find(folder, "bbu-1", "", "bbu_charge_limit_a", 0, &found));
    o.value = 3.0;
    assert_int_equal(originals_record(folder, &o), ST_OK);
    assert_true(originals_find(folder, "bbu-1", "", "bbu_charge_limit_a", 0, &found));
    assert_true(found.value == 3.0);
}

static void what_another_device_held_there_stays_recorded(void **state)
{
    struct original a = original_of("psu-7", "A", "psu_output_setpoint_v", 50.0), b = a, found;

    (void)state;
    (void)snprintf(b.serial, sizeof b.serial, "B");
    b.value = 51.0;
    assert_int_equal(originals_record(folder, &a), ST_OK);
    assert_int_equal(originals_record(folder, &b), ST_OK);
    assert_int_equal(field_original_forget(folder, &b), ST_OK);
    assert_false(originals_find(folder, "psu-7", "B", "psu_output_setpoint_v", 0, &found));
    assert_true(originals_find(folder, "psu-7", "A", "psu_output_setpoint_v", 0, &found));
    assert_true(found.value == 50.0);
    b.index = 1; /* never was there */
    assert_int_equal(field_original_forget(folder, &b), ST_OK);
    assert_true(originals_find(folder, "psu-7", "A", "psu_output_setpoint_v", 0, &found));
}

static void without_a_folder_nothing_is_recorded(void **state)
{
    struct original o = original_of("psu-1", "SN1", "psu_output_setpoint_v", 50.0), found;
    char path[128];
    int fd;

    (void)state;
    assert_int_equal(originals_record("/nonexistent/busbar", &o), ST_SYS);
    /* a file stands where the folder should be: that holds for root too */
    (void)snprintf(path, sizeof path, "%s/not-a-folder", folder);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(originals_record(path, &o), ST_SYS);
    assert_false(originals_find("/nonexistent/busbar", "psu-1", "SN1", "psu_output_setpoint_v", 0, &found));
    assert_int_equal(field_originals_read("/nonexistent/busbar", "psu-1", &found, 1), 0);
}

static void a_file_that_is_not_understood_is_left_alone(void **state)
{
    static const char *const broken[] = {
        "something else\n",
        "busbar originals 1\npsu_output_setpoint_v\t0\t50\n",
        "busbar originals 1\npsu_output_setpoint_v\t0\tnan\t0\t-1\tnan\tSN1\n",
        "busbar originals 1\npsu_output_setpoint_v\t0\t50\t0\t-1\tnan\tSN1", /* cut short */
        "",
    };
    struct original o = original_of("torn", "SN1", "psu_output_setpoint_v", 50.0);
    char path[128], back[128];

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        FILE *file;
        size_t got;

        (void)snprintf(path, sizeof path, "%s/originals/torn", folder);
        file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(broken[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(originals_record(folder, &o), ST_CORRUPT);
        file = fopen(path, "r");
        assert_non_null(file);
        got = fread(back, 1, sizeof back - 1, file);
        back[got] = '\0';
        (void)fclose(file);
        assert_string_equal(back, broken[i]);
    }
    assert_int_equal(unlink(path), 0);
}

static void names_that_leave_the_folder_are_refused(void **state)
{
    struct original o = original_of("../psu-1", "SN1", "psu_output_setpoint_v", 50.0);

    (void)state;
    assert_int_equal(originals_record(folder, &o), ST_RANGE);
    o = original_of(".hidden", "SN1", "psu_output_setpoint_v", 50.0);
    assert_int_equal(originals_record(folder, &o), ST_RANGE);
    o = original_of("psu-9", "SN\t1", "psu_output_setpoint_v", 50.0);
    assert_int_equal(originals_record(folder, &o), ST_RANGE);
    o = original_of("psu-9", "SN1", "psu_output_setpoint_v", NAN);
    assert_int_equal(originals_record(folder, &o), ST_RANGE);
}

static void *write_some(void *arg)
{
    struct original o = original_of("shared", "SN1", "gpu_power_limit_w", 1);

    for (int32_t i = 0; i < EACH; i++) {
        o.index = *(int *)arg * EACH + i;
        if (originals_record(folder, &o) != ST_OK)
            return arg;
    }
    return NULL;
}

static void threads_lose_nothing_and_leave_no_scraps(void **state)
{
    pthread_t threads[WRITERS];
    int numbers[WRITERS];
    struct original list[WRITERS * EACH + 1];
    char path[128];
    struct dirent *entry;
    DIR *dir;

    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, &numbers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failed = &numbers[0];

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(field_originals_read(folder, "shared", list, WRITERS * EACH + 1), WRITERS * EACH);
    (void)snprintf(path, sizeof path, "%s/originals", folder);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        assert_true(strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || entry->d_name[0] != '.');
    (void)closedir(dir);
}

static int told;
static char said[512];

static void originals_heard(enum ev event, const char *who, const char *message, void *arg)
{
    (void)arg;
    assert_int_equal(event, EV_ORIGINAL_RECORDED);
    assert_string_equal(who, "bmc-7");
    (void)snprintf(said, sizeof said, "%s", message);
    told++;
}

/* A rack of 72 GPUs must not put 72 lines into the journal. */
static void one_event_a_device_names_the_lever_and_the_file(void **state)
{
    struct original original = original_of("bmc-7", "SN7", "gpu_power_limit_w", 700.0);

    (void)state;
    log_set_event_sink(originals_heard, NULL);
    for (original.index = 2; original.index < 6; original.index++)
        assert_int_equal(originals_record(folder, &original), ST_OK);
    assert_int_equal(told, 1);
    assert_string_equal(said, "gpu_power_limit_w of GPU 2 was 700 before the first write; originals/bmc-7 keeps it, and "
                              "what its other levers held");
    (void)strcpy(original.serial, "SN8"); /* another one in its place */
    assert_int_equal(originals_record(folder, &original), ST_OK);
    assert_int_equal(told, 2);
    original = original_of("bmc-7", "SN9", "psu_output_setpoint_v", 51.0);
    assert_int_equal(originals_record(folder, &original), ST_OK);
    assert_memory_equal(said, "psu_output_setpoint_v was 51 before", 35);
    log_set_event_sink(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_value_stays),
        cmocka_unit_test(another_serial_or_index_is_another_record),
        cmocka_unit_test(a_forgotten_lever_can_be_recorded_again),
        cmocka_unit_test(what_another_device_held_there_stays_recorded),
        cmocka_unit_test(without_a_folder_nothing_is_recorded),
        cmocka_unit_test(a_file_that_is_not_understood_is_left_alone),
        cmocka_unit_test(names_that_leave_the_folder_are_refused),
        cmocka_unit_test(threads_lose_nothing_and_leave_no_scraps),
        cmocka_unit_test(one_event_a_device_names_the_lever_and_the_file),
    };

    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}

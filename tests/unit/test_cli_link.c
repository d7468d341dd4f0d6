/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_link.c: a device's place from a line of text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli_link.h"

static struct cli_link good(const char *text)
{
    struct cli_link link;
    const char *wrong = cli_link_read(text, &link);

    if (wrong)
        fail_msg("%s: %s", text, wrong);
    return link;
}

static void each_kind_of_link_is_read(void **state)
{
    struct cli_link link = good("i2c:/dev/i2c-0@0x40");

    (void)state;
    assert_int_equal(link.bus.kind, CONF_BUS_SMBUS_LINUX);
    assert_string_equal(link.bus.path, "/dev/i2c-0");
    assert_int_equal(link.first, 0x40);
    assert_int_equal(link.last, 0x40);
    link = good("smbus:/run/a@b/smbus-1@88");
    assert_int_equal(link.bus.kind, CONF_BUS_SMBUS_SOCKET);
    assert_string_equal(link.bus.path, "/run/a@b/smbus-1");
    assert_int_equal(link.first, 88);
    link = good("rtu:/dev/pts/3,115200,8N1@0x90");
    assert_int_equal(link.bus.kind, CONF_BUS_MODBUS_RTU);
    assert_string_equal(link.bus.path, "/dev/pts/3");
    assert_int_equal(link.bus.baud, 115200);
    assert_int_equal(link.bus.parity, 'N');
    assert_int_equal(link.bus.stop_bits, 1);
    assert_true(link.serial_given);
    link = good("tcp:127.0.0.1:1502@1");
    assert_int_equal(link.bus.kind, CONF_BUS_MODBUS_TCP);
    assert_string_equal(link.bus.host, "127.0.0.1");
    assert_int_equal(link.bus.port, 1502);
    link = good("tcp:[fd00::1]:502@247");
    assert_string_equal(link.bus.host, "fd00::1");
    link = good("redfish:http://127.0.0.1:8000/");
    assert_int_equal(link.bus.kind, CONF_BUS_REDFISH);
    assert_string_equal(link.url, "http://127.0.0.1:8000");
}

static void a_serial_line_may_leave_its_settings_to_the_profile(void **state)
{
    struct cli_link link = good("rtu:/dev/ttyUSB0@1");

    (void)state;
    assert_false(link.serial_given);
    assert_int_equal(link.bus.baud, 0);
}

static void a_range_or_nothing_is_for_a_scan(void **state)
{
    struct cli_link link = good("i2c:/dev/i2c-0@0x40-0x5f");

    (void)state;
    assert_int_equal(link.first, 0x40);
    assert_int_equal(link.last, 0x5f);
    link = good("i2c:/dev/i2c-0");
    assert_int_equal(link.first, 0);
    link = good("tcp:host:502");
    assert_int_equal(link.first, 0);
}

static void what_is_no_link_is_refused_with_what_is_allowed(void **state)
{
    static const char *const wrong[] = {
        "",
        "i2c",
        "i2c:",
        "i2c:@0x40",
        "usb:/dev/x@1",
        "i2c:/dev/i2c-0@",
        "i2c:/dev/i2c-0@0x07",
        "i2c:/dev/i2c-0@0x78",
        "i2c:/dev/i2c-0@0x50-0x40",
        "i2c:/dev/i2c-0@x",
        "i2c:/dev/i2c-0@0x40x",
        "rtu:/dev/x,9@1",
        "rtu:/dev/x,9600@1",
        "rtu:/dev/x,9600,7E1@1",
        "rtu:/dev/x,9600,8X1@1",
        "rtu:/dev/x,9600,8E3@1",
        "rtu:/dev/x,9600,8E11@1",
        "rtu:/dev/x@0",
        "rtu:/dev/x@256",
        "tcp:host@1",
        "tcp:host:0@1",
        "tcp:host:65536@1",
        "tcp::502@1",
        "tcp:host:502x@1",
        "redfish:",
        "redfish:ftp://x",
        "redfish:host",
        "rtu:,9600,8E1@1",
        "i2c:/dev/i2c-0@-1",
        "i2c:/dev/i2c-0@010",
        "rtu:/dev/x@016",
        "tcp:host:0502@1",
        "tcp:host:502@1-020",
        "i2c:/dev/i2c-0@99999999999",
    };
    char *many = calloc(1, 2048);

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct cli_link link;

        if (!cli_link_read(wrong[i], &link))
            fail_msg("'%s' was taken", wrong[i]);
    }
    assert_non_null(many);
    (void)strcpy(many, "i2c:/");
    memset(many + 5, 'x', 2000);
    {
        struct cli_link link;

        assert_non_null(cli_link_read(many, &link));
        (void)strcpy(many + 300, "@0x40");
        assert_non_null(cli_link_read(many, &link));
    }
    free(many);
}

static void a_link_is_written_as_it_is_read(void **state)
{
    static const char *const texts[] = {
        "i2c:/dev/i2c-0@0x40",  "smbus:/run/smbus-1@0x58", "rtu:/dev/pts/3,19200,8E1@0x90",
        "tcp:127.0.0.1:1502@1", "tcp:[fd00::1]:502@17",    "redfish:https://bmc-1",
    };
    char made[CLI_LINK_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cli_link link = good(texts[i]);

        cli_link_write(&link, link.first, made);
        assert_string_equal(made, texts[i]);
    }
}

static const char *name_of(const char *text)
{
    static char name[CONF_NAME_MAX];
    struct cli_link link = good(text);

    cli_link_name(&link, name);
    return name;
}

/* Originals are kept under it: two devices must not share one. */
static void a_link_names_its_device_and_no_other(void **state)
{
    static const char *const apart[] = {
        "rtu:/dev/serial/by-id/usb-FTDI_FT4232H_Quad_HS232_FT1-if00-port0,9600,8E1@0x90",
        "rtu:/dev/serial/by-id/usb-FTDI_FT4232H_Quad_HS232_FT1-if01-port0,9600,8E1@0x90",
        "tcp:power-gateway-rack-0001-shelf-1.example:502@1",
        "tcp:power-gateway-rack-0001-shelf-2.example:502@1",
        "smbus:/tmp/a/smbus-1@0x58",
        "smbus:/tmp/b/smbus-1@0x58",
    };
    char names[6][CONF_NAME_MAX];

    (void)state;
    assert_string_equal(name_of("rtu:/dev/ttyUSB0,9600,8E1@0x90"), "bus-ttyUSB0-144");
    assert_string_equal(name_of("tcp:10.0.0.1:502@1"), "tcp-10.0.0.1-502-1");
    for (int i = 0; i < 6; i++) {
        memcpy(names[i], name_of(apart[i]), CONF_NAME_MAX);
        assert_true(strlen(names[i]) < CONF_NAME_MAX - 1); /* whole, with the unit at its end */
        for (int k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
    }
}

static void two_names_of_one_node_are_one_bus(void **state)
{
    char folder[] = "/tmp/busbar-link-XXXXXX", a[64], b[64], text[128];
    struct cli_link one, other;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(a, sizeof a, "%s/a", folder);
    (void)snprintf(b, sizeof b, "%s/b", folder);
    assert_int_equal(symlink("/dev/null", a), 0);
    assert_int_equal(symlink(a, b), 0);
    (void)snprintf(text, sizeof text, "rtu:%s@1", a);
    one = good(text);
    (void)snprintf(text, sizeof text, "rtu:%s,9600,8E1@2", b);
    other = good(text);
    assert_true(cli_link_same_bus(&one, &other));
    other = good("rtu:/dev/zero@1");
    assert_false(cli_link_same_bus(&one, &other));
    one = good("tcp:HOST:502@1");
    other = good("tcp:host:502@2");
    assert_true(cli_link_same_bus(&one, &other));
    other = good("tcp:host:503@1");
    assert_false(cli_link_same_bus(&one, &other));
    (void)unlink(a);
    (void)unlink(b);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_link_is_read),
        cmocka_unit_test(a_serial_line_may_leave_its_settings_to_the_profile),
        cmocka_unit_test(a_range_or_nothing_is_for_a_scan),
        cmocka_unit_test(what_is_no_link_is_refused_with_what_is_allowed),
        cmocka_unit_test(a_link_is_written_as_it_is_read),
        cmocka_unit_test(a_link_names_its_device_and_no_other),
        cmocka_unit_test(two_names_of_one_node_are_one_bus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_notify.c: what systemd hears, through a socket of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/notify.h"

struct manager {
    int fd;
    char path[64];
};

static void manager_new(struct manager *manager)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char text[32];

    (void)snprintf(manager->path, sizeof manager->path, "/tmp/busbar-notify-%d", (int)getpid());
    (void)unlink(manager->path);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", manager->path);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(manager->fd >= 0);
    assert_int_equal(bind(manager->fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)snprintf(text, sizeof text, "%d", (int)getpid());
    assert_int_equal(setenv("NOTIFY_SOCKET", manager->path, 1), 0);
    assert_int_equal(setenv("WATCHDOG_PID", text, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "2000000", 1), 0);
}

static void manager_free(const struct manager *manager)
{
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_PID");
    (void)unsetenv("WATCHDOG_USEC");
    (void)close(manager->fd);
    (void)unlink(manager->path);
}

/* The next message; "" when there is none. */
static const char *manager_hears(const struct manager *manager)
{
    static char text[512];
    ssize_t size = recv(manager->fd, text, sizeof text - 1, 0);

    text[size > 0 ? size : 0] = '\0';
    return text;
}

static void ready_comes_with_the_first_tick(void **state)
{
    struct manager manager;
    struct notify notify;

    (void)state;
    manager_new(&manager);
    notify_init(&notify);
    assert_int_equal(notify.beat_every_us, 1000000);
    notify_step(&notify, 0, 5000000, "starting");
    assert_string_equal(manager_hears(&manager), "");
    notify_step(&notify, 1, 5010000, "normal");
    assert_string_equal(manager_hears(&manager), "READY=1");
    assert_string_equal(manager_hears(&manager), "WATCHDOG=1");
    assert_string_equal(manager_hears(&manager), "STATUS=normal");
    notify_step(&notify, 2, 5020000, "normal");
    assert_string_equal(manager_hears(&manager), "");
    manager_free(&manager);
}

static void a_loop_that_does_not_tick_gets_no_beat(void **state)
{
    struct manager manager;
    struct notify notify;

    (void)state;
    manager_new(&manager);
    notify_init(&notify);
    notify_step(&notify, 10, 1000000, "x");
    while (manager_hears(&manager)[0])
        ;
    notify_step(&notify, 10, 2500000, "x"); /* due, but nothing ticked */
    assert_string_equal(manager_hears(&manager), "");
    notify_step(&notify, 11, 2600000, "x");
    assert_string_equal(manager_hears(&manager), "WATCHDOG=1");
    notify_step(&notify, 12, 3000000, "x"); /* ticked, but not due */
    assert_string_equal(manager_hears(&manager), "");
    manager_free(&manager);
}

static void a_status_is_told_once_a_second_at_most(void **state)
{
    struct manager manager;
    struct notify notify;

    (void)state;
    manager_new(&manager);
    (void)unsetenv("WATCHDOG_USEC");
    notify_init(&notify);
    assert_int_equal(notify.beat_every_us, 0);
    notify_step(&notify, 1, 2000000, "a");
    while (manager_hears(&manager)[0])
        ;
    notify_step(&notify, 2, 2100000, "b");
    assert_string_equal(manager_hears(&manager), "");
    notify_step(&notify, 3, 3100000, "c");
    assert_string_equal(manager_hears(&manager), "STATUS=c");
    notify_stopping();
    assert_string_equal(manager_hears(&manager), "STOPPING=1");
    manager_free(&manager);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_comes_with_the_first_tick),
        cmocka_unit_test(a_loop_that_does_not_tick_gets_no_beat),
        cmocka_unit_test(a_status_is_told_once_a_second_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

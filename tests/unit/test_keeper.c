/* SPDX-License-Identifier: Apache-2.0 */
/* test_keeper.c: the wanted mode is put on a disk that hangs, fails, and is well again. The disk is
 * this file's own fsync(). */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "busbar/clock.h"
#include "daemon/keeper.h"

#define LONG_US INT64_C(60000000)

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER; /* held: it hangs                       */
static atomic_int disk_error, syncs;

int fsync(int fd)
{
    int error;

    atomic_fetch_add(&syncs, 1);
    (void)pthread_mutex_lock(&disk);
    (void)pthread_mutex_unlock(&disk);
    error = atomic_load(&disk_error);
    if (error) {
        errno = error;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

struct place {
    char dir[64], file[80];
    struct keeper *keeper;
};

static void place_new(struct place *place)
{
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/busbar-test-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->file, sizeof place->file, "%s/state", place->dir);
    atomic_store(&disk_error, 0);
    assert_int_equal(keeper_new(place->dir, &place->keeper), ST_OK);
}

static void place_free(struct place *place)
{
    place->keeper = keeper_free(place->keeper);
    assert_null(place->keeper);
    (void)remove(place->file);
    assert_int_equal(remove(place->dir), 0); /* and nothing else is in it */
}

static void put(struct place *place, enum core_mode_wanted mode)
{
    const struct state state = { .mode_wanted = mode, .who = "test", .wall_us = 7 };

    keeper_put(place->keeper, &state);
}

static enum core_mode_wanted kept(const struct place *place)
{
    struct state state = { .mode_wanted = CORE_WANT_OBSERVE };

    assert_int_equal(state_load(place->dir, &state), ST_OK);
    return state.mode_wanted;
}

static void what_is_put_is_on_the_disk_after_waiting(void **state)
{
    struct place place;

    (void)state;
    place_new(&place);
    assert_int_equal(keeper_wait(place.keeper, 0), ST_OK); /* nothing to wait for */
    put(&place, CORE_WANT_EMERGENCY);
    assert_int_equal(keeper_wait(place.keeper, LONG_US), ST_OK);
    assert_int_equal(kept(&place), CORE_WANT_EMERGENCY);
    put(&place, CORE_WANT_CONTROL);
    assert_int_equal(keeper_wait(place.keeper, LONG_US), ST_OK);
    assert_int_equal(kept(&place), CORE_WANT_CONTROL);
    place_free(&place);
}

static void a_disk_that_hangs_is_not_waited_for(void **state)
{
    struct place place;
    int64_t began_us = clock_now_us();
    int before = atomic_load(&syncs);

    (void)state;
    place_new(&place);
    (void)pthread_mutex_lock(&disk);
    put(&place, CORE_WANT_CONTROL);
    while (atomic_load(&syncs) == before) /* it hangs with this one, and those that follow wait */
        (void)usleep(1000);
    put(&place, CORE_WANT_OBSERVE);
    put(&place, CORE_WANT_EMERGENCY);
    assert_int_equal(keeper_wait(place.keeper, 20000), ST_BUSY);
    assert_true(clock_now_us() - began_us >= 20000);
    (void)pthread_mutex_unlock(&disk);
    assert_int_equal(keeper_wait(place.keeper, LONG_US), ST_OK);
    assert_int_equal(kept(&place), CORE_WANT_EMERGENCY);
    assert_int_equal(atomic_load(&syncs) - before, 4); /* file and directory, twice: one was overtaken */
    place_free(&place);
}

static void what_was_put_last_is_kept_at_the_end(void **state)
{
    struct place place;

    (void)state;
    for (int i = 0; i < 50; i++) { /* before the thread's turn, in it, after it */
        place_new(&place);
        put(&place, CORE_WANT_CONTROL);
        put(&place, CORE_WANT_EMERGENCY);
        place.keeper = keeper_free(place.keeper);
        assert_int_equal(kept(&place), CORE_WANT_EMERGENCY);
        place_free(&place);
    }
}

static void a_disk_that_fails_is_told_and_keeps_what_it_had(void **state)
{
    struct place place;

    (void)state;
    place_new(&place);
    put(&place, CORE_WANT_CONTROL);
    assert_int_equal(keeper_wait(place.keeper, LONG_US), ST_OK);
    atomic_store(&disk_error, EIO);
    put(&place, CORE_WANT_OBSERVE);
    assert_int_equal(keeper_wait(place.keeper, LONG_US), ST_SYS);
    assert_int_equal(kept(&place), CORE_WANT_CONTROL);
    atomic_store(&disk_error, 0);
    put(&place, CORE_WANT_OBSERVE);
    assert_int_equal(keeper_wait(place.keeper, LONG_US), ST_OK);
    assert_int_equal(kept(&place), CORE_WANT_OBSERVE);
    place_free(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_on_the_disk_after_waiting),
        cmocka_unit_test(a_disk_that_hangs_is_not_waited_for),
        cmocka_unit_test(what_was_put_last_is_kept_at_the_end),
        cmocka_unit_test(a_disk_that_fails_is_told_and_keeps_what_it_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

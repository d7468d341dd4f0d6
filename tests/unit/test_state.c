/* SPDX-License-Identifier: Apache-2.0 */
/* test_state.c: the wanted mode on disk. */
#include <sys/stat.h>

#include "daemon/state.h"
#include "daemon_bench.h"

struct folder {
    char dir[64], state[80], file[96];
};

static void folder_new(struct folder *folder)
{
    (void)snprintf(folder->dir, sizeof folder->dir, "/tmp/busbar-test-XXXXXX");
    assert_non_null(mkdtemp(folder->dir));
    (void)snprintf(folder->state, sizeof folder->state, "%s/a/b", folder->dir);
    (void)snprintf(folder->file, sizeof folder->file, "%s/state", folder->state);
}

static void folder_free(const struct folder *folder)
{
    char path[80];

    (void)remove(folder->file);
    (void)remove(folder->state);
    (void)snprintf(path, sizeof path, "%s/a", folder->dir);
    (void)remove(path);
    assert_int_equal(remove(folder->dir), 0);
}

static void a_saved_mode_is_loaded_again(void **state)
{
    struct state out = { .mode_wanted = CORE_WANT_EMERGENCY, .who = "night shift", .wall_us = 123456789 }, in;
    struct folder folder;

    (void)state;
    folder_new(&folder);
    assert_int_equal(state_dir_make(folder.state), ST_OK);
    assert_int_equal(state_load(folder.state, &in), ST_NONE);
    assert_int_equal(state_save(folder.state, &out), ST_OK);
    out.mode_wanted = CORE_WANT_CONTROL;
    assert_int_equal(state_save(folder.state, &out), ST_OK);
    assert_int_equal(state_load(folder.state, &in), ST_OK);
    assert_int_equal(in.mode_wanted, CORE_WANT_CONTROL);
    assert_string_equal(in.who, "night shift");
    assert_int_equal(in.wall_us, 123456789);
    folder_free(&folder);
}

static void what_is_no_state_is_corrupt(void **state)
{
    static const char *const texts[] = {
        "", "busbar-state 1\n", "busbar-state 2\nmode_wanted control\nwall_us 1\nwho x\n",
        "busbar-state 1\nmode_wanted sideways\nwall_us 1\nwho x\n",
        "busbar-state 1\nmode_wanted restore\nwall_us 1\nwho x\n",   /* never kept */
        "busbar-state 1\nmode_wanted control\nwall_us soon\nwho x\n",
    };
    struct state in = { .mode_wanted = CORE_WANT_OBSERVE };
    struct folder folder;

    (void)state;
    folder_new(&folder);
    assert_int_equal(state_dir_make(folder.state), ST_OK);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bench_write(folder.file, texts[i]);
        assert_int_equal(state_load(folder.state, &in), ST_CORRUPT);
    }
    folder_free(&folder);
}

/* /dev/full would do for the file itself, but it is made anew: a folder in its
 * place makes the rename fail just as late. */
static void a_failed_save_says_so_and_leaves_nothing(void **state)
{
    struct state out = { .mode_wanted = CORE_WANT_CONTROL, .who = "x" };
    struct folder folder;
    char fresh[112], inside[112];

    (void)state;
    folder_new(&folder);
    assert_int_equal(state_save(folder.state, &out), ST_SYS); /* no such folder */
    assert_int_equal(state_dir_make(folder.state), ST_OK);
    (void)snprintf(inside, sizeof inside, "%s/x", folder.file);
    assert_int_equal(mkdir(folder.file, 0700), 0);
    assert_int_equal(mkdir(inside, 0700), 0);
    assert_int_equal(state_save(folder.state, &out), ST_SYS);
    (void)snprintf(fresh, sizeof fresh, "%s.new", folder.file);
    assert_int_not_equal(access(fresh, F_OK), 0);
    assert_int_equal(rmdir(inside), 0);
    folder_free(&folder);
}

static void a_file_in_the_way_of_the_folder_is_refused(void **state)
{
    struct folder folder;
    char way[80];

    (void)state;
    folder_new(&folder);
    (void)snprintf(way, sizeof way, "%s/a", folder.dir);
    bench_write(way, "x");
    assert_int_equal(state_dir_make(folder.state), ST_SYS);
    folder_free(&folder);
}

static void a_state_folder_has_one_owner(void **state)
{
    struct folder folder;
    int first = -1, second = -1;

    (void)state;
    folder_new(&folder);
    assert_int_equal(state_lock(folder.state, &first), ST_SYS); /* not there yet */
    assert_int_equal(state_dir_make(folder.state), ST_OK);
    assert_int_equal(state_lock(folder.state, &first), ST_OK);
    assert_int_equal(state_lock(folder.state, &second), ST_BUSY);
    assert_int_equal(close(first), 0);
    assert_int_equal(state_lock(folder.state, &second), ST_OK);
    assert_int_equal(close(second), 0);
    folder_free(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_mode_is_loaded_again),
        cmocka_unit_test(what_is_no_state_is_corrupt),
        cmocka_unit_test(a_failed_save_says_so_and_leaves_nothing),
        cmocka_unit_test(a_file_in_the_way_of_the_folder_is_refused),
        cmocka_unit_test(a_state_folder_has_one_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

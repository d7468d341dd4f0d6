/* SPDX-License-Identifier: Apache-2.0 */
/* test_mailbox.c: the latest value arrives whole, and only once. */
#include "busbar/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define VALUES 200000
#define WORDS  40

struct value {
    uint64_t number;
    uint64_t words[WORDS]; /* each is number * (its place + 1) */
};

static void value_fill(struct value *value, uint64_t number)
{
    value->number = number;
    for (uint64_t i = 0; i < WORDS; i++)
        value->words[i] = number * (i + 1);
}

static bool value_whole(const struct value *value)
{
    for (uint64_t i = 0; i < WORDS; i++)
        if (value->words[i] != value->number * (i + 1))
            return false;
    return true;
}

static void an_empty_mailbox_gives_nothing(void **state)
{
    struct mailbox *box = NULL;
    int value = 7;

    (void)state;
    assert_int_equal(mailbox_new(sizeof value, &box), ST_OK);
    assert_false(mailbox_get(box, &value));
    assert_int_equal(value, 7);
    assert_null(mailbox_peek(box));
    assert_null(mailbox_free(box));
}

static void the_latest_of_several_values_wins_and_comes_once(void **state)
{
    struct mailbox *box = NULL;
    int got = 0;

    (void)state;
    assert_int_equal(mailbox_new(sizeof got, &box), ST_OK);
    for (int i = 1; i <= 5; i++)
        mailbox_put(box, &i);
    assert_true(mailbox_get(box, &got));
    assert_int_equal(got, 5);
    assert_false(mailbox_get(box, &got));
    for (int i = 6; i <= 9; i++) {
        mailbox_put(box, &i);
        assert_true(mailbox_get(box, &got));
        assert_int_equal(got, i);
    }
    mailbox_free(box);
}

static void a_peeked_value_stays_while_the_writer_goes_on(void **state)
{
    struct mailbox *box = NULL;
    struct value value;
    const struct value *seen;

    (void)state;
    assert_int_equal(mailbox_new(sizeof value, &box), ST_OK);
    value_fill(&value, 1);
    mailbox_put(box, &value);
    seen = mailbox_peek(box);
    assert_non_null(seen);
    for (uint64_t i = 2; i < 10; i++) {
        value_fill(&value, i);
        mailbox_put(box, &value);
        assert_int_equal(seen->number, 1);
        assert_true(value_whole(seen));
    }
    seen = mailbox_peek(box);
    assert_non_null(seen);
    assert_int_equal(seen->number, 9);
    assert_null(mailbox_peek(box));
    mailbox_free(box);
}

static void each_put_writes_the_notify_descriptor(void **state)
{
    struct mailbox *box = NULL;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    uint64_t count = 0;
    int value = 1;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(mailbox_new(sizeof value, &box), ST_OK);
    mailbox_set_notify(box, fd);
    mailbox_put(box, &value);
    mailbox_put(box, &value);
    mailbox_put(box, &value);
    assert_int_equal(read(fd, &count, sizeof count), (int)sizeof count);
    assert_int_equal(count, 3);
    mailbox_free(box);
    close(fd);
}

static void *writer_run(void *arg)
{
    struct value value;

    for (uint64_t i = 1; i <= VALUES; i++) {
        value_fill(&value, i);
        mailbox_put(arg, &value);
    }
    return NULL;
}

static void two_threads_never_see_half_a_value_nor_an_older_one(void **state)
{
    struct mailbox *box = NULL;
    struct value value = {.number = 0};
    uint64_t last = 0, torn = 0, back = 0;
    pthread_t writer;

    (void)state;
    assert_int_equal(mailbox_new(sizeof value, &box), ST_OK);
    assert_int_equal(pthread_create(&writer, NULL, writer_run, box), 0);
    while (last < VALUES) {
        if (!mailbox_get(box, &value))
            continue;
        torn += value_whole(&value) ? 0 : 1;
        back += value.number > last ? 0 : 1;
        last = value.number;
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(torn, 0);
    assert_int_equal(back, 0);
    assert_false(mailbox_get(box, &value));
    mailbox_free(box);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    assert_null(mailbox_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_mailbox_gives_nothing),
        cmocka_unit_test(the_latest_of_several_values_wins_and_comes_once),
        cmocka_unit_test(a_peeked_value_stays_while_the_writer_goes_on),
        cmocka_unit_test(each_put_writes_the_notify_descriptor),
        cmocka_unit_test(two_threads_never_see_half_a_value_nor_an_older_one),
        cmocka_unit_test(freeing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

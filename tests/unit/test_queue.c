/* SPDX-License-Identifier: Apache-2.0 */
/* test_queue.c: records keep their order and their bytes; a full queue counts what it drops. */
#include "busbar/queue.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RECORDS    300000u
#define RECORD_MAX 96u

static void records_come_out_in_order_with_both_their_parts(void **state)
{
    struct queue *queue = NULL;
    char got[16];
    size_t size = 0;

    (void)state;
    assert_int_equal(queue_new(1, &queue), ST_OK);
    assert_false(queue_get(queue, got, sizeof got, &size));
    assert_true(queue_put(queue, "ab", 2, "cde", 3));
    assert_true(queue_put(queue, "x", 1, NULL, 0));
    assert_true(queue_put(queue, NULL, 0, NULL, 0));
    assert_true(queue_get(queue, got, sizeof got, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(got, "abcde", 5);
    assert_true(queue_get(queue, got, sizeof got, &size));
    assert_int_equal(size, 1);
    assert_int_equal(got[0], 'x');
    assert_true(queue_get(queue, got, sizeof got, &size));
    assert_int_equal(size, 0);
    assert_false(queue_get(queue, got, sizeof got, &size));
    assert_int_equal(queue_dropped(queue), 0);
    assert_null(queue_free(queue));
}

static void a_full_queue_drops_and_counts_then_goes_on(void **state)
{
    struct queue *queue = NULL;
    unsigned char record[1000], got[1000];
    size_t size = 0;
    int put = 0;

    (void)state;
    memset(record, 0x5a, sizeof record);
    assert_int_equal(queue_new(4096, &queue), ST_OK);
    for (int i = 0; i < 10; i++)
        put += queue_put(queue, record, sizeof record, NULL, 0) ? 1 : 0;
    assert_int_equal(put, 4); /* 4 x 1008 bytes fit into 4096 */
    assert_int_equal(queue_dropped(queue), 6);
    assert_true(queue_get(queue, got, sizeof got, &size));
    assert_true(queue_put(queue, record, sizeof record, NULL, 0));
    for (int i = 0; i < 4; i++) {
        assert_true(queue_get(queue, got, sizeof got, &size));
        assert_int_equal(size, sizeof record);
        assert_memory_equal(got, record, sizeof record);
    }
    assert_false(queue_get(queue, got, sizeof got, &size));
    queue_free(queue);
}

static void a_record_larger_than_the_ring_never_fits(void **state)
{
    static unsigned char record[5000];
    struct queue *queue = NULL;

    (void)state;
    assert_int_equal(queue_new(4096, &queue), ST_OK);
    assert_false(queue_put(queue, record, sizeof record, NULL, 0));
    assert_false(queue_put(queue, record, 3000, record, 3000));
    assert_int_equal(queue_dropped(queue), 2);
    queue_free(queue);
}

static void a_record_without_room_at_the_reader_is_dropped_and_the_next_one_read(void **state)
{
    struct queue *queue = NULL;
    char got[4] = {0};
    size_t size = 0;

    (void)state;
    assert_int_equal(queue_new(4096, &queue), ST_OK);
    assert_true(queue_put(queue, "too long", 8, NULL, 0));
    assert_true(queue_put(queue, "fits", 4, NULL, 0));
    assert_true(queue_get(queue, got, sizeof got, &size));
    assert_int_equal(size, 4);
    assert_memory_equal(got, "fits", 4);
    assert_int_equal(queue_dropped(queue), 1);
    queue_free(queue);
}

static void records_survive_the_end_of_the_ring_at_every_offset(void **state)
{
    struct queue *queue = NULL;
    unsigned char record[257], got[257];
    size_t size = 0;

    (void)state;
    assert_int_equal(queue_new(4096, &queue), ST_OK);
    for (unsigned i = 0; i < 5000; i++) {
        size_t length = i % sizeof record;

        memset(record, (int)(i & 0xff), sizeof record);
        assert_true(queue_put(queue, record, length / 2, record, length - length / 2));
        assert_true(queue_get(queue, got, sizeof got, &size));
        assert_int_equal(size, length);
        assert_memory_equal(got, record, length);
    }
    queue_free(queue);
}

static void *writer_run(void *arg)
{
    unsigned char tail[RECORD_MAX];

    for (uint32_t i = 0; i < RECORDS; i++) {
        memset(tail, (int)(i & 0xff), sizeof tail);
        while (!queue_put(arg, &i, sizeof i, tail, i % RECORD_MAX))
            sched_yield();
    }
    return NULL;
}

static void two_threads_pass_every_record_whole_and_in_order(void **state)
{
    unsigned char got[sizeof(uint32_t) + RECORD_MAX], want[RECORD_MAX];
    struct queue *queue = NULL;
    uint32_t next = 0, wrong = 0;
    pthread_t writer;
    size_t size = 0;

    (void)state;
    assert_int_equal(queue_new(8192, &queue), ST_OK);
    assert_int_equal(pthread_create(&writer, NULL, writer_run, queue), 0);
    while (next < RECORDS) {
        uint32_t number;

        if (!queue_get(queue, got, sizeof got, &size)) {
            sched_yield();
            continue;
        }
        memcpy(&number, got, sizeof number);
        memset(want, (int)(next & 0xff), sizeof want);
        if (number != next || size != sizeof number + next % RECORD_MAX ||
            memcmp(got + sizeof number, want, next % RECORD_MAX) != 0)
            wrong++;
        next++;
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(wrong, 0);
    assert_false(queue_get(queue, got, sizeof got, &size));
    queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_in_order_with_both_their_parts),
        cmocka_unit_test(a_full_queue_drops_and_counts_then_goes_on),
        cmocka_unit_test(a_record_larger_than_the_ring_never_fits),
        cmocka_unit_test(a_record_without_room_at_the_reader_is_dropped_and_the_next_one_read),
        cmocka_unit_test(records_survive_the_end_of_the_ring_at_every_offset),
        cmocka_unit_test(two_threads_pass_every_record_whole_and_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

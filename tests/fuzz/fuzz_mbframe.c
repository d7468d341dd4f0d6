/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_mbframe.c: whatever arrives, an answer is held against its request: no byte is read past
 * the end, what is believed has the length asked for, and a longer look never changes a verdict. */
#include "busbar/mbframe.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static enum status fuzz_request(const uint8_t *head, struct mbframe_request *ret)
{
    const struct mbframe_to to = {
        .kind = head[0] & 1 ? MBFRAME_TCP : MBFRAME_RTU,
        .transaction = (uint16_t)(head[1] << 8 | head[2]),
        .unit = head[3],
    };
    uint16_t words[MBFRAME_WORDS_MAX] = { head[1], head[2] };
    int32_t address = head[4] << 8 | head[5], count = head[6] % 140;

    switch (head[0] >> 1 & 3) {
    case 0:
        return mbframe_read(&to, head[7] & 1, address, count, ret);
    case 1:
        return mbframe_write(&to, address, count > MBFRAME_WORDS_MAX ? 1 : count, words, ret);
    default:
        return mbframe_read_file(&to, head[7], address, count, ret);
    }
}

/* The frame in a block of its own size, so that a sanitizer sees a read past its end. */
static enum mbframe_state fuzz_look(const struct mbframe_request *request, const uint8_t *bytes, size_t size,
                                    struct mbframe_answer *ret)
{
    uint8_t *own = malloc(size > 0 ? size : 1);
    enum mbframe_state state;

    must(own != NULL);
    memcpy(own, bytes, size);
    state = mbframe_answer(request, own, size, ret);
    free(own);
    must(ret->used <= size);
    must(state == MBFRAME_DONE || ret->count == 0);
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mbframe_request request;
    struct mbframe_answer answer;
    enum mbframe_state before = MBFRAME_MORE;

    if (size < HEAD || fuzz_request(data, &request) != ST_OK)
        return 0;
    must(request.size <= MBFRAME_MAX && mbframe_answer_size(&request) <= MBFRAME_MAX);
    must(request.kind == MBFRAME_TCP || mbframe_crc(request.bytes, request.size) == 0);
    data += HEAD;
    size = size - HEAD < 2 * MBFRAME_MAX ? size - HEAD : 2 * MBFRAME_MAX;
    for (size_t n = 0; n <= size; n++) {
        enum mbframe_state state = fuzz_look(&request, data, n, &answer);

        must(before == MBFRAME_MORE || state == before);
        if (state == MBFRAME_DONE)
            must(answer.used == mbframe_answer_size(&request) &&
                 answer.count == (request.function == 0x06 || request.function == 0x10 ? 0 : request.count));
        before = state;
    }
    return 0;
}

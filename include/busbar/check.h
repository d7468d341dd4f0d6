/* check.h: CHECK() stops the process on a programmer's error, in every build.
 *
 * Outside input never reaches a CHECK: adapters and quality.c turn it away.
 */
#ifndef BUSBAR_CHECK_H
#define BUSBAR_CHECK_H

#define CHECK(cond)                                                           \
    do {                                                                      \
        if (__builtin_expect(!(cond), 0))                                     \
            check_failed(__FILE__, __LINE__, #cond);                          \
    } while (0)

/* Writes "FILE:LINE: CHECK failed: WHAT" on standard error and aborts. */
__attribute__((noreturn, cold)) void check_failed(const char *file, int line, const char *what);

#endif

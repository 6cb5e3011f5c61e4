/* check.h - counts checks, names those that fail, and prints the summary */
#ifndef CHECK_H
#define CHECK_H

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHECK_SHOWN = 40 };         /* failures printed, the rest is counted */

static unsigned long check_passed, check_failed;
static char check_context[512];    /* what runs now, */
static void (*check_explain)(char *text, size_t size);  /* or who knows it */
static struct sigaction check_before;

/* One verdict. Returns it, so that a caller can print more. */
static inline int check_that(int good, const char *what, const char *file,
                             int line)
{
    if (good) {
        check_passed++;
        return 1;
    }
    check_failed++;
    if (check_failed <= CHECK_SHOWN)
        printf("%s:%d: failed: %s%s%s\n", file, line, what,
               check_context[0] ? " in " : "", check_context);
    return 0;
}

static inline int check_number(long got, long want, const char *what,
                               const char *file, int line)
{
    if (check_that(got == want, what, file, line))
        return 1;
    if (check_failed <= CHECK_SHOWN)
        printf("    got %ld, want %ld\n", got, want);
    return 0;
}

static inline int check_text(const char *got, const char *want,
                             const char *what, const char *file, int line)
{
    if (check_that(strcmp(got, want) == 0, what, file, line))
        return 1;
    if (check_failed <= CHECK_SHOWN)
        printf("  got:\n%s\n  want:\n%s\n", got, want);
    return 0;
}

#define CHECK(what) check_that(!!(what), #what, __FILE__, __LINE__)
#define CHECK_FAILS(what) check_that(0, (what), __FILE__, __LINE__)
#define CHECK_NUMBER(got, want) \
    check_number((long)(got), (long)(want), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, want) \
    check_text((got), (want), #got, __FILE__, __LINE__)

/* Says what was under way, then lets the signal take its course: a second
   fault at the same place goes to whoever handled it before. */
static inline void check_signal(int number)
{
    static const char hang[] = "hangs: ", crash[] = "crashes: ";
    const char *word = number == SIGALRM ? hang : crash;
    ssize_t out = write(1, word, strlen(word));
    if (check_explain)
        check_explain(check_context, sizeof check_context);
    out = write(1, check_context, strlen(check_context));
    out = write(1, "\n0 passed, 1 failed\n", 20);
    if (number == SIGALRM || out < 0)
        _exit(1);
    sigaction(number, &check_before, NULL);
}

/* Call first. From then on check_alarm() bounds the time of what follows. */
static inline void check_begin(void)
{
    struct sigaction now;
    memset(&now, 0, sizeof now);
    now.sa_handler = check_signal;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGSEGV, &now, &check_before);
    sigaction(SIGALRM, &now, NULL);
}

static inline void check_alarm(unsigned seconds)
{
    alarm(seconds);
}

/* The last line, and what main() returns. */
static inline int check_end(void)
{
    alarm(0);
    printf("%lu passed, %lu failed\n", check_passed, check_failed);
    return check_failed != 0 || check_passed == 0;
}

#endif

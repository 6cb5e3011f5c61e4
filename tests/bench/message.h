/* What the C drivers of the bench have in common: the same message, the same
   line of results - MIT-0 or Unlicense */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FROM "bench@example.org"

/* usage: PORT MESSAGES RECIPIENTS BYTES [data|bdat|checked] [CAFILE] */
typedef struct task {
    const char *port;
    unsigned long messages, recipients, bytes;
    const char *mode, *ca_file;    /* ca_file 0: no TLS */
} task;

static task read_task(int argc, char **argv)
{
    task t = {0, 0, 0, 0, "data", 0};
    if (argc < 5) {
        fprintf(stderr, "%s: PORT MESSAGES RECIPIENTS BYTES [MODE] [CAFILE]\n",
                argv[0]);
        exit(64);
    }
    setvbuf(stdout, NULL, _IONBF, 0);    /* its buffer would count as heap */
    t.port = argv[1];
    t.messages = strtoul(argv[2], NULL, 10);
    t.recipients = strtoul(argv[3], NULL, 10);
    t.bytes = strtoul(argv[4], NULL, 10);
    if (argc > 5)
        t.mode = argv[5];
    if (argc > 6)
        t.ca_file = argv[6];
    return t;
}

/* `bytes` bytes: a short header, lines of 72 bytes and CRLF; the last line
   takes what is left. Ends in NUL. */
static char *make_message(unsigned long bytes)
{
    static const char head[] = "From: <" FROM ">\r\nSubject: bench\r\n\r\n";
    const unsigned long from = sizeof head - 1;
    char *text = (char *)malloc(bytes + 1);
    if (!text || bytes < from + 2)
        exit(70);
    memcpy(text, head, from);
    for (unsigned long i = from; i < bytes; i++) {
        unsigned long column = (i - from) % 74;
        text[i] = column == 72 ? '\r' : column == 73 ? '\n'
                : (char)('a' + column % 26);
    }
    memcpy(text + bytes - 2, "\r\n", 3);
    return text;
}

/* All the addresses, made before the measurement. */
static char **make_addresses(unsigned long count)
{
    char **list = (char **)calloc(count, sizeof *list);
    if (!list)
        exit(70);
    for (unsigned long i = 0; i < count; i++) {
        list[i] = (char *)calloc(1, 48);
        if (!list[i])
            exit(70);
        snprintf(list[i], 48, "box%03lu@example.net", i);
    }
    return list;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* How much stack `work` takes: it runs on one that was painted before, and
   what is not paint any more has been used. The thread's own share is taken
   off by running nothing first. */
static void *do_nothing(void *ctx)
{
    return ctx;
}

static size_t painted(void *(*work)(void *), void *ctx)
{
    enum { SIZE = 1 << 20, PAINT = 0xA5 };
    static unsigned char stack[SIZE] __attribute__((aligned(64)));
    size_t clean = 0;
    pthread_attr_t how;
    pthread_t thread;
    memset(stack, PAINT, SIZE);
    pthread_attr_init(&how);
    if (pthread_attr_setstack(&how, stack, SIZE) ||
        pthread_create(&thread, &how, work, ctx) ||
        pthread_join(thread, NULL))
        exit(70);
    while (clean < SIZE && stack[clean] == PAINT)
        clean++;
    return SIZE - clean;
}

/* Does the driver's work; with BENCH_STACK set it tells the stack's depth. */
static void work_on(void *(*work)(void *), void *ctx)
{
    if (getenv("BENCH_STACK") == NULL) {
        work(ctx);
        return;
    }
    size_t least = painted(do_nothing, NULL);
    printf("stack %lu\n", (unsigned long)(painted(work, ctx) - least));
}

/* The line that every driver ends with. */
static int report(double began, unsigned long delivered, const task *t)
{
    printf("seconds %.6f delivered %lu\n", now() - began, delivered);
    return delivered == t->messages ? 0 : 1;
}

#endif

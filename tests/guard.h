/* guard.h - memory that ends, and begins, at a page nobody may touch */
#ifndef GUARD_H
#define GUARD_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct guard {
    char *first, *last;            /* usable bytes are first .. last - 1 */
} guard;

enum { GUARD_KEPT = 4096 };

static guard guard_kept[GUARD_KEPT];
static size_t guard_count;

static inline guard guard_new(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (size + page - 1) / page * page + (size ? 0 : page);
    void *map = mmap(NULL, room + 2 * page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    guard g;
    if (map == MAP_FAILED)
        abort();
    g.first = (char *)map + page;
    g.last = g.first + room;
    if (mprotect(map, page, PROT_NONE) != 0
        || mprotect(g.last, page, PROT_NONE) != 0)
        abort();
    return g;
}

static inline void guard_free(guard g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(g.first - page, (size_t)(g.last - g.first) + 2 * page);
}

/* `size` bytes that end at the page, freed by guard_release(). */
static inline char *guard_bytes(size_t size)
{
    guard g = guard_new(size);
    if (guard_count == GUARD_KEPT)
        abort();
    guard_kept[guard_count++] = g;
    return g.last - size;
}

static inline char *guard_copy(const void *data, size_t size)
{
    char *at = guard_bytes(size);
    memcpy(at, data, size);
    return at;
}

/* A string whose NUL is the last byte before the page. */
static inline const char *guard_text(const char *text)
{
    return guard_copy(text, strlen(text) + 1);
}

static inline void guard_release(void)
{
    while (guard_count)
        guard_free(guard_kept[--guard_count]);
}

#endif

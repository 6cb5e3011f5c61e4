/* fuzz_input.h - the bytes of an input, one by one, and what has to hold */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdio.h>
#include <stdlib.h>

typedef struct input {
    const unsigned char *data;     /* not yet used */
    size_t left;
} input;

static void demand(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "fault: %s\n", what);
    abort();
}

static unsigned take_byte(input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

#endif /* FUZZ_INPUT_H */

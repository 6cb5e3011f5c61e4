/* The board's services that an emulator or a debugger gives: ARM semihosting,
   a breakpoint with the operation in r0 and its argument in r1. */
#include "board.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE0 = 0x04,
    SYS_READ = 0x06,
    SYS_TIME = 0x11,
    SYS_GET_CMDLINE = 0x15,
    SYS_EXIT_EXTENDED = 0x20
};
#define APPLICATION_EXIT 0x20026u
#define DAYS_TO_1970 719528u

static uint32_t semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;

    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_print(const char *text)
{
    semihost(SYS_WRITE0, text);
}

void board_print_number(uint32_t number)
{
    char digits[11], *p = digits + sizeof digits;

    *--p = 0;
    do
        *--p = (char)('0' + number % 10);
    while (number /= 10);
    board_print(p);
}

/* The host's source stands in for the chip's random number generator. */
int board_entropy(void *bytes, size_t size)
{
    static const char path[] = "/dev/urandom";
    const uintptr_t open[3] = {(uintptr_t)path, 1, sizeof path - 1};
    uintptr_t read[3] = {0, (uintptr_t)bytes, size};
    uint32_t missing;

    read[0] = semihost(SYS_OPEN, open);
    if (read[0] == UINT32_MAX)
        return 0;
    missing = semihost(SYS_READ, read);
    semihost(SYS_CLOSE, read);
    return missing == 0;
}

int board_date(uint32_t *days, uint32_t *seconds)
{
    const uint32_t now = semihost(SYS_TIME, 0);

    *days = now / 86400u + DAYS_TO_1970;
    *seconds = now % 86400u;
    return 1;
}

/* The command line is the program's name, a space, the number. */
uint32_t board_argument(void)
{
    char line[80] = {0};
    uintptr_t block[2] = {(uintptr_t)line, sizeof line - 1};
    const char *p = line;
    uint32_t number = 0;

    semihost(SYS_GET_CMDLINE, block);
    while (*p && *p != ' ')
        p++;
    for (p += *p == ' '; *p >= '0' && *p <= '9'; p++)
        number = number * 10 + (uint32_t)(*p - '0');
    return number;
}

void board_exit(int code)
{
    const uint32_t block[2] = {APPLICATION_EXIT, (uint32_t)code};

    for (;;)
        semihost(SYS_EXIT_EXTENDED, block);
}

/* From reset to main() on a Cortex-M3, the 1 ms tick, the painted stack. */
#include "board.h"

#include <string.h>

#ifndef CPU_HZ
#error "CPU_HZ: the clock of this board's CPU, in 1/s"
#endif
#define CYCLES_PER_MS (CPU_HZ / 1000u)
#define PAINT 0x5AFEC0DEu

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
enum { SYSTICK_ENABLE = 1, SYSTICK_INTERRUPT = 2, SYSTICK_CPU_CLOCK = 4 };

extern uint32_t stack_bottom[], stack_top[], data_image[];
extern uint32_t data_start[], data_end[], bss_start[], bss_end[];

static volatile uint32_t millis;

void reset(void);
void interrupt_0(void);

static void fault(void)
{
    board_print("fault\n");
    board_exit(1);
}

/* A board with a driver that wants interrupt 0 defines it. */
void __attribute__((weak)) interrupt_0(void)
{
    fault();
}

static void tick(void)
{
    millis = millis + 1;
}

/* Everything from the end of the stack to this function's own frame. */
static void __attribute__((noinline)) paint_stack(void)
{
    volatile uint32_t *p = stack_bottom;
    volatile uint32_t *end = __builtin_frame_address(0);

    for (end -= 8; p < end; p++)
        *p = PAINT;
}

static size_t bytes_between(const uint32_t *from, const uint32_t *to)
{
    return (size_t)((const char *)to - (const char *)from);
}

void reset(void)
{
    paint_stack();
    memcpy(data_start, data_image, bytes_between(data_start, data_end));
    memset(bss_start, 0, bytes_between(bss_start, bss_end));
    board_start_clock();
    board_exit(main());
}

typedef union vector {
    void (*handler)(void);
    uint32_t *stack;
} vector;

const vector vectors[] __attribute__((section(".vectors"), used)) = {
    {.stack = stack_top}, {reset}, {fault}, {fault}, {fault}, {fault},
    {fault}, {0}, {0}, {0}, {0}, {fault}, {fault}, {0}, {fault}, {tick},
    {interrupt_0}
};

void board_start_clock(void)
{
    SYSTICK_RELOAD = CYCLES_PER_MS - 1;
    SYSTICK_CONTROL = SYSTICK_ENABLE | SYSTICK_INTERRUPT | SYSTICK_CPU_CLOCK;
    SYSTICK_VALUE = 0;
}

uint32_t board_millis(void)
{
    return millis;
}

/* The counter runs down; read it within one and the same millisecond. A tick
   that is due and not yet counted would make time go back. */
uint32_t board_cycles(void)
{
    static uint32_t last;
    uint32_t ms, left, now;

    do {
        ms = millis;
        left = SYSTICK_VALUE;
    } while (ms != millis);
    now = ms * CYCLES_PER_MS + (CYCLES_PER_MS - 1 - left);
    if ((int32_t)(now - last) < 0)
        now += CYCLES_PER_MS;
    return last = now;
}

void board_sleep(void)
{
    __asm volatile("wfi" ::: "memory");
}

size_t board_stack_used(void)
{
    const uint32_t *p = stack_bottom;

    while (p < stack_top && *p == PAINT)
        p++;
    return bytes_between(p, stack_top);
}

/* What the example needs of a board beyond its network: time, entropy, a
   console. In the emulator the host gives the last two (semihost.c); on a real
   one they are the real-time clock, the random number generator, a UART. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

int main(void);

/* start.c */
void board_start_clock(void);
uint32_t board_millis(void);       /* since the start, wraps around */
uint32_t board_cycles(void);       /* of the CPU's clock, wraps around */
void board_sleep(void);            /* until the next interrupt */
size_t board_stack_used(void);     /* bytes at the deepest so far */

/* semihost.c */
void board_print(const char *text);
void board_print_number(uint32_t number);
/* 1: done. 0: the board has none. */
int board_entropy(void *bytes, size_t size);
/* The date as BearSSL counts it: days since the first of January of the year
   0, seconds of that day, UTC. 1: done. 0: the board has no clock. */
int board_date(uint32_t *days, uint32_t *seconds);
uint32_t board_argument(void);     /* how many mails to send */
void board_exit(int code);

#endif

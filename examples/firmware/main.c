/* The main loop: it blinks, lets the network move, and sends mail in between.
   The longest time away from it is measured. */
#include "board.h"
#include "link.h"
#include "mailer.h"

static volatile uint32_t blinks;   /* a lamp, or a watchdog to be fed */

/* The longest of all turns, and what was under way in it. */
static struct {
    uint32_t cycles;
    const char *stage;
    uint8_t in_mail;
} longest;

/* The time since `*from`, which becomes now. */
static void note_turn(uint32_t *from, uint8_t in_mail, const char *stage)
{
    const uint32_t now = board_cycles(), cycles = now - *from;

    *from = now;
    if (cycles > longest.cycles) {
        longest.cycles = cycles;
        longest.in_mail = in_mail;
        longest.stage = stage;
    }
}

static int turn(void)
{
    uint32_t time = board_cycles();
    const char *stage = mailer_stage();
    int status;

    blinks = blinks + 1;
    link_poll();
    note_turn(&time, 0, stage);
    status = mailer_step();
    note_turn(&time, 1, stage);
    return status;
}

static int send_mail(uint32_t number)
{
    int status = mailer_start(number);

    while (status == SMTP_AGAIN) {
        status = turn();
        board_sleep();
    }
    mailer_report(status);
    return status;
}

static void print_line(const char *before, uint32_t number, const char *after)
{
    board_print(before);
    board_print_number(number);
    board_print(after);
}

static void report(void)
{
    print_line("turns ", blinks, "\n");
    print_line("longest turn ", longest.cycles, " cycles, ");
    board_print(longest.in_mail ? "mail, " : "network, ");
    board_print(longest.stage);
    print_line("\nstack ", (uint32_t)board_stack_used(), " bytes\n");
}

int main(void)
{
    const uint32_t mails = board_argument();
    uint32_t number;
    int failed = 0;

    link_start();
    for (number = 1; number <= mails; number++)
        failed |= send_mail(number) != SMTP_OK;
    report();
    return failed;
}

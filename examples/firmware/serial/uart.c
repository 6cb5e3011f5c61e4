/* The first UART of ARM's CMSDK, as on mps2-an385. An interrupt puts what is
   received into a ring; the main loop takes it out. One writes `ring_in`, the
   other `ring_out`: no lock is needed. */
#include "../board.h"
#include "../link.h"

#define UART_DATA (*(volatile uint32_t *)0x40004000u)
#define UART_STATE (*(volatile uint32_t *)0x40004004u)
#define UART_CONTROL (*(volatile uint32_t *)0x40004008u)
#define UART_INTERRUPT (*(volatile uint32_t *)0x4000400Cu)
#define UART_DIVIDER (*(volatile uint32_t *)0x40004010u)
#define NVIC_ENABLE (*(volatile uint32_t *)0xE000E100u)
#define NVIC_DISABLE (*(volatile uint32_t *)0xE000E180u)
enum { STATE_SEND_FULL = 1 };
enum { CONTROL_SEND = 1, CONTROL_RECEIVE = 2, CONTROL_INTERRUPT = 8 };
enum { INTERRUPT_RECEIVED = 2 };
enum { LINE = 1 };                 /* this UART's bit among the interrupts */

#define RING_SIZE 256u             /* a power of two */

void interrupt_0(void);

static volatile uint8_t ring[RING_SIZE];
static volatile uint16_t ring_in, ring_out;

static unsigned ring_used(void)
{
    return (uint16_t)(ring_in - ring_out);
}

/* With the ring full the byte stays in the UART, the interrupt raised and
   disabled: the line has to have hardware flow control (RTS, CTS), for a TLS
   handshake computes longer than any ring of a small machine lasts. */
void interrupt_0(void)
{
    if (ring_used() == RING_SIZE) {
        NVIC_DISABLE = LINE;
        return;
    }
    UART_INTERRUPT = INTERRUPT_RECEIVED;
    ring[ring_in % RING_SIZE] = (uint8_t)UART_DATA;
    ring_in = (uint16_t)(ring_in + 1);
}

static uint8_t take_received(void)
{
    const uint8_t c = ring[ring_out % RING_SIZE];

    ring_out = (uint16_t)(ring_out + 1);
    NVIC_ENABLE = LINE;
    return c;
}

/* What comes before the modem's answer belongs to an earlier connection. */
static const char answer[] = "CONNECT\r\n";
static const char *awaited;        /* rest of it */

static void await_answer(void)
{
    while (*awaited && ring_used() > 0) {
        const char c = (char)take_received();

        if (c != *awaited)
            awaited = answer;
        if (c == *awaited)
            awaited++;
    }
}

/* A serial line has no end of file: where the other side is gone there is just
   nothing more, and the session's time limit ends it. */
static ptrdiff_t uart_recv(void *ctx, void *buffer, size_t size)
{
    uint8_t *to = buffer;
    size_t n = 0;

    (void)ctx;
    await_answer();
    while (!*awaited && n < size && ring_used() > 0)
        to[n++] = take_received();
    return n ? (ptrdiff_t)n : SMTP_AGAIN;
}

static ptrdiff_t uart_send(void *ctx, const void *data, size_t size)
{
    const uint8_t *from = data;
    size_t n = 0;

    (void)ctx;
    for (; n < size && !(UART_STATE & STATE_SEND_FULL); n++)
        UART_DATA = from[n];
    return n ? (ptrdiff_t)n : SMTP_AGAIN;
}

static unsigned long uart_clock(void *ctx)
{
    (void)ctx;
    return board_millis();
}

/* Reading once arms the receiver for the first byte. */
void link_start(void)
{
    UART_DIVIDER = 16;
    UART_CONTROL = CONTROL_SEND | CONTROL_RECEIVE | CONTROL_INTERRUPT;
    (void)UART_DATA;
    NVIC_ENABLE = LINE;
}

/* The console stands in for the command that makes a modem dial. */
int link_open(smtp_io *io)
{
    static const smtp_io uart = {.recv = uart_recv, .send = uart_send,
                                 .clock = uart_clock};

    awaited = answer;
    board_print("dial\n");
    *io = uart;
    return SMTP_OK;
}

/* The interrupt does it. */
void link_poll(void)
{
}

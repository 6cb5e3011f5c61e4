/* What a reader of "Compose a mail" has: an open session, the time, and a log
   on a card. The session's peer is the serial line of uart.h. */
#define verdict uart_verdict
#include "uart.h"
#undef verdict

static uint32_t now = 1700000000;

static struct card {
    const char *log;
    smtp_size size;
} card = {"pump 7: 9 bar\npump 7: 12 bar\n", 29};

static ptrdiff_t card_read(void *ctx, smtp_size offset, const char **data)
{
    struct card *from = (struct card *)ctx;
    *data = from->log + offset;
    return offset < from->size;
}

static int line_waits(void *ctx, int wants, unsigned long ms)
{
    (void)ctx, (void)wants, (void)ms;
    return SMTP_OK;
}

static smtp_session s;

__attribute__((constructor)) static void open_session(void)
{
    static const smtp_config config = {.tls = SMTP_TLS_NONE};
    static smtp_io io = {&uart, uart_recv, uart_send};
    static char buffer[256];
    io.wait = line_waits;
    smtp_open(&s, &io, &config, buffer, sizeof buffer);
}

/* After the use has run: 1 if the server has subject, text and log. */
static int verdict(void)
{
    return strstr(uart.mail, "\r\nSubject: =?utf-8?") != NULL &&
           strstr(uart.mail, "\r\nTo: =?utf-8?") != NULL &&
           strstr(uart.mail, "\r\n\r\nSee the log.\r\n") != NULL &&
           strstr(uart.mail, "\r\n filename=\"pump.log\"\r\n") != NULL &&
           strstr(uart.mail, "\r\ncHVtcCA3OiA5IGJhcgpwdW1wIDc6IDEyIGJhcgo=\r\n"
                  "--=_") != NULL && !uart_verdict();
}

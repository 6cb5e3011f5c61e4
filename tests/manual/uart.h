/* What a reader of the manual has besides smtp.h: a serial line. Here the
   peer at its other end is in memory, an SMTP server of the simplest kind. */
#include <stdio.h>
#include <string.h>

static struct uart {
    char line[1000];               /* the line that the client is sending */
    size_t used;
    char answers[2000];            /* not yet read */
    size_t waiting;
    int in_mail, greeted;
    char mail[1000];               /* as stored */
} uart;

static void uart_answer(struct uart *u, const char *text)
{
    memcpy(u->answers + u->waiting, text, strlen(text));
    u->waiting += strlen(text);
}

static void uart_line(struct uart *u)
{
    u->line[u->used] = 0;
    if (u->in_mail && strcmp(u->line, ".\r\n") != 0) {
        if (strlen(u->mail) + u->used < sizeof u->mail)
            strcat(u->mail, u->line);
        return;
    }
    u->in_mail = strcmp(u->line, "DATA\r\n") == 0;
    uart_answer(u, u->in_mail ? "354 go on\r\n" : "250 fine\r\n");
}

static ptrdiff_t uart_send(void *ctx, const void *data, size_t size)
{
    struct uart *u = (struct uart *)ctx;
    if (u->used == sizeof u->line - 1)
        return SMTP_E_IO;
    u->line[u->used++] = *(const char *)data;
    if (u->line[u->used - 1] == '\n') {
        uart_line(u);
        u->used = 0;
    }
    return size > 0 ? 1 : SMTP_AGAIN;
}

static ptrdiff_t uart_recv(void *ctx, void *buffer, size_t size)
{
    struct uart *u = (struct uart *)ctx;
    if (!u->greeted)
        uart_answer(u, "220 here\r\n");
    u->greeted = 1;
    if (u->waiting == 0 || size == 0)
        return SMTP_AGAIN;
    *(char *)buffer = u->answers[0];
    memmove(u->answers, u->answers + 1, --u->waiting);
    return 1;
}

/* After the use has run: 1 if the server has the mail. */
static int verdict(void)
{
    return strcmp(uart.mail, "Subject: disk\r\n\r\nfull\r\n") == 0;
}

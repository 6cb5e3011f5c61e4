/* prompt.c - asks for a mail and sends it to the server on this machine

   The example of Python's smtplib documentation in C: asks for From and To,
   reads the message to the end of input, and shows the dialogue.

      cc -o prompt prompt.c && ./prompt [PORT]
*/
#define SMTP_POSIX
#define SMTP_IMPLEMENTATION
#include "../smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

enum { LINE = 4000, RECIPIENTS = LINE / 2, MESSAGE = 1 << 20 };

static void fail(const char *why)
{
    fprintf(stderr, "prompt: %s\n", why);
    exit(EXIT_FAILURE);
}

/* The line without blanks around it; nothing else that was typed is cut off.
   Were standard output closed, the socket would get its number, and the server
   the dialogue. */
static char *ask(const char *question, char *answer, int size)
{
    char *end;

    printf("%s", question);
    if (fflush(stdout) != 0)
        fail("standard output cannot be written");
    if (!fgets(answer, size, stdin))
        answer[0] = '\0';
    if (ferror(stdin))
        fail("standard input cannot be read");
    if (!strchr(answer, '\n') && !feof(stdin))
        fail("the line is too long");
    end = answer + strcspn(answer, "\r\n");
    while (end > answer && strchr(BLANKS, end[-1]))
        end--;
    *end = '\0';
    return answer + strspn(answer, BLANKS);
}

/* Cuts `list` at its blanks. Returns the number of addresses. */
static size_t split(char *list, smtp_recipient *to)
{
    size_t count = 0;
    char *word = strtok(list, BLANKS);

    for (; word; word = strtok(NULL, BLANKS))
        to[count++].address = word;
    return count;
}

/* The fields From and To, an empty line, and what is typed. No line gets too
   long: each recipient has one (RFC 5322, section 2.2.3). */
static smtp_body compose(const char *from, const smtp_recipient *to,
                         size_t count)
{
    static char text[MESSAGE];
    size_t n = (size_t)snprintf(text, sizeof text, "From: %s\nTo: ", from), i;

    for (i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
                              i ? ",\n " : "", to[i].address);
    n += (size_t)snprintf(text + n, sizeof text - n, "\n\n");
    puts("Enter message, end with ^D:");
    n += fread(text + n, 1, sizeof text - n, stdin);
    if (n == sizeof text)
        fail("the message exceeds 1 MB");
    if (ferror(stdin))
        fail("standard input cannot be read");
    return smtp_bytes(text, n);
}

static void show(void *ctx, int kind, const char *data, size_t size)
{
    FILE *out = (FILE *)ctx;

    if (kind != SMTP_TRACE_BODY)
        fwrite(data, 1, size, out);
}

/* 0: not a port. */
static int port_of(const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);

    return *end || port > 65535 ? 0 : (int)port;
}

int main(int argc, char **argv)
{
    static smtp_recipient to[RECIPIENTS];
    static smtp_mail mail;
    static smtp_client_options options;
    char from[LINE], list[LINE], url[40] = "smtp://localhost:25";
    smtp_status st;

    if (argc > 2 || (argc == 2 && !port_of(argv[1]))) {
        fprintf(stderr, "usage: prompt [PORT]\n");
        return 64;
    }
    if (argc == 2)
        snprintf(url, sizeof url, "smtp://localhost:%d", port_of(argv[1]));
    mail.from = ask("From: ", from, sizeof from);
    mail.to = to;
    mail.to_count = split(ask("To: ", list, sizeof list), to);
    mail.body = compose(mail.from, to, mail.to_count);
    printf("Message length is %lu\n", (unsigned long)mail.body.size);

    options.config.tls = SMTP_TLS_NONE;      /* it stays on this machine */
    options.config.trace = show;
    options.config.ctx = stdout;
    st = smtp_send_url(url, &mail, &options);
    printf("%s\n", smtp_status_text(st));
    return st != SMTP_OK;
}

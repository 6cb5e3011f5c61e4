/* prompt.c - asks for a mail and sends it to the server on this machine

   The example of Python's smtplib documentation in C: asks for From and To,
   reads the message to the end of input, and shows the dialogue.

      cc -o prompt prompt.c && ./prompt [PORT]
*/
#define SMTP_POSIX
#define SMTP_IMPLEMENTATION
#include "../smtp.h"

#include <stdio.h>
#include <string.h>

enum { RECIPIENTS = 100, MESSAGE = 1 << 20 };

static void ask(const char *question, char *answer, int size)
{
    printf("%s", question);
    fflush(stdout);
    if (!fgets(answer, size, stdin))
        answer[0] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
}

/* Cuts `list` at its spaces. Returns the number of addresses. */
static size_t split(char *list, smtp_recipient *to)
{
    size_t count = 0;
    char *word = strtok(list, " ");

    for (; word && count < RECIPIENTS; word = strtok(NULL, " "))
        to[count++].address = word;
    return count;
}

/* The fields From and To, an empty line, and what is typed. */
static smtp_body compose(const char *from, const char *to)
{
    static char text[MESSAGE];
    int n = snprintf(text, sizeof text, "From: %s\nTo: %s\n\n", from, to);

    puts("Enter message, end with ^D:");
    return smtp_bytes(text, (size_t)n + fread(text + n, 1,
                                              sizeof text - (size_t)n, stdin));
}

static void show(void *ctx, int kind, const char *data, size_t size)
{
    FILE *out = (FILE *)ctx;

    if (kind != SMTP_TRACE_BODY)
        fwrite(data, 1, size, out);
}

int main(int argc, char **argv)
{
    static smtp_recipient to[RECIPIENTS];
    static smtp_mail mail;
    static smtp_client_options options;
    char from[1000], list[4000], url[200];
    smtp_status st;

    ask("From: ", from, sizeof from);
    ask("To: ", list, sizeof list);
    mail.body = compose(from, list);
    mail.from = from;
    mail.to = to;
    mail.to_count = split(list, to);
    printf("Message length is %lu\n", (unsigned long)mail.body.size);

    options.config.tls = SMTP_TLS_NONE;      /* it stays on this machine */
    options.config.trace = show;
    options.config.ctx = stdout;
    snprintf(url, sizeof url, "smtp://localhost:%s", argc > 1 ? argv[1] : "25");
    st = smtp_send_url(url, &mail, &options);
    printf("%s\n", smtp_status_text(st));
    return st != SMTP_OK;
}

/* The bench's driver for libESMTP: one session with all messages - MIT-0 or
   Unlicense */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>               /* libesmtp.h forgets it */
#include <libesmtp.h>
#include <signal.h>
#include <stdarg.h>

#include "message.h"

static unsigned long delivered;

static void count(smtp_message_t message, void *ctx)
{
    (void)ctx;
    const smtp_status_t *status = smtp_message_transfer_status(message);
    delivered += status && status->code / 100 == 2;
}

/* The certificate's issuer is not checked here: libESMTP looks for it in the
   user's own folders only. */
static void on_event(smtp_session_t session, int event, void *ctx, ...)
{
    va_list rest;
    (void)session;
    va_start(rest, ctx);
    if (event == SMTP_EV_INVALID_PEER_CERTIFICATE) {
        va_arg(rest, long);
        *va_arg(rest, int *) = 1;
    }
    if (event == SMTP_EV_WEAK_CIPHER) {
        va_arg(rest, long);
        *va_arg(rest, int *) = 1;
    }
    if (event == SMTP_EV_NO_PEER_CERTIFICATE ||
        event == SMTP_EV_WRONG_PEER_CERTIFICATE ||
        event == SMTP_EV_NO_CLIENT_CERTIFICATE)
        *va_arg(rest, int *) = 1;
    va_end(rest);
}

static void add_message(smtp_session_t session, const task *t, char *text,
                        char **address)
{
    smtp_message_t message = smtp_add_message(session);
    smtp_set_reverse_path(message, FROM);
    smtp_set_message_str(message, text);
    for (unsigned long i = 0; i < t->recipients; i++)
        smtp_add_recipient(message, address[i]);
}

static void *send_all(void *ctx)
{
    char why[160];
    if (!smtp_start_session((smtp_session_t)ctx))
        fprintf(stderr, "drive_esmtp: %s\n",
                smtp_strerror(smtp_errno(), why, sizeof why));
    return NULL;
}

int main(int argc, char **argv)
{
    task t = read_task(argc, argv);
    char *text = make_message(t.bytes), host[64];
    char **address = make_addresses(t.recipients);
    double began = now();
    signal(SIGPIPE, SIG_IGN);
    smtp_session_t session = smtp_create_session();
    snprintf(host, sizeof host, "localhost:%s", t.port);
    smtp_set_server(session, host);
    smtp_set_hostname(session, "bench.example.org");
    smtp_set_eventcb(session, on_event, NULL);
    if (t.ca_file)
        smtp_starttls_enable(session, Starttls_REQUIRED);
    for (unsigned long i = 0; i < t.messages; i++)
        add_message(session, &t, text, address);
    work_on(send_all, session);
    smtp_enumerate_messages(session, count, NULL);
    int result = report(began, delivered, &t);
    smtp_destroy_session(session);
    return result;
}

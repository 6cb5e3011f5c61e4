/* The bench's driver for smtp.h over its POSIX adapter, in blocking use: all
   messages down one connection - MIT-0 or Unlicense */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define SMTP_POSIX
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "../../smtp.h"

#include "message.h"

enum { SLOTS = 512 };              /* more than the window lets be open */

typedef struct sender {
    task work;
    char *message;
    smtp_mail mails[SLOTS];
    smtp_recipient *to;            /* `slots` times work.recipients */
    unsigned long slots;
    unsigned long given, told, delivered;
    uint8_t body_flags;            /* SMTP_BODY_... of every message */
} sender;

static int next(void *ctx, smtp_mail **mail)
{
    sender *s = (sender *)ctx;
    static smtp_mail blank;         /* zero, and stays so */
    unsigned long slot = s->given % s->slots;
    smtp_mail *m = &s->mails[slot];
    if (s->given == s->work.messages)
        return SMTP_EOF;
    if (s->given - s->told == s->slots)
        return SMTP_AGAIN;
    *m = blank;
    m->from = FROM;
    m->to = s->to + slot * s->work.recipients;
    m->to_count = s->work.recipients;
    m->body = smtp_bytes(s->message, s->work.bytes);
    m->body.flags = s->body_flags;
    s->given++;
    *mail = m;
    return SMTP_OK;
}

static void done(void *ctx, smtp_mail *mail)
{
    sender *s = (sender *)ctx;
    s->told++;
    s->delivered += mail->status == SMTP_OK;
}

static void make_recipients(sender *s)
{
    size_t n = s->work.recipients;
    char **address = make_addresses(n);
    s->slots = SLOTS;
    if (s->slots > s->work.messages)
        s->slots = s->work.messages;
    s->to = (smtp_recipient *)calloc(s->slots * n, sizeof *s->to);
    for (size_t i = 0; i < s->slots * n; i++)
        s->to[i].address = address[i % n];
}

static smtp_status converse(sender *s, smtp_posix *socket)
{
    static smtp_session session;
    static smtp_tls tls;
    static unsigned char records[SMTP_TLS_BUFFER_FAST];
    static char buffer[8192];
    static smtp_config config;
    static smtp_tls_config tls_config;
    smtp_io lower = smtp_posix_io(socket, 1), io = lower;
    smtp_status status = SMTP_OK;
    config.ctx = s;
    config.next = next;
    config.done = done;
    config.no_chunking = strcmp(s->work.mode, "data") == 0;
    config.tls = s->work.ca_file ? SMTP_TLS_STARTTLS : SMTP_TLS_NONE;
    tls_config.server_name = "localhost";
    tls_config.trust_file = s->work.ca_file;
    tls_config.buffer = records;
    tls_config.buffer_size = sizeof records;
    if (s->work.ca_file)
        status = smtp_tls_open(&tls, &lower, &tls_config, 1, &io);
    if (status == SMTP_OK)
        status = smtp_open(&session, &io, &config, buffer, sizeof buffer);
    if (status == SMTP_OK)
        status = smtp_run(&session);
    smtp_close(&session);
    return status;
}

static void *send_all(void *ctx)
{
    sender *s = (sender *)ctx;
    smtp_posix socket;
    smtp_status status = smtp_posix_connect(&socket, "127.0.0.1",
                                            s->work.port, NULL, 0);
    if (status == SMTP_OK)
        status = converse(s, &socket);
    if (status != SMTP_OK)
        fprintf(stderr, "drive_smtp: %s\n", smtp_status_text(status));
    return NULL;
}

int main(int argc, char **argv)
{
    static sender s;
    s.work = read_task(argc, argv);
    s.message = make_message(s.work.bytes);
    if (strcmp(s.work.mode, "bdat") == 0)
        s.body_flags = SMTP_BODY_CANONICAL;
    make_recipients(&s);
    double began = now();
    work_on(send_all, &s);
    return report(began, s.delivered, &s.work);
}

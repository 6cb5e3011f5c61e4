/* fuzz.c - a server that says anything, for libFuzzer: whatever comes, every
   call ends, every mail is told once, nothing unasked is said in clear, and no
   line leaves but in CRLF. The first bytes of an input choose what the client
   wants and how its transport moves bytes; the rest is what the server says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMTP_BEARSSL               /* for the hashes of smtp_scram */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#define PASSWORD "pencil-and-paper"
#define PASSWORD64 "cGVuY2lsLWFuZC1wYXBlcg"    /* as far as it has no padding */

enum { MAILS = 3, RECIPIENTS = 3, CHOICES = 12, CALLS = 200000 };

enum {                             /* choices[0]: what the client wants */
    BY_NEXT = 1, BY_HAND = 2, LMTP = 4, TLS = 8, LOGIN = 16, SCRAM = 32,
    CLEAR_LOGIN = 64, NO_CHUNKING = 128
};

enum {                             /* choices[1]: how bytes move */
    BLOCKS = 1, SLOW = 2, SHORT_SENDS = 4, SENDS_FAIL = 8, TLS_FAILS = 16,
    ALL_AT_ONCE = 32, RESET = 64, SENDS_LATE = 128
};

typedef struct client {
    const unsigned char *choice;
    const char *stream;            /* of the server, so much is left: */
    size_t left;
    int turn;                      /* SMTP_AGAIN is said every other time */
    int secure;
    unsigned sends;
    char *said;                    /* in clear and under TLS */
    size_t said_size, said_room;
    smtp_mail mail[MAILS];
    smtp_recipient to[MAILS][RECIPIENTS];
    int given, told[MAILS];
} client;

static void fault(const client *c, const char *what)
{
    int i;
    size_t k;
    for (i = 0; i < c->given; i++) {
        const smtp_mail *m = &c->mail[i];
        fprintf(stderr, "mail %d: told %d, %s;", i, c->told[i],
                smtp_status_text(m->status));
        for (k = 0; k < m->to_count; k++)
            fprintf(stderr, " %s: %s %d;", m->to[k].address,
                    smtp_status_text(m->to[k].status), m->to[k].code.reply);
        fputc('\n', stderr);
    }
    fprintf(stderr, "fault: %s\nsaid:\n%.*s\n", what, (int)c->said_size,
            c->said);
    abort();
}

/* ---- transport ----------------------------------------------------------- */

static int is_set(const client *c, unsigned habit)
{
    return (c->choice[1] & habit) != 0;
}

static int starves(client *c)
{
    return !is_set(c, BLOCKS) && (c->turn = !c->turn);
}

/* A line at a time, so that answers come behind what they answer. */
static ptrdiff_t receive(void *ctx, void *buffer, size_t size)
{
    client *c = (client *)ctx;
    const char *end = (const char *)memchr(c->stream, '\n', c->left);
    size_t n = end && !is_set(c, ALL_AT_ONCE) ? (size_t)(end + 1 - c->stream)
                                              : c->left;
    if (starves(c))
        return SMTP_AGAIN;
    if (c->left == 0)
        return is_set(c, RESET) ? SMTP_E_IO : SMTP_EOF;
    if (is_set(c, SLOW))
        n = 1;
    if (n > size)
        n = size;
    memcpy(buffer, c->stream, n);
    c->stream += n;
    c->left -= n;
    return (ptrdiff_t)n;
}

static ptrdiff_t transmit(void *ctx, const void *data, size_t size)
{
    client *c = (client *)ctx;
    if (is_set(c, SENDS_LATE) && starves(c))
        return SMTP_AGAIN;
    if (is_set(c, SENDS_FAIL) && ++c->sends > c->choice[2])
        return is_set(c, RESET) ? SMTP_E_IO : SMTP_EOF;
    if (is_set(c, SHORT_SENDS) && size > 7)
        size = 7;
    while (c->said_size + size > c->said_room) {
        c->said_room = 2 * c->said_room + 4096;
        c->said = (char *)realloc(c->said, c->said_room);
    }
    memcpy(c->said + c->said_size, data, size);
    c->said_size += size;
    return (ptrdiff_t)size;
}

static int starttls(void *ctx)
{
    client *c = (client *)ctx;
    if (starves(c))
        return SMTP_AGAIN;
    c->secure = 1;
    return is_set(c, TLS_FAILS) ? SMTP_E_TLS_NAME : SMTP_OK;
}

/* ---- mails --------------------------------------------------------------- */

#define LINE "as long as a line of a mail has it, neither short nor longer still\r\n"
#define LINES LINE LINE LINE LINE LINE LINE
static const char dirty[] = "Subject: x\n\n.\n..\r\n\r\rend";
static const char clean[] = "Subject: clean\r\n\r\n" LINES LINES;

static ptrdiff_t pull(void *ctx, smtp_size offset, const char **data)
{
    const size_t piece = 100, left = sizeof dirty - 1 + sizeof clean - 1;
    (void)ctx;
    if (offset >= left)
        return 0;
    *data = offset < sizeof dirty - 1 ? dirty + offset
                                      : clean + (offset - (sizeof dirty - 1));
    return (ptrdiff_t)(offset < sizeof dirty - 1 ? sizeof dirty - 1 - offset
                       : left - offset < piece ? left - offset : piece);
}

static smtp_body make_body(unsigned kind)
{
    smtp_body body = smtp_text(kind & 1 ? clean : dirty);
    if (kind & 2) {
        body = smtp_bytes(NULL, 0);
        body.pull = pull;
        body.flags = kind & 1 ? SMTP_BODY_ONCE : 0;
    }
    return body;
}

static void make_mail(client *c, int i)
{
    smtp_mail *m = &c->mail[i];
    unsigned choice = c->choice[3 + i];
    memset(m, 0, sizeof *m);
    memset(c->to[i], 0, sizeof c->to[i]);
    m->from = choice & 1 ? "" : "from@a.example";
    m->to = c->to[i];
    m->to_count = 1 + (choice >> 1) % RECIPIENTS;
    m->to[0].address = "t0@b.example";
    m->to[0].notify = choice & 32 ? SMTP_NOTIFY_FAILURE : 0;
    m->to[1].address = "\"t 1\"@b.example";
    m->to[2].address = choice & 8 ? "t\303\2702@b.example" : "t2@b.example";
    m->all_or_none = (choice & 16) != 0;
    m->body = make_body(choice >> 6);
}

static int next(void *ctx, smtp_mail **mail)
{
    client *c = (client *)ctx;
    if (c->given == MAILS)
        return SMTP_EOF;
    make_mail(c, c->given);
    *mail = &c->mail[c->given++];
    return SMTP_OK;
}

static void done(void *ctx, smtp_mail *mail)
{
    client *c = (client *)ctx;
    c->told[mail - c->mail]++;
}

static void replied(void *ctx, const smtp_session *s, const smtp_mail *mail,
                    const smtp_recipient *to)
{
    client *c = (client *)ctx;
    const smtp_reply *r = &s->reply;
    if (r->code.reply < 200 || r->code.reply > 599 || r->text[r->length] ||
        r->code.subject > 999 || r->code.detail > 999)
        fault(c, "a reply that is none");
    if (to && (!mail || to < mail->to || to >= mail->to + mail->to_count))
        fault(c, "a reply to nobody");
}

/* ---- what has to hold ---------------------------------------------------- */

static void check_outcome(const client *c, int i)
{
    const smtp_mail *m = &c->mail[i];
    size_t k, delivered = 0;
    if (c->told[i] != 1)
        fault(c, "a mail told other than once");
    if (m->status == SMTP_AGAIN || m->status <= SMTP_STATUS_END)
        fault(c, "a mail without an outcome");
    for (k = 0; k < m->to_count; k++) {
        if (m->to[k].status == SMTP_AGAIN)
            fault(c, "a recipient without an outcome");
        delivered += m->to[k].status == SMTP_OK;
    }
    if ((m->status == SMTP_OK) != (delivered == m->to_count))
        fault(c, "a mail that differs from its recipients");
    if (m->status == SMTP_PARTIAL && delivered == 0)
        fault(c, "a mail delivered to nobody in part");
}

static void check_said(const client *c)
{
    size_t i;
    for (i = 0; i < c->said_size; i++) {
        if (c->said[i] == 0)
            fault(c, "NUL was said");
        if (c->said[i] == '\n' && (i == 0 || c->said[i - 1] != '\r'))
            fault(c, "a bare LF was said");
        if (i && c->said[i] != '\n' && c->said[i - 1] == '\r')
            fault(c, "a bare CR was said");
    }
    for (i = 0; i + sizeof PASSWORD64 <= c->said_size; i++)
        if (!c->secure && !(c->choice[0] & CLEAR_LOGIN) &&
            memcmp(c->said + i, PASSWORD64, sizeof PASSWORD64 - 1) == 0)
            fault(c, "the password was said in clear");
}

/* ---- the client ---------------------------------------------------------- */

static smtp_status finish(client *c, smtp_session *s, smtp_status status)
{
    unsigned long calls = 0;
    while (status == SMTP_AGAIN) {
        status = smtp_run(s);
        if (++calls > CALLS)
            fault(c, "no end");
    }
    return status;
}

/* The result is the mail's own, or what ended the session. */
static smtp_status send_mail(client *c, smtp_session *s, int i)
{
    smtp_status status = finish(c, s, smtp_send(s, &c->mail[i]));
    smtp_status outcome = c->mail[i].status;
    if (status == SMTP_OK ? outcome != SMTP_OK
                          : status != outcome && outcome != SMTP_NOT_TAKEN)
        fault(c, "a result that is not the mail's");
    return status;
}

static smtp_status send_anew(client *c, smtp_session *s)
{
    smtp_status status;
    make_mail(c, 0);
    c->told[0] = 0;
    status = send_mail(c, s, 0);
    check_outcome(c, 0);
    return status;
}

static smtp_status command(client *c, smtp_session *s, unsigned choice)
{
    smtp_body body = make_body(choice >> 6);
    smtp_status status = SMTP_OK;
    switch (choice % 14) {
    case 0: status = smtp_ehlo(s); break;
    case 1: status = smtp_helo(s); break;
    case 2: status = smtp_starttls(s); break;
    case 3: status = smtp_login(s); break;
    case 4: status = smtp_mail_from(s, "a@b", ""); break;
    case 5: status = smtp_rcpt_to(s, "c@d", NULL); break;
    case 6: status = smtp_data(s, &body); break;
    case 7: status = smtp_verify(s, "postmaster"); break;
    case 8: status = smtp_rset(s); break;
    case 9: status = smtp_docmd(s, "XYZZY", "plugh"); break;
    case 10: status = smtp_greet(s); break;
    case 11: status = smtp_xclient(s, "NAME=x"); break;
    case 12: status = smtp_noop(s); break;
    default: status = send_anew(c, s); break;
    }
    return finish(c, s, status);
}

static void by_hand(client *c, smtp_session *s)
{
    int i;
    for (i = 3; i < CHOICES; i++) {
        command(c, s, c->choice[i]);
        (void)smtp_has_extn(s, "SIZE");
        (void)smtp_extn(s, "AUTH");
        (void)smtp_stage(s);
    }
}

static void by_send(client *c, smtp_session *s)
{
    int i;
    for (i = 0; i < MAILS; i++) {
        make_mail(c, i);
        c->given++;
        send_mail(c, s, i);
    }
}

static void converse(client *c, smtp_session *s)
{
    if (c->choice[0] & BY_HAND)
        by_hand(c, s);
    else if (c->choice[0] & BY_NEXT)
        finish(c, s, smtp_run(s));
    else
        by_send(c, s);
    while (smtp_quit(s) == SMTP_AGAIN)
        ;
    smtp_close(s);
}

static void configure(client *c, smtp_config *config, const smtp_sasl *sasl)
{
    unsigned wants = c->choice[0];
    config->ctx = c;
    config->next = wants & BY_NEXT ? next : NULL;
    config->done = done;
    config->reply = c->choice[2] & 1 ? replied : NULL;
    config->lmtp = (wants & LMTP) != 0;
    config->tls = wants & TLS ? SMTP_TLS_STARTTLS
                              : SMTP_TLS_UNSAFE_OPPORTUNISTIC;
    config->no_chunking = (wants & NO_CHUNKING) != 0;
    config->window = c->choice[2] & 6;
    if (wants & LOGIN) {
        config->user = "user";
        config->password = PASSWORD;
        config->unsafe_clear_login = (wants & CLEAR_LOGIN) != 0;
        config->sasl = wants & SCRAM ? sasl : NULL;
    }
}

static void play(client *c)
{
    static const unsigned char entropy[18] = "seventeen and one";
    smtp_io io = {c, receive, transmit, starttls, NULL, NULL, NULL, NULL};
    smtp_config config;
    smtp_scram scram;
    smtp_sasl sasl;
    smtp_session s;
    size_t size = SMTP_BUFFER_MIN + (c->choice[2] >> 3) * 17u;
    char *buffer = (char *)malloc(size), *features = (char *)malloc(90);
    memset(&scram, 0, sizeof scram);
    memset(&config, 0, sizeof config);
    sasl = smtp_scram_sasl(&scram);
    scram.entropy = entropy;
    scram.iterations = 5000;
    configure(c, &config, &sasl);
    config.features = features;
    config.features_size = 90;
    if (smtp_open(&s, &io, &config, buffer, size) != SMTP_OK)
        fault(c, "a session that cannot be opened");
    converse(c, &s);
    free(features);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    client c;
    char *stream;
    int i;
    if (size < CHOICES)
        return 0;
    memset(&c, 0, sizeof c);
    stream = (char *)malloc(size - CHOICES + 1);
    memcpy(stream, data + CHOICES, size - CHOICES);
    c.choice = data;
    c.stream = stream;
    c.left = size - CHOICES;
    play(&c);
    check_said(&c);
    for (i = 0; i < c.given; i++)
        check_outcome(&c, i);
    free(c.said);
    free(stream);
    return 0;
}

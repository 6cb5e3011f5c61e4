/* session.c - one session and what it is asked for, call after call: mails that
   come again, sources that do not say the same twice, replies that are cut off,
   what the caller is shown */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "sweep.h"

/* ---- a session over a peer in memory ------------------------------------- */

enum { RIG_BUFFER = 512 };

typedef struct rig {
    dialogue text;
    scene what;
    peer server;
    wire line;
    smtp_io io;
    smtp_session s;
    smtp_recipient to[3];
    smtp_mail mail;
} rig;

static void rig_open(rig *r)
{
    wire_habit habit;
    memset(&habit, 0, sizeof habit);
    peer_start(&r->server, &r->what.script);
    wire_start(&r->line, &r->server, &habit);
    CHECK_NUMBER(smtp_open(&r->s, &r->io, &r->what.config,
                           guard_bytes(RIG_BUFFER), RIG_BUFFER), SMTP_OK);
}

/* `setup` as in scene.h; the mail has three recipients. */
static void rig_start(rig *r, const char *setup)
{
    static const char *const addresses[] = {"a@b", "c@d", "e@f"};
    size_t i;
    memset(r, 0, sizeof *r);
    r->text.name = "session";
    r->text.setup = setup;
    r->text.told = "";
    scene_read(&r->what, &r->text);
    r->io.ctx = &r->line;
    r->io.recv = wire_recv;
    r->io.send = wire_send;
    r->io.close = wire_close;
    for (i = 0; i < 3; i++)
        r->to[i].address = addresses[i];
    r->mail.to = r->to;
    r->mail.to_count = 3;
    r->mail.body = smtp_text("hi\n");
}

static void rig_stop(rig *r)
{
    smtp_close(&r->s);
    CHECK_NUMBER(r->line.closes, 1);
    peer_stop(&r->server);
}

/* ---- one mail again and again -------------------------------------------- */

/* What an earlier round left in a mail does not matter: the same ones go from
   config->next, and by smtp_send(). */
typedef struct rounds {
    smtp_mail mail[2];
    smtp_recipient to[2];
    int given, told;
} rounds;

static int rounds_next(void *ctx, smtp_mail **mail)
{
    rounds *all = (rounds *)ctx;
    if (all->given == 2)
        return SMTP_AGAIN;
    *mail = &all->mail[all->given++];
    return SMTP_OK;
}

static void rounds_done(void *ctx, smtp_mail *mail)
{
    rounds *all = (rounds *)ctx;
    CHECK_NUMBER(mail->status, SMTP_OK);
    all->told++;
}

static void check_next(rig *r, rounds *all)
{
    int i;
    r->what.config.next = rounds_next;
    rig_open(r);
    CHECK_NUMBER(smtp_greet(&r->s), SMTP_OK);    /* that alone */
    CHECK_NUMBER(all->given, 0);
    for (i = 0; i < 3; i++) {
        all->given = 0;
        CHECK_NUMBER(smtp_run(&r->s), SMTP_AGAIN);
        CHECK_NUMBER(all->told, 2 * i + 2);
    }
    CHECK_NUMBER(r->server.stored, 6);
    rig_stop(r);
}

static void check_rounds(void)
{
    static const int order[] = {0, 1, 0, 1, 1, 0, 0};
    rig r;
    rounds all;
    size_t i;
    memset(&all, 0, sizeof all);
    rig_start(&r, "offer PIPELINING;CHUNKING\n");
    for (i = 0; i < 2; i++) {
        all.to[i].address = "ops@b";
        all.mail[i].to = &all.to[i];
        all.mail[i].to_count = 1;
        all.mail[i].body = smtp_text("hi\n");
    }
    r.what.config.ctx = &all;
    r.what.config.done = rounds_done;
    check_next(&r, &all);
    r.what.config.next = NULL;
    all.told = 0;
    rig_open(&r);
    for (i = 0; i < sizeof order / sizeof *order; i++)
        CHECK_NUMBER(smtp_send(&r.s, &all.mail[order[i]]), SMTP_OK);
    CHECK_NUMBER(all.told, (int)i);
    CHECK_NUMBER(r.server.stored, i);
    rig_stop(&r);
}

static ptrdiff_t slices_pull(void *ctx, smtp_size offset, const char **data)
{
    static const char slice[] =
        "A line of the log that is fifty bytes in length.\r\n";
    const smtp_size size = sizeof slice - 1;
    (void)ctx;
    *data = slice + offset % size;
    return offset < 40 * size ? (ptrdiff_t)(size - offset % size) : 0;
}

static void check_uncoded(const smtp_mail *mail)
{
    size_t i;
    CHECK_NUMBER(mail->code.reply, 0);
    for (i = 0; i < mail->to_count; i++)
        CHECK_NUMBER(mail->to[i].code.reply, 0);
}

/* Nothing of its last journey stays in a mail that is sent again: neither the
   codes of replies, nor the chunks that were under way when the line broke. */
static void check_again(void)
{
    rig r;
    rig_start(&r, "RCPT 250 yes\nRCPT 550 no\nMAIL 250 yes\nMAIL+close \n");
    rig_open(&r);
    CHECK_NUMBER(smtp_send(&r.s, &r.mail), SMTP_PARTIAL);
    CHECK_NUMBER(r.mail.code.reply, 250);
    CHECK_NUMBER(r.to[1].code.reply, 550);
    r.to[1].address = "c d@e";
    CHECK_NUMBER(smtp_send(&r.s, &r.mail), SMTP_E_RECIPIENT_SYNTAX);
    check_uncoded(&r.mail);
    r.to[1].address = "c@d";
    CHECK_NUMBER(smtp_send(&r.s, &r.mail), SMTP_EOF);
    CHECK_NUMBER(r.mail.status, SMTP_NOT_TAKEN);
    check_uncoded(&r.mail);
    rig_stop(&r);
}

static void check_chunks_again(void)
{
    rig broken, r;
    rig_start(&broken, "offer PIPELINING;CHUNKING\nBDAT 250 yes\n"
                       "BDAT+close \n");
    broken.mail.body.pull = slices_pull;
    broken.mail.body.flags = SMTP_BODY_ONCE;
    rig_open(&broken);
    CHECK_NUMBER(smtp_send(&broken.s, &broken.mail), SMTP_EOF);
    CHECK_NUMBER(broken.mail.status, SMTP_NOT_TAKEN);
    rig_stop(&broken);
    rig_start(&r, "offer PIPELINING;CHUNKING\n");
    rig_open(&r);
    CHECK_NUMBER(smtp_send(&r.s, &broken.mail), SMTP_OK);
    CHECK_NUMBER(r.server.stored, 1);
    rig_stop(&r);
}

/* ---- sources ------------------------------------------------------------- */

/* A source that does not say the same at its second reading. */
typedef struct reading {
    smtp_session *session;
    size_t first, second;          /* bytes that it has at each reading */
    int readings;
    int to_the_end;                /* of what smtp_size can count */
    size_t declared;               /* bytes, or 0 */
    int once;                      /* it is read once, as `second` */
} reading;

static ptrdiff_t reading_pull(void *ctx, smtp_size offset, const char **data)
{
    static const char text[] = "a line\r\nanother\r\n.\r\na third one\r\n";
    reading *source = (reading *)ctx;
    size_t has;
    if (offset == 0 && ++source->readings == 2 && source->to_the_end)
        source->session->at = (smtp_size)-1 - 5;
    has = source->readings == 1 && !source->once ? source->first
                                                 : source->second;
    if (offset >= has)
        return 0;
    *data = text + offset;
    return (ptrdiff_t)(has - (size_t)offset);
}

/* The mail's status, and how many the server has stored. */
static void check_reading(const char *offer, reading *source,
                          smtp_status status, int stored)
{
    char setup[80];
    rig r;
    snprintf(setup, sizeof setup, "offer %s\n", offer);
    rig_start(&r, setup);
    source->session = &r.s;
    source->readings = 0;
    r.mail.body = smtp_bytes(NULL, source->declared);
    r.mail.body.pull = reading_pull;
    r.mail.body.ctx = source;
    r.mail.body.flags = source->once ? SMTP_BODY_ONCE : 0;
    rig_open(&r);
    CHECK_NUMBER(smtp_send(&r.s, &r.mail),
                 status == SMTP_OK ? SMTP_OK : SMTP_E_BODY);
    CHECK_NUMBER(r.mail.status, status);
    CHECK_NUMBER(r.server.stored, stored);
    rig_stop(&r);
}

/* One that cannot go back and does not say so has nothing the second time: an
   empty mail must not pass for the whole one. One that has grown meanwhile
   loses nothing under DATA. */
static void check_readings(void)
{
    static const char *const offers[] = {
        "SIZE", "SIZE;CHUNKING", "SIZE;LIMITS RCPTMAX=1"
    };
    size_t i, n;
    for (i = 0; i < 3; i++)
        for (n = 0; n <= 30; n++) {
            int parts = i == 2 ? 3 : 1;
            reading source;
            memset(&source, 0, sizeof source);
            source.first = 30;
            source.second = n;
            check_reading(offers[i], &source,
                          n < 30 ? SMTP_NOT_TAKEN : SMTP_OK,
                          n < 30 ? 0 : parts);
            CHECK_NUMBER(source.readings, n < 30 ? 2 : 1 + parts);
            source.second = 30;
            source.to_the_end = 1;
            check_reading(offers[i], &source, SMTP_NOT_TAKEN, 0);
            source.first = n;
            source.to_the_end = 0;
            if (i == 0)
                check_reading(offers[i], &source, SMTP_OK, 1);
        }
}

/* One that is shorter than it declared, read once or twice; also one that had
   to have more bytes than 32 bits count. */
static void check_declared(void)
{
    static const char *const offers[] = {
        "HELP", "SIZE", "CHUNKING", "CHUNKING;SIZE;PIPELINING"
    };
    size_t i, n;
    for (i = 0; i < 4; i++)
        for (n = 0; n <= 30; n++) {
            reading source;
            memset(&source, 0, sizeof source);
            source.once = 1;
            source.second = n;
            check_reading(offers[i], &source, SMTP_OK, 1);
            source.declared = 30;
            check_reading(offers[i], &source,
                          n < 30 ? SMTP_NOT_TAKEN : SMTP_OK, n == 30);
            source.once = 0;
            source.first = n;
            check_reading(offers[i], &source,
                          n < 30 ? SMTP_NOT_TAKEN : SMTP_OK, n == 30);
            if (sizeof(smtp_size) == 4 || sizeof(size_t) == 4)
                continue;
            source.declared = (size_t)0xFFFFFFFF + 21;
            check_reading(offers[i], &source, SMTP_NOT_TAKEN, 0);
        }
}

/* The same by hand. */
static void check_declared_by_hand(void)
{
    size_t n;
    for (n = 0; n <= 30; n++) {
        reading source;
        smtp_body body = smtp_bytes(NULL, 30);
        rig r;
        memset(&source, 0, sizeof source);
        source.once = 1;
        source.second = n;
        body.pull = reading_pull;
        body.ctx = &source;
        rig_start(&r, "");
        rig_open(&r);
        CHECK_NUMBER(smtp_ehlo(&r.s), SMTP_OK);
        CHECK_NUMBER(smtp_mail_from(&r.s, "box@a", NULL), SMTP_OK);
        CHECK_NUMBER(smtp_rcpt_to(&r.s, "ops@b", NULL), SMTP_OK);
        CHECK_NUMBER(smtp_data(&r.s, &body), n < 30 ? SMTP_E_BODY : SMTP_OK);
        CHECK_NUMBER(r.server.stored, n == 30);
        rig_stop(&r);
    }
}

/* A count of recipients that are not there is none. */
static void check_nobody(void)
{
    rig r;
    rig_start(&r, "");
    rig_open(&r);
    r.mail.to = NULL;
    CHECK_NUMBER(smtp_send(&r.s, &r.mail), SMTP_E_ARGUMENT);
    CHECK_NUMBER(r.server.stored, 0);
    rig_stop(&r);
}

/* What io.starttls says of a handshake that failed ends the session, if it is a
   status that tells of it. */
static int handshake;

static int starttls_says(void *ctx)
{
    (void)ctx;
    return handshake;
}

static void check_handshake(void)
{
    static const struct { int said, status; } rows[] = {
        {SMTP_E_TLS_NAME, SMTP_E_TLS_NAME}, {SMTP_EOF, SMTP_EOF},
        {SMTP_E_TIMEOUT, SMTP_E_TIMEOUT}, {SMTP_E_IO, SMTP_E_TLS},
        {-1000, SMTP_E_TLS}, {SMTP_E_SHUTDOWN, SMTP_E_TLS}, {1, SMTP_E_TLS},
    };
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        rig r;
        rig_start(&r, "tls starttls\noffer STARTTLS\n");
        r.io.starttls = starttls_says;
        handshake = rows[i].said;
        rig_open(&r);
        CHECK_NUMBER(smtp_send(&r.s, &r.mail), rows[i].status);
        CHECK_NUMBER(r.mail.status, SMTP_NOT_TAKEN);
        rig_stop(&r);
    }
}

/* RFC 3207, section 4.2: of what was said in clear nothing is known after. */
static void check_forgotten(void)
{
    char features[64];
    rig r;
    rig_start(&r, "offer STARTTLS;SIZE 1000;X-OWN\n");
    r.io.starttls = starttls_says;
    r.what.config.features = features;
    r.what.config.features_size = sizeof features;
    handshake = SMTP_OK;
    rig_open(&r);
    CHECK_NUMBER(smtp_ehlo(&r.s), SMTP_OK);
    CHECK(smtp_has_extn(&r.s, "SIZE"));
    CHECK(smtp_has_extn(&r.s, "X-OWN"));
    CHECK_NUMBER(smtp_starttls(&r.s), SMTP_OK);
    CHECK(!smtp_has_extn(&r.s, "SIZE"));
    CHECK(!smtp_has_extn(&r.s, "X-OWN"));
    CHECK(!smtp_has_extn(&r.s, "STARTTLS"));
    CHECK_NUMBER(r.s.limit, 0);
    rig_stop(&r);
}

/* ---- by hand and not ----------------------------------------------------- */

/* A transaction that was begun by hand is ended before a mail is sent; nothing
   is ended where none was. */
static void check_hand_then_send(int begun)
{
    rig r;
    rig_start(&r, "");
    rig_open(&r);
    CHECK_NUMBER(smtp_ehlo(&r.s), SMTP_OK);
    CHECK_NUMBER(smtp_noop(&r.s), SMTP_OK);
    CHECK_NUMBER(smtp_starttls(&r.s), SMTP_E_NO_TLS);    /* no io.starttls */
    if (begun)
        CHECK_NUMBER(smtp_mail_from(&r.s, "box@a", NULL), SMTP_OK);
    CHECK_NUMBER(smtp_send(&r.s, &r.mail), SMTP_OK);
    CHECK_NUMBER(strstr(r.server.log.data, "RSET") != NULL, begun);
    CHECK_NUMBER(r.server.stored, 1);
    CHECK(r.server.fault == NULL);
    rig_stop(&r);
}

/* ---- replies ------------------------------------------------------------- */

/* A reply that is cut anywhere: its text, as far as it came, is a string. */
typedef struct beginning {
    const char *at;
    size_t size;
} beginning;

static ptrdiff_t beginning_recv(void *ctx, void *buffer, size_t size)
{
    beginning *in = (beginning *)ctx;
    size_t n = in->size < size ? in->size : size;
    memcpy(buffer, in->at, n);
    in->at += n;
    in->size -= n;
    return n ? (ptrdiff_t)n : (ptrdiff_t)SMTP_EOF;
}

/* A server that answers EHLO when four bytes of it are out. */
typedef struct hasty {
    int heard;                     /* of the two replies */
    size_t said;
} hasty;

static ptrdiff_t hasty_recv(void *ctx, void *buffer, size_t size)
{
    hasty *h = (hasty *)ctx;
    static const char text[] = "220 mx\r\n250 mx\r\n";
    if (h->heard == 2 || h->said < 4u * (size_t)h->heard)
        return SMTP_AGAIN;
    CHECK(size >= 8);
    memcpy(buffer, text + 8 * h->heard++, 8);
    return 8;
}

static ptrdiff_t hasty_send(void *ctx, const void *data, size_t size)
{
    hasty *h = (hasty *)ctx;
    (void)data;
    if (h->said == 4 || size < 4)
        return SMTP_AGAIN;
    h->said = 4;
    return 4;
}

/* An answer to a command that has not left yet is none. */
static void check_hasty_answer(void)
{
    hasty h = {0, 0};
    rig r;
    rig_start(&r, "");
    r.io.ctx = &h;
    r.io.recv = hasty_recv;
    r.io.send = hasty_send;
    r.io.close = NULL;
    rig_open(&r);
    CHECK_NUMBER(smtp_send(&r.s, &r.mail), SMTP_E_PROTOCOL);
    CHECK_NUMBER(h.heard, 2);
    CHECK_NUMBER(r.mail.status, SMTP_NOT_TAKEN);
    smtp_close(&r.s);
    peer_stop(&r.server);
}

/* A limit for the length of a reply is none for that of all of them. */
static void check_long_replies(void)
{
    int i;
    rig r;
    rig_start(&r, "NOOP* {250-a line of some forty bytes in a reply|*1000}"
                  "250 end\n");
    rig_open(&r);
    for (i = 0; i < 5; i++)
        CHECK_NUMBER(smtp_noop(&r.s), SMTP_OK);
    CHECK(r.line.recv_total > 2 * SMTP_REPLY_LIMIT);
    rig_stop(&r);
}

static void check_cut_reply(void)
{
    static const char text[] = "250-one\r\n250-two and more\r\n250 three\r\n";
    size_t n;
    for (n = 0; n < sizeof text; n++) {
        rig r;
        beginning in;
        char buffer[256];
        smtp_reply *reply = &r.s.reply;
        memset(buffer, 'x', sizeof buffer);
        rig_start(&r, "");
        in.at = text;
        in.size = n;
        r.io.ctx = &in;
        r.io.recv = beginning_recv;
        r.io.close = NULL;
        CHECK_NUMBER(smtp_open(&r.s, &r.io, &r.what.config, buffer,
                               sizeof buffer), SMTP_OK);
        CHECK_NUMBER(smtp_greet(&r.s),
                     n + 1 < sizeof text ? SMTP_EOF : SMTP_OK);
        CHECK_NUMBER(strlen(reply->text), reply->length);
        if (reply->length && reply->text[reply->length - 1] == '\r')
            reply->text[reply->length - 1] = 0;  /* no line end yet */
        CHECK(strstr("one\ntwo and more\nthree", reply->text) != NULL);
        smtp_close(&r.s);
    }
}

/* A reply to a command, whole or not, as the caller reads it. */
static void check_reply_text(const char *setup, unsigned code, const char *want)
{
    size_t most;
    for (most = 0; most < 8; most++) {
        rig r;
        rig_start(&r, setup);
        rig_open(&r);
        r.line.habit.recv_most = most;
        CHECK_NUMBER(smtp_ehlo(&r.s), SMTP_OK);
        CHECK_NUMBER(smtp_noop(&r.s), SMTP_OK);
        CHECK_NUMBER(r.s.reply.code.reply, code);
        CHECK_TEXT(r.s.reply.text, want);
        CHECK_NUMBER(r.s.reply.length, strlen(want));
        rig_stop(&r);
    }
}

/* What config->reply is shown: "STAGE CODE [m] [ADDRESS]". */
static char shown[400];

static void show(void *ctx, const smtp_session *s, const smtp_mail *mail,
                 const smtp_recipient *to)
{
    size_t n = strlen(shown);
    (void)ctx;
    snprintf(shown + n, sizeof shown - n, "%s %u%s%s%s\n", smtp_stage(s),
             s->reply.code.reply, mail ? " m" : "", to ? " " : "",
             to ? to->address : "");
}

#define REFUSED "offer PIPELINING\nRCPT 250 ok\nRCPT 550 no\n"
#define BEGINNING                                                              \
    "greeting 220\nEHLO 250\nMAIL 250 m\nRCPT 250 m a@b\n"                     \
    "RCPT 550 m c@d\nRCPT 250 m e@f\nDATA 354 m\n"

static void check_shown(const char *setup, const char *want)
{
    rig r;
    shown[0] = 0;
    rig_start(&r, setup);
    r.what.config.reply = show;
    rig_open(&r);
    CHECK_NUMBER(smtp_send(&r.s, &r.mail), SMTP_PARTIAL);
    CHECK_NUMBER(smtp_quit(&r.s), SMTP_OK);
    CHECK_TEXT(shown, want);
    rig_stop(&r);
}

int main(void)
{
    check_begin();
    check_alarm(60);
    check_rounds();
    check_again();
    check_chunks_again();
    check_readings();
    check_declared();
    check_declared_by_hand();
    check_nobody();
    check_handshake();
    check_forgotten();
    check_hand_then_send(0);
    check_hand_then_send(1);
    check_cut_reply();
    check_hasty_answer();
    check_long_replies();
    check_reply_text("NOOP 250 2.6.0 fine\n", 250, "2.6.0 fine");
    check_reply_text("NOOP 250 fine by me\n", 250, "fine by me");
    check_reply_text("NOOP+raw 250 2.6.0 fine%0A\n", 250, "2.6.0 fine");
    check_reply_text("NOOP+raw 250 fine by me%0A\n", 250, "fine by me");
    check_reply_text("NOOP 250 x\n", 250, "x");
    check_reply_text("NOOP 250\n", 250, "");
    check_reply_text("NOOP 250-one|250-|250 two\n", 250, "one\n\ntwo");
    check_shown(REFUSED, BEGINNING ". 250 m\nQUIT 221\n");
    check_shown("lmtp\n" REFUSED,
                BEGINNING ". 250 m a@b\n. 250 m e@f\nQUIT 221\n");
    guard_release();
    return check_end();
}

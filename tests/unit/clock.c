/* clock.c - each phase has its limit (RFC 5321, section 4.5.3.2), given or by
   default, to the millisecond, also where the clock wraps around, at 32 bits
   or at those of a long */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "play.h"

typedef struct limit {
    const char *name, *rules;      /* the server falls silent where these end */
    size_t send_stop;              /* or takes no more than so many bytes */
    unsigned seconds;              /* limit by default */
    int field;                     /* of smtp_timeouts, counted from 0 */
    int outcome;                   /* of the mail */
} limit;

#define SILENT(verb) verb "+raw \n"

static const limit limits[] = {
    {"greeting", SILENT("greeting"), 0, 300, 0, SMTP_NOT_TAKEN},
    {"EHLO", SILENT("EHLO"), 0, 300, 1, SMTP_NOT_TAKEN},
    {"half a reply", "EHLO+raw 250-mx%0D%0A250 P\n", 0, 300, 1,
     SMTP_NOT_TAKEN},
    {"EHLO not taken", "", 5, 300, 1, SMTP_NOT_TAKEN},
    {"MAIL", SILENT("MAIL"), 0, 300, 1, SMTP_NOT_TAKEN},
    {"RCPT", SILENT("RCPT"), 0, 300, 1, SMTP_NOT_TAKEN},
    {"DATA", SILENT("DATA"), 0, 120, 2, SMTP_NOT_TAKEN},
    {"body not taken", "", 70, 180, 3, SMTP_NOT_TAKEN},
    {"the message", SILENT("END"), 0, 600, 4, SMTP_UNKNOWN},
    {"the message, in a chunk", "offer CHUNKING\n" SILENT("END"), 0, 600, 4,
     SMTP_UNKNOWN},
};

static unsigned long now, mask;
static play p;
static scene what;

static unsigned long tell_time(void *ctx)
{
    (void)ctx;
    return now & mask;
}

static void set_limit(smtp_timeouts *t, int field, uint16_t seconds)
{
    uint16_t *const place[] = {&t->greeting, &t->command, &t->data, &t->block,
                               &t->final};
    *place[field] = seconds;
}

static smtp_status start(const limit *l, smtp_io *io, uint16_t given,
                         size_t buffer)
{
    dialogue text = {l->name, NULL, NULL, ""};
    play_way way;
    bytes setup = {NULL, 0, 0};
    memset(&way, 0, sizeof way);
    way.habit.send_stop = l->send_stop;
    way.buffer = buffer;
    bytes_text(&setup, "mail box@a ops@b\nbody {a line of a body|*99}\n");
    bytes_text(&setup, l->rules);
    text.setup = setup.data;
    scene_read(&what, &text);
    play_scene(&p, &what);
    play_start(&p, &way);
    bytes_free(&setup);
    set_limit(&p.config.timeout, l->field, given);
    *io = play_io(&p);
    io->clock = tell_time;
    smtp_open(&p.session, io, &p.config, p.buffer, p.buffer_size);
    return smtp_send(&p.session, &p.mail[0]);
}

static smtp_status go_on(void)
{
    smtp_status st = smtp_run(&p.session);
    int i;
    for (i = 0; i < 20 && st == SMTP_AGAIN; i++)
        st = smtp_run(&p.session);
    return st;
}

static void play_limit(const limit *l, unsigned long begin, uint16_t given,
                       size_t buffer)
{
    unsigned long ms = 1000ul * (given ? given : l->seconds);
    smtp_io io;
    snprintf(check_context, sizeof check_context, "%s from %lu", l->name,
             begin);
    now = begin;
    CHECK_NUMBER(start(l, &io, given, buffer), SMTP_AGAIN);
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_deadline(&p.session), ms);
    now += ms / 2;
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_deadline(&p.session), ms - ms / 2);
    now += ms - ms / 2 - 1;
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_deadline(&p.session), 1);
    now += 1;
    CHECK_NUMBER(smtp_deadline(&p.session), 0);
    CHECK_NUMBER(go_on(), l->outcome == SMTP_UNKNOWN ? l->outcome
                                                     : (int)SMTP_E_TIMEOUT);
    CHECK_NUMBER(p.mail[0].status, l->outcome);
    CHECK_NUMBER(smtp_run(&p.session), SMTP_E_TIMEOUT);
    CHECK_NUMBER(smtp_quit(&p.session), SMTP_OK);
    smtp_close(&p.session);
    check_context[0] = 0;
}

/* Bytes of a reply do not buy more time than the limit of the reply. */
static void play_drip(void)
{
    static const limit drip = {"drip", "", 0, 300, 1, SMTP_NOT_TAKEN};
    smtp_status st;
    smtp_io io;
    unsigned minutes = 0;
    now = 5;
    p.line.habit.recv_most = 1;
    st = start(&drip, &io, 0, 256);
    smtp_close(&p.session);
    peer_start(&p.server, &what.script);
    p.server.out.size = 0;
    p.server.out_ready = 0;
    p.line.closes = 0;
    smtp_open(&p.session, &io, &p.config, p.buffer, p.buffer_size);
    for (st = smtp_run(&p.session); st == SMTP_AGAIN && minutes < 100;
         st = smtp_run(&p.session)) {
        bytes_text(&p.server.out, minutes ? "x" : "220 ");
        p.server.out_ready = p.server.out.size;
        minutes++;
        now += 60000;
    }
    CHECK_NUMBER(st, SMTP_E_TIMEOUT);
    CHECK(minutes >= 5 && minutes <= 6);
    smtp_close(&p.session);
}

/* A source of a line that waits before byte `seldom_at` of it. */
static smtp_size seldom_at;

static ptrdiff_t seldom(void *ctx, smtp_size offset, const char **data)
{
    static const char text[] = "hi\r\n";
    (void)ctx;
    if (offset == seldom_at)
        return SMTP_AGAIN;
    *data = text + offset;
    return (ptrdiff_t)(wire_least(offset < seldom_at ? seldom_at : 4, 4) -
                       offset);
}

/* Begins a mail of such a source, an hour after the session was ready. */
static void start_seldom(const char *offer, size_t send_stop, smtp_io *io,
                         smtp_mail *mail, smtp_recipient *to)
{
    dialogue text = {"seldom", NULL, NULL, ""};
    play_way way;
    text.setup = offer;
    memset(&way, 0, sizeof way);
    way.habit.send_stop = send_stop;
    memset(to, 0, sizeof *to);
    memset(mail, 0, sizeof *mail);
    to->address = "ops@b";
    mail->to = to;
    mail->to_count = 1;
    mail->body.pull = seldom;
    scene_read(&what, &text);
    play_scene(&p, &what);
    play_start(&p, &way);
    *io = play_io(&p);
    io->clock = tell_time;
    now = 5;
    smtp_open(&p.session, io, &p.config, p.buffer, p.buffer_size);
    CHECK_NUMBER(go_on(), SMTP_OK);
    now += 3600000;
}

/* A source that has none now takes its own time: no phase has begun, however
   long ago the last answer came. */
static void play_seldom(const char *offer)
{
    smtp_io io;
    smtp_recipient to;
    smtp_mail mail;
    start_seldom(offer, 0, &io, &mail, &to);
    seldom_at = 0;
    CHECK_NUMBER(smtp_send(&p.session, &mail), SMTP_AGAIN);
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_wants(&p.session), 0);
    CHECK_NUMBER(smtp_deadline(&p.session), 180000);
    now += 3600000;
    CHECK_NUMBER(smtp_deadline(&p.session), 180000);
    seldom_at = 5;
    CHECK_NUMBER(go_on(), SMTP_OK);
    smtp_close(&p.session);
}

/* But the server, when it owes an answer, has no more than ever. */
static void play_owed(void)
{
    smtp_io io;
    smtp_recipient to;
    smtp_mail mail;
    start_seldom("offer PIPELINING;CHUNKING\nBDAT+raw \n", 0, &io, &mail,
                 &to);
    mail.body.flags = SMTP_BODY_ONCE;
    seldom_at = 2;
    CHECK_NUMBER(smtp_send(&p.session, &mail), SMTP_AGAIN);
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_wants(&p.session), SMTP_READ);
    CHECK_NUMBER(smtp_deadline(&p.session), 600000);
    now += 599999;
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_deadline(&p.session), 1);
    now += 1;
    CHECK_NUMBER(go_on(), SMTP_E_TIMEOUT);
    CHECK_NUMBER(mail.status, SMTP_NOT_TAKEN);
    smtp_close(&p.session);
}

/* Nor does what the line could not take count, once the source has it no more:
   with the shortest code it stays in the buffer, and then it does. */
static int stubborn;

static ptrdiff_t long_line(void *ctx, smtp_size offset, const char **data)
{
    static char text[3000];
    (void)ctx;
    if (stubborn)
        return SMTP_AGAIN;
    memset(text, 'x', sizeof text);
    *data = text + offset;
    return (ptrdiff_t)(sizeof text - (size_t)offset);
}

static void play_stubborn(void)
{
    smtp_io io;
    smtp_recipient to;
    smtp_mail mail;
    start_seldom("", 70, &io, &mail, &to);
    mail.body.pull = long_line;
    stubborn = 0;
    CHECK_NUMBER(smtp_send(&p.session, &mail), SMTP_AGAIN);
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_deadline(&p.session), 180000);
    now += 100000;
    stubborn = 1;
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_deadline(&p.session), SMTP__FAST ? 180000 : 80000);
    now += SMTP__FAST ? 3600000 : 70000;
    stubborn = 0;
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_deadline(&p.session), SMTP__FAST ? 180000 : 10000);
    p.line.habit.send_stop = 0;
    CHECK_NUMBER(go_on(), SMTP_OK);
    smtp_close(&p.session);
}

/* Without a clock the whole limit is told, always. */
static void play_no_clock(void)
{
    smtp_io io;
    dialogue text = {"no clock", "greeting+raw \n", NULL, ""};
    play_way way;
    memset(&way, 0, sizeof way);
    scene_read(&what, &text);
    play_scene(&p, &what);
    play_start(&p, &way);
    io = play_io(&p);
    smtp_open(&p.session, &io, &p.config, p.buffer, p.buffer_size);
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_deadline(&p.session), 300000);
    CHECK_NUMBER(go_on(), SMTP_AGAIN);
    CHECK_NUMBER(smtp_deadline(&p.session), 300000);
    smtp_close(&p.session);
}

int main(void)
{
    static const unsigned long begin[] = {0, 1, 1000000, 0ul - 1,
                                          0ul - 400, 0ul - 100000};
    size_t i, k;
    check_begin();
    check_alarm(60);
    play_open(&p);
    for (i = 0; i < sizeof limits / sizeof *limits; i++)
        for (k = 0; k < 2 * (sizeof begin / sizeof *begin); k++) {
            mask = k % 2 ? 0ul - 1 : 0xffffffff;
            play_limit(&limits[i], begin[k / 2], 0, 1024);
            play_limit(&limits[i], begin[k / 2], 7, 64);
            play_limit(&limits[i], begin[k / 2], 65535, 128);
        }
    mask = 0ul - 1;
    play_drip();
    play_seldom("offer SIZE\n");
    play_seldom("offer X\n");
    play_owed();
    play_stubborn();
    play_no_clock();
    play_close(&p);
    guard_release();
    return check_end();
}

/* arguments.c - what cannot be sent is refused before a byte is said, and the
   calls around a session */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "sweep.h"

/* ---- addresses ----------------------------------------------------------- */

typedef struct address {
    const char *text;
    int kind;
} address;

static const address addresses[] = {
    {"ops@example.net", 1},
    {"ops", 1},
    {"o.p+s=1_!#$%&'*-/?^`{|}~@example.net", 1},
    {"ops@[192.0.2.1]", 1},
    {"ops@[IPv6:2001:db8::1]", 1},
    {"\"a b\"@example.net", 1},
    {"\"a>b<c\"@example.net", 1},
    {"\"a\\\"b\"@example.net", 1},
    {"\"a\\\\\"@example.net", 1},
    {"\"a@b\"@example.net", 1},
    {"\"\"@example.net", 1},
    {"j\303\266rg@example.net", 2},
    {"ops@m\303\274nchen.example", 2},
    {"\"j\303\266 g\"@example.net", 2},
    {"ops @example.net", 0},
    {"ops@example.net ", 0},
    {" ops@example.net", 0},
    {"ops@exa mple.net", 0},
    {"<ops@example.net>", 0},
    {"ops@example.net>", 0},
    {"ops@example.net> SIZE=1", 0},
    {"ops<@example.net", 0},
    {"ops@example.net\r", 0},
    {"ops@example.net\n", 0},
    {"ops@example.net\r\nRSET", 0},
    {"\"a\rb\"@example.net", 0},
    {"\"a\nb\"@example.net", 0},
    {"\"a\\\nb\"@example.net", 0},
    {"\"a b@example.net", 0},
    {"\"a b\\\"@example.net", 0},
    {"\"a\"b c\"@example.net", 0},
    {"\"a\" b@example.net", 0},
    {"\"a\">@example.net", 0},
    {"a\"b c\"@example.net", 0},
    {"ops\t@example.net", 0},
    {"ops\001@example.net", 0},
    {"ops\177@example.net", 0},
    {"\"a\tb\"@example.net", 0},
};

/* Each string ends at a guard page. */
static void check_addresses(void)
{
    size_t i;
    for (i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        const char *text = guard_text(addresses[i].text);
        if (!CHECK_NUMBER(smtp_address_check(text), addresses[i].kind))
            printf("    \"%s\"\n", text);
    }
    guard_release();
}

/* Every string of up to four of the bytes that matter: what passes can not
   end the path, nor the line. */
static void check_all_short(void)
{
    static const char alphabet[] = "a\"\\@ <>\r\n";
    const size_t base = sizeof alphabet - 1;
    size_t size, count = 1, number, i;
    for (size = 0; size <= 5; size++, count *= base)
        for (number = 0; number < count; number++) {
            bytes path = {NULL, 0, 0};
            char text[8] = "<", line[16];
            size_t rest = number;
            for (i = 0; i < size; i++, rest /= base)
                text[i] = alphabet[rest % base];
            text[size] = 0;
            if (!smtp_address_check(text))
                continue;
            snprintf(line, sizeof line, "<%s>", text);
            peer_path(line, &path);
            if (strcmp(path.data, text) != 0 || strpbrk(text, "\r\n"))
                CHECK_FAILS("an address that breaks out of its path");
            bytes_free(&path);
        }
    CHECK(count > 1000);
}

/* ---- opening ------------------------------------------------------------- */

static ptrdiff_t no_recv(void *ctx, void *buffer, size_t size)
{
    (void)buffer;
    (void)size;
    ++*(int *)ctx;
    return SMTP_AGAIN;
}

static ptrdiff_t no_send(void *ctx, const void *data, size_t size)
{
    (void)data;
    (void)size;
    ++*(int *)ctx;
    return SMTP_AGAIN;
}

static int no_starttls(void *ctx)
{
    ++*(int *)ctx;
    return SMTP_AGAIN;
}

typedef struct opening {
    const char *domain;
    size_t size;
    int status;
} opening;

static void check_opening(void)
{
    static const opening cases[] = {
        {NULL, 64, SMTP_OK},
        {NULL, 63, SMTP_E_BUFFER},
        {NULL, 1, SMTP_E_BUFFER},
        {NULL, 0, SMTP_E_BUFFER},
        {"host.example", 64, SMTP_OK},
        {"[192.0.2.1]", 64, SMTP_OK},
        {"", 64, SMTP_E_DOMAIN},
        {"a b", 64, SMTP_E_DOMAIN},
        {"a\r\nb", 64, SMTP_E_DOMAIN},
        {"a\nb", 64, SMTP_E_DOMAIN},
        {"a\tb", 64, SMTP_E_DOMAIN},
        {"a>b", 64, SMTP_E_DOMAIN},
        {"\"a b\"@c", 64, SMTP_E_DOMAIN},
        {"m\303\274nchen.example", 64, SMTP_E_DOMAIN},
        {"host.example\r\nMAIL FROM:<>", 64, SMTP_E_DOMAIN},
    };
    char buffer[64];
    int calls = 0;
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        smtp_session s;
        smtp_config config;
        smtp_io io;
        memset(&config, 0, sizeof config);
        memset(&io, 0, sizeof io);
        io.ctx = &calls;
        io.recv = no_recv;
        io.send = no_send;
        config.tls = SMTP_TLS_NONE;
        config.domain = cases[i].domain;
        CHECK_NUMBER(smtp_open(&s, &io, &config, buffer, cases[i].size),
                     cases[i].status);
        smtp_close(&s);
        smtp_close(&s);
    }
    CHECK_NUMBER(calls, 0);
}

static void check_missing(void)
{
    smtp_session s;
    smtp_config config;
    smtp_io io, half;
    char buffer[64];
    int calls = 0;
    memset(&config, 0, sizeof config);
    memset(&io, 0, sizeof io);
    config.tls = SMTP_TLS_NONE;
    io.ctx = &calls;
    io.recv = no_recv;
    io.send = no_send;
    CHECK_NUMBER(smtp_open(&s, NULL, &config, buffer, 64), SMTP_E_ARGUMENT);
    CHECK_NUMBER(smtp_run(&s), SMTP_E_CLOSED);
    CHECK_NUMBER(smtp_open(&s, &io, NULL, buffer, 64), SMTP_E_ARGUMENT);
    CHECK_NUMBER(smtp_open(&s, &io, &config, NULL, 64), SMTP_E_ARGUMENT);
    half = io;
    half.recv = NULL;
    CHECK_NUMBER(smtp_open(&s, &half, &config, buffer, 64), SMTP_E_ARGUMENT);
    half = io;
    half.send = NULL;
    CHECK_NUMBER(smtp_open(&s, &half, &config, buffer, 64), SMTP_E_ARGUMENT);
    config.tls = 17;
    CHECK_NUMBER(smtp_open(&s, &io, &config, buffer, 64), SMTP_E_ARGUMENT);
    config.tls = SMTP_TLS_STARTTLS;
    CHECK_NUMBER(smtp_open(&s, &io, &config, buffer, 64), SMTP_E_NO_TLS);
    io.starttls = no_starttls;
    CHECK_NUMBER(smtp_open(&s, &io, &config, buffer, 64), SMTP_OK);
    smtp_close(&s);
    CHECK_NUMBER(calls, 0);
}

/* ---- order of calls ------------------------------------------------------ */

/* While something is under way only smtp_run() and smtp_close() go on. */
static void check_busy(void)
{
    smtp_session s;
    smtp_config config;
    smtp_io io;
    char buffer[64];
    int calls = 0;
    smtp_recipient to;
    smtp_mail mail;
    memset(&config, 0, sizeof config);
    memset(&io, 0, sizeof io);
    memset(&to, 0, sizeof to);
    memset(&mail, 0, sizeof mail);
    config.tls = SMTP_TLS_NONE;
    io.ctx = &calls;
    io.recv = no_recv;
    io.send = no_send;
    to.address = "ops@b";
    mail.to = &to;
    mail.to_count = 1;
    mail.body = smtp_text("hi\n");
    CHECK_NUMBER(smtp_open(&s, &io, &config, buffer, 64), SMTP_OK);
    CHECK_NUMBER(smtp_send(&s, &mail), SMTP_AGAIN);
    CHECK_NUMBER(mail.status, SMTP_AGAIN);
    CHECK_NUMBER(smtp_wants(&s), SMTP_READ);
    CHECK_NUMBER(smtp_send(&s, &mail), SMTP_E_BUSY);
    CHECK_NUMBER(smtp_noop(&s), SMTP_E_BUSY);
    CHECK_NUMBER(smtp_quit(&s), SMTP_E_BUSY);
    CHECK_NUMBER(smtp_run(&s), SMTP_AGAIN);
    smtp_close(&s);
    CHECK_NUMBER(mail.status, SMTP_NOT_TAKEN);
    CHECK_NUMBER(to.status, SMTP_NOT_TAKEN);
    memset(&config, 0x55, sizeof config);    /* it is the caller's again */
    memset(&io, 0x55, sizeof io);
    CHECK_NUMBER(smtp_run(&s), SMTP_E_CLOSED);
    CHECK_NUMBER(smtp_noop(&s), SMTP_E_CLOSED);
    CHECK_NUMBER(smtp_login(&s), SMTP_E_CLOSED);
    CHECK_NUMBER(smtp_starttls(&s), SMTP_E_CLOSED);
    CHECK_NUMBER(smtp_mail_from(&s, "box@a", NULL), SMTP_E_CLOSED);
    CHECK_NUMBER(smtp_rcpt_to(&s, "ops@b", NULL), SMTP_E_CLOSED);
    CHECK_NUMBER(smtp_data(&s, &mail.body), SMTP_E_CLOSED);
    CHECK_NUMBER(smtp_has_extn(&s, "SIZE"), 0);
    CHECK_NUMBER(smtp_deadline(&s), 0);
    CHECK_NUMBER(smtp_send(&s, &mail), SMTP_E_CLOSED);
    CHECK_NUMBER(mail.status, SMTP_NOT_TAKEN);
    CHECK_NUMBER(smtp_quit(&s), SMTP_OK);
}

/* ---- around it ----------------------------------------------------------- */

static const char *status_names(int status)
{
    return play_status(status);
}

static void check_texts(void)
{
    int status;
    const char *unknown = smtp_status_text(12345);
    CHECK_TEXT(unknown, "unknown status");
    CHECK_TEXT(smtp_status_text(SMTP_OK), "success");
    CHECK_TEXT(smtp_status_text(SMTP_STATUS_END), unknown);
    CHECK_TEXT(smtp_status_text(-12345), unknown);
    for (status = 0; status > SMTP_STATUS_END; status--) {
        CHECK(strcmp(status_names(status), "?") != 0);
        CHECK(strcmp(smtp_status_text(status), unknown) != 0);
    }
}

/* Where there is no text, none is made up: the mail is refused. */
static void check_bodies(void)
{
    smtp_body body = smtp_text(NULL);
    CHECK(body.data == NULL && body.size > 0);
    body = smtp_text("hello");
    CHECK_NUMBER(body.size, 5);
    CHECK(memcmp(body.data, "hello", 5) == 0);
    CHECK(body.pull == NULL && body.flags == 0);
    body = smtp_bytes("a\0b", 3);
    CHECK_NUMBER(body.size, 3);
    CHECK(memcmp(body.data, "a\0b", 3) == 0);
    CHECK(body.pull == NULL && body.flags == 0);
}

/* ---- what EHLO offered --------------------------------------------------- */

static smtp_io wire_io(wire *w)
{
    smtp_io io;
    memset(&io, 0, sizeof io);
    io.ctx = w;
    io.recv = wire_recv;
    io.send = wire_send;
    io.close = wire_close;
    return io;
}

typedef struct script_bytes {
    const char *at;
    size_t size;
} script_bytes;

static ptrdiff_t script_recv(void *ctx, void *buffer, size_t size)
{
    script_bytes *in = (script_bytes *)ctx;
    size_t n = in->size < size ? in->size : size;
    memcpy(buffer, in->at, n);
    in->at += n;
    in->size -= n;
    return n ? (ptrdiff_t)n : (ptrdiff_t)SMTP_EOF;
}

static ptrdiff_t script_send(void *ctx, const void *data, size_t size)
{
    (void)ctx, (void)data;
    return (ptrdiff_t)size;
}

static void check_offers(smtp_session *s)
{
    static const char *const has[] = {
        "PIPELINING", "pipelining", "Size", "8BITMIME", "STARTTLS", "AUTH",
        "DSN", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "SMTPUTF8"
    };
    static const char *const has_not[] = {
        "PIPELININ", "PIPELINING2", "", " ", "mx", "PLAIN", "8BITMIM", "250"
    };
    size_t i;
    for (i = 0; i < sizeof has / sizeof *has; i++)
        CHECK(smtp_has_extn(s, has[i]) == 1);
    for (i = 0; i < sizeof has_not / sizeof *has_not; i++)
        CHECK(smtp_has_extn(s, has_not[i]) == 0);
    CHECK_NUMBER(s->offers, 2047);
    CHECK_NUMBER(s->auth, SMTP_AUTH_PLAIN | SMTP_AUTH_LOGIN |
                          SMTP_AUTH_CRAM_MD5);
    CHECK_NUMBER(s->limit, 1234567);
}

/* A reply that is cut anywhere: its text, as far as it came, is a string. */
static void check_cut_reply(void)
{
    static const char text[] = "250-one\r\n250-two and more\r\n250 three\r\n";
    static const dialogue none = {"none", "", NULL, ""};
    size_t n;
    for (n = 0; n < sizeof text; n++) {
        scene what;
        script_bytes in;
        smtp_io io;
        smtp_session s;
        char buffer[256];
        memset(buffer, 'x', sizeof buffer);
        memset(&io, 0, sizeof io);
        scene_read(&what, &none);
        in.at = text;
        in.size = n;
        io.ctx = &in;
        io.recv = script_recv;
        io.send = script_send;
        CHECK_NUMBER(smtp_open(&s, &io, &what.config, buffer, sizeof buffer),
                     SMTP_OK);
        CHECK_NUMBER(smtp_greet(&s), n + 1 < sizeof text ? SMTP_EOF : SMTP_OK);
        CHECK(strlen(s.reply.text) == s.reply.length);
        if (s.reply.length && s.reply.text[s.reply.length - 1] == '\r')
            s.reply.text[s.reply.length - 1] = 0;   /* no line end yet */
        CHECK(strstr("one\ntwo and more\nthree", s.reply.text) != NULL);
        smtp_close(&s);
    }
}

static const dialogue everything = {
    "everything",
    "EHLO 250-mx|250-PIPELINING|250-SIZE 1234567|250-8bitmime|250-STARTTLS|"
    "250-AUTH LOGIN CRAM-MD5 PLAIN|250-DSN|250-ENHANCEDSTATUSCODES|"
    "250-CHUNKING|250-BINARYMIME|250 SMTPUTF8\nEHLO 250 mx\nNOOP 250 a|"
    "250 2.6.0 ok\nVRFY 550-5.1.1 who|550 5.1.1 is that\n", NULL, ""
};

/* By hand, with the reply's text and the stage after each. */
static void check_by_hand(size_t size)
{
    scene what;
    peer server;
    wire line;
    smtp_io io;
    smtp_session s;
    wire_habit habit;
    char *buffer = guard_bytes(size);
    memset(&server, 0, sizeof server);
    memset(&habit, 0, sizeof habit);
    scene_read(&what, &everything);
    buffer = guard_bytes(size);
    peer_start(&server, &what.script);
    wire_start(&line, &server, &habit);
    io = wire_io(&line);
    CHECK_NUMBER(smtp_open(&s, &io, &what.config, buffer, size), SMTP_OK);
    CHECK_NUMBER(smtp_has_extn(&s, "SIZE"), 0);
    CHECK_NUMBER(smtp_greet(&s), SMTP_OK);
    CHECK_TEXT(s.reply.text, "mx ESMTP");
    CHECK_TEXT(smtp_stage(&s), "greeting");
    CHECK_NUMBER(smtp_ehlo(&s), SMTP_OK);
    CHECK_TEXT(smtp_stage(&s), "EHLO");
    check_offers(&s);
    CHECK_NUMBER(smtp_verify(&s, "ops"), SMTP_E_REFUSED);
    CHECK_TEXT(s.reply.text, "5.1.1 who\n5.1.1 is that");
    CHECK_NUMBER(s.reply.code.reply, 550);
    CHECK_NUMBER(s.reply.code.subject, 1);
    CHECK_NUMBER(s.reply.code.detail, 1);
    CHECK_NUMBER(smtp_ehlo(&s), SMTP_OK);
    CHECK_NUMBER(smtp_has_extn(&s, "SIZE"), 0);
    CHECK_NUMBER(s.offers, SMTP_EXT_ESMTP);
    CHECK_NUMBER(s.limit, 0);
    CHECK_NUMBER(smtp_quit(&s), SMTP_OK);
    CHECK_NUMBER(line.closes, 1);
    CHECK(server.fault == NULL);
    peer_stop(&server);
}

/* ---- one mail again and again -------------------------------------------- */

/* What an earlier round left in a mail does not matter: the same one goes from
   config->next, and by smtp_send(). */
typedef struct rounds {
    smtp_mail mail[2];
    smtp_recipient to[2];
    int given, told;
} rounds;

static int rounds_next(void *ctx, smtp_mail **mail)
{
    rounds *r = (rounds *)ctx;
    if (r->given == 2)
        return SMTP_AGAIN;
    *mail = &r->mail[r->given++];
    return SMTP_OK;
}

static void rounds_done(void *ctx, smtp_mail *mail)
{
    rounds *r = (rounds *)ctx;
    CHECK_NUMBER(mail->status, SMTP_OK);
    r->told++;
}

static void check_rounds(void)
{
    static const dialogue text = {
        "rounds", "offer PIPELINING;CHUNKING\n", NULL, ""
    };
    static const int order[] = {0, 1, 0, 1, 1, 0, 0};
    scene what;
    peer server;
    wire line;
    smtp_io io;
    smtp_session s;
    wire_habit habit;
    rounds r;
    size_t i;
    memset(&server, 0, sizeof server);
    memset(&habit, 0, sizeof habit);
    memset(&r, 0, sizeof r);
    scene_read(&what, &text);
    peer_start(&server, &what.script);
    wire_start(&line, &server, &habit);
    io = wire_io(&line);
    for (i = 0; i < 2; i++) {
        r.to[i].address = "ops@b";
        r.mail[i].to = &r.to[i];
        r.mail[i].to_count = 1;
        r.mail[i].body = smtp_text("hi\n");
    }
    what.config.ctx = &r;
    what.config.next = rounds_next;
    what.config.done = rounds_done;
    CHECK_NUMBER(smtp_open(&s, &io, &what.config, guard_bytes(512), 512),
                 SMTP_OK);
    CHECK_NUMBER(smtp_greet(&s), SMTP_OK);   /* that alone */
    CHECK_NUMBER(r.given, 0);
    for (i = 0; i < 3; i++) {
        r.given = 0;
        CHECK_NUMBER(smtp_run(&s), SMTP_AGAIN);
        CHECK_NUMBER(r.told, 2 * (int)i + 2);
    }
    smtp_close(&s);
    CHECK_NUMBER(server.stored, 6);
    peer_stop(&server);
    peer_start(&server, &what.script);
    wire_start(&line, &server, &habit);
    what.config.next = NULL;
    CHECK_NUMBER(smtp_open(&s, &io, &what.config, guard_bytes(512), 512),
                 SMTP_OK);
    for (i = 0; i < sizeof order / sizeof *order; i++)
        CHECK_NUMBER(smtp_send(&s, &r.mail[order[i]]), SMTP_OK);
    CHECK_NUMBER(r.told, 6 + (int)i);
    CHECK_NUMBER(smtp_quit(&s), SMTP_OK);
    CHECK_NUMBER(server.stored, i);
    peer_stop(&server);
}

/* ---- a source that does not say the same twice -------------------------- */

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
    reading *r = (reading *)ctx;
    size_t has;
    if (offset == 0 && ++r->readings == 2 && r->to_the_end)
        r->session->at = (smtp_size)-1 - 5;
    has = r->readings == 1 && !r->once ? r->first : r->second;
    if (offset >= has)
        return 0;
    *data = text + offset;
    return (ptrdiff_t)(has - (size_t)offset);
}

/* The mail's status, and whether the server has stored one. */
static void check_reading(const char *offer, reading *r, smtp_status status,
                          int stored)
{
    char text[80];
    dialogue two;
    scene what;
    peer server;
    wire line;
    smtp_io io;
    smtp_session s;
    wire_habit habit;
    smtp_recipient to[2];
    smtp_mail mail;
    snprintf(text, sizeof text, "offer %s\n", offer);
    memset(&two, 0, sizeof two);
    two.name = "two readings";
    two.setup = text;
    two.told = "";
    memset(&server, 0, sizeof server);
    memset(&habit, 0, sizeof habit);
    memset(to, 0, sizeof to);
    memset(&mail, 0, sizeof mail);
    scene_read(&what, &two);
    peer_start(&server, &what.script);
    wire_start(&line, &server, &habit);
    io = wire_io(&line);
    r->session = &s;
    to[0].address = "ops@b";
    to[1].address = "dev@b";
    mail.to = to;
    mail.to_count = 2;
    mail.body.pull = reading_pull;
    mail.body.ctx = r;
    mail.body.size = (smtp_size)r->declared;
    mail.body.flags = r->once ? SMTP_BODY_ONCE : 0;
    CHECK_NUMBER(smtp_open(&s, &io, &what.config, guard_bytes(512), 512),
                 SMTP_OK);
    CHECK_NUMBER(smtp_send(&s, &mail),
                 status == SMTP_OK ? SMTP_OK : SMTP_E_BODY);
    CHECK_NUMBER(mail.status, status);
    CHECK_NUMBER(server.stored, stored);
    smtp_close(&s);
    peer_stop(&server);
}

/* A source that cannot go back and does not say so has nothing the second time:
   an empty mail must not pass for the whole one. One that has grown meanwhile
   loses nothing under DATA. */
static void check_readings(void)
{
    static const char *const offers[] = {
        "SIZE", "SIZE;CHUNKING", "SIZE;LIMITS RCPTMAX=1"
    };
    size_t i, n;
    for (i = 0; i < 3; i++)
        for (n = 0; n <= 30; n++) {
            reading r;
            memset(&r, 0, sizeof r);
            r.first = 30;
            r.second = n;
            check_reading(offers[i], &r, n < 30 ? SMTP_NOT_TAKEN : SMTP_OK,
                          n < 30 ? 0 : i == 2 ? 2 : 1);
            CHECK_NUMBER(r.readings, n == 30 && i == 2 ? 3 : 2);
            r.readings = 0;
            r.second = 30;
            r.to_the_end = 1;
            check_reading(offers[i], &r, SMTP_NOT_TAKEN, 0);
            r.readings = 0;
            r.first = n;
            r.to_the_end = 0;
            if (i == 0)
                check_reading(offers[i], &r, SMTP_OK, 1);
        }
}

/* One that is shorter than it declared, read once. */
static void check_declared(void)
{
    static const char *const offers[] = {
        "HELP", "SIZE", "CHUNKING", "CHUNKING;SIZE;PIPELINING"
    };
    size_t i, n;
    for (i = 0; i < 4; i++)
        for (n = 0; n <= 30; n++) {
            reading r;
            memset(&r, 0, sizeof r);
            r.once = 1;
            r.second = n;
            check_reading(offers[i], &r, SMTP_OK, 1);
            r.readings = 0;
            r.declared = 30;
            check_reading(offers[i], &r, n < 30 ? SMTP_NOT_TAKEN : SMTP_OK,
                          n == 30);
        }
}

/* A transaction that was begun by hand is ended before a mail is sent; nothing
   is ended where none was. */
static void check_hand_then_send(int begun)
{
    static const dialogue text = {"by hand, then a mail", "", NULL, ""};
    scene what;
    peer server;
    wire line;
    smtp_io io;
    smtp_session s;
    wire_habit habit;
    smtp_recipient to;
    smtp_mail mail;
    memset(&server, 0, sizeof server);
    memset(&habit, 0, sizeof habit);
    memset(&to, 0, sizeof to);
    memset(&mail, 0, sizeof mail);
    scene_read(&what, &text);
    peer_start(&server, &what.script);
    wire_start(&line, &server, &habit);
    io = wire_io(&line);
    to.address = "ops@b";
    mail.to = &to;
    mail.to_count = 1;
    mail.body = smtp_text("hi\n");
    CHECK_NUMBER(smtp_open(&s, &io, &what.config, guard_bytes(512), 512),
                 SMTP_OK);
    CHECK_NUMBER(smtp_ehlo(&s), SMTP_OK);
    CHECK_NUMBER(smtp_noop(&s), SMTP_OK);
    CHECK_NUMBER(smtp_starttls(&s), SMTP_E_NO_TLS);  /* no io.starttls */
    if (begun)
        CHECK_NUMBER(smtp_mail_from(&s, "box@a", NULL), SMTP_OK);
    CHECK_NUMBER(smtp_send(&s, &mail), SMTP_OK);
    CHECK_NUMBER(strstr(server.log.data, "RSET") != NULL, begun);
    CHECK_NUMBER(server.stored, 1);
    CHECK(server.fault == NULL);
    smtp_close(&s);
    peer_stop(&server);
}

/* ---- what config->reply is shown ----------------------------------------- */

typedef struct shown {
    char log[400];
} shown;

/* "STAGE CODE [m] [ADDRESS]". */
static void shown_reply(void *ctx, const smtp_session *s, const smtp_mail *mail,
                        const smtp_recipient *to)
{
    shown *log = (shown *)ctx;
    size_t n = strlen(log->log);
    snprintf(log->log + n, sizeof log->log - n, "%s %u%s%s%s\n",
             smtp_stage(s), s->reply.code.reply, mail ? " m" : "",
             to ? " " : "", to ? to->address : "");
}

static void check_shown(const char *setup, const char *want)
{
    dialogue text;
    scene what;
    peer server;
    wire line;
    smtp_io io;
    smtp_session s;
    wire_habit habit;
    smtp_recipient to[3];
    smtp_mail mail;
    shown log;
    memset(&text, 0, sizeof text);
    text.name = "replies shown";
    text.setup = setup;
    text.told = "";
    memset(&server, 0, sizeof server);
    memset(&habit, 0, sizeof habit);
    memset(to, 0, sizeof to);
    memset(&mail, 0, sizeof mail);
    memset(&log, 0, sizeof log);
    scene_read(&what, &text);
    peer_start(&server, &what.script);
    wire_start(&line, &server, &habit);
    io = wire_io(&line);
    what.config.ctx = &log;
    what.config.reply = shown_reply;
    to[0].address = "a@b";
    to[1].address = "c@d";
    to[2].address = "e@f";
    mail.to = to;
    mail.to_count = 3;
    mail.body = smtp_text("hi\n");
    CHECK_NUMBER(smtp_open(&s, &io, &what.config, guard_bytes(512), 512),
                 SMTP_OK);
    CHECK_NUMBER(smtp_send(&s, &mail), SMTP_PARTIAL);
    CHECK_NUMBER(smtp_quit(&s), SMTP_OK);
    CHECK_TEXT(log.log, want);
    peer_stop(&server);
}

int main(void)
{
    check_begin();
    check_alarm(60);
    check_addresses();
    check_all_short();
    check_opening();
    check_missing();
    check_busy();
    check_texts();
    check_bodies();
    check_by_hand(256);
    check_by_hand(4096);
    check_by_hand(96);
    check_readings();
    check_declared();
    check_rounds();
    check_cut_reply();
    check_hand_then_send(0);
    check_hand_then_send(1);
    check_shown("offer PIPELINING\nRCPT 250 ok\nRCPT 550 no\n",
                "greeting 220\nEHLO 250\nMAIL 250 m\nRCPT 250 m a@b\n"
                "RCPT 550 m c@d\nRCPT 250 m e@f\nDATA 354 m\n. 250 m\n"
                "QUIT 221\n");
    check_shown("lmtp\noffer PIPELINING\nRCPT 250 ok\nRCPT 550 no\n",
                "greeting 220\nEHLO 250\nMAIL 250 m\nRCPT 250 m a@b\n"
                "RCPT 550 m c@d\nRCPT 250 m e@f\nDATA 354 m\n. 250 m a@b\n"
                ". 250 m e@f\nQUIT 221\n");
    guard_release();
    return check_end();
}

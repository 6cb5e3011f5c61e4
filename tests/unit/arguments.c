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

/* A byte that may not stand in an address, at each place of addresses of every
   length: long ones are looked at many bytes at a time. */
static void check_places(void)
{
    static const char bad[] = "\r\n <>\t\001\037\177";
    char text[160], *own = text + 80;   /* more of its like before it */
    size_t size, at, k;
    memset(text, 'a', 80);
    for (size = 1; size < 40; size++) {
        snprintf(check_context, sizeof check_context, "%lu bytes",
                 (unsigned long)size);
        memset(own, 'a', size);
        own[size] = 0;
        CHECK_NUMBER(smtp_address_check(guard_text(text) + 80), 1);
        for (at = 0; at < size; at++) {
            for (k = 0; k < sizeof bad - 1; k++) {
                own[at] = bad[k];
                CHECK_NUMBER(smtp_address_check(guard_text(text) + 80), 0);
            }
            own[at] = '~';
            CHECK_NUMBER(smtp_address_check(guard_text(text) + 80), 1);
            own[at] = '\303';
            CHECK_NUMBER(smtp_address_check(guard_text(text) + 80),
                         SMTP__UTF8 ? 2 : 0);
            own[at] = 'a';
            guard_release();
        }
    }
    check_context[0] = 0;
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

int main(void)
{
    check_begin();
    check_alarm(60);
    check_addresses();
    check_places();
    check_all_short();
    check_opening();
    check_missing();
    check_busy();
    check_texts();
    check_bodies();
    check_by_hand(256);
    check_by_hand(4096);
    check_by_hand(96);
    guard_release();
    return check_end();
}

/* compose.c - a mail from fields: its bytes, its limits, what is refused, and
   the way it takes through a session */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "check.h"
#include "guard.h"

enum { MOST = 400000 };

static char out[MOST], again[MOST];

static const smtp_mailbox two[] = {
    {"box@example.org", NULL, SMTP_FROM},
    {"ops@example.net", NULL, SMTP_TO}
};

static smtp_composer composer;
static smtp_mail mail;
static smtp_recipient to[8];

static smtp_message plain(const char *text)
{
    smtp_message m;
    memset(&m, 0, sizeof m);
    m.who = two;
    m.who_count = 2;
    if (text)
        m.text = smtp_text(text);
    return m;
}

static smtp_status compose(const smtp_message *m)
{
    memset(&mail, 0, sizeof mail);
    return smtp_compose(&composer, m, &mail, to, 8);
}

/* The whole mail, as a string; its size. */
static long pull_all(char *into)
{
    long at = 0;
    for (;;) {
        const char *data = NULL;
        ptrdiff_t n = mail.body.pull(mail.body.ctx, (smtp_size)at, &data);
        if (n == SMTP_AGAIN)
            continue;
        if (n <= 0 || at + n >= MOST) {
            into[at] = 0;
            return n ? (long)n : at;
        }
        memcpy(into + at, data, (size_t)n);
        at += (long)n;
    }
}

static void check_mail(const smtp_message *m, const char *want)
{
    CHECK_NUMBER(compose(m), SMTP_OK);
    CHECK_NUMBER(pull_all(out), strlen(want));
    CHECK_TEXT(out, want);
    CHECK_NUMBER(mail.body.size, strlen(want));
    CHECK(mail.body.flags & SMTP_BODY_CANONICAL);
}

/* ---- bytes --------------------------------------------------------------- */

static void test_text(void)
{
    smtp_message m = plain("/var is at 97 %\n");
    m.subject = "disk";
    m.date = 1795000000;
    m.zone = 60;
    m.unique[1] = 7;
    check_mail(&m, "From: box@example.org\r\n"
                   "To: ops@example.net\r\n"
                   "Subject: disk\r\n"
                   "Date: Wed, 18 Nov 2026 12:06:40 +0100\r\n"
                   "Message-ID: <6AFD86C0.0000000000000007@example.org>\r\n"
                   "MIME-Version: 1.0\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\n"
                   "\r\n"
                   "/var is at 97 %\r\n");
    m = plain("a");
    m.id = "7@example.org";
    m.flowed = 1;
    check_mail(&m, "From: box@example.org\r\n"
                   "To: ops@example.net\r\n"
                   "Message-ID: <7@example.org>\r\n"
                   "MIME-Version: 1.0\r\n"
                   "Content-Type: text/plain; charset=utf-8; format=flowed\r\n"
                   "\r\n"
                   "a\r\n");
    m = plain(NULL);
    check_mail(&m, "From: box@example.org\r\n"
                   "To: ops@example.net\r\n"
                   "MIME-Version: 1.0\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\n"
                   "\r\n");
}

/* Every month and leap year's end, against a calendar counted day by day. */
static void test_dates(void)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
                                 31};
    static const char *const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static const char *const names = "ThuFriSatSunMonTueWed";
    smtp_message m = plain("");
    char want[48];
    uint32_t day = 0;
    int year, month, of_month;
    for (year = 1970; year < 2106; year++)
        for (month = 0; month < 12; month++) {
            int leap = month == 1 && year % 4 == 0 && year != 2100;
            for (of_month = 1; of_month <= length[month] + leap; of_month++) {
                m.date = day * 86400 + 86399;
                if (of_month < 3 || of_month > 27) {
                    snprintf(want, sizeof want, "Date: %.3s, %02d %.3s %d "
                             "23:59:59 +0000\r\n", names + day % 7 * 3,
                             of_month, months + month * 3, year);
                    compose(&m);
                    pull_all(out);
                    CHECK(strstr(out, want) != NULL);
                }
                day++;
            }
        }
    m.date = 86400;
    m.zone = -90;
    compose(&m);
    pull_all(out);
    CHECK(strstr(out, "Date: Thu, 01 Jan 1970 22:30:00 -0130\r\n") != NULL);
}

static void test_parts(void)
{
    smtp_part part[2];
    smtp_message m = plain("t\n");
    memset(part, 0, sizeof part);
    part[0].name = "l.png";
    part[0].type = "image/png";
    part[0].id = "l@x.y";
    part[0].disposition = SMTP_INLINE;
    part[0].body = smtp_bytes("\0\1\2\3", 4);
    part[1].name = "\xC3\xA4 b.txt";
    m.html = smtp_text("<p>=\xC3\xA4\n");
    m.parts = part;
    m.part_count = 2;
    m.boundary = 0x1234;
    check_mail(&m,
        "From: box@example.org\r\nTo: ops@example.net\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed;\r\n boundary=\"=_000012341\"\r\n"
        "\r\n\r\n--=_000012341\r\n"
        "Content-Type: multipart/alternative;\r\n"
        " boundary=\"=_000012343\"\r\n"
        "\r\n\r\n--=_000012343\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nt\r\n"
        "\r\n--=_000012343\r\n"
        "Content-Type: multipart/related; type=\"text/html\";\r\n"
        " boundary=\"=_000012347\"\r\n"
        "\r\n\r\n--=_000012347\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nPHA+PcOkDQo="
        "\r\n--=_000012347\r\n"
        "Content-Type: image/png\r\n"
        "Content-ID: <l@x.y>\r\n"
        "Content-Disposition: inline;\r\n filename=\"l.png\"\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nAAECAw=="
        "\r\n--=_000012347--\r\n"
        "\r\n--=_000012343--\r\n"
        "\r\n--=_000012341\r\n"
        "Content-Type: application/octet-stream\r\n"
        "Content-Disposition: attachment;\r\n"
        " filename*=utf-8''%C3%A4%20b.txt\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
        "\r\n--=_000012341--\r\n");
}

static void test_people(void)
{
    static const smtp_mailbox who[] = {
        {"x@y.z", "Hidden", SMTP_BCC},
        {"a@b.c", "Doe, \"J\"", SMTP_TO},
        {"d@e.f", "J\xC3\xBCrgen", SMTP_CC},
        {"g@h.i", "Plain Name", SMTP_TO},
        {"s@t.u", "", SMTP_SENDER},
        {"\"q r\"@[1.2.3.4]", NULL, SMTP_REPLY_TO},
        {"f@g.h", NULL, SMTP_FROM},
        {"i@j.k", NULL, SMTP_FROM}
    };
    smtp_message m = plain("");
    smtp_recipient none[4];        /* but for the address */
    int i;
    m.who = who;
    m.who_count = 8;
    check_mail(&m, "From: f@g.h, i@j.k\r\n"
                   "Sender: s@t.u\r\n"
                   "Reply-To: \"q r\"@[1.2.3.4]\r\n"
                   "To: \"Doe, \\\"J\\\"\" <a@b.c>, \"Plain Name\" <g@h.i>\r\n"
                   "Cc: =?utf-8?Q?J=C3=BCrgen?= <d@e.f>\r\n"
                   "MIME-Version: 1.0\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\n\r\n");
    CHECK_TEXT(mail.from, "s@t.u");
    CHECK_NUMBER(mail.to_count, 4);
    CHECK_TEXT(mail.to[0].address, "x@y.z");
    CHECK_TEXT(mail.to[3].address, "g@h.i");
    memset(to, 0x55, sizeof to);
    memset(none, 0, sizeof none);
    CHECK_NUMBER(compose(&m), SMTP_OK);
    for (i = 0; i < 4; i++)
        none[i].address = mail.to[i].address;
    CHECK(memcmp(to, none, sizeof none) == 0);
    memset(&mail, 0, sizeof mail);
    CHECK_NUMBER(smtp_compose(&composer, &m, &mail, to, 3), SMTP_E_ARGUMENT);
    memset(&mail, 0, sizeof mail);
    CHECK_NUMBER(smtp_compose(&composer, &m, &mail, NULL, 0), SMTP_OK);
    CHECK(mail.to == NULL && mail.to_count == 0);
}

/* A name of 60 bytes with its quotes and what is escaped is not encoded. */
static void test_quoted(void)
{
    static const struct {
        const char *name, *want;
    } rows[] = {
        {"A \"nickname\" and a \\ within a name that is rather long.",
         "\"A \\\"nickname\\\" and a \\\\ within a name that is rather "
         "long.\""},
        {"A \"nickname\" and a \\ within a name that is rather long..",
         "=?utf-8?Q?A_=22nickname=22_and_a_=5C_within_a_name"},
    };
    smtp_mailbox who[2];
    smtp_message m = plain("");
    size_t i;
    memcpy(who, two, sizeof who);
    m.who = who;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        who[1].name = rows[i].name;
        CHECK_NUMBER(compose(&m), SMTP_OK);
        pull_all(out);
        CHECK(strstr(out, rows[i].want) != NULL);
    }
}

/* 7bit, 8bit, quoted-printable or base64; nothing that is sent as it is may
   hold the boundary. */
static void test_encodings(void)
{
    static const struct {
        const char *text, *want;
        uint16_t offers;
    } rows[] = {
        {"a\n.\n", "\r\n\r\na\r\n.\r\n", 0},
        {"a\rb\r\r\nc\n\nd", "\r\n\r\na\r\nb\r\n\r\nc\r\n\r\nd\r\n", 0},
        {"From a\n", "\r\n\r\nFrom a\r\n", 0},
        {"\xC3\xA4 is a letter = \n.b\t",
         "\r\n\r\n=C3=A4 is a letter =3D =\r\n\r\n.b\t=\r\n", 0},
        {"--=_00000001\n", "\r\n\r\n--=3D_00000001\r\n", 0},
        {"--=_00000002\n", "\r\n\r\n--=_00000002\r\n", 0},
        {"\xC3\xA4 is one letter\n",
         "\r\n\r\n=C3=A4 is one letter\r\n", 0},
        {"\xC3\xA4 is one letter\n", "8bit\r\n\r\n\xC3\xA4 is one letter\r\n",
         SMTP_EXT_8BITMIME},
        {"\xC3\xA4 a line of text that is longer than quoted-printable lets it"
         " be in a mail, so that it\n", "quoted-printable\r\n\r\n"
         "=C3=A4 a line of text that is longer than quoted-printable lets it"
         " be in =\r\na mail, so that it\r\n", 0},
        {"\xC3\xA4 !~=\t\x7F no letter of it is missed~",
         "quoted-printable\r\n\r\n"
         "=C3=A4 !~=3D\t=7F no letter of it is missed~", 0},
        {"\xC3\xA4\xC3\xA4\n", "base64\r\n\r\nw6TDpA0K\r\n", 0}
    };
    size_t i;
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        smtp_message m = plain(rows[i].text);
        m.boundary = 1;
        m.offers = rows[i].offers;
        CHECK_NUMBER(compose(&m), SMTP_OK);
        CHECK_NUMBER(pull_all(out), mail.body.size);
        CHECK(strstr(out, rows[i].want) != NULL);
        CHECK(!(mail.body.flags & SMTP_BODY_8BIT) == !rows[i].offers);
    }
}

/* Lines of 998 bytes go as they are, longer ones do not. */
static void test_longest_line(void)
{
    static char text[1001];
    smtp_message m = plain(text);
    memset(text, 'x', 998);
    text[998] = '\n';
    m.text = smtp_text(text);
    CHECK_NUMBER(compose(&m), SMTP_OK);
    pull_all(out);
    CHECK(strstr(out, "Encoding") == NULL);
    text[998] = 'x';
    text[999] = '\n';
    m.text = smtp_text(text);
    CHECK_NUMBER(compose(&m), SMTP_OK);
    pull_all(out);
    CHECK(strstr(out, "quoted-printable") != NULL);
}

static void test_binary(void)
{
    smtp_part part;
    smtp_message m = plain("t\n");
    memset(&part, 0, sizeof part);
    part.body = smtp_bytes("\r\n\0\n\xFF", 5);
    m.parts = &part;
    m.part_count = 1;
    m.boundary = 1;
    m.offers = SMTP_EXT_BINARYMIME;
    CHECK_NUMBER(compose(&m), SMTP_OK);
    CHECK_NUMBER(pull_all(out), mail.body.size);
    CHECK_NUMBER(mail.body.flags, SMTP_BODY_BINARY);
    CHECK(memcmp(out + mail.body.size - 19 - 9, "\r\n\r\n\r\n\0\n\xFF", 9) ==
          0);
    part.body = smtp_bytes("\n--=_00000001", 13);
    CHECK_NUMBER(compose(&m), SMTP_OK);
    CHECK(mail.body.flags & SMTP_BODY_CANONICAL);
    pull_all(out);
    CHECK(strstr(out, "base64\r\n\r\nCi0tPV8wMDAwMDAwMQ==\r\n") != NULL);
}

/* Each digit of base64, at each place of a line. */
static void test_base64(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    static char bytes[65 * 48];
    smtp_message m = plain("t\n");
    smtp_part part;
    size_t i, bit, wrong = 0;
    char *p;
    for (i = 0; i < 65 * 64; i++)  /* 64 begin with the next digit */
        for (bit = 0; bit < 6; bit++)
            if ((i + i / 64) % 64 >> (5 - bit) & 1)
                bytes[(6 * i + bit) / 8] |= (char)(128 >> (6 * i + bit) % 8);
    memset(&part, 0, sizeof part);
    part.body = smtp_bytes(bytes, sizeof bytes);
    m.parts = &part;
    m.part_count = 1;
    CHECK_NUMBER(compose(&m), SMTP_OK);
    pull_all(out);
    p = strstr(out, "base64\r\n\r\n");
    if (!CHECK(p != NULL))
        return;
    for (p += 10, i = 0; i < 65 * 64; i++, p++) {
        if (i && i % 76 == 0)
            p += strspn(p, "\r\n");
        wrong += *p != digits[(i + i / 64) % 64];
    }
    CHECK_NUMBER(wrong, 0);
}

/* A part of any length has its last line as it should. */
static void test_line_ends(void)
{
    static const char bytes[200] = {'x', 'y', 'z'};
    smtp_message m = plain("t\n");
    smtp_part part;
    size_t n;
    memset(&part, 0, sizeof part);
    m.parts = &part;
    m.part_count = 1;
    for (n = 1; n < sizeof bytes; n++) {
        size_t digits = (n + 2) / 3 * 4;
        char *p, *end;
        part.body = smtp_bytes(bytes, n);
        CHECK_NUMBER(compose(&m), SMTP_OK);
        CHECK_NUMBER(pull_all(out), mail.body.size);
        p = strstr(out, "base64\r\n\r\n");
        end = p ? strstr(p, "\r\n--=_") : NULL;
        if (CHECK(end != NULL))
            CHECK_NUMBER(end - p - 10, digits + (digits - 1) / 76 * 2);
    }
}

/* What looks odd and is right; spaces more than needed between identifiers. */
static void test_accepted(void)
{
    static const char *const good[] = {
        "\"a[b]\\\"c\"@d", "a@[IPv6:2001:db8::1]", "a@[192.0.2.1]",
        "a+b/c@d-e.f", "a@b_c"
    };
    smtp_mailbox who[2];
    smtp_field field;
    smtp_message m = plain("");
    size_t i;
    memcpy(who, two, sizeof who);
    m.who = who;
    for (i = 0; i < sizeof good / sizeof *good; i++) {
        who[1].address = good[i];
        CHECK_NUMBER(compose(&m), SMTP_OK);
        CHECK_NUMBER(smtp_address_check(good[i]), 1);
    }
    field.name = "Contents";
    field.value = "\xF4\x8F\xBF\xBF";                /* U+10FFFF */
    m.fields = &field;
    m.field_count = 1;
    m.references = " <a@b>  <c@d> ";
    CHECK_NUMBER(compose(&m), SMTP_OK);
    pull_all(out);
    CHECK(strstr(out, "References: <a@b> <c@d>\r\n") != NULL);
    CHECK(strstr(out, "\r\nContents: =?utf-8?B?9I+/vw==?=\r\n") != NULL);
}

/* A space that a fold could swallow is encoded, and all with it; so is a word
   that is too long, and what cannot stand as it is. */
static void test_spaces(void)
{
    static const char *const rows[][2] = {
        {"one two three", "one two three"},
        {"one  two", "=?utf-8?Q?one__two?="},
        {" one", "=?utf-8?Q?_one?="},
        {"one two ", "=?utf-8?Q?one_two_?="},
        {"a 60-letters-60-letters-60-letters-60-letters-60-letters-60-le",
         "a 60-letters-60-letters-60-letters-60-letters-60-letters-60-le"},
        {"a 60-letters-60-letters-60-letters-60-letters-60-letters-60-let",
         "=?utf-8?Q?a_60-letters-60-letters-60-letters-60-letter?=\r\n"
         " =?utf-8?Q?s-60-letters-60-let?="},
        {"a\x7F", "=?utf-8?Q?a=7F?="},
        {"abcdef\xC3\xBC", "=?utf-8?Q?abcdef=C3=BC?="},  /* as long as B */
        {"abcde\xC3\xBC\xC3\xBC", "=?utf-8?B?YWJjZGXDvMO8?="},
        {NULL, NULL}
    };
    smtp_message m = plain("");
    char want[200];
    int i;
    for (i = 0; rows[i][0]; i++) {
        m.subject = rows[i][0];
        CHECK_NUMBER(compose(&m), SMTP_OK);
        pull_all(out);
        snprintf(want, sizeof want, "\r\nSubject: %s\r\n", rows[i][1]);
        CHECK(strstr(out, want) != NULL);
    }
}

/* UTF-8 in the header only where an address needs it and it is offered. */
static void test_utf8(void)
{
    static const smtp_mailbox who[] = {
        {"b\xC3\xBCro@example.org", "B\xC3\xBCro", SMTP_FROM},
        {"ops@example.net", NULL, SMTP_TO}
    };
    smtp_mailbox other[2];
    smtp_message m = plain("");
    m.who = who;
    m.subject = "\xC3\x9C";
    CHECK_NUMBER(compose(&m), SMTP_E_UTF8);
    CHECK_TEXT(composer.field, "From");
    m.offers = SMTP_EXT_SMTPUTF8;
    CHECK_NUMBER(compose(&m), SMTP_OK);
    pull_all(out);
    CHECK(strstr(out, "From: \"B\xC3\xBCro\" <b\xC3\xBCro@example.org>\r\n") &&
          strstr(out, "Subject: \xC3\x9C\r\n"));
    CHECK(mail.body.flags & SMTP_BODY_UTF8);
    memcpy(other, who, sizeof other);
    other[1].name = "\xFF";
    m.who = other;
    CHECK_NUMBER(compose(&m), SMTP_E_FIELD_UTF8);
    CHECK_TEXT(composer.field, "To");
    m.who = two;
    CHECK_NUMBER(compose(&m), SMTP_OK);
    pull_all(out);
    CHECK(strstr(out, "Subject: =?utf-8?B?w5w=?=\r\n") != NULL);
    CHECK(!(mail.body.flags & SMTP_BODY_UTF8));
}

/* ---- refused ------------------------------------------------------------- */

static void refused(const smtp_message *m, smtp_status status,
                    const char *field, unsigned item)
{
    CHECK_NUMBER(compose(m), status);
    CHECK_TEXT(composer.field ? composer.field : "none", field);
    CHECK_NUMBER(composer.item, item);
}

static void test_refused(void)
{
    static const char *const bad[] = {
        "", "a", "a@", "@b", "a@b@c", ".a@b", "a.@b", "a..b@c", "a@b.",
        "a@.b", "a b@c", "a,b@c", "<a@b>", "a@b>", "a@b\r\nx", "a@[b", "\"a@b",
        "\"a\"b@c", "\"a\r\n\"@c", "a(b)@c", "a@b:25", "a@[b]c", "a@[b c]",
        "a;@b", "a@b/c", NULL
    };
    smtp_mailbox who[3];
    smtp_field field[2];
    smtp_part part[2];
    smtp_message m = plain("");
    size_t i;
    memset(who, 0, sizeof who);
    memset(part, 0, sizeof part);
    who[0] = two[0];
    who[1] = two[1];
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        m.who = who;
        m.who_count = 3;
        who[2].address = bad[i];
        who[2].role = SMTP_CC;
        refused(&m, SMTP_E_FIELD_ADDRESS, "Cc", 2);
        who[2].role = SMTP_BCC;
        refused(&m, SMTP_E_FIELD_ADDRESS, "Bcc", 2);
    }
    who[2].address = "\xFF@b";
    refused(&m, SMTP_E_FIELD_UTF8, "Bcc", 2);
    who[2].role = 6;
    CHECK_NUMBER(compose(&m), SMTP_E_ARGUMENT);
    m.who_count = 1;
    refused(&m, SMTP_E_FIELD_MISSING, "To", 0);
    m.who = two + 1;
    refused(&m, SMTP_E_FIELD_MISSING, "From", 0);
    m = plain("");
    m.subject = "a\x80";
    refused(&m, SMTP_E_FIELD_UTF8, "Subject", 0);
    m.subject = "a\xE2\x82";
    refused(&m, SMTP_E_FIELD_UTF8, "Subject", 0);
    m.subject = "a\xF8\x90\x80\x80";
    refused(&m, SMTP_E_FIELD_UTF8, "Subject", 0);
    m.subject = "a\xF4\x90\x80\x80";                 /* U+110000 */
    refused(&m, SMTP_E_FIELD_UTF8, "Subject", 0);
    m.subject = "a\xED\xA0\x80";                      /* a surrogate */
    refused(&m, SMTP_E_FIELD_UTF8, "Subject", 0);
    m.subject = "a b\r\nBcc: x@y.z";
    refused(&m, SMTP_E_FIELD_LINE, "Subject", 0);
    m.subject = NULL;
    field[0].name = "X-A";
    field[0].value = "b";
    field[1].name = "X:A";
    field[1].value = "b";
    m.fields = field;
    m.field_count = 2;
    refused(&m, SMTP_E_FIELD_NAME, "fields", 1);
    field[1].name = "X\x7F";
    refused(&m, SMTP_E_FIELD_NAME, "fields", 1);
    field[1].name = "bCC";
    refused(&m, SMTP_E_FIELD_NAME, "fields", 1);
    field[1].name = NULL;
    refused(&m, SMTP_E_FIELD_NAME, "fields", 1);
    field[1].name = "cONTENT-mD5";
    refused(&m, SMTP_E_FIELD_NAME, "fields", 1);
    field[1].name = "X-B";
    field[1].value = "b\nc";
    refused(&m, SMTP_E_FIELD_LINE, "fields", 1);
    m.field_count = 1;
    m.id = "no id";
    refused(&m, SMTP_E_FIELD_SYNTAX, "Message-ID", 0);
    m.id = "\xC3\xA4@example.org";
    refused(&m, SMTP_E_FIELD_SYNTAX, "Message-ID", 0);
    m = plain("");
    m.parts = part;
    m.part_count = 2;
    part[0].type = "text";
    CHECK_NUMBER(compose(&m), SMTP_E_FIELD_SYNTAX);
    part[0].type = NULL;
    part[1].body = smtp_text(NULL);
    refused(&m, SMTP_E_ARGUMENT, "parts", 1);
    m.offers = SMTP_EXT_BINARYMIME;
    refused(&m, SMTP_E_ARGUMENT, "parts", 1);
    m = plain("");
    m.text = smtp_text(NULL);
    refused(&m, SMTP_E_ARGUMENT, "text/plain", 0);
    m = plain("");
    m.html = smtp_text(NULL);
    refused(&m, SMTP_E_ARGUMENT, "text/html", 0);
}

/* ---- sources ------------------------------------------------------------- */

typedef struct source {
    const char *data;
    size_t size, piece;
    int calls, fail_at, waits;     /* call that fails, by what */
    smtp_size expected;            /* where a source that cannot go back is */
    int went_back;
} source;

static ptrdiff_t source_pull(void *ctx, smtp_size offset, const char **data)
{
    source *s = (source *)ctx;
    size_t n = s->size - (size_t)offset;
    if (++s->calls == s->fail_at)
        return s->waits ? SMTP_AGAIN : -1000;
    if (offset != s->expected)
        s->went_back = 1;
    if (n > s->piece)
        n = s->piece;
    *data = s->data + offset;
    s->expected = offset + (smtp_size)n;
    return (ptrdiff_t)n;
}

static smtp_body from_source(source *s, const char *data, size_t size,
                             size_t piece)
{
    smtp_body b;
    memset(&b, 0, sizeof b);
    memset(s, 0, sizeof *s);
    s->data = data;
    s->size = size;
    s->piece = piece;
    b.pull = source_pull;
    b.ctx = s;
    return b;
}

/* The Nth call says SMTP_AGAIN, or fails; one that cannot go back never has
   to; a size that is known makes that of the mail known. */
static void test_sources(void)
{
    static const char bytes[] = "0123456789 \t\r\n.From =\xC3\xA4   \r\r\n";
    source text, file;
    smtp_part part;
    smtp_message m = plain(NULL);
    long size;
    int n;
    memset(&part, 0, sizeof part);
    m.parts = &part;
    m.part_count = 1;
    m.text = from_source(&text, bytes, sizeof bytes - 1, 4);
    part.body = from_source(&file, bytes, sizeof bytes - 1, 5);
    CHECK_NUMBER(compose(&m), SMTP_OK);
    CHECK_NUMBER(text.calls + file.calls, 0);
    CHECK_NUMBER(mail.body.size, 0);
    size = pull_all(again);
    CHECK(size > 0 && !text.went_back && !file.went_back);
    CHECK(strstr(again, "quoted-printable") && strstr(again, "base64"));
    for (n = 1; n <= 14; n++) {
        m.text = from_source(&text, bytes, sizeof bytes - 1, 4);
        part.body = from_source(&file, bytes, sizeof bytes - 1, 5);
        text.fail_at = file.fail_at = n;
        text.waits = file.waits = 1;
        text.expected = file.expected = 0;
        CHECK_NUMBER(compose(&m), SMTP_OK);
        CHECK_NUMBER(pull_all(out), size);
        CHECK_TEXT(out, again);
        text.calls = file.calls = 0;
        text.waits = file.waits = 0;
        CHECK_NUMBER(pull_all(out), n <= 9 ? (long)SMTP_E_BODY : size);
    }
    m.text = smtp_text("t\n");
    part.body = from_source(&file, bytes, sizeof bytes - 1, 3);
    part.body.size = sizeof bytes - 1;
    part.body.flags = SMTP_BODY_ONCE;
    CHECK_NUMBER(compose(&m), SMTP_OK);
    CHECK(mail.body.flags & SMTP_BODY_ONCE);
    CHECK_NUMBER(pull_all(out), mail.body.size);
    part.body.size--;
    CHECK_NUMBER(compose(&m), SMTP_OK);
    CHECK_NUMBER(pull_all(out), SMTP_E_LENGTH);
    CHECK_TEXT(composer.field, "parts");
    part.body.size += 2;
    CHECK_NUMBER(compose(&m), SMTP_OK);
    CHECK_NUMBER(pull_all(out), SMTP_E_LENGTH);
}

/* From every offset, in every order. */
static void test_offsets(void)
{
    smtp_message m = plain("Gr\xC3\xBC\xC3\x9F" "e from everywhere = here\n");
    const char *data;
    ptrdiff_t n;
    long size, at;
    m.subject = "\xC3\x9C ber all these very very very very very very very "
                "very very very very very very very long subjects";
    CHECK_NUMBER(compose(&m), SMTP_OK);
    size = pull_all(again);
    for (at = 0; at <= size; at++) {
        long other = at * 7919 % size;
        n = mail.body.pull(mail.body.ctx, (smtp_size)at, &data);
        CHECK(at == size ? n == 0 : n > 0 && n <= size - at &&
              memcmp(data, again + at, (size_t)n) == 0);
        n = mail.body.pull(mail.body.ctx, (smtp_size)other, &data);
        CHECK(n > 0 && memcmp(data, again + other, (size_t)n) == 0);
    }
}

/* Going back from within a group of three in base64 leaves nothing of it behind
   for the words of the header. */
static void test_back(void)
{
    static char bytes[100];
    smtp_message m = plain("t");
    smtp_part part;
    const char *data;
    source file;
    long at, size, length;
    memset(&part, 0, sizeof part);
    m.parts = &part;
    m.part_count = 1;
    m.subject = "\xC3\x9C\xC3\x9C";
    part.body = from_source(&file, bytes, sizeof bytes, 1);
    CHECK_NUMBER(compose(&m), SMTP_OK);
    size = pull_all(again);
    for (length = 0; length < (long)sizeof bytes; length++) {
        file.calls = 0;
        file.fail_at = (int)length + 1;
        file.waits = 1;
        CHECK_NUMBER(compose(&m), SMTP_OK);
        for (at = 0; file.calls < file.fail_at;) {
            ptrdiff_t n = mail.body.pull(mail.body.ctx, (smtp_size)at, &data);
            at += n > 0 ? (long)n : 0;
        }
        CHECK_NUMBER(pull_all(out), size);
        CHECK_TEXT(out, again);
    }
}

/* Texts many times as long as the buffer, of short words and of one long run
   to be encoded. */
static void test_long(void)
{
    static char words[60000], name[3000];
    const char *at;
    smtp_message m = plain("");
    smtp_part part;
    size_t i;
    for (i = 0; i + 1 < sizeof words; i++)
        words[i] = i % 5 == 4 ? ' ' : 'x';
    words[sizeof words - 2] = 'x';
    memset(name, '"', sizeof name - 1);
    memset(&part, 0, sizeof part);
    part.name = name;
    m.parts = &part;
    m.part_count = 1;
    m.subject = words;
    CHECK_NUMBER(compose(&m), SMTP_OK);
    CHECK_NUMBER(pull_all(out), mail.body.size);
    CHECK(strstr(out, "filename*0*=utf-8''%22%22") &&
          strstr(out, "filename*123*=%22%22"));
    for (i = 0, at = out; (at = strstr(at, "%22")) != NULL; at++)
        i++;
    CHECK_NUMBER(i, sizeof name - 1);
    part.name = "\xC3\xA4 of 16 bytes.";       /* these fit a line */
    compose(&m);
    pull_all(out);
    CHECK(strstr(out, "filename*=utf-8''%C3%A4%20of%2016%20bytes.") != NULL);
    part.name = "\xC3\xA4 is of 17 bytes";
    compose(&m);
    pull_all(out);
    CHECK(strstr(out, "filename*0*=utf-8''%C3%A4%20is%20of%2017%20bytes"));
    for (i = 0; i + 1 < sizeof words; i++)
        words[i] = i % 5 == 4 ? ' ' : '\1';
    CHECK_NUMBER(compose(&m), SMTP_OK);
    CHECK_NUMBER(pull_all(out), mail.body.size);
}

/* Nothing is read past the end of a string or of a body. */
static void test_guard(void)
{
    static const char tail[] = "From: --=_00000000 \xC3\xA4 =?\xF0\x9F\x98";
    source html;
    size_t n;
    for (n = 0; n < sizeof tail; n++) {
        const char *end = tail + sizeof tail - 1 - n;
        char *page = guard_copy(end, n);
        smtp_message m = plain(NULL);
        m.text = smtp_bytes(page, n);
        m.html = from_source(&html, page, n, 1);
        CHECK_NUMBER(compose(&m), SMTP_OK);
        CHECK(pull_all(out) > 0);
        m.subject = guard_text(end);
        CHECK(compose(&m) == (n > 0 ? SMTP_E_FIELD_UTF8 : SMTP_OK));
        guard_release();
    }
}

/* ---- through a session --------------------------------------------------- */

typedef struct server {
    char in[MOST];                 /* all that was said */
    size_t said, read;             /* bytes of it; bytes understood */
    size_t payload;                /* still to come of BDAT */
    size_t stored_at, stored;      /* where the message is in `in` */
    char reply[512];
    size_t reply_size;
} server;

static server peer;

static void answer(const char *line)
{
    memcpy(peer.reply + peer.reply_size, line, strlen(line));
    peer.reply_size += strlen(line);
}

static void understand(void)
{
    for (;;) {
        char *line = peer.in + peer.read, *end;
        if (peer.payload > 0) {
            if (peer.said - peer.read < peer.payload)
                return;
            peer.read += peer.payload;
            peer.payload = 0;
            answer("250 stored\r\n");
            continue;
        }
        end = (char *)memchr(line, '\n', peer.said - peer.read);
        if (!end)
            return;
        peer.read += (size_t)(end - line) + 1;
        if (memcmp(line, "BDAT ", 5) == 0) {
            peer.payload = strtoul(line + 5, NULL, 10);
            peer.stored_at = peer.read;
            peer.stored = peer.payload;
        } else
            answer(memcmp(line, "EHLO", 4) ? "250 ok\r\n"
                   : "250-x\r\n250-PIPELINING\r\n250-SIZE\r\n250 CHUNKING\r\n");
    }
}

static ptrdiff_t peer_recv(void *ctx, void *buffer, size_t size)
{
    size_t n = peer.reply_size < size ? peer.reply_size : size;
    (void)ctx;
    memcpy(buffer, peer.reply, n);
    memmove(peer.reply, peer.reply + n, peer.reply_size - n);
    peer.reply_size -= n;
    return n ? (ptrdiff_t)n : (ptrdiff_t)SMTP_EOF;
}

static ptrdiff_t peer_send(void *ctx, const void *data, size_t size)
{
    (void)ctx;
    memcpy(peer.in + peer.said, data, size);
    peer.said += size;
    understand();
    return (ptrdiff_t)size;
}

/* SIZE and one BDAT of the whole, without the source being read twice. */
static void test_session(void)
{
    static char log[3000];
    char buffer[256], size_text[32];
    source file;
    smtp_part part;
    smtp_message m = plain("The log.\n");
    smtp_session s;
    smtp_config config;
    smtp_io io;
    long size;
    memset(&peer, 0, sizeof peer);
    memset(&config, 0, sizeof config);
    memset(&io, 0, sizeof io);
    memset(&part, 0, sizeof part);
    memset(log, 'x', sizeof log);
    config.tls = SMTP_TLS_NONE;
    io.recv = peer_recv;
    io.send = peer_send;
    part.body = from_source(&file, log, sizeof log, 512);
    part.body.size = sizeof log;
    part.body.flags = SMTP_BODY_ONCE;
    m.parts = &part;
    m.part_count = 1;
    answer("220 x\r\n");
    CHECK_NUMBER(smtp_open(&s, &io, &config, buffer, sizeof buffer), SMTP_OK);
    CHECK_NUMBER(compose(&m), SMTP_OK);
    CHECK_NUMBER(smtp_send(&s, &mail), SMTP_OK);
    CHECK(!file.went_back);
    CHECK_NUMBER(peer.stored, mail.body.size);
    snprintf(size_text, sizeof size_text, " SIZE=%lu\r\n", mail.body.size);
    CHECK(strstr(peer.in, size_text) != NULL);
    part.body = from_source(&file, log, sizeof log, 512);
    CHECK_NUMBER(compose(&m), SMTP_OK);
    size = pull_all(out);
    CHECK(size == (long)peer.stored &&
          memcmp(out, peer.in + peer.stored_at, peer.stored) == 0);
    CHECK_NUMBER(smtp_quit(&s), SMTP_OK);
}

int main(void)
{
    check_begin();
    check_alarm(60);
    test_text();
    test_dates();
    test_parts();
    test_people();
    test_quoted();
    test_encodings();
    test_longest_line();
    test_binary();
    test_base64();
    test_line_ends();
    test_accepted();
    test_spaces();
    test_utf8();
    test_refused();
    test_sources();
    test_offsets();
    test_back();
    test_long();
    test_guard();
    test_session();
    return check_end();
}

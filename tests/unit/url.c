/* URLs, and what smtp_client_open() makes of them before it connects. */
#define _XOPEN_SOURCE 700
#define SMTP_POSIX
#define SMTP_IMPLEMENTATION
#include "smtp.h"
#include "check.h"

static smtp_client client;
static char long_url[5000];

/* What a URL means, in one line: "host service user password tls lmtp", where
   "-" is none. */
static const char *meaning(const char *url, const smtp_config *config)
{
    static char text[400];
    smtp_config zero;
    smtp__url u;
    size_t i;

    memset(&zero, 0, sizeof zero);
    memset(&client, 0, sizeof client);
    if (smtp__url_parse(&u, url, client.url, sizeof client.url) != SMTP_OK)
        return "error";
    smtp__client_configure(&client, &u, config ? config : &zero);
    snprintf(text, sizeof text, "%s %s %s %s %c%s", client.host,
             client.service, client.config.user ? client.config.user : "-",
             client.config.password ? client.config.password : "-",
             "SINO"[client.config.tls], client.config.lmtp ? " lmtp" : "");
    for (i = 0; text[i]; i++)
        if ((unsigned char)text[i] < ' ')
            text[i] = '?';
    return text;
}

static void understood(void)
{
    static const char *const cases[][2] = {
        /* ports and modes */
        {"smtp://mx.example", "mx.example 25 - - S"},
        {"smtp://u@mx.example", "mx.example 587 u - S"},
        {"smtp://u:p@mx.example", "mx.example 587 u p S"},
        {"smtps://mx.example", "mx.example 465 - - I"},
        {"smtps://u:p@mx.example", "mx.example 465 u p I"},
        {"lmtp://mx.example", "mx.example 24 - - S lmtp"},
        {"lmtp://u:p@mx.example", "mx.example 24 u p S lmtp"},
        {"SMTP://MX.Example", "MX.Example 25 - - S"},
        {"SmtpS://mx.example", "mx.example 465 - - I"},
        {"smtp://mx.example:2525", "mx.example 2525 - - S"},
        {"smtp://mx.example:1", "mx.example 1 - - S"},
        {"smtp://mx.example:65535", "mx.example 65535 - - S"},
        {"smtp://mx.example:0025", "mx.example 0025 - - S"},
        {"smtp://mx.example:", "mx.example 25 - - S"},
        {"smtp://mx.example/", "mx.example 25 - - S"},
        {"smtp://mx.example:26/", "mx.example 26 - - S"},
        {"smtp://127.0.0.1:26", "127.0.0.1 26 - - S"},
        {"smtp://mx.example.:26", "mx.example. 26 - - S"},
        /* login */
        {"smtp://box@example.org:p@mx.example",
         "mx.example 587 box@example.org p S"},
        {"smtp://u:p@ss@mx.example", "mx.example 587 u p@ss S"},
        {"smtp://u:p:q@mx.example", "mx.example 587 u p:q S"},
        {"smtp://u:@mx.example", "mx.example 587 u  S"},
        {"smtp://a%40b:%3a%2F%25%c3%A9@mx.example",
         "mx.example 587 a@b :/%\303\251 S"},
        {"smtp://u%0d%0a:p@mx.example", "mx.example 587 u?? p S"},
        {"smtp://u:p+!$&'()*,;=~@mx.example",
         "mx.example 587 u p+!$&'()*,;=~ S"},
        /* IPv6 */
        {"smtp://[::1]", "::1 25 - - S"},
        {"smtp://[::1]:26", "::1 26 - - S"},
        {"smtp://[::1]:", "::1 25 - - S"},
        {"smtp://[::1]/", "::1 25 - - S"},
        {"smtp://u:p@[2001:DB8::a]:26", "2001:DB8::a 26 u p S"},
        {"smtp://[fe80::1%25eth0]", "fe80::1%eth0 25 - - S"},
        {"smtp://[::ffff:192.0.2.1]", "::ffff:192.0.2.1 25 - - S"},
        /* Unix sockets */
        {"lmtp:///run/lmtp", "/run/lmtp  - - N lmtp"},
        {"smtp:///run/smtp", "/run/smtp  - - N"},
        {"smtps:///run/smtps", "/run/smtps  - - I"},
        {"lmtp://%2Frun%2flmtp", "/run/lmtp  - - N lmtp"},
        {"lmtp://%2Frun%2flmtp/", "/run/lmtp  - - N lmtp"},
        {"lmtp:///run/a%20b", "/run/a b  - - N lmtp"},
        {"lmtp:///run/a:b@c", "/run/a:b@c  - - N lmtp"},
        {"lmtp://u:p@/run/lmtp", "/run/lmtp  u p N lmtp"},
        {"lmtp://u:p@%2Frun/", "/run  u p N lmtp"}};
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(check_context, sizeof check_context, "%s", cases[i][0]);
        CHECK_TEXT(meaning(cases[i][0], 0), cases[i][1]);
    }
    check_context[0] = 0;
}

static void refused(void)
{
    static const char *const cases[] = {
        "", "smtp", "smtp:", "smtp:/", "smtp://", "smtp:///", "smtps://",
        "lmtp://", "lmtp:///", "mx.example", "http://mx.example",
        "smtpss://mx.example", "smtp:mx.example", " smtp://mx.example",
        "//mx.example", "mx.example:25", "lmtps://mx.example",
        /* hosts */
        "smtp://:25", "smtp://u:p@", "smtp://u:p@:25", "smtp://u:p@/",
        "smtp://mx example", "smtp://mx.example ", "smtp://mx.example\n",
        "smtp://mx.example\r\nx", "smtp://mx%20x", "smtp://mx%0a",
        "smtp://mx%7f", "smtp://mx\177", "smtp://mx%2fx", "smtp://mx%3a25",
        "smtp://mx%40x", "smtp://mx%5b", "smtp://mx%25", "smtp://<mx>",
        "smtp://mx\\x",
        /* ports */
        "smtp://mx:0", "smtp://mx:65536", "smtp://mx:00", "smtp://mx:-1",
        "smtp://mx:+1", "smtp://mx:2x", "smtp://mx:smtp", "smtp://mx: 25",
        "smtp://mx:99999999999999999999", "smtp://mx:18446744073709551641",
        "smtp://mx:4294967321", "smtp://mx:25:25", "smtp://mx:%32%35",
        "smtp://mx:25\n",
        /* numbers of IPv6 */
        "smtp://::1", "smtp://::1:25", "smtp://2001:db8::1", "smtp://[]",
        "smtp://[::1", "smtp://::1]", "smtp://[::1]25", "smtp://[::1]x",
        "smtp://[::1]x:25", "smtp://[127.0.0.1]", "smtp://[mx]",
        "smtp://[::1%eth0]", "smtp://[:::1]", "smtp://[::1]:65536",
        "smtp://[1:2:3:4:5:6:7:8:9]", "smtp://[%2Frun]", "smtp://x[::1]",
        "smtp://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
        /* login */
        "smtp://@mx", "smtp://:p@mx", "smtp://:@mx", "smtp://u%00:p@mx",
        "smtp://u:p%00@mx", "smtp://u:%@mx", "smtp://u:%4@mx",
        "smtp://u:%zz@mx", "smtp://u:%4g@mx", "smtp://u:%g4@mx",
        "smtp://u:p%", "smtp://u: p@mx", "smtp://u:p\t@mx",
        "smtp://u:p/q@mx", "smtp://u:12/3@mx", "smtp://u:p?q@mx",
        "smtp://u:p#q@mx", "smtp://%@mx",
        /* what means nothing */
        "smtp://mx/x", "smtp://mx//", "smtp://mx?x", "smtp://mx/?x",
        "smtp://mx#x", "smtp://mx?", "smtp://mx:25/x", "smtp://?",
        "smtp://#", "smtp://mx/%2f",
        /* paths */
        "lmtp:///run?x", "lmtp:///run#x", "lmtp:///run%00", "lmtp:///run%",
        "lmtp:///run/a b", "lmtp://:24/run", "lmtp://%2Frun:24",
        "lmtp://%2Frun/x", "lmtp://%2Frun%00", "lmtp://%00",
        "lmtp:////%g0"};
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(check_context, sizeof check_context, "%s", cases[i]);
        CHECK_TEXT(meaning(cases[i], 0), "error");
        CHECK_NUMBER(smtp_client_open(&client, cases[i], 0), SMTP_E_URL);
        CHECK_NUMBER(client.posix.fd, -1);
        smtp_client_close(&client);
    }
    check_context[0] = 0;
    CHECK_NUMBER(smtp_client_open(&client, 0, 0), SMTP_E_URL);
    smtp_client_close(&client);
}

/* Every byte raw and in percent notation, in the password and the host. */
static void every_byte(void)
{
    char url[64];
    int c;

    for (c = 1; c < 256; c++) {
        int raw = c > ' ' && c != 127 && !strchr("#%/?", c);

        sprintf(url, "smtp://u:p%cq@mx", c);
        CHECK_NUMBER(!!strcmp(meaning(url, 0), "error"), raw);
        sprintf(url, "smtp://u:p%%%02Xq@mx", c);
        (void)meaning(url, 0);
        CHECK(client.config.password
              && (unsigned char)client.config.password[1] == c);
        sprintf(url, "smtp://m%%%02xx", c);
        raw = c > ' ' && c != 127 && !strchr("\"#%/:<>?@[\\]^`{|}", c);
        CHECK_NUMBER(!!strcmp(meaning(url, 0), "error"), raw);
    }
}

/* The parts fill the room to its last byte; one more is too long. */
static void lengths(void)
{
    size_t room = sizeof client.url, used = strlen("u") + 1 + strlen("mx") + 1;
    size_t n = room - used - 1;

    memcpy(long_url, "smtp://u:", 9);
    memset(long_url + 9, 'p', n);
    memcpy(long_url + 9 + n, "@mx", 4);
    CHECK(strlen(meaning(long_url, 0)) > 300);
    CHECK_NUMBER(strlen(client.config.password), n);
    CHECK_TEXT(client.host, "mx");
    memset(long_url + 9, 'p', n + 1);
    memcpy(long_url + 9 + n + 1, "@mx", 4);
    CHECK_TEXT(meaning(long_url, 0), "error");
    for (n = room - 20; n < room + 20; n++) {    /* wherever it ends */
        memset(long_url + 7, 'h', n);
        memcpy(long_url + 7 + n, ":123", 5);
        CHECK_NUMBER(!!strcmp(meaning(long_url, 0), "error"),
                     n + 1 + 4 <= room);
    }
}

static void options(void)
{
    smtp_config config;

    memset(&config, 0, sizeof config);
    config.user = "ou";
    config.password = "op";
    CHECK_TEXT(meaning("smtp://mx", &config), "mx 587 ou op S");
    CHECK_TEXT(meaning("smtp://u@mx", &config), "mx 587 u op S");
    CHECK_TEXT(meaning("smtp://u:p@mx", &config), "mx 587 u p S");
    CHECK_TEXT(meaning("smtp://u:@mx", &config), "mx 587 u  S");
    config.tls = SMTP_TLS_NONE;
    CHECK_TEXT(meaning("smtps://mx", &config), "mx 465 ou op N");
    CHECK_TEXT(meaning("lmtp://mx", &config), "mx 24 ou op N lmtp");
    config.tls = SMTP_TLS_UNSAFE_OPPORTUNISTIC;
    CHECK_TEXT(meaning("lmtp:///run", &config), "/run  ou op O lmtp");
    config.tls = SMTP_TLS_IMPLICIT;
    CHECK_TEXT(meaning("smtp://mx", &config), "mx 587 ou op I");
    config.lmtp = 1;
    CHECK_TEXT(meaning("smtp:///run", &config), "/run  ou op I lmtp");
}

/* This program has no TLS: a URL that needs it fails before it connects, also
   to a host that there is not. */
static void without_tls(void)
{
    static const char *const urls[] = {
        "smtp://[::1]:1", "smtps://[::1]:1", "lmtp://[::1]:1",
        "smtps:///none", "smtps://no-such-host.invalid"};
    size_t i;

    for (i = 0; i < sizeof urls / sizeof *urls; i++) {
        CHECK_NUMBER(smtp_client_open(&client, urls[i], 0), SMTP_E_NO_TLS);
        CHECK_NUMBER(client.posix.error, 0);
        smtp_client_close(&client);
    }
    CHECK_NUMBER(smtp_client_open(&client, "lmtp:///none/x", 0),
                 SMTP_E_CONNECT);
    CHECK_NUMBER(client.posix.error, ENOENT);
    smtp_client_close(&client);
}

static int holds(const void *memory, size_t size, const char *word)
{
    const char *p = (const char *)memory;
    size_t n = strlen(word), i;

    for (i = 0; i + n <= size; i++)
        if (memcmp(p + i, word, n) == 0)
            return 1;
    return 0;
}

static void wiped(void)
{
    const char *url = "smtp://user:Hush%48ush@%2fnone/";

    CHECK_NUMBER(smtp_client_open(&client, url, 0), SMTP_E_CONNECT);
    CHECK(holds(&client, sizeof client, "HushHush"));
    smtp_client_close(&client);
    CHECK(!holds(&client, sizeof client, "Hush"));
    CHECK(!client.config.user && !client.config.password);
    CHECK_TEXT(client.host, "");
    smtp_client_close(&client);
}

static void not_sent(void)
{
    smtp_recipient to[2];
    smtp_mail mail;

    memset(to, 0, sizeof to);
    memset(&mail, 0, sizeof mail);
    to[0].address = "a@example.net";
    to[1].address = "b@example.net";
    to[1].code.reply = 250;
    mail.to = to;
    mail.to_count = 2;
    CHECK_NUMBER(smtp_send_url("smtp://mx/x", &mail, 0), SMTP_E_URL);
    CHECK_NUMBER(mail.status, SMTP_NOT_TAKEN);
    CHECK_NUMBER(to[1].status, SMTP_NOT_TAKEN);
    CHECK_NUMBER(to[1].code.reply, 0);
    CHECK_NUMBER(smtp_send_url("smtp:///none/x", &mail, 0), SMTP_E_CONNECT);
    CHECK_NUMBER(smtp_send_url("smtp:///none/x", 0, 0), SMTP_E_ARGUMENT);
    mail.to = 0;
    CHECK_NUMBER(smtp_send_url("smtp:///none/x", &mail, 0), SMTP_E_ARGUMENT);
}

int main(void)
{
    check_begin();
    understood();
    refused();
    every_byte();
    lengths();
    options();
    without_tls();
    wiped();
    not_sent();
    return check_end();
}

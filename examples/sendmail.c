/* sendmail.c - hands the message on standard input to a mail server

   It takes sendmail's short options and msmtp's long ones and ends with
   sendmail's exit codes (sysexits.h). It stands on smtp.h layer by layer:
   a socket, TLS over it, a session over that, one mail through it. The mail
   is what standard input holds, or is composed of options. libidn2 turns
   domains in UTF-8 into ASCII.

      cc -o sendmail sendmail.c -lbearssl -lidn2

   Rooms: options, dialogue, outcome, settings, connection, mail; those of the
   mail's own side are in sendmail.h.
*/
#define _POSIX_C_SOURCE 200809L
#define SMTP_POSIX
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "../smtp.h"
#include "sendmail.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>

/* ---- options ------------------------------------------------------------- */

/* name, long form, letter, what follows it, value and explanation [default] */
#define OPTION_LIST(X)                                                         \
    X(HOST, "host", 0, VALUE, "=NAME", "mail server [localhost]")              \
    X(PORT, "port", 0, VALUE, "=N", "its port [25; 465 TLS, 24 LMTP]")         \
    X(SOCKET, "socket", 0, VALUE, "=PATH", "a Unix socket instead")            \
    X(SOURCE, "source-ip", 0, VALUE, "=IP", "local address to use")            \
    X(PROTOCOL, "protocol", 0, VALUE, "=smtp|lmtp", "[smtp]")                  \
    X(DOMAIN, "domain", 0, VALUE, "=NAME", "said in EHLO [this machine]")      \
    X(TIMEOUT, "timeout", 0, VALUE, "=off|SECONDS",                            \
      "of a wait [off: RFC 5321]")                                             \
    X(TLS, "tls", 0, MAYBE, "=on|off", "[on; off within this machine]")        \
    X(STARTTLS, "tls-starttls", 0, MAYBE, "=on|off", "off: TLS first [on]")    \
    X(CERTCHECK, "tls-certcheck", 0, MAYBE, "=on|off", "off: unsafe [on]")     \
    X(TRUST, "tls-trust-file", 0, VALUE, "=FILE", "PEM [the system's]")        \
    X(CERT, "tls-cert-file", 0, VALUE, "=FILE", "our certificate, PEM")        \
    X(KEY, "tls-key-file", 0, VALUE, "=FILE", "its key, PEM")                  \
    X(TLS_NAME, "tls-host-override", 0, VALUE, "=NAME", "certified [host]")    \
    X(AUTH, "auth", 0, MAYBE, "=on|off|METHOD", "login [on with --user]")      \
    X(USER, "user", 0, VALUE, "=NAME", "login name")                           \
    X(PASSWORD, "passwordeval", 0, VALUE, "=COMMAND", "its first line")        \
    X(FROM, "from", 'f', VALUE, "=ADDRESS", "sender [you@this machine]")       \
    X(READ_FROM, "read-envelope-from", 0, FLAG, "", "sender: field From")      \
    X(READ_TO, "read-recipients", 't', FLAG, "", "fields To, Cc, Bcc too")     \
    X(NAME, "full-name", 'F', VALUE, "=NAME", "for a missing field From")      \
    X(SUBJECT, "subject", 0, VALUE, "=TEXT", "compose a mail: its subject")    \
    X(TO, "to", 0, VALUE, "=LIST", "in field To, as RECIPIENTs are")           \
    X(CC, "cc", 0, VALUE, "=LIST", "in field Cc")                              \
    X(BCC, "bcc", 0, VALUE, "=LIST", "in no field")                            \
    X(TEXT, "text", 0, VALUE, "=TEXT", "its text [standard input]")            \
    X(HTML, "html", 0, VALUE, "=HTML", "the same in HTML")                     \
    X(ATTACH, "attach", 0, VALUE, "=FILE[;TYPE]", "TYPE [by its name]")        \
    X(HEADER, "header", 0, VALUE, "=NAME:VALUE", "a further field")            \
    X(NOTIFY, "dsn-notify", 'N', VALUE, "=off|never|failure,delay,success",    \
      "reports asked for")                                                     \
    X(RETURN, "dsn-return", 'R', VALUE, "=off|hdrs|full", "in reports")        \
    X(DEBUG, "debug", 'd', FLAG, "", "show the dialogue, without secrets")     \
    X(INFO, "serverinfo", 'S', FLAG, "", "show what the server offers")        \
    X(VERSION, "version", 0, FLAG, "", "")                                     \
    X(HELP, "help", 0, FLAG, "", "")

/* Letters for getopt(): those of the list, and what the real sendmail heeds
   and this one accepts without effect. */
#define LETTERS "f:tF:N:R:dvS" "b:B:Gh:iL:mnO:o:"

enum { FLAG = no_argument, VALUE = required_argument,
       MAYBE = optional_argument };

#define OPTION_NAME(name, word, letter, kind, value, help) O_##name,
#define OPTION_LONG(name, word, letter, kind, value, help)                     \
    {word, kind, NULL, 256 + O_##name},
#define OPTION_RULE(name, word, letter, kind, value, help)                     \
    {letter, value, help},

enum { OPTION_LIST(OPTION_NAME) OPTIONS };

static const struct option longs[] = {
    OPTION_LIST(OPTION_LONG) {NULL, 0, NULL, 0}};

static const struct {
    char letter;
    const char *value, *help;
} rules[] = {OPTION_LIST(OPTION_RULE)};

typedef struct piece {
    int id;                        /* O_SUBJECT to O_HEADER */
    const char *value;
} piece;

typedef struct options {
    const char *of[OPTIONS];       /* values, "on" for none; 0: not given */
    piece *pieces;                 /* what a mail is to be composed of, */
    size_t piece_count;            /* 0: standard input is the message */
} options;

/* The option's value; 0 where it is missing or empty. */
static const char *given(const options *o, int id)
{
    return o->of[id] && o->of[id][0] ? o->of[id] : NULL;
}

static int is_on(const options *o, int id, int otherwise)
{
    return o->of[id] ? !strcmp(o->of[id], "on") : otherwise;
}

/* The option that getopt() found; OPTIONS: one without effect. */
static int option_of(int found)
{
    int id;

    if (found >= 256)
        return found - 256;
    for (id = 0; id < OPTIONS; id++)
        if (rules[id].letter == (found == 'v' ? 'd' : found))
            break;
    return id;
}

static int check_switches(const options *o)
{
    static const int ids[] = {O_TLS, O_STARTTLS, O_CERTCHECK};
    size_t i;

    for (i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (!is_on(o, ids[i], 1) && strcmp(o->of[ids[i]], "off"))
            return fault(EX_USAGE, longs[ids[i]].name, "neither on nor off");
    return EX_OK;
}

static void set_option(options *o, int id, const char *value)
{
    size_t n = o->piece_count;

    o->of[id] = value;
    if (id < O_SUBJECT || id > O_HEADER)
        return;
    o->pieces = (piece *)grow(o->pieces, (n + 1) * sizeof *o->pieces);
    o->pieces[n].id = id;
    o->pieces[n].value = value;
    o->piece_count++;
}

/* A line end among addresses is none of RFC 5322's folding here. */
static int check_line(const char *what, const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            return fault(EX_DATAERR, what, "a control character in it");
    return EX_OK;
}

static int check_option(int id, const char *value)
{
    char name[40];

    snprintf(name, sizeof name, "--%s", longs[id].name);
    return check_line(name, value);
}

static int check_lines(const options *o, char **addresses)
{
    int code = check_option(O_FROM, o->of[O_FROM]);
    size_t i;

    if (code == EX_OK)
        code = check_option(O_NAME, o->of[O_NAME]);
    for (i = 0; i < o->piece_count && code == EX_OK; i++)
        if (o->pieces[i].id >= O_TO && o->pieces[i].id <= O_BCC)
            code = check_option(o->pieces[i].id, o->pieces[i].value);
    for (; *addresses && code == EX_OK; addresses++)
        code = check_line(*addresses, *addresses);
    return code;
}

/* Recipients stay behind, from argv[optind] on. getopt() reports itself. */
static int parse(options *o, int argc, char **argv)
{
    int found;

    while ((found = getopt_long(argc, argv, LETTERS, longs, NULL)) != -1) {
        int id = option_of(found);
        if (found == '?')
            return EX_USAGE;
        if (found == 'b' && strcmp(optarg, "m"))
            return fault(EX_USAGE, "not a mode of this sendmail: -b", optarg);
        if (id < OPTIONS)
            set_option(o, id, optarg ? optarg : "on");
    }
    found = check_switches(o);
    return found == EX_OK ? check_lines(o, argv + optind) : found;
}

static int help(void)
{
    int id;

    puts("usage: sendmail [OPTION]... [--] RECIPIENT... <MESSAGE\n"
         "       sendmail [OPTION]... -t [--] [RECIPIENT]... <MESSAGE\n"
         "       sendmail --subject=TEXT [OPTION]... [--] RECIPIENT... <TEXT\n"
         "       sendmail [OPTION]... --serverinfo\n");
    for (id = 0; id < OPTIONS; id++) {
        int n = printf("  %c%c --%s%s", rules[id].letter ? '-' : ' ',
                       rules[id].letter ? rules[id].letter : ' ',
                       longs[id].name, rules[id].value);
        printf("%*s%s\n", n < 39 ? 39 - n : 1, "", rules[id].help);
    }
    puts("\nWithout effect: -i -oX -bm -BX -G -hX -L X -m -n -O X.\n"
         "Login methods: plain, login, cram-md5, scram-sha-1, scram-sha-256,\n"
         "these two with -plus; oauthbearer and xoauth2, whose password is\n"
         "a token; external, by our certificate. on is the strongest that\n"
         "both know. In clear only with a method by name and --tls=off.\n"
         "The fields From, Date and Message-ID are added where they are\n"
         "missing; Bcc is taken out. With any of --subject to --header the\n"
         "mail is composed of them; --to, --cc, --bcc, --attach and --header\n"
         "may be repeated.\n"
         "Exit code: 0 sent to all, 64 usage, 65 address or message cannot be\n"
         "sent, 66 file to attach, certificate or key cannot be read, 68 host\n"
         "unknown, 69 refused for good or sent to some only, 74 sent, but not\n"
         "all could be shown, 75 try again, 76 the server broke the protocol,\n"
         "77 login refused, 78 no password.");
    return EX_OK;
}

/* ---- dialogue ------------------------------------------------------------ */

typedef struct tool {
    options opt;
    const char *host;
    recipients to;
    message source;
    draft composed;                /* or the mail is made of this */
    smtp_mail mail;
    int notify;                    /* -N: asked for each recipient */
    int ready;                     /* greeting, TLS and login are over */
    unsigned code;                 /* the refusal that decided, */
    char words[700];               /* in full, or "" */
    int shown;                     /* --debug: kind of the line begun, or 0 */
    smtp_size said;                /* bytes of the body */
    unsigned long began, told;     /* ms; of the progress line, 0: none */
    smtp_posix posix;
    smtp_io socket, io;
    smtp_tls tls;
    smtp_tls_config tls_config;
    smtp_scram scram;
    smtp_sasl sasl;
    smtp_config config;
    smtp_session session;
    char domain[256], password[4096];
    char buffer[65000];
    unsigned char records[SMTP_TLS_BUFFER_FAST];
} tool;

static unsigned long milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
}

static void end_progress(tool *t)
{
    if (t->told)
        fprintf(stderr, "\r%60s\r", "");
    t->told = 0;
}

/* For bodies beyond 1 MB or 2 s, five times a second. */
static void show_progress(tool *t)
{
    unsigned long now = milliseconds(), ms;

    if (!t->began)
        t->began = now;
    ms = now - t->began;
    if ((t->said < 1000000 && ms < 2000) || (t->told && now - t->told < 200))
        return;
    t->told = now;
    fprintf(stderr, "\r%10.1f MB", (double)t->said / 1e6);
    if (t->mail.body.size)
        fprintf(stderr, " of %.1f MB", (double)t->mail.body.size / 1e6);
    fprintf(stderr, ", %.1f MB/s  ", (double)t->said / 1e3 / (double)(ms + 1));
}

static void end_line(tool *t)
{
    if (t->shown == SMTP_TRACE_BODY)
        printf("C: (%lu bytes of message)", t->said);
    if (t->shown)
        putchar('\n');
    t->shown = 0;
}

/* --debug: pieces of any size; a line on the wire is a line here. */
static void show_dialogue(tool *t, int kind, const char *data, size_t size)
{
    if (t->shown != kind)
        end_line(t);
    while (size > 0 && kind != SMTP_TRACE_BODY) {
        const char *lf = (const char *)memchr(data, '\n', size);
        size_t n = lf ? (size_t)(lf - data) : size;
        if (!t->shown)
            printf("%c: ", kind);
        t->shown = kind;
        put_safe(stdout, data, n, "");
        if (lf)
            end_line(t);
        n += lf != NULL;
        data += n;
        size -= n;
    }
    if (kind == SMTP_TRACE_BODY)
        t->shown = kind;
    fflush(stdout);
}

static void on_trace(void *ctx, int kind, const char *data, size_t size)
{
    tool *t = (tool *)ctx;

    if (kind == SMTP_TRACE_BODY)
        t->said += size;
    if (t->opt.of[O_DEBUG])
        show_dialogue(t, kind, data, size);
    else if (kind == SMTP_TRACE_BODY)
        show_progress(t);
}

/* --serverinfo: the greeting, and the offers each time they are asked for. */
static void show_offers(const tool *t, const smtp_session *s)
{
    const char *stage = smtp_stage(s);

    if (strcmp(stage, "EHLO") && strcmp(stage, "LHLO") &&
        strcmp(stage, "greeting"))
        return;
    printf("%s%s\n    ", stage, t->tls.active ? " over TLS" : "");
    put_safe(stdout, s->reply.text, s->reply.length, "\n    ");
    putchar('\n');
}

/* A login may have a second try, so before the mail the last refusal counts;
   from there on the first: it explains those behind it. */
static void on_reply(void *ctx, const smtp_session *s, const smtp_mail *mail,
                     const smtp_recipient *to)
{
    tool *t = (tool *)ctx;
    char words[sizeof t->words];

    (void)mail;
    if (t->opt.of[O_INFO])
        show_offers(t, s);
    if (s->reply.code.reply < 400 || (t->ready && t->words[0]))
        return;
    end_progress(t);
    snprintf(words, sizeof words, "%u %s", s->reply.code.reply, s->reply.text);
    if (to && s->reply.code.reply != 421) {
        fault(0, to->address, words);
        return;
    }
    memcpy(t->words, words, sizeof words);
    t->code = s->reply.code.reply;
}

/* ---- outcome ------------------------------------------------------------- */

/* Whether what was refused was so for now only. */
static int temporary(const tool *t, smtp_status st)
{
    size_t i;

    if (st != SMTP_E_RECIPIENTS && (st != SMTP_E_DATA || t->code))
        return t->code >= 400 && t->code < 500;
    for (i = 0; i < t->to.count; i++)
        if (t->to.at[i].code.reply >= 500)
            return 0;
    return 1;
}

static int exit_code(const tool *t, smtp_status st)
{
    static const struct {
        int first, last, code;     /* statuses from `first` down to `last` */
    } codes[] = {
        {SMTP_OK, SMTP_OK, EX_OK},
        {SMTP_E_IO, SMTP_E_SHUTDOWN, EX_TEMPFAIL},
        {SMTP_E_PROTOCOL, SMTP_E_REPLY_SIZE, EX_PROTOCOL},
        {SMTP_E_CLOSED, SMTP_E_DOMAIN, EX_USAGE},
        {SMTP_E_SENDER_SYNTAX, SMTP_E_SIZE, EX_DATAERR},
        {SMTP_E_BODY, SMTP_E_BODY, EX_DATAERR},
        {SMTP_E_INJECTION, SMTP_E_INJECTION, EX_PROTOCOL},
        {SMTP_PARTIAL, SMTP_PARTIAL, EX_UNAVAILABLE},
        {SMTP_NOT_TAKEN, SMTP_UNKNOWN, EX_TEMPFAIL},
        {SMTP_E_TLS_CUT, SMTP_E_TLS_CUT, EX_TEMPFAIL},
        {SMTP_E_TRUST, SMTP_E_CLIENT_CERT, EX_NOINPUT},
        {SMTP_E_HOST, SMTP_E_HOST, EX_NOHOST},
        {SMTP_E_CONNECT, SMTP_E_CONNECT, EX_TEMPFAIL},
        {SMTP_E_LOOKUP, SMTP_E_LOOKUP, EX_TEMPFAIL},
    };
    size_t i;

    for (i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (st <= codes[i].first && st >= codes[i].last)
            return codes[i].code;
    if (temporary(t, st))
        return EX_TEMPFAIL;
    return st == SMTP_E_LOGIN ? EX_NOPERM : EX_UNAVAILABLE;
}

/* `why`: more than the status says, or 0: the server's words. */
static int report(tool *t, smtp_status st, const char *why)
{
    char what[400];

    end_progress(t);
    end_line(t);
    fflush(stdout);
    if (st == SMTP_OK)
        return EX_OK;
    snprintf(what, sizeof what, "%.250s: %s", t->host, smtp_status_text(st));
    return fault(exit_code(t, st), what,
                 why ? why : t->words[0] ? t->words : NULL);
}

/* ---- settings ------------------------------------------------------------ */

static const struct {
    const char *name;
    uint16_t flag;
} methods[] = {
    {"on", 0}, {"plain", SMTP_AUTH_PLAIN}, {"login", SMTP_AUTH_LOGIN},
    {"cram-md5", SMTP_AUTH_CRAM_MD5},
    {"scram-sha-1", SMTP_AUTH_SCRAM_SHA_1},
    {"scram-sha-256", SMTP_AUTH_SCRAM_SHA_256},
    {"scram-sha-1-plus", SMTP_AUTH_SCRAM_SHA_1_PLUS},
    {"scram-sha-256-plus", SMTP_AUTH_SCRAM_SHA_256_PLUS},
    {"oauthbearer", SMTP_AUTH_OAUTHBEARER}, {"xoauth2", SMTP_AUTH_XOAUTH2},
    {"external", SMTP_AUTH_EXTERNAL}};

/* A login method's flag; 0: any, -1: unknown. */
static int method_of(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (!strcasecmp(name, methods[i].name))
            return methods[i].flag;
    return -1;
}

/* The password of OAuth 2.0 is a token. */
static void set_secret(tool *t, int method)
{
    if (method & (SMTP_AUTH_OAUTHBEARER | SMTP_AUTH_XOAUTH2))
        t->config.token = t->password;
    else
        t->config.password = t->password;
    t->scram.tls = &t->tls;
    t->sasl = smtp_scram_sasl(&t->scram);
    t->config.sasl = &t->sasl;
}

static int set_login(tool *t)
{
    const options *o = &t->opt;
    const char *user = given(o, O_USER), *auth = given(o, O_AUTH);
    int method = auth ? method_of(auth) : 0;

    if (auth ? !strcmp(auth, "off") : !user)
        return EX_OK;
    if (method < 0)
        return fault(EX_USAGE, "--auth: no such method (see --help)", auth);
    if (method != SMTP_AUTH_EXTERNAL && (!user || !given(o, O_PASSWORD)))
        return fault(EX_USAGE, "--auth",
                     "a login needs --user and --passwordeval");
    t->config.user = user;
    t->config.mechanisms = (uint16_t)method;
    t->config.unsafe_clear_login = method > 0 && !is_on(o, O_TLS, 1);
    if (method != SMTP_AUTH_EXTERNAL)
        set_secret(t, method);
    return EX_OK;
}

static int set_timeout(tool *t)
{
    const char *text = given(&t->opt, O_TIMEOUT);
    smtp_timeouts *limit = &t->config.timeout;
    char *end;
    unsigned long s;

    if (!text || !strcmp(text, "off"))
        return EX_OK;
    s = strtoul(text, &end, 10);
    if (*end || s < 1 || s > 65535)
        return fault(EX_USAGE, "--timeout: off or 1 to 65535 seconds", NULL);
    limit->greeting = limit->command = limit->data = (uint16_t)s;
    limit->block = limit->final = (uint16_t)s;
    return EX_OK;
}

/* Whether no wire is on the way: a Unix socket or this machine. */
static int is_local(const char *host)
{
    unsigned char address[4];      /* a name may begin with "127.", too */
    return host[0] == '/' || !strcmp(host, "localhost") ||
           !strcmp(host, "::1") ||
           (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

static void set_tls(tool *t)
{
    const options *o = &t->opt;
    const char *trust = given(o, O_TRUST), *name = given(o, O_TLS_NAME);
    smtp_tls_config *c = &t->tls_config;

    t->config.tls = !is_on(o, O_TLS, !is_local(t->host)) ? SMTP_TLS_NONE
                    : is_on(o, O_STARTTLS, 1)            ? SMTP_TLS_STARTTLS
                                                         : SMTP_TLS_IMPLICIT;
    c->server_name = name ? ascii_domain(name) : t->host;
    c->buffer = t->records;
    c->buffer_size = sizeof t->records;
    c->trust_file = trust && strcmp(trust, "system") ? trust : NULL;
    c->cert_file = given(o, O_CERT);
    c->key_file = given(o, O_KEY);
    c->unsafe_no_verify = !is_on(o, O_CERTCHECK, 1);
}

/* -N: conditions of RFC 3461 as a sum; -1: unknown. */
static int notify_of(const char *list)
{
    static const char *const names[] = {"never", "success", "failure", "delay"};
    size_t size = 0;
    int sum = 0, i;

    if (!list || !strcmp(list, "off"))
        return 0;
    for (i = 0; i < 4; i++)
        if (strstr(list, names[i])) {
            size += strlen(names[i]) + 1;
            sum |= 1 << i;
        }
    return size != strlen(list) + 1 || (sum & 1 && sum > 1) ? -1 : sum;
}

static int set_reports(tool *t)
{
    const char *ret = given(&t->opt, O_RETURN);

    t->notify = notify_of(given(&t->opt, O_NOTIFY));
    if (t->notify < 0)
        return fault(EX_USAGE, "-N: off, never, or failure,delay,success, not",
                     t->opt.of[O_NOTIFY]);
    if (!ret || !strcmp(ret, "off"))
        return EX_OK;
    if (strcmp(ret, "hdrs") && strcmp(ret, "headers") && strcmp(ret, "full"))
        return fault(EX_USAGE, "-R: off, hdrs or full, not", ret);
    t->mail.ret = ret[0] == 'h' ? SMTP_RET_HDRS : SMTP_RET_FULL;
    return EX_OK;
}

static int set_session(tool *t)
{
    const options *o = &t->opt;
    const char *protocol = given(o, O_PROTOCOL), *host = given(o, O_HOST);

    t->host = given(o, O_SOCKET) ? given(o, O_SOCKET)
              : host             ? ascii_domain(host)
                                 : "localhost";
    t->config.lmtp = protocol && !strcmp(protocol, "lmtp");
    if (protocol && !t->config.lmtp && strcmp(protocol, "smtp"))
        return fault(EX_USAGE, "--protocol: smtp or lmtp, not", protocol);
    if (given(o, O_SOCKET) && t->host[0] != '/')
        return fault(EX_USAGE, "--socket: not an absolute path", t->host);
    if (!given(o, O_CERT) != !given(o, O_KEY))
        return fault(EX_USAGE, "--tls-cert-file and --tls-key-file",
                     "one without the other");
    t->config.domain = given(o, O_DOMAIN);
    t->config.a_label = a_label;
    t->config.ctx = t;
    t->config.reply = on_reply;
    if (o->of[O_DEBUG] || isatty(STDERR_FILENO))
        t->config.trace = on_trace;
    return EX_OK;
}

/* All that the options say, judged before anything is read or sent. */
static int configure(tool *t)
{
    int code = set_session(t);

    if (code == EX_OK)
        code = set_timeout(t);
    if (code == EX_OK)
        code = set_login(t);
    if (code == EX_OK)
        code = set_reports(t);
    set_tls(t);
    return code;
}

/* ---- connection ---------------------------------------------------------- */

/* memset() that a compiler cannot leave out. */
static void wipe(void *memory, size_t size)
{
    volatile unsigned char *p = (volatile unsigned char *)memory;

    while (size-- > 0)
        *p++ = 0;
}

/* The command's first line into `password`. Its own input is empty: the
   message is not for it. Without a buffer stdio keeps no copy. The rest is
   read, too: a reader that is gone would kill the command (SIGPIPE). Who
   started this tool may ignore SIGCHLD, and pclose() would not see the end. */
static int read_password(const char *command, char *password, int size)
{
    char line[8192];
    FILE *out;

    if (snprintf(line, sizeof line, "exec </dev/null\n%s", command) >=
        (int)sizeof line)
        return fault(EX_USAGE, "--passwordeval", "too long");
    signal(SIGCHLD, SIG_DFL);
    fflush(NULL);
    out = popen(line, "r");
    if (!out)
        return fault(EX_OSERR, "--passwordeval", strerror(errno));
    setvbuf(out, NULL, _IONBF, 0);
    if (!fgets(password, size, out))
        password[0] = '\0';
    password[strcspn(password, "\r\n")] = '\0';
    while (fgetc(out) != EOF)
        continue;
    if (pclose(out) != 0 || !password[0])
        return fault(EX_CONFIG, "--passwordeval", "no password from it");
    if (strlen(password) == (size_t)size - 1)
        return fault(EX_CONFIG, "--passwordeval", "its password is too long");
    return EX_OK;
}

static int connect_host(tool *t)
{
    const char *port = given(&t->opt, O_PORT);
    smtp_status st;

    if (!port)
        port = t->config.tls == SMTP_TLS_IMPLICIT ? "465"
               : t->config.lmtp                   ? "24"
                                                  : "25";
    st = smtp_posix_connect(&t->posix, t->host, port,
                            given(&t->opt, O_SOURCE),
                            1000ul * t->config.timeout.command);
    if (st == SMTP_OK && !t->config.domain) {
        smtp_posix_domain(&t->posix, t->domain, sizeof t->domain);
        t->config.domain = t->domain;
    }
    if (st == SMTP_E_ARGUMENT)
        return fault(EX_USAGE, "--port or --source-ip",
                     "no such port, or no address of this machine");
    return report(t, st, st == SMTP_E_CONNECT ? strerror(errno) : NULL);
}

/* Why a file for TLS cannot be used, or 0. Which one of two that can be read is
   to blame, nobody tells. */
static const char *file_fault(const tool *t, smtp_status st)
{
    static char words[700];
    const smtp_tls_config *c = &t->tls_config;
    const char *name = st == SMTP_E_TRUST ? c->trust_file
                       : c->cert_file && !access(c->cert_file, R_OK)
                           ? c->key_file : c->cert_file;

    if ((st != SMTP_E_TRUST && st != SMTP_E_CLIENT_CERT) || !name)
        return NULL;
    if (access(name, R_OK))
        snprintf(words, sizeof words, "%.300s: %s", name, strerror(errno));
    else if (st == SMTP_E_TRUST)
        snprintf(words, sizeof words, "%.300s: no certificate in it", name);
    else
        snprintf(words, sizeof words, "%.300s, %.300s: no pair that can be "
                 "used", c->cert_file, name);
    return words;
}

/* TLS over the socket, a session over that, up to where mail can be sent. */
static int open_session(tool *t)
{
    smtp_status st = SMTP_OK;

    t->socket = t->io = smtp_posix_io(&t->posix, 1);
    if (t->config.tls != SMTP_TLS_NONE)
        st = smtp_tls_open(&t->tls, &t->socket, &t->tls_config,
                           t->config.tls == SMTP_TLS_STARTTLS, &t->io);
    if (st == SMTP_OK)
        st = smtp_open(&t->session, &t->io, &t->config, t->buffer,
                       sizeof t->buffer);
    if (st == SMTP_OK)
        st = smtp_run(&t->session);
    wipe(t->password, sizeof t->password);
    if (st == SMTP_OK)
        t->code = (unsigned)(t->words[0] = '\0');
    t->ready = 1;
    return report(t, st, file_fault(t, st));
}

/* The way to a session that is ready. */
static int get_ready(tool *t)
{
    int code = EX_OK;

    if (t->config.sasl)
        code = read_password(t->opt.of[O_PASSWORD], t->password,
                             sizeof t->password);
    signal(SIGPIPE, SIG_IGN);      /* who reads the dialogue may leave */
    if (code == EX_OK)
        code = connect_host(t);
    return code == EX_OK ? open_session(t) : code;
}

/* --serverinfo: the offers were shown as they came; this is the rest. */
static int show_server(tool *t)
{
    br_ssl_session_parameters p;
    int code = get_ready(t);

    if (code != EX_OK || t->config.tls == SMTP_TLS_NONE)
        return code;
    br_ssl_engine_get_session_parameters(&t->tls.client.eng, &p);
    printf("TLS 1.%d, cipher suite %04X, certificate ", p.version - 0x0301,
           p.cipher_suite);
    if (t->tls_config.unsafe_no_verify)
        puts("not checked");
    else
        printf("good for %s\n", t->tls_config.server_name);
    wipe(&p, sizeof p);
    return code;
}

/* ---- mail ---------------------------------------------------------------- */

/* The sender; a field From that names nobody counts as none. */
static const char *sender(const tool *t)
{
    const char *from = t->opt.of[O_FROM], *read = t->source.from;

    if (from)
        return ascii_domain(first_of(from, strlen(from)));
    if (t->opt.of[O_READ_FROM] && read && read[0])
        return ascii_domain(read);
    return own_address();
}

/* Message and envelope, from standard input and the options. */
static int read_mail(tool *t, char **arguments)
{
    const options *o = &t->opt;
    int code;

    for (; *arguments; arguments++)
        add_list(&t->to, *arguments, strlen(*arguments));
    if (t->to.count == 0 && !o->of[O_READ_TO])
        return fault(EX_USAGE, "no recipients (see --help)", NULL);
    code = message_open(&t->source, o->of[O_READ_TO] ? &t->to : NULL);
    t->mail.from = sender(t);
    if (code == EX_OK)
        code = add_missing(&t->source,
                           t->mail.from[0] ? t->mail.from : own_address(),
                           given(o, O_NAME));
    t->mail.to = t->to.at;
    t->mail.to_count = t->to.count;
    t->mail.body = message_body(&t->source);
    return code;
}

static int set_piece(draft *d, const piece *p)
{
    const char *value = p->value;

    switch (p->id) {
    case O_SUBJECT:
        d->message.subject = value;
        return EX_OK;
    case O_TEXT:
        d->message.text = smtp_text(value);
        return EX_OK;
    case O_HTML:
        d->message.html = smtp_text(value);
        return EX_OK;
    case O_ATTACH:
        return draft_attach(d, value);
    case O_HEADER:
        return draft_header(d, value);
    default:
        draft_people(d, p->id == O_TO   ? SMTP_TO
                        : p->id == O_CC ? SMTP_CC
                                        : SMTP_BCC, value);
        return EX_OK;
    }
}

/* The mail for a server with these offers; no source is read yet. */
static int compose(tool *t, uint32_t offers)
{
    draft *d = &t->composed;
    const char *from = t->mail.from;
    smtp_status st;

    d->message.offers = offers;
    st = smtp_compose(&d->composer, &d->message, &t->mail, t->to.at,
                      t->to.count);
    t->mail.from = from;
    return st == SMTP_OK ? EX_OK : fault(EX_DATAERR, draft_culprit(d),
                                         smtp_status_text(st));
}

/* A mail of options, for a server that can do all: what is wrong with it is
   found before there is a connection. */
static int compose_mail(tool *t, char **arguments)
{
    const options *o = &t->opt;
    const char *from = o->of[O_FROM] ? o->of[O_FROM] : own_address();
    draft *d = &t->composed;
    int code = EX_OK;
    size_t i;

    if (o->of[O_READ_TO] || o->of[O_READ_FROM])
        return fault(EX_USAGE, "--subject and its like make the mail, -t and "
                     "--read-envelope-from read one", NULL);
    t->mail.from = first_of(from, strlen(from));
    draft_sender(d, from, given(o, O_NAME));
    for (; *arguments; arguments++)
        draft_people(d, SMTP_TO, *arguments);
    for (i = 0; i < o->piece_count && code == EX_OK; i++)
        code = set_piece(d, &o->pieces[i]);
    if (code == EX_OK)
        code = draft_recipients(d, &t->to);
    if (code == EX_OK && !o->of[O_TEXT] && !isatty(STDIN_FILENO))
        code = draft_read_text(d, &t->source);
    draft_stamp(d);
    return code == EX_OK ? compose(t, SMTP_EXT_8BITMIME | SMTP_EXT_SMTPUTF8)
                         : code;
}

static int check_addresses(const smtp_mail *mail)
{
    const char *address = mail->from;
    size_t i;

    if (mail->to_count == 0)
        return fault(EX_USAGE, "no recipients", NULL);
    for (i = 0; !address[0] || smtp_address_check(address); i++) {
        if (i == mail->to_count)
            return EX_OK;
        address = mail->to[i].address;
    }
    return fault(EX_DATAERR, address, "no address that can be sent");
}

/* The mail is ready, the session too. */
static int hand_over(tool *t)
{
    const char *why = NULL;
    smtp_status st;
    size_t i;

    for (i = 0; i < t->to.count; i++)
        t->to.at[i].notify = (uint8_t)t->notify;
    st = smtp_send(&t->session, &t->mail);
    if (st == SMTP_E_BODY)
        why = draft_broken(&t->composed);
    if (st == SMTP_E_BODY && !why)
        why = t->source.rest.error ? strerror(t->source.rest.error)
                                   : "its length has changed meanwhile";
    if (st == SMTP_E_UNSUPPORTED)
        why = "DSN, for -N and -R";
    return report(t, st, why);
}

static int send_mail(tool *t, char **arguments)
{
    int composed = t->opt.piece_count > 0;
    int code = (composed ? compose_mail : read_mail)(t, arguments);

    if (code == EX_OK)
        code = check_addresses(&t->mail);
    if (code == EX_OK)
        code = get_ready(t);
    if (code == EX_OK && composed)
        code = compose(t, t->session.offers);
    return code == EX_OK ? hand_over(t) : code;
}

/* Nobody minds the answer to QUIT: it is not long waited for. */
static void leave(tool *t)
{
    const uint16_t patience = 5;
    uint16_t *limit = &t->config.timeout.command;

    if (*limit == 0 || *limit > patience)
        *limit = patience;
    smtp_quit(&t->session);
    smtp_close(&t->session);
    end_line(t);
}

/* A standard file that is closed must not become the number of the socket:
   faults would be said to the server. */
static void fill_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_WRONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

/* What the options ask for. */
static int act(tool *t, char **arguments)
{
    int code;

    if (t->opt.of[O_HELP])
        return help();
    if (t->opt.of[O_VERSION]) {
        puts("sendmail 0.1 (smtp.h, BearSSL)");
        return EX_OK;
    }
    code = configure(t);
    if (code == EX_OK)
        code = t->opt.of[O_INFO] ? show_server(t) : send_mail(t, arguments);
    if (t->session.io)
        leave(t);
    wipe(t->password, sizeof t->password);
    return code;
}

int main(int argc, char **argv)
{
    static tool t;
    int code = parse(&t.opt, argc, argv);

    fill_standard_files();
    if (code == EX_OK)
        code = act(&t, argv + optind);
    if (code == EX_OK && (fflush(stdout) != 0 || ferror(stdout)))
        return fault(EX_IOERR, "standard output", "not all could be written");
    return code;
}

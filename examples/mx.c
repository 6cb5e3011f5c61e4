/* mx.c - delivers one mail directly to its recipients' mail exchangers

   What a mail transfer agent does between its queue and SMTP: it looks up who
   takes mail for each recipient's domain (RFC 5321, section 5.1), tries them
   in turn, demands the TLS that the domain asks for (MTA-STS, DANE), and tells
   what became of the mail for each recipient. To keep the mail and to try
   again is up to the caller.

      cc -o mx mx.c -lbearssl -lcares -lresolv

   Rooms: options, outcomes, session, delivery, the mail and its recipients;
   hosts are found and judged in mx.h.
*/
#define _DEFAULT_SOURCE            /* POSIX, getentropy(), ns_parserr() */
#define SMTP_POSIX
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "../smtp.h"
#include "mx.h"

#include <getopt.h>
#include <signal.h>

/* ---- options ------------------------------------------------------------- */

enum {
    O_FROM, O_DOMAIN, O_PORT, O_TIMEOUT, O_SERVER, O_TLS, O_TRUST, O_STS,
    O_DANE, O_VERBOSE, O_HELP, OPTIONS
};

static const struct option longs[] = {
    {"from", required_argument, NULL, O_FROM},
    {"domain", required_argument, NULL, O_DOMAIN},
    {"port", required_argument, NULL, O_PORT},
    {"timeout", required_argument, NULL, O_TIMEOUT},
    {"server", required_argument, NULL, O_SERVER},
    {"tls", required_argument, NULL, O_TLS},
    {"tls-trust-file", required_argument, NULL, O_TRUST},
    {"sts", required_argument, NULL, O_STS},
    {"dane", no_argument, NULL, O_DANE},
    {"verbose", no_argument, NULL, O_VERBOSE},
    {"help", no_argument, NULL, O_HELP},
    {NULL, 0, NULL, 0}};

static const char usage[] =
    "usage: mx [OPTION]... -f SENDER [--] RECIPIENT... <MESSAGE\n\n"
    "  -f --from=SENDER          needed; may be empty\n"
    "     --domain=NAME          said in EHLO [this machine]\n"
    "     --port=N               of the mail exchangers [25]\n"
    "     --timeout=SECONDS      of a wait [RFC 5321]\n"
    "     --server=IP[:PORT]     name server [the system's]\n"
    "     --tls=off|try|verify   where nobody demands more [try]\n"
    "     --tls-trust-file=FILE  PEM [the system's]\n"
    "     --sts=FILE             MTA-STS policy of the recipients' domain\n"
    "     --dane                 heed TLSA records\n"
    "  -v --verbose              show the dialogue\n"
    "     --help\n\n"
    "The message (header, empty line, text) is sent as it is. A line for\n"
    "each recipient tells its outcome, who decided, and the reply; one\n"
    "without a reply code is mx's own. Exit code, the worst of them: 0\n"
    "delivered, 68 no-host, 69 refused, 75 deferred (try again later, for\n"
    "these recipients), 74 unknown (the answer is lost, sending again may\n"
    "double the mail). 64, 65, 66: an option, an address or a file is no\n"
    "good, and nothing was tried.\n"
    "--tls=try looks at no certificate. FILE of --sts is what\n"
    "https://mta-sts.DOMAIN/.well-known/mta-sts.txt holds. --dane trusts\n"
    "the name server that answers are validated (AD), so it has to be your\n"
    "own, on this machine. Records of usage 3 are compared; others (2: an\n"
    "issuer) make TLS required and are not compared.\n";

/* Recipients stay behind, from argv[optind] on. getopt() reports itself. */
static int parse(const char **of, int argc, char **argv)
{
    int found;

    while ((found = getopt_long(argc, argv, "f:v", longs, NULL)) != -1) {
        int id = found == 'f' ? O_FROM : found == 'v' ? O_VERBOSE : found;
        if (found == '?')
            return EX_USAGE;
        of[id] = optarg ? optarg : "on";
    }
    return EX_OK;
}

/* ---- outcomes ------------------------------------------------------------ */

enum { DELIVERED, NO_HOST, REJECTED, DEFERRED, UNKNOWN };  /* the worst last */

static const struct {
    const char *word;
    int exit_code;
} outcomes[] = {{"delivered", EX_OK},
                {"no-host", EX_NOHOST},
                {"refused", EX_UNAVAILABLE},
                {"deferred", EX_TEMPFAIL},
                {"unknown", EX_IOERR}};

/* Addresses tried for a domain: it may name hosts without end, each of which
   can let us wait (RFC 5321, section 5.1, wants two at least). */
enum { TRIES = 20 };

/* One recipient. */
typedef struct target {
    const char *address, *domain;
    int outcome;
    int closed;                    /* for good: no further host is tried */
    int told;
    char text[2000];               /* who decided, and how */
} target;

typedef struct tool {
    const char *of[OPTIONS];       /* values, "on" for none; 0: not given */
    unsigned short seconds;        /* --timeout, or 0 */
    target *all;
    size_t count;
    finder finder;
    int tries;                     /* left for the domain under way */
    smtp_mail mail;                /* for those of the domain under way */
    smtp_recipient *to;            /* that are open, */
    target **who;                  /* the same */
    char where[NS_MAXDNAME + 64];  /* "host[number]" of the session */
    smtp_posix posix;
    smtp_io socket, io;
    smtp_tls tls;
    smtp_tls_config tls_config;
    judge judge;
    smtp_config config;
    smtp_session session;
    int shown;                     /* --verbose: kind of the line begun, or 0 */
    char domain[256], buffer[8192];
    unsigned char records[SMTP_TLS_BUFFER_FAST];
} tool;

/* Another's words, safe for a terminal; line ends become `end`. */
static void put_safe(FILE *out, const char *text, size_t size, char end)
{
    for (; size > 0; size--, text++)
        if (*text == '\n')
            putc(end, out);
        else if (*text != '\r')
            putc(*text >= ' ' && *text < 0x7F ? *text : '?', out);
}

static void tell(target *g)
{
    printf("%s %s ", g->address, outcomes[g->outcome].word);
    put_safe(stdout, g->text, strlen(g->text), ' ');
    putchar('\n');
    g->told = 1;
}

/* A host without an address counts less than one that may come back. `text`:
   what there is to say, or 0: it has been noted. */
static void decide(target *g, int outcome, const char *where, const char *text)
{
    if (outcome == NO_HOST && g->outcome == DEFERRED)
        return;
    g->outcome = outcome;
    g->closed = outcome != NO_HOST && outcome != DEFERRED;
    if (text)
        snprintf(g->text, sizeof g->text, "%s: %s", where, text);
}

/* The same for everybody who is open. */
static void decide_all(tool *t, int outcome, const char *where,
                       const char *code, const char *why)
{
    char text[300];
    size_t i;

    snprintf(text, sizeof text, "%s %s", code, why);
    for (i = 0; i < t->mail.to_count; i++)
        decide(t->who[i], outcome, where, text);
}

/* ---- session ------------------------------------------------------------- */

/* --verbose: pieces of any size; a line on the wire is a line here. */
static void show(void *ctx, int kind, const char *data, size_t size)
{
    tool *t = (tool *)ctx;

    while (size > 0 && kind != SMTP_TRACE_BODY) {
        const char *lf = (const char *)memchr(data, '\n', size);
        size_t n = lf ? (size_t)(lf - data) + 1 : size;
        if (t->shown != kind)
            fprintf(stderr, "%s%c: ", t->shown ? "\n" : "", kind);
        put_safe(stderr, data, n, '\n');
        t->shown = lf ? 0 : kind;
        data += n;
        size -= n;
    }
}

/* Notes the reply for whom it concerns: one recipient, or all that are not
   decided. The first refusal of a mail explains those behind it. */
static void hear(void *ctx, const smtp_session *s, const smtp_mail *mail,
                 const smtp_recipient *to)
{
    tool *t = (tool *)ctx;
    unsigned code = s->reply.code.reply;
    size_t i;

    if (mail && mail->status != SMTP_AGAIN)
        return;
    for (i = 0; i < t->mail.to_count; i++)
        if (to && code != 421 ? to == &t->to[i]
                              : t->to[i].status == SMTP_AGAIN)
            snprintf(t->who[i]->text, sizeof t->who[i]->text, "%s: %u %.700s",
                     t->where, code, s->reply.text);
}

static void set_timeouts(tool *t, unsigned short seconds)
{
    smtp_timeouts *limit = &t->config.timeout;

    limit->greeting = limit->command = limit->data = seconds;
    limit->block = limit->final = seconds;
}

/* For TLS_DANE the adapter trusts nobody; the judge takes its place. */
static void set_tls(tool *t, const char *name, const policy *p, int level)
{
    static const br_x509_trust_anchor nobody;
    smtp_tls_config *c = &t->tls_config;

    memset(c, 0, sizeof *c);
    c->server_name = name;
    c->buffer = t->records;
    c->buffer_size = sizeof t->records;
    c->trust_file = t->of[O_TRUST];
    c->anchors = level == TLS_DANE ? &nobody : NULL;
    c->unsafe_no_verify = level < TLS_VERIFY;
    t->judge.vtable = &judge_class;
    t->judge.by = p;
    t->config.tls = level == TLS_OFF   ? SMTP_TLS_NONE
                    : level == TLS_TRY ? SMTP_TLS_UNSAFE_OPPORTUNISTIC
                                       : SMTP_TLS_STARTTLS;
}

static smtp_status open_tls(tool *t, int level)
{
    smtp_status st = smtp_tls_open(&t->tls, &t->socket, &t->tls_config, 1,
                                   &t->io);

    if (st == SMTP_OK && level == TLS_DANE)
        br_ssl_engine_set_x509(&t->tls.client.eng, &t->judge.vtable);
    return st;
}

/* The way to a session that is ready for the mail. */
static smtp_status get_ready(tool *t, const char *name, const char *number,
                             const policy *p, int level)
{
    smtp_status st = smtp_posix_connect(&t->posix, number, t->finder.port,
                                        NULL, 1000ul * t->seconds);

    snprintf(t->where, sizeof t->where, "%s[%s]", name, number);
    set_tls(t, name, p, level);
    set_timeouts(t, t->seconds);
    if (st != SMTP_OK)
        return st;
    if (!t->of[O_DOMAIN])
        smtp_posix_domain(&t->posix, t->domain, sizeof t->domain);
    t->socket = t->io = smtp_posix_io(&t->posix, 1);
    if (level != TLS_OFF)
        st = open_tls(t, level);
    if (st == SMTP_OK)
        st = smtp_open(&t->session, &t->io, &t->config, t->buffer,
                       sizeof t->buffer);
    return st == SMTP_OK ? smtp_run(&t->session) : st;
}

static void hang_up(tool *t)
{
    const unsigned short patience = 5;

    set_timeouts(t, patience);
    if (t->session.io) {
        smtp_quit(&t->session);
        smtp_close(&t->session);
    }
    smtp_posix_close(&t->posix);
    memset(&t->session, 0, sizeof t->session);
}

/* ---- delivery ------------------------------------------------------------ */

/* Everybody of this domain who is open becomes the mail's. */
static void gather(tool *t, const char *domain)
{
    size_t i, n = 0;

    for (i = 0; i < t->count; i++)
        if (!t->all[i].closed && !strcasecmp(t->all[i].domain, domain)) {
            memset(&t->to[n], 0, sizeof t->to[n]);
            t->to[n].address = t->all[i].address;
            t->to[n].status = SMTP_AGAIN;
            t->who[n++] = &t->all[i];
        }
    t->mail.to = t->to;
    t->mail.to_count = n;
}

static int is_tls(smtp_status st)
{
    return st <= SMTP_E_TLS && st >= SMTP_E_TLS_VERSION;
}

/* An enhanced code (RFC 3463) where no server has given one. */
static const char *code_of(smtp_status st)
{
    return st == SMTP_E_CONNECT                           ? "4.4.1"
           : is_tls(st) || st == SMTP_E_NO_STARTTLS       ? "4.7.5"
           : st == SMTP_E_UTF8                            ? "5.6.7"
           : st == SMTP_E_SIZE                            ? "5.3.4"
                                                          : "4.4.2";
}

/* 5yz is final where it judges the mail, 4yz leaves it to the next host. What
   this host cannot carry is not shown to others either. */
static int outcome_of(const smtp_recipient *r, smtp_status st)
{
    if (r->status == SMTP_OK)
        return DELIVERED;
    if (r->status == SMTP_UNKNOWN)
        return UNKNOWN;
    if (r->status == SMTP_NOT_TAKEN)
        return st == SMTP_E_UTF8 || st == SMTP_E_SIZE ? REJECTED : DEFERRED;
    return r->code.reply >= 500 ? REJECTED : DEFERRED;
}

/* What the session has brought to each recipient; `st`: how it ended. */
static void settle(tool *t, smtp_status st)
{
    char text[200];
    size_t i;

    for (i = 0; i < t->mail.to_count; i++) {
        const smtp_recipient *r = &t->to[i];
        smtp_status why = r->status == SMTP_NOT_TAKEN ? st : r->status;
        snprintf(text, sizeof text, "%s %s", code_of(why),
                 why == SMTP_E_CONNECT ? strerror(t->posix.error)
                                       : smtp_status_text(why));
        decide(t->who[i], outcome_of(r, st), t->where,
               r->code.reply ? NULL : text);
    }
}

/* The session ended before the mail; a reply that refuses it is why. */
static void not_taken(tool *t)
{
    size_t i;

    for (i = 0; i < t->mail.to_count; i++) {
        t->to[i].status = SMTP_NOT_TAKEN;
        if (t->session.reply.code.reply >= 400)
            t->to[i].code = t->session.reply.code;
    }
}

/* Where TLS is only tried and cannot be had, the mail goes in clear. */
static void try_address(tool *t, const char *name, const char *number,
                        const policy *p)
{
    smtp_status st = get_ready(t, name, number, p, p->level);

    if (p->level == TLS_TRY && is_tls(st)) {
        hang_up(t);
        st = get_ready(t, name, number, p, TLS_OFF);
    }
    if (st == SMTP_OK)
        st = smtp_send(&t->session, &t->mail);
    else
        not_taken(t);
    settle(t, st);
    hang_up(t);
}

static void try_addresses(tool *t, const char *name, const char *domain)
{
    const struct ares_addrinfo_node *at = t->finder.addresses->nodes;
    char number[INET6_ADDRSTRLEN + 16];
    policy p;

    find_policy(&t->finder, name, &p);
    if (p.forbids)
        decide_all(t, DEFERRED, name, "4.7.5", p.forbids);
    for (; at && t->mail.to_count > 0 && !p.forbids; at = at->ai_next)
        if (t->tries > 0 &&
            !getnameinfo(at->ai_addr, at->ai_addrlen, number, sizeof number,
                         NULL, 0, NI_NUMERICHOST)) {
            t->tries--;
            try_address(t, name, number, &p);
            gather(t, domain);
        }
}

static void try_host(tool *t, const char *name, const char *domain)
{
    int status = find_addresses(&t->finder, name);

    if (status == ARES_SUCCESS)
        try_addresses(t, name, domain);
    else if (is_nothing(status))
        decide_all(t, NO_HOST, name, "5.1.2", ares_strerror(status));
    else
        decide_all(t, DEFERRED, name, "4.4.3", ares_strerror(status));
    if (t->finder.addresses)
        ares_freeaddrinfo(t->finder.addresses);
}

/* One domain: its hosts in turn, as long as somebody is open. */
static void deliver(tool *t, const char *domain)
{
    finder *f = &t->finder;
    int status = find_hosts(f, domain);
    size_t i;

    t->tries = TRIES;
    gather(t, domain);
    if (status != ARES_SUCCESS && is_nothing(status))
        decide_all(t, NO_HOST, domain, "5.1.2", ares_strerror(status));
    else if (status != ARES_SUCCESS)
        decide_all(t, DEFERRED, domain, "4.4.3", ares_strerror(status));
    else if (f->host_count == 0)
        decide_all(t, REJECTED, domain, "556 5.1.10", "it takes no mail");
    for (i = 0; i < f->host_count && t->mail.to_count > 0; i++)
        try_host(t, f->hosts[i].name, domain);
}

/* Returns the exit code. */
static int deliver_all(tool *t)
{
    int worst = DELIVERED;
    size_t i, j;

    for (i = 0; i < t->count; i++) {
        const char *domain = t->all[i].domain;
        if (!t->all[i].told)
            deliver(t, domain);
        for (j = i; j < t->count; j++)
            if (!t->all[j].told && !strcasecmp(t->all[j].domain, domain))
                tell(&t->all[j]);
        fflush(stdout);
        if (t->all[i].outcome > worst)
            worst = t->all[i].outcome;
    }
    return outcomes[worst].exit_code;
}

/* ---- the mail and its recipients ----------------------------------------- */

static void *grow(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (!memory)
        exit(fault(EX_OSERR, "out of memory", NULL));
    return memory;
}

/* The whole of standard input: each domain is sent the same. */
static smtp_body read_message(void)
{
    size_t room = 65536, size = 0, n;
    char *text = (char *)grow(NULL, room);

    while ((n = fread(text + size, 1, room - size, stdin)) > 0) {
        size += n;
        if (size == room)
            text = (char *)grow(text, room *= 2);
    }
    if (ferror(stdin))
        exit(fault(EX_NOINPUT, "standard input", strerror(errno)));
    return smtp_bytes(text, size);
}

/* 0: it has none, or none that a name server could be asked for. */
static const char *domain_of(const char *address)
{
    const char *at = strrchr(address, '@'), *p = at;

    while (p && *p)
        p = (unsigned char)*p < 0x80 ? p + 1 : NULL;
    return p && at > address && at[1] && smtp_address_check(address) ? at + 1
                                                                     : NULL;
}

static int set_recipients(tool *t, char **addresses, size_t count)
{
    size_t i;

    if (count == 0)
        return fault(EX_USAGE, "no recipients (see --help)", NULL);
    t->count = count;
    t->to = (smtp_recipient *)grow(NULL, count * sizeof *t->to);
    t->who = (target **)grow(NULL, count * sizeof *t->who);
    t->all = (target *)grow(NULL, count * sizeof *t->all);
    memset(t->all, 0, count * sizeof *t->all);
    for (i = 0; i < count; i++) {
        t->all[i].address = addresses[i];
        t->all[i].domain = domain_of(addresses[i]);
        t->all[i].outcome = NO_HOST;      /* so far */
        if (!t->all[i].domain)
            return fault(EX_DATAERR, addresses[i], "no address to deliver to");
    }
    return EX_OK;
}

static int set_finder(tool *t)
{
    const char *tls = t->of[O_TLS] ? t->of[O_TLS] : "try";
    finder *f = &t->finder;

    f->port = t->of[O_PORT] ? t->of[O_PORT] : "25";
    f->dane = t->of[O_DANE] != NULL;
    f->level = !strcmp(tls, "off")   ? TLS_OFF
               : !strcmp(tls, "try") ? TLS_TRY
                                     : TLS_VERIFY;
    if (f->level == TLS_VERIFY && strcmp(tls, "verify"))
        return fault(EX_USAGE, "--tls: off, try or verify, not", tls);
    if (!number_of(f->port))
        return fault(EX_USAGE, "--port: 1 to 65535, not", f->port);
    return t->of[O_STS] ? read_sts(f, t->of[O_STS]) : EX_OK;
}

/* All that the options say, judged before anything is asked or sent. */
static int configure(tool *t)
{
    const char *from = t->of[O_FROM], *seconds = t->of[O_TIMEOUT];
    const char *domain = t->of[O_DOMAIN], *trust = t->of[O_TRUST];

    if (!from)
        return fault(EX_USAGE, "-f SENDER is needed, or -f ''", NULL);
    if (from[0] && !smtp_address_check(from))
        return fault(EX_USAGE, "-f: no address that can be sent", from);
    if (domain && (!domain[0] || domain[0] == '"' ||
                   smtp_address_check(domain) != 1))
        return fault(EX_USAGE, "--domain: no name to be said", domain);
    t->seconds = seconds ? number_of(seconds) : 0;
    if (seconds && !t->seconds)
        return fault(EX_USAGE, "--timeout: 1 to 65535 seconds", NULL);
    if (trust && access(trust, R_OK))
        return fault(EX_NOINPUT, trust, strerror(errno));
    t->mail.from = from;
    t->config.domain = domain ? domain : t->domain;
    t->config.ctx = t;
    t->config.reply = hear;
    t->config.trace = t->of[O_VERBOSE] ? show : NULL;
    return set_finder(t);
}

/* A standard file that is closed must not become the number of a socket: what
   is printed would be said to a server. */
static void fill_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_WRONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

/* `code`, or that what was printed is lost. */
static int flush(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return fault(EX_IOERR, "standard output", "not all could be written");
    return code;
}

static int help(void)
{
    fputs(usage, stdout);
    return flush(EX_OK);
}

int main(int argc, char **argv)
{
    static tool t;
    int code = parse(t.of, argc, argv);

    fill_standard_files();
    signal(SIGPIPE, SIG_IGN);      /* c-ares over TCP */
    if (code == EX_OK && t.of[O_HELP])
        return help();
    if (code == EX_OK)
        code = configure(&t);
    if (code == EX_OK)
        code = set_recipients(&t, argv + optind, (size_t)(argc - optind));
    if (code == EX_OK)
        code = start_dns(&t.finder, t.of[O_SERVER], t.seconds);
    if (code != EX_OK)
        return code;
    t.mail.body = read_message();
    code = deliver_all(&t);
    ares_destroy(t.finder.dns);
    ares_library_cleanup();
    return flush(code);
}

/* driver.c - smtp.h steered from standard input, for tests/system/smtplib

      driver HOST PORT [KEY=VALUE]... <steps >results

   A step is a line of words, the first its name, each percent-encoded, "!" an
   empty one; a list of addresses is joined by commas. A result is a line of
   tab-separated fields: status, 1 if the session is over, reply code, reply
   text, then for each recipient address, status, code and text. */
#define SMTP_POSIX
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "smtp.h"
#include <stdio.h>
#include <stdlib.h>

enum { WORDS = 8, MOST = 200, TEXT = 512 };

static smtp_session session;
static smtp_config config;
static smtp_tls_config tls_config;
static smtp_posix posix;
static smtp_tls tls;
static smtp_scram scram;
static smtp_sasl sasl;
static int waits;                   /* the own mechanism does, for the server */
static const char *host, *service, *source;
static smtp_io lower, io;
static unsigned char records[SMTP_TLS_BUFFER_FAST];
static char buffer[8192];
static char features[2048];         /* smtplib keeps every keyword, too */

static char *word[WORDS];
static size_t length[WORDS];

static smtp_recipient to[MOST];
static size_t to_count;
static char to_text[MOST][TEXT];    /* what each was answered */
static unsigned code;               /* the step's reply, 0: none */
static char text[TEXT];
static int decided;                 /* text is that of a refused mail */
static smtp_composer composer;
static smtp_mailbox who[MOST];

/* ---- words in and out ---------------------------------------------------- */

static size_t decode(char *p)
{
    char *start = p, *out = p, digits[3] = {0, 0, 0};
    for (; *p && strcmp(p, "!") != 0; p++) {
        if (*p != '%') {
            *out++ = *p;
            continue;
        }
        digits[0] = p[1];
        digits[1] = p[2];
        *out++ = (char)strtoul(digits, NULL, 16);
        p += 2;
    }
    *out = 0;
    return (size_t)(out - start);
}

static void print_encoded(const char *p)
{
    for (; *p; p++)
        if (*p > ' ' && *p < 127 && *p != '%')
            putchar(*p);
        else
            printf("%%%02X", (unsigned char)*p);
}

static const char *status_name(int status)
{
#define STATUS_NAME(name, value, text) case value: return #name;
    switch (status) {
        SMTP_STATUS_LIST(STATUS_NAME)
    default:
        return "no status";
    }
#undef STATUS_NAME
}

/* Words that are not there are empty. */
static void split(char *line)
{
    static char nothing[1];
    size_t i;
    line[strcspn(line, "\n")] = 0;
    for (i = 0; i < WORDS; i++) {
        word[i] = *line ? line : nothing;
        line += strcspn(line, " ");
        if (*line)
            *line++ = 0;
    }
}

static void decode_words(void)
{
    size_t i;
    for (i = 0; i < WORDS; i++)
        length[i] = decode(word[i]);
}

static void split_recipients(char *list, const char *params)
{
    memset(to, 0, sizeof to);
    memset(to_text, 0, sizeof to_text);
    if (strcmp(list, "!") == 0)
        return;
    for (; *list && to_count < MOST; to_count++) {
        char *address = list;
        to[to_count].address = address;
        to[to_count].params = params;
        list += strcspn(list, ",");
        if (*list)
            *list++ = 0;
        decode(address);
    }
}

/* "ADDRESS" or "NAME <ADDRESS>". */
static void set_mailbox(smtp_mailbox *mailbox, char *text)
{
    char *angle = strchr(text, '<');
    mailbox->address = text;
    if (angle == NULL)
        return;
    mailbox->name = text;
    mailbox->address = angle + 1;
    angle[-1] = 0;
    angle[strcspn(angle, ">")] = 0;
}

/* "ROLE:MAILBOX,ROLE:MAILBOX" into who. Returns how many. */
static size_t split_mailboxes(char *list)
{
    static const char *const roles[] = {"To", "Cc", "Bcc", "From", "Sender",
                                        "Reply-To"};
    size_t n;
    memset(who, 0, sizeof who);
    for (n = 0; *list && n < MOST; n++) {
        char *item = list, *colon;
        list += strcspn(list, ",");
        if (*list)
            *list++ = 0;
        colon = item + strcspn(item, ":");
        *colon = 0;
        while (who[n].role < SMTP_REPLY_TO &&
               strcmp(item, roles[who[n].role]) != 0)
            who[n].role++;
        set_mailbox(&who[n], colon + 1);
    }
    return n;
}

/* ---- a login mechanism of one's own -------------------------------------- */

/* First "hello", or the server's turn; then what was asked, in brackets. */
static ptrdiff_t own_step(void *ctx, const smtp_session *s,
                          const char *challenge, size_t size,
                          const char **response)
{
    static char answer[200] = "[";
    static size_t n = 1;
    (void)ctx, (void)s;
    if (challenge == NULL) {
        n = 1;
        *response = waits ? NULL : "hello";
        return waits ? 0 : 5;
    }
    if (size > sizeof answer - 1 - n)
        return SMTP_E_BUFFER;
    memcpy(answer + n, challenge, size);
    n += size;
    if (size > 0)
        return 0;
    answer[n] = ']';
    *response = answer;
    size = n;
    n = 1;
    return (ptrdiff_t)size + 1;
}

/* ---- steps --------------------------------------------------------------- */

/* Keeps the last reply, and of a mail the one that refused it. */
static void on_reply(void *ctx, const smtp_session *s, const smtp_mail *mail,
                     const smtp_recipient *recipient)
{
    (void)ctx;
    if (recipient)
        snprintf(to_text[recipient - to], TEXT, "%s", s->reply.text);
    if (decided)
        return;
    code = s->reply.code.reply;
    snprintf(text, TEXT, "%s", s->reply.text);
    decided = mail && !recipient && code >= 400;
}

static smtp_status step_greet(void)
{
    return smtp_greet(&session);
}

static smtp_status step_ehlo(void)
{
    return smtp_ehlo(&session);
}

static smtp_status step_helo(void)
{
    return smtp_helo(&session);
}

static smtp_status step_hello(void)
{
    return smtp_run(&session);
}

static smtp_status step_starttls(void)
{
    return smtp_starttls(&session);
}

static smtp_status step_login(void)
{
    return smtp_login(&session);
}

static smtp_status step_mail(void)
{
    return smtp_mail_from(&session, word[1], word[2]);
}

static smtp_status step_rcpt(void)
{
    return smtp_rcpt_to(&session, word[1], word[2]);
}

static smtp_status step_data(void)
{
    smtp_body body = smtp_bytes(word[1], length[1]);
    return smtp_data(&session, &body);
}

static smtp_status step_vrfy(void)
{
    return smtp_verify(&session, word[1]);
}

static smtp_status step_expn(void)
{
    return smtp_expn(&session, word[1]);
}

static smtp_status step_help(void)
{
    return smtp_help(&session, word[1]);
}

static smtp_status step_noop(void)
{
    return smtp_noop(&session);
}

static smtp_status step_rset(void)
{
    return smtp_rset(&session);
}

static smtp_status step_docmd(void)
{
    return smtp_docmd(&session, word[1], *word[2] ? word[2] : NULL);
}

static smtp_status step_quit(void)
{
    return smtp_quit(&session);
}

static smtp_status step_has(void)
{
    return smtp_has_extn(&session, word[1]) ? SMTP_OK : SMTP_E_UNSUPPORTED;
}

/* What stands behind a keyword, as the step's text. */
static smtp_status step_extn(void)
{
    const char *parameters = smtp_extn(&session, word[1]);
    if (parameters == NULL)
        return SMTP_E_UNSUPPORTED;
    snprintf(text, TEXT, "%s", parameters);
    return SMTP_OK;
}

static smtp_status send_mail(smtp_mail *mail)
{
    smtp_status st = smtp_send(&session, mail);
    if (mail->code.reply)
        code = mail->code.reply;
    return st;
}

/* sendmail FROM TO,TO BODY MAIL-OPTIONS RCPT-OPTIONS */
static smtp_status step_sendmail(void)
{
    smtp_mail mail;
    memset(&mail, 0, sizeof mail);
    mail.from = word[1];
    mail.to = to;
    mail.to_count = to_count;
    mail.body = smtp_bytes(word[3], length[3]);
    mail.params = word[4];
    return send_mail(&mail);
}

/* send_message SUBJECT ROLE:MAILBOX,ROLE:MAILBOX TEXT FROM TO */
static smtp_status step_send_message(void)
{
    smtp_mail mail;
    smtp_message message;
    smtp_status st = smtp_run(&session);
    memset(&mail, 0, sizeof mail);
    memset(&message, 0, sizeof message);
    message.subject = word[1];
    message.who = who;
    message.who_count = split_mailboxes(word[2]);
    message.text = smtp_bytes(word[3], length[3]);
    message.offers = session.offers;
    if (st == SMTP_OK)
        st = smtp_compose(&composer, &message, &mail, to, MOST);
    memset(to_text, 0, sizeof to_text);
    if (st != SMTP_OK)
        return st;
    if (*word[4])
        mail.from = word[4];
    if (*word[5]) {
        to[0].address = word[5];
        mail.to_count = 1;
    }
    to_count = mail.to_count;
    return send_mail(&mail);
}

static smtp_status begin(void);

static smtp_status step_reconnect(void)
{
    smtp_status st;
    smtp_close(&session);
    st = begin();
    return st == SMTP_OK ? smtp_greet(&session) : st;
}

static const struct step {
    const char *name;
    smtp_status (*run)(void);
} steps[] = {
    {"connect", step_greet}, {"ehlo", step_ehlo}, {"helo", step_helo},
    {"hello", step_hello}, {"starttls", step_starttls}, {"login", step_login},
    {"mail", step_mail}, {"rcpt", step_rcpt}, {"data", step_data},
    {"vrfy", step_vrfy}, {"expn", step_expn}, {"help", step_help},
    {"noop", step_noop}, {"rset", step_rset}, {"docmd", step_docmd},
    {"quit", step_quit}, {"has", step_has}, {"extn", step_extn},
    {"sendmail", step_sendmail}, {"send_message", step_send_message},
    {"reconnect", step_reconnect}, {"auth", step_login}
};

static void print_result(smtp_status st)
{
    size_t i;
    printf("%s\t%d\t%u\t", status_name(st), session.status != SMTP_OK, code);
    print_encoded(text);
    for (i = 0; i < to_count; i++) {
        putchar('\t');
        print_encoded(to[i].address);
        printf("\t%s\t%u\t", status_name(to[i].status), to[i].code.reply);
        print_encoded(to_text[i]);
    }
    printf("\n");
}

/* By hand the reply stands in the session. */
static void read_reply(void)
{
    if (code == 0 || session.io == NULL)
        return;
    code = session.reply.code.reply;
    snprintf(text, TEXT, "%s", session.reply.text);
}

/* The recipients are split while a comma in an address is still encoded. */
static int run_step(char *line)
{
    size_t i = 0;
    smtp_status st;
    split(line);
    to_count = 0;
    code = 0;
    text[0] = 0;
    decided = 0;
    if (strcmp(word[0], "sendmail") == 0)
        split_recipients(word[2], word[5]);
    decode_words();
    while (strcmp(steps[i].name, word[0]) != 0)
        if (++i == sizeof steps / sizeof *steps)
            return 0;
    st = steps[i].run();
    if (strncmp(word[0], "send", 4) != 0)
        read_reply();
    print_result(st);
    return 1;
}

/* ---- start --------------------------------------------------------------- */

static const smtp_sasl own = {SMTP_AUTH_OTHER, NULL, NULL, own_step, NULL};

static void set(char *key)
{
    char *value = key + strcspn(key, "=");
    unsigned number;
    *value++ = 0;
    number = (unsigned)strtoul(value, NULL, 10);
    if (strcmp(key, "domain") == 0)
        config.domain = value;
    else if (strcmp(key, "user") == 0)
        config.user = value;
    else if (strcmp(key, "password") == 0)
        config.password = value;
    else if (strcmp(key, "trust") == 0)
        tls_config.trust_file = value;
    else if (strcmp(key, "name") == 0)
        tls_config.server_name = value;
    else if (strcmp(key, "implicit") == 0)
        config.tls = SMTP_TLS_IMPLICIT;
    else if (strcmp(key, "lmtp") == 0)
        config.lmtp = 1;
    else if (strcmp(key, "lockstep") == 0)
        config.no_pipelining = 1;
    else if (strcmp(key, "clear-login") == 0)
        config.unsafe_clear_login = 1;
    else if (strcmp(key, "no-initial-response") == 0)
        config.no_initial_response = 1;
    else if (strcmp(key, "mechanism") == 0)
        config.mechanisms = strcmp(value, "LOGIN") == 0   ? SMTP_AUTH_LOGIN
                            : strcmp(value, "PLAIN") == 0 ? SMTP_AUTH_PLAIN
                                                          : SMTP_AUTH_CRAM_MD5;
    else if (strcmp(key, "source") == 0)
        source = value;
    else if (strcmp(key, "own") == 0 || strcmp(key, "own-waits") == 0) {
        waits = strcmp(key, "own-waits") == 0;
        sasl = own;
        sasl.name = value;
    } else if (strcmp(key, "seconds") == 0)
        config.timeout.greeting = config.timeout.command =
            config.timeout.data = config.timeout.block =
            config.timeout.final = (uint16_t)number;
}

static smtp_status begin(void)
{
    smtp_status st = smtp_posix_connect(&posix, host, service, source, 0);
    lower = smtp_posix_io(&posix, 1);
    tls_config.buffer = records;
    tls_config.buffer_size = sizeof records;
    if (st == SMTP_OK)
        st = smtp_tls_open(&tls, &lower, &tls_config,
                           config.tls != SMTP_TLS_IMPLICIT, &io);
    if (st == SMTP_OK)
        st = smtp_open(&session, &io, &config, buffer, sizeof buffer);
    return st;
}

/* Argument and result of the step "connect" are those of opening. */
int main(int count, char **argument)
{
    static char line[1 << 20];
    smtp_status st;
    int i;
    config.tls = SMTP_TLS_NONE;
    config.reply = on_reply;
    scram.tls = &tls;
    sasl = smtp_scram_sasl(&scram);
    config.sasl = &sasl;
    config.features = features;
    config.features_size = sizeof features;
    for (i = 3; i < count; i++) {
        decode(argument[i]);
        set(argument[i]);
    }
    host = argument[1];
    service = argument[2];
    st = begin();
    if (st != SMTP_OK) {
        session.status = (int8_t)st;
        print_result(st);
        return 0;
    }
    while (fgets(line, sizeof line, stdin)) {
        if (!run_step(line))
            return 1;
        fflush(stdout);
    }
    smtp_close(&session);
    return 0;
}

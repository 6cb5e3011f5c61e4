/* peer.h - a scripted SMTP and LMTP server in memory, and the wire to it

   The peer understands what is said, answers each command by the next rule of
   its script (or as a plain server would), keeps the mails that it accepted,
   and logs every byte. It holds the client to the protocol: nothing behind a
   command that ends a group, no pipelining that was not offered, no bare CR or
   LF in a message, nothing in clear once TLS was agreed.

   The wire is the transport of a session: it moves as many bytes a call as it
   is told, says SMTP_AGAIN or fails where it is told, and finds out when both
   ends wait for each other. Include smtp.h first. */
#ifndef PEER_H
#define PEER_H

#include <stdlib.h>
#include <string.h>

/* ---- bytes that grow ----------------------------------------------------- */

typedef struct bytes {
    char *data;
    size_t size, room;
} bytes;

static inline void bytes_add(bytes *b, const void *data, size_t size)
{
    if (b->size + size + 1 > b->room) {
        b->room = 2 * (b->size + size) + 256;
        b->data = (char *)realloc(b->data, b->room);
        if (!b->data)
            abort();
    }
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    b->data[b->size] = 0;
}

static inline void bytes_text(bytes *b, const char *text)
{
    bytes_add(b, text, strlen(text));
}

static inline void bytes_clear(bytes *b)
{
    b->size = 0;
    bytes_add(b, "", 0);
}

static inline void bytes_free(bytes *b)
{
    free(b->data);
    b->data = NULL;
    b->size = b->room = 0;
}

/* ---- script -------------------------------------------------------------- */

enum { PEER_RULES = 64, PEER_MAILS = 32, PEER_WORD = 12 };

/* The n-th command of a verb is answered by the n-th rule for it, or by the
   first that is to be repeated. Verbs besides the commands: greeting, RESPONSE
   (to a line of a login), END (to a message), NONE (to a message for which no
   recipient was accepted), BODY (inside a message), PRDR (announces an END for
   each recipient, then ALL). Who says 421 closes, but where `on` says that it
   was meant for one recipient. */
typedef struct peer_rule {
    char verb[PEER_WORD];
    const char *reply;             /* as on the wire; may be empty */
    size_t size;
    size_t at;                     /* BODY: after so many bytes */
    unsigned char repeat, close, on;
    unsigned char now;             /* BDAT: before its payload is read */
} peer_rule;

typedef struct peer_script {
    peer_rule rule[PEER_RULES];
    size_t count;
    char hold[PEER_WORD], release[PEER_WORD];  /* answers kept back between */
    unsigned char lmtp;
    unsigned char busy;            /* refuses what came before the answer to a
                                      message */
} peer_script;

/* ---- peer ---------------------------------------------------------------- */

/* A message that was accepted. */
typedef struct peer_mail {
    size_t from, to, body;         /* offsets in the vault: NUL-ended texts, */
    size_t body_size;              /* `to` with a space behind each address */
} peer_mail;

enum { PEER_COMMAND, PEER_RESPONSE, PEER_DATA, PEER_BDAT };
enum { PEER_BOL, PEER_MID, PEER_CR, PEER_DOT, PEER_DOT_CR };

typedef struct peer {
    const peer_script *script;
    unsigned char taken[PEER_RULES];
    bytes in;                      /* said, understood up to in_from */
    bytes out;                     /* replies; heard up to out_from, */
    size_t in_from, out_from;
    size_t refuse_to;              /* said too early: refused */
    size_t out_ready;              /* to be heard up to here */
    size_t must_read;              /* nothing may be said before this */
    bytes log;                     /* all that was said, CRLF as LF */
    bytes body, vault, secrets;
    bytes from, to;                /* of the transaction */
    bytes asked;                   /* sender of the last MAIL */
    peer_mail mail[PEER_MAILS];
    size_t stored;
    size_t chunk, payload;         /* bytes left; bytes of the message */
    size_t accepted;               /* recipients */
    bytes ended;                   /* senders whose message came whole */
    const char *fault;             /* of the client, the first */
    unsigned char mode, eol, closed, secure, await_tls, log_cr;
    unsigned char open, failed, last, binary, pipelining, holding, step;
    unsigned char prdr;            /* asked for in this transaction */
} peer;

static inline void peer_fault(peer *p, const char *what)
{
    if (!p->fault)
        p->fault = what;
}

static inline const peer_rule *peer_find(const peer *p, const char *verb)
{
    size_t i;
    for (i = 0; i < p->script->count; i++)
        if (!p->taken[i] && strcmp(p->script->rule[i].verb, verb) == 0)
            return &p->script->rule[i];
    return NULL;
}

static inline const peer_rule *peer_take(peer *p, const char *verb)
{
    const peer_rule *rule = peer_find(p, verb);
    if (rule && !rule->repeat)
        p->taken[rule - p->script->rule] = 1;
    return rule;
}

static inline void peer_ready(peer *p)
{
    if (!p->holding)
        p->out_ready = p->out.size;
}

/* Answers, and returns the first digit of the answer (0: none). */
static inline int peer_rule_says(peer *p, const peer_rule *rule)
{
    bytes_add(&p->out, rule->reply, rule->size);
    if (rule->close || (!rule->on && strncmp(rule->reply, "421", 3) == 0)) {
        p->closed = 1;
        p->holding = 0;
    }
    peer_ready(p);
    return rule->size ? rule->reply[0] - '0' : 0;
}

static inline int peer_says(peer *p, const char *verb, const char *otherwise)
{
    const peer_rule *rule = peer_take(p, verb);
    if (rule)
        return peer_rule_says(p, rule);
    bytes_text(&p->out, otherwise);
    bytes_text(&p->out, "\r\n");
    peer_ready(p);
    return otherwise[0] - '0';
}

static inline void peer_start(peer *p, const peer_script *script)
{
    p->script = script;
    memset(p->taken, 0, sizeof p->taken);
    bytes_clear(&p->in);
    bytes_clear(&p->out);
    bytes_clear(&p->log);
    bytes_clear(&p->body);
    bytes_clear(&p->vault);
    bytes_clear(&p->secrets);
    bytes_clear(&p->ended);
    bytes_clear(&p->asked);
    bytes_clear(&p->from);
    bytes_clear(&p->to);
    p->in_from = p->out_from = p->out_ready = p->must_read = 0;
    p->stored = p->chunk = p->payload = p->accepted = 0;
    p->fault = NULL;
    p->mode = PEER_COMMAND;
    p->eol = PEER_BOL;
    p->closed = p->secure = p->await_tls = p->log_cr = 0;
    p->open = p->failed = p->last = p->binary = p->pipelining = 0;
    p->holding = p->step = 0;
    peer_says(p, "greeting", "220 mx ESMTP");
    p->must_read = p->out.size;
}

static inline void peer_stop(peer *p)
{
    bytes_free(&p->in);
    bytes_free(&p->out);
    bytes_free(&p->log);
    bytes_free(&p->body);
    bytes_free(&p->vault);
    bytes_free(&p->secrets);
    bytes_free(&p->ended);
    bytes_free(&p->asked);
    bytes_free(&p->from);
    bytes_free(&p->to);
}

/* What was said, readable: bare CR and LF and NUL stand out. `cr`: the last
   byte was a CR. */
static inline void peer_log(bytes *log, unsigned char *cr, const char *data,
                            size_t size)
{
    size_t i;
    for (i = 0; i < size; i++) {
        int lf = data[i] == '\n';
        if (*cr && !lf)
            bytes_text(log, "<CR>");
        if (lf && !*cr)
            bytes_text(log, "<LF>");
        else if (data[i] == 0)
            bytes_text(log, "<0>");
        else if (data[i] != '\r')
            bytes_add(log, data + i, 1);
        *cr = data[i] == '\r';
    }
}

/* ---- transactions -------------------------------------------------------- */

static inline void peer_forget(peer *p)
{
    p->open = p->failed = p->binary = p->prdr = 0;
    p->accepted = p->payload = 0;
    bytes_clear(&p->body);
    bytes_clear(&p->from);
    bytes_clear(&p->to);
}

static inline void peer_store(peer *p, const char *to)
{
    peer_mail *mail = &p->mail[p->stored++];
    if (p->stored == PEER_MAILS)
        abort();
    mail->from = p->vault.size;
    bytes_add(&p->vault, p->from.data, p->from.size + 1);
    mail->to = p->vault.size;
    bytes_add(&p->vault, to, strlen(to) + 1);
    mail->body = p->vault.size;
    mail->body_size = p->body.size;
    bytes_add(&p->vault, p->body.data, p->body.size + 1);
}

/* LMTP: an answer for each recipient that was accepted. With PRDR one for all
   comes behind them. */
static inline void peer_end_each(peer *p)
{
    bytes good = {NULL, 0, 0};
    const char *to = p->to.data, *end;
    bytes_clear(&good);
    for (; (end = strchr(to, ' ')) != NULL && !p->closed; to = end + 1)
        if (peer_says(p, "END", "250 2.6.0 stored") == 2)
            bytes_add(&good, to, (size_t)(end - to) + 1);
    if (p->prdr && !p->closed
        && peer_says(p, "ALL", good.size ? "250 2.6.0 stored"
                                         : "550 5.7.1 for nobody") != 2)
        bytes_clear(&good);
    if (good.size && !(p->prdr && p->closed))
        peer_store(p, good.data);
    bytes_free(&good);
}

/* Whether the answers begin with 353. */
static inline int peer_announces(peer *p)
{
    if (p->accepted < 2)
        p->prdr = 0;
    return p->prdr && peer_says(p, "PRDR", "353 for each") == 3;
}

static inline void peer_end(peer *p)
{
    bytes_text(&p->ended, p->asked.data);
    bytes_text(&p->ended, "\n");
    p->mode = PEER_COMMAND;
    if (p->script->busy)
        p->refuse_to = p->in.size;
    if (p->failed)
        ;
    else if (p->script->lmtp)
        peer_end_each(p);
    else if (!p->accepted)
        peer_says(p, "NONE", "554 5.5.1 no valid recipients");
    else if (peer_announces(p))
        peer_end_each(p);
    else if (peer_says(p, "END", "250 2.6.0 stored") == 2)
        peer_store(p, p->to.data);
    peer_forget(p);
}

/* One byte of the message went by: is something said about it? */
static inline void peer_payload(peer *p)
{
    size_t i;
    p->payload++;
    for (i = 0; i < p->script->count; i++) {
        const peer_rule *rule = &p->script->rule[i];
        if (p->taken[i] || rule->at != p->payload)
            continue;
        p->taken[i] = 1;
        if (peer_rule_says(p, rule) != 2)
            p->failed = 1;
    }
}

static inline void peer_keep(peer *p, const char *text, size_t size)
{
    bytes_add(&p->body, text, size);
}

/* RFC 5321, section 4.5.2; a bare CR or LF is the client's fault. */
static inline void peer_data_byte(peer *p, char c)
{
    int after_cr = p->eol == PEER_CR || p->eol == PEER_DOT_CR;
    if (after_cr != (c == '\n'))
        peer_fault(p, "a bare CR or LF in a message");
    peer_payload(p);
    if (p->eol == PEER_DOT_CR && c == '\n') {
        peer_end(p);
        return;
    }
    if (p->eol == PEER_BOL && c == '.') {
        p->eol = PEER_DOT;
        return;
    }
    if (p->eol == PEER_DOT && c == '\r') {
        p->eol = PEER_DOT_CR;
        return;
    }
    if (p->eol == PEER_DOT && c != '.')
        peer_fault(p, "a dot that was not doubled");
    peer_keep(p, &c, 1);
    p->eol = c == '\n' ? PEER_BOL : c == '\r' ? PEER_CR : PEER_MID;
}

static inline void peer_chunk_end(peer *p)
{
    p->mode = PEER_COMMAND;
    if (p->last) {
        peer_end(p);
        return;
    }
    if (!p->failed && peer_says(p, "BDAT", "250 2.6.0 go on") != 2)
        p->failed = 1;
    else if (p->failed == 2)
        peer_says(p, "BDAT", "503 5.5.1 the chunk before was refused");
    if (p->failed)
        p->failed = 2;
}

static inline void peer_bdat_byte(peer *p, char c)
{
    int after_cr = p->eol == PEER_CR;
    if (!p->binary && after_cr != (c == '\n'))
        peer_fault(p, "a bare CR or LF in a chunk");
    p->eol = c == '\r' ? PEER_CR : PEER_MID;
    peer_keep(p, &c, 1);
    peer_payload(p);
    if (--p->chunk)
        return;
    if (!p->binary && p->eol == PEER_CR)
        peer_fault(p, "a CRLF parted by the end of a chunk");
    peer_chunk_end(p);
}

/* ---- commands ------------------------------------------------------------ */

static inline char peer_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

static inline int peer_has(const char *line, const char *word)
{
    size_t i;
    for (; *line; line++) {
        for (i = 0; word[i] && peer_upper(line[i]) == word[i]; i++)
            ;
        if (!word[i])
            return 1;
    }
    return 0;
}

/* The path between < and >. It may begin with a quoted local part. */
static inline void peer_path(const char *line, bytes *path)
{
    const char *at = strchr(line, '<');
    int quoted = 0;
    bytes_clear(path);
    for (at = at ? at + 1 : ""; *at && (quoted || *at != '>'); at++) {
        if (*at == '"')
            quoted = !quoted && path->size == 0;
        bytes_add(path, at, 1);
        if (*at == '\\' && quoted && at[1])
            bytes_add(path, ++at, 1);
    }
}

static inline void peer_ehlo(peer *p, const char *verb)
{
    size_t before = p->out.size;
    peer_forget(p);
    peer_says(p, verb, "250 mx");
    p->pipelining = (unsigned char)peer_has(p->out.data + before,
                                            "PIPELINING");
}

static inline void peer_from(peer *p, const char *line)
{
    peer_path(line, &p->asked);
    if (p->open) {
        peer_says(p, "MAIL", "503 5.5.1 nested MAIL command");
        return;
    }
    if (peer_says(p, "MAIL", "250 2.1.0 ok") != 2)
        return;
    peer_forget(p);
    p->open = 1;
    p->binary = (unsigned char)peer_has(line, "BODY=BINARYMIME");
    p->prdr = (unsigned char)peer_has(line, " PRDR");
    peer_path(line, &p->from);
}

static inline void peer_to(peer *p, const char *line)
{
    bytes path = {NULL, 0, 0};
    if (peer_says(p, "RCPT", p->open ? "250 2.1.5 ok"
                                     : "503 5.5.1 need MAIL") != 2)
        return;
    if (!p->open)
        return;
    p->accepted++;
    peer_path(line, &path);
    bytes_add(&p->to, path.data, path.size);
    bytes_text(&p->to, " ");
    bytes_free(&path);
}

static inline void peer_data(peer *p)
{
    const char *otherwise = !p->open ? "503 5.5.1 need MAIL"
                            : !p->accepted ? "554 5.5.1 no valid recipients"
                                           : "354 go on";
    if (peer_says(p, "DATA", otherwise) != 3)
        return;
    p->mode = PEER_DATA;
    p->eol = PEER_BOL;
    p->failed = 0;
}

/* LMTP answers the last chunk for each recipient. */
static inline void peer_refuse_now(peer *p)
{
    const peer_rule *rule = peer_take(p, "BDAT");
    size_t n = p->script->lmtp && p->last ? p->accepted : 1;
    while (n--)
        peer_rule_says(p, rule);
    p->failed = 1;
}

/* A message that is for no one is refused at once, or accepted in the end. */
static inline void peer_refuse_last(peer *p)
{
    const peer_rule *rule = peer_find(p, "NONE");
    if (rule && rule->reply[0] == '2')
        p->failed = 0;
    else
        peer_says(p, "NONE", "503 5.5.1 no valid recipients");
}

/* RFC 3030, section 2: the payload comes whatever the answer is. */
static inline void peer_bdat(peer *p, const char *line)
{
    const peer_rule *rule = peer_find(p, "BDAT");
    p->chunk = strtoul(line + 5, NULL, 10);
    p->last = (unsigned char)peer_has(line, " LAST");
    if (p->chunk == 0 && !p->last)
        peer_fault(p, "BDAT 0 without LAST");
    if (!p->open || !p->accepted)
        p->failed = 2;
    else if (!p->failed && rule && rule->now)
        peer_refuse_now(p);
    p->mode = PEER_BDAT;
    if (p->failed == 2 && p->last)
        peer_refuse_last(p);
    if (p->chunk == 0)
        peer_chunk_end(p);
}

static inline void peer_response(peer *p, const char *line)
{
    const char *otherwise = "235 2.7.0 welcome";
    if (strcmp(line, "QUIT") != 0) {
        bytes_text(&p->secrets, line);
        bytes_text(&p->secrets, "\n");
    }
    if (strcmp(line, "*") == 0)
        otherwise = "501 5.7.0 cancelled";
    else if (p->step == 1)
        otherwise = "334 UGFzc3dvcmQ6";
    p->step = p->step ? (unsigned char)(p->step - 1) : 0;
    p->mode = PEER_COMMAND;
    if (peer_says(p, "RESPONSE", otherwise) == 3)
        p->mode = PEER_RESPONSE;
}

static inline void peer_auth(peer *p, const char *line)
{
    int login = peer_has(line, "AUTH LOGIN");
    const char *initial = strchr(line + 5, ' ');
    const char *otherwise = initial ? login ? "334 UGFzc3dvcmQ6"
                                            : "235 2.7.0 welcome"
                            : login ? "334 VXNlcm5hbWU6" : "334 ";
    p->step = login && !initial;
    if (initial) {
        bytes_text(&p->secrets, initial + 1);
        bytes_text(&p->secrets, "\n");
    }
    if (peer_says(p, "AUTH", otherwise) == 3)
        p->mode = PEER_RESPONSE;
}

static inline void peer_other(peer *p, const char *verb)
{
    const char *known = " NOOP RSET HELP QUIT VRFY EXPN ";
    const char *at = strstr(known, verb);
    if (strcmp(verb, "RSET") == 0)
        peer_forget(p);
    peer_says(p, verb, at ? strcmp(verb, "QUIT") == 0 ? "221 2.0.0 bye"
                            : "250 2.6.0 ok"
                          : "500 5.5.2 unknown command");
    if (strcmp(verb, "QUIT") == 0)
        p->closed = 1;
}

static inline void peer_starttls(peer *p)
{
    if (peer_says(p, "STARTTLS", "220 2.6.0 go on") == 2)
        p->await_tls = 1;
}

static inline void peer_verb(const char *line, char *verb)
{
    size_t i;
    for (i = 0; i + 1 < PEER_WORD && line[i] && line[i] != ' '; i++)
        verb[i] = peer_upper(line[i]);
    verb[i] = 0;
}

static inline void peer_obey(peer *p, const char *verb, const char *line)
{
    if (p->mode == PEER_RESPONSE)
        peer_response(p, line);
    else if (strcmp(verb, "EHLO") == 0 || strcmp(verb, "LHLO") == 0
             || strcmp(verb, "HELO") == 0)
        peer_ehlo(p, verb);
    else if (strcmp(verb, "MAIL") == 0)
        peer_from(p, line);
    else if (strcmp(verb, "RCPT") == 0)
        peer_to(p, line);
    else if (strcmp(verb, "DATA") == 0)
        peer_data(p);
    else if (strcmp(verb, "BDAT") == 0)
        peer_bdat(p, line);
    else if (strcmp(verb, "AUTH") == 0)
        peer_auth(p, line);
    else if (strcmp(verb, "STARTTLS") == 0)
        peer_starttls(p);
    else
        peer_other(p, verb);
}

/* RFC 2920, section 3.1: these end a group; without PIPELINING all do. */
static inline int peer_ends_group(const peer *p, const char *verb)
{
    static const char *free_to_go = " MAIL RCPT RSET BDAT ";
    char word[PEER_WORD + 2] = " ";
    strcat(word, verb);
    strcat(word, " ");
    if (p->mode == PEER_BDAT)
        return 0;
    return !p->pipelining || p->mode == PEER_RESPONSE
           || !strstr(free_to_go, word);
}

/* What came too early, and what then stands outside of a transaction: rules are
   not for these. */
static inline int peer_is_early(const peer *p, const char *verb)
{
    if (!p->script->busy)
        return 0;
    return p->in_from <= p->refuse_to ||
           (strcmp(verb, "RCPT") == 0 && !p->open) ||
           (strcmp(verb, "DATA") == 0 && !p->accepted);
}

static inline void peer_command(peer *p, const char *line)
{
    char verb[PEER_WORD];
    int ends;
    peer_verb(line, verb);
    if (p->await_tls)
        peer_fault(p, "something in clear where TLS was agreed");
    if (!p->pipelining && p->out_from < p->out.size)
        peer_fault(p, "pipelining that was not offered");
    if (strcmp(verb, p->script->hold) == 0)
        p->holding = 1;
    ends = p->mode == PEER_RESPONSE;
    if (peer_is_early(p, verb)) {
        bytes_text(&p->out, "503 5.5.1 too early\r\n");
        peer_ready(p);
    } else {
        peer_obey(p, verb, line);
    }
    ends = ends || peer_ends_group(p, verb);
    if (p->holding && strcmp(verb, p->script->release) == 0) {
        p->holding = 0;
        peer_ready(p);
    }
    if (!ends || p->closed)
        return;
    p->must_read = p->out.size;
    if (p->in_from < p->in.size)
        peer_fault(p, "something said behind a command that ends a group");
}

/* Takes one line, if there is one. */
static inline int peer_line(peer *p)
{
    char *line = p->in.data + p->in_from;
    size_t left = p->in.size - p->in_from;
    char *end = left ? (char *)memchr(line, '\n', left) : NULL;
    if (!end)
        return 0;
    p->in_from += (size_t)(end - line) + 1;
    if (end == line || end[-1] != '\r' || strlen(line) < (size_t)(end - line)
        || memchr(line, '\r', (size_t)(end - line)) != end - 1)
        peer_fault(p, "a command line with a bare CR, LF or NUL in it");
    else
        end--;
    *end = 0;
    peer_command(p, line);
    return 1;
}

/* Understands what was said, as long as no more than `room` bytes of answers
   wait to be read. */
static inline void peer_work(peer *p, size_t room)
{
    while (!p->closed && p->in_from < p->in.size
           && p->out.size - p->out_from < room) {
        if (p->mode == PEER_DATA)
            peer_data_byte(p, p->in.data[p->in_from++]);
        else if (p->mode == PEER_BDAT)
            peer_bdat_byte(p, p->in.data[p->in_from++]);
        else if (!peer_line(p))
            break;
    }
    if (p->closed)
        p->in_from = p->in.size;
    if (p->in_from == p->in.size) {
        p->in_from = p->refuse_to = 0;
        bytes_clear(&p->in);
    }
}

/* Bytes arrive. */
static inline void peer_hears(peer *p, const char *data, size_t size)
{
    if (p->closed)
        return;
    if (p->out_from < p->must_read)
        peer_fault(p, "something said before an answer was read");
    peer_log(&p->log, &p->log_cr, data, size);
    bytes_add(&p->in, data, size);
}

/* ---- wire ---------------------------------------------------------------- */

#define WIRE_ALL ((size_t)-1)

/* How bytes move. A zero `most`, `split`, `room` means no limit. */
typedef struct wire_habit {
    size_t recv_most, send_most;   /* bytes a call */
    size_t recv_split, send_split; /* no call goes across this position */
    size_t send_stop;              /* nothing is taken beyond, 0: no end */
    size_t in_room, out_room;      /* bytes the peer takes in, leaves unread */
    size_t fail_at;                /* the call that fails, from 1 on, */
    int fail_with;                 /* with this, */
    unsigned char fail_for_good;
    unsigned char again;           /* SMTP_AGAIN before each transfer */
    unsigned char blocking;        /* never SMTP_AGAIN */
    unsigned char lazy;            /* answers only who listens */
    unsigned char reset;           /* sending fails once the peer closed */
    unsigned char greedy_recv, greedy_send;    /* says one byte too many */
} wire_habit;

typedef struct wire {
    peer *server;
    wire_habit habit;
    size_t calls, moved;
    size_t recv_total, send_total;
    size_t failed;                 /* calls that failed as they were told */
    size_t closes, waits;
    const char *fault;             /* of the engine, the first */
    unsigned char recv_turn, send_turn, tls_turn;
    unsigned char recv_paused, send_paused;    /* at the split, once */
    unsigned char injected;        /* an SMTP_AGAIN without reason */
    unsigned char send_waits;      /* send said SMTP_AGAIN */
    unsigned char hang;
    unsigned char broken;          /* sending failed: nothing more will come */
    size_t offered;                /* bytes that send said SMTP_AGAIN to, */
    uint32_t offer;                /* and their hash */
} wire;

static inline void wire_fault(wire *w, const char *what)
{
    if (!w->fault)
        w->fault = what;
}

static inline void wire_start(wire *w, peer *server, const wire_habit *habit)
{
    memset(w, 0, sizeof *w);
    w->server = server;
    w->habit = *habit;
}

static inline size_t wire_limit(size_t limit)
{
    return limit ? limit : WIRE_ALL;
}

static inline size_t wire_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes up to the position that no call may go across. */
static inline size_t wire_to_split(size_t split, size_t total)
{
    return split > total ? split - total : WIRE_ALL;
}

/* A call begins. Not 0: what it has to return. */
static inline int wire_enter(wire *w)
{
    size_t n = ++w->calls;
    if (w->closes)
        wire_fault(w, "a call after close");
    if (!w->habit.fail_at || n < w->habit.fail_at)
        return 0;
    if (n > w->habit.fail_at && !w->habit.fail_for_good)
        return 0;
    w->failed++;
    return w->habit.fail_with;
}

static inline void wire_work(wire *w)
{
    peer_work(w->server, wire_limit(w->habit.out_room));
}

/* What there is to hear. A lazy peer thinks only when all before was read. */
static inline size_t wire_unread(wire *w)
{
    peer *p = w->server;
    if (p->out_from == p->out_ready)
        wire_work(w);
    return p->out_ready - p->out_from;
}

static inline int wire_readable(wire *w)
{
    return wire_unread(w) || w->server->closed;
}

/* What the peer takes in now: a line it has not seen the end of waits in a
   place of its own, but nothing is read while too many answers are unheard. */
static inline size_t wire_room(wire *w)
{
    const peer *p = w->server;
    size_t room = wire_limit(w->habit.in_room), full;
    if (p->closed)
        return WIRE_ALL;
    if (!w->habit.lazy || p->in.size - p->in_from >= room)
        wire_work(w);
    if (p->out.size - p->out_from < wire_limit(w->habit.out_room))
        return room;
    full = p->in.size - p->in_from;
    return full < room ? room - full : 0;
}

static inline ptrdiff_t wire_again(wire *w)
{
    w->injected = 1;
    return SMTP_AGAIN;
}

static inline ptrdiff_t wire_stuck(wire *w, const char *what)
{
    wire_fault(w, what);
    w->hang = 1;
    return SMTP_E_IO;
}

static inline ptrdiff_t wire_recv(void *ctx, void *buffer, size_t size)
{
    wire *w = (wire *)ctx;
    peer *p = w->server;
    size_t n;
    int told = wire_enter(w);
    if (told)
        return told;
    if (size == 0)
        wire_fault(w, "recv of nothing");
    w->recv_turn = !w->recv_turn;
    if (w->habit.again && w->recv_turn)
        return wire_again(w);
    n = wire_least(size, wire_unread(w));
    if (n == 0 && p->closed)
        return SMTP_EOF;
    if (n == 0 && w->broken)
        return w->habit.fail_with;
    if (n == 0)
        return w->habit.blocking
               ? wire_stuck(w, "recv blocks for ever: nothing will be said")
               : (ptrdiff_t)SMTP_AGAIN;
    if (w->habit.recv_split == w->recv_total && !w->recv_paused
        && w->recv_total && !w->habit.blocking) {
        w->recv_paused = 1;
        return wire_again(w);
    }
    n = wire_least(n, wire_limit(w->habit.recv_most));
    n = wire_least(n, wire_to_split(w->habit.recv_split, w->recv_total));
    memcpy(buffer, p->out.data + p->out_from, n);
    p->out_from += n;
    w->recv_total += n;
    w->moved += n;
    return (ptrdiff_t)(w->habit.greedy_recv ? size + 1 : n);
}

static inline uint32_t wire_hash(const void *data, size_t size)
{
    const unsigned char *p = (const unsigned char *)data;
    uint32_t hash = 0;
    while (size-- > 0)
        hash = hash * 33 ^ *p++;
    return hash;
}

static inline ptrdiff_t wire_take(wire *w, const void *data, size_t size)
{
    size_t n;
    int told = wire_enter(w);
    if (told) {
        w->broken = 1;
        return told;
    }
    if (size == 0)
        wire_fault(w, "send of nothing");
    if (w->server->closed && w->habit.reset)
        return SMTP_EOF;
    w->send_turn = !w->send_turn;
    w->send_waits = 1;
    if (w->habit.again && w->send_turn)
        return wire_again(w);
    n = wire_least(size, wire_room(w));
    n = wire_least(n, wire_limit(w->habit.send_stop) - w->send_total);
    if (n == 0)
        return w->habit.blocking
               ? wire_stuck(w, "send blocks for ever: both ends wait")
               : (ptrdiff_t)SMTP_AGAIN;
    if (w->habit.send_split == w->send_total && !w->send_paused
        && w->send_total && !w->habit.blocking) {
        w->send_paused = 1;
        return wire_again(w);
    }
    w->send_waits = 0;
    n = wire_least(n, wire_limit(w->habit.send_most));
    n = wire_least(n, wire_to_split(w->habit.send_split, w->send_total));
    peer_hears(w->server, (const char *)data, n);
    w->send_total += n;
    w->moved += n;
    if (!w->habit.lazy)
        wire_work(w);
    return (ptrdiff_t)(w->habit.greedy_send ? size + 1 : n);
}

/* What was not taken is offered again, perhaps with more behind it: TLS
   libraries count on that. */
static inline ptrdiff_t wire_send(void *ctx, const void *data, size_t size)
{
    wire *w = (wire *)ctx;
    ptrdiff_t n;
    if (size < w->offered || wire_hash(data, w->offered) != w->offer)
        wire_fault(w, "send does not begin with what it said SMTP_AGAIN to");
    n = wire_take(w, data, size);
    w->offered = n == SMTP_AGAIN ? size : 0;
    w->offer = wire_hash(data, w->offered);
    return n;
}

/* Bytes in clear that were not read yet break the handshake. */
static inline int wire_starttls(void *ctx)
{
    wire *w = (wire *)ctx;
    peer *p = w->server;
    int told = wire_enter(w);
    if (told)
        return told;
    w->tls_turn = !w->tls_turn;
    if (w->habit.again && w->tls_turn)
        return (int)wire_again(w);
    if (!p->await_tls)
        wire_fault(w, "starttls was not agreed");
    if (p->out_from < p->out.size || p->in_from < p->in.size)
        return SMTP_E_TLS;
    p->await_tls = p->pipelining = 0;
    p->secure = 1;
    w->moved++;
    bytes_text(&p->log, "<TLS>\n");
    return SMTP_OK;
}

static inline void wire_close(void *ctx)
{
    wire *w = (wire *)ctx;
    if (w->closes++)
        wire_fault(w, "closed twice");
}

/* An event loop's sleep: it ends only if what is wanted can be had. */
static inline int wire_wait(void *ctx, int wants, unsigned long ms)
{
    wire *w = (wire *)ctx;
    int awake = w->injected || (wants & SMTP_READ && wire_readable(w))
                || (wants & SMTP_WRITE && wire_room(w)) || wants == 0;
    (void)ms;
    w->waits++;
    w->injected = 0;
    if (awake && w->waits < 4 * w->moved + 1000)
        return SMTP_OK;
    return (int)wire_stuck(w, "waits for ever");
}

#endif

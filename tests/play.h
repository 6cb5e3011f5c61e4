/* play.h - plays a scene in one way: how bytes move, where the buffer and the
   bodies lie, what fails; and judges how it went */
#ifndef PLAY_H
#define PLAY_H

#include "scene.h"

typedef struct play_way {
    const char *name;
    wire_habit habit;
    size_t buffer;                 /* bytes; 0: 1024 */
    size_t piece;                  /* bytes a pull yields; 0: in memory */
    size_t pull_fails;             /* the pull that fails, from 1 on; 0: none */
    unsigned char once;            /* a source that cannot go back */
    unsigned char known;           /* a source that knows its size */
    unsigned char pull_again;      /* SMTP_AGAIN before each piece */
    unsigned char wait;            /* io.wait is there */
    unsigned char front;           /* the guard page before the buffer */
    unsigned char faulty;          /* something fails: only truth counts */
} play_way;

struct play;

typedef struct play_source {
    struct play *play;
    const smtp_body *text;
    size_t at;                     /* the last offset asked for */
} play_source;

/* What a scene's config.sasl works with. */
typedef struct play_secret {
    smtp_sasl sasl;
    bytes heard, said;             /* of a mechanism that echoes: challenge;
                                      response, lost at the next call */
    int open;                      /* logins begun whose end was not told */
    unsigned char *paused;         /* play.paused */
#if SMTP__SASL
    smtp_scram scram;
    smtp_sasl inner;               /* what smtp_scram_sasl() made */
#endif
} play_secret;

typedef struct play {
    const scene *what;
    play_way way;
    peer server;
    wire line;
    smtp_session session;
    smtp_config config;
    smtp_mail mail[SCENE_MAILS];
    smtp_recipient *to[SCENE_MAILS];
    play_source source[SCENE_MAILS];
    play_secret login;
    guard memory, piece;           /* of the session; of the piece pulled */
    char *buffer;
    size_t buffer_size;
    size_t given, done, pulls;
    bytes told, trace, scratch;
    bytes said;                    /* what was said by the trace, as a log */
    size_t heard;                  /* bytes of replies by the trace */
    const char *fault;             /* what was wrong, the first */
    unsigned char said_cr;
    unsigned char paused;          /* next or pull said SMTP_AGAIN */
    unsigned char next_turn, pull_turn;
} play;

enum { PLAY_BUFFER_MOST = 66000, PLAY_IDLE = 100 };

static inline void play_fault(play *p, const char *what)
{
    if (!p->fault)
        p->fault = what;
}

/* ---- callbacks ----------------------------------------------------------- */

static inline ptrdiff_t play_pull(void *ctx, smtp_size offset,
                                  const char **data)
{
    play_source *source = (play_source *)ctx;
    play *p = source->play;
    size_t size = (size_t)source->text->size, n;
    char *room = p->piece.first;
    p->pulls++;
    if (p->way.pull_fails && p->pulls >= p->way.pull_fails)
        return -1000;
    if (offset > size)
        play_fault(p, "a pull beyond the end");
    if (p->way.once && offset < source->at)
        play_fault(p, "a source that cannot go back was asked to");
    p->pull_turn = !p->pull_turn;
    if (p->way.pull_again && p->pull_turn) {
        p->paused = 1;
        return SMTP_AGAIN;
    }
    n = wire_least(p->way.piece, size - (size_t)offset);
    memset(room, 'X', (size_t)(p->piece.last - room));
    memcpy(p->piece.last - n, source->text->data + offset, n);
    *data = p->piece.last - n;
    source->at = (size_t)offset;
    return (ptrdiff_t)n;
}

static inline int play_next(void *ctx, smtp_mail **mail)
{
    play *p = (play *)ctx;
    p->next_turn = !p->next_turn;
    if (p->what->next_again && p->next_turn) {
        p->paused = 1;
        return SMTP_AGAIN;
    }
    if (p->given == p->what->mails)
        return SMTP_EOF;
    *mail = &p->mail[p->given++];
    return SMTP_OK;
}

/* Outcomes are told once each, and in order. */
static inline void play_done(void *ctx, smtp_mail *mail)
{
    play *p = (play *)ctx;
    if (mail != &p->mail[p->done])
        play_fault(p, "an outcome told twice or out of order");
    if (mail->status == SMTP_AGAIN)
        play_fault(p, "an outcome told that is open");
    p->done++;
}

static inline void play_trace(void *ctx, int kind, const char *data,
                              size_t size)
{
    play *p = (play *)ctx;
    if (kind != SMTP_TRACE_COMMAND && kind != SMTP_TRACE_REPLY
        && kind != SMTP_TRACE_BODY)
        play_fault(p, "a trace of no kind");
    bytes_add(&p->trace, data, size);
    if (kind == SMTP_TRACE_REPLY)
        p->heard += size;
    else
        peer_log(&p->said, &p->said_cr, data, size);
}

/* ---- logins -------------------------------------------------------------- */

/* A caller's mechanism: says "one", then each challenge with 1 added to its
   bytes; a challenge "bad" it cannot take, and for the user "nobody" it is
   none. */
static inline ptrdiff_t play_echo(void *ctx, const smtp_session *session,
                                  const char *challenge, size_t size,
                                  const char **response)
{
    play_secret *login = (play_secret *)ctx;
    bytes *heard = &login->heard, *said = &login->said;
    bytes_free(said);
    bytes_clear(said);
    if (challenge == NULL) {
        login->open++;
        bytes_clear(heard);
        bytes_text(said, "one");
        *response = said->data;
        return strcmp(session->config->user, "nobody") == 0
               ? (ptrdiff_t)SMTP_E_MECHANISM : 3;
    }
    if (size) {
        bytes_add(heard, challenge, size);
        return strcmp(heard->data, "bad") == 0 ? (ptrdiff_t)SMTP_E_CHALLENGE
                                               : 0;
    }
    bytes_add(said, heard->data, heard->size);
    bytes_clear(heard);
    *response = said->data;
    for (size = 0; size < said->size; size++)
        said->data[size]++;
    return (ptrdiff_t)size;
}

static inline int play_echo_done(void *ctx, const smtp_session *session,
                                 int status)
{
    play_secret *login = (play_secret *)ctx;
    (void)session;
    login->open--;
    return status;
}

#if SMTP__SASL
/* HMAC for scenes that say so; who uses it points it at one. */
static void (*play_hmac)(void *ctx, int hash, const void *key, size_t key_size,
                         const void *data, size_t size, void *result);

/* A slice of the iterations is done: the loop comes back for the rest. */
static inline ptrdiff_t play_step(void *ctx, const smtp_session *session,
                                  const char *challenge, size_t size,
                                  const char **response)
{
    play_secret *login = (play_secret *)ctx;
    ptrdiff_t r = login->inner.step(login->inner.ctx, session, challenge, size,
                                    response);
    if (challenge == NULL)
        login->open++;
    if (r == SMTP_AGAIN)
        *login->paused = 1;
    return r;
}

static inline int play_told(void *ctx, const smtp_session *session,
                                  int status)
{
    play_secret *login = (play_secret *)ctx;
    login->open--;
    return login->inner.done(login->inner.ctx, session, status);
}

static inline void play_scram(play_secret *login, const scene *what)
{
    smtp_scram *x = &login->scram;
    memset(x, 0, sizeof *x);
    x->entropy = what->nonce;
    x->binding = what->binding;
    x->binding_size = what->binding ? strlen(what->binding) : 0;
    x->iterations = what->iterations;
    x->slice = (uint16_t)what->slice;
    x->hmac = what->hmac ? play_hmac : NULL;
    login->inner = smtp_scram_sasl(x);
    login->sasl.mechanisms = login->inner.mechanisms;
    login->sasl.step = play_step;
    login->sasl.done = play_told;
}
#else
static inline void play_scram(play_secret *login, const scene *what)
{
    (void)login, (void)what;
}
#endif

static inline const smtp_sasl *play_sasl(play_secret *login, const scene *what)
{
    memset(&login->sasl, 0, sizeof login->sasl);
    login->open = 0;
    login->sasl.mechanisms = SMTP_AUTH_OTHER;
    login->sasl.name = what->own;
    login->sasl.ctx = login;
    login->sasl.step = play_echo;
    login->sasl.done = play_echo_done;
    if (what->scram)
        play_scram(login, what);
    return what->scram || what->own ? &login->sasl : NULL;
}

/* ---- setting up ---------------------------------------------------------- */

static inline void play_open(play *p)
{
    memset(p, 0, sizeof *p);
    p->memory = guard_new(PLAY_BUFFER_MOST);
}

static inline void play_close(play *p)
{
    peer_stop(&p->server);
    bytes_free(&p->told);
    bytes_free(&p->trace);
    bytes_free(&p->said);
    bytes_free(&p->login.heard);
    bytes_free(&p->login.said);
    bytes_free(&p->scratch);
    guard_free(p->memory);
}

/* The scene's mails get recipients of their own, right before a guard page. */
static inline void play_scene(play *p, const scene *what)
{
    size_t i, most = 1;
    p->what = what;
    for (i = 0; i < what->mails; i++) {
        const smtp_mail *mail = &what->mail[i];
        p->to[i] = (smtp_recipient *)(void *)
            guard_bytes(mail->to_count * sizeof *p->to[i]);
        if (mail->body.size > most)
            most = (size_t)mail->body.size;
    }
    p->piece.first = guard_bytes(most);
    p->piece.last = p->piece.first + most;
}

/* The body comes from a source, where there are such. */
static inline void play_from_source(smtp_body *body, void *source,
                                    const play_way *way)
{
#if SMTP__PULL
    body->data = NULL;
    body->pull = play_pull;
    body->ctx = source;
    if (!way->known)
        body->size = 0;
    if (way->once)
        body->flags |= SMTP_BODY_ONCE;
#else
    (void)body, (void)source, (void)way;
#endif
}

static inline void play_mail(play *p, size_t i)
{
    smtp_mail *mail = &p->mail[i];
    size_t k;
    *mail = p->what->mail[i];
    for (k = 0; k < mail->to_count; k++)
        p->to[i][k] = p->what->mail[i].to[k];
    mail->to = p->to[i];
    mail->status = SMTP_AGAIN;
    p->source[i].play = p;
    p->source[i].text = &p->what->mail[i].body;
    p->source[i].at = 0;
    if (p->way.piece)
        play_from_source(&mail->body, &p->source[i], &p->way);
}

static inline void play_start(play *p, const play_way *way)
{
    size_t i;
    p->way = *way;
    p->fault = NULL;
    p->given = p->done = p->pulls = 0;
    p->paused = p->next_turn = p->pull_turn = 0;
    bytes_clear(&p->told);
    bytes_clear(&p->trace);
    bytes_clear(&p->said);
    p->heard = p->said_cr = 0;
    for (i = 0; i < p->what->mails; i++)
        play_mail(p, i);
    p->buffer_size = p->what->buffer ? p->what->buffer
                     : way->buffer ? way->buffer : 1024;
    p->buffer = way->front ? p->memory.first
                           : p->memory.last - p->buffer_size;
    peer_start(&p->server, &p->what->script);
    wire_start(&p->line, &p->server, &way->habit);
    p->config = p->what->config;
    p->config.ctx = p;
    p->login.paused = &p->paused;
    p->config.sasl = play_sasl(&p->login, p->what);
    p->config.next = p->what->next ? play_next : NULL;
    p->config.done = play_done;
    p->config.trace = play_trace;
}

static inline smtp_io play_io(play *p)
{
    smtp_io io;
    memset(&io, 0, sizeof io);
    io.ctx = &p->line;
    io.recv = wire_recv;
    io.send = wire_send;
    io.starttls = wire_starttls;
    io.close = wire_close;
    io.wait = SMTP__WAITS && p->way.wait ? wire_wait : NULL;
    return io;
}

/* ---- running ------------------------------------------------------------- */

/* After SMTP_AGAIN: would an event loop, told what the session wants, ever
   come back? */
static inline int play_wakes(play *p)
{
    int wants = smtp_wants(&p->session);
    if (SMTP__WAITS && p->way.wait && !p->paused)
        play_fault(p, "SMTP_AGAIN although there is io.wait");
    if (p->line.hang)
        return 0;
    if (wants & SMTP_WRITE && !p->line.send_waits && !p->line.injected)
        play_fault(p, "wants to write though nothing was held up");
    if (p->paused || (p->line.injected && wants))
        return 1;
    if (wants & SMTP_READ && wire_readable(&p->line))
        return 1;
    if (wants & SMTP_WRITE && wire_room(&p->line))
        return 1;
    return 0;
}

static inline void play_still(play *p)
{
    p->paused = 0;
    p->line.injected = 0;
}

/* Sees a call through to its result. */
static inline smtp_status play_through(play *p, smtp_status st)
{
    size_t idle = 0, moved = p->line.moved;
    while (st == SMTP_AGAIN) {
        if (!play_wakes(p)) {
            play_fault(p, "SMTP_AGAIN, and nothing to wait for will come");
            return st;
        }
        idle = moved == p->line.moved ? idle + 1 : 0;
        moved = p->line.moved;
        if (idle == PLAY_IDLE) {
            play_fault(p, "a hundred turns and not one byte moved");
            return st;
        }
        play_still(p);
        st = smtp_run(&p->session);
    }
    return st;
}

static inline const char *play_status(int status)
{
    switch (status) {
#define PLAY_NAME(name, value, text) case name: return &#name[5];
    SMTP_STATUS_LIST(PLAY_NAME)
#undef PLAY_NAME
    default: return "?";
    }
}

#if SMTP__HAND && SMTP__RARE
static inline smtp_status play_relay(smtp_session *s, const scene_call *c)
{
    return c->name[1] == 'c' ? smtp_xclient(s, c->first)
                             : smtp_xforward(s, c->first);
}
#else
static inline smtp_status play_relay(smtp_session *s, const scene_call *c)
{
    (void)s, (void)c;
    return SMTP_E_UNSUPPORTED;
}
#endif

#if SMTP__HAND
static inline smtp_status play_by_name(play *p, const scene_call *c)
{
    smtp_session *s = &p->session;
    if (strcmp(c->name, "greet") == 0) return smtp_greet(s);
    if (strcmp(c->name, "ehlo") == 0) return smtp_ehlo(s);
    if (strcmp(c->name, "helo") == 0) return smtp_helo(s);
    if (strcmp(c->name, "starttls") == 0) return smtp_starttls(s);
    if (strcmp(c->name, "login") == 0) return smtp_login(s);
    if (strcmp(c->name, "mail_from") == 0)
        return smtp_mail_from(s, c->first, c->second);
    if (strcmp(c->name, "rcpt_to") == 0)
        return smtp_rcpt_to(s, c->first, c->second);
    if (strcmp(c->name, "data") == 0) return smtp_data(s, &p->mail[0].body);
    if (strcmp(c->name, "verify") == 0) return smtp_verify(s, c->first);
    if (strcmp(c->name, "expn") == 0) return smtp_expn(s, c->first);
    if (strcmp(c->name, "noop") == 0) return smtp_noop(s);
    if (strcmp(c->name, "rset") == 0) return smtp_rset(s);
    if (strcmp(c->name, "help") == 0) return smtp_help(s, c->first);
    if (strcmp(c->name, "docmd") == 0)
        return smtp_docmd(s, c->first, c->second);
    if (strncmp(c->name, "xclient", 7) == 0 ||
        strncmp(c->name, "xforward", 8) == 0)
        return play_relay(s, c);
    if (strcmp(c->name, "run") == 0) return smtp_run(s);
    if (strcmp(c->name, "send") == 0) {
        p->given = 1;
        return smtp_send(s, &p->mail[0]);
    }
    if (strcmp(c->name, "quit") == 0) return smtp_quit(s);
    play_fault(p, "a call of no known name");
    return SMTP_E_ARGUMENT;
}
#else
static inline smtp_status play_by_name(play *p, const scene_call *c)
{
    play_fault(p, c->name);
    return SMTP_E_ARGUMENT;
}
#endif

static inline void play_tell_code(play *p, smtp_code code)
{
    char text[32];
#if SMTP__REPLY
    if (code.subject || code.detail)
        snprintf(text, sizeof text, " %u %u.%u.%u", code.reply,
                 code.reply / 100u, code.subject, code.detail);
    else
#endif
        snprintf(text, sizeof text, " %u", code.reply);
    bytes_text(&p->told, text);
}

static inline void play_calls(play *p)
{
    size_t i;
    for (i = 0; i < p->what->calls; i++) {
        const scene_call *call = &p->what->call[i];
        smtp_status st = play_through(p, play_by_name(p, call));
        bytes_text(&p->told, call->name);
        bytes_text(&p->told, " ");
        bytes_text(&p->told, play_status(st));
        if (st == SMTP_OK || st == SMTP_E_REFUSED)
            play_tell_code(p, p->session.reply.code);
        bytes_text(&p->told, "\n");
    }
}

/* The result of a call is the mail's own, or what ended the session. */
static inline void play_sends(play *p)
{
    while (p->given < p->what->mails && !p->fault) {
        smtp_mail *mail = &p->mail[p->given++];
        smtp_status st = play_through(p, smtp_send(&p->session, mail));
        if (st != mail->status && mail->status != SMTP_NOT_TAKEN)
            play_fault(p, "the call's result is not the mail's");
        if (st == SMTP_OK && mail->status != SMTP_OK)
            play_fault(p, "SMTP_OK for a mail that was not delivered");
    }
}

static inline void play_end(play *p, smtp_status st)
{
    bytes_text(&p->told, "end ");
    bytes_text(&p->told, play_status(st));
    bytes_text(&p->told, "\n");
}

/* Leaves the end of the session in `ended`. */
static inline smtp_status play_session(play *p)
{
    smtp_status ended = SMTP_OK;
    if (p->what->calls)
        play_calls(p);
    else if (!p->what->next)
        play_sends(p);
    if (p->fault)
        return SMTP_AGAIN;
    if (!p->what->calls)
        ended = play_through(p, smtp_run(&p->session));
    if (!p->fault)
        play_through(p, smtp_quit(&p->session));
    return ended;
}

/* For the caller the same as not taken. */
static inline void play_not_offered(smtp_mail *mail)
{
    size_t k;
    mail->status = SMTP_NOT_TAKEN;
    for (k = 0; k < mail->to_count; k++)
        mail->to[k].status = SMTP_NOT_TAKEN;
}

static inline void play_tell_mails(play *p)
{
    size_t i, k;
    for (i = 0; i < p->what->mails && !p->what->calls; i++) {
        smtp_mail *mail = &p->mail[i];
        if (i >= p->given)
            play_not_offered(mail);
        bytes_text(&p->told, play_status(mail->status));
        play_tell_code(p, mail->code);
        for (k = 0; k < mail->to_count; k++) {
            bytes_text(&p->told, k ? ", " : ": ");
            bytes_text(&p->told, play_status(mail->to[k].status));
            play_tell_code(p, mail->to[k].code);
        }
        bytes_text(&p->told, "\n");
    }
}

/* ---- judging ------------------------------------------------------------- */

/* What the peer has to store: an independent and plain reading of smtp_body. */
static inline void play_wanted(play *p, const smtp_body *body)
{
    bytes *out = &p->scratch;
    size_t i, size = (size_t)body->size;
    bytes_clear(out);
    if (body->flags & SMTP_BODY_BINARY) {
        bytes_add(out, body->data, size);
        return;
    }
    for (i = 0; i < size; i++) {
        char c = body->data[i];
        if (c == '\n' && i && body->data[i - 1] == '\r')
            continue;
        if (c == '\r' || c == '\n')
            bytes_text(out, "\r\n");
        else
            bytes_add(out, &c, 1);
    }
    if (out->size && out->data[out->size - 1] != '\n')
        bytes_text(out, "\r\n");
}

static inline int play_among(play *p, const char *list, const char *address)
{
    bytes *b = &p->scratch;
    const char *found;
    bytes_clear(b);
    bytes_text(b, " ");
    bytes_text(b, list);
    bytes_add(b, "", 1);
    bytes_text(b, " ");
    bytes_text(b, address);
    bytes_text(b, " ");
    found = strstr(b->data, b->data + strlen(b->data) + 1);
    return found != NULL;
}

/* An address as it stands on the wire. */
static inline const char *play_spelled(const play *p, const char *address)
{
    static char text[200];
    const char *at = address ? strrchr(address, '@') : NULL;
    const char *label = at && p->config.a_label
                        ? scene_a_label(NULL, at + 1) : NULL;
    if (!label)
        return address ? address : "";
    snprintf(text, sizeof text, "%.*s@%s", (int)(at - address), address,
             label);
    return text;
}

/* The next mail of this sender that was stored, behind `last` or the first. */
static inline const peer_mail *play_stored(const play *p, const char *from,
                                           const peer_mail *last)
{
    const peer_mail *mail = last ? last + 1 : p->server.mail;
    const peer_mail *end = p->server.mail + p->server.stored;
    from = play_spelled(p, from);
    for (; mail < end; mail++)
        if (strcmp(p->server.vault.data + mail->from, from) == 0)
            return mail;
    return NULL;
}

/* How often it was stored for a recipient: one mail may have got several
   transactions. */
static inline int play_times(play *p, const char *from, const char *address)
{
    const peer_mail *mail = NULL;
    int times = 0;
    while ((mail = play_stored(p, from, mail)) != NULL)
        times += play_among(p, p->server.vault.data + mail->to,
                            play_spelled(p, address));
    return times;
}

static inline int play_came_whole(play *p, const char *from)
{
    bytes *b = &p->scratch;
    if (p->server.closed)
        return 1;
    bytes_clear(b);
    bytes_text(b, play_spelled(p, from));
    bytes_text(b, "\n");
    return strstr(p->server.ended.data, b->data) != NULL;
}

static inline void play_judge_recipient(play *p, const char *from,
                                        const smtp_recipient *to)
{
    int has = to->address ? play_times(p, from, to->address) : 0;
    if (has > 1)
        play_fault(p, "stored twice for a recipient");
    if (to->status == SMTP_OK && !has)
        play_fault(p, "a recipient reported delivered, not stored");
    if (to->status != SMTP_OK && to->status != SMTP_UNKNOWN && has)
        play_fault(p, "a recipient reported refused or not taken, stored");
    if (to->status == SMTP_AGAIN)
        play_fault(p, "a recipient's outcome left open");
}

static inline void play_judge_mail(play *p, size_t i)
{
    const smtp_mail *mail = &p->mail[i];
    const peer_mail *stored = play_stored(p, mail->from, NULL);
    int good = mail->status == SMTP_OK || mail->status == SMTP_PARTIAL;
    size_t k;
    if (good && !stored)
        play_fault(p, "a mail reported delivered, not stored");
    if (!good && mail->status != SMTP_UNKNOWN && stored)
        play_fault(p, "a mail reported refused or not taken, stored");
    if (mail->status == SMTP_AGAIN)
        play_fault(p, "a mail's outcome left open");
    if (mail->status == SMTP_UNKNOWN && !play_came_whole(p, mail->from))
        play_fault(p, "unknown, and the last byte was never sent");
    for (k = 0; k < mail->to_count; k++)
        play_judge_recipient(p, mail->from, &mail->to[k]);
    play_wanted(p, &p->what->mail[i].body);
    for (; stored; stored = play_stored(p, mail->from, stored))
        if (stored->body_size != p->scratch.size
            || memcmp(p->server.vault.data + stored->body, p->scratch.data,
                      p->scratch.size) != 0)
            play_fault(p, "the mail stored is not the mail sent");
}

/* Each token of a login that the peer heard is a secret. */
static inline void play_judge_secrets(play *p)
{
    const char *at = p->server.secrets.data, *end;
    const char *word = p->config.password;
    for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        bytes_clear(&p->scratch);
        bytes_add(&p->scratch, at, (size_t)(end - at));
        if (p->scratch.size > 3 && strstr(p->trace.data, p->scratch.data))
            play_fault(p, "a secret in the trace");
    }
    if (word && strlen(word) > 3 && strstr(p->trace.data, word))
        play_fault(p, "the password in the trace");
    word = p->config.token;
    if (word && strlen(word) > 3 && strstr(p->trace.data, word))
        play_fault(p, "the token in the trace");
}

/* Whether all that the session would say came out. */
static inline int play_said_all(const play *p)
{
    return !p->way.faulty && !p->what->cut && !p->what->broken &&
           strstr(p->told.data, "end OK\n") != NULL;
}

/* The trace shows all that was said, but for secrets, and perhaps what did not
   get out any more; and all that was heard. */
static inline void play_judge_trace(play *p)
{
    const char *log = p->server.log.data, *said = p->said.data;
    if (!p->way.faulty && p->heard != p->line.recv_total)
        play_fault(p, "a reply is not in the trace");
    if (p->config.user || p->config.mechanisms)
        return;
    for (; *log; log++, said++) {
        if (strncmp(log, "<TLS>\n", 6) == 0)
            log += 6;
        if (*log == 0 || *log != *said)
            break;
    }
    if (*log)
        play_fault(p, "something that was said is not in the trace");
    if (*said && play_said_all(p))
        play_fault(p, "something that was not said is in the trace");
}

static inline void play_judge_buffer(play *p)
{
    if (p->buffer[0]
        || memcmp(p->buffer, p->buffer + 1, p->buffer_size - 1) != 0)
        play_fault(p, "the buffer was not wiped");
}

static inline void play_judge(play *p)
{
    size_t i;
    p->line.habit.out_room = 0;
    wire_work(&p->line);
    for (i = 0; i < p->given; i++)
        play_judge_mail(p, i);
    if (p->what->next && p->done != p->given)
        play_fault(p, "a mail's outcome was never told");
    if (p->login.open)
        play_fault(p, "a login's end was never told, or twice");
    if (p->line.closes != 1)
        play_fault(p, "not closed, or more than once");
    if (p->line.hang)
        play_fault(p, p->line.fault);
    if (!p->way.faulty && !p->what->broken && p->server.fault)
        play_fault(p, p->server.fault);
    if (p->line.fault)
        play_fault(p, p->line.fault);
    play_judge_secrets(p);
#ifndef SMTP_NO_TRACE
    play_judge_trace(p);
#endif
    play_judge_buffer(p);
}

/* Does what is said have to be as it is written? */
static inline int play_is_exact(const play *p)
{
    const scene *what = p->what;
    if (p->way.once && (what->chunks || what->sized))
        return 0;
    return !what->loose;
}

/* Where sending failed because the peer is gone, the session may end with
   that instead of the end of the stream; the outcomes are the same. */
static inline void play_level_end(play *p)
{
    char *end = strstr(p->told.data, "end E_IO\n");
    if (p->way.habit.reset && end && strstr(p->what->text->told, "end EOF"))
        strcpy(end, "end EOF\n");
}

static inline void play_judge_text(play *p)
{
    const dialogue *text = p->what->text;
    int same;
    play_level_end(p);
    if (!scene_told(p->told.data, text->told))
        play_fault(p, "it ended otherwise");
    if (!text->said || !play_is_exact(p))
        return;
    same = scene_said(p->server.log.data, text->said);
    if (same < (p->what->cut ? 1 : 2))
        play_fault(p, "something else was said");
}

/* One run. Returns what was wrong with it, or 0. */
static inline const char *play_run(play *p, const play_way *way)
{
    smtp_io io;
    smtp_status st;
    play_start(p, way);
    io = play_io(p);
    st = smtp_open(&p->session, &io, &p->config, p->buffer, p->buffer_size);
    if (st == SMTP_OK) {
        st = play_session(p);
        smtp_close(&p->session);
    } else {
        p->line.closes = 1;
    }
    play_tell_mails(p);
    play_end(p, st);
    play_judge(p);
    if (!way->faulty)
        play_judge_text(p);
    return p->fault;
}

#endif

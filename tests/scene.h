/* scene.h - a dialogue as text: what the session is to do, how the server
   answers, what has to be said, and how it has to end

   Setup, a line each:
      tls none|starttls|implicit|opportunistic     (none where not given)
      domain user password authzid TEXT, window mechanisms buffer N,
      lmtp, no_pipelining, no_chunking, no_initial_response, clear_login
      token TEXT, a_label (see scene_a_label())
      scram NONCE     config.sasl is smtp_scram; with bind TEXT, iterations N,
                      slice N, hmac (a hash of the caller's)
      own NAME        config.sasl is a mechanism that echoes (play_echo())
      next            mails come from config.next; `next again`: with pauses
      mail FROM TO..  a mail; the lines below are about it
      envid params TEXT, ret N, all_or_none, body_flags N, body TEXT,
      hold_until TEXT, hold_for by by_mode priority N, require_tls,
      orcpt rcpt_params TEXT, notify N             (of its last recipient)
      do CALL ARGS    by hand; without any: each mail, then QUIT
      cut             what is said may be a beginning of what is written
      no_once         needs a body that can be read twice
      broken          the server loses step, the client cannot keep it
      offer A;B       the answer to every further EHLO or LHLO
      busy            the server refuses what came before the answer to a body,
                      and RCPT and DATA out of place whatever rules there are
      hold A B        answers are kept back from a command A to a command B
      VERB REPLY      a rule of the peer; VERB* for good, VERB+close,
                      VERB+now, VERB+on, VERB+raw (no CRLF added), BODY@N
   In texts %XX is a byte, {TEXT*N} is N times the text; | is CRLF in a reply
   and LF in a body.

   Said: what the client says, a LF for each CRLF. A line that begins with ?
   may be missing.
   Told: for each mail "STATUS CODE: STATUS CODE, ..." (mail: recipients), for
   each call by hand "CALL STATUS CODE", then "end STATUS". Words that / parts
   are alternatives, * is anything up to the next colon, comma or line end. */
#ifndef SCENE_H
#define SCENE_H

#include "check.h"
#include "guard.h"
#include "peer.h"

#include <stdio.h>

typedef struct dialogue {
    const char *name, *setup, *said, *told;
} dialogue;

enum { SCENE_MAILS = 12, SCENE_TO = 40, SCENE_CALLS = 40, SCENE_NONCE = 18 };

typedef struct scene_call {
    char name[16];
    const char *first, *second;    /* arguments, or 0 */
} scene_call;

typedef struct scene {
    const dialogue *text;
    smtp_config config;
    smtp_mail mail[SCENE_MAILS];   /* as handed over, for copies */
    size_t mails;
    scene_call call[SCENE_CALLS];
    size_t calls;
    peer_script script;
    size_t buffer;                 /* the only size to try, or 0 */
    unsigned char nonce[SCENE_NONCE];
    unsigned char scram, hmac;     /* config.sasl: smtp_scram; its hash */
    unsigned iterations, slice;
    const char *binding, *own;
    unsigned char next, next_again;
    unsigned char cut;             /* it may end early: 421, an early close */
    unsigned char broken;          /* the server loses step */
    unsigned char no_once;         /* needs a body that can be read twice */
    unsigned char loose;           /* chunks may be in flight at a refusal */
    unsigned char chunks;          /* CHUNKING is offered and used */
    unsigned char sized;           /* SIZE is offered */
} scene;

/* ---- texts --------------------------------------------------------------- */

static inline int scene_digit(char c)
{
    const char *digits = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : 0;
}

/* One byte, escaped or not; returns its length at `text`. */
static inline size_t scene_byte(bytes *out, const char *text, size_t size,
                                const char *newline)
{
    char c = text[0];
    if (c == '%' && size > 2) {
        c = (char)(scene_digit(text[1]) * 16 + scene_digit(text[2]));
        bytes_add(out, &c, 1);
        return 3;
    }
    if (c == '|' && newline)
        bytes_text(out, newline);
    else
        bytes_add(out, &c, 1);
    return 1;
}

/* {TEXT*N} at `text`; returns its length there. */
static inline size_t scene_repeat(bytes *out, const char *text, size_t size,
                                  const char *newline)
{
    const char *end = (const char *)memchr(text, '}', size);
    const char *star = end;
    unsigned long times;
    if (!end)
        abort();
    while (*star != '*')
        star--;
    for (times = strtoul(star + 1, NULL, 10); times; times--) {
        const char *at = text + 1;
        while (at < star)
            at += scene_byte(out, at, (size_t)(star - at), newline);
    }
    return (size_t)(end - text) + 1;
}

static inline void scene_expand(bytes *out, const char *text, size_t size,
                                const char *newline)
{
    size_t i = 0;
    while (i < size)
        i += text[i] == '{' ? scene_repeat(out, text + i, size - i, newline)
                            : scene_byte(out, text + i, size - i, newline);
}

/* The text with its escapes carried out, NUL-ended, before a guard page. */
static inline const char *scene_text_of(const char *text, size_t size)
{
    bytes b = {NULL, 0, 0};
    const char *copy;
    bytes_clear(&b);
    scene_expand(&b, text, size, NULL);
    copy = guard_copy(b.data, b.size + 1);
    bytes_free(&b);
    return copy;
}

static inline const char *scene_text(const char *text)
{
    return scene_text_of(text, strlen(text));
}

/* The name that IDNA has for a domain, as config.a_label: one good label, one
   that cannot be sent, for the rest none. */
static inline const char *scene_a_label(void *ctx, const char *domain)
{
    (void)ctx;
    return strcmp(domain, "m\303\274nchen.example") == 0
           ? "xn--mnchen-3ya.example"
           : strcmp(domain, "sp\303\244t.example") == 0 ? "xn> X" : NULL;
}

/* The 24 digits of base64 that a SCRAM client's nonce consists of. */
static inline void scene_nonce(unsigned char *to, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    for (i = 0; i < 8 * SCENE_NONCE; i++) {
        size_t digit = (size_t)(strchr(digits, text[i / 6]) - digits);
        size_t bit = digit >> (5 - i % 6) & 1;
        to[i / 8] = (unsigned char)(2u * to[i / 8] + bit);
    }
}

/* ---- rules --------------------------------------------------------------- */

static inline peer_rule *scene_rule(scene *s, const char *word)
{
    peer_rule *rule = &s->script.rule[s->script.count++];
    size_t i;
    if (s->script.count == PEER_RULES)
        abort();
    memset(rule, 0, sizeof *rule);
    for (i = 0; i + 1 < PEER_WORD && word[i] && !strchr("*+@", word[i]); i++)
        rule->verb[i] = word[i];
    rule->repeat = strchr(word, '*') != NULL;
    rule->close = strstr(word, "+close") != NULL;
    rule->now = strstr(word, "+now") != NULL;
    rule->on = strstr(word, "+on") != NULL;
    if (strchr(word, '@'))
        rule->at = strtoul(strchr(word, '@') + 1, NULL, 10);
    return rule;
}

static inline void scene_reply(peer_rule *rule, const char *text, int raw)
{
    bytes b = {NULL, 0, 0};
    bytes_clear(&b);
    scene_expand(&b, text, strlen(text), "\r\n");
    if (b.size && !raw)
        bytes_text(&b, "\r\n");
    rule->reply = guard_copy(b.data, b.size + 1);
    rule->size = b.size;
    bytes_free(&b);
}

static inline void scene_answer(scene *s, const char *word, const char *text)
{
    peer_rule *rule = scene_rule(s, word);
    const char *verbs = " greeting EHLO LHLO HELO STARTTLS AUTH RESPONSE MAIL "
                        "RCPT DATA BDAT END NONE BODY RSET NOOP HELP QUIT VRFY "
                        "EXPN XFOO XCLIENT XFORWARD PRDR ALL ";
    int hello = strstr("EHLO LHLO HELO", rule->verb) != NULL;
    if (!strstr(verbs, rule->verb)) {
        printf("%s: what is %s?\n", s->text->name, word);
        abort();
    }
    scene_reply(rule, text, strstr(word, "+raw") != NULL);
    if (rule->close || strncmp(text, "421", 3) == 0)
        s->cut = 1;
    if (!hello && strchr("45", text[0]))
        s->loose = 1;
    if (hello && peer_has(text, "CHUNKING"))
        s->chunks = 1;
    if (hello && peer_has(text, "SIZE"))
        s->sized = 1;
}

/* "A;B" becomes 250-mx, 250-A, 250 B. */
static inline void scene_offer(scene *s, const char *text)
{
    bytes b = {NULL, 0, 0};
    const char *end;
    bytes_text(&b, "250-mx|250-");
    while ((end = strchr(text, ';')) != NULL) {
        bytes_add(&b, text, (size_t)(end - text));
        bytes_text(&b, "|250-");
        text = end + 1;
    }
    bytes_text(&b, text);
    end = strrchr(b.data, '|');
    b.data[(size_t)(end - b.data) + 4] = ' ';
    scene_answer(s, "EHLO*", b.data);
    scene_answer(s, "LHLO*", b.data);
    bytes_free(&b);
}

/* ---- mails --------------------------------------------------------------- */

static inline void scene_mail(scene *s, const char *text)
{
    smtp_mail *mail = &s->mail[s->mails++];
    smtp_recipient *to = (smtp_recipient *)(void *)
        guard_bytes(SCENE_TO * sizeof *to);
    const char *end = text + strcspn(text, " ");
    if (s->mails == SCENE_MAILS)
        abort();
    memset(mail, 0, sizeof *mail);
    memset(to, 0, SCENE_TO * sizeof *to);
    mail->from = strncmp(text, "<>", 2) == 0
                 ? NULL : scene_text_of(text, (size_t)(end - text));
    mail->to = to;
    while (*end == ' ') {
        text = end + 1;
        end = text + strcspn(text, " ");
        to[mail->to_count++].address = scene_text_of(text,
                                                     (size_t)(end - text));
    }
}

static inline void scene_body(smtp_mail *mail, const char *text)
{
    bytes b = {NULL, 0, 0};
    bytes_clear(&b);
    scene_expand(&b, text, strlen(text), "\n");
    mail->body.data = guard_copy(b.data, b.size);
    mail->body.size = (smtp_size)b.size;
    bytes_free(&b);
}

/* What a mail asks for of the rare extensions. 0: the line does not. */
static inline int scene_of_wishes(smtp_mail *mail, const char *word,
                                  const char *text)
{
#if SMTP__RARE
    long number = strtol(text, NULL, 10);
    if (strcmp(word, "hold_until") == 0)
        mail->hold_until = scene_text(text);
    else if (strcmp(word, "hold_for") == 0)
        mail->hold_for = (uint32_t)number;
    else if (strcmp(word, "by") == 0)
        mail->by = (int32_t)number;
    else if (strcmp(word, "by_mode") == 0)
        mail->by_mode = (uint8_t)number;
    else if (strcmp(word, "priority") == 0)
        mail->priority = (int8_t)number;
    else if (strcmp(word, "require_tls") == 0)
        mail->require_tls = 1;
    else
        return 0;
    return 1;
#else
    (void)mail, (void)word, (void)text;
    return 0;
#endif
}

/* Such about members of the mail that are there only if they are built in; see
   also scene_applies(). 0: it is none of these. */
static inline int scene_of_extras(smtp_mail *mail, smtp_recipient *to,
                                  const char *word, const char *text)
{
    uint8_t number = (uint8_t)strtoul(text, NULL, 10);
    (void)mail, (void)to, (void)word, (void)number;
#if SMTP__PARAMS
    if (strcmp(word, "params") == 0)
        mail->params = scene_text(text);
    else if (to && strcmp(word, "rcpt_params") == 0)
        to->params = scene_text(text);
    else
#endif
#if SMTP__ALL_OR_NONE
    if (strcmp(word, "all_or_none") == 0)
        mail->all_or_none = 1;
    else
#endif
#if SMTP__DSN
    if (strcmp(word, "envid") == 0)
        mail->envid = scene_text(text);
    else if (strcmp(word, "ret") == 0)
        mail->ret = number;
    else if (to && strcmp(word, "orcpt") == 0)
        to->orcpt = scene_text(text);
    else if (to && strcmp(word, "notify") == 0)
        to->notify = number;
    else
#endif
        return 0;
    return 1;
}

/* Lines about the mail before. 0: it is none of these. */
static inline int scene_of_mail(scene *s, const char *word, const char *text)
{
    smtp_mail *mail = s->mails ? &s->mail[s->mails - 1] : NULL;
    smtp_recipient *to = mail && mail->to_count
                         ? &mail->to[mail->to_count - 1] : NULL;
    long number = strtol(text, NULL, 10);
    if (!mail)
        return 0;
    if (scene_of_wishes(mail, word, text))
        return 1;
    if (strcmp(word, "body") == 0)
        scene_body(mail, text);
    else if (strcmp(word, "body_flags") == 0)
        mail->body.flags = (uint8_t)number;
    else
        return scene_of_extras(mail, to, word, text);
    return 1;
}

/* ---- the session --------------------------------------------------------- */

static inline uint8_t scene_tls(const char *text)
{
    return strcmp(text, "starttls") == 0 ? SMTP_TLS_STARTTLS
           : strcmp(text, "implicit") == 0 ? SMTP_TLS_IMPLICIT
           : strcmp(text, "none") == 0 ? SMTP_TLS_NONE
                                       : SMTP_TLS_UNSAFE_OPPORTUNISTIC;
}

/* Lines about the session. 0: it is none of these. */
static inline int scene_of_config(smtp_config *c, const char *word,
                                  const char *text)
{
    unsigned number = (unsigned)strtoul(text, NULL, 10);
    if (strcmp(word, "tls") == 0)
        c->tls = scene_tls(text);
    else if (strcmp(word, "domain") == 0)
        c->domain = scene_text(text);
    else if (strcmp(word, "user") == 0)
        c->user = scene_text(text);
    else if (strcmp(word, "password") == 0)
        c->password = scene_text(text);
    else if (strcmp(word, "authzid") == 0)
        c->authzid = scene_text(text);
    else if (strcmp(word, "token") == 0)
        c->token = scene_text(text);
    else if (strcmp(word, "a_label") == 0)
        c->a_label = scene_a_label;
    else if (strcmp(word, "window") == 0)
        c->window = (uint16_t)number;
    else if (strcmp(word, "mechanisms") == 0)
        c->mechanisms = (uint16_t)number;
    else if (strcmp(word, "no_pipelining") == 0)
        c->no_pipelining = 1;
    else if (strcmp(word, "no_chunking") == 0)
        c->no_chunking = 1;
    else if (strcmp(word, "no_initial_response") == 0)
        c->no_initial_response = 1;
    else if (strcmp(word, "clear_login") == 0)
        c->unsafe_clear_login = 1;
    else if (strcmp(word, "lmtp") == 0)
        c->lmtp = 1;
    else
        return 0;
    return 1;
}

/* Lines about config.sasl. 0: it is none of these. */
static inline int scene_of_sasl(scene *s, const char *word, const char *text)
{
    unsigned number = (unsigned)strtoul(text, NULL, 10);
    if (strcmp(word, "scram") == 0) {
        s->scram = 1;
        scene_nonce(s->nonce, text);
    } else if (strcmp(word, "hmac") == 0)
        s->hmac = 1;
    else if (strcmp(word, "bind") == 0)
        s->binding = scene_text(text);
    else if (strcmp(word, "iterations") == 0)
        s->iterations = number;
    else if (strcmp(word, "slice") == 0)
        s->slice = number;
    else if (strcmp(word, "own") == 0)
        s->own = scene_text(text);
    else
        return 0;
    return 1;
}

static inline void scene_do(scene *s, const char *text)
{
    scene_call *call = &s->call[s->calls++];
    size_t size = strcspn(text, " ");
    if (s->calls == SCENE_CALLS || size >= sizeof call->name)
        abort();
    memset(call, 0, sizeof *call);
    memcpy(call->name, text, size);
    if (text[size] == 0)
        return;
    text += size + 1;
    size = strcspn(text, " ");
    call->first = scene_text_of(text, size);
    if (text[size])
        call->second = scene_text(text + size + 1);
}

static inline void scene_hold(peer_script *script, const char *text)
{
    sscanf(text, "%11s %11s", script->hold, script->release);
}

static inline void scene_line(scene *s, const char *word, const char *text)
{
    if (strcmp(word, "mail") == 0)
        scene_mail(s, text);
    else if (strcmp(word, "do") == 0)
        scene_do(s, text);
    else if (strcmp(word, "offer") == 0)
        scene_offer(s, text);
    else if (strcmp(word, "hold") == 0)
        scene_hold(&s->script, text);
    else if (strcmp(word, "cut") == 0)
        s->cut = 1;
    else if (strcmp(word, "busy") == 0)
        s->script.busy = 1;
    else if (strcmp(word, "broken") == 0)
        s->broken = s->cut = 1;
    else if (strcmp(word, "no_once") == 0)
        s->no_once = 1;
    else if (strcmp(word, "buffer") == 0)
        s->buffer = strtoul(text, NULL, 10);
    else if (strcmp(word, "next") == 0) {
        s->next = SMTP__NEXT;
        s->next_again = text[0] != 0;
    } else if (!scene_of_mail(s, word, text)
               && !scene_of_config(&s->config, word, text)
               && !scene_of_sasl(s, word, text))
        scene_answer(s, word, text);
}

/* Whether what the dialogue asks for is built in. */
static inline int scene_applies(const dialogue *text)
{
    static const struct { int built; const char *word; } needs[] = {
        {SMTP__NEXT, " early\n"}, {SMTP__HAND, "do "},
        {SMTP__AUTH, "user "}, {SMTP__AUTH, "mechanisms "},
        {SMTP__PARAMS, "params "}, {SMTP__PARAMS, "NOTIFY=NEVER"},
        {SMTP__LMTP, "lmtp\n"}, {SMTP__CHUNKING, "CHUNKING"},
        {SMTP__MEASURED, "8BITMIME"}, {SMTP__SIZE, "SIZE"},
        {SMTP__SIZE, "siZE"}, {SMTP__UTF8, "UTF8"}, {SMTP__UTF8, "%C3"},
        {SMTP__DSN, "DSN"}, {SMTP__RARE, "XEXDATA"},
        {SMTP__DSN, "envid "}, {SMTP__DSN, "ret "}, {SMTP__DSN, "orcpt "},
        {SMTP__DSN, "notify "}, {SMTP__ALL_OR_NONE, "all_or_none"},
        {SMTP__OPPORTUNISTIC, "opportunistic"},
        {SMTP__A_LABEL, "a_label"}, {SMTP__SASL, "token "},
        {SMTP__SASL, "scram "}, {SMTP__SASL, "own "},
    };
    size_t i;
    for (i = 0; i < sizeof needs / sizeof *needs; i++)
        if (!needs[i].built && strstr(text->setup, needs[i].word))
            return 0;
    if (!SMTP__INITIAL && strstr(text->setup, "user ") &&
        !strstr(text->setup, "no_initial_response"))
        return 0;
    return SMTP__NEXT || !text->said || !strstr(text->setup, "next");
}

/* Frees what the scene before this held. */
static inline void scene_read(scene *s, const dialogue *text)
{
    const char *at = text->setup;
    guard_release();
    memset(s, 0, sizeof *s);
    s->text = text;
    s->config.tls = SMTP_TLS_NONE;
    while (*at) {
        size_t size = strcspn(at, "\n"), head = strcspn(at, " \n");
        bytes word = {NULL, 0, 0}, rest = {NULL, 0, 0};
        bytes_add(&word, at, head);
        bytes_add(&rest, at + head + (head < size), size - head
                                                    - (head < size));
        scene_line(s, word.data, rest.data);
        bytes_free(&word);
        bytes_free(&rest);
        at += size + (at[size] == '\n');
    }
    s->script.lmtp = s->config.lmtp;
    if (s->config.no_chunking)
        s->chunks = 0;
    s->loose = s->loose && s->chunks;
}

/* ---- what was expected --------------------------------------------------- */

static inline int scene_word_is(const char *got, size_t got_size,
                                const char *want, size_t want_size)
{
    const char *end = want + want_size;
    if (want_size == 1 && *want == '*')
        return 1;
    while (want <= end) {
        const char *bar = (const char *)memchr(want, '/',
                                               (size_t)(end - want));
        size_t size = (size_t)((bar ? bar : end) - want);
        if (size == got_size && memcmp(want, got, size) == 0)
            return 1;
        want += size + 1;
    }
    return 0;
}

/* The length of " 5.1.1" at `want`, where none of these is told. */
static inline size_t scene_enhanced(const char *want)
{
    size_t n = want[0] == ' ' ? 1 + strspn(want + 1, "0123456789.") : 0;
    return !SMTP__REPLY && n && memchr(want, '.', n) ? n : 0;
}

/* Words are parted by one of " :,\n", which must be the same. */
static inline int scene_told(const char *got, const char *want)
{
    for (;;) {
        size_t b = strcspn(want, " :,\n");
        int any = b == 1 && *want == '*';
        size_t a = strcspn(got, any ? ":,\n" : " :,\n");
        if (!scene_word_is(got, a, want, b))
            return 0;
        got += a;
        want += b;
        want += scene_enhanced(want);
        if (*got != *want)
            return 0;
        if (*got == 0)
            return 1;
        got++;
        want++;
    }
}

/* 0: differs. 1: `got` is a beginning of what is wanted, or goes beyond it.
   2: it is just that. */
static inline int scene_said(const char *got, const char *want)
{
    for (;;) {
        size_t a = strcspn(got, "\n"), b = strcspn(want, "\n");
        int maybe = *want == '?';
        if (!*got) {
            while (*want == '?') {
                want += strcspn(want, "\n");
                want += *want == '\n';
            }
            return *want ? 1 : 2;
        }
        if (!*want)
            return 1;
        if (a == b - (size_t)maybe && memcmp(got, want + maybe, a) == 0
            && got[a] == want[b]) {
            got += a + (got[a] == '\n');
            want += b + (want[b] == '\n');
        } else if (maybe) {
            want += b + (want[b] == '\n');
        } else {
            return !got[a] && a <= b && memcmp(got, want, a) == 0;
        }
    }
}

#endif

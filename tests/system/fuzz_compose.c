/* fuzz_compose.c - messages of any fields, for libFuzzer: what is composed is
   as long as was declared, stands in whole lines within the limits, has no byte
   that was not offered, and is the same from any place on; what is refused
   names the field. */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "fuzz_input.h"

enum { MOST = 3, TEXTS = 64, ROOM = 1 << 18 };

enum {                             /* the first byte of an input: offers, */
    OF_8BIT = 1, OF_BINARY = 2, OF_UTF8 = 4, FLOWED = 8, DATED = 16,
    UNIQUE = 32
};

enum {                             /* and of a body: */
    SOURCE = 1, KNOWN = 2, LIES = 4, ONCE = 8, WAITS = 16
};

typedef struct source {            /* of a body */
    const char *data;
    size_t size, piece;
    unsigned habits;
    int turn;
} source;

typedef struct letter {
    input in;
    char *text[TEXTS];             /* taken from it, each in its own memory */
    size_t texts;
    source body[MOST + 2];
    size_t bodies;
    smtp_mailbox who[MOST];
    smtp_field field[MOST];
    smtp_part part[MOST];
    smtp_message message;
} letter;

/* ---- a message from bytes ------------------------------------------------ */

/* Bytes behind their number, with a NUL. */
static char *take(letter *l, size_t *size)
{
    char *copy;
    *size = take_byte(&l->in) * 8u;     /* so that some are long */
    *size = *size < 8 * 64 ? *size / 8 : *size;
    if (*size > l->in.left)
        *size = l->in.left;
    copy = (char *)malloc(*size + 1);
    memcpy(copy, l->in.data, *size);
    copy[*size] = 0;
    l->in.data += *size;
    l->in.left -= *size;
    return l->text[l->texts++] = copy;
}

/* One of them, or 0. */
static const char *take_text(letter *l, const char *usual)
{
    unsigned kind = take_byte(&l->in);
    size_t size;
    return kind < 80 ? usual : kind < 120 ? NULL : take(l, &size);
}

static ptrdiff_t pull(void *ctx, smtp_size offset, const char **data)
{
    source *s = (source *)ctx;
    size_t left = offset < s->size ? s->size - (size_t)offset : 0;
    if (s->habits & WAITS && (s->turn = !s->turn))
        return SMTP_AGAIN;
    *data = s->data + offset;
    return (ptrdiff_t)(left < s->piece ? left : s->piece);
}

static smtp_body take_body(letter *l)
{
    source *s = &l->body[l->bodies++];
    smtp_body body;
    s->habits = take_byte(&l->in);
    s->piece = 1 + take_byte(&l->in);
    s->data = take(l, &s->size);
    body = smtp_bytes(s->data, s->size);
    if (s->habits & SOURCE) {
        body.data = NULL;
        body.pull = pull;
        body.ctx = s;
        body.size = s->habits & KNOWN ? s->size : 0;
        body.size += s->habits & LIES ? 1 : 0;
        body.flags = s->habits & ONCE ? SMTP_BODY_ONCE : 0;
    }
    return body;
}

static void take_lists(letter *l)
{
    smtp_message *m = &l->message;
    size_t i;
    m->who_count = take_byte(&l->in) % MOST + 1u;
    m->part_count = take_byte(&l->in) % (MOST + 1u);
    m->field_count = take_byte(&l->in) % MOST;
    for (i = 0; i < m->who_count; i++) {
        static const uint8_t usual[] = {SMTP_FROM, SMTP_TO, SMTP_CC};
        unsigned role = take_byte(&l->in);
        l->who[i].role = role < 128 ? usual[i] : (uint8_t)(role % 7);
        l->who[i].address = take_text(l, "ops@example.net");
        l->who[i].name = take_text(l, "Ops");
    }
    for (i = 0; i < m->part_count; i++) {
        l->part[i].name = take_text(l, "log.txt");
        l->part[i].type = take_text(l, "image/png");
        l->part[i].id = take_text(l, NULL);
        l->part[i].disposition = take_byte(&l->in) % 2;
        l->part[i].body = take_body(l);
    }
    for (i = 0; i < m->field_count; i++) {
        l->field[i].name = take_text(l, "X-Field");
        l->field[i].value = take_text(l, "value");
    }
}

static void take_message(letter *l)
{
    smtp_message *m = &l->message;
    unsigned wants = take_byte(&l->in);
    m->offers = (wants & OF_8BIT ? SMTP_EXT_8BITMIME : 0u) |
                (wants & OF_BINARY ? SMTP_EXT_BINARYMIME : 0u) |
                (wants & OF_UTF8 ? SMTP_EXT_SMTPUTF8 : 0u);
    m->flowed = (wants & FLOWED) != 0;
    m->date = wants & DATED ? 1750000000u + take_byte(&l->in) * 86400u : 0;
    m->zone = (int16_t)(take_byte(&l->in) * 15 - 720);
    m->unique[0] = wants & UNIQUE;
    m->boundary = take_byte(&l->in);
    m->who = l->who;
    m->parts = l->part;
    m->fields = l->field;
    take_lists(l);
    m->subject = take_text(l, "Subject");
    m->id = take_text(l, NULL);
    m->in_reply_to = take_text(l, NULL);
    m->references = take_text(l, NULL);
    if (take_byte(&l->in) % 4 != 3)
        m->text = take_body(l);
    if (take_byte(&l->in) % 4 == 3)
        m->html = take_body(l);
}

/* ---- what has to hold ---------------------------------------------------- */

/* Makes the mail from an offset on, into `to`: returns its end, or -1. A source
   that waits does so at each of its pieces on the way to that offset. */
static ptrdiff_t make(const smtp_mail *mail, char *to, size_t from)
{
    size_t at = from;
    const char *data = NULL;
    ptrdiff_t n;
    int waited = 0;
    for (;;) {
        n = mail->body.pull(mail->body.ctx, at, &data);
        demand(waited < 1000, "it waits without end");
        waited = n == SMTP_AGAIN ? waited + 1 : 0;
        if (n == SMTP_AGAIN)
            continue;
        if (n <= 0)
            return n == 0 ? (ptrdiff_t)at : -1;
        demand(at + (size_t)n <= ROOM, "it is too long");
        memcpy(to + at, data, (size_t)n);
        at += (size_t)n;
    }
}

/* RFC 5322, section 2.1.1; encoded words can be folded between. A long address
   may look like one, but only there is an @. */
static void check_line(const char *line, size_t size, int head)
{
    size_t i;
    demand(size <= 998, "a line of more than 998 bytes");
    if (size <= 78 || memchr(line, '@', size) != NULL)
        return;
    for (i = 0; head && i + 10 < size; i++)
        demand(memcmp(line + i, "=?utf-8?Q?", 10) != 0 &&
               memcmp(line + i, "=?utf-8?B?", 10) != 0, "a long encoded word");
}

static void check_bytes(const char *made, size_t size, unsigned flags)
{
    size_t i, line = 0;
    int head = 1;
    for (i = 0; i < size; i++) {
        unsigned char c = (unsigned char)made[i];
        int end = c == '\n' && i > 0 && made[i - 1] == '\r';
        if (head || !(flags & SMTP_BODY_BINARY)) {
            demand(c != 0, "NUL");
            demand(c != '\n' || end, "a bare LF");
            demand(i == 0 || made[i - 1] != '\r' || c == '\n', "a bare CR");
            if (end)
                check_line(made + i - line, line - 1, head);
        }
        demand(c < 0x80 || flags & SMTP_BODY_UTF8 ||
               (!head && flags & (SMTP_BODY_8BIT | SMTP_BODY_BINARY)),
               "a byte above 127");
        line = end ? 0 : line + 1;
        if (end && i > 2 && made[i - 2] == '\n')
            head = 0;
    }
    demand(head == 0, "no empty line");
}

static void check_made(const smtp_composer *c, const smtp_mail *mail,
                       unsigned cut)
{
    static char made[ROOM], again[ROOM];
    ptrdiff_t size = make(mail, made, 0), other;
    size_t from;
    if (size < 0) {
        demand(c->status != SMTP_OK && c->field, "it failed and says not why");
        return;
    }
    demand(mail->body.size == 0 || mail->body.size == (smtp_size)size,
           "another length");
    check_bytes(made, (size_t)size, mail->body.flags);
    if (mail->body.flags & SMTP_BODY_ONCE)
        return;
    from = (size_t)size * cut / 256;
    other = make(mail, again, from);
    demand(other == size && memcmp(made + from, again + from,
                                   (size_t)size - from) == 0, "other bytes");
}

static void compose(const letter *l, unsigned cut)
{
    smtp_recipient to[MOST];
    smtp_composer composer;
    smtp_mail mail;
    smtp_status status;
    memset(&mail, 0, sizeof mail);
    status = smtp_compose(&composer, &l->message, &mail, to, MOST);
    demand(status == composer.status, "another status");
    if (status == SMTP_OK)
        check_made(&composer, &mail, cut);
    else
        demand(composer.field && *composer.field, "no field is named");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    letter l;
    unsigned cut;
    memset(&l, 0, sizeof l);
    l.in.data = data;
    l.in.left = size;
    cut = take_byte(&l.in);
    take_message(&l);
    compose(&l, cut);
    while (l.texts > 0)
        free(l.text[--l.texts]);
    return 0;
}

/* reply.c - replies as no server should write them, in every split, against
   an independent reading of RFC 5321, section 4.2, and RFC 3463 */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "check.h"
#include "guard.h"

#include <stdio.h>

/* ---- a stream of bytes --------------------------------------------------- */

typedef struct stream {
    const char *data;
    size_t size, at, most;         /* most: bytes a call, 0: no limit */
    size_t repeat;                 /* times that the data come again */
    unsigned char again, turn;
} stream;

static ptrdiff_t stream_recv(void *ctx, void *buffer, size_t size)
{
    stream *s = (stream *)ctx;
    size_t n = s->size - s->at;
    s->turn = !s->turn;
    if (s->again && s->turn)
        return SMTP_AGAIN;
    if (n == 0 && s->repeat) {
        s->repeat--;
        s->at = 0;
        n = s->size;
    }
    if (n == 0)
        return SMTP_EOF;
    n = n < size ? n : size;
    n = s->most && n > s->most ? s->most : n;
    memcpy(buffer, s->data + s->at, n);
    s->at += n;
    return (ptrdiff_t)n;
}

static ptrdiff_t stream_send(void *ctx, const void *data, size_t size)
{
    (void)ctx;
    (void)data;
    return (ptrdiff_t)size;
}

/* ---- what a reply comes to ----------------------------------------------- */

typedef struct outcome {
    int status;
    smtp_code code;
    char text[512];
    size_t length;
} outcome;

static guard memory;

/* The greeting is these bytes; `size` is the session's buffer. */
static outcome hear(stream *in, size_t size)
{
    smtp_session s;
    smtp_io io;
    smtp_config config;
    outcome out;
    memset(&io, 0, sizeof io);
    memset(&config, 0, sizeof config);
    memset(&out, 0, sizeof out);
    io.ctx = in;
    io.recv = stream_recv;
    io.send = stream_send;
    config.tls = SMTP_TLS_NONE;
    smtp_open(&s, &io, &config, memory.last - size, size);
    out.status = smtp_greet(&s);
    while (out.status == SMTP_AGAIN)
        out.status = smtp_run(&s);
    out.code = s.reply.code;
    out.length = s.reply.length;
    if (out.length >= sizeof out.text)
        out.length = sizeof out.text - 1;
    memcpy(out.text, s.reply.text, out.length);
    smtp_close(&s);
    return out;
}

static outcome hear_text(const char *text, size_t size, size_t most,
                         int again, size_t buffer)
{
    stream in;
    memset(&in, 0, sizeof in);
    in.data = text;
    in.size = size;
    in.most = most;
    in.again = (unsigned char)again;
    return hear(&in, buffer);
}

/* ---- the table ----------------------------------------------------------- */

typedef struct torture {
    const char *name, *bytes;
    size_t size;                   /* 0: strlen */
    int status;
    unsigned reply, subject, detail;
    const char *text;
} torture;

#define NUL_LINE "220 a\0b\r\n"

static const torture tortures[] = {
    {"plain", "220 mx ESMTP\r\n", 0, SMTP_OK, 220, 0, 0, "mx ESMTP"},
    {"bare LF", "220 mx\n", 0, SMTP_OK, 220, 0, 0, "mx"},
    {"no text, no space", "220\r\n", 0, SMTP_OK, 220, 0, 0, ""},
    {"no text, bare LF", "220\n", 0, SMTP_OK, 220, 0, 0, ""},
    {"no text, a space", "220 \r\n", 0, SMTP_OK, 220, 0, 0, ""},
    {"two lines", "220-a\r\n220 b\r\n", 0, SMTP_OK, 220, 0, 0, "a\nb"},
    {"three lines, one without text", "220-a\r\n220-\r\n220 b\r\n", 0,
     SMTP_OK, 220, 0, 0, "a\n\nb"},
    {"a last line without text", "220-a\r\n220\r\n", 0, SMTP_OK, 220, 0, 0,
     "a\n"},
    {"mixed line ends", "220-a\n220-b\r\n220 c\n", 0, SMTP_OK, 220, 0, 0,
     "a\nb\nc"},
    {"refused", "554 5.7.1 no\r\n", 0, SMTP_E_GREETING, 554, 7, 1,
     "5.7.1 no"},
    {"the code of the last line differs", "220-a\r\n250 b\r\n", 0,
     SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"another code in between", "220-a\r\n421-b\r\n220 c\r\n", 0,
     SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"letters", "abc hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"a letter in the code", "2x0 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"one digit", "2\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"two digits", "22 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"four digits", "2200 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"a plus sign", "220+hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"a tab", "220\thi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"an empty line", "\r\n220 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"an empty line, bare LF", "\n220 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0,
     NULL},
    {"a space first", " 220 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"code 000", "000 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"code 199", "199 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"code 600", "600 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"code 999", "999 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"code -12", "-12 hi\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"NUL for a code", "\0\0\0 hi\r\n", 9, SMTP_E_PROTOCOL, 0, 0, 0, NULL},
    {"bytes above 127", "\377\376\375\r\n", 0, SMTP_E_PROTOCOL, 0, 0, 0,
     NULL},
    {"CR in the text", "220 a\rb\r\n", 0, SMTP_OK, 220, 0, 0, "a\rb"},
    {"CR CR LF", "220 a\r\r\n", 0, SMTP_OK, 220, 0, 0, "a\r"},
    {"nothing", "", 0, SMTP_EOF, 0, 0, 0, NULL},
    {"half a code", "22", 0, SMTP_EOF, 0, 0, 0, NULL},
    {"half a line", "220 m", 0, SMTP_EOF, 0, 0, 0, NULL},
    {"no last line", "220-a\r\n220-b\r\n", 0, SMTP_EOF, 0, 0, 0, NULL},
    {"half a line end", "220 mx\r", 0, SMTP_EOF, 0, 0, 0, NULL},
    {"enhanced", "220 2.1.0 ok\r\n", 0, SMTP_OK, 220, 1, 0, "2.1.0 ok"},
    {"enhanced, three digits", "220 2.999.123 ok\r\n", 0, SMTP_OK, 220, 999,
     123, "2.999.123 ok"},
    {"enhanced, no text behind it", "220 2.1.5\r\n", 0, SMTP_OK, 220, 1, 5,
     "2.1.5"},
    {"enhanced, on the first of two lines", "220-2.1.5\r\n220 2.1.5\r\n", 0,
     SMTP_OK, 220, 1, 5, "2.1.5\n2.1.5"},
    {"enhanced, another class", "220 5.1.1 ok\r\n", 0, SMTP_OK, 220, 0, 0,
     "5.1.1 ok"},
    {"enhanced, four digits", "220 2.1.1234 ok\r\n", 0, SMTP_OK, 220, 0, 0,
     "2.1.1234 ok"},
    {"enhanced, four digits first", "220 2.1234.1 ok\r\n", 0, SMTP_OK, 220, 0,
     0, "2.1234.1 ok"},
    {"enhanced, cut short", "220 2.1 ok\r\n", 0, SMTP_OK, 220, 0, 0,
     "2.1 ok"},
    {"enhanced, with letters behind it", "220 2.1.0ok\r\n", 0, SMTP_OK, 220,
     0, 0, "2.1.0ok"},
    {"an address, not a status", "220 2.1.0.7 hi\r\n", 0, SMTP_OK, 220, 0, 0,
     "2.1.0.7 hi"},
};

static int same(const torture *t, const outcome *got)
{
    if (got->status != t->status)
        return 0;
    if (t->text == NULL)
        return 1;
    return got->code.reply == t->reply && got->code.subject == t->subject
           && got->code.detail == t->detail && strcmp(got->text, t->text) == 0
           && got->length == strlen(t->text);
}

static void judge(const torture *t, const outcome *got, size_t buffer)
{
    snprintf(check_context, sizeof check_context, "%s (buffer %lu)", t->name,
             (unsigned long)buffer);
    if (!CHECK(same(t, got)))
        printf("    status %d code %u %u.%u text \"%s\"\n", got->status,
               got->code.reply, got->code.subject, got->code.detail,
               got->text);
    check_context[0] = 0;
}

static void play(const torture *t)
{
    size_t size = t->size ? t->size : strlen(t->bytes), most, buffer;
    for (buffer = 64; buffer <= 130; buffer += 11)
        for (most = 0; most <= size && most < 6; most++) {
            outcome whole = hear_text(t->bytes, size, most, 0, buffer);
            outcome again = hear_text(t->bytes, size, most, 1, buffer);
            judge(t, &whole, buffer);
            judge(t, &again, buffer);
        }
}

/* A NUL is a byte of the text like any other. */
static void play_nul(void)
{
    outcome got = hear_text(NUL_LINE, sizeof NUL_LINE - 1, 0, 0, 128);
    CHECK_NUMBER(got.status, SMTP_OK);
    CHECK_NUMBER(got.length, 3);
    CHECK(memcmp(got.text, "a\0b", 3) == 0);
}

/* ---- replies without end ------------------------------------------------- */

static void play_endless(const char *piece, size_t times, int status,
                         size_t most)
{
    stream in;
    outcome got;
    memset(&in, 0, sizeof in);
    in.data = piece;
    in.size = strlen(piece);
    in.repeat = times;
    in.most = most;
    got = hear(&in, 256);
    CHECK_NUMBER(got.status, status);
}

static void play_long_line(size_t size, size_t buffer, int status)
{
    char *text = guard_bytes(size + 6);
    outcome got;
    memset(text, 'x', size + 6);
    memcpy(text, "220 ", 4);
    memcpy(text + size + 4, "\r\n", 2);
    got = hear_text(text, size + 6, 0, 0, buffer);
    CHECK_NUMBER(got.status, status);
    if (status == SMTP_OK)
        CHECK(got.length > 0 && got.length < buffer && got.text[0] == 'x');
    guard_release();
}

/* ---- against a second reading -------------------------------------------- */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One line at `p`: its length with its end, 0: none complete. */
static size_t line_of(const char *p, size_t size)
{
    const char *lf = (const char *)memchr(p, '\n', size);
    return lf ? (size_t)(lf - p) + 1 : 0;
}

/* The first digits of a line already tell that it is no reply. */
static int line_is_bad(const char *p, size_t n, int first, const char *code)
{
    size_t i;
    for (i = 0; i < n && i < 3; i++)
        if (!is_digit(p[i]) || (i == 0 && (p[i] < '2' || p[i] > '5')))
            return 1;
    if (n >= 4 && !strchr(" -\r\n", p[3]))
        return 1;
    if (n >= 4 && p[3] == 0)
        return 1;
    return n >= 4 && !first && memcmp(p, code, 3) != 0;
}

/* What the first reply in the bytes comes to; *size becomes its length.
   SMTP_AGAIN: it is wrong and cut short, so that either may be said first. */
static int second_reading(const char *text, size_t *size)
{
    const char *code = text, *p = text, *end = text + *size;
    int first = 1;
    for (;; first = 0) {
        size_t left = (size_t)(end - p), n = line_of(p, left);
        if (line_is_bad(p, n ? n : left, first, code))
            return n ? SMTP_E_PROTOCOL : SMTP_AGAIN;
        if (n == 0)
            return SMTP_EOF;
        p += n;
        if (p[3 - (ptrdiff_t)n] == '-')
            continue;
        *size = (size_t)(p - text);
        return code[0] == '2' ? SMTP_OK
               : memcmp(code, "421", 3) == 0 ? SMTP_E_SHUTDOWN
                                             : SMTP_E_GREETING;
    }
}

static unsigned long seed = 1;

static unsigned dice(unsigned sides)
{
    seed = (seed * 1103515245ul + 12345ul) & 0xfffffffful;
    return (unsigned)(seed >> 16) % sides;
}

static void play_random(void)
{
    static const char *piece[] = {"220", "250", "421", "554", "2", "x", " ",
                                  "-", "\r\n", "\n", "\r", "220-", "220 ",
                                  "text", "2.1.0 ", "0", "9", "\t"};
    char text[128];
    size_t size = 0, n = dice(9) + 1;
    outcome got;
    int want;
    if (dice(2)) {
        memcpy(text, "220-", 4);
        size = 4;
    }
    while (n--) {
        const char *p = piece[dice(sizeof piece / sizeof *piece)];
        memcpy(text + size, p, strlen(p));
        size += strlen(p);
    }
    want = second_reading(text, &size);
    got = hear_text(text, size, dice(5), (int)dice(2), 64 + dice(80));
    text[size] = 0;
    if (want == SMTP_AGAIN)
        want = got.status == SMTP_EOF ? SMTP_EOF : SMTP_E_PROTOCOL;
    if (!CHECK_NUMBER(got.status, want))
        printf("    \"%s\"\n", text);
}

int main(void)
{
    size_t i;
    check_begin();
    check_alarm(60);
    memory = guard_new(66000);
    for (i = 0; i < sizeof tortures / sizeof *tortures; i++)
        play(&tortures[i]);
    play_nul();
    play_endless("220-x\r\n", 70000, SMTP_E_REPLY_SIZE, 0);
    play_endless("220-\r\n", 70000, SMTP_E_REPLY_SIZE, 1);
    play_endless("220-\n", 70000, SMTP_E_REPLY_SIZE, 3);
    play_endless("220-{a line of some length in a reply}\r\n", 70000,
                 SMTP_E_REPLY_SIZE, 7);
    play_long_line(1000, 64, SMTP_OK);
    play_long_line(60000, 64, SMTP_OK);
    play_long_line(60000, 66000, SMTP_OK);
    play_long_line(100000, 64, SMTP_E_REPLY_SIZE);
    play_long_line(100000, 66000, SMTP_E_REPLY_SIZE);
    for (i = 0; i < 20000; i++)
        play_random();
    guard_free(memory);
    return check_end();
}

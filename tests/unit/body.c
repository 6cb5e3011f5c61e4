/* body.c - the body encoder: every short body over the bytes that matter, and
   long ones with lines of every length, from every kind of source, under DATA
   and BDAT. What the peer stored is compared with a plain reading of the
   contract in play.h, and SIZE with what was stored. */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "sweep.h"

enum { SHORT_MOST = 6, RANDOM_BODIES = 400, RANDOM_MOST = 3000 };

static const dialogue by_data = {
    "DATA", "offer SIZE 100000\nmail box@a ops@b\nbody {x*3000}\n", NULL,
    "OK 250 2.6.0: OK 250 2.6.0\nend OK\n"
};
static const dialogue by_chunks = {
    "BDAT",
    "offer SIZE 100000;PIPELINING;CHUNKING\nmail box@a ops@b\n"
    "body {x*3000}\n", NULL,
    "OK 250 2.6.0: OK 250 2.6.0\nend OK\n"
};
static const dialogue by_binary = {
    "BINARY",
    "offer SIZE 100000;PIPELINING;CHUNKING;BINARYMIME\nmail box@a ops@b\n"
    "body_flags 4\nbody {x*3000}\n", NULL,
    "OK 250 2.6.0: OK 250 2.6.0\nend OK\n"
};

static sweep s;
static guard room;

static void take_body(const char *data, size_t size)
{
    smtp_body *body = &s.what.mail[0].body;
    char *copy = room.last - size;
    if (size)
        memcpy(copy, data, size);
    body->data = copy;
    body->size = (smtp_size)size;
}

/* SIZE, where it was said, is what was stored (RFC 1870, section 3). */
static void judge_size(void)
{
    const peer *p = &s.p.server;
    const char *said = strstr(p->log.data, " SIZE=");
    if (said && p->stored)
        CHECK_NUMBER(strtoul(said + 6, NULL, 10), p->mail[0].body_size);
}

static void describe(const char *data, size_t size)
{
    size_t i;
    printf("    body:");
    for (i = 0; i < size && i < 80; i++)
        printf(" %02x", (unsigned char)data[i]);
    printf("\n");
}

static void play_one(const char *data, size_t size, const play_way *way)
{
    sweep_begin(&s, "a body");
    if (!sweep_run(&s, way))
        describe(data, size);
    sweep_end(&s);
    judge_size();
}

/* Ways differ from body to body, so that each meets each over all of them. */
static play_way way_number(size_t n, size_t piece)
{
    play_way way = sweep_way();
    way.piece = piece;
    way.buffer = n % 3 ? SMTP_BUFFER_MIN + n % 67 : 0;
    way.known = n % 5 == 0;
    way.once = n % 4 == 1;
    way.pull_again = n % 7 == 2;
    way.habit.again = n % 11 == 3;
    way.habit.lazy = n % 2;
    way.habit.send_most = n % 13 == 4 ? n % 5 + 1 : 0;
    way.front = n % 2;
    return way;
}

/* ---- every short body ---------------------------------------------------- */

static void play_short(const dialogue *text)
{
    static const char alphabet[] = "a.\r\n";
    size_t size, count = 1, number, n = 0;
    scene_read(&s.what, text);
    play_scene(&s.p, &s.what);
    for (size = 0; size <= SHORT_MOST; size++, count *= 4)
        for (number = 0; number < count; number++) {
            char data[SHORT_MOST];
            size_t i, rest = number, piece;
            for (i = 0; i < size; i++, rest /= 4)
                data[i] = alphabet[rest % 4];
            take_body(data, size);
            for (piece = 0; piece <= size && piece < 4; piece++) {
                play_way way = way_number(n++, piece);
                play_one(data, size, &way);
            }
        }
}

/* ---- random bodies ------------------------------------------------------- */

static unsigned long seed = 7;

static unsigned dice(unsigned sides)
{
    seed = (seed * 1103515245ul + 12345ul) & 0xfffffffful;
    return (unsigned)(seed >> 16) % sides;
}

static char any_byte(void)
{
    if (dice(6) == 0)
        return '.';
    return (char)(dice(30) ? 'a' + (int)dice(26) : 128 + (int)dice(128));
}

static size_t add_line(char *data, size_t size, int canonical)
{
    static const char *const end[] = {"\r\n", "\n", "\r", "\r\r\n", "\n\r"};
    const char *e = end[canonical ? 0 : dice(5)];
    size_t n = dice(4) ? dice(40) : dice(400), i;
    for (i = 0; i < n; i++)
        data[size++] = any_byte();
    memcpy(data + size, e, strlen(e));
    return size + strlen(e);
}

static void play_random(const dialogue *text, unsigned flags)
{
    static char data[RANDOM_MOST + 500];
    size_t k, most, size;
    scene_read(&s.what, text);
    s.what.mail[0].body.flags |= (uint8_t)flags;
    play_scene(&s.p, &s.what);
    for (k = 0; k < RANDOM_BODIES; k++) {
        size_t piece = dice(3) ? dice(100) : 0;
        play_way way = way_number(dice(10000), piece);
        most = dice(RANDOM_MOST) + 1;
        for (size = 0; size < most;)
            size = add_line(data, size, flags & SMTP_BODY_CANONICAL);
        if (!(flags & SMTP_BODY_CANONICAL))
            size = wire_least(size, most);
        size = wire_least(size, 3000);
        if (flags & SMTP_BODY_CANONICAL)
            while (size && data[size - 1] != '\n')
                size--;
        take_body(data, size);
        play_one(data, size, &way);
    }
}

/* Each byte value, alone and between others. */
static void play_bytes(const dialogue *text)
{
    unsigned c;
    scene_read(&s.what, text);
    play_scene(&s.p, &s.what);
    for (c = 0; c < 256; c++) {
        char data[40];
        size_t i;
        memset(data, 'x', sizeof data);
        for (i = 0; i < sizeof data; i += 13)
            data[i] = (char)c;
        for (i = 0; i < 3; i++) {
            play_way way = way_number(c, i * 7);
            take_body(data, sizeof data - i);
            play_one(data, sizeof data - i, &way);
        }
    }
}

int main(void)
{
    check_begin();
    sweep_open(&s);
    room = guard_new(RANDOM_MOST + 500);
    play_short(&by_data);
    play_short(&by_chunks);
    play_random(&by_data, 0);
    play_random(&by_chunks, 0);
    if (SMTP__CHUNKING) {
        play_short(&by_binary);
        play_random(&by_binary, 0);
    }
    play_random(&by_data, SMTP_BODY_CANONICAL);
    play_random(&by_chunks, SMTP_BODY_CANONICAL);
    play_random(&by_data, SMTP__8BITMIME ? SMTP_BODY_8BIT : 0);
    play_bytes(&by_data);
    play_bytes(&by_chunks);
    guard_free(room);
    sweep_close(&s);
    return check_end();
}

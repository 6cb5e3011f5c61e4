/* auth.c - logins with user names and passwords of every length and content,
   against a second base64; what stays behind in memory; bad challenges */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "sweep.h"

enum { PLAIN, LOGIN, FORMS = 2 };

static sweep s;
static bytes setup, said, line, encoded;

/* ---- a second base64, bit by bit ----------------------------------------- */

static unsigned bit_of(const bytes *in, size_t bit)
{
    if (bit / 8 >= in->size)
        return 0;
    return ((unsigned)(unsigned char)in->data[bit / 8] >> (7 - bit % 8)) & 1u;
}

static void encode(const bytes *in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t bit, k;
    bytes_clear(&encoded);
    for (bit = 0; bit < 8 * in->size; bit += 6) {
        unsigned value = 0;
        for (k = 0; k < 6; k++)
            value = value * 2 + bit_of(in, bit + k);
        bytes_add(&encoded, digits + value, 1);
    }
    while (encoded.size % 4)
        bytes_text(&encoded, "=");
}

/* ---- a login ------------------------------------------------------------- */

static void add_escaped(const char *text)
{
    char code[8];
    for (; *text; text++) {
        snprintf(code, sizeof code, "%%%02X", (unsigned)(unsigned char)*text);
        bytes_text(&setup, code);
    }
}

static void write_setup(const char *user, const char *password, int form,
                        int initial)
{
    bytes_clear(&setup);
    bytes_text(&setup, "tls implicit\nuser ");
    add_escaped(user);
    bytes_text(&setup, "\npassword ");
    add_escaped(password);
    bytes_text(&setup, form == PLAIN ? "\noffer AUTH PLAIN\n"
                                     : "\noffer AUTH LOGIN\n");
    bytes_text(&setup, initial ? "" : "no_initial_response\n");
    bytes_text(&setup, "next\n");
}

static void say_line(const char *text)
{
    bytes_text(&said, text);
    bytes_text(&said, "\n");
}

/* The response with AUTH, if the line has no more than 512 bytes with it (RFC
   4954, section 4), else behind the challenge. */
static void say_first(const char *verb, int initial)
{
    bytes_text(&said, verb);
    if (initial && strlen(verb) + 1 + encoded.size + 2 <= 512) {
        bytes_text(&said, " ");
        say_line(encoded.size ? encoded.data : "=");
        return;
    }
    bytes_text(&said, "\n");
    say_line(encoded.data);
}

static void write_said(const char *user, const char *password, int form,
                       int initial)
{
    bytes_clear(&said);
    bytes_clear(&line);
    bytes_text(&said, "EHLO [127.0.0.1]\n");
    if (form == PLAIN)
        bytes_add(&line, "", 1);
    bytes_text(&line, user);
    if (form == PLAIN) {
        bytes_add(&line, "", 1);
        bytes_text(&line, password);
    }
    encode(&line);
    say_first(form == PLAIN ? "AUTH PLAIN" : "AUTH LOGIN", initial);
    if (form == LOGIN) {
        bytes_clear(&line);
        bytes_text(&line, password);
        encode(&line);
        say_line(encoded.data);
    }
    bytes_text(&said, "QUIT\n");
}

static void play_login(const char *user, const char *password, int form,
                       int initial)
{
    dialogue text = {"login", NULL, NULL, "end OK\n"};
    write_setup(user, password, form, initial);
    write_said(user, password, form, initial);
    text.setup = setup.data;
    text.said = said.data;
    scene_read(&s.what, &text);
    play_scene(&s.p, &s.what);
    sweep_few(&s, "a login");
}

static void play_both(const char *user, const char *password)
{
    int form;
    for (form = 0; form < FORMS; form++) {
        play_login(user, password, form, 1);
        play_login(user, password, form, 0);
    }
}

/* Each length, up to 140 and around that of a line of 512 bytes; some more. */
static void play_lengths(void)
{
    char user[1200], password[1200];
    size_t n, i;
    for (n = 0; n < 1100; n += n < 140 || (n >= 365 && n <= 380) ? 1 : 45) {
        for (i = 0; i < n; i++) {
            user[i] = (char)('a' + i % 26);
            password[i] = (char)(1 + (i * 7 + n) % 255);
        }
        password[n] = user[n] = 0;
        if (n >= 365 && n <= 380)
            play_both(user, "x");
        user[n % 61] = 0;
        play_both(user, password);
        user[0] = 0;
        play_both(user, password);
    }
}

/* ---- what stays behind --------------------------------------------------- */

static int holds(const void *memory, size_t size, const char *word)
{
    const char *p = (const char *)memory;
    size_t n = strlen(word), i;
    for (i = 0; i + n <= size; i++)
        if (memcmp(p + i, word, n) == 0)
            return 1;
    return 0;
}

static void check_clean(const char *word)
{
    CHECK(!holds(s.p.buffer, s.p.buffer_size, word));
    CHECK(!holds(&s.p.session, sizeof s.p.session, word));
}

/* The session is logged in and open: the password is not in its memory. */
static void play_memory(const char *form, size_t buffer, int again)
{
    dialogue text = {"memory", NULL, NULL, "end OK\n"};
    play_way way = sweep_way();
    smtp_io io;
    bytes_clear(&setup);
    bytes_text(&setup, "tls implicit\nuser box-of-the-sensor\n"
                       "password correct horse battery\n");
    bytes_text(&setup, form);
    text.setup = setup.data;
    way.buffer = buffer;
    way.habit.again = (unsigned char)again;
    way.habit.send_most = (size_t)again;
    scene_read(&s.what, &text);
    play_scene(&s.p, &s.what);
    play_start(&s.p, &way);
    io = play_io(&s.p);
    smtp_open(&s.p.session, &io, &s.p.config, s.p.buffer, s.p.buffer_size);
    CHECK_NUMBER(play_through(&s.p, smtp_run(&s.p.session)), SMTP_OK);
    CHECK(strstr(s.p.server.log.data, "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5")
          || strstr(s.p.server.log.data, "Y29ycmVjdCBob3JzZSBi")
          || strstr(s.p.server.log.data, "AGJveC1vZi10aGUtc2Vuc29yAGNvcnJl"));
    check_clean("horse");
    check_clean("Y29ycmVj");
    check_clean("Ym94LW9mLXRo");
    check_clean("AGJveC1vZi10");
    smtp_close(&s.p.session);
}

/* ---- challenges ---------------------------------------------------------- */

#define BOX "tls implicit\nuser box\npassword secret\n"
#define HELLO "EHLO [127.0.0.1]\n"

static const dialogue challenges[] = {
    {"PLAIN, a challenge that is no base64", BOX "next\noffer AUTH PLAIN\n"
     "no_initial_response\nAUTH 334 ???not base64???\n",
     HELLO "AUTH PLAIN\nAGJveABzZWNyZXQ=\nQUIT\n", "end OK\n"},
    {"LOGIN, challenges of many lines", BOX "next\noffer AUTH LOGIN\n"
     "no_initial_response\nAUTH 334-VXNl|334 cm5hbWU6\n"
     "RESPONSE 334-UGFz|334-c3dv|334 cmQ6\n",
     HELLO "AUTH LOGIN\nYm94\nc2VjcmV0\nQUIT\n", "end OK\n"},
    {"LOGIN, a challenge of 12 KB", BOX "next\noffer AUTH LOGIN\n"
     "no_initial_response\nAUTH 334 {YWJj*4000}\n",
     HELLO "AUTH LOGIN\nYm94\nc2VjcmV0\nQUIT\n", "end OK\n"},
    {"LOGIN, 235 too early", BOX "next\noffer AUTH LOGIN\n"
     "no_initial_response\nRESPONSE 235 welcome\n",
     HELLO "AUTH LOGIN\nYm94\nQUIT\n", "end OK\n"},
    {"AUTH 250", BOX "next\noffer AUTH PLAIN\nAUTH 250 ok\n",
     NULL, "end OK/E_LOGIN/E_PROTOCOL\n"},
    {"AUTH 354", BOX "next\noffer AUTH PLAIN\nAUTH 354 ok\ncut\n",
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n",
     "end E_LOGIN/E_PROTOCOL\n"},
    {"PLAIN 535 and LOGIN offered: the password counts once",
     BOX "next\noffer AUTH PLAIN LOGIN\nAUTH 535 5.7.8 bad\n",
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n", "end E_LOGIN\n"},
    {"PLAIN 534, LOGIN", BOX "next\noffer LOGIN;AUTH LOGIN PLAIN\n"
     "no_initial_response\nAUTH 534 5.7.9 too weak\n",
     HELLO "AUTH PLAIN\nAUTH LOGIN\nYm94\nc2VjcmV0\nQUIT\n", "end OK\n"},
};

int main(void)
{
    size_t i;
    check_begin();
    sweep_open(&s);
    play_lengths();
    for (i = 0; i < 3; i++) {
        static const size_t buffer[] = {64, 131, 1024};
        play_memory("offer AUTH PLAIN\n", buffer[i], 0);
        play_memory("offer AUTH LOGIN\n", buffer[i], 0);
        play_memory("offer AUTH PLAIN\nno_initial_response\n", buffer[i], 1);
        play_memory("offer AUTH LOGIN\nno_initial_response\n", buffer[i], 1);
    }
    for (i = 0; i < sizeof challenges / sizeof *challenges; i++)
        sweep_dialogue(&s, &challenges[i]);
    sweep_close(&s);
    bytes_free(&setup);
    bytes_free(&said);
    bytes_free(&line);
    bytes_free(&encoded);
    return check_end();
}

/* outcome.c - random servers: refusals, 421 and early ends anywhere, offers of
   every kind, mails one by one, overlapping or amid commands by hand, sources
   of every kind, and transports that fail anywhere. No outcome may be untrue,
   no run may hang, and outcomes do not depend on how the bytes moved. */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "sweep.h"

enum { SCENES = 1500, WAYS = 24 };

static unsigned long seed = 3;
static bytes setup, told;
static sweep s;

static unsigned dice(unsigned sides)
{
    seed = (seed * 1103515245ul + 12345ul) & 0xfffffffful;
    return (unsigned)(seed >> 16) % sides;
}

static void add(const char *text)
{
    bytes_text(&setup, text);
}

static void add_number(const char *before, unsigned n, const char *after)
{
    char text[64];
    snprintf(text, sizeof text, "%s%u%s", before, n, after);
    add(text);
}

/* ---- a random scene ------------------------------------------------------ */

/* 1: the server is busy while it answers a message. */
static int add_session(int hand)
{
    static const char *const offer[] = {
        "offer PIPELINING\n", "offer PIPELINING;CHUNKING\n",
        "offer CHUNKING\n", "offer SIZE 100000;PIPELINING\n",
        "offer X\n", "offer PIPELINING;CHUNKING;8BITMIME;SIZE 0\n",
        "offer PIPELINING;PRDR\n", "offer LIMITS RCPTMAX=2\nno_once\n",
        "offer PIPELINING;LIMITS RCPTMAX=3\nno_once\n",
        "offer PIPELINING;LIMITS MAILMAX=2\n",
        "offer PIPELINING;CHUNKING;PRDR;LIMITS RCPTMAX=4\nno_once\n"
    };
    unsigned n = dice(11);
    int busy = !strstr(offer[n], "CHUNKING") && dice(3) == 0;
    add(offer[n]);
    add(busy ? "busy\n" : "");
    add(dice(3) || hand ? "" : "next\n");
    add(dice(5) || !SMTP__LMTP ? "" : "lmtp\n");
    add(dice(4) ? "" : "window 1\n");
    add(dice(4) ? "" : "window 3\n");
    return busy;
}

static void add_mails(void)
{
    unsigned mails = dice(5) + 1, i, k, to;
    for (i = 0; i < mails; i++) {
        add_number("mail m", i, "@a");
        to = dice(4) ? dice(4) + 1 : dice(12) + 1;
        for (k = 0; k < to; k++)
            add_number(" t", k, "@b");
        add_number("\nbody mail ", i, "|.|");
        if (dice(4) == 0)
            add_number("{a line of a longer text|*", dice(60), "}");
        add(dice(3) ? "\n" : "end\n");
        add(dice(10) || !SMTP__ALL_OR_NONE ? "" : "all_or_none\n");
    }
}

/* `lethal`: the connection may end. */
static void add_rule(const char *verb, const char *good, int lethal)
{
    unsigned kind = dice(lethal ? 12 : 9);
    add(verb);
    if (kind == 9)
        add("+close \n");
    else if (kind == 10)
        add("+close 421 4.3.2 bye\n");
    else if (kind == 11)
        add(strcmp(verb, "END") == 0 && strstr(setup.data, "lmtp\n")
            ? "+on 421 4.3.2 bye\n" : " 421 4.3.2 bye\n");
    else if (kind == 8)
        add(" 451 4.3.0 later\n");
    else if (kind == 7)
        add(" 550 5.1.1 no\n");
    else if (kind == 6)
        add(strcmp(verb, "BDAT") == 0 ? "+now 554 5.7.1 no\n"
                                      : " 554 5.7.1 no\n");
    else
        add(good);
}

/* `again`: MAIL may have to be said again, and is accepted then. */
static void add_rules(int lethal, int again)
{
    unsigned n = dice(14);
    while (n--)
        switch (dice(lethal ? 8 : 6)) {
        case 0:
            if (lethal || !again)
                add_rule("MAIL", " 250 2.1.0 ok\n", lethal);
            break;
        case 1: add_rule("DATA", " 354 go\n", lethal); break;
        case 2: add_rule("END", " 250-2.6.0 a|250 2.6.0 b\n", lethal); break;
        case 3: add_rule("BDAT", " 250 2.6.0 chunk\n", lethal); break;
        case 6: add("NONE 250 2.6.0 taken all the same\n"); break;
        case 7: add_rule("RSET", " 503 5.5.1 too early\n", 0); break;
        default: add_rule("RCPT", " 250 2.1.5 ok\n", lethal); break;
        }
}

/* ---- ways ---------------------------------------------------------------- */

static play_way any_way(size_t calls)
{
    static const int with[] = {SMTP_E_IO, SMTP_EOF};
    play_way way = sweep_way();
    way.buffer = dice(2) ? SMTP_BUFFER_MIN + dice(300) : 0;
    way.piece = dice(2) ? dice(90) + 1 : 0;
    way.once = way.piece && dice(3) == 0;
    way.known = dice(4) == 0;
    way.pull_again = dice(5) == 0;
    way.habit.recv_most = dice(2) ? 0 : dice(30) + 1;
    way.habit.send_most = dice(2) ? 0 : dice(60) + 1;
    way.habit.again = dice(3) == 0;
    way.habit.blocking = !way.habit.again && dice(3) == 0;
    way.habit.lazy = dice(2) == 0;
    way.wait = !way.habit.blocking && dice(4) == 0;
    way.habit.reset = dice(4) == 0;
    if (calls && dice(2)) {
        way.habit.fail_at = dice((unsigned)calls) + 1;
        way.habit.fail_with = with[dice(2)];
        way.habit.fail_for_good = dice(2) == 0;
    } else if (calls && way.piece && dice(3) == 0) {
        way.pull_fails = dice(40) + 1;
    }
    return way;
}

static void show(void)
{
    printf("--- setup:\n%s", setup.data);
}

/* Every outcome is true, however the connection ends. */
static void play_lethal(void)
{
    size_t i;
    sweep_begin(&s, "any end");
    for (i = 0; i < WAYS && !s.failed; i++) {
        play_way way = any_way(i ? s.p.line.calls + 2 : 0);
        way.faulty = 1;
        if (!sweep_run(&s, &way))
            show();
    }
    sweep_end(&s);
}

/* No end: the outcomes are those of the plainest run. Chunks of an unknown
   number are refused at another place than one chunk, and what has to be read
   twice is refused, so each way of a source that cannot go back is then only
   held to the truth. */
static void play_gentle(void)
{
    dialogue text = *s.what.text;
    play_way way = sweep_way();
    size_t i;
    sweep_begin(&s, "the same end");
    way.faulty = 1;
    if (!sweep_run(&s, &way))
        show();
    bytes_clear(&told);
    bytes_add(&told, s.p.told.data, s.p.told.size);
    text.told = told.data;
    s.what.text = &text;
    for (i = 0; i < WAYS && !s.failed; i++) {
        way = any_way(0);
        way.habit.reset = 0;
        way.faulty = way.once && (s.what.chunks || s.what.no_once);
        if (!sweep_run(&s, &way))
            show();
    }
    sweep_end(&s);
}

/* ---- by hand ------------------------------------------------------------- */

static void add_calls(unsigned n)
{
    static const char *const call[] = {
        "run", "ehlo", "helo", "rset", "rset", "noop", "verify x",
        "docmd XYZZY plugh", "login", "starttls", "mail_from hand@a",
        "mail_from hand@a", "mail_from hand@a", "rcpt_to q@b", "rcpt_to q@b",
        "rcpt_to r@b", "data", "data", "data"
    };
    for (; n > 0; n--) {
        add("do ");
        add(call[dice(19)]);
        add("\n");
    }
}

/* One mail to one or more, its body by hand as well. */
static void add_hand(int lethal)
{
    unsigned k, to = dice(4) + 1;
    add("busy\nmail m0@a");
    for (k = 0; k < to; k++)
        add_number(" t", k, "@b");
    add("\nbody mail|.|end\n");
    add_calls(dice(14));
    add("do send\ndo rset\n");
    add_calls(dice(5));
    if (dice(3) == 0)
        add_rule("RSET", " 250 2.0.0 ok\n", lethal);
    if (lethal && dice(3) == 0)
        add_rule("EHLO", " 250 mx\n", lethal);
}

static unsigned count_told(const char *line)
{
    const char *text = s.p.told.data, *at = text;
    unsigned n = 0;
    for (; (at = strstr(at, line)) != NULL; at++)
        n += at == text || at[-1] == '\n';
    return n;
}

/* What data tells is what became of it, but where no answer came. */
static int data_is_true(void)
{
    const peer_mail *mail = NULL;
    unsigned stored = 0;
    unsigned good = count_told("data OK") + count_told("data PARTIAL");
    unsigned bad = count_told("data E_REFUSED") + count_told("data E_ARG");
    while ((mail = play_stored(&s.p, "hand@a", mail)) != NULL)
        stored++;
    return stored >= good && stored <= count_told("data ") - bad;
}

static void play_hand(int lethal)
{
    size_t i;
    sweep_begin(&s, "by hand");
    for (i = 0; i < WAYS && !s.failed; i++) {
        play_way way = any_way(i && lethal ? s.p.line.calls + 2 : 0);
        way.faulty = 1;
        way.once = 0;
        if (!sweep_run(&s, &way)) {
            show();
        } else if (!data_is_true()) {
            s.failed = 1;
            CHECK_FAILS("data by hand");
            sweep_show(&s);
            show();
        }
    }
    sweep_end(&s);
}

/* ---- all ----------------------------------------------------------------- */

static void play_scene_number(unsigned number, int lethal)
{
    char name[64];
    int hand = SMTP__HAND && number % 5 == 4, busy;
    dialogue text = {NULL, NULL, NULL, ""};
    snprintf(name, sizeof name, "%s scene %u",
             lethal ? "a lethal" : "a gentle", number);
    bytes_clear(&setup);
    busy = add_session(hand);
    if (hand)
        add_hand(lethal);
    else
        add_mails();
    add_rules(lethal, busy);
    text.name = name;
    text.setup = setup.data;
    scene_read(&s.what, &text);
    s.what.loose = 1;
    play_scene(&s.p, &s.what);
    if (hand)
        play_hand(lethal);
    else if (lethal)
        play_lethal();
    else
        play_gentle();
}

int main(int count, char **arguments)
{
    unsigned i, only = SCENES;
    if (count > 1)
        only = (unsigned)atoi(arguments[1]);
    check_begin();
    sweep_open(&s);
    for (i = 0; i < SCENES; i++) {
        seed = 1000u + i;
        if (only == SCENES || i == only)
            play_scene_number(i, (int)(i & 1));
    }
    printf("%lu runs\n", s.runs);
    sweep_close(&s);
    bytes_free(&setup);
    bytes_free(&told);
    return check_end();
}

/* judge.c - the judges that the other tests rely on: each is shown something
   that is wrong, and has to say so; what is right they let pass */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "sweep.h"

#include <sys/wait.h>

/* ---- the peer ------------------------------------------------------------ */

/* What a client says, | for CRLF; at ^ the peer works, at ~ all its answers are
   read, too. What it then says of the client, and the body that it stored. */
static const struct {
    const char *setup, *said, *fault, *stored;
} clients[] = {
    {"", "~EHLO x|~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~DATA|~hi|.|~QUIT|~",
     NULL, "hi|"},
    {"offer PIPELINING\n",
     "~EHLO x|~MAIL FROM:<a@b>|RCPT TO:<c@d>|DATA|~..hi|..|.|~QUIT|~",
     NULL, ".hi|.|"},
    {"offer CHUNKING\n", "~EHLO x|~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~BDAT 5|"
     ".hi%0D%0A~BDAT 0 LAST|~QUIT|~", NULL, ".hi|"},
    {"offer CHUNKING;BINARYMIME\n", "~EHLO x|~MAIL FROM:<a@b> BODY=BINARYMIME|~"
     "RCPT TO:<c@d>|~BDAT 2|%0D%0D~BDAT 2 LAST|%0A%0D~", NULL, "%0D|%0D"},
    {"STARTTLS 500 no\n", "~EHLO x|~STARTTLS|~NOOP|~", NULL, NULL},
    {"", "EHLO x|~", "something said before an answer was read", NULL},
    {"", "~EHLO x|^NOOP|~", "something said before an answer was read", NULL},
    {"", "~EHLO x|NOOP|~",
     "something said behind a command that ends a group", NULL},
    {"", "~EHLO x|~MAIL FROM:<a@b>|RCPT TO:<c@d>|~",
     "something said behind a command that ends a group", NULL},
    {"offer PIPELINING\n",
     "~EHLO x|~MAIL FROM:<a@b>|RCPT TO:<c@d>|DATA|.|~",
     "something said behind a command that ends a group", ""},
    {"offer PIPELINING\n", "~EHLO x|~AUTH PLAIN|~AA==|NOOP|~",
     "something said behind a command that ends a group", NULL},
    {"offer CHUNKING\n", "~EHLO x|~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~BDAT 2|"
     "hiNOOP|~", "pipelining that was not offered", NULL},
    {"", "~EHLO x|~STARTTLS|~NOOP|~", "something in clear where TLS was agreed",
     NULL},
    {"", "~NOOP%0A~", "a command line with a bare CR, LF or NUL in it", NULL},
    {"", "~%0A~", "a command line with a bare CR, LF or NUL in it", NULL},
    {"", "~NO%0DOP|~", "a command line with a bare CR, LF or NUL in it", NULL},
    {"", "~NOOP%0D|~", "a command line with a bare CR, LF or NUL in it", NULL},
    {"", "~NOOP%00|~", "a command line with a bare CR, LF or NUL in it", NULL},
    {"", "~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~DATA|~.hi|.|~",
     "a dot that was not doubled", "hi|"},
    {"", "~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~DATA|~h%0Ai|.|~",
     "a bare CR or LF in a message", "h%0Ai|"},
    {"", "~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~DATA|~h%0Di|.|~",
     "a bare CR or LF in a message", "h%0Di|"},
    {"", "~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~DATA|~.%0Dx|.|~",
     "a bare CR or LF in a message", "x|"},
    {"", "~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~BDAT 3 LAST|h%0Ai~",
     "a bare CR or LF in a chunk", "h%0Ai"},
    {"", "~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~BDAT 3 LAST|h%0Di~",
     "a bare CR or LF in a chunk", "h%0Di"},
    {"", "~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~BDAT 3|hi%0D~BDAT 1 LAST|%0A~",
     "a CRLF parted by the end of a chunk", "hi|"},
    {"", "~MAIL FROM:<a@b>|~RCPT TO:<c@d>|~BDAT 0|~", "BDAT 0 without LAST",
     NULL},
};

static void test_client(size_t n)
{
    scene what;
    dialogue text = {"a client", clients[n].setup, NULL, ""};
    peer p;
    bytes said = {NULL, 0, 0}, body = {NULL, 0, 0};
    size_t i;
    memset(&p, 0, sizeof p);
    scene_read(&what, &text);
    bytes_clear(&said);
    bytes_clear(&body);
    scene_expand(&said, clients[n].said, strlen(clients[n].said), "\r\n");
    peer_start(&p, &what.script);
    for (i = 0; i < said.size; i++) {
        if (!memchr("~^", said.data[i], 2))
            peer_hears(&p, said.data + i, 1);
        else
            peer_work(&p, WIRE_ALL);
        if (said.data[i] == '~')
            p.out_from = p.out_ready;
    }
    CHECK_TEXT(p.fault ? p.fault : "none",
               clients[n].fault ? clients[n].fault : "none");
    CHECK_NUMBER(p.stored, clients[n].stored != NULL);
    if (p.stored && clients[n].stored) {
        scene_expand(&body, clients[n].stored, strlen(clients[n].stored),
                     "\r\n");
        CHECK_TEXT(p.vault.data + p.mail[0].body, body.data);
    }
    peer_stop(&p);
    bytes_free(&said);
    bytes_free(&body);
    guard_release();
}

/* ---- the wire ------------------------------------------------------------ */

/* Calls: r, R receive a byte, none; s, S send so; w, v wait to read, to write;
   t is starttls, c closes. */
static const struct {
    const char *calls, *fault;
} wires[] = {
    {"rsrwvc", NULL},
    {"R", "recv of nothing"},
    {"S", "send of nothing"},
    {"cr", "a call after close"},
    {"cs", "a call after close"},
    {"ct", "a call after close"},
    {"cc", "closed twice"},
    {"t", "starttls was not agreed"},
};

static const char *wire_calls(wire *w, const char *calls)
{
    char c = 'x';
    for (; *calls; calls++)
        switch (*calls) {
        case 'r': case 'R': wire_recv(w, &c, *calls == 'r'); break;
        case 's': case 'S': wire_send(w, &c, *calls == 's'); break;
        case 'w': wire_wait(w, SMTP_READ, 0); break;
        case 'v': wire_wait(w, SMTP_WRITE, 0); break;
        case 't': wire_starttls(w); break;
        default: wire_close(w);
        }
    return w->fault;
}

static void test_wire(size_t n)
{
    const play_way way = sweep_way();
    peer_script script;
    peer p;
    wire w;
    const char *fault;
    memset(&script, 0, sizeof script);
    memset(&p, 0, sizeof p);
    peer_start(&p, &script);
    wire_start(&w, &p, &way.habit);
    fault = wire_calls(&w, wires[n].calls);
    CHECK_TEXT(fault ? fault : "none",
               wires[n].fault ? wires[n].fault : "none");
    peer_stop(&p);
}

/* ---- what a session told ------------------------------------------------- */

/* Whether scene_told() takes the first for the second. */
static const struct {
    const char *got, *want;
    int good;
} tellings[] = {
    {"OK 250: OK 250\nend OK\n", "OK 250: OK 250\nend OK\n", 1},
    {"OK 250: OK 250\nend OK\n", "OK 250: OK 251\nend OK\n", 0},
    {"OK 250: OK 250\nend OK\n", "OK 250: OK 25\nend OK\n", 0},
    {"OK 250: OK 25\nend OK\n", "OK 250: OK 250\nend OK\n", 0},
    {"OK 250: OK 250\nend OK\n", "OK 250: OK 250\n", 0},
    {"OK 250: OK 250\n", "OK 250: OK 250\nend OK\n", 0},
    {"OK 250: OK 250\nend OK\n", "OK 250: OK 250, OK 250\nend OK\n", 0},
    {"OK 250: OK 250, OK 250\n", "OK 250: OK 250\n", 0},
    {"end OK\n", "end EOF/OK\n", 1},
    {"end EOF\n", "end EOF/OK\n", 1},
    {"end E_IO\n", "end EOF/OK\n", 0},
    {"OK 250: E_REFUSED 550 5.1.1\n", "OK 250: *\n", 1},
    {"OK 250: OK 250, OK 250\n", "OK 250: *\n", 0},
    {"", "", 1},
    {"", "end OK\n", 0},
};

/* And scene_said(): 0, 1 or 2. */
static const struct {
    const char *got, *want;
    int is;
} sayings[] = {
    {"EHLO x\nQUIT\n", "EHLO x\nQUIT\n", 2},
    {"EHLO x\n", "EHLO x\nQUIT\n", 1},
    {"EHLO x\nQU", "EHLO x\nQUIT\n", 1},
    {"EHLO x\nQUIT\nNOOP\n", "EHLO x\nQUIT\n", 1},
    {"EHLO x\nQUID\n", "EHLO x\nQUIT\n", 0},
    {"EHLO x\nQUITS\n", "EHLO x\nQUIT\n", 0},
    {"EHLO x\nQUI\n", "EHLO x\nQUIT\n", 0},
    {"EHLO x\nRSET\nQUIT\n", "EHLO x\n?RSET\nQUIT\n", 2},
    {"EHLO x\nQUIT\n", "EHLO x\n?RSET\nQUIT\n", 2},
    {"EHLO x\n", "EHLO x\n?RSET\n", 2},
    {"EHLO x\nNOOP\n", "EHLO x\n?RSET\nQUIT\n", 0},
    {"", "", 2},
};

static void test_texts(void)
{
    size_t i;
    for (i = 0; i < sizeof tellings / sizeof *tellings; i++) {
        snprintf(check_context, sizeof check_context, "telling %u",
                 (unsigned)i);
        CHECK_NUMBER(scene_told(tellings[i].got, tellings[i].want),
                     tellings[i].good);
    }
    for (i = 0; i < sizeof sayings / sizeof *sayings; i++) {
        snprintf(check_context, sizeof check_context, "saying %u",
                 (unsigned)i);
        CHECK_NUMBER(scene_said(sayings[i].got, sayings[i].want),
                     sayings[i].is);
    }
    check_context[0] = 0;
}

/* ---- a run that went well, and then one thing is not so ------------------ */

static const dialogue plain = {
    "plain", "offer PIPELINING\nnext\nmail a@b c@d e@f\nbody hi|\n",
    "EHLO [127.0.0.1]\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nRCPT TO:<e@f>\nDATA\n"
    "hi\n.\nQUIT\n",
    "OK 250 2.6.0: OK 250 2.6.0, OK 250 2.6.0\nend OK\n"
};

static void mail_is(play *p, smtp_status status)
{
    p->mail[0].status = status;
    p->to[0][0].status = p->to[0][1].status = status;
}

/* Another address, or text, than was stored. */
static void vault_is(play *p, size_t at)
{
    p->server.vault.data[at]++;
}

static void mail_refused(play *p) { mail_is(p, SMTP_E_DATA); }
static void mail_gone(play *p) { p->server.stored = 0; }
static void mail_open(play *p) { mail_gone(p), mail_is(p, SMTP_AGAIN); }
static void mail_unknown(play *p)
{
    mail_gone(p), mail_is(p, SMTP_UNKNOWN);
    bytes_clear(&p->server.ended);
    p->server.closed = 0;
}
static void mail_other(play *p) { vault_is(p, p->server.mail[0].body); }
static void mail_short(play *p) { p->server.mail[0].body_size--; }
static void mail_again(play *p)
{
    p->server.mail[p->server.stored++] = p->server.mail[0];
}
static void one_refused(play *p) { p->to[0][1].status = SMTP_E_REFUSED; }
static void one_gone(play *p) { vault_is(p, p->server.mail[0].to); }
static void one_open(play *p) { one_gone(p), p->to[0][0].status = SMTP_AGAIN; }
static void untold(play *p) { p->done = 0; }
static void told_twice(play *p) { play_done(p, &p->mail[0]); }
static void told_open(play *p)
{
    mail_is(p, SMTP_AGAIN), p->done = 0, play_done(p, &p->mail[0]);
}
static void login_open(play *p) { p->login.open = 1; }
static void not_closed(play *p) { p->line.closes = 0; }
static void closed_again(play *p) { wire_close(&p->line); }
static void peer_says_so(play *p) { p->server.fault = "it is the client"; }
static void wire_says_so(play *p) { p->line.fault = "it is the engine"; }
static void stuck(play *p) { wire_stuck(&p->line, "both ends wait"); }
static void traced(play *p) { bytes_text(&p->trace, "a secret of mine"); }
static void password(play *p) { p->config.password = "secret", traced(p); }
static void token(play *p) { p->config.token = "secret", traced(p); }
static void response(play *p)
{
    bytes_text(&p->server.secrets, "AA==\nsecret\n"), traced(p);
}
static void unheard(play *p) { p->heard--; }
static void unsaid(play *p) { p->said.data[9] = 0; }
static void said_more(play *p) { bytes_text(&p->said, "x"); }
static void of_no_kind(play *p) { play_trace(p, 99, "", 0); }
static void kept(play *p) { p->buffer[p->buffer_size - 1] = 'x'; }
static void filled(play *p) { memset(p->buffer, 'x', p->buffer_size); }
static void told_other(play *p) { p->told.data[0] = 'x'; }
static void said_other(play *p) { p->server.log.data[0] = 'x'; }
static void said_less(play *p) { p->server.log.data[9] = 0, unsaid(p); }
static void waits_for_ever(play *p) { play_through(p, SMTP_AGAIN); }
static void does_not_wait(play *p)
{
    p->way.wait = 1;
    play_through(p, SMTP_AGAIN);
}
static void pulled_back(play *p)
{
    const char *data;
    p->way.piece = p->way.once = 1;
    play_pull(&p->source[0], 2, &data);
    play_pull(&p->source[0], 1, &data);
}

static const struct {
    void (*change)(play *p);
    const char *fault;
} changes[] = {
    {mail_refused, "a mail reported refused or not taken, stored"},
    {mail_gone, "a mail reported delivered, not stored"},
    {mail_open, "a mail's outcome left open"},
    {mail_unknown, "unknown, and the last byte was never sent"},
    {mail_other, "the mail stored is not the mail sent"},
    {mail_short, "the mail stored is not the mail sent"},
    {mail_again, "stored twice for a recipient"},
    {one_refused, "a recipient reported refused or not taken, stored"},
    {one_gone, "a recipient reported delivered, not stored"},
    {one_open, "a recipient's outcome left open"},
    {untold, "a mail's outcome was never told"},
    {told_twice, "an outcome told twice or out of order"},
    {told_open, "an outcome told that is open"},
    {login_open, "a login's end was never told, or twice"},
    {not_closed, "not closed, or more than once"},
    {closed_again, "not closed, or more than once"},
    {peer_says_so, "it is the client"},
    {wire_says_so, "it is the engine"},
    {stuck, "both ends wait"},
    {password, "the password in the trace"},
    {token, "the token in the trace"},
    {response, "a secret in the trace"},
    {unheard, "a reply is not in the trace"},
    {unsaid, "something that was said is not in the trace"},
    {said_more, "something that was not said is in the trace"},
    {of_no_kind, "a trace of no kind"},
    {kept, "the buffer was not wiped"},
    {filled, "the buffer was not wiped"},
    {told_other, "it ended otherwise"},
    {said_other, "something that was said is not in the trace"},
    {said_less, "something else was said"},
    {waits_for_ever, "SMTP_AGAIN, and nothing to wait for will come"},
    {does_not_wait, "SMTP_AGAIN although there is io.wait"},
    {pulled_back, "a source that cannot go back was asked to"},
};

/* Neither `next`, nor io.wait, nor the trace has to be built in. */
static int is_built(const char *fault)
{
    return (SMTP__NEXT || !strstr(fault, "told")) &&
           (SMTP__WAITS || !strstr(fault, "io.wait")) &&
           (SMTP__TRACE || !strstr(fault, "in the trace"));
}

static void test_change(play *p, size_t n)
{
    play_way way = sweep_way();
    const char *fault = play_run(p, &way);
    CHECK_TEXT(fault ? fault : "none", "none");
    changes[n].change(p);
    play_judge(p);
    play_judge_text(p);
    CHECK_TEXT(p->fault ? p->fault : "none", changes[n].fault);
    guard_release();
}

static void test_changes(void)
{
    static play p;
    scene what;
    size_t i;
    play_open(&p);
    for (i = 0; i < sizeof changes / sizeof *changes; i++) {
        if (!is_built(changes[i].fault))
            continue;
        snprintf(check_context, sizeof check_context, "change %u",
                 (unsigned)i);
        scene_read(&what, &plain);
        play_scene(&p, &what);
        test_change(&p, i);
    }
    check_context[0] = 0;
    play_close(&p);
}

/* ---- the whole of it ----------------------------------------------------- */

/* What is not so has to fail a program. The first is. */
static const dialogue dialogues[] = {
    {"so", "mail a@b c@d\nbody hi|\n",
     "EHLO [127.0.0.1]\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\nhi\n.\nQUIT\n",
     "OK 250 2.6.0: OK 250 2.6.0\nend OK\n"},
    {"said otherwise", "mail a@b c@d\nbody hi|\n",
     "EHLO [127.0.0.1]\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\nho\n.\nQUIT\n",
     "OK 250 2.6.0: OK 250 2.6.0\nend OK\n"},
    {"said less", "mail a@b c@d\nbody hi|\n",
     "EHLO [127.0.0.1]\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\nhi\n.\n",
     "OK 250 2.6.0: OK 250 2.6.0\nend OK\n"},
    {"told otherwise", "mail a@b c@d\nbody hi|\n", NULL,
     "OK 250 2.6.0: OK 250 2.6.0\nend EOF\n"},
    {"canonical, which it is not", "offer CHUNKING\nmail a@b c@d\nbody hi|\n"
     "body_flags 1\n", NULL, "OK 250 2.6.0: OK 250 2.6.0\nend OK\n"},
};

static void no_check(void) { }
static void good(void) { CHECK(1); }
static void good_number(void) { CHECK_NUMBER(1, 1); }
static void good_text(void) { CHECK_TEXT("a", "a"); }
static void bad(void) { CHECK(1), CHECK(0); }
static void bad_number(void) { CHECK(1), CHECK_NUMBER(1, 2); }
static void bad_text(void) { CHECK(1), CHECK_TEXT("a", "b"); }

static const struct {
    void (*check)(void);
    int status;
} ends[] = {
    {good, 0}, {good_number, 0}, {good_text, 0}, {no_check, 1}, {bad, 1},
    {bad_number, 1}, {bad_text, 1},
};

/* What a program returns that makes these checks, or sweeps that dialogue: in
   a process of its own, which nobody hears. */
static int status_of(void (*check)(void), const dialogue *text)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        static sweep s;
        if (!freopen("/dev/null", "w", stdout))
            _exit(9);
        check_passed = check_failed = 0;
        if (check)
            check();
        if (text) {
            CHECK(1);
            sweep_open(&s);
            sweep_dialogue(&s, text);
            sweep_close(&s);
        }
        _exit(check_end());
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* How many of them are wrong: nothing counts where counting fails. */
static int test_ends(void)
{
    size_t i;
    int wrong = 0;
    for (i = 0; i < sizeof ends / sizeof *ends; i++)
        wrong += status_of(ends[i].check, NULL) != ends[i].status;
    for (i = 0; i < sizeof dialogues / sizeof *dialogues; i++)
        wrong += status_of(NULL, &dialogues[i]) != (i > 0);
    CHECK_NUMBER(wrong, 0);
    return wrong;
}

/* Each group of ways plays the dialogue often. */
static void splits_of_server(sweep *s) { sweep_splits(s, 1); }
static void splits_of_client(sweep *s) { sweep_splits(s, 0); }

static void test_groups(void)
{
    static const struct {
        void (*group)(sweep *s);
        unsigned long runs;        /* at least */
    } groups[] = {
        {sweep_whole, 6}, {sweep_pieces, 160}, {splits_of_server, 250},
        {splits_of_client, 200}, {sweep_buffers, 1000}, {sweep_sources, 320},
        {sweep_pipes, 50}, {sweep_io_fails, 500}, {sweep_pull_fails, 10},
        {sweep_resets, 16}, {sweep_rude, 16},
    };
    static sweep s;
    unsigned long all = 0;
    size_t i;
    sweep_open(&s);
    scene_read(&s.what, &dialogues[0]);
    play_scene(&s.p, &s.what);
    for (i = 0; i < sizeof groups / sizeof *groups; i++) {
        s.runs = 0;
        groups[i].group(&s);
        if (!CHECK(s.runs >= groups[i].runs))
            printf("    group %u: %lu runs\n", (unsigned)i, s.runs);
        all += groups[i].group == sweep_resets ? 0 : s.runs;
    }
    s.runs = 0;
    sweep_dialogue(&s, &dialogues[0]);
    CHECK_NUMBER(s.runs, all);     /* nothing is reset where nothing ends */
    sweep_close(&s);
}

int main(void)
{
    size_t i;
    int wrong;
    check_begin();
    for (i = 0; i < sizeof clients / sizeof *clients; i++) {
        snprintf(check_context, sizeof check_context, "client %u",
                 (unsigned)i);
        test_client(i);
    }
    for (i = 0; i < sizeof wires / sizeof *wires; i++) {
        snprintf(check_context, sizeof check_context, "wire %u", (unsigned)i);
        test_wire(i);
    }
    check_context[0] = 0;
    test_texts();
    test_changes();
    wrong = test_ends();
    test_groups();
    return check_end() || wrong;
}

/* sweep.h - plays a scene in every way there is

   Each group of ways is one check: it passes if all of its runs do. Positions
   and counts beyond SWEEP_MOST are taken at even steps, so that a long
   dialogue costs no more than some hundred runs a group. */
#ifndef SWEEP_H
#define SWEEP_H

#include "play.h"

enum { SWEEP_MOST = 300, SWEEP_FAULTS = 120, SWEEP_SECONDS = 240 };

typedef struct sweep {
    play p;
    scene what;
    const char *group;
    unsigned long runs;
    size_t heard, said;            /* bytes of the whole run */
    unsigned char failed;          /* this group did already */
    unsigned char verbose;
} sweep;

/* ---- one run ------------------------------------------------------------- */

static const sweep *sweep_now;     /* for a crash: what runs */

static inline void sweep_describe(char *text, size_t size)
{
    const sweep *s = sweep_now;
    const play_way *w = &s->p.way;
    const wire_habit *h = &w->habit;
    snprintf(text, size, "%s: %s (recv %ld/%ld send %ld/%ld rooms %ld %ld "
             "fail %ld with %d%s buffer %ld piece %ld pull %ld%s%s%s%s%s%s)",
             s->what.text->name, s->group,
             (long)h->recv_most, (long)h->recv_split, (long)h->send_most,
             (long)h->send_split, (long)h->in_room, (long)h->out_room,
             (long)h->fail_at, h->fail_with, h->fail_for_good ? " on" : "",
             (long)w->buffer, (long)w->piece, (long)w->pull_fails,
             h->again ? " again" : "", h->blocking ? " blocking" : "",
             h->lazy ? " lazy" : "", w->wait ? " wait" : "",
             w->once ? " once" : "", w->front ? " front" : "");
}

static inline void sweep_show(const sweep *s)
{
    const play *p = &s->p;
    printf("--- said:\n%s\n--- heard:\n%s\n--- told:\n%s", p->server.log.data,
           p->server.out.data, p->told.data);
    if (p->what->text->said)
        printf("--- wanted said:\n%s\n", p->what->text->said);
    printf("--- wanted told:\n%s\n", p->what->text->told);
}

/* Plays; the first failure of a group is shown, the rest of it left out. A
   server that keeps answers back although it has nothing else to read may not
   be met by a client that blocks (RFC 2920, section 3.2). */
static inline int sweep_run(sweep *s, const play_way *way)
{
    const char *fault;
    if (s->failed || ((way->habit.blocking || way->habit.out_room)
                      && s->what.script.hold[0]))
        return 0;
    s->runs++;
    fault = play_run(&s->p, way);
    if (!fault)
        return 1;
    s->failed = 1;
    sweep_describe(check_context, sizeof check_context);
    CHECK_FAILS("a run of the dialogue");
    if (check_failed <= CHECK_SHOWN || s->verbose) {
        printf("    %s\n", fault);
        sweep_show(s);
    }
    return 0;
}

static inline void sweep_begin(sweep *s, const char *group)
{
    s->group = group;
    s->failed = 0;
    sweep_now = s;
    check_explain = sweep_describe;
    check_alarm(SWEEP_SECONDS);
}

static inline void sweep_end(sweep *s)
{
    if (!s->failed)
        CHECK(!s->failed);
    check_context[0] = 0;
    check_explain = NULL;
}

static inline play_way sweep_way(void)
{
    play_way way;
    memset(&way, 0, sizeof way);
    return way;
}

/* Steps through 1 .. count so that at most `most` are tried. */
static inline size_t sweep_step(size_t count, size_t most)
{
    return count / most + 1;
}

/* ---- groups -------------------------------------------------------------- */

static inline void sweep_whole(sweep *s)
{
    play_way way = sweep_way();
    sweep_begin(s, "whole");
    sweep_run(s, &way);
    s->heard = s->p.line.recv_total;
    s->said = s->p.line.send_total;
    way.habit.lazy = 1;
    sweep_run(s, &way);
    way.habit.blocking = 1;
    sweep_run(s, &way);
    way.habit.lazy = 0;
    sweep_run(s, &way);
    way.habit.blocking = 0;
    way.wait = 1;
    sweep_run(s, &way);
    way.habit.lazy = 1;
    sweep_run(s, &way);
    sweep_end(s);
}

/* Pieces of some bytes each way, in every manner of waiting. */
static inline void sweep_pieces(sweep *s)
{
    static const size_t size[] = {1, 2, 3, 7, 40};
    size_t i, manner;
    sweep_begin(s, "in pieces");
    for (i = 0; i < sizeof size / sizeof *size; i++)
        for (manner = 0; manner < 32; manner++) {
            play_way way = sweep_way();
            way.habit.recv_most = manner & 1 ? 0 : size[i];
            way.habit.send_most = manner & 2 ? 0 : size[i];
            way.habit.lazy = manner & 4 ? 1 : 0;
            way.habit.again = manner & 8 ? 1 : 0;
            way.habit.blocking = manner & 8 ? 0 : manner & 16 ? 1 : 0;
            way.wait = manner & 8 && manner & 16;
            sweep_run(s, &way);
        }
    sweep_end(s);
}

static inline void sweep_splits(sweep *s, int of_server)
{
    size_t total = of_server ? s->heard : s->said;
    size_t at, step = sweep_step(total, SWEEP_MOST), manner;
    sweep_begin(s, of_server ? "every split of the server's stream"
                             : "every split of the client's stream");
    for (at = 1; at <= total; at += step)
        for (manner = 0; manner < 3; manner++) {
            play_way way = sweep_way();
            if (of_server)
                way.habit.recv_split = at;
            else
                way.habit.send_split = at;
            way.habit.lazy = manner == 1;
            way.habit.blocking = manner == 2;
            sweep_run(s, &way);
        }
    sweep_end(s);
}

static inline void sweep_buffer(sweep *s, size_t size)
{
    play_way way = sweep_way();
    way.buffer = size;
    way.front = size & 1;
    sweep_run(s, &way);
    way.habit.lazy = 1;
    way.front = !way.front;
    sweep_run(s, &way);
    way.habit.lazy = 0;
    way.habit.recv_most = way.habit.send_most = 1;
    way.habit.again = 1;
    sweep_run(s, &way);
    way.habit.again = 0;
    way.habit.recv_most = way.habit.send_most = 0;
    way.habit.blocking = 1;
    way.piece = size % 37 + 1;
    sweep_run(s, &way);
}

static inline void sweep_buffers(sweep *s)
{
    static const size_t more[] = {511, 512, 999, 1000, 1024, 2048, 8192,
                                  64999, 65000, 65001, PLAY_BUFFER_MOST};
    size_t i, step = sweep_step(s->said + s->heard, 4000);
    sweep_begin(s, "every buffer size");
    for (i = SMTP_BUFFER_MIN; i <= 320 && !s->what.buffer; i += step)
        sweep_buffer(s, i);
    for (i = 0; i < sizeof more / sizeof *more && !s->what.buffer; i++)
        sweep_buffer(s, more[i]);
    sweep_end(s);
}

static inline void sweep_sources(sweep *s)
{
    static const size_t size[] = {1, 2, 3, 5, 7, 16, 31, 64, 500, 100000};
    size_t i, manner;
    sweep_begin(s, "every source of the body");
    for (i = 0; i < sizeof size / sizeof *size; i++)
        for (manner = 0; manner < 32; manner++) {
            play_way way = sweep_way();
            way.piece = size[i];
            way.known = manner & 1 ? 1 : 0;
            way.pull_again = manner & 2 ? 1 : 0;
            way.once = manner & 4 && !s->what.no_once;
            way.habit.lazy = manner & 8 ? 1 : 0;
            way.habit.blocking = manner & 16 ? 1 : 0;
            way.buffer = size[i] % 2 ? 0 : SMTP_BUFFER_MIN + size[i] % 100;
            sweep_run(s, &way);
        }
    sweep_end(s);
}

/* Small pipes both ways: neither end may wait for the other for ever. */
static inline void sweep_pipes(sweep *s)
{
    static const size_t room[] = {1, 2, 16, 64, 1000};
    size_t i, k;
    sweep_begin(s, "narrow pipes");
    for (i = 0; i < sizeof room / sizeof *room; i++)
        for (k = 0; k < sizeof room / sizeof *room; k++) {
            play_way way = sweep_way();
            way.habit.in_room = room[i];
            way.habit.out_room = room[k];
            way.habit.lazy = (i + k) & 1;
            way.buffer = i ? 0 : SMTP_BUFFER_MIN;
            sweep_run(s, &way);
            way.wait = 1;
            sweep_run(s, &way);
        }
    sweep_end(s);
}

/* The N-th call fails, once or for good, for each N until none is reached. */
static inline void sweep_faults(sweep *s, const play_way *how)
{
    static const int with[4] = {SMTP_E_IO, SMTP_EOF, -1000, SMTP_E_TIMEOUT};
    size_t n = 1, i, calls = 0, bytewise = how->habit.send_most;
    while (!s->failed) {
        play_way way = *how;
        way.faulty = 1;
        way.habit.fail_at = n;
        for (i = bytewise ? n % 2 * 4 : 0; i < (bytewise ? n % 2 * 4 + 4 : 8);
             i++) {
            way.habit.fail_with = with[i / 2];
            way.habit.fail_for_good = i & 1;
            sweep_run(s, &way);
        }
        if (!s->p.line.failed)
            break;
        if (!calls)
            calls = s->said + s->heard;
        n += bytewise ? sweep_step(2 * calls, SWEEP_FAULTS) : 1;
    }
}

static inline void sweep_io_fails(sweep *s)
{
    play_way way = sweep_way();
    sweep_begin(s, "the N-th call fails");
    sweep_faults(s, &way);
    way.habit.lazy = 1;
    sweep_faults(s, &way);
    way.habit.recv_most = way.habit.send_most = 1;
    sweep_faults(s, &way);
    way.habit.lazy = 0;
    way.habit.again = 1;
    way.buffer = SMTP_BUFFER_MIN;
    sweep_faults(s, &way);
    sweep_end(s);
}

static inline void sweep_pull_fails(sweep *s)
{
    static const size_t piece[] = {1, 6, 100000};
    size_t n, i;
    sweep_begin(s, "the N-th pull fails");
    for (i = 0; i < 2 * sizeof piece / sizeof *piece; i++) {
        play_way way = sweep_way();
        way.piece = piece[i / 2];
        way.once = i & 1 && !s->what.no_once;
        way.faulty = 1;
        for (n = 1; !s->failed; n += 1 + n / 50) {
            way.pull_fails = n;
            way.habit.lazy = n & 1;
            sweep_run(s, &way);
            if (s->p.pulls < n)
                break;
        }
    }
    sweep_end(s);
}

/* A callback that moved bytes claimed too many of them. */
static inline void sweep_told_io(sweep *s, size_t moved)
{
    int quit = strncmp(s->p.server.log.data, "QUIT", 4) == 0;
    if (!s->failed && moved && !quit && !strstr(s->p.told.data, "E_IO")) {
        s->failed = 1;
        CHECK_FAILS("a count larger than asked for is caught");
        sweep_show(s);
    }
}

/* Once the peer has closed, sending fails: what it said before is still heard,
   and the outcomes are those of a peer that lets one talk on. */
static inline void sweep_resets(sweep *s)
{
    static const size_t most[] = {0, 1, 5, 17};
    size_t i;
    sweep_begin(s, "the peer resets");
    for (i = 0; i < 4 * sizeof most / sizeof *most; i++) {
        play_way way = sweep_way();
        way.habit.reset = 1;
        way.habit.send_most = most[i / 4];
        way.habit.lazy = i & 1;
        way.habit.blocking = i & 2 ? 1 : 0;
        sweep_run(s, &way);
    }
    sweep_end(s);
}

/* A callback claims more than it was asked for, which is caught. */
static inline void sweep_rude(sweep *s)
{
    size_t i;
    sweep_begin(s, "rude transports");
    for (i = 0; i < 8; i++) {
        play_way way = sweep_way();
        way.faulty = 1;
        way.habit.lazy = i & 1;
        way.habit.send_most = i & 2 ? 5 : 0;
        way.habit.blocking = i & 4 ? 1 : 0;
        way.habit.greedy_recv = 1;
        sweep_run(s, &way);
        sweep_told_io(s, s->p.line.recv_total);
        way.habit.greedy_recv = 0;
        way.habit.greedy_send = 1;
        sweep_run(s, &way);
        sweep_told_io(s, s->p.line.send_total);
    }
    sweep_end(s);
}

/* ---- all of them --------------------------------------------------------- */

static inline void sweep_open(sweep *s)
{
    memset(s, 0, sizeof *s);
    play_open(&s->p);
}

static inline void sweep_close(sweep *s)
{
    play_close(&s->p);
    guard_release();
}

static inline void sweep_dialogue(sweep *s, const dialogue *text)
{
    if (!scene_applies(text))
        return;
    scene_read(&s->what, text);
    play_scene(&s->p, &s->what);
    sweep_whole(s);
    if (s->failed)
        return;
    sweep_pieces(s);
    sweep_splits(s, 1);
    sweep_splits(s, 0);
    sweep_buffers(s);
    if (s->what.mails)
        sweep_sources(s);
    sweep_pipes(s);
    sweep_io_fails(s);
    if (s->what.mails)
        sweep_pull_fails(s);
    if (s->what.cut && !s->what.broken)
        sweep_resets(s);
    sweep_rude(s);
}

/* Whole, byte by byte with pauses through the smallest buffer, and blocking:
   for what is too slow, or too much, for every way there is. */
static inline void sweep_few(sweep *s, const char *group)
{
    play_way way = sweep_way();
    sweep_begin(s, group);
    sweep_run(s, &way);
    way.habit.again = way.habit.lazy = 1;
    way.habit.recv_most = way.habit.send_most = 1;
    way.buffer = SMTP_BUFFER_MIN;
    sweep_run(s, &way);
    way.habit.again = 0;
    way.habit.blocking = 1;
    way.habit.send_most = 37;
    way.buffer = 101;
    way.front = 1;
    sweep_run(s, &way);
    sweep_end(s);
}

#endif

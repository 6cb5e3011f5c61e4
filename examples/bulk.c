/* bulk - sends mail as fast as a server takes it - MIT-0 or Unlicense

   A load generator: up to thousands of sessions in one thread on libuv, each
   of them smtp.h in non-blocking use over a socket of its own. Options are
   those of Postfix's smtp-source, with long ones for what that lacks.

   The shape of an event loop around smtp.h is in four functions below:
   start() opens a session, on_ready() calls smtp_run(), wanted() turns
   smtp_wants() into events, on_tick() looks at smtp_deadline(). Mails come
   from take_mail() and go back to mail_done(): one that was not taken (the
   server said 421, say) is handed to the next connection, one whose outcome
   is unknown never is.

   Build: cc -O2 bulk.c -luv -lbearssl */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                /* C99 with what uv.h wants of POSIX */
#endif
#define SMTP_POSIX
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "../smtp.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

enum {
    EXIT_USAGE = 64,
    TICK_MS = 200,                 /* progress, deadlines, pauses */
    TRIES = 6,                     /* connections in a row for nothing */
    BUFFER_DEFAULT = 512,
    BUFFER_LIMIT = 65000,
    HEAD_EXTRA = 160               /* header text besides the addresses */
};

typedef struct options {
    unsigned long sessions, messages, recipients, length, window, buffer;
    const char *from, *to, *subject, *domain, *file, *trust_file;
    char *host, *service;          /* service 0: host is a path */
    int keep, counter, numbered, lmtp, verbose;
    int tls, unsafe_no_verify, no_chunking, no_pipelining;
} options;

/* One mail on its way. */
typedef struct job {
    struct job *next;              /* in a list of jobs */
    smtp_mail mail;
    smtp_recipient *to;
    char *head;                    /* its own header, before the payload */
    size_t head_size;
    char *addresses;
    unsigned long number;
    uint64_t since;                /* handed over, in nanoseconds */
} job;

typedef struct tally {
    unsigned long delivered, partial, refused, unknown, failed;
    unsigned long recipients_taken, recipients_refused;
    unsigned long connections, cut, turns;
    double bytes;                  /* of delivered messages */
} tally;

enum { SLOT_IDLE, SLOT_OPEN, SLOT_CLOSING, SLOT_PAUSED, SLOT_FINISHED };

struct bulk;

/* What smtp.h needs for one session, buffers aside. */
typedef struct library {
    smtp_session session;
    smtp_config config;
    smtp_posix socket;
    smtp_io lower, counted;
} library;

typedef struct slot {
    struct bulk *bulk;
    struct slot *next;             /* in the list of those to start */
    library lib;
    char *buffer;
    smtp_tls *tls;                 /* 0: in clear */
    smtp_tls_config tls_config;
    smtp_io tls_io;
    const struct addrinfo *to;     /* where this connection goes */
    uv_poll_t poll;
    int events;                    /* that poll looks for */
    int state;                     /* SLOT_... */
    int spoke;                     /* bytes went out since the last wait */
    unsigned long given;           /* mails on this connection */
    unsigned long outcomes;        /* of them told */
    unsigned tries;                /* connections in a row for nothing */
    uint64_t resume;               /* end of a pause, loop time in ms */
} slot;

typedef struct bulk {
    options opt;
    uv_loop_t loop;
    uv_timer_t tick;
    uv_prepare_t turn;             /* before the loop waits */
    uv_signal_t interrupt;
    slot *slots, *starting;
    unsigned long slot_count, alive;
    struct addrinfo *found;        /* the server's addresses, */
    const struct addrinfo *to;     /* of them, the one in use */
    const char *payload;
    size_t payload_size, address_room, head_room;
    job *spare, *again;            /* unused jobs; mails not taken */
    unsigned long made;            /* mails composed so far */
    unsigned long returned;        /* length of `again` */
    unsigned long hungry;          /* sessions that wait for their first */
    unsigned long finished;        /* mails whose outcome is final */
    uint32_t *latency;             /* of each, in microseconds */
    unsigned long latency_count;
    tally sum;
    int endings[-SMTP_STATUS_END]; /* sessions that ended so, by -status */
    uint64_t began, ended;         /* in nanoseconds */
    uint64_t shown_at;
    unsigned long shown;
    int show;                      /* progress on a terminal */
} bulk;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bulk: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void flush(void)
{
    if (fflush(stdout) || ferror(stdout))
        fail("standard output", "not all could be written");
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        fail("memory", strerror(ENOMEM));
    return memory;
}

/* ---- mails --------------------------------------------------------------- */

/* The body is the job's own header, then the payload that all share. */
static ptrdiff_t pull(void *ctx, smtp_size offset, const char **data)
{
    const job *j = (const job *)ctx;
    const bulk *b = (const bulk *)j->mail.user;
    if (offset < j->head_size) {
        *data = j->head + offset;
        return (ptrdiff_t)(j->head_size - offset);
    }
    offset -= j->head_size;
    *data = b->payload + offset;
    return (ptrdiff_t)(b->payload_size - offset);
}

/* With several recipients each local part starts with its number; with -N it
   ends in one that no other recipient of this run has. */
static void write_addresses(const bulk *b, job *j)
{
    const options *o = &b->opt;
    const char *at = strrchr(o->to, '@');
    int local = at ? (int)(at - o->to) : (int)strlen(o->to);
    for (size_t i = 0; i < o->recipients; i++) {
        char *text = j->addresses + i * b->address_room;
        char before[24] = "", behind[24] = "";
        if (o->recipients > 1)
            snprintf(before, sizeof before, "%lu", (unsigned long)i + 1);
        if (o->numbered)
            snprintf(behind, sizeof behind, "%lu",
                     (j->number - 1) * o->recipients + (unsigned long)i + 1);
        snprintf(text, b->address_room, "%s%.*s%s%s", before, local, o->to,
                 behind, at ? at : "");
        j->to[i].address = text;
    }
}

static void write_head(const bulk *b, job *j)
{
    const options *o = &b->opt;
    int size = 0;
    if (!o->file)
        size = snprintf(j->head, b->head_room,
                        "From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\n"
                        "Message-ID: <%lu.%lx@bulk.invalid>\r\n"
                        "X-Bulk: %lu\r\n\r\n",
                        o->from, o->to, o->subject, j->number,
                        (unsigned long)getpid(), j->number);
    j->head_size = (size_t)size;
}

static job *new_job(const bulk *b)
{
    job *j = (job *)allocate(1, sizeof *j);
    size_t n = b->opt.recipients;
    j->to = (smtp_recipient *)allocate(n, sizeof *j->to);
    j->addresses = (char *)allocate(n, b->address_room);
    j->head = (char *)allocate(1, b->head_room);
    return j;
}

static void fill_job(const bulk *b, job *j)
{
    smtp_mail blank;
    memset(&blank, 0, sizeof blank);
    j->mail = blank;
    j->mail.user = (void *)(uintptr_t)b;
    j->mail.from = b->opt.from;
    j->mail.to = j->to;
    j->mail.to_count = b->opt.recipients;
    j->mail.body.pull = pull;
    j->mail.body.ctx = j;
    j->mail.body.size = (smtp_size)(j->head_size + b->payload_size);
    j->mail.body.flags = b->opt.file ? 0 : SMTP_BODY_CANONICAL;
}

static job *pop(job **list)
{
    job *j = *list;
    if (j)
        *list = j->next;
    return j;
}

static void push(job **list, job *j)
{
    j->next = *list;
    *list = j;
}

static unsigned long waiting(const bulk *b)
{
    return b->returned + b->opt.messages - b->made;
}

/* More mails than sessions that are about to take one. */
static int work_left(const bulk *b)
{
    return waiting(b) > b->hungry;
}

static job *next_job(bulk *b)
{
    job *j = pop(&b->again);
    if (j) {
        b->returned--;
    } else {
        j = pop(&b->spare);
        int fresh = !j;
        if (fresh)
            j = new_job(b);
        j->number = ++b->made;
        if (fresh || b->opt.numbered)
            write_addresses(b, j);
        write_head(b, j);
    }
    fill_job(b, j);
    return j;
}

/* smtp_config.next: without -d a connection carries one mail. */
static int take_mail(void *ctx, smtp_mail **mail)
{
    slot *s = (slot *)ctx;
    bulk *b = s->bulk;
    if (!waiting(b) || (!b->opt.keep && s->given > 0))
        return SMTP_EOF;
    b->hungry -= s->given == 0;
    job *j = next_job(b);
    j->since = uv_hrtime();
    s->given++;
    *mail = &j->mail;
    return SMTP_OK;
}

static void count_recipients(tally *t, const smtp_mail *mail)
{
    for (size_t i = 0; i < mail->to_count; i++) {
        if (mail->to[i].status == SMTP_OK)
            t->recipients_taken++;
        else
            t->recipients_refused++;
    }
}

static void count_outcome(tally *t, const smtp_mail *mail)
{
    switch (mail->status) {
    case SMTP_PARTIAL:
        t->partial++;
        t->delivered++;
        t->bytes += (double)mail->body.size;
        break;
    case SMTP_OK:
        t->delivered++;
        t->bytes += (double)mail->body.size;
        break;
    case SMTP_UNKNOWN:
        t->unknown++;
        return;
    case SMTP_E_SENDER: case SMTP_E_RECIPIENTS: case SMTP_E_DATA:
        t->refused++;
        break;
    default:
        t->failed++;
        return;
    }
    count_recipients(t, mail);
}

static void show_outcome(const job *j)
{
    fprintf(stderr, "bulk: mail %lu: %s (%u)\n", j->number,
            smtp_status_text(j->mail.status), (unsigned)j->mail.code.reply);
}

/* smtp_config.done: a mail that was not taken goes into another connection;
   that can not duplicate it. */
static void mail_done(void *ctx, smtp_mail *mail)
{
    slot *s = (slot *)ctx;
    bulk *b = s->bulk;
    job *j = (job *)mail->body.ctx;
    if (b->opt.verbose && mail->status != SMTP_OK)
        show_outcome(j);
    if (mail->status == SMTP_NOT_TAKEN) {
        push(&b->again, j);
        b->returned++;
        return;
    }
    s->outcomes++;
    b->finished++;
    b->ended = uv_hrtime();
    b->latency[b->latency_count++] = (uint32_t)((b->ended - j->since) / 1000);
    count_outcome(&b->sum, mail);
    push(&b->spare, j);
}

/* ---- a transport that notes when it spoke -------------------------------- */

static ptrdiff_t counted_recv(void *ctx, void *buffer, size_t size)
{
    slot *s = (slot *)ctx;
    return s->lib.lower.recv(s->lib.lower.ctx, buffer, size);
}

static ptrdiff_t counted_send(void *ctx, const void *data, size_t size)
{
    slot *s = (slot *)ctx;
    ptrdiff_t moved = s->lib.lower.send(s->lib.lower.ctx, data, size);
    if (moved > 0)
        s->spoke = 1;
    return moved;
}

static void counted_close(void *ctx)
{
    slot *s = (slot *)ctx;
    s->lib.lower.close(s->lib.lower.ctx);
}

static unsigned long counted_clock(void *ctx)
{
    slot *s = (slot *)ctx;
    return s->lib.lower.clock(s->lib.lower.ctx);
}

static void count_turns(slot *s)
{
    smtp_io *io = &s->lib.counted;
    memset(io, 0, sizeof *io);
    io->ctx = s;
    io->recv = counted_recv;
    io->send = counted_send;
    io->close = counted_close;
    io->clock = counted_clock;
}

/* ---- sessions ------------------------------------------------------------ */

/* A socket on its way to the server: -1 and errno if there is none. */
static int begin_connect(const struct addrinfo *to)
{
    int on = 1, family = to->ai_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, to->ai_addr, to->ai_addrlen) && errno != EINPROGRESS) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

/* As long as no mail has an outcome the host's next address is tried, too. */
static void count_ending(const slot *s, int status)
{
    bulk *b = s->bulk;
    b->endings[-status]++;
    if (status == SMTP_E_CONNECT && s->to == b->to && b->finished == 0)
        b->to = b->to->ai_next ? b->to->ai_next : b->found;
}

static void pause_slot(slot *s)
{
    s->state = SLOT_PAUSED;
    s->resume = uv_now(&s->bulk->loop) + (25u << s->tries);
}

static void finish_slot(slot *s)
{
    bulk *b = s->bulk;
    s->state = SLOT_FINISHED;
    if (--b->alive)
        return;
    uv_close((uv_handle_t *)&b->tick, NULL);
    uv_close((uv_handle_t *)&b->turn, NULL);
    uv_close((uv_handle_t *)&b->interrupt, NULL);
}

/* A connection that brought no outcome is followed by a pause, and by none
   after TRIES such in a row. */
static void pause_or_finish(slot *s)
{
    if (++s->tries >= TRIES)
        finish_slot(s);
    else
        pause_slot(s);
}

/* The next connection may get the same descriptor: on_turn() opens it. */
static void on_closed(uv_handle_t *handle)
{
    slot *s = (slot *)handle->data;
    bulk *b = s->bulk;
    if (s->outcomes == 0) {
        pause_or_finish(s);
        return;
    }
    s->tries = 0;
    s->next = b->starting;
    b->starting = s;
}

/* The mails that are still open come back through mail_done(). */
static void end_session(slot *s, int status)
{
    bulk *b = s->bulk;
    if (status != SMTP_OK) {
        b->sum.cut++;
        count_ending(s, status);
    }
    s->state = SLOT_CLOSING;
    b->hungry -= s->given == 0;
    uv_close((uv_handle_t *)&s->poll, on_closed);
    smtp_close(&s->lib.session);
}

static int wanted(slot *s)
{
    int wants = smtp_wants(&s->lib.session);
    if (wants == SMTP_READ && s->spoke) {
        s->bulk->sum.turns++;
        s->spoke = 0;
    }
    return (wants & SMTP_READ ? UV_READABLE : 0) |
           (wants & SMTP_WRITE ? UV_WRITABLE : 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    slot *s = (slot *)poll->data;
    status = smtp_run(&s->lib.session);
    if (status != SMTP_AGAIN) {
        end_session(s, status);
        return;
    }
    events = wanted(s);
    if (events != s->events)
        uv_poll_start(poll, events, on_ready);
    s->events = events;
}

static int open_tls(slot *s)
{
    const options *o = &s->bulk->opt;
    if (!s->tls)
        return SMTP_OK;
    memset(s->tls, 0, sizeof *s->tls);
    s->tls_config.server_name = o->host;
    s->tls_config.trust_file = o->trust_file;
    s->tls_config.unsafe_no_verify = (uint8_t)o->unsafe_no_verify;
    return smtp_tls_open(s->tls, &s->lib.counted, &s->tls_config,
                         o->tls == SMTP_TLS_STARTTLS, &s->tls_io);
}

static int open_session(slot *s)
{
    library *l = &s->lib;
    int status;
    l->lower = smtp_posix_io(&l->socket, 0);
    count_turns(s);
    status = open_tls(s);
    if (status != SMTP_OK)
        return status;
    return smtp_open(&l->session, s->tls ? &s->tls_io : &l->counted,
                     &l->config, s->buffer, s->bulk->opt.buffer);
}

static void start(slot *s)
{
    bulk *b = s->bulk;
    int status, fd = begin_connect(s->to = b->to);
    s->given = s->outcomes = 0;
    s->spoke = s->events = 0;
    if (fd < 0) {
        count_ending(s, SMTP_E_CONNECT);
        pause_or_finish(s);
        return;
    }
    b->sum.connections++;
    b->hungry++;
    smtp_posix_attach(&s->lib.socket, fd);
    uv_poll_init_socket(&b->loop, &s->poll, fd);
    s->poll.data = s;
    status = open_session(s);
    if (status != SMTP_OK)
        fail(status == SMTP_E_TRUST && b->opt.trust_file ? b->opt.trust_file
                                                         : "session",
             smtp_status_text(status));
    s->state = SLOT_OPEN;
    on_ready(&s->poll, 0, 0);
}

static void start_or_finish(slot *s)
{
    if (work_left(s->bulk))
        start(s);
    else
        finish_slot(s);
}

static void on_turn(uv_prepare_t *turn)
{
    bulk *b = (bulk *)turn->data;
    while (b->starting) {
        slot *s = b->starting;
        b->starting = s->next;
        start_or_finish(s);
    }
}

static void configure(slot *s)
{
    const options *o = &s->bulk->opt;
    smtp_config *c = &s->lib.config;
    c->domain = o->domain;
    c->ctx = s;
    c->next = take_mail;
    c->done = mail_done;
    c->window = (uint16_t)o->window;
    c->tls = (uint8_t)o->tls;
    c->lmtp = (uint8_t)o->lmtp;
    c->no_pipelining = (uint8_t)o->no_pipelining;
    c->no_chunking = (uint8_t)o->no_chunking;
}

static void prepare_slot(bulk *b, slot *s)
{
    s->bulk = b;
    s->buffer = (char *)allocate(1, b->opt.buffer);
    configure(s);
    if (b->opt.tls == SMTP_TLS_NONE)
        return;
    s->tls = (smtp_tls *)allocate(1, sizeof *s->tls);
    s->tls_config.buffer_size = SMTP_TLS_BUFFER_FAST;
    s->tls_config.buffer = allocate(1, SMTP_TLS_BUFFER_FAST);
}

/* ---- time and terminal --------------------------------------------------- */

static double seconds(uint64_t from, uint64_t to)
{
    return (double)(to - from) / 1e9;
}

static void show_progress(bulk *b)
{
    uint64_t now = uv_hrtime();
    double span = seconds(b->shown_at, now);
    double rate = span > 0 ? (double)(b->finished - b->shown) / span : 0;
    fprintf(stderr, "\r%lu of %lu messages  %.0f/s  %lu sessions  "
            "%lu refused  %lu unknown\033[K", b->finished, b->opt.messages,
            rate, b->alive, b->sum.refused, b->sum.unknown);
    b->shown_at = now;
    b->shown = b->finished;
}

static void on_tick(uv_timer_t *timer)
{
    bulk *b = (bulk *)timer->data;
    if (b->show)
        show_progress(b);
    for (unsigned long i = 0; i < b->slot_count; i++) {
        slot *s = &b->slots[i];
        if (s->state == SLOT_OPEN && smtp_deadline(&s->lib.session) == 0)
            on_ready(&s->poll, 0, 0);
        if (s->state == SLOT_PAUSED && s->resume <= uv_now(&b->loop))
            start_or_finish(s);
    }
}

/* Control-C: no mail is begun any more, those under way are heard out. A
   second one ends the program. */
static void on_interrupt(uv_signal_t *handle, int number)
{
    bulk *b = (bulk *)handle->data;
    (void)number;
    b->opt.messages = b->made;
    uv_signal_stop(handle);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile(const bulk *b, double share)
{
    unsigned long n = b->latency_count;
    unsigned long i = (unsigned long)(share * (double)n);
    if (n == 0)
        return 0;
    return b->latency[i < n ? i : n - 1] / 1000.0;
}

static void report_messages(const bulk *b)
{
    const tally *t = &b->sum;
    printf("messages    %lu delivered (%lu in part), %lu refused, %lu unknown,"
           " %lu failed, %lu not taken\n", t->delivered, t->partial,
           t->refused, t->unknown, t->failed, waiting(b));
    printf("recipients  %lu delivered, %lu refused\n", t->recipients_taken,
           t->recipients_refused);
    printf("sessions    %lu at once, %lu connections, %lu cut short\n",
           b->slot_count, t->connections, t->cut);
    for (int i = 0; i < -SMTP_STATUS_END; i++)
        if (b->endings[i])
            printf("            %d times: %s\n", b->endings[i],
                   smtp_status_text(-i));
}

static void report_speed(bulk *b)
{
    const tally *t = &b->sum;
    double span = seconds(b->began, b->ended > b->began ? b->ended
                                                        : b->began + 1);
    double count = b->finished ? (double)b->finished : 1;
    printf("time        %.3f s, %.1f messages/s, %.2f MB/s\n", span,
           (double)t->delivered / span, t->bytes / 1e6 / span);
    printf("turns       %lu, %.3f a message\n", t->turns,
           (double)t->turns / count);
    qsort(b->latency, b->latency_count, sizeof *b->latency, by_value);
    printf("latency     %.3f min, %.3f p50, %.3f p90, %.3f p99, %.3f p99.9, "
           "%.3f max ms\n", percentile(b, 0), percentile(b, 0.5),
           percentile(b, 0.9), percentile(b, 0.99), percentile(b, 0.999),
           percentile(b, 1));
}

static void report_memory(const bulk *b)
{
    unsigned long tls = b->opt.tls == SMTP_TLS_NONE ? 0 :
        (unsigned long)(sizeof(smtp_tls) + sizeof(smtp_tls_config) +
                        sizeof(smtp_io) + SMTP_TLS_BUFFER_FAST);
    printf("memory      %lu bytes a session: %lu of smtp.h, %lu of buffer, "
           "%lu of TLS\n",
           (unsigned long)sizeof(library) + b->opt.buffer + tls,
           (unsigned long)sizeof(library), b->opt.buffer, tls);
}

/* ---- the message --------------------------------------------------------- */

/* Lines of 72 bytes and CRLF, `size` bytes in all; the last line may be
   shorter, and the very last two bytes are CRLF where there is room. */
static const char *make_payload(size_t size)
{
    char *text = (char *)allocate(1, size + 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + (i / 74 + i % 74) % 26);
    for (size_t i = 72; i + 1 < size; i += 74)
        memcpy(text + i, "\r\n", 2);
    if (size >= 2 && (size % 74) != 1)
        memcpy(text + size - 2, "\r\n", 2);
    return text;
}

static const char *read_payload(const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    size_t room = 0, got = 0;
    if (!in)
        fail(path, strerror(errno));
    do {
        *size += got;
        if (*size == room) {
            room = room ? room * 2 : 65536;
            text = (char *)realloc(text, room);
        }
        if (!text)
            fail(path, strerror(ENOMEM));
        got = fread(text + *size, 1, room - *size, in);
    } while (got > 0);
    if (ferror(in))
        fail(path, strerror(errno));
    fclose(in);
    return text;
}

static void prepare_message(bulk *b)
{
    options *o = &b->opt;
    b->address_room = strlen(o->to) + 48;
    b->head_room = strlen(o->from) + strlen(o->to) + strlen(o->subject) +
                   HEAD_EXTRA;
    b->payload_size = o->file ? 0 : o->length;
    b->payload = o->file ? read_payload(o->file, &b->payload_size)
                         : make_payload(b->payload_size);
}

/* ---- the command line ---------------------------------------------------- */

static const char usage[] =
    "usage: bulk [options] host[:port] | unix:path\n"
    "  -s sessions    at once (1)            -f from       sender\n"
    "  -m messages    in all (1)             -t to         recipient\n"
    "  -r recipients  of each message (1)    -S subject\n"
    "  -l length      of the payload (1024)  -M name       for EHLO\n"
    "  -d  many messages down one connection\n"
    "  -c  show progress, also where standard error is no terminal\n"
    "  -F file  send this message as it is   -N  number the recipients\n"
    "  -L  speak LMTP                        -v  show each refusal\n"
    "  --tls[=starttls|implicit]   with a certificate check:\n"
    "  --tls-trust-file=PEM        whom to trust (the system's bundle)\n"
    "  --unsafe-no-verify          or no check at all\n"
    "  --chunking=on|off  --pipelining=on|off  --window=COMMANDS\n"
    "  --buffer=BYTES              of each session (512)\n"
    "Exit status: 0 if every message was delivered, else 1; 64 for a wrong\n"
    "option.\n";

static void wrong(const char *what, const char *value)
{
    fprintf(stderr, "bulk: %s: %s\n%s", what, value, usage);
    exit(EXIT_USAGE);
}

static unsigned long number(const char *text, unsigned long least,
                            unsigned long most)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value < least ||
        value > most)
        wrong("not a number in range", text);
    return value;
}

static int is_off(const char *text)
{
    if (strcmp(text, "on") && strcmp(text, "off"))
        wrong("neither on nor off", text);
    return strcmp(text, "off") == 0;
}

static int tls_mode(const char *text)
{
    if (text && strcmp(text, "implicit") == 0)
        return SMTP_TLS_IMPLICIT;
    if (text && strcmp(text, "starttls"))
        wrong("no such kind of TLS", text);
    return SMTP_TLS_STARTTLS;
}

enum { O_TLS = 256, O_TRUST, O_UNSAFE, O_CHUNKING, O_PIPELINING, O_WINDOW,
       O_BUFFER, O_HELP };

static const struct option long_options[] = {
    {"tls", optional_argument, NULL, O_TLS},
    {"tls-trust-file", required_argument, NULL, O_TRUST},
    {"unsafe-no-verify", no_argument, NULL, O_UNSAFE},
    {"chunking", required_argument, NULL, O_CHUNKING},
    {"pipelining", required_argument, NULL, O_PIPELINING},
    {"window", required_argument, NULL, O_WINDOW},
    {"buffer", required_argument, NULL, O_BUFFER},
    {"help", no_argument, NULL, O_HELP},
    {NULL, 0, NULL, 0}
};

static void set_long_option(options *o, int key)
{
    switch (key) {
    case O_TLS: o->tls = tls_mode(optarg); break;
    case O_TRUST: o->trust_file = optarg; break;
    case O_UNSAFE: o->unsafe_no_verify = 1; break;
    case O_CHUNKING: o->no_chunking = is_off(optarg); break;
    case O_PIPELINING: o->no_pipelining = is_off(optarg); break;
    case O_WINDOW: o->window = number(optarg, 1, 65535); break;
    case O_BUFFER:
        o->buffer = number(optarg, SMTP_BUFFER_MIN, BUFFER_LIMIT);
        break;
    case O_HELP: fputs(usage, stdout); flush(); exit(EXIT_SUCCESS);
    default: fputs(usage, stderr); exit(EXIT_USAGE);
    }
}

static void set_option(options *o, int key)
{
    switch (key) {
    case 's': o->sessions = number(optarg, 1, 100000); break;
    case 'm': o->messages = number(optarg, 1, 100000000); break;
    case 'r': o->recipients = number(optarg, 1, 100000); break;
    case 'l': o->length = number(optarg, 0, 2000000000); break;
    case 'f': o->from = optarg; break;
    case 't': o->to = optarg; break;
    case 'S': o->subject = optarg; break;
    case 'M': o->domain = optarg; break;
    case 'F': o->file = optarg; break;
    case 'd': o->keep = 1; break;
    case 'c': o->counter = 1; break;
    case 'N': o->numbered = 1; break;
    case 'L': o->lmtp = 1; break;
    case 'v': o->verbose = 1; break;
    default: set_long_option(o, key);
    }
}

/* getaddrinfo() would cut a larger number to 16 bits. */
static void check_service(const char *service)
{
    if (service && service[strspn(service, "0123456789")] == 0)
        (void)number(service, 1, 65535);
}

/* "host:port", "[::1]:port", "host", "inet:host:port" or "unix:/path". */
static void split_target(options *o, char *text)
{
    if (strncmp(text, "unix:", 5) == 0) {
        o->host = text + 5;
        return;
    }
    if (strncmp(text, "inet:", 5) == 0)
        text += 5;
    char *end = text[0] == '[' ? strchr(text, ']') : NULL;
    char *colon = strrchr(end ? end : text, ':');
    static char smtp[] = "25";
    o->host = end ? text + 1 : text;
    o->service = colon ? colon + 1 : smtp;
    if (end)
        *end = 0;
    if (colon)
        *colon = 0;
}

static void read_options(options *o, int argc, char **argv)
{
    int key;
    o->sessions = o->messages = o->recipients = 1;
    o->length = 1024;
    o->buffer = BUFFER_DEFAULT;
    o->from = o->to = "bulk@localhost";
    o->subject = "bulk";
    o->tls = SMTP_TLS_NONE;
    while ((key = getopt_long(argc, argv, "s:m:r:l:f:t:S:M:F:dcNLv",
                              long_options, NULL)) != -1)
        set_option(o, key);
    if (optind + 1 != argc)
        wrong("one server is wanted, not",
              optind < argc ? argv[optind + 1] : "none");
    if (!smtp_address_check(o->from))
        wrong("no address that can be sent", o->from);
    if (!smtp_address_check(o->to) || !*o->to)
        wrong("no address that can be sent", o->to);
    if (strpbrk(o->subject, "\r\n"))
        wrong("a subject of several lines", o->subject);
    if (o->domain && (!*o->domain || *o->domain == '"' ||
                      smtp_address_check(o->domain) != 1))
        wrong("no name to be said", o->domain);
    split_target(o, argv[optind]);
    if (!*o->host)
        wrong("no host and no path in it", argv[optind]);
    check_service(o->service);
}

/* ---- the run ------------------------------------------------------------- */

static void resolve_path(bulk *b)
{
    static struct sockaddr_un name;
    static struct addrinfo path;
    if (strlen(b->opt.host) >= sizeof name.sun_path)
        fail(b->opt.host, strerror(ENAMETOOLONG));
    name.sun_family = AF_UNIX;
    strcpy(name.sun_path, b->opt.host);
    path.ai_family = AF_UNIX;
    path.ai_addr = (struct sockaddr *)&name;
    path.ai_addrlen = (socklen_t)sizeof name;
    b->found = &path;
}

static void resolve(bulk *b)
{
    struct addrinfo hint;
    if (!b->opt.service) {
        resolve_path(b);
        return;
    }
    memset(&hint, 0, sizeof hint);
    hint.ai_socktype = SOCK_STREAM;
    int error = getaddrinfo(b->opt.host, b->opt.service, &hint, &b->found);
    if (error)
        fail(b->opt.host, gai_strerror(error));
}

/* Each session is a descriptor; loop and terminal take a few more. */
static void allow_descriptors(rlim_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= count)
        return;
    limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        fail("open files", strerror(errno));
}

static void prepare(bulk *b)
{
    const options *o = &b->opt;
    resolve(b);
    b->to = b->found;
    prepare_message(b);
    b->slot_count = o->sessions < o->messages ? o->sessions : o->messages;
    b->alive = b->slot_count;
    b->slots = (slot *)allocate(b->slot_count, sizeof *b->slots);
    b->latency = (uint32_t *)allocate(o->messages, sizeof *b->latency);
    b->show = o->counter || isatty(STDERR_FILENO);
    allow_descriptors((rlim_t)b->slot_count + 32);
    for (unsigned long i = 0; i < b->slot_count; i++)
        prepare_slot(b, &b->slots[i]);
}

static void run(bulk *b)
{
    int error = uv_loop_init(&b->loop);
    if (error)
        fail("event loop", uv_strerror(error));
    uv_timer_init(&b->loop, &b->tick);
    uv_prepare_init(&b->loop, &b->turn);
    uv_signal_init(&b->loop, &b->interrupt);
    b->tick.data = b->turn.data = b->interrupt.data = b;
    uv_timer_start(&b->tick, on_tick, TICK_MS, TICK_MS);
    uv_prepare_start(&b->turn, on_turn);
    uv_signal_start(&b->interrupt, on_interrupt, SIGINT);
    b->began = b->shown_at = uv_hrtime();
    for (unsigned long i = 0; i < b->slot_count; i++)
        start(&b->slots[i]);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    uv_loop_close(&b->loop);
    if (b->show)
        fputs("\r\033[K", stderr);
}

static void free_jobs(job *list)
{
    for (job *j; (j = pop(&list)) != NULL; free(j)) {
        free(j->to);
        free(j->addresses);
        free(j->head);
    }
}

static void release(bulk *b)
{
    for (unsigned long i = 0; i < b->slot_count; i++) {
        free(b->slots[i].buffer);
        free(b->slots[i].tls);
        free(b->slots[i].tls_config.buffer);
    }
    free_jobs(b->spare);
    free_jobs(b->again);
    free(b->slots);
    free(b->latency);
    free((void *)(uintptr_t)b->payload);
    if (b->opt.service)
        freeaddrinfo(b->found);
}

/* A standard file that is closed must not become the number of a socket: the
   report would be said to the server. */
static void fill_standard_files(void)
{
    int fd;
    do
        fd = open("/dev/null", O_WRONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

int main(int argc, char **argv)
{
    static bulk b;
    fill_standard_files();
    read_options(&b.opt, argc, argv);
    prepare(&b);
    run(&b);
    report_messages(&b);
    report_speed(&b);
    report_memory(&b);
    flush();
    int complete = b.sum.delivered == b.opt.messages && !b.sum.partial;
    release(&b);
    return complete ? EXIT_SUCCESS : EXIT_FAILURE;
}

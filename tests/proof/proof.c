/* What tests/proof/run analyses: a session with any server over any
   transport, one call after the other, without end. `any` is another value at
   each reading. The script says what is proved. */
#include <limits.h>
#include "__fc_builtin.h"
#include "smtp.h"

static smtp_session session;
static smtp_mail letter;
static int by_caller;             /* config.sasl is set */

#define SMTP_IMPLEMENTATION
#include "smtp.h"

static volatile int any;
static int stalled;                /* the transport moves nothing now */
static int ordered;                /* out_from <= out_to is known */
static char buffer[64];
static char body[1];
static smtp_recipient to;

void Frama_C_show_each_reached(char *what);

/* Whatever the server has made of these, the proof does not lean on it. */
static void forget(void)
{
    //@ assert session.stage < SMTP__ROW_COUNT;
    session.reply_size = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    session.line_code = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    session.reply.code.reply = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    session.parse = Frama_C_unsigned_char_interval(0, UCHAR_MAX);
    session.keyword = Frama_C_unsigned_char_interval(0, UCHAR_MAX);
    session.wants = Frama_C_unsigned_char_interval(0, UCHAR_MAX);
    session.stage = Frama_C_unsigned_char_interval(0, SMTP__ROW_COUNT - 1);
    session.offers = Frama_C_unsigned_int_interval(0, UINT_MAX);
    session.now.skip = Frama_C_unsigned_long_interval(0, ULONG_MAX);
}

/* Nor, between two steps, on these. */
static void forget_more(void)
{
    const unsigned ended = SMTP__CLOSED | SMTP__SAID_FINAL;
    forget();
    //@ assert session.in_from <= 32 && session.in_to <= 32;
    //@ assert session.out_to <= session.out_size;
    session.in_from = Frama_C_unsigned_short_interval(0, 32);
    session.in_to = Frama_C_unsigned_short_interval(0, 32);
    session.result = Frama_C_unsigned_char_interval(0, UCHAR_MAX);
    session.broken = Frama_C_unsigned_char_interval(0, UCHAR_MAX);
    session.cut = Frama_C_unsigned_char_interval(0, UCHAR_MAX);
    //@ assert session.dirty <= 1;
    session.dirty = Frama_C_unsigned_char_interval(0, 1);
    session.window = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    //@ assert letter.flags <= UCHAR_MAX;
    letter.flags = (uint16_t)((letter.flags & ended) |
        (Frama_C_unsigned_char_interval(0, UCHAR_MAX) & ~ended));
    letter.code.reply = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    letter.status = Frama_C_interval(INT_MIN, INT_MAX);
    to.code.reply = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    to.status = Frama_C_interval(INT_MIN, INT_MAX);
}

static ptrdiff_t failure(void)
{
    return Frama_C_long_interval(LONG_MIN, -1);
}

static ptrdiff_t receive(void *ctx, void *p, size_t size)
{
    unsigned long n;
    (void)ctx;
    if (any)
        return 0;
    if (any)
        return failure();
    //@ assert size > 0 && \valid((char *)p + (0 .. size - 1));
    n = Frama_C_unsigned_long_interval(1, size);
    Frama_C_make_unknown((char *)p, n);
    return (ptrdiff_t)n;
}

static ptrdiff_t give(void *ctx, void *p, size_t size)
{
    forget();
    return stalled ? SMTP_AGAIN : receive(ctx, p, size);
}

static ptrdiff_t take(void *ctx, const void *data, size_t size)
{
    (void)ctx;
    forget();
    if (stalled)
        return SMTP_AGAIN;
    if (ordered) {
        //@ assert size > 0 && session.out <= (char *)data;
        //@ assert (char *)data + size == session.out + session.out_to;
    }
    if (any)
        return 0;
    if (any)
        return failure();
    return (ptrdiff_t)Frama_C_unsigned_long_interval(1, size);
}

static int starttls(void *ctx)
{
    (void)ctx;
    forget();
    return stalled ? SMTP_AGAIN : Frama_C_interval(INT_MIN, INT_MAX);
}

static void over(void *ctx)
{
    (void)ctx;
}

static const smtp_io io = {.recv = give, .send = take,
                           .starttls = starttls, .close = over};

static smtp_config config;

static void prepare(void)
{
    config.tls = Frama_C_unsigned_char_interval(0, SMTP_TLS_NONE);
    config.window = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    Frama_C_make_unknown(body, sizeof body);
    letter.from = "box@example.org";
    to.address = "ops@example.net";
    letter.to = &to;
    letter.to_count = 1;
    letter.body = smtp_bytes(body, sizeof body);
}

int main(void)
{
    prepare();
    //@ widen_hints global:session.in_to, 32;
    //@ widen_hints global:session.in_from, 32;
    while (any) {
        smtp_open(&session, &io, &config, buffer, sizeof buffer);
        while (any && (!session.status || session.flags & SMTP__GREETED)) {
            if (!session.goal && session.await == SMTP__FINAL)
                Frama_C_show_each_reached("answer to a mail");
            forget_more();
            stalled = 1;
            if (session.goal && any) {
                stalled = 0;
                if (any && session.in_from < session.in_to)
                    smtp__hear_byte(&session);
                else if (any)
                    smtp__step(&session);
                else if (any)
                    smtp__flush(&session);
                else if (any && smtp__expects(&session, any))
                    smtp__read(&session);
                else
                    smtp__pause(&session);
                continue;
            }
            /* These begin only, and the steps above go on: what is zeroed
               here is any value there. */
            session.in_from = session.in_to = session.window = 0;
            session.broken = 0;
            if (any)
                smtp_send(&session, &letter);
            else if (any)
                smtp_quit(&session);
            else if (!session.goal)
                smtp_run(&session);
        }
        if (any && session.status)
            smtp_send(&session, &letter);
        else if (any && session.status)
            smtp_run(&session);
        else if (any && session.status)
            smtp_quit(&session);
        smtp_close(&session);
    }
    Frama_C_show_each_reached("end");
    return 0;
}

/* One smtp__flush, from any state that is in order. */
void flush(void)
{
    prepare();
    if (smtp_open(&session, &io, &config, buffer, sizeof buffer) != SMTP_OK)
        return;
    forget_more();
    session.flags = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    session.goal = SMTP__G_SEND;
    session.said = &letter;
    session.out_to = Frama_C_unsigned_short_interval(0, session.out_size);
    //@ split session.out_to;
    session.out_from = Frama_C_unsigned_short_interval(0, session.out_to);
    //@ split session.out_from;
    ordered = 1;
    smtp__flush(&session);
    //@ assert session.out_from <= session.out_to <= session.out_size;
    Frama_C_show_each_reached("end");
}

#ifndef SMTP_NO_REPLY

static const smtp_io source = {.recv = receive, .send = take,
                               .starttls = starttls};
static char features[32];

static ptrdiff_t step(void *ctx, const smtp_session *s, const char *challenge,
                      size_t size, const char **response)
{
    (void)ctx, (void)s, (void)response;
    //@ assert size == 1 && \valid_read(challenge);
    return Frama_C_long_interval(LONG_MIN, LONG_MAX);
}

static const smtp_sasl mechanism = {.name = "X-OTHER", .step = step};

/* Whatever the answers to other replies have led to. */
static void any_dialogue(void)
{
    session.await = Frama_C_unsigned_char_interval(0, SMTP__ROW_COUNT - 1);
    session.mechanism = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    session.say = Frama_C_unsigned_char_interval(0, UCHAR_MAX);
    session.due = Frama_C_unsigned_short_interval(0, USHRT_MAX);
    session.tail = any || !by_caller ? "" : 0;
    session.line = any ? "" : 0;
    if (any)
        smtp__forget(&session);
}

/* All that a server may say, read and parsed, after any commands. */
void replies(void)
{
    if (any) {
        config.features = features;
        config.features_size = Frama_C_unsigned_long_interval(0, 32);
    }
    if (any) {
        config.sasl = &mechanism;
        by_caller = 1;
    }
    if (smtp_open(&session, &source, &config, buffer, sizeof buffer) != SMTP_OK)
        return;
    while (any && !session.status) {
        //@ assert session.in_from <= 32 && session.in_to <= 32;
        //@ assert session.keyword <= SMTP__K_EMPTY;
        //@ assert session.reply.length <= 16;
        session.in_from = Frama_C_unsigned_short_interval(0, 32);
        session.in_to = Frama_C_unsigned_short_interval(0, 32);
        session.keyword = Frama_C_unsigned_char_interval(0, SMTP__K_EMPTY);
        session.reply.length = Frama_C_unsigned_short_interval(0, 16);
        any_dialogue();
        if (any) {
            //@ split session.reply.length;
            smtp__read(&session);
            //@ merge session.reply.length;
        } else if (session.in_from < session.in_to) {
            const char *in = smtp__input(&session);
            if (smtp__parse_byte(&session, in[session.in_from++]) != 1)
                continue;
            session.reply_size = 0;
            //@ assert session.reply.text == &buffer[0];
            Frama_C_show_each_reached("reply");
        }
    }
    Frama_C_show_each_reached("end");
}

/* And such a reply's enhanced status code. */
void enhanced(void)
{
    session.reply.text = buffer;
    session.reply.length = Frama_C_unsigned_short_interval(0, 16);
    session.reply.code.reply = Frama_C_unsigned_short_interval(200, 599);
    //@ split session.reply.length;
    Frama_C_make_unknown(buffer, sizeof buffer);
    smtp__parse_enhanced(&session.reply);
    Frama_C_show_each_reached("end");
}

#endif

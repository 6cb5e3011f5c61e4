/* composed.c - the composer for tests/system/compose: as a shared library,
   called field by field; as a program, one attachment from standard input */
#define SMTP_IMPLEMENTATION
#include "smtp.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { MOST = 64 };

/* Bytes that arrive in pieces: cut at `cut`, or (0) one by one, each piece
   after one SMTP_AGAIN where `again` is set. */
struct source {
    const char *data;
    smtp_size size, cut;
    int again, waited;
};

static ptrdiff_t source_pull(void *ctx, smtp_size offset, const char **data)
{
    struct source *s = (struct source *)ctx;
    smtp_size end = s->cut == 0 ? offset + 1 :
                    offset < s->cut ? s->cut : s->size;
    if (s->again && !s->waited) {
        s->waited = 1;
        return SMTP_AGAIN;
    }
    s->waited = 0;
    if (end > s->size)
        end = s->size;
    *data = s->data + offset;
    return (ptrdiff_t)(end - offset);
}

static smtp_message message;
static smtp_mailbox who[MOST];
static smtp_field fields[MOST];
static smtp_part parts[MOST];
static struct source sources[MOST + 2];
static size_t source_count;
static smtp_composer composer;
static smtp_mail mail;
static smtp_recipient recipients[MOST];

EXPORT void compose_clear(void)
{
    memset(&message, 0, sizeof message);
    memset(who, 0, sizeof who);
    memset(parts, 0, sizeof parts);
    source_count = 0;
    message.who = who;
    message.fields = fields;
    message.parts = parts;
}

EXPORT void compose_who(int role, const char *address, const char *name)
{
    who[message.who_count].role = (uint8_t)role;
    who[message.who_count].address = address;
    who[message.who_count++].name = name;
}

EXPORT void compose_field(const char *name, const char *value)
{
    fields[message.field_count].name = name;
    fields[message.field_count++].value = value;
}

EXPORT void compose_texts(const char *subject, const char *in_reply_to,
                          const char *references, const char *id,
                          unsigned boundary)
{
    message.subject = subject;
    message.in_reply_to = in_reply_to;
    message.references = references;
    message.id = id;
    message.boundary = boundary;
}

EXPORT void compose_numbers(uint32_t date, int zone, uint32_t unique0,
                            uint32_t unique1, unsigned offers, int flowed)
{
    message.date = date;
    message.zone = (int16_t)zone;
    message.unique[0] = unique0;
    message.unique[1] = unique1;
    message.offers = (uint16_t)offers;
    message.flowed = (uint8_t)flowed;
}

/* cut < 0: in memory. declared < 0: not known. */
static smtp_body body(const char *data, long size, long cut, int again,
                      long declared)
{
    struct source *s = &sources[source_count++];
    smtp_body b = {0};
    if (cut < 0) {
        b.data = data;
        b.size = (smtp_size)size;
        return b;
    }
    s->data = data;
    s->size = (smtp_size)size;
    s->cut = (smtp_size)cut;
    s->again = again;
    s->waited = 0;
    b.pull = source_pull;
    b.ctx = s;
    b.size = declared < 0 ? 0 : (smtp_size)declared;
    return b;
}

EXPORT void compose_text(const char *data, long size, long cut, int again)
{
    message.text = body(data, size, cut, again, -1);
}

EXPORT void compose_html(const char *data, long size, long cut, int again)
{
    message.html = body(data, size, cut, again, -1);
}

EXPORT void compose_part(const char *name, const char *type, const char *id,
                         int disposition, const char *data, long size,
                         long cut, int again, long declared)
{
    smtp_part *part = &parts[message.part_count++];
    part->name = name;
    part->type = type;
    part->id = id;
    part->disposition = (uint8_t)disposition;
    part->body = body(data, size, cut, again, declared);
}

EXPORT int compose_open(void)
{
    memset(&mail, 0, sizeof mail);
    return smtp_compose(&composer, &message, &mail, recipients, MOST);
}

EXPORT const char *compose_culprit(unsigned *item)
{
    *item = composer.item;
    return composer.field;
}

EXPORT int compose_status(void) { return composer.status; }
EXPORT int compose_flags(void) { return mail.body.flags; }
EXPORT unsigned long compose_size(void) { return mail.body.size; }
EXPORT const char *compose_from(void) { return mail.from; }
EXPORT const char *compose_to(size_t i)
{
    return i < mail.to_count ? recipients[i].address : NULL;
}

/* The whole mail into `out`. `back`: each piece is asked for again from its
   middle, as a session does whose buffer is small. Its length, or a status. */
EXPORT long compose_run(char *out, long room, int back)
{
    long at = 0;
    for (;;) {
        const char *data = NULL;
        ptrdiff_t n = mail.body.pull(mail.body.ctx, (smtp_size)at, &data);
        if (n == SMTP_AGAIN)
            continue;
        if (n <= 0)
            return n < 0 ? (long)n : at;
        if (back && n > 1)
            n /= 2;
        if (n > room - at)
            abort();
        memcpy(out + at, data, (size_t)n);
        at += n;
    }
}

#ifdef SMTP_BEARSSL

static br_skey_decoder_context key;
static smtp_dkim_config signing;
static smtp_dkim dkim;

/* The next compose_run() is of the signed mail. `raw`: sign this instead. */
EXPORT int compose_sign(const char *domain, const char *selector,
                        const char *der, size_t size, unsigned date,
                        const char *raw, size_t raw_size)
{
    int st;
    br_skey_decoder_init(&key);
    br_skey_decoder_push(&key, der, size);
    signing.domain = domain;
    signing.selector = selector;
    signing.key = br_skey_decoder_get_rsa(&key);
    signing.date = date;
    memset(&dkim, 0, sizeof dkim);
    if (raw)
        mail.body = smtp_bytes(raw, raw_size);
    do
        st = smtp_dkim_sign(&dkim, &signing, &mail);
    while (st == SMTP_AGAIN);
    return st;
}

EXPORT int compose_sign_again(void)
{
    return smtp_dkim_sign(&dkim, &signing, &mail);
}
#endif

static char block[4096];

static ptrdiff_t read_input(void *ctx, smtp_size offset, const char **data)
{
    (void)offset;
    *data = block;
    return read(*(int *)ctx, block, sizeof block);
}

/* Of this program alone: getrusage() would count its parent before exec. */
static long resident_peak(void)
{
    static char line[256];
    long peak = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak = strtol(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return peak;
}

/* usage: composed base64|qp [SIZE] <input >mail; the peak of resident memory
   in KB goes to standard error. */
int main(int argc, char **argv)
{
    int fd = 0;
    smtp_body input = {0};
    const char *data;
    ptrdiff_t n;
    smtp_size at = 0;
    compose_clear();
    compose_who(SMTP_FROM, "box@example.org", NULL);
    compose_who(SMTP_TO, "ops@example.net", NULL);
    input.pull = read_input;
    input.ctx = &fd;
    input.flags = SMTP_BODY_ONCE;
    if (argc > 2)
        input.size = strtoul(argv[2], NULL, 10);
    if (argc > 1 && strcmp(argv[1], "qp") == 0)
        message.text = input;
    else {
        compose_part("log.bin", NULL, NULL, SMTP_ATTACHMENT, NULL, 0, -1, 0, 0);
        parts[0].body = input;
    }
    if (compose_open() != SMTP_OK)
        return 64;
    while ((n = mail.body.pull(mail.body.ctx, at, &data)) > 0) {
        if (write(1, data, (size_t)n) != n)
            return 74;
        at += (smtp_size)n;
    }
    fprintf(stderr, "%ld %lu %lu\n", resident_peak(), at, mail.body.size);
    return n == 0 && (mail.body.size == 0 || mail.body.size == at) ? 0 : 65;
}

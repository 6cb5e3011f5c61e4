/* sendmail.h - where the mail of sendmail.c comes from

   Rooms: words for a terminal, domains, addresses, source (a descriptor whose
   bytes are read as they are sent), message (a whole mail on standard input),
   draft (a mail composed of options). Of a message the header block is kept in
   memory, of a composed mail's text the beginning, 64 KB at most; the rest
   streams through. What is allocated lives as long as the program. smtp.h
   comes first.
*/
#ifndef SENDMAIL_H
#define SENDMAIL_H

#include <errno.h>
#include <fcntl.h>
#include <idn2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* ---- words for a terminal ------------------------------------------------ */

/* Bytes of the UTF-8 character (RFC 3629) at `p`; 0 if it is none, or a
   control character, which could command a terminal. */
static size_t printable(const unsigned char *p, size_t size)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4, i;
    unsigned two = size > 1 ? (unsigned)p[0] << 8 | p[1] : 0;

    if (n == 1)
        return p[0] >= ' ' && p[0] != 0x7F;
    if (n > size || two < 0xC2A0 || two > 0xF48F ||
        (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90))
        return 0;
    for (i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

/* Anyone's words, safe for a terminal; line ends become `end`. */
static void put_safe(FILE *out, const char *text, size_t size, const char *end)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n;

    for (; size > 0; p += n, size -= n) {
        n = printable(p, size);
        if (n > 0)
            fwrite(p, 1, n, out);
        else if (*p == '\n')
            fputs(end, out);
        else if (*p != '\r')
            fprintf(out, "\\x%02X", *p);
        n += n == 0;
    }
}

/* One line a fault. The result is `code`, for `return fault(...)`. */
static int fault(int code, const char *what, const char *why)
{
    fputs("sendmail: ", stderr);
    put_safe(stderr, what, strlen(what), " ");
    if (why) {
        fputs(": ", stderr);
        put_safe(stderr, why, strlen(why), " ");
    }
    fputc('\n', stderr);
    return code;
}

static void *grow(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (!memory)
        exit(fault(EX_OSERR, "out of memory", NULL));
    return memory;
}

static char *copy(const char *text, size_t size)
{
    char *to = (char *)grow(NULL, size + 1);

    memcpy(to, text, size);
    to[size] = '\0';
    return to;
}

/* ---- domains ------------------------------------------------------------- */

/* smtp_config.a_label: a domain in UTF-8 as ASCII (RFC 5890, UTS 46), good
   until the next call; 0: it is no domain. */
static const char *a_label(void *ctx, const char *domain)
{
    static uint8_t *label;

    (void)ctx;
    idn2_free(label);
    label = NULL;
    if (idn2_lookup_u8((const uint8_t *)domain, &label,
                       IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        label = NULL;
    return (const char *)label;
}

/* A host, or an address, with its domain in ASCII if it can be. */
static const char *ascii_domain(const char *text)
{
    const char *at = strrchr(text, '@'), *domain = at ? at + 1 : text, *label;
    size_t before = (size_t)(domain - text);
    char *made;

    if (smtp_address_check(domain) != 2 || !(label = a_label(NULL, domain)))
        return text;
    made = (char *)grow(NULL, before + strlen(label) + 1);
    memcpy(made, text, before);
    strcpy(made + before, label);
    return made;
}

/* ---- addresses ----------------------------------------------------------- */

/* A walk through an address list (RFC 5322, section 3.4). */
typedef struct scan {
    const char *at, *end;
    char *word;                    /* the address so far */
    size_t size;
    int angle;                     /* 1: within <>, 2: behind, 3: words there */
    int space;                     /* seen since the last character */
    const char *name;              /* where a display name would begin, */
    size_t name_size;              /* its bytes up to <, 0: none */
} scan;

/* What stood before was a display name, a group's name or a route. */
static void forget(scan *s, int angle)
{
    s->size = 0;
    s->space = 0;
    s->angle = angle;
}

/* Behind a comma or a group's colon: a display name may begin here. */
static void begin_name(scan *s, const char *at)
{
    s->name = at;
    s->name_size = 0;
}

static void open_angle(scan *s)
{
    if (s->angle == 0)
        s->name_size = (size_t)(s->at - s->name);
    forget(s, 1);
}

static void end_group_name(scan *s)
{
    if (s->angle == 0)
        begin_name(s, s->at + 1);
    forget(s, s->angle);
}

/* Words with nothing but a space between, or a >, are no address: a space is
   kept, so that they do not become another one. A NUL would end the string:
   DEL is in no address either. */
static void keep(scan *s, char c)
{
    if (s->angle == 2 || (s->space && s->size > 0 && !strchr(".@", c) &&
                          !strchr(".@", s->word[s->size - 1])))
        s->word[s->size++] = ' ';
    s->space = 0;
    s->angle += s->angle == 2;
    s->word[s->size++] = c ? c : 127;
}

/* Comments nest, and count as a space. Stops on the last ")". One without may
   hide addresses: what it leaves is none. */
static void skip_comment(scan *s)
{
    int depth = 0;

    s->space = 1;
    for (; s->at < s->end; s->at++) {
        if (*s->at == '\\' && s->at + 1 < s->end)
            s->at++;
        else if (*s->at == '(')
            depth++;
        else if (*s->at == ')' && --depth == 0)
            return;
    }
    s->word[s->size++] = '<';
}

/* A quoted string or domain literal as it stands, unfolded. Stops on `last`. */
static void keep_quoted(scan *s, char last)
{
    for (keep(s, *s->at++); s->at < s->end; s->at++) {
        if (*s->at != '\r' && *s->at != '\n')
            keep(s, *s->at);
        if (*s->at == last)
            return;
        if (*s->at == '\\' && s->at + 1 < s->end)
            keep(s, *++s->at);
    }
}

/* 1: what stands at s->at ends an address. */
static int scan_token(scan *s)
{
    char c = *s->at;

    if (s->angle != 1 && (c == ',' || c == ';'))
        return 1;
    if (c == '(')
        skip_comment(s);
    else if (c == '"' || c == '[')
        keep_quoted(s, c == '"' ? '"' : ']');
    else if (c == '<' && s->angle < 2)
        open_angle(s);
    else if (c == ':' && s->angle < 2)
        end_group_name(s);
    else if (c == '>')
        s->angle = 2;
    else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        s->space = 1;
    else
        keep(s, c);
    return 0;
}

/* The next address of the list as a string on the heap; at its end 0. One
   byte of room for each byte left is enough: each is kept at most once. */
static char *next_address(scan *s)
{
    int ended = 0;

    s->word = (char *)grow(NULL, (size_t)(s->end - s->at) + 1);
    forget(s, 0);
    begin_name(s, s->at);
    while (s->at < s->end && !ended) {
        if (scan_token(s) && !(ended = s->size > 0)) {
            forget(s, 0);
            begin_name(s, s->at + 1);
        }
        s->at += s->at < s->end;
    }
    s->word[s->size] = '\0';
    s->word = (char *)grow(s->word, s->size + 1);
    if (s->size > 0)
        return s->word;
    free(s->word);
    return NULL;
}

/* The display name before the address found last, without its quotes and with
   single spaces outside of them; 0: none. */
static char *display_name(const scan *s)
{
    char *name = (char *)grow(NULL, s->name_size + 1), *to = name;
    int quoted = 0, space = 0;
    size_t i;

    for (i = 0; i < s->name_size; i++) {
        char c = s->name[i];
        if (c == '"')
            quoted = !quoted;
        else if (!quoted && strchr(" \t\r\n", c))
            space = 1;
        else {
            if (quoted && c == '\\' && i + 1 < s->name_size)
                c = s->name[++i];
            if (space && to > name)
                *to++ = ' ';
            space = 0;
            *to++ = c;
        }
    }
    *to = '\0';
    if (to > name)
        return name;
    free(name);
    return NULL;
}

static scan scan_of(const char *list, size_t size)
{
    scan s = {NULL, NULL, NULL, 0, 0, 0, NULL, 0};

    s.at = list;
    s.end = list + size;
    return s;
}

typedef struct recipients {
    smtp_recipient *at;
    size_t count;
} recipients;

static void add_list(recipients *to, const char *list, size_t size)
{
    scan s = scan_of(list, size);
    char *address;

    while ((address = next_address(&s)) != NULL) {
        size_t bytes = (to->count + 1) * sizeof *to->at;
        to->at = (smtp_recipient *)grow(to->at, bytes);
        memset(&to->at[to->count], 0, sizeof *to->at);
        to->at[to->count++].address = address;
    }
}

/* The first address of a list; "" if there is none. */
static const char *first_of(const char *list, size_t size)
{
    scan s = scan_of(list, size);
    const char *address = next_address(&s);

    return address ? address : "";
}

/* login@machine, for who did not say. */
static const char *own_address(void)
{
    static char address[320];
    char host[256] = "localhost";
    const char *login = getenv("LOGNAME");
    const struct passwd *user = getpwuid(getuid());

    gethostname(host, sizeof host - 1);
    if (!login || !*login || !smtp_address_check(login) ||
        strpbrk(login, "()<>[]:;@,\"\\"))
        login = user ? user->pw_name : "nobody";
    snprintf(address, sizeof address, "%.60s@%s", login, host);
    return address;
}

/* ---- source -------------------------------------------------------------- */

/* A descriptor from its present offset on, its bytes read as they are sent. */
typedef struct source {
    const char *path;              /* for faults */
    int fd;
    int once;                      /* not a file: no way back */
    int ended;                     /* a terminal must not be asked again */
    int error;                     /* errno of the read that failed, or 0 */
    off_t start, end;              /* of a file: offsets */
    smtp_size limit;               /* bytes that may be read, 0: all */
    smtp_size at;                  /* of the bytes below: offset from start, */
    size_t count;                  /* number */
    char bytes[65536];
} source;

/* A file without a block on a disk may be made up by the system as it is read
   (/proc, /sys): what it says of its size need not be true. */
static void source_open(source *s, int fd, const char *path)
{
    struct stat info;

    s->path = path;
    s->fd = fd;
    s->start = lseek(fd, 0, SEEK_CUR);
    s->once = s->start < 0 || fstat(fd, &info) || !S_ISREG(info.st_mode);
    if (s->once)
        s->start = s->end = 0;
    else
        s->end = info.st_blocks > 0 ? info.st_size : 0;
}

/* 0: not known. */
static smtp_size source_size(const source *s)
{
    return s->end > s->start ? (smtp_size)(s->end - s->start) : 0;
}

/* read() or, in a file, pread(). */
static ptrdiff_t source_read(source *s, char *to, size_t size, off_t at)
{
    ssize_t n;

    do
        n = s->once ? read(s->fd, to, size) : pread(s->fd, to, size, at);
    while (n < 0 && errno == EINTR);
    s->ended = s->once && n == 0;
    return n;
}

/* The bytes at `offset`. 1: read, or at the end, 0: see errno. */
static int source_fill(source *s, smtp_size offset)
{
    size_t size = sizeof s->bytes;
    ptrdiff_t n;

    if (s->limit && s->limit - offset < size)
        size = (size_t)(s->limit - offset);
    n = s->ended ? 0 : source_read(s, s->bytes, size,
                                   s->start + (off_t)offset);
    s->error = n < 0 ? errno : 0;
    s->at = offset;
    s->count = n < 0 ? 0 : (size_t)n;
    return n >= 0;
}

/* smtp_body.pull: what was read stays until the next read. */
static ptrdiff_t source_pull(void *ctx, smtp_size offset, const char **data)
{
    source *s = (source *)ctx;

    if ((offset < s->at || offset - s->at >= s->count) &&
        !source_fill(s, offset))
        return SMTP_E_BODY;
    *data = s->bytes + (offset - s->at);
    return (ptrdiff_t)(s->count - (size_t)(offset - s->at));
}

/* ---- message ------------------------------------------------------------- */

enum { NAME_LIMIT = 900, ADDED_MAX = 4096, HEADER_MAX = 65536 };

/* A message from standard input. Its header block is read, judged and changed
   before anything is sent; the rest is a source. */
typedef struct message {
    char *head;                    /* added fields, fields, start of text */
    size_t head_size;
    size_t fields;                 /* bytes of fields, the added not counted */
    smtp_size size;                /* of all, 0: not known */
    int has_from, has_date, has_id;
    const char *from;              /* first address of field From, or 0 */
    source rest;
    char room[ADDED_MAX + HEADER_MAX + 16];
} message;

/* Offset behind the line at `at`, which ends in CRLF, LF or CR; 0: its end is
   still to come. `whole`: nothing is. */
static size_t line_end(const char *text, size_t size, size_t at, int whole)
{
    while (at < size && text[at] != '\n' && text[at] != '\r')
        at++;
    if (at < size && text[at] == '\n')
        return at + 1;
    if (at + 1 >= size)
        return whole ? size : 0;
    return at + 1 + (text[at + 1] == '\n');
}

/* Whether the line begins with a field's name and a colon, before which old
   mail may have blanks (RFC 5322, section 4.5). */
static int has_name(const char *line, size_t size)
{
    size_t n = 0, name;

    while (n < size && line[n] > ' ' && line[n] < 0x7F && line[n] != ':')
        n++;
    name = n;
    while (n < size && (line[n] == ' ' || line[n] == '\t'))
        n++;
    return name > 0 && n < size && line[n] == ':';
}

/* Whether the line belongs to the header: a name and a colon, a continuation,
   or at the start the mark of a mailbox file, "From ". */
static int is_field(const char *line, size_t size, int first)
{
    if (line[0] == ' ' || line[0] == '\t')
        return !first;
    return has_name(line, size) ||
           (first && size > 4 && !memcmp(line, "From ", 5));
}

/* Moves m->fields on over fields. 1: behind them is the empty line, the text,
   or nothing. */
static int fields_ended(message *m, int whole)
{
    while (m->fields < m->head_size || whole) {
        size_t end = line_end(m->head, m->head_size, m->fields, whole);
        if (end == 0 && !whole)
            return 0;
        if (end == m->fields ||
            !is_field(m->head + m->fields, end - m->fields, m->fields == 0))
            return 1;
        m->fields = end;
    }
    return 0;
}

/* More of standard input into the head: bytes, 0 at the end, or -1. */
static ptrdiff_t read_head(message *m)
{
    ptrdiff_t n = source_read(&m->rest, m->head + m->head_size,
                              HEADER_MAX - m->head_size, m->rest.start);

    if (n < 0)
        return fault(-1, "standard input", strerror(errno));
    m->head_size += (size_t)n;
    m->rest.start += n;
    return n;
}

/* There is no room for the line's end. Only text may be that long. */
static int end_header(const message *m)
{
    size_t size = HEADER_MAX - m->fields;

    if (size > 0 && !is_field(m->head + m->fields, size, m->fields == 0))
        return EX_OK;
    return fault(EX_DATAERR, "the header exceeds 64 KB", NULL);
}

/* Reads until the header block is whole. */
static int read_header(message *m)
{
    ptrdiff_t n;

    while (!fields_ended(m, 0)) {
        if (m->head_size == HEADER_MAX)
            return end_header(m);
        n = read_head(m);
        if (n < 0)
            return EX_DATAERR;
        if (n == 0 && fields_ended(m, 1))
            break;
    }
    return EX_OK;
}

/* Bytes of the field at `at`, its continuations included. */
static size_t field_size(const message *m, size_t at)
{
    size_t end = at;

    do
        end = line_end(m->head, m->fields, end, 1);
    while (end < m->fields && (m->head[end] == ' ' || m->head[end] == '\t'));
    return end - at;
}

/* The field's value if it is called `name` (any case), else 0. */
static const char *value_of(const char *field, const char *name)
{
    size_t n = strlen(name);

    if (strncasecmp(field, name, n))
        return NULL;
    n += strspn(field + n, " \t");
    return field[n] == ':' ? field + n + 1 : NULL;
}

/* Adds the addresses of To, Cc and Bcc, or with the prefix "Resent-" those of
   the first block of such fields: the last sender's (RFC 5322, section 3.6.6).
   0: there is no field with the prefix. */
static int collect(const message *m, recipients *to, const char *prefix)
{
    static const char *const names[] = {"To", "Cc", "Bcc"};
    size_t at, i, size, n = strlen(prefix);
    int found = 0;

    for (at = 0; at < m->fields; at += size) {
        const char *field = m->head + at, *value;
        size = field_size(m, at);
        if (strncasecmp(field, prefix, n)) {
            if (found)
                break;
            continue;
        }
        found = 1;
        for (i = 0; i < 3; i++)
            if ((value = value_of(field + n, names[i])) != NULL)
                add_list(to, value, size - (size_t)(value - field));
    }
    return found;
}

static void note_field(message *m, const char *field, size_t size)
{
    const char *from = value_of(field, "From");

    m->has_date |= value_of(field, "Date") != NULL;
    m->has_id |= value_of(field, "Message-ID") != NULL;
    m->has_from |= from != NULL;
    if (from && !m->from)
        m->from = first_of(from, size - (size_t)(from - field));
}

/* Notes what is there. Blind copies and a mailbox file's mark go, and a text
   that follows without an empty line gets one. */
static void edit_header(message *m)
{
    size_t at, size;

    for (at = 0; at < m->fields; at += size) {
        char *field = m->head + at;
        size = field_size(m, at);
        note_field(m, field, size);
        if (value_of(field, "Bcc") || value_of(field, "Resent-Bcc") ||
            !has_name(field, size)) {
            memmove(field, field + size, m->head_size - at - size);
            m->head_size -= size;
            m->fields -= size;
            size = 0;
        }
    }
    if (at < m->head_size && m->head[at] != '\r' && m->head[at] != '\n') {
        memmove(m->head + at + 1, m->head + at, m->head_size++ - at);
        m->head[at] = at > 0 && m->head[at - 1] == '\r' ? '\r' : '\n';
    }
}

/* Standard input. A file declares its size and can be read again. `to`: takes
   the recipients that the header names, or 0. */
static int message_open(message *m, recipients *to)
{
    int code;

    source_open(&m->rest, STDIN_FILENO, "standard input");
    m->head = m->room + ADDED_MAX;
    code = read_header(m);
    if (to && !collect(m, to, "Resent-"))
        collect(m, to, "");
    edit_header(m);
    if (m->rest.end > 0)           /* else its size is not known */
        m->size = m->head_size + source_size(&m->rest);
    return code;
}

/* "1a2b.3c.4d@example.org", never the same again. */
static void make_id(char *id, size_t size, const char *from)
{
    const char *at = strrchr(from, '@');
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(id, size, "%lx.%lx.%lx@%s", (unsigned long)now.tv_sec,
             (unsigned long)now.tv_nsec, (unsigned long)getpid(),
             at ? at + 1 : "localhost");
}

static int is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text > 126)
            return 0;
    return 1;
}

/* The field From with a name in UTF-8: encoded words (RFC 2047), made by the
   composer, before its next field. Returns its size; 0: the name is ASCII, or
   not UTF-8, or the address is not ASCII. */
static int put_encoded_from(char *to, const char *from, const char *name)
{
    static smtp_composer composer;
    smtp_mailbox who[2] = {{NULL, NULL, SMTP_FROM}, {NULL, NULL, SMTP_BCC}};
    smtp_message fields;
    smtp_mail mail;
    const char *data;
    size_t size = 0;
    ptrdiff_t n;

    memset(&fields, 0, sizeof fields);
    memset(&mail, 0, sizeof mail);
    who[0].address = who[1].address = from;
    who[0].name = name;
    fields.who = who;
    fields.who_count = 2;
    if (smtp_address_check(from) != 1 || is_ascii(name) ||
        smtp_compose(&composer, &fields, &mail, NULL, 0) != SMTP_OK)
        return 0;
    while ((n = mail.body.pull(mail.body.ctx, size, &data)) > 0) {
        memcpy(to + size, data, (size_t)n);
        size += (size_t)n;
    }
    to[size] = '\0';
    return (int)(strstr(to, "\nMIME-Version:") + 1 - to);
}

/* The field From; a name is quoted where it has to be. Returns its size. */
static int put_from(char *to, const char *from, const char *name)
{
    const char *quote = "";
    int n = name ? put_encoded_from(to, from, name) : 0;

    if (n > 0)
        return n;
    n = sprintf(to, "From: ");
    if (!name)
        return n + sprintf(to + n, "%s\n", from);
    if (name[strcspn(name, "()<>[]:;@,.\"\\")])
        quote = "\"";
    for (n += sprintf(to + n, "%s", quote); *name; to[n++] = *name++)
        if (*name == '"' || *name == '\\')
            to[n++] = '\\';
    return n + sprintf(to + n, "%s <%s>\n", quote, from);
}

/* The fields that every mail has to have go in front. */
static int add_missing(message *m, const char *from, const char *name)
{
    char date[64], id[1000], added[ADDED_MAX];
    time_t now = time(NULL);
    int n = 0;

    if (strlen(from) > NAME_LIMIT)
        return fault(EX_DATAERR, "the sender is too long", from);
    if (!m->has_from && name && strlen(name) > NAME_LIMIT)
        return fault(EX_DATAERR, "--full-name is too long", name);
    if (!m->has_from)
        n = put_from(added, from, name);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S %z", localtime(&now));
    make_id(id, sizeof id, from);
    if (!m->has_date)
        n += sprintf(added + n, "Date: %s\n", date);
    if (!m->has_id)
        n += sprintf(added + n, "Message-ID: <%s>\n", id);
    m->head -= n;
    m->head_size += (size_t)n;
    m->size += m->size ? (smtp_size)n : 0;
    memcpy(m->head, added, (size_t)n);
    return EX_OK;
}

static ptrdiff_t message_pull(void *ctx, smtp_size offset, const char **data)
{
    message *m = (message *)ctx;

    if (offset >= m->head_size)
        return source_pull(&m->rest, offset - m->head_size, data);
    *data = m->head + offset;
    return (ptrdiff_t)(m->head_size - offset);
}

/* Nobody knows what is still to come through a pipe: it may have 8 bits. */
static smtp_body message_body(message *m)
{
    smtp_body body = {NULL, message_pull, NULL, 0, 0};

    body.ctx = m;
    body.size = m->size;
    if (m->rest.once)
        body.flags = SMTP_BODY_ONCE | SMTP_BODY_8BIT;
    return body;
}

/* ---- draft: a mail from options ------------------------------------------ */

typedef struct draft {
    smtp_message message;
    smtp_mailbox *who;             /* message's, growing */
    smtp_field *fields;
    smtp_part *parts;
    const source *input;           /* of the text, or 0 */
    char id[1000];
    smtp_composer composer;
} draft;

static void draft_people(draft *d, int role, const char *list)
{
    scan s = scan_of(list, strlen(list));
    char *address;

    while ((address = next_address(&s)) != NULL) {
        size_t n = d->message.who_count++;
        d->who = (smtp_mailbox *)grow(d->who, (n + 1) * sizeof *d->who);
        d->who[n].address = ascii_domain(address);
        d->who[n].name = display_name(&s);
        d->who[n].role = (uint8_t)role;
        d->message.who = d->who;
    }
}

/* Comes first. A null sender is the envelope's alone. */
static void draft_sender(draft *d, const char *from, const char *name)
{
    draft_people(d, SMTP_FROM, from);
    if (d->message.who_count == 0)
        draft_people(d, SMTP_FROM, own_address());
    d->message.who_count = 1;
    if (name)
        d->who[0].name = name;
}

/* Room for the recipients that smtp_compose() will find. */
static int draft_recipients(const draft *d, recipients *to)
{
    size_t i;

    to->count = 0;
    for (i = 0; i < d->message.who_count; i++)
        to->count += d->who[i].role <= SMTP_BCC;
    if (to->count == 0)
        return fault(EX_USAGE, "no recipients (see --help)", NULL);
    to->at = (smtp_recipient *)grow(NULL, to->count * sizeof *to->at);
    return EX_OK;
}

/* "NAME: VALUE"; some names have their own place in a message. */
static int draft_header(draft *d, const char *text)
{
    const char *colon = strchr(text, ':'), *value;
    size_t n = d->message.field_count;
    char *name;

    if (!colon)
        return fault(EX_USAGE, "--header: NAME:VALUE, not", text);
    name = copy(text, (size_t)(colon - text));
    value = colon + 1 + strspn(colon + 1, " \t");
    if (!strcasecmp(name, "Reply-To"))
        draft_people(d, SMTP_REPLY_TO, value);
    else if (!strcasecmp(name, "In-Reply-To"))
        d->message.in_reply_to = value;
    else if (!strcasecmp(name, "References"))
        d->message.references = value;
    else {
        d->fields = (smtp_field *)grow(d->fields, (n + 1) * sizeof *d->fields);
        d->fields[n].name = name;
        d->fields[n].value = value;
        d->message.fields = d->fields;
        d->message.field_count++;
    }
    return EX_OK;
}

/* The type in a line of mime.types ("type ending ending ...") that has the
   ending; else 0, also for a multipart, which a file alone cannot be. The line
   is cut into words. */
static const char *type_in(char *line, const char *ending)
{
    static const char blank[] = " \t\r\n";
    const char *type = strtok(line, blank), *word = type;

    if (!type || type[0] == '#' || !strncasecmp(type, "multipart/", 10))
        return NULL;
    while ((word = strtok(NULL, blank)) != NULL)
        if (!strcasecmp(word, ending))
            return type;
    return NULL;
}

/* 0: any bytes. */
static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.'), *type = NULL;
    FILE *types = dot ? fopen("/etc/mime.types", "re") : NULL;
    char line[1000];

    while (types && !type && fgets(line, sizeof line, types))
        type = type_in(line, dot + 1);
    if (types)
        fclose(types);
    if (type)
        return copy(type, strlen(type));
    return dot && (!strcasecmp(dot, ".txt") || !strcasecmp(dot, ".log"))
               ? "text/plain"
               : NULL;
}

/* FILE or FILE;TYPE: a ; with a / somewhere behind it begins the type. */
static const char *split_type(char *path)
{
    char *slash = strrchr(path, '/'), *at = slash;

    while (at && at > path && *at != ';')
        at--;
    if (!at || *at != ';')
        return NULL;
    *at = '\0';
    return at + 1 + strspn(at + 1, " ");
}

/* A file is sent as long as it is now: a log may grow meanwhile. */
static smtp_body file_body(const char *path, int fd)
{
    source *s = (source *)memset(grow(NULL, sizeof *s), 0, sizeof *s);
    smtp_body body = {NULL, source_pull, NULL, 0, 0};

    source_open(s, fd, path);
    s->limit = source_size(s);
    body.ctx = s;
    body.size = s->limit;
    body.flags = s->once ? SMTP_BODY_ONCE : 0;
    return body;
}

static int draft_attach(draft *d, const char *argument)
{
    char *path = copy(argument, strlen(argument));
    const char *type = split_type(path), *slash = strrchr(path, '/');
    size_t n = d->message.part_count;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    smtp_part *part;

    if (fd < 0 || fstat(fd, &info))
        return fault(EX_NOINPUT, path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return fault(EX_NOINPUT, path, strerror(EISDIR));
    d->parts = (smtp_part *)grow(d->parts, (n + 1) * sizeof *d->parts);
    d->message.parts = d->parts;
    part = (smtp_part *)memset(&d->parts[n], 0, sizeof *part);
    part->name = slash ? slash + 1 : path;
    part->type = type ? type : type_of(part->name);
    part->body = file_body(path, fd);
    d->message.part_count++;
    return EX_OK;
}

/* The text from standard input. A short one is kept: composed from memory it
   can go as it is. None is none where there is something else. */
static int draft_read_text(draft *d, message *m)
{
    ptrdiff_t n;

    source_open(&m->rest, STDIN_FILENO, "standard input");
    d->input = &m->rest;
    m->head = m->room;
    do
        n = read_head(m);
    while (n > 0 && m->head_size < HEADER_MAX);
    if (n < 0)
        return EX_DATAERR;
    if (n > 0)
        d->message.text = message_body(m);
    else if (m->head_size > 0)
        d->message.text = smtp_bytes(m->head, m->head_size);
    return EX_OK;
}

static void draft_stamp(draft *d)
{
    time_t now = time(NULL);
    char zone[8];
    int hours;

    strftime(zone, sizeof zone, "%z", localtime(&now));
    hours = atoi(zone);
    d->message.date = (uint32_t)now;
    d->message.zone = (int16_t)(hours / 100 * 60 + hours % 100);
    make_id(d->id, sizeof d->id, d->who[0].address);
    d->message.id = d->id;
}

/* What the composer finds fault with: a file, or a field and what of it. */
static const char *draft_culprit(const draft *d)
{
    static const char *const roles[] = {"To", "Cc", "Bcc", "From", "Sender",
                                        "Reply-To"};
    static char words[1000];
    const char *field = d->composer.field, *what = NULL;
    size_t i = d->composer.item;

    if (!strcmp(field, "parts"))
        return ((const source *)d->parts[i].body.ctx)->path;
    if (!strcmp(field, "fields")) {
        field = "--header";
        what = d->fields[i].name;
    } else if (i < d->message.who_count &&
               !strcmp(field, roles[d->who[i].role]))
        what = d->who[i].address;
    snprintf(words, sizeof words, "%.100s%s%.800s", field, what ? ": " : "",
             what ? what : "");
    return words;
}

/* Why composing ended before the mail did, or 0: it was not composed. */
static const char *draft_broken(const draft *d)
{
    static char words[2000];
    const smtp_composer *c = &d->composer;
    const source *from = d->input;

    if (c->status != SMTP_E_BODY && c->status != SMTP_E_LENGTH)
        return NULL;
    if (!strcmp(c->field, "parts"))
        from = (const source *)d->parts[c->item].body.ctx;
    snprintf(words, sizeof words, "%.1000s: %s", from->path,
             c->status == SMTP_E_BODY ? strerror(from->error)
                                      : smtp_status_text(c->status));
    return words;
}

#endif

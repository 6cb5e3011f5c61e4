/* fuzz_adapters.c - what the adapters read from others, for libFuzzer: PEM and
   certificates as trust, as a server's chain, as a client's files; URLs; a
   message to be signed. The first byte of an input chooses. */
#define _XOPEN_SOURCE 700
#define SMTP_POSIX
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "fuzz_input.h"

#define NAME "mail.example.org"

enum { TRUST, ANY, CLIENT, URL, DKIM, KINDS };

/* The next bytes, as many as two bytes say, in memory of their own. */
static unsigned char *take(input *in, size_t *size)
{
    unsigned char *copy;
    *size = take_byte(in) * 256u;
    *size += take_byte(in);
    if (*size > in->left)
        *size = in->left;
    copy = (unsigned char *)malloc(*size ? *size : 1);
    memcpy(copy, in->data, *size);
    in->data += *size;
    in->left -= *size;
    return copy;
}

/* ---- TLS ----------------------------------------------------------------- */

static ptrdiff_t no_recv(void *ctx, void *buffer, size_t size)
{
    (void)ctx, (void)buffer, (void)size;
    return SMTP_AGAIN;
}

static ptrdiff_t no_send(void *ctx, const void *data, size_t size)
{
    (void)ctx, (void)data, (void)size;
    return SMTP_AGAIN;
}

/* A certificate of the server's, in pieces. */
static void pass(smtp_tls *tls, const unsigned char *cert, size_t size,
                 size_t piece)
{
    const br_x509_class **judge = tls->client.eng.x509ctx;
    size_t at, n;
    (*judge)->start_cert(judge, (uint32_t)size);
    for (at = 0; at < size; at += n) {
        n = size - at < piece ? size - at : piece;
        (*judge)->append(judge, cert + at, n);
        demand(tls->trust.used <= sizeof tls->trust.room &&
               tls->trust.count <= 4, "the room of the anchors");
    }
    (*judge)->end_cert(judge);
}

static void pass_all(smtp_tls *tls, input *in, size_t piece)
{
    const br_x509_class **judge = tls->client.eng.x509ctx;
    unsigned usages;
    (*judge)->start_chain(judge, NAME);
    while (in->left > 0) {
        size_t size;
        unsigned char *cert = take(in, &size);
        pass(tls, cert, size, piece);
        free(cert);
    }
    if ((*judge)->end_chain(judge) == 0)
        demand((*judge)->get_pkey(judge, &usages) != NULL, "no key");
    demand(tls->binding.size <= sizeof tls->binding.digest, "binding");
}

static const char *in_file(const void *data, size_t size)
{
    static char path[] = "build/fuzz/adapters/client-XXXXXX";
    static int fd = -1;
    if (fd < 0)
        fd = mkstemp(path);
    demand(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size,
           "the file cannot be written");
    return path;
}

static void fuzz_tls(unsigned kind, input *in)
{
    smtp_tls *tls = (smtp_tls *)malloc(sizeof *tls);
    size_t piece = 1 + take_byte(in), room = 100 * take_byte(in), size;
    unsigned char *text = take(in, &size), *buffer;
    smtp_tls_config config;
    smtp_io lower, io;
    memset(&lower, 0, sizeof lower);
    lower.recv = no_recv;
    lower.send = no_send;
    memset(&config, 0, sizeof config);
    config.server_name = NAME;
    config.buffer = buffer = (unsigned char *)malloc(room + 1);
    config.buffer_size = room;
    config.unsafe_no_verify = kind != TRUST;
    config.trust = kind == TRUST ? text : NULL;
    config.trust_size = size;
    config.cert_file = kind == CLIENT ? in_file(text, size) : NULL;
    if (smtp_tls_open(tls, &lower, &config, 1, &io) == SMTP_OK) {
        demand(tls->room >= SMTP_TLS_BUFFER_MIN, "no room for records");
        if (kind != CLIENT)
            pass_all(tls, in, piece);
    }
    io.close(io.ctx);
    free(buffer);
    free(text);
    free(tls);
}

/* ---- URLs ---------------------------------------------------------------- */

static void put_escaped(char **to, const char *text)
{
    for (; text && *text; text++)
        *to += sprintf(*to, "%%%02X", (unsigned char)*text);
}

/* The URL of the parts, with all that can be in percent notation. */
static void write_url(char *to, const smtp__url *u)
{
    const char *colon = strchr(u->host, ':');
    to += sprintf(to, "%s", smtp__schemes[u->scheme].name);
    put_escaped(&to, u->user);
    to += sprintf(to, "%s", u->password ? ":" : "");
    put_escaped(&to, u->password);
    to += sprintf(to, "%s%s", u->user ? "@" : "",
                  colon && *u->host != '/' ? "[" : "");
    put_escaped(&to, u->host);
    to += sprintf(to, "%s", colon && *u->host != '/' ? "]" : "");
    if (u->service)
        sprintf(to, ":%s", u->service);
}

static int same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void fuzz_url(input *in)
{
    static char url[10000], again[10000], room[2][2048];
    smtp__url u, v;
    size_t size = smtp__min(in->left, sizeof url - 1);
    memcpy(url, in->data, size);
    url[size] = 0;
    if (smtp__url_parse(&u, url, room[0], sizeof room[0]) != SMTP_OK)
        return;
    demand(u.host && *u.host && (!u.user || *u.user), "an empty part");
    demand(!u.service || smtp__posix_service_check(u.service), "port");
    write_url(again, &u);
    demand(smtp__url_parse(&v, again, room[1], sizeof room[1]) == SMTP_OK,
           "the URL of the parts is none");
    demand(u.scheme == v.scheme && same(u.host, v.host) &&
           same(u.service, v.service) && same(u.user, v.user) &&
           same(u.password, v.password), "other parts");
}

/* ---- signatures ---------------------------------------------------------- */

static br_rsa_private_key key;
static const smtp_dkim_config signing = {"example.org", "s1", &key, 1};

static void make_key(void)
{
    static unsigned char numbers[BR_RSA_KBUF_PRIV_SIZE(1024)];
    br_hmac_drbg_context random;
    br_hmac_drbg_init(&random, &br_sha256_vtable, NULL, 0);
    demand((int)br_rsa_keygen_get_default()(&random.vtable, &key, numbers,
                                            NULL, NULL, 1024, 65537), "key");
}

static smtp_body whole;
static size_t piece_of_whole;

static ptrdiff_t pull(void *ctx, smtp_size offset, const char **data)
{
    smtp_size left = whole.size - offset;
    int *turn = (int *)ctx;
    *data = whole.data + offset;
    *turn = !*turn;
    return *turn ? SMTP_AGAIN
                 : (ptrdiff_t)(left < piece_of_whole ? left : piece_of_whole);
}

static smtp_status sign(smtp_dkim *dkim, smtp_body body)
{
    smtp_mail mail;
    smtp_status st;
    memset(dkim, 0, sizeof *dkim);
    memset(&mail, 0, sizeof mail);
    mail.body = body;
    do
        st = smtp_dkim_sign(dkim, &signing, &mail);
    while (st == SMTP_AGAIN);
    demand(st != SMTP_OK || mail.body.size == body.size + dkim->size, "size");
    return st;
}

/* The lines in CRLF, an empty one more at the end. */
static size_t convert(char *to, const char *from, size_t size)
{
    char *start = to;
    size_t i;
    for (i = 0; i < size; i++) {
        int end = from[i] == '\r' || from[i] == '\n';
        if (end && from[i] == '\n' && i > 0 && from[i - 1] == '\r')
            continue;
        *to++ = end ? '\r' : from[i];
        if (end)
            *to++ = '\n';
    }
    memcpy(to, "\r\n\r\n\t\r\n", 7);
    return (size_t)(to - start) + 7;
}

/* Neither line ends nor the source's pieces nor empty lines at the end change
   what is signed. */
static void fuzz_dkim(input *in)
{
    size_t size;
    smtp_dkim first, other;
    smtp_status st;
    int turn = 0;
    char *text, *lines;
    piece_of_whole = 1 + take_byte(in);
    text = (char *)take(in, &size);
    lines = (char *)malloc(2 * size + 7);
    whole = smtp_bytes(text, size);
    st = sign(&first, whole);
    whole = smtp_bytes(lines, convert(lines, text, size));
    whole.pull = pull;
    whole.ctx = &turn;
    demand(sign(&other, whole) == st, "another status");
    demand(st != SMTP_OK || (first.size == other.size &&
           memcmp(first.text, other.text, first.size) == 0), "other text");
    free(lines);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in;
    unsigned kind;
    in.data = data;
    in.left = size;
    kind = take_byte(&in) % KINDS;
    if (key.n_bitlen == 0)
        make_key();
    if (kind == URL)
        fuzz_url(&in);
    else if (kind == DKIM)
        fuzz_dkim(&in);
    else
        fuzz_tls(kind, &in);
    return 0;
}

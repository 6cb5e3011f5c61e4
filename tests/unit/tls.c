/* tls.c - the BearSSL adapter against BearSSL's server engine, in memory */
#define _POSIX_C_SOURCE 200809L
#define SMTP_POSIX
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "../../smtp.h"
#include "../check.h"

#include <stdlib.h>
#include <time.h>

#define CERTS "build/tls/"
#define NAME "mail.example.org"

/* ---- files --------------------------------------------------------------- */

static unsigned char *slurp(const char *name, size_t *size)
{
    static unsigned char text[1 << 20];
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, CERTS "%s", name);
    f = fopen(path, "rb");
    *size = f ? fread(text, 1, sizeof text, f) : 0;
    if (f)
        fclose(f);
    return text;
}

static void put(void *ctx, const void *data, size_t size)
{
    br_x509_certificate *to = (br_x509_certificate *)ctx;

    to->data = (unsigned char *)realloc(to->data, to->data_len + size);
    memcpy(to->data + to->data_len, data, size);
    to->data_len += size;
}

/* The objects of a PEM file, at most `most`. */
static size_t objects(const char *name, br_x509_certificate *to, size_t most)
{
    br_pem_decoder_context pem;
    size_t size, count = 0;
    unsigned char *text = slurp(name, &size);

    br_pem_decoder_init(&pem);
    while (size > 0 && count < most) {
        size_t n = br_pem_decoder_push(&pem, text, size);
        int event = br_pem_decoder_event(&pem);

        text += n;
        size -= n;
        if (event == BR_PEM_BEGIN_OBJ) {
            memset(&to[count], 0, sizeof *to);
            br_pem_decoder_setdest(&pem, put, &to[count]);
        } else if (event == BR_PEM_END_OBJ) {
            count++;
        }
    }
    return count;
}

static void release(br_x509_certificate *certs, size_t count)
{
    while (count-- > 0)
        free(certs[count].data);
}

/* ---- a server and a wire ------------------------------------------------- */

typedef struct queue {
    unsigned char data[1 << 16];
    size_t from, to;
} queue;

typedef struct wire {
    queue up, down;                /* to the server, to the client */
    size_t room;                   /* bytes that `up` may hold */
    size_t piece;                  /* bytes of a call at most */
    int eof;                       /* nothing comes after what is there */
    uint32_t again;                /* if not 0: every other call, by chance, */
                                   /* has nothing */
    long calls, fail_at;           /* the call that fails; 0: none */
    int fail_ever;                 /* and all after it */
    int sends_fail;
    int closed;
    long waits;
} wire;

static size_t held(const queue *q)
{
    return q->to - q->from;
}

static void push(queue *q, const unsigned char *data, size_t size)
{
    if (q->to + size > sizeof q->data) {
        memmove(q->data, q->data + q->from, held(q));
        q->to -= q->from;
        q->from = 0;
    }
    memcpy(q->data + q->to, data, size);
    q->to += size;
}

/* A call that fails or has nothing, or 0. */
static ptrdiff_t hindrance(wire *w)
{
    w->calls++;
    if (w->fail_at && (w->calls == w->fail_at
                       || (w->fail_ever && w->calls > w->fail_at)))
        return SMTP_E_IO;
    w->again = w->again * 1664525u + (w->again ? 1013904223u : 0);
    return w->again >> 31 ? SMTP_AGAIN : 0;
}

static ptrdiff_t wire_recv(void *ctx, void *buffer, size_t size)
{
    wire *w = (wire *)ctx;
    ptrdiff_t bad = hindrance(w);

    if (bad)
        return bad;
    if (size > w->piece)
        size = w->piece;
    if (size > held(&w->down))
        size = held(&w->down);
    if (size == 0)
        return w->eof ? SMTP_EOF : SMTP_AGAIN;
    memcpy(buffer, w->down.data + w->down.from, size);
    w->down.from += size;
    return (ptrdiff_t)size;
}

static ptrdiff_t wire_send(void *ctx, const void *data, size_t size)
{
    wire *w = (wire *)ctx;
    ptrdiff_t bad = hindrance(w);

    if (bad)
        return bad;
    if (w->sends_fail)
        return SMTP_E_IO;
    if (size > w->piece)
        size = w->piece;
    if (size > w->room - held(&w->up))
        size = w->room - held(&w->up);
    if (size == 0)
        return SMTP_AGAIN;
    push(&w->up, (const unsigned char *)data, size);
    return (ptrdiff_t)size;
}

static void wire_close(void *ctx)
{
    ((wire *)ctx)->closed++;
}

static int wire_wait(void *ctx, int wants, unsigned long ms)
{
    (void)wants, (void)ms;
    ((wire *)ctx)->waits++;
    return SMTP_OK;
}

static unsigned long wire_clock(void *ctx)
{
    (void)ctx;
    return 4711;
}

typedef struct server {
    br_ssl_server_context ssl;
    br_x509_minimal_context x509;
    br_x509_certificate chain[4];
    br_x509_certificate ca;
    size_t count;
    br_skey_decoder_context key;
    br_x509_trust_anchor anchor;
    br_x509_decoder_context anchor_key;
    br_ssl_session_cache_lru *cache;
    unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
    unsigned char got[1 << 16];
    size_t size;                   /* bytes got */
    size_t echoed;
    int mute;                      /* no echo */
} server;

static void server_key(server *s, const char *name)
{
    br_x509_certificate key;
    size_t count = objects(name, &key, 1);

    CHECK_NUMBER(count, 1);
    br_skey_decoder_init(&s->key);
    br_skey_decoder_push(&s->key, key.data, key.data_len);
    release(&key, count);
}

/* Serves with NAME.key and the certificates of `chain`. */
static void server_open(server *s, const char *chain, const char *key)
{
    const br_ec_private_key *ec;

    memset(s, 0, sizeof *s);
    s->count = objects(chain, s->chain, 4);
    CHECK(s->count > 0);
    server_key(s, key);
    ec = br_skey_decoder_get_ec(&s->key);
    if (ec)
        br_ssl_server_init_full_ec(&s->ssl, s->chain, s->count,
                                   BR_KEYTYPE_EC, ec);
    else
        br_ssl_server_init_full_rsa(&s->ssl, s->chain, s->count,
                                    br_skey_decoder_get_rsa(&s->key));
    br_ssl_engine_set_buffer(&s->ssl.eng, s->buffer, sizeof s->buffer, 1);
}

static void server_start(server *s)
{
    CHECK(br_ssl_server_reset(&s->ssl));
}

/* Asks for a client certificate from root. */
static void server_demand(server *s)
{
    CHECK_NUMBER(objects("root.pem", &s->ca, 1), 1);
    s->anchor.dn.data = NULL;
    br_x509_decoder_init(&s->anchor_key, put, &s->x509);
    memset(&s->x509, 0, sizeof s->x509);
    {
        br_x509_certificate dn = {NULL, 0};

        br_x509_decoder_init(&s->anchor_key, put, &dn);
        br_x509_decoder_push(&s->anchor_key, s->ca.data, s->ca.data_len);
        s->anchor.dn.data = dn.data;
        s->anchor.dn.len = dn.data_len;
    }
    s->anchor.flags = BR_X509_TA_CA;
    s->anchor.pkey = *br_x509_decoder_get_pkey(&s->anchor_key);
    br_x509_minimal_init_full(&s->x509, &s->anchor, 1);
    br_ssl_engine_set_default_rsavrfy(&s->ssl.eng);
    br_ssl_engine_set_default_ecdsa(&s->ssl.eng);
    br_ssl_engine_set_x509(&s->ssl.eng, &s->x509.vtable);
    br_ssl_server_set_trust_anchor_names_alt(&s->ssl, &s->anchor, 1);
}

static void server_close(server *s)
{
    release(s->chain, s->count);
    free(s->ca.data);
    free(s->anchor.dn.data);
}

static void server_echo(server *s)
{
    size_t size;
    unsigned char *to = br_ssl_engine_sendapp_buf(&s->ssl.eng, &size);

    if (s->mute || !to || s->echoed == s->size)
        return;
    if (size > s->size - s->echoed)
        size = s->size - s->echoed;
    memcpy(to, s->got + s->echoed, size);
    s->echoed += size;
    br_ssl_engine_sendapp_ack(&s->ssl.eng, size);
    br_ssl_engine_flush(&s->ssl.eng, 0);
}

/* Lets the server do all that it can. 1: something moved. */
static int serve(server *s, wire *w)
{
    br_ssl_engine_context *e = &s->ssl.eng;
    int moved = 0;

    for (;;) {
        unsigned state = br_ssl_engine_current_state(e);
        size_t size;
        unsigned char *at;

        w->eof |= state == BR_SSL_CLOSED;
        if (state == BR_SSL_CLOSED)
            return moved;
        if ((state & BR_SSL_SENDREC) && held(&w->down) < 4096) {
            at = br_ssl_engine_sendrec_buf(e, &size);
            push(&w->down, at, size);
            br_ssl_engine_sendrec_ack(e, size);
        } else if (state & BR_SSL_RECVAPP) {
            at = br_ssl_engine_recvapp_buf(e, &size);
            memcpy(s->got + s->size, at, size);
            s->size += size;
            br_ssl_engine_recvapp_ack(e, size);
        } else if ((state & BR_SSL_SENDAPP) && !s->mute
                   && s->echoed < s->size) {
            server_echo(s);
        } else if ((state & BR_SSL_RECVREC) && held(&w->up) > 0) {
            at = br_ssl_engine_recvrec_buf(e, &size);
            if (size > held(&w->up))
                size = held(&w->up);
            memcpy(at, w->up.data + w->up.from, size);
            w->up.from += size;
            br_ssl_engine_recvrec_ack(e, size);
        } else {
            return moved;
        }
        moved = 1;
    }
}

/* ---- one connection ------------------------------------------------------ */

typedef struct scene {
    struct wire wire;
    struct server server;
    smtp_tls tls;
    smtp_tls_config config;
    smtp_io lower, io;
    unsigned char buffer[SMTP_TLS_BUFFER_FAST + 10000];
    int stuck;
} scene;

static scene sc;

static char path_of_trust[256];

static const char *in_certs(const char *name)
{
    snprintf(path_of_trust, sizeof path_of_trust, CERTS "%s", name);
    return path_of_trust;
}

static void scene_begin(const char *chain, const char *key, const char *trust)
{
    memset(&sc, 0, sizeof sc);
    sc.wire.room = sizeof sc.wire.up.data / 2;
    sc.wire.piece = sizeof sc.wire.up.data;
    sc.lower.ctx = &sc.wire;
    sc.lower.recv = wire_recv;
    sc.lower.send = wire_send;
    sc.lower.close = wire_close;
    sc.lower.clock = wire_clock;
    sc.config.server_name = NAME;
    sc.config.buffer = sc.buffer;
    sc.config.buffer_size = sizeof sc.buffer;
    if (trust)
        sc.config.trust_file = in_certs(trust);
    server_open(&sc.server, chain, key);
}

static smtp_status scene_open(void)
{
    server_start(&sc.server);
    return smtp_tls_open(&sc.tls, &sc.lower, &sc.config, 1, &sc.io);
}

/* After SMTP_AGAIN: waits as an event loop does, for what the layer below
   waits for and for nothing else. 0: for ever. */
static int scene_wait(int wants)
{
    int below = sc.io.wants(sc.io.ctx, wants), tries;

    for (tries = 0; tries < 3; tries++) {
        if ((below & SMTP_READ) && (held(&sc.wire.down) > 0 || sc.wire.eof))
            return 1;
        if ((below & SMTP_WRITE) && held(&sc.wire.up) < sc.wire.room)
            return 1;
        if (!serve(&sc.server, &sc.wire))
            break;
    }
    sc.stuck = 1;
    return 0;
}

static int scene_handshake(void)
{
    int status = SMTP_OK;

    do
        status = sc.io.starttls(sc.io.ctx);
    while (status == SMTP_AGAIN && scene_wait(SMTP_READ));
    return status;
}

/* Sends `size` bytes while reading what comes back, as a session does. */
static int scene_echo(size_t size)
{
    static unsigned char said[1 << 16], heard[1 << 16];
    size_t out = 0, in = 0, i;

    for (i = 0; i < size; i++)
        said[i] = (unsigned char)(i * 31 + i / 256);
    while (in < size) {
        ptrdiff_t n = SMTP_AGAIN, m;

        if (out < size)
            n = sc.io.send(sc.io.ctx, said + out, size - out);
        if (n < 0 && n != SMTP_AGAIN)
            return (int)n;
        out += n > 0 ? (size_t)n : 0;
        m = sc.io.recv(sc.io.ctx, heard + in, sizeof heard - in);
        if (m < 0 && m != SMTP_AGAIN)
            return (int)m;
        in += m > 0 ? (size_t)m : 0;
        if (n == SMTP_AGAIN && m == SMTP_AGAIN
            && !scene_wait(SMTP_READ | (out < size ? SMTP_WRITE : 0)))
            return SMTP_E_TIMEOUT;
    }
    return memcmp(said, heard, size) == 0 ? SMTP_OK : SMTP_E_PROTOCOL;
}

static void scene_end(void)
{
    sc.io.close(sc.io.ctx);
    CHECK_NUMBER(sc.wire.closed, 1);
    server_close(&sc.server);
}

static int all_zero(const void *data, size_t size)
{
    const unsigned char *p = (const unsigned char *)data;

    while (size > 0 && *p == 0)
        p++, size--;
    return size == 0;
}

/* ---- trust --------------------------------------------------------------- */

/* The handshake's result with this server and this trust. */
static void judge(const char *chain, const char *key, const char *trust,
                  int want)
{
    int status;

    snprintf(check_context, sizeof check_context, "%s trusting %s", chain,
             trust);
    scene_begin(chain, key, trust);
    status = scene_open();
    if (CHECK_NUMBER(status, SMTP_OK))
        status = scene_handshake();
    CHECK_NUMBER(status, want);
    CHECK(!sc.stuck);
    if (status < 0)
        CHECK_NUMBER(sc.io.recv(sc.io.ctx, sc.wire.down.data, 1), status);
    scene_end();
    check_context[0] = 0;
}

static void test_chains(void)
{
    judge("chained.chain", "chained.key", "root.pem", SMTP_OK);
    judge("chained.chain", "chained.key", "inter.pem", SMTP_OK);
    judge("chained.chain", "chained.key", "chained.pem", SMTP_OK);
    judge("chained.chain", "chained.key", "bundle.pem", SMTP_OK);
    judge("chained.pem", "chained.key", "root.pem", SMTP_E_TLS_ISSUER);
    judge("chained.chain", "chained.key", "other.pem", SMTP_E_TLS_ISSUER);
    judge("stray.chain", "chained.key", "root.pem", SMTP_E_TLS_ISSUER);
    judge("direct.pem", "direct.key", "root.pem", SMTP_OK);
    judge("direct.pem", "direct.key", "bundle.pem", SMTP_OK);
    judge("of_big.pem", "of_big.key", "big.pem", SMTP_OK);
    judge("of_p521.pem", "of_p521.key", "p521.pem", SMTP_OK);
    judge("of_big.pem", "of_big.key", "root.pem", SMTP_E_TLS_ISSUER);
    judge("expired.pem", "expired.key", "root.pem", SMTP_E_TLS_EXPIRED);
    judge("weak.pem", "weak.key", "root.pem", SMTP_E_TLS_CERT);
    judge("sha1.pem", "sha1.key", "root.pem", SMTP_E_TLS_CERT);
    judge("of_long.pem", "of_long.key", "long.pem", SMTP_E_TLS_ISSUER);
}

static void test_pins(void)
{
    judge("self.pem", "self.key", "self.pem", SMTP_OK);
    judge("self.pem", "self.key", "pins.pem", SMTP_OK);
    judge("self.pem", "self.key", "pinned.pem", SMTP_E_TLS_ISSUER);
    judge("self.pem", "self.key", "root.pem", SMTP_E_TLS_ISSUER);
    judge("pinned.pem", "pinned.key", "pins.pem", SMTP_OK);
    judge("pinned.pem", "pinned.key", "self.pem", SMTP_E_TLS_ISSUER);
    judge("root.pem", "root.key", "root.pem", SMTP_E_TLS_NAME);
}

/* Roots of one name: each is tried. */
static void test_twins(void)
{
    judge("twin.pem", "twin.key", "twins.pem", SMTP_OK);
    judge("twin.pem", "twin.key", "twin1.pem", SMTP_E_TLS_ISSUER);
    judge("chained.chain", "chained.key", "twins.pem", SMTP_OK);
}

/* More of them than there is room for: the first ones count. */
static void test_crowd(void)
{
    judge("of_crowd1.pem", "of_crowd1.key", "crowd.pem", SMTP_OK);
    judge("of_crowd4.pem", "of_crowd4.key", "crowd.pem", SMTP_E_TLS_ISSUER);
    scene_begin("of_crowd4.pem", "of_crowd4.key", "crowd.pem");
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(scene_handshake(), SMTP_E_TLS_ISSUER);
    CHECK_NUMBER(sc.tls.trust.count, 3);
    CHECK(sc.tls.trust.used < SMTP_TLS_ANCHOR_ROOM - 200);
    CHECK_NUMBER(sc.tls.trust.anchors[3].dn.len, 0);
    scene_end();
}

static void test_texts(void)
{
    judge("direct.pem", "direct.key", "crlf.pem", SMTP_OK);
    judge("direct.pem", "direct.key", "bom.pem", SMTP_OK);
    judge("direct.pem", "direct.key", "no_eol.pem", SMTP_OK);
    judge("direct.pem", "direct.key", "damaged.pem", SMTP_OK);
}

static void judge_memory(const char *trust, size_t cut, int open, int want)
{
    static unsigned char copy[4096];
    size_t size;
    unsigned char *text;
    int status;

    scene_begin("direct.pem", "direct.key", NULL);
    text = slurp(trust, &size);
    memcpy(copy, text, size);
    sc.config.trust = copy;
    sc.config.trust_size = size - cut;
    status = scene_open();
    CHECK_NUMBER(status, open);
    if (status == SMTP_OK)
        CHECK_NUMBER(scene_handshake(), want);
    scene_end();
}

static void test_memory(void)
{
    judge_memory("root.pem", 0, SMTP_OK, SMTP_OK);
    judge_memory("root.pem", 1, SMTP_OK, SMTP_OK);
    judge_memory("root.der", 0, SMTP_OK, SMTP_OK);
    judge_memory("other.pem", 0, SMTP_OK, SMTP_E_TLS_ISSUER);
    judge_memory("root.der", 1, SMTP_E_TRUST, 0);
    judge_memory("root.pem", 100, SMTP_E_TRUST, 0);
    judge_memory("none.pem", 0, SMTP_E_TRUST, 0);
    judge_memory("none.pem", 15, SMTP_E_TRUST, 0);
}

/* Bytes behind a certificate, and base64 behind its padding. */
static void test_behind(void)
{
    static unsigned char der[4096];
    static char pem[2048] = "-----BEGIN CERTIFICATE-----\nQQ==\n";
    size_t size, more, i;

    const unsigned char *root = slurp("root.der", &size);

    memcpy(der, root, size);
    for (more = 0; more < 300; more += more < 70 ? 1 : 50) {
        scene_begin("direct.pem", "direct.key", NULL);
        sc.config.trust = der;
        sc.config.trust_size = size + more;
        CHECK_NUMBER(scene_open(), more ? SMTP_E_TRUST : SMTP_OK);
        scene_end();
    }
    for (i = 0; i < 16; i++)
        strcat(pem, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w\n");
    strcat(pem, "-----END CERTIFICATE-----\n");
    scene_begin("direct.pem", "direct.key", NULL);
    sc.config.trust = pem;
    sc.config.trust_size = strlen(pem);
    CHECK_NUMBER(scene_open(), SMTP_E_TRUST);
    scene_end();
}

/* The same from the server, where any certificate will do. */
static void test_any_behind(void)
{
    const br_x509_class **vtable = &sc.tls.trust.vtable;
    static const unsigned char rest[1200] = {0};
    size_t more, at;

    for (more = 0; more <= sizeof rest; more += 400) {
        size_t size;
        scene_begin("direct.pem", "direct.key", "root.pem");
        sc.config.unsafe_no_verify = 1;
        CHECK_NUMBER(scene_open(), SMTP_OK);
        size = sc.server.chain[0].data_len;
        (*vtable)->start_chain(vtable, NAME);
        (*vtable)->start_cert(vtable, (uint32_t)(size + more));
        (*vtable)->append(vtable, sc.server.chain[0].data, size);
        for (at = 0; at < more; at += 200)
            (*vtable)->append(vtable, rest, 200);
        (*vtable)->end_cert(vtable);
        CHECK((*vtable)->end_chain(vtable) == 0 ? more == 0 : more > 0);
        scene_end();
    }
}

static void judge_anchor(const char *ca, int want)
{
    br_x509_certificate dn = {NULL, 0}, cert;
    br_x509_decoder_context decoder;
    br_x509_trust_anchor anchor;

    scene_begin("direct.pem", "direct.key", NULL);
    CHECK_NUMBER(objects(ca, &cert, 1), 1);
    br_x509_decoder_init(&decoder, put, &dn);
    br_x509_decoder_push(&decoder, cert.data, cert.data_len);
    anchor.dn.data = dn.data;
    anchor.dn.len = dn.data_len;
    anchor.flags = BR_X509_TA_CA;
    anchor.pkey = *br_x509_decoder_get_pkey(&decoder);
    sc.config.anchors = &anchor;
    sc.config.anchor_count = 1;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(scene_handshake(), want);
    scene_end();
    release(&cert, 1);
    free(dn.data);
}

static void test_anchors(void)
{
    judge_anchor("root.pem", SMTP_OK);
    judge_anchor("other.pem", SMTP_E_TLS_ISSUER);
}

/* The file goes away between the opening and the handshake. */
static void test_trust_lost(void)
{
    scene_begin("direct.pem", "direct.key", "gone.pem");
    CHECK_NUMBER(system("cp " CERTS "root.pem " CERTS "gone.pem"), 0);
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(remove(CERTS "gone.pem"), 0);
    CHECK_NUMBER(scene_handshake(), SMTP_E_TRUST);
    scene_end();
}

static void judge_name(const char *name, int open, int want)
{
    int status;

    scene_begin("direct.pem", "direct.key", "root.pem");
    sc.config.server_name = name;
    status = scene_open();
    CHECK_NUMBER(status, open);
    if (status == SMTP_OK)
        CHECK_NUMBER(scene_handshake(), want);
    scene_end();
}

/* The dot that ends a full name in DNS is in no certificate, and not told to
   the server (RFC 6066, section 3). */
static void test_full_names(void)
{
    static char long_name[257];

    judge_name("mail.example.org.", SMTP_OK, SMTP_OK);
    CHECK_TEXT(br_ssl_engine_get_server_name(&sc.server.ssl.eng), NAME);
    judge_name("A.wild.example.org.", SMTP_OK, SMTP_OK);
    judge_name("mail.example.org..", SMTP_OK, SMTP_E_TLS_NAME);
    judge_name("org.", SMTP_OK, SMTP_E_TLS_NAME);
    judge_name(".", SMTP_E_TLS_NAME, 0);
    judge_name("127.0.0.1.", SMTP_E_TLS_NAME, 0);
    memset(long_name, 'a', 255);
    judge_name(long_name, SMTP_OK, SMTP_E_TLS_NAME);
    long_name[255] = '.';
    judge_name(long_name, SMTP_OK, SMTP_E_TLS_NAME);
    long_name[255] = 'a';
    judge_name(long_name, SMTP_E_ARGUMENT, 0);
}

static void test_names(void)
{
    static char long_name[300];

    judge_name("MAIL.example.ORG", SMTP_OK, SMTP_OK);
    judge_name("a.wild.example.org", SMTP_OK, SMTP_OK);
    judge_name("a.b.wild.example.org", SMTP_OK, SMTP_E_TLS_NAME);
    judge_name("wild.example.org", SMTP_OK, SMTP_E_TLS_NAME);
    judge_name("example.org", SMTP_OK, SMTP_E_TLS_NAME);
    judge_name("mail.example.org.evil.com", SMTP_OK, SMTP_E_TLS_NAME);
    judge_name("1host", SMTP_OK, SMTP_E_TLS_NAME);
    judge_name("127.0.0.1", SMTP_E_TLS_NAME, 0);
    judge_name("::1", SMTP_E_TLS_NAME, 0);
    judge_name("[::1]", SMTP_E_TLS_NAME, 0);
    judge_name("", SMTP_E_ARGUMENT, 0);
    judge_name(NULL, SMTP_E_ARGUMENT, 0);
    memset(long_name, 'a', sizeof long_name - 1);
    judge_name(long_name, SMTP_E_ARGUMENT, 0);
}

static void judge_date(uint32_t days, int want)
{
    scene_begin("direct.pem", "direct.key", "root.pem");
    sc.config.days = days;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(scene_handshake(), want);
    scene_end();
}

static void test_dates(void)
{
    uint32_t today = (uint32_t)(time(NULL) / 86400) + 719528;

    judge_date(0, SMTP_OK);
    judge_date(today + 1, SMTP_OK);
    judge_date(today - 2, SMTP_E_TLS_EXPIRED);
    judge_date(today + 21, SMTP_E_TLS_EXPIRED);
}

static void judge_any(const char *chain, const char *key, const char *name)
{
    scene_begin(chain, key, NULL);
    sc.config.unsafe_no_verify = 1;
    sc.config.server_name = name;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(scene_handshake(), SMTP_OK);
    CHECK_NUMBER(scene_echo(1000), SMTP_OK);
    scene_end();
}

static void test_any(void)
{
    judge_any("self.pem", "self.key", "other.example.org");
    judge_any("expired.pem", "expired.key", "127.0.0.1");
    judge_any("chained.chain", "chained.key", NULL);
}

/* ---- opening ------------------------------------------------------------- */

static void test_open(void)
{
    scene_begin("direct.pem", "direct.key", "root.pem");
    sc.config.buffer_size = SMTP_TLS_BUFFER_MIN - 1;
    CHECK_NUMBER(scene_open(), SMTP_E_BUFFER);
    sc.config.buffer_size = SMTP_TLS_BUFFER_MIN;
    sc.config.buffer = NULL;
    CHECK_NUMBER(scene_open(), SMTP_E_BUFFER);
    sc.config.buffer = sc.buffer;
    sc.config.entropy = "too short";
    sc.config.entropy_size = 9;
    CHECK_NUMBER(scene_open(), SMTP_E_TLS_ENTROPY);
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, sc.buffer, 1), SMTP_E_CLOSED);
    CHECK_NUMBER(sc.io.send(sc.io.ctx, sc.buffer, 1), SMTP_E_CLOSED);
    sc.config.entropy = "as long as it has to be to be taken";
    sc.config.entropy_size = 35;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(scene_handshake(), SMTP_OK);
    CHECK(sc.io.wait == NULL);
    CHECK_NUMBER(sc.io.clock(sc.io.ctx), 4711);
    scene_end();
    judge_memory("absent.pem", 0, SMTP_E_TRUST, 0);
    scene_begin("direct.pem", "direct.key", "absent.pem");
    CHECK_NUMBER(scene_open(), SMTP_E_TRUST);
    sc.config.trust_file = CERTS;
    CHECK_NUMBER(scene_open(), SMTP_E_TRUST);
    sc.config.trust_file = CERTS "none.pem";
    CHECK_NUMBER(scene_open(), SMTP_E_TRUST);
    scene_end();
}

/* Before the session asks for TLS bytes pass as they are. */
static void test_clear(void)
{
    char text[8] = "";

    scene_begin("direct.pem", "direct.key", "root.pem");
    CHECK_NUMBER(scene_open(), SMTP_OK);
    push(&sc.wire.down, (const unsigned char *)"220 x", 5);
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, text, 7), 5);
    CHECK_TEXT(text, "220 x");
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, text, 7), SMTP_AGAIN);
    CHECK_NUMBER(sc.io.send(sc.io.ctx, "QUIT", 4), 4);
    CHECK_NUMBER(held(&sc.wire.up), 4);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, SMTP_READ), SMTP_READ);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, SMTP_WRITE), SMTP_WRITE);
    sc.io.close(sc.io.ctx);
    CHECK_NUMBER(held(&sc.wire.up), 4);
    CHECK_NUMBER(sc.wire.closed, 1);
    server_close(&sc.server);
}

static void test_implicit(void)
{
    ptrdiff_t n;
    char text[8];

    scene_begin("direct.pem", "direct.key", "root.pem");
    server_start(&sc.server);
    memcpy(sc.server.got, "220 x", 5);
    sc.server.size = 5;
    CHECK_NUMBER(smtp_tls_open(&sc.tls, &sc.lower, &sc.config, 0, &sc.io),
                 SMTP_OK);
    CHECK(sc.io.starttls == NULL);
    do
        n = sc.io.recv(sc.io.ctx, text, sizeof text);
    while (n == SMTP_AGAIN && scene_wait(SMTP_READ));
    CHECK_NUMBER(n, 5);
    CHECK(memcmp(text, "220 x", 5) == 0);
    scene_end();
}

/* ---- bytes --------------------------------------------------------------- */

static void roundtrip(size_t buffer, size_t room, size_t piece, uint32_t again)
{
    snprintf(check_context, sizeof check_context,
             "buffer %lu, room %lu, piece %lu, again %lu",
             (unsigned long)buffer, (unsigned long)room,
             (unsigned long)piece, (unsigned long)again);
    scene_begin("chained.chain", "chained.key", "root.pem");
    sc.config.buffer_size = buffer;
    sc.wire.room = room;
    sc.wire.piece = piece;
    sc.wire.again = again;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(sc.tls.client.eng.ibuf != sc.tls.client.eng.obuf,
                 buffer >= SMTP_TLS_BUFFER_DUPLEX);
    CHECK_NUMBER(scene_handshake(), SMTP_OK);
    CHECK_NUMBER(scene_echo(1), SMTP_OK);
    CHECK_NUMBER(scene_echo(20000), SMTP_OK);
    CHECK(!sc.stuck);
    sc.wire.room = sizeof sc.wire.up.data;
    sc.wire.again = 0;
    scene_end();
    CHECK(all_zero(sc.buffer, sizeof sc.buffer));
    CHECK(all_zero(&sc.tls.client, sizeof sc.tls.client));
    serve(&sc.server, &sc.wire);
    CHECK_NUMBER(br_ssl_engine_last_error(&sc.server.ssl.eng), BR_ERR_OK);
    CHECK_NUMBER(br_ssl_engine_current_state(&sc.server.ssl.eng),
                 BR_SSL_CLOSED);
    check_context[0] = 0;
}

static void test_roundtrips(void)
{
    static const size_t buffers[] = {
        SMTP_TLS_BUFFER_MIN, 838, 1400, 4500, SMTP_TLS_BUFFER_FULL,
        SMTP_TLS_BUFFER_DUPLEX - 1, SMTP_TLS_BUFFER_DUPLEX,
        SMTP_TLS_BUFFER_FAST - 1, SMTP_TLS_BUFFER_FAST + 10000
    };
    static const size_t pieces[] = {1, 7, 30000};
    size_t i, j;

    for (i = 0; i < sizeof buffers / sizeof *buffers; i++)
        for (j = 0; j < 3; j++) {
            roundtrip(buffers[i], 30000, pieces[j], 0);
            roundtrip(buffers[i], pieces[j], pieces[j], 1);
        }
}

/* The Nth call below fails, once or for good, for every N: an error comes up
   and stays, or it was not needed. */
static int fail_at(long n, int ever, size_t buffer)
{
    int status, again;
    char c;

    snprintf(check_context, sizeof check_context,
             "buffer %lu, failure at call %ld%s", (unsigned long)buffer, n,
             ever ? " and after" : "");
    scene_begin("direct.pem", "direct.key", "root.pem");
    sc.config.buffer_size = buffer;
    sc.wire.piece = 300;
    sc.wire.fail_at = n;
    sc.wire.fail_ever = ever;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    status = scene_handshake();
    if (status == SMTP_OK)
        status = scene_echo(2000);
    CHECK(status == SMTP_OK || status == SMTP_E_IO);
    CHECK(!sc.stuck);
    again = (int)sc.io.send(sc.io.ctx, "x", 1);
    CHECK_NUMBER(again, status == SMTP_OK ? 1 : SMTP_E_IO);
    if (status != SMTP_OK)
        CHECK_NUMBER(sc.io.recv(sc.io.ctx, &c, 1), SMTP_E_IO);
    scene_end();
    check_context[0] = 0;
    return status != SMTP_OK;
}

static void test_failures(void)
{
    static const size_t buffers[] = {1000, SMTP_TLS_BUFFER_FAST};
    long n;
    int i;

    for (i = 0; i < 4; i++) {
        for (n = 1; fail_at(n, i & 1, buffers[i / 2]); n++)
            continue;
        CHECK(n > 20);
    }
}

/* ---- ends ---------------------------------------------------------------- */

static int read_end(void)
{
    char c;
    ptrdiff_t n;

    do
        n = sc.io.recv(sc.io.ctx, &c, 1);
    while (n > 0 || (n == SMTP_AGAIN && scene_wait(SMTP_READ)));
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, &c, 1), n);
    CHECK_NUMBER(sc.io.send(sc.io.ctx, "x", 1), n);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, SMTP_READ), SMTP_READ | SMTP_WRITE);
    return (int)n;
}

static void scene_connected(size_t buffer)
{
    scene_begin("direct.pem", "direct.key", "root.pem");
    sc.config.buffer_size = buffer;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(scene_handshake(), SMTP_OK);
    CHECK_NUMBER(scene_echo(100), SMTP_OK);
}

static void judge_end(size_t buffer, int notify, int sends_fail, int want)
{
    scene_connected(buffer);
    if (notify)
        br_ssl_engine_close(&sc.server.ssl.eng);
    serve(&sc.server, &sc.wire);
    sc.wire.sends_fail = sends_fail;
    sc.wire.eof = 1;
    CHECK_NUMBER(read_end(), want);
    scene_end();
}

static void test_ends(void)
{
    static const size_t buffers[] = {SMTP_TLS_BUFFER_MIN, SMTP_TLS_BUFFER_FAST};
    int i;

    for (i = 0; i < 2; i++) {
        judge_end(buffers[i], 1, 0, SMTP_EOF);
        judge_end(buffers[i], 1, 1, SMTP_EOF);
        judge_end(buffers[i], 0, 0, SMTP_E_TLS_CUT);
        judge_end(buffers[i], 0, 1, SMTP_E_TLS_CUT);
    }
}

/* Cut within the handshake, after every byte of the server's. */
static void test_cut_handshake(void)
{
    size_t cut;
    int status = SMTP_E_TLS_CUT;

    for (cut = 0; status == SMTP_E_TLS_CUT; cut += 13) {
        scene_begin("direct.pem", "direct.key", "root.pem");
        CHECK_NUMBER(scene_open(), SMTP_OK);
        do {
            status = sc.io.starttls(sc.io.ctx);
            serve(&sc.server, &sc.wire);
            if (sc.wire.down.to >= cut) {
                sc.wire.down.to = cut;
                sc.wire.eof = 1;
            }
        } while (status == SMTP_AGAIN);
        scene_end();
    }
    CHECK_NUMBER(status, SMTP_OK);
    CHECK(cut > 1000);
}

/* What was sent before a failed write is still told: a reply says more. `late`:
   the write fails when the record has waited for a while. */
static void judge_last_words(size_t buffer, int late)
{
    char text[200];

    snprintf(check_context, sizeof check_context, "buffer %lu, late %d",
             (unsigned long)buffer, late);
    scene_connected(buffer);
    memcpy(sc.server.got + sc.server.size, "421 bye", 7);
    sc.server.size += 7;
    serve(&sc.server, &sc.wire);
    sc.wire.room = 0;
    sc.wire.sends_fail = !late;
    CHECK_NUMBER(sc.io.send(sc.io.ctx, "NOOP", 4), 4);
    sc.wire.sends_fail = 1;
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, text, sizeof text), 7);
    CHECK(memcmp(text, "421 bye", 7) == 0);
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, text, sizeof text), SMTP_E_IO);
    CHECK_NUMBER(sc.io.send(sc.io.ctx, "NOOP", 4), SMTP_E_IO);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, SMTP_READ), SMTP_READ | SMTP_WRITE);
    scene_end();
    check_context[0] = 0;
}

static void test_last_words(void)
{
    static const size_t buffers[] = {1000, SMTP_TLS_BUFFER_FULL,
                                     SMTP_TLS_BUFFER_FAST};
    int i, late;

    for (i = 0; i < 3; i++)
        for (late = 0; late < 2; late++)
            judge_last_words(buffers[i], late);
}

/* After a would-block the session waits for what is missing, no longer. */
static void test_wants(void)
{
    scene_connected(SMTP_TLS_BUFFER_FAST);
    sc.wire.room = 10;
    CHECK_NUMBER(sc.io.send(sc.io.ctx, "NOOP", 4), 4);
    CHECK_NUMBER(sc.io.send(sc.io.ctx, "NOOP", 4), SMTP_AGAIN);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, SMTP_WRITE), SMTP_READ | SMTP_WRITE);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, 0), 0);
    sc.wire.room = 1000;
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, sc.server.got, 1), SMTP_AGAIN);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, SMTP_READ), SMTP_READ);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, SMTP_READ | SMTP_WRITE),
                 SMTP_READ | SMTP_WRITE);
    scene_end();
}

/* With one direction at a time, what is unread keeps from writing. */
static void test_wants_unread(void)
{
    char c;

    scene_connected(1000);
    memcpy(sc.server.got + sc.server.size, "250 ok", 6);
    sc.server.size += 6;
    serve(&sc.server, &sc.wire);
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, &c, 1), 1);
    CHECK_NUMBER(sc.io.send(sc.io.ctx, "NOOP", 4), SMTP_AGAIN);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, SMTP_WRITE), SMTP_READ | SMTP_WRITE);
    scene_end();
}

/* The server may ask for a new handshake; it does not get one. */
static void test_renegotiation(void)
{
    size_t before;

    scene_connected(SMTP_TLS_BUFFER_FAST);
    before = sc.server.ssl.eng.session.session_id[0];
    CHECK(br_ssl_engine_renegotiate(&sc.server.ssl.eng));
    memset(&sc.wire.down, 0, sizeof sc.wire.down);
    serve(&sc.server, &sc.wire);
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, &before, 1), SMTP_AGAIN);
    serve(&sc.server, &sc.wire);
    CHECK(sc.wire.down.to < 200);
    scene_end();
}

static void test_old_version(void)
{
    int status;

    scene_begin("direct.pem", "direct.key", "root.pem");
    br_ssl_engine_set_versions(&sc.server.ssl.eng, BR_TLS10, BR_TLS11);
    CHECK_NUMBER(scene_open(), SMTP_OK);
    status = scene_handshake();
    CHECK_NUMBER(status, SMTP_E_TLS_VERSION);
    scene_end();
}

/* No write goes through: closing ends all the same, after a bounded wait. */
static void test_goodbye(void)
{
    scene_begin("direct.pem", "direct.key", "root.pem");
    sc.lower.wait = wire_wait;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(scene_handshake(), SMTP_OK);
    serve(&sc.server, &sc.wire);
    sc.wire.room = 0;
    CHECK_NUMBER(sc.io.send(sc.io.ctx, "x", 1), 1);
    CHECK_NUMBER(sc.io.wants(sc.io.ctx, SMTP_WRITE), SMTP_READ | SMTP_WRITE);
    scene_end();
    CHECK(sc.wire.waits > 0 && sc.wire.waits < 10);
}

/* Bytes that are not TLS, and damaged ones. */
static void judge_bytes(const char *bytes, size_t size, int want)
{
    scene_begin("direct.pem", "direct.key", "root.pem");
    CHECK_NUMBER(scene_open(), SMTP_OK);
    push(&sc.wire.down, (const unsigned char *)bytes, size);
    sc.wire.eof = 1;
    CHECK_NUMBER(scene_handshake(), want);
    scene_end();
}

static void test_alien(void)
{
    judge_bytes("220 mail.example.org\r\n", 22, SMTP_E_TLS_VERSION);
    judge_bytes("\x15\x03\x03\0\2\2\x28", 7, SMTP_E_TLS_VERSION);
    judge_bytes("\x15\x03\x03\0\2\2\x46", 7, SMTP_E_TLS_VERSION);
    judge_bytes("\x15\x03\x03\0\2\2\x50", 7, SMTP_E_TLS_ALERT);
    judge_bytes("\x16\x03\x03\0\1", 5, SMTP_E_TLS_CUT);
    judge_bytes("\x16\x03\x03\0\4\x0e\0\0\0", 9, SMTP_E_TLS);
    judge_bytes("", 0, SMTP_E_TLS_CUT);
}

/* Handshake messages that the server may say in clear. */
static size_t put_message(unsigned char *to, int type, const void *head,
                          size_t head_size, const void *rest, size_t size)
{
    size_t all = head_size + size;

    to[0] = 0x16, to[1] = to[2] = 3;
    to[3] = (unsigned char)((all + 4) >> 8);
    to[4] = (unsigned char)(all + 4);
    to[5] = (unsigned char)type, to[6] = 0;
    to[7] = (unsigned char)(all >> 8);
    to[8] = (unsigned char)all;
    memcpy(to + 9, head, head_size);
    memcpy(to + 9 + head_size, rest, size);
    return 9 + all;
}

/* A request for a client certificate that lists half an algorithm. */
static void test_bad_request(void)
{
    static unsigned char bytes[3000], hello[38] = {3, 3};
    static const unsigned char request[] = {1, 1, 0, 3, 4, 1, 4, 0, 0};
    unsigned char lengths[6] = {0};
    br_x509_certificate cert;
    size_t size;

    CHECK_NUMBER(objects("direct.pem", &cert, 1), 1);
    hello[36] = 0x9C;              /* RSA, AES-128-GCM */
    lengths[1] = (unsigned char)((cert.data_len + 3) >> 8);
    lengths[2] = (unsigned char)(cert.data_len + 3);
    lengths[4] = (unsigned char)(cert.data_len >> 8);
    lengths[5] = (unsigned char)cert.data_len;
    size = put_message(bytes, 2, hello, sizeof hello, "", 0);
    size += put_message(bytes + size, 11, lengths, 6, cert.data,
                        cert.data_len);
    size += put_message(bytes + size, 13, request, sizeof request, "", 0);
    judge_bytes((const char *)bytes, size, SMTP_E_TLS);
    release(&cert, 1);
}

static void test_damage(void)
{
    char c;

    scene_connected(SMTP_TLS_BUFFER_FAST);
    memcpy(sc.server.got + sc.server.size, "250 ok", 6);
    sc.server.size += 6;
    serve(&sc.server, &sc.wire);
    CHECK(held(&sc.wire.down) > 6);
    sc.wire.down.data[sc.wire.down.to - 1] ^= 1;
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, &c, 1), SMTP_E_TLS);
    CHECK_NUMBER(sc.tls.error, BR_ERR_BAD_MAC);
    scene_end();
}

/* A server that pays no heed to max_fragment_length. */
static void test_record_size(void)
{
    static unsigned char text[2000];
    char c;

    scene_connected(1000);
    sc.server.ssl.eng.max_frag_len = 16384;
    sc.server.ssl.eng.log_max_frag_len = 14;
    memset(text, 'x', sizeof text);
    push(&sc.wire.down, (const unsigned char *)"\x17\x03\x03\x07\xd0", 5);
    push(&sc.wire.down, text, sizeof text);
    CHECK_NUMBER(sc.io.recv(sc.io.ctx, &c, 1), SMTP_E_TLS_RECORD);
    scene_end();
}

/* A lower layer that breaks its contract. */
static ptrdiff_t liar_recv(void *ctx, void *buffer, size_t size)
{
    (void)ctx, (void)buffer;
    return (ptrdiff_t)size + 1;
}

static ptrdiff_t liar_send(void *ctx, const void *data, size_t size)
{
    (void)ctx, (void)data;
    return (ptrdiff_t)size + 1;
}

static ptrdiff_t wild_recv(void *ctx, void *buffer, size_t size)
{
    (void)ctx, (void)buffer, (void)size;
    return -1000;
}

static void test_liars(void)
{
    int i;

    for (i = 0; i < 3; i++) {
        scene_begin("direct.pem", "direct.key", "root.pem");
        if (i == 0)
            sc.lower.recv = liar_recv;
        else if (i == 1)
            sc.lower.send = liar_send;
        else
            sc.lower.recv = wild_recv;
        CHECK_NUMBER(scene_open(), SMTP_OK);
        CHECK_NUMBER(sc.io.starttls(sc.io.ctx), SMTP_E_IO);
        scene_end();
    }
}

/* Empty records without end. */
static long flooded;               /* bytes */

static ptrdiff_t flood_recv(void *ctx, void *buffer, size_t size)
{
    static const unsigned char record[5] = {0x16, 3, 3, 0, 0};
    size_t i;

    (void)ctx;
    for (i = 0; i < size; i++)
        ((unsigned char *)buffer)[i] = record[flooded++ % 5];
    return (ptrdiff_t)size;
}

static void test_flood(void)
{
    scene_begin("direct.pem", "direct.key", "root.pem");
    sc.lower.recv = flood_recv;
    flooded = 0;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(sc.io.starttls(sc.io.ctx), SMTP_E_TLS);
    CHECK(flooded > 100000);
    scene_end();
}

/* The same where the transport can wait: the session's limit holds. */
static unsigned long flood_clock(void *ctx)
{
    (void)ctx;
    return (unsigned long)flooded;
}

static void test_flood_limit(void)
{
    smtp_config config;
    smtp_session session;
    char buffer[200];

    memset(&config, 0, sizeof config);
    config.tls = SMTP_TLS_IMPLICIT;
    config.timeout.greeting = 1;
    scene_begin("direct.pem", "direct.key", "root.pem");
    sc.lower.recv = flood_recv;
    sc.lower.wait = wire_wait;
    sc.lower.clock = flood_clock;
    flooded = 0;
    CHECK_NUMBER(smtp_tls_open(&sc.tls, &sc.lower, &sc.config, 0, &sc.io),
                 SMTP_OK);
    CHECK_NUMBER(smtp_open(&session, &sc.io, &config, buffer, sizeof buffer),
                 SMTP_OK);
    CHECK_NUMBER(smtp_run(&session), SMTP_E_TIMEOUT);
    CHECK(flooded < 1100);
    smtp_close(&session);
    server_close(&sc.server);
}

/* A transport that blocks, and a server that drips. */
static unsigned drips;
static unsigned long drip_mask;

/* Wraps around on the way, at the bits of the mask. */
static unsigned long drip_clock(void *ctx)
{
    (void)ctx;
    return (drips * 20000ul - 90000) & drip_mask;
}

static ptrdiff_t drip_recv(void *ctx, void *buffer, size_t size)
{
    static const unsigned char hello[11] = {0x16, 3, 3, 0x40, 0,
                                            2, 0, 0x3F, 0xFC, 3, 3};

    (void)ctx, (void)size;
    *(unsigned char *)buffer = drips < 11 ? hello[drips] : 0;
    drips++;
    return 1;
}

static void test_drip(unsigned long mask)
{
    drip_mask = mask;
    scene_begin("direct.pem", "direct.key", "root.pem");
    sc.lower.recv = drip_recv;
    sc.lower.clock = drip_clock;
    drips = 0;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(sc.io.starttls(sc.io.ctx), SMTP_E_TIMEOUT);
    CHECK_NUMBER(drips, 31);
    scene_end();
}

/* Certificates without end: the trusted ones are not searched for each. */
static void test_endless_chain(void)
{
    const br_x509_class **vtable = &sc.tls.trust.vtable;
    int i;

    scene_begin("chained.chain", "chained.key", "inter.pem");
    CHECK_NUMBER(scene_open(), SMTP_OK);
    (*vtable)->start_chain(vtable, NAME);
    for (i = 0; i < SMTP__TRUST_LOOKS + 1; i++) {
        size_t size = sc.server.chain[0].data_len;

        sc.tls.trust.count = 0;
        (*vtable)->start_cert(vtable, (uint32_t)size);
        (*vtable)->append(vtable, sc.server.chain[0].data, size);
        (*vtable)->end_cert(vtable);
        CHECK_NUMBER(sc.tls.trust.count, i < SMTP__TRUST_LOOKS);
    }
    scene_end();
}

/* ---- client certificates and sessions ------------------------------------ */

static void judge_client(const char *cert, const char *key, int open,
                         int want)
{
    size_t suites;
    char cert_path[256], key_path[256];
    int status;

    snprintf(check_context, sizeof check_context, "client %s", cert);
    snprintf(cert_path, sizeof cert_path, CERTS "%s", cert);
    snprintf(key_path, sizeof key_path, CERTS "%s", key ? key : "");
    scene_begin("direct.pem", "direct.key", "root.pem");
    server_demand(&sc.server);
    sc.config.cert_file = *cert ? cert_path : NULL;
    sc.config.key_file = key ? key_path : NULL;
    status = scene_open();
    CHECK_NUMBER(status, open);
    if (status == SMTP_OK)
        status = scene_handshake();
    if (status == SMTP_OK)
        status = scene_echo(5000);
    CHECK_NUMBER(status, open == SMTP_OK ? want : open);
    if (status == SMTP_OK)
        CHECK(br_ssl_server_get_client_suites(&sc.server.ssl, &suites)
              != NULL);
    scene_end();
    check_context[0] = 0;
}

static void test_client_cert(void)
{
    judge_client("client_rsa.pem", "client_rsa.key", SMTP_OK, SMTP_OK);
    judge_client("client_rsa.both", NULL, SMTP_OK, SMTP_OK);
    judge_client("client_big.pem", "big.key", SMTP_OK, SMTP_OK);
    judge_client("client_huge.pem", "client_huge.key", SMTP_E_CLIENT_CERT, 0);
    judge_client("client_ec.pem", "client_ec.key", SMTP_OK, SMTP_OK);
    judge_client("client_ec.pem", "client_ec.p8", SMTP_OK, SMTP_OK);
    judge_client("client_ec.pem", "client_ec.locked", SMTP_E_CLIENT_CERT, 0);
    judge_client("client_ec.pem", "client_rsa.key", SMTP_E_CLIENT_CERT, 0);
    judge_client("client_ec.pem", "chained.key", SMTP_E_CLIENT_CERT, 0);
    judge_client("client_rsa.pem", "direct.key", SMTP_E_CLIENT_CERT, 0);
    judge_client("client_rsa.pem", "big.key", SMTP_E_CLIENT_CERT, 0);
    judge_client("client_big.pem", "direct.key", SMTP_E_CLIENT_CERT, 0);
    judge_client("client_bom.pem", NULL, SMTP_OK, SMTP_OK);
    judge_client("client_rsa.pem", NULL, SMTP_E_CLIENT_CERT, 0);
    judge_client("client_rsa.pem", "absent.key", SMTP_E_CLIENT_CERT, 0);
    judge_client("absent.pem", NULL, SMTP_E_CLIENT_CERT, 0);
    judge_client("client_long.pem", "client_rsa.key", SMTP_E_CLIENT_CERT, 0);
    judge_client("", "client_rsa.key", SMTP_E_CLIENT_CERT, 0);
    judge_client("client_damaged.pem", NULL, SMTP_OK, SMTP_OK);
    judge_client("self.pem", "self.key", SMTP_OK, SMTP_E_TLS_CUT);
}

/* Certificate and key take from the records' room, to the byte. */
static void test_client_room(void)
{
    size_t size;
    int status = SMTP_E_BUFFER;

    for (size = 900; status == SMTP_E_BUFFER; size++) {
        scene_begin("direct.pem", "direct.key", "root.pem");
        sc.config.cert_file = CERTS "client_rsa.both";
        sc.config.buffer_size = size;
        memset(sc.buffer + size, 0xA5, sizeof sc.buffer - size);
        status = scene_open();
        if (status == SMTP_OK) {
            CHECK_NUMBER(sc.tls.room, SMTP_TLS_BUFFER_MIN);
            server_demand(&sc.server);
            CHECK_NUMBER(scene_handshake(), SMTP_OK);
        }
        scene_end();
        CHECK(all_zero(sc.buffer, size));
        CHECK_NUMBER(sc.buffer[size], 0xA5);
        CHECK_NUMBER(sc.buffer[size + 500], 0xA5);
    }
    CHECK_NUMBER(status, SMTP_OK);
}

static void test_client_memory(void)
{
    br_x509_certificate cert;
    br_skey_decoder_context key;

    scene_begin("direct.pem", "direct.key", "root.pem");
    CHECK_NUMBER(objects("client_ec.key", &cert, 1), 1);
    br_skey_decoder_init(&key);
    br_skey_decoder_push(&key, cert.data, cert.data_len);
    release(&cert, 1);
    CHECK_NUMBER(objects("client_ec.pem", &cert, 1), 1);
    server_demand(&sc.server);
    sc.config.chain = &cert;
    sc.config.chain_count = 1;
    CHECK_NUMBER(scene_open(), SMTP_E_CLIENT_CERT);
    sc.config.ec_key = br_skey_decoder_get_ec(&key);
    sc.config.ec_issuer = BR_KEYTYPE_RSA;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK_NUMBER(scene_handshake(), SMTP_OK);
    CHECK_NUMBER(scene_echo(10), SMTP_OK);
    scene_end();
    release(&cert, 1);
}

/* The second handshake resumes: the server's certificate is not even sent. */
static void test_session(void)
{
    static unsigned char store[1000];
    br_ssl_session_cache_lru cache;
    br_ssl_session_parameters session;
    size_t bytes[4];
    int i;

    memset(&session, 0, sizeof session);
    br_ssl_session_cache_lru_init(&cache, store, sizeof store);
    for (i = 0; i < 4; i++) {
        scene_begin("direct.pem", "direct.key", "root.pem");
        br_ssl_server_set_cache(&sc.server.ssl, &cache.vtable);
        sc.config.session = &session;
        if (i == 2)
            memset(session.session_id, 7, sizeof session.session_id);
        if (i == 3)
            session.version = BR_TLS11;
        CHECK_NUMBER(scene_open(), SMTP_OK);
        CHECK_NUMBER(scene_handshake(), SMTP_OK);
        bytes[i] = sc.wire.down.to;
        CHECK_NUMBER(session.session_id_len, 32);
        CHECK_NUMBER(session.version, BR_TLS12);
        CHECK_NUMBER(scene_echo(100), SMTP_OK);
        scene_end();
    }
    CHECK(bytes[1] < bytes[0] / 2);
    CHECK_NUMBER(bytes[2], bytes[0]);
    CHECK_NUMBER(bytes[3], bytes[0]);
}

/* ---- channel binding ----------------------------------------------------- */

/* RFC 5929, section 4.1: the server's own certificate by the hash of its
   signature. 0 bytes: the handshake has shown none. */
static void judge_binding(const char *chain, const char *key,
                          const br_hash_class *hash, int again)
{
    static br_ssl_session_parameters session;
    static unsigned char store[1000];
    static br_ssl_session_cache_lru cache;
    unsigned char want[64];
    size_t size = (hash->desc >> BR_HASHDESC_OUT_OFF) & BR_HASHDESC_OUT_MASK;
    br_hash_compat_context context;
    br_x509_certificate certs[4];
    size_t count = objects(chain, certs, 4);
    smtp_scram x;
    const void *digest;

    if (!again) {
        memset(&session, 0, sizeof session);
        br_ssl_session_cache_lru_init(&cache, store, sizeof store);
    }
    hash->init(&context.vtable);
    hash->update(&context.vtable, certs[0].data, certs[0].data_len);
    hash->out(&context.vtable, want);
    release(certs, count);
    scene_begin(chain, key, NULL);
    br_ssl_server_set_cache(&sc.server.ssl, &cache.vtable);
    sc.config.unsafe_no_verify = 1;
    sc.config.session = &session;
    memset(&x, 0, sizeof x);
    x.tls = &sc.tls;
    CHECK_NUMBER(scene_open(), SMTP_OK);
    CHECK(smtp__scram_binding(&x, &count) == NULL);
    CHECK_NUMBER(scene_handshake(), SMTP_OK);
    digest = smtp__scram_binding(&x, &count);
    CHECK((digest == NULL) == again);
    if (digest) {
        CHECK_NUMBER(count, size);
        CHECK(memcmp(digest, want, size) == 0);
    }
    scene_end();
}

static void test_binding(void)
{
    judge_binding("direct.pem", "direct.key", &br_sha256_vtable, 0);
    judge_binding("direct.pem", "direct.key", &br_sha256_vtable, 1);
    judge_binding("chained.chain", "chained.key", &br_sha256_vtable, 0);
    judge_binding("of_384.pem", "of_384.key", &br_sha384_vtable, 0);
    judge_binding("ec_384.chain", "ec_384.key", &br_sha384_vtable, 0);
    judge_binding("of_512.pem", "of_512.key", &br_sha512_vtable, 0);
    judge_binding("sha1.pem", "sha1.key", &br_sha256_vtable, 0);
}

int main(void)
{
    check_begin();
    check_alarm(100);
    CHECK_NUMBER(system("tests/unit/tls_certs.sh " CERTS), 0);
    test_chains();
    test_pins();
    test_twins();
    test_crowd();
    test_texts();
    test_memory();
    test_behind();
    test_any_behind();
    test_anchors();
    test_trust_lost();
    test_names();
    test_full_names();
    test_dates();
    test_any();
    test_open();
    test_clear();
    test_implicit();
    test_roundtrips();
    test_failures();
    test_ends();
    test_cut_handshake();
    test_last_words();
    test_wants();
    test_wants_unread();
    test_renegotiation();
    test_old_version();
    test_goodbye();
    test_alien();
    test_bad_request();
    test_damage();
    test_record_size();
    test_liars();
    test_flood();
    test_flood_limit();
    test_drip(0ul - 1);
    test_drip(0xffffffff);
    test_endless_chain();
    test_client_cert();
    test_client_room();
    test_client_memory();
    test_session();
    test_binding();
    return check_end();
}

/* sasl.c - logins that take more than a name and a password: SCRAM against a
   server of its own and the vectors of RFC 5802 and RFC 7677, CRAM-MD5, OAuth,
   EXTERNAL, a caller's mechanism; which one is chosen; servers that cheat */
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "sweep.h"

#define HELLO "EHLO [127.0.0.1]\n"
#define BOX "tls implicit\nuser box\npassword secret\nnext\n"
#define NONCE "fyko+d2lbbFgONRv9qkxdawL"
#define SCRAM "tls implicit\nuser user\npassword pencil\nnext\nscram " NONCE "\n"

static sweep s;

/* ---- a second SCRAM ------------------------------------------------------ */

/* What a server knows and says; RFC 5802, section 3. */
typedef struct exchange {
    int hash;                      /* SMTP_SHA1 or SMTP_SHA256 */
    const char *user, *password;   /* the name as it is escaped */
    const char *header, *binding;  /* gs2-header; "" */
    const char *nonce, *suffix;    /* the client's, what the server adds */
    const char *salt;
    unsigned count;
    bytes first, challenge, final, signature;   /* the four messages */
} exchange;

static void hmac(void *ctx, int hash, const void *key, size_t key_size,
                 const void *data, size_t size, void *result)
{
    const br_hash_class *h = hash == SMTP_MD5 ? &br_md5_vtable
                             : hash == SMTP_SHA1 ? &br_sha1_vtable
                                                 : &br_sha256_vtable;
    br_hmac_key_context keyed;
    br_hmac_context one;
    br_hash_compat_context plain;
    (void)ctx;
    if (key) {
        br_hmac_key_init(&keyed, h, key, key_size);
        br_hmac_init(&one, &keyed, 0);
        br_hmac_update(&one, data, size);
        br_hmac_out(&one, result);
        return;
    }
    h->init(&plain.vtable);
    h->update(&plain.vtable, data, size);
    h->out(&plain.vtable, result);
}

/* Base64 bit by bit. */
static void encode(bytes *to, const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)data;
    size_t bit, k;
    for (bit = 0; bit < 8 * size; bit += 6) {
        unsigned value = 0;
        for (k = bit; k < bit + 6; k++) {
            unsigned byte = k / 8 < size ? p[k / 8] : 0u;
            value = value * 2 + (byte >> (7 - k % 8) & 1u);
        }
        bytes_add(to, digits + value, 1);
    }
    while (bit % 8 != 0) {
        bytes_text(to, "=");
        bit += 6;
    }
}

static void salted(const exchange *e, unsigned char *sum)
{
    unsigned char last[64];
    size_t n = strlen(e->salt), size = strlen(e->password), i;
    unsigned left;
    bytes salt = {NULL, 0, 0};
    bytes_add(&salt, e->salt, n);
    bytes_add(&salt, "\0\0\0\1", 4);
    hmac(NULL, e->hash, e->password, size, salt.data, n + 4, last);
    memcpy(sum, last, (size_t)e->hash);
    for (left = e->count - 1; left; left--) {
        hmac(NULL, e->hash, e->password, size, last, (size_t)e->hash, last);
        for (i = 0; i < (size_t)e->hash; i++)
            sum[i] ^= last[i];
    }
    bytes_free(&salt);
}

static void prove(exchange *e, const bytes *message)
{
    unsigned char sum[32], key[32], proof[32];
    size_t n = (size_t)e->hash, i;
    salted(e, sum);
    hmac(NULL, e->hash, sum, n, "Client Key", 10, key);
    hmac(NULL, e->hash, NULL, 0, key, n, proof);
    hmac(NULL, e->hash, proof, n, message->data, message->size, proof);
    for (i = 0; i < n; i++)
        proof[i] ^= key[i];
    bytes_text(&e->final, ",p=");
    encode(&e->final, proof, n);
    hmac(NULL, e->hash, sum, n, "Server Key", 10, key);
    hmac(NULL, e->hash, key, n, message->data, message->size, proof);
    bytes_text(&e->signature, "v=");
    encode(&e->signature, proof, n);
}

static void add_nonce(bytes *to, const exchange *e)
{
    bytes_text(to, e->nonce);
    bytes_text(to, e->suffix);
}

static void exchange_free(exchange *e)
{
    bytes_free(&e->first);
    bytes_free(&e->challenge);
    bytes_free(&e->final);
    bytes_free(&e->signature);
}

static void exchange_make(exchange *e)
{
    bytes message = {NULL, 0, 0}, bound = {NULL, 0, 0};
    char count[24];
    exchange_free(e);
    bytes_text(&message, "n=");
    bytes_text(&message, e->user);
    bytes_text(&message, ",r=");
    bytes_text(&message, e->nonce);
    bytes_text(&e->first, e->header);
    bytes_text(&e->first, message.data);
    bytes_text(&e->challenge, "r=");
    add_nonce(&e->challenge, e);
    bytes_text(&e->challenge, ",s=");
    encode(&e->challenge, e->salt, strlen(e->salt));
    snprintf(count, sizeof count, ",i=%u", e->count);
    bytes_text(&e->challenge, count);
    bytes_text(&bound, e->header);
    bytes_text(&bound, e->binding);
    bytes_text(&e->final, "c=");
    encode(&e->final, bound.data, bound.size);
    bytes_text(&e->final, ",r=");
    add_nonce(&e->final, e);
    bytes_text(&message, ",");
    bytes_text(&message, e->challenge.data);
    bytes_text(&message, ",");
    bytes_text(&message, e->final.data);
    prove(e, &message);
    bytes_free(&message);
    bytes_free(&bound);
}

static exchange plain_exchange(void)
{
    static const exchange e = {
        SMTP_SHA1, "user", "pencil", "n,,", "", NONCE, "3rfcNHYJY1ZVvWVs7j",
        "A%\302G\344:\261\351<m\377v", 4096,
        {NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}
    };
    return e;
}

/* RFC 5802, section 5; RFC 7677, section 3. */
static void check_vectors(void)
{
    exchange e = plain_exchange();
    exchange_make(&e);
    CHECK_TEXT(e.first.data, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    CHECK_TEXT(e.challenge.data, "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
               "s=QSXCR+Q6sek8bf92,i=4096");
    CHECK_TEXT(e.final.data, "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs"
               "7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
    CHECK_TEXT(e.signature.data, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    e.hash = SMTP_SHA256;
    e.nonce = "rOprNGfwEbeRWgbNEkqO";
    e.suffix = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    e.salt = "[m\231h\235\0225\216\354\240K\024\0226\372\201";
    exchange_make(&e);
    CHECK_TEXT(e.final.data, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFI"
               "lj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    CHECK_TEXT(e.signature.data,
               "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    exchange_free(&e);
}

/* ---- playing ------------------------------------------------------------- */

/* 4096 iterations are too slow for every way there is. */
static void play_few(const dialogue *text)
{
    scene_read(&s.what, text);
    play_scene(&s.p, &s.what);
    sweep_few(&s, "a login");
}

static void add_line(bytes *to, const char *word, const char *message)
{
    bytes_text(to, word);
    if (message)
        encode(to, message, strlen(message));
    bytes_text(to, "\n");
}

/* The dialogue of an exchange that goes well. */
static void play_exchange(const exchange *e, const char *mechanism,
                          const char *more, int initial)
{
    bytes setup = {NULL, 0, 0}, said = {NULL, 0, 0};
    dialogue text = {"SCRAM", NULL, NULL, "end OK\n"};
    bytes_text(&setup, SCRAM);
    bytes_text(&setup, more);
    bytes_text(&setup, initial ? "" : "no_initial_response\nAUTH 334 \n");
    add_line(&setup, initial ? "AUTH 334 " : "RESPONSE 334 ",
             e->challenge.data);
    add_line(&setup, "RESPONSE 334 ", e->signature.data);
    bytes_text(&said, HELLO "AUTH ");
    bytes_text(&said, mechanism);
    add_line(&said, initial ? " " : "\n", e->first.data);
    add_line(&said, "", e->final.data);
    bytes_text(&said, "\nQUIT\n");
    text.setup = setup.data;
    text.said = said.data;
    play_few(&text);
    CHECK_NUMBER(s.p.session.mechanism, 0);
    bytes_free(&setup);
    bytes_free(&said);
}

/* gs2-header: "n", no binding; "y", there is one, the server offers none; "p",
   the binding (RFC 5802, section 6). */
static void check_scram(void)
{
    static const struct {
        const char *mechanism, *header, *binding, *more;
        int hash;
    } cases[] = {
        {"SCRAM-SHA-1", "n,,", "", "offer AUTH SCRAM-SHA-1\n", SMTP_SHA1},
        {"SCRAM-SHA-256", "n,,", "", "offer AUTH SCRAM-SHA-1 SCRAM-SHA-256 "
         "CRAM-MD5 PLAIN LOGIN\n", SMTP_SHA256},
        {"SCRAM-SHA-256", "n,,", "", "hmac\noffer AUTH SCRAM-SHA-256\n",
         SMTP_SHA256},
        {"SCRAM-SHA-1", "n,,", "", "hmac\nslice 100\n"
         "offer AUTH SCRAM-SHA-1\n", SMTP_SHA1},
        {"SCRAM-SHA-1", "n,,", "", "slice 4095\niterations 4096\n"
         "offer AUTH SCRAM-SHA-1\n", SMTP_SHA1},
        {"SCRAM-SHA-1", "n,,", "", "slice 1000\noffer AUTH SCRAM-SHA-1\n",
         SMTP_SHA1},
        {"SCRAM-SHA-256", "n,,", "", "offer AUTH SCRAM-SHA-256 "
         "SCRAM-SHA-256-PLUS\n", SMTP_SHA256},
        {"SCRAM-SHA-256", "y,,", "", "bind 0123456789abcdef0123456789abcdef\n"
         "offer AUTH SCRAM-SHA-256\n", SMTP_SHA256},
        {"SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,",
         "0123456789abcdef0123456789abcdef",
         "bind 0123456789abcdef0123456789abcdef\n"
         "offer AUTH SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS\n",
         SMTP_SHA256},
        {"SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,", "x",
         "bind x\noffer AUTH SCRAM-SHA-256 SCRAM-SHA-1-PLUS\n", SMTP_SHA1},
        {"SCRAM-SHA-1-PLUS", "p=tls-server-end-point,a=a=2Cb=3D,", "x",
         "bind x\nauthzid a,b=\noffer AUTH SCRAM-SHA-1-PLUS\n", SMTP_SHA1},
        {"SCRAM-SHA-1", "n,a=adm,", "", "authzid adm\n"
         "offer AUTH SCRAM-SHA-1\n", SMTP_SHA1},
        {"SCRAM-SHA-256", "n,,", "", "bind x\nmechanisms 64\noffer AUTH "
         "SCRAM-SHA-256 SCRAM-SHA-256-PLUS\n", SMTP_SHA256},
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        exchange e = plain_exchange();
        e.hash = cases[i].hash;
        e.header = cases[i].header;
        e.binding = cases[i].binding;
        exchange_make(&e);
        play_exchange(&e, cases[i].mechanism, cases[i].more, 1);
        play_exchange(&e, cases[i].mechanism, cases[i].more, 0);
        exchange_free(&e);
    }
}

/* Names with "," and "=", passwords and salts of many lengths. */
static void check_lengths(void)
{
    char password[400], salt[128], more[500];
    size_t i;
    for (i = 1; i <= 120; i += i < 62 || i > 63 ? 7 : 1) {
        exchange e = plain_exchange();
        memset(password, 'p', 3 * i);
        password[3 * i] = 0;
        memset(salt, (int)(127 + i), i);
        salt[i] = 0;
        snprintf(more, sizeof more, "user a=%%2Cb\npassword %s\n"
                 "offer AUTH SCRAM-SHA-1\n", password);
        e.user = "a=3D=2Cb";
        e.password = password;
        e.salt = salt;
        exchange_make(&e);
        play_exchange(&e, "SCRAM-SHA-1", more, 1);
        exchange_free(&e);
    }
}

/* ---- servers that cheat -------------------------------------------------- */

#define FIRST "r=" NONCE "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
#define SIGNED "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
#define SAY_FIRST HELLO "AUTH SCRAM-SHA-1 " \
    "biwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM\n"
#define SAY_FINAL "Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZM" \
    "VpWdldWczdqLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ==\n"

#define A64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* Each challenge in turn, up to a 0; then 235. */
typedef struct cheat {
    const char *name, *challenge[3], *said, *told;
} cheat;

static const cheat cheats[] = {
    {"the true one", {FIRST, SIGNED, NULL}, SAY_FIRST SAY_FINAL "\n", "OK"},
    {"an extension behind", {FIRST ",x=y", SIGNED, NULL}, NULL, "E_PROOF"},
    {"no signature, 235", {FIRST, NULL, NULL}, NULL, "E_PROOF"},
    {"235 at once", {NULL, NULL, NULL}, NULL, "E_PROOF"},
    {"another signature", {FIRST, "v=smF9pqV8S7suAoZWja4dJRkFsKQ=", NULL},
     SAY_FIRST SAY_FINAL "*\n", "E_PROOF"},
    {"the last digit differs", {FIRST, "v=rmF9pqV8S7suAoZWja4dJRkFsKR=", NULL},
     SAY_FIRST SAY_FINAL "*\n", "E_PROOF"},
    {"a shorter signature", {FIRST, "v=rmF9pqV8S7suAoZWja4dJRkFsK", NULL},
     SAY_FIRST SAY_FINAL "*\n", "E_PROOF"},
    {"a longer signature", {FIRST, SIGNED "AAAA", NULL},
     SAY_FIRST SAY_FINAL "*\n", "E_PROOF"},
    {"an empty signature", {FIRST, "v=", NULL}, SAY_FIRST SAY_FINAL "*\n",
     "E_PROOF"},
    {"nothing", {FIRST, "", NULL}, SAY_FIRST SAY_FINAL "*\n", "E_PROOF"},
    {"an error", {FIRST, "e=invalid-proof", NULL}, SAY_FIRST SAY_FINAL "*\n",
     "E_LOGIN"},
    {"a challenge behind the proof", {FIRST, SIGNED, "more"},
     SAY_FIRST SAY_FINAL "\n*\n", "E_CHALLENGE"},
    {"the first again", {FIRST, FIRST, NULL}, SAY_FIRST SAY_FINAL "*\n",
     "E_PROOF"},
    {"another nonce", {"r=gyko+d2lbbFgONRv9qkxdawL3rfc,s=QSXCR+Q6sek8bf92,"
     "i=4096", NULL, NULL}, SAY_FIRST "*\n", "E_CHALLENGE"},
    {"the nonce alone", {"r=" NONCE ",s=QSXCR+Q6sek8bf92,i=4096", NULL, NULL},
     SAY_FIRST "*\n", "E_CHALLENGE"},
    {"half a nonce", {"r=fyko,s=QSXCR+Q6sek8bf92,i=4096", NULL, NULL},
     SAY_FIRST "*\n", "E_CHALLENGE"},
    {"no salt", {"r=" NONCE "3,s=,i=4096", NULL, NULL}, SAY_FIRST "*\n",
     "E_CHALLENGE"},
    {"no attribute for the salt", {"r=" NONCE "3,i=4096", NULL, NULL},
     SAY_FIRST "*\n", "E_CHALLENGE"},
    {"a salt that is no base64", {"r=" NONCE "3,s=QSX!,i=4096", NULL, NULL},
     SAY_FIRST "*\n", "E_CHALLENGE"},
    {"a salt cut off", {"r=" NONCE "3,s=QSXCR,i=4096", NULL, NULL},
     SAY_FIRST "*\n", "E_CHALLENGE"},
    {"a salt that has no room behind the text", {"r=" NONCE "3,s="
     A64 A64 A64 A64 ",i=4096", NULL, NULL}, SAY_FIRST "*\n", "E_CHALLENGE"},
    {"no count", {"r=" NONCE "3,s=QSXC", NULL, NULL}, SAY_FIRST "*\n",
     "E_CHALLENGE"},
    {"an empty count", {"r=" NONCE "3,s=QSXC,i=", NULL, NULL},
     SAY_FIRST "*\n", "E_ITERATIONS"},
    {"a count that is no number", {"r=" NONCE "3,s=QSXC,i=4096x", NULL, NULL},
     SAY_FIRST "*\n", "E_CHALLENGE"},
    {"a negative count", {"r=" NONCE "3,s=QSXC,i=-4096", NULL, NULL},
     SAY_FIRST "*\n", "E_CHALLENGE"},
    {"too few iterations", {"r=" NONCE "3,s=QSXC,i=4095", NULL, NULL},
     SAY_FIRST "*\n", "E_ITERATIONS"},
    {"no iterations", {"r=" NONCE "3,s=QSXC,i=0", NULL, NULL},
     SAY_FIRST "*\n", "E_ITERATIONS"},
    {"too many iterations", {"r=" NONCE "3,s=QSXC,i=1000001", NULL, NULL},
     SAY_FIRST "*\n", "E_ITERATIONS"},
    {"iterations beyond 32 bits", {"r=" NONCE "3,s=QSXC,i=4294971392", NULL,
     NULL}, SAY_FIRST "*\n", "E_ITERATIONS"},
    {"a mandatory extension", {"m=x,r=" NONCE "3,s=QSXC,i=4096", NULL, NULL},
     SAY_FIRST "*\n", "E_CHALLENGE"},
    {"an empty challenge", {"", NULL, NULL}, SAY_FIRST "*\n", "E_CHALLENGE"},
};

static void play_cheat(const cheat *c)
{
    bytes setup = {NULL, 0, 0}, said = {NULL, 0, 0}, told = {NULL, 0, 0};
    dialogue text = {c->name, NULL, NULL, NULL};
    size_t i;
    bytes_text(&setup, SCRAM "offer AUTH SCRAM-SHA-1\n");
    for (i = 0; i < 3 && c->challenge[i]; i++)
        add_line(&setup, i ? "RESPONSE 334 " : "AUTH 334 ", c->challenge[i]);
    bytes_text(&setup, i ? "RESPONSE 235 2.7.0 welcome\n"
                         : "AUTH 235 2.7.0 welcome\n");
    if (c->said) {
        bytes_text(&said, c->said);
        bytes_text(&said, "QUIT\n");
        text.said = said.data;
    }
    bytes_text(&told, "end ");
    bytes_text(&told, c->told);
    bytes_text(&told, "\n");
    text.setup = setup.data;
    text.told = told.data;
    play_few(&text);
    bytes_free(&setup);
    bytes_free(&said);
    bytes_free(&told);
}

/* ---- as data ------------------------------------------------------------- */

static const dialogue dialogues[] = {
    {"SCRAM, a challenge that is no base64", SCRAM "offer AUTH SCRAM-SHA-1\n"
     "AUTH 334 go ahead!\n", SAY_FIRST "*\nQUIT\n", "end E_CHALLENGE\n"},
    {"SCRAM, base64 cut off", SCRAM "offer AUTH SCRAM-SHA-1\n"
     "AUTH 334 cj1\n", SAY_FIRST "*\nQUIT\n", "end E_CHALLENGE\n"},
    {"SCRAM, base64 behind its end", SCRAM "offer AUTH SCRAM-SHA-1\n"
     "AUTH 334 cj1mcQ==cj1m\n", SAY_FIRST "*\nQUIT\n", "end E_CHALLENGE\n"},
    {"SCRAM, a challenge of 4 KB", SCRAM "offer AUTH SCRAM-SHA-1\n"
     "AUTH 334 {cj1m*1000}\n", SAY_FIRST "*\nQUIT\n", "end E_CHALLENGE\n"},
    {"SCRAM, a challenge of many lines", SCRAM "offer AUTH SCRAM-SHA-1\n"
     "AUTH 334-{cj1m*100}|334-{cj1m*100}|334 cj1m\n", SAY_FIRST "*\nQUIT\n",
     "end E_CHALLENGE\n"},
    {"SCRAM, fewer iterations wanted", SCRAM "offer AUTH SCRAM-SHA-1\n"
     "iterations 5000\nAUTH 334 cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzLHM9UVNY"
     "QyxpPTUwMDE=\n", SAY_FIRST "*\nQUIT\n", "end E_ITERATIONS\n"},
    {"SCRAM, the cancelled login answered 235", SCRAM
     "offer AUTH SCRAM-SHA-1 PLAIN\nAUTH 334 cj0=\nRESPONSE 235 welcome\n",
     SAY_FIRST "*\nQUIT\n", "end E_CHALLENGE\n"},
    {"SCRAM, the cancelled login answered 334", SCRAM
     "offer AUTH SCRAM-SHA-1\nAUTH 334 cj0=\nRESPONSE* 334 cj0=\ncut\n",
     SAY_FIRST "*\nQUIT\n", "end E_CHALLENGE\n"},
    {"SCRAM, 421 instead of a challenge", SCRAM "offer AUTH SCRAM-SHA-1\n"
     "AUTH 421 bye\n", SAY_FIRST, "end E_SHUTDOWN\n"},
    {"SCRAM refused", SCRAM "offer AUTH SCRAM-SHA-1 PLAIN\n"
     "AUTH 535 5.7.8 no\n", SAY_FIRST "QUIT\n", "end E_LOGIN\n"},
    {"SCRAM not known after all, PLAIN", SCRAM "offer AUTH SCRAM-SHA-1 PLAIN\n"
     "AUTH 504 5.5.4 what\n", SAY_FIRST "AUTH PLAIN AHVzZXIAcGVuY2ls\nQUIT\n",
     "end OK\n"},
    {"SCRAM refused, and more than that was said", SCRAM "broken\n"
     "offer AUTH SCRAM-SHA-1 SCRAM-SHA-256\nAUTH 504 5.5.4 what|235 welcome\n",
     NULL, "end E_PROTOCOL/E_PROOF\n"},
    {"SCRAM alone is allowed: nothing weaker", SCRAM "mechanisms 96\n"
     "offer AUTH SCRAM-SHA-1 PLAIN\nAUTH 504 5.5.4 what\n",
     SAY_FIRST "QUIT\n", "end E_LOGIN\n"},
    {"SCRAM alone is allowed, not offered", SCRAM "mechanisms 96\n"
     "offer AUTH CRAM-MD5 PLAIN LOGIN\n", HELLO "QUIT\n", "end E_MECHANISM\n"},
    {"only PLUS is allowed, nothing to bind to", SCRAM "mechanisms 384\n"
     "offer AUTH SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS PLAIN\n",
     HELLO "QUIT\n", "end E_MECHANISM\n"},
    {"PLUS refused where it is offered: that we can bind is not denied", SCRAM
     "bind x\noffer AUTH SCRAM-SHA-1 SCRAM-SHA-1-PLUS\nAUTH 504 5.5.4 what\n"
     "AUTH 535 5.7.8 no\n", HELLO "AUTH SCRAM-SHA-1-PLUS cD10bHMtc2VydmVyLWVuZ"
     "C1wb2ludCwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM\n"
     "AUTH SCRAM-SHA-1 eSwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM\n"
     "QUIT\n", "end E_LOGIN\n"},
    {"PLUS not allowed where it is offered: no binding", SCRAM "bind x\n"
     "mechanisms 96\noffer AUTH SCRAM-SHA-1 SCRAM-SHA-1-PLUS\n"
     "AUTH 535 5.7.8 no\n", SAY_FIRST "QUIT\n", "end E_LOGIN\n"},
    {"SCRAM, no login in clear", "user user\npassword pencil\nnext\nscram "
     NONCE "\noffer AUTH SCRAM-SHA-1\n", HELLO "QUIT\n",
     "end E_CLEAR_LOGIN\n"},
    {"SCRAM, a name too long", "tls implicit\nuser {u*600}\npassword pencil\n"
     "next\nscram " NONCE "\noffer AUTH SCRAM-SHA-1 PLAIN\n", HELLO "QUIT\n",
     "end E_BUFFER\n"},

    /* RFC 2195, section 2. */
    {"CRAM-MD5", "tls implicit\nuser tim\npassword tanstaaftanstaaf\nnext\n"
     "scram " NONCE "\noffer AUTH PLAIN CRAM-MD5\nAUTH 334 "
     "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\n",
     HELLO "AUTH CRAM-MD5\n"
     "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\nQUIT\n", "end OK\n"},
    {"CRAM-MD5, the caller's hash", "tls implicit\nuser tim\nhmac\n"
     "password tanstaaftanstaaf\nnext\nscram " NONCE "\noffer AUTH CRAM-MD5\n"
     "AUTH 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\n",
     HELLO "AUTH CRAM-MD5\n"
     "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\nQUIT\n", "end OK\n"},
    {"CRAM-MD5, a second challenge", BOX "scram " NONCE "\n"
     "offer AUTH CRAM-MD5\nAUTH 334 YQ==\nRESPONSE 334 YQ==\n",
     HELLO "AUTH CRAM-MD5\n"
     "Ym94IGIwZWJhOGFlZTNmYjliMjNhNWY4Nzc5NjU5ZDMyZjIz\n*\nQUIT\n",
     "end E_CHALLENGE\n"},
    {"CRAM-MD5, a challenge of 4 KB", BOX "scram " NONCE "\n"
     "offer AUTH CRAM-MD5\nAUTH 334 {YWJj*1500}\n",
     HELLO "AUTH CRAM-MD5\n*\nQUIT\n", "end E_CHALLENGE\n"},
    {"CRAM-MD5, 235 at once", BOX "scram " NONCE "\noffer AUTH CRAM-MD5\n"
     "AUTH 235 welcome\n", HELLO "AUTH CRAM-MD5\n", "end E_PROOF\n"},
    {"CRAM-MD5, not ours without the hashes", BOX
     "offer AUTH CRAM-MD5 PLAIN\n",
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n", "end OK\n"},

    /* RFC 7628, section 4.1 and 4.3; XOAUTH2 as Google describes it. */
    {"OAUTHBEARER", "tls implicit\nuser u@x\ntoken vF9dft4qmT\nnext\n"
     "offer AUTH PLAIN XOAUTH2 OAUTHBEARER\n",
     HELLO "AUTH OAUTHBEARER bixhPXVAeCwBYXV0aD1CZWFyZXIgdkY5ZGZ0NHFtVAEB\n"
     "QUIT\n", "end OK\n"},
    {"OAUTHBEARER, a name with , and =", "tls implicit\nuser a=b%2Cc\n"
     "token vF9dft4qmT\nnext\noffer AUTH OAUTHBEARER\n",
     HELLO "AUTH OAUTHBEARER bixhPWE9M0RiPTJDYywBYXV0aD1CZWFyZXIgdkY5ZGZ0NHF"
     "tVAEB\nQUIT\n", "end OK\n"},
    {"OAUTHBEARER refused", "tls implicit\nuser u@x\ntoken vF9dft4qmT\nnext\n"
     "offer AUTH OAUTHBEARER XOAUTH2\n"
     "AUTH 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\n"
     "RESPONSE 535 5.7.8 bad token\n",
     HELLO "AUTH OAUTHBEARER bixhPXVAeCwBYXV0aD1CZWFyZXIgdkY5ZGZ0NHFtVAEB\n"
     "AQ==\nQUIT\n", "end E_LOGIN\n"},
    {"OAUTHBEARER refused for ever", "tls implicit\nuser u@x\n"
     "token vF9dft4qmT\nnext\noffer AUTH OAUTHBEARER\n"
     "AUTH 334 e30=\nRESPONSE 334 e30=\n",
     HELLO "AUTH OAUTHBEARER bixhPXVAeCwBYXV0aD1CZWFyZXIgdkY5ZGZ0NHFtVAEB\n"
     "AQ==\n*\nQUIT\n", "end E_LOGIN\n"},
    {"OAUTHBEARER without initial response", "tls implicit\nuser u@x\n"
     "token vF9dft4qmT\nnext\nno_initial_response\noffer AUTH OAUTHBEARER\n",
     HELLO "AUTH OAUTHBEARER\n"
     "bixhPXVAeCwBYXV0aD1CZWFyZXIgdkY5ZGZ0NHFtVAEB\nQUIT\n", "end OK\n"},
    {"XOAUTH2", "tls implicit\nuser u@x\ntoken vF9dft4qmT\nnext\n"
     "offer AUTH LOGIN XOAUTH2\n",
     HELLO "AUTH XOAUTH2 dXNlcj11QHgBYXV0aD1CZWFyZXIgdkY5ZGZ0NHFtVAEB\n"
     "QUIT\n", "end OK\n"},
    {"XOAUTH2 refused", "tls implicit\nuser u@x\ntoken vF9dft4qmT\nnext\n"
     "offer AUTH XOAUTH2\nAUTH 334 eyJzdGF0dXMiOiI0MDEifQ==\n"
     "RESPONSE 535 5.7.8 bad token\n",
     HELLO "AUTH XOAUTH2 dXNlcj11QHgBYXV0aD1CZWFyZXIgdkY5ZGZ0NHFtVAEB\n\n"
     "QUIT\n", "end E_LOGIN\n"},
    {"a token is no password", "tls implicit\nuser u@x\ntoken vF9dft4qmT\n"
     "next\noffer AUTH PLAIN LOGIN\n", HELLO "QUIT\n", "end E_MECHANISM\n"},
    {"a token beside a password", BOX "token t\n"
     "offer AUTH PLAIN XOAUTH2\n",
     HELLO "AUTH XOAUTH2 dXNlcj1ib3gBYXV0aD1CZWFyZXIgdAEB\nQUIT\n", "end OK\n"},
    {"a token beside a password, of no use", BOX "token t\n"
     "offer AUTH PLAIN\n",
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n", "end OK\n"},
    {"a password is no token", BOX "offer AUTH OAUTHBEARER XOAUTH2\n",
     HELLO "QUIT\n", "end E_MECHANISM\n"},

    /* RFC 4422, appendix A. */
    {"EXTERNAL", "tls implicit\nmechanisms 512\nnext\n"
     "offer AUTH PLAIN EXTERNAL\n", HELLO "AUTH EXTERNAL =\nQUIT\n",
     "end OK\n"},
    {"EXTERNAL as another", "tls implicit\nmechanisms 512\nauthzid adm\nnext\n"
     "offer AUTH EXTERNAL\n", HELLO "AUTH EXTERNAL YWRt\nQUIT\n", "end OK\n"},
    {"EXTERNAL without initial response", "tls implicit\nmechanisms 512\n"
     "next\nno_initial_response\noffer AUTH EXTERNAL\n",
     HELLO "AUTH EXTERNAL\n\nQUIT\n", "end OK\n"},
    {"EXTERNAL only by name", BOX "offer AUTH EXTERNAL PLAIN\n",
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n", "end OK\n"},
    {"EXTERNAL, not offered: no password instead", BOX "mechanisms 512\n"
     "offer AUTH PLAIN\n", HELLO "QUIT\n", "end E_MECHANISM\n"},
    {"EXTERNAL in clear", "mechanisms 512\nnext\noffer AUTH EXTERNAL\n",
     HELLO "QUIT\n", "end E_CLEAR_LOGIN\n"},

    {"a mechanism of the caller's", BOX "own X-Echo\n"
     "offer AUTH SCRAM-SHA-256 PLAIN x-echo\nAUTH 334 dHdv\n"
     "RESPONSE 334 dGhyZWU=\n",
     HELLO "AUTH X-Echo b25l\ndXhw\ndWlzZmY=\nQUIT\n", "end OK\n"},
    {"the caller's, without initial response", BOX "own X-ECHO\n"
     "no_initial_response\noffer AUTH X-ECHO\nRESPONSE 334 dHdv\n",
     HELLO "AUTH X-ECHO\nb25l\ndXhw\nQUIT\n", "end OK\n"},
    {"the caller's, a greeting before its first response", BOX "own X-ECHO\n"
     "no_initial_response\noffer AUTH X-ECHO\nAUTH 334 Z28gYWhlYWQ=\n"
     "RESPONSE 334 dHdv\n",
     HELLO "AUTH X-ECHO\nb25l\ndXhw\nQUIT\n", "end OK\n"},
    {"the caller's, an empty challenge", BOX "own X-ECHO\noffer AUTH X-ECHO\n"
     "AUTH 334 \n", HELLO "AUTH X-ECHO b25l\n\nQUIT\n", "end OK\n"},
    {"the caller's, a challenge of many lines", BOX "own X-ECHO\n"
     "offer AUTH X-ECHO\nAUTH 334-dH|334-d|334 v\n",
     HELLO "AUTH X-ECHO b25l\ndXhw\nQUIT\n", "end OK\n"},
    {"the caller's, a challenge that it cannot take", BOX "own X-ECHO\n"
     "offer AUTH X-ECHO PLAIN\nAUTH 334 YmFk\n",
     HELLO "AUTH X-ECHO b25l\n*\nQUIT\n", "end E_CHALLENGE\n"},
    {"the caller's, no base64", BOX "own X-ECHO\n"
     "offer AUTH X-ECHO\nAUTH 334 dHdv!\n",
     HELLO "AUTH X-ECHO b25l\n*\nQUIT\n", "end E_CHALLENGE\n"},
    {"the caller's, challenges without end", BOX "own X-ECHO\n"
     "offer AUTH X-ECHO\nAUTH 334 YQ==\nRESPONSE* 334 YQ==\ncut\n", NULL,
     "end E_LOGIN\n"},
    {"the caller's, not for this name: the next", "tls implicit\nuser nobody\n"
     "password secret\nnext\nown X-ECHO\noffer AUTH X-ECHO PLAIN\n",
     HELLO "AUTH PLAIN AG5vYm9keQBzZWNyZXQ=\nQUIT\n", "end OK\n"},
    {"the caller's, refused", BOX "own X-ECHO\noffer AUTH X-ECHO\n"
     "AUTH 535 5.7.8 no\n", HELLO "AUTH X-ECHO b25l\nQUIT\n",
     "end E_LOGIN\n"},
    {"the caller's, not allowed", BOX "own X-ECHO\nmechanisms 2\n"
     "offer AUTH X-ECHO PLAIN\n", HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n",
     "end OK\n"},
};

/* ---- what stays behind --------------------------------------------------- */

static int is_zero(const void *memory, size_t size)
{
    const char *p = (const char *)memory;
    while (size && *p == 0)
        p++, size--;
    return size == 0;
}

/* After a login, a failed one, one cut off, and one that another mechanism
   follows. */
static void check_wiped(const char *offered, const char *more)
{
    bytes setup = {NULL, 0, 0};
    dialogue text = {"wiped", NULL, NULL, "end *\n"};
    play_way way = sweep_way();
    const smtp_scram *x = &s.p.login.scram;
    exchange e = plain_exchange();
    exchange_make(&e);
    bytes_text(&setup, SCRAM "offer AUTH ");
    bytes_text(&setup, offered);
    add_line(&setup, "\nAUTH 334 ", e.challenge.data);
    add_line(&setup, "RESPONSE 334 ", e.signature.data);
    bytes_text(&setup, more);
    text.setup = setup.data;
    scene_read(&s.what, &text);
    play_scene(&s.p, &s.what);
    CHECK(play_run(&s.p, &way) == NULL);
    CHECK(is_zero(x->last, sizeof x->last));
    CHECK(is_zero(x->sum, sizeof x->sum));
    CHECK(is_zero(x->text, sizeof x->text));
    exchange_free(&e);
    bytes_free(&setup);
}

/* Without random bytes there is no login; with BearSSL's each is another. */
static void check_random(void)
{
    unsigned char nonce[2][SMTP__NONCE];
    smtp_scram x;
    smtp_session session;
    smtp_config config;
    const char *response;
    size_t i;
    for (i = 0; i < 2; i++) {
        memset(&x, 0, sizeof x);
        smtp_scram_sasl(&x);
        memset(&session, 0, sizeof session);
        memset(&config, 0, sizeof config);
        config.user = "user";
        session.config = &config;
        session.mechanism = SMTP_AUTH_SCRAM_SHA_256;
        CHECK_NUMBER(smtp__scram_step(&x, &session, NULL, 0, &response),
                     3 + 6 + 3 + SMTP__NONCE);
        memcpy(nonce[i], x.text + 12, SMTP__NONCE);
    }
    CHECK(memcmp(nonce[0], nonce[1], SMTP__NONCE) != 0);
}

int main(void)
{
    size_t i;
    check_begin();
    sweep_open(&s);
    play_hmac = hmac;
    check_vectors();
    check_scram();
    check_lengths();
    for (i = 0; i < sizeof cheats / sizeof *cheats; i++)
        play_cheat(&cheats[i]);
    for (i = 0; i < sizeof dialogues / sizeof *dialogues; i++)
        sweep_dialogue(&s, &dialogues[i]);
    check_wiped("SCRAM-SHA-1", "");
    check_wiped("SCRAM-SHA-1", "RESPONSE 535 5.7.8 no\n");
    check_wiped("SCRAM-SHA-1", "RESPONSE+close \n");
    check_wiped("SCRAM-SHA-1 PLAIN", "RESPONSE 554 5.7.0 not so\n");
    check_random();
    sweep_close(&s);
    return check_end();
}

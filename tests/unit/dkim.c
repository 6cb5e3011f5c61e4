/* dkim.c - what smtp_dkim_sign() signs, by a second reading of RFC 6376, and
   what it refuses. Other people's verifier judges it in tests/system/compose */
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "smtp.h"
#include "check.h"

enum { BITS = 1024 };

static unsigned char numbers[BR_RSA_KBUF_PRIV_SIZE(BITS)];
static br_rsa_private_key key;
static smtp_dkim_config config;
static smtp_dkim dkim;
static smtp_mail mail;

static void make_key(void)
{
    br_hmac_drbg_context random;

    br_hmac_drbg_init(&random, &br_sha256_vtable, "always the same", 15);
    CHECK(br_rsa_keygen_get_default()(&random.vtable, &key, numbers, NULL,
                                      NULL, BITS, 65537));
    config.domain = "example.org";
    config.selector = "s1";
    config.key = &key;
}

static smtp_status sign(smtp_body body)
{
    smtp_status st;

    memset(&dkim, 0, sizeof dkim);
    memset(&mail, 0, sizeof mail);
    mail.body = body;
    do
        st = smtp_dkim_sign(&dkim, &config, &mail);
    while (st == SMTP_AGAIN);
    return st;
}

/* The value of the field, up to "b=", white space shrunk. */
static void hash_field(br_sha256_context *hash)
{
    const char *p = strchr(dkim.text, ':') + 1;
    const char *end = strstr(p, "\tb=") + 3;
    int space = 0, begun = 0;

    br_sha256_update(hash, "dkim-signature:", 15);
    for (; p < end; p++) {
        int white = *p == ' ' || *p == '\t' || *p == '\r' || *p == '\n';
        if (!white && space && begun)
            br_sha256_update(hash, " ", 1);
        if (!white)
            br_sha256_update(hash, p, 1);
        space = white;
        begun |= !white;
    }
}

/* `text` is in the field, whose folds do not count. */
static int has(const char *tag, const unsigned char *data, size_t size)
{
    static char want[400], got[sizeof dkim.text + 1];
    size_t i, n = 0, length = strlen(tag);

    memcpy(want, tag, length);
    *smtp__encode64(want + length, data, size) = 0;
    for (i = 0; i < dkim.size; i++)
        if (dkim.text[i] > ' ')
            got[n++] = dkim.text[i];
    got[n] = 0;
    return strstr(got, want) != NULL;
}

/* The signature of `raw` is that over these fields and this body. */
static void judge(const char *raw, const char *fields, const char *body)
{
    br_sha256_context hash;
    unsigned char sum[32], signature[BITS / 8];

    snprintf(check_context, sizeof check_context, "%s", raw);
    if (!CHECK_NUMBER(sign(smtp_text(raw)), SMTP_OK))
        return;
    br_sha256_init(&hash);
    br_sha256_update(&hash, body, strlen(body));
    br_sha256_out(&hash, sum);
    CHECK(has(";bh=", sum, sizeof sum));
    br_sha256_init(&hash);
    br_sha256_update(&hash, fields, strlen(fields));
    hash_field(&hash);
    br_sha256_out(&hash, sum);
    CHECK(br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, sum, sizeof sum,
                                          &key, signature));
    CHECK(has(";b=", signature, sizeof signature));
    CHECK(memcmp(dkim.text + dkim.size - 2, "\r\n", 2) == 0);
    check_context[0] = 0;
}

static void test_signed(void)
{
    judge("From: a@b.c\n\nx\n", "from:a@b.c\r\n", "x\r\n");
    judge("From: a@b.c\n\nx", "from:a@b.c\r\n", "x\r\n");
    judge("From: a@b.c\r\n\r\n", "from:a@b.c\r\n", "");
    judge("From: a@b.c", "from:a@b.c\r\n", "");
    judge("From: a@b.c\n\n \n\t\n\n", "from:a@b.c\r\n", "");
    judge("From: a@b.c\r\r\n..\n\r.\n\n", "from:a@b.c\r\n", "..\r\n\r\n.\r\n");
    judge("FROM \t:  a@b.c \nSubject:\nTo:\t x\n\ty  z \nX-A: 1\n\n\n a\t b \n",
          "from:a@b.c\r\nsubject:\r\nto:x y z\r\n", "\r\n a b\r\n");
    judge("X-A: 1\n From: no\nFrom:\n \n a@b.c\n \n\nx\n",
          "from:a@b.c\r\n", "x\r\n");
}

/* No name of a field is too long, nor one that begins with another's. */
static void test_long_names(void)
{
    static char raw[300];
    size_t n;
    for (n = 1; n < 100; n++) {
        memset(raw, 'f', n);
        strcpy(raw + n, ": x\nFrom: a@b.c\nFrom-");
        memset(raw + strlen(raw), 'f', n);
        strcat(raw, ": x\n\nx\n");
        judge(raw, "from:a@b.c\r\n", "x\r\n");
        memset(raw, 0, sizeof raw);
    }
}

/* A line without a colon is no field, whatever follows it. */
static void test_no_field(void)
{
    judge("From: a@b.c\nSubject\n : x\n\n", "from:a@b.c\r\n", "");
    judge("From: a@b.c\nSubject\n\n: x\n", "from:a@b.c\r\n", ": x\r\n");
    CHECK_NUMBER(sign(smtp_text("From\n : a@b.c\n\n")), SMTP_E_FIELD_MISSING);
}

/* A first line with white space before it would go on with the signature. */
static void test_no_first(void)
{
    static const char *const texts[] = {
        " From: a@b.c\n\n", " x\nFrom: a@b.c\n\n", "\tx\nFrom: a@b.c\n\nx\n",
        " \nFrom: a@b.c\n\n", " ", "\t"};
    size_t i;

    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK_NUMBER(sign(smtp_text(texts[i])), SMTP_E_FIELD_SYNTAX);
        CHECK(mail.body.pull == NULL);
    }
    CHECK_NUMBER(sign(smtp_text("\n From: a@b.c\n")), SMTP_E_FIELD_MISSING);
}

static ptrdiff_t pull(void *ctx, smtp_size offset, const char **data)
{
    static const char text[] = "From: a@b.c\r\n\r\nhello\r\n";

    (void)ctx;
    *data = text + offset;
    return (ptrdiff_t)(sizeof text - 1 - offset);
}

static smtp_body source(smtp_size size, unsigned flags)
{
    smtp_body body = smtp_bytes("", 0);

    body.pull = pull;
    body.size = size;
    body.flags = (uint8_t)flags;
    return body;
}

/* Nothing that would end a tag or is no domain (RFC 6376, section 3.2). */
static void judge_word(const char **at)
{
    static const char *const good[] = {"s1", "a.b", "A-1.b_c", "\303\274.x"};
    static const char *const bad[] = {
        "a;b", "a=b", "a\tb", "a b", "a\r\nb", "a:b", "a/b", "a@b", "a,b",
        "a\"b", "a(b", "<a>", "a\177", ".", ".a", "a.", "a..b", ";", " a",
        "a "};
    size_t i;

    for (i = 0; i < sizeof good / sizeof *good; i++) {
        *at = good[i];
        CHECK_NUMBER(sign(smtp_text("From: a@b.c\n\n")), SMTP_OK);
    }
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        *at = bad[i];
        CHECK_NUMBER(sign(smtp_text("From: a@b.c\n\n")), SMTP_E_ARGUMENT);
    }
}

static void test_names(void)
{
    static char name[257];
    size_t i;

    for (i = 0; i < 2; i++) {
        const char **at = i ? &config.selector : &config.domain;
        const char *good = *at;
        size_t most = i ? 63 : 255;
        memset(name, 'x', sizeof name - 1);
        *at = "";
        CHECK_NUMBER(sign(smtp_text("From: a@b.c\n\n")), SMTP_E_ARGUMENT);
        *at = NULL;
        CHECK_NUMBER(sign(smtp_text("From: a@b.c\n\n")), SMTP_E_ARGUMENT);
        *at = "a b";
        CHECK_NUMBER(sign(smtp_text("From: a@b.c\n\n")), SMTP_E_ARGUMENT);
        judge_word(at);
        *at = name;
        name[most + 1] = 0;
        CHECK_NUMBER(sign(smtp_text("From: a@b.c\n\n")), SMTP_E_ARGUMENT);
        name[most] = 0;
        CHECK_NUMBER(sign(smtp_text("From: a@b.c\n\n")), SMTP_OK);
        *at = good;
    }
}

static void test_bodies(void)
{
    CHECK_NUMBER(sign(smtp_bytes(NULL, 1000)), SMTP_E_ARGUMENT);
    CHECK_NUMBER(sign(smtp_text(NULL)), SMTP_E_ARGUMENT);
    CHECK_NUMBER(sign(source(0, SMTP_BODY_ONCE)), SMTP_E_ARGUMENT);
    CHECK_NUMBER(sign(source(0, SMTP_BODY_BINARY)), SMTP_E_ARGUMENT);
    CHECK_NUMBER(sign(source(0, 0)), SMTP_OK);
    CHECK_NUMBER(mail.body.size, 22ul + dkim.size);
    CHECK_NUMBER(sign(source(22, 0)), SMTP_OK);
    CHECK_NUMBER(sign(source(23, 0)), SMTP_E_BODY);
    CHECK_NUMBER(smtp_dkim_sign(&dkim, &config, &mail), SMTP_E_BODY);
}

int main(void)
{
    check_begin();
    check_alarm(60);
    make_key();
    test_signed();
    test_long_names();
    test_no_field();
    test_no_first();
    test_names();
    test_bodies();
    return check_end();
}

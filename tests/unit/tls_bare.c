/* tls_bare.c - the BearSSL adapter where there is no operating system, no
   source of randomness, and only what firmware needs */
#define SMTP_BEARSSL
#define SMTP_TLS_PEM 0
#define SMTP_TLS_CLIENT_CERT 0
#define SMTP_TLS_PROFILE profile_by_macro
#include <bearssl.h>

static int profiles;

static void profile_by_macro(br_ssl_client_context *client,
                             br_x509_minimal_context *x509,
                             const br_x509_trust_anchor *anchors, size_t count)
{
    profiles++;
    br_ssl_client_init_full(client, x509, anchors, count);
}

#define SMTP_IMPLEMENTATION
#include "../../smtp.h"
#include "../check.h"

static const char random_bytes[] = "as many bytes as a seed has to have";
static unsigned char buffer[SMTP_TLS_BUFFER_MIN];
static unsigned char name[] = {0x30, 0};
static unsigned char n[256], e[] = {3};
static br_x509_trust_anchor anchor;
static smtp_tls tls;
static smtp_tls_config config;
static smtp_io lower, io;

/* Takes the place of BearSSL's. */
br_prng_seeder br_prng_seeder_system(const char **which)
{
    if (which)
        *which = "none";
    return 0;
}

static void begin(void)
{
    anchor.dn.data = name;
    anchor.dn.len = sizeof name;
    anchor.flags = BR_X509_TA_CA;
    anchor.pkey.key_type = BR_KEYTYPE_RSA;
    anchor.pkey.key.rsa.n = n;
    anchor.pkey.key.rsa.nlen = sizeof n;
    anchor.pkey.key.rsa.e = e;
    anchor.pkey.key.rsa.elen = sizeof e;
    memset(&config, 0, sizeof config);
    config.server_name = "mail.example.org";
    config.buffer = buffer;
    config.buffer_size = sizeof buffer;
    config.anchors = &anchor;
    config.anchor_count = 1;
    config.entropy = random_bytes;
    config.entropy_size = sizeof random_bytes;
    config.days = 740000;
}

static int open_tls(void)
{
    return smtp_tls_open(&tls, &lower, &config, 1, &io);
}

static void test_needs(void)
{
    begin();
    CHECK_NUMBER(open_tls(), SMTP_OK);
    CHECK_NUMBER(profiles, 1);
    config.days = 0;
    CHECK_NUMBER(open_tls(), SMTP_E_TLS_TIME);
    begin();
    config.entropy = 0;
    CHECK_NUMBER(open_tls(), SMTP_E_TLS_ENTROPY);
    CHECK_NUMBER(tls.status, SMTP_E_CLOSED);
}

static void test_left_out(void)
{
    begin();
    config.anchors = 0;
    CHECK_NUMBER(open_tls(), SMTP_E_TRUST);
    config.trust = "";
    CHECK_NUMBER(open_tls(), SMTP_E_TRUST);
    config.unsafe_no_verify = 1;
    CHECK_NUMBER(open_tls(), SMTP_E_ARGUMENT);
    begin();
    config.cert_file = "client.pem";
    CHECK_NUMBER(open_tls(), SMTP_E_CLIENT_CERT);
    begin();
    config.chain_count = 1;
    config.chain = (const br_x509_certificate *)(const void *)&anchor;
    CHECK_NUMBER(open_tls(), SMTP_E_CLIENT_CERT);
}

static int own_profiles;

static void own_profile(br_ssl_client_context *client,
                        br_x509_minimal_context *x509,
                        const br_x509_trust_anchor *anchors, size_t count)
{
    own_profiles++;
    CHECK(anchors == &anchor);
    CHECK_NUMBER(count, 1);
    br_ssl_client_init_full(client, x509, anchors, count);
}

static void test_profile(void)
{
    int before = profiles;

    begin();
    config.profile = own_profile;
    CHECK_NUMBER(open_tls(), SMTP_OK);
    CHECK_NUMBER(own_profiles, 1);
    CHECK_NUMBER(profiles, before);
}

int main(void)
{
    check_begin();
    test_needs();
    test_left_out();
    test_profile();
    return check_end();
}

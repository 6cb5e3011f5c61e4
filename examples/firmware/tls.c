/* The TLS algorithms that are worth their flash: ECDHE over P-256 with
   ChaCha20 or AES-128-GCM; servers with RSA or P-256 keys; issuers with RSA,
   P-256, P-384 or P-521, SHA-256 or SHA-384. That is what public servers have.

   What handles secrets takes a time that does not depend on them, on this CPU
   too (m15, ct). Signatures are checked with public numbers alone, so there
   the faster code may be used (i31). */
#include "library.h"

static void choose_for_records(br_ssl_engine_context *engine)
{
    static const uint16_t suites[] = {
        BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    };

    br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_suites(engine, suites, sizeof suites / sizeof *suites);
    br_ssl_engine_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
    br_ssl_engine_set_prf_sha256(engine, br_tls12_sha256_prf);
    br_ssl_engine_set_default_chapol(engine);
    br_ssl_engine_set_default_aes_gcm(engine);
    br_ssl_engine_set_ec(engine, &br_ec_p256_m15);
    br_ssl_engine_set_ecdsa(engine, br_ecdsa_i31_vrfy_asn1);
    br_ssl_engine_set_rsavrfy(engine, br_rsa_i31_pkcs1_vrfy);
}

static void choose_for_certificates(br_x509_minimal_context *x509)
{
    br_x509_minimal_set_hash(x509, br_sha256_ID, &br_sha256_vtable);
    br_x509_minimal_set_hash(x509, br_sha384_ID, &br_sha384_vtable);
    br_x509_minimal_set_rsa(x509, br_rsa_i31_pkcs1_vrfy);
    br_x509_minimal_set_ecdsa(x509, &br_ec_prime_i31, br_ecdsa_i31_vrfy_asn1);
}

void choose_algorithms(br_ssl_client_context *client,
                       br_x509_minimal_context *x509,
                       const br_x509_trust_anchor *anchors, size_t count)
{
    br_ssl_client_zero(client);
    choose_for_records(&client->eng);
    br_x509_minimal_init(x509, &br_sha256_vtable, anchors, count);
    choose_for_certificates(x509);
    br_ssl_engine_set_x509(&client->eng, &x509->vtable);
}

/* mx.h - who takes a domain's mail, and what they have to show

   Rooms: names (DNS, all of it by c-ares), policies (what a host has to show
   before it is given mail: the user's, MTA-STS, DANE), certificates (DANE's
   judge of them, for BearSSL). smtp.h comes first.
*/
#ifndef MX_H
#define MX_H

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sysexits.h>

enum { HOSTS = 64, TLSA_RECORDS = 16, DNS_MS = 3000, DNS_TRIES = 2 };
enum { SOCKETS = ARES_GETSOCK_MAXNUM - 1 };  /* the last's bit is the sign */

typedef struct host {
    char name[NS_MAXDNAME];
    uint32_t rank;                 /* preference, then chance */
} host;

/* The way to a domain's hosts. */
typedef struct finder {
    ares_channel dns;
    int done, status;              /* of the last question, and its answer: */
    int secure;                    /* the resolver has validated it */
    int size;
    unsigned char data[NS_MAXMSG];
    ns_msg message;
    struct ares_addrinfo *addresses;

    host hosts[HOSTS];             /* of one domain, best first */
    size_t host_count;
    int hosts_secure;

    const char *port;              /* of the hosts */
    int level;                     /* demanded of each: TLS_OFF ... */
    int dane;                      /* heed TLSA records */
    int sts;                       /* heed these: */
    char *patterns[HOSTS];
    size_t pattern_count;
} finder;

static int fault(int code, const char *what, const char *why)
{
    fprintf(stderr, "mx: %s%s%s\n", what, why ? ": " : "", why ? why : "");
    return code;
}

/* ---- names --------------------------------------------------------------- */

/* A number from 1 to 65535, written as in a TLSA record's name; 0: none. */
static unsigned short number_of(const char *text)
{
    unsigned long value = strtoul(text, NULL, 10);

    if (text[0] == '0' || text[strspn(text, "0123456789")] || value > 65535)
        return 0;
    return (unsigned short)value;
}

/* IP, IP:PORT or [IPv6]:PORT; 1: it is one. c-ares would ask 127.1.0.0 for
   127.1, and another port for one that is too high. */
static int set_server(const finder *f, const char *text)
{
    struct ares_addr_port_node node;
    char ip[INET6_ADDRSTRLEN + 1];           /* of one too long, too much */
    const char *colon = strchr(text, ':'), *end;
    size_t bracket = text[0] == '[';

    memset(&node, 0, sizeof node);
    node.family = bracket || (colon && strchr(colon + 1, ':')) ? AF_INET6
                                                               : AF_INET;
    end = bracket                   ? strchr(text, ']')
          : node.family == AF_INET6 ? NULL
                                    : colon;
    if (!end)
        end = text + strlen(text);
    snprintf(ip, sizeof ip, "%.*s", (int)(end - text - (int)bracket),
             text + bracket);
    if (bracket && *end++ != ']')
        return 0;
    if (*end == ':')
        node.udp_port = node.tcp_port = number_of(end + 1);
    return (*end == ':' ? node.udp_port > 0 : !*end) &&
           inet_pton(node.family, ip, &node.addr) == 1 &&
           ares_set_servers_ports(f->dns, &node) == ARES_SUCCESS;
}

/* `server`: 0 for the system's. */
static int start_dns(finder *f, const char *server, int seconds)
{
    struct ares_options o;
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                     ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS;
    char dns_alone[] = "b";

    memset(&o, 0, sizeof o);       /* no domains to search */
    o.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH;
    o.timeout = seconds ? 1000 * seconds : DNS_MS;
    o.tries = DNS_TRIES;
    o.lookups = dns_alone;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
        ares_init_options(&f->dns, &o, mask) != ARES_SUCCESS)
        return fault(EX_OSERR, "no resolver", NULL);
    if (server && !set_server(f, server))
        return fault(EX_USAGE, "not a name server", server);
    return EX_OK;
}

/* What c-ares waits for, into `on`. Returns the number of its sockets. */
static nfds_t wanted(const finder *f, struct pollfd *on)
{
    ares_socket_t sockets[SOCKETS];
    int bits = ares_getsock(f->dns, sockets, SOCKETS), i;
    nfds_t n = 0;

    for (i = 0; i < SOCKETS; i++) {
        int events = (ARES_GETSOCK_READABLE(bits, i) ? POLLIN : 0) |
                     (ARES_GETSOCK_WRITABLE(bits, i) ? POLLOUT : 0);
        if (!events)
            continue;
        on[n].fd = sockets[i];
        on[n++].events = (short)events;
    }
    return n;
}

/* Until the answer is there. c-ares sees to time limits, and finds itself
   which way a socket that has something to say is ready. */
static void wait_for_answer(finder *f)
{
    struct pollfd on[SOCKETS];
    struct timeval second = {1, 0}, next;

    while (!f->done) {
        const struct timeval *t = ares_timeout(f->dns, &second, &next);
        nfds_t n = wanted(f, on), i;
        if (poll(on, n, (int)(t->tv_sec * 1000 + t->tv_usec / 1000)) < 0)
            continue;
        for (i = 0; i < n; i++)
            if (on[i].revents)
                ares_process_fd(f->dns, on[i].fd, on[i].fd);
        ares_process_fd(f->dns, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
}

static void on_answer(void *ctx, int status, int timeouts, unsigned char *data,
                      int size)
{
    finder *f = (finder *)ctx;

    (void)timeouts;
    f->done = 1;
    f->status = status;
    if (status != ARES_SUCCESS || size > NS_MAXMSG)
        return;
    memcpy(f->data, data, (size_t)size);
    f->size = size;
}

/* ARES_SUCCESS (there are records), ARES_ENODATA, ARES_ENOTFOUND, or why there
   is no answer. The question's AD bit asks for the answer's (RFC 6840, section
   5.7), for which ares_query() has no option. */
static int ask(finder *f, const char *name, int type)
{
    const int recurse = 1, room = 1232;
    const unsigned char ad = 0x20;
    unsigned char *query;
    unsigned short id;
    int size;

    f->done = f->secure = f->size = 0;
    if (getentropy(&id, sizeof id) ||
        ares_create_query(name, ns_c_in, type, id, recurse, &query, &size,
                          room) != ARES_SUCCESS)
        return ARES_ENOTFOUND;
    query[3] |= ad;
    ares_send(f->dns, query, size, on_answer, f);
    ares_free_string(query);
    wait_for_answer(f);
    if (f->status != ARES_SUCCESS)
        return f->status;
    if (ns_initparse(f->data, f->size, &f->message))
        return ARES_EBADRESP;
    f->secure = ns_msg_getflag(f->message, ns_f_ad);
    switch (ns_msg_getflag(f->message, ns_f_rcode)) {
    case ns_r_noerror:
        return ns_msg_count(f->message, ns_s_an) ? ARES_SUCCESS : ARES_ENODATA;
    case ns_r_nxdomain:
        return ARES_ENOTFOUND;
    default:
        return ARES_ESERVFAIL;
    }
}

/* Whether the answer is that there is nothing; other failures pass. */
static int is_nothing(int status)
{
    return status == ARES_ENODATA || status == ARES_ENOTFOUND ||
           status == ARES_EBADNAME;
}

static void add_host(finder *f, const char *name, unsigned preference)
{
    unsigned short chance = 0;
    host *h = &f->hosts[f->host_count++];

    if (getentropy(&chance, sizeof chance))
        chance = 0;
    snprintf(h->name, sizeof h->name, "%s", name);
    h->rank = (uint32_t)preference << 16 | chance;
}

static int by_rank(const void *a, const void *b)
{
    uint32_t x = ((const host *)a)->rank, y = ((const host *)b)->rank;

    return (x > y) - (x < y);
}

/* The host "." is none (RFC 7505); without MX records, be it another name of a
   host (CNAME), the domain itself is (RFC 5321, section 5.1). */
static int find_exchangers(finder *f, const char *domain)
{
    struct ares_mx_reply *list = NULL, *mx;
    int status = ask(f, domain, ns_t_mx);

    f->hosts_secure = f->secure;
    if (status == ARES_SUCCESS)
        status = ares_parse_mx_reply(f->data, f->size, &list);
    if (status == ARES_SUCCESS && !list)
        status = ARES_ENODATA;
    for (mx = list; mx && f->host_count < HOSTS; mx = mx->next)
        if (mx->host[0])
            add_host(f, mx->host, mx->priority);
    ares_free_data(list);
    if (status != ARES_ENODATA)
        return status;
    add_host(f, domain, 0);
    return ARES_SUCCESS;
}

/* An address literal names its host by number (RFC 5321, section 4.1.3). */
static int find_literal(finder *f, const char *literal)
{
    int six = !strncasecmp(literal, "[IPv6:", 6);
    unsigned char address[16];
    char number[INET6_ADDRSTRLEN];
    size_t n;

    snprintf(number, sizeof number, "%s", literal + (six ? 6 : 1));
    n = strcspn(number, "]");
    if (strcmp(number + n, "]"))
        return ARES_EBADNAME;
    number[n] = '\0';
    if (inet_pton(six ? AF_INET6 : AF_INET, number, address) != 1)
        return ARES_EBADNAME;
    f->hosts_secure = 0;
    add_host(f, number, 0);
    return ARES_SUCCESS;
}

/* Who takes mail for the domain; nobody: it says that it takes none. */
static int find_hosts(finder *f, const char *domain)
{
    int status;

    f->host_count = 0;
    status = (domain[0] == '[' ? find_literal : find_exchangers)(f, domain);
    qsort(f->hosts, f->host_count, sizeof f->hosts[0], by_rank);
    return status;
}

static void on_addresses(void *ctx, int status, int timeouts,
                         struct ares_addrinfo *found)
{
    finder *f = (finder *)ctx;

    (void)timeouts;
    f->done = 1;
    f->status = status;
    f->addresses = found;
}

/* Into f->addresses, in the order of RFC 6724. */
static int find_addresses(finder *f, const char *name)
{
    struct ares_addrinfo_hints hints;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    f->done = 0;
    f->addresses = NULL;
    ares_getaddrinfo(f->dns, name, NULL, &hints, on_addresses, f);
    wait_for_answer(f);
    return f->status;
}

/* ---- policies ------------------------------------------------------------ */

/* In clear; TLS if it is to be had; TLS; with a certificate of a trusted
   issuer for the host's name; with one that a TLSA record tells. */
enum { TLS_OFF, TLS_TRY, TLS_ANY, TLS_VERIFY, TLS_DANE };

/* A record of RFC 6698 with usage 3: the host's own certificate. */
typedef struct tlsa {
    const unsigned char *data;     /* in the answer: until the next question */
    size_t size;
    int key_only;                  /* selector 1: the key, 0: all of it */
    int hash;                      /* 0: as it is, 1: SHA-256, 2: SHA-512 */
} tlsa;

typedef struct policy {
    int level;
    const char *forbids;           /* why the host is not to be used, or 0 */
    tlsa records[TLSA_RECORDS];    /* for TLS_DANE */
    size_t count;
} policy;

static void raise_level(policy *p, int level)
{
    if (level > p->level)
        p->level = level;
}

static void policy_of_user(finder *f, const char *name, policy *p)
{
    (void)name;
    raise_level(p, f->level);
}

/* RFC 8461, section 4.1: * stands for one label. */
static int allows(const char *pattern, const char *name)
{
    if (!strncmp(pattern, "*.", 2)) {
        pattern += 1;
        name += strcspn(name, ".");
    }
    return !strcasecmp(pattern, name);
}

static void policy_of_sts(finder *f, const char *name, policy *p)
{
    size_t i = 0;

    if (!f->sts)
        return;
    raise_level(p, TLS_VERIFY);
    while (i < f->pattern_count && !allows(f->patterns[i], name))
        i++;
    if (i == f->pattern_count)
        p->forbids = "not a host of the domain's MTA-STS policy";
}

/* Records that cannot be judged by make TLS required, no more (RFC 7672,
   section 2.2). */
static void add_record(policy *p, const ns_rr *rr)
{
    static const size_t sizes[] = {0, br_sha256_SIZE, br_sha512_SIZE};
    const unsigned char *data = ns_rr_rdata(*rr);
    size_t size = ns_rr_rdlen(*rr);
    tlsa *r = &p->records[p->count];

    if (ns_rr_type(*rr) != ns_t_tlsa)
        return;
    raise_level(p, TLS_ANY);
    if (p->count == TLSA_RECORDS || size < 4 || data[0] != 3 || data[1] > 1 ||
        data[2] > 2 || (data[2] && size - 3 != sizes[data[2]]))
        return;
    raise_level(p, TLS_DANE);
    r->key_only = data[1];
    r->hash = data[2];
    r->data = data + 3;
    r->size = size - 3;
    p->count++;
}

/* Asked for only where the way to the host is validated, its address included
   (RFC 7672, section 2.2). What cannot be looked up may be under attack. */
static void policy_of_dane(finder *f, const char *name, policy *p)
{
    char question[NS_MAXDNAME + 16];
    int status, i;
    ns_rr rr;

    if (!f->dane || !f->hosts_secure)
        return;
    snprintf(question, sizeof question, "_%s._tcp.%s", f->port, name);
    status = ask(f, name, ns_t_a);
    if (f->secure)
        status = ask(f, question, ns_t_tlsa);
    if (status != ARES_SUCCESS && !is_nothing(status))
        p->forbids = "its TLSA records cannot be looked up";
    if (status != ARES_SUCCESS || !f->secure)
        return;
    for (i = 0; i < ns_msg_count(f->message, ns_s_an); i++)
        if (ns_parserr(&f->message, ns_s_an, i, &rr) == 0)
            add_record(p, &rr);
}

/* Each may raise what is demanded of a host, none lowers it. */
static void find_policy(finder *f, const char *name, policy *p)
{
    static void (*const suppliers[])(finder *, const char *, policy *) = {
        policy_of_user, policy_of_sts, policy_of_dane};
    size_t i;

    memset(p, 0, sizeof *p);
    for (i = 0; i < sizeof suppliers / sizeof suppliers[0]; i++)
        suppliers[i](f, name, p);
}

/* The value in a line "name: value", which is cut behind it; 0: another. */
static const char *value_in(char *line, const char *name)
{
    size_t n = strlen(name);

    if (strncmp(line, name, n) || line[n] != ':')
        return NULL;
    n += 1 + strspn(line + n + 1, " \t");
    line[n + strcspn(line + n, " \t\r\n")] = '\0';
    return line + n;
}

/* The first of a name counts. */
static void keep_first(char *to, size_t size, const char *value)
{
    if (!to[0])
        snprintf(to, size, "%s", value);
}

/* A policy as RFC 8461, section 3.2, has it. Only the mode "enforce" demands
   anything; its age is up to who has fetched it. */
static int read_sts(finder *f, const char *path)
{
    FILE *in = fopen(path, "r");
    char line[1000], version[16] = "", mode[16] = "";
    const char *value;

    if (!in)
        return fault(EX_NOINPUT, path, strerror(errno));
    while (fgets(line, sizeof line, in))
        if ((value = value_in(line, "version")) != NULL)
            keep_first(version, sizeof version, value);
        else if ((value = value_in(line, "mode")) != NULL)
            keep_first(mode, sizeof mode, value);
        else if ((value = value_in(line, "mx")) != NULL &&
                 f->pattern_count < HOSTS)
            f->patterns[f->pattern_count++] = strdup(value);
    fclose(in);
    f->sts = !strcmp(mode, "enforce");
    if (strcmp(version, "STSv1") || (f->sts && f->pattern_count == 0) ||
        (!f->sts && strcmp(mode, "testing") && strcmp(mode, "none")))
        return fault(EX_DATAERR, path, "not an MTA-STS policy");
    return EX_OK;
}

/* ---- certificates -------------------------------------------------------- */

/* Judges a chain by TLSA records, as BearSSL's X.509 engine. */
typedef struct judge {
    const br_x509_class *vtable;   /* first: all that BearSSL knows of it */
    const policy *by;
    br_x509_decoder_context decoder;
    const br_x509_pkey *key;
    int certificates;              /* begun so far; the host's is the first: */
    size_t size;
    unsigned char data[16384];
} judge;

/* The value of the DER element at `at`, which ends at *end; 0: broken. */
static const unsigned char *der_value(const unsigned char *at,
                                      const unsigned char *limit,
                                      const unsigned char **end)
{
    size_t size, more;

    if (!at || limit - at < 2)
        return NULL;
    size = at[1];
    more = size < 0x80 ? 0 : size - 0x80;
    at += 2;
    if (size == 0x80 || more > 3 || (size_t)(limit - at) < more)
        return NULL;
    for (size = more ? 0 : size; more > 0; more--)
        size = size << 8 | *at++;
    *end = at + size;
    return (size_t)(limit - at) < size ? NULL : at;
}

/* The element that is a certificate's key and ends at *end; 0: broken. Before
   it stand version (optional), number, algorithm, issuer, dates and subject
   (RFC 5280, section 4.1). */
static const unsigned char *public_key(const unsigned char *at,
                                       const unsigned char *limit,
                                       const unsigned char **end)
{
    const unsigned char version = 0xA0;
    int skip;

    at = der_value(der_value(at, limit, &limit), limit, &limit);
    skip = at && at < limit && *at == version ? 6 : 5;
    for (; skip > 0; skip--)
        at = der_value(at, limit, end) ? *end : NULL;
    return der_value(at, limit, end) ? at : NULL;
}

static int matches(const tlsa *r, const unsigned char *data, size_t size)
{
    const br_hash_class *c = r->hash == 1 ? &br_sha256_vtable
                                          : &br_sha512_vtable;
    unsigned char digest[br_sha512_SIZE];
    br_hash_compat_context h;

    if (r->hash) {
        c->init(&h.vtable);
        c->update(&h.vtable, data, size);
        c->out(&h.vtable, digest);
        data = digest;
        size = r->size;
    }
    return size == r->size && !memcmp(data, r->data, size);
}

static void judge_start_chain(const br_x509_class **ctx, const char *name)
{
    judge *j = (judge *)(void *)ctx;

    (void)name;
    j->certificates = 0;
    j->size = 0;
    br_x509_decoder_init(&j->decoder, 0, 0);
}

static void judge_start_cert(const br_x509_class **ctx, uint32_t size)
{
    (void)size;
    ((judge *)(void *)ctx)->certificates++;
}

/* What is too long is cut, and so broken. */
static void judge_append(const br_x509_class **ctx, const unsigned char *data,
                         size_t size)
{
    judge *j = (judge *)(void *)ctx;

    if (j->certificates > 1 || size > sizeof j->data - j->size)
        return;
    memcpy(j->data + j->size, data, size);
    j->size += size;
}

static void judge_end_cert(const br_x509_class **ctx)
{
    (void)ctx;
}

/* Name and dates do not count (RFC 7672, section 3.1.1). */
static unsigned judge_end_chain(const br_x509_class **ctx)
{
    judge *j = (judge *)(void *)ctx;
    const tlsa *r = j->by->records, *last = r + j->by->count;
    const unsigned char *end, *key = public_key(j->data, j->data + j->size,
                                                &end);

    if (!key)
        return BR_ERR_X509_INVALID_VALUE;
    while (r < last &&
           !(r->key_only ? matches(r, key, (size_t)(end - key))
                         : matches(r, j->data, j->size)))
        r++;
    if (r == last)
        return BR_ERR_X509_NOT_TRUSTED;
    br_x509_decoder_push(&j->decoder, j->data, j->size);
    j->key = br_x509_decoder_get_pkey(&j->decoder);
    return (unsigned)br_x509_decoder_last_error(&j->decoder);
}

static const br_x509_pkey *judge_get_pkey(const br_x509_class *const *ctx,
                                          unsigned *usages)
{
    if (usages)
        *usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    return ((const judge *)(const void *)ctx)->key;
}

static const br_x509_class judge_class = {
    sizeof(judge), judge_start_chain, judge_start_cert, judge_append,
    judge_end_cert, judge_end_chain, judge_get_pkey};

#endif

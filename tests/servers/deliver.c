/* deliver - hands many mails over at once, for tests/system/servers

   usage: deliver [-npcde] [-w WINDOW] [-C TRUST] URL <LIST

   LIST has a line for each mail: sender, recipients with commas between, name
   of the message's file. All of them go down one connection. Told are, a line
   each: "mail NUMBER STATUS REPLY", "to ADDRESS STATUS REPLY" and in the end
   "session STATUS"; the commands said and their replies go to standard error.

   -n  in clear            -p  no pipelining    -c  no chunking
   -e  login in clear too  -d  ask for a report of success, with all of DSN */
#define _POSIX_C_SOURCE 200809L
#define SMTP_POSIX
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "../../smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct order {
    struct order *next;
    smtp_mail mail;
    smtp_recipient to[200];
    char line[16384];
} order;

typedef struct list {
    order *first, **last;
    order *current;                /* the next to be handed over */
    int reports;
} list;

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static smtp_body read_file(const char *name)
{
    FILE *in = fopen(name, "rb");
    char *bytes = NULL;
    size_t size = 0, got = 0;
    if (!in)
        fail(name);
    do {
        size += got;
        bytes = (char *)realloc(bytes, size + 65536);
        if (!bytes)
            fail(name);
        got = fread(bytes + size, 1, 65536, in);
    } while (got > 0);
    fclose(in);
    return smtp_bytes(bytes, size);
}

static void add_recipients(order *o, char *text, int reports)
{
    char *rest = NULL, *word = strtok_r(text, ",", &rest);
    for (; word && o->mail.to_count < 200; word = strtok_r(NULL, ",", &rest)) {
        smtp_recipient *to = &o->to[o->mail.to_count++];
        to->address = word;
        if (reports) {
            to->notify = SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE;
            to->orcpt = "rfc822;first+one@servers.test";
        }
    }
}

static int read_order(list *l)
{
    order *o = (order *)calloc(1, sizeof *o);
    char *rest = NULL, *to;
    if (!o)
        fail("memory");
    if (!fgets(o->line, sizeof o->line, stdin)) {
        free(o);
        return 0;
    }
    o->mail.from = strtok_r(o->line, " ", &rest);
    to = strtok_r(NULL, " ", &rest);
    o->mail.to = o->to;
    add_recipients(o, to, l->reports);
    o->mail.body = read_file(strtok_r(NULL, "\n", &rest));
    o->mail.ret = l->reports ? SMTP_RET_HDRS : 0;
    o->mail.envid = l->reports ? "an+envelope=1" : NULL;
    *l->last = o;
    l->last = &o->next;
    return 1;
}

static int next(void *ctx, smtp_mail **mail)
{
    list *l = (list *)ctx;
    if (!l->current)
        return SMTP_EOF;
    *mail = &l->current->mail;
    l->current = l->current->next;
    return SMTP_OK;
}

static void trace(void *ctx, int kind, const char *data, size_t size)
{
    (void)ctx;
    if (kind != SMTP_TRACE_BODY)
        fwrite(data, 1, size, stderr);
}

static void tell(const list *l)
{
    int number = 0;
    size_t i;
    for (const order *o = l->first; o; o = o->next) {
        const smtp_mail *m = &o->mail;
        printf("mail %d %d %u\n", ++number, m->status, m->code.reply);
        for (i = 0; i < m->to_count; i++)
            printf("to %s %d %u\n", m->to[i].address, m->to[i].status,
                   m->to[i].code.reply);
    }
}

static void release(list *l)
{
    order *o, *after;
    for (o = l->first; o; o = after) {
        after = o->next;
        free((void *)(uintptr_t)o->mail.body.data);
        free(o);
    }
}

static void read_options(int argc, char **argv, list *l,
                         smtp_client_options *o)
{
    int key;
    while ((key = getopt(argc, argv, "npcdew:C:")) != -1)
        switch (key) {
        case 'n': o->config.tls = SMTP_TLS_NONE; break;
        case 'p': o->config.no_pipelining = 1; break;
        case 'c': o->config.no_chunking = 1; break;
        case 'd': l->reports = 1; break;
        case 'e': o->config.unsafe_clear_login = 1; break;
        case 'w': o->config.window = (uint16_t)atoi(optarg); break;
        case 'C': o->tls.trust_file = optarg; break;
        default: exit(2);
        }
    if (optind + 1 != argc)
        exit(2);
}

int main(int argc, char **argv)
{
    static smtp_client client;
    static smtp_client_options options;
    static list l;
    smtp_status st;
    l.last = &l.first;
    read_options(argc, argv, &l, &options);
    while (read_order(&l))
        continue;
    options.config.ctx = &l;
    options.config.next = next;
    options.config.trace = trace;
    l.current = l.first;
    st = smtp_client_open(&client, argv[optind], &options);
    smtp_client_close(&client);
    tell(&l);
    printf("session %d %s\n", st, smtp_status_text(st));
    release(&l);
    return 0;
}

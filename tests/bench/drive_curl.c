/* The bench's driver for libcurl: one easy handle, so that the connection is
   kept - MIT-0 or Unlicense */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <curl/curl.h>

#include "message.h"

typedef struct source {
    const char *text;
    size_t size, at;
} source;

static size_t read_message(char *buffer, size_t size, size_t count, void *ctx)
{
    source *from = (source *)ctx;
    size_t n = size * count, left = from->size - from->at;
    if (n > left)
        n = left;
    memcpy(buffer, from->text + from->at, n);
    from->at += n;
    return n;
}

static struct curl_slist *recipients(unsigned long count)
{
    char **address = make_addresses(count);
    struct curl_slist *list = NULL;
    for (unsigned long i = 0; i < count; i++)
        list = curl_slist_append(list, address[i]);
    return list;
}

typedef struct sender {
    CURL *curl;
    source from;
    unsigned long messages, delivered;
} sender;

static CURL *prepare(const task *t, source *from)
{
    char url[64];
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "smtp://localhost:%s/bench.example.org",
             t->port);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, FROM);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients(t->recipients));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_message);
    curl_easy_setopt(curl, CURLOPT_READDATA, from);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    if (t->ca_file) {
        curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
        curl_easy_setopt(curl, CURLOPT_CAINFO, t->ca_file);
    }
    return curl;
}

static void *send_all(void *ctx)
{
    sender *s = (sender *)ctx;
    for (unsigned long i = 0; i < s->messages; i++) {
        s->from.at = 0;
        s->delivered += curl_easy_perform(s->curl) == CURLE_OK;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static sender s;
    task t = read_task(argc, argv);
    s.from.text = make_message(t.bytes);
    s.from.size = t.bytes;
    s.messages = t.messages;
    curl_global_init(CURL_GLOBAL_ALL);
    s.curl = prepare(&t, &s.from);
    double began = now();
    work_on(send_all, &s);
    int result = report(began, s.delivered, &t);
    curl_easy_cleanup(s.curl);
    return result;
}

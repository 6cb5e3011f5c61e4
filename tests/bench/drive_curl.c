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

int main(int argc, char **argv)
{
    task t = read_task(argc, argv);
    source from = {make_message(t.bytes), t.bytes, 0};
    unsigned long delivered = 0;
    curl_global_init(CURL_GLOBAL_ALL);
    CURL *curl = prepare(&t, &from);
    double began = now();
    for (unsigned long i = 0; i < t.messages; i++) {
        from.at = 0;
        delivered += curl_easy_perform(curl) == CURLE_OK;
    }
    int result = report(began, delivered, &t);
    curl_easy_cleanup(curl);
    return result;
}

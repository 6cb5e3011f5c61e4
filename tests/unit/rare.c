/* rare.c - dialogues with the extensions that few servers have, as data: each
   offered and used, and refused before anything is said where it is not; names
   in ASCII for domains that are not; what TLS that is required keeps back */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "sweep.h"

#define ONE "mail box@a ops@b\nbody hi|\n"
#define TWO "mail box@a ops@b dev@b\nbody hi|\n"
#define FIVE "mail box@a t1@b t2@b t3@b t4@b t5@b\nbody hi|\n"
#define HELLO "EHLO [127.0.0.1]\n"
#define FROM "MAIL FROM:<box@a>"
#define TO "\nRCPT TO:<ops@b>\n"
#define TO_TWO TO "RCPT TO:<dev@b>\n"
#define BODY "DATA\nhi\n.\n"
#define GOOD "OK 250 2.6.0"
#define STORED GOOD ": " GOOD "\n"
#define STORED_TWO GOOD ": " GOOD ", " GOOD "\n"
#define NO "E_REFUSED 550 5.1.1"
#define FINE "end OK\n"
#define UNSUPPORTED "E_UNSUPPORTED 0: NOT_TAKEN 0\n" FINE
#define PARAMETER "E_PARAMETER 0: NOT_TAKEN 0\n" FINE

/* ---- what a mail asks for ------------------------------------------------ */

static const dialogue wishes[] = {
    {"HOLDFOR", "offer FUTURERELEASE 86400 2030-01-01T00:00:00Z\n" ONE
     "hold_for 3600\n", HELLO FROM " HOLDFOR=3600" TO BODY "QUIT\n",
     STORED FINE},
    {"HOLDFOR, the most", "offer FUTURERELEASE\n" ONE "hold_for 999999999\n",
     HELLO FROM " HOLDFOR=999999999" TO BODY "QUIT\n", STORED FINE},
    {"HOLDFOR, too much", "offer FUTURERELEASE\n" ONE
     "hold_for 1000000000\n", HELLO "QUIT\n", PARAMETER},
    {"HOLDUNTIL", "offer FUTURERELEASE\n" ONE
     "hold_until 2027-01-31T18:00:00Z\nhold_for 5\n",
     HELLO FROM " HOLDUNTIL=2027-01-31T18:00:00Z" TO BODY "QUIT\n",
     STORED FINE},
    {"HOLDUNTIL that would be two parameters", "offer FUTURERELEASE\n" ONE
     "hold_until 2027%20X=1\n", HELLO "QUIT\n", PARAMETER},
    {"FUTURERELEASE, not offered", ONE "hold_for 3600\n",
     HELLO "QUIT\n", UNSUPPORTED},
    {"HOLDUNTIL, not offered", "offer DELIVERBY\n" ONE
     "hold_until 2027-01-31T18:00:00Z\n", HELLO "QUIT\n", UNSUPPORTED},

    {"DELIVERBY, return", "offer DELIVERBY 240\n" ONE "by 120\nby_mode 1\n",
     HELLO FROM " BY=120;R" TO BODY "QUIT\n", STORED FINE},
    {"DELIVERBY, notify, late already", "offer DELIVERBY\n" ONE
     "by -120\nby_mode 2\n", HELLO FROM " BY=-120;N" TO BODY "QUIT\n",
     STORED FINE},
    {"DELIVERBY, notify, now, traced", "offer DELIVERBY\n" ONE
     "by 0\nby_mode 6\n", HELLO FROM " BY=0;NT" TO BODY "QUIT\n",
     STORED FINE},
    {"DELIVERBY, return, traced, the most", "offer DELIVERBY\n" ONE
     "by 999999999\nby_mode 5\n",
     HELLO FROM " BY=999999999;RT" TO BODY "QUIT\n", STORED FINE},
    {"DELIVERBY, too much", "offer DELIVERBY\n" ONE
     "by 1000000000\nby_mode 1\n", HELLO "QUIT\n", PARAMETER},
    {"DELIVERBY, too late", "offer DELIVERBY\n" ONE
     "by -1000000000\nby_mode 2\n", HELLO "QUIT\n", PARAMETER},
    {"DELIVERBY, return at once", "offer DELIVERBY\n" ONE "by 0\nby_mode 1\n",
     HELLO "QUIT\n", PARAMETER},
    {"DELIVERBY, both ways", "offer DELIVERBY\n" ONE "by 9\nby_mode 3\n",
     HELLO "QUIT\n", PARAMETER},
    {"DELIVERBY, traced and no way", "offer DELIVERBY\n" ONE
     "by 9\nby_mode 4\n", HELLO "QUIT\n", PARAMETER},
    {"DELIVERBY, no such way", "offer DELIVERBY\n" ONE "by 9\nby_mode 9\n",
     HELLO "QUIT\n", PARAMETER},
    {"DELIVERBY, not offered", "offer FUTURERELEASE\n" ONE
     "by 120\nby_mode 1\n", HELLO "QUIT\n", UNSUPPORTED},

    {"MT-PRIORITY", "offer MT-PRIORITY MIXER\n" ONE "priority 9\n",
     HELLO FROM " MT-PRIORITY=9" TO BODY "QUIT\n", STORED FINE},
    {"MT-PRIORITY, low", "offer MT-PRIORITY\n" ONE "priority -9\n",
     HELLO FROM " MT-PRIORITY=-9" TO BODY "QUIT\n", STORED FINE},
    {"MT-PRIORITY, too high", "offer MT-PRIORITY\n" ONE "priority 10\n",
     HELLO "QUIT\n", PARAMETER},
    {"MT-PRIORITY, too low", "offer MT-PRIORITY\n" ONE "priority -10\n",
     HELLO "QUIT\n", PARAMETER},
    {"MT-PRIORITY, not offered", ONE "priority 1\n", HELLO "QUIT\n",
     UNSUPPORTED},

    {"REQUIRETLS", "tls implicit\noffer REQUIRETLS\n" ONE "require_tls\n",
     HELLO FROM " REQUIRETLS" TO BODY "QUIT\n", STORED FINE},
    {"REQUIRETLS in clear", "offer REQUIRETLS\n" ONE "require_tls\n",
     HELLO "QUIT\n", "E_NO_TLS 0: NOT_TAKEN 0\n" FINE},
    {"REQUIRETLS, not offered", "tls implicit\n" ONE "require_tls\n",
     HELLO "QUIT\n", UNSUPPORTED},
    {"REQUIRETLS, offered in clear alone", "tls starttls\n"
     "EHLO 250-mx|250-REQUIRETLS|250 STARTTLS\n" ONE "require_tls\n",
     HELLO "STARTTLS\n<TLS>\n" HELLO "QUIT\n", UNSUPPORTED},

    {"all of them", "tls implicit\noffer SIZE 1000;DSN;FUTURERELEASE;DELIVERBY;"
     "MT-PRIORITY;REQUIRETLS;PRDR;X-A\nno_once\n" TWO "ret 2\nenvid Q\n"
     "hold_for 60\nby 9\nby_mode 2\npriority 3\nrequire_tls\nparams X-A=1\n"
     "notify 4\n",
     HELLO FROM " SIZE=4 RET=HDRS ENVID=Q HOLDFOR=60 BY=9;N MT-PRIORITY=3"
     " REQUIRETLS PRDR X-A=1\nRCPT TO:<ops@b>\nRCPT TO:<dev@b> "
     "NOTIFY=FAILURE\n" BODY "QUIT\n", STORED_TWO FINE},
    {"two mails, the first refused here", ONE "priority 1\n"
     "mail box2@a ops@b\nbody hi|\n",
     HELLO "MAIL FROM:<box2@a>" TO BODY "QUIT\n",
     "E_UNSUPPORTED 0: NOT_TAKEN 0\n" STORED FINE},
};

/* ---- RFC 9422 ------------------------------------------------------------ */

#define PART(a, b) FROM "\nRCPT TO:<" a "@b>\nRCPT TO:<" b "@b>\n"
#define LAST_PART FROM "\nRCPT TO:<t5@b>\n"
#define FIVE_GOOD GOOD ": " GOOD ", " GOOD ", " GOOD ", " GOOD ", " GOOD "\n"
#define NOT "NOT_TAKEN *"
#define MAIL(n) "mail box" #n "@a ops@b\nbody hi|\n"
#define SAY(n) "MAIL FROM:<box" #n "@a>" TO BODY

static const dialogue limits[] = {
    {"RCPTMAX", "offer LIMITS RCPTMAX=2\nno_once\n" FIVE,
     HELLO PART("t1", "t2") BODY PART("t3", "t4") BODY LAST_PART BODY "QUIT\n",
     FIVE_GOOD FINE},
    {"RCPTMAX, pipelined", "offer PIPELINING;LIMITS RCPTMAX=2\nno_once\n" FIVE,
     HELLO PART("t1", "t2") BODY PART("t3", "t4") BODY LAST_PART BODY "QUIT\n",
     FIVE_GOOD FINE},
    {"RCPTMAX, chunks", "offer PIPELINING;CHUNKING;LIMITS X=1 RCPTMAX=3\n"
     "no_once\n" FIVE, NULL, FIVE_GOOD FINE},
    {"RCPTMAX, RSET is refused before the last part of the second mail",
     "offer PIPELINING;LIMITS RCPTMAX=1\nno_once\nnext\nRSET 250 ok\n"
     "RSET* 503 no\nMAIL 250 ok\nMAIL 250 ok\nMAIL 250 ok\nMAIL 503 no\n"
     "RCPT 250 ok\nRCPT 250 ok\nRCPT 550 5.1.1 no\nRCPT 503 no\n"
     "DATA 354 go\nDATA 354 go\nDATA 503 no\nDATA 503 no\n"
     "END 250 2.6.0 ok\nmail box1@a t1@b\nbody 1|\n"
     "mail box2@a t1@b t2@b t3@b\nbody 2|\nmail box3@a t1@b\nbody 3|\n",
     NULL, "OK 250 2.6.0: " GOOD "\n"
     "PARTIAL *: " GOOD ", " NO ", NOT_TAKEN *\n"
     "NOT_TAKEN *: NOT_TAKEN *\nend E_SHUTDOWN\n"},
    {"RCPTMAX, just as many", "offer LIMITS RCPTMAX=5\n" FIVE,
     HELLO FROM "\nRCPT TO:<t1@b>\nRCPT TO:<t2@b>\nRCPT TO:<t3@b>\n"
     "RCPT TO:<t4@b>\nRCPT TO:<t5@b>\n" BODY "QUIT\n", FIVE_GOOD FINE},
    {"RCPTMAX, one refused", "offer PIPELINING;LIMITS RCPTMAX=2\nno_once\n"
     "RCPT 250 ok\nRCPT 250 ok\nRCPT 550 5.1.1 no\n" FIVE,
     HELLO PART("t1", "t2") BODY PART("t3", "t4") BODY LAST_PART BODY "QUIT\n",
     "PARTIAL 250 2.6.0: " GOOD ", " GOOD ", " NO ", " GOOD ", " GOOD "\n"
     FINE},
    {"RCPTMAX, a part all refused", "offer LIMITS RCPTMAX=2\nno_once\n"
     "RCPT 550 5.1.1 no\nRCPT 550 5.1.1 no\n" FIVE,
     HELLO PART("t1", "t2") "RSET\n" PART("t3", "t4") BODY LAST_PART BODY
     "QUIT\n",
     "PARTIAL 250 2.6.0: " NO ", " NO ", " GOOD ", " GOOD ", " GOOD "\n"
     FINE},
    {"RCPTMAX, a message refused", "offer LIMITS RCPTMAX=2\nno_once\n"
     "END 250 2.6.0 ok\nEND 554 5.7.1 spam\n" FIVE,
     HELLO PART("t1", "t2") BODY PART("t3", "t4") BODY "QUIT\n",
     "PARTIAL 554 5.7.1: " GOOD ", " GOOD ", E_DATA 554 5.7.1, "
     "E_DATA 554 5.7.1, E_DATA/NOT_TAKEN *\n" FINE},
    {"RCPTMAX, a part refused in the end by LMTP",
     "lmtp\noffer LIMITS RCPTMAX=2\nno_once\nEND 250 2.6.0 ok\n"
     "END 250 2.6.0 ok\nEND 452 4.2.2 full\nEND 452 4.2.2 full\n" FIVE,
     "LHLO [127.0.0.1]\n" PART("t1", "t2") BODY PART("t3", "t4") BODY "RSET\n"
     LAST_PART BODY "QUIT\n",
     "PARTIAL *: " GOOD ", " GOOD ", E_REFUSED 452 4.2.2, E_REFUSED 452 4.2.2, "
     GOOD "\n" FINE},
    {"RCPTMAX and PRDR, the last part refused for all",
     "offer PRDR;LIMITS RCPTMAX=3\nno_once\nALL 250 2.6.0 ok\n"
     "ALL 554 5.6.0 no\n" FIVE, NULL,
     "PARTIAL 554 5.6.0: " GOOD ", " GOOD ", " GOOD ", E_DATA 554 5.6.0, "
     "E_DATA 554 5.6.0\n" FINE},
    {"RCPTMAX, the end between parts", "offer LIMITS RCPTMAX=2\nno_once\n"
     "MAIL 250 ok\nMAIL+close 421 bye\n" FIVE,
     HELLO PART("t1", "t2") BODY FROM "\n",
     "PARTIAL *: " GOOD ", " GOOD ", " NOT ", " NOT ", " NOT "\n"
     "end E_SHUTDOWN\n"},
    {"RCPTMAX, all of a part refused, then the end", "offer PIPELINING;"
     "LIMITS RCPTMAX=2\nno_once\nRCPT* 550 5.1.1 no\nDATA 354 go\n"
     "NONE+close \nmail box@a t1@b t2@b t3@b\nbody hi|\n", NULL,
     "NOT_TAKEN 0: " NO ", " NO ", " NOT "\nend *\n"},
    {"RCPTMAX, all or none", "offer LIMITS RCPTMAX=2\nno_once\n" FIVE
     "all_or_none\n", HELLO "QUIT\n",
     "E_LIMIT 0: NOT_TAKEN 0, NOT_TAKEN 0, NOT_TAKEN 0, NOT_TAKEN 0, "
     "NOT_TAKEN 0\n" FINE},
    {"RCPTMAX, a body that cannot be read twice", "offer LIMITS RCPTMAX=2\n"
     FIVE "body_flags 8\n", HELLO "QUIT\n",
     "E_LIMIT 0: NOT_TAKEN 0, NOT_TAKEN 0, NOT_TAKEN 0, NOT_TAKEN 0, "
     "NOT_TAKEN 0\n" FINE},
    {"RCPTMAX of nothing", "offer LIMITS RCPTMAX=0\n" TWO,
     HELLO FROM TO_TWO BODY "QUIT\n", STORED_TWO FINE},
    {"RCPTMAX beyond 16 bits", "offer LIMITS RCPTMAX=65537\n" TWO,
     HELLO FROM TO_TWO BODY "QUIT\n", STORED_TWO FINE},
    {"RCPTMAX without number", "offer LIMITS RCPTMAX RCPTMAX=\n" TWO,
     HELLO FROM TO_TWO BODY "QUIT\n", STORED_TWO FINE},
    {"RCPTMAX of the EHLO in clear", "tls starttls\n"
     "EHLO 250-mx|250-LIMITS RCPTMAX=1 MAILMAX=1|250 STARTTLS\n" TWO
     "mail box2@a ops@b\nbody hi|\n",
     HELLO "STARTTLS\n<TLS>\n" HELLO FROM TO_TWO BODY
     "MAIL FROM:<box2@a>" TO BODY "QUIT\n", STORED_TWO STORED FINE},

    {"MAILMAX", "offer LIMITS MAILMAX=2\n" MAIL(1) MAIL(2) MAIL(3) MAIL(4),
     HELLO SAY(1) SAY(2) "QUIT\n",
     STORED STORED "NOT_TAKEN 0: NOT_TAKEN 0\nNOT_TAKEN 0: NOT_TAKEN 0\n"
     "end E_LIMIT\n"},
    {"MAILMAX, just as many", "offer LIMITS MAILMAX=2 RCPTDOMAINMAX=5\n"
     MAIL(1) MAIL(2), HELLO SAY(1) SAY(2) "QUIT\n", STORED STORED FINE},
    {"MAILMAX, by next", "offer PIPELINING;LIMITS RCPTMAX=9 MAILMAX=2\nnext\n"
     MAIL(1) MAIL(2) MAIL(3), NULL,
     STORED STORED "NOT_TAKEN 0: NOT_TAKEN 0\nend E_LIMIT\n"},
    {"MAILMAX counts refused ones", "offer LIMITS MAILMAX=2\n"
     "MAIL 550 5.1.8 no\n" MAIL(1) MAIL(2) MAIL(3),
     HELLO "MAIL FROM:<box1@a>\nRSET\n" SAY(2) "QUIT\n",
     "E_SENDER 550 5.1.8: E_SENDER 550 5.1.8\n" STORED
     "NOT_TAKEN 0: NOT_TAKEN 0\nend E_LIMIT\n"},
    {"MAILMAX and RCPTMAX: the rest is not taken",
     "offer LIMITS MAILMAX=2 RCPTMAX=2\nno_once\n" FIVE,
     HELLO PART("t1", "t2") BODY PART("t3", "t4") BODY "QUIT\n",
     "PARTIAL *: " GOOD ", " GOOD ", " GOOD ", " GOOD ", " NOT "\n" FINE},
};

/* ---- PRDR ---------------------------------------------------------------- */

static const dialogue prdr[] = {
    {"PRDR", "offer PRDR\n" TWO, HELLO FROM " PRDR" TO_TWO BODY "QUIT\n",
     STORED_TWO FINE},
    {"PRDR, pipelined, chunks", "offer PIPELINING;CHUNKING;PRDR\n" TWO,
     HELLO FROM " PRDR" TO_TWO "BDAT 4 LAST\nhi\nQUIT\n", STORED_TWO FINE},
    {"PRDR, the first refused", "offer PIPELINING;PRDR\nEND 550 5.1.1 no\n"
     TWO, HELLO FROM " PRDR" TO_TWO BODY "QUIT\n",
     "PARTIAL 250 2.6.0: " NO ", " GOOD "\n" FINE},
    {"PRDR, the last refused", "offer PRDR\nEND 250 2.6.0 ok\n"
     "END 550 5.1.1 no\n" TWO, HELLO FROM " PRDR" TO_TWO BODY "QUIT\n",
     "PARTIAL 250 2.6.0: " GOOD ", " NO "\n" FINE},
    {"PRDR, both refused", "offer PRDR\nEND* 550 5.1.1 no\n" TWO,
     HELLO FROM " PRDR" TO_TWO BODY "QUIT\n",
     "E_DATA 550 5.7.1: " NO ", " NO "\n" FINE},
    {"PRDR, both refused, and 250 in the end", "offer PRDR\n"
     "END* 550 5.1.1 no\nALL 250 2.6.0 ok\n" TWO,
     HELLO FROM " PRDR" TO_TWO BODY "QUIT\n",
     "E_DATA 250 2.6.0: " NO ", " NO "\n" FINE},
    {"PRDR, refused for all in the end", "offer PRDR\nALL 554 5.6.0 no\n" TWO,
     HELLO FROM " PRDR" TO_TWO BODY "QUIT\n",
     "E_DATA 554 5.6.0: E_DATA 554 5.6.0, E_DATA 554 5.6.0\n" FINE},
    {"PRDR, one refused before", "offer PRDR\nRCPT 550 5.1.1 no\n"
     "END 452 4.2.2 full\nmail box@a t1@b t2@b t3@b\nbody hi|\n",
     HELLO FROM " PRDR\nRCPT TO:<t1@b>\nRCPT TO:<t2@b>\nRCPT TO:<t3@b>\n" BODY
     "QUIT\n",
     "PARTIAL 250 2.6.0: " NO ", E_REFUSED 452 4.2.2, " GOOD "\n" FINE},
    {"PRDR, and the server thinks better of it", "offer PRDR\nPRDR 250 2.6.0 "
     "stored\nEND 250 2.6.0 ok\nbroken\n" TWO, NULL, "*: *, *\nend *\n"},
    {"PRDR, 421 between the answers", "offer PRDR\nEND 250 2.6.0 ok\n"
     "END+close 421 bye\n" TWO, HELLO FROM " PRDR" TO_TWO BODY,
     "*: *, *\nend E_SHUTDOWN\n"},
    {"PRDR, 421 for one of them", "offer PRDR\nEND+on 421 4.3.2 bye\n" TWO,
     HELLO FROM " PRDR" TO_TWO BODY,
     "PARTIAL *: E_REFUSED 421 4.3.2, OK 250 2.6.0\nend E_SHUTDOWN\n"},
    {"PRDR, 421 instead of the answer for all", "offer PRDR\n"
     "END* 250 2.6.0 ok\nALL+close 421 bye\n" TWO, HELLO FROM " PRDR" TO_TWO
     BODY, "NOT_TAKEN 421: " NOT ", " NOT "\nend E_SHUTDOWN\n"},
    {"PRDR, the end instead of the answer for all", "offer PRDR\n"
     "END 250 2.6.0 ok\nEND 550 5.1.1 no\nALL+close \n" TWO,
     HELLO FROM " PRDR" TO_TWO BODY,
     "UNKNOWN 0: UNKNOWN 0, " NO "\nend EOF\n"},
    {"PRDR, both refused, then the end", "offer PRDR\nEND* 550 5.1.1 no\n"
     "ALL+close \n" TWO, HELLO FROM " PRDR" TO_TWO BODY,
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\nend EOF\n"},
    {"PRDR, one recipient", "offer PRDR\n" ONE,
     HELLO FROM TO BODY "QUIT\n", STORED FINE},
    {"PRDR, all or none", "offer PRDR\n" TWO "all_or_none\n",
     HELLO FROM TO_TWO BODY "QUIT\n", STORED_TWO FINE},
    {"PRDR, offered in LMTP, which has no use for it", "lmtp\noffer PRDR\n"
     "END 250 2.6.0 ok\nEND 550 5.1.1 no\n" TWO,
     "LHLO [127.0.0.1]\n" FROM TO_TWO BODY "QUIT\n",
     "PARTIAL 550 5.1.1: " GOOD ", " NO "\n" FINE},
    {"PRDR, not offered", TWO, HELLO FROM TO_TWO BODY "QUIT\n",
     STORED_TWO FINE},
    {"353 where nobody asked", "END 353 what\n" ONE "cut\n", NULL,
     "*: *\nend *\n"},
};

/* ---- domains in UTF-8 ---------------------------------------------------- */

#define CITY "m%C3%BCnchen.example"
#define LABEL "xn--mnchen-3ya.example"

static const dialogue labels[] = {
    {"a recipient's domain", "a_label\nmail box@a ops@" CITY "\nbody hi|\n",
     HELLO FROM "\nRCPT TO:<ops@" LABEL ">\n" BODY "QUIT\n", STORED FINE},
    {"pipelined, SMTPUTF8 offered and not needed",
     "a_label\noffer PIPELINING;SMTPUTF8\nmail box@" CITY " ops@" CITY
     " dev@b\nbody hi|\n",
     HELLO "MAIL FROM:<box@" LABEL ">\nRCPT TO:<ops@" LABEL ">\n"
     "RCPT TO:<dev@b>\n" BODY "QUIT\n", STORED_TWO FINE},
    {"our own", "a_label\ndomain " CITY "\n" ONE,
     "EHLO " LABEL "\n" FROM TO BODY "QUIT\n", STORED FINE},
    {"our own in LMTP", "lmtp\na_label\ndomain " CITY "\n" ONE,
     "LHLO " LABEL "\n" FROM TO BODY "QUIT\n", STORED FINE},
    {"our own that has none", "a_label\ndomain k%C3%B6ln.example\n" ONE,
     "", "NOT_TAKEN 0: NOT_TAKEN 0\nend E_DOMAIN\n"},
    {"our own, nobody to ask", "domain " CITY "\n" ONE,
     "", "NOT_TAKEN 0: NOT_TAKEN 0\nend E_DOMAIN\n"},
    {"a local part in UTF-8: no use", "a_label\noffer 8BITMIME\n"
     "mail box@a j%C3%B6@" CITY "\nbody hi|\n", HELLO "QUIT\n",
     "E_UTF8 0: NOT_TAKEN 0\n" FINE},
    {"a domain that has none", "a_label\noffer 8BITMIME\n"
     "mail box@a ops@k%C3%B6ln.example\nbody hi|\n", HELLO "QUIT\n",
     "E_UTF8 0: NOT_TAKEN 0\n" FINE},
    {"a domain that has none, SMTPUTF8", "a_label\noffer SMTPUTF8\n"
     "mail box@a ops@k%C3%B6ln.example\nbody hi|\n",
     HELLO FROM " SMTPUTF8\nRCPT TO:<ops@k\303\266ln.example>\n" BODY "QUIT\n",
     STORED FINE},
    {"a label that cannot be sent", "a_label\noffer 8BITMIME\n"
     "mail box@a ops@sp%C3%A4t.example\nbody hi|\n", HELLO "QUIT\n",
     "E_UTF8 0: NOT_TAKEN 0\n" FINE},
    {"nobody to ask", "mail box@a ops@" CITY "\nbody hi|\n", HELLO "QUIT\n",
     "E_UTF8 0: NOT_TAKEN 0\n" FINE},
    {"by hand", "a_label\ndo ehlo\ndo mail_from box@" CITY "\ndo rcpt_to ops@"
     CITY "\ndo rcpt_to ops@k%C3%B6ln.example\n",
     HELLO "MAIL FROM:<box@" LABEL ">\nRCPT TO:<ops@" LABEL ">\nQUIT\n",
     "ehlo OK 250\nmail_from OK 250 2.1.0\nrcpt_to OK 250 2.1.5\n"
     "rcpt_to E_UTF8\n" FINE},
};

/* ---- by hand ------------------------------------------------------------- */

#define BOX "user box\npassword secret\n"

static const dialogue by_hand[] = {
    {"XCLIENT", "offer XCLIENT NAME ADDR\nXCLIENT 220 mx ESMTP\ndo ehlo\n"
     "do xclient NAME=spike.example%20ADDR=192.0.2.1\ndo send\n" ONE,
     HELLO "XCLIENT NAME=spike.example ADDR=192.0.2.1\n" HELLO FROM TO BODY
     "QUIT\n", "ehlo OK 250\nxclient OK 220\nsend OK 250 2.6.0\n" FINE},
    {"XCLIENT: the login is forgotten, too", "tls implicit\n" BOX
     "offer AUTH PLAIN;XCLIENT LOGIN\nXCLIENT 220 mx ESMTP\ndo run\n"
     "do xclient LOGIN=me\ndo run\n",
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nXCLIENT LOGIN=me\n" HELLO
     "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n",
     "run OK 235 2.7.0\nxclient OK 220\nrun OK 235 2.7.0\n" FINE},
    {"XCLIENT refused", "offer XCLIENT NAME;X-A\nXCLIENT 550 5.7.0 no\n"
     "do ehlo\ndo xclient NAME=a\ndo mail_from box@a X-A=1\n",
     HELLO "XCLIENT NAME=a\n" FROM " X-A=1\nQUIT\n",
     "ehlo OK 250\nxclient E_REFUSED 550 5.7.0\nmail_from OK 250 2.1.0\n"
     FINE},
    {"XFORWARD", "offer XFORWARD NAME\nXFORWARD 250 ok\ndo ehlo\n"
     "do xforward NAME=spike.example\n",
     HELLO "XFORWARD NAME=spike.example\nQUIT\n",
     "ehlo OK 250\nxforward OK 250\n" FINE},
    {"neither offered", "do ehlo\ndo xclient NAME=a\ndo xforward NAME=a\n",
     HELLO "QUIT\n", "ehlo OK 250\nxclient E_UNSUPPORTED\n"
     "xforward E_UNSUPPORTED\n" FINE},
    {"two lines for one", "offer XCLIENT NAME;XFORWARD NAME\ndo ehlo\n"
     "do xclient NAME=a%0D%0ARSET\ndo xforward NAME=a%0ARSET\n",
     HELLO "QUIT\n", "ehlo OK 250\nxclient E_LINE\nxforward E_LINE\n" FINE},

    {"TLS required: nothing of a mail by hand in clear", "tls starttls\n"
     "offer STARTTLS\nno_once\ndo ehlo\ndo mail_from box@a\ndo rcpt_to ops@b\n"
     "do data\ndo noop\ndo starttls\ndo mail_from box@a\ndo rcpt_to ops@b\n"
     "do data\n" ONE,
     HELLO "NOOP\nSTARTTLS\n<TLS>\n" FROM TO BODY "QUIT\n",
     "ehlo OK 250\nmail_from E_NO_TLS\nrcpt_to E_NO_TLS\ndata E_NO_TLS\n"
     "noop OK 250 2.6.0\nstarttls OK 220 2.6.0\nmail_from OK 250 2.1.0\n"
     "rcpt_to OK 250 2.1.5\ndata OK 250 2.6.0\n" FINE},
    {"TLS required: no login by hand in clear", "tls starttls\nclear_login\n"
     BOX "offer STARTTLS;AUTH PLAIN\ndo ehlo\ndo login\ndo starttls\n"
     "do login\n",
     HELLO "STARTTLS\n<TLS>\n" HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n",
     "ehlo OK 250\nlogin E_CLEAR_LOGIN\nstarttls OK 220 2.6.0\n"
     "login OK 235 2.7.0\n" FINE},
    {"a login in clear does not count behind TLS", "clear_login\n" BOX
     "offer STARTTLS;AUTH PLAIN\ndo run\ndo starttls\ndo run\n",
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nSTARTTLS\n<TLS>\n" HELLO
     "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n",
     "run OK 235 2.7.0\nstarttls OK 220 2.6.0\nrun OK 235 2.7.0\n" FINE},
    {"STARTTLS is offered behind TLS, too", "tls starttls\noffer STARTTLS\n"
     "do starttls\ndo starttls\ndo noop\n",
     HELLO "STARTTLS\n<TLS>\n" HELLO "NOOP\nQUIT\n",
     "starttls OK 220 2.6.0\nstarttls E_NO_STARTTLS\nnoop OK 250 2.6.0\n"
     FINE},
    {"why the session has ended is told, not that TLS is over", "tls starttls\n"
     BOX "offer STARTTLS;AUTH PLAIN\nAUTH 535 5.7.8 bad\nno_once\ndo run\n"
     "do mail_from box@a\ndo rcpt_to ops@b\ndo data\n" ONE,
     HELLO "STARTTLS\n<TLS>\n" HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n",
     "run E_LOGIN\nmail_from E_LOGIN\nrcpt_to E_LOGIN\n"
     "data E_LOGIN\n" FINE},
};

/* ---- what is kept of EHLO ------------------------------------------------ */

/* A session that keeps what EHLO tells in `size` bytes before a guard page. */
typedef struct keeper {
    smtp_session session;
    smtp_config config;
    smtp_io io;
    peer server;
    wire line;
    wire_habit habit;
    scene what;
    char buffer[256];
} keeper;

static void keeper_open(keeper *k, size_t size)
{
    static const dialogue offers = {
        "features", "EHLO 250-mx|250-SIZE%091000|250- etrn|250-X-Y  a=1 B|"
        "250 AUTH=LOGIN PLAIN\nEHLO 250 mx\n", NULL, ""
    };
    memset(&k->server, 0, sizeof k->server);
    memset(&k->io, 0, sizeof k->io);
    scene_read(&k->what, &offers);
    peer_start(&k->server, &k->what.script);
    wire_start(&k->line, &k->server, &k->habit);
    k->config = k->what.config;
    k->config.features = guard_bytes(size);
    k->config.features_size = (uint16_t)size;
    memset(k->config.features, 'x', size);
    k->io.ctx = &k->line;
    k->io.recv = wire_recv;
    k->io.send = wire_send;
    CHECK_NUMBER(smtp_open(&k->session, &k->io, &k->config, k->buffer,
                           sizeof k->buffer), SMTP_OK);
    CHECK(smtp_extn(&k->session, "SIZE") == NULL);
}

static void keeper_close(keeper *k)
{
    smtp_close(&k->session);
    peer_stop(&k->server);
}

/* The lines that fit a room of `size` bytes, whole. Blanks may be odd. */
static void check_features(size_t size)
{
    static const char *const kept[] = {
        "SIZE\t1000", "etrn", "X-Y  a=1 B", "AUTH=LOGIN PLAIN"
    };
    static const char *const name[] = {"size", "ETRN", "x-y", "Auth"};
    static const char *const value[] = {"1000", "", "a=1 B", "LOGIN PLAIN"};
    static keeper k;
    smtp_session *s = &k.session;
    size_t i, left = size;
    keeper_open(&k, size);
    CHECK_NUMBER(smtp_ehlo(s), SMTP_OK);
    for (i = 0; i < 4; i++) {
        const char *found = smtp_extn(s, name[i]);
        size_t n = strlen(kept[i]) + 1;
        left = n < left ? left - n : 0;
        CHECK(left ? found && strcmp(found, value[i]) == 0 : found == NULL);
        CHECK_NUMBER(smtp_has_extn(s, name[i]), left || i == 0 || i == 3);
    }
    CHECK(smtp_extn(s, "SIZ") == NULL);
    CHECK(smtp_extn(s, "") == NULL);
    CHECK(smtp_extn(s, "mx") == NULL);
    CHECK_NUMBER(s->auth, SMTP_AUTH_LOGIN | SMTP_AUTH_PLAIN);
    CHECK_NUMBER(smtp_ehlo(s), SMTP_OK);
    CHECK(smtp_extn(s, "SIZE") == NULL);
    CHECK_NUMBER(smtp_has_extn(s, "ETRN"), 0);
    keeper_close(&k);
}

/* The same when the connection ends at any byte: the list has its end. */
static void check_cut_features(size_t size)
{
    static keeper k;
    smtp_status status = SMTP_AGAIN;
    memset(&k.habit, 0, sizeof k.habit);
    k.habit.recv_most = 1;
    k.habit.fail_with = SMTP_EOF;
    k.habit.fail_for_good = 1;
    for (k.habit.fail_at = 1; status != SMTP_OK; k.habit.fail_at++) {
        keeper_open(&k, size);
        status = smtp_ehlo(&k.session);
        CHECK(smtp_extn(&k.session, "none") == NULL);
        keeper_close(&k);
    }
}

/* ---- running ------------------------------------------------------------- */

static const struct {
    const dialogue *first;
    size_t count;
} chapters[] = {
#define CHAPTER(name) {name, sizeof name / sizeof *name}
    CHAPTER(wishes), CHAPTER(limits), CHAPTER(prdr), CHAPTER(labels),
    CHAPTER(by_hand)
};

/* `rare NAME` plays the dialogues whose names contain NAME, and shows how they
   go. */
int main(int count, char **arguments)
{
    sweep s;
    size_t i, k;
    check_begin();
    sweep_open(&s);
    s.verbose = count > 1;
    for (i = 0; i < sizeof chapters / sizeof *chapters; i++)
        for (k = 0; k < chapters[i].count; k++) {
            const dialogue *text = &chapters[i].first[k];
            if (count > 1 && !strstr(text->name, arguments[1]))
                continue;
            sweep_dialogue(&s, text);
            if (s.verbose)
                sweep_show(&s);
        }
    for (i = 1; i <= 60; i++) {
        check_features(i);
        check_cut_features(i);
    }
    sweep_close(&s);
    return check_end();
}

#!/usr/bin/python3
"""A real SMTP or LMTP server (aiosmtpd) for the tests.

As a program it serves until its parent ends, after one line "port N" (or
"socket PATH") on standard output. Mail number N is stored in --dir as N.eml
(the bytes) and N.json (the envelope). As a module it starts that program,
makes certificates, and counts checks.
"""
import argparse
import asyncio
import json
import os
import re
import ssl
import subprocess
import sys
import time
import warnings

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, AuthResult

# ---- the server -------------------------------------------------------------

DSN = ("NOTIFY", "ORCPT", "RET", "ENVID")
VERBS = ("EHLO", "HELO", "LHLO", "STARTTLS", "AUTH", "MAIL", "DATA", "QUIT")


class Store:
    """Judges the envelope and files the mails."""

    def __init__(self, options):
        self.options = options
        self.count = 0
        os.makedirs(options.dir, exist_ok=True)

    async def handle_EHLO(self, server, session, envelope, name, lines):
        session.host_name = name
        offers = list(self.options.offer)
        if self.options.dsn:
            offers.append("DSN")
        lines = [line for line in lines
                 if line[4:].split(" ")[0] not in self.options.hide]
        return lines[:-1] + ["250-" + word for word in offers] + lines[-1:]

    async def handle_MAIL(self, server, session, envelope, address, params):
        if re.search(self.options.refuse_from, address):
            return "550 5.7.1 <%s>: not from you" % address
        envelope.mail_from = address
        envelope.mail_options.extend(params)
        return "250 2.1.0 sender fine"

    async def handle_RCPT(self, server, session, envelope, address, params):
        if re.search(self.options.refuse, address):
            return "550 5.1.1 <%s>: no such mailbox" % address
        if re.search(self.options.defer, address):
            return "451 4.2.1 <%s>: try again later" % address
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.append(params)
        return "250 2.1.5 recipient fine"

    def save(self, server, session, envelope):
        tls = server.transport.get_extra_info("sslcontext")
        self.count += 1
        path = os.path.join(self.options.dir, str(self.count))
        with open(path + ".eml", "wb") as out:
            out.write(envelope.content)
        with open(path + ".json", "w") as out:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos,
                       "mail_options": envelope.mail_options,
                       "rcpt_options": envelope.rcpt_options,
                       "name": session.host_name, "tls": tls is not None,
                       "user": getattr(session.auth_data, "decode",
                                       lambda: session.auth_data)(),
                       }, out)

    async def handle_DATA(self, server, session, envelope):
        if not self.options.lmtp:
            self.save(server, session, envelope)
            return "250 2.0.0 stored as %d" % self.count
        full = [re.search(self.options.full, to) for to in envelope.rcpt_tos]
        if not all(full):
            self.save(server, session, envelope)
        return "\r\n".join("452 4.2.2 <%s>: mailbox full" % to if bad
                           else "250 2.1.5 <%s> stored" % to
                           for to, bad in zip(envelope.rcpt_tos, full))


def scripted(verb):
    """The command `verb`, unless --at says what happens instead."""
    name = "smtp_" + verb

    async def command(self, arg):
        if not await self.act(verb):
            await getattr(super(type(self), self), name)(arg)
    return command


def server_class(base, options):
    class Server(base):
        line_length_limit = options.line_limit

        async def act(self, stage):
            what = options.at.get(stage)
            if what == "stall":
                await asyncio.sleep(1e6)
            elif what == "drop":
                self.transport.close()
            elif what:
                await self.push(what)
                if what.startswith("421"):
                    self.transport.close()
            return what

        async def push(self, text):
            if isinstance(text, str):
                text = text.encode("latin-1")
            self._writer.write(text + b"\r\n")
            await self._writer.drain()

        async def _handle_client(self):
            if not await self.act("GREETING"):
                await super()._handle_client()
            while self.transport is not None:
                await self._reader.readuntil()
                await self.push("503 not now")

        async def _call_handler_hook(self, command, *args):
            if command == "DATA" and await self.act("FINAL"):
                return "250 2.0.0 late"
            return await super()._call_handler_hook(command, *args)

        def _getparams(self, params):
            kept = super()._getparams(params)
            for name in DSN if kept and options.dsn else ():
                kept.pop(name, None)
            return kept

    for verb in VERBS:
        if hasattr(base, "smtp_" + verb):
            setattr(Server, "smtp_" + verb, scripted(verb))
    return Server


def authenticator(options):
    def judge(server, session, envelope, mechanism, data):
        if (data.login.decode() == options.user
                and data.password.decode() == options.password):
            return AuthResult(success=True, auth_data=data.login)
        return AuthResult(success=False, handled=False)
    return judge


def tls_context(options):
    if options.tls == "off":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)
    if options.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(options.client_ca)
    return context


def factory(options, context):
    starttls = context if options.tls in ("offered", "required") else None
    make = server_class(LMTP if options.lmtp else SMTP, options)
    store = Store(options)
    login = options.user is not None
    return lambda: make(
        store, hostname="mx.example", ident=options.ident,
        data_size_limit=options.size,
        enable_SMTPUTF8=options.utf8, tls_context=starttls,
        require_starttls=options.tls == "required", auth_required=login,
        auth_require_tls=starttls is not None,
        auth_exclude_mechanism=["PLAIN", "LOGIN"] if not login
        else options.hide_auth,
        authenticator=authenticator(options) if login else None,
        loop=asyncio.get_running_loop())


async def serve(options):
    loop = asyncio.get_running_loop()
    context = tls_context(options)
    direct = context if options.tls == "implicit" else None
    make = factory(options, context)
    if options.unix:
        await loop.create_unix_server(make, options.unix, ssl=direct)
        print("socket", options.unix, flush=True)
    else:
        server = await loop.create_server(make, options.host, options.port,
                                          ssl=direct)
        print("port", server.sockets[0].getsockname()[1], flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(0.2)


def options_from(argv):
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--dir", required=True, help="where mails are stored")
    p.add_argument("--host", default="127.0.0.1", help="its own address")
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--unix", help="serve on this socket instead of a port")
    p.add_argument("--lmtp", action="store_true")
    p.add_argument("--tls", default="off",
                   choices=["off", "offered", "required", "implicit"])
    p.add_argument("--cert")
    p.add_argument("--key")
    p.add_argument("--client-ca", help="client certificates are demanded")
    p.add_argument("--user", help="login demanded, with this name")
    p.add_argument("--password")
    p.add_argument("--hide-auth", action="append", default=[],
                   help="mechanism not offered")
    p.add_argument("--size", type=int, default=33554432)
    p.add_argument("--line-limit", type=int, default=1001)
    p.add_argument("--utf8", action="store_true")
    p.add_argument("--dsn", action="store_true")
    p.add_argument("--ident", default="ready")
    p.add_argument("--offer", action="append", default=[],
                   help="further EHLO line, PIPELINING for example")
    p.add_argument("--hide", action="append", default=[],
                   help="EHLO keyword not offered")
    p.add_argument("--refuse", default="(?!)", metavar="REGEX")
    p.add_argument("--defer", default="(?!)", metavar="REGEX")
    p.add_argument("--full", default="(?!)", metavar="REGEX",
                   help="LMTP: refused after the body")
    p.add_argument("--refuse-from", default="(?!)", metavar="REGEX")
    p.add_argument("--at", nargs=2, action="append", default=[],
                   metavar=("STAGE", "WHAT"),
                   help="GREETING, FINAL or a command; "
                        "stall, drop, or a reply (Python escapes)")
    o = p.parse_args(argv)
    o.at = {stage: what.encode().decode("unicode_escape")
            for stage, what in o.at}
    return o


# ---- for the scripts that use it --------------------------------------------

class Running:
    """The server as a process of its own."""

    def __init__(self, folder, *args):
        self.dir = folder
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        self.errors = open(folder + ".err", "wb")
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--dir", folder, *args],
            stdout=subprocess.PIPE, stderr=self.errors)
        self.port = self.process.stdout.readline().decode().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def count(self):
        return len([n for n in os.listdir(self.dir) if n.endswith(".eml")])

    def mail(self, number):
        with open(os.path.join(self.dir, "%d.eml" % number), "rb") as f:
            return f.read()

    def envelope(self, number):
        with open(os.path.join(self.dir, "%d.json" % number)) as f:
            return json.load(f)


class Checks:
    """Counts, prints what failed, and ends the program."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, name, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED: %s %s" % (name, detail), flush=True)

    def equal(self, name, found, wanted):
        self(name, found == wanted, "\n  found  %r\n  wanted %r"
             % (found, wanted))

    def end(self):
        print("%d passed, %d failed" % (self.passed, self.failed))
        sys.exit(self.failed != 0 or self.passed == 0)


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def authority(folder, name):
    """A certificate authority: NAME.pem and NAME.key."""
    base = os.path.join(folder, name)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=" + name, "-keyout", base + ".key",
            "-out", base + ".pem")


CA_CONFIG = """[ca]
default_ca = here
[here]
database = %(base)s.db
new_certs_dir = %(folder)s
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
[leaf]
subjectAltName = DNS:%(host)s
basicConstraints = CA:FALSE
"""


def certificate(folder, name, issuer, host, start=-1, end=2):
    """NAME.pem and NAME.key for `host`, good from day `start` to day `end`,
    counted from today."""
    base, ca = os.path.join(folder, name), os.path.join(folder, issuer)
    dates = [time.strftime("%Y%m%d%H%M%SZ",
                           time.gmtime(time.time() + 86400 * day))
             for day in (start, end)]
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + host,
            "-keyout", base + ".key", "-out", base + ".csr")
    open(base + ".db", "w").close()
    with open(base + ".conf", "w") as f:
        f.write(CA_CONFIG % {"base": base, "folder": folder, "host": host})
    openssl("ca", "-batch", "-notext", "-config", base + ".conf",
            "-extensions", "leaf", "-cert", ca + ".pem",
            "-keyfile", ca + ".key", "-in", base + ".csr",
            "-startdate", dates[0], "-enddate", dates[1],
            "-out", base + ".pem")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    try:
        asyncio.run(serve(options_from(sys.argv[1:])))
    except KeyboardInterrupt:
        pass

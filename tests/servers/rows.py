"""The servers: how each is started, where it stores, what it offers."""
import base64
import functools
import glob
import hmac
import json
import os
import re
import shutil
import subprocess
import time

import farm
import server as aiosmtpd

DOMAIN = 'servers.test'
USER, PASSWORD = 'box', 'open sesame'
UTF8 = 'b\u00f6x'                  # a local part
FULL = 'full'                      # refuses after the body, where that can be
KEY = b'a key that signs tokens'
USERS = [USER, UTF8, FULL] + ['box%d' % i for i in range(1, 201)]

WAYS = ('', '_starttls', '_tls')


def read(name):
    with open(name, 'rb') as f:
        return f.read()


class Server:
    """A column. `clear`, `starttls` and `implicit` are ports, or the path of a
    Unix socket, or None. Behind TLS a login is demanded, LMTP aside."""

    usual = 'starttls'             # the way that most rows take
    open = True                    # no login is demanded in clear
    lmtp = False                   # LHLO, a reply for each recipient
    tls_broken = False             # the server's own fault
    logins = ('plain', 'login')    # offered
    offers = ()                    # EHLO keywords that rows rely on
    adds = ('return-path', 'received', 'delivered-to')
    envid = True                   # its reports name the envelope
    folder = None                  # below it a Maildir for each user
    limit = 25000000               # bytes of a message

    def __init__(self, ports):
        self.clear, self.starttls, self.implicit = (
            ports.get(self.name + kind) for kind in WAYS)

    def needed(self, names):
        return not names or self.name in names

    def serve(self, *command):
        """Starts the program and waits for its three ports."""
        places = [p if isinstance(p, str) else ('127.0.0.1', p)
                  for p in (self.clear, self.starttls, self.implicit)]
        farm.wait_for(farm.start(*command), places, self.log)

    def stop(self):
        """farm.end_all() does."""

    def files(self):
        """Of each stored mail (a name, the user, what reads it)."""
        for name in glob.glob(farm.path('/srv/%s/*/new/*' % self.folder)):
            yield name, name.split('/')[-3], functools.partial(read, name)


# ---- Postfix ----------------------------------------------------------------

QUEUE = ('active bounce corrupt defer deferred flush hold incoming private '
         'saved trace').split()


class Postfix(Server):
    title, name, folder, log = 'Postfix', 'postfix', 'postfix', 'postfix*'
    logins = ('plain', 'login', 'cram-md5', 'scram-sha-1', 'scram-sha-256',
              'oauthbearer', 'xoauth2')
    offers = ('PIPELINING', 'CHUNKING', 'DSN', 'SMTPUTF8', '8BITMIME', 'SIZE')
    adds = Server.adds + ('x-original-to',)

    def start(self):
        farm.folder('/var/spool/postfix')
        farm.folder('/var/lib/postfix', 'postfix')
        farm.folder('/srv/postfix', 'vmail')
        farm.put('/etc/postfix/users', ''.join(
            '%s@%s %s/\n' % (user, DOMAIN, user) for user in USERS))
        for name in QUEUE:
            farm.folder('/var/spool/postfix/' + name, 'postfix', 'root',
                        0o700)
        farm.folder('/var/spool/postfix/public', 'postfix', 'postdrop')
        farm.folder('/var/spool/postfix/maildrop', 'postfix', 'postdrop',
                    0o1730)
        farm.folder('/var/spool/postfix/pid')
        self.serve('/usr/lib/postfix/sbin/master', '-d')


# ---- Exim -------------------------------------------------------------------

class Exim(Server):
    title, name, folder, log = 'Exim', 'exim', 'exim', 'exim*/*'
    logins = ('plain', 'login', 'cram-md5', 'external')
    offers = ('PIPELINING', 'CHUNKING', 'PRDR', 'DSN', 'SMTPUTF8', '8BITMIME',
              'SIZE')
    adds = ('return-path', 'received', 'envelope-to', 'delivery-date')

    def start(self):
        farm.folder('/var/spool/exim4', 'Debian-exim')
        farm.folder('/var/log/exim', 'Debian-exim')
        farm.folder('/srv/exim', 'vmail')
        farm.put('/etc/exim4/users', ''.join(
            '%s: %s\n' % (user, user) for user in USERS))
        shutil.copy(farm.path('/etc/tls/server.key'),
                    farm.path('/etc/exim4/server.key'))
        os.chown(farm.path('/etc/exim4/server.key'),
                 farm.ACCOUNTS['Debian-exim'], 0)
        self.serve('/usr/sbin/exim4', '-bdf', '-q1m')


# ---- OpenSMTPD --------------------------------------------------------------

def handshake(port):
    """Whether OpenSSL gets through one: Debian 12 has an OpenSMTPD whose key
    its OpenSSL 3 does not find (OpenSMTPD issue 1171)."""
    done = subprocess.run(['openssl', 's_client', '-tls1_2', '-connect',
                           '127.0.0.1:%d' % port], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return b'Cipher is (NONE)' not in done.stdout


class OpenSMTPD(Server):
    title, name, folder, log = 'OpenSMTPD', 'opensmtpd', 'opensmtpd', 'smtpd*'
    offers, envid = ('DSN', '8BITMIME', 'SIZE'), False

    def start(self):
        farm.folder('/srv/opensmtpd', 'vmail')
        farm.put('/etc/opensmtpd/users', ''.join(
            '%s@%s vmail\n' % (user, DOMAIN) for user in USERS
            if user.isascii()))
        word = subprocess.run(['openssl', 'passwd', '-6', PASSWORD],
                              stdout=subprocess.PIPE, text=True, check=True)
        farm.put('/etc/opensmtpd/logins', USER + ' ' + word.stdout, 0o640)
        os.chown(farm.path('/etc/opensmtpd/logins'), 0,
                 farm.ACCOUNTS['opensmtpd'])
        farm.folder('/var/spool/smtpd', mode=0o711)
        farm.folder('/var/lib/opensmtpd/empty')
        self.serve('/usr/sbin/smtpd', '-dv', '-f',
                   '/etc/opensmtpd/smtpd.conf')
        self.tls_broken = not handshake(self.implicit)
        if self.tls_broken:
            self.usual = 'clear'


# ---- tokens -----------------------------------------------------------------

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=')


def token():
    """What Dovecot takes for OAuth: RFC 7519, signed with HMAC-SHA-256."""
    text = b'.'.join(base64url(json.dumps(part).encode()) for part in (
        {'alg': 'HS256', 'typ': 'JWT'},
        {'sub': USER, 'iat': int(time.time()) - 60,
         'exp': int(time.time()) + 3600}))
    sign = hmac.new(KEY, text, 'sha256').digest()
    return (text + b'.' + base64url(sign)).decode()


# ---- Dovecot ----------------------------------------------------------------

class Lmtp(Server):
    """Its LMTP; this one starts all of Dovecot."""
    title, name, folder, log = 'Dovecot LMTP', 'lmtp', 'lmtp', 'dovecot*'
    lmtp = True
    logins = ()
    offers = ('PIPELINING', 'CHUNKING', '8BITMIME')
    limit = None
    usual = 'clear'

    def start(self):
        self.clear = farm.path('/run/dovecot/lmtp')
        farm.folder('/srv/lmtp', 'vmail')
        farm.put('/etc/dovecot/users', ''.join(
            '%s:{PLAIN}%s:%d:%d::/srv/lmtp/%s::%s\n' % (
                user, PASSWORD, farm.ACCOUNTS['vmail'],
                farm.ACCOUNTS['vmail'], user,
                'userdb_quota_rule=*:bytes=10' if user == FULL else '')
            for user in USERS))
        farm.put('/etc/dovecot/keys/default/HS256/default',
                 base64.b64encode(KEY).decode())
        self.serve('/usr/sbin/dovecot', '-F')


class Submission(Server):
    """Hands on to Postfix."""
    title, name, log = 'Dovecot submission', 'submission', 'dovecot*'
    logins = Postfix.logins
    offers = ('PIPELINING', 'CHUNKING', 'DSN', '8BITMIME', 'SIZE')
    adds, folder = Postfix.adds, 'postfix'
    open = False

    def __init__(self, values):
        Server.__init__(self, values)
        self.clear = self.starttls

    def start(self):
        for port in (self.starttls, self.implicit):
            if not farm.answers(('127.0.0.1', port)):
                raise farm.Trouble('it does not answer\n' +
                                   farm.logs(self.log))


# ---- aiosmtpd ---------------------------------------------------------------

class Aiosmtpd(Server):
    title, name, folder, log = 'aiosmtpd', 'aiosmtpd', None, 'none'
    offers = ('SMTPUTF8', '8BITMIME', 'SIZE')
    adds = ()
    all = ()

    def start(self):
        known = '|'.join(map(re.escape, USERS))
        common = ['--utf8', '--size', str(self.limit), '--refuse',
                  '^(?!(%s)@)' % known]
        tls = ['--cert', farm.path('/etc/tls/server.pem'),
               '--key', farm.path('/etc/tls/server.key'),
               '--user', USER, '--password', PASSWORD]
        where = farm.path('/srv/aiosmtpd-')
        self.all = [
            aiosmtpd.Running(where + 'clear', *common),
            aiosmtpd.Running(where + 'starttls', *common, *tls, '--tls',
                             'required'),
            aiosmtpd.Running(where + 'implicit', *common, *tls, '--tls',
                             'implicit')]
        self.clear, self.starttls, self.implicit = (s.port for s in self.all)

    def stop(self):
        for running in self.all:
            running.__exit__()

    def files(self):
        """One file for all recipients of a mail."""
        for running in self.all:
            for number in range(1, running.count() + 1):
                for to in running.envelope(number)['to']:
                    yield ((running.dir, number, to), to.split('@')[0],
                           functools.partial(running.mail, number))


COLUMNS = [Lmtp, Postfix, Submission, Exim, OpenSMTPD, Aiosmtpd]


def prepare(certificates):
    """What all of them share; the columns, none of them started."""
    farm.prepare()
    values = farm.ports([c.name + kind for c in COLUMNS for kind in WAYS])
    farm.settings(dict(values, user=USER, password=PASSWORD))
    for name, mode in (('server.pem', 0o644), ('server.key', 0o600),
                       ('ca.pem', 0o644)):
        with open(os.path.join(certificates, name)) as f:
            farm.put('/etc/tls/' + name, f.read(), mode)
    return [column(values) for column in COLUMNS]

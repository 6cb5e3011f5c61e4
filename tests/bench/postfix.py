"""Refused recipients against a real Postfix with its default error limits.

A private instance with a scratch folder of its own, on a loopback port. After
ten errors without a delivery Postfix slows a session down, after twenty it
ends it with 421: the mails that it did not take have to come again, and none
of the others may."""
import collections
import contextlib
import glob
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time

import lab

DOMAIN = 'bulk.test'
FOLDERS = ('active bounce corrupt defer deferred flush hold incoming maildrop '
           'pid private public saved trace').split()
SERVICES = '''
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
'''
MAIN = '''
compatibility_level = 3.6
queue_directory = {scratch}/queue
data_directory = {scratch}/data
daemon_directory = {root}usr/lib/postfix/sbin
command_directory = {root}usr/sbin
shlib_directory = {root}usr/lib/postfix
meta_directory = {root}etc/postfix
import_environment = MAIL_CONFIG LD_LIBRARY_PATH={root}usr/lib/postfix
maillog_file = {scratch}/log
maillog_file_prefixes = {scratch}
mail_owner = {owner}
setgid_group = {group}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
myhostname = bench.test
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = bulk.test
virtual_mailbox_maps = texthash:{scratch}/users
virtual_mailbox_base = {scratch}/mail
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
'''


def owners():
    """The package's own account, or where it is not installed another one
    that runs nothing."""
    names = [p.pw_name for p in pwd.getpwall()]
    return ('postfix', 'postdrop') if 'postfix' in names else ('uucp', 'news')


class Postfix:
    def __init__(self, scratch, users):
        self.scratch, self.port = scratch, lab.free_port()
        owner, group = owners()
        account = pwd.getpwnam(owner)
        os.chmod(scratch, 0o755)
        for name in ['data', 'mail'] + ['queue/' + f for f in FOLDERS]:
            os.makedirs(os.path.join(scratch, name))
            os.chown(os.path.join(scratch, name), account.pw_uid,
                     account.pw_gid)
        os.chown(os.path.join(scratch, 'queue', 'pid'), 0, 0)
        self.write('users', ''.join('%s@%s box/\n' % (u, DOMAIN)
                                    for u in users))
        self.write('main.cf', MAIN.format(
            scratch=scratch, root=lab.postfix_root(), owner=owner,
            group=group, uid=account.pw_uid, gid=account.pw_gid))
        self.write('master.cf', '127.0.0.1:%d inet n - n - - smtpd\n%s'
                   % (self.port, SERVICES))

    def write(self, name, text):
        with open(os.path.join(self.scratch, name), 'w') as f:
            f.write(text)

    def start(self):
        master = lab.postfix_root() + 'usr/lib/postfix/sbin/master'
        return lab.running([master, '-c', self.scratch, '-d'], self.port,
                           env=lab.postfix_environment())

    def queued(self):
        return [f for d in ('incoming', 'active', 'deferred', 'maildrop')
                for f in glob.glob('%s/queue/%s/**' % (self.scratch, d),
                                   recursive=True) if os.path.isfile(f)]

    def stored(self):
        """How often each (mail's number, local part) is in the mailbox."""
        for _ in range(300):
            if not self.queued():
                break
            time.sleep(0.1)
        count = collections.Counter()
        for path in glob.glob(self.scratch + '/mail/box/new/*'):
            with open(path, 'rb') as f:
                text = f.read().decode('latin-1')
            number = re.search(r'^X-Bulk: (\d+)', text, re.M).group(1)
            local = re.search(r'^X-Original-To: (.*)@', text, re.M).group(1)
            count[int(number), local] += 1
        return count


@contextlib.contextmanager
def instance(users):
    scratch = tempfile.mkdtemp(prefix='smtp-postfix-')
    try:
        postfix = Postfix(scratch, users)
        with postfix.start():
            yield postfix
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


class Sent:
    """What bulk told of each mail, and in sum."""

    def __init__(self, port, *options):
        done = subprocess.run(
            [lab.bulk(), '-d', '-N', '-v', '-m', '200', '-f', 'bench@test',
             '-t', 'box@' + DOMAIN, *options, '127.0.0.1:%d' % port],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=280)
        self.text = done.stdout
        self.outcome = {n: 'delivered' for n in range(1, 201)}
        for number, why in re.findall(r'^bulk: mail (\d+): (.*?) \(',
                                      done.stderr, re.M):
            if not why.startswith('not taken'):
                self.outcome[int(number)] = why

    def count(self, pattern):
        found = re.search(pattern, self.text)
        return int(found.group(1)) if found else 0

    def those(self, start):
        return {n for n, why in self.outcome.items() if why.startswith(start)}


def expect(results, what, held, detail):
    results.true('Postfix, ' + what, held, detail)
    lab.say('%-60s %s' % (what, 'yes' if held else 'NO: ' + detail))


def compare(results, what, sent, stored, wanted, refused, partial=()):
    """`wanted`: the (mail, local part) pairs that have to be stored."""
    doubled = [k for k, n in stored.items() if n > 1]
    lost = [k for k in wanted if k not in stored]
    extra = [k for k in stored if k not in wanted]
    told = (sent.those('recipients refused') == set(refused) and
            sent.those('delivered, but') == set(partial) and
            len(sent.those('delivered')) == 200 - len(set(refused)))
    detail = ('%d stored, %d lost, %d doubled, %d unexpected; %d connections'
              % (len(stored), len(lost), len(doubled), len(extra),
                 sent.count(r'(\d+) connections')))
    expect(results, what + ': none lost or doubled',
           not (doubled or lost or extra), detail)
    expect(results, what + ': each outcome told right', told,
           '%d refused, %d in part, %d unknown'
           % (len(sent.those('recipients refused')),
              len(sent.those('delivered, but')),
              len(sent.those('outcome unknown'))))


def third_mail(results, chunking):
    users = ['box%d' % i for i in range(1, 201) if i % 3]
    with instance(users) as postfix:
        sent = Sent(postfix.port, '--chunking=' + chunking)
        stored = postfix.stored()
    wanted = {(i, 'box%d' % i) for i in range(1, 201) if i % 3}
    compare(results, 'each third mail refused, chunking ' + chunking, sent,
            stored, wanted, range(3, 201, 3))


def third_recipient(results, chunking):
    names = {(m, '%dbox%d' % (r, 3 * m - 3 + r))
             for m in range(1, 201) for r in (1, 2)}
    with instance([n for _, n in names]) as postfix:
        sent = Sent(postfix.port, '-r', '3', '--chunking=' + chunking)
        stored = postfix.stored()
    compare(results, 'each third recipient refused, chunking ' + chunking,
            sent, stored, names, (), range(1, 201))


def many_in_a_row(results, chunking):
    """Thirty refused mails without a delivery between them: 421 has to come,
    and a new connection after it."""
    refused = range(61, 91)
    good = [i for i in range(1, 201) if i not in refused]
    with instance(['box%d' % i for i in good]) as postfix:
        sent = Sent(postfix.port, '--chunking=' + chunking)
        stored = postfix.stored()
    what = 'thirty mails refused in a row, chunking ' + chunking
    compare(results, what, sent, stored, {(i, 'box%d' % i) for i in good},
            refused)
    cut = sent.count(r'(\d+) cut short')
    expect(results, what + ': 421 comes, mails go on', cut > 0,
           '%d sessions ended by 421' % cut)


def test(results):
    if os.getuid():
        raise lab.Trouble('Postfix has to be started by root')
    for chunking in ('on', 'off'):
        third_mail(results, chunking)
        third_recipient(results, chunking)
        many_in_a_row(results, chunking)

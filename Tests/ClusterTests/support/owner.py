"""An account that one client uses alone, so that it knows what must be there: what a mailbox owner was promised."""

import imaplib
import random
import re
import threading

from . import imap
from .traffic import content

FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Later")
FETCHED = re.compile(rb"UID (\d+).*?FLAGS \(([^)]*)\)|FLAGS \(([^)]*)\).*?UID (\d+)", re.DOTALL)


class Kept:
    """A message as its owner knows it. What was not answered may hold or not, and is left alone from then on."""

    def __init__(self, number):
        self.number = number
        self.uid = None
        # Is it there? Nil when nobody can tell.
        self.is_there = None
        self.flags = dict.fromkeys(FLAGS, False)


class Owner(threading.Thread):
    """Appends, sets flags, expunges and looks, through one node after the other."""

    def __init__(self, cluster, account, seed):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.account = account
        self.seed = seed
        self.chance = random.Random(seed)
        self.messages = []
        self.acknowledged = 0
        self.unknown = 0
        self.looks = 0
        self.lost = []
        self.duplicated = []
        self.failures = []
        self._uid_validity = None
        self._stopping = threading.Event()
        self._session = None

    def stop(self):
        self._stopping.set()

    def run(self):
        while not self._stopping.is_set():
            try:
                if self._session is None:
                    node = self.chance.choice(self.cluster.nodes)
                    self._session = imap.connect(node, self.account, "INBOX", timeout=20)
                step = self.chance.choices((self.append, self.flag, self.expunge, self.look), (40, 40, 8, 12))[0]
                step()
            except (OSError, imaplib.IMAP4.error, AssertionError):
                self._close()
            except Exception as error:  # pylint: disable=broad-exception-caught
                # An owner that has died quietly would find nothing.
                self.failures.append(f"{self.account}: {error!r}")
                self._close()
            self._stopping.wait(0.15)
        self._close()

    def _close(self):
        if self._session is not None:
            self._session.shutdown()
        self._session = None

    def _ask(self, body):
        """Runs a command that changes something; returns its data, or nil when nobody knows whether it did."""
        try:
            answer = body()
        except (OSError, imaplib.IMAP4.error) as error:
            if "BAD" in str(error):
                self.failures.append(f"{self.account}: {error}")
            self._close()
            answer = ("", None)
        if answer[0] == "OK":
            self.acknowledged += 1
            return answer[1]
        self.unknown += 1
        # Perhaps another node can.
        self._close()
        return None

    def _usable(self):
        return [message for message in self.messages if message.is_there and message.uid]

    # What it does

    def append(self):
        message = Kept(len(self.messages) + 1)
        flags = self.chance.sample(FLAGS, self.chance.randrange(3))
        self.messages.append(message)
        for flag in flags:
            message.flags[flag] = True
        data = self._ask(
            lambda: self._session.append("INBOX", f"({' '.join(flags)})", None, content(message.number, self.seed))
        )
        if data is not None:
            match = re.search(rb"APPENDUID (\d+) (\d+)", data[0] or b"")
            message.is_there, message.uid = True, int(match.group(2))

    def flag(self):
        usable = self._usable()
        if not usable:
            return
        message = self.chance.choice(usable)
        known = [flag for flag in FLAGS if message.flags[flag] is not None]
        if not known:
            return
        flag = self.chance.choice(known)
        value, message.flags[flag] = not message.flags[flag], None
        sign = "+" if value else "-"
        if self._ask(lambda: self._session.uid("STORE", str(message.uid), f"{sign}FLAGS", f"({flag})")) is not None:
            message.flags[flag] = value

    def expunge(self):
        usable = self._usable()
        if len(usable) < 5:
            return
        message = self.chance.choice(usable)
        # From here on it may go.
        message.is_there = None
        if self._ask(lambda: self._session.uid("STORE", str(message.uid), "+FLAGS", "(\\Deleted)")) is None:
            return
        if self._ask(lambda: self._session.uid("EXPUNGE", str(message.uid))) is not None:
            message.is_there = False

    # What must be there

    def look(self):
        """Every read sees all that was acknowledged before it."""
        self._check(self._session, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "meanwhile")
        self.looks += 1

    def check_on(self, node):
        """All of it, byte for byte."""
        with imap.logged_in(node, self.account) as session:
            self._check(session, "BODY.PEEK[]", f"on node {node.number} at the end")

    def _check(self, session, item, when):
        count = int(imap.check(session.select("INBOX"))[0])
        validity = int(session.response("UIDVALIDITY")[1][0])
        if self._uid_validity not in (None, validity):
            self.failures.append(f"{self.account} {when}: UIDVALIDITY changed")
        self._uid_validity = validity
        found = imap.check(session.uid("FETCH", "1:*", f"(UID FLAGS {item})")) if count else []
        seen = {}
        for answer in found:
            if not isinstance(answer, tuple):
                continue
            fields = FETCHED.search(answer[0])
            uid = int(fields.group(1) or fields.group(4))
            flags = (fields.group(2) or fields.group(3) or b"").decode().split()
            number = int(re.search(rb"Subject: *(\d+)", answer[1]).group(1))
            if number in seen:
                self.duplicated.append(f"{self.account} {when}: message {number} twice")
            seen[number] = (uid, flags, answer[1])
        for message in self.messages:
            self._compare(message, seen.pop(message.number, None), item, when)
        if seen:
            self.failures.append(f"{self.account} {when}: nobody appended {sorted(seen)}")

    def _compare(self, message, found, item, when):
        name = f"{self.account} {when}: message {message.number}"
        if found is None:
            if message.is_there:
                self.lost.append(name)
            return
        uid, flags, stored = found
        if message.is_there is False:
            self.failures.append(f"{name} is there, although expunged")
        if message.uid not in (None, uid):
            self.failures.append(f"{name} has UID {uid}, and had {message.uid}")
        for flag, value in message.flags.items():
            if value is not None and value != (flag in flags):
                self.lost.append(f"{name}: flag {flag} is {not value}")
        if item == "BODY.PEEK[]" and stored != content(message.number, self.seed):
            self.failures.append(f"{name} has other bytes than were appended")
        if message.uid is None:
            # What was seen once stays.
            message.uid, message.is_there = uid, True

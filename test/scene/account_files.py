"""Account files made by the tests: login records, tables by uid and process accounting, and ordinary life to fill them."""
import random
import struct

EMPTY, RUN_LEVEL, BOOT, NEW_TIME, OLD_TIME, INIT, LOGIN, USER, DEAD = range(9)


def utmp(kind, pid, line, ident, user, host, t, usec=0, addr=b"", order="<"):
    return struct.pack(order + "hxxi32s4s32s256shhiii", kind, pid, line.encode(), ident.encode(), user.encode(), host.encode(),
                       0, 0, 0, t, usec) + addr.ljust(16, b"\0") + bytes(20)


def lastlog(t, line, host):
    return struct.pack("<I32s256s", t, line.encode(), host.encode())


def pacct(command, t, uid=0, tty=0, flags=0, pid=100, ppid=1, elapsed=100.0, ticks=0, code=0):
    return struct.pack("<BBHIIIIIIf8H16s", flags, 3, tty, code, uid, uid, pid, ppid, t, elapsed, ticks, 0, 0, 0, 0, 0, 0, 0,
                       command.encode())


class Life:
    """An ordinary machine: people come and go, it is shut down and sometimes crashes; one record after the other."""

    def __init__(self, seed, start=1700000000):
        self.r = random.Random(seed)
        self.t = start + self.r.randrange(86400)
        self.here = {}
        self.pid = self.r.randrange(300, 2000)
        self.records = []

    def put(self, kind, pid, line, ident, user, host, addr=b""):
        self.records.append(utmp(kind, pid, line, ident, user, host, self.t, self.r.randrange(1000000), addr))

    def boot(self):
        self.here.clear()
        self.put(BOOT, 0, "~", "~~", "reboot", "6.1.0-28-amd64")
        self.t += self.r.randrange(5, 30)
        self.put(RUN_LEVEL, 53, "~", "~~", "runlevel", "6.1.0-28-amd64")
        self.put(LOGIN, 610, "tty1", "tty1", "LOGIN", "")

    def login(self):
        # The kernel reuses the lowest free terminal; this is why sessions share lines.
        n = next(i for i in range(1000) if i not in self.here)
        self.pid = (self.pid + self.r.randrange(3, 400)) % 32768 + 300
        user, last = self.r.choice(["maria", "joao", "ana", "backup", "root"]), self.r.randrange(1, 255)
        self.here[n] = self.pid
        self.put(USER, self.pid, "pts/%d" % n, "ts/%d" % n, user, "192.0.2.%d" % last, bytes([192, 0, 2, last]))

    def logout(self):
        n = self.r.choice(list(self.here))
        # As sshd does it: its monitor writes the logout, and began just before the child that wrote the login.
        self.put(DEAD, self.here.pop(n) - 2, "pts/%d" % n, "", "", "")

    def down(self):
        self.put(RUN_LEVEL, 0, "~", "~~", "shutdown", "6.1.0-28-amd64")

    def step(self):
        self.t += self.r.choice([3, 60, 600, 3600, 9000]) + self.r.randrange(60)
        what = self.r.random()
        if what < 0.02:
            while self.here and self.r.random() < 0.9:
                self.logout()
            self.down()
            self.t += 40
            self.boot()
        elif what < 0.025:
            self.boot()                         # a crash: nobody wrote anything
        elif what < 0.03 and self.here:
            self.here.popitem()                 # a session was killed: the terminal is free, nobody wrote a logout
        elif what < 0.035:
            # The clock was set, by a few minutes at most.
            self.put(OLD_TIME, 0, "|", "", "date", "")
            self.t += self.r.randrange(-300, 300)
            self.put(NEW_TIME, 0, "{", "", "date", "")
        elif what < 0.5 and self.here:
            self.logout()
        else:
            self.login()

    def live(self, steps):
        if not self.records:
            self.boot()
        for _ in range(steps):
            self.step()
        return self


def ordinary(seed, steps=300):
    return Life(seed).live(steps).records


def time_of(record):
    return struct.unpack_from("<i", record, 340)[0]


def with_time(record, t):
    return record[:340] + struct.pack("<i", t) + record[344:]


def remove(r, records):
    del records[r.randrange(len(records))]


def zero(r, records):
    records[r.randrange(len(records))] = bytes(384)


def swap(r, records):
    i = r.randrange(len(records) - 1)
    records[i], records[i + 1] = records[i + 1], records[i]


def back_date(r, records):
    i = r.randrange(1, len(records))
    records[i] = with_time(records[i], time_of(records[i]) - r.randrange(60, 30 * 86400))


def blank(r, records):
    """The user of a login is wiped, as with the tools of the time."""
    i = r.choice([n for n, record in enumerate(records) if record[0] == USER])
    records[i] = records[i][:44] + bytes(32) + records[i][76:]


def truncate(r, records):
    """The end of the file is cut off, anywhere."""
    whole = b"".join(records)
    whole = whole[:r.randrange(len(whole) // 2, len(whole))]
    records[:] = [whole[i:i + 384] for i in range(0, len(whole), 384)]


def edit(r, records):
    """Another user, in place."""
    i = r.choice([n for n, record in enumerate(records) if record[0] == USER])
    records[i] = records[i][:44] + b"nobody".ljust(32, b"\0") + records[i][76:]


TAMPERINGS = [remove, zero, swap, back_date, blank, truncate, edit]


def tampered(seed, how, steps=120):
    """(the records as they were, as they are after one edit)."""
    r = random.Random(seed)
    before = ordinary(seed, steps)
    after = list(before)
    how(r, after)
    return before, after

"""Account files written by the real programs: sshd, login and the kernel, in namespaces of their own, read by both sides there."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from article import GUARITA
from conftest import LIMIT

NEEDED = ("unshare", "sshd", "ssh", "ssh-keygen", "login", "last", "lastb", "lastlog", "accton", "lastcomm", "ip", "script")
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not all(shutil.which(p) for p in NEEDED),
                                reason="needs root, sshd, login and acct")

# Everything happens in new mount, network and process namespaces: their own /var/log, /run, loopback and accounting.
PLAY = r"""
set -e
mount --make-rprivate /
ip link set lo up
mkdir -p log run
mount --bind log /var/log
mount -t tmpfs none /run
mkdir -p /run/sshd
install -m 664 /dev/null /var/log/wtmp
install -m 600 /dev/null /var/log/btmp
install -m 664 /dev/null /var/log/lastlog
install -m 664 /dev/null /run/utmp
install -m 600 /dev/null /var/log/pacct
accton /var/log/pacct
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f key
cp key.pub keys; chmod 600 keys
sshd=$(command -v sshd)
"$sshd" -f /dev/null -p 2222 -h "$PWD/host" -o AuthorizedKeysFile="$PWD/keys" -o PermitRootLogin=yes -o StrictModes=no \
    -o PidFile="$PWD/sshd.pid" -o UsePAM=no -E sshd.log
ssh="ssh -F /dev/null -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
for i in 1 2 3; do $ssh -i key -tt root@127.0.0.1 'true; sleep 0.1' </dev/null; done
printf '#!/bin/sh\necho wrong\n' >ask; chmod 700 ask
for user in root nobody nosuchuser; do
    DISPLAY=none SSH_ASKPASS="$PWD/ask" SSH_ASKPASS_REQUIRE=force setsid -w $ssh -o PubkeyAuthentication=no \
        -o NumberOfPasswordPrompts=1 "$user"@127.0.0.1 true </dev/null || true
done
(for i in 1 2 3 4 5 6 7 8 9; do sleep 0.3; echo exit; done) | timeout -k 1 20 script -qec 'login -f root' /dev/null >/dev/null || true
$ssh -i key -tt root@127.0.0.1 'touch in; i=0; while [ ! -e seen ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done' \
    </dev/null >/dev/null &
i=0; while [ ! -e in ] && [ ! -e /root/in ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done
who /run/utmp >who.theirs
"$GUARITA" who --json -f /run/utmp >who.ours
touch seen /root/seen; wait; rm -f /root/in /root/seen
kill "$(cat sshd.pid)"
"$GUARITA" integrity --json /var/log /run/utmp >integrity.ours || true
accton off
sleep 1.2                               # last(1) takes a logout of this very second for a session that goes on
last -w --time-format iso >last.theirs; "$GUARITA" last --json >last.ours
lastb -w --time-format iso >lastb.theirs; "$GUARITA" last --bad --json >lastb.ours
lastlog >lastlog.theirs; "$GUARITA" lastlog --json >lastlog.ours
lastcomm -f /var/log/pacct >lastcomm.theirs; "$GUARITA" lastcomm --json -f /var/log/pacct >lastcomm.ours
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    place = tmp_path_factory.mktemp("real")
    done = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", PLAY],
                          cwd=place, capture_output=True, text=True, timeout=2 * LIMIT,
                          env=dict(os.environ, GUARITA=str(GUARITA), TZ="UTC", LC_ALL="C.UTF-8"))
    if "Operation not permitted" in done.stderr:
        pytest.skip("no namespaces here")
    assert done.returncode == 0, done.stderr + (place / "sshd.log").read_text()
    return place


def ours(place, name):
    return [json.loads(line) for line in (place / (name + ".ours")).read_text().splitlines()]


def stamp(r, key):
    return r[key].split(".")[0].rstrip("Z") if key in r else None


def test_last(played):
    mine = [(r["user"], r["tty"], r.get("host", ""), stamp(r, "begin"), stamp(r, "end")) for r in ours(played, "last")]
    theirs = [re.match(r"(\S+) +(\S+) +(\S*) +(\S+?)\+00:00 - (\S+?)\+00:00", line).groups()
              for line in (played / "last.theirs").read_text().splitlines() if line and "begins" not in line]
    assert mine == theirs and len([r for r in mine if r[2] == "127.0.0.1"]) == 4


def test_lastb(played):
    mine = [(r.get("user", ""), r["tty"], r["host"], stamp(r, "begin")) for r in ours(played, "lastb")]
    theirs = [re.match(r"(\S*) +(ssh:notty) +(\S+) +(\S+?)\+00:00", line).groups()
              for line in (played / "lastb.theirs").read_text().splitlines() if "ssh:notty" in line]
    assert mine == theirs and len(mine) >= 3


def test_who(played):
    lines = [re.sub(r"[()]", "", line).split() for line in (played / "who.theirs").read_text().splitlines()]
    assert [[r["user"], r["tty"], r["begin"][:10], r["begin"][11:16]] + ([r["host"]] if "host" in r else []) for r in ours(played, "who")] == lines
    assert "127.0.0.1" in lines[0]


def test_lastlog(played):
    lines = {line.split()[0]: line for line in (played / "lastlog.theirs").read_text().splitlines()[1:] if "Never" not in line}
    mine = {r["user"]: r for r in ours(played, "lastlog")}
    assert set(mine) == set(lines) == {"root"}
    assert mine["root"]["tty"] in lines["root"] and mine["root"]["begin"][11:19] in lines["root"] and "127.0.0.1" in lines["root"]


def test_lastcomm(played):
    mine = [(r["command"], sorted(r["flags"]), r["user"], r.get("tty", "__"), "%.2f" % r["cpu"])
            for r in ours(played, "lastcomm")]
    theirs = [re.match(r"(.*?) +((?:[SFCDX] *)*) +(\S+) +(\S+) +([\d.]+) secs", line).groups()
              for line in (played / "lastcomm.theirs").read_text().splitlines()]
    assert [(c, f, u, s) for c, f, u, t, s in mine] == [(c, sorted(f.replace(" ", "")), u, s) for c, f, u, t, s in theirs]
    assert {"sshd", "accton", "sleep"} <= {c for c, *_ in mine} and len(mine) > 20


def test_an_honest_machine_has_no_alarm(played):
    findings = ours(played, "integrity")
    assert [f for f in findings[:-1] if f["surety"] != "possible"] == []
    assert findings[-1]["records"] > 30


ACCOUNTING = r"""
set -e
"$GUARITA" accounting on "$PWD/deep/pacct" >/dev/null
for i in 1 2 3; do /bin/true; done
"$GUARITA" accounting rotate "$PWD/deep/pacct" >/dev/null
for i in 1 2 3 4; do /bin/true; done
"$GUARITA" accounting rotate "$PWD/deep/pacct" >/dev/null
"$GUARITA" accounting off >/dev/null
/bin/true
"""


def test_accounting_is_switched_and_rotated(tmp_path):
    """Process accounting belongs to a process namespace: nobody else's is touched."""
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", ACCOUNTING], cwd=tmp_path,
                          capture_output=True, text=True, timeout=LIMIT, env=dict(os.environ, GUARITA=str(GUARITA)))
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["pacct", "pacct.1", "pacct.2"]
    assert (tmp_path / "deep" / "pacct").stat().st_mode & 0o777 == 0o600

    def commands(name):
        out = subprocess.run([GUARITA, "lastcomm", "--json", "-f", tmp_path / "deep" / name], capture_output=True, text=True)
        told = [json.loads(line)["command"] for line in out.stdout.splitlines()][::-1]
        # A build with the leak checker ends twice: its checker is a process of the same name.
        return [c for i, c in enumerate(told) if c != "guarita" or i == 0 or told[i - 1] != "guarita"]
    # The kernel closes a file with a record of who switched, whose own end is the first record of the next.
    assert commands("pacct.2") == ["guarita", "true", "true", "true", "guarita"]
    assert commands("pacct.1") == ["guarita", "true", "true", "true", "true", "guarita"]
    assert commands("pacct") == ["guarita"]


SUPERVISED = r"""
set -e
"$GUARITAD" --config guarita.conf 2>stderr &
guaritad=$!
n=0
until [ -s deep/pacct.3 ]; do
    /bin/true
    n=$((n + 1))
    [ $n -lt 40000 ] || { cat stderr; exit 1; }
done
"$GUARITA" accounting off >/dev/null
kill -TERM $guaritad
wait $guaritad
"""


def test_the_running_guarita_switches_and_rotates(tmp_path):
    """By the configuration alone: on at the start, a new file after so many bytes, as many old ones as are wanted."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "none.rules").write_text("")
    (tmp_path / "guarita.conf").write_text(
        "site scene;\nstate-dir %(dir)s/state;\nrun-dir %(dir)s/run;\nrules-dir %(dir)s/rules;\n"
        "accounts %(dir)s/deep/pacct;\nprocess-accounting %(dir)s/deep/pacct { rotate 64K; keep 3; }\n" % {"dir": tmp_path})
    env = dict(os.environ, GUARITA=str(GUARITA), GUARITAD=str(GUARITA.parent / "guaritad"))
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", SUPERVISED], cwd=tmp_path,
                          capture_output=True, text=True, timeout=4 * LIMIT, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    files = sorted(p.name for p in (tmp_path / "deep").iterdir())
    assert files == ["pacct", "pacct.1", "pacct.2", "pacct.3"]
    for name in files[1:]:
        path = tmp_path / "deep" / name
        assert path.stat().st_size >= 65536 and path.stat().st_size % 64 == 0 and path.stat().st_mode & 0o777 == 0o600
    # Nothing is lost between two files: with the numbers of the processes that ended no gap is left.
    told = subprocess.run([GUARITA, "integrity", "--json", tmp_path / "deep"], capture_output=True, text=True)
    assert not [f for f in map(json.loads, told.stdout.splitlines()) if f.get("surety") in ("likely", "certain")], told.stdout

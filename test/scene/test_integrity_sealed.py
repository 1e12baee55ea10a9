"""Account files sealed in the vault while they grow: an edit is found although whoever made it edited the memory too."""
import gzip
import json
import os
import shutil
import subprocess
import time

import pytest

import account_files as af
from article import GUARITA
from conftest import wait_until
from test_vault import raws

NOW = int(time.time()) - 5000


def record(n, user="maria", host="192.0.2.7"):
    """Logins and logouts in turn, so that nothing is wrong with the file itself."""
    if n % 2:
        return af.utmp(af.DEAD, 700 + n // 2, "pts/1", "", "", "", NOW + n)
    return af.utmp(af.USER, 700 + n // 2, "pts/1", "ts/1", user, host, NOW + n, addr=bytes([192, 0, 2, 7]))


@pytest.fixture
def place(guarita):
    guarita.acct = guarita.dir / "accounts"
    guarita.acct.mkdir()
    guarita.wtmp, guarita.lastlog = guarita.acct / "wtmp", guarita.acct / "lastlog"
    guarita.wtmp.write_bytes(b"".join(map(record, range(100))))
    guarita.lastlog.write_bytes(af.lastlog(NOW, "pts/1", "gw") + bytes(292 * 3) + af.lastlog(NOW + 9, "pts/2", "gw"))
    guarita.write_config(sources="accounts %s, %s;\nvault %s/vault { epochs 64; }\n" % (guarita.wtmp, guarita.lastlog, guarita.dir))
    guarita.memory = guarita.dir / "memory"
    guarita.kept = 100
    guarita.start()
    return guarita


def grow(place, n=10):
    with open(place.wtmp, "ab") as f:
        f.write(b"".join(map(record, range(place.kept, place.kept + n))))
    place.kept += n


def sealed(place):
    return [json.loads(line) for source, line in raws(place) if source == "accounts-seen"]


def wait_sealed(place, count=None):
    """Until the vault has sealed the whole of wtmp as it is."""
    count = count or place.wtmp.stat().st_size // 384
    wait_until("%d records sealed" % count, lambda: any(
        s["what"] == "records" and s["count"] == count and s["ino"] == place.wtmp.stat().st_ino for s in sealed(place)))


def look(place, *args):
    done = subprocess.run([GUARITA, "integrity", "--json", "--vault", place.dir / "vault", "--control", place.control,
                           "--memory", place.memory, place.acct, *args], capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr
    return [f for f in map(json.loads, done.stdout.splitlines()[:-1]) if f["surety"] != "possible"]


def names(found):
    return sorted({f["what"] for f in found})


def test_the_file_and_the_memory_are_edited(place):
    """Root edits wtmp, and puts the memory back to what it was before the records that he edits."""
    wait_sealed(place)
    assert look(place) == []
    early = place.memory.read_bytes()
    grow(place, 40)
    wait_sealed(place)
    assert look(place) == [] and look(place) == []
    data = bytearray(place.wtmp.read_bytes())
    data[384 * 120:384 * 121] = record(120, "joao", "192.0.2.9")
    place.wtmp.write_bytes(data)
    place.memory.write_bytes(early)
    found = look(place)
    assert names(found) == ["changed", "memory"]
    [changed] = [f for f in found if f["what"] == "changed"]
    assert changed["record"] == 101 and "sealed in the vault as" in changed["note"] and changed["after"] < changed["before"]


def test_the_memory_is_taken_away(place):
    wait_sealed(place)
    assert look(place) == []
    place.memory.unlink()
    assert names(look(place)) == ["memory"]
    assert look(place) == []


def test_every_edit_is_found_without_any_memory(place):
    grow(place, 20)
    wait_sealed(place)
    whole = place.wtmp.read_bytes()
    place.stop()
    edits = {
        "changed": whole[:384 * 30] + record(30, "joao") + whole[384 * 31:],
        "removed": whole[:384 * 40] + whole[384 * 42:],
        "shrunk": whole[:384 * 100],
        "replaced": b"",
    }
    for what, bytes_ in edits.items():
        place.wtmp.write_bytes(bytes_)
        place.memory.unlink(missing_ok=True)
        assert what in names(look(place)), what
    # Another file in its place, not only other bytes in the same one.
    place.wtmp.unlink()
    place.wtmp.write_bytes(edits["removed"])
    assert "removed" in names(look(place))
    place.wtmp.write_bytes(whole)
    assert look(place) == []


def test_a_restart_does_not_launder(place):
    """What is sealed after the edit does not make the states before it untrue."""
    wait_sealed(place)
    place.stop()
    data = place.wtmp.read_bytes()
    place.wtmp.write_bytes(record(0, "joao") + data[384:])
    shutil.rmtree(place.dir / "state" / "spool")
    place.start()
    grow(place)
    wait_sealed(place)
    assert "changed" in names(look(place))


def test_rotation_gives_no_alarm(place):
    wait_sealed(place)
    assert look(place) == []
    place.wtmp.rename(place.acct / "wtmp.1")                              # rename and create
    place.wtmp.touch()
    grow(place, 30)
    wait_sealed(place)
    assert look(place) == []
    (place.acct / "wtmp.2.gz").write_bytes(gzip.compress((place.acct / "wtmp.1").read_bytes()))
    shutil.copy(place.wtmp, place.acct / "wtmp.1")                        # copy and truncate
    os.truncate(place.wtmp, 0)
    grow(place, 12)
    wait_sealed(place, 12)
    assert look(place) == []
    (place.acct / "wtmp.2.gz").unlink()                                   # too old
    assert look(place) == []
    place.stop()
    (place.acct / "wtmp.1").unlink()
    place.start()
    grow(place, 2)
    wait_sealed(place, 14)
    assert look(place) == []


def test_lastlog(place):
    wait_until("two entries sealed", lambda: sum(s["what"] == "entry" for s in sealed(place)) == 2)
    assert look(place) == []
    place.stop()
    whole = place.lastlog.read_bytes()
    place.lastlog.write_bytes(bytes(292) + whole[292:])
    place.memory.unlink()
    assert names(look(place)) == ["last-went-back", "memory"]
    place.lastlog.write_bytes(whole[:292 * 4] + af.lastlog(NOW + 9, "pts/2", "elsewhere"))
    assert "last-edited" in names(look(place))


def test_without_accounts_the_look_itself_is_sealed(place):
    """Nobody follows this file: what `integrity` saw is sealed when it looks."""
    other = place.dir / "other"
    other.mkdir()
    (other / "wtmp").write_bytes(b"".join(map(record, range(50))))
    args = [GUARITA, "integrity", "--json", "--vault", place.dir / "vault", "--control", place.control, "--memory", place.memory, other]
    assert subprocess.run(args, capture_output=True).returncode == 0
    wait_until("sealed", lambda: any(s["file"] == str(other / "wtmp") and s["count"] == 50 for s in sealed(place)))
    place.memory.unlink()
    (other / "wtmp").write_bytes(b"".join(record(n, "joao" if n == 20 else "maria") for n in range(50)))
    done = subprocess.run(args, capture_output=True, text=True)
    assert done.returncode == 3 and '"what":"changed"' in done.stdout and '"what":"memory"' in done.stdout


def test_nothing_is_remembered_that_cannot_be_sealed(place):
    wait_sealed(place)
    place.stop()
    done = subprocess.run([GUARITA, "integrity", "--vault", place.dir / "vault", "--control", place.control, "--memory", place.memory,
                           place.acct], capture_output=True, text=True)
    assert done.returncode == 0 and "the vault cannot seal it" in done.stderr and not place.memory.exists()
    assert "states sealed in the vault" in done.stdout

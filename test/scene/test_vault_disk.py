"""What the disk does to a vault: it is full, it rots, the power goes while it writes. Acknowledged lines are safe, and each is told."""
import os
import random
import shutil
import signal
import subprocess

import pytest

import logfile
from conftest import Guarita, probe, wait_until
from test_keeping import feed, index_of, segments, verify
from test_vault import probes, raws, run, vault, with_vault

ROOM = 3 << 20


@pytest.fixture
def small(tmp_path):
    """A Guarita whose vault lies on a file system of three megabytes."""
    place = tmp_path / "vault"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d,mode=755" % ROOM, "small", place], check=False).returncode != 0:
        pytest.skip("no right to mount a file system")
    guarita = Guarita(tmp_path)
    try:
        yield guarita
        guarita.close()
    finally:
        subprocess.run(["umount", place], check=True)


def fill(guarita):
    """Not a byte is left."""
    path = guarita.dir / "vault" / "filler"
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            pass
    return path


def send_until_full(g, sent):
    """The last page of a file takes some more; then no line is acknowledged. How many were sent in all."""
    while "error" not in vault(g):
        g.append("a.log", *(probe(sent + i) for i in range(20)))
        sent += 20
        wait_until("read", lambda: g.lines("intaked") >= sent)
    return sent


def test_a_full_disk_stops_nothing_but_the_acknowledging(small):
    with_vault(small).start()
    small.append("a.log", *(probe(i) for i in range(20)))
    small.wait_incidents(20)
    filler = fill(small)
    sent = send_until_full(small, 20)
    assert vault(small)["error"] == "ENOSPC" and "No space left" in small.stderr()
    # Receiving goes on, also of what nobody sends twice.
    small.send_udp(*(probe(sent + i) for i in range(50)))
    sent += 50
    wait_until("received", lambda: small.lines("intaked") >= sent)
    assert len(probes(small)) < sent
    filler.unlink()
    wait_until("all sealed", lambda: len(probes(small)) >= sent)
    assert "error" not in vault(small) and vault(small)["stalls"] >= 1
    wait_until("told", lambda: any("vault.stalled seconds=" in line and "ENOSPC" in line for _, line in raws(small)))
    small.wait_incidents(sent)
    assert small.stop() == 0
    assert len(probes(small)) == len(set(probes(small))) == sent
    status, said = verify(small)
    assert status == 0, said


def test_killed_on_a_full_disk(small):
    with_vault(small).start()
    small.append("a.log", *(probe(i) for i in range(20)))
    small.wait_incidents(20)
    filler = fill(small)
    sent = send_until_full(small, 20)
    safe = len(probes(small))
    small.kill_all()
    # Started anew while there is still no room: no tampering is seen, and what was sealed is there.
    small.start(ready=False)
    wait_until("asked", lambda: small.roles()["vaultd"]["state"] in ("running", "waiting", "parked"))
    assert len(probes(small)) >= safe
    filler.unlink()
    wait_until("all sealed", lambda: len(probes(small)) >= sent)
    assert "TAMPERED" not in small.stderr()
    assert small.stop() == 0
    assert len(probes(small)) == len(set(probes(small))) == sent
    status, said = verify(small)
    assert status == 0, said


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def packed(guarita):
    """A stopped vault of two segments and a log behind them."""
    with_vault(guarita, "epochs 64; retention { keep nosuch 1d; others 400d; }").start()
    for _ in range(2):
        feed(guarita, "sshd", "squid")
        wait_until("an epoch", lambda: run("vault", "erase", str(index_of(guarita, "number")[-1]), "x", "--control",
                                           guarita.control).returncode == 0)
        wait_until("erased", lambda: vault(guarita)["to_erase"] == 0)
    feed(guarita, "dhcpd")
    assert guarita.stop() == 0


def test_bit_rot_is_named_and_hides_nothing_else(guarita):
    packed(guarita)
    folder, found = guarita.dir / "vault", segments(guarita)
    assert len(found) >= 2
    last = index_of(guarita, '"dhcpd number"')
    first = index_of(guarita, '"number 5 says"')
    assert len(last) == 40 and first
    data = found[0].read_bytes()
    # In a segment: it is named, its neighbours and the log are searched.
    flip(found[0], len(data) // 2)
    got = run("log", '"number"', "--vault", folder, "--rules", guarita.dir / "rules", "-n", "100000")
    assert found[0].name in got.stderr + got.stdout and got.stdout.count("number") > 40, got.stderr
    status, said = verify(guarita)
    assert status != 0 and found[0].stem in said, said
    found[0].write_bytes(data)
    assert verify(guarita)[0] == 0
    # In a frame of the log: named with the place of the first line that cannot be proved.
    log = max((folder / "wal").glob("*.wal"), key=lambda p: p.stat().st_size)
    data = log.read_bytes()
    flip(log, logfile.opened(log).index(b"dhcpd number"))
    status, said = verify(guarita)
    assert status != 0 and "not those that were sealed" in said, said
    log.write_bytes(data)
    # In the key file: both slots are needed to lose it, and that is named.
    keys = folder / "keys" / "seal"
    data = keys.read_bytes()
    keys.write_bytes(bytes(b ^ 0x10 for b in data))
    status, said = verify(guarita)
    assert status != 0 and "keys" in said, said
    keys.write_bytes(data)
    assert verify(guarita)[0] == 0


def known_frames(folder):
    """How many frames the key file stands behind, and the place of its newest slot."""
    data, best, head = (folder / "keys" / "seal").read_bytes(), None, len(b"guarita-keys-1\n")
    for at in (0, 512):
        turn, _, frame = (int.from_bytes(data[at + head + 8 * i:at + head + 8 + 8 * i], "big") for i in range(3))
        if data[at:at + head] == b"guarita-keys-1\n" and (not best or turn >= best[0]):
            best = (turn, frame, at)
    return best[1], best[2]


def behind_the_keys(log, frames):
    """Where the bytes begin of which no sync was waited for yet."""
    data, at = log.read_bytes(), 0
    while data[at:at + 3] == b"GWF" and int.from_bytes(data[at + 28:at + 36], "big") < frames:
        at += 204 + sum(int.from_bytes(data[at + i:at + i + 4], "big") for i in (4, 8))
    return at


def tear(folder, draw):
    """A state that the disk may be in when the power goes at this instant. Frames are synced before the key file and the key file
    before anyone is told: so what is behind the frames that it knows is whole, torn, full of holes or missing; and where there
    is nothing behind them, its own last sector may not have got there."""
    log = max((folder / "wal").glob("*.wal"))
    frames, slot = known_frames(folder)
    at, size = behind_the_keys(log, frames), log.stat().st_size
    if at < size:
        how = draw.randrange(3)
        with open(log, "r+b") as f:
            if how == 0:
                f.truncate(draw.randrange(at, size))
            elif how == 1:
                hole = draw.randrange(at, size)
                f.seek(hole)
                f.write(bytes(min(512, size - hole)))
        return ("cut", "hole", "whole")[how]
    if draw.randrange(2):
        with open(folder / "keys" / "seal", "r+b") as f:
            f.seek(slot)
            f.write(os.urandom(512))
        return "keys"
    return "level"


def copy_of(guarita, to):
    """The vault at one instant: the only process that writes it stands still meanwhile."""
    pid = guarita.roles()["vaultd"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        shutil.copytree(guarita.dir / "vault", to)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_power_cuts_at_random_instants(guarita, tmp_path):
    with_vault(guarita, "epochs 64; epoch 2s;").start()
    rounds, draw, sent, states = int(os.environ.get("GUARITA_CUTS", "8")), random.Random(1), 0, set()
    for n in range(rounds):
        for _ in range(draw.randrange(1, 20)):
            guarita.append("a.log", *(probe(sent + i) for i in range(20)))
            sent += 20
        wait_until("something sealed", lambda: vault(guarita).get("lines", 0) > 3)
        safe = vault(guarita)["size"]
        copy = tmp_path / ("cut%d" % n)
        copy.mkdir()
        other = Guarita(copy)
        copy_of(guarita, copy / "vault")
        states.add(tear(copy / "vault", draw))
        other.write_config("vault %s/vault { epochs 64; epoch 2s; }\n" % copy, sources="files %s/*.log;\n" % other.logs)
        try:
            other.start()
            assert vault(other)["start"] == "crash", other.stderr()
            assert vault(other)["size"] >= safe, "acknowledged lines are lost"
            assert other.stop() == 0
            assert verify(other)[0] == 0
        finally:
            other.close()
    assert guarita.stop() == 0

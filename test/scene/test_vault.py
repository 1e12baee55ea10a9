"""The vault between intaked and watchd: sealed first, nothing lost, nothing doubled, crash and tampering told apart."""
import os
import shutil
import signal
import subprocess
import sys

import pytest

import logfile
from conftest import BUILD, LIMIT, ROOT, alive, probe, wait_until

SECOND = BUILD / "src" / "main" / "guarita-verify"
COMMAND = BUILD / "src" / "main" / "guarita"


def with_vault(guarita, more="epochs 64;"):
    guarita.write_config("vault %s/vault { %s }\n" % (guarita.dir, more))
    return guarita


def vault(guarita):
    return guarita.roles()["vaultd"].get("status", {})


def raws(guarita):
    """Every raw line in the log's files, read by the format alone (guarita-vault(7))."""
    return list(logfile.lines(guarita.dir / "vault"))


def probes(guarita):
    """Of what was received; incidents, which quote it, are sealed as well."""
    return [line for source, line in raws(guarita) if source != "watchd" and "probe from" in line]


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    wait_until("%d gone" % pid, lambda: not alive(pid))


def test_lines_are_sealed_and_then_watched(guarita):
    with_vault(guarita).start()
    guarita.append("a.log", *(probe(i) for i in range(20)))
    guarita.send_udp(*(probe(i) for i in range(20, 40)))
    guarita.wait_incidents(40)
    sealed = probes(guarita)
    assert sorted(sealed) == sorted({line for line in sealed}) and len(sealed) == 40
    assert vault(guarita)["start"] == "new"
    wait_until("40 incidents sealed", lambda: sum(source == "watchd" and '"recon.web_probe"' in line
                                                  for source, line in raws(guarita)) == 40)
    assert guarita.stop() == 0
    guarita.start()
    assert vault(guarita)["start"] == "clean"
    guarita.append("a.log", probe(40))
    guarita.wait_incidents(41)
    assert guarita.stop() == 0
    assert len(probes(guarita)) == 41


def test_power_cuts_lose_nothing_and_double_nothing(guarita):
    with_vault(guarita).start()
    sent = 0
    for _ in range(5):
        for _ in range(10):
            guarita.append("a.log", *(probe(sent + i) for i in range(5)))
            sent += 5
        wait_until("something sealed", lambda: vault(guarita).get("lines", 0) > 3)
        guarita.kill_all()
        guarita.start()
        assert vault(guarita)["start"] == "crash"
    guarita.wait_incidents(sent)
    assert guarita.stop() == 0
    assert "TAMPERED" not in guarita.stderr()
    sealed = probes(guarita)
    assert len(sealed) == sent and len(set(sealed)) == sent


def test_each_process_may_die_alone(guarita):
    with_vault(guarita).start()
    for n, role in enumerate(("vaultd", "watchd", "intaked", "vaultd")):
        guarita.append("a.log", *(probe(10 * n + i) for i in range(5)))
        old = guarita.roles()[role]["pid"]
        kill(old)
        guarita.append("a.log", *(probe(10 * n + i) for i in range(5, 10)))
        wait_until("%s again" % role, lambda: guarita.roles()[role]["pid"] not in (0, old))
        guarita.wait_running()
        guarita.wait_incidents(10 * n + 10)
    assert guarita.stop() == 0
    assert "TAMPERED" not in guarita.stderr()
    sealed = probes(guarita)
    assert len(sealed) == 40 and len(set(sealed)) == 40


def test_no_line_stands_on_the_disk_as_it_came(guarita):
    with_vault(guarita).start()
    guarita.append("a.log", *(probe(i) for i in range(10)))
    guarita.wait_incidents(10)
    wait_until("all sealed", lambda: len(probes(guarita)) >= 10)
    assert guarita.stop() == 0
    folder = guarita.dir / "vault"
    for path in folder.rglob("*"):
        assert path.is_dir() or b"probe from" not in path.read_bytes(), path
    # The command finds the keys by itself; without the key of the file nothing is read, and that is said.
    found = run("log", "probe", "--vault", folder, "--rules", guarita.dir / "rules")
    assert found.stdout.count("probe from 198.51.0.") >= 10, found.stderr
    key = max((folder / "wal").glob("*.key"))
    kept = key.read_bytes()
    key.unlink()
    found = run("log", "probe", "--vault", folder, "--rules", guarita.dir / "rules")
    assert "probe from" not in found.stdout and key.with_suffix(".wal").name in found.stderr + found.stdout
    # A file without its key is no crash.
    key.write_bytes(bytes(len(kept)))
    guarita.start()
    assert vault(guarita)["start"] == "tampered"


def test_a_vault_of_an_older_version_is_read_and_gone_on_with(guarita):
    """Its log lies in the clear; what comes from now on does not."""
    with_vault(guarita, "epochs 64; encrypt no;").start()
    guarita.append("a.log", *(probe(i) for i in range(5)))
    guarita.wait_incidents(5)
    assert guarita.stop() == 0
    folder = guarita.dir / "vault"
    assert not list((folder / "wal").glob("*.key"))
    with_vault(guarita).start()
    guarita.append("a.log", *(probe(5 + i) for i in range(5)))
    guarita.wait_incidents(10)
    wait_until("all sealed", lambda: len(probes(guarita)) >= 10)
    assert guarita.stop() == 0
    assert vault_verify(folder) == 0
    assert b"probe from 198.51.0.9" not in b"".join(path.read_bytes() for path in (folder / "wal").iterdir())


def vault_verify(folder):
    return run("vault", "verify", "--vault", folder).returncode


def test_a_changed_line_is_found_and_set_aside(guarita):
    with_vault(guarita).start()
    guarita.append("a.log", *(probe(i) for i in range(10)))
    guarita.wait_incidents(10)
    guarita.kill_all()
    path = max((guarita.dir / "vault" / "wal").glob("*.wal"))
    data, at = bytearray(path.read_bytes()), logfile.opened(path).index(b"probe from 198.51.0.5")
    data[at + 20] ^= ord("5") ^ ord("9")
    path.write_bytes(data)
    guarita.start()
    assert vault(guarita)["start"] == "tampered"
    aside, = (guarita.dir / "vault").glob("set-aside-*")
    assert (aside / "wal" / path.name).read_bytes() == data
    assert "TAMPERED" in guarita.stderr()
    # Receiving goes on, in a new vault, whose first lines say what was found.
    guarita.append("a.log", probe(11))
    guarita.wait_incidents(11)
    assert any("vault.tampered" in line for _, line in raws(guarita))


def test_a_cut_tail_is_no_crash(guarita):
    with_vault(guarita).start()
    guarita.append("a.log", *(probe(i) for i in range(10)))
    guarita.wait_incidents(10)
    # Nothing may be on its way to the disk: cutting what nobody was told of is what a crash does too.
    wait_until("incidents sealed", lambda: sum(source == "watchd" for source, _ in raws(guarita)) >= 10)
    wait_until("a checkpoint over all", lambda: vault(guarita)["checkpoint"] == vault(guarita)["size"])
    guarita.kill_all()
    path = max((guarita.dir / "vault" / "wal").glob("*.wal"))
    os.truncate(path, path.stat().st_size - 1)
    guarita.start()
    assert vault(guarita)["start"] == "tampered"


def test_epochs_close_while_nothing_comes(guarita):
    with_vault(guarita, "epochs 64; epoch 1s;").start()
    wait_until("three epochs", lambda: vault(guarita)["epoch"] >= 3)
    text = (guarita.dir / "vault" / "epochs").read_text()
    assert [line.split()[1] for line in text.splitlines() if line.startswith("epoch ")][:3] == ["0", "1", "2"]
    assert guarita.stop() == 0
    guarita.start()
    assert vault(guarita)["start"] == "clean" and vault(guarita)["epoch"] >= 3


def test_a_vault_may_come_and_go(guarita):
    guarita.start()
    guarita.append("a.log", *(probe(i) for i in range(5)))
    guarita.wait_incidents(5)
    assert guarita.stop() == 0
    with_vault(guarita).start()
    # A file that the vault does not know is read from its start, as configured; the watch knows those lines.
    guarita.append("a.log", *(probe(i) for i in range(5, 10)))
    wait_until("ten incidents", lambda: len({i["src"] for i in guarita.incidents()}) == 10)
    assert guarita.stop() == 0
    guarita.write_config()
    guarita.start()
    guarita.send_udp(probe(10))
    wait_until("eleven", lambda: len({i["src"] for i in guarita.incidents()}) == 11)


def run(*args):
    return subprocess.run([COMMAND, *args], capture_output=True, text=True, timeout=LIMIT)


@pytest.fixture
def closed(guarita):
    """A vault of a hundred probes and a few epochs, closed in order."""
    with_vault(guarita, "epochs 64; epoch 1s; origin example.com/scene;").start()
    guarita.append("a.log", *(probe(i) for i in range(100)))
    guarita.wait_incidents(100)
    wait_until("two epochs", lambda: vault(guarita)["epoch"] >= 2)
    assert guarita.stop() == 0
    return guarita.dir / "vault"


def test_a_line_is_proved_to_a_stranger(closed, tmp_path):
    index = next(i for i, (_, line) in enumerate(raws_of(closed)) if "198.51.0.42" in line)
    proof = tmp_path / "line.tlog-proof"
    made = run("vault", "prove", str(index), "--vault", closed, "--out", proof)
    assert made.returncode == 0, made.stderr
    good = run("verify", proof, "--key", closed / "identity")
    assert good.returncode == 0 and "probe from 198.51.0.42" in good.stdout and "NOT COMPARED" not in good.stdout
    unknown = run("verify", proof)
    assert unknown.returncode == 0 and "NOT COMPARED" in unknown.stdout
    second = subprocess.run([SECOND, proof, closed / "identity"], capture_output=True, text=True)
    assert second.returncode == 0 and "probe from 198.51.0.42" in second.stdout
    data = proof.read_bytes()
    for at in range(0, len(data), 7):
        proof.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
        bad = run("verify", proof, "--key", closed / "identity")
        assert bad.returncode == 3 and bad.stdout.startswith("NOT PROVED"), (at, bad.stdout)
        second = subprocess.run([SECOND, proof, closed / "identity"], capture_output=True)
        assert second.returncode == 3, (at, second.stdout)


def test_a_range_leaves_no_gap(closed, tmp_path):
    proof = tmp_path / "range"
    assert run("vault", "prove", "10-29", "--vault", closed, "--out", proof).returncode == 0
    assert run("verify", proof, "--key", closed / "identity").returncode == 0
    lines = proof.read_text().splitlines(keepends=True)
    for at in (2, 11, 21):
        proof.write_text("".join(lines[:at] + lines[at + 1:]))
        assert run("verify", proof, "--key", closed / "identity").returncode == 3


def test_the_page_proves_itself(closed, tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("needs node as a browser's stand-in")
    page = tmp_path / "page.html"
    assert run("vault", "prove", "20", "--html", "--vault", closed, "--out", page).returncode == 0
    assert run("verify", page, "--key", closed / "identity").returncode == 0
    done = subprocess.run([node, ROOT / "test" / "scene" / "page.js", page, "200"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_verify_finds_what_was_done(closed):
    auditor = closed / "keys" / "auditor"
    good = run("vault", "verify", "--vault", closed, "--auditor", auditor)
    assert good.returncode == 0 and good.stdout.startswith("Whole"), good.stdout

    def found(*more):
        r = run("vault", "verify", "--vault", closed, *more)
        return r.returncode == 3 and r.stdout.startswith("NOT WHOLE")

    for path in sorted((closed / "wal").glob("*.wal")) + [closed / "epochs", closed / "checkpoint", closed / "keys" / "seal"]:
        data = path.read_bytes()
        for at in range(0, len(data), max(1, len(data) // 40)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
            # One slot of the two that hold the keys may be torn: the other stands for it.
            assert found() or path.name == "seal", (path, at)
        path.write_bytes(data[:-1])
        assert found() or path.name == "seal", path
        path.write_bytes(data)
    assert not found()


def test_segments_take_the_place_of_the_log(guarita, closed, tmp_path):
    last = max((closed / "wal").glob("*.wal"))
    assert run("vault", "pack", "--vault", closed, "--rules", closed.parent / "rules").returncode == 0
    assert not list((closed / "seg").glob("*.seg"))     # the newest file is still written
    guarita.start()
    assert guarita.stop() == 0
    assert run("vault", "pack", "--vault", closed, "--rules", closed.parent / "rules").returncode == 0
    assert len(list((closed / "seg").glob("*.seg"))) == 1
    before = run("vault", "export", "10-30", "--vault", closed).stdout
    last.unlink()
    assert run("vault", "verify", "--vault", closed).stdout.startswith("Whole")
    assert run("vault", "export", "10-30", "--vault", closed).stdout == before
    proof = tmp_path / "proof"
    assert run("vault", "prove", "17", "--vault", closed, "--out", proof).returncode == 0
    assert run("verify", proof, "--key", closed / "identity").returncode == 0
    segment, = (closed / "seg").glob("*.seg")
    data = segment.read_bytes()
    for at in range(0, len(data), max(1, len(data) // 60)):
        segment.write_bytes(data[:at] + bytes([data[at] ^ 16]) + data[at + 1:])
        assert run("vault", "verify", "--vault", closed).returncode != 0, at


def raws_of(folder):
    class There:
        dir = folder.parent
    return raws(There)


def test_a_verifier_written_from_the_page_alone_agrees(closed, tmp_path):
    import stranger
    identity = stranger.Identity((closed / "identity").read_text())
    auditor = (closed / "keys" / "auditor").read_text()
    assert stranger.seals(closed, auditor) > 3
    with pytest.raises(stranger.NotProved):
        stranger.seals(closed, auditor[:10] + ("A" if auditor[10] != "A" else "B") + auditor[11:])
    for what, lines in (("42", 1), ("10-29", 20), ("0-99", 100)):
        proof = tmp_path / what
        assert run("vault", "prove", what, "--vault", closed, "--out", proof).returncode == 0
        text = proof.read_text(encoding="utf-8")
        assert len(stranger.prove(text, identity)) == lines
        data = proof.read_bytes()
        for at in range(3, len(data), max(1, len(data) // 25)):
            proof.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
            assert run("verify", proof, "--key", closed / "identity").returncode == 3
            with pytest.raises((stranger.NotProved, ValueError, KeyError, IndexError)):
                stranger.prove(proof.read_bytes().decode(), identity)


def test_a_browser_sees_every_changed_bit(closed, tmp_path):
    """A few here; test/campaign/page.py PAGE 10000 for many."""
    if not shutil.which("chromium"):
        pytest.skip("needs chromium")
    sys.path.insert(0, str(ROOT / "test" / "campaign"))
    import page as campaign
    page = tmp_path / "page.html"
    assert run("vault", "prove", "20", "--html", "--vault", closed, "--out", page).returncode == 0
    report = campaign.run(page, 12, limit=LIMIT * 5)
    assert report and report["whole"][0] == "good" and report["seen"] == 12 and report["changes"] == 12, report

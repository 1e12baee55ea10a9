"""What is kept: encrypted segments, a line erased by order, lines that expire by rules, and what stays provable."""
import json
import os
import signal
import subprocess

import pytest

from conftest import BUILD, LIMIT, alive, wait_until
from test_vault import run, vault, with_vault

def line(program, i):
    return "<34>1 2026-11-22T05:00:00Z host %s 1 - - %s number %d says a word" % (program, program, i)


def feed(guarita, *programs, n=40):
    before = guarita.lines()
    guarita.append("a.log", *(line(programs[i % len(programs)], i) for i in range(n)))
    wait_until("read", lambda: guarita.lines() >= before + n)


def exported(guarita):
    """Every entry, also of segments: {index: raw or why it is gone}."""
    status = vault(guarita)
    folder, lines = guarita.dir / "vault", {}
    for index in range(status["size"]):
        got = run("vault", "export", "%d" % index, "--vault", folder, "--json")
        lines[index] = json.loads(got.stdout)["raw"] if got.returncode == 0 else got.stderr
    return lines


def index_of(guarita, words):
    got = run("log", words, "--vault", guarita.dir / "vault", "--json", "-n", "100000", "--rules", guarita.dir / "rules")
    found = [json.loads(x) for x in got.stdout.splitlines()]
    return [x["index"] for x in found if words.strip('"') in x.get("raw", "") and "vault." not in x["raw"]]


def segments(guarita, ending="seg"):
    return sorted((guarita.dir / "vault" / "seg").glob("*." + ending))


def erase(guarita, index, *why):
    return run("vault", "erase", str(index), *why, "--control", guarita.control)


def erased(guarita, n=1):
    def is_done():
        status = vault(guarita)
        return status.get("to_erase") == 0 and status.get("erased", 0) >= n
    wait_until("%d erased" % n, is_done)


def verify(guarita):
    got = run("vault", "verify", "--vault", guarita.dir / "vault")
    return got.returncode, got.stdout + got.stderr


def on_disk(guarita, secret):
    return [str(p) for p in (guarita.dir / "vault").rglob("*") if p.is_file() and secret in p.read_bytes()]


def test_one_line_is_erased_and_all_others_stay_proved(guarita, tmp_path):
    with_vault(guarita).start()
    feed(guarita, "sshd", "squid")
    target = index_of(guarita, '"number 7 says"')[0]
    other = index_of(guarita, '"number 8 says"')[0]
    wait_until("a checkpoint", lambda: run("vault", "prove", str(other), "--vault", guarita.dir / "vault",
                                           "-o", tmp_path / "before").returncode == 0)
    got = erase(guarita, target, "asked", "for", "by", "the", "person")
    assert got.returncode == 0 and "will be erased" in got.stdout, got.stderr
    erased(guarita)

    status, said = verify(guarita)
    assert status == 0 and "1 of these lines are gone" in said, said
    assert index_of(guarita, '"number 7 says"') == []
    assert index_of(guarita, '"number 8 says"') == [other]
    gone = run("vault", "prove", str(target), "--vault", guarita.dir / "vault")
    assert gone.returncode != 0 and "was erased on" in gone.stderr and "asked for by the person" in gone.stderr, gone.stderr
    # The whole is what is packed too, without what is gone, and that is said.
    whole = run("vault", "export", "--vault", guarita.dir / "vault")
    assert whole.returncode == 0 and whole.stdout.startswith("0  ") and "sshd number 8 says" in whole.stdout
    assert "number 7 says" not in whole.stdout and "1 line was deleted" in whole.stderr
    # Proofs made before and proofs made now agree.
    assert run("verify", tmp_path / "before").returncode == 0
    assert run("vault", "prove", str(other), "--vault", guarita.dir / "vault", "-o", tmp_path / "after").returncode == 0
    assert run("verify", tmp_path / "after").returncode == 0
    # Nothing of it lies anywhere in the vault, and the key of the old segment is not there any more.
    assert on_disk(guarita, b"number 7 says") == []
    assert on_disk(guarita, b"number 8 says") == [], "segments are encrypted"
    again = erase(guarita, 10**9, "no such line")
    assert again.returncode != 0 and "no such entry" in again.stderr
    # A restart goes on in the same block of nonces, of which one is forgotten.
    assert guarita.stop() == 0
    guarita.start()
    feed(guarita, "sshd", n=5)
    wait_until("more lines", lambda: vault(guarita)["size"] > other + 5)
    assert guarita.stop() == 0
    status, said = verify(guarita)
    assert status == 0, said


def test_lines_go_by_rule_and_what_is_held_stays(guarita):
    with_vault(guarita, 'epochs 64; retention { keep squid 4s; keep sshd 1d; others forever; hold case-1 "number 3"; }').start()
    feed(guarita, "sshd", "squid")
    wait_until("squid expired", lambda: vault(guarita).get("expired", 0) >= 19)
    wait_until("quiet", lambda: not segments(guarita, "forget"))
    status, said = verify(guarita)
    assert status == 0 and "19 of these lines are gone" in said, said
    assert len(index_of(guarita, "squid")) == 1, "the one that is held"
    assert len(index_of(guarita, "sshd")) == 20
    lines = exported(guarita)
    why = [x for x in lines.values() if "expired on" in x]
    assert len(why) == 19 and all('by rule "squid 4s"' in x for x in why), why[:2]
    assert sum("vault.expire" in x for x in lines.values()) >= 1
    shown = run("vault", "status", "--config", guarita.config).stdout
    assert "squid 4s" in shown and "held       case-1" in shown and "encrypted" in shown, shown


def test_a_whole_segment_goes_and_the_chain_stays(guarita, tmp_path):
    with_vault(guarita, "epochs 64; retention { others 6s; }").start()
    feed(guarita, "sshd")
    assert index_of(guarita, '"number 7 says"')
    wait_until("a segment is gone", lambda: segments(guarita, "gone"))
    wait_until("its file too", lambda: not set(p.stem for p in segments(guarita)) & set(p.stem for p in segments(guarita, "gone")))
    assert index_of(guarita, '"number 7 says"') == []
    assert on_disk(guarita, b"number 7 says") == []
    feed(guarita, "squid", n=10)
    whole = run("vault", "export", "--vault", guarita.dir / "vault")
    assert whole.returncode == 0 and "lines were deleted" in whole.stderr, whole.stderr
    late = wait_until("new lines", lambda: index_of(guarita, '"squid number 9 says"'))[0]

    def proved():
        return run("vault", "prove", str(late), "--vault", guarita.dir / "vault", "-o", tmp_path / "p").returncode == 0 or \
            "expired" in run("vault", "prove", str(late), "--vault", guarita.dir / "vault").stderr
    wait_until("proved", proved)
    assert guarita.stop() == 0
    status, said = verify(guarita)
    assert status == 0 and "are gone" in said, said


@pytest.mark.parametrize("ending", ["gone", "seg"])
def test_who_deletes_without_an_order_is_found(guarita, ending):
    with_vault(guarita, "epochs 64; retention { keep squid 4s; }" if ending == "seg" else "epochs 64; retention { others 6s; }")
    guarita.start()
    feed(guarita, "sshd", "squid")
    wait_until("something expired", lambda: vault(guarita).get("expired", 0) >= 20)
    wait_until("carried out", lambda: not segments(guarita, "forget"))
    assert guarita.stop() == 0
    assert verify(guarita)[0] == 0
    for path in segments(guarita, ending):
        data = path.read_bytes()
        if ending == "gone":
            # Another entry is named as the order.
            path.write_bytes(data.replace(b"\nrecord ", b"\nrecord 1"))
        else:
            path.unlink()
    status, said = verify(guarita)
    assert status != 0 and "NOT WHOLE" in said, said


def test_killed_in_the_middle_of_deleting(guarita):
    with_vault(guarita, "epochs 512; retention { keep squid 3s; }").start()
    for turn in range(6):
        feed(guarita, "sshd", "squid")
        wait_until("orders", lambda: segments(guarita, "forget") or vault(guarita).get("expired", 0) > 0)
        guarita.kill_all()
        guarita.start()
        assert vault(guarita)["start"] == "crash"
    wait_until("all squid gone", lambda: len(index_of(guarita, "squid")) == 0)
    wait_until("carried out", lambda: not segments(guarita, "forget"))
    assert len(index_of(guarita, "sshd")) == 120
    assert guarita.stop() == 0
    status, said = verify(guarita)
    assert status == 0, said


def test_a_rule_that_cannot_be_read_is_told_at_the_check(guarita):
    with_vault(guarita, 'epochs 64; retention { keep "user:(" 1d; }')
    got = subprocess.run([BUILD / "src" / "role" / "vaultd", "--config", guarita.config, "--check"], capture_output=True,
                         text=True, timeout=LIMIT)
    assert got.returncode != 0 and "retention" in got.stderr, got.stderr


def test_the_oldest_segment_goes_when_there_is_no_room_left(guarita):
    with_vault(guarita, "epochs 64; retention { others forever; size 2M; }").start()
    for n in range(4):
        before = guarita.lines()
        # Nothing can be saved of random digits: half a byte for each is their size.
        guarita.append("a.log", *(line("sshd", i) + " round%d " % n + os.urandom(12000).hex() for i in range(60)))
        wait_until("read", lambda: guarita.lines() >= before + 60)
        # What is to be erased is packed at once.
        assert erase(guarita, index_of(guarita, '"number 59 says"')[-1], "to have it packed").returncode == 0
        erased(guarita, n + 1)
    wait_until("a segment is gone", lambda: segments(guarita, "gone"))
    wait_until("room enough", lambda: sum(p.stat().st_size for p in (guarita.dir / "vault").rglob("*") if p.is_file()) < 4 << 20)
    assert index_of(guarita, '"round0"') == [] and len(index_of(guarita, '"round3"')) == 59
    gone = run("vault", "export", "30", "--vault", guarita.dir / "vault")
    # The line that says why may by now have gone the same way.
    assert gone.returncode != 0 and ('by rule "size' in gone.stderr or "is gone too" in gone.stderr), gone.stderr
    assert guarita.stop() == 0
    status, said = verify(guarita)
    assert status == 0 and "are gone" in said, said


def tasks(pid):
    return [int(p) for p in open("/proc/%d/task/%d/children" % (pid, pid)).read().split()]


def to_pack(guarita):
    """Something for packd to do: a line that is to be erased is packed first."""
    feed(guarita, "sshd", n=5)
    assert erase(guarita, index_of(guarita, '"number 3 says"')[-1], "to have it packed").returncode == 0


def test_the_rules_are_loaded_only_while_there_is_work(guarita):
    with_vault(guarita).start()
    packd = guarita.roles()["packd"]["pid"]
    assert tasks(packd) == []
    to_pack(guarita)
    erased(guarita)
    wait_until("the task is over", lambda: tasks(packd) == [])
    assert guarita.roles()["packd"]["status"]["segments"] >= 1
    assert not list((guarita.dir / "vault" / "seg").glob("rules.*"))


def test_a_killed_task_is_told_of_and_made_up_for(guarita):
    with_vault(guarita).start()
    packd = guarita.roles()["packd"]["pid"]
    to_pack(guarita)
    os.kill(wait_until("a task", lambda: tasks(packd))[0], signal.SIGKILL)
    wait_until("told", lambda: "the vault could not be packed: Killed" in guarita.stderr())
    assert guarita.roles()["packd"]["pid"] == packd
    erased(guarita)
    wait_until("no error is left", lambda: "error" not in guarita.roles()["packd"]["status"])


def test_a_task_dies_with_packd(guarita):
    with_vault(guarita).start()
    packd = guarita.roles()["packd"]["pid"]
    to_pack(guarita)
    task = wait_until("a task", lambda: tasks(packd))[0]
    os.kill(packd, signal.SIGKILL)
    wait_until("the task is gone", lambda: not alive(task))
    erased(guarita)


def test_a_cache_that_is_not_ours_is_made_anew(guarita):
    cache = guarita.dir / "vault" / "seg" / "patterns.db"
    with_vault(guarita).start()
    to_pack(guarita)
    erased(guarita)
    assert guarita.stop() == 0
    good = cache.read_bytes()
    for name, spoil in (("damaged", lambda: cache.write_bytes(good[:100] + b"x" * 50 + good[150:])),
                        ("cut", lambda: cache.write_bytes(good[:len(good) // 2])),
                        ("writable by others", lambda: cache.chmod(0o666))):
        spoil()
        guarita.start()
        to_pack(guarita)
        erased(guarita)
        assert guarita.stop() == 0, name
        assert cache.read_bytes() == good and cache.stat().st_mode & 0o777 == 0o600, name

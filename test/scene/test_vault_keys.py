"""The key that opens all others: in the vault, elsewhere, missing, another one, replaced."""
import json
import os
import signal

import pytest

import logfile
from conftest import probe, wait_until
from test_vault import run, vault, vault_verify, with_vault


def keyed(guarita, how):
    return with_vault(guarita, "epochs 64; key %s;" % how)


def key_file(guarita, name="key"):
    path = guarita.dir / name
    path.write_bytes(os.urandom(32))
    path.chmod(0o400)
    return path


def sealed(guarita, away=None):
    return sum("probe from" in line for source, line in logfile.lines(guarita.dir / "vault", away) if source != "watchd")


def feed(guarita, first, n, away=None):
    guarita.append("a.log", *(probe(first + i) for i in range(n)))
    wait_until("sealed", lambda: sealed(guarita, away) >= first + n)


def status(guarita):
    got = run("vault", "status", "--json", "--vault", guarita.dir / "vault")
    assert got.returncode == 0, got.stderr
    return json.loads(got.stdout)


def found(guarita):
    got = run("log", '"probe from"', "--vault", guarita.dir / "vault", "--rules", guarita.dir / "rules", "-n", "1000")
    return sum("gate probe: probe from" in line and not line.startswith("{") and "incident" not in line for line in got.stdout.splitlines())


def rekey(guarita):
    return run("vault", "rekey", "--control", guarita.control)


def test_a_key_elsewhere_wraps_what_opens_the_vault(guarita):
    path = key_file(guarita)
    keyed(guarita, "file %s" % path).start()
    away = path.read_bytes()
    feed(guarita, 0, 10, away)
    keys = guarita.dir / "vault" / "segment-keys"
    assert not (keys / "master").exists()
    wait_until("signed", lambda: vault(guarita)["checkpoint"] > 0)
    assert status(guarita)["key"] == {"lies": "elsewhere", "path": str(path)}
    # The whole of the vault, without that file, opens nothing.
    assert found(guarita) >= 10
    path.rename(guarita.dir / "pocket")
    assert found(guarita) == 0
    assert vault_verify(guarita.dir / "vault") != 0
    (guarita.dir / "pocket").rename(path)
    assert vault_verify(guarita.dir / "vault") == 0


def test_a_missing_key_stops_the_sealing_and_loses_nothing(guarita):
    path = key_file(guarita)
    keyed(guarita, "file %s" % path).start()
    away = path.read_bytes()
    feed(guarita, 0, 5, away)
    path.rename(guarita.dir / "pocket")
    os.kill(guarita.roles()["vaultd"]["pid"], signal.SIGKILL)
    wait_until("told", lambda: "the key of the vault, %s, cannot be read" % path in guarita.stderr())
    guarita.append("a.log", *(probe(5 + i) for i in range(5)))
    (guarita.dir / "pocket").rename(path)
    wait_until("all sealed", lambda: sealed(guarita, away) == 10)
    assert "TAMPERED" not in guarita.stderr() and vault(guarita)["start"] == "crash"


def test_another_key_is_refused_and_nothing_is_set_aside(guarita):
    path = key_file(guarita)
    keyed(guarita, "file %s" % path).start()
    away = path.read_bytes()
    feed(guarita, 0, 5, away)
    assert guarita.stop() == 0
    path.chmod(0o600)
    path.write_bytes(os.urandom(32))
    guarita.start(ready=False)
    wait_until("refused", lambda: "%s is not the key of the vault" % path in guarita.stderr())
    guarita.kill_all()
    assert not list((guarita.dir / "vault").glob("set-aside-*"))
    path.write_bytes(away)
    guarita.start()
    assert vault(guarita)["start"] == "clean" and sealed(guarita, away) == 5


def test_the_word_is_needed_once_the_key_lies_elsewhere(guarita):
    path = key_file(guarita)
    keyed(guarita, "file %s" % path).start()
    feed(guarita, 0, 3, path.read_bytes())
    assert guarita.stop() == 0
    with_vault(guarita).start(ready=False)
    wait_until("refused", lambda: "it lies elsewhere, or was removed; say where" in guarita.stderr())
    guarita.kill_all()
    assert not list((guarita.dir / "vault").glob("set-aside-*"))


def test_a_master_key_that_lay_in_the_vault_is_worth_nothing_afterwards(guarita):
    with_vault(guarita).start()
    feed(guarita, 0, 5)
    assert guarita.stop() == 0
    folder = guarita.dir / "vault"
    assert status(guarita)["key"]["lies"] == "vault"
    old = (folder / "segment-keys" / "master").read_bytes()
    path = key_file(guarita)
    keyed(guarita, "file %s" % path).start()
    away = path.read_bytes()
    feed(guarita, 5, 5, away)
    assert not (folder / "segment-keys.next").exists() and not (folder / "segment-keys" / "master").exists()
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap
    with pytest.raises(InvalidUnwrap):
        logfile.unwrapped(old, folder / "segment-keys" / "log.key")
    assert guarita.stop() == 0
    assert vault_verify(folder) == 0


def test_rekey_replaces_the_master_key_while_lines_come(guarita):
    with_vault(guarita).start()
    feed(guarita, 0, 5)
    folder = guarita.dir / "vault"
    before = {p.name: p.read_bytes() for p in (folder / "segment-keys").iterdir()}
    got = rekey(guarita)
    assert got.returncode == 0 and "a new one" in got.stdout, got.stderr
    after = {p.name: p.read_bytes() for p in (folder / "segment-keys").iterdir()}
    assert set(after) == set(before) and all(after[name] != before[name] for name in before)
    feed(guarita, 5, 5)
    wait_until("said", lambda: any("vault.rekey" in line for _, line in logfile.lines(folder)))
    # Killed between two steps, a half-made folder is swept away at the next start.
    guarita.kill_all()
    (folder / "segment-keys.next").mkdir()
    (folder / "segment-keys.next" / "log.key").write_bytes(bytes(40))
    guarita.start()
    assert not (folder / "segment-keys.next").exists()
    assert vault(guarita)["start"] == "crash" and sealed(guarita) == 10


def test_a_credential_of_the_service_manager(guarita):
    folder = guarita.dir / "credentials"
    folder.mkdir()
    (folder / "guarita-vault").write_bytes(os.urandom(32))
    keyed(guarita, "credential guarita-vault").start(env={"CREDENTIALS_DIRECTORY": str(folder)})
    feed(guarita, 0, 3, (folder / "guarita-vault").read_bytes())
    assert status(guarita)["key"]["path"] == str(folder / "guarita-vault")


@pytest.mark.parametrize("how, why", [
    ("file key", "no whole path"), ("credential /run/key", "not the name of a credential"), ("file %s/vault/key", "lies in the vault"),
    ("paper x", "paper"),
])
def test_a_wrong_word_is_answered(guarita, how, why):
    keyed(guarita, how % guarita.dir if "%" in how else how)
    got = run("check", guarita.config)
    assert got.returncode != 0 and why in got.stdout + got.stderr

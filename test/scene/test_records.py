"""What Guarita does itself is in the vault too: services that come and go, configurations, orders and who gave them."""
import json
import os
import socket
import subprocess

from conftest import LIMIT, probe, wait_until
from test_vault import COMMAND, kill, raws, run, vault, with_vault


def records(guarita, source="guaritad"):
    return [line.split(" - - ", 1)[1] for s, line in raws(guarita) if s == source]


def test_services_are_records(guarita):
    with_vault(guarita).start()
    wait_until("started", lambda: sum(r.startswith("service.started role=") for r in records(guarita)) >= 4)
    assert any(r.startswith("guarita.started version=") and str(guarita.config) in r for r in records(guarita))
    old = guarita.roles()["watchd"]["pid"]
    kill(old)
    wait_until("its end is sealed", lambda: "service.died role=watchd crashes=1" in records(guarita))
    wait_until("its new beginning too", lambda: any(
        r.startswith("service.started role=watchd pid=") and not r.endswith("=%d" % old) for r in records(guarita)[-3:]))
    # The keeper of the records dies: what was said meanwhile waits for it.
    kill(guarita.roles()["vaultd"]["pid"])
    wait_until("vaultd's own end is sealed", lambda: "service.died role=vaultd crashes=1" in records(guarita))
    guarita.wait_running()
    assert guarita.stop() == 0
    assert "guarita.stopping" in records(guarita)
    assert run("vault", "verify", "--vault", guarita.dir / "vault").returncode == 0


def test_configurations_are_records(guarita):
    with_vault(guarita).start()
    assert guarita.ask("reload")["ok"]
    wait_until("loaded", lambda: 'config.loaded file="%s"' % guarita.config in records(guarita))
    good = guarita.config.read_text()
    guarita.config.write_text(good + "no such word;\n")
    assert guarita.ask("reload")["type"] == "error"
    wait_until("refused", lambda: any(r.startswith("config.refused why=\"refused, the old") for r in records(guarita)))
    guarita.config.write_text(good)


def test_orders_are_records_with_who_gave_them(guarita):
    with_vault(guarita).start()
    guarita.append("a.log", probe(1))
    guarita.wait_incidents(1)
    guarita.ask("reload")
    mine = "operator.order uid=%d " % os.getuid()
    wait_until("the reload", lambda: any(
        r.startswith(mine) and "pid=%d " % os.getpid() in r and r.endswith(r'what="{\"cmd\": \"reload\"}"') for r in records(guarita)))
    guarita.wait_running()
    done = subprocess.run([COMMAND, "vault", "erase", "0", "because", "--control", guarita.control], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wait_until("the erasure", lambda: any("vault-erase" in r and r.startswith(mine) for r in records(guarita)))
    # Looking is no order.
    before = len([r for r in records(guarita) if r.startswith("operator.")])
    guarita.ask("status")
    guarita.ask("bans")
    guarita.append("a.log", probe(2))
    guarita.wait_incidents(2)
    assert len([r for r in records(guarita) if r.startswith("operator.")]) == before
    # They are found like any other line, and none can speak as vaultd does.
    forged = {"cmd": "unblock", "net": "192.0.2.1\n<45>1 - x vaultd - - - vault.expire first=0 end=9 lines=9 rule=\"x\""}
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(LIMIT)
        s.connect(str(guarita.control))
        s.sendall(json.dumps(forged).encode() + b"\n")
        s.makefile().readline()
    wait_until("sealed", lambda: any("unblock" in r for r in records(guarita)))
    wait_until("all orders are found", lambda: run("log", '"operator.order"', "--vault", guarita.dir / "vault", "--rules",
                                                   guarita.dir / "rules").stdout.count("operator.order") >= 3)
    wait_until("erased", lambda: vault(guarita).get("to_erase") == 0)
    assert guarita.stop() == 0
    assert run("vault", "verify", "--vault", guarita.dir / "vault").returncode == 0


def test_incidents_are_records(guarita):
    with_vault(guarita).start()
    guarita.append("a.log", probe(1))
    guarita.wait_incidents(1)
    wait_until("sealed", lambda: any(json.loads(line)["change"] == "opened" for s, line in raws(guarita) if s == "watchd"))

"""Lines travel from vault to vault: what a filial acknowledged stands once in the matriz's vault, whatever breaks."""
import json
import os
import random
import signal
import subprocess
import time

import pytest

from conftest import BUILD, probe, stamp, wait_until
from test_sites import Company, connected

GUARITA = BUILD / "src" / "main" / "guarita"
COUNT = int(os.environ.get("GUARITA_COPY_KILLS", "12"))


@pytest.fixture
def company(tmp_path):
    c = Company(tmp_path, "matriz", "filial30", "filial40")
    yield c
    c.close()


def vault(site):
    return 'vault "%s/vault" { epochs 64; }\n' % site.dir


def write(company, at_matriz="", at_branch="", more=""):
    m = company.sites["matriz"]
    company.write("matriz", "link 127.0.0.1:%d;\n%s%s%s" % (company.port, vault(m), more, "".join(
        "%s { take-lines yes; %s }\n" % (company.keys[n], at_matriz) for n in ("filial30", "filial40"))))
    for n in ("filial30", "filial40"):
        company.write(n, "%s { at 127.0.0.1:%d; send-lines yes; %s }\n%s%s" % (
            company.keys["matriz"], company.port, at_branch, vault(company.sites[n]), more))


def entries(site, what=""):
    """Everything that the vault holds, as it was received."""
    done = subprocess.run([GUARITA, "vault", "export", "--json", "--config", site.config], capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [e for e in found if what in e.get("raw", "")]


def numbers(site, mark):
    """Which of our numbered lines the vault holds, in the order of the vault."""
    return [int(e["raw"].split("number=")[1].split()[0]) for e in entries(site, mark + " number=")]


def numbered(mark, first, count):
    return ["%s gate test: %s number=%d of a filial" % (stamp(), mark, i) for i in range(first, first + count)]


def vaultd(site):
    return site.roles()["vaultd"]["status"]


def copied(site, name):
    return {c["site"]: c for c in vaultd(site)["copied"]}[name]


def kill(site, role):
    pid = wait_until("%s of %s running" % (role, site.name), lambda: site.roles()[role]["pid"])
    os.kill(pid, signal.SIGKILL)


def level(matriz, *branches):
    """Everything that is durable at the branches is durable at the matriz."""
    def done():
        for b in branches:
            s = vaultd(b)
            if not s["copies"] or s["copies"][0]["kept"] < s["size"]:
                return False
        return True
    wait_until("copied", done)


def test_lines_of_the_branches_stand_once_at_the_matriz(company):
    write(company)
    m, f30, f40 = (company.sites[n] for n in ("matriz", "filial30", "filial40"))
    f30.start()
    f30.append("a.log", *numbered("thirty", 0, 500))
    m.start()
    f40.start()
    connected(m, "filial30", "filial40")
    f30.send_udp(*numbered("thirty", 500, 20))
    f40.append("b.log", *numbered("forty", 0, 300))
    wait_until("300 at filial40", lambda: len(numbers(f40, "forty")) == 300)
    wait_until("520 at filial30", lambda: len(numbers(f30, "thirty")) == 520)
    level(m, f30, f40)
    assert sorted(numbers(m, "thirty")) == list(range(520))
    assert sorted(numbers(m, "forty")) == list(range(300))
    sources = {e["source"] for e in entries(m, "number=")}
    assert sources == {"site filial30 %s/a.log" % f30.logs, "site filial30 udp 127.0.0.1", "site filial40 %s/b.log" % f40.logs}
    # Times of receiving are those of the branch.
    here, there = entries(m, "thirty number=7 ")[0], entries(f30, "thirty number=7 ")[0]
    assert here["received"] == there["received"] and here["raw"] == there["raw"]
    # Nothing of the matriz went to the branches, and nothing came back.
    assert not numbers(f30, "forty")


def test_what_a_branch_received_is_watched_at_the_matriz(company):
    write(company)
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    connected(m, "filial30")
    f30.append("a.log", probe(3))
    found = m.wait_incidents(1)[0]
    assert "198.51.0.4" in json.dumps(found)
    assert "site filial30" in json.dumps(found["evidence"] if "evidence" in found else found)
    # The incident that the branch told is in both vaults, and opened none anew.
    level(m, f30)
    assert len(m.incidents()) == 1


@pytest.mark.parametrize("role", ["linkd", "vaultd"])
@pytest.mark.parametrize("where", ["matriz", "filial30"])
def test_a_killed_process_doubles_and_loses_nothing(company, role, where):
    write(company)
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    connected(m, "filial30")
    sent = 0
    for i in range(3):
        f30.append("a.log", *numbered("thirty", sent, 2000))
        sent += 2000
        kill(company.sites[where], role)
        f30.append("a.log", *numbered("thirty", sent, 100))
        sent += 100
        wait_until("the crash is seen", lambda: company.sites[where].roles()[role]["crashes"] == i + 1)
    wait_until("all at filial30", lambda: len(numbers(f30, "thirty")) == sent)
    level(m, f30)
    assert numbers(m, "thirty") == list(range(sent))


def test_random_kills_of_everything(company):
    """Property: whatever is killed at whatever moment, each line the branch sealed stands once at the matriz, in order."""
    write(company)
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    sent = 0
    for _ in range(COUNT):
        f30.append("a.log", *numbered("thirty", sent, 400))
        sent += 400
        time.sleep(rng.random() * 0.3)
        site = rng.choice([m, f30])
        if rng.random() < 0.5:
            site.kill_all()
            site.start()
        else:
            kill(site, rng.choice(["linkd", "vaultd", "intaked", "watchd"]))
    for site in (m, f30):
        site.wait_running()
    wait_until("all at filial30 (seed %d)" % seed, lambda: len(numbers(f30, "thirty")) == sent)
    level(m, f30)
    assert numbers(m, "thirty") == numbers(f30, "thirty") == list(range(sent)), "seed %d" % seed
    assert m.roles()["vaultd"]["status"]["start"] in ("clean", "crash", "new")

"""Sites sign what each other's vaults hold: whoever sets a vault back or writes it anew contradicts what others have seen."""
import datetime
import json
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import BUILD, ROOT, wait_until
from test_copies import entries, kill, numbered, vault
from test_sites import Company, connected, peers

GUARITA = BUILD / "src" / "main" / "guarita"
VERIFY = BUILD / "src" / "main" / "guarita-verify"


@pytest.fixture
def company(tmp_path):
    c = Company(tmp_path, "matriz", "filial30", "filial40")
    m = c.sites["matriz"]
    c.write("matriz", "link 127.0.0.1:%d;\n%s%s" % (c.port, vault(m), "".join("%s;\n" % c.keys[n] for n in ("filial30", "filial40"))))
    for n in ("filial30", "filial40"):
        c.write(n, "%s { at 127.0.0.1:%d; }\n%s" % (c.keys["matriz"], c.port, vault(c.sites[n])))
    for site in c.sites.values():
        # The rules that are shipped, for what Guarita says of itself.
        shutil.copy(ROOT / "rules" / "05-guarita.rules", site.dir / "rules")
        site.write_rules((site.dir / "rules" / "scene.rules").read_text() +
                         'rule scene-tampered { each log.tampered by file; open log.tampered; say "{file} was tampered with"; }\n')
    yield c
    c.close()


def run(*words):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True)


def status(site):
    return run(GUARITA, "vault", "status", "--vault", site.dir / "vault").stdout


def cosigned(site):
    """(signatures, witnesses, size) of what is shown."""
    found = re.search(r"cosigned by (\d+) of (\d+), .* ago, over (\d+) lines", status(site))
    return tuple(map(int, found.groups())) if found else None


def seen(site, of):
    return peers(site)[of].get("seen_size", 0)


def signed(site, by, least=1):
    return wait_until("%d signatures under the vault of %s" % (by, site.name),
                      lambda: (lambda c: c if c and c[0] >= by and c[2] >= least else None)(cosigned(site)))


def tampered(site):
    return [i for i in site.incidents() if "was tampered with" in json.dumps(i)]


def test_every_site_signs_for_its_neighbours(company):
    m, f30, f40 = (company.sites[n].start() for n in ("matriz", "filial30", "filial40"))
    connected(m, "filial30", "filial40")
    m.append("a.log", *numbered("here", 0, 50))
    assert signed(m, 2, 40)[1] == 2
    assert signed(f30, 1)[1] == 1
    before = cosigned(m)
    # Also when nothing comes the signatures stay fresh.
    at = wait_until("signed", lambda: peers(m)["filial30"].get("cosigned"))
    wait_until("signed again", lambda: peers(m)["filial30"]["cosigned"] > at)
    assert cosigned(m)[2] >= before[2]
    # A proof brings them along; three checkers of our own agree on them.
    proof, page = m.dir / "proof", m.dir / "identity"
    shutil.copy(m.dir / "vault" / "identity", page)
    assert run(GUARITA, "vault", "prove", "3", "--out", proof, "--vault", m.dir / "vault").returncode == 0
    keys = [line.split(" ", 1)[1] for line in (m.dir / "vault" / "witnesses").read_text().splitlines()]
    assert len(keys) == 2
    done = run(GUARITA, "verify", proof, "--key", page, "--witness", keys[0], "--witness", keys[1])
    assert done.returncode == 0 and "by 2 witnesses" in done.stdout, done.stdout + done.stderr
    done = run(VERIFY, proof, page, *keys)
    assert done.returncode == 0 and "cosigned by all" in done.stdout, done.stdout
    # The key of somebody who did not sign; a signature with one letter changed.
    stranger = (f30.dir / "vault" / "witnesses").read_text().split(" ", 1)[1].strip()
    assert run(GUARITA, "verify", proof, "--key", page, "--witness", stranger).returncode == 3
    assert run(VERIFY, proof, page, stranger).returncode == 3
    lines = proof.read_text().splitlines(keepends=True)
    at = [i for i, line in enumerate(lines) if "witness" in line][-1]
    lines[at] = lines[at][:-20] + ("A" if lines[at][-20] != "A" else "B") + lines[at][-19:]
    (m.dir / "false").write_text("".join(lines))
    assert run(GUARITA, "verify", m.dir / "false", "--key", page, "--witness", keys[0], "--witness", keys[1]).returncode == 3
    assert run(VERIFY, m.dir / "false", page, *keys).returncode == 3
    assert not tampered(m) and not tampered(f30)


def set_back(g, more):
    """A vault of 100 lines, a copy of it, so many lines more, and the copy in its place: the size that was signed last."""
    g.append("a.log", *numbered("first", 0, 100))
    signed(g, 1, 100)
    g.stop()
    shutil.copytree(g.dir / "vault", g.dir / "copy")
    g.start()
    g.append("a.log", *numbered("second", 0, more))
    size = signed(g, 1, 100 + more)[2]
    g.stop()
    shutil.rmtree(g.dir / "vault")
    shutil.move(g.dir / "copy", g.dir / "vault")
    return size


def test_a_vault_that_was_set_back_is_found_by_its_witness(company):
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    set_back(f30, 300)
    # What it read of the file is forgotten with the vault, and so is the file here: nothing must fill the gap again.
    (f30.logs / "a.log").unlink()
    f30.start()
    found = wait_until("an incident at the witness", lambda: tampered(m))[0]
    assert "filial30" in json.dumps(found) and "rewound" in json.dumps(entries(m, "log.tampered"))
    wait_until("said at the branch too", lambda: entries(f30, "what=rewound"))
    # Nothing is signed any more, and it is shown.
    assert peers(f30)["matriz"]["witness"] == 409
    assert peers(m)["filial30"]["vault_alarm"] == "rewound"
    shown = run(GUARITA, "site", "list", "--control", m.control).stdout
    assert "rewound" in shown or "set back" in shown


def test_a_vault_that_goes_on_from_a_copy_is_found_by_its_witness(company):
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    size = set_back(f30, 50)
    (f30.logs / "a.log").write_text("")
    with open(f30.logs / "b.log", "w") as f:
        f.write("".join(line + "\n" for line in numbered("other", 0, 1000)))
    f30.start()
    wait_until("an incident at the witness", lambda: tampered(m))
    assert entries(m, "what=forked") or entries(m, "what=rewound")
    wait_until("it is larger than what was seen", lambda: f30.roles()["vaultd"]["status"]["size"] > size + 500)
    wait_until("forked", lambda: entries(m, "what=forked"))
    assert seen(m, "filial30") <= size + 20


def test_a_killed_witness_remembers(company):
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    f30.append("a.log", *numbered("first", 0, 100))
    signed(f30, 1, 100)
    for _ in range(2):
        kill(m, "linkd")
        at = len(entries(f30))
        f30.append("a.log", *numbered("more", at, 20))
        signed(f30, 1, at + 20)
    memories = list((m.dir / "state" / "link" / "witness").iterdir())
    assert len(memories) == 1 and "size" in memories[0].read_text()
    assert not tampered(m) and not tampered(f30)
    # A memory that was tampered with: nobody is signed for any more, and it is said.
    memories[0].write_text(memories[0].read_text().replace("size", "sise"))
    kill(m, "linkd")
    wait_until("said", lambda: "nothing is signed for anybody" in m.stderr())


def test_a_witness_that_is_away_holds_nothing_up(company):
    f30 = company.sites["filial30"].start()
    f30.append("a.log", *numbered("first", 0, 100))
    wait_until("sealed", lambda: len(entries(f30, "number=")) == 100)
    assert cosigned(f30) is None and "cosigned" not in status(f30)
    m = company.sites["matriz"].start()
    signed(f30, 1, 100)
    m.stop()
    f30.append("a.log", *numbered("second", 0, 100))
    wait_until("sealed", lambda: len(entries(f30, "number=")) == 200)
    assert cosigned(f30)[2] < 200
    m.start()
    signed(f30, 1, 200)


def test_a_vault_made_anew_is_told_apart(company):
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    signed(f30, 1)
    f30.stop()
    shutil.move(f30.dir / "vault", f30.dir / "away")
    f30.start()
    wait_until("an incident at the witness", lambda: tampered(m))
    assert entries(m, "what=replaced")
    signed(f30, 1)


def test_a_site_that_wants_no_witness(company):
    company.write("filial30", "%s { at 127.0.0.1:%d; witness no; }\n%s" % (
        company.keys["matriz"], company.port, vault(company.sites["filial30"])))
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    f40 = company.sites["filial40"].start()
    signed(f40, 1)
    signed(m, 1)
    assert cosigned(m)[1] == 1 and cosigned(f30) is None


FAKETIME = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def with_clock(site, skew):
    """The processes of that site see another time. They are found beside guaritad, and get nothing of its environment."""
    for folder in ("main", "role"):
        (site.dir / folder).mkdir()
    shutil.copy(BUILD / "src" / "main" / "guaritad", site.dir / "main" / "guaritad")
    # A build with AddressSanitizer is not the first library then, and says so unless it is told that this is meant.
    faked = "exec env LD_PRELOAD=%s FAKETIME=%s FAKETIME_DONT_FAKE_MONOTONIC=1 ASAN_OPTIONS=verify_asan_link_order=0" % (FAKETIME, skew)
    scripts = {site.dir / "role" / p.name: '%s %s "$@"' % (faked, p) for p in (BUILD / "src" / "role").iterdir() if p.is_file() and "." not in p.name}
    scripts[site.dir / "start"] = 'shift\n%s %s "$@"' % (faked, site.dir / "main" / "guaritad")
    for path, text in scripts.items():
        path.write_text("#!/bin/sh\n%s\n" % text)
        path.chmod(0o755)
    site.inside = [site.dir / "start"]
    return site


@pytest.fixture
def no_remains():
    """Killed or not, what faketime shares between processes stays behind; only that of this test goes."""
    before = set(pathlib.Path("/dev/shm").glob("*faketime_*"))
    yield
    for path in set(pathlib.Path("/dev/shm").glob("*faketime_*")) - before:
        path.unlink(missing_ok=True)


@pytest.mark.skipif(not FAKETIME, reason="needs faketime: no test sets the clock")
def test_clocks_that_differ_hold_nothing_up(no_remains, company):
    """An hour ahead and an hour behind: everybody is signed for, nobody is accused, and lines keep the times of their own site."""
    m, f30, f40 = (company.sites[n] for n in ("matriz", "filial30", "filial40"))
    m.start()
    for site, skew in ((f30, "+1h"), (f40, "-1h")):
        with_clock(site, skew).start()
    connected(m, "filial30", "filial40")
    for site in (f30, f40):
        site.append("a.log", *numbered("skewed", 0, 50))
    assert signed(m, 2, 1)[1] == 2
    for site, name, hours in ((f30, "filial30", 1), (f40, "filial40", -1)):
        signed(site, 1, 50)
        at = datetime.datetime.fromisoformat(entries(site, "skewed number=0 ")[0]["received"][:19])
        now = datetime.datetime.fromisoformat(entries(m)[0]["received"][:19])
        assert abs((at - now).total_seconds() - 3600 * hours) < 1800, "the clock of %s is not another" % name
        assert seen(m, name) >= 50
    before = [cosigned(site)[2] for site in (m, f30, f40)]
    for site in (m, f30, f40):
        site.append("a.log", *numbered("later", 0, 50))
    for site, size in zip((m, f30, f40), before):
        signed(site, 2 if site is m else 1, size + 50)
    assert not tampered(m) and not tampered(f30) and not tampered(f40)

"""Where the lines of all sites come together: one attacker of several sites is one incident, and every line says whose it is."""
import json
import subprocess

import pytest

from conftest import BUILD, ROOT, stamp, wait_until
from test_copies import level, vault
from test_sites import Company, connected

GUARITA = BUILD / "src" / "main" / "guarita"
BRANCHES = ("filial30", "filial40", "filial50")
ATTACKER = "203.0.113.9"


@pytest.fixture
def company(tmp_path):
    c = Company(tmp_path, "matriz", *BRANCHES)
    m = c.sites["matriz"]
    c.write("matriz", "link 127.0.0.1:%d;\n%s%s" % (c.port, vault(m), "".join("%s { take-lines yes; }\n" % c.keys[n] for n in BRANCHES)))
    # The rules that are shipped; the branches keep the small ones.
    m.config.write_text(m.config.read_text().replace("rules-dir %s/rules;" % m.dir, "rules-dir %s;" % (ROOT / "rules")))
    for n in BRANCHES:
        c.write(n, "%s { at 127.0.0.1:%d; send-lines yes; }\n%s" % (c.keys["matriz"], c.port, vault(c.sites[n])))
    for site in c.sites.values():
        site.start()
    connected(m, *BRANCHES)
    yield c
    c.close()


def failed(user, i=0, host="web"):
    return "%s %s sshd[%d]: Failed password for %s from %s port %d ssh2" % (stamp(), host, 100 + i, user, ATTACKER, 4000 + i)


def run(company, *words):
    done = subprocess.run([GUARITA, *words, "--vault", company.sites["matriz"].dir / "vault", "--rules", ROOT / "rules"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def found(company, *query):
    """Lines as they were received; incidents, which quote them, are in the log too."""
    return [line for line in run(company, "log", *query).splitlines() if '{"type":"incident"' not in line]


def standing(site):
    """Incidents as they stand, by id; those that went into another are not there any more."""
    path, found = site.dir / "state" / "incidents.jsonl", {}
    for i in map(json.loads, path.read_text().splitlines() if path.exists() else []):
        if i["change"] == "merged":
            found.pop(i["id"], None)
        else:
            found[i["id"]] = i
    return [i for i in found.values() if i.get("src") == ATTACKER]


def attack(company, names, n=4):
    for name in names:
        company.sites[name].send_udp(*("<38>" + failed("root", i, name + "-web") for i in range(n)))
    level(company.sites["matriz"], *(company.sites[n] for n in names))


def test_one_attacker_of_three_sites_is_one_incident(company):
    m = company.sites["matriz"]

    def is_one(severity, *sites):
        def look():
            found = standing(m)
            return len(found) == 1 and found[0]["severity"] == severity and all(s in found[0]["why"] for s in sites)
        wait_until("one incident, %s, of %s" % (severity, sites), look)
    # It gets graver with each site: one, two, three; the matriz counts too.
    attack(company, ["filial30"])
    is_one("medium")
    attack(company, ["filial40"], 2)
    is_one("medium", "filial30", "filial40")
    m.send_udp("<38>" + failed("admin"))
    is_one("high", "filial30", "filial40", "matriz")
    attack(company, ["filial50"], 1)
    is_one("high", "matriz")
    # Each of the others knows of its own only.
    assert all(len(company.sites[n].incidents()) <= 1 for n in BRANCHES)


def test_the_story_and_the_log_name_the_site(company):
    m = company.sites["matriz"]
    attack(company, BRANCHES, 3)
    m.send_udp("<38>" + failed("admin"))
    wait_until("ten lines", lambda: len(found(company, ATTACKER, "kind:auth.fail")) == 10)
    episodes = [json.loads(line) for line in run(company, "story", ATTACKER, "--json").splitlines()]
    assert {(e.get("site"), e["count"]) for e in episodes if e["line"].startswith("<38>")} == {("filial30", 3), ("filial40", 3), ("filial50", 3), (None, 1)}
    told = run(company, "story", ATTACKER)
    assert "at 4 sites" in told
    for n in BRANCHES:
        assert "%s:  sshd @ %s-web" % (n, n) in told, told
    # Found by site, counted by site.
    assert len(found(company, "site:filial40", "user:root", "kind:auth.fail")) == 3
    assert len(found(company, "site:filial*", ATTACKER, "kind:auth.fail")) == 9
    count = run(company, "log", ATTACKER, "kind:auth.fail", "|", "count", "by", "site")
    assert all(n in count for n in BRANCHES), count

"""Sites that trust each other by their keys: bans travel, strangers get nothing, cuts heal."""
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from conftest import BUILD, Guarita, alive, free_port, probe, wait_until

GUARITA = BUILD / "src" / "main" / "guarita"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces")


def key_line(site):
    """What `guarita site key` shows there: the line for the other's configuration."""
    done = subprocess.run([GUARITA, "site", "key", "--config", site.config], capture_output=True, text=True, check=True)
    line = done.stdout.splitlines()[-1]
    assert line.startswith("peer ") and line.endswith('";')
    return line[:-1]


def peers(site):
    return {p["name"]: p for p in site.roles()["linkd"].get("status", {}).get("peers", [])}


def connected(site, *names):
    return wait_until("%s connected with %s" % (site.dir.name, names),
                      lambda: all(peers(site).get(n, {}).get("connected") for n in names))


class Company:
    """Matriz and filiais, each in a folder of its own, on loopback."""

    def __init__(self, folder, *names):
        self.sites = {}
        for name in names:
            (folder / name).mkdir()
            self.sites[name] = Guarita(folder / name)
            self.sites[name].name = name
        self.port = free_port(socket.SOCK_STREAM)
        for name in names:
            self.write(name, "")
        self.keys = {name: key_line(self.sites[name]) for name in names}

    def write(self, name, more):
        site = self.sites[name]
        site.write_config(more)
        site.config.write_text(site.config.read_text().replace("site scene;", "site %s;" % name))

    def close(self):
        for site in self.sites.values():
            site.close()


@pytest.fixture
def company(tmp_path):
    c = Company(tmp_path, "matriz", "filial30", "filial40")
    yield c
    c.close()


BAN = 'never-ban 203.0.113.0/24;\nrespond keep-out { on severity low; ban 10m; }\n'


def link(company, at_matriz="", at_branch=""):
    company.write("matriz", "link 127.0.0.1:%d;\n%s { %s }\n%s { %s }\n%s" % (
        company.port, company.keys["filial30"], at_matriz, company.keys["filial40"], at_matriz, BAN))
    for name in ("filial30", "filial40"):
        company.write(name, "%s { at 127.0.0.1:%d; %s }\n%s" % (company.keys["matriz"], company.port, at_branch, BAN))


def known(site):
    """Bans in the book of linkd, read from its journal."""
    book = {}
    for line in (site.dir / "state" / "link" / "bans").read_text().splitlines():
        words = line.split()
        book[words[1]] = " ".join(words[7:]) if words[0] == "+" else None
    return {net: why for net, why in book.items() if why is not None}


def test_a_ban_reaches_every_site(company):
    link(company)
    for site in company.sites.values():
        site.start()
    m, f30, f40 = (company.sites[n] for n in ("matriz", "filial30", "filial40"))
    connected(m, "filial30", "filial40")
    m.append("a.log", probe(1))
    for site in (f30, f40):
        wait_until("the ban at %s" % site.name, lambda: "198.51.0.2" in known(site))
        assert "matriz, incident 1: probe from 198.51.0.2" in known(site)["198.51.0.2"]
    # What a branch finds goes by way of the matriz to the other branch.
    f30.append("a.log", probe(2))
    wait_until("the ban at filial40", lambda: "198.51.0.3" in known(f40))
    assert "filial30, incident 1" in known(f40)["198.51.0.3"]
    # News only: nothing goes round.
    assert peers(m)["filial30"]["bans_out"] == 1 and peers(m)["filial30"]["bans_in"] == 1
    assert peers(m)["filial40"]["bans_out"] == 2 and peers(m)["filial40"]["bans_in"] == 0


def test_who_was_away_hears_of_it_afterwards(company):
    link(company)
    m, f30 = company.sites["matriz"], company.sites["filial30"]
    m.start()
    m.append("a.log", probe(1), probe(2))
    wait_until("banned", lambda: len(known(m)) == 2)
    m.kill_all()
    m.start()
    f30.start()
    wait_until("the bans of before at filial30", lambda: len(known(f30)) == 2)


@pytest.mark.parametrize("where", ["matriz", "filial30"])
def test_a_killed_linkd_comes_back_and_connects(company, where):
    link(company)
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    connected(m, "filial30")
    os.kill(company.sites[where].roles()["linkd"]["pid"], signal.SIGKILL)
    wait_until("the crash is seen", lambda: company.sites[where].roles()["linkd"]["crashes"] == 1)
    m.append("a.log", probe(7))
    wait_until("the ban at filial30", lambda: "198.51.0.8" in known(f30))
    connected(m, "filial30")
    connected(f30, "matriz")


def test_both_may_dial(company):
    """Two connections at once become one, the same at both ends."""
    other = free_port(socket.SOCK_STREAM)
    company.write("matriz", "link 127.0.0.1:%d;\n%s { at 127.0.0.1:%d; }\n%s" % (
        company.port, company.keys["filial30"], other, BAN))
    company.write("filial30", "link 127.0.0.1:%d;\n%s { at 127.0.0.1:%d; }\n%s" % (
        other, company.keys["matriz"], company.port, BAN))
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    for i in range(3):
        connected(m, "filial30")
        connected(f30, "matriz")
        m.append("a.log", probe(i))
        wait_until("the ban at filial30", lambda: len(known(f30)) == i + 1)
        os.kill(m.roles()["linkd"]["pid"], signal.SIGKILL)
        wait_until("the crash is seen", lambda: m.roles()["linkd"]["crashes"] == i + 1)


def test_a_stranger_gets_nothing(company, tmp_path):
    company.write("matriz", "link 127.0.0.1:%d;\n%s;\n" % (company.port, company.keys["filial30"]))
    company.write("filial40", "%s { at 127.0.0.1:%d; }\n%s" % (company.keys["matriz"], company.port, BAN))
    m, f40 = company.sites["matriz"].start(), company.sites["filial40"].start()
    wait_until("refused", lambda: m.roles()["linkd"]["status"]["refused"] >= 2)
    assert not peers(m)["filial30"]["connected"]
    assert not peers(f40)["matriz"]["connected"]
    # Without a key, with another protocol, with nothing at all.
    before = m.roles()["linkd"]["status"]["refused"]
    done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % company.port], input=b"hello", capture_output=True)
    assert b"hello" not in done.stdout.split(b"---")[-1]
    with socket.create_connection(("127.0.0.1", company.port)) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert not s.makefile("rb").read().startswith(b"HTTP")
    wait_until("both counted", lambda: m.roles()["linkd"]["status"]["refused"] >= before + 2)
    assert m.roles()["linkd"]["crashes"] == 0


def test_a_wrong_key_at_the_other_end_is_refused(company):
    """The branch dials somebody who is not the matriz."""
    company.write("matriz", "link 127.0.0.1:%d;\n%s;\n" % (company.port, company.keys["filial30"]))
    wrong = company.keys["filial40"].replace("filial40", "matriz")
    company.write("filial30", "%s { at 127.0.0.1:%d; }\n" % (wrong, company.port))
    company.sites["matriz"].start()
    f30 = company.sites["filial30"].start()
    p = wait_until("refused", lambda: [p for p in [peers(f30)["matriz"]] if "not one of those" in p.get("why", "")])
    assert not p[0]["connected"]


def test_a_site_that_shares_no_bans(company):
    link(company, at_branch="share-bans no;")
    m, f30 = company.sites["matriz"].start(), company.sites["filial30"].start()
    connected(m, "filial30")
    m.append("a.log", probe(1))
    wait_until("sent", lambda: peers(m)["filial30"]["bans_out"] == 1)
    f30.append("a.log", probe(2))
    wait_until("banned there", lambda: len(known(f30)) == 1)
    assert peers(f30)["matriz"]["bans_out"] == 0 and "198.51.0.2" not in known(f30)


def test_the_list_for_people(company):
    link(company)
    m = company.sites["matriz"].start()
    company.sites["filial30"].start()
    connected(m, "filial30")
    shown = subprocess.run([GUARITA, "site", "list", "--control", m.control], capture_output=True, text=True, check=True).stdout
    rows = {line.split()[0]: line for line in shown.splitlines()[1:] if not line.startswith("  ")}
    assert "not connected" in rows["filial40"] and "did not dial us yet" in shown
    assert " connected" in rows["filial30"] and "not connected" not in rows["filial30"]


def test_the_key_is_made_once_and_guarded(company):
    f = company.sites["filial30"]
    path = f.dir / "state" / "site.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_line(f) == company.keys["filial30"]
    path.chmod(0o644)
    done = subprocess.run([GUARITA, "site", "key", "--config", f.config], capture_output=True, text=True)
    assert done.returncode == 1 and "chmod 600" in done.stderr


# With gates: what a filial does about it.

@pytest.fixture
def gates(tmp_path):
    """Matriz and a filial in namespaces of their own, one wire between them."""
    tag = "gs%d" % os.getpid()
    names = {"matriz": tag + "m", "filial30": tag + "f"}

    def run(*words):
        return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True)
    try:
        for ns in names.values():
            run("ip", "netns", "add", ns)
            run("ip", "-n", ns, "link", "set", "lo", "up")
        run("ip", "link", "add", "wire", "netns", names["matriz"], "type", "veth", "peer", "name", "wire", "netns",
            names["filial30"])
        c = Company(tmp_path, "matriz", "filial30")
        for i, (name, ns) in enumerate(names.items()):
            site = c.sites[name]
            site.inside = ["ip", "netns", "exec", ns]
            other = [n for n in names if n != name][0]
            c.write(name, "interface wire { zone lan; address 192.168.77.%d/24; }\nlink :6515;\nown 192.168.0.0/16;\n"
                    "allow lan to gateway tcp/6515;\n%s { at 192.168.77.%d; }\n%s" % (
                        i + 1, c.keys[other], 2 - i, BAN if name == "filial30" else BAN.replace("203.0.113.0/24", "203.0.114.0/24")))
        yield c
        c.close()
    finally:
        for ns in names.values():
            subprocess.run(["ip", "netns", "del", ns], capture_output=True)


def kernel_bans(site):
    return subprocess.run([*site.inside, "nft", "list", "set", "inet", "guarita", "ban4"], capture_output=True, text=True).stdout


def order(site, *words):
    return subprocess.run([GUARITA, *words, "--control", site.control], capture_output=True, text=True)


@needs_root
def test_an_attacker_of_one_site_is_kept_out_by_the_gates_of_all(gates):
    m, f = gates.sites["matriz"].start(), gates.sites["filial30"].start()
    connected(m, "filial30")
    m.append("a.log", probe(1))
    wait_until("banned by both kernels", lambda: all("198.51.0.2" in kernel_bans(s) for s in (m, f)))
    shown = order(f, "bans", "--json").stdout
    ban = [json.loads(line) for line in shown.splitlines() if "198.51.0.2" in line][0]
    assert ban["incident"] == 1 and ban["reason"].startswith("matriz, incident 1:")
    # By hand, and taken back by hand: everywhere.
    assert order(f, "block", "198.51.9.9", "5m", "seen", "by", "me").returncode == 0
    wait_until("blocked at the matriz too", lambda: "198.51.9.9" in kernel_bans(m))
    assert order(m, "unblock", "198.51.9.9").returncode == 0
    wait_until("let in at the filial too", lambda: "198.51.9.9" not in kernel_bans(f))


@needs_root
def test_the_receiver_decides_whom_it_never_bans(gates):
    m, f = gates.sites["matriz"].start(), gates.sites["filial30"].start()
    connected(m, "filial30")
    assert order(m, "block", "203.0.113.9", "5m").returncode == 0
    assert order(m, "block", "198.51.9.9", "5m").returncode == 0
    wait_until("the other one arrived", lambda: "198.51.9.9" in kernel_bans(f))
    assert "203.0.113.9" in kernel_bans(m) and "203.0.113.9" not in kernel_bans(f)
    assert "203.0.113.9 is not kept out: never-ban names it" in f.stderr()


@needs_root
def test_bans_wait_for_a_site_that_is_mute(gates):
    m, f = gates.sites["matriz"].start(), gates.sites["filial30"].start()
    connected(m, "filial30")
    os.kill(f.roles()["linkd"]["pid"], signal.SIGSTOP)
    wait_until("the silence is seen", lambda: not peers(m)["filial30"]["connected"])
    assert "nothing was heard" in peers(m)["filial30"]["why"] or "did not" in peers(m)["filial30"]["why"]
    m.append("a.log", probe(5))
    wait_until("banned here", lambda: "198.51.0.6" in kernel_bans(m))
    os.kill(f.roles()["linkd"]["pid"], signal.SIGCONT)
    wait_until("banned there", lambda: "198.51.0.6" in kernel_bans(f))

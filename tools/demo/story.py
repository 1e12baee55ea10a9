"""What happens in the demo, in the order of telling. Every step is looked at as it happens: a step that fails ends the demo."""
import base64
import hashlib
import json
import re
import time

import bed
from show import spark

MAP = r"""
              stranger 192.0.2.200          www 192.0.2.80
                        \                    /
                         ----- internet -----
                        /         |          \
              203.0.113.10   198.51.100.30   100.64.40.20 (behind the operator's NAT)
                  MATRIZ       FILIAL 30       FILIAL 40
              192.168.0.0/24  192.168.30.0/24  192.168.40.0/24
               server .10       pc30 .10         pc40 .10
"""
STRANGER = "192.0.2.200"
SERVER = "192.168.0.10"
FILE_BYTES = 64 << 20
DOORS = (21, 22, 23, 25, 53, 110, 111, 135, 139, 143, 161, 389, 443, 445, 993, 1433, 1521, 2049, 3128, 3306, 3389, 5060, 5432,
	5900, 6379, 8080, 8291, 8443, 9200, 27017)
NAMES = ("root", "admin", "backup", "diretoria")


def sites(hosts):
	return [hosts[n] for n in bed.SITES]


def objects(text):
	return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def company(show, hosts, build):
	show.title("A company: one file of configuration at each site, as shipped in etc/")
	hosts.update(bed.raise_company(build))
	show.quote(MAP, 20)
	for site in sites(hosts):
		lines = (bed.ROOT / "etc" / bed.SITES[site.name]).read_text().splitlines()
		answer = site.guarita("check", "/etc/guarita/guarita.conf").strip().splitlines()[-1]
		show.say("%-9s etc/%-18s %2d lines   guarita check: %s" % (site.name, bed.SITES[site.name], len(lines),
			answer.split(": ", 1)[1].split(";")[0]))


def trust(show, hosts):
	show.title("The sites learn to trust each other: one command at each, and its line goes to the other side")
	matriz, *filiais = sites(hosts)
	key = matriz.guarita("site", "key").strip()
	for filial in filiais:
		line = filial.guarita("site", "key").strip()
		matriz.include("sites", filial.name, line)
		filial.include("sites", "matriz", key.replace(";", " { at 172.31.0.1; }"))
		show.quote("%s# guarita site key\n%s" % (filial.name, line))
	matriz.include("sites", "here", "link :6515;")


def tunnels(show, hosts):
	show.title("Guarita starts at the three sites; the filiais dial the matriz by themselves")
	begun = time.monotonic()
	for site in sites(hosts):
		site.start()
	matriz = hosts["matriz"]

	def answers(*words):
		try:
			return matriz.guarita(*words)
		except RuntimeError:
			return ""
	bed.until("two tunnels", lambda: answers("vpn", "list", "--plain").count("MPPE") == 2)
	show.good("both tunnels stand %.1f s after the start of everything" % (time.monotonic() - begun))
	bed.until("all processes", lambda: all([site.running() for site in sites(hosts)]))
	show.quote(matriz.guarita("vpn", "list", "--plain"))
	bed.until("the sites to know each other", lambda: answers("site", "list").count("connected") == 2)
	show.good("and inside them the sites speak with each other, each known by its key")
	show.say("Each process has the rights of its own work only, as `guarita status` at the matriz shows:")
	show.quote("\n".join(line[:118] for line in matriz.guarita("status").splitlines()), 14)


def fetch(show, pc, url, wanted):
	begun = time.monotonic()
	process = pc.python("fetch", url, "20")
	last, size = 0, 1
	for line in process.stdout:
		word, *rest = line.split()
		if word == "at":
			last, size = int(rest[0]), int(rest[1])
			show.bar(pc.name, last / size, "%3d of %d MiB" % (last >> 20, size >> 20))
		elif word == "done":
			assert rest[0] == wanted, "%s got another file than the server sent" % pc.name
			seconds = time.monotonic() - begun
			show.bar(pc.name, 1, "%d MiB in %.2f s, %d Mbit/s, whole" % (size >> 20, seconds, size * 8 / seconds / 1e6), end=True)
			return process.wait()
		else:
			break
	raise RuntimeError("%s cannot fetch %s: %s" % (pc.name, url, line.strip()))


def morning(show, hosts):
	show.title("An ordinary morning: the PCs of the filiais fetch a file from the server of the matriz")
	block = bytes(range(256)) * 256
	digest = hashlib.sha256()
	for _ in range(FILE_BYTES // len(block)):
		digest.update(block)
	server = hosts["server"].python("files", SERVER, "8000", str(FILE_BYTES))
	assert server.stdout.readline() == "ready\n", "the file server does not start"
	for name in ("pc30", "pc40"):
		fetch(show, hosts[name], "http://%s:8000/" % SERVER, digest.hexdigest())
		seen = server.stdout.readline().strip()
		assert seen.startswith("192.168.%s." % name[2:]), "the server saw %s" % seen
		show.good("through the tunnel, encrypted (MPPE-128); the server saw the PC's own address, %s" % seen)
	web = hosts["www"].python("files", "192.0.2.80", "80", str(1 << 20))
	assert web.stdout.readline() == "ready\n", "the web server does not start"
	fetch(show, hosts["pc40"], "http://192.0.2.80/", hashlib.sha256(block * 16).hexdigest())
	show.good("and the web directly, behind the address of its operator: %s" % web.stdout.readline().strip())


def sharing(show, hosts):
	show.title("Somebody in filial 40 starts a file-sharing program")
	peer = hosts["www"].python("peer", "192.0.2.80", "6881")
	assert peer.stdout.readline() == "ready\n", "the other file sharer does not start"
	said = hosts["pc40"].python("share", "192.0.2.80", "6881").communicate(timeout=bed.LIMIT)[0].split()
	assert said[:1] == ["connected"] and "answered" not in said, "file sharing was not stopped: %s" % said
	show.say("connected to port 6881 of a stranger, said \"BitTorrent protocol\", and heard: %s" % said[-1])
	counters = hosts["filial40"].guarita("fw", "counters", "p2p", "--plain")
	show.quote(counters)
	show.good("known by its first words, whatever the port, and dropped from that packet on")


def attack(show, hosts):
	show.title("A stranger comes: he knocks at the doors of the matriz, then guesses passwords of the web mail")
	matriz, stranger = hosts["matriz"], hosts["stranger"]
	logger = "%s mail %s 80 | logger --server 192.168.0.222 --port 514 --udp --rfc3164 --tag httpd -p auth.info" % (
		bed.Path(bed.__file__).with_name("people.py"), SERVER)
	hosts["server"].popen("sh", "-c", "/usr/bin/env python3 -u " + logger)
	watching = matriz.popen(matriz.build / "src/main/guarita", "watch", "--plain")
	bed.until("the web mail", lambda: "ConnectionRefused" not in hosts["pc30"].python("fetch", "http://%s/" % SERVER, "1").communicate()[0]
		and "refused" not in hosts["pc30"].python("fetch", "http://%s/" % SERVER, "1").communicate()[0])
	knocks = stranger.python("knock", "203.0.113.10", *DOORS).communicate(timeout=bed.LIMIT)[0].split("\n")
	shut = sum(line.endswith("silent") for line in knocks)
	show.say("he knocks at %d ports of the matriz: %d are silent" % (len(DOORS), shut))
	begun = time.monotonic()
	guesses = stranger.python("guess", "http://203.0.113.10/", *NAMES).communicate(timeout=bed.LIMIT)[0].split("\n")
	answered = [line for line in guesses if line.endswith("401")]
	assert any(line.endswith("silent") for line in guesses), "the stranger may guess for ever"
	bed.until("the ban", lambda: STRANGER in matriz.guarita("bans", "--plain"))
	show.say("he guesses passwords: %d are answered `no`, then nothing answers any more" % len(answered))
	watching.terminate()
	show.quote(watching.communicate(timeout=bed.LIMIT)[0], 8)
	show.good("found and kept out: he was answered for %s seconds" % answered[-1].split()[0])
	show.quote(matriz.guarita("bans", "--plain"), 6)
	for filial in sites(hosts)[1:]:
		bed.until("the ban at %s" % filial.name, lambda: STRANGER in filial.guarita("bans", "--plain"))
		show.quote("%s# guarita bans\n%s" % (filial.name, filial.guarita("bans", "--plain").splitlines()[-1]), 6)
	show.good("kept out at every site, %.1f s after his first guess was begun; the filiais never saw him" % (time.monotonic() - begun))


def evidence(show, hosts, build):
	show.title("The evidence: every line was sealed before anything acted on it")
	matriz = hosts["matriz"]
	show.quote(matriz.guarita("story", STRANGER, "--plain"), 10)
	found = objects(matriz.guarita("log", "--json", "-n", "0", "src:%s" % STRANGER, "kind:auth.fail"))
	assert found, "the vault has no line of the stranger"
	number = found[-1].get("entry", found[-1].get("index"))
	show.say("refusals of him a second: %s  (%d lines in the vault)" % (spark(by_second(matriz)), len(found)))
	proof = matriz.guarita("vault", "prove", str(number))
	path = bed.Path("/run/line.proof")
	path.write_text(proof)
	show.say("`guarita vault prove %s` gives %d bytes; a stranger checks them without the vault:" % (number, len(proof)))
	check = [build / "src/main/guarita-verify", path, "/run/identity"]
	bed.Path("/run/identity").write_text(matriz.run("cat", "/var/lib/guarita/vault/identity"))
	show.quote(bed.run(*check), 6)
	show.good("proved by guarita-verify: one file of C without libraries, which shares no code with the vault")
	path.write_text(forged(proof))
	try:
		bed.run(*check)
	except RuntimeError as refused:
		show.quote(str(refused).split(": ", 1)[1], 3)
		show.good("and refused, with the server's 401 made a 200")
		return
	raise RuntimeError("a forged line was believed")


def elsewhere(show, hosts):
	"""What the filiais sealed stands at the matriz too, and what the matriz sealed was signed by the filiais."""
	matriz, *filiais = sites(hosts)
	count = 0
	for filial in filiais:
		query = 'source:"site %s"' % filial.name
		sealed = len(objects(filial.guarita("log", "--json", "-n", "0", "NOT source:sites")))
		lines = bed.until("the lines of %s" % filial.name, lambda: (lambda found: len(found) >= sealed and found)(
			objects(matriz.guarita("log", "--json", "-n", "0", query))))
		show.quote("matriz# guarita log '%s'        %d lines, of %d that it sealed; the newest:\n%s" % (query, len(lines), sealed,
			lines[-1]["raw"][:112]))
		count += len(lines)
	show.good("%d lines that the filiais sealed stand in the vault of the matriz too: who breaks in there takes none back" % count)
	both = "cosigned by %d of %d" % (len(filiais), len(filiais))
	status = bed.until("both filiais to sign the vault of the matriz", lambda: [line for line in
		matriz.guarita("vault", "status").splitlines() if both in line])
	show.quote("matriz# guarita vault status\n" + status[0])
	show.good("and the filiais sign what the matriz has sealed: not even who holds its keys can write another history now")


def forged(proof):
	"""The proof with another answer of the web server in its line; lines stand in it as base64."""
	for word in proof.split():
		try:
			line = base64.b64decode(word, validate=True)
		except ValueError:
			continue
		if b'" 401 ' in line:
			return proof.replace(word, base64.b64encode(line.replace(b'" 401 ', b'" 200 ')).decode())
	raise RuntimeError("the proof does not hold the line")


def by_second(site):
	times = {}
	for line in objects(site.guarita("log", "--json", "-n", "0", STRANGER)):
		second = re.match(r"[^.Z]*", line.get("time", line.get("received", ""))).group(0)
		times[second] = times.get(second, 0) + 1
	return [times[s] for s in sorted(times)]


def play(show, hosts, build):
	company(show, hosts, build)
	trust(show, hosts)
	tunnels(show, hosts)
	morning(show, hosts)
	sharing(show, hosts)
	attack(show, hosts)
	evidence(show, hosts, build)
	elsewhere(show, hosts)
	show.out("\n   %s" % show.paint("1;32", "%d things shown and looked at, in %.0f seconds." % (show.proved, time.monotonic() - show.begun)))

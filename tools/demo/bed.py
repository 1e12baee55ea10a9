"""The company's hosts and cables: each host a network namespace with files of its own where it needs them.

Runs inside the process and mount namespace that company.py makes: whatever is made here goes away with that.
"""
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HOSTS = Path("/run/hosts")              # a process of each host, by its name: enter.sh reads it
DATADIR = Path("/usr/local/share")      # where a build that was not installed looks for its rules
# Nobody waits this long where things work; a machine with much else to do is not a failed demo.
LIMIT = 120

# Host, interface, address, and the other end; then the routes. The wires of an operator are what his customers see of him.
CABLES = [
	("internet", "to-matriz", "203.0.113.1/24", "matriz", "wan", ""),
	("internet", "to-op1", "192.0.2.1/30", "operator1", "uplink", "192.0.2.2/30"),
	("internet", "to-op2", "192.0.2.5/30", "operator2", "uplink", "192.0.2.6/30"),
	("internet", "to-www", "192.0.2.65/26", "www", "eth0", "192.0.2.80/26"),
	("internet", "to-stranger", "192.0.2.193/26", "stranger", "eth0", "192.0.2.200/26"),
	("operator1", "customers", "198.51.100.1/25", "filial30", "wan", ""),
	("operator2", "customers", "100.64.40.1/24", "filial40", "wan", ""),
	("matriz", "lan", "", "server", "eth0", "192.168.0.10/24"),
	("filial30", "lan", "", "pc30", "eth0", "192.168.30.10/24"),
	("filial30", "prx", "", "proxy30", "eth0", "10.1.1.3/24"),
	("filial40", "lan", "", "pc40", "eth0", "192.168.40.10/24"),
]
ROUTES = [
	("internet", "198.51.100.0/25", "192.0.2.2"), ("operator1", "default", "192.0.2.1"), ("operator2", "default", "192.0.2.5"),
	("www", "default", "192.0.2.65"), ("stranger", "default", "192.0.2.193"), ("server", "default", "192.168.0.222"),
	("pc30", "default", "192.168.30.254"), ("pc40", "default", "192.168.40.254"), ("proxy30", "default", "10.1.1.1"),
]
ROUTERS = ("internet", "operator1", "operator2")
SITES = {"matriz": "matriz.conf", "filial30": "filial.conf", "filial40": "filial-small.conf"}
CGNAT = 'table ip nat { chain out { type nat hook postrouting priority srcnat; oifname "uplink" masquerade; }; }'

# What a site has of its own: configuration, state, logs, run-time files and users, over those of this machine.
PRIVATE = """
mount -t tmpfs -o mode=755 site /var/lib && mount -t tmpfs -o mode=755 site /var/log && mount -t tmpfs -o mode=755 site /run
mkdir -p /var/lib/.etc/up /var/lib/.etc/work /run/guarita
mount -t overlay -o lowerdir=/etc,upperdir=/var/lib/.etc/up,workdir=/var/lib/.etc/work etc /etc || {
	cp -a /etc/. /var/lib/.etc/up && mount --bind /var/lib/.etc/up /etc; }
mkdir -p %(data)s && mount -t tmpfs -o mode=755 site %(data)s && mkdir -p %(data)s/guarita/rules && mount --bind %(rules)s %(data)s/guarita/rules
mkdir -p /etc/guarita && cp %(config)s /etc/guarita/guarita.conf && chmod 600 /etc/guarita/guarita.conf
id=64300
for user in $(sed -n 's/^u \\([a-z-]*\\) .*/\\1/p' %(users)s); do
	id=$((id + 1))
	grep -q "^$user:" /etc/passwd || {
		echo "$user:x:$id:$id::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
		echo "$user:x:$id:" >>/etc/group; }
done
"""


def run(*words, **more):
	done = subprocess.run([str(w) for w in words], capture_output=True, text=True, **more)
	if done.returncode:
		raise RuntimeError("%s: %s" % (" ".join(map(str, words)), (done.stderr or done.stdout).strip()))
	return done.stdout


def until(what, condition, limit=LIMIT):
	"""The first true value of condition()."""
	end = time.monotonic() + limit
	while True:
		value = condition()
		if value:
			return value
		if time.monotonic() > end:
			raise RuntimeError("waited %d s in vain for %s" % (limit, what))
		time.sleep(0.02)


class Host:
	"""A network namespace, and one process that stands in it for as long as the company does."""

	def __init__(self, name, before=""):
		self.name = name
		run("ip", "netns", "add", name)
		script = "set -e\nhostname %s\nip link set lo up\n%s\necho up\nexec sleep infinity\n" % (name, before)
		self.process = subprocess.Popen(["ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", script], stdout=subprocess.PIPE,
			stderr=subprocess.PIPE, text=True)
		if self.process.stdout.readline() != "up\n":
			raise RuntimeError("%s does not come up: %s" % (name, self.process.stderr.read()))
		(HOSTS / name).write_text("%d\n" % self.process.pid)

	def argv(self, *words):
		return ["nsenter", "-t", str(self.process.pid), "-m", "-n", "-u", "--", *map(str, words)]

	def popen(self, *words, **more):
		return subprocess.Popen(self.argv(*words), **dict(dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True), **more))

	def run(self, *words):
		return run(*self.argv(*words), timeout=LIMIT)

	def python(self, part, *args):
		"""A part that people play, see people.py."""
		return self.popen(shutil.which("python3", path="/usr/bin:/bin") or "python3", "-u", Path(__file__).with_name("people.py"),
			part, *args)


class Site(Host):
	"""A host that runs Guarita, from a sample configuration as it is shipped."""

	def __init__(self, name, build):
		super().__init__(name, PRIVATE % {"data": DATADIR, "rules": ROOT / "rules", "config": ROOT / "etc" / SITES[name],
			"users": ROOT / "dist" / "guarita.sysusers"})
		self.build, self.daemon = build, None
		self.log = Path("/run/%s.log" % name)

	def guarita(self, *words):
		return self.run(self.build / "src/main/guarita", *words)

	def include(self, folder, name, line):
		"""One more file beside the configuration."""
		self.run("sh", "-c", 'mkdir -p "/etc/guarita/$1" && echo "$3" >"/etc/guarita/$1/$2.conf"', "sh", folder, name, line)

	def start(self):
		self.daemon = self.popen(self.build / "src/main/guaritad", "--config", "/etc/guarita/guarita.conf",
			stdout=open(self.log, "ab"), stderr=subprocess.STDOUT)

	def running(self):
		if self.daemon.poll() is not None:
			raise RuntimeError("Guarita at %s ended: %s" % (self.name, self.log.read_text()[-2000:]))
		try:
			roles = json.loads(self.guarita("status", "--json"))["roles"]
			return all(r["state"] in ("running", "not needed") for r in roles)
		except RuntimeError:
			return False


def raise_company(build):
	"""All hosts by name, with cables and addresses, except those that Guarita itself is to set."""
	HOSTS.mkdir(parents=True, exist_ok=True)
	names = dict.fromkeys(end for c in CABLES for end in (c[0], c[3]))
	hosts = {n: Site(n, build) if n in SITES else Host(n) for n in names}
	batches = {n: [] for n in names}
	for left, interface, address, right, other, other_address in CABLES:
		run("ip", "link", "add", interface, "netns", left, "type", "veth", "peer", "name", other, "netns", right)
		for host, name, addr in ((left, interface, address), (right, other, other_address)):
			if addr:
				batches[host] += ["addr add %s dev %s" % (addr, name), "link set %s up" % name]
	for host, to, via in ROUTES:
		batches[host].append("route add %s via %s" % (to, via))
	for name, lines in batches.items():
		run("ip", "-n", name, "-batch", "-", input="\n".join(lines) + "\n")
	for name in ROUTERS:
		hosts[name].run("sysctl", "-qw", "net.ipv4.ip_forward=1")
	hosts["operator2"].run("nft", CGNAT)
	return hosts


def failures(hosts):
	"""What the sites have to say when something went wrong."""
	return "".join("--- %s\n%s" % (h.name, h.log.read_text(errors="replace")[-3000:])
		for h in hosts.values() if isinstance(h, Site) and os.path.exists(h.log))

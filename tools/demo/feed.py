#!/usr/bin/python3
"""Plays a morning at a company, then an attack, into a running Guarita: over UDP, TCP, a unix socket and a file.

usage: feed.py morning|attack --udp PORT --tcp PORT --unix PATH --file PATH [--pace SECONDS]

Addresses are those kept for documentation (RFC 5737); nothing leaves the loopback interface.
"""
import argparse
import random
import socket
import time

rnd = random.Random(7)
STAFF = {"ana": "192.168.10.21", "joao": "192.168.10.22", "maria": "192.168.20.31", "pedro": "192.168.20.32"}
STRANGER = "203.0.113.66"
SCANNER = "198.51.100.99"


class Wires:
	"""The four ways into Guarita."""

	def __init__(self, args):
		self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		self.udp.connect(("127.0.0.1", args.udp))
		self.tcp = socket.create_connection(("127.0.0.1", args.tcp))
		self.unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self.unix.connect(args.unix)
		self.file = open(args.file, "a", buffering=1)
		self.pace = args.pace
		self.sent = 0

	def step(self):
		self.sent += 1
		if self.pace:
			time.sleep(self.pace)

	def syslog(self, host, program, text, by="udp", pri=38):
		self.step()
		if by == "tcp":
			stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
			name, _, pid = program.partition("[")
			line = f"<{pri}>1 {stamp} {host} {name} {pid.rstrip(']') or '-'} - - {text}".encode()
			self.tcp.sendall(b"%d %s" % (len(line), line))
			return
		stamp = time.strftime("%b %e %H:%M:%S", time.gmtime())
		if by == "unix":
			self.unix.send(f"<{pri}>{stamp} {program}: {text}".encode())
		else:
			self.udp.send(f"<{pri}>{stamp} {host} {program}: {text}".encode())
			if self.sent % 64 == 0:
				time.sleep(0.001)

	def web(self, source, request, status, agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"):
		self.step()
		stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
		self.file.write(f'{source} - - [{stamp}] "{request}" {status} {rnd.randrange(200, 9000)} "-" "{agent}"\n')


def morning(w):
	for i in range(600):
		user = rnd.choice(list(STAFF))
		address, port = STAFF[user], rnd.randrange(20000, 60000)
		what = rnd.randrange(9)
		if what == 0:
			w.syslog("matriz", f"sshd[{1000 + i}]", f"Accepted publickey for {user} from {address} port {port} ssh2: ED25519 SHA256:abc", "tcp")
		elif what == 1:
			w.syslog("matriz", f"CRON[{1000 + i}]", "(root) CMD (/usr/local/bin/backup --nightly)")
		elif what == 2:
			w.syslog("mx1", f"postfix/smtpd[{1000 + i}]", f"connect from mail.example.com[192.0.2.{rnd.randrange(1, 200)}]")
		elif what == 3:
			w.syslog("matriz", f"dovecot", f"imap-login: Login: user=<{user}>, method=PLAIN, rip={address}, lip=192.168.10.2, mpid={i}, TLS, session=<x{i}>")
		elif what == 4:
			w.syslog("matriz", f"sudo[{1000 + i}]", f"{user} : TTY=pts/1 ; PWD=/home/{user} ; USER=root ; COMMAND=/usr/bin/apt update", "unix")
		elif what == 5:
			w.syslog("filial1", f"dnsmasq-dhcp[{700}]", f"DHCPACK(br0) {address} 52:54:00:12:34:{i % 90 + 10} pc-{user}")
		else:
			w.web(address, f"GET /{rnd.choice(['', 'pedidos', 'estoque', 'img/logo.png'])} HTTP/1.1", rnd.choice([200, 200, 200, 304]))
	# Somebody mistypes a password, once: no incident.
	w.syslog("matriz", "sshd[4242]", "Failed password for maria from 192.168.20.31 port 50022 ssh2")
	w.syslog("matriz", "sshd[4242]", "Accepted password for maria from 192.168.20.31 port 50022 ssh2")
	return w.sent


def attack(w):
	for port in (21, 22, 23, 25, 80, 110, 143, 443, 445, 1433, 3306, 3389, 5900, 8080):
		w.syslog("gw", "kernel", f"guarita-drop IN=eth0 OUT= MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 SRC={SCANNER} DST=192.0.2.1 LEN=40 TOS=0x00 "
			f"PREC=0x00 TTL=48 ID=4711 PROTO=TCP SPT=41234 DPT={port} WINDOW=1024 RES=0x00 SYN URGP=0", pri=4)
	for i in range(12):
		user = ["root", "admin", "backup", "oracle", "test", "ana"][i % 6]
		w.syslog("filial1", f"sshd[{5000 + i}]", f"Failed password for {'invalid user ' if user in ('admin', 'oracle', 'test') else ''}{user} from {STRANGER} port {40000 + i} ssh2")
	w.syslog("filial1", "sshd[5020]", f"Accepted password for backup from {STRANGER} port 40020 ssh2", "tcp")
	w.syslog("filial1", "useradd[5031]", "new user: name=suporte2, UID=0, GID=0, home=/root, shell=/bin/bash, from=/dev/pts/0", "tcp", pri=86)
	for path in ("/wp-login.php", "/.env", "/phpmyadmin/index.php", "/cgi-bin/phf?Qalias=x%0a/bin/cat%20/etc/passwd",
			"/produtos?id=1%20UNION%20SELECT%20senha%20FROM%20usuarios", "/../../../../etc/passwd"):
		w.web(STRANGER, f"GET {path} HTTP/1.1", 404, "sqlmap/1.8")
	# A user name that tries to put the blame on somebody else.
	for i in range(6):
		w.syslog("matriz", f"sshd[{6000 + i}]", f"Failed password for invalid user root from 192.168.10.21 port 22 ssh2 from {STRANGER} port {41000 + i} ssh2")
	return w.sent


def main():
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("scene", choices=["morning", "attack"])
	parser.add_argument("--udp", type=int, required=True)
	parser.add_argument("--tcp", type=int, required=True)
	parser.add_argument("--unix", required=True)
	parser.add_argument("--file", required=True)
	parser.add_argument("--pace", type=float, default=0, help="pause before each line")
	args = parser.parse_args()
	wires = Wires(args)
	print({"morning": morning, "attack": attack}[args.scene](wires))


if __name__ == "__main__":
	main()

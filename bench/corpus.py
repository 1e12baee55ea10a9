#!/usr/bin/python3
"""Writes a log of many services, the same bytes for the same arguments.

usage: corpus.py LINES [--sources N] [--only SERVICE] [--attack SHARE] > FILE

LINES     how many lines
--sources how many distinct client addresses (default 10000)
--only    one service instead of the mix: sshd, postfix, kernel, apache, nginx, named, dovecot, cron, sudo, systemd
--attack  share of hostile lines in percent (default 5)
"""
import argparse
import random
import sys
import time

START = 1767225600  # 2026-01-01 00:00:00 UTC


def words(args):
	rnd = random.Random(20260101)
	rand = rnd.random

	def below(n):
		return int(rand() * n)

	def ip():
		n = below(args.sources)
		return f"{11 + (n >> 16) % 200}.{(n >> 8) & 255}.{n & 255}.{1 + (n * 7) % 254}"

	users = ["root", "admin", "ana", "joao", "maria", "backup", "git", "deploy", "test", "oracle", "postgres", "pedro"]
	hosts = ["matriz", "filial1", "filial2", "mx1", "web1", "web2", "dns1", "gw"]
	paths = ["/", "/index.html", "/img/logo.png", "/css/site.css", "/produtos?id=%d", "/api/v1/pedidos/%d", "/blog/%d",
		"/js/app.js", "/contato", "/busca?q=rede+%d"]
	probes = ["/wp-login.php", "/.env", "/phpmyadmin/index.php", "/cgi-bin/test.cgi?a=../../../../etc/passwd",
		"/admin.php", "/xmlrpc.php"]
	agents = ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "curl/8.5.0"]

	def path():
		p = paths[below(len(paths))]
		return p % below(100000) if "%" in p else p

	def sshd(bad):
		u, a, p = users[below(len(users))], ip(), 1024 + below(60000)
		if bad:
			return "sshd", [f"Failed password for {u} from {a} port {p} ssh2",
				f"Invalid user {u}{below(999)} from {a} port {p}",
				f"Connection closed by authenticating user {u} {a} port {p} [preauth]"][below(3)]
		return "sshd", [f"Accepted publickey for {u} from {a} port {p} ssh2: ED25519 SHA256:{below(1 << 60):x}",
			f"pam_unix(sshd:session): session opened for user {u}(uid={below(2000)}) by (uid=0)",
			f"pam_unix(sshd:session): session closed for user {u}",
			f"Received disconnect from {a} port {p}:11: disconnected by user",
			f"Disconnected from user {u} {a} port {p}"][below(5)]

	def postfix(bad):
		a, q = ip(), f"{below(1 << 40):010X}"
		if bad:
			return "postfix/smtpd", [f"NOQUEUE: reject: RCPT from unknown[{a}]: 554 5.7.1 <x@example.org>: Relay access denied; from=<s@example.net> to=<x@example.org> proto=ESMTP helo=<mail>",
				f"warning: unknown[{a}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6"][below(2)]
		return [("postfix/smtpd", f"connect from mail.example.com[{a}]"),
			("postfix/smtpd", f"disconnect from mail.example.com[{a}] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"),
			("postfix/cleanup", f"{q}: message-id=<{below(1 << 60):x}@example.com>"),
			("postfix/qmgr", f"{q}: from=<ana@example.com>, size={below(90000)}, nrcpt=1 (queue active)"),
			("postfix/smtp", f"{q}: to=<joao@example.org>, relay=mx.example.org[{a}]:25, delay=1.2, delays=0.1/0/0.5/0.6, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {below(1 << 40):X})"),
			("postfix/qmgr", f"{q}: removed")][below(6)]

	def kernel(bad):
		if bad or below(3):
			return "kernel", (f"[{below(999999)}.{below(999999):06}] DROP IN=eth0 OUT= MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 "
				f"SRC={ip()} DST=198.51.100.{1 + below(254)} LEN=40 TOS=0x00 PREC=0x00 TTL={40 + below(80)} ID={below(65536)} PROTO=TCP "
				f"SPT={1024 + below(60000)} DPT={[22, 23, 445, 3389, 80, 8080, 5900][below(7)]} WINDOW=1024 RES=0x00 SYN URGP=0")
		return "kernel", f"[{below(999999)}.{below(999999):06}] eth{below(4)}: link becomes ready"

	def clf(bad):
		t = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(int(clock[0])))
		if bad:
			return None, f'{ip()} - - [{t}] "GET {probes[below(len(probes))]} HTTP/1.1" {[404, 403, 200][below(3)]} {below(5000)} "-" "{agents[below(4)]}"'
		return None, f'{ip()} - - [{t}] "GET {path()} HTTP/1.1" {[200, 200, 200, 304, 302, 404][below(6)]} {below(90000)} "https://www.example.com{path()}" "{agents[below(4)]}"'

	def named(bad):
		a = ip()
		if bad:
			return "named", f"client @0x7f{below(1 << 40):010x} {a}#{1024 + below(60000)} (example.com): query (cache) 'example.com/ANY/IN' denied"
		return "named", f"client @0x7f{below(1 << 40):010x} {a}#{1024 + below(60000)} (www{below(999)}.example.com): query: www{below(999)}.example.com IN A +E(0)K (198.51.100.53)"

	def dovecot(bad):
		u, a = users[below(len(users))], ip()
		if bad:
			return "dovecot", f"imap-login: Disconnected (auth failed, {1 + below(3)} attempts in {below(20)} secs): user=<{u}>, method=PLAIN, rip={a}, lip=198.51.100.25, TLS, session=<{below(1 << 50):x}>"
		return "dovecot", f"imap-login: Login: user=<{u}>, method=PLAIN, rip={a}, lip=198.51.100.25, mpid={below(99999)}, TLS, session=<{below(1 << 50):x}>"

	def cron(bad):
		return "CRON", f"({users[below(len(users))]}) CMD (/usr/local/bin/tarefa {below(99)} >/dev/null 2>&1)"

	def sudo(bad):
		u = users[2 + below(len(users) - 2)]
		if bad:
			return "sudo", f"{u} : user NOT in sudoers ; TTY=pts/{below(9)} ; PWD=/home/{u} ; USER=root ; COMMAND=/bin/sh"
		return "sudo", f"{u} : TTY=pts/{below(9)} ; PWD=/home/{u} ; USER=root ; COMMAND=/usr/bin/systemctl status nginx"

	def systemd(bad):
		return "systemd", [f"Started Session {below(99999)} of User {users[below(len(users))]}.",
			"logrotate.service: Deactivated successfully.", "Starting Daily apt download activities...",
			f"session-{below(9999)}.scope: Consumed {below(99)}.{below(999)}s CPU time."][below(4)]

	services = {"sshd": (sshd, 22), "postfix": (postfix, 20), "kernel": (kernel, 16), "apache": (clf, 22), "nginx": (clf, 0),
		"named": (named, 6), "dovecot": (dovecot, 6), "cron": (cron, 3), "sudo": (sudo, 2), "systemd": (systemd, 3)}
	clock = [float(START)]
	if args.only:
		picks = [services[args.only][0]]
	else:
		picks = [f for f, weight in services.values() for _ in range(weight)]
	write, last, stamp = sys.stdout.write, -1, ""
	attack = args.attack / 100.0
	for _ in range(args.lines):
		clock[0] += 0.02
		now = int(clock[0])
		program, text = picks[below(len(picks))](rand() < attack)
		if program is None:
			write(text + "\n")
			continue
		if now != last:
			t = time.gmtime(now)
			stamp = time.strftime("%b ", t) + f"{t.tm_mday:2} " + time.strftime("%H:%M:%S ", t)
			last = now
		pid = "" if program == "kernel" else f"[{100 + below(30000)}]"
		write(f"{stamp}{hosts[below(len(hosts))]} {program}{pid}: {text}\n")


if __name__ == "__main__":
	parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
	parser.add_argument("lines", type=int)
	parser.add_argument("--sources", type=int, default=10000)
	parser.add_argument("--only")
	parser.add_argument("--attack", type=float, default=5)
	words(parser.parse_args())

#!/usr/bin/python3
"""What people of the demo do, each in the host where he sits; nothing here knows that Guarita exists.

usage: people.py PART ...
  mail ADDRESS PORT         a web mail that wants a password, and logs as every web server does
  files ADDRESS PORT BYTES  a server with one file
  fetch URL SECONDS         fetches it, tells how far it is and its hash
  peer ADDRESS PORT         waits for file sharers and does as they do
  share ADDRESS PORT        says the words of a BitTorrent peer; tells whether they were answered
  knock ADDRESS PORT...     tries each port, tells which answered and which did not
  guess URL NAME...         logs in with passwords out of a list
"""
import base64
import hashlib
import http.server
import socket
import sys
import time
import urllib.error
import urllib.request

HANDSHAKE = b"\x13BitTorrent protocol" + b"\0" * 8 + b"guarita-demo-of-a-hash" [:20] + b"-DE0001-abcdefghijkl"
PASSWORDS = ("123456", "senha", "password", "admin", "qwerty", "matriz2011")


class Mail(http.server.BaseHTTPRequestHandler):
	"""Basic authentication; nobody's password is in the list above."""

	protocol_version = "HTTP/1.1"
	user = "-"

	def do_GET(self):
		word = self.headers.get("Authorization", "")
		if word.startswith("Basic "):
			self.user = base64.b64decode(word[6:]).decode("latin-1").partition(":")[0]
		text = b"a name and a password, please\n"
		self.send_response(401)
		self.send_header("WWW-Authenticate", 'Basic realm="mail"')
		self.send_header("Content-Length", str(len(text)))
		self.end_headers()
		self.wfile.write(text)

	def log_request(self, code="-", size="-"):
		stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
		agent = self.headers.get("User-Agent", "-")
		print('%s - %s [%s] "%s" %d %s "-" "%s"' % (self.client_address[0], self.user, stamp, self.requestline, int(code), 30, agent),
			flush=True)


def mail(address, port):
	http.server.ThreadingHTTPServer((address, int(port)), Mail).serve_forever()


class Files(http.server.BaseHTTPRequestHandler):
	size = 0

	def do_GET(self):
		self.send_response(200)
		self.send_header("Content-Length", str(self.size))
		self.end_headers()
		block = bytes(range(256)) * 256
		for _ in range(self.size // len(block)):
			self.wfile.write(block)

	def log_request(self, code="-", size="-"):
		print(self.client_address[0], flush=True)


def files(address, port, size):
	Files.size = int(size)
	server = http.server.ThreadingHTTPServer((address, int(port)), Files)
	print("ready", flush=True)
	server.serve_forever()


def fetch(url, seconds):
	digest, got, told = hashlib.sha256(), 0, 0.0
	try:
		with urllib.request.urlopen(url, timeout=float(seconds)) as answer:
			size = int(answer.headers["Content-Length"])
			while True:
				block = answer.read(1 << 16)
				if not block:
					break
				digest.update(block)
				got += len(block)
				if time.monotonic() - told > 0.05 or got == size:
					told = time.monotonic()
					print("at", got, size, flush=True)
		print("done", digest.hexdigest(), flush=True)
	except (OSError, urllib.error.URLError) as e:
		print("failed", e, flush=True)


def peer(address, port):
	with socket.create_server((address, int(port))) as listening:
		print("ready", flush=True)
		while True:
			other, _ = listening.accept()
			other.settimeout(5)
			try:
				if other.recv(68):
					other.sendall(HANDSHAKE)
			except OSError:
				pass
			other.close()


def share(address, port):
	try:
		with socket.create_connection((address, int(port)), 3) as s:
			print("connected", flush=True)
			s.sendall(HANDSHAKE)
			s.settimeout(2)
			print("answered" if s.recv(68) else "closed", flush=True)
	except OSError:
		print("silence", flush=True)


def knock(address, *ports):
	for port in ports:
		with socket.socket() as s:
			s.settimeout(0.05)
			try:
				s.connect((address, int(port)))
				print(port, "open", flush=True)
			except ConnectionRefusedError:
				print(port, "refused", flush=True)
			except OSError:
				print(port, "silent", flush=True)


def tries(names):
	"""As those do who guess: every name with every word, then the words with numbers behind them."""
	for number in range(100):
		for name in names:
			for password in PASSWORDS:
				yield name, password + (str(number) if number else "")


def guess(url, *names):
	begun = time.monotonic()
	for name, password in tries(names):
		ask = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0 (compatible)"})
		ask.add_header("Authorization", "Basic " + base64.b64encode(("%s:%s" % (name, password)).encode()).decode())
		try:
			urllib.request.urlopen(ask, timeout=1.5).read()
			print("%.3f" % (time.monotonic() - begun), name, password, "in", flush=True)
		except urllib.error.HTTPError as e:
			print("%.3f" % (time.monotonic() - begun), name, password, e.code, flush=True)
		except OSError:
			print("%.3f" % (time.monotonic() - begun), name, password, "silent", flush=True)
			return


if __name__ == "__main__":
	parts = {f.__name__: f for f in (mail, files, fetch, peer, share, knock, guess)}
	if len(sys.argv) < 3 or sys.argv[1] not in parts:
		sys.exit(__doc__)
	try:
		parts[sys.argv[1]](*sys.argv[2:])
	except KeyboardInterrupt:
		pass

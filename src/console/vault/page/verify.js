"use strict";
// Checks the proof in this page: SHA-256, SHA-512 and Ed25519 (FIPS 180-4, RFC 8032), Merkle path (RFC 6962), signed note
// (C2SP). Nothing is fetched, nothing is trusted but the keys in the identity below the proof, which the reader compares
// with what the owner told by another way.
const hex = b => [...b].map(x => x.toString(16).padStart(2, "0")).join("");
const cat = (...p) => { const r = new Uint8Array(p.reduce((n, x) => n + x.length, 0)); let i = 0; for (const x of p) { r.set(x, i); i += x.length; } return r; };
const utf8 = s => new TextEncoder().encode(s);
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
function base64(s) {
	if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(s)) throw "a word is not base64";
	const b = Uint8Array.from(atob(s), c => c.charCodeAt(0));
	if (btoa(String.fromCharCode(...b)) !== s) throw "a word is not base64";
	return b;
}
// First bits of the fractional parts of roots of primes, as the standard defines its constants.
function roots(n, bits, power) {
	const out = [];
	for (let p = 2; out.length < n; p++) {
		let prime = true;
		for (let q = 2; q * q <= p; q++) if (p % q === 0) prime = false;
		if (!prime) continue;
		const want = BigInt(p) << BigInt(bits * power);
		let lo = 0n, hi = 1n << BigInt(bits + 5);
		while (hi - lo > 1n) { const m = (lo + hi) >> 1n; if (m ** BigInt(power) <= want) lo = m; else hi = m; }
		out.push(lo & ((1n << BigInt(bits)) - 1n));
	}
	return out;
}
function sha(bits, rounds, s) {
	const w = BigInt(bits), mask = (1n << w) - 1n, bytes = bits / 8, K = roots(rounds, bits, 3), H0 = roots(8, bits, 2);
	const rot = (x, n) => ((x >> n) | (x << (w - n))) & mask;
	return m => {
		const block = 16 * bytes, tail = 2 * bytes, n = Math.ceil((m.length + 1 + tail) / block) * block;
		const p = new Uint8Array(n); p.set(m); p[m.length] = 0x80;
		for (let i = 0, l = BigInt(m.length) * 8n; i < 8; i++, l >>= 8n) p[n - 1 - i] = Number(l & 255n);
		let H = H0.slice();
		for (let at = 0; at < n; at += block) {
			const W = [];
			for (let i = 0; i < 16; i++) { let v = 0n; for (let k = 0; k < bytes; k++) v = v << 8n | BigInt(p[at + i * bytes + k]); W.push(v); }
			for (let i = 16; i < rounds; i++) {
				const a = W[i - 15], b = W[i - 2];
				W.push((W[i - 16] + (rot(a, s[0]) ^ rot(a, s[1]) ^ (a >> s[2])) + W[i - 7] + (rot(b, s[3]) ^ rot(b, s[4]) ^ (b >> s[5]))) & mask);
			}
			let [a, b, c, d, e, f, g, h] = H;
			for (let i = 0; i < rounds; i++) {
				const t1 = h + (rot(e, s[6]) ^ rot(e, s[7]) ^ rot(e, s[8])) + ((e & f) ^ (~e & mask & g)) + K[i] + W[i];
				const t2 = (rot(a, s[9]) ^ rot(a, s[10]) ^ rot(a, s[11])) + ((a & b) ^ (a & c) ^ (b & c));
				h = g; g = f; f = e; e = (d + t1) & mask; d = c; c = b; b = a; a = (t1 + t2) & mask;
			}
			H = [a, b, c, d, e, f, g, h].map((x, i) => (x + H[i]) & mask);
		}
		const out = new Uint8Array(8 * bytes);
		H.forEach((v, i) => { for (let k = bytes; k-- > 0; v >>= 8n) out[i * bytes + k] = Number(v & 255n); });
		return out;
	};
}
const sha256 = sha(32, 64, [7n, 18n, 3n, 17n, 19n, 10n, 6n, 11n, 25n, 2n, 13n, 22n]);
const sha512 = sha(64, 80, [1n, 8n, 7n, 19n, 61n, 6n, 14n, 18n, 41n, 28n, 34n, 39n]);
// Ed25519.
const P = 2n ** 255n - 19n, L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = x => { x %= P; return x < 0n ? x + P : x; };
function pow(x, e) { let r = 1n; for (x = mod(x); e; e >>= 1n, x = mod(x * x)) if (e & 1n) r = mod(r * x); return r; }
const inv = x => pow(x, P - 2n), D = mod(-121665n * inv(121666n)), I = pow(2n, (P - 1n) / 4n);
const little = b => b.reduceRight((v, x) => v << 8n | BigInt(x), 0n);
function decode(b) {
	let y = little(b), sign = y >> 255n; y &= (1n << 255n) - 1n;
	if (y >= P) throw "a key or signature is no point of the curve";
	const x2 = mod((y * y - 1n) * inv(D * y * y + 1n));
	let x = pow(x2, (P + 3n) / 8n);
	if (mod(x * x - x2)) x = mod(x * I);
	if (mod(x * x - x2) || (x === 0n && sign)) throw "a key or signature is no point of the curve";
	if ((x & 1n) !== sign) x = P - x;
	return [x, y, 1n, mod(x * y)];
}
function add(a, b) {
	const A = mod((a[1] - a[0]) * (b[1] - b[0])), B = mod((a[1] + a[0]) * (b[1] + b[0])), C = mod(2n * a[3] * b[3] * D), Z = mod(2n * a[2] * b[2]);
	const E = B - A, F = Z - C, G = Z + C, H = B + A;
	return [mod(E * F), mod(G * H), mod(F * G), mod(E * H)];
}
function mul(k, p) { let r = [0n, 1n, 1n, 0n]; for (; k; k >>= 1n, p = add(p, p)) if (k & 1n) r = add(r, p); return r; }
const BASE = decode(Uint8Array.from([0x58, ...Array(31).fill(0x66)]));
function signed(key, message, sig) {
	const s = little(sig.slice(32));
	if (key.length !== 32 || sig.length !== 64 || s >= L) return false;
	const a = decode(key), k = little(sha512(cat(sig.slice(0, 32), key, message))) % L;
	const r = add(mul(s, BASE), mul(k, [mod(-a[0]), a[1], a[2], mod(-a[3])])), z = inv(r[2]), x = mod(r[0] * z), y = mod(r[1] * z);
	const out = new Uint8Array(32);
	for (let i = 0, v = y | (x & 1n) << 255n; i < 32; i++, v >>= 8n) out[i] = Number(v & 255n);
	return same(out, sig.slice(0, 32));
}
// The tree.
const join = (a, b) => sha256(cat([1], a, b));
function follow(leaf, index, size, path) {
	let fn = BigInt(index), sn = BigInt(size) - 1n, r = leaf;
	if (fn > sn) throw "the line's number is behind the end of the log";
	for (const p of path) {
		if (sn === 0n) throw "the path is too long";
		if (fn & 1n || fn === sn) { r = join(p, r); while (!(fn & 1n) && fn) { fn >>= 1n; sn >>= 1n; } } else r = join(r, p);
		fn >>= 1n; sn >>= 1n;
	}
	if (sn !== 0n) throw "the path is too short";
	return r;
}
function vkey(text) {
	const m = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text);
	if (!m) throw "a key cannot be read";
	const name = m[1], id = m[2], key = base64(m[3]);
	if (hex(sha256(cat(utf8(name + "\n"), key)).slice(0, 4)) !== id) throw "a key's number is not its own";
	return { name, id, key };
}
function check(text) {
	const [proof, who] = text.split("\nIDENTITY\n");
	const words = /^origin (\S+)\nkey (\S+)\nepochs (\S+)\n$/.exec(who || "");
	if (!words) throw "the identity is not complete";
	const origin = words[1], log = vkey(words[2]), epochs = vkey(words[3]);
	const type = utf8("guarita-epoch-v1");
	if (log.name !== origin || epochs.name !== origin || log.key[0] !== 1 || log.key.length !== 33 || epochs.key[0] !== 255 ||
	    epochs.key.length !== 17 + 32 || !same(epochs.key.slice(1, 17), type)) throw "the identity is not complete";
	const gap = proof.indexOf("\n\n"), head = proof.slice(0, gap).split("\n"), note = proof.slice(gap + 2), end = note.lastIndexOf("\n\n");
	if (head[0] !== "c2sp.org/tlog-proof@v1" || !/^extra /.test(head[1]) || !/^index (0|[1-9]\d*)$/.test(head[2])) throw "this is no proof";
	const line = base64(head[1].slice(6)), index = head[2].slice(6), path = head.slice(3).map(base64);
	if (path.some(h => h.length !== 32)) throw "a hash has not 32 bytes";
	const body = note.slice(0, end + 1), bodyLines = body.split("\n"), size = bodyLines[1], root = base64(bodyLines[2]);
	if (bodyLines[0] !== origin || !/^(0|[1-9]\d*)$/.test(size)) throw "the checkpoint is of another log";
	const sigs = note.slice(end + 2).split("\n").filter(s => s).map(s => {
		const m = /^\u2014 (\S+) (\S+)$/.exec(s); if (!m) throw "a signature cannot be read";
		const b = base64(m[2]); return { name: m[1], id: hex(b.slice(0, 4)), sig: b.slice(4) };
	});
	const by = k => sigs.find(s => s.name === k.name && s.id === k.id) || (() => { throw "a signature is missing"; })();
	if (!signed(log.key.slice(1), utf8(body), by(log).sig)) throw "the log's signature is false";
	const e = by(epochs).sig, view = new DataView(e.buffer, e.byteOffset), epoch = view.getUint32(0), time = view.getBigUint64(4), steps = [];
	if (e.length < 108 || (e.length - 108) % 32) throw "the epoch's signature cannot be read";
	for (let i = 108; i < e.length; i += 32) steps.push(e.slice(i, i + 32));
	const pub = e.slice(12, 44);
	if (!same(follow(sha256(cat([0], pub)), epoch, 1n << BigInt(steps.length), steps), epochs.key.slice(17))) throw "the epoch's key is not one of this vault";
	if (!signed(pub, utf8(`guarita-epoch-v1\nepoch ${epoch}\ntime ${time}\n` + body), e.slice(44, 108))) throw "the epoch's signature is false";
	if (!same(follow(sha256(cat([0], line)), index, size, path), root)) throw "the line, its place or its path was changed";
	const r = new DataView(line.buffer, 16), n = r.getUint16(3), source = line.slice(29, 29 + n), raw = line.slice(29 + n);
	if (line[16] !== 1) throw "the record is of a kind that this page does not know";
	return { index, size, origin, epoch, time: new Date(Number(time) * 1000), received: new Date(Number(r.getBigInt64(5) / 1000000n)),
		source: new TextDecoder().decode(source), raw: new TextDecoder().decode(raw), identity: hex(epochs.key.slice(17)).match(/.{4}/g).join(" ") };
}
if (typeof document !== "undefined") document.addEventListener("DOMContentLoaded", () => {
	const text = document.getElementById("proof").textContent, page = document.getElementById("said");
	const row = (name, value) => { const p = document.createElement("p"), b = document.createElement("b"); b.textContent = name + " "; p.append(b, value); page.append(p); };
	try {
		const v = check(text);
		page.textContent = "";
		row("PROVED.", "This line was received, stands in the log, and was not changed since.");
		row("Line", v.raw); row("From", v.source); row("Received", v.received.toISOString());
		row("Entry", v.index + " of " + v.size + " in " + v.origin); row("Signed", v.time.toISOString() + ", epoch " + v.epoch);
		row("Identity of the vault (compare it with what the owner told you by another way)", v.identity);
		document.body.className = "good";
	} catch (why) { page.textContent = "NOT PROVED: " + (typeof why === "string" ? why : "the proof cannot be read") + "."; document.body.className = "bad"; }
});
else globalThis.check = check;

"""A verifier written from guarita-vault(7) alone, in another language and without any library: what the page does not say is not here.

    stranger.py PROOF IDENTITY              proof of a line, or of a range
    stranger.py --seals VAULT AUDITOR       every frame of the log's files bears the seal of its time

Prints PROVED and the lines, or NOT PROVED and the reason. Exit code 0 or 3.
"""
import base64
import hashlib
import hmac
import sys
from pathlib import Path

# Ed25519 as RFC 8032, section 6, has it.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


class NotProved(Exception):
    pass


def need(is_so, why):
    if not is_so:
        raise NotProved(why)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = add(q, p)
        p, n = add(p, p), n >> 1
    return q


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    need(y < P, "a key or signature is not a point")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    need((x * x - square) % P == 0 and (x or not sign), "a key or signature is not a point")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def ed25519(public, message, signature):
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    s = int.from_bytes(signature[32:], "little")
    need(len(signature) == 64 and s < L, "a signature is malformed")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    a, b = times(s, base), add(point(signature[:32]), times(h, point(public)))
    need((a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0, "a signature does not hold")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unbase64(word):
    data = base64.b64decode(word, validate=True)
    need(base64.b64encode(data).decode() == word, "a word is not base64 as it is written")
    return data


def number(word):
    need(word.isascii() and word.isdigit() and str(int(word)) == word, "%r is no number" % word)
    return int(word)


def node(left, right):
    return sha256(b"\x01", left, right)


def follow(leaf, index, size, path):
    """The root that a path leads to (RFC 9162, 2.1.3.2)."""
    need(index < size, "the index is beyond the log")
    fn, sn, r = index, size - 1, leaf
    for digest in path:
        need(sn > 0, "the path is too long")
        if fn & 1 or fn == sn:
            r = node(digest, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, digest)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the path is too short")
    return r


class Identity:
    def __init__(self, text):
        lines = dict(line.split(" ", 1) for line in text.splitlines())
        self.origin = lines["origin"]
        self.keys = [self.key(lines["key"], b"\x01"), self.key(lines["epochs"], b"\xffguarita-epoch-v1")]

    def key(self, text, kind):
        name, key_id, data = text.split("+", 2)
        data = unbase64(data)
        need(name == self.origin and data.startswith(kind) and len(data) == len(kind) + 32, "the identity's keys are none of ours")
        need(sha256(name.encode(), b"\n", data)[:4].hex() == key_id, "the identity's key ids do not fit")
        return bytes.fromhex(key_id), data[len(kind):]


def check_epoch(public_root, signature, text):
    epoch, when = int.from_bytes(signature[:4], "big"), int.from_bytes(signature[4:12], "big")
    public, signed, path = signature[12:44], signature[44:108], signature[108:]
    need(len(signature) >= 108 and len(path) % 32 == 0, "an epoch's signature is malformed")
    ed25519(public, b"guarita-epoch-v1\nepoch %d\ntime %d\n" % (epoch, when) + text, signed)
    steps = [path[i:i + 32] for i in range(0, len(path), 32)]
    need(follow(sha256(b"\x00", public), epoch, 1 << len(steps), steps) == public_root, "the epoch's key is none of this vault")


def check_note(note, identity):
    """Size and root, signed by both keys."""
    at = note.rindex("\n\n")
    text, signatures = note[:at + 1], note[at + 2:].splitlines()
    found = {}
    for line in signatures:
        dash, name, data = line.split(" ")
        need(dash == "\u2014", "a signature's line is malformed")
        data = unbase64(data)
        if name == identity.origin:
            found[data[:4]] = data[4:]
    (log_id, log_key), (epoch_id, epoch_root) = identity.keys
    need(log_id in found and epoch_id in found, "a signature is missing")
    ed25519(log_key, text.encode(), found[log_id])
    check_epoch(epoch_root, found[epoch_id], text.encode())
    lines = text.splitlines()
    need(len(lines) == 3 and lines[0] == identity.origin, "the note is of another log")
    return number(lines[1]), unbase64(lines[2])


def raw(extra):
    record = extra[16:]
    need(len(record) >= 13 and record[0] == 1, "a record of another version")
    source = int.from_bytes(record[3:5], "big")
    return record[13 + source:].decode(errors="backslashreplace")


def prove_line(head, note, identity):
    need(head[0] == "c2sp.org/tlog-proof@v1" and head[1].startswith("extra ") and head[2].startswith("index "), "not a proof")
    extra, path = unbase64(head[1][6:]), [unbase64(line) for line in head[3:]]
    size, root = check_note(note, identity)
    need(follow(sha256(b"\x00", extra), number(head[2][6:]), size, path) == root, "the line does not lead to the signed root")
    return [raw(extra)]


def subtrees(first, end, last):
    """Sizes of the largest aligned subtrees from first on that do not reach past end; last: stop there."""
    while first < end:
        size = first & -first if first else 1 << 63
        while size > end - first or first + size > last:
            size >>= 1
        yield size
        first += size


def prove_range(head, note, identity):
    first, parts = number(head[1].split(" ")[1]), {"line": [], "before": [], "behind": []}
    for line in head[2:]:
        word, data = line.split(" ")
        parts[word].append(unbase64(data))
    size, root = check_note(note, identity)
    end = first + len(parts["line"])
    need(end <= size and parts["line"], "the range is beyond the log")
    sizes = [1 << i for i in reversed(range(64)) if first >> i & 1]
    need(len(sizes) == len(parts["before"]), "subtrees on the left are missing")
    edge = list(zip(sizes, parts["before"]))
    rest = list(subtrees(end, size, size))
    need(len(rest) == len(parts["behind"]), "subtrees on the right are missing")
    edge_add = [(1, sha256(b"\x00", line)) for line in parts["line"]] + list(zip(rest, parts["behind"]))
    for piece in edge_add:
        edge.append(piece)
        while len(edge) > 1 and edge[-2][0] == edge[-1][0]:
            (n, left), (_, right) = edge[-2:]
            edge[-2:] = [(2 * n, node(left, right))]
    r = edge.pop()[1]
    while edge:
        r = node(edge.pop()[1], r)
    need(r == root, "the lines do not lead to the signed root")
    return [raw(line) for line in parts["line"]]


def prove(proof, identity):
    head, note = proof.split("\n\n", 1)
    return (prove_range if head.startswith("guarita-range@v1\n") else prove_line)(head.splitlines(), note, identity)


def step(key, word):
    return hmac.new(key, word, hashlib.sha256).digest()


def seals(vault, auditor):
    """How many frames bear the seal of their epoch and number; the log must begin with its first frame."""
    a, epoch, f, n = base64.b64decode(auditor), 0, None, 0
    before = bytes(32)
    for path in sorted((Path(vault) / "wal").glob("*.wal")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            head = data[at:at + 204]
            need(head[:4] in (b"GWF1", b"GWF2"), "%s: no frame at %d" % (path.name, at))
            while epoch < int.from_bytes(head[20:28], "big"):
                a, epoch, f = step(a, b"next epoch"), epoch + 1, None
            f = f or step(a, b"frames")
            need(int.from_bytes(head[28:36], "big") == n and head[76:108] == before, "frame %d does not follow" % n)
            need(step(f, head[:172]) == head[172:], "frame %d does not bear its seal" % n)
            f, before, n = step(f, b"next frame"), sha256(head), n + 1
            at += 204 + int.from_bytes(head[4:8], "big") + int.from_bytes(head[8:12], "big")
    return n


def main(arguments):
    try:
        if arguments[0] == "--seals":
            print("PROVED: %d frames bear the seal of their time" % seals(arguments[1], Path(arguments[2]).read_text()))
            return 0
        for line in prove(Path(arguments[0]).read_text(encoding="utf-8"), Identity(Path(arguments[1]).read_text(encoding="utf-8"))):
            print("PROVED:", line)
        return 0
    except (NotProved, ValueError, KeyError, IndexError, UnicodeError) as why:
        print("NOT PROVED:", why)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

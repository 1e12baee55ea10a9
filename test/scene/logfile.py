"""Files of a vault's log, read by their format alone (guarita-vault(7), FILES OF A VAULT)."""
import hmac
from pathlib import Path

HEAD = 204


def unwrapped(master, path):
    from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
    return aes_key_unwrap(master, path.read_bytes())


def log_key(vault, away=None):
    """The key of the log; away: bytes of the key that lies elsewhere."""
    keys = vault / "segment-keys"
    master = unwrapped(away, keys / "master.away") if away else (keys / "master").read_bytes()
    return unwrapped(master, keys / "log.key")


def opened(path, away=None):
    """Bytes of a file of the log, where it is encrypted in the clear: each stands where it stood."""
    data = bytearray(path.read_bytes())
    if path.with_suffix(".key").exists():
        key = file_key(path, away)
        for at, end in frames(data):
            open_frame(data, key, at, end)
    return bytes(data)


def file_key(path, away=None):
    """What lines and side of a file's frames are encrypted under."""
    return hmac.digest(unwrapped(log_key(path.parents[1], away), path.with_suffix(".key")), b"lines", "sha256")


def open_frame(data, key, at, end):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    assert data[at:at + 4] == b"GWF2"
    stream = Cipher(algorithms.AES(key), modes.CTR(bytes(data[at + 172:at + 188]))).decryptor()
    data[at + HEAD:end] = stream.update(bytes(data[at + HEAD:end]))


def frames(data):
    """Where each begins and ends."""
    at = 0
    while at < len(data):
        assert data[at:at + 4] in (b"GWF1", b"GWF2")
        end = at + HEAD + sum(int.from_bytes(data[at + i:at + i + 4], "big") for i in (4, 8))
        yield at, end
        at = end


def lines(vault, away=None):
    """Source and raw text of every line in the log's files."""
    for path in sorted((Path(vault) / "wal").glob("*.wal")):
        data = opened(path, away)
        for at, _ in frames(data):
            p = at + HEAD
            end = p + int.from_bytes(data[at + 4:at + 8], "big")
            while p < end:
                size = int.from_bytes(data[p:p + 2], "big")
                record = data[p + 2:p + 2 + size]
                source = int.from_bytes(record[3:5], "big")
                yield record[13:13 + source].decode(), record[13 + source:].decode(errors="replace")
                p += 2 + size

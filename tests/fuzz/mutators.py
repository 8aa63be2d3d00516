"""Ways to damage a file: blind ones for any bytes, and some that know a format well enough to get past its first check.

Each takes the random generator, the bytes and other seeds of the same format, and gives other bytes.
"""

from __future__ import annotations

import io
import json
import random
import re
import sqlite3
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Mutator = Callable[[random.Random, bytes, Sequence[bytes]], bytes]

NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
TEXTS = (
    "", "\0", "\x1b[2K\x1b[1A", "..", "../../x", "/etc/passwd", "~nosuchuser", "a" * 5000, "é\u202e😀", "\ud800",
    "%s%n",     "<img src='/x.png'>", "http://192.0.2.1/x", "pipe:touch PWNED", "1e999", "NaN", "null",
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1e308, -1e308, 1e-320, 2**63, 2**64, -(2**70), 10**25, *TEXTS, [], {}, [[]], [None],
    {"": None}, [1] * 50, [["a"]], {"a": {"b": {}}},
)  # fmt: skip


# ---------------------------------------------------------------------- any bytes


def flip_bits(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        out[_place(rng, len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def set_number(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """One field of 1, 2, 4 or 8 bytes, most often near the beginning, where sizes and counts stand."""
    width, order = rng.choice((1, 2, 4, 8)), rng.choice(("little", "big"))
    value = (rng.choice(NUMBERS) % (1 << 8 * width)).to_bytes(width, order)
    place = _place(rng, len(data))
    return data[:place] + value + data[place + width :]


def truncate(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def splice(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def move_block(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Double, drop, fill or insert a block."""
    start, length = _place(rng, len(data)), rng.choice((1, 4, 16, 256, 4096))
    block, rest = data[start : start + length], data[start + length :]
    how = rng.randrange(4)
    middle = (block * rng.choice((2, 3, 50)), b"", bytes([rng.choice((0, 255))]) * len(block), rng.randbytes(length))
    return data[:start] + middle[how] + rest


BLIND: tuple[Mutator, ...] = (flip_bits, set_number, set_number, truncate, splice, move_block)


def _place(rng: random.Random, length: int) -> int:
    if not length:
        return 0
    return rng.randrange(min(length, rng.choice((64, 512, length, length))))


# ---------------------------------------------------------------------- texts


def change_text(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Replace a number, a word or a bracket, or put one in."""
    tokens = list(re.finditer(rb"-?\d+(?:\.\d+)?|\"[^\"\n]*\"|[\[\]{}=:,]|\w+", data))
    if not tokens:
        return data + b"?"
    token = rng.choice(tokens)
    made = (
        b"9" * 5000, b"-1", b"1e999", b"NaN", b".inf", b"0x" + b"f" * 4000, b"2001-01-01", b'"', b"[" * 5000,
        b"{\"a\":" * 3000, b"\xff\xfe", b"\0", b"&a [*a, *a]", b"!!python/object:os.system x", b"<<: *a", b"%00",
        rng.choice(TEXTS).encode("utf-8", "surrogatepass"), token[0] * 2, b"", b"\xef\xbb\xbf", b"\r", b"- - - - -",
    )  # fmt: skip
    return data[: token.start()] + rng.choice(made) + data[token.end() :]


def change_json(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Replace, remove, rename or double one value of a JSON text, or of one line of JSON Lines."""
    lines = data.split(b"\n")
    try:
        index, value = 0, json.loads(data)
        lines = [data]
    except ValueError:
        index = rng.randrange(len(lines))
        try:
            value = json.loads(lines[index])
        except ValueError:
            return change_text(rng, data, ())
    lines[index] = json.dumps(_changed(rng, value)).encode()
    return b"\n".join(lines)


def _changed(rng: random.Random, value: Any) -> Any:
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        pairs = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
        for key, inner in pairs:
            places.append((each, key))
            waiting.append(inner)
    if not places:
        return rng.choice(VALUES)
    for _ in range(rng.choice((1, 1, 1, 3))):
        parent, key = rng.choice(places)
        how = rng.randrange(8)
        try:
            if how == 0:
                del parent[key]
            elif how == 1 and isinstance(parent, dict):
                parent[rng.choice(TEXTS)] = parent.pop(key)
            elif how == 2:
                parent[key] = rng.choice(places)[0][rng.choice(places)[1]]
            elif how == 3 and isinstance(parent, list):
                parent *= rng.choice((2, 100))
            elif how == 4 and isinstance(parent[key], int | float):
                parent[key] = parent[key] * rng.choice((-1, 1000, 1e6, 1e12, 0.001))
            elif how == 5:
                for _ in range(200):
                    parent[key] = [parent[key]]
            else:
                parent[key] = rng.choice(VALUES)
        except (KeyError, IndexError, TypeError):
            continue
    try:
        json.dumps(value)
    except (ValueError, RecursionError):
        return rng.choice(VALUES)
    return value


TEXT: tuple[Mutator, ...] = (*BLIND[:1], truncate, splice, move_block, *(change_text,) * 5)
JSON: tuple[Mutator, ...] = (*TEXT, *(change_json,) * 10)


# ---------------------------------------------------------------------- formats


def change_png(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage, double, drop or reorder chunks, with right checksums."""
    chunks, offset = [], 8
    while offset + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, offset)
        chunks.append([data[offset + 4 : offset + 8], data[offset + 8 : offset + 8 + length]])
        offset += 12 + length
    if not chunks:
        return flip_bits(rng, data, others)
    index = rng.randrange(len(chunks))
    how = rng.randrange(5)
    if how == 0:
        chunks.insert(rng.randrange(len(chunks)), list(chunks[index]))
    elif how == 1:
        del chunks[index]
    elif how == 2:
        chunks[index][0] = rng.choice((b"IDAT", b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"acTL"))
    elif how == 3:
        kind = rng.choice((b"zTXt", b"iCCP", b"iTXt"))
        bomb = b"k\0\0" + (b"\0\0\0" if kind == b"iTXt" else b"") + zlib.compress(bytes(1 << 22), 9)
        chunks.insert(1, [kind, bomb])
    else:
        chunks[index][1] = rng.choice(BLIND)(rng, chunks[index][1] or b"\0", [each[1] or b"\0" for each in chunks])
    made = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    return data[:8] + b"".join(made)


def change_sqlite(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Set columns of random rows to other values, change their JSON, or change the tables."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        Path(file.name).write_bytes(data)
        db = sqlite3.connect(file.name, isolation_level=None)
        try:
            tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            table = rng.choice(tables)
            column = rng.choice([row[1] for row in db.execute(f'PRAGMA table_info("{table}")')])
            how = rng.randrange(10)
            if how == 0:
                db.execute(rng.choice((f"DROP TABLE {table}", f"ALTER TABLE {table} RENAME TO x",
                    f"DELETE FROM {table}",
                    f"ALTER TABLE {table} DROP COLUMN {column}", f"ALTER TABLE {table} ADD COLUMN x NOT NULL DEFAULT 1",
                    f"PRAGMA user_version = {rng.choice(NUMBERS) % 2**31}",
                    f"PRAGMA application_id = {rng.choice(NUMBERS) % 2**31}",
                    f"CREATE TRIGGER x AFTER UPDATE ON {table} BEGIN DELETE FROM {table}; END",
                    f"CREATE VIEW x AS SELECT * FROM {table}")))  # fmt: skip
                if rng.random() < 0.2:
                    # The name of a table, and rows without end.
                    db.execute(f"ALTER TABLE {table} RENAME TO y")
                    db.execute(f"CREATE VIEW {table} AS WITH RECURSIVE r({column}) AS (SELECT 1 UNION ALL SELECT "
                               f"{column} + 1 FROM r) SELECT * FROM r")  # fmt: skip
            else:
                rows = db.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
                row, old = rng.choice(rows) if rows else (0, None)
                new = rng.choice((*VALUES, *NUMBERS))
                if isinstance(old, str) and how > 4:
                    new = change_json(rng, old.encode("utf-8", "replace"), ()).decode("utf-8", "replace")
                elif isinstance(old, bytes) and how > 4:
                    new = rng.choice(BLIND)(rng, old, [old])
                elif isinstance(new, list | dict):
                    new = json.dumps(new)
                elif isinstance(new, int) and not -(2**63) <= new < 2**63:
                    new = float(new)
                db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row))
        except (sqlite3.Error, UnicodeEncodeError):
            pass
        finally:
            db.close()
        return Path(file.name).read_bytes()


def change_safetensors(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Change the JSON header, with its right length in front."""
    (length,) = struct.unpack_from("<Q", data) if len(data) > 8 else (0,)
    header = change_json(rng, data[8 : 8 + length], others)
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


def change_zip(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Damage one member, with right checksums; sometimes deflated."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
            names = source.namelist()
            chosen = rng.choice([*names, *(name for name in names if name.endswith(".pkl"))])
            deflated = rng.random() < 0.2
            for name in names:
                content = source.read(name)
                if name == chosen:
                    content = rng.choice(BLIND)(rng, content or b"\0", [content or b"\0"])
                target.writestr(name, content, zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED)
    except (zipfile.BadZipFile, OSError, zlib.error):
        return flip_bits(rng, data, ())
    return out.getvalue()


def change_tar(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Rename, retype or damage members, with right checksums."""
    out = io.BytesIO()
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as source, tarfile.open(fileobj=out, mode="w") as target:
            members = source.getmembers()
            chosen = rng.randrange(len(members))
            for index, member in enumerate(members):
                file = source.extractfile(member)
                content = file.read() if file is not None else b""
                if index == chosen:
                    how = rng.randrange(4)
                    if how == 0:
                        suffix = "".join(Path(member.name).suffixes)
                        made = (
                            f"../../x{suffix}",
                            f"/tmp/x{suffix}",
                            "a" * 300 + suffix,
                            f"x.{'y' * 90}",
                            "..",
                            ".",
                            "x",
                        )
                        member.name = rng.choice(made)
                    elif how == 1:
                        member.type = rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE))
                        member.linkname = rng.choice(("/etc/passwd", "../x", member.name))
                    elif member.name.endswith(".json"):
                        content = change_json(rng, content, ())
                    else:
                        content = rng.choice(BLIND)(rng, content or b"\0", [content or b"\0"])
                member.size = len(content)
                target.addfile(member, io.BytesIO(content))
                if rng.random() < 0.05:
                    target.addfile(member, io.BytesIO(content))
    except (tarfile.TarError, ValueError, OSError):
        return flip_bits(rng, data, ())
    return out.getvalue()

#!/usr/bin/env python3
"""Computes the worked tables of SPEC.md from its own descriptions, without the codec.

    python3 hal/wire/tests/spec/tables.py          writes SPEC.md anew
    python3 hal/wire/tests/spec/tables.py --check  fails if that would change it

An example is written by hand as fields and values; offsets, bytes, checksum, stuffing and lengths are
computed here from the types in the description of its message. Frames that are refused are made below.
"""

import re
import struct
import sys
import zlib
from pathlib import Path

SPEC = Path(__file__).parents[2] / "SPEC.md"
VERSION = 2
HEAD = {"version": "u8", "kind": "u8", "stream": "u8", "boot_nonce": "u32", "epoch": "u16",
        "sequence": "u32"}
INTEGERS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i64": "<q"}


def cobs(raw):
    """Cheshire and Baker: groups of a length byte and what stands before a zero, or 254 bytes."""
    out, group = b"", b""
    for i, byte in enumerate(raw):
        if byte == 0:
            out, group = out + bytes([len(group) + 1]) + group, b""
            continue
        group += bytes([byte])
        if len(group) == 254:
            out, group = out + b"\xff" + group, b""
            if i == len(raw) - 1:
                return out
    return out + bytes([len(group) + 1]) + group


def cable(raw):
    return cobs(raw + struct.pack("<I", zlib.crc32(raw))) + b"\0"


def numbers(text):
    words, out = text.split(), []
    while words:
        word = words.pop(0)
        if word == "×":
            out += [out[-1]] * (int(words.pop(0)) - 1)
        else:
            out.append(int(word, 0))
    return out


def leb128(value):
    out = b""
    while True:
        value, low = value >> 7, value & 0x7F
        out += bytes([low | (0x80 if value else 0)])
        if not value:
            return out


def field(kind, value, before):
    """The bytes of a value; `before` has the values of the fields before it."""
    if kind in INTEGERS:
        return struct.pack(INTEGERS[kind], int(value, 0))
    if kind == "text":
        return value[1:-1].encode()
    if kind == "bytes":
        return bytes(numbers(value))
    if kind == "entries":
        pairs = [entry.split("=") for entry in value.split()]
        return b"".join(struct.pack("<Hq", int(i), int(v)) for i, v in pairs)
    if kind == "codes":
        last, out = int(before["base"]), b""
        marked, bits = divmod(int(before["channel_bits"]), 128)
        for tick, channel in (tag.split("@") for tag in value.split()):
            early = int(channel.endswith("!"))
            code = (int(tick) - last) << (bits + marked) | early << bits
            out += leb128(code | int(channel.rstrip("!")))
            last = int(tick)
        return out
    if kind == "edges":
        last, out = int(before["base"]), b""
        for tick in map(int, value.split()):
            out, last = out + leb128(tick - last), tick
        return out
    if kind == "settings":
        bits, packed = int(before["bits_per_slot"]), 0
        settings = numbers(value)
        for i, setting in enumerate(settings):
            packed |= setting << (i * bits)
        return packed.to_bytes((len(settings) * bits + 7) // 8, "little")
    raise ValueError(f"type {kind}")


def shown(data, wrap=None):
    """`11 22`, a run of 32 or more as `11 × 300`; wrapped at so many bytes if there is no run."""
    words, i = [], 0
    while i < len(data):
        n = 1
        while i + n < len(data) and data[i + n] == data[i]:
            n += 1
        words += [f"{data[i]:02x} × {n}"] if n >= 32 else [f"{data[i]:02x}"] * n
        i += n
    if wrap is None or any("×" in word for word in words):
        return " ".join(words)
    return "\n".join(" ".join(words[i:i + wrap]) for i in range(0, len(words), wrap))


def descriptions(text):
    """By kind: the names and types of the fields."""
    found = {}
    for section in text.split("\n### ")[1:]:
        section = section.split("\n## ")[0]
        title = re.match(r".* 0x([0-9a-f]{2})\n", section)
        if title:
            table = (re.findall(r"(?:^\|.*\n)+", section, re.M) or [""])[0]
            rows = re.findall(r"^\|[^|]*\| (\w+) \| (\w+) \|", table, re.M)
            found[int(title[1], 16)] = [row for row in rows if row[0] != "field"]
    return found


def example(section, messages):
    rows = re.findall(r"^\|[^|]*\| (\w+) \|([^|]*)\|[^|]*\|$", section, re.M)[1:]
    rows = [(name, value.strip()) for name, value in rows]
    values = dict(rows)
    kinds = [*HEAD.items(), *messages[int(values["kind"], 16)]]
    lines, raw = [], b""
    assert len(rows) == len(kinds) + 1, section[:40]
    for (name, value), (described, kind) in zip(rows[:-1], kinds, strict=True):
        assert name == described, (name, described)
        data = field(kind, value, values)
        lines.append((len(raw), name, value, data))
        raw += data
    checksum = zlib.crc32(raw)
    lines.append((len(raw), "checksum", f"0x{checksum:08x}", struct.pack("<I", checksum)))
    table = "".join(
        f"| {at} | {name} | {value} | {f'`{shown(data)}`' if data else ''} |\n"
        for at, name, value, data in lines)
    table = table.replace("|  |\n", "| |\n")
    sent = cable(raw)
    section = re.sub(r"(\|---\|---\|---\|---\|\n)(\|.*\n)+", lambda m: m[1] + table, section, count=1)
    return re.sub(r"On the cable, \d+ bytes:\n\n```text\n[^`]*```",
                  f"On the cable, {len(sent)} bytes:\n\n```text\n{shown(sent, 24)}\n```", section,
                  count=1)


def refused():
    def raw(kind, payload=b"", stream=0, version=VERSION, sequence=5):
        return struct.pack("<BBBIHI", version, kind, stream, 0x5EEDB007, 7, sequence) + payload

    beat = raw(0x08, sequence=4)
    good = cable(beat)
    tags = lambda bits, count, codes, base=1000: cable(
        raw(0x90, struct.pack("<QQBH", base, 0, bits, count) + codes, 2))
    edges = lambda which, count, codes, base=1000: cable(
        raw(0x94, struct.pack("<BIQH", which, 0, base, count) + codes, 2))
    settings = lambda bits, source, count, packed: cable(
        raw(0xA0, struct.pack("<QBBH", 0, bits, source, count) + packed, 3))
    configure = struct.pack("<IHI5HBIB", 30, 64, 1, 4096, 0, 0, 0, 2048, 0, 0, 1)
    value = lambda access, unit, low, high: cable(
        raw(0x87, struct.pack("<IHBBqqqB", 5, 12, access, unit, 0, low, high, 0)))
    yield "Checksum", good[:6] + bytes([good[6] ^ 0x10]) + good[7:]
    yield "Stuffing", b"\x20" + good[1:]
    yield "TooShort", cobs(b"\x02\x08\x00") + b"\0"
    yield "UnknownVersion(1)", cable(raw(0x08, version=1, sequence=4))
    yield "UnknownVersion(3)", cable(raw(0x08, version=3, sequence=4))
    yield "UnknownKind(17)", cable(raw(0x11, sequence=4))
    yield "UnknownStream(4)", cable(raw(0x08, stream=4, sequence=4))
    yield "WrongLength { offset: 0 }", cable(raw(0x08, b"\x11", sequence=4))
    yield "WrongLength { offset: 2 }", cable(raw(0x05, struct.pack("<HI", 7, 1)))
    yield "OutOfRange { offset: 0 }", cable(raw(0x07, b"\x63"))
    yield "OutOfRange { offset: 25 }", cable(raw(0x02, configure[:-1] + b"\x03" + bytes(9)))
    yield "OutOfRange { offset: 27 }", cable(raw(0x02, configure + struct.pack("<BII", 0, 1, 0)))
    yield "OutOfRange { offset: 31 }", cable(raw(0x02, configure + struct.pack("<BII", 0, 0, 1)))
    yield "OutOfRange { offset: 31 }", cable(raw(0x02, configure + struct.pack("<BII", 1, 0, 0)))
    yield "WrongLength { offset: 0 }", cable(raw(0x0B, bytes(31)))
    yield "WrongLength { offset: 0 }", cable(raw(0x0C))
    yield "WrongLength { offset: 1024 }", cable(raw(0x0C, b"\x11" * 1025))
    yield "WrongLength { offset: 256 }", cable(raw(0x0D, b"\x01" * 257))
    yield "OutOfRange { offset: 1 }", cable(raw(0x0D, b"\x0f\x10"))
    yield "OutOfRange { offset: 0 }", cable(raw(0x0E, b"\x05"))
    yield "OutOfRange { offset: 0 }", cable(raw(0x0F, b"\x02"))
    yield "OutOfRange { offset: 20 }", cable(raw(0x10, struct.pack("<QQIII", 1, 2, 3, 0, 0)))
    yield "OutOfRange { offset: 6 }", value(3, 0, 0, 0)
    yield "OutOfRange { offset: 7 }", value(0, 13, 0, 0)
    yield "OutOfRange { offset: 24 }", value(0, 0, 1, 0)
    yield "WrongLength { offset: 18 }", cable(raw(0x88, struct.pack("<QHqB", 1, 2, 3, 4), 1))
    yield "OutOfRange { offset: 8 }", cable(raw(0x91, struct.pack("<QQQ", 10, 9, 1), 2))
    yield "Tags(ChannelBits)", tags(5, 0, b"")
    yield "Tags(Truncated)", tags(2, 1, b"\x80")
    yield "Tags(Overlong)", tags(2, 1, b"\x85\x00")
    yield "Tags(TickOverflow)", tags(2, 1, b"\x04", 2**64 - 1)
    yield "Tags(Count)", tags(2, 2, b"\x04")
    yield "OutOfRange { offset: 0 }", edges(2, 0, b"")
    yield "Tags(Overlong)", edges(0, 1, b"\x85\x00")
    yield "Tags(TickOverflow)", edges(1, 1, b"\x01", 2**64 - 1)
    yield "Tags(Count)", edges(1, 2, b"\x04")
    yield "OutOfRange { offset: 8 }", settings(3, 0, 1, b"\x01")
    yield "OutOfRange { offset: 9 }", settings(4, 5, 1, b"\x01")
    yield "OutOfRange { offset: 10 }", settings(4, 0, 3, b"\x01")
    yield "OutOfRange { offset: 12 }", settings(4, 0, 1, b"\x11")


def written(text):
    body, tail = text.split("\n## Frames that are refused\n")
    messages = descriptions(body)
    first, *sections = body.split("\n#### Example `")
    sections = [example(section, messages) for section in sections]
    table = "".join(f"| `{outcome}` | `{shown(sent)}` |\n" for outcome, sent in refused())
    tail = re.sub(r"(\|---\|---\|\n)(\|.*\n?)+", lambda m: m[1] + table, tail, count=1)
    return "\n#### Example `".join([first, *sections]) + "\n## Frames that are refused\n" + tail


if __name__ == "__main__":
    before = SPEC.read_text(encoding="utf-8")
    after = written(before)
    if "--check" in sys.argv:
        sys.exit(0 if before == after else "SPEC.md is not what tables.py writes")
    SPEC.write_text(after, encoding="utf-8")

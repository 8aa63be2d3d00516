"""Tiny archives of every kind that the preparation reads, built by hand from their formats."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
import soundfile
from PIL import Image
from PIL import ImageDraw


def tone(*, seconds: float = 0.5, hz: float = 440.0, rate: int = 22_050, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def wav(samples: np.ndarray, *, rate: int = 22_050) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, samples, rate, format="WAV", subtype="FLOAT")
    return target.getvalue()


def png(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, format="PNG")
    return target.getvalue()


def disc(*, size: tuple[int, int] = (120, 90), colour: str = "red", backdrop: str | None = None) -> Image.Image:
    """A disc in the middle third; transparent around it, or on an even backdrop."""
    image = Image.new("RGBA", size, backdrop or (0, 0, 0, 0))
    width, height = size
    ImageDraw.Draw(image).ellipse((width // 3, height // 3, 2 * width // 3, 2 * height // 3), fill=colour)
    return image


def rcc(members: dict[str, bytes], *, version: int = 1, compress: bool = False) -> bytes:
    """A Qt resource file; the nodes of one folder stand together, as the format demands."""
    tree: dict[str, object] = {}
    for path, content in members.items():
        *folders, leaf = path.split("/")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})  # type: ignore[assignment]
        node[leaf] = content
    names, payload, nodes = bytearray(), bytearray(), []
    queue: list[tuple[str, object]] = [("", tree)]
    placed = 0
    while placed < len(queue):
        name, content = queue[placed]
        placed += 1
        name_offset = len(names)
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
        time = b"" if version == 1 else struct.pack(">Q", 0)
        if isinstance(content, dict):
            nodes.append(struct.pack(">IHII", name_offset, 2, len(content), len(queue)) + time)
            queue += sorted(content.items())
        else:
            assert isinstance(content, bytes)
            stored = struct.pack(">I", len(content)) + zlib.compress(content) if compress else content
            flags = 1 if compress else 0
            nodes.append(struct.pack(">IHHHI", name_offset, flags, 0, 1, len(payload)) + time)
            payload += struct.pack(">I", len(stored)) + stored
    body = b"".join(nodes)
    header = 20 if version == 1 else 24
    data = header + len(body)
    start = struct.pack(">4sIIII", b"qres", version, header, data, data + len(payload))
    return start + bytes(header - 20) + body + bytes(payload) + bytes(names)


def cat(sounds: list[tuple[str, bytes]]) -> bytes:
    """A sound catalogue in the newer layout."""
    index, entries = bytearray(), bytearray()
    for description, riff in sounds:
        text = description.encode() + b"\0"
        offset = 8 * len(sounds) + len(entries)
        index += struct.pack("<II", offset | 0x8000_0000, len(riff))
        entries += bytes([len(text)]) + text + riff
    return bytes(index + entries)


def soundfont(samples: dict[str, tuple[np.ndarray, int, int]], *, rate: int = 22_050) -> bytes:
    """A SoundFont with samples only; each maps to its data and the two ends of its loop."""
    pcm, headers, start = bytearray(), bytearray(), 0
    for name, (data, loop_start, loop_end) in samples.items():
        pcm += (data * 32767).astype("<i2").tobytes()
        headers += struct.pack(
            "<20sIIIIIBbHH",
            name.encode(),
            start,
            start + len(data),
            start + loop_start,
            start + loop_end,
            rate,
            60,
            0,
            0,
            1,
        )
        start += len(data)
    headers += struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)

    lists = chunk(b"LIST", b"sdta" + chunk(b"smpl", bytes(pcm))) + chunk(
        b"LIST", b"pdta" + chunk(b"shdr", bytes(headers))
    )
    return b"RIFF" + struct.pack("<I", len(lists) + 4) + b"sfbk" + lists


def furniture(path):
    """A furniture library of Sweet Home 3D with the model 'saw' by Ann, a square of wood and steel."""
    model = (
        "mtllib saw.mtl\nv -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        "usemtl wood\nf 1/1 2/2 3/3\nusemtl steel\nf 1/1 3/3 4/4\n"
    )
    materials = "newmtl wood\nKd 0 0 0\nmap_Kd wood.png\nnewmtl steel\nKd 0.0 0.5 1.0\n"
    catalogue = "id#1=Blend#saw\r\nname#1=Saw\r\nmodel#1=/blend/saw/saw.obj\r\ncreator#1=Ann\r\nid#2=Blend#lost\r\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", catalogue + "model#2=/blend/lost.obj\n")
        archive.writestr("blend/saw/saw.obj", model)
        archive.writestr("blend/saw/saw.mtl", materials)
        archive.writestr("blend/saw/wood.png", png(Image.new("RGBA", (4, 4), (150, 90, 20, 255))))
    return path

"""Files that are small, or whole, and would take minutes or gigabytes to read: how long each holds its reader up.

python -m tests.fuzz.bombs [NAME ...]

Each is written, read by the product's readers in a process of its own under the limits of the harness (10 s of
processor time, 2 GiB), and removed. Prints the processor time of its slowest reader.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final

from tests.fuzz import seeds
from tests.fuzz.harness import attack

WIDTH, HEIGHT = seeds.SIZE
JSON_FORMATS: Final = ("labelme", "coco", "via", "sam masks", "recipe", "bundle", "clips", "rows", "record", "queue")


def keys(count: int) -> bytes:
    """An object of that many keys."""
    return b"{" + b",".join(b'"k%d":1' % number for number in range(count)) + b"}"


def with_first(made: bytes, change: Callable[[Any], None]) -> bytes:
    data = json.loads(made)
    change(data)
    return json.dumps(data).encode()


def shard(members: int, *, content: bytes = b"") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(members):
            member = tarfile.TarInfo(f"{number // 3:09d}.{('json', 'png', 'wav')[number % 3]}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
            tar.members = []  # type: ignore[attr-defined]
    return out.getvalue()


def wide_header(tensors: int) -> bytes:
    """A safetensors file of empty tensors."""
    entry = b'"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = b"{" + b",".join(entry % number for number in range(tensors)) + b"}"
    return len(header).to_bytes(8, "little") + header


def coco(segmentations: Sequence[Any]) -> bytes:
    def change(data: Any) -> None:
        first = data["annotations"][0]
        data["annotations"] = [{**first, "id": n, "segmentation": each} for n, each in enumerate(segmentations)]

    return with_first(seeds.coco()[0], change)


def labelme(shapes: Sequence[dict[str, Any]]) -> bytes:
    def change(data: Any) -> None:
        plain = {"label": "dog", "group_id": None, "shape_type": "polygon", "flags": {}}
        data["shapes"] = [{**plain, **each} for each in shapes]

    return with_first(seeds.labelme()[0], change)


def segment_anything(count: int) -> bytes:
    def change(data: Any) -> None:
        data["annotations"] *= count

    return with_first(seeds.segment_anything()[0], change)


def via(count: int) -> bytes:
    def change(data: Any) -> None:
        data["a.png1"]["regions"] *= count

    return with_first(seeds.via()[0], change)


def cvat(count: int) -> bytes:
    whole = seeds.cvat()[0]
    shape = b'<polygon label="dog" points="5,5;40,5;40,40"/>'
    return whole.replace(shape, shape * count)


def chunky_wav(chunks: int) -> bytes:
    whole = seeds.sounds("WAV", "PCM_16")()[0]
    body = whole[8:12] + b"junk\0\0\0\0" * chunks + whole[12:]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def chunky_png(chunks: int) -> bytes:
    whole = seeds.pictures("PNG", "RGB")()[0]
    text = b"tEXta\0b"
    chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
    # After the signature and IHDR.
    return whole[:33] + chunk * chunks + whole[33:]


def many_pages(pages: int) -> bytes:
    """A TIFF whose directories are chained one behind the other, each of one entry."""
    size = 2 + 12 + 4
    out = bytearray(b"II*\0" + (8).to_bytes(4, "little"))
    for number in range(pages):
        following = 8 + (number + 1) * size if number + 1 < pages else 0
        out += b"\1\0" + b"\0\1\3\0\1\0\0\0\1\0\0\0" + following.to_bytes(4, "little")
    return bytes(out)


def frames_of_gif(frames: int) -> bytes:
    whole = seeds.pictures("GIF", "L")()[0]
    tiny = b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    return whole[:-1] + tiny * frames + b";"


def wide_zip(entries: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}.")
        for number in range(entries):
            archive.writestr(f"archive/data/{number}", b"")
    return out.getvalue()


def small_patch() -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (11, 11), 1).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def zigzag(points: int) -> list[list[int]]:
    """A polygon that crosses the picture with every point."""
    return [[number % 2 * WIDTH, number * 7 % HEIGHT] for number in range(points)]


def flat(points: list[list[int]]) -> list[int]:
    return [value for point in points for value in point]


# By name: the format that reads it, and how it is made.
BOMBS: Final[dict[str, tuple[str, Callable[[], bytes]]]] = {
    "tar of 90,000 members": ("shard", lambda: shard(90_000)),
    "tar of 200,000 members": ("shard", lambda: shard(200_000)),
    **{f"5,000,000 keys ({name})": (name, lambda: keys(5_000_000)) for name in JSON_FORMATS},
    **{f"2,900,000 keys ({name})": (name, lambda: keys(2_900_000)) for name in JSON_FORMATS},
    "safetensors of 1,000 tensors": ("safetensors", lambda: wide_header(1000)),
    "safetensors of 100,000 tensors": ("safetensors", lambda: wide_header(100_000)),
    "safetensors of 1,500,000 tensors": ("safetensors", lambda: wide_header(1_500_000)),
    "coco, 100,000 polygons": ("coco", lambda: coco([[[5, 5, 40, 5, 40, 40]]] * 100_000)),
    "coco, 1,000 polygons": ("coco", lambda: coco([[[5, 5, 40, 5, 40, 40]]] * 1000)),
    "coco, a polygon of 1,500,000 points": ("coco", lambda: coco([[flat(zigzag(1_500_000))]])),
    "coco, a polygon of 20,000 points": ("coco", lambda: coco([[flat(zigzag(20_000))]])),
    "coco, counts of 3,000,000 characters": (
        "coco", lambda: coco([{"size": [HEIGHT, WIDTH], "counts": "1" * 3_000_000}])),
    "coco, counts of 3,000,000 numbers": (
        "coco", lambda: coco([{"size": [HEIGHT, WIDTH], "counts": [0, 0] * 1_500_000 + [WIDTH * HEIGHT]}])),
    "coco, 100,000 run lengths": (
        "coco", lambda: coco([{"size": [HEIGHT, WIDTH], "counts": [100, 50, WIDTH * HEIGHT - 150]}] * 100_000)),
    "labelme, 100,000 polygons": ("labelme", lambda: labelme([{"points": [[5, 5], [40, 5], [40, 40]]}] * 100_000)),
    "labelme, 1,000 polygons": ("labelme", lambda: labelme([{"points": [[5, 5], [40, 5], [40, 40]]}] * 1000)),
    "labelme, a polygon of 1,000,000 points": ("labelme", lambda: labelme([{"points": zigzag(1_000_000)}])),
    "labelme, a polygon of 20,000 points": ("labelme", lambda: labelme([{"points": zigzag(20_000)}])),
    "labelme, 100,000 masks": (
        "labelme",
        lambda: labelme([{"shape_type": "mask", "points": [[30, 30], [40, 40]], "mask": small_patch()}] * 100_000)),
    "segment anything, 100,000 masks": ("sam masks", lambda: segment_anything(100_000)),
    "via, 50,000 regions": ("via", lambda: via(50_000)),
    "cvat, 500,000 shapes": ("cvat", lambda: cvat(500_000)),
    "cvat, 50,000 shapes": ("cvat", lambda: cvat(50_000)),
    "wav of 5,000,000 chunks": ("wav", lambda: chunky_wav(5_000_000)),
    "png of 3,000,000 texts": ("png", lambda: chunky_png(3_000_000)),
    "tiff of 1,000,000 pages": ("tiff", lambda: many_pages(1_000_000)),
    "gif of 1,000,000 frames": ("gif", lambda: frames_of_gif(1_000_000)),
    "pickle of 200,000 entries": ("pickle", lambda: wide_zip(200_000)),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME", help="of a bomb, or its beginning; all by default")
    asked = options.parse_args(arguments).names
    faults = 0
    for name, (format_, make) in BOMBS.items():
        if asked and not name.startswith(tuple(asked)):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bomb"
            path.write_bytes(make())
            mebibytes = path.stat().st_size / (1 << 20)
            report = attack(format_, files=0, replay=[path])
        faults += len(report.faults)
        print(f"{name}: {mebibytes:.1f} MiB, {report.slowest_s:.2f} s, "
              f"{report.read} times read, {report.refused} times refused", flush=True)  # fmt: skip
        for fault in report.faults.values():
            print(f"  {fault}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

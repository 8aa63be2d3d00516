"""Put the overlay picture and the spectrogram sheet of a demo side by side: the picture in the README.

sounddesk demo --out FOLDER && python packaging/make_demo_picture.py FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from sounddesk.engine.images.image_file import load_image

TARGET = Path(__file__).parent.parent / "resources" / "manual" / "demo.webp"
HEIGHT = 620
GAP = 8


def main() -> None:
    """Write the README's picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="what `sounddesk demo` wrote")
    folder = parser.parse_args().folder
    parts = [scaled(Image.fromarray(load_image(folder / name).pixels)) for name in ("masks.png", "spectrograms.png")]
    picture = Image.new("RGB", (sum(part.width for part in parts) + GAP, HEIGHT), (20, 20, 28))
    picture.paste(parts[0], (0, 0))
    picture.paste(parts[1], (parts[0].width + GAP, 0))
    picture.save(TARGET, quality=82, method=6)
    print(f"{TARGET}: {picture.width} x {picture.height}, {TARGET.stat().st_size // 1024} KiB")


def scaled(image: Image.Image) -> Image.Image:
    """The image at the picture's height."""
    width = round(image.width * HEIGHT / image.height)
    return image.convert("RGB").resize((width, HEIGHT), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()

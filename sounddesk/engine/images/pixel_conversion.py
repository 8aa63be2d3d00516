"""Pixels of any kind that an image file may hold, as opaque 8-bit sRGB."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from PIL import Image
from PIL import ImageCms

from sounddesk.engine.images.pixel_levels import to_eight_bit

MID_GREY: Final = (128, 128, 128)


def to_srgb(image: Image.Image, *, notes: list[str]) -> Image.Image:
    """Any Pillow mode to opaque sRGB."""
    profile = image.info.get("icc_profile")
    colour, alpha = split_alpha(image, notes=notes)
    colour = _apply_profile(colour, profile=profile, notes=notes)
    if alpha is not None and alpha.getextrema()[0] != 255:
        notes.append("transparent areas are laid over mid-grey")
        opaque = Image.new("RGB", colour.size, MID_GREY)
        opaque.paste(colour, mask=alpha)
        return opaque
    return colour


def split_alpha(image: Image.Image, *, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    """Colour in mode L, RGB, CMYK or LAB, and the alpha channel in mode L where there is one."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image)
        key = image.info.get("transparency")
        alpha = None if key is None else Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))
        return Image.fromarray(to_eight_bit(values, notes=notes)), alpha
    if image.mode == "La":
        image = image.convert("LA")
    elif image.mode in ("PA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        return image.convert("L" if image.mode == "LA" else "RGB"), image.getchannel("A")
    if image.mode == "1":
        return image.convert("L"), None
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image, None
    return image.convert("RGB"), None


def _apply_profile(colour: Image.Image, *, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Mode RGB in sRGB. A damaged profile, or one for another kind of image, is left out with a note."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            title = ImageCms.getProfileDescription(source).strip()
            if colour.mode == "RGB" and title.startswith("sRGB"):
                return colour
            converted = ImageCms.profileToProfile(colour, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                notes.append(f"colour profile {title!r} converted to sRGB")
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            notes.append("colour profile is damaged or does not fit the image: left out")
    if colour.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        notes.append("Lab image converted to sRGB")
        return ImageCms.applyTransform(colour, transform) or colour.convert("RGB")
    if colour.mode == "CMYK":
        notes.append("CMYK image without a usable colour profile: colours are approximate")
    return colour if colour.mode == "RGB" else colour.convert("RGB")

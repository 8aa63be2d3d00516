"""Endings of picture and mask files, for dialogs, folder scans and training data; contents decide what is decoded."""

from __future__ import annotations

from typing import Final

# Read by what every installation has.
STILL_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".avif")
# Frames of film; reading them takes the extra `film`.
FILM_SUFFIXES: Final = (".exr", ".dpx")
PICTURE_SUFFIXES: Final = (*STILL_SUFFIXES, *FILM_SUFFIXES)
# Cameras' own formats. A raw file holds its picture undeveloped, and a small rendered one that must not stand for it.
CAMERA_RAW_SUFFIXES: Final = (
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
    ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
)  # fmt: skip
# Films, of which frames are taken; reading them takes the extra `movie`.
MOVIE_SUFFIXES: Final = (".mov", ".mp4", ".m4v", ".mkv", ".webm", ".avi", ".mxf")
# Pictures that are known by name and not read.
OTHER_PICTURE_SUFFIXES: Final = (
    *CAMERA_RAW_SUFFIXES,
    ".heic", ".heif", ".jxl", ".psd", ".psb", ".jp2", ".j2k", ".hdr", ".tga", ".cin", ".svg", ".pdf",
)  # fmt: skip
# Outlines from other programs, beside pictures of masks.
ANNOTATION_SUFFIXES: Final = (".json", ".xml")
MASK_SUFFIXES: Final = (*PICTURE_SUFFIXES, *ANNOTATION_SUFFIXES)

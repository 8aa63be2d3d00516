"""After PyInstaller: one form of every module, and the table of what the app weighs.

    python packaging/frozen/finish.py FOLDER [--table FILE]

Modules of libraries that read their own source (torch, transformers, timm) are there as source and as bytecode side by
side. Python takes source first and would compile it at every start, since nothing may be written beside it; so the
bytecode goes where Python looks for that of a source file, and is taken without a look at times. Must be run by the
Python that the app was frozen with.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import io
import py_compile
from collections import Counter
from pathlib import Path
from typing import Final

LARGEST: Final = 30


def settle_modules(folder: Path) -> int:
    """Give every source file below `folder` bytecode in `__pycache__`, and drop what lies beside it; how many."""
    sources = [path for path in folder.rglob("*.py") if path.with_suffix(".pyc").exists()]
    for source in sources:
        source.with_suffix(".pyc").unlink()
    with contextlib.redirect_stdout(io.StringIO()):
        compileall.compile_dir(
            folder,
            maxlevels=50,
            quiet=1,
            workers=1,
            stripdir=str(folder),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    return len(sources)


def size_table(folder: Path) -> str:
    """The largest files and the largest parts in MB, as Markdown."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in found}
    parts: Counter[str] = Counter()
    for name, size in files.items():
        below = name.removeprefix("_internal/")
        parts[below.partition("/")[0] if "/" in below else "files at the top"] += size
    total = sum(files.values())
    lines = [
        f"{len(files)} files, {total / 1e6:.1f} MB on disk.", "",
        f"| the {LARGEST} largest files | MB |", "|---|---:|",
        *(f"| {name} | {size / 1e6:.1f} |" for name, size in Counter(files).most_common(LARGEST)), "",
        f"| the {LARGEST} largest parts | MB |", "|---|---:|",
        *(f"| {name} | {size / 1e6:.1f} |" for name, size in parts.most_common(LARGEST)),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    settled = settle_modules(options.folder)
    print(f"{settled} modules keep their source")
    table = size_table(options.folder)
    if options.table is not None:
        options.table.write_text(table, encoding="utf-8")
    else:
        print(table)


if __name__ == "__main__":
    main()

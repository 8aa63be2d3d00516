"""Python's own `import` in place of the one that PySide6 installs.

PySide6's reads the source of every module that is imported after it, torch's 1,500 among them, to see whether the
module uses PySide6: only `from __feature__ import ...` needs to know, which sounddesk does not use. It made imports a
tenth slower, and while it looks it swaps `__import__` back and forth, whatever other threads import meanwhile.
"""

from __future__ import annotations

import builtins


def restore_import() -> None:
    """Give Python's `import` back after PySide6 replaced it. Harmless when called again."""
    import PySide6.QtCore  # noqa: F401  # this is what replaces it

    original = getattr(builtins, "__orig_import__", None)
    if original is not None and builtins.__import__ is getattr(builtins, "__feature_import__", None):
        builtins.__import__ = original

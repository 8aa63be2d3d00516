"""Griffe extension: what stands under `Example:` is an example, as under `Examples:`, so that it is shown as code."""

from __future__ import annotations

from typing import Any

from griffe import Extension
from griffe import Object


class Examples(Extension):
    def on_object(self, *, obj: Object, **_others: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")

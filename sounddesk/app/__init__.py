"""The window: Qt widgets around one `Document`. The only package that imports Qt."""

from __future__ import annotations

from sounddesk.app.runtime.bool_references import guard_bool_references
from sounddesk.app.runtime.plain_imports import restore_import

guard_bool_references()
restore_import()

"""The window: Qt widgets around one `Document`. The only package that imports Qt."""

from __future__ import annotations

from sounddesk.app.runtime.bool_references import guard_bool_references

guard_bool_references()

"""What a database that sounddesk alone makes may hold: its tables and indexes, worded as it words them.

Anything else in one that somebody sends could act by itself: a view instead of a table never ends, a trigger changes
rows that nobody asked to change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from collections.abc import Mapping

Schema = Mapping[tuple[str, str], str | None]
"""The SQL of every table and index, by type and name."""


def schema_made_by(make: Callable[[sqlite3.Connection], object]) -> Schema:
    """The schema that `make` gives a new database."""
    db = sqlite3.connect(":memory:")
    try:
        make(db)
        return {(kind, name): sql for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master")}
    finally:
        db.close()


def foreign_part(db: sqlite3.Connection, own: Schema, *, within: str | None = None) -> str:
    """The first thing in a database that is not in `own`, such as "trigger 'x'"; '' where there is none.

    Args:
        within: beginning of the names of a virtual table's own tables, which SQLite words in its own way.
    """
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master"):
        if (kind, name) not in own or (
            sql != own[kind, name] and not (within is not None and str(name).startswith(within))
        ):
            return f"{kind} {name!r}"
    return ""

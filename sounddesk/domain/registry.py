"""Registries: each kind of a thing (a task, a measure, a format) says what it is in its own module, once.

A registry that is made for a package imports that package's modules when it is first asked, and each of them registers
its own entry. So a new kind is a new file and its test, and no list is edited. Modules whose entries `--help` shows
import heavy libraries inside the functions that need them.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Generic
from typing import Protocol
from typing import TypeVar

from sounddesk.domain.errors import BadInputError


class Named(Protocol):
    """What can be registered."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


class DuplicateNameError(BadInputError, ValueError):
    """Two entries of one registry have the same name."""


class UnknownNameError(BadInputError, ValueError):
    """No entry of a registry has this name; the message lists those there are."""


class Registry(Generic[Entry]):
    """Entries of one kind by name: in the order of registration, or by name where a package is searched.

    Args:
        noun: what an entry is, for messages: 'task'.
        package: full name of the package whose modules, those of its subpackages included, register entries; '' where
            no search is wanted. An entry in a module of its own name ('my-task' in `my_task.py`) is found without
            the others being imported.
        modules: full names of further modules that register one, for entries that live with what they belong to.

    Raises:
        DuplicateNameError: by `register`, for a name that is taken.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Format:
        ...     name: str
        >>> formats: Registry[Format] = Registry("format")
        >>> _ = formats.register(Format("wav"))
        >>> formats.names()
        ('wav',)
    """

    def __init__(self, noun: str, *, package: str = "", modules: Sequence[str] = ()) -> None:
        self._noun = noun
        self._package = package
        self._modules = tuple(modules)
        self._found = not (package or modules)
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}

    def register(self, entry: Entry) -> Entry:
        """Add `entry` and return it. Raises: DuplicateNameError."""
        if entry.name in self._entries:
            raise DuplicateNameError(f"there is a {self._noun} {entry.name!r} already: choose another name")
        self._entries[entry.name] = entry
        return entry

    @contextmanager
    def added(self, entry: Entry) -> Iterator[Entry]:
        """`entry` is registered inside the block only; for tests and for plug-ins of a session."""
        self._find()
        self.register(entry)
        try:
            yield entry
        finally:
            del self._entries[entry.name]

    def get(self, name: str) -> Entry:
        """The entry of this name. Raises: UnknownNameError."""
        if name not in self:
            raise UnknownNameError(f"{self._noun} is {name!r}: choose from {', '.join(self._entries)}")
        return self._entries[name]

    def names(self) -> tuple[str, ...]:
        self._find()
        return tuple(self._entries)

    def __contains__(self, name: object) -> bool:
        if name not in self._entries and isinstance(name, str):
            self._find(only=name)
            if name not in self._entries:
                self._find()
        return name in self._entries

    def __iter__(self) -> Iterator[Entry]:
        self._find()
        return iter(tuple(self._entries.values()))

    def __len__(self) -> int:
        self._find()
        return len(self._entries)

    def _find(self, *, only: str = "") -> None:
        """Import the modules, each of which registers what it holds; or those named like the entry `only`.

        Other threads wait meanwhile.
        """
        with self._lock:
            if self._found:
                return
            # Before the imports, which may ask the registry themselves.
            self._found = not only
            names = list(self._modules)
            if self._package:
                package = importlib.import_module(self._package)
                names += [module.name for module in pkgutil.walk_packages(package.__path__, f"{self._package}.")]
            for name in names:
                if not only or name.rpartition(".")[2] == only.replace("-", "_"):
                    importlib.import_module(name)
            self._entries = dict(sorted(self._entries.items()))

"""What a `with` statement closes."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Base of classes that hold a file or a lock until `close`, which a `with` statement calls at its end."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

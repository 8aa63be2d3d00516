"""What a test wants to know of an HTML page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

VOID = {"meta", "img", "input", "br", "link", "hr"}


class PageReader(HTMLParser):
    """Reads a page; `problems` lists what is not well-formed or not said to a screen reader.

    Attributes:
        links: every src and href as written.
        ids: every id, in order.
        tags: (name, attributes) of every element, in order.
        text: everything a reader sees.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.problems: list[str] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(page)
        self.close()
        self.problems += [f"{tag} is never closed" for tag in self._open]
        self.problems += [f"id {name} is there twice" for name in set(self.ids) if self.ids.count(name) > 1]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag not in VOID:
            self._open.append(tag)
        if values.get("id"):
            self.ids.append(str(values["id"]))
        self.links += [str(values[name]) for name in ("src", "href") if values.get(name)]
        wanted = {"img": "alt", "audio": "aria-label", "th": "scope", "html": "lang"}.get(tag)
        if wanted and not values.get(wanted):
            self.problems.append(f"{tag} without {wanted}: {values}")
        if tag == "input" and "label" not in self._open:
            self.problems.append(f"input without a label: {values}")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes another element")

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("style", "script"):
            self._texts.append(data)

    def broken_links(self, folder: Path) -> list[str]:
        """Links that lead to no id of the page and no file of the folder."""
        return [link for link in self.links if not self._leads_somewhere(link, folder)]

    def _leads_somewhere(self, link: str, folder: Path) -> bool:
        if link.startswith("#"):
            return unquote(link[1:]) in self.ids
        return ":" not in link and not link.startswith(("/", "..")) and (folder / unquote(link)).is_file()

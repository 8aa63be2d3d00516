"""Masks from files and into files: pictures, label maps, labelme, COCO, SA-1B, VIA, CVAT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog
from PySide6.QtWidgets import QWidget

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.notifications import notifier
from sounddesk.app.project.document import Document
from sounddesk.app.project.selection import SelectionModel
from sounddesk.app.runtime.heavy_imports import map_opencv_library
from sounddesk.app.workers.background import Background
from sounddesk.domain.naming import unique_file_stems
from sounddesk.domain.picture_suffixes import MASK_SUFFIXES
from sounddesk.domain.tiled_mask import TiledMask

_LABELME, _COCO, _PNG = "labelme (*.json)", "COCO (*.json)", "One PNG for each object (*.png)"
_SUFFIX: Final = {_LABELME: ".json", _COCO: ".json", _PNG: ".png"}


@dataclass(frozen=True, kw_only=True)
class _Imported:
    """Masks with their names, for the image of this hash, and what to tell about them."""

    sha256: str
    masks: list[tuple[str, TiledMask]]
    notes: tuple[str, ...]


class MaskFiles(QObject):
    """Reads and writes mask files off the UI thread."""

    def __init__(
        self, document: Document, selection: SelectionModel, actions: CommandRegistry, window: QWidget
    ) -> None:
        super().__init__(window)
        self._document = document
        self._selection = selection
        self._window = window
        self._background = Background(self, name="reading or writing the masks")
        self._background.done.connect(self._done)
        self._background.failed.connect(lambda _key, error: notifier.failed(error))
        actions.add(COMMANDS, owner=self)

    def close(self) -> None:
        """Wait for a file in the making."""
        self._background.close()

    def ask_import(self) -> None:
        """Choose files, and make an object of every mask in them."""
        if self._document.project.image is None:
            notifier.warning(self.tr("There is no image yet: open one first."))
            return
        patterns = " ".join(f"*{suffix}" for suffix in MASK_SUFFIXES)
        chosen, _ = QFileDialog.getOpenFileNames(
            self._window, self.tr("Import masks"), "", self.tr("Masks ({patterns})").format(patterns=patterns)
        )
        if chosen:
            self.import_files([Path(name) for name in chosen])

    def import_files(self, paths: Sequence[Path]) -> None:
        """Read masks off the UI thread; they become objects in one step, or none of them does."""
        info = self._document.project.image
        if info is None:
            return
        size = (info.width, info.height)
        image_file = self._document.image_files.get(info.sha256, b"")

        def work() -> _Imported:
            map_opencv_library()
            from sounddesk.engine.images.mask_formats import read_masks
            from sounddesk.engine.images.picture_decoding import stored_orientation

            orientation = stored_orientation(image_file)
            notes: list[str] = []
            masks = [
                (each.name, TiledMask.from_array(each.mask))
                for path in paths
                for each in read_masks(
                    path, image_size=size, image_name=info.name, orientation=orientation, notes=notes
                )
            ]
            return _Imported(sha256=info.sha256, masks=masks, notes=tuple(notes))

        self._background.start("import", work)

    def ask_export(self) -> None:
        """Choose a format and a place for the masks of the selected objects, or of all."""
        if not self._masks():
            notifier.warning(self.tr("There is no mask to export: select or paint an object first."))
            return
        chosen, kind = QFileDialog.getSaveFileName(
            self._window, self.tr("Export masks"), "masks", ";;".join((_LABELME, _COCO, _PNG))
        )
        if chosen:
            self.export_file(Path(chosen), kind or _LABELME)

    def export_file(self, path: Path, kind: str) -> None:
        """Write the masks off the UI thread: one JSON file, or a PNG for each object beside each other."""
        info = self._document.project.image
        masks = self._masks()
        if info is None or not masks:
            return
        path = path if path.suffix.lower() == _SUFFIX[kind] else path.with_name(path.name + _SUFFIX[kind])

        def work() -> list[Path]:
            map_opencv_library()
            from sounddesk.domain.errors import OutputError
            from sounddesk.engine.images.annotations.canvas import NamedMask
            from sounddesk.engine.images.annotations.coco import coco_json
            from sounddesk.engine.images.annotations.labelme import labelme_json
            from sounddesk.storage.atomic_file import write_file
            from sounddesk.storage.png_mask import encode_mask_png

            if kind == _PNG:
                stems = unique_file_stems([name for name, _ in masks])
                files = [path.with_name(f"{path.stem}-{stem}.png") for stem in stems]
                # The dialog asked about the name that was typed, not about these.
                taken = next((file for file in files if file.exists()), None)
                if taken is not None:
                    raise OutputError(f"{taken} exists already: choose another folder or name")
                for (_, mask), file in zip(masks, files, strict=True):
                    write_file(file, encode_mask_png(mask.to_array()))
                return files
            named = [NamedMask(name=name, mask=mask.to_bool()) for name, mask in masks]
            make = labelme_json if kind == _LABELME else coco_json
            write_file(path, make(named, image_name=info.name, image_size=(info.width, info.height)))
            return [path]

        self._background.start("export", work)

    def _masks(self) -> list[tuple[str, TiledMask]]:
        project = self._document.project
        chosen = set(self._selection.object_ids) or {each.id for each in project.objects}
        return [(o.name, o.mask) for o in project.objects if o.id in chosen and not o.mask.is_empty]

    def _done(self, key: str, result: object) -> None:
        if key == "export":
            assert isinstance(result, list)
            one = self.tr("1 mask file is in {folder}")
            text = one if len(result) == 1 else self.tr("{count} mask files are in {folder}")
            notifier.info(text.format(count=len(result), folder=result[0].parent))
            return
        assert isinstance(result, _Imported)
        self._document.when_free(lambda: self._add(result))

    def _add(self, imported: _Imported) -> None:
        project, made = self._document.project, []
        # The user may have opened another image meanwhile.
        if project.image is None or project.image.sha256 != imported.sha256:
            return
        for name, mask in imported.masks:
            project, object_id = project.with_new_object(name=name, mask=mask)
            made.append(object_id)
        self._document.commit(self.tr("Import masks"), project)
        self._selection.select_objects(made)
        text = self.tr("1 object") if len(made) == 1 else self.tr("{count} objects")
        told = self.tr("{objects} imported.").format(objects=text.format(count=len(made)))
        if imported.notes:
            notifier.warning(" ".join((told, *(f"{note}." for note in imported.notes))))
        else:
            notifier.info(told)


COMMANDS: Final[tuple[Command[MaskFiles], ...]] = (
    Command("masks.import", "&Import masks…", MaskFiles.ask_import, menu="File", section="masks"),
    Command("masks.export", "Export &masks…", MaskFiles.ask_export, menu="File", section="masks"),
)  # fmt: skip

"""What the frozen app does not need, with the reasons. Paths are relative to its folder of libraries, with slashes."""

from __future__ import annotations

import fnmatch
from typing import Final

EXCLUDED_MODULES: Final = (
    # Toolkits, notebooks and test runners that libraries look for.
    "tkinter", "_tkinter", "matplotlib", "IPython", "ipywidgets", "notebook", "pytest", "hypothesis", "setuptools",
    "pip", "wheel", "pandas", "tensorboard", "torch.utils.tensorboard",
    # Tests that packages bring along.
    "scipy.conftest", "sympy.testing", "diffusers.utils.testing_utils", "transformers.testing_utils",
    # Editing of lines in Python's own prompt, by a library under the GPL.
    "readline",
    # Training's dashboards: for a Python environment of one's own.
    "wandb", "comet_ml", "mlflow",
)  # fmt: skip

# Of what the patterns below name, that is needed all the same.
_KEPT: Final = (
    # A program that torch looks for when it is imported.
    "torch/bin/torch_shm_manager*",
)
_PATTERNS: Final = (
    # Headers, static libraries and programs for building against torch.
    "torch/include/*", "torch/share/*", "torch/bin/*", "torch/test/*", "torch/lib/*.a", "torch/lib/*.lib", "*.pyi",
    "torch/utils/model_dump/*", "torch/_export/db/*", "torchgen/packaged/*",
    # Tests and what only they read; those of torch are imported by torch itself.
    "*/tests/*", "*/test_data/*",
    # Parts of Qt that the window does not use: it draws widgets, and SVG for its icons.
    "PySide6/Qt/translations/*", "PySide6/Qt/qml/*", "PySide6/translations/*", "PySide6/qml/*",
    "PySide6/Qt/plugins/imageformats/*qtiff*", "PySide6/Qt/plugins/imageformats/*qtga*",
    "PySide6/Qt/plugins/imageformats/*qwbmp*", "PySide6/Qt/plugins/imageformats/*qicns*",
    "PySide6/Qt/plugins/imageformats/*qpdf*",
    "PySide6/Qt/plugins/platforms/*qeglfs*", "PySide6/Qt/plugins/platforms/*qlinuxfb*",
    "PySide6/Qt/plugins/platforms/*qvnc*", "PySide6/Qt/plugins/platforms/*qvkkhrdisplay*",
    "PySide6/Qt/plugins/platforms/*qminimalegl*", "PySide6/Qt/plugins/egldeviceintegrations/*",
    "PySide6/Qt/plugins/generic/*", "PySide6/Qt/plugins/networkinformation/*", "PySide6/Qt/plugins/tls/*",
    "PySide6/Qt/plugins/platforminputcontexts/*virtualkeyboard*", "PySide6/Qt/plugins/qmltooling/*",
    "PySide6/Qt/lib/libQt6Pdf*", "PySide6/Qt/lib/libQt6Quick*", "PySide6/Qt/lib/libQt6Qml*",
    "PySide6/Qt/lib/libQt6VirtualKeyboard*", "PySide6/Qt/lib/libQt6EglFS*", "PySide6/Qt/lib/libQt6Network*",
    # GTK's look, which draws all of GTK in; the window has a look of its own, and file dialogs come by the portal.
    "PySide6/Qt/plugins/platformthemes/*qgtk3*", "libgtk-3.so*", "libgdk-3.so*", "libgdk_pixbuf*", "libpango*",
    "libcairo*", "libatk*", "libatspi*", "libepoxy*", "libfribidi*", "libthai*", "libdatrie*", "libpixman*",
    "libwayland-egl*",
    # NVIDIA's, where the machine that builds has them: the add-on brings its own.
    "libcudart*", "libcublas*", "libcudnn*", "libcupti*", "libnvrtc*", "libnvToolsExt*",
    "PySide6/QtNetwork.*", "PySide6/QtQml.*", "PySide6/QtQuick.*",
)  # fmt: skip


def is_left_out(path: str) -> bool:
    """Whether the file at `path` in the folder of libraries is not needed."""
    path = path.replace("\\", "/").removeprefix("_internal/")
    if any(fnmatch.fnmatchcase(path, pattern) for pattern in _KEPT):
        return False
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in _PATTERNS)

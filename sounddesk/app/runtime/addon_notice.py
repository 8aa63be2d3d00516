"""What the window says at its start of the add-on for graphics cards."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from sounddesk.app.notifications import as_sentence
from sounddesk.app.notifications import notifier
from sounddesk.resources_folder import frozen_folder


def tell_unused_addon() -> None:
    """Say why the installed add-on is not used; nothing where it is, or where there is none."""
    if frozen_folder() is None:
        return
    from sounddesk.engine.torch_addon import addon_state
    from sounddesk.engine.torch_addon import own_runtime

    state = addon_state(own_runtime())
    if state is not None and state.problem:
        text = QCoreApplication.translate("AddonNotice", "Takes are made on the processor. {problem}.")
        notifier.warning(text.format(problem=as_sentence(state.problem)))

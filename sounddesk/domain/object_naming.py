"""Pure edits that give objects the names of what they are recognised as."""

from __future__ import annotations

from collections.abc import Sequence

from sounddesk.domain.object_names import MOST_GUESSES
from sounddesk.domain.object_names import NamedBy
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.domain.project import Project
from sounddesk.domain.scene import free_name


def with_recognised_object(project: Project, object_id: str, recognised: RecognisedObject) -> Project:
    """The project with an object named by what it is recognised as, where the recogniser is confident enough.

    A name that the user typed or chose stays, and so does one that is right already: 'dog 2' of another dog. An object
    that had the name of a guess and is no longer recognised keeps it, since its mask grew or shrank a little.

    Raises:
        KeyError: there is no such object.
    """
    found = project.object(object_id)
    best = recognised.name
    if best is None or found.named_by == "user" or found.locked:
        return project
    if found.guess is not None and found.guesses[found.guess].name == best.name:
        return project
    return _with_guess(project, object_id, guesses=recognised.guesses, index=0, named_by="guess")


def with_next_guess(project: Project, object_id: str, guesses: Sequence[NameGuess] = ()) -> Project:
    """The project with an object named by its next guess, after the last one by the first: the user's own choice.

    Args:
        guesses: what it may be, where the object keeps no guesses yet.

    Raises:
        KeyError: there is no such object.
        ValueError: there are no guesses, or the object is locked.
    """
    found = project.object(object_id)
    known = found.guesses or tuple(guesses)
    if not known:
        raise ValueError(f"nothing is known of what {found.name!r} may be: type a name")
    following = 0 if found.guess is None else (found.guess + 1) % len(known)
    return _with_guess(project, object_id, guesses=known, index=following, named_by="user")


def with_typed_name(project: Project, object_id: str, name: str) -> Project:
    """The project with an object named by the user; nothing else changes that name from now on.

    Raises:
        KeyError: there is no such object.
        ValueError: the name is blank, or the object is locked.
    """
    return project.with_changed_object(object_id, name=name, named_by="user", guess=None)


def _with_guess(
    project: Project, object_id: str, *, guesses: Sequence[NameGuess], index: int, named_by: NamedBy
) -> Project:
    kept = tuple(guesses[:MOST_GUESSES])
    free = free_name(kept[index].name, (each.name for each in project.objects if each.id != object_id))
    return project.with_changed_object(object_id, name=free, guesses=kept, guess=index, named_by=named_by)

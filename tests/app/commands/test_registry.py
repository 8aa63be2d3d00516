"""Commands as data: what is doubled is refused, and no two have the same keys whatever the settings say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.app.commands.command import Command
from sounddesk.app.commands.command import PanelKey
from sounddesk.app.commands.registry import CommandRegistry
from sounddesk.app.commands.registry import KeysTakenError
from sounddesk.app.commands.registry import keys_in_force


class Tape:
    """What commands are carried out with."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.is_loaded = False

    def play(self) -> None:
        self.log.append("play")

    def loop(self, on: bool) -> None:
        self.log.append(on)


def play(command_id: str = "tape.play", title: str = "&Play", keys: str = "Ctrl+G", **more: object) -> Command[Tape]:
    return Command(command_id, title, Tape.play, menu="Transport", section="play", keys=keys, **more)


def stop(keys: str = "K") -> Command[Tape]:
    return Command("tape.stop", "&Stop", Tape.play, menu="Transport", section="play", keys=keys)


@pytest.fixture
def registry(qapp: object) -> CommandRegistry:
    made = CommandRegistry()
    made.add([play()], owner=Tape())
    return made


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (play(), "exists already"),
        (play("other", "&Other", "ctrl+g"), "'tape.play'"),
        (play("other", "Re&play", ""), "'&Play'"),
        (Command("other", "Other", Tape.play, menu="Transport", section="nowhere"), "'nowhere'"),
        (Command("other", "Other", Tape.play, menu="Nowhere", section="play"), "'Nowhere'"),
    ],
)
def test_what_is_taken_is_refused_and_named(registry: CommandRegistry, command: Command[Tape], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        registry.add([command], owner=Tape())
    assert [each.id for each in registry] == ["tape.play"]


def test_keys_of_a_panel_and_of_a_command_exclude_each_other(registry: CommandRegistry) -> None:
    with pytest.raises(KeysTakenError, match="'tape.play'"):
        registry.reserve([PanelKey(panel="Canvas", keys="Ctrl+G", does="grow")])
    registry.reserve([PanelKey(panel="Canvas", keys="Tab", does="next candidate")])
    with pytest.raises(KeysTakenError, match="'Canvas'"):
        registry.add([stop("Tab")], owner=Tape())
    with pytest.raises(KeysTakenError, match="Canvas: next candidate"):
        registry.rebind("tape.play", "Tab")


def test_rebinding_to_taken_keys_is_refused_and_names_who_has_them(registry: CommandRegistry) -> None:
    registry.add([stop()], owner=Tape())
    with pytest.raises(KeysTakenError, match="Play"):
        registry.rebind("tape.stop", "ctrl+g")
    assert (registry.keys_of("tape.stop"), registry.rebound) == ("K", {})
    registry.take_over("tape.stop", "Ctrl+G")
    assert (registry.keys_of("tape.stop"), registry.keys_of("tape.play")) == ("Ctrl+G", "")
    registry.reset_keys()
    assert (registry.keys_of("tape.stop"), registry.keys_of("tape.play")) == ("K", "Ctrl+G")


def test_a_command_needs_one_thing_to_do() -> None:
    for run, switch in ((None, None), (Tape.play, Tape.loop)):
        with pytest.raises(ValueError, match="either run or switch"):
            Command("tape.play", "Play", run, switch=switch, menu="Transport", section="play")


def test_a_switch_is_told_its_state_and_a_command_follows_its_condition(registry: CommandRegistry) -> None:
    tape = Tape()
    commands = [
        Command("tape.loop", "&Loop", switch=Tape.loop, checked=True, menu="Transport", section="loop"),
        Command("tape.eject", "&Eject", Tape.play, enabled=lambda it: it.is_loaded, menu="Transport", section="go"),
    ]
    registry.add(commands, owner=tape)
    registry["tape.loop"].trigger()
    registry["tape.eject"].trigger()
    assert tape.log == [False]
    tape.is_loaded = True
    registry.refresh()
    registry["tape.eject"].trigger()
    assert tape.log == [False, "play"]


def test_a_detail_in_the_menu_is_no_mnemonic(registry: CommandRegistry) -> None:
    registry.show_detail("tape.play", "Rhythm & Blues")
    assert registry["tape.play"].text() == "&Play Rhythm && Blues"
    assert registry.command("tape.play").name == "Play"
    registry.show_detail("tape.play", "")
    assert registry["tape.play"].text() == "&Play"


def test_the_user_s_keys_win_over_another_command_s_default(qapp: object) -> None:
    registry = CommandRegistry(shortcuts={"tape.stop": "ctrl+g", "gone": "K"})
    registry.add([play(), stop()], owner=Tape())
    assert (registry.keys_of("tape.play"), registry.keys_of("tape.stop")) == ("", "Ctrl+G")
    assert registry.rebound == {"tape.stop": "Ctrl+G", "gone": "K"}


IDS = ("a", "b", "c", "d")
KEYS = st.sampled_from(("", "F1", "F2", "F3", "F4"))


@given(
    st.permutations(("F1", "F2", "F3", "F4")),
    st.dictionaries(st.sampled_from((*IDS, "gone")), KEYS),
    st.sets(st.sampled_from(("F1", "F5"))),
)
def test_whatever_the_settings_say_no_two_commands_have_the_same_keys(
    defaults: list[str], rebound: dict[str, str], reserved: set[str]
) -> None:
    found = keys_in_force(dict(zip(IDS, defaults, strict=True)), rebound, reserved=reserved)
    assert set(found) == set(IDS)
    taken = [keys for keys in found.values() if keys]
    assert len(taken) == len(set(taken)) and not reserved & set(taken)
    for command_id, keys in found.items():
        mine = [each for each in IDS if rebound.get(each) == rebound.get(command_id)]
        if command_id in rebound and mine[0] == command_id and rebound[command_id] not in reserved:
            assert keys == rebound[command_id]

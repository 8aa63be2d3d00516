"""Other takes than those in use can be heard in the mix, and the project does not know of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sounddesk.app.player import Player
from sounddesk.app.project.document import Document
from sounddesk.domain.take_placement import with_take_placed
from tests.app.conftest import wait_until
from tests.app.takes.test_takes_panel import make_take


@pytest.fixture
def player(still: Document) -> Iterator[Player]:
    made = Player(still)
    yield made
    made.close()


def peak(player: Player) -> float:
    mix = player._playback._mix
    assert mix is not None
    return float(abs(mix.render(0, 4800)).max())


def test_the_other_take_is_heard_in_its_lane(player: Player, still: Document) -> None:
    first, second = make_take(still, "o1", hz=0.0), make_take(still, "o1")
    still.commit("Place", with_take_placed(still.project, "o1", first.id, first.seconds))
    wait_until(lambda: player.samples_of(first.id) is not None and player.samples_of(second.id) is not None)
    before = still.project
    player.listen_instead({"o1": second.id})
    wait_until(lambda: peak(player) > 0.4)
    player.listen_instead({})
    wait_until(lambda: peak(player) == 0.0)
    assert still.project is before


def test_stopping_goes_back_where_the_user_wants_it(player: Player) -> None:
    player.seek(1.0)
    player.toggle()
    wait_until(lambda: player.position_s > 1.1)
    player.toggle()
    stopped_s = player.position_s
    assert stopped_s > 1.1
    player.returns_on_stop = True
    player.toggle()
    wait_until(lambda: player.position_s > stopped_s + 0.1)
    player.toggle()
    assert player.position_s == pytest.approx(stopped_s)


def test_a_take_at_the_rate_of_the_project_is_there_at_once(player: Player, still: Document) -> None:
    take = make_take(still, "o1", rate_hz=48_000)
    assert player.samples_of(take.id) is take.waveform

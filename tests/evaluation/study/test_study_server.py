"""The pages by their own HTTP: what is taken, what is refused, and that nothing tells whose sound it is."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sounddesk.evaluation.study.post_limit import MOST_POSTS
from sounddesk.evaluation.study.study_file import StudyFile
from sounddesk.evaluation.study.study_server import create_app
from sounddesk.evaluation.study.study_server import is_local
from tests.evaluation.study.conftest import Clock
from tests.page_reader import PageReader


@pytest.fixture
def study(study_folder: Path) -> Iterator[StudyFile]:
    with StudyFile(study_folder) as study:
        yield study


@pytest.fixture
def app(study: StudyFile, clock: Clock):
    return create_app(study, clock=clock)


def begin(app):
    client = app.test_client()
    page = client.post("/begin").get_data(as_text=True)
    return client, re.search(r'class="code">([\w-]+)<', page)[1]


def shown(client) -> tuple[int, list[str]]:
    """Number of the sample on the page and what is asked."""
    page = client.get("/sample").get_data(as_text=True)
    number = int(re.search(r'name="sample" value="(\d+)"', page)[1])
    return number, sorted(set(re.findall(r'type="radio" name="(\w+)"', page)))


def rate(client, number: int, asked: list[str], rating: int = 3):
    return client.post("/sample", data={"sample": number, **dict.fromkeys(asked, rating)})


def test_a_listener_from_the_first_page_to_the_last(app, study: StudyFile, clock: Clock) -> None:
    client, _ = begin(app)
    seen = []
    for _ in range(len(study.samples)):
        number, asked = shown(client)
        assert asked == sorted(study.samples[number].criteria)
        seen.append(number)
        clock.now += 95
        assert rate(client, number, asked).status_code == 303
    assert "Thank you" in client.get("/sample").get_data(as_text=True)
    assert sorted(seen) == sorted(study.samples) != seen
    answers = study.answers()
    assert len(answers) == sum(len(each.criteria) for each in study.samples.values())
    assert {each.seconds for each in answers} == {95.0}
    assert study.incidents() == {}


def test_ninety_seconds_are_counted_by_the_server(app, study: StudyFile, clock: Clock) -> None:
    client, _ = begin(app)
    number, asked = shown(client)
    clock.now += 89.9
    shown(client)  # loading the page again begins nothing anew
    refused = rate(client, number, asked, 4)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 425
    assert "take your time" in page and 'data-wait="0.1"' in page
    # What she chose is still chosen.
    assert page.count("checked") == len(asked)
    assert study.answers() == []
    clock.now += 0.2
    assert rate(client, number, asked, 4).status_code == 303
    assert study.incidents() == {"too early": 1}


@pytest.mark.parametrize(
    "data",
    [{}, {"OVL": "3"}, {"OVL": "6", "RET": "3", "REI": "3", "REO": "3"}, {"OVL": "x", "RET": "3", "REI": "3"}],
)
def test_nothing_can_be_skipped(data: dict[str, str], app, study: StudyFile, clock: Clock) -> None:
    client, _ = begin(app)
    number, _ = shown(client)
    clock.now += 100
    refused = client.post("/sample", data={"sample": number, **data})
    assert refused.status_code == 400
    assert "answer every question" in refused.get_data(as_text=True)
    assert study.answers() == []


def test_who_posts_twice_is_counted_once(app, study: StudyFile, clock: Clock) -> None:
    client, _ = begin(app)
    number, asked = shown(client)
    clock.now += 100
    rate(client, number, asked, 2)
    again = rate(client, number, asked, 5)
    assert again.status_code == 409
    assert "your first ratings count" in again.get_data(as_text=True)
    assert {each.rating for each in study.answers()} == {2}
    # Nor does she get ahead by guessing numbers.
    ahead = next(each for each in study.samples if each != number and each != shown(client)[0])
    clock.now += 100
    assert rate(client, ahead, ["OVL", "RET", "REI"]).status_code == 409
    for text in ("", "-1", "²", "1e3", "9" * 300):
        assert client.post("/sample", data={"sample": text}).status_code == 409
    assert study.incidents() == {"another sample": 6, "posted twice": 1}


def test_a_forged_session_is_refused_and_counted(app, study: StudyFile, clock: Clock) -> None:
    begin(app)
    stranger = app.test_client()
    stranger.set_cookie("listener", "abcd" * 4)
    for path in ("/", "/sample", "/media/1.wav"):
        assert stranger.get(path).status_code == 403
    assert stranger.post("/sample", data={"sample": 1, "OVL": 5}).status_code == 403
    nobody = app.test_client()
    assert nobody.get("/media/1.wav").status_code == 404
    assert nobody.post("/sample", data={"sample": 1, "OVL": 5}).status_code == 403
    assert nobody.post("/continue", data={"code": "2222-2222-2222-2222"}).status_code == 403
    assert study.incidents() == {"forged session": 6}
    assert study.answers() == []
    # The file keeps no code, so that whoever reads it cannot answer for a listener.
    _, code = begin(app)
    assert code.replace("-", "").encode() not in (study.folder / "study.sqlite").read_bytes()


def test_she_goes_on_elsewhere_with_her_code(app, clock: Clock) -> None:
    client, code = begin(app)
    number, asked = shown(client)
    clock.now += 100
    rate(client, number, asked)
    following = shown(client)
    phone = app.test_client()
    assert phone.post("/continue", data={"code": f" {code.upper()} "}).status_code == 303
    assert shown(phone) == following


def test_only_the_sound_that_is_rated_is_handed_out(app, clock: Clock) -> None:
    client, _ = begin(app)
    number, _ = shown(client)
    other = number % 10 + 1
    sound = client.get(f"/media/{number}.wav")
    assert sound.mimetype in ("audio/x-wav", "audio/wav", "audio/vnd.wave")
    assert client.get(f"/media/{number}.wav", headers={"Range": "bytes=0-3"}).get_data() == b"RIFF"
    assert client.get(f"/media/{number}.jpg").status_code == 200
    for path in (f"/media/{other}.wav", "/media/..%2fstudy.sqlite", "/media/1.txt", "/study.sqlite"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("planted", ["link", "folder's link", "pipe", "folder"])
def test_what_is_no_file_of_the_study_is_not_handed_out(
    planted: str, app, study: StudyFile, tmp_path: Path, clock: Clock
) -> None:
    client, _ = begin(app)
    number, _ = shown(client)
    media = study.folder / "media"
    path = media / f"{number}.wav"
    if planted == "folder's link":
        media.rename(tmp_path / "private")
        media.symlink_to(tmp_path / "private")
    else:
        path.rename(tmp_path / "private.wav")
        plant = {"link": lambda: path.symlink_to(tmp_path / "private.wav"), "pipe": lambda: os.mkfifo(path)}
        plant.get(planted, path.mkdir)()
    assert client.get(f"/media/{number}.wav").status_code == 404


def test_pages_tell_nothing_of_systems_and_ask_nobody_else(app, clock: Clock) -> None:
    client, _ = begin(app)
    for path in ("/sample", "/"):
        response = app.test_client().get(path) if path == "/" else client.get(path)
        text = response.get_data(as_text=True)
        page = PageReader(text)
        assert page.problems == []
        assert all(link.startswith("/") for link in page.links)
        assert not re.search(r"noise|control|system", page.text, re.IGNORECASE)
        assert "<dog>" not in text
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    labels = [tag for tag, _ in page.tags if tag == "label"]
    assert labels
    text = client.get("/sample").get_data(as_text=True)
    # Each question is a group with a name, each answer a labelled button.
    assert text.count("<fieldset><legend>") == text.count("</fieldset>") >= 3
    assert text.count('<label><input type="radio"') == 5 * text.count("<fieldset>")
    assert client.post("/begin", headers={"Origin": "http://elsewhere.example"}).status_code == 403


def test_the_local_network_only(study: StudyFile, app, clock: Clock) -> None:
    abroad = {"REMOTE_ADDR": "203.0.114.9"}
    assert app.test_client().get("/", environ_base=abroad).status_code == 403
    assert create_app(study, clock=clock, anyone=True).test_client().get("/", environ_base=abroad).status_code == 200
    assert [is_local(each) for each in ("127.0.0.1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "8.8.8.8", "x")] == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_who_comes_through_a_proxy_is_not_taken_for_local(study: StudyFile, app, clock: Clock) -> None:
    for header in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"):
        assert app.test_client().get("/", headers={header: "10.0.0.1"}).status_code == 403
    open_to_all = create_app(study, clock=clock, anyone=True).test_client()
    assert open_to_all.get("/", headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 200
    # The proxy speaks HTTPS to the browser and HTTP to the study.
    own = {"Origin": "https://study.example", "Host": "study.example"}
    assert open_to_all.post("/begin", headers=own).status_code == 200
    for other in ("https://elsewhere.example", "null", "https://["):
        assert open_to_all.post("/begin", headers={**own, "Origin": other}).status_code == 403


def test_a_name_that_another_page_can_point_here_is_refused(study: StudyFile, app, clock: Clock) -> None:
    own = socket.gethostname()
    for host in ("localhost:8765", "127.0.0.1:8765", "192.168.1.20", "[fe80::1]:8765", own):
        assert app.test_client().get("/", headers={"Host": host}).status_code == 200, host
    for host in ("rebound.example", "rebound.example:8765", "localhost.rebound.example", "127.0.0.1.rebound.example"):
        assert app.test_client().get("/", headers={"Host": host}).status_code == 421, host
        assert app.test_client().post("/begin", headers={"Host": host}).status_code == 421, host
    assert study.listeners() == []
    # Whoever opens it to all has names of her own.
    everyone = create_app(study, clock=clock, anyone=True).test_client()
    assert everyone.get("/", headers={"Host": "study.example"}).status_code == 200


def test_an_address_may_post_so_often_in_a_minute(study: StudyFile, app, clock: Clock) -> None:
    client = app.test_client()
    for _ in range(MOST_POSTS):
        assert client.post("/continue", data={"code": "x"}).status_code == 403
    for _ in range(3):
        assert client.post("/begin").status_code == 429
    assert study.listeners() == []
    # Told once, or refusing would itself fill the file.
    assert study.incidents() == {"forged session": MOST_POSTS, "too many posts": 1}
    assert app.test_client().post("/begin", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 200
    assert client.get("/").status_code == 200
    clock.now += 60
    assert client.post("/begin").status_code == 200

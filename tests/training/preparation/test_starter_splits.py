from __future__ import annotations

from sounddesk.training.preparation.starter_splits import held_out_pictures
from sounddesk.training.preparation.starter_splits import held_out_recordings
from sounddesk.training.preparation.starter_splits import validation_part


def names(count):
    return [f"set:{number}.png" for number in range(count)]


def test_a_fifth_of_the_pictures_is_held_out():
    assert [len(held_out_pictures(names(count), [])) for count in (1, 2, 4, 7, 8, 10, 20)] == [0, 1, 1, 1, 2, 2, 4]


def test_the_choice_does_not_depend_on_the_order():
    assert held_out_pictures(names(10), []) == held_out_pictures(names(10)[::-1], [])


def test_listed_pictures_come_first():
    held = held_out_pictures(names(10), ["set:3.png"])
    assert "set:3.png" in held
    assert len(held) == 2
    assert held_out_pictures(names(5), ["set:[123].png"]) == {"set:1.png", "set:2.png", "set:3.png"}


def test_a_name_with_pattern_letters_is_found_as_it_is():
    assert "set:a[1].png" in held_out_pictures(["set:a[1].png", "set:b.png"], ["set:a[1].png"])


def test_one_of_three_recordings_is_held_out_and_two_of_nine():
    def held(count):
        return len(held_out_recordings({f"set:{n}": f"set:{n}" for n in range(count)}, []))

    assert [held(count) for count in (1, 2, 3, 8, 9)] == [0, 0, 1, 1, 2]


def test_parts_of_one_recording_stay_together():
    origins = {"set:long#0-9": "set:long", "set:long#9-18": "set:long", "set:a": "set:a"}
    assert held_out_recordings(origins, []) == {"set:a"}
    assert held_out_recordings(origins, ["set:long#0-9"]) == {"set:long#0-9", "set:long#9-18"}
    assert held_out_recordings({f"set:x#{n}": "set:x" for n in range(5)}, []) == set()


def test_a_tenth_of_what_is_left_is_for_validation_and_nothing_of_a_few():
    def chosen(count):
        origins = {name: name for name in names(count)}
        test = held_out_recordings(origins, [])
        validation = validation_part(origins, test)
        assert not test & validation
        return len(test), len(validation)

    assert [chosen(count) for count in (4, 5, 8, 9, 40)] == [(1, 0), (1, 1), (1, 1), (2, 1), (2, 4)]


def test_validation_takes_whole_origins_and_none_of_a_tested_one():
    origins = {f"set:{letter}#{part}": f"set:{letter}" for letter in "abcdef" for part in range(3)}
    validation = validation_part(origins, {"set:a#0"})
    assert len(validation) == 3
    assert len({origins[name] for name in validation}) == 1
    assert all(origins[name] != "set:a" for name in validation)
    assert validation_part(dict(reversed(origins.items())), {"set:a#0"}) == validation

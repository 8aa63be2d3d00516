from __future__ import annotations

from sounddesk.evaluation.metrics.confusion import confusion_rows


def test_only_kinds_with_errors_the_worst_first_and_the_commonest_error_first():
    rows = confusion_rows(
        [
            ("dog", "wolf"), ("dog", "dog"), ("dog", "fox"), ("dog", "wolf"),
            ("bee", "fly"), ("bee", None),
            ("car", "car"),
            ("sea", "wind"), ("sea", "sea"),
        ]
    )  # fmt: skip
    assert [(row.kind, row.wrong, row.trials) for row in rows] == [("bee", 2, 2), ("dog", 3, 4), ("sea", 1, 2)]
    assert list(rows[1].taken_for.items()) == [("wolf", 2), ("fox", 1)]
    assert rows[0].to_json() == {"kind": "bee", "trials": 2, "taken_for": {"fly": 1}, "silent": 1}
    assert rows[1].text() == "dog: 3 of 4 wrong, wolf 2, fox 1"
    assert rows[0].text() == "bee: 2 of 2 wrong, fly 1, silent 1"


def test_no_error_no_row():
    assert confusion_rows([("dog", "dog"), ("car", "car")]) == ()
    assert confusion_rows([]) == ()

"""The benchmark of identity damages source names as it says, and counts as it says."""

import random

import pandas as pd
import pytest
from rapidfuzz.distance import OSA, DamerauLevenshtein

from benchmarks.identity import lists, name_noise, noise, peers, questions
from benchmarks.identity.grade import grade
from benchmarks.identity.setting import Setting

LEI = "5493001KJTIIGC8Y1R12"
EDITS = {"ocr": 2, "substitution": 1, "neighbour_key": 1, "insertion": 1, "deletion": 1, "transposition": 1}
EDITS |= {"truncation": 4, "format_and_edit": 1, "format": 0, "homoglyph": 0, "spreadsheet": 0, "clean": 0}


def _codes(number: int) -> list[str]:
    return lists.random_codes(number, random.Random(0))


@pytest.mark.parametrize(("mix", "kinds"), [(noise.MIX, noise.KINDS), (name_noise.MIX, name_noise.KINDS)])
def test_a_mix_says_how_often_each_kind_occurs(mix: dict[str, float], kinds: dict[str, object]) -> None:
    assert mix.keys() == kinds.keys()
    assert sum(mix.values()) == pytest.approx(1)


@pytest.mark.parametrize("kind", EDITS)
def test_a_kind_of_damage_makes_so_many_edits_and_no_more(kind: str) -> None:
    numbers = random.Random(kind)
    for code in [*_codes(200), LEI, "320193"]:
        damaged = noise.damage(code, kind, numbers)
        if not (code.startswith("0") and kind == "spreadsheet"):
            assert OSA.distance(noise.plain(damaged), noise.plain(code)) <= EDITS[kind], damaged


def test_damage_of_a_code_seldom_leaves_it_as_it_was() -> None:
    numbers = random.Random(0)
    for kind in noise.KINDS.keys() - {"clean"}:
        unchanged = [code for code in _codes(300) if noise.damage(code, kind, numbers) == code]
        assert len(unchanged) <= 15, kind


def test_a_seed_gives_the_same_questions_and_another_seed_gives_others() -> None:
    def asked(seed: int) -> list[str]:
        codes, mix = _codes(200), noise.MIX
        made = questions.of_codes(codes[:180], codes[180:], 300, mix, Setting(seed=seed).random("codes"))
        return made.asked["source_name"].tolist()

    assert asked(1) == asked(1)
    assert asked(1) != asked(2)
    assert len(set(asked(1))) == 300


def test_a_damaged_code_that_is_another_listed_one_is_set_apart() -> None:
    ids = lists.running_numbers(1_100)
    made = questions.of_codes(ids[:1_000], ids[1_000:], 2_000, noise.MIX, random.Random(0))
    means = made.asked["source_name"].map(noise.plain).map({noise.plain(each): each for each in ids[:1_000]})
    other = means.notna() & (means != made.truth["company_id"].fillna(""))
    assert other.any()
    assert (made.truth["apart"].notna() == other).all()


def test_names_that_two_companies_bear_are_set_apart() -> None:
    listed = [("A1", "Acme Holdings Ltd"), ("A2", "ACME HOLDINGS, INC."), ("A3", "Wuyts Carbone S.p.A.")]
    made = questions.of_names(listed, ["Zeta Works GmbH"], 60, name_noise.MIX, random.Random(0))
    of_acme = made.truth["company_id"].isin(["A1", "A2"])
    assert (made.truth["apart"][of_acme] == "homonym").all()
    assert made.truth["apart"][~of_acme].isna().all()


def test_made_leis_have_the_right_check_digits_and_a_real_prefix() -> None:
    real = pd.Series([LEI, "213800LBQA1Y9L22JB70", "529900T8BM49AURSDO55"])
    grown = lists.grown_leis(real, 500, seed=3).to_pylist()
    assert grown[:3] == real.tolist()
    assert len(set(grown)) == 500
    assert all(int("".join(str(int(letter, 36)) for letter in lei)) % 97 == 1 for lei in grown)
    assert {lei[:6] for lei in grown} <= {lei[:6] for lei in real}


def test_the_join_in_sql_finds_what_comparing_with_every_id_finds() -> None:
    ids = _codes(300)
    made = questions.of_codes(ids[:270], ids[270:], 400, noise.MIX, random.Random(0))
    asked = [noise.plain(source_name) for source_name in made.asked["source_name"]]
    join = peers.DeletesJoin(ids[:270], asked)
    found = join.run()
    assert found.notna().sum() > 300
    for text, answer in zip(asked, found, strict=True):
        edits = sorted((DamerauLevenshtein.distance(text, each), each) for each in ids[:270])[:2]
        is_clear = edits[0][0] <= 2 and edits[0][0] < edits[1][0]
        assert answer == edits[0][1] if is_clear else pd.isna(answer)
    join.prepare()
    assert join.run(prepared=True).equals(found)


def test_answers_are_graded_without_those_set_apart() -> None:
    companies = ["A1", "A2", "A3", None, None, "A4"]
    made = questions.make(list("abcdef"), companies, apart=[None] * 5 + ["collided"])
    graded = grade(pd.Series(["A1", "A9", None, "A1", None, "A9"]), made)
    assert (graded.known, graded.unlisted, graded.apart) == (3, 2, 1)
    assert (graded.precision, graded.recall, graded.kept_out) == (1 / 3, 1 / 3, 1 / 2)

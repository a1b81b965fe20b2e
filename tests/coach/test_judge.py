"""Scores, thresholds and calibration, against numbers reckoned by hand."""

from __future__ import annotations

import numpy as np
import pytest

from closeknit.coach.training import judge


def numbers(*values: float):
    return np.array(values, dtype=float)


def alone(wanted: np.ndarray, p: np.ndarray, least: float, speaks: float = 0.1) -> float:
    """The threshold of one label by itself."""
    return judge.sure_thresholds([wanted], [p], least, least, speaks)[0]


def test_f1_and_precision():
    wanted, said = numbers(1, 1, 1, 0, 0), numbers(1, 1, 0, 1, 0)
    assert judge.f1(wanted, said) == pytest.approx(2 / 3)
    assert judge.precision(wanted, said) == pytest.approx(2 / 3)
    assert judge.f1(numbers(0, 0), numbers(0, 0)) == 0
    assert judge.precision(numbers(1, 0), numbers(0, 0)) == 1


def test_macro_f1_counts_every_class_alike():
    # Class 0: right 3 of 3, once too often; class 1: never said, never wanted counts 0; class 2: half found.
    assert judge.macro_f1(np.array([0, 0, 0, 2, 2]), np.array([0, 0, 0, 0, 2]), 3) == pytest.approx((6 / 7 + 0 + 2 / 3) / 3)


def test_the_threshold_with_the_best_f1_lies_between_two_values():
    wanted, p = numbers(1, 1, 1, 0, 0, 0), numbers(0.9, 0.8, 0.6, 0.4, 0.3, 0.1)
    assert judge.best_threshold(wanted, p) == pytest.approx(0.5)


def test_a_threshold_that_must_be_right_speaks_less():
    draw = np.random.default_rng(11)
    p = draw.random(400)
    wanted = (draw.random(400) < p).astype(float)
    generous, careful = judge.best_threshold(wanted, p), alone(wanted, p, 0.92)
    assert careful > generous
    said = (p >= careful).astype(float)
    assert said.sum() > 20 and judge.precision(wanted, said) >= 0.88
    assert alone(wanted, p, 0.7) < careful


def test_several_are_right_often_enough_together_and_the_one_that_is_hard_to_read_stays_quiet():
    draw = np.random.default_rng(5)

    def label(spread: float) -> tuple[np.ndarray, np.ndarray]:
        score = draw.normal(0, spread, 4_000)
        p = judge.sigmoid(score - 2)
        return (draw.random(4_000) < p).astype(float), p

    plain, hard = label(6), label(2)
    both = judge.sure_thresholds([plain[0], hard[0]], [plain[1], hard[1]], 0.92, 0.8)
    said = [(p >= threshold).astype(float) for (_wanted, p), threshold in zip((plain, hard), both, strict=True)]
    right = sum(float((wanted * yes).sum()) for (wanted, _p), yes in zip((plain, hard), said, strict=True))
    assert 0.9 <= right / sum(yes.sum() for yes in said) <= 0.95
    assert judge.precision(hard[0], said[1]) >= 0.77
    # Each held to the same alone finds less than both together.
    strict = [(p >= alone(wanted, p, 0.92)).astype(float) for wanted, p in (plain, hard)]

    def mean(told: list[np.ndarray]) -> float:
        return float(np.mean([judge.f1(one[0], yes) for one, yes in zip((plain, hard), told, strict=True)]))

    assert mean(said) > mean(strict)


def test_where_it_is_never_right_often_enough_it_speaks_where_it_is_right_most_often():
    wanted, p = numbers(0, 1, 0, 1, 0), numbers(0.6, 0.5, 0.4, 0.3, 0.2)
    assert 0.4 < alone(wanted, p, 0.99) < 0.6


def test_it_speaks_of_a_part_of_what_there_is_though_the_surest_are_the_rightest():
    wanted, p = np.tile(numbers(0, 1, 0), 10), np.linspace(0.5, 0.1, 30)
    wanted, p = np.append(wanted, [1, 1, 0]), np.append(p, [0.99, 0.98, 0.97])
    silent, some = (alone(wanted, p, 0.99, speaks) for speaks in (0, 0.5))
    assert ((p >= silent) * wanted).sum() <= 2 and ((p >= some) * wanted).sum() >= 6


def test_platt_finds_the_line_that_the_answers_came_from():
    draw = np.random.default_rng(7)
    score = draw.normal(0, 3, 20_000)
    wanted = (draw.random(20_000) < judge.sigmoid(0.5 * score - 1)).astype(float)
    slope, shift = judge.platt(wanted, score)
    assert slope == pytest.approx(0.5, abs=0.03) and shift == pytest.approx(-1, abs=0.07)
    assert judge.calibration_error(wanted, judge.sigmoid(slope * score + shift)) < 0.02
    assert judge.calibration_error(wanted, judge.sigmoid(score)) > 0.1
    assert judge.platt(numbers(1, 0, 0), numbers(4, 2, 1)) == (1.0, 0.0)


def test_a_temperature_cools_what_is_too_sure():
    draw = np.random.default_rng(3)
    scores = draw.normal(0, 1.5, (5_000, 3))
    chances = judge.softmax(scores)
    wanted = (draw.random(5_000)[:, None] > chances.cumsum(1)).sum(1)
    assert judge.temperature(wanted, scores * 2.5) == pytest.approx(2.5, rel=0.12)


def test_shifts_help_a_class_that_is_never_chosen():
    scores = numbers(2, 0, 1, 2, 0, 1, 2, 0.9, 0, 2, 0.95, 0, 0, 0, 3).reshape(5, 3)
    wanted = np.array([0, 0, 1, 1, 2])
    shifts = judge.best_shifts(wanted, scores)
    assert shifts[0] == 0 and judge.macro_f1(wanted, (scores + shifts).argmax(1), 3) == 1
    assert judge.macro_f1(wanted, scores.argmax(1), 3) < 1


def test_calibration_error_by_hand():
    # Two bins: says .9 and is right half the time, says .1 and is never right.
    assert judge.calibration_error(numbers(1, 0, 0, 0), numbers(0.9, 0.9, 0.1, 0.1)) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)


def test_words_marked_by_nobody_count_as_agreement():
    wanted, said = [numbers(0, 0), numbers(1, 1, 0)], [numbers(0, 0), numbers(1, 0, 0)]
    assert judge.token_f1(wanted, said) == pytest.approx((1 + 2 / 3) / 2)
    assert judge.token_f1([numbers(0, 0)], [numbers(1, 0)]) == 0


def test_squashing_stays_finite():
    assert judge.sigmoid(numbers(-1e4, 0, 1e4)).tolist() == [0, 0.5, 1]
    assert judge.softmax(numbers(1e4, 0, -1e4)).tolist() == [1, 0, 0]
    assert judge.pearson(numbers(1, 2, 3), numbers(2, 4, 6)) == pytest.approx(1)

"""Which prompt comes next, whatever was opened, agreed and left out."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from closeknit.method import choice, content

DECK = content.load_deck(Path(__file__).resolve().parents[2] / "content")
KINDS = st.sampled_from(list(content.BondKind))
LEVELS = st.integers(1, 5)
NOW = st.frozensets(st.sampled_from(list(content.When)), max_size=3)
WISHES = st.frozensets(st.sampled_from(list(content.Theme)), max_size=4)
SEEDS = st.text(max_size=8)


def play(count: int, **arguments):
    state, opened = choice.DeckState(), []
    for _turn in range(count):
        prompt = choice.choose(DECK, state, **arguments)
        if prompt is None:
            break
        opened.append(prompt)
        state = state.after(prompt)
    return opened, state


@settings(max_examples=10, deadline=None)
@given(level=LEVELS, kind=KINDS, wishes=WISHES, now=NOW, seed=SEEDS)
def test_no_repeat_before_the_deck_is_through(level, kind, wishes, now, seed):
    allowed = choice.eligible(DECK, max_level=level, kind=kind, wishes=wishes, now=now)
    opened, _state = play(2 * len(allowed), max_level=level, kind=kind, wishes=wishes, now=now, seed=seed)
    first, second = opened[: len(allowed)], opened[len(allowed) :]
    assert len({prompt.id for prompt in first}) == len(allowed)
    assert len({prompt.id for prompt in second}) == len(second)
    assert all(prompt.level <= level and prompt.theme not in wishes and kind in prompt.kinds for prompt in opened)
    assert all(not prompt.when or now & set(prompt.when) for prompt in opened)
    assert bool(opened) == bool(allowed)


def test_what_is_for_a_time_comes_up_only_in_that_time():
    def when(*now):
        found = choice.eligible(DECK, max_level=5, kind=content.BondKind.FAMILY, wishes=frozenset(), now=frozenset(now))
        return {one for prompt in found for one in prompt.when}

    assert when() == set()
    for one in content.When:
        assert when(one) == {one}, "a time without prompts"
    assert when(*content.When) == set(content.When)


@settings(max_examples=60, deadline=None)
@given(level=LEVELS, seed=SEEDS, turns=st.integers(1, 12))
def test_components_stay_in_balance(level, seed, turns):
    opened, _state = play(turns, max_level=level, kind=content.BondKind.FRIENDS, seed=seed)
    counts = [sum(prompt.component is component for prompt in opened) for component in content.Component]
    assert max(counts) - min(counts) <= 1 or turns > 10


@settings(max_examples=40, deadline=None)
@given(level=LEVELS, seed=SEEDS, turns=st.integers(0, 30))
def test_the_same_arguments_give_the_same_prompt(level, seed, turns):
    arguments = {"max_level": level, "kind": content.BondKind.CIRCLE, "seed": seed}
    _opened, state = play(turns, **arguments)
    again = choice.DeckState.from_payload(state.to_payload())
    assert again == state
    assert choice.choose(DECK, state, **arguments) == choice.choose(DECK, again, **arguments)


@settings(max_examples=6, deadline=None)
@given(level=LEVELS, seed=SEEDS)
def test_another_one_is_always_another_one_until_all_were_looked_at(level, seed):
    arguments = {"max_level": level, "kind": content.BondKind.PARTNERS, "seed": seed}
    skipped: list[str] = []
    allowed = choice.eligible(DECK, max_level=level, kind=content.BondKind.PARTNERS, wishes=frozenset())
    for _look in allowed:
        prompt = choice.choose(DECK, choice.DeckState(), skipped=tuple(skipped), **arguments)
        assert prompt is not None and prompt.id not in skipped
        skipped.append(prompt.id)
    again = choice.choose(DECK, choice.DeckState(), skipped=tuple(skipped), **arguments)
    assert again is not None and again.id == skipped[0]


def test_seeds_vary_the_order():
    arguments = {"max_level": 5, "kind": content.BondKind.FRIENDS}
    firsts = {choice.choose(DECK, choice.DeckState(), seed=str(n), **arguments).id for n in range(20)}
    assert len(firsts) > 5


def test_depth_is_asked_about_after_four_at_the_present_one():
    state = choice.DeckState()
    for prompt in [one for one in DECK.prompts if one.level == 1][:4]:
        assert not choice.levels_offer(state, 1)
        state = state.after(prompt)
    assert choice.levels_offer(state, 1) and not choice.levels_offer(state, 2) and not choice.levels_offer(state, 5)

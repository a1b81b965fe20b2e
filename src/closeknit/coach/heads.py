"""What the reader's network puts out: one number each, in this order, before calibration."""

from __future__ import annotations

from .labels import Label, Risk

EMPATHY = ("emotional_reaction", "interpretation", "exploration")
LEVELS = 3
SUPPORT = ("emotional_disclosure", "informational_disclosure", "emotional_support", "informational_support")
EMOTIONS = (
    *("admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire"),
    *("disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy"),
    *("love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral"),
)
OWN = (*(label for label in Label if label is not Label.NEUTRAL), *Risk)
DEPTHS = ("simple", "complex")

#: Group, and the names of its outputs. A group shares a layer. Before `training.settle` a number is no probability.
GROUPS: dict[str, tuple[str, ...]] = {
    "empathy": tuple(f"{name}:{level}" for name in EMPATHY for level in range(LEVELS)),
    "own": tuple(str(name) for name in OWN),
    "depth": DEPTHS,
    "support": SUPPORT,
    "advised": ("advised",),
    "emotions": tuple(f"emotion:{name}" for name in EMOTIONS),
    "scales": ("intimacy", "politeness"),
    "needs": ("self_need", "asks_need"),
}
NAMES: tuple[str, ...] = tuple(name for names in GROUPS.values() for name in names)
PLACE: dict[str, int] = {name: place for place, name in enumerate(NAMES)}

#: Tokens of what is answered (the first and the last of a long one), and of a piece of the text itself.
REPLY_TOKENS = (32, 64)
TEXT_TOKENS = 160

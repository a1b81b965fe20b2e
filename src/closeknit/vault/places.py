"""Where an envelope lives. Part of its associated data, so nothing opens anywhere but where it was sealed."""

from enum import StrEnum


class Place(StrEnum):
    """Constants for ever: a value never changes and is never used again for another place, whatever code is renamed."""

    # a member's own
    MEMBER_SECRET = "member.secret"
    PROFILE = "member.profile"
    SESSION_SECRET = "session.secret"
    SESSION_DROP = "session.drop"
    SESSION_DROP_OWN = "session.drop.own"
    SESSION_KEPT = "session.kept"
    DROPPED = "member.dropped"
    RECORD = "member.record"
    FACTOR = "member.factor"
    REFUSAL = "member.refusal"
    COACH = "member.coach"
    LIBRARY = "member.library"
    JOURNAL_DRAFT = "member.draft"
    SHEET = "member.sheet"
    PICTURE = "member.picture"
    PICTURE_PART = "member.picture.part"
    # a bond's
    BOND_CARD = "bond.card"
    BOND_KEY = "bond.key"
    MEMBERSHIP_CARD = "membership.card"
    MEMBERSHIP_WISHES = "membership.wishes"
    # Lay under the bond's key and said nothing; open_from took its place, under its owner's own. Never used again.
    MEMBERSHIP_OPEN_AFTER = "membership.open_after"
    MEMBERSHIP_OPEN_FROM = "membership.open_from"
    MEMBERSHIP_PINS = "membership.pins"
    MEMBERSHIP_OWN = "membership.own"
    MEMBERSHIP_VOTES = "membership.votes"
    MEMBERSHIP_PAUSE = "membership.pause"
    STREAM_HEAD = "stream.head"
    GRANT = "grant"
    INVITATION_CARD = "invitation.card"
    INVITATION_KEY = "invitation.key"
    INVITATION_SECRET = "invitation.secret"
    INVITATION_ACCEPTANCE = "invitation.acceptance"
    EVENT = "event"
    ITEM = "item"
    ITEM_WRAP_SELF = "item.wrap.self"
    ITEM_WRAP_BOND = "item.wrap.bond"
    PRIVATE_WORD = "private.word"
    # moments
    DECK = "deck"
    MOMENT_CARD = "moment.card"
    DRAFT = "draft"
    OWN_PROMPT = "own_prompt"
    # dialogues
    DIALOGUE_CARD = "dialogue.card"
    DIALOGUE_OWN = "dialogue.own"
    DIALOGUE_CHOICE = "dialogue.choice"
    # taking
    ARRIVAL = "arrival"

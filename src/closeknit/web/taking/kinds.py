"""How what waits to be brought in is erased for one member."""

from __future__ import annotations

from closeknit.web.sealed.kinds import delete_where, register, reseal_where

from .models import Arrival

register(
    Arrival,
    why_not_exported="Words of a file that its owner has, for the hour in which they decide.",
    erase=delete_where(Arrival, "member"),
    reseal=reseal_where(Arrival, "member"),
)

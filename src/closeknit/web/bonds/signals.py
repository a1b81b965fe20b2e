"""What happens in a bond that rooms above may want to join in, inside the same transaction."""

from django.dispatch import Signal

#: opened: OpenBond, just founded by its only member.
bond_founded = Signal()
#: opened: OpenBond, as the newcomer holds it.
bond_joined = Signal()
#: bond, old: dict of epoch to key, new: OpenBond: reseal what lives on under the bond's key.
epoch_made = Signal()

"""Words for the pages of a copy."""

from __future__ import annotations

from django import template

from .. import paper

register = template.Library()
register.filter("name_of", paper.name_of)
register.filter("kind_label", paper.kind_label)
register.filter("own_lines", paper.own_lines)

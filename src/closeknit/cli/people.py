"""`invite`, `host`: who gets an account, and whose machine it is."""

from __future__ import annotations

import click

from .ground import main, set_environment, start_django


@main.command()
def invite() -> None:
    """Print a one-time link with which someone can make an account here."""
    set_environment()
    loaded = start_django()
    import uuid

    from django.core import signing

    token = signing.dumps(str(uuid.uuid4()), salt="closeknit.host-link")
    click.echo(f"{loaded.origin}/start/{token}/")


@main.command()
@click.argument("name")
def host(name: str) -> None:
    """Move the host's mark to this member, so that their bonds can say so."""
    set_environment()
    start_django()
    from django.db import transaction

    from closeknit.web.members.models import Member

    member = Member.objects.filter(username__iexact=name).first()
    if member is None:
        raise click.ClickException("Nobody signs in with that name.")
    with transaction.atomic():
        Member.objects.filter(is_host=True).update(is_host=False)
        Member.objects.filter(pk=member.pk).update(is_host=True)
    click.echo("Done.")

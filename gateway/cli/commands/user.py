"""`gatehouse user`: people, their PINs, passphrases and keys, tokens of integrators; with the daemon dead or alive."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.commands.options import Site, leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)

Account = Annotated[str, typer.Argument()]
Clear = Annotated[bool, typer.Option("--clear")]


def _run(context: typer.Context, verb: str, site: Site, **args: str) -> None:
    common = session_of(context).common
    leave(composition().user(verb, site, {**args, "output": common.output, "lang": common.language}))


def _flag(given: bool) -> str:
    return "yes" if given else ""


@app.command("list")
def _list(context: typer.Context, site: Site) -> None:
    _run(context, "list", site)


@app.command("add")
def _add(
    context: typer.Context,
    site: Site,
    account: Account,
    full_name: Annotated[str, typer.Option("--name")],
    roles: Annotated[str, typer.Option("--roles")],
    name_en: Annotated[str, typer.Option("--name-en")] = "",
) -> None:
    _run(context, "add", site, user=account, name=full_name, roles=roles, name_en=name_en)


@app.command("pin")
def _pin(
    context: typer.Context,
    site: Site,
    account: Account,
    issue: Annotated[bool, typer.Option("--issue")] = False,
    clear: Clear = False,
) -> None:
    _run(context, "pin", site, user=account, issue=_flag(issue), clear=_flag(clear))


@app.command("passphrase")
def _passphrase(context: typer.Context, site: Site, account: Account, clear: Clear = False) -> None:
    _run(context, "passphrase", site, user=account, clear=_flag(clear))


@app.command("key")
def _key(
    context: typer.Context,
    site: Site,
    account: Account,
    signing_key: Annotated[str, typer.Argument()],
    revoke: Annotated[bool, typer.Option("--revoke")] = False,
) -> None:
    _run(context, "key", site, user=account, key=signing_key, revoke=_flag(revoke))


@app.command("token")
def _token(
    context: typer.Context,
    site: Site,
    token_name: Annotated[str, typer.Argument()],
    remove: Annotated[bool, typer.Option("--remove")] = False,
) -> None:
    _run(context, "token", site, name=token_name, remove=_flag(remove))


@app.command("remove")
def _remove(context: typer.Context, site: Site, account: Account) -> None:
    _run(context, "remove", site, user=account)

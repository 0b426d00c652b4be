"""`reconcile orgs`: which orgs are known, and whether one can be reached."""

import click

from .options import json_option


@click.group("orgs")
def command() -> None:
    """List orgs, or check that one can be reached."""


@command.command("list")
@json_option
def list_orgs(as_json: bool) -> None:
    """List the orgs of orgs.yaml, and the embedded one. Asks nobody.

    \b
    Example:
        reconcile orgs list
    """
    from reconciler.render.machine import FORMAT_VERSION, dumps

    from .wiring import Project

    orgs = Project.here().orgs.values()
    if as_json:
        listed = [
            {
                "name": org.name,
                "url": org.url,
                "emulated": org.emulated,
                "tags": list(org.tags),
                "protect": org.protect,
            }
            for org in orgs
        ]
        click.echo(dumps({"format_version": FORMAT_VERSION, "orgs": listed}))
        return
    for org in orgs:
        place = "emulated" if org.emulated else org.url or "by its sign-in"
        notes = [*org.tags, *(["protected"] if org.protect else [])]
        click.echo(f"{org.name}: {place}" + (f" ({', '.join(notes)})" if notes else ""))


@command.command("check")
@click.argument("name")
@json_option
def check(name: str, as_json: bool) -> None:
    """Sign in to NAME and tell what it is: name, edition, sandbox or not, API calls left.

    A certificate of your company's own authority is trusted when orgs.yaml names the authority
    with ca_file. Proxies are taken from HTTPS_PROXY and NO_PROXY.

    \b
    Example:
        reconcile orgs check demo
    """
    from reconciler.render.machine import FORMAT_VERSION, dumps

    from .connecting import open_org
    from .wiring import Project

    project = Project.here()
    client = open_org(project.folder, project.org(name))
    row = client.organization()
    told = {
        "name": name,
        "org_id": client.org_id,
        "organization": row["Name"],
        "edition": row["OrganizationType"],
        "is_sandbox": row["IsSandbox"],
        "instance": row["InstanceName"],
        "calls_left": client.calls_left,
    }
    if as_json:
        click.echo(dumps({"format_version": FORMAT_VERSION, **told}))
        return
    for key, value in told.items():
        click.echo(f"{key.replace('_', ' ')}: {value}")

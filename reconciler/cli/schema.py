"""`reconcile schema`: the JSON Schema that editors complete and check state files with."""

import json

import click


@click.command("schema")
@click.option("--orgs", "of_orgs", is_flag=True, help="The schema of orgs.yaml instead.")
def command(of_orgs: bool) -> None:
    """Print the JSON Schema of state files, for editors.

    \b
    Example:
        reconcile schema > reconcile.schema.json
    """
    from reconciler.resources.registry import SECTIONS
    from reconciler.spec.json_schema import json_schema, json_schema_orgs

    schema = json_schema_orgs() if of_orgs else json_schema({each.name: each.schema() for each in SECTIONS})
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))

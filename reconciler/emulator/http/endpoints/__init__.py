"""The endpoints, one module a family of resources. Importing this fills the table of routes."""

from importlib import import_module

MODULES = (
    "versions",
    "limits",
    "describes",
    "rows",
    "external_ids",
    "sobject_collections",
    "composite",
    "batch",
    "tree",
    "graph",
    "queries",
    "search",
    "recent",
    "replication",
    "oauth",
    "identity",
    "passwords",
    "partner_soap",
    "metadata_soap",
    "metadata_rest",
    "tooling_queries",
    "tooling_rows",
    "tooling_apex",
    "apex_soap",
    "bulk2_ingest",
    "bulk2_query",
    "bulk1",
)

for _module in MODULES:
    import_module(f"{__name__}.{_module}")

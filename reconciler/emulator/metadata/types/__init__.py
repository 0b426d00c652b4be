"""Types of components that live elsewhere than in their trees, one module each; importing registers them."""

from importlib import import_module

MODULES: tuple[str, ...] = (
    *("access", "flows", "layouts", "packages", "pages", "parts", "people", "records", "references"),
    *("schema_types", "sharing", "shown_rows", "value_sets"),
)

for _module in MODULES:
    import_module(f"{__name__}.{_module}")

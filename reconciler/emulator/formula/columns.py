"""How SQL asks for a field that is computed: a function of the field's name and the row's id.

`engine` registers the function with the connection of each org.
"""

from typing import Final

from ..schema import Field
from .kinds import KINDS, Kind

FUNCTION: Final = "_formula"


def column_sql(sobject: str, field: Field, id_sql: str) -> str:
    """The value of a formula or roll-up of the row with an id, as the store would keep it."""
    sql = f"{FUNCTION}('{sobject}.{field.name}', {id_sql})"
    if field.type == "boolean":
        return f"IFNULL({sql}, 0)"
    return f"({sql} COLLATE NOCASE)" if KINDS.get(field.type) is Kind.TEXT else sql

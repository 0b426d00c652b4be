"""What a query may not exceed, as numbers; its length and offset are `bounds` of the org.

Source: Salesforce Developer Limits, "SOQL and SOSL"; SOQL and SOSL Reference, "OFFSET", "FIELDS()",
"Relationship Query Limitations", "Comparison Operators".
"""

from typing import Final

FILTER_STRING_CHARACTERS: Final = 4_000
SEMI_JOINS: Final = 2
CHILD_SUBQUERIES: Final = 20
CHILD_LEVELS: Final = 5
CHILD_LEVELS_BEFORE_V58: Final = 1
PARENT_LEVELS: Final = 5
PARENT_PATHS: Final = 55
FIELDS_ROWS: Final = 200
GROUPS: Final = 2_000
ROLLUP_FIELDS: Final = 3
FIRST_DATE: Final = "1700-01-01"
LAST_DATE: Final = "4000-12-31"
NESTED_CONDITIONS: Final = 200
"""Our own: parentheses and NOTs deeper than this are refused before Python's stack is."""

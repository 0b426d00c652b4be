"""How metadata names the columns of list views and related lists: `CASES.CASE_NUMBER`, `FULL_NAME`.

Source: Metadata API Developer Guide, "ListView", "Layout"; the names as real projects' files have them.
"""

from reconciler.emulator.schema import Field, SObject

PATHS = {
    "CORE.USERS.ALIAS": "Owner.Alias",
    "CORE.USERS.FIRST_NAME": "Owner.FirstName",
    "CORE.USERS.LAST_NAME": "Owner.LastName",
    "OWNER.ALIAS": "Owner.Alias",
    "CREATEDBY_USER": "CreatedBy.Name",
    "UPDATEDBY_USER": "LastModifiedBy.Name",
    "LAST_UPDATE": "LastModifiedDate",
    "FULL_NAME": "Name",
}
"""Columns whose names follow no rule."""


def find_field(sobject: SObject, name: str) -> Field | None:
    """The field of the object that a column or a filter means; None for what means none."""
    if name in PATHS:
        return sobject.field(PATHS[name])
    last = name.rpartition(".")[2]
    if found := sobject.field(last):
        return found
    plain = last.replace("_", "").lower()
    wanted = (plain, f"{plain}id", plain.removesuffix("1"), f"is{plain}", f"{plain}date")
    by_name = {field.name.lower(): field for field in sobject.fields.values()}
    return next((by_name[each_name] for each_name in wanted if each_name in by_name), None)

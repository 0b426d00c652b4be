"""What the fields of a natural key are: the describe of the parent that a look-up names decides.

A key is written under the child (`Account__r: {Code__c: ACME}`) and may go on through parents
(`Session__r: {Schedule__r: {Name: X}}`); its values are typed by the field at the end of the path,
as the parent's own rows are. Rows that are named alike in every org (users, groups, profiles) are
named by text, and no describe is spent on them.
"""

from reconciler.model.describe import FieldInfo, ObjectInfo
from reconciler.model.promises import OrgClient

NAMED_BY_TEXT = {
    name.lower(): name
    for name in ("Username", "Alias", "Name", "DeveloperName", "Type", "SobjectType", "NamespacePrefix")
}
"""Fields that name setup rows, by their names in lower case."""
SETUP_OBJECTS = frozenset(
    [
        "User",
        "Group",
        "Profile",
        "UserRole",
        "PermissionSet",
        "PermissionSetGroup",
        "PermissionSetLicense",
        "CustomPermission",
        "ApexClass",
        "ApexPage",
        "RecordType",
        "Organization",
    ]
)


class NoSuchField(LookupError):
    """A path of a key that the org's describes do not have."""

    def __init__(self, info: ObjectInfo, name: str) -> None:
        super().__init__(f"{info.name} has no field {name}")
        self.info = info
        self.name = name


class KeyTypes:
    """The fields behind the paths of keys. Costs one describe an object, where none is cached."""

    def __init__(self, org: OrgClient) -> None:
        self._org = org
        self._known: dict[tuple[str, str], tuple[str, FieldInfo | None]] = {}

    def field(self, sobject: str, path: str) -> FieldInfo | None:
        """The field at the end of ``path``; None where the org tells nothing of it. Raises `NoSuchField`.

        Nothing is told of objects hidden from the user and of parents that may be of several objects.
        """
        return self.named(sobject, path)[1]

    def named(self, sobject: str, path: str) -> tuple[str, FieldInfo | None]:
        """``path`` as the org spells it, under which answers have the value, and its `field`."""
        token = (sobject, path)
        if token not in self._known:
            self._known[token] = self._find(sobject, path)
        return self._known[token]

    def _find(self, sobject: str, path: str) -> tuple[str, FieldInfo | None]:
        name, dot, rest = path.partition(".")
        if sobject in SETUP_OBJECTS and name.lower() in NAMED_BY_TEXT:
            return NAMED_BY_TEXT[name.lower()], None
        info = self._org.describe([sobject]).get(sobject)
        if info is None:
            return path, None
        field = _named(info, name, relationship=bool(dot))
        if field is None:
            info = self._org.refresh([sobject]).get(sobject, info)  # it may be younger than the cache
            field = _named(info, name, relationship=bool(dot))
        if field is None:
            raise NoSuchField(info, name)
        if not dot:
            return field.name, field
        if len(field.reference_to) != 1:
            return f"{field.relationship}.{rest}", None
        rest, last = self.named(field.reference_to[0], rest)
        return f"{field.relationship}.{rest}", last


def _named(info: ObjectInfo, name: str, *, relationship: bool) -> FieldInfo | None:
    return (info.relationships if relationship else info.fields).get(name.lower())

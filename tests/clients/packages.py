"""The packages that jobs deploy: a good one, one that must fail whole, one to validate first."""

import zipfile
from pathlib import Path

NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def custom_object(label: str, *fields: str) -> str:
    """A whole `.object`; ``fields`` are elements of `text_field`."""
    return (
        f"{HEAD}<CustomObject {NAMESPACE}>\n"
        f"    <label>{label}</label>\n    <pluralLabel>{label}s</pluralLabel>\n"
        "    <nameField>\n        <label>Name</label>\n        <type>Text</type>\n    </nameField>\n"
        "    <deploymentStatus>Deployed</deploymentStatus>\n    <sharingModel>ReadWrite</sharingModel>\n"
        f"{''.join(fields)}</CustomObject>\n"
    )


def text_field(name: str) -> str:
    return (
        f"    <fields>\n        <fullName>{name}</fullName>\n        <label>{name[:-3]}</label>\n"
        "        <length>40</length>\n        <type>Text</type>\n    </fields>\n"
    )


def manifest(**types: str | list[str]) -> str:
    """A package.xml; one element a line, because one client reads it line by line."""
    told = ""
    for name, members in types.items():
        listed = [members] if isinstance(members, str) else members
        told += "    <types>\n" + "".join(f"        <members>{each}</members>\n" for each in listed)
        told += f"        <name>{name}</name>\n    </types>\n"
    return f"{HEAD}<Package {NAMESPACE}>\n{told}    <version>66.0</version>\n</Package>\n"


PERMISSION_SET = (
    f"{HEAD}<PermissionSet {NAMESPACE}>\n    <fieldPermissions>\n        <editable>true</editable>\n"
    "        <field>Widget__c.Code__c</field>\n        <readable>true</readable>\n    </fieldPermissions>\n"
    "    <label>Widget User</label>\n    <objectPermissions>\n        <allowCreate>true</allowCreate>\n"
    "        <allowDelete>false</allowDelete>\n        <allowEdit>true</allowEdit>\n"
    "        <allowRead>true</allowRead>\n        <modifyAllRecords>false</modifyAllRecords>\n"
    "        <object>Widget__c</object>\n        <viewAllRecords>false</viewAllRecords>\n"
    "    </objectPermissions>\n</PermissionSet>\n"
)
WIDGET = {
    "objects/Widget__c.object": custom_object("Widget", text_field("Code__c")),
    "permissionsets/Widget_User.permissionset": PERMISSION_SET,
}
PACKAGES: dict[str, dict[str, str]] = {
    "good": {
        **WIDGET,
        "package.xml": manifest(
            CustomObject="Widget__c", CustomField="Widget__c.Code__c", PermissionSet="Widget_User"
        ),
    },
    "bad": {
        **WIDGET,
        "objects/Nothing__c.object": (
            f"{HEAD}<CustomObject {NAMESPACE}>\n{text_field('Code__c')}</CustomObject>\n"
        ),
        "package.xml": manifest(
            CustomObject="Widget__c",
            CustomField=["Widget__c.Code__c", "Nothing__c.Code__c"],
            PermissionSet="Widget_User",
        ),
    },
    "gadget": {
        "objects/Gadget__c.object": custom_object("Gadget"),
        "package.xml": manifest(CustomObject="Gadget__c"),
    },
    "goodbye": {
        "destructiveChanges.xml": manifest(CustomObject="Widget__c", PermissionSet="Widget_User"),
        "package.xml": manifest(),
    },
}


def write(folder: Path) -> None:
    """Each package as `NAME.zip`, its files at the top."""
    for name, files in PACKAGES.items():
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as zipped:
            for path, text in files.items():
                zipped.writestr(path, text)

"""What a user may see and do: rights, views, shared rows.

Rights are rows. A user holds those of the profile's permission set, of the permission sets assigned
and of the groups assigned (`rights`); nothing else grants anything. From the rights follows a view of
the schema (`view`): objects that may not be read and fields that may not be seen are not in it, and
what may not be written says so in its describe. Whoever compiles a query or describes an object is
handed the view instead of the schema, so that what is hidden is refused in the words for what does
not exist, as Salesforce does. Rows are hidden by a condition (`sharing`), writes pass `checks`.

An administrator who sees everything is handed the org's own schema, no conditions and no checks of
rows: what the rights cost is paid by those whose rights are narrow.

Source: Salesforce Security Guide, "Control Who Sees What"; Object Reference, "PermissionSet",
"ObjectPermissions", "FieldPermissions".
"""

"""The sections of a state file and the kinds behind them, in the order people read them."""

from collections.abc import Mapping, Sequence

from reconciler.model.promises import Kind, OrgClient

from . import (
    assignment,
    custom_setting,
    group,
    permission_set,
    permission_set_group,
    record,
    user,
    user_role,
)
from .declare import Section
from .key_types import KeyTypes
from .lookups import LookupTable
from .rows import RowKind

SECTIONS: Sequence[Section] = (
    user_role.SECTION,
    user.SECTION,
    permission_set_group.LICENSES,
    permission_set.SECTION,
    permission_set_group.GROUPS,
    group.PUBLIC_GROUPS,
    group.QUEUES,
    custom_setting.SECTION,
    record.SECTION,
)

KINDS: Sequence[type[RowKind]] = (
    user_role.UserRole,
    user.User,
    user.UserLogin,
    assignment.PermissionSetLicenseAssign,
    permission_set.PermissionSet,
    permission_set.ObjectPermissions,
    permission_set.FieldPermissions,
    permission_set.SetupEntityAccess,
    permission_set_group.PermissionSetGroup,
    permission_set_group.PermissionSetGroupComponent,
    assignment.PermissionSetAssignment,
    group.Group,
    group.QueueSobject,
    group.GroupMember,
    custom_setting.CustomSetting,
    record.Record,
)
"""In the order in which they are written where nothing else decides: licence before assignment,
permission set before who has it, queue before what it owns."""


def make_kinds(org: OrgClient, secrets: Mapping[str, str]) -> tuple[dict[str, Kind], LookupTable]:
    """The kinds bound to one org for one run, and the look-ups they share."""
    lookups = LookupTable(org.org_id, KeyTypes(org))
    return {kind.name: kind(org, lookups, secrets) for kind in KINDS}, lookups

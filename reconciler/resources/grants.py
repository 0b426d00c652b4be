"""Rows that give rights on an object or field by its API name, which no look-up checks.

Salesforce answers a wrong name only when the row is written; here it is looked at while planning. Rows
that take a right away are not looked at: what is not in the org gives no rights.
"""

from collections.abc import Sequence

from reconciler.model.errors import Problem
from reconciler.model.state import Resource

from .api_names import Granted
from .rows import RowKind


class GrantKind(RowKind):
    """A kind whose rows name what they are about by text."""

    def sobjects(self, resources: Sequence[Resource]) -> set[str]:
        named = {self.granted_on(resource) for resource in resources if not resource.absent}
        return super().sobjects(resources) | named

    def resolve(self, resources: Sequence[Resource]) -> list[Problem]:
        granted = Granted(self.org)
        problems = [self.grant_problem(granted, resource) for resource in resources if not resource.absent]
        return super().resolve(resources) + [each for each in problems if each is not None]

    def granted_on(self, resource: Resource) -> str:
        """The object that the row is about."""
        raise NotImplementedError

    def grant_problem(self, granted: Granted, resource: Resource) -> Problem | None:
        raise NotImplementedError

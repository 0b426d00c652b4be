"""Steps and plans: values that know their way back.

A `Step` is one act on one resource and carries what it expects to find (`before`), what it makes
(`after`) and how it is undone. An inverse is a step too, so a revert is a plan. Steps hold keys,
not record ids: a plan reads the same wherever it is read, and a step in doubt can be looked up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .keys import ResourceKey
from .source import SourceRef
from .values import Fields, digest, fields_from_json, fields_to_json

PLAN_FORMAT = "1.0"


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Lane(StrEnum):
    """Salesforce refuses setup and ordinary objects in one transaction (MIXED_DML_OPERATION)."""

    SETUP = "setup"
    ORDINARY = "ordinary"


class Reversibility(StrEnum):
    EXACT = "exact"
    COMPENSATING = "compensating"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Inverse:
    """How a step is undone. ``step`` is None when it cannot be; ``remark`` says what stays behind, or why."""

    step: "Step | None"
    reversibility: Reversibility
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """What an inverse does. ``after`` is None where it removes the row, or where it mirrors the step."""

    action: Action
    after: Fields | None = None

    def to_json(self) -> dict[str, Any]:
        return {"action": self.action.value, "after": fields_to_json(self.after)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Undo":
        return cls(Action(data["action"]), fields_from_json(data["after"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One act on one resource. ``before`` is None for a create, ``after`` for a delete.

    Both hold the fields the step touches, in canonical values; for a delete ``before`` is all that
    is needed to make the row again.
    """

    kind: str
    sobject: str
    key: ResourceKey
    identity: Fields
    """The fields that find the row; after a rename those that find it before."""
    action: Action
    before: Fields | None
    after: Fields | None
    lane: Lane = Lane.ORDINARY
    reason: str = ""
    source: SourceRef | None = None
    reversibility: Reversibility = Reversibility.EXACT
    remark: str = ""
    """What the inverse leaves behind, or why there is none."""
    side_effects: tuple[str, ...] = ()
    needs: tuple[int, ...] = ()
    """Numbers of the earlier steps this one stands on; set when the plan is ordered."""
    undo: "Undo | None" = None
    """The inverse in short, for readers; set when the plan is made."""
    call: int = 0
    """Number of the API call that carries it; steps of one call are sent together."""

    @property
    def address(self) -> str:
        return self.key.address

    @property
    def fingerprint(self) -> str:
        """Digest of what the step expects to find; a live state with another one is refused."""
        return digest(fields_to_json(self.before))

    def to_json(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "kind": self.kind,
            "sobject": self.sobject,
            "identity": fields_to_json(self.identity),
            "action": self.action.value,
            "before": fields_to_json(self.before),
            "after": fields_to_json(self.after),
            "lane": self.lane.value,
            "reason": self.reason,
            "source": None if self.source is None else str(self.source),
            "reversibility": self.reversibility.value,
            "remark": self.remark,
            "side_effects": list(self.side_effects),
            "needs": list(self.needs),
            "undo": None if self.undo is None else self.undo.to_json(),
            "call": self.call,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Step":
        return cls(
            kind=data["kind"],
            sobject=data["sobject"],
            identity=fields_from_json(data["identity"]) or {},
            key=ResourceKey.parse(data["address"]),
            action=Action(data["action"]),
            before=fields_from_json(data["before"]),
            after=fields_from_json(data["after"]),
            lane=Lane(data["lane"]),
            reason=data["reason"],
            source=_source_from_text(data["source"]),
            reversibility=Reversibility(data["reversibility"]),
            remark=data["remark"],
            side_effects=tuple(data["side_effects"]),
            needs=tuple(data["needs"]),
            undo=None if data["undo"] is None else Undo.from_json(data["undo"]),
            call=data["call"],
        )


def _source_from_text(text: str | None) -> SourceRef | None:
    if text is None:
        return None
    file, line, column = text.rsplit(":", 2)
    return SourceRef(file, int(line), int(column))


@dataclass(frozen=True, slots=True)
class Impact:
    """What a plan means in numbers. ``rows``: sObject -> action -> count; who -> what they gain or lose."""

    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    gaining: Mapping[str, Sequence[str]] = field(default_factory=dict)
    losing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    calls_to_apply: int = 0
    calls_left: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": {name: dict(counts) for name, counts in self.rows.items()},
            "gaining": {who: list(what) for who, what in self.gaining.items()},
            "losing": {who: list(what) for who, what in self.losing.items()},
            "calls_to_apply": self.calls_to_apply,
            "calls_left": self.calls_left,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Impact":
        return cls(
            **{name: data[name] for name in ("rows", "gaining", "losing", "calls_to_apply", "calls_left")}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ordered steps that bring one org to a state, or back from it.

    ``plan_id`` is single-use. ``digest`` covers the ordered steps, the org and the state, and
    nothing that differs between two runs over the same org and files. Times are ISO text in UTC.
    """

    plan_id: str
    org_id: str
    org_name: str
    steps: Sequence[Step]
    state_digest: str
    created_at: str
    expires_at: str
    release: str | None = None
    reverts: str | None = None
    """The plan this one takes back."""
    impact: Impact = field(default_factory=Impact)
    protects: tuple[str, ...] = ()
    """Addresses under `$protect`; the journal keeps them once applied."""
    unprotects: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    partial: bool = False
    """Made with --target or --exclude: the state as a whole may still differ."""
    secrets: tuple[str, ...] = ()
    """Names of the secret variables that must be given again when it is applied."""
    _digests: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Computed once: a plan does not change."""
        if not self._digests:
            self._digests.append(self._compute_digest())
        return self._digests[0]

    def _compute_digest(self) -> str:
        return digest(
            {
                "org_id": self.org_id,
                "state_digest": self.state_digest,
                "reverts": self.reverts,
                "steps": [step.to_json() for step in self.steps],
                "protects": list(self.protects),
                "unprotects": list(self.unprotects),
            }
        )

    def to_json(self) -> dict[str, Any]:
        """The stored form. The printed form with Terraform's key names is `render`'s."""
        return {
            "plan_format": PLAN_FORMAT,
            "plan_id": self.plan_id,
            "digest": self.digest,
            "org_id": self.org_id,
            "org_name": self.org_name,
            "state_digest": self.state_digest,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "release": self.release,
            "reverts": self.reverts,
            "impact": self.impact.to_json(),
            "protects": list(self.protects),
            "unprotects": list(self.unprotects),
            "warnings": list(self.warnings),
            "partial": self.partial,
            "secrets": list(self.secrets),
            "steps": [step.to_json() for step in self.steps],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Plan":
        """Raises ValueError for another format or for content that is not what the digest says."""
        if data.get("plan_format") != PLAN_FORMAT:
            raise ValueError(f"plan format {data.get('plan_format')!r} is not {PLAN_FORMAT!r}")
        plan = cls(
            plan_id=data["plan_id"],
            org_id=data["org_id"],
            org_name=data["org_name"],
            steps=[Step.from_json(each) for each in data["steps"]],
            state_digest=data["state_digest"],
            created_at=data["created_at"],
            expires_at=data["expires_at"],
            release=data["release"],
            reverts=data["reverts"],
            impact=Impact.from_json(data["impact"]),
            protects=tuple(data["protects"]),
            unprotects=tuple(data["unprotects"]),
            warnings=tuple(data["warnings"]),
            partial=data["partial"],
            secrets=tuple(data["secrets"]),
        )
        if plan.digest != data["digest"]:
            raise ValueError("the content does not match its digest")
        return plan

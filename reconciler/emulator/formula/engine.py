"""The formulas of one org: compiled when first asked for, kept until what they name changes.

Fields change with the schema; rules and labels are components, and their stamp says when one of those was
written, by whichever process, or unwritten by a transaction that was undone.

SQL reaches fields through a function (`columns`), which reads the row and evaluates. While a query runs,
its rows share a `World`, so that a parent is read once.
"""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from .. import ids
from ..metadata_xml import BadXml, each, parse, text
from ..schema import Field, Schema, SObject
from .columns import FUNCTION
from .compile import Compiled, Compiler, Purpose, Run, check, wrong_result
from .faults import FormulaError
from .kinds import RESULTS, Kind, stored
from .names import Names
from .parse import parse as parse_formula
from .records import Record, World
from .rollups import rollup
from .rules import Rule, compile_condition, read_rule

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..tables import Table

FAILURES: Final = (ArithmeticError, ValueError, RecursionError)
"""What evaluating a row may raise: Salesforce's `#Error!`."""


class Calculated:
    """One field's function, or what is wrong with it."""

    __slots__ = ("field", "gap", "run")

    def __init__(self, field: Field, run: Run | None, gap: FormulaError | None) -> None:
        self.field, self.run, self.gap = field, run, gap

    def stored(self, record: Record) -> Any:
        """The value as the store would keep it; blank where there is none."""
        value = None
        if self.run is not None:
            try:
                return stored(self.field, self.run(record))
            except FAILURES:
                value = None
        return stored(self.field, value)


class FormulaStore:
    """What an org knows of its formulas."""

    def __init__(self, org: "EmulatedOrg") -> None:
        self._org = weakref.ref(org)
        self._made_from: tuple[int, int | None] | None = None
        self._fields: dict[str, Calculated] = {}
        self._compiling: list[str] = []
        self._rules: dict[str, tuple[Rule, ...]] | None = None
        self._defaults: dict[str, Calculated] = {}
        self._labels: dict[str, str] | None = None
        self._world: World | None = None
        me = weakref.ref(self)

        def evaluate(name: str, number: int | None) -> Any:
            formulas = me()
            return None if formulas is None or number is None else formulas._value_of(name, number)

        org.store.connection.create_function(FUNCTION, 2, evaluate)

    @property
    def org(self) -> "EmulatedOrg":
        org = self._org()
        assert org is not None, "formulas are asked by their org"
        return org

    @property
    def schema(self) -> Schema:
        return self.org.schema

    # -- evaluating

    @contextmanager
    def asking(self, user_id: str) -> Iterator[None]:
        """One query of a user: rows inside share what was read."""
        before = self._world
        self._world = World(self.org, ids.parse(user_id) or 0)
        try:
            yield
        finally:
            self._world = before

    def value(self, table: "Table", field: Field, values: dict[str, Any], user: int | None = None) -> Any:
        """A computed field of a row whose stored values are known, as the store would keep it."""
        world = self._world or World(self.org, user or self.org.admin_number)
        return self._calculated(table.sobject, field).stored(Record(world, table, values))

    def _value_of(self, name: str, number: int) -> Any:
        org = self.org
        owner, _, field_name = name.partition(".")
        sobject = org.schema[owner]
        field = sobject.fields[field_name.lower()]
        world = self._world or World(org, org.admin_number)
        record = world.read(number)
        return None if record is None else self._calculated(sobject, field).stored(record)

    def default(self, table: "Table", field: Field, user: int) -> Any:
        """The value a default formula gives a new row."""
        self._refresh()
        key = f"{table.name}.{field.name}"
        made = self._defaults.get(key)
        if made is None:
            made = self._defaults[key] = self._default(field)
        return made.stored(Record(World(self.org, user), table, {}))

    def _default(self, field: Field) -> Calculated:
        try:
            made = self.compile(None, field.default_formula or "", Purpose.DEFAULT)
            if made.kind is not Kind.MOMENT or field.type != "date":
                _check_result(made, field)
        except FormulaError as error:
            return Calculated(field, None, error)
        if made.kind is Kind.MOMENT and field.type == "date":
            run = made.run
            return Calculated(
                field, lambda record: None if (day := run(record)) is None else record.world.local(day), None
            )
        return Calculated(field, made.run, None)

    # -- compiling

    def compile(
        self, sobject: SObject | None, written: str, purpose: Purpose, *, blank_as_zero: bool = False
    ) -> Compiled:
        """Raises `FormulaError` with Salesforce's text."""
        names = Names(self, sobject, blank_as_zero=blank_as_zero)
        return Compiler(names, purpose).compile(parse_formula(written))

    def check_field(self, sobject: SObject, field: Field) -> None:
        """Whether Salesforce would save a formula, a roll-up or a default. Raises `FormulaError`."""
        if field.formula is not None:
            self._compile_formula(sobject, field)
        elif field.summary is not None:
            rollup(self.schema, self.org.tables, field)
        elif field.default_formula is not None and (gap := self._default(field).gap):
            raise gap

    def check_rule(self, sobject: SObject, written: str) -> None:
        """Whether Salesforce would save the condition of a validation rule. Raises `FormulaError`."""
        compile_condition(self, sobject, written)

    def calculated(self, sobject: SObject, field: Field) -> Run:
        """See `names.Formulas`."""
        key = f"{sobject.name}.{field.name}"
        if key in self._compiling:
            raise FormulaError(
                "Formula cannot use another formula field that directly or indirectly refers to itself."
            )
        made = self._calculated(sobject, field)
        if made.run is None:
            assert made.gap is not None
            raise made.gap
        return made.run

    def _calculated(self, sobject: SObject, field: Field) -> Calculated:
        self._refresh()
        key = f"{sobject.name}.{field.name}"
        made = self._fields.get(key)
        if made is None:
            self._compiling.append(key)
            try:
                made = self._make(sobject, field)
            finally:
                self._compiling.pop()
            self._fields[key] = made
        return made

    def _make(self, sobject: SObject, field: Field) -> Calculated:
        try:
            if field.summary is not None:
                return Calculated(field, rollup(self.schema, self.org.tables, field), None)
            return Calculated(field, self._compile_formula(sobject, field).run, None)
        except FormulaError as error:
            return Calculated(field, None, error)

    def _compile_formula(self, sobject: SObject, field: Field) -> Compiled:
        made = self.compile(sobject, field.formula or "", Purpose.FIELD, blank_as_zero=field.blank_as_zero)
        _check_result(made, field)
        return made

    def _refresh(self) -> None:
        """Forget what was compiled if the schema or a component changed since. Costs a microsecond or two."""
        org = self.org
        now = (org.schema.version, org.components.stamp)
        if now != self._made_from and not self._compiling:
            self._made_from = now
            self._fields.clear()
            self._defaults.clear()
            self._rules = self._labels = None

    # -- components

    def label(self, name: str) -> str | None:
        """The text of a custom label; None for one the org lacks."""
        if self._labels is None:
            self._labels = dict(self._read_labels())
        return self._labels.get(name.lower())

    def _read_labels(self) -> Iterator[tuple[str, str]]:
        for kind, full_name, xml in self.org.store.execute(
            "SELECT type, full_name, xml FROM _components WHERE type IN ('CustomLabels', 'CustomLabel')"
        ):
            try:
                tree = parse(xml)[1]
            except BadXml:
                continue
            if kind == "CustomLabel":
                yield full_name.lower(), text(tree, "value") or ""
            for label in each(tree, "labels"):
                yield (text(label, "fullName") or "").lower(), text(label, "value") or ""

    def rules(self) -> dict[str, tuple[Rule, ...]]:
        """Active validation rules by the name of their object; objects without any are absent."""
        self._refresh()
        if self._rules is None:
            self._rules = self._read_rules()
        return self._rules

    def _read_rules(self) -> dict[str, tuple[Rule, ...]]:
        found: dict[str, list[Rule]] = {}
        for full_name, xml in self.org.store.execute(
            "SELECT full_name, xml FROM _components WHERE type = 'ValidationRule' ORDER BY full_name"
        ):
            owner, _, name = full_name.partition(".")
            sobject = self.schema.get(owner)
            if sobject is not None and (rule := read_rule(self, sobject, name, xml)):
                found.setdefault(sobject.name, []).append(rule)
        return {name: tuple(rules) for name, rules in found.items()}

    # -- gaps

    def gaps(self) -> list[str]:
        """A line for each formula of the org that cannot be computed, and why."""
        return [*self._field_gaps(), *self._rule_gaps()]

    def _field_gaps(self) -> Iterator[str]:
        for sobject in map(self.org.schema.__getitem__, self.org.additions.changed_objects()):
            for field in sobject.fields.values():
                if field.computed:
                    gap = self._calculated(sobject, field).gap
                elif field.default_formula is not None and field.default is None:
                    gap = self._default(field).gap
                else:
                    continue
                if gap is not None:
                    yield f"{sobject.name}.{field.name}: {gap.message}"

    def _rule_gaps(self) -> Iterator[str]:
        for owner, rules in self.rules().items():
            for rule in rules:
                if rule.gap is not None:
                    yield f"{owner}.{rule.name}: {rule.gap.message}"


def _check_result(made: Compiled, field: Field) -> None:
    wanted = RESULTS.get(field.type, frozenset({Kind.TEXT}))
    if made.kind not in wanted and made.kind is not Kind.NULL:
        if made.kind in (Kind.PICKLIST, Kind.CHOICES):
            check(made, "", Kind.TEXT)
        raise wrong_result(made, next(iter(wanted)))

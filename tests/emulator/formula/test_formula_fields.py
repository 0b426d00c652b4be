"""Fields that are computed: read, filtered, sorted, grouped, followed through parents and chains."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

from .conftest import NOW, THING_FIELDS, custom_object, formula_field, load

FORMULAS = [
    formula_field("Double__c", "Number", "Amount__c * 2", "<precision>18</precision><scale>2</scale>"),
    formula_field("Third__c", "Number", "Amount__c / 3", "<precision>18</precision><scale>2</scale>"),
    formula_field("Nine__c", "Number", "Third__c * 9", "<precision>18</precision><scale>2</scale>"),
    formula_field(
        "Zero__c",
        "Number",
        "Amount__c + 1",
        "<precision>18</precision><scale>0</scale><formulaTreatBlanksAs>BlankAsZero</formulaTreatBlanksAs>",
    ),
    formula_field("Half__c", "Percent", "Share__c / 2", "<precision>18</precision><scale>1</scale>"),
    formula_field("Cost__c", "Currency", "Price__c * 1.005", "<precision>18</precision><scale>2</scale>"),
    formula_field("Big__c", "Checkbox", "Amount__c > 10"),
    formula_field("Shout__c", "Text", "UPPER(Word__c) & '!'"),
    formula_field("Owner_Name__c", "Text", "Account__r.Owner.LastName"),
    formula_field("Mine__c", "Checkbox", "Owner:User.Id = $User.Id"),
    formula_field("Queued__c", "Text", "Owner:Queue.Name"),
    formula_field("Next_Day__c", "Date", "Day__c + 1"),
    formula_field("Later__c", "DateTime", "Moment__c + 0.5"),
    formula_field("Self_Id__c", "Text", "CASESAFEID(Id)"),
    formula_field("Short_Id__c", "Text", "Id"),
    formula_field("Ratio__c", "Number", "1 / Amount__c", "<precision>18</precision><scale>4</scale>"),
    formula_field("Loop_A__c", "Number", "Loop_B__c + 1", "<precision>18</precision><scale>0</scale>"),
    formula_field("Loop_B__c", "Number", "Loop_A__c + 1", "<precision>18</precision><scale>0</scale>"),
    formula_field("Linked__c", "Text", "LINKTO('a', 'b', 'c')"),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> EmulatedOrg:
    org = EmulatedOrg(clock=Clock.fixed(NOW))
    child = custom_object(
        "Child",
        "<fields><fullName>Thing__c</fullName><label>Thing</label><type>Lookup</type>"
        "<referenceTo>Thing__c</referenceTo><relationshipName>Children</relationshipName></fields>",
        formula_field(
            "Thing_Double__c", "Number", "Thing__r.Double__c", "<precision>18</precision><scale>0</scale>"
        ),
    )
    objects = {"Thing__c": custom_object("Thing", *THING_FIELDS, *FORMULAS), "Child__c": child}
    load(org, tmp_path_factory.mktemp("fields"), objects)
    account = org.has("Account", Name="Acme")
    one = org.has(
        "Thing__c",
        Name="one",
        Amount__c=20,
        Share__c=12.5,
        Price__c=1,
        Word__c="b",
        Day__c="2024-02-29",
        Moment__c="2024-02-29T20:00:00Z",
        Account__c=account,
    )
    org.has("Thing__c", Name="two", Amount__c=5, Word__c="a")
    org.has("Thing__c", Name="three", Amount__c=0)
    org.has("Thing__c", Name="four")
    org.has("Child__c", Name="kid", Thing__c=one)
    org.has("Child__c", Name="orphan")
    return org


def asked(org: EmulatedOrg, soql: str, **options: Any) -> list[Any]:
    """The first selected value of each record, or all of them where several are selected."""
    records = [
        [value for name, value in each.items() if name != "attributes"]
        for each in org.query(soql, **options).records
    ]
    return [row[0] if len(row) == 1 else row for row in records]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Double__c", 40.0),
        ("Third__c", 6.67),
        ("Nine__c", 60.0),
        ("Half__c", 6.3),
        ("Cost__c", 1.01),
        ("Big__c", True),
        ("Shout__c", "B!"),
        ("Owner_Name__c", "Admin"),
        ("Mine__c", True),
        ("Queued__c", None),
        ("Next_Day__c", "2024-03-01"),
        ("Later__c", "2024-03-01T08:00:00.000+0000"),
        ("Ratio__c", 0.05),
    ],
)
def test_a_formula_reads_as_a_field_of_its_type_everywhere(base: EmulatedOrg, field: str, value: Any) -> None:
    if field == "Owner_Name__c":
        value = asked(base, f"SELECT LastName FROM User WHERE Id = '{base.admin_id}'")[0]
    (row,) = base.rows("Thing__c", Name="one")
    assert asked(base, f"SELECT {field} FROM Thing__c WHERE Name = 'one'") == [value]
    (kid,) = base.query(f"SELECT Thing__r.{field} FROM Child__c WHERE Name = 'kid'").records
    assert kid["Thing__r"][field] == value
    assert base.retrieve("Thing__c", row["Id"], [field])[field] == value
    assert row[field] == value


def test_a_row_without_values_has_blanks_and_false(base: EmulatedOrg) -> None:
    (row,) = base.rows("Thing__c", Name="four")
    assert (row["Double__c"], row["Zero__c"], row["Big__c"], row["Next_Day__c"]) == (None, 1.0, False, None)


def test_a_division_by_zero_is_null(base: EmulatedOrg) -> None:
    assert asked(base, "SELECT Ratio__c FROM Thing__c WHERE Name = 'three'") == [None]


def test_ids_are_short_in_formulas_and_long_when_made_safe(base: EmulatedOrg) -> None:
    (row,) = base.rows("Thing__c", Name="one")
    assert (row["Short_Id__c"], row["Self_Id__c"]) == (row["Id"][:15], row["Id"])


def test_formulas_are_filtered_sorted_and_grouped(base: EmulatedOrg) -> None:
    assert asked(base, "SELECT Name FROM Thing__c WHERE Double__c > 5 ORDER BY Double__c") == ["two", "one"]
    assert asked(base, "SELECT Name FROM Thing__c WHERE Shout__c = 'a!'") == ["two"]
    assert asked(base, "SELECT Name FROM Thing__c WHERE Big__c = false ORDER BY Name") == [
        "four",
        "three",
        "two",
    ]
    assert asked(base, "SELECT Name FROM Thing__c WHERE Next_Day__c = TOMORROW") == ["one"]
    assert asked(base, "SELECT Big__c, COUNT(Id) FROM Thing__c GROUP BY Big__c ORDER BY Big__c") == [
        [False, 3],
        [True, 1],
    ]
    assert asked(base, "SELECT SUM(Double__c) FROM Thing__c") == [50.0]


def test_formulas_are_filtered_through_parents_and_in_children(base: EmulatedOrg) -> None:
    assert asked(base, "SELECT Name FROM Child__c WHERE Thing__r.Double__c = 40") == ["kid"]
    assert asked(base, "SELECT Thing_Double__c FROM Child__c ORDER BY Name") == [40.0, None]
    (one,) = base.query(
        "SELECT (SELECT Thing_Double__c FROM Children__r) FROM Thing__c WHERE Name = 'one'"
    ).records
    assert one["Children__r"]["records"][0]["Thing_Double__c"] == 40.0


def test_a_checkbox_of_a_parent_that_is_not_there_is_false(base: EmulatedOrg) -> None:
    assert asked(base, "SELECT Name FROM Child__c WHERE Thing__r.Big__c = false") == ["orphan"]


def test_a_formula_knows_who_asks(base: EmulatedOrg) -> None:
    org = base.fork()
    (profile,) = org.rows("Profile", Name="System Administrator")
    other = org.has(
        "User",
        Username="ada@acme.example",
        LastName="Ada",
        Email="ada@acme.example",
        Alias="ada",
        ProfileId=profile["Id"],
        TimeZoneSidKey="Asia/Tokyo",
        LocaleSidKey="en_US",
        LanguageLocaleKey="en_US",
        EmailEncodingKey="UTF-8",
    )
    assert asked(org, "SELECT Mine__c FROM Thing__c WHERE Name = 'one'") == [True]
    assert asked(org, "SELECT Mine__c FROM Thing__c WHERE Name = 'one'", user_id=other) == [False]


def test_a_formula_follows_what_it_names(base: EmulatedOrg) -> None:
    org = base.fork()
    (one,) = org.rows("Thing__c", Name="one")
    with org.transaction() as tx:
        tx.update("Thing__c", one["Id"], {"Amount__c": 7})
    assert asked(org, "SELECT Thing_Double__c FROM Child__c WHERE Name = 'kid'") == [14.0]


def test_a_formula_is_not_written(base: EmulatedOrg) -> None:
    org = base.fork()
    (one,) = org.rows("Thing__c", Name="one")
    before = org.snapshot()
    with pytest.raises(ApiError) as refused, org.transaction() as tx:
        tx.update("Thing__c", one["Id"], {"Double__c": 1})
    assert refused.value.code == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert org.snapshot() == before


def test_formulas_that_cannot_be_computed_are_named_and_read_as_blank(base: EmulatedOrg) -> None:
    circle = "Formula cannot use another formula field that directly or indirectly refers to itself."
    assert base.formula_gaps() == [
        f"Thing__c.Loop_A__c: {circle}",
        f"Thing__c.Loop_B__c: {circle}",
        "Thing__c.Linked__c: The function LINKTO is not emulated",
    ]
    assert asked(base, "SELECT Loop_A__c, Linked__c FROM Thing__c WHERE Name = 'one'") == [[None, None]]


def test_an_org_without_formulas_has_no_gaps() -> None:
    org = EmulatedOrg()
    assert org.formula_gaps() == []
    assert "formulas" not in vars(org)  # nothing was loaded to say so
    org.close()


def test_formulas_are_there_when_a_file_is_opened_again(tmp_path: Path) -> None:
    org = EmulatedOrg(tmp_path / "org.db", clock=Clock.fixed(NOW))
    load(org, tmp_path, {"Thing__c": custom_object("Thing", *THING_FIELDS, FORMULAS[3])})
    org.has("Thing__c", Name="one")
    org.close()
    again = EmulatedOrg(tmp_path / "org.db", clock=Clock.fixed(NOW))
    assert asked(again, "SELECT Zero__c FROM Thing__c") == [1.0]
    again.close()


# -- global values


def test_global_values_are_read(base: EmulatedOrg, tmp_path: Path) -> None:
    org = base.fork()
    setting = custom_object(
        "Flags",
        "<fields><fullName>Limit__c</fullName><label>L</label><type>Number</type>"
        "<precision>9</precision><scale>0</scale></fields>",
        "<fields><fullName>On__c</fullName><label>On</label><type>Checkbox</type>"
        "<defaultValue>false</defaultValue></fields>",
        more="<customSettingsType>Hierarchy</customSettingsType>",
        name_field="",
    ).replace("<nameField><label>Name</label></nameField>", "")
    labels = (
        '<?xml version="1.0" encoding="UTF-8"?><CustomLabels xmlns="http://soap.sforce.com/2006/04/metadata">'
        "<labels><fullName>Greeting</fullName><language>en_US</language><value>Hello</value></labels></CustomLabels>"
    )
    fields = [
        formula_field("G1__c", "Text", "$Label.greeting & ' ' & $User.Username"),
        formula_field("G2__c", "Text", "$Profile.Name & '/' & $Organization.Id"),
        formula_field(
            "G3__c", "Number", "$Setup.Flags__c.Limit__c", "<precision>9</precision><scale>0</scale>"
        ),
        formula_field("G4__c", "Checkbox", "$Setup.Flags__c.On__c || $Permission.Nobody_Has_It"),
        formula_field(
            "G5__c",
            "Text",
            "LEFT($Api.Partner_Server_URL_260, FIND('/services', $Api.Partner_Server_URL_260))",
        ),
    ]
    extra = custom_object("Thing", *fields)
    load(org, tmp_path, {"Flags__c": setting, "Thing__c": extra}, labels)
    (profile,) = org.rows("Profile", Name="System Administrator")
    org.has("Flags__c", SetupOwnerId=org.org_id, Limit__c=10, On__c=True)
    org.has("Flags__c", SetupOwnerId=profile["Id"], On__c=False)
    g1, g2, g3, g4, g5 = asked(
        org, "SELECT G1__c, G2__c, G3__c, G4__c, G5__c FROM Thing__c WHERE Name = 'one'"
    )[0]
    assert g1 == f"Hello {org.username}"
    assert g2 == f"System Administrator/{org.org_id[:15]}"
    assert (g3, g4) == (10.0, False)
    assert g5.startswith("https://") and g5.endswith(".com/")


def test_a_custom_metadata_record_names_an_object_whose_parts_can_be_asked(tmp_path: Path) -> None:
    """Source: Metadata API Developer Guide, "CustomField", metadata relationship fields."""
    org = EmulatedOrg(clock=Clock.fixed(NOW))
    relation = (
        "<fields><fullName>Of__c</fullName><label>Of</label><type>MetadataRelationship</type>"
        "<referenceTo>EntityDefinition</referenceTo><relationshipName>Rates</relationshipName>"
        "<unique>true</unique></fields>"
    )
    asked = [
        formula_field(f"{part}__c", "Text", f"Of__r.{part}")
        for part in ("DeveloperName", "QualifiedApiName", "Label", "Nothing")
    ]
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "Rate__mdt.object").write_text(custom_object("Rate", relation, *asked), "utf-8")
    (tmp_path / "customMetadata").mkdir()
    for name, value in (("Low", "Thing__c"), ("Any", None)):
        told = (
            f'<values><field>Of__c</field><value xsi:type="xsd:string">{value}</value></values>'
            if value
            else ""
        )
        xml = (
            '<CustomMetadata xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xmlns:xsd="http://www.w3.org/2001/XMLSchema"><label>{name}</label>{told}</CustomMetadata>'
        )
        (tmp_path / "customMetadata" / f"Rate.{name}.md").write_text(xml, "utf-8")
    org.load(tmp_path)
    (gap,) = org.formula_gaps()
    assert "Of__r.Nothing" in gap
    rows = {each["DeveloperName"]: each for each in org.rows("Rate__mdt")}
    assert [rows["Low"][name] for name in ("DeveloperName__c", "QualifiedApiName__c")] == [
        "Thing",
        "Thing__c",
    ]
    assert rows["Any"]["QualifiedApiName__c"] is None

"""Updates of users and schemas in the text of a catalogue."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncdbaas import InvalidInputError
from asyncdbaas.catalogue import (
    Catalogue,
    CatalogueRegistry,
    CatalogueSchema,
    CatalogueTopic,
    CatalogueUpdate,
    CatalogueUser,
    parse_catalogue,
    update_catalogue,
)
from asyncdbaas.schemas import CompatibilityLevel, SchemaCreate, SchemaType
from asyncdbaas.topics import TopicCreate
from asyncdbaas.users import KafkaACL, KafkaPermission

ONE = "one"
TWO = "two"


def user(name: str, *rights: str, cluster: str = ONE) -> CatalogueUser:
    """Return a live user with rights such as `consume orders.*`."""
    acl = [right.split() for right in rights]
    return CatalogueUser(
        name=name,
        cluster=cluster,
        acl=tuple(KafkaACL(topic=topic, permission=KafkaPermission(word)) for word, topic in acl),
    )


def schema(subject: str, text: str = '{"type": "string"}', level: str | None = None) -> CatalogueSchema:
    made = SchemaCreate(subject_name=subject, schema_type=SchemaType.AVRO, schema=text)
    compatibility = None if level is None else CompatibilityLevel(level)
    return CatalogueSchema(subject=subject, schema=made, compatibility=compatibility, cluster=ONE)


def updated(
    text: str, *live: CatalogueUser | CatalogueSchema | CatalogueRegistry, remove: bool = False
) -> CatalogueUpdate:
    catalogue = Catalogue(
        topics=(CatalogueTopic(topic=TopicCreate(name="a"), cluster=ONE),) if "- name: a" in text else (),
        users=tuple(each for each in live if isinstance(each, CatalogueUser)),
        schemas=tuple(each for each in live if isinstance(each, CatalogueSchema)),
        registries=tuple(each for each in live if isinstance(each, CatalogueRegistry)),
    )
    clusters = {None: ONE, ONE: ONE, TWO: TWO}
    return update_catalogue(text, catalogue, clusters, file="t.yaml", users=True, schemas=True, remove_missing=remove)


USERS = """\
cluster: one
users:
# the shop
- name: shop   # their account
  owner: team-shop
  acl:
  - topic: orders.*   # all orders
    permission: consume   # only reads
  # and
  - {topic: carts, permission: produce}
- {name: stock, acl: []}
- name: by-hand   # its rights are not managed
# tail
"""


@pytest.mark.parametrize(
    ("rights", "change"),
    [
        (["consume orders.*", "produce carts"], ("", "")),
        (["admin orders.*", "produce carts"], ("permission: consume ", "permission: admin ")),
        (["consume orders.*"], ("  - {topic: carts, permission: produce}\n", "")),
        (
            ["consume orders.*", "produce carts", "consume returns"],
            ("permission: produce}\n", "permission: produce}\n  - {topic: returns, permission: consume}\n"),
        ),
        (
            [],
            (USERS[USERS.index(":\n  - topic") : USERS.index("\n- {name: stock")], ": []"),
        ),
    ],
)
def test_only_the_rights_that_differ_are_replaced(rights: list[str], change: tuple[str, str]) -> None:
    there = user("shop", *rights), user("stock"), user("by-hand", "admin *")
    result = updated(USERS, *there)
    assert result.text == (USERS.replace(*change) if change[0] else USERS)
    assert str(result) == f"+0 ~{int(bool(change[0]))} -0"
    assert updated(result.text, *there).text == result.text


def test_a_right_is_added_to_an_empty_list() -> None:
    there = user("shop", "consume orders.*", "produce carts"), user("stock", "consume a", "admin b"), user("by-hand")
    added = "acl: [{topic: a, permission: consume}, {topic: b, permission: admin}]"
    assert updated(USERS, *there).text == USERS.replace("acl: []", added)


def test_new_users_are_added_in_the_form_of_the_last_and_those_that_are_missing_stay_unless_asked() -> None:
    there = user("shop", "consume orders.*", "produce carts"), user("new", "consume a")
    result = updated(USERS, *there)
    added = "- name: new\n  acl:\n    - {topic: a, permission: consume}\n"
    assert result.text == USERS.replace("# tail\n", f"{added}# tail\n")
    assert (str(result), result.missing) == ("+1 ~0 -0", ("stock", "by-hand"))
    removed = updated(USERS, *there, remove=True)
    assert (str(removed), removed.missing) == ("+1 ~0 -2", ())
    assert "stock" not in removed.text
    flow = updated("users: [{name: a}]", user("a"), user("b", "admin x"))
    assert flow.text == "users: [{name: a}, {name: b, acl: [{topic: x, permission: admin}]}]"


def test_a_cluster_without_a_list_gets_one_at_its_end() -> None:
    text = "clusters:\n  - cluster: one\n    topics:\n      - name: a\n  # two\n  - cluster: two\n    topics: []\n"
    result = updated(text, user("new", "consume a"), schema("s"))
    users = "    users:\n      - name: new\n        acl:\n          - {topic: a, permission: consume}\n"
    schemas = '    schemas:\n      - subject: s\n        type: avro\n        schema: \'{"type": "string"}\'\n'
    assert result.text == text.replace("      - name: a\n", f"      - name: a\n{users}{schemas}")


SCHEMAS = """\
schema_registry: {compatibility: full}   # all
schemas:
  - subject: a   # first
    type: avro
    compatibility: backward   # for now
    schema: |
      {
        "type": "string"
      }
    # end of a
  - subject: b
    type: avro
    schema: '{"type": "long"}'   # b's
  - {subject: c, compatibility: none}
"""
LEVEL = CatalogueRegistry(compatibility=CompatibilityLevel.FULL, cluster=ONE)


def test_schemas_that_are_the_same_but_for_white_space_and_inherited_levels_stay() -> None:
    text = SCHEMAS.replace("none", "full")
    there = schema("a", level="BACKWARD"), schema("b", '{"type":"long"}'), schema("c"), LEVEL
    assert updated(text, *there).text == text


def test_a_schema_is_replaced_where_it_stands_and_as_it_is_written() -> None:
    there = (
        schema("a", '{\n  "type": "int"\n}\n', level="FORWARD"),
        schema("b", '{"type": "int"}'),
        schema("c", level="NONE"),
        schema("d", level="FULL"),
        CatalogueRegistry(compatibility=CompatibilityLevel.NONE, cluster=ONE),
    )
    result = updated(SCHEMAS, *there)
    expected = (
        SCHEMAS.replace('{\n        "type": "string"', '{\n        "type": "int"')
        .replace("backward ", "forward ")
        .replace('"long"', '"int"')
        .replace("{compatibility: full}", "{compatibility: none}")
    )
    added = '  - {subject: d, compatibility: FULL, type: avro, schema: \'{"type": "string"}\'}\n'
    assert (result.text, str(result)) == (expected + added, "+1 ~3 -0")
    assert updated(result.text, *there).text == result.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "x-r: &r [{topic: a, permission: consume}]\nusers: [{name: u, acl: *r}]",
            "u takes rights from an anchor",
        ),
        (
            "x-r: &r {acl: [{topic: a, permission: consume}]}\nusers: [{<<: *r, name: u}]",
            "u takes its acl from a merge",
        ),
        (
            "users:\n- {name: u, acl: &r [{topic: a, permission: consume}]}\n- {name: v, acl: *r}",
            "v would not match the live object",
        ),
        ("users: [{name: u, acl: [{topic: a, permission: '${P}'}]}]", "u takes permission from a variable"),
        ("cluster: [one, two]\nusers: [{name: v, acl: []}]", "u is new on one of several clusters"),
        ("{users: [{name: u}], topics: [{name: t}]}", "s is new, and its cluster has no list of schemas"),
        (
            "cluster: [one, two]\nusers: [{name: u, acl: [{topic: a, permission: consume}]}]",
            "u is declared for several clusters and differs between them",
        ),
    ],
)
def test_what_cannot_be_said_in_place_is_refused(text: str, reason: str) -> None:
    there = [user("u", "admin a"), user("v", "consume a"), schema("s"), user("u", cluster=TWO)]
    catalogue = Catalogue(
        users=tuple(each for each in there if isinstance(each, CatalogueUser)), schemas=(schema("s"),)
    )
    with pytest.raises(InvalidInputError, match=reason):
        update_catalogue(
            text,
            catalogue,
            {None: ONE, ONE: ONE, TWO: TWO},
            file="t.yaml",
            users=True,
            schemas="no list" in reason,
            variables={"P": "consume"},
        )


RIGHTS = st.lists(
    st.tuples(st.sampled_from(["consume", "produce", "admin"]), st.sampled_from("abc")).map(" ".join), unique=True
)
FORMS = st.sampled_from(
    [
        "  - name: {}\n    acl: [{}]   # of {}\n",
        "  - {{name: {}, acl: [{}]}}   # of {}\n",
    ]
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("uvw"), st.tuples(RIGHTS, FORMS), min_size=1),
    st.dictionaries(st.sampled_from("uvwx"), RIGHTS),
    st.booleans(),
)
def test_an_updated_file_declares_the_live_rights_and_keeps_its_comments(
    declared: dict[str, tuple[list[str], str]], world: dict[str, list[str]], remove: bool
) -> None:
    text = "topics:\n  - name: a\nusers:\n"
    for name, (rights, form) in declared.items():
        items = [f"{{topic: {right.split()[1]}, permission: {right.split()[0]}}}" for right in rights]
        text += form.format(name, ", ".join(items), name)
    result = updated(text, *(user(name, *rights) for name, rights in world.items()), remove=remove)
    found = {entry.name: entry for entry in parse_catalogue(result.text, file="t.yaml").users}
    assert found.keys() == world.keys() | (set() if remove else declared.keys())
    for name, rights in world.items():
        assert set(found[name].acl or ()) == set(user(name, *rights).acl or ())
    assert all(f"# of {name}\n" in result.text for name in declared.keys() & found.keys())

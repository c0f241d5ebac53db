"""Random IDL types, how both IDL specs write them, and random values of them. Shares nothing with the decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

INTEGERS = [f"{sign}{bits}" for sign in "ui" for bits in (8, 16, 32, 64, 128, 256)]
SCALARS = [*INTEGERS, "f32", "f64", "bool", "string", "bytes", "pubkey"]
FIXED = [*INTEGERS, "f32", "f64", "bool", "pubkey"]
WRAPPERS = ["option", "coption", "vec", "array", "tuple", "bTreeSet", "bTreeMap"]
DEFINED = ["struct", "tuple_struct", "enum", "alias"]
FORMS = {*SCALARS, *WRAPPERS, *DEFINED, "generic struct", "generic enum", "param"}


@dataclass(frozen=True)
class Type:
    """A type: a scalar, a wrapper of `parts`, the type parameter ("param"), or a use of a definition ("defined").

    `size` is an array's length, or the number given to a generic definition; "N" is the parameter of that name.
    """

    form: str
    parts: tuple[Type, ...] = ()
    size: int | str = 0
    definition: Definition | None = None


@dataclass(frozen=True)
class Definition:
    """A named type. `members` are those of a struct, or the aliased type; an enum has them by variant."""

    name: str
    kind: str
    is_generic: bool
    members: tuple[tuple[str, Type], ...] = ()
    variants: tuple[tuple[str, bool, tuple[tuple[str, Type], ...]], ...] = ()


@dataclass(frozen=True)
class Bound:
    """What T and N stand for inside a generic definition."""

    type: Type
    within: Bound | None
    size: int


def bound_of(use: Type, within: Bound | None) -> Bound | None:
    """The parameters' meaning inside the definition that is used."""
    assert use.definition is not None
    if not use.definition.is_generic:
        return None
    return Bound(use.parts[0], within, length_of(use, within))


def length_of(sized: Type, within: Bound | None) -> int:
    """The type's number."""
    if isinstance(sized.size, int):
        return sized.size
    assert within is not None
    return within.size


@st.composite
def types(draw: Callable[..., Any], definitions: list[Definition], depth: int, in_generic: bool = False) -> Type:
    """A type; the definitions that it uses are added to the list."""
    form = draw(st.sampled_from(["scalar", *WRAPPERS, *DEFINED, "generic"])) if depth else "scalar"
    if in_generic and draw(st.integers(0, 2)) == 0:
        return Type("param")
    if form == "scalar":
        return Type(draw(st.sampled_from(SCALARS)))
    if form == "coption":
        return Type(form, (Type(draw(st.sampled_from(FIXED))),))
    inner = types(definitions, depth - 1, in_generic)
    if form in ("tuple", "bTreeMap"):
        return Type(form, (draw(inner), draw(inner)))
    if form in WRAPPERS:
        size = "N" if in_generic and draw(st.booleans()) else draw(st.integers(0, 20))
        return Type(form, (draw(inner),), size if form == "array" else 0)
    if form == "generic":
        definition = draw(defined(definitions, depth, draw(st.sampled_from(["struct", "enum"])), True))
        size = "N" if in_generic and draw(st.booleans()) else draw(st.integers(0, 4))
        return Type("defined", (draw(inner),), size, definition)
    return Type("defined", definition=draw(defined(definitions, depth, form, False)))


@st.composite
def defined(
    draw: Callable[..., Any], definitions: list[Definition], depth: int, kind: str, is_generic: bool
) -> Definition:
    """A definition of a kind, added to the list."""
    member = types(definitions, depth - 1, is_generic)

    def members(least: int, most: int) -> tuple[tuple[str, Type], ...]:
        return tuple(
            (f"some_field{at}", item) for at, item in enumerate(draw(st.lists(member, min_size=least, max_size=most)))
        )

    variants: Any = ()
    if kind == "enum":
        variants = tuple((f"Variant{at}", draw(st.booleans()), members(0, 2)) for at in range(draw(st.integers(1, 4))))
    held = () if kind == "enum" else members(1, 1) if kind == "alias" else members(0, 3)
    definition = Definition(f"Type{len(definitions)}", kind, is_generic, held, variants)
    definitions.append(definition)
    return definition


def forms_of(written: Type) -> set[str]:
    """Every form that a type is made of."""
    found = set().union(*(forms_of(part) for part in written.parts)) if written.parts else set()
    definition = written.definition
    if definition is None:
        return found | {written.form}
    inner = [item for _, item in definition.members] + [item for _, _, held in definition.variants for _, item in held]
    return found.union({("generic " if definition.is_generic else "") + definition.kind}, *(forms_of(i) for i in inner))


def written(item: Type, spec: str) -> Any:
    """The type as the spec writes it."""
    legacy, definition = spec == "legacy", item.definition
    parts = [written(part, spec) for part in item.parts]
    if definition is not None and definition.is_generic:
        if legacy:
            return {
                "definedWithTypeArgs": {
                    "name": definition.name,
                    "args": [{"type": parts[0]}, {"value": str(item.size)}],
                }
            }
        number = {"kind": "const", "value": str(item.size)}
        if item.size == "N":
            number = {"kind": "type", "type": {"generic": "N"}}
        return {"defined": {"name": definition.name, "generics": [{"kind": "type", "type": parts[0]}, number]}}
    if definition is not None:
        return {"defined": definition.name if legacy else {"name": definition.name}}
    match item.form:
        case "param":
            return {"generic": "T"}
        case "pubkey":
            return "publicKey" if legacy else "pubkey"
        case "array" if item.size == "N":
            return {"genericLenArray": [parts[0], "N"]} if legacy else {"array": [parts[0], {"generic": "N"}]}
        case "array":
            return {"array": [parts[0], item.size]}
        case "tuple" | "bTreeMap":
            return {item.form: parts}
    return {item.form: parts[0]} if parts else item.form


def written_definition(definition: Definition, spec: str) -> dict[str, Any]:
    """The definition as the spec writes it."""
    legacy = spec == "legacy"
    if definition.kind == "enum":
        body: dict[str, Any] = {"kind": "enum", "variants": []}
        for name, has_names, held in definition.variants:
            fields = _fields(held, spec, has_names)
            body["variants"].append({"name": name} | ({"fields": fields} if fields else {}))
    elif definition.kind == "alias":
        [(_, target)] = definition.members
        body = (
            {"kind": "alias", "value": written(target, spec)}
            if legacy
            else {"kind": "type", "alias": written(target, spec)}
        )
    else:
        body = {"kind": "struct", "fields": _fields(definition.members, spec, definition.kind == "struct")}
    generics: Any = (
        ["T", "N"] if legacy else [{"kind": "type", "name": "T"}, {"kind": "const", "name": "N", "type": "usize"}]
    )
    return {"name": definition.name, "type": body} | ({"generics": generics} if definition.is_generic else {})


def _fields(members: tuple[tuple[str, Type], ...], spec: str, has_names: bool) -> list[Any]:
    return [
        {"name": field_name(name, spec), "type": written(item, spec)} if has_names else written(item, spec)
        for name, item in members
    ]


def field_name(name: str, spec: str) -> str:
    """some_field0, in a legacy IDL someField0."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest) if spec == "legacy" else name

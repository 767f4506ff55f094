"""Every key of the protocol with what it takes, its default and its line of documentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bindfe.protocol.fields import UnitMark
from bindfe.protocol.settings import Protocol, is_physics
from bindfe.protocol.write import one_line


def all_keys() -> list[str]:
    """The full path of every key of the protocol."""
    return [key.path for key in describe_keys()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key of the protocol file, as its documentation shows it."""

    path: str
    """Full path, for example ``sampling.time_step``."""
    kind: str
    """``section``, the unit of a quantity, the allowed words, or the type."""
    default: str
    """Default as it is written in a file; empty for a section."""
    description: str
    """One line."""
    physics: bool
    """True if another value is another calculation (part of the fingerprint)."""


def describe_keys(section: BaseModel | None = None, prefix: str = "") -> Iterator[Key]:
    """Every key of the protocol (or of a part of it) in the order of the file, each section before its keys."""
    section = Protocol.model_construct() if section is None else section
    plain = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        path, kind = prefix + name, _section_of(field)
        value = getattr(section, name)
        yield Key(
            path=path,
            kind=("optional section" if value is None else "section") if kind else _kind_of(field),
            default="" if kind else one_line(plain[name]),
            description=field.description or "",
            physics=is_physics(field) and name != "file",
        )
        if kind is not None:
            yield from describe_keys(kind() if value is None else value, f"{path}.")


def _kind_of(field: FieldInfo) -> str:
    """What may be written: a unit, words, or a type."""
    marks = [*field.metadata, *_nested(field.annotation)]
    unit = next((mark.unit for mark in marks if isinstance(mark, UnitMark)), None)
    words = [word for kind in (field.annotation, *get_args(field.annotation)) for word in _words(kind)]
    names = {str: "text", int: "integer", float: "number", bool: "true or false"}
    if any(get_origin(part) is dict for part in get_args(field.annotation)):  # for all, or for each title
        one = " | ".join([*(names[part] for part in get_args(field.annotation) if part in names), *words])
        return f"{one}, or title: {one}"
    kinds = [names[kind] for kind in (field.annotation, *_nested(field.annotation)) if kind in names]
    origin = get_origin(field.annotation)
    several = "list of " if origin is tuple else "title: " if origin is dict else ""
    null = " or null" if type(None) in get_args(field.annotation) else ""
    return several + (f"quantity [{unit}]" if unit else " | ".join(words) or kinds[0]) + null


def _nested(annotation: Any) -> Iterator[Any]:
    """All parts of a type, however deep: arguments of unions and tuples, and what annotates them."""
    for part in get_args(annotation):
        yield part
        yield from _nested(part)


def _words(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None

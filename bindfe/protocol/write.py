"""A protocol as the text of a file, and the difference of two."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel

from bindfe.protocol.settings import Protocol


def dump_protocol(protocol: Protocol) -> str:
    """Write a protocol as YAML, every key with its comment; :func:`parse_protocol` reads it back equal."""
    return "\n".join(_lines(protocol, indent="")) + "\n"


def _lines(section: BaseModel, *, indent: str) -> Iterator[str]:
    dumped = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value, comment = getattr(section, name), field.description or ""
        if isinstance(value, BaseModel):
            yield f"{indent}{name}:  # {comment}"
            yield from _lines(value, indent=indent + "  ")
        else:
            yield f"{indent}{name}: {one_line(dumped[name])}  # {comment}"


def one_line(value: object) -> str:
    """A value as YAML that needs one line, whatever a file's name has in it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf)
    if text.removesuffix("\n...\n").strip("\n").count("\n"):
        text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, default_style='"')
    return text.strip().removesuffix("\n...")


def protocol_difference(old: Protocol, new: Protocol) -> str:
    """The physics settings that differ, as ``key: old -> new`` lines; empty if none does."""
    before, after = dict(_flat(old.physics(), "")), dict(_flat(new.physics(), ""))
    keys = sorted(before.keys() | after.keys())
    return "\n".join(
        f"  {key}: {before.get(key, 'not given')} -> {after.get(key, 'not given')}"
        for key in keys
        if before.get(key) != after.get(key)
    )


def _flat(tree: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value

"""What the fields of a protocol are made of: quantities with a unit, settings, sections."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from bindfe.units import format_quantity, parse_quantity


class UnitMark:
    """Marks a field's unit; found again by :func:`describe_keys`."""

    def __init__(self, unit: str) -> None:
        self.unit = unit


def _quantity(unit: str, *limits: object) -> tuple[object, ...]:
    def read(value: object) -> float:
        return parse_quantity(value, unit)

    def write(value: float) -> str:
        return format_quantity(value, unit)

    return (UnitMark(unit), *limits, BeforeValidator(read), PlainSerializer(write, return_type=str))


_POSITIVE, _NOT_NEGATIVE = Field(gt=0), Field(ge=0)

_LENGTH, _TIME = _quantity("A", _NOT_NEGATIVE), _quantity("ps", _NOT_NEGATIVE)
_POSITION = _quantity("A")
_SHORT, _RATE = _quantity("fs", _POSITIVE), _quantity("1/ps", _POSITIVE)
_TEMPERATURE, _PRESSURE = _quantity("K", _POSITIVE), _quantity("bar", _POSITIVE)
_MASS, _CONCENTRATION = _quantity("amu", _POSITIVE), _quantity("M", _NOT_NEGATIVE)
_SPRING, _ANGLE_SPRING = _quantity("kcal/mol/A^2", _POSITIVE), _quantity("kcal/mol/rad^2", _POSITIVE)
_ENERGY, _TENSION = _quantity("kcal/mol"), _quantity("bar*nm")

Length = Annotated[float, *_LENGTH]
Position = Annotated[float, *_POSITION]
Time = Annotated[float, *_TIME]
ShortTime = Annotated[float, *_SHORT]
Rate = Annotated[float, *_RATE]
Temperature = Annotated[float, *_TEMPERATURE]
Pressure = Annotated[float, *_PRESSURE]
Mass = Annotated[float, *_MASS]
Concentration = Annotated[float, *_CONCENTRATION]
Spring = Annotated[float, *_SPRING]
AngleSpring = Annotated[float, *_ANGLE_SPRING]
Energy = Annotated[float, *_ENERGY]
Tension = Annotated[float, *_TENSION]


def quantity(default: str, unit: str, text: str, *, physics: bool = True, **limits: Any) -> Any:
    """A quantity field: default as text, its unit, and its one line of documentation."""
    return Field(parse_quantity(default, unit), description=text, json_schema_extra={"physics": physics}, **limits)


def setting(default: Any, text: str, *, physics: bool = True, **limits: Any) -> Any:
    """Any other field: default, one line of documentation, limits, and whether it changes the physics."""
    return Field(default, description=text, json_schema_extra={"physics": physics}, **limits)


class Section(BaseModel):
    """A part of the protocol: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

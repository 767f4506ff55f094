"""Settings of a lipid bilayer about the receptor of the complex leg, and what does not go with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bindfe.errors import ProtocolError
from bindfe.protocol.fields import Length, Position, Section, Tension, quantity, setting

if TYPE_CHECKING:
    from bindfe.protocol.settings import Protocol


class MembraneSettings(Section):
    """A bilayer about the receptor in the complex leg; the solvent leg stays plain water."""

    lipid: Literal["POPC", "POPE", "DLPC", "DLPE", "DMPC", "DOPC", "DPPC"] = setting("POPC", "what the bilayer is of")
    centre_z: Position = quantity(
        "0 A", "A", "height of its middle plane in the receptor's frame, whose z is the normal, as OPM and PPM give it"
    )
    padding: Length = quantity(
        "10 A", "A", "least distance of the receptor from the sides of the box, which is whole patches wide", gt=0
    )
    surface_tension: Tension = quantity(
        "0 bar*nm", "bar*nm", "surface tension of the box in the plane; 10 bar*nm are 1 mN/m"
    )


def membrane_of(protocol: Protocol) -> MembraneSettings:
    """The section ``membrane`` of a protocol that has one.

    Raises:
        ProtocolError: It has none.
    """
    if protocol.membrane is None:
        raise ProtocolError("membrane: a bilayer was asked for, and the protocol has no section 'membrane'")
    return protocol.membrane


def check_membrane(protocol: Protocol) -> None:
    """Refuse what a bilayer cannot be sampled with.

    Raises:
        ValueError: In words that a user reads after the file's name.
    """
    if protocol.analytic is not None or protocol.catalysts is not None or protocol.hydration:
        raise ValueError("membrane: a bilayer is laid about a protein: give receptor.file, or leave the section out")
    if protocol.solvent.model != "tip3p":
        raise ValueError(
            f"membrane: lipids are atoms among water of the model that they were fitted with: set solvent.model: tip3p "
            f"(it is {protocol.solvent.model})"
        )
    if protocol.sampling.pressure is None:
        raise ValueError("membrane: a bilayer finds its area under a barostat: set sampling.pressure: 1.01325 bar")
    if protocol.road != "alchemy" or protocol.relative:
        what = "edges" if protocol.relative else f"road: {protocol.road}"
        raise ValueError(f"membrane: each ligand's own delta_g by road: alchemy is offered in a bilayer, not {what}")

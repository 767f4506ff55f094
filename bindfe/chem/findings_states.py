"""Whether a ligand is in the state of charge that its groups have at the pH of the measurement."""

from __future__ import annotations

from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.intakestates import protonate
from bindfe.chem.ligand import Ligand
from bindfe.errors import InputError, MissingDependency


def state_findings(ligand: Ligand, *, ph: float) -> tuple[Finding, ...]:
    """A warning if the groups' pKa exclude the state that the ligand was given in; see :func:`protonate`.

    A state that one standard deviation of the pKa allows beside another is taken as meant. The ligand itself
    stays as it is.
    """
    try:
        state = protonate(ligand.mol, ph=ph, place=ligand.name)
    except MissingDependency as error:
        return (passed("protonation", f"not looked at: {error}", ligand=ligand.name),)
    except InputError:
        return ()  # a molecule without such groups that the rules cannot read; other checks speak of it
    if not state.changed or ligand.smiles in state.others:
        return ()
    return (
        warned(
            "protonation",
            f"is given as {ligand.smiles}, and {state.changed}",
            advice="give the state that binds; it is taken as given",
            ligand=ligand.name,
        ),
    )

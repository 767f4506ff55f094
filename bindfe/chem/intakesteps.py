"""The steps that make one ligand ready, in their order; each takes a draft and gives one back.

What a step refuses it raises as an InputError, which becomes a finding of the step's check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rdkit import Chem

from bindfe.chem import checks
from bindfe.chem.intakedraft import Choices, Draft, done, fail, fail_with, warn
from bindfe.chem.intakeembed import embed
from bindfe.chem.intakefile import given_smiles, parse_entry, parse_smiles
from bindfe.chem.intakegraph import agreement, dress, inverted_centres, without_hydrogens
from bindfe.chem.intakestates import natural_isotopes, protonate, strip_salt
from bindfe.chem.intakestereo import is_caged, isomers, open_elements
from bindfe.chem.molecule import assign_stereo, positions_nm
from bindfe.errors import InputError

_Step = Callable[[Draft, Choices], Draft]


def prepare(draft: Draft, choices: Choices, taken: Sequence[str]) -> list[Draft]:
    """Every isomer of one entry, ready or with the finding that stopped it."""
    for check, step in _BEFORE_STEREO:
        draft = _attempt(draft, check, step, choices)
        if draft.refused:
            return [draft]
    return [_finish(isomer, choices) for isomer in _settle_stereo(draft, choices, taken)]


def _finish(draft: Draft, choices: Choices) -> Draft:
    for check, step in _AFTER_STEREO:
        if not draft.refused:
            draft = _attempt(draft, check, step, choices)
    return draft


def _attempt(draft: Draft, check: str, step: _Step, choices: Choices) -> Draft:
    """One step; what it refuses becomes a finding of its check."""
    try:
        return step(draft, choices)
    except InputError as error:
        return fail_with(draft, check, error)


def _parse(draft: Draft, choices: Choices) -> Draft:
    mol = parse_entry(draft.entry)
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    return replace(draft, mol=mol, placed=_has_structure(mol))


def _has_structure(mol: Chem.Mol) -> bool:
    """Whether there are coordinates that are meant as a structure: not a drawing, not zeros."""
    if mol.GetNumConformers() == 0:
        return False
    x = positions_nm(mol)
    return not (checks.is_drawing(mol, x) or (len(x) > 1 and not x.any()))


def _strip(draft: Draft, choices: Choices) -> Draft:
    if draft.entry.record.kind == "pdb":
        return draft  # one residue, whose bonds are not known yet
    if not choices.strip_salts:
        checks.check_one_molecule(draft.molecule, place=draft.place)
    mol, words = strip_salt(draft.molecule, place=draft.place)
    if not words:
        return draft
    draft = warn(draft, "salt", f"is a salt or solvate: {words}", advice="check that the right part was kept")
    return done(draft, mol, words)


def _isotopes(draft: Draft, choices: Choices) -> Draft:
    mol, words = natural_isotopes(draft.molecule)
    if not words:
        return draft
    advice = "nothing to do: masses move no free energy of classical particles"
    draft = warn(draft, "isotopes", f"is labelled ({words}); the labels are dropped", advice=advice)
    return done(draft, mol, f"isotope labels dropped: {words}")


def _template(draft: Draft, choices: Choices) -> Draft:
    smiles = next((choices.templates[key] for key in (draft.entry.title, draft.name) if key in choices.templates), "")
    if not smiles and draft.entry.record.kind == "pdb":
        raise InputError(f"{draft.place}: a PDB has no bond orders; give the ligand's SMILES as its template")
    if not smiles or not draft.placed:
        return draft
    template = parse_smiles(smiles)
    if template is None:
        raise InputError(f"{draft.place}: its template '{smiles}' is no SMILES; correct it")
    template, _ = strip_salt(template, place=draft.place)
    if draft.entry.record.kind != "pdb" and _is_already(draft.molecule, template):
        return draft
    mol = dress(without_hydrogens(template), draft.molecule, place=draft.place)
    mol.SetProp("smiles", smiles)
    return done(draft, mol, f"bond orders, charges and hydrogens taken from {smiles}")


def _is_already(mol: Chem.Mol, template: Chem.Mol) -> bool:
    return not _lacks_hydrogens(mol) and agreement(mol, without_hydrogens(template)) == "same"


def _lacks_hydrogens(mol: Chem.Mol) -> bool:
    return any(atom.GetTotalNumHs() > 0 for atom in mol.GetAtoms())


def _radicals(draft: Draft, choices: Choices) -> Draft:
    checks.check_radicals(draft.molecule, place=draft.place)
    return draft


def _elements(draft: Draft, choices: Choices) -> Draft:
    for coverage in choices.covers:
        wrong = [atom for atom in draft.molecule.GetAtoms() if atom.GetSymbol() not in coverage.elements]
        if wrong:
            draft = fail(
                draft,
                "element",
                f"{coverage.name} does not know {', '.join(map(checks.name_atom, wrong))} (atoms counted from 0); "
                f"it knows {', '.join(sorted(coverage.elements))}",
                advice="leave the ligand out, or choose another",
            )
    return draft


def _charge(draft: Draft, choices: Choices) -> Draft:
    charge = Chem.GetFormalCharge(draft.molecule)
    for coverage in choices.covers:
        if coverage.charges is not None and charge not in coverage.charges:
            known = ", ".join(f"{known:+d}" if known else "0" for known in sorted(coverage.charges))
            draft = fail(
                draft,
                "charge",
                f"{coverage.name} does not know molecules of charge {charge:+d}; it knows {known}",
                advice="leave the ligand out, or choose a model that covers it",
            )
    return draft


def _compare(draft: Draft, choices: Choices) -> Draft:
    """Against the SMILES that the file gives beside a structure."""
    smiles = "" if draft.entry.record.kind == "smiles" else given_smiles(draft.molecule)
    if not smiles:
        return draft
    reference = parse_smiles(smiles)
    if reference is None:
        return warn(draft, "given-smiles", f"its field '{smiles}' is no SMILES", advice="correct or remove it")
    reference, _ = natural_isotopes(strip_salt(reference, place=draft.place)[0])
    return _judge(draft, reference, smiles)


def _judge(draft: Draft, reference: Chem.Mol, smiles: str) -> Draft:
    if draft.placed:
        assign_stereo(draft.molecule)
    found = agreement(draft.molecule, without_hydrogens(reference))
    if found == "stereo":
        where = inverted_centres(draft.molecule, without_hydrogens(reference))
        message = f"its stereochemistry is not that of its SMILES {smiles}: {where} (atoms counted from 0)"
        return fail(draft, "inverted-stereo", message, advice="correct the structure or the SMILES")
    if found in {"charge", "tautomer"}:
        words = {"charge": "another state of charge than", "tautomer": "a tautomer of"}[found]
        message = f"is {words} its SMILES {smiles}"
        return warn(draft, "given-smiles", message, advice="check which one binds; the structure is taken")
    if found == "bonds":
        message = f"its bond orders or hydrogens are not those of its SMILES {smiles}"
        return fail(draft, "bond-orders", message, advice="correct the structure, or give the SMILES as its template")
    if found == "other":
        message = f"is another molecule than its SMILES {smiles}"
        return fail(draft, "given-smiles", message, advice="correct the structure or the SMILES")
    return draft


def _protonate(draft: Draft, choices: Choices) -> Draft:
    if choices.ph is None:
        return draft
    state = protonate(draft.molecule, ph=choices.ph, place=draft.place)
    if state.others:
        draft = warn(
            draft,
            "protonation",
            f"its state at pH {choices.ph:g} is near another ({', '.join(state.others[:4])})",
            advice="find its measured pKa; give the state that binds, and no pH, if it is another",
        )
    return done(draft, state.mol, state.changed)


def _coordinates(draft: Draft, choices: Choices) -> Draft:
    if draft.placed:
        checks.check_coordinates(draft.molecule, place=draft.place)
    return draft


def _hydrogens(draft: Draft, choices: Choices) -> Draft:
    if draft.placed and _lacks_hydrogens(draft.molecule):
        try:
            checks.check_hydrogens(draft.molecule, place=draft.place)
        except InputError as error:
            raise InputError(f"{error}, or give a pH or a template") from error
    return draft


def _settle_stereo(draft: Draft, choices: Choices, taken: Sequence[str]) -> list[Draft]:
    """The draft, or one for each isomer of what a drawing leaves open."""
    if draft.placed:
        return [_attempt(draft, "undefined-stereo", _stereo_of_structure, choices)]
    open_ = open_elements(draft.molecule)
    if not open_ or (is_caged(draft.molecule) and len(_possible_isomers(draft)) == 1):
        return [draft]
    if choices.stereo == "refuse":
        message = f"leaves the stereochemistry of {', '.join(open_)} (atoms counted from 0) undefined"
        advice = "say which isomer it is, or ask for all (stereo: enumerate)"
        return [fail(draft, "undefined-stereo", message, advice=advice)]
    try:
        made = isomers(draft.molecule, place=draft.place)
    except InputError as error:
        return [fail_with(draft, "undefined-stereo", error)]
    return [_isomer(draft, label, mol, open_, taken) for label, mol in made]


def _possible_isomers(draft: Draft) -> tuple[tuple[str, Chem.Mol], ...]:
    """Isomers of a cage; none if they are too many to try."""
    try:
        return isomers(draft.molecule, place=draft.place)
    except InputError:
        return ()


def _isomer(draft: Draft, label: str, mol: Chem.Mol, open_: Sequence[str], taken: Sequence[str]) -> Draft:
    name = f"{draft.name}-{label}"
    while name.lower() in {other.lower() for other in taken}:
        name += "-isomer"
    words = f"isomer {label} of what is open at {', '.join(open_)}"
    findings = tuple(replace(finding, ligand=name) for finding in draft.findings)
    draft = replace(draft, name=name, findings=findings)
    advice = "at most one of them was measured: choose it, or run all"
    return done(warn(draft, "undefined-stereo", f"is {words}", advice=advice), mol, words)


def _stereo_of_structure(draft: Draft, choices: Choices) -> Draft:
    checks.check_stereo(draft.molecule, place=draft.place)
    return draft


def _embed(draft: Draft, choices: Choices) -> Draft:
    if draft.placed:
        return draft
    if draft.entry.record.kind != "smiles":
        draft = warn(
            draft,
            "two-dimensional",
            "has the coordinates of a drawing, or none; a 3D structure was made, which is no pose",
            advice="give a 3D structure in the receptor, or place it from a crystal ligand",
        )
    mol, words = embed(draft.molecule, place=draft.place)
    return done(draft, mol, words)


def _partial_charges(draft: Draft, choices: Choices) -> Draft:
    checks.check_charges(draft.molecule, place=draft.place)
    return draft


_BEFORE_STEREO: tuple[tuple[str, _Step], ...] = (
    ("unreadable", _parse),
    ("salt", _strip),
    ("isotopes", _isotopes),
    ("coordinates", _coordinates),
    ("bond-orders", _template),
    ("element", _elements),
    ("radical", _radicals),
    ("given-smiles", _compare),
    ("protonation", _protonate),
    ("missing-hydrogens", _hydrogens),
    ("charge", _charge),
)
_AFTER_STEREO: tuple[tuple[str, _Step], ...] = (("embedding", _embed), ("partial-charges", _partial_charges))

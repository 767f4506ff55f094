"""Every check of the pre-flight by name: what it looks for and what it says. ``docs/preflight.md`` is made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One check."""

    name: str
    """As in a finding."""
    group: str
    """Chapter that it is in."""
    looks_for: str
    """What it looks for, as a noun."""
    level: str
    """``fail``, ``warn``, or both with the line between them."""
    says: tuple[str, ...]
    """Its messages; what stands in braces is filled in."""

    def matches(self, message: str) -> bool:
        """Whether a message is one of its messages."""
        return any(re.fullmatch(_pattern(form), message, flags=re.DOTALL) for form in self.says)


def _pattern(form: str) -> str:
    pieces = re.split(r"\{[^}]*\}", form)
    return ".+".join(re.escape(piece) for piece in pieces)


def check_named(name: str) -> Check:
    """A check by its name.

    Raises:
        KeyError: There is none.
    """
    return CHECKS[name]


_LIGAND, _POSE, _RECEPTOR, _EDGES, _SETTINGS, _CATALYSTS = (
    "Ligands",
    "Poses",
    "Receptors",
    "Maps and networks",
    "Settings, time and disk",
    "Catalysts",
)


def _check(group: str, name: str, level: str, looks_for: str, *says: str) -> Check:
    return Check(name=name, group=group, looks_for=looks_for, level=level, says=says)


_ALL = (
    _check(
        _LIGAND,
        "unreadable",
        "fail",
        "a file or record that cannot be read",
        "cannot be read ({reason})",
        "{place}: {reason}",
        "impossible chemistry ({reason})",
        "{reason}",
    ),
    _check(
        _LIGAND,
        "missing-hydrogens",
        "fail",
        "hydrogens that are not atoms: adding one means choosing a protonation state",
        "has no hydrogens ({number} needed), on {atoms} (atoms counted from 0)",
        "lacks {number} hydrogens, on {atoms} (atoms counted from 0)",
    ),
    _check(
        _LIGAND,
        "two-dimensional",
        "warn",
        "the coordinates of a drawing",
        "has the coordinates of a drawing, or none; a 3D structure was made, which is no pose",
    ),
    _check(
        _LIGAND,
        "coordinates",
        "fail",
        "coordinates that are no structure: zeros, not numbers, another unit, two atoms in one place",
        "has {what} coordinates{more}",
        "all coordinates are zero",
        "atoms {i} and {j} (from 0) are {distance} A apart",
        "{number} atoms lie in one place ({atoms}, counted from 0)",
        "its bonds are {length} A long",
    ),
    _check(
        _LIGAND,
        "undefined-stereo",
        "fail; warn where the isomers are enumerated",
        "a centre or double bond whose stereochemistry nothing says",
        "leaves the stereochemistry of {atoms} (atoms counted from 0) undefined",
        "the structure leaves the stereochemistry of {atoms} (atoms counted from 0) undefined",
        "the file marks the stereochemistry of {atoms} (atoms counted from 0) as unknown or mixed",
        "is isomer {label} of what is open at {atoms}",
        "{atoms} leave {number} stereoisomers open, and {most} are made at most",
    ),
    _check(
        _LIGAND,
        "inverted-stereo",
        "fail",
        "a structure that is not the stereoisomer of the SMILES beside it",
        "its stereochemistry is not that of its SMILES {smiles}: {atoms} (atoms counted from 0)",
    ),
    _check(
        _LIGAND,
        "bond-orders",
        "fail; warn for an aromatic ring with long bonds, or one or two short bonds of a pose",
        "bond orders that are missing (PDB), not those of the SMILES beside them, or not those of the bond lengths",
        "its bond orders or hydrogens are not those of its SMILES {smiles}",
        "a PDB has no bond orders",
        "its template '{smiles}' is no SMILES",
        "the saturated ring {atoms} is flat, as only an unsaturated one is",
        "{number} single bonds of saturated carbon are as short as double ones ({bonds})",
        "the aromatic ring {atoms} has bonds as long as single ones",
        "{reason}",
    ),
    _check(
        _LIGAND,
        "given-smiles",
        "fail; warn for a tautomer or another state of charge",
        "a structure that is another molecule than the SMILES beside it",
        "is another molecule than its SMILES {smiles}",
        "is another state of charge than its SMILES {smiles}",
        "is a tautomer of its SMILES {smiles}",
        "its field '{smiles}' is no SMILES",
    ),
    _check(
        _LIGAND,
        "salt",
        "warn; fail where more than one part may be the ligand",
        "counter-ions and solvent in a record",
        "is a salt or solvate: left out {formulas}, kept {formula}",
        "holds {number} molecules ({formulas}), of which {candidates} may be the ligand",
        "holds {number} molecules ({formulas})",
    ),
    _check(
        _LIGAND,
        "radical",
        "fail",
        "unpaired electrons",
        "unpaired electrons on {atoms} (atoms counted from 0)",
    ),
    _check(_LIGAND, "isotopes", "warn", "isotope labels", "is labelled ({atoms}); the labels are dropped"),
    _check(
        _LIGAND,
        "element",
        "fail",
        "elements without parameters",
        "{model} does not know {atoms} (atoms counted from 0); it knows {elements}",
    ),
    _check(
        _LIGAND,
        "charge",
        "fail",
        "a charge that a model does not know",
        "{model} does not know molecules of charge {charge}; it knows {charges}",
    ),
    _check(
        _LIGAND,
        "partial-charges",
        "fail",
        "partial charges in the file that are missing where they are to be taken, or are not one for each atom",
        "{whose} no partial charges in its file, and forcefield.charges is file",
        "{reason}",
    ),
    _check(
        _LIGAND,
        "protonation",
        "warn",
        "a state of charge that the pH excludes, or that is near another one",
        "is given as {smiles}, and at pH {ph} it is {state}",
        "its state at pH {ph} is near another ({states})",
        "{reason}",
    ),
    _check(_LIGAND, "embedding", "fail", "a molecule of which no 3D structure can be made", "{reason}"),
    _check(
        _LIGAND,
        "net-charge",
        "warn",
        "a charge that is not the others' of the series",
        "has the charge {charge}, and {number} of {all} ligands have {usual}",
    ),
    _check(_LIGAND, "duplicate", "warn", "one molecule twice", "is the same molecule as {ligand}"),
    _check(_LIGAND, "tautomer", "warn", "a tautomer of another ligand", "is a tautomer of {ligand}"),
    _check(
        _LIGAND, "protomer", "warn", "another ligand's other state of charge", "is another state of charge of {ligand}"
    ),
    _check(
        _LIGAND,
        "repeated-title",
        "warn",
        "two records of one name",
        "record {number} is called '{title}' like an earlier one, and '{name}' from here on",
    ),
    _check(
        _LIGAND,
        "model-coverage",
        "fail",
        "a ligand that the committee was not trained on",
        "{model} knows {elements}; the molecule has {atoms}",
        "{model} knows neutral molecules; this one has charge {charge}",
        "{reason}",
    ),
    _check(
        _POSE,
        "no-pose",
        "fail",
        "a ligand without a pose where one is needed",
        "has no pose: its coordinates were made from a drawing or a SMILES",
    ),
    _check(
        _POSE,
        "outside-pocket",
        "fail; warn where less than 40 % of its heavy atoms touch the receptor",
        "a ligand outside the receptor, or elsewhere than its series",
        "lies outside the receptor: its nearest atom is {distance} A away",
        "its centre is {distance} A from {others}: it is not in their pocket",
        "only {part} of its heavy atoms touch the receptor",
    ),
    _check(
        _POSE,
        "inside-receptor",
        "fail",
        "a ligand in the protein's atoms: more than 30 % of its heavy atoms overlap",
        "{number} of {all} heavy atoms lie in the receptor ({atoms})",
    ),
    _check(
        _POSE,
        "clash",
        "warn; fail below 2 A",
        "heavy atoms that overlap: carbons within 2.6 A, nitrogen and oxygen within 2.3 A",
        "{number} of heavy atoms clash ({atoms})",
    ),
    _check(
        _POSE,
        "strained-pose",
        "warn above 10 kcal/mol; fail above 35",
        "a pose that the ligand alone would never take",
        "the pose is {strain} kcal/mol above the ligand's free minimum (MMFF94; up to 7 is usual)",
    ),
    _check(
        _POSE,
        "cis-amide",
        "warn",
        "a secondary amide, carbamate or urea that is turned by 180 deg",
        "the amide {atoms} is cis (E), and no dynamics turns it",
    ),
    _check(
        _POSE,
        "binding-modes",
        "warn",
        "several ways to bind that cannot be told apart, or a core that is not where the reference's is",
        "{number} binding modes fit the reference and the receptor about equally (scores {scores} kcal/mol, "
        "{rmsd} A apart)",
        "its core of {number} atoms lies {distance} A from the reference's: another binding mode, or another frame",
    ),
    _check(
        _POSE,
        "no-common-core",
        "fail; warn for a ligand that has a pose",
        "a ligand that shares too little with the reference, or with the other end of its edge",
        "shares only {number} of {all} heavy atoms with the reference ({smiles})",
        "shares only {number} of {all} heavy atoms with the reference ({smiles}): {advice}",
        "{a} and {b} share {number} heavy atoms in place; at least {fewest} make a core",
    ),
    _check(_POSE, "pose", "fail", "a pose that cannot be judged or made", "{reason}"),
    _check(
        _RECEPTOR,
        "receptor",
        "fail",
        "a receptor that cannot be read or completed",
        "{reason}",
    ),
    _check(
        _RECEPTOR,
        "missing-residues",
        "fail within 10 A of a ligand; else warn",
        "a broken chain",
        "{number} residues are missing between {before} and {after}",
        "{number} residues are missing between {before} and {after}, {distance} A from a ligand",
        "the chain is broken between {before} and {after}",
        "the chain is broken between {before} and {after}, {distance} A from a ligand",
    ),
    _check(
        _RECEPTOR,
        "alternate-locations",
        "warn",
        "alternate locations within 6 A of a ligand",
        "{residue} has alternate locations (occupancies {shares}), {distance} A from a ligand",
    ),
    _check(
        _RECEPTOR,
        "unknown-residue",
        "fail",
        "what is no amino acid, water, ion or given cofactor",
        "{residues}: no amino acid, water or ion",
    ),
    _check(
        _RECEPTOR,
        "receptor-drop",
        "warn",
        "`receptor.drop` with a name that the file does not have",
        "receptor.drop: {names} is not in the file",
    ),
    _check(
        _RECEPTOR,
        "residue-template",
        "fail; warn for side-chain atoms that are built, within 10 A of a ligand",
        "residues whose atoms are not those of their template, by name",
        "{residue} has no template ({atoms})",
        "{residue} is called {name} and its hydrogens are not: {atoms}",
        "{residue} has atoms that no {name} has: {atoms}",
        "{residue}, {distance} A from a ligand, lacks {atoms}",
        "{residue} is modified ({atoms}); {parent} is taken",
    ),
    _check(
        _RECEPTOR,
        "water-clash",
        "fail",
        "crystal water within 2 A of a heavy atom of a ligand or of the protein",
        "{number} in {what}: {waters}",
    ),
    _check(
        _RECEPTOR,
        "backbone",
        "warn",
        "residues of the wrong hand, and cis peptide bonds that are not before a proline",
        "{residues} of the wrong hand (D) at CA",
        "{residues}: a cis peptide bond that is not before a proline",
    ),
    _check(
        _RECEPTOR,
        "ligand-metal",
        "warn",
        "a ligand whose N, O or S holds a metal ion of the protein",
        "{atoms} lies at {ion}, {distance} A away",
    ),
    *(
        _check(_RECEPTOR, f"protein-{what}", "warn", looks_for, *says)
        for what, looks_for, says in (
            ("models", "a file of several models", ("the file holds {number} models; the first is taken",)),
            (
                "alternates",
                "alternate locations anywhere, of which one is taken",
                ("{residue} has alternate locations (occupancies {shares}); {name} is taken",),
            ),
            ("missing-atoms", "heavy atoms that are added", ("{residue}: added {atoms}",)),
            ("modified", "modified residues that are replaced", ("{residue} was replaced by {name}",)),
            ("loop", "loops that are built", ("{number} missing residues of chain {chain} were built: {names}",)),
            (
                "protonation",
                "a residue near its pKa, and a file that is to show its states and has no hydrogens",
                (
                    "receptor.protonation is given, and the file has {number} hydrogens for {heavy} heavy atoms",
                    "{residue} has pKa {value} at pH {ph}: both of its states are populated",
                    "{residue} has pKa {value}, below pH {ph}, and is kept {state}",
                ),
            ),
            (
                "thiolates",
                "cysteines without a proton on their sulfur",
                ("{residues} CYM: a thiolate, no proton on its sulfur (charge -1)",),
            ),
            (
                "metal",
                "a metal ion that only charges hold",
                (
                    "{ion} is held by {residues} through charges and Lennard-Jones terms alone",
                    "{atoms} has its proton beside {ion}",
                ),
            ),
        )
    ),
    _check(
        _EDGES,
        "disconnected-network",
        "fail",
        "ligands that no edge connects",
        "the network falls into {number} parts that no edge connects: {parts}",
        "{reason}",
    ),
    _check(
        _EDGES,
        "network",
        "fail",
        "a network that cannot be planned: a ligand that is not there, fewer than two ligands",
        "{reason}",
    ),
    _check(
        _EDGES,
        "weak-edge",
        "warn",
        "an edge between ligands that share little",
        "the score is {score} ({usual} is usual): the ligands share little",
    ),
    *(
        _check(
            _EDGES,
            f"map-{rule}",
            "warn where the map leaves the atoms out; fail in a map that is given",
            looks_for,
            f"the largest common part {words}: {{atoms}}; these atoms are left out of the core",
            f"the map {words}: {{atoms}}",
        )
        for rule, looks_for, words in (
            ("ring-broken", "a ring that would be opened or closed", "would break a ring"),
            ("ring-size", "a ring that would change its size", "would change the size of a ring"),
            ("linear-to-bent", "a linear atom that would be bent", "would bend a linear atom"),
            ("chirality", "a centre that would be inverted", "would invert a centre"),
            ("hybridisation", "an atom that would change its hybridisation", "would change hybridisation"),
            ("element", "an atom that would change its element", "would change the element"),
        )
    ),
    _check(
        _EDGES,
        "map-charge",
        "warn",
        "an edge that changes the charge",
        "the charge changes by {charge} e along this edge",
    ),
    _check(
        _SETTINGS,
        "box-cutoff",
        "fail",
        "a periodic box in which an atom could meet two images of another within the cutoff",
        "the box of the {leg} leg is {width} A wide, and a cutoff of {cutoff} A needs {needed} A",
    ),
    _check(
        _SETTINGS,
        "box-charge",
        "fail for hydration; else warn",
        "a charged ligand that is taken out of a periodic box",
        "a ligand of charge {charge} that is taken out of a periodic box leaves it charged",
        "has the charge {charge}, and solvent.ionic_strength is 0 M: the ion that is discharged with it may be "
        "missing, and is in another salt in each leg",
        "has the charge {charge}; an ion of opposite charge is discharged with it in both legs",
    ),
    _check(
        _SETTINGS,
        "time-step",
        "fail; warn within a quarter of the limit",
        "a time step that the mass of hydrogen does not allow, or a mass that no methyl's carbon can give",
        "a time step of {step} fs with hydrogens of {mass} amu: {limit} fs at most",
        "hydrogens of {mass} amu leave a methyl's carbon {rest} amu",
        "switches to the potential with a time step of {step} fs: {limit} fs at most",
    ),
    _check(
        _SETTINGS,
        "one-repeat",
        "warn",
        "a single repeat",
        "one repeat: nothing shows the error that a second calculation would",
    ),
    _check(
        _SETTINGS,
        "schedule",
        "fail",
        "a schedule that does not join the ends of the cycle",
        "{key}: the {end} state is {value} and must be {needed}: {reason}",
        "{key}: runs from {value} to {value} and must run from {needed}",
        "{key}: the alignment must be 1 in the first and the last state",
    ),
    _check(
        _SETTINGS,
        "schedule-charges",
        "warn; fail where less than half of the Lennard-Jones coupling is left",
        "charges in a state whose Lennard-Jones terms are softened or off: nothing keeps them apart",
        "schedule.{leg}: in state {state} charges are at {value} and Lennard-Jones terms at {value}",
    ),
    _check(
        _SETTINGS,
        "schedule-leap",
        "warn",
        "states so far apart that they share no samples, and rows that turn back",
        "{key}: from {value} to {value} in one step (state {state} to {state}), and {longest} at most is usual",
        "{key}: the first step out of state {state} is {step}, and {longest} at most is usual",
        "{key}: turns back from {value} to {value} (state {state} to {state})",
    ),
    _check(
        _SETTINGS,
        "unusual-setting",
        "warn; fail where the calculation would be wrong",
        "a temperature, pressure, salt, cutoff, padding, number of cycles, spring or friction, or a width, height or "
        "pace of Gaussians, that hardly anything has: mostly a wrong unit",
        "{key} is {value} ({range} is usual)",
    ),
    _check(
        _SETTINGS,
        "restraint-kind",
        "fail; warn for equivalent poses",
        "a restraint that the molecules cannot have, or equivalent poses that it does not exclude",
        "restraint.kind: axial aligns a guest with a host's axis, and the receptor is a protein",
        "path.variable: axis: {reason}",
        "restraint.kind: boresch holds three heavy atoms, and the ligand has {number}",
        "ligands.equivalent_poses is {number}, and restraint.kind: {kind} excludes no pose",
    ),
    _check(
        _SETTINGS,
        "equivalent-poses",
        "warn",
        "a symmetric ligand of which Boresch's springs hold one pose",
        "fits in {number} ways that differ only in which of its equal atoms are which; Boresch's springs hold one, "
        "which is up to {missing} kcal/mol too weak",
    ),
    _check(
        _SETTINGS,
        "committee-member",
        "fail",
        "a member that the committee does not have",
        "committee.member is {number}, and {model} has {members}",
    ),
    _check(
        _SETTINGS,
        "calibration",
        "fail",
        "a calibrator that cannot be read, or is one of relative values",
        "{reason}",
    ),
    _check(
        _SETTINGS,
        "restraint-atoms",
        "fail; warn for hydrogens",
        "anchors given by hand that are not in the molecule, are hydrogens, or lie on a line",
        "restraint.{key}: {reason}",
        "anchors that are hydrogens: {atoms}",
        "the anchors make an angle of {angle} deg, and 20 to 160 deg are needed",
    ),
    _check(
        _SETTINGS,
        "bulk",
        "fail below 10 A, for edges below 20 A, at the end of a path below 5 A; else warn below 20 A",
        "a bulk that a transfer or a path leads to and that is near the receptor",
        "{distance} A from the site it is {gap} A from the receptor, which is no bulk",
        "path.unbound begins at {height} A, where the ligand is {gap} A from the receptor, which is no bulk",
    ),
    _check(
        _SETTINGS,
        "site-radius",
        "fail; warn within 1 A of the wall",
        "a site of an edge so narrow that the bound ligand lies outside of it",
        "its centroid is {distance} A from that of the receptor atoms around it, and restraint.flat_radius is "
        "{radius} A",
    ),
    _check(
        _SETTINGS,
        "measured",
        "warn; fail for a table that cannot be read",
        "measured values that are no binding free energies, of another temperature or molecule, or have no ligand",
        "none of the {number} ligands is in the table of measured values: it has {names}",
        "has no measured value, and {name} in the table is no ligand",
        "is {what} its SMILES in the table of measured values, {smiles}",
        "the measured delta_g of {ligands} is positive, as if it did not bind at 1 mol/L",
        "{ligand} was measured at {temperature} K, and sampling.temperature is {temperature} K",
        "{reason}",
    ),
    _check(
        _SETTINGS,
        "wall-time",
        "fail",
        "more wall time than `--limit-hours`",
        "about {time} on {device}, and the limit is {limit}",
    ),
    _check(
        _SETTINGS,
        "disk",
        "fail",
        "more disk than `--limit-disk`",
        "about {size} of disk, and the limit is {limit}",
    ),
    _check(
        _CATALYSTS,
        "catalyst-file",
        "fail",
        "a file of species that cannot be read, two species of one name, or a phosphine that is not known by name",
        "{reason}",
    ),
    _check(
        _CATALYSTS,
        "catalyst-structure",
        "fail",
        "a complex that cannot be built: no metal or several, a number of donors other than two and four, a plane "
        "without `@SP`, unpaired electrons, no phosphine to exchange, an element without a size in water, or an "
        "arrangement that GFN-FF would lose",
        "{reason}",
    ),
    _check(
        _CATALYSTS,
        "catalyst-package",
        "fail",
        "ASE, tblite or gfnff that is not installed (the extra `metal`)",
        "{reason}",
    ),
)

CHECKS: dict[str, Check] = {check.name: check for check in _ALL}
"""The checks, by name, chapter by chapter."""

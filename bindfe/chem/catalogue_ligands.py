"""What the pre-flight says of ligands and of their poses."""

from __future__ import annotations

from bindfe.chem.findings_check import Check, checks_of

_ligand = checks_of("Ligands")
_pose = checks_of("Poses")

LIGAND_CHECKS: tuple[Check, ...] = (
    _ligand(
        "unreadable",
        "fail",
        "a file or record that cannot be read",
        "cannot be read ({reason})",
        "{place}: {reason}",
        "impossible chemistry ({reason})",
        "{reason}",
    ),
    _ligand(
        "missing-hydrogens",
        "fail",
        "hydrogens that are not atoms: adding one means choosing a protonation state",
        "has no hydrogens ({number} needed), on {atoms} (atoms counted from 0)",
        "lacks {number} hydrogens, on {atoms} (atoms counted from 0)",
    ),
    _ligand(
        "two-dimensional",
        "warn",
        "the coordinates of a drawing",
        "has the coordinates of a drawing, or none; a 3D structure was made, which is no pose",
    ),
    _ligand(
        "coordinates",
        "fail",
        "coordinates that are no structure: zeros, not numbers, another unit, two atoms in one place, a torn bond",
        "has {what} coordinates{more}",
        "all coordinates are zero",
        "atoms {i} and {j} (from 0) are {distance} A apart",
        "{number} atoms lie in one place ({atoms}, counted from 0)",
        "its bonds are {length} A long",
        "{a} and {b} (atoms counted from 0) are bonded and {length} A apart, and {usual} A is usual",
    ),
    _ligand(
        "undefined-stereo",
        "fail; warn where the isomers are enumerated",
        "a centre or double bond whose stereochemistry nothing says",
        "leaves the stereochemistry of {atoms} (atoms counted from 0) undefined",
        "the structure leaves the stereochemistry of {atoms} (atoms counted from 0) undefined",
        "the file marks the stereochemistry of {atoms} (atoms counted from 0) as unknown or mixed",
        "is isomer {label} of what is open at {atoms}",
        "{atoms} leave {number} stereoisomers open, and {most} are made at most",
    ),
    _ligand(
        "inverted-stereo",
        "fail",
        "a structure that is not the stereoisomer of the SMILES beside it",
        "its stereochemistry is not that of its SMILES {smiles}: {atoms} (atoms counted from 0)",
    ),
    _ligand(
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
    _ligand(
        "given-smiles",
        "fail; warn for a tautomer or another state of charge",
        "a structure that is another molecule than the SMILES beside it",
        "is another molecule than its SMILES {smiles}",
        "is another state of charge than its SMILES {smiles}",
        "is a tautomer of its SMILES {smiles}",
        "its field '{smiles}' is no SMILES",
    ),
    _ligand(
        "salt",
        "warn; fail where more than one part may be the ligand",
        "counter-ions and solvent in a record",
        "is a salt or solvate: left out {formulas}, kept {formula}",
        "holds {number} molecules ({formulas}), of which {candidates} may be the ligand",
        "holds {number} molecules ({formulas})",
    ),
    _ligand(
        "radical",
        "fail",
        "unpaired electrons",
        "unpaired electrons on {atoms} (atoms counted from 0)",
    ),
    _ligand("isotopes", "warn", "isotope labels", "is labelled ({atoms}); the labels are dropped"),
    _ligand(
        "element",
        "fail",
        "elements without parameters",
        "{model} does not know {atoms} (atoms counted from 0); it knows {elements}",
    ),
    _ligand(
        "charge",
        "fail",
        "a charge that a model does not know",
        "{model} does not know molecules of charge {charge}; it knows {charges}",
    ),
    _ligand(
        "partial-charges",
        "fail; warn for sizes and differences that no model fits, for hydrogens on carbon at zero, and for another "
        "model's",
        "partial charges in the file that are not one for each atom or sum to another charge than bonds and formal "
        "charges make; where they are to be taken: none, zeros, equal or whole numbers, hydrogens on N or O at zero or "
        "negative, more than 2 e, 0.2 e between equivalent atoms, or another model's than AM1-BCC (Gasteiger, MMFF94; "
        "by the charge type of a MOL2, or because they equal them)",
        "{whose} no partial charges in its file, and forcefield.charges is file",
        "the partial charges of {whose} are all zero: no charges were exported",
        "the partial charges of {whose} are all equal ({charge} e): the formal charge was spread over the atoms",
        "the partial charges of {whose} are whole numbers: formal charges",
        "the partial charges of {whose} are zero at {atoms}: united atoms, or formal charges",
        "the partial charges of {whose} are zero at all hydrogens: united atoms, formal charges, or MMFF94's",
        "the partial charges of {whose} are negative at {atoms}",
        "the partial charges of {whose} are {kind} charges ({source}), and Sage and GAFF go with AM1-BCC",
        "the partial charges of {whose} are beyond {limit} e at {atoms}",
        "the partial charges of {whose} are {low} and {high} e at {atoms}, which are equivalent",
        "{reason}",
    ),
    _ligand(
        "protonation",
        "warn",
        "a state of charge of a ligand, host or cofactor that the pH excludes, or that is near another one",
        "is given as {smiles}, and at pH {ph} it is {state}",
        "the host {name} is given with charge {charge}, and at pH {ph} it has {charge} ({protons})",
        "the cofactor {name} is given with charge {charge}, and at pH {ph} it has {charge} ({protons})",
        "its state at pH {ph} is near another ({states})",
        "{reason}",
    ),
    _ligand("embedding", "fail", "a molecule of which no 3D structure can be made", "{reason}"),
    _ligand(
        "net-charge",
        "warn",
        "a charge that is not the others' of the series",
        "has the charge {charge}, and {number} of {all} ligands have {usual}",
    ),
    _ligand("duplicate", "warn", "one molecule twice", "is the same molecule as {ligand}"),
    _ligand(
        "tautomer",
        "warn",
        "a tautomer of another ligand; a ligand, host or cofactor drawn as a tautomer that water hardly holds (2- and "
        "4-hydroxypyridines and their like, thiols of such rings, imidic acids, enols of simple ketones, keto forms of "
        "phenols, imines of aminopyridines, nitroso for oxime, 3H-indoles)",
        "is a tautomer of {ligand}",
        "is given as {rare} ({atoms}, atoms counted from 0), and the usual tautomer is {usual}: {reason}",
        "the host {name} is given as {rare} ({atoms}, atoms counted from 0), and the usual tautomer is {usual}: "
        "{reason}",
        "the cofactor {name} is given as {rare} ({atoms}, atoms counted from 0), and the usual tautomer is {usual}: "
        "{reason}",
    ),
    _ligand("protomer", "warn", "another ligand's other state of charge", "is another state of charge of {ligand}"),
    _ligand(
        "repeated-title",
        "warn",
        "two records of one name",
        "record {number} is called '{title}' like an earlier one, and '{name}' from here on",
    ),
    _ligand(
        "flexible-ligand",
        "warn",
        "more than 15 bonds that turn, a ring of 12 atoms or more, or more than 100 heavy atoms",
        "has {shapes}: more shapes than a run of the usual length sees",
    ),
    _ligand(
        "model-coverage",
        "fail",
        "a ligand that the committee was not trained on",
        "{model} knows {elements}; the molecule has {atoms}",
        "{model} knows neutral molecules; this one has charge {charge}",
        "{reason}",
    ),
)

POSE_CHECKS: tuple[Check, ...] = (
    _pose(
        "no-pose",
        "fail",
        "a ligand without a pose where one is needed",
        "has no pose: its coordinates were made from a drawing or a SMILES",
    ),
    _pose(
        "outside-pocket",
        "fail; warn where less than 40 % of its heavy atoms touch the receptor",
        "a ligand outside the receptor, or elsewhere than its series",
        "lies outside the receptor: its nearest atom is {distance} A away",
        "its centre is {distance} A from {others}: it is not in their pocket",
        "only {part} of its heavy atoms touch the receptor",
    ),
    _pose(
        "inside-receptor",
        "fail",
        "a ligand in the protein's atoms: more than 30 % of its heavy atoms overlap",
        "{number} of {all} heavy atoms lie in the receptor ({atoms})",
    ),
    _pose(
        "clash",
        "warn; fail below 2 A",
        "heavy atoms that overlap: carbons within 2.6 A, nitrogen and oxygen within 2.3 A",
        "{number} of heavy atoms clash ({atoms})",
    ),
    _pose(
        "strained-pose",
        "warn above 10 kcal/mol; fail above 35",
        "a pose that the ligand alone would never take",
        "the pose is {strain} kcal/mol above the ligand's free minimum (MMFF94; up to 7 is usual)",
    ),
    _pose(
        "cis-amide",
        "warn",
        "a secondary amide, carbamate or urea that is turned by 180 deg",
        "the amide {atoms} is cis (E), and no dynamics turns it",
    ),
    _pose(
        "binding-modes",
        "warn",
        "several ways to bind that cannot be told apart, or a core that is not where the reference's is",
        "{number} binding modes fit the reference and the receptor about equally (scores {scores} kcal/mol, "
        "{rmsd} A apart)",
        "its core of {number} atoms lies {distance} A from the reference's: another binding mode, or another frame",
    ),
    _pose(
        "no-common-core",
        "fail; warn for a ligand that has a pose",
        "a ligand that shares too little with the reference, or with the other end of its edge",
        "shares only {number} of {all} heavy atoms with the reference ({smiles})",
        "shares only {number} of {all} heavy atoms with the reference ({smiles}): {advice}",
        "{a} and {b} share {number} heavy atoms in place; at least {fewest} make a core",
    ),
    _pose("pose", "fail", "a pose that cannot be judged or made", "{reason}"),
)

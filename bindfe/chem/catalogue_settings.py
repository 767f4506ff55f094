"""What the pre-flight says of settings, time and disk."""

from __future__ import annotations

from bindfe.chem.findings_check import Check, checks_of

_check = checks_of("Settings, time and disk")

SETTINGS_CHECKS: tuple[Check, ...] = (
    _check(
        "box-cutoff",
        "fail",
        "a periodic box in which an atom could meet two images of another within the cutoff",
        "the box of the {leg} leg is {width} A wide, and a cutoff of {cutoff} A needs {needed} A",
    ),
    _check(
        "box-charge",
        "fail for hydration; else warn",
        "a charged ligand that is taken out of a periodic box",
        "a ligand of charge {charge} that is taken out of a periodic box leaves it charged",
        "has the charge {charge}, and solvent.ionic_strength is 0 M: the ion that is discharged with it may be "
        "missing, and is in another salt in each leg",
        "has the charge {charge}; an ion of opposite charge is discharged with it in both legs",
    ),
    _check(
        "time-step",
        "fail; warn within a quarter of the limit, and for springs from 10 steps in a period",
        "a time step that the mass of hydrogen or the springs of a Boresch restraint do not allow, or a mass that no "
        "methyl's carbon can give",
        "a time step of {step} fs with hydrogens of {mass} amu: {limit} fs at most",
        "hydrogens of {mass} amu leave a methyl's carbon {rest} amu",
        "switches to the potential with a time step of {step} fs: {limit} fs at most",
        "{spring} lets its anchors swing in {period} fs, and a time step of {step} fs needs {limit} fs at least",
    ),
    _check(
        "one-repeat",
        "warn",
        "a single repeat",
        "one repeat: nothing shows the error that a second calculation would",
    ),
    _check(
        "schedule",
        "fail",
        "a schedule that does not join the ends of the cycle",
        "{key}: the {end} state is {value} and must be {needed}: {reason}",
        "{key}: runs from {value} to {value} and must run from {needed}",
        "{key}: the alignment must be 1 in the first and the last state",
    ),
    _check(
        "schedule-charges",
        "warn; fail where less than half of the Lennard-Jones coupling is left",
        "charges in a state whose Lennard-Jones terms are softened or off: nothing keeps them apart",
        "schedule.{leg}: in state {state} charges are at {value} and Lennard-Jones terms at {value}",
    ),
    _check(
        "schedule-restraint",
        "fail; warn where only charges are gone",
        "a ligand that is half gone from its site and not yet held",
        "schedule.{leg}: in state {state} Lennard-Jones terms are at {value} and restraints at {value}",
        "schedule.{leg}: in state {state} charges are at {value} and restraints at {value}",
        "schedule.{leg}: in state {state} transfer is at {value} and restraints at {value}",
    ),
    _check(
        "stored-frames",
        "warn; fail with a committee",
        "a run that stores no frame of its end states",
        "{key} is {number} cycles of a run of {cycles}: no frame of an end state is stored",
    ),
    _check(
        "water-model",
        "warn",
        "a protein force field beside a water that its authors advise against",
        "forcefield.protein: {protein} with solvent.model: {water}, and its authors advise against this water",
    ),
    _check(
        "box-pressure",
        "warn",
        "a box of water at the volume that it was filled with",
        "sampling.pressure is null: a box that was filled by geometry keeps its density, which may be 5 % too low",
    ),
    _check(
        "path-bound",
        "fail",
        "a pose that lies outside of what the path calls the site",
        "is given at {height} A of the path, and path.bound is {low} to {high} A",
    ),
    _check(
        "schedule-leap",
        "warn",
        "states so far apart that they share no samples, and rows that turn back",
        "{key}: from {value} to {value} in one step (state {state} to {state}), and {longest} at most is usual",
        "{key}: from {value} to {value} in one step (state {state} to {state}), and {longest} at most is usual below "
        "{value}, where the soft core changes most",
        "{key}: the first step out of state {state} is {step}, and {longest} at most is usual",
        "{key}: turns back from {value} to {value} (state {state} to {state})",
    ),
    _check(
        "unusual-setting",
        "warn; fail where the calculation would be wrong",
        "a temperature, pressure, time step, pH, salt, dielectric constant, cutoff, padding, number of cycles, "
        "equilibration, radius, spring or friction, or a width, height or pace of Gaussians, that hardly anything has: "
        "mostly a wrong unit",
        "{key} is {value} ({range} is usual)",
        "{spring} is {value} ({range} is usual): at {temperature} K it lets {what} by {amplitude}",
    ),
    _check(
        "restraint-kind",
        "fail; warn for equivalent poses",
        "a restraint that the molecules cannot have, or equivalent poses that it does not exclude",
        "restraint.kind: axial aligns a guest with a host's axis, and the receptor is a protein",
        "path.variable: axis: {reason}",
        "restraint.kind: axial: {reason}",
        "path.axis_spring: {reason}",
        "restraint.kind: boresch holds three heavy atoms, and the ligand has {number}",
        "ligands.equivalent_poses is {number}, and restraint.kind: {kind} excludes no pose",
    ),
    _check(
        "equivalent-poses",
        "warn; fail for a title that no ligand has",
        "a symmetric ligand of which Boresch's springs hold one pose, and `ligands.equivalent_poses` of no ligand",
        "ligands.equivalent_poses names {titles}, and no ligand is called so",
        "fits in {number} ways that differ only in which of its equal atoms are which; Boresch's springs hold one, "
        "which is up to {missing} kcal/mol too weak",
    ),
    _check(
        "committee-member",
        "fail",
        "a member that the committee does not have",
        "committee.member is {number}, and {model} has {members}",
    ),
    _check(
        "calibration",
        "fail",
        "a calibrator that cannot be read, or is one of relative values",
        "{reason}",
    ),
    _check(
        "restraint-atoms",
        "fail; warn for hydrogens, and from 15 to 25 A",
        "anchors given by hand that are not in the molecule, are hydrogens, lie on a line, or are far from the ligand",
        "restraint.{key}: {reason}",
        "anchors that are hydrogens: {atoms}",
        "the anchors make an angle of {angle} deg, and 20 to 160 deg are needed",
        "the anchors of receptor and ligand are {distance} A apart, and 5 to 15 A are usual",
    ),
    _check(
        "bulk",
        "fail below 10 A, for edges below 20 A, at the end of a path below 5 A; else warn below 20 A",
        "a bulk that a transfer or a path leads to and that is near the receptor",
        "{distance} A from the site it is {gap} A from the receptor, which is no bulk",
        "path.unbound begins at {height} A, where the ligand is {gap} A from the receptor, which is no bulk",
    ),
    _check(
        "site-radius",
        "fail; warn within 1 A of the wall",
        "a site of an edge so narrow that the bound ligand lies outside of it",
        "its centroid is {distance} A from that of the receptor atoms around it, and restraint.flat_radius is "
        "{radius} A",
    ),
    _check(
        "measured",
        "warn; fail for a table that cannot be read",
        "measured values that are no binding free energies, of another temperature or molecule, or have no ligand",
        "none of the {number} ligands is in the table of measured values: it has {names}",
        "has no measured value, and {name} in the table is no ligand",
        "is {what} its SMILES in the table of measured values, {smiles}",
        "the measured delta_g of {ligands} is positive, as if it did not bind at 1 mol/L",
        "a measured value of {value} kcal/mol is {value} for each of its {number} heavy atoms, and nothing binds so",
        "has {number} lines in the table of measured values, from {low} to {high} kcal/mol",
        "{ligand} was measured at {temperature} K, and sampling.temperature is {temperature} K",
        "{reason}",
    ),
    _check(
        "measured-constant",
        "warn",
        "a measured value that is not RT ln of the constant in its own line (`Ki 2.5 nM`, `pIC50 6.1`, `Ka 1e9 M-1`, "
        "in any column or with its name in the header): off by more than 0.5 kcal/mol; below an IC50 by more than 1.5, "
        "from an EC50 by more than 2.7",
        "its measured value of {value} kcal/mol and '{constant}' in the same line, which is {value} kcal/mol at "
        "{temperature} K, are {difference} kcal/mol apart, a factor of {factor}",
    ),
    _check(
        "measured-bound",
        "warn",
        "a measured value whose line says that it is a bound (`IC50 > 10 uM`, a column with `>`), or that nothing was "
        "seen (`inactive`, `no binding`, `n.d.`)",
        "its measured value of {value} kcal/mol stands beside '{text}', which is a bound: it binds {way} than that, by "
        "any amount",
        "its measured value of {value} kcal/mol stands beside '{text}', which is no measurement of a constant",
    ),
    _check(
        "mixed-assays",
        "warn",
        "measured values of one series that come from constants of other kinds: Ki or Kd, IC50, EC50 or cells",
        "measured values of {number} kinds stand in one series: {kinds}",
    ),
    _check(
        "wall-time",
        "fail; warn without a limit",
        "more wall time than `--limit-hours`, or than 30 days on GPUs or a year on CPU cores where no limit is given",
        "about {time} on {device}, and the limit is {limit}",
        "about {time} on {device}, and more than {usual} is hardly meant",
    ),
    _check(
        "disk",
        "fail; warn without a limit",
        "more disk than `--limit-disk`, or than 1 TB where no limit is given",
        "about {size} of disk, and the limit is {limit}",
        "about {size} of disk, and more than {usual} is hardly meant",
    ),
)

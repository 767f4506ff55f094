"""What the pre-flight says of receptors."""

from __future__ import annotations

from bindfe.chem.findings_check import Check, checks_of

_check = checks_of("Receptors")

RECEPTOR_CHECKS: tuple[Check, ...] = (
    _check(
        "membrane-orientation",
        "fail outside of the membrane; else warn",
        "a protein that does not lie in its bilayer as it should: polar residues in the core, or more apolar ones "
        "elsewhere (Wimley and White's octanol scale)",
        "the membrane's core from {low} to {high} A along z holds no residue of the receptor, which lies from {bottom} "
        "to {top} A",
        "the membrane's core from {low} to {high} A along z holds {number} residues that cost {energy} kcal/mol there: "
        "they are too polar for a membrane",
        "the membrane's core from {low} to {high} A along z holds {number} residues that cost {energy} kcal/mol there; "
        "about {axis} = {centre} A it would be {energy}",
    ),
    _check(
        "membrane",
        "fail for a host; else warn",
        "a bilayer about a host, one that has no time to settle, is a gel or wider than it need be, or a protein like "
        "a membrane's and no bilayer",
        "a bilayer is laid about a protein, and the receptor is a host",
        "{number} residues in a layer of 30 A are as apolar as those of a membrane protein ({energy} kcal/mol from "
        "water into octanol), and no membrane is asked for",
        "the box of the complex is {width} x {width} x {height} A, about {number} atoms, and with membrane.padding of "
        "{padding} A it is a patch of lipids narrower",
        "equilibration.free_time is {time} ps, and a bilayer that was just grown takes nanoseconds to close and find "
        "its area",
        "a bilayer of {lipid} melts at {temperature} K and is a gel at sampling.temperature, {temperature} K",
    ),
    _check(
        "receptor",
        "fail",
        "a receptor that cannot be read or completed",
        "{reason}",
    ),
    _check(
        "missing-residues",
        "fail within 10 A of a ligand; else warn",
        "a broken chain",
        "{number} residues are missing between {before} and {after}",
        "{number} residues are missing between {before} and {after}, {distance} A from a ligand",
        "{number} residues are missing between {before} and {after}, which may reach a ligand",
        "the chain is broken between {before} and {after}",
        "the chain is broken between {before} and {after}, {distance} A from a ligand",
    ),
    _check(
        "torn-residues",
        "fail",
        "residues whose atoms a periodic box has parted: a frame of a trajectory, wrapped atom by atom",
        "{number} torn ({residues}): {atoms} lie {distance} A apart",
        "{number} torn ({residues}): {atoms} lie {distance} A apart, about the width of the box in CRYST1 ({width} A)",
    ),
    _check(
        "merged-chains",
        "warn",
        "two chains under one chain id, by numbers that begin again, a distance that nothing spans, or a last "
        "residue's OXT",
        "two chains are called '{chain}': {before} ends one and {after}, {distance} A away, begins the other ({why})",
        "two chains are called '{chain}': {before} ends one and {after}, {distance} A away, begins the other ({why}), "
        "{distance} A from a ligand",
    ),
    _check(
        "doubled-atoms",
        "fail; warn for water and hydrogens",
        "atoms of one name twice in one residue of one chain: mostly a second copy of the protein, which is left out",
        "{number} residues have atoms that stand twice under one chain, number and name ({residues}): the first are "
        "taken",
    ),
    _check(
        "unseen-atoms",
        "warn",
        "heavy atoms of occupancy 0 within 6 A of a ligand, in a file that has others",
        "{residue} has {atoms} at occupancy 0, {distance} A from a ligand",
    ),
    _check(
        "alternate-locations",
        "warn",
        "alternate locations within 6 A of a ligand",
        "{residue} has alternate locations (occupancies {shares}), {distance} A from a ligand",
    ),
    _check(
        "unknown-residue",
        "fail",
        "what is no amino acid, water, ion or given cofactor",
        "{residues}: no amino acid, water or ion",
    ),
    _check(
        "receptor-drop",
        "warn",
        "`receptor.drop` with a name that the file does not have",
        "receptor.drop: {names} is not in the file",
    ),
    _check(
        "residue-template",
        "fail; warn for atoms that are built, within 10 A of a ligand or long enough to come there",
        "residues whose atoms are not those of their template, by name",
        "{residue} has no template ({atoms})",
        "{residue} is called {name} and its hydrogens are not: {atoms}",
        "{residue} has atoms that no {name} has: {atoms}",
        "{residue}, {distance} A from a ligand, lacks {atoms}",
        "{residue} lacks {atoms}, which may reach to within {distance} A of a ligand",
        "{residue} is modified ({atoms}); {parent} is taken",
    ),
    _check(
        "dropped-water",
        "warn",
        "water of the file that explicit solvent is to replace, within 3.5 A of N or O of both a ligand and the "
        "protein, and in no ligand",
        "{setting} leaves out {number} of the file that {bridge} ligand and protein: {waters}",
    ),
    _check(
        "dropped-part",
        "warn",
        "a chain, a metal ion or a cofactor of 20 heavy atoms that `receptor.drop` leaves out within 5 A of a ligand, "
        "unless it lies in the ligand",
        "receptor.drop leaves out what touches a ligand: {parts}",
    ),
    _check(
        "missing-assembly",
        "warn",
        "chains of the biological assembly (REMARK 350, `_pdbx_struct_assembly_gen`) that are not in the file and "
        "would lie within 8 A of a ligand",
        "the biological assembly has {number} chains, the file has {here}: {atom} of the copy that operation {name} "
        "makes would lie {distance} A from {ligand}",
    ),
    _check(
        "second-copy",
        "warn",
        "a chain of the same sequence as one nearer to the ligands, more than 12 A from all of them, unless the "
        "biological assembly has it together with a chain of the site: a crystal's second copy",
        "{copy} is a copy of {twin} ({number} residues), {distance} A from the nearest ligand: {share} % of the "
        "protein's atoms, no part of the site, and {said}",
    ),
    _check(
        "mutated-residue",
        "warn",
        "a mutation by SEQADV, `_struct_ref_seq_dif` or the title within 8 A of a ligand (a conflict, a variant or a "
        "tag within 6 A), unless the file has the wild type again or the receptor's name has the mutation (`M978A`)",
        "{residue} is {kind} ({name} in the wild type, {source}), {distance} A from {ligand}",
        "{residue}, {distance} A from {ligand}, is {other} by {source} ({name} in the wild type)",
        "{residues} of the wild type, deleted in the construct, lay between {before} and {after}, {distance} A from "
        "{ligand}",
        "the file says that the protein is mutated, and not where",
    ),
    _check(
        "predicted-model",
        "warn",
        "a predicted model (by its head or its file's name) with a confidence (pLDDT) below 70 within 6 A of a ligand",
        "the receptor is a predicted model ({program}): {number} residues within 6 A of a ligand have a confidence "
        "(pLDDT) below 70, {mean} on average ({residues})",
    ),
    _check(
        "facing-histidine",
        "warn",
        "a histidine's nitrogen that points at an atom of a ligand, within 3.2 A, without a proton on either, or whose "
        "proton lies within 2 A of that of an N-H that cannot turn",
        "{residue} {nitrogen} has no proton and faces {atom}, {distance} A away, which has none either: acceptor meets "
        "acceptor",
        "{residue} {nitrogen} has a proton {distance} A from that of {atom}: donor meets donor",
    ),
    _check(
        "given-state",
        "warn",
        "a residue whose state by the file's hydrogens is not that of its pKa (propka, without the ligand): by more "
        "than 1 within 10 A of a ligand, for ASH, GLH, HIP, LYN and CYM by more than 0.5; by more than 2 elsewhere; "
        "unless it holds a metal or is in `receptor.states`",
        "{residue}, {distance} A from a ligand, is {given} by its hydrogens in the file ({state}), and propka says pKa "
        "{value}: at pH {ph} it is {other} and {charged}",
        "far from the ligands {number} have the hydrogens of a state that their pKa excludes at pH {ph} ({residues})",
    ),
    _check(
        "water-clash",
        "fail",
        "crystal water within 2 A of a heavy atom of a ligand, which is named, or of the protein",
        "{number} in {what}: {waters}",
    ),
    _check(
        "backbone",
        "warn; fail where most are of the wrong hand",
        "residues of the wrong hand, and cis peptide bonds that are not before a proline",
        "{residues} of the wrong hand (D) at CA",
        "{number} of {all} residues ({residues} ...) of the wrong hand (D) at CA",
        "{residues}: a cis peptide bond that is not before a proline",
    ),
    _check(
        "protein-overlap",
        "fail for more than 5 pairs of atoms; else warn",
        "heavy atoms of different residues within 2 A that no bond joins: a wrong symmetry copy of a chain, or a model "
        "that runs through itself",
        "{number} of heavy atoms {where} lie in each other, unbonded and within 2 A ({atoms})",
    ),
    _check(
        "cofactor-place",
        "fail beyond 10 A, below 2 A, and with more than 30 % of its heavy atoms in the receptor; else warn",
        "a cofactor that touches neither protein nor ligand (5 A), or that lies in the protein or another cofactor",
        "the cofactor {name} does not touch the receptor: its nearest atom is {distance} A away",
        "{number} of {all} heavy atoms of the cofactor {name} lie in the receptor ({atoms})",
    ),
    _check(
        "ligand-metal",
        "warn",
        "a ligand whose N, O or S holds a metal ion of the protein",
        "{atoms} lies at {ion}, {distance} A away",
    ),
    _check(
        "covalent-warhead",
        "warn",
        "a ligand's electrophilic carbon within 4.2 A of the sulfur of a free cysteine",
        "C{atom} of a {kind} lies {distance} A from the sulfur of {cysteine}",
    ),
    *(
        _check(f"protein-{what}", "warn", looks_for, *says)
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
                    "{residue} is built as {state}, whatever its name says",
                    "protons that the file has not are added: {atoms}",
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
)

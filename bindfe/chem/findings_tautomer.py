"""Molecules drawn as the tautomer that water hardly holds; no calculation moves a proton to the other.

The list is short: where water holds both forms, or a substituent or a hydrogen bond decides, nothing is said. So
1,3-diketones, phenols, 3-hydroxypyridines, pyrazolols, isoxazolols, amidines, azoles, azo compounds and hydrazones stay
as drawn.

Source:
    Elguero, Katritzky, Denisko, "Prototropic tautomerism of heterocycles", Adv. Heterocycl. Chem. 76, 1 (2000), and
    Beak, "Energies and alkylations of tautomeric heterocyclic compounds", Acc. Chem. Res. 10, 186 (1977), for rings;
    Keeffe, Kresge, in "The Chemistry of Enols" (1990), for enols.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from rdkit import Chem

from bindfe.chem.checks import name_atom
from bindfe.chem.findings import EVERYTHING, Finding, warned
from bindfe.chem.findings_states import molecules_of
from bindfe.chem.ligand import Ligand
from bindfe.chem.receptor import Receptor


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rare:
    """One kind of rare tautomer."""

    drawn: str
    """The rare form."""
    usual: str
    """The form in water."""
    why: str
    """How much rarer, or what is lost."""
    smarts: tuple[str, ...]
    """Any of these is the rare form; mapped atoms are named, in the order of their numbers."""


_BESIDE = "[c,n;!$(*[F,Cl,Br,I]);!$(*-[OX2H0]);!$(*C(F)(F)F);!$(*C#N)]"
"""Neighbour of the ring's nitrogen: with these on it (6-chloro-2-pyridinol) both forms are in water."""

_BARE = _BESIDE.replace("OX2H0", "OX2")
"""The same for 4-hydroxypyridines: 2,4-dihydroxypyridine is the 4-hydroxy-2-pyridone."""

_PLAIN = "!$(N-[!#6;!#1])"
"""Nitrogen on nothing but carbon and hydrogen: hydroxamic acids and hydrazides are others."""

_ALKYL = "[#1,$([CX4;!$(C[F,Cl,Br,I])])]"
"""Hydrogen or a saturated carbon."""


def _beside(element: str) -> tuple[str, ...]:
    """Six rings with OH or SH beside a nitrogen, of which no fused ring would lose its aromaticity."""
    return (
        f"[{element}X2H1:1]-c1:[nX2:2]:{_BESIDE}:[c,n;R1]:[c,n]:[c,n]:1",
        f"[{element}X2H1:1]-c1:[nX2:2]:{_BESIDE}:[c,n]:[c,n;R1]:[c,n]:1",
    )


def _opposite(element: str) -> tuple[str, ...]:
    """Six rings with OH or SH opposite a nitrogen."""
    return (f"[{element}X2H1:1]-c1:[c,n]:{_BARE}:[nX2:2]:{_BARE}:[c,n]:1",)


def _azole(element: str) -> tuple[str, ...]:
    """Five rings with OH or SH between two hetero atoms."""
    return (f"[{element}X2H1:1]-c1:[nX2:2]:[c,n]:[c,n]:[nX3,oX2,sX2]:1",)


_RARE = (
    _Rare(
        drawn="a lactim (2-hydroxypyridine and its like)",
        usual="the lactam with its proton on the nitrogen (2-pyridone, oxo form)",
        why="about 1000 to 1 for 2-pyridone",
        smarts=_beside("O"),
    ),
    _Rare(
        drawn="a 4-hydroxypyridine or its like",
        usual="the 4-pyridone with its proton on the nitrogen (oxo form)",
        why="about 2000 to 1 for 4-pyridone",
        smarts=_opposite("O"),
    ),
    _Rare(
        drawn="a 2-hydroxyazole",
        usual="the azolone with its proton on the nitrogen (cyclic urea or carbamate)",
        why="nothing but the oxo form is seen of benzimidazolone",
        smarts=_azole("O"),
    ),
    _Rare(
        drawn="the thiol of a ring like 2-mercaptopyridine",
        usual="the thione with its proton on the nitrogen",
        why="more than 10 000 to 1 for 2-pyridinethione",
        smarts=_beside("S") + _opposite("S") + _azole("S"),
    ),
    _Rare(
        drawn="an imidic acid C(OH)=N",
        usual="the amide",
        why="more than a million to 1",
        smarts=(f"[OX2H1:1]-[CX3:2]=[NX2;{_PLAIN}:3]",),
    ),
    _Rare(
        drawn="an imidothiol C(SH)=N",
        usual="the thioamide or thiourea",
        why="as amides and imidic acids",
        smarts=(f"[SX2H1:1]-[CX3:2]=[NX2;{_PLAIN}:3]",),
    ),
    _Rare(
        drawn="an enol",
        usual="the ketone or aldehyde",
        why="about a million to 1 and more for those of simple ketones and aldehydes",
        smarts=(f"[OX2H1:1]-[CX3:2]([#1,c,{_ALKYL[1:-1]}])=[CX3:3]({_ALKYL}){_ALKYL}",),
    ),
    _Rare(
        drawn="the keto form of a phenol",
        usual="the phenol",
        why="the ring is aromatic",
        smarts=("[OX1:1]=C1[CX4;!H0:2]C=CC=C1", "[OX1:1]=C1C=C[CX4;!H0:2]C=C1"),
    ),
    _Rare(
        drawn="the imine of an aminopyridine or its like",
        usual="the amine, its proton off the ring's nitrogen",
        why="about 100 000 to 1 for 2-aminopyridine",
        smarts=(
            "[NX2;H1,$(N-[CX4]):1]=c1:[nX3;H1:2]:[c,n]:[c,n]:[c,n]:[c,n]:1",
            "[NX2;H1,$(N-[CX4]):1]=c1:[c,n]:[c,n]:[nX3;H1:2]:[c,n]:[c,n]:1",
            "[NX2;H1:1]=c1:[nX3;H1:2]:[c,n]:[c,n]:[n,o,s]:1",
        ),
    ),
    _Rare(
        drawn="a nitroso compound with hydrogen beside it",
        usual="the oxime",
        why="the nitroso form turns into it for good",
        smarts=("[CX4;!H0:1]-[NX2:2]=[OX1:3]",),
    ),
    _Rare(
        drawn="a 3H-indole",
        usual="the 1H-indole",
        why="the ring is aromatic",
        smarts=("[CX4;!H0:1]1-[CX3;!$(C-[#7,#8,#16])]=[NX2:2]-c:c-1",),
    ),
)


def tautomer_findings(ligand: Ligand) -> tuple[Finding, ...]:
    """A warning for each kind of rare tautomer that a ligand is drawn as."""
    return tuple(_findings(ligand.mol, subject=ligand.name))


def receptor_tautomer_findings(receptor: Receptor) -> tuple[Finding, ...]:
    """The same of a host and of a protein's cofactors."""
    return tuple(f for whose, mol in molecules_of(receptor) for f in _findings(mol, whose=f"{whose} "))


def _findings(mol: Chem.Mol, *, subject: str = EVERYTHING, whose: str = "") -> Iterator[Finding]:
    for rare, atoms in _rare_forms(mol):
        yield warned(
            "tautomer",
            f"{whose}is given as {rare.drawn} ({atoms}, atoms counted from 0), and the usual tautomer is {rare.usual}: "
            f"{rare.why}",
            advice="give the usual form, unless this one is known to bind: no calculation moves the proton",
            ligand=subject,
        )


def _rare_forms(mol: Chem.Mol) -> Iterator[tuple[_Rare, str]]:
    """Kinds of rare tautomer in a molecule, with their atoms in words; no atom is told of twice."""
    told: set[int] = set()
    for rare in _RARE:
        words = []
        for query, named in map(_query, rare.smarts):
            for match in mol.GetSubstructMatches(query, uniquify=False):
                atoms = [match[k] for k in named]
                if told.isdisjoint(atoms):
                    told.update(atoms)
                    words.append("-".join(name_atom(mol.GetAtomWithIdx(k)) for k in atoms))
        if words:
            yield rare, ", ".join(words[:4])


@cache
def _query(smarts: str) -> tuple[Chem.Mol, tuple[int, ...]]:
    """A pattern, and its atoms that are named, in the order of their numbers."""
    query = Chem.MolFromSmarts(smarts)
    mapped = sorted((atom.GetAtomMapNum(), atom.GetIdx()) for atom in query.GetAtoms() if atom.GetAtomMapNum())
    return query, tuple(index for _, index in mapped)

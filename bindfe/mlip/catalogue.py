"""Which committees bindfe knows, what they cover, what they are worth, and how to get them. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from bindfe.errors import InputError
from bindfe.mlip.weights import WeightFile, checked_file, folders, locate

_ALL: list[str] = re.findall(
    "[A-Z][a-z]?",
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu",
)
_SYMBOLS = dict(enumerate(_ALL, start=1))
_AIMNET2_ELEMENTS = ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "I")
_MACE_OFF_ELEMENTS = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")
_ASL = "ASL (academic, no commercial use), https://github.com/gabor1/ASL"

MOST_ATOMS = 500
"""Largest molecule that is taken: all pairs of its atoms are looked at, which is right for ligands and no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A published committee of potentials."""

    name: str
    """Name in protocol files."""
    title: str
    """Name in sentences."""
    kind: Literal["ani", "aimnet2", "mace", "ase"]
    """Which of bindfe's evaluations runs it."""
    symbols: tuple[str, ...]
    """Elements that it was trained on or has parameters for."""
    n_members: int
    """Potentials in the committee."""
    level: str
    """Electronic structure method that it reproduces."""
    licence: str
    """Licence of the weights."""
    source: str
    """Publication."""
    charged: bool = False
    """Whether it takes charged molecules."""
    open_shells: bool = False
    """Whether it takes unpaired electrons."""
    files: tuple[WeightFile, ...] = ()
    """Its weights; none where a package carries the method."""
    package: str = "torchani"
    """Python module that is needed to run it."""
    get: str = "pip install 'bindfe[mlip]'"
    """How to get the package."""
    s66x8_kcal_mol: float | None = None
    """Mean absolute error of S66x8 interaction energies, as bindfe runs it [kcal/mol]; None: not measured."""

    @property
    def weights(self) -> str:
        """File name of its weights; of the first member where each has its own."""
        return self.files[0].name if self.files else ""


def _ani(name: str, title: str, symbols: str, level: str, source: str, sha256: str, s66x8: float) -> Model:
    weights = WeightFile(
        name=f"{name}_state_dict.pt",
        kept_in="torchani",
        sha256=(sha256,),
        all_checksums_known=False,
        url=f"https://huggingface.co/roitberg-group/{name}/resolve/main/{name}_state_dict.pt",
    )
    return Model(
        name=name,
        title=title,
        kind="ani",
        symbols=tuple(symbols.split()),
        n_members=8,
        level=level,
        licence="MIT",
        source=source,
        files=(weights,),
        s66x8_kcal_mol=s66x8,
    )


_AIMNET2_SHA256 = (  # published (registry of aimnet 0.2.5), converted from the files of Auto3D 2.3.1
    (
        "f0f7c054539ad3261bd36f9b11c56d12f87cb723e25bea7521755bbd3ec24e28",
        "6061745e9b7b8e8e26755b7e1d7614e52fb80a71d74e71183aeafc156b435427",
    ),
    (
        "0505ec73a1759bd1d9885fa5f396c79f2a0cc93d20c62ea388e92b30e9351432",
        "6795ac2dc676a36fe38ee3060df002425df6329de030eb674d48c600695e67eb",
    ),
    (
        "a8c1ea27bd07e1bb1a5942f93cb7285cc7308c2a26fa4e1f82b7b5302feb7bfa",
        "2faeaf1f46bc7bc1016263dff7bfe00daac5f3401163bc43ea92dd9441a27f40",
    ),
    (
        "0c5f26b9de15c72a9ccb1d411b3b7814816bb06cca46f784dccd1f5efb2c334b",
        "6264323baab01962a2941fdaa7954d4d83d6fbd4082610637ed09f3494152a26",
    ),
)


def _aimnet2() -> Model:
    files = tuple(
        WeightFile(
            name=f"aimnet2_wb97m_d3_{member}.pt",
            kept_in="aimnet",
            sha256=sha256,
            url=f"https://storage.googleapis.com/aimnetcentral/aimnet2v2/AIMNet2/aimnet2_wb97m_d3_{member}.pt",
        )
        for member, sha256 in enumerate(_AIMNET2_SHA256)
    )
    return Model(
        name="aimnet2",
        title="AIMNet2",
        kind="aimnet2",
        symbols=_AIMNET2_ELEMENTS,
        n_members=4,
        level="wB97M-D3/def2-TZVPP",
        charged=True,
        licence="MIT",
        source="Anstine et al., Chem. Sci. 16, 10228 (2025), doi:10.1039/D4SC08572H",
        files=files,
        package="dftd3",
        s66x8_kcal_mol=0.54,
    )


def _mace(name: str, title: str, symbols: Sequence[str], level: str, *, file: str, url: str, licence: str) -> Model:
    sources = {
        "off": "Kovacs et al. (2023), doi:10.48550/arXiv.2312.15211",
        "mp": "Batatia et al. (2023), doi:10.48550/arXiv.2401.00096",
        "omol": "trained on OMol25: Levine et al. (2025), doi:10.48550/arXiv.2505.08762",
    }
    return Model(
        name=name,
        title=title,
        kind="mace",
        symbols=tuple(symbols),
        n_members=1,
        level=level,
        licence=licence,
        source=sources["off" if "off" in name else "omol" if "omol" in name else "mp"],
        files=(WeightFile(name=file, kept_in="mace", sha256=(), url=url, pickled=True),),
        package="mace",
        get="pip install 'bindfe[mace]'",
    )


_OFF_LEVEL = "wB97M-D3(BJ)/def2-TZVPPD"
_OFF_URL = "https://raw.githubusercontent.com/ACEsuit/mace-off/main"
_RELEASES = "https://github.com/ACEsuit"
_MP_ELEMENTS = [*_ALL[:83], *_ALL[88:94]]

_KNOWN = (
    _ani(
        "ani2x",
        "ANI-2x",
        "H C N O S F Cl",
        "wB97X/6-31G(d)",
        "Devereux et al., J. Chem. Theory Comput. 16, 4192 (2020), doi:10.1021/acs.jctc.0c00121",
        "1312433bf2f3d8f66772b1c307d57221afc92665b054ffa792ca7bfd96a30c33",
        0.97,
    ),
    _ani(
        "ani1x",
        "ANI-1x",
        "H C N O",
        "wB97X/6-31G(d)",
        "Smith et al., J. Chem. Phys. 148, 241733 (2018), doi:10.1063/1.5023802",
        "0fa222624b5b93782d2aae2a4a442a90e13df85b8420f1bb9dddd0c5c67431fa",
        1.84,
    ),
    _ani(
        "ani1ccx",
        "ANI-1ccx",
        "H C N O",
        "CCSD(T)*/CBS",
        "Smith et al., Nat. Commun. 10, 2903 (2019), doi:10.1038/s41467-019-10827-4",
        "1efdeef8d5a123d59d916e3278a49f2c385b4166a5196cad224bfc57554d9256",
        2.24,
    ),
    _aimnet2(),
    *(
        _mace(
            f"mace-off{year}-{size}",
            f"MACE-OFF{year} ({size})",
            _MACE_OFF_ELEMENTS,
            _OFF_LEVEL,
            file=f"MACE-OFF{year}_{size}.model",
            url=f"{_OFF_URL}/mace_off{year}/MACE-OFF{year}_{size}.model",
            licence=_ASL,
        )
        for year, size in ((23, "small"), (23, "medium"), (23, "large"), (24, "medium"))
    ),
    *(
        _mace(
            name,
            title,
            _MP_ELEMENTS,
            "PBE+U, for materials",
            file="".join(letter for letter in url.rsplit("/", 1)[-1] if letter.isalnum() or letter == "_"),
            url=f"{_RELEASES}/{url}",
            licence="MIT",
        )
        for name, title, url in (
            (
                "mace-mp-0-small",
                "MACE-MP-0 (small)",
                "mace-mp/releases/download/mace_mp_0/2023-12-10-mace-128-L0_energy_epoch-249.model",
            ),
            (
                "mace-mp-0-medium",
                "MACE-MP-0 (medium)",
                "mace-mp/releases/download/mace_mp_0/2023-12-03-mace-128-L1_epoch-199.model",
            ),
            ("mace-mpa-0-medium", "MACE-MPA-0", "mace-mp/releases/download/mace_mpa_0/mace-mpa-0-medium.model"),
        )
    ),
    _mace(
        "mace-omol-0",
        "MACE-OMOL-0",
        _ALL[:83],
        "wB97M-V/def2-TZVPD",
        file="MACE-omol-0-extra-large-1024.model",
        url=f"{_RELEASES}/mace-foundations/releases/download/mace_omol_0/MACE-omol-0-extra-large-1024.model",
        licence=_ASL,
    ),
    Model(
        name="gfn2-xtb",
        title="GFN2-xTB",
        kind="ase",
        symbols=tuple(_ALL[:86]),
        n_members=1,
        level="GFN2, semiempirical",
        charged=True,
        open_shells=True,
        licence="LGPL-3.0-or-later",
        source="Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15, 1652 (2019), doi:10.1021/acs.jctc.8b01176",
        package="tblite",
        get="pip install 'bindfe[xtb]'",
        s66x8_kcal_mol=0.65,
    ),
)

MODELS: dict[str, Model] = {model.name: model for model in _KNOWN}
"""The committees, by the name that a protocol uses."""


def model_named(name: str) -> Model:
    """Look a committee up.

    Raises:
        InputError: bindfe does not know the name.
    """
    if name not in MODELS:
        raise InputError(
            f"there is no committee '{name}'; known: {', '.join(MODELS)}; a MACE file of your own is "
            "mace:FILE#sha256=..., an ASE calculator ase:MODULE:FUNCTION"
        )
    return MODELS[name]


def weight_paths(name: str) -> tuple[Path, ...]:
    """Where a committee's weights (of its first member) are looked for, in this order; none need exist.

    The folder of ``$BINDFE_DATA/models`` comes first, then the cache of the package that fetches them. They
    are only read.
    """
    model = model_named(name)
    return tuple(folder / model.weights for folder in folders(model.files[0].kept_in)) if model.files else ()


def find_weights(name: str) -> Path | None:
    """The weights of a committee (of its first member) on this machine, checked; None if they are absent.

    Raises:
        MissingDependency: They are there and damaged, or those of another model.
    """
    model = model_named(name)
    return checked_file(model.files[0], title=model.title) if model.files else None


def weights_there(model: Model) -> bool:
    """Whether all files of a committee are on this machine, unread."""
    return all(locate(file) is not None for file in model.files)


def why_not(model: Model) -> str:
    """Why a committee cannot be used on this machine; empty if it can. Nothing is imported or opened."""
    if find_spec(model.package) is None:
        return f"{model.package} is not installed: {model.get}"
    if not weights_there(model):
        absent = [file for file in model.files if locate(file) is None]
        where = folders(absent[0].kept_in)[-1]
        return f"weights absent: put {', '.join(f.name for f in absent)} from {absent[0].url} into {where}"
    if any(file.pickled for file in model.files):
        return f"needs its checksum: write {model.name}#sha256=... to vouch for the file, which is a pickle"
    return ""


def check_covers(name: str, numbers: Sequence[int], *, charge: int = 0, multiplicity: int = 1) -> None:
    """Refuse a molecule outside what a committee was trained on.

    Args:
        name: Name of the committee.
        numbers: Atomic number of each atom, (N,).
        charge: Formal charge of the molecule [e].
        multiplicity: 2S + 1.

    Raises:
        InputError: Foreign elements (atoms named), a charge, an odd number of electrons, a multiplicity that the
            electrons cannot have or the model does not take, or too many atoms.
    """
    model = model_named(name)
    check_elements(numbers, model.symbols, title=model.title)
    if charge != 0 and not model.charged:
        raise InputError(
            f"{model.title} knows neutral molecules; this one has charge {charge:+d}: choose a model that takes "
            "charges, such as aimnet2, or set committee.model to 'none'"
        )
    check_electrons(numbers, charge=charge, multiplicity=multiplicity, open_shells=model.open_shells, title=model.title)


def check_elements(numbers: Sequence[int], symbols: Sequence[str], *, title: str) -> None:
    """Refuse elements that a potential does not know, naming the atoms, and molecules that are too large."""
    if len(numbers) == 0 or len(numbers) > MOST_ATOMS:
        raise InputError(f"{title} is run on 1 to {MOST_ATOMS} atoms; the molecule has {len(numbers)}")
    foreign = [(index, z) for index, z in enumerate(numbers) if _SYMBOLS.get(z) not in symbols]
    if foreign:
        atoms = ", ".join(f"{symbol(z)} (atom {index})" for index, z in foreign[:8])
        more = f" and {len(foreign) - 8} more" if len(foreign) > 8 else ""
        raise InputError(
            f"{title} knows {', '.join(symbols)}; the molecule has {atoms}{more}: choose another committee.model, "
            "or 'none'"
        )


def check_electrons(numbers: Sequence[int], *, charge: int, multiplicity: int, open_shells: bool, title: str) -> None:
    """Refuse a number of electrons that does not fit the multiplicity, and open shells where they are unknown."""
    electrons = sum(numbers) - charge
    if multiplicity == 1 and electrons % 2:
        known = "knows closed shells; this molecule has" if not open_shells else "was asked for a closed shell of"
        raise InputError(f"{title} {known} {electrons} electrons, an odd number: check its hydrogens and its charge")
    if multiplicity < 1 or multiplicity > electrons + 1 or (electrons + multiplicity) % 2 == 0:
        raise InputError(f"{electrons} electrons cannot have multiplicity {multiplicity} (2S + 1)")
    if multiplicity != 1 and not open_shells:
        raise InputError(f"{title} knows closed shells; this molecule has multiplicity {multiplicity}: use gfn2-xtb")


def symbol(number: int) -> str:
    """Symbol of an element."""
    return _SYMBOLS.get(number, f"element {number}")

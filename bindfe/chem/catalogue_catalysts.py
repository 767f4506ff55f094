"""What the pre-flight says of catalysts."""

from __future__ import annotations

from bindfe.chem.findings_check import Check, checks_of

_check = checks_of("Catalysts")

CATALYST_CHECKS: tuple[Check, ...] = (
    _check(
        "catalyst-file",
        "fail",
        "a file of species that cannot be read, two species of one name, or a phosphine that is not known by name",
        "{reason}",
    ),
    _check(
        "catalyst-structure",
        "fail",
        "a complex that cannot be built: no metal or several, a number of donors other than two and four, a plane "
        "without `@SP`, unpaired electrons, no phosphine to exchange, an element without a size in water, or an "
        "arrangement that GFN-FF would lose",
        "{reason}",
    ),
    _check(
        "catalyst-package",
        "fail",
        "ASE, tblite or gfnff that is not installed (the extra `metal`)",
        "{reason}",
    ),
)

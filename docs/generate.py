"""Write docs/protocol.md from the models of bindfe.protocol: ``python docs/generate.py``."""

from __future__ import annotations

from pathlib import Path

from bindfe.protocol import Key, describe_keys

PAGE = Path(__file__).parent / "protocol.md"

HEAD = """\
# The protocol file

<!-- Written by docs/generate.py from the models in bindfe/protocol/settings.py: change those, then run it. -->

Every setting of every stage of a calculation is in one YAML file. A key that is not written has the default below;
`bindfe protocol show` prints all of them as a file to start from, and `bindfe protocol show FILE` prints what a file
resolves to.

- A **quantity** is text with a unit, such as `2 fs` or `10 kcal/mol/A^2`. Any unit of the same dimension will do:
  lengths in `A`, `nm`; times in `fs`, `ps`, `ns`, `us`; energies in `kcal/mol`, `kJ/mol`, `meV`; temperatures in `K`;
  masses in `amu`, `Da`; pressures in `bar`, `atm`; angles in `deg`, `rad`; concentrations in `M`, `mM`; joined with `*`
  and `/`, with powers such as `^2`. A bare number where a unit is due is an error.
- **Paths** are relative to the protocol file.
- Keys marked **physics** change the answer's distribution. They make the fingerprint of a run: `bindfe run` refuses to
  continue a run directory in which one of them differs, and says which. The others (lengths, names, paths, platform,
  output) may change between calls.
- In a lambda schedule 1 is fully on and 0 is off; a row that is not written stays at 1.
"""

TABLE = "\n| key | what it takes | default | physics | meaning |\n|---|---|---|---|---|\n"


def page() -> str:
    """The whole page: one chapter a section, one row a key."""
    keys = list(describe_keys())
    top = [key for key in keys if "." not in key.path]
    parts = [HEAD, "\n## Top level\n", TABLE, *(_row(key) for key in top if "section" not in key.kind)]
    for section in (key for key in top if "section" in key.kind):
        own = [key for key in keys if key.path.startswith(section.path + ".") and "section" not in key.kind]
        optional = " Left out unless it is written." if section.kind.startswith("optional") else ""
        parts += [f"\n## {section.path}\n\n{_sentence(section.description)}{optional}\n", TABLE, *map(_row, own)]
    return "".join(parts)


def _row(key: Key) -> str:
    default = f"`{key.default}`" if key.default not in ("''", "[]") else "empty"
    kind = key.kind.replace("|", "\\|").replace("[", "`").replace("]", "`")
    return f"| `{key.path}` | {kind} | {default} | {'yes' if key.physics else ''} | {key.description} |\n"


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""The results as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = (
    "",
    "work",
    "figure",
    "floor or peer",
    "ratio",
    "must reach",
    "",
    "rounds",
    "memory: peak, steady",
    "requests to Argo CD, bytes",
)


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows as a Markdown table, and what else was seen below it."""
    lines = [_HEAD, ["---"] * len(_HEAD), *map(_cells, rows)]
    text = "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)
    notes = [
        f"- {row['workload']}, {row['work']}: {'; '.join(row['notes'])}.\n"
        for row in rows
        if row["notes"]
    ]
    return f"{text}\n{''.join(notes)}"


def _cells(row: Mapping[str, Any]) -> list[str]:
    floor, memory, upstream = row["floor"], row["memory"], row["upstream"]
    return [
        row["workload"],
        row["work"],
        _figure(row["figure"]),
        f"{row['peer']}: {_figure(floor)}" if floor else "a limit",
        f"{row['ratio']:.2f}" if row["ratio"] is not None else "",
        row["mark"],
        "reached" if row["reached"] else "**missed**",
        f"{row['figure']['rounds']}, {row['warmUp']} before",
        f"{memory['peakMB']:.0f}, {memory['steadyMB']:.0f} MB" if memory else "",
        f"{upstream['requests']:,}, {upstream['bytes']:,}" if upstream else "",
    ]


def _figure(figure: Mapping[str, Any]) -> str:
    unit = figure["unit"]
    median, least, most = (_number(figure[key]) for key in ("median", "least", "most"))
    if figure["rounds"] == 1:
        return f"{median} {unit}"
    return f"{median} {unit} ({least} to {most})"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def measured(results: Mapping[str, Any]) -> str:
    """Write the results of a run for the documents."""
    machine = results["machine"]
    days = sorted({row["measured"] for row in results["rows"]})
    loads = [row["load"] for row in results["rows"]]
    return (
        f"Measured on {' and '.join(days)}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}; load of the machine when a workload had ended: "
        f"{min(loads)} to {max(loads)}.\n\n{as_table(results['rows'])}"
    )

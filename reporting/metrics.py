"""The metrics: each defined once, in dbt_project/metrics; dbt's doc blocks and docs/metrics.md are written from there.

python -m reporting.metrics
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from reporting.contracts import MODELS, Contract, load_contracts
from warehouse.section import Section
from warehouse.yaml_text import from_yaml

METRICS = Path("dbt_project/metrics")
BLOCKS = MODELS / "docs" / "metrics.md"
PAGE = Path("docs/metrics.md")
Grain = Literal["5 min", "hour", "day", "as of slot", "now", "run"]
Text = Annotated[str, Field(min_length=3)]


class Measure(Section):
    """A figure of a metric: how it comes about, its unit, and the columns that carry it (a rate: its two parts)."""

    name: Text
    formula: Text
    unit: Text
    columns: Annotated[list[str], Field(min_length=1)]


class Semantic(Section):
    """What people argue about: a question, its answer here, and the test that holds it (of dbt, by name)."""

    question: Text
    answer: Text
    test: Text


class Metric(Section):
    """A metric of the list; `sources` are those without which it is missing.

    `needs`: what the platform's profile must map, one of these at least: document.<name> or event.<canonical event>.
    """

    id: Annotated[str, Field(pattern=r"^M[1-9][0-9]?$")]
    name: Text
    owner: Text
    grain: Annotated[list[Grain], Field(min_length=1)]
    sources: Annotated[list[Literal["solana", "stripe", "firebase", "cloudflare", "warehouse"]], Field(min_length=1)]
    needs: list[Annotated[str, Field(pattern=r"^(document|event)\.[a-z_]+$")]] = []
    meaning: Text
    semantics: list[Semantic] = []
    measures: list[Measure]

    @property
    def number(self) -> int:
        return int(self.id[1:])


def load_metrics(folder: Path = METRICS) -> list[Metric]:
    """All metrics in the order of their numbers. Raises ValidationError, and ValueError for a number given twice."""
    found = [Metric.model_validate(from_yaml(path.read_text(encoding="utf-8"))) for path in folder.glob("*.yml")]
    if len({metric.id for metric in found}) < len(found):
        raise ValueError(f"{folder}: two files define one metric")
    return sorted(found, key=lambda metric: metric.number)


def doc_blocks(metrics: Iterable[Metric]) -> str:
    """dbt's doc blocks, one a metric: {{ doc('m16') }}."""
    blocks = [
        f"{{% docs {metric.id.lower()} %}}\n**{metric.id} {metric.name}.** {metric.meaning.strip()}\n"
        + "".join(f"\n{item.question} {item.answer}\n" for item in metric.semantics)
        + "{% enddocs %}\n"
        for metric in metrics
    ]
    return "\n".join(blocks)


def page(metrics: Sequence[Metric], marts: Sequence[Contract]) -> str:
    """docs/metrics.md: every metric with its figures and the marts that carry it."""
    lines = [
        "# Metrics",
        "",
        "Written by `python -m reporting.metrics` from `dbt_project/metrics/`; edit there. Times are UTC, amounts are",
        "integers in base or minor units with their decimals beside them, rates are two columns: numerator and",
        "denominator. A metric whose source is off or has sent nothing has no row (or null), never zero;",
        "`marts.warehouse_metric_status` says which.",
        "",
        "| id | metric | grain | sources | marts |",
        "|---|---|---|---|---|",
    ]
    carriers = {metric.id: [mart for mart in marts if metric.id in mart.metrics] for metric in metrics}
    for metric in metrics:
        names = ", ".join(f"`{mart.name}`" for mart in carriers[metric.id])
        lines.append(
            f"| [{metric.id}](#{_anchor(metric)}) | {metric.name} | {', '.join(metric.grain)} "
            f"| {', '.join(metric.sources)} | {names} |"
        )
    for metric in metrics:
        lines += ["", f"## {metric.id} {metric.name}", "", metric.meaning.strip()]
        if metric.semantics:
            lines.append("")
        lines += [f"- **{item.question}** {item.answer} (tested: `{item.test}`)" for item in metric.semantics]
        lines += ["", f"Owner: {metric.owner}. Sources: {', '.join(metric.sources)}.", ""]
        lines += [f"- `marts.{mart.name}`: a row per {mart.grain}" for mart in carriers[metric.id]]
        lines += ["", "| figure | formula | unit | columns |", "|---|---|---|---|"]
        for measure in metric.measures:
            columns = ", ".join(f"`{column}`" for column in measure.columns)
            lines.append(f"| {measure.name} | {_cell(measure.formula)} | {measure.unit} | {columns} |")
    return "\n".join(lines) + "\n"


def undefined(metrics: Sequence[Metric], marts: Sequence[Contract]) -> list[str]:
    """What definitions and contracts don't agree on, a line each; empty when they agree."""
    known = {metric.id for metric in metrics}
    wrong = [f"{mart.name}: no metric {name}" for mart in marts for name in mart.metrics if name not in known]
    for metric in metrics:
        carriers = [mart for mart in marts if metric.id in mart.metrics]
        if not carriers:
            wrong.append(f"{metric.id}: no mart carries it")
        if not metric.measures:
            wrong.append(f"{metric.id}: no figure is defined")
        held = {column for mart in carriers for column in mart.names}
        for measure in metric.measures:
            wrong += [f"{metric.id} {measure.name}: no column {name}" for name in measure.columns if name not in held]
        suffixes = {"5 min": "_5min", "hour": "_hourly", "day": "_daily"}
        for grain in metric.grain:
            ending = suffixes.get(grain)
            if ending and not any(mart.name.endswith(ending) for mart in carriers):
                wrong.append(f"{metric.id}: no mart has the grain {grain}")
    return wrong


def _anchor(metric: Metric) -> str:
    return f"{metric.id} {metric.name}".lower().replace(" ", "-")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    metrics, marts = load_metrics(), load_contracts()
    BLOCKS.write_text(doc_blocks(metrics), encoding="utf-8")
    PAGE.write_text(page(metrics, marts), encoding="utf-8")
    for line in undefined(metrics, marts):
        print(line)


if __name__ == "__main__":
    main()

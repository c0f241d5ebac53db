"""Great Expectations: each rule an UnexpectedRowsExpectation, the rules of one mart a checkpoint over its table.

Imported only when rules are evaluated: the library takes seconds to load.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from google.cloud import bigquery

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

# The switch above must be set before these imports.
import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.checkpoint import Checkpoint
from great_expectations.core import ExpectationSuite, ValidationDefinition
from great_expectations.data_context.types.base import ProgressBarsConfig

logging.getLogger("great_expectations").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Verdict:
    """What the checkpoint says of one rule: holds or not and how many rows violate it, or why it can't be told."""

    success: bool
    unexpected: int
    error: str | None = None


def run_checkpoint(client: bigquery.Client, mart: str, queries: Mapping[str, str]) -> dict[str, Verdict]:
    """Verdict of each rule of one mart.

    `mart` is dataset.table; `queries` maps rule names to queries that return the violating rows and read {batch}.
    Raises whatever the library raises when the table can't be reached.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    dataset, table = mart.split(".")
    with warnings.catch_warnings():
        # It would rather be given a BigQuery datasource, but that one can't take the warehouse's own client.
        warnings.filterwarnings("ignore", message="You are using a generic SQLDatasource")
        datasource = context.data_sources.add_sql(
            "warehouse",
            connection_string=f"bigquery://{client.project}?user_supplied_client=True",
            kwargs={"connect_args": {"client": client}},
            create_temp_table=False,
        )
    batch = datasource.add_table_asset(mart, table_name=table, schema_name=dataset).add_batch_definition_whole_table(
        "all"
    )
    suite = ExpectationSuite(
        name=mart,
        expectations=[
            gxe.UnexpectedRowsExpectation(unexpected_rows_query=sql, meta={"rule": rule})
            for rule, sql in queries.items()
        ],
    )
    definition = ValidationDefinition(name=mart, data=batch, suite=context.suites.add(suite))
    checkpoint = context.checkpoints.add(
        Checkpoint(
            name=mart, validation_definitions=[context.validation_definitions.add(definition)], result_format="SUMMARY"
        )
    )
    found = checkpoint.run()
    results = [result for run in found.run_results.values() for result in run.results]
    return {result.expectation_config.meta["rule"]: _verdict(result) for result in results}


def _verdict(result: object) -> Verdict:
    """The library reports an exception as a failed expectation with exception_info; that is no failed check."""
    info = result.exception_info or {}
    nested = [info] if "raised_exception" in info else list(info.values())
    raised = [item for item in nested if isinstance(item, dict) and item.get("raised_exception")]
    if raised:
        return Verdict(False, 0, str(raised[0].get("exception_message") or "the expectation raised an exception"))
    observed = result.result.get("observed_value")
    if observed is None:
        return Verdict(False, 0, "the expectation returned no value")
    return Verdict(bool(result.success), int(observed))

"""sources.cloudflare of the configuration: Logpush jobs with their output settings, and Workers Analytics Engine."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from warehouse.section import EnvName, GsUri, Section

FieldName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Column = Annotated[str, Field(pattern=r"^(index1|(blob|double)([1-9]|1[0-9]|20))$")]


class LogpushOutput(Section):
    """The job's `output_options`, by the names that Cloudflare's API gives them.

    JSON lines, CSV with a header, {"events": [...]}, and every form of time are recognised without them. They are
    needed for CSV without a header, and for framing or a template that is no JSON.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    output_type: Literal["ndjson", "csv"] = "ndjson"
    field_names: tuple[FieldName, ...] = ()
    batch_prefix: str = ""
    batch_suffix: str = ""
    record_prefix: str | None = None
    record_suffix: str | None = None
    record_delimiter: str = ""
    record_template: str | None = None
    field_delimiter: str = Field(default=",", min_length=1)
    timestamp_format: Literal["unixnano", "unix", "rfc3339", "rfc3339ms", "rfc3339ns"] | None = None
    sample_rate: float = Field(default=1.0, gt=0, le=1, description="share of the requests that the job logs")
    cve_2021_44228: bool = Field(default=False, alias="CVE-2021-44228", description="the job writes x{ for ${")

    @model_validator(mode="after")
    def _readable(self) -> LogpushOutput:
        if self.output_type == "csv" and self.record_template is None and len(self.field_delimiter) != 1:
            raise ValueError("field_delimiter must be one character for csv")
        if self.record_template is not None and not self.field_names:
            raise ValueError("record_template needs the field_names that it uses")
        if not self.separator:
            raise ValueError("nothing separates two records: give record_suffix, record_delimiter or record_prefix")
        return self

    @property
    def before_record(self) -> str:
        """record_prefix, or the output type's own."""
        return self.record_prefix if self.record_prefix is not None else "{" if self.output_type == "ndjson" else ""

    @property
    def after_record(self) -> str:
        """record_suffix, or the output type's own."""
        if self.record_suffix is not None:
            return self.record_suffix
        return "}\n" if self.output_type == "ndjson" else "\n"

    @property
    def separator(self) -> str:
        """What stands between the fields of two records."""
        return self.after_record + self.record_delimiter + self.before_record


class LogpushJob(Section):
    """One Logpush job: its prefix in the bucket and its output settings.

    Logpush writes no object for a time without events. `min_gap_minutes` is how many minutes without any object are
    missing data: 1 where something happens every minute (a Worker's cron trigger, a synthetic check).
    """

    prefix: GsUri
    output_options: LogpushOutput = LogpushOutput()
    min_gap_minutes: int = Field(default=10, ge=1)


def _with_settings(given: Any) -> Any:
    return {"prefix": given} if isinstance(given, str) else given


PrefixOrJob = Annotated[LogpushJob, BeforeValidator(_with_settings)]
"""A job, or its prefix alone."""


class AnalyticsDataset(Section):
    """A dataset of Workers Analytics Engine: what its columns mean, {blob1: city, double1: latency_ms, ...}.

    Columns that aren't listed are not read. Personal fields are known by the names that are given here.
    """

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    columns: dict[Column, FieldName] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> AnalyticsDataset:
        if len(set(self.columns.values())) != len(self.columns):
            raise ValueError("two columns share a name")
        return self


class AnalyticsEngine(Section):
    """Workers Analytics Engine, read through its SQL API with a token that may only read account analytics."""

    account_id: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    api_base: str = Field(default="https://api.cloudflare.com/client/v4", pattern=r"^https?://")
    api_token_env: EnvName = "CLOUDFLARE_API_TOKEN"
    datasets: list[AnalyticsDataset] = Field(min_length=1)
    timeout_seconds: float = Field(default=60, gt=0)
    page_rows: int = Field(default=10_000, ge=1, description="rows of one answer; more are asked for in parts")


class Cloudflare(Section):
    """Logpush jobs, each a prefix or a prefix with its settings; null is a part that the platform doesn't have.

    `late_days` is how long after its window an object is still looked for, `late_minutes` how long it may take to
    arrive before its absence counts as missing. `off_after_days` after a log's last object its silence is no missing
    data any more: it was switched off.
    """

    enabled: bool = True
    http_requests: PrefixOrJob | None = None
    workers_trace_events: PrefixOrJob | None = None
    late_days: int = Field(default=3, ge=0)
    late_minutes: int = Field(default=15, ge=0)
    off_after_days: int = Field(default=31, ge=1)
    analytics_engine: AnalyticsEngine | None = None

    @property
    def jobs(self) -> dict[str, LogpushJob]:
        """Dataset -> its job, for the datasets that the platform has."""
        given = {"http_requests": self.http_requests, "workers_trace_events": self.workers_trace_events}
        return {
            dataset: LogpushJob.model_validate(_with_settings(job)) for dataset, job in given.items() if job is not None
        }

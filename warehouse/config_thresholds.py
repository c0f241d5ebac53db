"""Limits of the rules and allowed lags. Rates are shares of one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from warehouse.section import Base58, Section

Rate = Annotated[float, Field(gt=0, lt=1)]
Factor = Annotated[float, Field(gt=1)]
Count = Annotated[int, Field(ge=1)]
Buckets = Annotated[int, Field(ge=5, multiple_of=5)]
"""Minutes in whole five-minute buckets."""


class Thresholds(Section):
    """Each is explained beside its value in config/warehouse.yml; the defaults are the reference's."""

    late_windows: int = Field(default=1, ge=0, le=31)
    escrow_mismatch_base_units: Count = 1
    audit_allowed_lag_minutes: int = Field(default=15, ge=0)
    audit_heartbeat_minutes: dict[str, Count] = {}
    rpc_failure_rate: Rate = 0.10
    rpc_sustained_minutes: int = Field(default=5, ge=5)
    pending_minutes: Count = 10
    source_silent_hours: dict[str, int] = {}
    dag_late_hours: dict[str, Count] = {}
    arbiter_days: Count = 90
    settlement_deadline_minutes: int = Field(default=60, ge=1, le=1440)
    minimum_group: Count = 5
    kyc_withdrawal_limits: dict[str, dict[Base58, Annotated[int, Field(ge=0)]]] = {}

    withdrawal_factor: Factor = 3
    withdrawal_floor_count: Count = 10
    withdrawal_floor_amounts: dict[Base58, Annotated[int, Field(ge=0)]] = {}
    low_balance_native_units: float = Field(default=10, ge=0)
    low_balance_floors: dict[Base58, Annotated[float, Field(ge=0)]] = {}
    minimum_transactions: int = Field(default=10, ge=0)
    minimum_failures: Count = 3
    error_rate: Rate = 0.05
    call_failure_rate: Rate = 0.10
    success_rate: Rate = 0.90
    success_sustained_minutes: Buckets = 30
    success_warning_rate: Rate = 0.95
    exchange_requests: Count = 5
    fallback_spike_rate: Rate = 0.20
    fallback_daily_rate: Rate = 0.10
    api_down_requests: Count = 3
    latency_ms: Count = 3000
    latency_warning_ms: Count = 2000
    latency_sustained_minutes: Buckets = 15
    latency_requests: Count = 10
    endpoint_error_rate: Rate = 0.10
    endpoint_warning_rate: Rate = 0.05
    endpoint_requests: Count = 20
    slow_queries: int = Field(default=10, ge=0)
    baseline_days: Count = 3
    fee_spike_factor: Factor = 2
    fee_warning_factor: Factor = 1.5
    fee_day_factor: Factor = 2
    volume_factor: Factor = 3
    volume_transactions: Count = 100
    dispute_spike_count: Count = 5
    dispute_rate: Rate = 0.20
    dispute_escrows: Count = 5
    arbiter_rulings: Count = 10
    cancellation_rate: Rate = 0.30
    cancellation_escrows: Count = 10
    chargeback_disputes: Count = 1
    chargeback_rate: Rate = 0.0075
    chargeback_days: Count = 30
    chargeback_rate_disputes: Count = 10
    engagement_share: Rate = 0.50
    engagement_users: Count = 10
    engagement_days: Count = 3
    reconciliation_lag_ms: Count = 300_000
    webhook_latency_ms: Count = 60_000
    webhook_deliveries: Count = 10
    queue_depth: Count = 200
    firebase_errors: Count = 5

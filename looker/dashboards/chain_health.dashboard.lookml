# Written by `python -m reporting.looker` from the marts' contracts; edit there.
- dashboard: chain_health
  title: Chain health
  description: Whether the chain is read completely, and how its providers do.
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: day
    title: Day (UTC)
    type: date_filter
    default_value: 30 days
    required: true
  elements:
  - name: transactions
    title: Transactions
    model: escrow_warehouse
    explore: chain_transactions_hourly
    type: looker_column
    fields:
    - chain_transactions_hourly.hour_start_hour
    - chain_transactions_hourly.transactions
    - chain_transactions_hourly.failures
    filters:
      chain_transactions_hourly.scope: all
    limit: 500
    listen:
      day: chain_transactions_hourly.transaction_date
    row: 0
    col: 0
    width: 12
    height: 6
  - name: success rate by instruction
    title: Success rate by instruction
    model: escrow_warehouse
    explore: chain_transactions_daily
    type: looker_grid
    fields:
    - chain_transactions_daily.program_id
    - chain_transactions_daily.instruction
    - chain_transactions_daily.transactions
    - chain_transactions_daily.success_rate
    sorts:
    - chain_transactions_daily.success_rate
    filters:
      chain_transactions_daily.scope: instruction
    limit: 500
    listen:
      day: chain_transactions_daily.transaction_date
    row: 0
    col: 12
    width: 12
    height: 6
  - name: balance proofs
    title: Balance proofs
    model: escrow_warehouse
    explore: chain_continuity
    type: looker_grid
    fields:
    - chain_continuity.account
    - chain_continuity.result
    - chain_continuity.rows
    limit: 500
    row: 6
    col: 0
    width: 12
    height: 6
  - name: unexplained breaks
    title: Unexplained breaks
    model: escrow_warehouse
    explore: chain_breaks
    type: single_value
    fields:
    - chain_breaks.rows
    limit: 500
    row: 6
    col: 12
    width: 12
    height: 6
  - name: coverage
    title: Coverage
    model: escrow_warehouse
    explore: chain_coverage
    type: looker_grid
    fields:
    - chain_coverage.address
    - chain_coverage.max_to_slot
    limit: 500
    row: 12
    col: 0
    width: 12
    height: 6
  - name: transactions that are not final
    title: Transactions that are not final
    model: escrow_warehouse
    explore: chain_pending
    type: looker_bar
    fields:
    - chain_pending.state
    - chain_pending.rows
    limit: 500
    listen:
      day: chain_pending.block_date
    row: 12
    col: 12
    width: 12
    height: 6
  - name: what providers left out
    title: What providers left out
    model: escrow_warehouse
    explore: rpc_disagreements
    type: looker_grid
    fields:
    - rpc_disagreements.provider
    - rpc_disagreements.disagreement_date
    - rpc_disagreements.rows
    limit: 500
    listen:
      day: rpc_disagreements.disagreement_date
    row: 18
    col: 0
    width: 12
    height: 6
  - name: rpc failure rate
    title: RPC failure rate
    model: escrow_warehouse
    explore: rpc_providers_hourly
    type: looker_line
    fields:
    - rpc_providers_hourly.hour_start_hour
    - rpc_providers_hourly.provider
    - rpc_providers_hourly.failure_rate
    pivots:
    - rpc_providers_hourly.provider
    limit: 500
    listen:
      day: rpc_providers_hourly.call_date
    row: 18
    col: 12
    width: 12
    height: 6
  - name: rpc latency p95
    title: RPC latency p95
    model: escrow_warehouse
    explore: rpc_providers_hourly
    type: looker_line
    fields:
    - rpc_providers_hourly.hour_start_hour
    - rpc_providers_hourly.provider
    - rpc_providers_hourly.max_latency_p95_ms
    pivots:
    - rpc_providers_hourly.provider
    limit: 500
    listen:
      day: rpc_providers_hourly.call_date
    row: 24
    col: 0
    width: 12
    height: 6
  - name: confirmation time
    title: Confirmation time
    model: escrow_warehouse
    explore: chain_confirmations_hourly
    type: looker_line
    fields:
    - chain_confirmations_hourly.hour_start_hour
    - chain_confirmations_hourly.max_confirmation_p50_ms
    - chain_confirmations_hourly.max_confirmation_p95_ms
    limit: 500
    listen:
      day: chain_confirmations_hourly.confirmation_date
    row: 24
    col: 12
    width: 12
    height: 6
  - name: native balances
    title: Native balances
    model: escrow_warehouse
    explore: chain_native_balances_hourly
    type: looker_line
    fields:
    - chain_native_balances_hourly.hour_start_hour
    - chain_native_balances_hourly.account
    - chain_native_balances_hourly.max_closing_lamports
    pivots:
    - chain_native_balances_hourly.account
    limit: 500
    listen:
      day: chain_native_balances_hourly.balance_date
    row: 30
    col: 0
    width: 12
    height: 6
  - name: reconciliation per vault
    title: Reconciliation per vault
    model: escrow_warehouse
    explore: escrow_reconciliation
    type: looker_grid
    fields:
    - escrow_reconciliation.vault
    - escrow_reconciliation.mint
    - escrow_reconciliation.method
    - escrow_reconciliation.ledger_difference
    - escrow_reconciliation.offchain_difference
    limit: 500
    row: 30
    col: 12
    width: 12
    height: 6

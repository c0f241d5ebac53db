# Written by `python -m reporting.looker` from the marts' contracts; edit there.
- dashboard: compliance
  title: Compliance
  description: The audit log, and what the exports say of each other.
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: day
    title: Day (UTC)
    type: date_filter
    default_value: 30 days
    required: true
  elements:
  - name: audit events
    title: Audit events
    model: escrow_warehouse
    explore: audit_daily
    type: looker_column
    fields:
    - audit_daily.audit_date
    - audit_daily.stream
    - audit_daily.events
    pivots:
    - audit_daily.stream
    limit: 500
    listen:
      day: audit_daily.audit_date
    row: 0
    col: 0
    width: 12
    height: 6
  - name: missing records
    title: Missing records
    model: escrow_warehouse
    explore: audit_daily
    type: looker_column
    fields:
    - audit_daily.audit_date
    - audit_daily.missing_records
    limit: 500
    listen:
      day: audit_daily.audit_date
    row: 0
    col: 12
    width: 12
    height: 6
  - name: chain breaks
    title: Chain breaks
    model: escrow_warehouse
    explore: audit_daily
    type: single_value
    fields:
    - audit_daily.chain_breaks
    limit: 500
    listen:
      day: audit_daily.audit_date
    row: 6
    col: 0
    width: 12
    height: 6
  - name: money events without record
    title: Money events without record
    model: escrow_warehouse
    explore: audit_daily
    type: looker_grid
    fields:
    - audit_daily.audit_date
    - audit_daily.stream
    - audit_daily.money_events_without_record
    - audit_daily.records_without_money_event
    limit: 500
    listen:
      day: audit_daily.audit_date
    row: 6
    col: 12
    width: 12
    height: 6
  - name: findings
    title: Findings
    model: escrow_warehouse
    explore: audit_gaps
    type: looker_grid
    fields:
    - audit_gaps.finding_date
    - audit_gaps.kind
    - audit_gaps.stream
    - audit_gaps.missing
    - audit_gaps.occurrences
    limit: 500
    listen:
      day: audit_gaps.finding_date
    row: 12
    col: 0
    width: 12
    height: 6
  - name: users by tier
    title: Users by tier
    model: escrow_warehouse
    explore: compliance_daily
    type: looker_area
    fields:
    - compliance_daily.state_date
    - compliance_daily.kyc_tier
    - compliance_daily.max_users
    pivots:
    - compliance_daily.kyc_tier
    limit: 500
    listen:
      day: compliance_daily.state_date
    row: 12
    col: 12
    width: 12
    height: 6
  - name: frozen users
    title: Frozen users
    model: escrow_warehouse
    explore: compliance_daily
    type: looker_line
    fields:
    - compliance_daily.state_date
    - compliance_daily.kyc_tier
    - compliance_daily.max_frozen_users
    pivots:
    - compliance_daily.kyc_tier
    limit: 500
    listen:
      day: compliance_daily.state_date
    row: 18
    col: 0
    width: 12
    height: 6
  - name: export parity
    title: Export parity
    model: escrow_warehouse
    explore: firebase_export_parity
    type: looker_grid
    fields:
    - firebase_export_parity.export_date
    - firebase_export_parity.collection
    - firebase_export_parity.kind
    - firebase_export_parity.rows
    limit: 500
    listen:
      day: firebase_export_parity.export_date
    row: 18
    col: 12
    width: 12
    height: 6

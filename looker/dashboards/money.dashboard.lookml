# Written by `python -m reporting.looker` from the marts' contracts; edit there.
- dashboard: money
  title: Money
  description: What came in, what went out, what is held for users.
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: day
    title: Day (UTC)
    type: date_filter
    default_value: 30 days
    required: true
  elements:
  - name: deposits
    title: Deposits
    model: escrow_warehouse
    explore: money_daily
    type: looker_column
    fields:
    - money_daily.activity_date
    - money_daily.mint
    - money_daily.deposits_in_units
    pivots:
    - money_daily.mint
    limit: 500
    listen:
      day: money_daily.activity_date
    row: 0
    col: 0
    width: 12
    height: 6
  - name: withdrawals
    title: Withdrawals
    model: escrow_warehouse
    explore: money_daily
    type: looker_column
    fields:
    - money_daily.activity_date
    - money_daily.mint
    - money_daily.withdrawals_amount_in_units
    pivots:
    - money_daily.mint
    limit: 500
    listen:
      day: money_daily.activity_date
    row: 0
    col: 12
    width: 12
    height: 6
  - name: fee revenue
    title: Fee revenue
    model: escrow_warehouse
    explore: money_daily
    type: looker_line
    fields:
    - money_daily.activity_date
    - money_daily.mint
    - money_daily.fee_revenue_in_units
    pivots:
    - money_daily.mint
    limit: 500
    listen:
      day: money_daily.activity_date
    row: 6
    col: 0
    width: 12
    height: 6
  - name: entries and prizes
    title: Entries and prizes
    model: escrow_warehouse
    explore: money_daily
    type: looker_grid
    fields:
    - money_daily.activity_date
    - money_daily.mint
    - money_daily.entry_volume_in_units
    - money_daily.prize_volume_in_units
    limit: 500
    listen:
      day: money_daily.activity_date
    row: 6
    col: 12
    width: 12
    height: 6
  - name: mean entry
    title: Mean entry
    model: escrow_warehouse
    explore: money_daily
    type: looker_line
    fields:
    - money_daily.activity_date
    - money_daily.mint
    - money_daily.mean_entry_in_units
    pivots:
    - money_daily.mint
    limit: 500
    listen:
      day: money_daily.activity_date
    row: 12
    col: 0
    width: 12
    height: 6
  - name: escrow held
    title: Escrow held
    model: escrow_warehouse
    explore: escrow_balances_daily
    type: looker_area
    fields:
    - escrow_balances_daily.balance_date
    - escrow_balances_daily.mint
    - escrow_balances_daily.vault
    - escrow_balances_daily.max_outstanding_in_units
    pivots:
    - escrow_balances_daily.vault
    limit: 500
    listen:
      day: escrow_balances_daily.balance_date
    row: 12
    col: 12
    width: 12
    height: 6
  - name: 'stripe: gross, refunds, fees, net'
    title: 'Stripe: gross, refunds, fees, net'
    model: escrow_warehouse
    explore: stripe_daily
    type: looker_grid
    fields:
    - stripe_daily.activity_date
    - stripe_daily.currency
    - stripe_daily.gross_in_units
    - stripe_daily.refunds_in_units
    - stripe_daily.fees_in_units
    - stripe_daily.net_in_units
    limit: 500
    listen:
      day: stripe_daily.activity_date
    row: 18
    col: 0
    width: 12
    height: 6
  - name: stripe dispute rate
    title: Stripe dispute rate
    model: escrow_warehouse
    explore: stripe_daily
    type: looker_line
    fields:
    - stripe_daily.activity_date
    - stripe_daily.currency
    - stripe_daily.dispute_rate
    pivots:
    - stripe_daily.currency
    limit: 500
    listen:
      day: stripe_daily.activity_date
    row: 18
    col: 12
    width: 12
    height: 6
  - name: matches
    title: Matches
    model: escrow_warehouse
    explore: matches_daily
    type: looker_column
    fields:
    - matches_daily.match_date
    - matches_daily.created
    - matches_daily.completed
    - matches_daily.cancelled
    limit: 500
    listen:
      day: matches_daily.match_date
    row: 24
    col: 0
    width: 12
    height: 6

# Written by `python -m reporting.looker` from the marts' contracts; edit there.
connection: "escrow_warehouse"
label: "Escrow Warehouse"
include: "/views/*.view.lkml"
include: "/dashboards/*.dashboard.lookml"

datagroup: after_a_build {
  sql_trigger: select max(ended_at) from marts.warehouse_runs where step = 'transform' ;;
  max_cache_age: "25 hours"
}

persist_with: after_a_build

explore: alerts_daily {
  label: "Alerts daily"
  group_label: "Alerts"
  description: "M25: alerts by the day they opened, rule and severity. One row per day, rule and severity with alerts; a day without any has none. A row per day, rule, severity."

  always_filter: {
    filters: [
      alerts_daily.alert_date: "30 days",
    ]
  }
}

explore: api_edge_requests_5min {
  label: "API edge requests 5 min"
  group_label: "API"
  description: "M14: requests of clients as the edge saw them, with cache hits. One row per host, endpoint, method and five minutes with requests. A row per 5 min, host, endpoint, method."

  always_filter: {
    filters: [
      api_edge_requests_5min.request_date: "30 days",
    ]
  }
}

explore: api_edge_requests_hourly {
  label: "API edge requests hourly"
  group_label: "API"
  description: "M14: requests of clients as the edge saw them, with cache hits. One row per host, endpoint, method and hour with requests. A row per hour, host, endpoint, method."

  always_filter: {
    filters: [
      api_edge_requests_hourly.request_date: "30 days",
    ]
  }
}

explore: api_requests_5min {
  label: "API requests 5 min"
  group_label: "API"
  description: "M14: API requests as the Workers logged them. One row per service, endpoint, method and five minutes with requests. A row per 5 min, service, endpoint, method."

  always_filter: {
    filters: [
      api_requests_5min.request_date: "30 days",
    ]
  }
}

explore: api_requests_hourly {
  label: "API requests hourly"
  group_label: "API"
  description: "M14: API requests as the Workers logged them. One row per service, endpoint, method and hour with requests. A row per hour, service, endpoint, method."

  always_filter: {
    filters: [
      api_requests_hourly.request_date: "30 days",
    ]
  }
}

explore: audit_daily {
  label: "Audit daily"
  group_label: "Audit"
  description: "M23: the audit log per UTC day and stream. One row per day and stream with records or findings; figures of sealing and of legal holds are those that stood when the day was built, and a night's seals come after its build: they show from the next night on. A row per day, stream."

  always_filter: {
    filters: [
      audit_daily.audit_date: "30 days",
    ]
  }
}

explore: audit_gap_log {
  label: "Audit gap log"
  group_label: "Audit"
  description: "Every gap that was ever found, with when it opened and closed: of audit streams, of the money that they record, of transactions' logs and of Logpush. One row per gap. A row per gap."
}

explore: audit_gaps {
  label: "Audit gaps"
  group_label: "Audit"
  description: "What is wrong with the audit log. One row per finding; none is the normal state. A row per finding."

  always_filter: {
    filters: [
      audit_gaps.finding_date: "30 days",
    ]
  }
}

explore: chain_breaks {
  label: "Chain breaks"
  group_label: "Chain"
  description: "Places in a watched account's history where transactions are, or were, missing. One row per break. A row per break."
}

explore: chain_confirmations_hourly {
  label: "Chain confirmations hourly"
  group_label: "Chain"
  description: "M7: time from submission to finality as the platform's relay tells it, and transactions that waited for long. One row per hour with either. A row per hour."

  always_filter: {
    filters: [
      chain_confirmations_hourly.confirmation_date: "30 days",
    ]
  }
}

explore: chain_continuity {
  label: "Chain continuity"
  group_label: "Chain"
  description: "Proof of completeness of each watched account, as far as it reaches. One row per account and kind of balance. A row per account, kind."
}

explore: chain_coverage {
  label: "Chain coverage"
  group_label: "Chain"
  description: "Slots of a watched address in which every finalized signature is held: one row per address and unbroken interval. A row per address, interval."
}

explore: chain_events_5min {
  label: "Chain events 5 min"
  group_label: "Chain"
  description: "M8: events of the platform's programs per five minutes of the block's time, by canonical kind. One row per bucket and kind with events. A row per 5 minutes, canonical event."

  always_filter: {
    filters: [
      chain_events_5min.event_date: "30 days",
    ]
  }
}

explore: chain_events_daily {
  label: "Chain events daily"
  group_label: "Chain"
  description: "M8: events of the platform's programs per UTC day of the block, by canonical kind and all together. One row per day, scope and kind with events. A row per day, scope, canonical event."

  always_filter: {
    filters: [
      chain_events_daily.event_date: "30 days",
      chain_events_daily.scope: "all",
    ]
  }
}

explore: chain_events_hourly {
  label: "Chain events hourly"
  group_label: "Chain"
  description: "M8: events of the platform's programs per hour of the block's time, by canonical kind and all together. One row per hour, scope and kind with events. A row per hour, scope, canonical event."

  always_filter: {
    filters: [
      chain_events_hourly.event_date: "30 days",
      chain_events_hourly.scope: "all",
    ]
  }
}

explore: chain_native_balances_hourly {
  label: "Chain native balances hourly"
  group_label: "Chain"
  description: "M6: lamports of the platform's own accounts (program, fee payer, treasury, vault) at the end of each hour, carried on through hours without transactions. One row per account and hour from its first observation on. A row per hour, account."

  always_filter: {
    filters: [
      chain_native_balances_hourly.balance_date: "30 days",
    ]
  }
}

explore: chain_pending {
  label: "Chain pending"
  group_label: "Chain"
  description: "Transactions seen before they were final, and what became of them. One row per signature. A row per signature."

  always_filter: {
    filters: [
      chain_pending.block_date: "30 days",
    ]
  }
}

explore: chain_transactions_5min {
  label: "Chain transactions 5 min"
  group_label: "Chain"
  description: "M1: transactions per five minutes of the block's time, by primary call. One row per bucket, scope, program and instruction with transactions. A row per 5 minutes, scope, program, instruction."

  always_filter: {
    filters: [
      chain_transactions_5min.transaction_date: "30 days",
      chain_transactions_5min.scope: "all",
    ]
  }
}

explore: chain_transactions_daily {
  label: "Chain transactions daily"
  group_label: "Chain"
  description: "M1 and M2: transactions, fees and compute units per UTC day of the block, by primary call. One row per day, scope, program and instruction with transactions. A row per day, scope, program, instruction."

  always_filter: {
    filters: [
      chain_transactions_daily.transaction_date: "30 days",
      chain_transactions_daily.scope: "all",
    ]
  }
}

explore: chain_transactions_hourly {
  label: "Chain transactions hourly"
  group_label: "Chain"
  description: "M1 and M2: transactions, fees and compute units per hour of the block's time, by primary call. One row per hour, scope, program and instruction with transactions. A row per hour, scope, program, instruction."

  always_filter: {
    filters: [
      chain_transactions_hourly.transaction_date: "30 days",
      chain_transactions_hourly.scope: "all",
    ]
  }
}

explore: compliance_daily {
  label: "Compliance daily"
  group_label: "Compliance"
  description: "M22: users by KYC tier at the end of each UTC day, and frozen ones. One row per day and tier that has users. A row per day, tier."

  always_filter: {
    filters: [
      compliance_daily.state_date: "30 days",
    ]
  }
}

explore: compliance_withdrawals_daily {
  label: "Compliance withdrawals daily"
  group_label: "Compliance"
  description: "M22: withdrawals per UTC day, mint and the user's KYC tier at their time, beside the tier's limit. One row per day, mint and tier that withdrew. A row per day, mint, tier."

  always_filter: {
    filters: [
      compliance_withdrawals_daily.activity_date: "30 days",
    ]
  }
}

explore: escrow_arbiters {
  label: "Escrow arbiters"
  group_label: "Escrow"
  description: "M20: what each arbiter ruled in the configured days (thresholds.arbiter_days) before the end of what is covered. Arbiters whom the configuration doesn't list share one row. Current state: one row per arbiter. A row per arbiter."
}

explore: escrow_balances {
  label: "Escrow balances"
  group_label: "Escrow"
  description: "M3 now: what each vault holds, per open escrow and for all users together, as of the newest slot. One row per vault, mint and account. A row per vault, mint, escrow."
}

explore: escrow_balances_daily {
  label: "Escrow balances daily"
  group_label: "Escrow"
  description: "M3 per day: what each vault held at the end of each UTC day, no day missing. One row per day, vault and mint. A row per day, vault, mint."

  always_filter: {
    filters: [
      escrow_balances_daily.balance_date: "30 days",
    ]
  }
}

explore: escrow_drift {
  label: "Escrow drift"
  group_label: "Escrow"
  description: "Every drift between the chain, the decoded events and the off-chain ledger, per vault, mint and match, with the transaction at which it first appeared. One row per drift. A row per drift."
}

explore: escrow_ledger {
  label: "Escrow ledger"
  group_label: "Escrow"
  description: "The escrow ledger: every counted money event as two balanced postings. One row per event and leg; users only as the class `holder`. A row per posting."

  always_filter: {
    filters: [
      escrow_ledger.block_date: "30 days",
    ]
  }
}

explore: escrow_lifecycle_daily {
  label: "Escrow lifecycle daily"
  group_label: "Escrow"
  description: "M20: escrows by what happened to them, per UTC day of the block and mint; the sum of escrow_lifecycle_hourly. A row per day, mint."

  always_filter: {
    filters: [
      escrow_lifecycle_daily.activity_date: "30 days",
    ]
  }
}

explore: escrow_lifecycle_hourly {
  label: "Escrow lifecycle hourly"
  group_label: "Escrow"
  description: "M20: escrows by what happened to them, per hour of the block and mint; absent where nothing happened. Matches of a skill-match platform are escrows. A step counts once, when it first happened; a ruling when the one that holds was made. A row per hour, mint."

  always_filter: {
    filters: [
      escrow_lifecycle_hourly.activity_date: "30 days",
    ]
  }
}

explore: escrow_match_reconciliation {
  label: "Escrow match reconciliation"
  group_label: "Escrow"
  description: "What each match's escrow holds by the decoded events and by the off-chain ledger, at one slot. One row per match and mint that holds something or moved on the day. A row per match, mint."
}

explore: escrow_outstanding_hourly {
  label: "Escrow outstanding hourly"
  group_label: "Escrow"
  description: "M3: what each vault holds at the end of each UTC hour (TVL), and the age of its open escrows. One row per hour, vault and mint, without a missing hour from the vault's first posting on. A row per hour, vault, mint."

  always_filter: {
    filters: [
      escrow_outstanding_hourly.balance_date: "30 days",
    ]
  }
}

explore: escrow_payouts_daily {
  label: "Escrow payouts daily"
  group_label: "Escrow"
  description: "M4: prize payouts per UTC day and mint, how long winners waited, and settlements that failed. One row per day and mint with a payout, a deadline or a failure. A row per day, mint."

  always_filter: {
    filters: [
      escrow_payouts_daily.activity_date: "30 days",
    ]
  }
}

explore: escrow_reconciliation {
  label: "Escrow reconciliation"
  group_label: "Escrow"
  description: "Chain, decoded events and off-chain ledger of each vault at one slot, as of the run's window. One row per vault and method. A row per vault, method."
}

explore: escrow_settlements {
  label: "Escrow settlements"
  group_label: "Escrow"
  description: "M4: matches whose settlement has failed, as it stands now; empty is good. One row per match, mint and kind of failure. A row per match, mint, kind."
}

explore: exchange_daily {
  label: "Exchange daily"
  group_label: "Exchange"
  description: "M19: exchanges of in-app units to tokens, per UTC day and mint; users are counted once a day. Built like exchange_hourly. A row per day, mint."

  always_filter: {
    filters: [
      exchange_daily.activity_date: "30 days",
    ]
  }
}

explore: exchange_failures_daily {
  label: "Exchange failures daily"
  group_label: "Exchange"
  description: "M19: requests that failed or had to be fulfilled by hand, per UTC day of their end and reason. Built like exchange_hourly. A row per day, reason."

  always_filter: {
    filters: [
      exchange_failures_daily.activity_date: "30 days",
    ]
  }
}

explore: exchange_hourly {
  label: "Exchange hourly"
  group_label: "Exchange"
  description: "M19: exchanges of in-app units to tokens, per hour and mint. A request counts when it was made and, by the state it has now, when it ended. Incremental, not a table over the current state as matches_daily: a late change of an old request rebuilds the days that the request was ever put on (figure_days of int_exchange__lifecycle) and no others, so the cost doesn't grow with the years. A row per hour, mint."

  always_filter: {
    filters: [
      exchange_hourly.activity_date: "30 days",
    ]
  }
}

explore: firebase_export_parity {
  label: "Firebase export parity"
  group_label: "Firebase"
  description: "What Firebase's exports hold beside what was loaded of them. One row per exported object, managed export, and collection of the newest managed export. A row per kind, subject, collection, generation."

  always_filter: {
    filters: [
      firebase_export_parity.export_date: "30 days",
    ]
  }
}

explore: firebase_write_errors_hourly {
  label: "Firebase write errors hourly"
  group_label: "Firebase"
  description: "M13: writes to Firestore that failed. One row per hour, kind of log, collection and code with any. A row per hour, logged_by, collection, code."

  always_filter: {
    filters: [
      firebase_write_errors_hourly.error_date: "30 days",
    ]
  }
}

explore: incidents_daily {
  label: "Incidents daily"
  group_label: "Alerts"
  description: "M25: incidents by the day they began and level. One row per day and level with incidents; a day without any has none. A row per day, level."

  always_filter: {
    filters: [
      incidents_daily.incident_date: "30 days",
    ]
  }
}

explore: logpush_gaps {
  label: "Logpush gaps"
  group_label: "Warehouse"
  description: "Whole minutes that no Logpush object vouches for. One row per dataset, UTC day and gap. A row per dataset, day, gap."

  always_filter: {
    filters: [
      logpush_gaps.gap_date: "30 days",
    ]
  }
}

explore: matches_daily {
  label: "Matches daily"
  group_label: "Matches"
  description: "M16: matches per UTC day. One row per day on which a match was created or ended. A row per day."

  always_filter: {
    filters: [
      matches_daily.match_date: "30 days",
    ]
  }
}

explore: matches_paused_hourly {
  label: "Matches paused hourly"
  group_label: "Matches"
  description: "M5: paused matches per UTC hour, by the chain's events. One row per hour from the first day with a pause on. A row per hour."

  always_filter: {
    filters: [
      matches_paused_hourly.pause_date: "30 days",
    ]
  }
}

explore: money_daily {
  label: "Money daily"
  group_label: "Money"
  description: "M17: money per UTC day of the block and mint, counted events only. One row per day and mint that moved. A row per day, mint."

  always_filter: {
    filters: [
      money_daily.activity_date: "30 days",
    ]
  }
}

explore: money_hourly {
  label: "Money hourly"
  group_label: "Money"
  description: "M17 per UTC hour of the block and mint, with the same hour's withdrawals of the seven days before. One row per hour and mint that moved. A row per hour, mint."

  always_filter: {
    filters: [
      money_hourly.activity_date: "30 days",
    ]
  }
}

explore: queue_depth_5min {
  label: "Queue depth 5 min"
  group_label: "Queue"
  description: "M10: depth of the Durable Objects' queues as they logged it. One row per queue and five minutes with samples. A row per 5 min, queue."

  always_filter: {
    filters: [
      queue_depth_5min.depth_date: "30 days",
    ]
  }
}

explore: queue_depth_hourly {
  label: "Queue depth hourly"
  group_label: "Queue"
  description: "M10: depth of the Durable Objects' queues as they logged it. One row per queue and hour with samples. A row per hour, queue."

  always_filter: {
    filters: [
      queue_depth_hourly.depth_date: "30 days",
    ]
  }
}

explore: reconciliation_lag_hourly {
  label: "Reconciliation lag hourly"
  group_label: "Service"
  description: "M11: how long finalized transactions took to be booked off chain, and to be known here. One row per hour of the booking with any. A row per hour."

  always_filter: {
    filters: [
      reconciliation_lag_hourly.write_date: "30 days",
    ]
  }
}

explore: restatements {
  label: "Restatements"
  group_label: "Warehouse"
  description: "M24: figures of ended periods that changed after they were first known. One row per mart, key and change; nothing here is ever changed or deleted. A row per mart, key, change."

  always_filter: {
    filters: [
      restatements.period_date: "30 days",
    ]
  }
}

explore: rpc_disagreements {
  label: "RPC disagreements"
  group_label: "RPC"
  description: "What RPC providers left out although another one has it. One row per provider, UTC day of the block and window of the run that found it; a finding that is made again moves to the newest window, so days add up. A row per day, provider, window."

  always_filter: {
    filters: [
      rpc_disagreements.disagreement_date: "30 days",
    ]
  }
}

explore: rpc_health {
  label: "RPC health"
  group_label: "RPC"
  description: "RPC providers per five minutes, of the newest ingest attempt of each window. One row per window, provider and bucket. A row per window, provider, 5 minutes."
}

explore: rpc_providers_5min {
  label: "RPC providers 5 min"
  group_label: "RPC"
  description: "M9: RPC providers per five minutes of the caller's clock, every call counted. One row per provider and bucket with calls. A row per 5 minutes, provider."

  always_filter: {
    filters: [
      rpc_providers_5min.call_date: "30 days",
    ]
  }
}

explore: rpc_providers_hourly {
  label: "RPC providers hourly"
  group_label: "RPC"
  description: "M9: RPC providers per hour of the caller's clock, every call counted, and the time that each was out. One row per provider and hour with calls or with an outage. A row per hour, provider."

  always_filter: {
    filters: [
      rpc_providers_hourly.call_date: "30 days",
    ]
  }
}

explore: service_logs_hourly {
  label: "Service logs hourly"
  group_label: "Service"
  description: "M15: what went wrong in each service. One row per service and hour in which it ran or was named. A row per hour, service."

  always_filter: {
    filters: [
      service_logs_hourly.log_date: "30 days",
    ]
  }
}

explore: settlement_reconciliation {
  label: "Settlement reconciliation"
  group_label: "Escrow"
  description: "Whether each match paid its pot exactly once, to its winners, less the fee. One row per match and mint. A row per match, mint."
}

explore: stripe_daily {
  label: "Stripe daily"
  group_label: "Stripe"
  description: "M21: Stripe per UTC day and currency, in minor units, of the platform's own account in live mode. One row per day and currency with any activity. A row per day, currency."

  always_filter: {
    filters: [
      stripe_daily.activity_date: "30 days",
    ]
  }
}

explore: stripe_exceptions {
  label: "Stripe exceptions"
  group_label: "Stripe"
  description: "Every item that the platform's records, Stripe's objects and the balance didn't agree on, aging until it is closed. One row per item and reason. A row per item, reason."
}

explore: stripe_reconciliation {
  label: "Stripe reconciliation"
  group_label: "Stripe"
  description: "Each charge, refund, dispute and payout by the platform's records, Stripe's object and the balance, with the payout that took it to the bank. One row per object. A row per Stripe object."
}

explore: stripe_webhooks_hourly {
  label: "Stripe webhooks hourly"
  group_label: "Stripe"
  description: "M12: deliveries of Stripe's webhooks and how long events took to be handled. One row per hour with deliveries. A row per hour."

  always_filter: {
    filters: [
      stripe_webhooks_hourly.delivery_date: "30 days",
    ]
  }
}

explore: users_daily {
  label: "Users daily"
  group_label: "Users"
  description: "M18: active, new and registered users per UTC day. One row per day that the audit log or the users' documents tell of. A row per day."

  always_filter: {
    filters: [
      users_daily.activity_date: "30 days",
    ]
  }
}

explore: users_retention_daily {
  label: "Users retention daily"
  group_label: "Users"
  description: "M18: retention of the users who were new on a UTC day. One row per day with new users and 1, 7 and 30 days later. A row per day, day_number."

  always_filter: {
    filters: [
      users_retention_daily.cohort_date: "30 days",
    ]
  }
}

explore: warehouse_health {
  label: "Warehouse health"
  group_label: "Warehouse"
  description: "M24: freshness, load and quarantine per source, as of the run's window. One row per source. A row per source."

  always_filter: {
    filters: [
      warehouse_health.newest_event_date: "30 days",
    ]
  }
}

explore: warehouse_metric_status {
  label: "Warehouse metric status"
  group_label: "Warehouse"
  description: "M24: which metrics are missing, and why; how fresh the others' sources are. One row per metric and source. A row per metric, source."

  always_filter: {
    filters: [
      warehouse_metric_status.as_of_date: "30 days",
    ]
  }
}

explore: warehouse_runs {
  label: "Warehouse runs"
  group_label: "Warehouse"
  description: "M24: what each step of each run did and cost. One row per run, step and source. A row per run, step, source."
}

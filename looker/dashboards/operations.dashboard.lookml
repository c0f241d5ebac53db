# Written by `python -m reporting.looker` from the marts' contracts; edit there.
- dashboard: operations
  title: Operations
  description: The platform's API, queues and webhooks, and the warehouse itself.
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: day
    title: Day (UTC)
    type: date_filter
    default_value: 30 days
    required: true
  elements:
  - name: requests
    title: Requests
    model: escrow_warehouse
    explore: api_requests_hourly
    type: looker_column
    fields:
    - api_requests_hourly.hour_start_hour
    - api_requests_hourly.requests
    limit: 500
    listen:
      day: api_requests_hourly.request_date
    row: 0
    col: 0
    width: 12
    height: 6
  - name: error rate by endpoint
    title: Error rate by endpoint
    model: escrow_warehouse
    explore: api_requests_hourly
    type: looker_grid
    fields:
    - api_requests_hourly.endpoint
    - api_requests_hourly.method
    - api_requests_hourly.error_rate
    - api_requests_hourly.server_errors
    sorts:
    - api_requests_hourly.error_rate desc
    limit: 500
    listen:
      day: api_requests_hourly.request_date
    row: 0
    col: 12
    width: 12
    height: 6
  - name: highest p95 by endpoint
    title: Highest p95 by endpoint
    model: escrow_warehouse
    explore: api_requests_hourly
    type: looker_bar
    fields:
    - api_requests_hourly.endpoint
    - api_requests_hourly.max_duration_p95_ms
    sorts:
    - api_requests_hourly.max_duration_p95_ms desc
    limit: 500
    listen:
      day: api_requests_hourly.request_date
    row: 6
    col: 0
    width: 12
    height: 6
  - name: uptime
    title: Uptime
    model: escrow_warehouse
    explore: api_requests_hourly
    type: looker_line
    fields:
    - api_requests_hourly.request_date
    - api_requests_hourly.uptime
    limit: 500
    listen:
      day: api_requests_hourly.request_date
    row: 6
    col: 12
    width: 12
    height: 6
  - name: longest run of failures
    title: Longest run of failures
    model: escrow_warehouse
    explore: api_requests_5min
    type: looker_bar
    fields:
    - api_requests_5min.endpoint
    - api_requests_5min.max_failed_run_max
    sorts:
    - api_requests_5min.max_failed_run_max desc
    limit: 500
    listen:
      day: api_requests_5min.request_date
    row: 12
    col: 0
    width: 12
    height: 6
  - name: cache hit rate
    title: Cache hit rate
    model: escrow_warehouse
    explore: api_edge_requests_hourly
    type: looker_line
    fields:
    - api_edge_requests_hourly.request_date
    - api_edge_requests_hourly.cache_hit_rate
    limit: 500
    listen:
      day: api_edge_requests_hourly.request_date
    row: 12
    col: 12
    width: 12
    height: 6
  - name: queue depth
    title: Queue depth
    model: escrow_warehouse
    explore: queue_depth_hourly
    type: looker_line
    fields:
    - queue_depth_hourly.hour_start_hour
    - queue_depth_hourly.queue
    - queue_depth_hourly.max_depth_p95
    pivots:
    - queue_depth_hourly.queue
    limit: 500
    listen:
      day: queue_depth_hourly.depth_date
    row: 18
    col: 0
    width: 12
    height: 6
  - name: booked off chain after
    title: Booked off chain after
    model: escrow_warehouse
    explore: reconciliation_lag_hourly
    type: looker_line
    fields:
    - reconciliation_lag_hourly.hour_start_hour
    - reconciliation_lag_hourly.max_ledger_lag_p95_ms
    - reconciliation_lag_hourly.max_ledger_lag_max_ms
    limit: 500
    listen:
      day: reconciliation_lag_hourly.write_date
    row: 18
    col: 12
    width: 12
    height: 6
  - name: stripe webhooks
    title: Stripe webhooks
    model: escrow_warehouse
    explore: stripe_webhooks_hourly
    type: looker_grid
    fields:
    - stripe_webhooks_hourly.delivery_date
    - stripe_webhooks_hourly.deliveries
    - stripe_webhooks_hourly.failures
    - stripe_webhooks_hourly.retries
    - stripe_webhooks_hourly.max_latency_p95_ms
    limit: 500
    listen:
      day: stripe_webhooks_hourly.delivery_date
    row: 24
    col: 0
    width: 12
    height: 6
  - name: failed writes to firestore
    title: Failed writes to Firestore
    model: escrow_warehouse
    explore: firebase_write_errors_hourly
    type: looker_grid
    fields:
    - firebase_write_errors_hourly.error_date
    - firebase_write_errors_hourly.collection
    - firebase_write_errors_hourly.code
    - firebase_write_errors_hourly.errors
    limit: 500
    listen:
      day: firebase_write_errors_hourly.error_date
    row: 24
    col: 12
    width: 12
    height: 6
  - name: services
    title: Services
    model: escrow_warehouse
    explore: service_logs_hourly
    type: looker_grid
    fields:
    - service_logs_hourly.service
    - service_logs_hourly.exception_rate
    - service_logs_hourly.errors
    - service_logs_hourly.slow_queries
    - service_logs_hourly.max_slowest_query_ms
    limit: 500
    listen:
      day: service_logs_hourly.log_date
    row: 30
    col: 0
    width: 12
    height: 6
  - name: alerts
    title: Alerts
    model: escrow_warehouse
    explore: alerts_daily
    type: looker_grid
    fields:
    - alerts_daily.alert_date
    - alerts_daily.rule
    - alerts_daily.severity
    - alerts_daily.opened
    - alerts_daily.resolved
    - alerts_daily.still_open
    - alerts_daily.noise_rate
    limit: 500
    listen:
      day: alerts_daily.alert_date
    row: 30
    col: 12
    width: 12
    height: 6
  - name: sources
    title: Sources
    model: escrow_warehouse
    explore: warehouse_health
    type: looker_grid
    fields:
    - warehouse_health.source
    - warehouse_health.newest_event_at_time
    - warehouse_health.rows_loaded
    - warehouse_health.rows_quarantined
    limit: 500
    listen:
      day: warehouse_health.newest_event_date
    row: 36
    col: 0
    width: 12
    height: 6
  - name: steps of the runs
    title: Steps of the runs
    model: escrow_warehouse
    explore: warehouse_runs
    type: looker_grid
    fields:
    - warehouse_runs.step
    - warehouse_runs.source
    - warehouse_runs.run_ms
    - warehouse_runs.rows_loaded
    - warehouse_runs.bytes_scanned
    limit: 500
    row: 36
    col: 12
    width: 12
    height: 6

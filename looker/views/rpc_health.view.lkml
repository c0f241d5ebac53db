# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: rpc_health {
  label: "RPC health"
  sql_table_name: marts.rpc_health ;;

  dimension: provider {
    type: string
    description: "Provider name of the configuration."
    sql: ${TABLE}.provider ;;
  }

  dimension: attempt_id {
    type: string
    description: "Newest ingest attempt of the window."
    sql: ${TABLE}.attempt_id ;;
  }

  dimension: max_latency_ms {
    type: number
    description: "Longest call in ms."
    sql: ${TABLE}.max_latency_ms ;;
  }

  dimension_group: window_start {
    type: time
    description: "Window that was fetched."
    timeframes: [
      raw,
      time,
      minute5,
      hour,
      date,
      week,
      month,
    ]
    convert_tz: no
    datatype: timestamp
    sql: ${TABLE}.window_start ;;
  }

  dimension_group: window_end {
    type: time
    description: "End of that window."
    timeframes: [
      raw,
      time,
      minute5,
      hour,
      date,
      week,
      month,
    ]
    convert_tz: no
    datatype: timestamp
    sql: ${TABLE}.window_end ;;
  }

  dimension_group: bucket_start {
    type: time
    description: "Start of the five minutes, by the caller's clock."
    timeframes: [
      raw,
      time,
      minute5,
      hour,
      date,
      week,
      month,
    ]
    convert_tz: no
    datatype: timestamp
    sql: ${TABLE}.bucket_start ;;
  }

  dimension_group: last_called {
    type: time
    description: "Start of the newest call."
    timeframes: [
      raw,
      time,
      minute5,
      hour,
      date,
      week,
      month,
    ]
    convert_tz: no
    datatype: timestamp
    sql: ${TABLE}.last_called_at ;;
  }

  measure: calls {
    type: sum
    description: "Calls made."
    sql: ${TABLE}.calls ;;
  }

  measure: failures {
    type: sum
    description: "Calls that failed: anything but ok and null."
    sql: ${TABLE}.failures ;;
  }

  measure: failure_rate_numerator {
    type: sum
    description: "failures."
    sql: ${TABLE}.failure_rate_numerator ;;
    hidden: yes
  }

  measure: failure_rate_denominator {
    type: sum
    description: "calls."
    sql: ${TABLE}.failure_rate_denominator ;;
    hidden: yes
  }

  measure: ok_calls {
    type: sum
    description: "Calls answered with data."
    sql: ${TABLE}.ok_calls ;;
  }

  measure: null_calls {
    type: sum
    description: "Calls answered with null: the provider has no such data."
    sql: ${TABLE}.null_calls ;;
  }

  measure: behind_calls {
    type: sum
    description: "Calls refused because the node is behind."
    sql: ${TABLE}.behind_calls ;;
  }

  measure: rpc_error_calls {
    type: sum
    description: "Calls answered with another JSON-RPC error."
    sql: ${TABLE}.rpc_error_calls ;;
  }

  measure: http_error_calls {
    type: sum
    description: "Calls answered with an HTTP error."
    sql: ${TABLE}.http_error_calls ;;
  }

  measure: timeout_calls {
    type: sum
    description: "Calls that took too long."
    sql: ${TABLE}.timeout_calls ;;
  }

  measure: connection_calls {
    type: sum
    description: "Calls that reached nobody."
    sql: ${TABLE}.connection_calls ;;
  }

  measure: invalid_calls {
    type: sum
    description: "Calls whose answer can't be read."
    sql: ${TABLE}.invalid_calls ;;
  }

  measure: max_max_latency_ms {
    type: max
    description: "Longest call in ms."
    sql: ${TABLE}.max_latency_ms ;;
  }

  measure: failure_rate {
    type: number
    description: "Failure rate: failures. Divided by: calls."
    value_format_name: percent_2
    sql: cast(${failure_rate_numerator} as numeric) / nullif(${failure_rate_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

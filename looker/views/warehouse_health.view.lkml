# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: warehouse_health {
  label: "Warehouse health"
  sql_table_name: marts.warehouse_health ;;

  dimension: source {
    type: string
    description: "solana, stripe, firebase or cloudflare."
    sql: ${TABLE}.source ;;
  }

  dimension: quarantine_reasons {
    type: string
    description: "Reason codes and counts on the days that the run rebuilds; null when there are none."
    sql: ${TABLE}.quarantine_reasons ;;
  }

  dimension: max_load_lag_seconds {
    type: number
    description: "Longest time from landed to loaded among the window's objects."
    sql: ${TABLE}.max_load_lag_seconds ;;
  }

  dimension: last_attempt_step {
    type: string
    description: "Step of the newest attempt."
    sql: ${TABLE}.last_attempt_step ;;
  }

  dimension: last_attempt_outcome {
    type: string
    description: "ok or failed."
    sql: ${TABLE}.last_attempt_outcome ;;
  }

  dimension_group: window_start {
    type: time
    description: "The run's window."
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
    description: "End of the run's window."
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

  dimension_group: newest_event {
    type: time
    description: "Newest UTC day that any loaded row belongs to."
    timeframes: [
      raw,
      date,
      week,
      month,
      quarter,
      year,
    ]
    convert_tz: no
    datatype: date
    sql: ${TABLE}.newest_event_date ;;
  }

  dimension_group: newest_event_at {
    type: time
    description: "Newest event time on the days that the run rebuilds; null when they have none."
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
    sql: ${TABLE}.newest_event_at ;;
  }

  dimension_group: newest_landed {
    type: time
    description: "When the newest object was landed."
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
    sql: ${TABLE}.newest_landed_at ;;
  }

  dimension_group: newest_loaded {
    type: time
    description: "When the newest object was loaded."
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
    sql: ${TABLE}.newest_loaded_at ;;
  }

  dimension_group: last_attempt {
    type: time
    description: "When it ended."
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
    sql: ${TABLE}.last_attempt_at ;;
  }

  measure: objects {
    type: sum
    description: "Objects in the landing zone."
    sql: ${TABLE}.objects ;;
  }

  measure: objects_pending {
    type: sum
    description: "Objects landed and not loaded."
    sql: ${TABLE}.objects_pending ;;
  }

  measure: window_objects {
    type: sum
    description: "Objects landed for the run's window."
    sql: ${TABLE}.window_objects ;;
  }

  measure: rows_loaded {
    type: sum
    description: "Rows in raw tables, all objects."
    sql: ${TABLE}.rows_loaded ;;
  }

  measure: rows_quarantined {
    type: sum
    description: "Quarantined rows, all objects."
    sql: ${TABLE}.rows_quarantined ;;
  }

  measure: window_rows_loaded {
    type: sum
    description: "Rows in raw tables from the window's objects."
    sql: ${TABLE}.window_rows_loaded ;;
  }

  measure: window_rows_quarantined {
    type: sum
    description: "Quarantined rows from the window's objects."
    sql: ${TABLE}.window_rows_quarantined ;;
  }

  measure: max_max_load_lag_seconds {
    type: max
    description: "Longest time from landed to loaded among the window's objects."
    sql: ${TABLE}.max_load_lag_seconds ;;
  }

  measure: window_attempts {
    type: sum
    description: "Attempts of any step over the window."
    sql: ${TABLE}.window_attempts ;;
  }

  measure: window_attempts_failed {
    type: sum
    description: "Of these, failed ones."
    sql: ${TABLE}.window_attempts_failed ;;
  }

  measure: window_run_seconds {
    type: sum
    description: "Seconds that the attempts took together."
    sql: ${TABLE}.window_run_seconds ;;
  }

  measure: window_bytes_scanned {
    type: sum
    description: "Bytes that the attempts scanned, where the engine says."
    sql: ${TABLE}.window_bytes_scanned ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

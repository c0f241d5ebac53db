# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: warehouse_runs {
  label: "Warehouse runs"
  sql_table_name: marts.warehouse_runs ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.run_id as string), ''), '|', coalesce(cast(${TABLE}.step as string), ''), '|', coalesce(cast(${TABLE}.source as string), '')) ;;
  }

  dimension: run_id {
    type: string
    description: "Run id."
    sql: ${TABLE}.run_id ;;
  }

  dimension: step {
    type: string
    description: "land, load, transform, checks or report."
    sql: ${TABLE}.step ;;
  }

  dimension: source {
    type: string
    description: "Source; all for a step over all of them."
    sql: ${TABLE}.source ;;
  }

  dimension_group: window_start {
    type: time
    description: "Start of the run's window."
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

  dimension_group: started {
    type: time
    description: "Start of the first attempt."
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
    sql: ${TABLE}.started_at ;;
  }

  dimension_group: ended {
    type: time
    description: "End of the last attempt."
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
    sql: ${TABLE}.ended_at ;;
  }

  dimension_group: as_of {
    type: time
    description: "End of the last attempt."
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
    sql: ${TABLE}.as_of_time ;;
  }

  measure: attempts {
    type: sum
    description: "Attempts."
    sql: ${TABLE}.attempts ;;
  }

  measure: attempts_failed {
    type: sum
    description: "Of these, failed."
    sql: ${TABLE}.attempts_failed ;;
  }

  measure: run_ms {
    type: sum
    description: "Milliseconds that the attempts took together."
    sql: ${TABLE}.run_ms ;;
  }

  measure: objects {
    type: sum
    description: "Objects landed, loaded or taken in."
    sql: ${TABLE}.objects ;;
  }

  measure: rows_loaded {
    type: sum
    description: "Rows loaded."
    sql: ${TABLE}.rows_loaded ;;
  }

  measure: rows_quarantined {
    type: sum
    description: "Rows that could not be used."
    sql: ${TABLE}.rows_quarantined ;;
  }

  measure: bytes_scanned {
    type: sum
    description: "Bytes that the engine scanned; null where it doesn't say."
    sql: ${TABLE}.bytes_scanned ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: reconciliation_lag_hourly {
  label: "Reconciliation lag hourly"
  sql_table_name: marts.reconciliation_lag_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.write_date as string), ''), '|', coalesce(cast(${TABLE}.hour_start as string), '')) ;;
  }

  dimension: ledger_lag_p50_ms {
    type: number
    description: "Median lag from finalized to booked, by nearest rank."
    sql: ${TABLE}.ledger_lag_p50_ms ;;
  }

  dimension: ledger_lag_p95_ms {
    type: number
    description: "95th percentile."
    sql: ${TABLE}.ledger_lag_p95_ms ;;
  }

  dimension: ledger_lag_max_ms {
    type: number
    description: "Longest."
    sql: ${TABLE}.ledger_lag_max_ms ;;
  }

  dimension: warehouse_lag_p50_ms {
    type: number
    description: "Median lag from finalized to landed here, by nearest rank; a fact of the runs, not of the data."
    sql: ${TABLE}.warehouse_lag_p50_ms ;;
  }

  dimension: warehouse_lag_p95_ms {
    type: number
    description: "95th percentile; likewise."
    sql: ${TABLE}.warehouse_lag_p95_ms ;;
  }

  dimension: warehouse_lag_max_ms {
    type: number
    description: "Longest; likewise."
    sql: ${TABLE}.warehouse_lag_max_ms ;;
  }

  dimension_group: write {
    type: time
    description: "UTC day of the booking; the partition."
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
    sql: ${TABLE}.write_date ;;
  }

  dimension_group: hour_start {
    type: time
    description: "Hour of the booking."
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
    sql: ${TABLE}.hour_start ;;
  }

  dimension_group: as_of {
    type: time
    description: "Time of the last booking."
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

  measure: writes {
    type: sum
    description: "Transactions booked; each with its first booking of the day."
    sql: ${TABLE}.writes ;;
  }

  measure: ledger_lag_sum_ms {
    type: sum
    description: "Lags from finalized to booked together; with writes the mean."
    sql: ${TABLE}.ledger_lag_sum_ms ;;
  }

  measure: max_ledger_lag_p50_ms {
    type: max
    description: "Median lag from finalized to booked, by nearest rank."
    sql: ${TABLE}.ledger_lag_p50_ms ;;
  }

  measure: max_ledger_lag_p95_ms {
    type: max
    description: "95th percentile."
    sql: ${TABLE}.ledger_lag_p95_ms ;;
  }

  measure: max_ledger_lag_max_ms {
    type: max
    description: "Longest."
    sql: ${TABLE}.ledger_lag_max_ms ;;
  }

  measure: max_warehouse_lag_p50_ms {
    type: max
    description: "Median lag from finalized to landed here, by nearest rank; a fact of the runs, not of the data."
    sql: ${TABLE}.warehouse_lag_p50_ms ;;
  }

  measure: max_warehouse_lag_p95_ms {
    type: max
    description: "95th percentile; likewise."
    sql: ${TABLE}.warehouse_lag_p95_ms ;;
  }

  measure: max_warehouse_lag_max_ms {
    type: max
    description: "Longest; likewise."
    sql: ${TABLE}.warehouse_lag_max_ms ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_confirmations_hourly {
  label: "Chain confirmations hourly"
  sql_table_name: marts.chain_confirmations_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.confirmation_date as string), ''), '|', coalesce(cast(${TABLE}.hour_start as string), '')) ;;
  }

  dimension: confirmation_p50_ms {
    type: number
    description: "Median time from submission to finality, by nearest rank."
    sql: ${TABLE}.confirmation_p50_ms ;;
  }

  dimension: confirmation_p95_ms {
    type: number
    description: "95th percentile."
    sql: ${TABLE}.confirmation_p95_ms ;;
  }

  dimension: confirmation_p99_ms {
    type: number
    description: "99th percentile."
    sql: ${TABLE}.confirmation_p99_ms ;;
  }

  dimension: confirmation_max_ms {
    type: number
    description: "Longest."
    sql: ${TABLE}.confirmation_max_ms ;;
  }

  dimension: pending_over_10_min {
    type: number
    description: "Transactions of the hour's blocks that were seen not final for ten minutes or more, whatever became of them."
    sql: ${TABLE}.pending_over_10_min ;;
  }

  dimension_group: confirmation {
    type: time
    description: "UTC day of the hour."
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
    sql: ${TABLE}.confirmation_date ;;
  }

  dimension_group: hour_start {
    type: time
    description: "Start of the hour: of the relay's line, and of the block of a transaction that waited."
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
    description: "Time of the newest line or sighting."
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

  measure: confirmed {
    type: sum
    description: "Transactions that the relay says became final; null where it said nothing in the hour."
    sql: ${TABLE}.confirmed ;;
  }

  measure: expired {
    type: sum
    description: "Transactions that it says never will: their blockhash expired."
    sql: ${TABLE}.expired ;;
  }

  measure: mean_confirmation_numerator {
    type: sum
    description: "Milliseconds from submission to finality together; divide by mean_confirmation_denominator."
    sql: ${TABLE}.mean_confirmation_numerator ;;
    hidden: yes
  }

  measure: mean_confirmation_denominator {
    type: sum
    description: "confirmed."
    sql: ${TABLE}.mean_confirmation_denominator ;;
    hidden: yes
  }

  measure: max_confirmation_p50_ms {
    type: max
    description: "Median time from submission to finality, by nearest rank."
    sql: ${TABLE}.confirmation_p50_ms ;;
  }

  measure: max_confirmation_p95_ms {
    type: max
    description: "95th percentile."
    sql: ${TABLE}.confirmation_p95_ms ;;
  }

  measure: max_confirmation_p99_ms {
    type: max
    description: "99th percentile."
    sql: ${TABLE}.confirmation_p99_ms ;;
  }

  measure: max_confirmation_max_ms {
    type: max
    description: "Longest."
    sql: ${TABLE}.confirmation_max_ms ;;
  }

  measure: max_pending_over_10_min {
    type: max
    description: "Transactions of the hour's blocks that were seen not final for ten minutes or more, whatever became of them."
    sql: ${TABLE}.pending_over_10_min ;;
  }

  measure: mean_confirmation {
    type: number
    description: "Mean confirmation: Milliseconds from submission to finality together; divide by mean_confirmation_denominator. Divided by: confirmed."
    value_format_name: decimal_2
    sql: cast(${mean_confirmation_numerator} as numeric) / nullif(${mean_confirmation_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

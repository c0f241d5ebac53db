# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: rpc_providers_5min {
  label: "RPC providers 5 min"
  sql_table_name: marts.rpc_providers_5min ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.call_date as string), ''), '|', coalesce(cast(${TABLE}.bucket_start as string), ''), '|', coalesce(cast(${TABLE}.provider as string), '')) ;;
  }

  dimension: provider {
    type: string
    description: "Provider name of the configuration."
    sql: ${TABLE}.provider ;;
  }

  dimension: latency_p50_ms {
    type: number
    description: "Median wall time of a call, failed ones too, by nearest rank."
    sql: ${TABLE}.latency_p50_ms ;;
  }

  dimension: latency_p95_ms {
    type: number
    description: "95th percentile of the wall time."
    sql: ${TABLE}.latency_p95_ms ;;
  }

  dimension: latency_p99_ms {
    type: number
    description: "99th percentile of the wall time."
    sql: ${TABLE}.latency_p99_ms ;;
  }

  dimension: latency_max_ms {
    type: number
    description: "Longest call."
    sql: ${TABLE}.latency_max_ms ;;
  }

  dimension: slot_lag_max {
    type: number
    description: "Most slots that an answer to getSlot lay behind the newest one that any provider named meanwhile; null without such an answer."
    sql: ${TABLE}.slot_lag_max ;;
  }

  dimension_group: call {
    type: time
    description: "UTC day of the calls, by the caller's clock; the partition."
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
    sql: ${TABLE}.call_date ;;
  }

  dimension_group: bucket_start {
    type: time
    description: "Start of the five minutes."
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

  dimension_group: as_of {
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
    sql: ${TABLE}.as_of_time ;;
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

  measure: max_latency_p50_ms {
    type: max
    description: "Median wall time of a call, failed ones too, by nearest rank."
    sql: ${TABLE}.latency_p50_ms ;;
  }

  measure: max_latency_p95_ms {
    type: max
    description: "95th percentile of the wall time."
    sql: ${TABLE}.latency_p95_ms ;;
  }

  measure: max_latency_p99_ms {
    type: max
    description: "99th percentile of the wall time."
    sql: ${TABLE}.latency_p99_ms ;;
  }

  measure: max_latency_max_ms {
    type: max
    description: "Longest call."
    sql: ${TABLE}.latency_max_ms ;;
  }

  measure: max_slot_lag_max {
    type: max
    description: "Most slots that an answer to getSlot lay behind the newest one that any provider named meanwhile; null without such an answer."
    sql: ${TABLE}.slot_lag_max ;;
  }

  measure: slot_lag_samples {
    type: sum
    description: "Answers to getSlot."
    sql: ${TABLE}.slot_lag_samples ;;
  }

  measure: failovers {
    type: sum
    description: "Calls that it answered in place of another provider, which had failed or was set aside."
    sql: ${TABLE}.failovers ;;
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

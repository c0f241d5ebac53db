# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: stripe_webhooks_hourly {
  label: "Stripe webhooks hourly"
  sql_table_name: marts.stripe_webhooks_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.delivery_date as string), ''), '|', coalesce(cast(${TABLE}.hour_start as string), '')) ;;
  }

  dimension: latency_p50_ms {
    type: number
    description: "Median latency of handled deliveries, by nearest rank; null where none was."
    sql: ${TABLE}.latency_p50_ms ;;
  }

  dimension: latency_p95_ms {
    type: number
    description: "95th percentile; likewise."
    sql: ${TABLE}.latency_p95_ms ;;
  }

  dimension: latency_p99_ms {
    type: number
    description: "99th percentile; likewise."
    sql: ${TABLE}.latency_p99_ms ;;
  }

  dimension: latency_max_ms {
    type: number
    description: "Longest; likewise."
    sql: ${TABLE}.latency_max_ms ;;
  }

  dimension_group: delivery {
    type: time
    description: "UTC day of the delivery; the partition."
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
    sql: ${TABLE}.delivery_date ;;
  }

  dimension_group: hour_start {
    type: time
    description: "Hour of the delivery."
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
    description: "Time of the last delivery."
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

  measure: deliveries {
    type: sum
    description: "Deliveries that the Worker logged."
    sql: ${TABLE}.deliveries ;;
  }

  measure: handled {
    type: sum
    description: "Of these, handled."
    sql: ${TABLE}.handled ;;
  }

  measure: failures {
    type: sum
    description: "Of these, failed."
    sql: ${TABLE}.failures ;;
  }

  measure: retries {
    type: sum
    description: "Of these, repeated: attempt above 1."
    sql: ${TABLE}.retries ;;
  }

  measure: failure_rate_numerator {
    type: sum
    description: "failures."
    sql: ${TABLE}.failure_rate_numerator ;;
    hidden: yes
  }

  measure: failure_rate_denominator {
    type: sum
    description: "deliveries."
    sql: ${TABLE}.failure_rate_denominator ;;
    hidden: yes
  }

  measure: latency_sum_ms {
    type: sum
    description: "Latencies of handled deliveries together, with handled the mean; null where none was."
    sql: ${TABLE}.latency_sum_ms ;;
  }

  measure: max_latency_p50_ms {
    type: max
    description: "Median latency of handled deliveries, by nearest rank; null where none was."
    sql: ${TABLE}.latency_p50_ms ;;
  }

  measure: max_latency_p95_ms {
    type: max
    description: "95th percentile; likewise."
    sql: ${TABLE}.latency_p95_ms ;;
  }

  measure: max_latency_p99_ms {
    type: max
    description: "99th percentile; likewise."
    sql: ${TABLE}.latency_p99_ms ;;
  }

  measure: max_latency_max_ms {
    type: max
    description: "Longest; likewise."
    sql: ${TABLE}.latency_max_ms ;;
  }

  measure: failure_rate {
    type: number
    description: "Failure rate: failures. Divided by: deliveries."
    value_format_name: percent_2
    sql: cast(${failure_rate_numerator} as numeric) / nullif(${failure_rate_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

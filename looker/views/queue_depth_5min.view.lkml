# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: queue_depth_5min {
  label: "Queue depth 5 min"
  sql_table_name: marts.queue_depth_5min ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.depth_date as string), ''), '|', coalesce(cast(${TABLE}.bucket_start as string), ''), '|', coalesce(cast(${TABLE}.queue as string), '')) ;;
  }

  dimension: queue {
    type: string
    description: "Durable Object queue."
    sql: ${TABLE}.queue ;;
  }

  dimension: depth_p95 {
    type: number
    description: "95th percentile of the samples, by nearest rank."
    sql: ${TABLE}.depth_p95 ;;
  }

  dimension: depth_max {
    type: number
    description: "Deepest."
    sql: ${TABLE}.depth_max ;;
  }

  dimension: oldest_max_ms {
    type: number
    description: "Age of the oldest item, at its worst; null where it isn't logged."
    sql: ${TABLE}.oldest_max_ms ;;
  }

  dimension_group: depth {
    type: time
    description: "UTC day of the samples."
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
    sql: ${TABLE}.depth_date ;;
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
    description: "Time of the last sample."
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

  measure: mean_depth_numerator {
    type: sum
    description: "Depths together."
    sql: ${TABLE}.mean_depth_numerator ;;
    hidden: yes
  }

  measure: mean_depth_denominator {
    type: sum
    description: "Samples: depths that were logged."
    sql: ${TABLE}.mean_depth_denominator ;;
    hidden: yes
  }

  measure: max_depth_p95 {
    type: max
    description: "95th percentile of the samples, by nearest rank."
    sql: ${TABLE}.depth_p95 ;;
  }

  measure: max_depth_max {
    type: max
    description: "Deepest."
    sql: ${TABLE}.depth_max ;;
  }

  measure: max_oldest_max_ms {
    type: max
    description: "Age of the oldest item, at its worst; null where it isn't logged."
    sql: ${TABLE}.oldest_max_ms ;;
  }

  measure: mean_depth {
    type: number
    description: "Mean depth: Depths together. Divided by: Samples: depths that were logged."
    value_format_name: decimal_2
    sql: cast(${mean_depth_numerator} as numeric) / nullif(${mean_depth_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

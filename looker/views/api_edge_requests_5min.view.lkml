# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: api_edge_requests_5min {
  label: "API edge requests 5 min"
  sql_table_name: marts.api_edge_requests_5min ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.request_date as string), ''), '|', coalesce(cast(${TABLE}.bucket_start as string), ''), '|', coalesce(cast(${TABLE}.host as string), ''), '|', coalesce(cast(${TABLE}.endpoint as string), ''), '|', coalesce(cast(${TABLE}.method as string), '')) ;;
  }

  dimension: host {
    type: string
    description: "Host, or (not logged)."
    sql: ${TABLE}.host ;;
  }

  dimension: endpoint {
    type: string
    description: "Path with a placeholder for each segment that holds a digit, or (not logged)."
    sql: ${TABLE}.endpoint ;;
  }

  dimension: method {
    type: string
    description: "HTTP method, or (not logged)."
    sql: ${TABLE}.method ;;
  }

  dimension: duration_p50_ms {
    type: number
    description: "Median duration, by nearest rank; null where the job doesn't log it."
    sql: ${TABLE}.duration_p50_ms ;;
  }

  dimension: duration_p95_ms {
    type: number
    description: "95th percentile."
    sql: ${TABLE}.duration_p95_ms ;;
  }

  dimension: duration_p99_ms {
    type: number
    description: "99th percentile."
    sql: ${TABLE}.duration_p99_ms ;;
  }

  dimension: duration_max_ms {
    type: number
    description: "Longest."
    sql: ${TABLE}.duration_max_ms ;;
  }

  dimension_group: request {
    type: time
    description: "UTC day of the requests."
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
    sql: ${TABLE}.request_date ;;
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
    description: "Time of the last request."
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

  measure: requests {
    type: sum
    description: "Requests that the job logged."
    sql: ${TABLE}.requests ;;
  }

  measure: estimated_requests {
    type: sum
    description: "Requests that they stand for; more than requests where the job samples."
    sql: ${TABLE}.estimated_requests ;;
  }

  measure: cache_hit_rate_numerator {
    type: sum
    description: "Of the logged ones, answered from the cache."
    sql: ${TABLE}.cache_hit_rate_numerator ;;
    hidden: yes
  }

  measure: cache_hit_rate_denominator {
    type: sum
    description: "requests."
    sql: ${TABLE}.cache_hit_rate_denominator ;;
    hidden: yes
  }

  measure: client_errors {
    type: sum
    description: "Answered with 400 to 499."
    sql: ${TABLE}.client_errors ;;
  }

  measure: server_errors {
    type: sum
    description: "Answered with 500 or more."
    sql: ${TABLE}.server_errors ;;
  }

  measure: error_rate_numerator {
    type: sum
    description: "server_errors."
    sql: ${TABLE}.error_rate_numerator ;;
    hidden: yes
  }

  measure: error_rate_denominator {
    type: sum
    description: "requests."
    sql: ${TABLE}.error_rate_denominator ;;
    hidden: yes
  }

  measure: duration_sum_ms {
    type: sum
    description: "Durations at the edge together, where the job logs them."
    sql: ${TABLE}.duration_sum_ms ;;
  }

  measure: max_duration_p50_ms {
    type: max
    description: "Median duration, by nearest rank; null where the job doesn't log it."
    sql: ${TABLE}.duration_p50_ms ;;
  }

  measure: max_duration_p95_ms {
    type: max
    description: "95th percentile."
    sql: ${TABLE}.duration_p95_ms ;;
  }

  measure: max_duration_p99_ms {
    type: max
    description: "99th percentile."
    sql: ${TABLE}.duration_p99_ms ;;
  }

  measure: max_duration_max_ms {
    type: max
    description: "Longest."
    sql: ${TABLE}.duration_max_ms ;;
  }

  measure: cache_hit_rate {
    type: number
    description: "Cache hit rate: Of the logged ones, answered from the cache. Divided by: requests."
    value_format_name: percent_2
    sql: cast(${cache_hit_rate_numerator} as numeric) / nullif(${cache_hit_rate_denominator}, 0) ;;
  }

  measure: error_rate {
    type: number
    description: "Error rate: server_errors. Divided by: requests."
    value_format_name: percent_2
    sql: cast(${error_rate_numerator} as numeric) / nullif(${error_rate_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

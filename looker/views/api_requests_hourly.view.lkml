# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: api_requests_hourly {
  label: "API requests hourly"
  sql_table_name: marts.api_requests_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.request_date as string), ''), '|', coalesce(cast(${TABLE}.hour_start as string), ''), '|', coalesce(cast(${TABLE}.service as string), ''), '|', coalesce(cast(${TABLE}.endpoint as string), ''), '|', coalesce(cast(${TABLE}.method as string), '')) ;;
  }

  dimension: service {
    type: string
    description: "Service that logged the requests."
    sql: ${TABLE}.service ;;
  }

  dimension: endpoint {
    type: string
    description: "Route, with placeholders for ids."
    sql: ${TABLE}.endpoint ;;
  }

  dimension: method {
    type: string
    description: "HTTP method."
    sql: ${TABLE}.method ;;
  }

  dimension: duration_p50_ms {
    type: number
    description: "Median duration, by nearest rank."
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

  dimension: failed_run_max {
    type: number
    description: "Longest run of consecutive server errors, as far as it had come in the bucket. It may have begun in an earlier bucket; it is counted back to the start of the UTC day before."
    sql: ${TABLE}.failed_run_max ;;
  }

  dimension: failed_run_at_end {
    type: number
    description: "The run that is still going on after the bucket's last request; 0 where that one succeeded."
    sql: ${TABLE}.failed_run_at_end ;;
  }

  dimension_group: request {
    type: time
    description: "UTC day of the requests; the partition."
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

  dimension_group: hour_start {
    type: time
    description: "Start of the hour."
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
    description: "Requests."
    sql: ${TABLE}.requests ;;
  }

  measure: requests_per_minute_numerator {
    type: sum
    description: "requests."
    sql: ${TABLE}.requests_per_minute_numerator ;;
    hidden: yes
  }

  measure: requests_per_minute_denominator {
    type: sum
    description: "Minutes of the bucket: 60."
    sql: ${TABLE}.requests_per_minute_denominator ;;
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
    description: "Durations together; with requests the mean."
    sql: ${TABLE}.duration_sum_ms ;;
  }

  measure: max_duration_p50_ms {
    type: max
    description: "Median duration, by nearest rank."
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

  measure: max_failed_run_max {
    type: max
    description: "Longest run of consecutive server errors, as far as it had come in the bucket. It may have begun in an earlier bucket; it is counted back to the start of the UTC day before."
    sql: ${TABLE}.failed_run_max ;;
  }

  measure: max_failed_run_at_end {
    type: max
    description: "The run that is still going on after the bucket's last request; 0 where that one succeeded."
    sql: ${TABLE}.failed_run_at_end ;;
  }

  measure: uptime_numerator {
    type: sum
    description: "Five-minute buckets in which at least one request succeeded."
    sql: ${TABLE}.uptime_numerator ;;
    hidden: yes
  }

  measure: uptime_denominator {
    type: sum
    description: "Five-minute buckets with requests; without any there is nothing to know."
    sql: ${TABLE}.uptime_denominator ;;
    hidden: yes
  }

  measure: requests_per_minute {
    type: number
    description: "Requests per minute: requests. Divided by: Minutes of the bucket: 60."
    value_format_name: decimal_2
    sql: cast(${requests_per_minute_numerator} as numeric) / nullif(${requests_per_minute_denominator}, 0) ;;
  }

  measure: error_rate {
    type: number
    description: "Error rate: server_errors. Divided by: requests."
    value_format_name: percent_2
    sql: cast(${error_rate_numerator} as numeric) / nullif(${error_rate_denominator}, 0) ;;
  }

  measure: uptime {
    type: number
    description: "Uptime: Five-minute buckets in which at least one request succeeded. Divided by: Five-minute buckets with requests; without any there is nothing to know."
    value_format_name: percent_2
    sql: cast(${uptime_numerator} as numeric) / nullif(${uptime_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

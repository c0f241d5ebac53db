# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: service_logs_hourly {
  label: "Service logs hourly"
  sql_table_name: marts.service_logs_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.log_date as string), ''), '|', coalesce(cast(${TABLE}.hour_start as string), ''), '|', coalesce(cast(${TABLE}.service as string), '')) ;;
  }

  dimension: service {
    type: string
    description: "Worker script, or the service that a line names."
    sql: ${TABLE}.service ;;
  }

  dimension: slowest_query_ms {
    type: number
    description: "The slowest of them; null for none."
    sql: ${TABLE}.slowest_query_ms ;;
  }

  dimension_group: log {
    type: time
    description: "UTC day."
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
    sql: ${TABLE}.log_date ;;
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
    description: "Time of the last run or line."
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

  measure: invocations {
    type: sum
    description: "Runs of the script; 0 for a service that is only named in lines."
    sql: ${TABLE}.invocations ;;
  }

  measure: exceptions {
    type: sum
    description: "Of these, runs with an uncaught exception."
    sql: ${TABLE}.exceptions ;;
  }

  measure: exception_rate_numerator {
    type: sum
    description: "exceptions."
    sql: ${TABLE}.exception_rate_numerator ;;
    hidden: yes
  }

  measure: exception_rate_denominator {
    type: sum
    description: "invocations."
    sql: ${TABLE}.exception_rate_denominator ;;
    hidden: yes
  }

  measure: error_lines {
    type: sum
    description: "Log entries of level error."
    sql: ${TABLE}.error_lines ;;
  }

  measure: warning_lines {
    type: sum
    description: "Log entries of level warn."
    sql: ${TABLE}.warning_lines ;;
  }

  measure: errors {
    type: sum
    description: "Errors that the code caught and logged as such."
    sql: ${TABLE}.errors ;;
  }

  measure: slow_queries {
    type: sum
    description: "Queries over a second."
    sql: ${TABLE}.slow_queries ;;
  }

  measure: max_slowest_query_ms {
    type: max
    description: "The slowest of them; null for none."
    sql: ${TABLE}.slowest_query_ms ;;
  }

  measure: exception_rate {
    type: number
    description: "Exception rate: exceptions. Divided by: invocations."
    value_format_name: percent_2
    sql: cast(${exception_rate_numerator} as numeric) / nullif(${exception_rate_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: firebase_write_errors_hourly {
  label: "Firebase write errors hourly"
  sql_table_name: marts.firebase_write_errors_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.error_date as string), ''), '|', coalesce(cast(${TABLE}.hour_start as string), ''), '|', coalesce(cast(${TABLE}.logged_by as string), ''), '|', coalesce(cast(${TABLE}.collection as string), ''), '|', coalesce(cast(${TABLE}.code as string), '')) ;;
  }

  dimension: logged_by {
    type: string
    description: "audit: Google's audit log; application: the platform's own entries. Both may tell of one failure, so they don't add up."
    sql: ${TABLE}.logged_by ;;
  }

  dimension: collection {
    type: string
    description: "Collection path (ids replaced by {}) that was to be written; unknown where the entry names none."
    sql: ${TABLE}.collection ;;
  }

  dimension: code {
    type: string
    description: "google.rpc.Code of the failure."
    sql: ${TABLE}.code ;;
  }

  dimension_group: error {
    type: time
    description: "UTC day of the entries."
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
    sql: ${TABLE}.error_date ;;
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

  dimension_group: first {
    type: time
    description: "Time of the first."
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
    sql: ${TABLE}.first_at ;;
  }

  dimension_group: as_of {
    type: time
    description: "Time of the last."
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

  measure: errors {
    type: sum
    description: "Failed writes."
    sql: ${TABLE}.errors ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: logpush_gaps {
  label: "Logpush gaps"
  sql_table_name: marts.logpush_gaps ;;

  dimension: dataset {
    type: string
    description: "http_requests or workers_trace_events."
    sql: ${TABLE}.dataset ;;
  }

  dimension_group: gap {
    type: time
    description: "UTC day of the gap; the partition."
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
    sql: ${TABLE}.gap_date ;;
  }

  dimension_group: gap_from {
    type: time
    description: "First missing minute."
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
    sql: ${TABLE}.gap_from ;;
  }

  dimension_group: gap_to {
    type: time
    description: "End of the last missing minute."
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
    sql: ${TABLE}.gap_to ;;
  }

  measure: minutes {
    type: sum
    description: "Missing minutes."
    sql: ${TABLE}.minutes ;;
  }

  measure: events_seen {
    type: sum
    description: "Events of the gap that came in objects of another time: there was more to deliver."
    sql: ${TABLE}.events_seen ;;
  }

  measure: other_events_seen {
    type: sum
    description: "Events of the other dataset in the gap: the platform was at work."
    sql: ${TABLE}.other_events_seen ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

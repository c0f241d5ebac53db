# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: warehouse_metric_status {
  label: "Warehouse metric status"
  sql_table_name: marts.warehouse_metric_status ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.metric as string), ''), '|', coalesce(cast(${TABLE}.source as string), '')) ;;
  }

  dimension: metric {
    type: string
    description: "Metric: M1 to M25."
    sql: ${TABLE}.metric ;;
  }

  dimension: source {
    type: string
    description: "Source without which the metric is missing."
    sql: ${TABLE}.source ;;
  }

  dimension: state {
    type: string
    description: "off, not_on_platform, never, late or current."
    sql: ${TABLE}.state ;;
  }

  dimension_group: read_until {
    type: time
    description: "End of the newest window that anything of the source was landed for."
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
    sql: ${TABLE}.read_until ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest UTC day that any of its rows belong to."
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
    sql: ${TABLE}.as_of_date ;;
  }

  dimension_group: as_of_time {
    type: time
    description: "Newest time of the source's own among the days of this build; null where they hold nothing of it."
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

  dimension_group: covered_until {
    type: time
    description: "The builds cover the data up to here."
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
    sql: ${TABLE}.covered_until ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: exchange_failures_daily {
  label: "Exchange failures daily"
  sql_table_name: marts.exchange_failures_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.activity_date as string), ''), '|', coalesce(cast(${TABLE}.reason as string), '')) ;;
  }

  dimension: reason {
    type: string
    description: "Reason that the request states; unknown for none."
    sql: ${TABLE}.reason ;;
  }

  dimension_group: activity {
    type: time
    description: "UTC day of the end; the partition."
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
    sql: ${TABLE}.activity_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest change of a counted request."
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

  measure: failed {
    type: sum
    description: "Requests that ended unpaid."
    sql: ${TABLE}.failed ;;
  }

  measure: fallback {
    type: sum
    description: "Requests fulfilled by hand."
    sql: ${TABLE}.fallback ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

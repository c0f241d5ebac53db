# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_events_5min {
  label: "Chain events 5 min"
  sql_table_name: marts.chain_events_5min ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.event_date as string), ''), '|', coalesce(cast(${TABLE}.bucket_start as string), ''), '|', coalesce(cast(${TABLE}.canonical_event as string), '')) ;;
  }

  dimension: canonical_event {
    type: string
    description: "Kind of event by the platform's profile."
    sql: ${TABLE}.canonical_event ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot with such an event."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: event {
    type: time
    description: "UTC day of the block; the partition."
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
    sql: ${TABLE}.event_date ;;
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
    description: "Block time of that slot."
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

  measure: events {
    type: sum
    description: "Events that count."
    sql: ${TABLE}.events ;;
  }

  measure: reverted {
    type: sum
    description: "Events of failed transactions: they never happened."
    sql: ${TABLE}.reverted ;;
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot with such an event."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

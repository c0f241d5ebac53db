# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_events_hourly {
  label: "Chain events hourly"
  sql_table_name: marts.chain_events_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.event_date as string), ''), '|', coalesce(cast(${TABLE}.hour_start as string), ''), '|', coalesce(cast(${TABLE}.scope as string), ''), '|', coalesce(cast(${TABLE}.canonical_event as string), '')) ;;
  }

  dimension: scope {
    type: string
    description: "event: one kind; all: every kind together. Take one scope."
    sql: ${TABLE}.scope ;;
  }

  dimension: canonical_event {
    type: string
    description: "Kind of event by the platform's profile, (all) in scope all."
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

  measure: escrows_created {
    type: sum
    description: "escrow_created events; null in scope event, like the next four."
    sql: ${TABLE}.escrows_created ;;
  }

  measure: escrows_cancelled {
    type: sum
    description: "cancelled events."
    sql: ${TABLE}.escrows_cancelled ;;
  }

  measure: cancellation_rate_numerator {
    type: sum
    description: "escrows_cancelled."
    sql: ${TABLE}.cancellation_rate_numerator ;;
    hidden: yes
  }

  measure: cancellation_rate_denominator {
    type: sum
    description: "escrows_created."
    sql: ${TABLE}.cancellation_rate_denominator ;;
    hidden: yes
  }

  measure: disputes_opened {
    type: sum
    description: "dispute_opened events."
    sql: ${TABLE}.disputes_opened ;;
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot with such an event."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: cancellation_rate {
    type: number
    description: "Cancellation rate: escrows_cancelled. Divided by: escrows_created."
    value_format_name: percent_2
    sql: cast(${cancellation_rate_numerator} as numeric) / nullif(${cancellation_rate_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

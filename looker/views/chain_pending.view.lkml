# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_pending {
  label: "Chain pending"
  sql_table_name: marts.chain_pending ;;

  dimension: signature {
    type: string
    description: "Transaction signature."
    sql: ${TABLE}.signature ;;
  }

  dimension: state {
    type: string
    description: "pending, finalized or dropped."
    sql: ${TABLE}.state ;;
  }

  dimension: slot {
    type: number
    description: "Slot it was seen in."
    sql: ${TABLE}.slot ;;
  }

  dimension: addresses {
    type: string
    description: "Watched addresses that list it."
    sql: ${TABLE}.addresses ;;
  }

  dimension: is_success {
    type: yesno
    description: "False when the transaction failed."
    sql: ${TABLE}.is_success ;;
  }

  dimension: confirmation_status {
    type: string
    description: "confirmed or processed, when last seen."
    sql: ${TABLE}.confirmation_status ;;
  }

  dimension: age_minutes {
    type: number
    description: "Whole minutes from its block to as_of_time."
    sql: ${TABLE}.age_minutes ;;
  }

  dimension_group: block {
    type: time
    description: "UTC day of the block it was seen in."
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
    sql: ${TABLE}.block_date ;;
  }

  dimension_group: block_time {
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
    sql: ${TABLE}.block_time ;;
  }

  dimension_group: first_seen {
    type: time
    description: "When it was first seen: block time of the newest confirmed slot then."
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
    sql: ${TABLE}.first_seen_at ;;
  }

  dimension_group: last_seen {
    type: time
    description: "When it was last seen before it was final."
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
    sql: ${TABLE}.last_seen_at ;;
  }

  dimension_group: as_of {
    type: time
    description: "Instant of the age: the newest sighting of any transaction while pending, else its own last one."
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

  measure: max_slot {
    type: max
    description: "Slot it was seen in."
    sql: ${TABLE}.slot ;;
  }

  measure: sightings {
    type: sum
    description: "Attempts that saw it before it was final."
    sql: ${TABLE}.sightings ;;
  }

  measure: max_age_minutes {
    type: max
    description: "Whole minutes from its block to as_of_time."
    sql: ${TABLE}.age_minutes ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

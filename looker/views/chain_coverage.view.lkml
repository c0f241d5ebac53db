# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_coverage {
  label: "Chain coverage"
  sql_table_name: marts.chain_coverage ;;

  dimension: address {
    type: string
    description: "Watched address."
    sql: ${TABLE}.address ;;
  }

  dimension: from_slot {
    type: number
    description: "First slot of the interval; 0 when it reaches the address's first transaction."
    sql: ${TABLE}.from_slot ;;
  }

  dimension: to_slot {
    type: number
    description: "Last slot of the interval, inside."
    sql: ${TABLE}.to_slot ;;
  }

  dimension: reaches_first {
    type: yesno
    description: "True when nothing of the address lies before the interval."
    sql: ${TABLE}.reaches_first ;;
  }

  dimension_group: from {
    type: time
    description: "Every transaction since this instant is inside; null where the chain states no time."
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
    sql: ${TABLE}.from_time ;;
  }

  dimension_group: to {
    type: time
    description: "Every transaction before this instant is inside; null where the chain states no time."
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
    sql: ${TABLE}.to_time ;;
  }

  dimension_group: gap_from {
    type: time
    description: "End of the interval below: where the hole begins; null for an address's lowest interval."
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
    sql: ${TABLE}.gap_from_time ;;
  }

  dimension_group: covered {
    type: time
    description: "When the newest of them ended, by the reader's clock."
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
    sql: ${TABLE}.covered_at ;;
  }

  measure: max_from_slot {
    type: max
    description: "First slot of the interval; 0 when it reaches the address's first transaction."
    sql: ${TABLE}.from_slot ;;
  }

  measure: max_to_slot {
    type: max
    description: "Last slot of the interval, inside."
    sql: ${TABLE}.to_slot ;;
  }

  measure: gap_before_slots {
    type: sum
    description: "Slots between the interval below and this one that nobody vouches for; null for an address's lowest interval."
    sql: ${TABLE}.gap_before_slots ;;
  }

  measure: listings {
    type: sum
    description: "Listings that make up the interval."
    sql: ${TABLE}.listings ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

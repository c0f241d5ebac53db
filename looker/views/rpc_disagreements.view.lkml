# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: rpc_disagreements {
  label: "RPC disagreements"
  sql_table_name: marts.rpc_disagreements ;;

  dimension: provider {
    type: string
    description: "Provider that left something out."
    sql: ${TABLE}.provider ;;
  }

  dimension: example_signature {
    type: string
    description: "Newest of the signatures, by slot."
    sql: ${TABLE}.example_signature ;;
  }

  dimension: example_held_by {
    type: string
    description: "Provider that has it."
    sql: ${TABLE}.example_held_by ;;
  }

  dimension_group: disagreement {
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
    sql: ${TABLE}.disagreement_date ;;
  }

  dimension_group: window_start {
    type: time
    description: "Window of the run that found it."
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
    sql: ${TABLE}.window_start ;;
  }

  dimension_group: window_end {
    type: time
    description: "End of that window."
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
    sql: ${TABLE}.window_end ;;
  }

  dimension_group: first_found {
    type: time
    description: "When the first was found, by the reader's clock."
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
    sql: ${TABLE}.first_found_at ;;
  }

  dimension_group: last_found {
    type: time
    description: "When the last was found."
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
    sql: ${TABLE}.last_found_at ;;
  }

  measure: signatures {
    type: sum
    description: "Transactions concerned."
    sql: ${TABLE}.signatures ;;
  }

  measure: listing_omissions {
    type: sum
    description: "Signatures that an address's listing lacks, counted per address."
    sql: ${TABLE}.listing_omissions ;;
  }

  measure: transaction_omissions {
    type: sum
    description: "Transactions that it answers null for."
    sql: ${TABLE}.transaction_omissions ;;
  }

  measure: found_by_proof {
    type: sum
    description: "Of all omissions, those that only a balance proof showed."
    sql: ${TABLE}.found_by_proof ;;
  }

  measure: newest_slot {
    type: sum
    description: "Its slot."
    sql: ${TABLE}.newest_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

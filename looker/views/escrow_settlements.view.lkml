# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_settlements {
  label: "Escrow settlements"
  sql_table_name: marts.escrow_settlements ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.match_id as string), ''), '|', coalesce(cast(${TABLE}.mint as string), ''), '|', coalesce(cast(${TABLE}.kind as string), '')) ;;
  }

  dimension: match_id {
    type: string
    description: "Match."
    sql: ${TABLE}.match_id ;;
  }

  dimension: kind {
    type: string
    description: "unpaid (completed, deadline past, its escrow still holds money), overpaid (gave out more than its pot) or paid_twice (a holder got a prize again within seven days; listed for 30 days)."
    sql: ${TABLE}.kind ;;
  }

  dimension: mint {
    type: string
    description: "Mint."
    sql: ${TABLE}.mint ;;
  }

  dimension: symbol {
    type: string
    description: "Symbol of the mint, null where it isn't configured."
    sql: ${TABLE}.symbol ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of the mint."
    sql: ${TABLE}.decimals ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot of the match counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: failed_since {
    type: time
    description: "The deadline, or the block of the last movement or of the second payout."
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
    sql: ${TABLE}.failed_since ;;
  }

  dimension_group: as_of {
    type: time
    description: "Its block time, or the newest change of the match counted."
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

  measure: amount {
    type: sum
    description: "Base units that the escrow still holds, that it lacks, or that were paid again."
    sql: ${TABLE}.amount ;;
    required_fields: [mint]
  }

  measure: amount_in_units {
    type: sum
    description: "Base units that the escrow still holds, that it lacks, or that were paid again. In whole units of the mint."
    sql: ${TABLE}.amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot of the match counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

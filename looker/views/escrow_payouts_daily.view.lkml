# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_payouts_daily {
  label: "Escrow payouts daily"
  sql_table_name: marts.escrow_payouts_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.activity_date as string), ''), '|', coalesce(cast(${TABLE}.mint as string), '')) ;;
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

  dimension: time_to_payout_p50_seconds {
    type: number
    description: "Whole seconds from the match's end (its document's) to the payout's block, median by nearest rank; null where no end is known."
    sql: ${TABLE}.time_to_payout_p50_seconds ;;
  }

  dimension: time_to_payout_p95_seconds {
    type: number
    description: "The same, 95th percentile."
    sql: ${TABLE}.time_to_payout_p95_seconds ;;
  }

  dimension: time_to_payout_max_seconds {
    type: number
    description: "The same, longest."
    sql: ${TABLE}.time_to_payout_max_seconds ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot of a payout counted; null without one."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: activity {
    type: time
    description: "UTC day: of the block for payouts, paid_twice and overpaid, of the match's end for settlements; the partition."
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
    description: "Block time of that slot; without one the newest change of a match counted."
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

  measure: payouts {
    type: sum
    description: "Prizes paid out."
    sql: ${TABLE}.payouts ;;
  }

  measure: payout_amount {
    type: sum
    description: "Base units of them."
    sql: ${TABLE}.payout_amount ;;
    required_fields: [mint]
  }

  measure: payout_amount_in_units {
    type: sum
    description: "Base units of them. In whole units of the mint."
    sql: ${TABLE}.payout_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_time_to_payout_p50_seconds {
    type: max
    description: "Whole seconds from the match's end (its document's) to the payout's block, median by nearest rank; null where no end is known."
    sql: ${TABLE}.time_to_payout_p50_seconds ;;
  }

  measure: max_time_to_payout_p95_seconds {
    type: max
    description: "The same, 95th percentile."
    sql: ${TABLE}.time_to_payout_p95_seconds ;;
  }

  measure: max_time_to_payout_max_seconds {
    type: max
    description: "The same, longest."
    sql: ${TABLE}.time_to_payout_max_seconds ;;
  }

  measure: timed_payouts {
    type: sum
    description: "Payouts whose match's end is known: what the three are of."
    sql: ${TABLE}.timed_payouts ;;
  }

  measure: settlements_due {
    type: sum
    description: "Completed matches that ended on the day with an open escrow and whose deadline is past."
    sql: ${TABLE}.settlements_due ;;
  }

  measure: settlements_missed {
    type: sum
    description: "Of these, those without a payout by the deadline, whether or not one came later."
    sql: ${TABLE}.settlements_missed ;;
  }

  measure: paid_twice {
    type: sum
    description: "Matches that paid a holder a prize again within seven days."
    sql: ${TABLE}.paid_twice ;;
  }

  measure: overpaid {
    type: sum
    description: "Matches whose escrow fell below zero: prizes, fees and refunds exceed the entries."
    sql: ${TABLE}.overpaid ;;
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot of a payout counted; null without one."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

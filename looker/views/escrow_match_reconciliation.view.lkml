# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_match_reconciliation {
  label: "Escrow match reconciliation"
  sql_table_name: marts.escrow_match_reconciliation ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.match_id as string), ''), '|', coalesce(cast(${TABLE}.mint as string), '')) ;;
  }

  dimension: match_id {
    type: string
    description: "Match, job or other escrow."
    sql: ${TABLE}.match_id ;;
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
    description: "Decimals of the mint; null where it isn't configured."
    sql: ${TABLE}.decimals ;;
  }

  dimension: slot {
    type: number
    description: "Slot at which both are taken."
    sql: ${TABLE}.slot ;;
  }

  dimension: events_balance {
    type: number
    description: "Base units by the decoded events."
    sql: ${TABLE}.events_balance ;;
  }

  dimension: offchain_balance {
    type: number
    description: "Base units by the platform's own ledger; null when it has no entries at all."
    sql: ${TABLE}.offchain_balance ;;
  }

  dimension_group: covered_until {
    type: time
    description: "The run's data is complete before this instant."
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

  measure: max_slot {
    type: max
    description: "Slot at which both are taken."
    sql: ${TABLE}.slot ;;
  }

  measure: max_events_balance {
    type: max
    description: "Base units by the decoded events."
    sql: ${TABLE}.events_balance ;;
    required_fields: [mint]
  }

  measure: max_events_balance_in_units {
    type: max
    description: "Base units by the decoded events. In whole units of the mint."
    sql: ${TABLE}.events_balance * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_offchain_balance {
    type: max
    description: "Base units by the platform's own ledger; null when it has no entries at all."
    sql: ${TABLE}.offchain_balance ;;
    required_fields: [mint]
  }

  measure: max_offchain_balance_in_units {
    type: max
    description: "Base units by the platform's own ledger; null when it has no entries at all. In whole units of the mint."
    sql: ${TABLE}.offchain_balance * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: in_flight {
    type: sum
    description: "Net base units of events younger than the allowed lag and not booked yet; null like offchain_balance."
    sql: ${TABLE}.in_flight ;;
    required_fields: [mint]
  }

  measure: in_flight_in_units {
    type: sum
    description: "Net base units of events younger than the allowed lag and not booked yet; null like offchain_balance. In whole units of the mint."
    sql: ${TABLE}.in_flight * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: difference {
    type: sum
    description: "events_balance - offchain_balance - in_flight; must be 0."
    sql: ${TABLE}.difference ;;
    required_fields: [mint]
  }

  measure: difference_in_units {
    type: sum
    description: "events_balance - offchain_balance - in_flight; must be 0. In whole units of the mint."
    sql: ${TABLE}.difference * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

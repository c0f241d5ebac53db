# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_reconciliation {
  label: "Escrow reconciliation"
  sql_table_name: marts.escrow_reconciliation ;;

  dimension: vault {
    type: string
    description: "Vault token account."
    sql: ${TABLE}.vault ;;
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

  dimension: method {
    type: string
    description: "How the vault's balance is known: token_balances (left behind by transactions) or live_reading (asked of a node)."
    sql: ${TABLE}.method ;;
  }

  dimension: slot {
    type: number
    description: "Slot at which all three are taken."
    sql: ${TABLE}.slot ;;
  }

  dimension: changed_slot {
    type: number
    description: "Slot that last moved the vault; null for live_reading."
    sql: ${TABLE}.changed_slot ;;
  }

  dimension: vault_balance {
    type: number
    description: "Base units in the vault, from the chain."
    sql: ${TABLE}.vault_balance ;;
  }

  dimension: ledger_balance {
    type: number
    description: "Base units by the decoded events; null when nothing was ever decoded."
    sql: ${TABLE}.ledger_balance ;;
  }

  dimension: offchain_balance {
    type: number
    description: "Base units by the platform's own ledger; null when it has no entries at all."
    sql: ${TABLE}.offchain_balance ;;
  }

  dimension_group: observed {
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
    sql: ${TABLE}.observed_at ;;
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
    description: "Slot at which all three are taken."
    sql: ${TABLE}.slot ;;
  }

  measure: max_changed_slot {
    type: max
    description: "Slot that last moved the vault; null for live_reading."
    sql: ${TABLE}.changed_slot ;;
  }

  measure: max_vault_balance {
    type: max
    description: "Base units in the vault, from the chain."
    sql: ${TABLE}.vault_balance ;;
    required_fields: [mint]
  }

  measure: max_vault_balance_in_units {
    type: max
    description: "Base units in the vault, from the chain. In whole units of the mint."
    sql: ${TABLE}.vault_balance * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_ledger_balance {
    type: max
    description: "Base units by the decoded events; null when nothing was ever decoded."
    sql: ${TABLE}.ledger_balance ;;
    required_fields: [mint]
  }

  measure: max_ledger_balance_in_units {
    type: max
    description: "Base units by the decoded events; null when nothing was ever decoded. In whole units of the mint."
    sql: ${TABLE}.ledger_balance * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
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
    description: "Net base units of decoded events that are younger than the allowed lag and not booked off chain yet; null like offchain_balance."
    sql: ${TABLE}.in_flight ;;
    required_fields: [mint]
  }

  measure: in_flight_in_units {
    type: sum
    description: "Net base units of decoded events that are younger than the allowed lag and not booked off chain yet; null like offchain_balance. In whole units of the mint."
    sql: ${TABLE}.in_flight * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: ledger_difference {
    type: sum
    description: "vault_balance - ledger_balance; must be 0."
    sql: ${TABLE}.ledger_difference ;;
    required_fields: [mint]
  }

  measure: ledger_difference_in_units {
    type: sum
    description: "vault_balance - ledger_balance; must be 0. In whole units of the mint."
    sql: ${TABLE}.ledger_difference * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: offchain_difference {
    type: sum
    description: "vault_balance - offchain_balance - in_flight; must be 0."
    sql: ${TABLE}.offchain_difference ;;
    required_fields: [mint]
  }

  measure: offchain_difference_in_units {
    type: sum
    description: "vault_balance - offchain_balance - in_flight; must be 0. In whole units of the mint."
    sql: ${TABLE}.offchain_difference * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: ledger_offchain_difference {
    type: sum
    description: "ledger_balance - offchain_balance - in_flight; must be 0."
    sql: ${TABLE}.ledger_offchain_difference ;;
    required_fields: [mint]
  }

  measure: ledger_offchain_difference_in_units {
    type: sum
    description: "ledger_balance - offchain_balance - in_flight; must be 0. In whole units of the mint."
    sql: ${TABLE}.ledger_offchain_difference * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

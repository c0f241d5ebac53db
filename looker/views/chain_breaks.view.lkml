# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_breaks {
  label: "Chain breaks"
  sql_table_name: marts.chain_breaks ;;

  dimension: break_id {
    type: string
    description: "account:kind:after_signature:before_signature."
    sql: ${TABLE}.break_id ;;
  }

  dimension: account {
    type: string
    description: "Watched account."
    sql: ${TABLE}.account ;;
  }

  dimension: account_kind {
    type: string
    description: "program, vault, treasury or fee_payer."
    sql: ${TABLE}.account_kind ;;
  }

  dimension: kind {
    type: string
    description: "token or native."
    sql: ${TABLE}.kind ;;
  }

  dimension: mint {
    type: string
    description: "Mint of a token account; null for native balances."
    sql: ${TABLE}.mint ;;
  }

  dimension: symbol {
    type: string
    description: "Symbol of the mint, null where it isn't configured and for native balances."
    sql: ${TABLE}.symbol ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of the amounts."
    sql: ${TABLE}.decimals ;;
  }

  dimension: after_signature {
    type: string
    description: "Last transaction before the break; null at the account's beginning."
    sql: ${TABLE}.after_signature ;;
  }

  dimension: after_slot {
    type: number
    description: "Its slot."
    sql: ${TABLE}.after_slot ;;
  }

  dimension: before_signature {
    type: string
    description: "First transaction behind the break; null where the chain's reported balance contradicts."
    sql: ${TABLE}.before_signature ;;
  }

  dimension: before_slot {
    type: number
    description: "Its slot, or that of the reported balance."
    sql: ${TABLE}.before_slot ;;
  }

  dimension: state {
    type: string
    description: "open or repaired."
    sql: ${TABLE}.state ;;
  }

  dimension_group: found {
    type: time
    description: "When a proof first found it, by the reader's clock."
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
    sql: ${TABLE}.found_at ;;
  }

  dimension_group: repaired {
    type: time
    description: "When a later proof of the same balances first held without it; null while it is open."
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
    sql: ${TABLE}.repaired_at ;;
  }

  dimension_group: window_start {
    type: time
    description: "Window of the run that last found it: the one to run again."
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

  measure: max_after_slot {
    type: max
    description: "Its slot."
    sql: ${TABLE}.after_slot ;;
  }

  measure: max_before_slot {
    type: max
    description: "Its slot, or that of the reported balance."
    sql: ${TABLE}.before_slot ;;
  }

  measure: expected_amount {
    type: sum
    description: "Base units or lamports after the last transaction before the break."
    sql: ${TABLE}.expected_amount ;;
    required_fields: [mint]
  }

  measure: expected_amount_in_units {
    type: sum
    description: "Base units or lamports after the last transaction before the break. In whole units of the mint."
    sql: ${TABLE}.expected_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: found_amount {
    type: sum
    description: "Base units or lamports that the next transaction, or the chain, states."
    sql: ${TABLE}.found_amount ;;
    required_fields: [mint]
  }

  measure: found_amount_in_units {
    type: sum
    description: "Base units or lamports that the next transaction, or the chain, states. In whole units of the mint."
    sql: ${TABLE}.found_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: amount {
    type: sum
    description: "found_amount - expected_amount: what the missing transactions moved."
    sql: ${TABLE}.amount ;;
    required_fields: [mint]
  }

  measure: amount_in_units {
    type: sum
    description: "found_amount - expected_amount: what the missing transactions moved. In whole units of the mint."
    sql: ${TABLE}.amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: proofs_listing {
    type: sum
    description: "Proofs that list it."
    sql: ${TABLE}.proofs_listing ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

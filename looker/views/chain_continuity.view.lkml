# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_continuity {
  label: "Chain continuity"
  sql_table_name: marts.chain_continuity ;;

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

  dimension: result {
    type: string
    description: "broken while any break is open, also of an earlier proof; else proved, or open: continuous, but no reported balance closes it yet."
    sql: ${TABLE}.result ;;
  }

  dimension: from_slot {
    type: number
    description: "First slot of the proof; what lies before it is in earlier proofs where opening_source is proof."
    sql: ${TABLE}.from_slot ;;
  }

  dimension: to_slot {
    type: number
    description: "Last covered slot, inside."
    sql: ${TABLE}.to_slot ;;
  }

  dimension: opening_amount {
    type: number
    description: "Base units or lamports before the first of them."
    sql: ${TABLE}.opening_amount ;;
  }

  dimension: opening_source {
    type: string
    description: "zero: the account's first transaction is held; first_transaction: earlier history is not covered; proof: the closing amount of an earlier proof."
    sql: ${TABLE}.opening_source ;;
  }

  dimension: closing_amount {
    type: number
    description: "Base units or lamports after the last of them."
    sql: ${TABLE}.closing_amount ;;
  }

  dimension: reported_amount {
    type: number
    description: "Balance that the chain reports; null where none was read inside the coverage."
    sql: ${TABLE}.reported_amount ;;
  }

  dimension: reported_slot {
    type: number
    description: "Slot of that balance."
    sql: ${TABLE}.reported_slot ;;
  }

  dimension: open_breaks {
    type: number
    description: "Breaks that no proof has found repaired, older ones too."
    sql: ${TABLE}.open_breaks ;;
  }

  dimension: proof_id {
    type: string
    description: "attempt:round:account:kind:from_slot."
    sql: ${TABLE}.proof_id ;;
  }

  dimension_group: proved {
    type: time
    description: "When it was computed, by the reader's clock."
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
    sql: ${TABLE}.proved_at ;;
  }

  dimension_group: window_start {
    type: time
    description: "Window of the run."
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

  measure: max_from_slot {
    type: max
    description: "First slot of the proof; what lies before it is in earlier proofs where opening_source is proof."
    sql: ${TABLE}.from_slot ;;
  }

  measure: max_to_slot {
    type: max
    description: "Last covered slot, inside."
    sql: ${TABLE}.to_slot ;;
  }

  measure: transactions {
    type: sum
    description: "Transactions whose balances were compared."
    sql: ${TABLE}.transactions ;;
  }

  measure: max_opening_amount {
    type: max
    description: "Base units or lamports before the first of them."
    sql: ${TABLE}.opening_amount ;;
    required_fields: [mint]
  }

  measure: max_opening_amount_in_units {
    type: max
    description: "Base units or lamports before the first of them. In whole units of the mint."
    sql: ${TABLE}.opening_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_closing_amount {
    type: max
    description: "Base units or lamports after the last of them."
    sql: ${TABLE}.closing_amount ;;
    required_fields: [mint]
  }

  measure: max_closing_amount_in_units {
    type: max
    description: "Base units or lamports after the last of them. In whole units of the mint."
    sql: ${TABLE}.closing_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_reported_amount {
    type: max
    description: "Balance that the chain reports; null where none was read inside the coverage."
    sql: ${TABLE}.reported_amount ;;
    required_fields: [mint]
  }

  measure: max_reported_amount_in_units {
    type: max
    description: "Balance that the chain reports; null where none was read inside the coverage. In whole units of the mint."
    sql: ${TABLE}.reported_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_reported_slot {
    type: max
    description: "Slot of that balance."
    sql: ${TABLE}.reported_slot ;;
  }

  measure: difference {
    type: sum
    description: "What the reported balance differs by from the balance proved up to its slot; must be 0. Null like reported_amount."
    sql: ${TABLE}.difference ;;
    required_fields: [mint]
  }

  measure: difference_in_units {
    type: sum
    description: "What the reported balance differs by from the balance proved up to its slot; must be 0. Null like reported_amount. In whole units of the mint."
    sql: ${TABLE}.difference * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_open_breaks {
    type: max
    description: "Breaks that no proof has found repaired, older ones too."
    sql: ${TABLE}.open_breaks ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

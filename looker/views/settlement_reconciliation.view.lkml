# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: settlement_reconciliation {
  label: "Settlement reconciliation"
  sql_table_name: marts.settlement_reconciliation ;;

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
    description: "Decimals of the mint."
    sql: ${TABLE}.decimals ;;
  }

  dimension: state {
    type: string
    description: "settled, refunded, open; unpaid, paid_twice, paid_wrong or overpaid."
    sql: ${TABLE}.state ;;
  }

  dimension: odd_signature {
    type: string
    description: "Transaction of a repeated or wrong prize."
    sql: ${TABLE}.odd_signature ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot of the match counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: due {
    type: time
    description: "When the match must have been paid; null until it has ended."
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
    sql: ${TABLE}.due_at ;;
  }

  dimension_group: as_of {
    type: time
    description: "Its block time."
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

  measure: pot {
    type: sum
    description: "Base units that went in."
    sql: ${TABLE}.pot ;;
    required_fields: [mint]
  }

  measure: pot_in_units {
    type: sum
    description: "Base units that went in. In whole units of the mint."
    sql: ${TABLE}.pot * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: prizes {
    type: sum
    description: "Base units paid out as prizes."
    sql: ${TABLE}.prizes ;;
    required_fields: [mint]
  }

  measure: prizes_in_units {
    type: sum
    description: "Base units paid out as prizes. In whole units of the mint."
    sql: ${TABLE}.prizes * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: fee {
    type: sum
    description: "Base units taken as fee."
    sql: ${TABLE}.fee ;;
    required_fields: [mint]
  }

  measure: fee_in_units {
    type: sum
    description: "Base units taken as fee. In whole units of the mint."
    sql: ${TABLE}.fee * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: refunds {
    type: sum
    description: "Base units given back."
    sql: ${TABLE}.refunds ;;
    required_fields: [mint]
  }

  measure: refunds_in_units {
    type: sum
    description: "Base units given back. In whole units of the mint."
    sql: ${TABLE}.refunds * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: difference {
    type: sum
    description: "pot - prizes - fee - refunds: 0 once it is settled or refunded, above 0 while it is to be paid, below when too much came out."
    sql: ${TABLE}.difference ;;
    required_fields: [mint]
  }

  measure: difference_in_units {
    type: sum
    description: "pot - prizes - fee - refunds: 0 once it is settled or refunded, above 0 while it is to be paid, below when too much came out. In whole units of the mint."
    sql: ${TABLE}.difference * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: repeated_amount {
    type: sum
    description: "Base units that a holder got again within seven days."
    sql: ${TABLE}.repeated_amount ;;
    required_fields: [mint]
  }

  measure: repeated_amount_in_units {
    type: sum
    description: "Base units that a holder got again within seven days. In whole units of the mint."
    sql: ${TABLE}.repeated_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: wrong_amount {
    type: sum
    description: "Base units paid to another holder than the winners whom the chain names."
    sql: ${TABLE}.wrong_amount ;;
    required_fields: [mint]
  }

  measure: wrong_amount_in_units {
    type: sum
    description: "Base units paid to another holder than the winners whom the chain names. In whole units of the mint."
    sql: ${TABLE}.wrong_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: prize_count {
    type: sum
    description: "Prizes."
    sql: ${TABLE}.prize_count ;;
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

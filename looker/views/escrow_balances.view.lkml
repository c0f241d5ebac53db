# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_balances {
  label: "Escrow balances"
  sql_table_name: marts.escrow_balances ;;

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

  dimension: account_class {
    type: string
    description: "escrow, or holder for all users of the vault together."
    sql: ${TABLE}.account_class ;;
  }

  dimension: escrow_id {
    type: string
    description: "Match or escrow; null for holder."
    sql: ${TABLE}.escrow_id ;;
  }

  dimension: balance {
    type: number
    description: "Base units."
    sql: ${TABLE}.balance ;;
  }

  dimension: age_hours {
    type: number
    description: "Whole hours from opened_at to as_of_time; null for holder."
    sql: ${TABLE}.age_hours ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot of the ledger."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: opened {
    type: time
    description: "First posting since the escrow was last empty at a day's end; null for holder."
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
    sql: ${TABLE}.opened_at ;;
  }

  dimension_group: as_of {
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
    sql: ${TABLE}.as_of_time ;;
  }

  measure: max_balance {
    type: max
    description: "Base units."
    sql: ${TABLE}.balance ;;
    required_fields: [mint]
  }

  measure: max_balance_in_units {
    type: max
    description: "Base units. In whole units of the mint."
    sql: ${TABLE}.balance * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_age_hours {
    type: max
    description: "Whole hours from opened_at to as_of_time; null for holder."
    sql: ${TABLE}.age_hours ;;
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot of the ledger."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

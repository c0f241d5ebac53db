# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_balances_daily {
  label: "Escrow balances daily"
  sql_table_name: marts.escrow_balances_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.balance_date as string), ''), '|', coalesce(cast(${TABLE}.vault as string), ''), '|', coalesce(cast(${TABLE}.mint as string), '')) ;;
  }

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

  dimension: escrow_balance {
    type: number
    description: "Base units in open escrows at the day's end."
    sql: ${TABLE}.escrow_balance ;;
  }

  dimension: holder_balance {
    type: number
    description: "Base units that belong to users outside escrows at the day's end."
    sql: ${TABLE}.holder_balance ;;
  }

  dimension: opening_outstanding {
    type: number
    description: "Base units in the vault at the end of the day before."
    sql: ${TABLE}.opening_outstanding ;;
  }

  dimension: outstanding {
    type: number
    description: "Base units in the vault at the day's end (TVL): escrow_balance + holder_balance."
    sql: ${TABLE}.outstanding ;;
  }

  dimension: open_escrows {
    type: number
    description: "Escrows with money at the day's end."
    sql: ${TABLE}.open_escrows ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot that moved the vault, up to the day's end."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: balance {
    type: time
    description: "UTC day; the partition."
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
    sql: ${TABLE}.balance_date ;;
  }

  dimension_group: oldest_escrow_opened {
    type: time
    description: "When the oldest of them was opened."
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
    sql: ${TABLE}.oldest_escrow_opened_at ;;
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

  measure: max_escrow_balance {
    type: max
    description: "Base units in open escrows at the day's end."
    sql: ${TABLE}.escrow_balance ;;
    required_fields: [mint]
  }

  measure: max_escrow_balance_in_units {
    type: max
    description: "Base units in open escrows at the day's end. In whole units of the mint."
    sql: ${TABLE}.escrow_balance * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_holder_balance {
    type: max
    description: "Base units that belong to users outside escrows at the day's end."
    sql: ${TABLE}.holder_balance ;;
    required_fields: [mint]
  }

  measure: max_holder_balance_in_units {
    type: max
    description: "Base units that belong to users outside escrows at the day's end. In whole units of the mint."
    sql: ${TABLE}.holder_balance * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_opening_outstanding {
    type: max
    description: "Base units in the vault at the end of the day before."
    sql: ${TABLE}.opening_outstanding ;;
    required_fields: [mint]
  }

  measure: max_opening_outstanding_in_units {
    type: max
    description: "Base units in the vault at the end of the day before. In whole units of the mint."
    sql: ${TABLE}.opening_outstanding * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_outstanding {
    type: max
    description: "Base units in the vault at the day's end (TVL): escrow_balance + holder_balance."
    sql: ${TABLE}.outstanding ;;
    required_fields: [mint]
  }

  measure: max_outstanding_in_units {
    type: max
    description: "Base units in the vault at the day's end (TVL): escrow_balance + holder_balance. In whole units of the mint."
    sql: ${TABLE}.outstanding * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_open_escrows {
    type: max
    description: "Escrows with money at the day's end."
    sql: ${TABLE}.open_escrows ;;
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot that moved the vault, up to the day's end."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

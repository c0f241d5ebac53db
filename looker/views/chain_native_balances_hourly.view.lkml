# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: chain_native_balances_hourly {
  label: "Chain native balances hourly"
  sql_table_name: marts.chain_native_balances_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.balance_date as string), ''), '|', coalesce(cast(${TABLE}.hour_start as string), ''), '|', coalesce(cast(${TABLE}.account as string), '')) ;;
  }

  dimension: account {
    type: string
    description: "The platform's own address."
    sql: ${TABLE}.account ;;
  }

  dimension: account_kind {
    type: string
    description: "program, vault, treasury or fee_payer."
    sql: ${TABLE}.account_kind ;;
  }

  dimension: opening_lamports {
    type: number
    description: "Balance at the hour's start: the last known one's, or before its first transaction where none is known."
    sql: ${TABLE}.opening_lamports ;;
  }

  dimension: closing_lamports {
    type: number
    description: "Balance at the hour's end."
    sql: ${TABLE}.closing_lamports ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Slot of the newest observation, of this hour or an earlier one."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: balance {
    type: time
    description: "UTC day of the hour; the partition."
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

  dimension_group: hour_start {
    type: time
    description: "Start of the hour."
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
    sql: ${TABLE}.hour_start ;;
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

  measure: max_opening_lamports {
    type: max
    description: "Balance at the hour's start: the last known one's, or before its first transaction where none is known."
    sql: ${TABLE}.opening_lamports ;;
  }

  measure: max_closing_lamports {
    type: max
    description: "Balance at the hour's end."
    sql: ${TABLE}.closing_lamports ;;
  }

  measure: change_lamports {
    type: sum
    description: "closing_lamports - opening_lamports."
    sql: ${TABLE}.change_lamports ;;
  }

  measure: transactions {
    type: sum
    description: "Transactions of the hour that name the account; 0: the balance is carried on, or a live reading's."
    sql: ${TABLE}.transactions ;;
  }

  measure: max_as_of_slot {
    type: max
    description: "Slot of the newest observation, of this hour or an earlier one."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

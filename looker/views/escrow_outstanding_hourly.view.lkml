# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: escrow_outstanding_hourly {
  label: "Escrow outstanding hourly"
  sql_table_name: marts.escrow_outstanding_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.hour_start as string), ''), '|', coalesce(cast(${TABLE}.vault as string), ''), '|', coalesce(cast(${TABLE}.mint as string), '')) ;;
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
    description: "Base units in open escrows when the hour ends."
    sql: ${TABLE}.escrow_balance ;;
  }

  dimension: holder_balance {
    type: number
    description: "Base units of all users together."
    sql: ${TABLE}.holder_balance ;;
  }

  dimension: outstanding {
    type: number
    description: "escrow_balance + holder_balance: what the platform owes."
    sql: ${TABLE}.outstanding ;;
  }

  dimension: open_escrows {
    type: number
    description: "Escrows that hold money when the hour ends."
    sql: ${TABLE}.open_escrows ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot of a posting in the vault up to the hour's end."
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
    description: "Start of the UTC hour."
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

  dimension_group: oldest_escrow_opened {
    type: time
    description: "Block time of the first entry of the oldest of them; null without one. An escrow that is emptied and filled again within a day keeps its opening."
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
    description: "Base units in open escrows when the hour ends."
    sql: ${TABLE}.escrow_balance ;;
    required_fields: [mint]
  }

  measure: max_escrow_balance_in_units {
    type: max
    description: "Base units in open escrows when the hour ends. In whole units of the mint."
    sql: ${TABLE}.escrow_balance * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_holder_balance {
    type: max
    description: "Base units of all users together."
    sql: ${TABLE}.holder_balance ;;
    required_fields: [mint]
  }

  measure: max_holder_balance_in_units {
    type: max
    description: "Base units of all users together. In whole units of the mint."
    sql: ${TABLE}.holder_balance * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_outstanding {
    type: max
    description: "escrow_balance + holder_balance: what the platform owes."
    sql: ${TABLE}.outstanding ;;
    required_fields: [mint]
  }

  measure: max_outstanding_in_units {
    type: max
    description: "escrow_balance + holder_balance: what the platform owes. In whole units of the mint."
    sql: ${TABLE}.outstanding * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: max_open_escrows {
    type: max
    description: "Escrows that hold money when the hour ends."
    sql: ${TABLE}.open_escrows ;;
  }

  measure: mean_age_seconds_numerator {
    type: sum
    description: "Their ages at the hour's end, added up, in seconds; divide by mean_age_seconds_denominator."
    sql: ${TABLE}.mean_age_seconds_numerator ;;
    hidden: yes
  }

  measure: mean_age_seconds_denominator {
    type: sum
    description: "open_escrows."
    sql: ${TABLE}.mean_age_seconds_denominator ;;
    hidden: yes
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot of a posting in the vault up to the hour's end."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: mean_age_seconds {
    type: number
    description: "Mean age seconds: Their ages at the hour's end, added up, in seconds; divide by mean_age_seconds_denominator. Divided by: open_escrows."
    value_format_name: decimal_2
    sql: cast(${mean_age_seconds_numerator} as numeric) / nullif(${mean_age_seconds_denominator}, 0) ;;
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: money_hourly {
  label: "Money hourly"
  sql_table_name: marts.money_hourly ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.hour_start as string), ''), '|', coalesce(cast(${TABLE}.mint as string), '')) ;;
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

  dimension: withdrawals_users {
    type: number
    description: "Distinct users who withdrew in the hour."
    sql: ${TABLE}.withdrawals_users ;;
  }

  dimension: as_of_slot {
    type: number
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  dimension_group: activity {
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
    sql: ${TABLE}.activity_date ;;
  }

  dimension_group: hour_start {
    type: time
    description: "Start of the UTC hour that the block's time lies in."
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

  measure: entry_volume {
    type: sum
    description: "Base units paid as entries."
    sql: ${TABLE}.entry_volume ;;
    required_fields: [mint]
  }

  measure: entry_volume_in_units {
    type: sum
    description: "Base units paid as entries. In whole units of the mint."
    sql: ${TABLE}.entry_volume * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: entry_count {
    type: sum
    description: "Entries paid."
    sql: ${TABLE}.entry_count ;;
  }

  measure: prize_volume {
    type: sum
    description: "Base units given out as prizes."
    sql: ${TABLE}.prize_volume ;;
    required_fields: [mint]
  }

  measure: prize_volume_in_units {
    type: sum
    description: "Base units given out as prizes. In whole units of the mint."
    sql: ${TABLE}.prize_volume * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: prize_count {
    type: sum
    description: "Prizes given out."
    sql: ${TABLE}.prize_count ;;
  }

  measure: fee_revenue {
    type: sum
    description: "Base units of fees taken from escrows."
    sql: ${TABLE}.fee_revenue ;;
    required_fields: [mint]
  }

  measure: fee_revenue_in_units {
    type: sum
    description: "Base units of fees taken from escrows. In whole units of the mint."
    sql: ${TABLE}.fee_revenue * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: refunds {
    type: sum
    description: "Base units given back to players."
    sql: ${TABLE}.refunds ;;
    required_fields: [mint]
  }

  measure: refunds_in_units {
    type: sum
    description: "Base units given back to players. In whole units of the mint."
    sql: ${TABLE}.refunds * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: refund_count {
    type: sum
    description: "Refunds."
    sql: ${TABLE}.refund_count ;;
  }

  measure: deposits {
    type: sum
    description: "Base units brought in by users."
    sql: ${TABLE}.deposits ;;
    required_fields: [mint]
  }

  measure: deposits_in_units {
    type: sum
    description: "Base units brought in by users. In whole units of the mint."
    sql: ${TABLE}.deposits * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: deposit_count {
    type: sum
    description: "Deposits."
    sql: ${TABLE}.deposit_count ;;
  }

  measure: withdrawals_amount {
    type: sum
    description: "Base units taken out by users."
    sql: ${TABLE}.withdrawals_amount ;;
    required_fields: [mint]
  }

  measure: withdrawals_amount_in_units {
    type: sum
    description: "Base units taken out by users. In whole units of the mint."
    sql: ${TABLE}.withdrawals_amount * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: withdrawals_count {
    type: sum
    description: "Withdrawals."
    sql: ${TABLE}.withdrawals_count ;;
  }

  measure: max_withdrawals_users {
    type: max
    description: "Distinct users who withdrew in the hour."
    sql: ${TABLE}.withdrawals_users ;;
  }

  measure: net_deposits {
    type: sum
    description: "deposits - withdrawals_amount."
    sql: ${TABLE}.net_deposits ;;
    required_fields: [mint]
  }

  measure: net_deposits_in_units {
    type: sum
    description: "deposits - withdrawals_amount. In whole units of the mint."
    sql: ${TABLE}.net_deposits * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: mean_entry_numerator {
    type: sum
    description: "entry_volume; divide by mean_entry_denominator."
    sql: ${TABLE}.mean_entry_numerator ;;
    hidden: yes
    required_fields: [mint]
  }

  measure: mean_entry_numerator_in_units {
    type: sum
    description: "entry_volume; divide by mean_entry_denominator. In whole units of the mint."
    sql: ${TABLE}.mean_entry_numerator * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    hidden: yes
    required_fields: [mint]
  }

  measure: mean_entry_denominator {
    type: sum
    description: "entry_count."
    sql: ${TABLE}.mean_entry_denominator ;;
    hidden: yes
  }

  measure: same_hour_mean_amount_numerator {
    type: sum
    description: "Base units withdrawn in the same hour of the seven days before; divide by same_hour_mean_denominator."
    sql: ${TABLE}.same_hour_mean_amount_numerator ;;
    hidden: yes
    required_fields: [mint]
  }

  measure: same_hour_mean_amount_numerator_in_units {
    type: sum
    description: "Base units withdrawn in the same hour of the seven days before; divide by same_hour_mean_denominator. In whole units of the mint."
    sql: ${TABLE}.same_hour_mean_amount_numerator * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    hidden: yes
    required_fields: [mint]
  }

  measure: same_hour_mean_count_numerator {
    type: sum
    description: "Withdrawals in the same hour of the seven days before; divide by same_hour_mean_denominator."
    sql: ${TABLE}.same_hour_mean_count_numerator ;;
    hidden: yes
  }

  measure: same_hour_mean_denominator {
    type: sum
    description: "Of the seven days before, those on which any money moved, in any mint: 0 is no history."
    sql: ${TABLE}.same_hour_mean_denominator ;;
    hidden: yes
  }

  measure: max_as_of_slot {
    type: max
    description: "Newest slot counted."
    sql: ${TABLE}.as_of_slot ;;
  }

  measure: mean_entry {
    type: number
    description: "Mean entry: entry_volume; divide by mean_entry_denominator. Divided by: entry_count."
    value_format_name: decimal_2
    sql: cast(${mean_entry_numerator} as numeric) / nullif(${mean_entry_denominator}, 0) ;;
    required_fields: [mint]
  }

  measure: mean_entry_in_units {
    type: number
    description: "Mean entry: entry_volume; divide by mean_entry_denominator. Divided by: entry_count."
    value_format_name: decimal_2
    sql: cast(${mean_entry_numerator_in_units} as numeric) / nullif(${mean_entry_denominator}, 0) ;;
    required_fields: [mint]
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}

# Written by `python -m reporting.looker` from the marts' contracts; edit there.
view: exchange_daily {
  label: "Exchange daily"
  sql_table_name: marts.exchange_daily ;;

  dimension: row_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: concat(coalesce(cast(${TABLE}.activity_date as string), ''), '|', coalesce(cast(${TABLE}.mint as string), '')) ;;
  }

  dimension: mint {
    type: string
    description: "Mint of the tokens; unknown where the request names none."
    sql: ${TABLE}.mint ;;
  }

  dimension: symbol {
    type: string
    description: "Symbol of the mint, null where it isn't configured."
    sql: ${TABLE}.symbol ;;
  }

  dimension: decimals {
    type: number
    description: "Decimals of the mint, null where it isn't configured."
    sql: ${TABLE}.decimals ;;
  }

  dimension: unique_users {
    type: number
    description: "Distinct users who made the requests."
    sql: ${TABLE}.unique_users ;;
  }

  dimension_group: activity {
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
    sql: ${TABLE}.activity_date ;;
  }

  dimension_group: as_of {
    type: time
    description: "Newest change of a counted request, or block of a counted payment."
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

  measure: requests {
    type: sum
    description: "Requests made."
    sql: ${TABLE}.requests ;;
  }

  measure: completed {
    type: sum
    description: "Requests paid by the program."
    sql: ${TABLE}.completed ;;
  }

  measure: failed {
    type: sum
    description: "Requests that ended unpaid."
    sql: ${TABLE}.failed ;;
  }

  measure: fallback {
    type: sum
    description: "Requests fulfilled by hand."
    sql: ${TABLE}.fallback ;;
  }

  measure: pending {
    type: sum
    description: "Of requests: those that are still open; falls as they end."
    sql: ${TABLE}.pending ;;
  }

  measure: success_rate_numerator {
    type: sum
    description: "completed."
    sql: ${TABLE}.success_rate_numerator ;;
    hidden: yes
  }

  measure: success_rate_denominator {
    type: sum
    description: "completed + failed + fallback: requests that ended."
    sql: ${TABLE}.success_rate_denominator ;;
    hidden: yes
  }

  measure: fallback_rate_numerator {
    type: sum
    description: "fallback."
    sql: ${TABLE}.fallback_rate_numerator ;;
    hidden: yes
  }

  measure: fallback_rate_denominator {
    type: sum
    description: "completed + failed + fallback."
    sql: ${TABLE}.fallback_rate_denominator ;;
    hidden: yes
  }

  measure: units_requested {
    type: sum
    description: "In-app units of the requests made."
    sql: ${TABLE}.units_requested ;;
  }

  measure: units_in {
    type: sum
    description: "In-app units of the requests that ended completed or by hand."
    sql: ${TABLE}.units_in ;;
  }

  measure: tokens_out {
    type: sum
    description: "Base units that those requests were given, as their documents state."
    sql: ${TABLE}.tokens_out ;;
    required_fields: [mint]
  }

  measure: tokens_out_in_units {
    type: sum
    description: "Base units that those requests were given, as their documents state. In whole units of the mint."
    sql: ${TABLE}.tokens_out * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: tokens_on_chain {
    type: sum
    description: "Base units that the program paid, by its events and the time of their block."
    sql: ${TABLE}.tokens_on_chain ;;
    required_fields: [mint]
  }

  measure: tokens_on_chain_in_units {
    type: sum
    description: "Base units that the program paid, by its events and the time of their block. In whole units of the mint."
    sql: ${TABLE}.tokens_on_chain * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    required_fields: [mint]
  }

  measure: mean_rate_numerator {
    type: sum
    description: "tokens_out: base units a unit, on the mean, over mean_rate_denominator."
    sql: ${TABLE}.mean_rate_numerator ;;
    hidden: yes
    required_fields: [mint]
  }

  measure: mean_rate_numerator_in_units {
    type: sum
    description: "tokens_out: base units a unit, on the mean, over mean_rate_denominator. In whole units of the mint."
    sql: ${TABLE}.mean_rate_numerator * cast(concat('1e-', cast(${TABLE}.decimals as string)) as bignumeric) ;;
    hidden: yes
    required_fields: [mint]
  }

  measure: mean_rate_denominator {
    type: sum
    description: "units_in."
    sql: ${TABLE}.mean_rate_denominator ;;
    hidden: yes
  }

  measure: max_unique_users {
    type: max
    description: "Distinct users who made the requests."
    sql: ${TABLE}.unique_users ;;
  }

  measure: success_rate {
    type: number
    description: "Success rate: completed. Divided by: completed + failed + fallback: requests that ended."
    value_format_name: percent_2
    sql: cast(${success_rate_numerator} as numeric) / nullif(${success_rate_denominator}, 0) ;;
  }

  measure: fallback_rate {
    type: number
    description: "Fallback rate: fallback. Divided by: completed + failed + fallback."
    value_format_name: percent_2
    sql: cast(${fallback_rate_numerator} as numeric) / nullif(${fallback_rate_denominator}, 0) ;;
  }

  measure: mean_rate {
    type: number
    description: "Mean rate: tokens_out: base units a unit, on the mean, over mean_rate_denominator. Divided by: units_in."
    value_format_name: decimal_2
    sql: cast(${mean_rate_numerator} as numeric) / nullif(${mean_rate_denominator}, 0) ;;
    required_fields: [mint]
  }

  measure: mean_rate_in_units {
    type: number
    description: "Mean rate: tokens_out: base units a unit, on the mean, over mean_rate_denominator. Divided by: units_in."
    value_format_name: decimal_2
    sql: cast(${mean_rate_numerator_in_units} as numeric) / nullif(${mean_rate_denominator}, 0) ;;
    required_fields: [mint]
  }

  measure: rows {
    type: count
    description: "Rows of the mart."
  }
}
